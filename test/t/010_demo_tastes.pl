# The demo's shop: a model finds its customers' tastes again. What it recommends
# is from a customer's own tastes at least three times as often as what a model
# recommends that was trained on the same rows with the products shuffled among
# them, so with the same popularity and the same baskets' sizes, but no tastes.

use strict;
use warnings;

use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('shop');
$node->init;
$node->append_conf('postgresql.conf', 'fsync = off');
$node->start;

sub sql
{
  my ($query) = @_;
  return $node->safe_psql('postgres', $query);
}

# Train outside a transaction block, as everybody does.
sub train
{
  my ($model, $source) = @_;
  return sql("CALL reco.create_model('$model', source => '$source', algorithm => reco.ials(factors => 32))");
}

# Of all that a model recommends, the share from the customer's own tastes.
sub share_from_tastes
{
  my ($model) = @_;
  return sql(
    "SELECT avg((p.category = ANY (c.tastes))::int)
     FROM customers AS c, $model.recommend(c.id) AS r
     JOIN products AS p ON p.id = r.item_id");
}

sql('CREATE EXTENSION reco');
sql(slurp_file(dirname(__FILE__) . '/../demo/shop.sql'));

is(sql('SELECT count(*) FROM products'), '300', 'the shop has 300 products');
is(sql('SELECT count(*) FROM customers'), '2000', 'and 2000 customers');
is( sql('SELECT md5(string_agg(o::text, chr(10) ORDER BY o)) FROM (
       SELECT customer_id, product_id, qty, extract(epoch FROM ordered_at)::int FROM order_lines) AS o'),
  '8eb8360074a3fba80a8e1f36fd7166ae',
  'its order lines are the same on every machine');

sql('CREATE TABLE shuffled_lines AS
   WITH line AS (
     SELECT customer_id, qty, row_number() OVER (ORDER BY ordered_at, customer_id, product_id) AS n
     FROM order_lines
   ), product AS (
     SELECT product_id,
            row_number() OVER (ORDER BY md5(extract(epoch FROM ordered_at)::int || $$ $$ || customer_id), product_id) AS n
     FROM order_lines
   )
   SELECT customer_id, product_id, qty FROM line JOIN product USING (n)');
is( sql('SELECT count(*) FROM (
       SELECT product_id, count(*) FROM order_lines GROUP BY 1
       EXCEPT SELECT product_id, count(*) FROM shuffled_lines GROUP BY 1) AS d'),
  '0',
  'shuffling leaves every product its number of lines');

train('home', 'SELECT customer_id, product_id, qty FROM order_lines');
train('shuffled', 'SELECT customer_id, product_id, qty FROM shuffled_lines');

is( sql('SELECT count(*) FROM customers AS c, home.recommend(c.id)'),
  '20000', 'every customer gets ten recommendations');

my $share = share_from_tastes('home');
my $share_shuffled = share_from_tastes('shuffled');
note("from the customer's tastes: $share, shuffled: $share_shuffled");
cmp_ok($share_shuffled, '>', 0.05, 'without tastes in the rows, some are met by chance');
cmp_ok($share, '>=', 3 * $share_shuffled, 'with them, at least three times as many');

$node->stop;
done_testing();
