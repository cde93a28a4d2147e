# Sites that share sums of items and no rows: two servers, the center reads both over postgres_fdw
# as a role that may see nothing but the sums.  What it makes of them is what a model of all rows
# has, to 1e-6: neighbors of counts, and factors of normal equations.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my @site = (new_node('site_a'), new_node('site_b'));
my $center = $site[0];
plan skip_all => 'postgres_fdw is not there'
  if $center->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'}) ne '1';

# Each site's own customers; the recipe of doc/privacy.md.
for my $s (0, 1)
{
  make_lines($site[$s], 'lines', 200, 24, 3000);
  $site[$s]->safe_psql('postgres', qq{
    UPDATE lines SET customer_id = customer_id + $s * 1000;
    DELETE FROM lines WHERE (customer_id + product_id) % 5 = $s;
    CREATE SCHEMA shared;
    CREATE VIEW shared.baskets AS SELECT DISTINCT customer_id, product_id FROM public.lines;
    CREATE VIEW shared.items AS SELECT product_id AS item, count(*) AS people FROM shared.baskets GROUP BY 1 HAVING count(*) >= 1;
    CREATE VIEW shared.pairs AS
      SELECT a.product_id AS item, b.product_id AS other, count(*) AS people
        FROM shared.baskets a JOIN shared.baskets b ON a.customer_id = b.customer_id AND a.product_id <> b.product_id
       GROUP BY 1, 2 HAVING count(*) >= 1;
    CREATE ROLE center LOGIN;
    GRANT USAGE ON SCHEMA shared TO center;
    GRANT SELECT ON shared.items, shared.pairs TO center;});
}

$center->safe_psql('postgres', 'CREATE DATABASE center');
my $setup = 'CREATE EXTENSION postgres_fdw; CREATE EXTENSION reco;';
for my $s (0, 1)
{
  my ($host, $port) = ($site[$s]->host, $site[$s]->port);
  $setup .= qq{
    CREATE SERVER site_$s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
    CREATE USER MAPPING FOR CURRENT_USER SERVER site_$s OPTIONS (user 'center', password_required 'false');
    CREATE FOREIGN TABLE items_$s (item int, people bigint) SERVER site_$s OPTIONS (schema_name 'shared', table_name 'items');
    CREATE FOREIGN TABLE pairs_$s (item int, other int, people bigint) SERVER site_$s OPTIONS (schema_name 'shared', table_name 'pairs');
    CREATE FOREIGN TABLE rows_$s (customer_id int, product_id int) SERVER site_$s OPTIONS (schema_name 'shared', table_name 'baskets');};
}
$center->safe_psql('center', $setup . q{
  CREATE TABLE items AS SELECT item, sum(people) AS people FROM (TABLE items_0 UNION ALL TABLE items_1) s GROUP BY 1;
  CREATE TABLE pairs AS SELECT item, other, sum(people) AS people FROM (TABLE pairs_0 UNION ALL TABLE pairs_1) s GROUP BY 1, 2;
  CREATE VIEW neighbors AS
    SELECT p.item, p.other, p.people / sqrt(a.people * b.people) AS similarity
      FROM pairs p JOIN items a ON a.item = p.item JOIN items b ON b.item = p.other;});

for my $s (0, 1)
{
  my ($rc, $out, $err) = $center->psql('center', "SELECT count(*) FROM rows_$s");
  like($err, qr/permission denied/, "the center cannot read the rows of site $s");
}

# All rows in one place, which is what the sites do not want.
my $all = join ', ', map { $site[$_]->safe_psql('postgres', q{SELECT string_agg(format('(%s, %s)', customer_id, product_id), ', ') FROM shared.baskets}) } 0, 1;
$center->safe_psql('postgres', "CREATE TABLE all_rows (u int, i int); INSERT INTO all_rows VALUES $all");
$center->safe_psql('postgres', q{CALL reco.create_model('pooled', 'all_rows',
  reco.item_knn(weighting => 'none', shrinkage => 0, neighbors => 100), options => reco.options(live => 'off', measure => false))});
my $pooled = $center->safe_psql('postgres', q{SELECT item_id, neighbor_id, round(similarity::numeric, 6) FROM pooled.item_neighbors ORDER BY 1, 2});
my $federated = $center->safe_psql('center', q{SELECT item, other, round(similarity::numeric, 6) FROM neighbors ORDER BY 1, 2});
ok(length $pooled > 1000, 'there are neighbors');
is($federated, $pooled, 'sums of the sites give what all rows give');

