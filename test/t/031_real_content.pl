# Purchases of beauty products: what a customer buys next is found by the
# products' attributes better than by popularity. Each customer's last purchase is
# left out of the training and looked for among twenty recommendations. And products that
# nobody has bought yet are told apart by factors that are made of their attributes.
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
  unless $load && -r "$data/amazon-beauty/sequences.txt.gz";

my $node = new_node('beauty', 'jit = off');
{
  local $ENV{RECO_DATA} = $data;
  local $ENV{PGHOST} = $node->host;
  local $ENV{PGPORT} = $node->port;
  local $ENV{PGDATABASE} = 'postgres';
  is(system('bash', $load, 'amazon-beauty'), 0, 'the data is loaded');
}

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

# The share of customers whose last purchase is among what a model recommends.
sub recall
{
  my ($model) = @_;
  return sql(
    "SELECT round(avg((EXISTS (SELECT FROM $model.recommend(l.user_id, 20) AS r
                                WHERE r.item_id = l.item_id))::int), 4)
       FROM last_bought AS l");
}

sql(q{
  CREATE TABLE bought AS
  SELECT user_id, item_id, pos = max(pos) OVER (PARTITION BY user_id) AS is_last FROM amazon_beauty.events;
  CREATE TABLE last_bought AS SELECT user_id, item_id FROM bought WHERE is_last;
  ANALYZE});
is( sql('SELECT count(*), count(DISTINCT item_id), (SELECT count(*) FROM amazon_beauty.items) FROM bought'),
  '198502|12101|12101',
  'purchases and products');

my $source = 'SELECT user_id, item_id FROM bought WHERE NOT is_last';
sql("CALL reco.create_model('attributes', '$source', reco.content(),
       items => 'SELECT item_id, attributes FROM amazon_beauty.items')");
sql("CALL reco.create_model('best_sellers', '$source', reco.popular())");

my $content = recall('attributes');
my $popular = recall('best_sellers');
note("recall at 20: attributes $content, popularity $popular");
cmp_ok($popular, '>', 0.02, 'popularity finds some');
cmp_ok($content, '>', 1.5 * $popular, 'attributes find half as many more at the least');

# A product whose every purchase was a last one is nobody's in the training.
is( sql('SELECT count(*) > 0 FROM attributes.item_factors WHERE interactions = 0'),
  't',
  'products that nobody has are in the model');
is( sql('SELECT count(*) FROM (SELECT item_id FROM attributes.item_factors WHERE interactions = 0 LIMIT 20) AS i,
           LATERAL (SELECT FROM attributes.similar_items(i.item_id, 1)) AS s'),
  sql('SELECT count(*) FROM (SELECT item_id FROM attributes.item_factors WHERE interactions = 0 LIMIT 20) AS i'),
  'and have others like them');
is( sql("SELECT count(*) FROM (SELECT user_id FROM attributes.user_factors ORDER BY user_id LIMIT 100) AS u,
           LATERAL (SELECT r.item_id, r.score FROM attributes.recommend(u.user_id, 5) AS r WHERE r.source = 'content') AS r,
           LATERAL (SELECT sum(contribution) FROM attributes.explain(u.user_id, r.item_id)) AS e
          WHERE abs(e.sum - r.score) > 1e-6"),
  '0',
  'explanations add up');

# A fifth of the products are hidden with all that was bought of them: by their attributes they are
# ranked among all, and better than by content alone.
my $hidden = 'item_id IN (SELECT item_id FROM amazon_beauty.items WHERE hashint8(item_id) & 1023 < 205)';
my %auc = map { split /=/ } split /\n/, sql(
  "SELECT split_part(algorithm, '(', 1) || '=' || value
     FROM reco.evaluate('SELECT user_id, item_id FROM bought WHERE NOT ($hidden)', ARRAY[reco.ials(factors => 32), reco.content()],
            test => 'SELECT user_id, item_id FROM bought WHERE $hidden', unknown => 'miss',
            items => 'SELECT item_id, attributes FROM amazon_beauty.items') WHERE metric = 'auc'");
note('auc of products without purchases: ' . join ', ', map { "$_ $auc{$_}" } sort keys %auc);
cmp_ok($auc{ials}, '>=', 0.7, 'factors by attributes tell which new product a customer buys');
cmp_ok($auc{ials}, '>', $auc{content}, 'better than attributes alone');

$node->stop;
done_testing();
