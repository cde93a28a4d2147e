# The demo's shop: a model finds its customers' interests again, and beats the best
# sellers by far. What it recommends is of a customer's own interests at least three
# times as often as what a model recommends that was trained on the same rows with
# the products shuffled among them, so with the same popularity and the same
# baskets' sizes, but no interests.

use strict;
use warnings;

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
  my ($model, $source, $algorithm) = @_;
  my $with = $algorithm ? ", algorithm => $algorithm" : '';
  return sql("CALL reco.create_model('$model', source => '$source'$with)");
}

# Of all that a model recommends, the share from the customer's own interests.
sub share_of_interests
{
  my ($model) = @_;
  return sql(
    "SELECT avg((EXISTS (SELECT FROM interests AS i JOIN themes AS t ON t.id = i.theme
                         WHERE i.customer = c.id AND t.theme = p.theme))::int)
     FROM customers AS c, $model.recommend(c.id) AS r
     JOIN products AS p ON p.id = r.item_id");
}

sql('CREATE EXTENSION reco');
sql('CALL reco.sample_shop()');
sql('ALTER DATABASE postgres SET search_path = shop, public');

is(sql('SELECT count(*) FROM products'), '300', 'the shop has 300 products');
is(sql('SELECT count(*) FROM customers'), '2000', 'and 2000 customers');
is( sql('SELECT md5(string_agg(o::text, chr(10) ORDER BY o)) FROM (
       SELECT order_id, customer_id, product_id, qty, extract(epoch FROM ordered_at)::int, note
       FROM order_lines) AS o'),
  'eaf18021d47fe99627abe2b8bf3cda88',
  'its order lines are the same on every machine');
is( sql('SELECT md5(string_agg(r::text, chr(10) ORDER BY r)) FROM (
       SELECT customer_id, product_id, stars FROM reviews) AS r'),
  '329b635bf7f45dfe5adf8af092ff1851', 'so are its reviews');

# The order lines that say what a customer likes, under a name that the others have not.
sql('CREATE TABLE bought AS
     SELECT customer_id, product_id, 1 AS bought, ordered_at FROM order_lines
     WHERE customer_id IS NOT NULL AND product_id IS NOT NULL AND qty > 0');

sql('CREATE TABLE shuffled_lines AS
   WITH line AS (
     SELECT customer_id, bought, row_number() OVER (ORDER BY ordered_at, customer_id, product_id) AS n
     FROM bought
   ), product AS (
     SELECT product_id,
            row_number() OVER (ORDER BY md5(extract(epoch FROM ordered_at)::int || $$ $$ || customer_id), product_id) AS n
     FROM bought
   )
   SELECT customer_id, product_id, bought FROM line JOIN product USING (n)');
is( sql('SELECT count(*) FROM (
       SELECT product_id, count(*) FROM bought GROUP BY 1
       EXCEPT SELECT product_id, count(*) FROM shuffled_lines GROUP BY 1) AS d'),
  '0',
  'shuffling leaves every product its number of lines');

train('home', 'bought');
train('likes', 'bought', 'reco.ials(factors => 32)');
train('shuffled', 'shuffled_lines', 'reco.ials(factors => 32)');

is( sql('SELECT count(*) FROM customers AS c, home.recommend(c.id)'),
  '20000', 'every customer gets ten recommendations');

my $share = share_of_interests('likes');
my $share_shuffled = share_of_interests('shuffled');
note("of the customer's interests: $share, shuffled: $share_shuffled");
cmp_ok($share_shuffled, '>', 0.02, 'without interests in the rows, some are met by chance');
cmp_ok($share, '>=', 3 * $share_shuffled, 'with them, at least three times as many');

# The customer of the examples, with a model by the defaults.
my $garden = sql("SELECT string_agg((p.department = 'Garden')::int::text, '' ORDER BY r.rank)
                  FROM home.recommend(42) AS r JOIN products AS p ON p.id = r.item_id");
note("of the gardener's first list are from the garden: $garden");
like($garden, qr/^111/, 'the first things that the gardener is shown are for the garden');
cmp_ok($garden =~ tr/1//, '>=', 8, 'and nearly all of the list');
my ($worth, $popular) = split /\|/, sql(
  "SELECT metrics ->> 'ndcg\@10', metrics -> 'popular' ->> 'ndcg\@10' FROM home.versions");
cmp_ok($worth, '>=', 3 * $popular, "what it is worth is three times popularity: $worth, $popular");

# Every algorithm that is made for such rows beats popularity, which itself finds something.
for my $split ('random', 'time')
{
  my %ndcg = map { split /\|/ } split /\n/, sql(
    "SELECT split_part(algorithm, '(', 1), value
     FROM reco.evaluate('bought', ARRAY[reco.ials(), reco.item_knn(), reco.user_knn(), reco.rp3beta()],
                        split => '$split')
     WHERE metric = 'ndcg'");
  cmp_ok($ndcg{popular}, '>', 0.04, "$split: popularity finds some of what is hidden: $ndcg{popular}");
  cmp_ok($ndcg{$_}, '>=', 3 * $ndcg{popular}, "$split: $_ has three times its ndcg: $ndcg{$_}")
    for sort grep { $_ ne 'popular' } keys %ndcg;
}

$node->stop;
done_testing();