# A list for a visitor of any site, from what the center gives back.
is($center->safe_psql('center', q{SELECT string_agg(item::text, ',' ORDER BY item) FROM (SELECT other AS item FROM neighbors WHERE item = ANY ('{1,5}') AND other <> ALL ('{1,5}')
      GROUP BY 1 ORDER BY sum(similarity) DESC, 1 LIMIT 5) s}),
  $center->safe_psql('postgres', q{SELECT string_agg(item_id::text, ',' ORDER BY item_id) FROM pooled.recommend_for(ARRAY[1, 5], 5)}),
  'and the same list');

# Factors: the center gives the sites factors of items and is given sums of the items' equations;
# who the users are, what they have, and their factors stay where they are.
my ($factors, $iterations) = (8, 6);
my $algorithm = "reco.ials(factors => $factors, regularization => 1, alpha => 4, seed => 5)";
my $before = 0;
for my $s (0, 1)
{
  $site[$s]->safe_psql('postgres', qq{
    CREATE VIEW bought AS SELECT customer_id, product_id, sum(qty)::float8 AS qty FROM lines GROUP BY 1, 2;
    CREATE TABLE shared.item_factors (item int PRIMARY KEY, factors real[] NOT NULL);
    CREATE TABLE shared.item_gram (gram float8[] NOT NULL);
    CREATE VIEW users AS
      SELECT customer_id, reco.als_agg(factors, qty, (SELECT gram FROM shared.item_gram), $algorithm) AS factors
        FROM bought JOIN shared.item_factors ON item = product_id GROUP BY customer_id
      UNION ALL
      SELECT customer_id, reco.als_start($before + row_number() OVER (ORDER BY customer_id) - 1, $algorithm)
        FROM (SELECT DISTINCT customer_id FROM lines) AS c WHERE NOT EXISTS (SELECT FROM shared.item_factors);
    CREATE VIEW shared.sums AS
      WITH u AS MATERIALIZED (TABLE public.users)
      SELECT NULL::int AS item, count(*) AS people, reco.gram_sums(factors) AS sums FROM u
      UNION ALL
      SELECT product_id, count(*), reco.als_sums(factors, qty, $algorithm) FROM public.bought JOIN u USING (customer_id)
       GROUP BY product_id HAVING count(*) >= 1;
    CREATE FUNCTION dot(x float8[], y float8[]) RETURNS float8 IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC SELECT sum(a * b) FROM unnest(x, y) AS t(a, b); END;
    CREATE VIEW shared.loss AS
      WITH u AS MATERIALIZED (TABLE public.users)
      SELECT (SELECT sum((1 + 4 * qty) * (1 - score) ^ 2 - score ^ 2)
                FROM (SELECT qty, public.dot(u.factors, i.factors) AS score
                        FROM public.bought JOIN u USING (customer_id) JOIN shared.item_factors i ON item = product_id) AS s)
             + (SELECT sum(public.dot(factors, factors)) FROM u) AS part;
    GRANT SELECT, INSERT, TRUNCATE ON shared.item_factors, shared.item_gram TO center;
    GRANT SELECT ON shared.sums, shared.loss TO center;});
  $before += $site[$s]->safe_psql('postgres', 'SELECT count(DISTINCT customer_id) FROM lines');
}
$setup = '';
for my $s (0, 1)
{
  $setup .= qq{
    CREATE FOREIGN TABLE sums_$s (item int, people bigint, sums bytea) SERVER site_$s OPTIONS (schema_name 'shared', table_name 'sums');
    CREATE FOREIGN TABLE loss_$s (part float8) SERVER site_$s OPTIONS (schema_name 'shared', table_name 'loss');
    CREATE FOREIGN TABLE users_$s (customer_id int, factors real[]) SERVER site_$s OPTIONS (schema_name 'public', table_name 'users');
    CREATE FOREIGN TABLE item_factors_$s (item int, factors real[]) SERVER site_$s OPTIONS (schema_name 'shared', table_name 'item_factors', batch_size '1000');
    CREATE FOREIGN TABLE item_gram_$s (gram float8[]) SERVER site_$s OPTIONS (schema_name 'shared', table_name 'item_gram');};
}
$center->safe_psql('center', $setup . qq{
  CREATE TABLE sums (item int, people bigint, sums bytea);
  CREATE TABLE item_factors (item int PRIMARY KEY, factors real[]);
  DO \$\$
  BEGIN
    FOR iteration IN 1 .. $iterations LOOP
      TRUNCATE sums, item_factors;
      INSERT INTO sums TABLE sums_0 UNION ALL TABLE sums_1;
      INSERT INTO item_factors
        SELECT item, reco.als_solve(sums, (SELECT reco.gram_total(sums) FROM sums WHERE item IS NULL))
          FROM sums WHERE item IS NOT NULL GROUP BY item;
      TRUNCATE item_factors_0, item_factors_1, item_gram_0, item_gram_1;
      INSERT INTO item_factors_0 TABLE item_factors;
      INSERT INTO item_factors_1 TABLE item_factors;
      INSERT INTO item_gram_0 SELECT reco.gram_agg(factors) FROM item_factors;
      INSERT INTO item_gram_1 TABLE item_gram_0;
    END LOOP;
  END
  \$\$;});
