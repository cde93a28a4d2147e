# Sites that share sums of items and no rows: two servers, the center reads both over postgres_fdw
# as a role that may see nothing but the sums.  What it makes of them is what a model of all rows
# has, to 1e-6.

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

done_testing();
