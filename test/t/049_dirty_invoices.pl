# A year of a shop's invoices as they are: rows without a customer, cancelled lines, postage, manual
# entries.  The options clean it and the training tells what they left out; none of what is no product
# is in any list, and by time the model finds at least twice of what popularity does.
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
  unless $load && -r "$data/online-retail/online_retail.csv.gz";

my $node = new_node('invoices', 'jit = off');
{
  local $ENV{RECO_DATA} = $data;
  local $ENV{PGHOST} = $node->host;
  local $ENV{PGPORT} = $node->port;
  local $ENV{PGDATABASE} = 'postgres';
  is(system('bash', $load, 'online-retail'), 0, 'the data is loaded');
}

my $source = q{$$SELECT customer_id, stock_code, quantity, invoiced_at,
  CASE WHEN invoice LIKE 'C%' THEN 'cancel' ELSE 'buy' END AS kind FROM online_retail.lines$$};
my $options = q{reco.options(cancel_kinds => '{cancel}', exclude_items => '{POST,D,M,C2,CRUK,DOT,"BANK CHARGES",PADS}')};

my ($code, $out, $err) =
  $node->psql('postgres', "CALL reco.create_model('home', $source, reco.ease(), options => $options)");
is($code, 0, 'it trains as it is');
note($err);
like($err, qr/541909 rows read, .*135080 without a user, 1920 skipped for an item of exclude_items/, 'what was left out is told');
like($err, qr/ 2799 cancelled by 8539 that cancel, 4558 cancelled in part, 1106 that cancel more than there was/, 'and what was cancelled');
like($err, qr/Rows of kinds: 8905 of "cancel"/, 'of these lines, the excluded ones among them');
is( $node->safe_psql('postgres', q{
      SELECT count(*) FROM online_retail.lines WHERE customer_id IS NOT NULL AND invoice LIKE 'C%'
         AND stock_code <> ALL ('{POST,D,M,C2,CRUK,DOT,"BANK CHARGES",PADS}')}),
  '8539', 'as they are counted in SQL');
is( $node->safe_psql('postgres', q{
      SELECT string_agg(reason || '=' || n, ' ' ORDER BY reason) FROM home.versions, jsonb_each(rows_skipped) AS s(reason, n) WHERE n::bigint > 0}),
  'cancelled=2799 cancelled_in_part=4558 cancelling=8539 cancelling_unmatched=1106 excluded=1920 items_dropped=31 no_user=135080 users_dropped=38',
  'and recorded');
is( $node->safe_psql('postgres', q{
      SELECT rows_read - rows_merged - interactions - (SELECT sum(n::bigint) FROM jsonb_each_text(rows_skipped) AS s(reason, n)
                WHERE reason IN ('no_user', 'excluded', 'cancelled', 'cancelling')) FROM home.versions}),
  '0', 'each row is one of these');

# codes of products are five digits, and letters after them
$node->safe_psql('postgres', "CALL reco.materialize('home', 100)");
is( $node->safe_psql('postgres', q{
      SELECT count(*) > 400000, count(*) FILTER (WHERE item_id !~ '^[0-9]{5}') FROM home.recommendations}),
  't|0', 'no postage in any list');
is( $node->safe_psql('postgres', q{
      SELECT count(*) FILTER (WHERE item_id !~ '^[0-9]{5}') FROM home.popular(NULL)}),
  '0', 'nor among what is popular');

my $ratios = $node->safe_psql('postgres', "
  SELECT metric, max(value) FILTER (WHERE algorithm LIKE 'ease%'), max(value) FILTER (WHERE algorithm LIKE 'popular%')
    FROM reco.evaluate($source, reco.ease(), split => 'time', cutoffs => '{10,20}', options => $options)
   WHERE (metric, k) IN (('precision', 10), ('recall', 20)) GROUP BY 1 ORDER BY 1");
for my $line (split /\n/, $ratios)
{
  my ($metric, $own, $popular) = split /\|/, $line;
  note("$metric $own, popularity $popular");
  cmp_ok($own, '>=', 2 * $popular, "$metric is twice that of popularity");
}
is(scalar(split /\n/, $ratios), 2, 'both were measured');

done_testing();
