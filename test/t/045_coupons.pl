# Who takes up a coupon: of the households that audience() has for its products, the first tenth
# holds at least three times as many of those who redeem it as a tenth of all households would.
# The models know the purchases of before, the coupons are of after.
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
  unless $load && -r "$data/completejourney/coupons.csv.gz";

my $node = new_node('coupons', 'jit = off');
{
  local $ENV{RECO_DATA} = $data;
  local $ENV{PGHOST} = $node->host;
  local $ENV{PGPORT} = $node->port;
  local $ENV{PGDATABASE} = 'postgres';
  is(system('bash', $load, 'completejourney'), 0, 'the data is loaded');
}

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sql(q{
  CREATE TABLE valid_for AS
  SELECT DISTINCT coupon_upc::bigint, product_id::numeric::int FROM completejourney.coupons;
  CREATE INDEX ON valid_for (coupon_upc)});

for my $cut ('2017-07-01', '2017-10-01')
{
  sql("CALL reco.create_model('home', 'SELECT household_id, product_id, quantity, at
         FROM completejourney.transactions WHERE at < date ''$cut''', reco.graph())");
  my ($redeemed, $found) = split /\|/, sql("
    WITH coupon AS (
      SELECT coupon_upc, array_agg(DISTINCT household_id) AS redeemers FROM completejourney.coupon_redemptions
       WHERE redemption_date >= '$cut' GROUP BY 1)
    SELECT sum(cardinality(redeemers)),
           sum((SELECT count(*) FROM home.audience(
                  for_items => ARRAY(SELECT product_id FROM valid_for AS v WHERE v.coupon_upc = c.coupon_upc),
                  n => (SELECT users / 10 FROM home.versions), exclude_buyers => false) AS a
                 WHERE a.user_id = ANY (c.redeemers)))
      FROM coupon AS c");
  my $lift = $found / ($redeemed / 10);
  note("from $cut on: $found of $redeemed redemptions in the first tenth, $lift times");
  cmp_ok($lift, '>=', 3, "coupons from $cut on");
  sql("CALL reco.drop_model('home')");
}

done_testing();
