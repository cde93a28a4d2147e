# Households that buy each type of product in the last four weeks of Complete Journey, predicted
# from the weeks before: nearer than by what was bought in the four weeks before, and than by the
# mean of all periods; and the interval holds for about as many types as it says, of all types.
#
# The data is not in this repository: looked for in RECO_DATA, else in
# ../shared/data beside the project's folder, with ../tools/load.sh from there.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $data = File::Spec->rel2abs($ENV{RECO_DATA} || "$FindBin::RealBin/../../../shared/data");
my ($load) = grep { -r } "$data/../tools/load.sh", "$FindBin::RealBin/../../../shared/tools/load.sh";

plan skip_all => "no data sets in $data; RECO_DATA says where they are"
  unless $load && -r "$data/completejourney/transactions_sample.csv.gz";

my $node = new_node('demand', 'jit = off');
{
  local $ENV{RECO_DATA} = $data;
  local $ENV{PGHOST} = $node->host;
  local $ENV{PGPORT} = $node->port;
  local $ENV{PGDATABASE} = 'postgres';
  is(system('bash', $load, 'completejourney'), 0, 'the data is loaded');
}

my $result = $node->safe_psql(
  'postgres', q{
  CREATE TABLE bought AS
  SELECT household_id, product_type, at FROM completejourney.transactions JOIN completejourney.products USING (product_id)
   WHERE product_type IS NOT NULL;
  CREATE TABLE demand AS
  SELECT d.*, d.total::float8 / 12 AS popular,
         (SELECT count(DISTINCT household_id) FROM bought AS b
           WHERE b.product_type = d.item_id AND at > '2017-12-04' AND at <= timestamp '2017-12-04' + interval '28 days') AS came
    FROM reco.demand('SELECT household_id, product_type, 1, at FROM bought WHERE at <= ''2017-12-04''', '28 days') AS d;
  SELECT sum(abs(median - came)) / sum(came), sum(abs(expected - came)) / sum(came),
         sum(abs(latest - came)) / sum(came)::float8, sum(abs(popular - came)) / sum(came),
         avg((came BETWEEN low AND high)::int) FILTER (WHERE expected >= 3), count(*) FILTER (WHERE expected >= 3),
         avg((came BETWEEN low AND high)::int), count(*)
    FROM demand});
my ($median, $expected, $latest, $popular, $held, $n, $held_all, $n_all) = split /\|/, $result;

note("weighted absolute error: median $median, expected $expected, four weeks before $latest, mean $popular");
note("interval of 80 %: holds for $held of $n types of at least 3, $held_all of all $n_all");
cmp_ok($median, '<', $latest, 'nearer than the four weeks before');
cmp_ok($median, '<', $popular, 'nearer than the mean of all periods');
cmp_ok($expected, '<', $latest, 'so is the mean');
cmp_ok($held_all, '>=', 0.75, 'the interval is wide enough');
cmp_ok($held_all, '<=', 0.85, 'and not too wide');
cmp_ok($held, '>=', 0.75, 'so it is of what is bought often');
cmp_ok($held, '<=', 0.85, 'and not too wide');

# The same with a model: what users like and how often they come, calibrated on the four weeks before.
for my $algorithm ('repeat', 'ials')
{
  my ($by_median, $is_held, $model) = split /\|/, $node->safe_psql(
    'postgres', qq{
    SET client_min_messages = warning;
    CALL reco.drop_model('home', if_exists => true);
    CALL reco.create_model('home', 'SELECT household_id, product_type, 1, at FROM bought WHERE at <= ''2017-12-04''',
      reco.$algorithm(), options => reco.options(measure => false));
    SELECT sum(abs(h.median - d.came)) / sum(d.came), avg((d.came BETWEEN h.low AND h.high)::int), sum(abs(h.by_model - d.came)) / sum(d.came)
      FROM home.demand('28 days') AS h JOIN demand AS d USING (item_id)});

  note("$algorithm: median $by_median, of the model alone $model; interval holds for $is_held");
  cmp_ok($by_median, '<', $latest, "with $algorithm nearer than the four weeks before");
  cmp_ok($by_median, '<', $popular, "with $algorithm nearer than the mean of all periods");
  cmp_ok($by_median, '<', $median + 0.002, "with $algorithm no worse than without");
  cmp_ok($is_held, '>=', 0.75, "with $algorithm the interval is wide enough");
  cmp_ok($is_held, '<=', 0.85, "with $algorithm it is not too wide");
}

done_testing();