for my $s (0, 1)
{
  for my $hidden ("users_$s", "rows_$s")
  {
    my ($rc, $out, $err) = $center->psql('center', "SELECT count(*) FROM $hidden");
    like($err, qr/permission denied/, "the center cannot read $hidden");
  }
}
is($center->safe_psql('center', 'SELECT count(DISTINCT octet_length(sums)) FROM sums'), '1',
  'sums are of one size, whatever the rows: none is among them');

# The same of all rows in one place, from the same beginning.
$all = join ', ', map { $site[$_]->safe_psql('postgres', q{SELECT string_agg(format('(%s, %s, %s)', customer_id, product_id, qty), ', ') FROM bought}) } 0, 1;
$center->safe_psql('postgres', "CREATE TABLE all_bought (u int, i int, v int); INSERT INTO all_bought VALUES $all");
$center->safe_psql('postgres', qq{CALL reco.create_model('pooled_factors', 'all_bought',
  reco.ials(factors => $factors, regularization => 1, alpha => 4, seed => 5, iterations => $iterations, solver => 'cholesky'),
  options => reco.options(value => 'raw', live => 'off', measure => false))});
my $loss = $center->safe_psql('center', q{
  SELECT sum(part) + (SELECT sum(a * b) FROM unnest((SELECT reco.gram_total(sums) FROM (TABLE sums_0 UNION ALL TABLE sums_1) s WHERE item IS NULL),
                                                    (SELECT gram FROM item_gram_0)) AS t(a, b))
         + (SELECT sum(gram[f][f]) FROM item_gram_0, generate_series(1, 8) AS f)
    FROM (TABLE loss_0 UNION ALL TABLE loss_1) AS l});
my $pooled_loss = $center->safe_psql('postgres', "SELECT loss[$iterations] FROM pooled_factors.versions");
ok(abs($loss / $pooled_loss - 1) < 1e-5, "the loss of the sites together, $loss, is that of all rows, $pooled_loss");
my $center_items = $center->safe_psql('center', q{SELECT item, factors FROM item_factors ORDER BY item});
my $pooled_items = $center->safe_psql('postgres', q{SELECT item_id, factors FROM pooled_factors.item_factors ORDER BY item_id});
my @a = $center_items =~ /-?[\d.]+(?:e-?\d+)?/g;
my @b = $pooled_items =~ /-?[\d.]+(?:e-?\d+)?/g;
is(scalar @a, scalar @b, 'as many factors');
ok(!(grep { abs($a[$_] - $b[$_]) > 1e-4 } 0 .. $#a), 'factors of items are those of all rows');

# A minimum keeps small items at home: their sums are not sent at all.
my $count = 'SELECT count(*) FROM sums_1 WHERE item IS NOT NULL';
my $all_items = $center->safe_psql('center', $count);
my $least = $center->safe_psql('center', 'SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY people) FROM sums_1 WHERE item IS NOT NULL');
$site[1]->safe_psql('postgres', qq{CREATE OR REPLACE VIEW shared.sums AS
  WITH u AS MATERIALIZED (TABLE public.users)
  SELECT NULL::int AS item, count(*) AS people, reco.gram_sums(factors) AS sums FROM u
  UNION ALL
  SELECT product_id, count(*), reco.als_sums(factors, qty, reco.ials(factors => 8, regularization => 1, alpha => 4)) FROM public.bought JOIN u USING (customer_id)
   GROUP BY product_id HAVING count(*) >= $least});
is($center->safe_psql('center', 'SELECT min(people) FROM sums_1 WHERE item IS NOT NULL'), $least, 'items of few stay at home');
my $sent = $center->safe_psql('center', $count);
ok($sent > 0 && $sent < $all_items, "of $all_items items $sent are sent");

done_testing();
