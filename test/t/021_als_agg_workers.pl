# als_agg and gram_agg give the same solution for 0, 1, 2 and 4 parallel workers,
# by hashing and by sorting, with and without the leader's help, for groups that
# one worker sees and for groups that all of them see; and partition by partition.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('als_agg',
  'max_worker_processes = 16', 'max_parallel_workers = 8',
  'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0',
  'jit = off');
make_lines($node, 'lines', 400, 100, 20000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

# Factors of 20 numbers, the same on every machine, in pages enough for 4 workers.
sql(q{
  CREATE TABLE products AS
  SELECT product_id, ARRAY(SELECT (hashint8extended(product_id, f) / 2 ^ 63)::real
                             FROM generate_series(1, 20) AS f) AS factors
    FROM (SELECT DISTINCT product_id FROM lines) AS p;
  CREATE TABLE rows AS SELECT customer_id, product_id, qty, factors FROM lines JOIN products USING (product_id);
  CREATE TABLE gram AS SELECT reco.gram_agg(factors || 1::real) AS gram FROM products;
  CREATE TABLE parts (LIKE rows) PARTITION BY HASH (customer_id);
  CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
  CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
  CREATE TABLE parts_2 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
  INSERT INTO parts TABLE rows;
  ANALYZE;
  CREATE FUNCTION gap(x float8[], y float8[]) RETURNS float8 LANGUAGE sql AS
    'SELECT max(abs(coalesce(a, 0) - coalesce(b, 1e9))) FROM unnest(x, y) AS t(a, b)'});

my $implicit = 'reco.ials(regularization => 0.01, alpha => 2, weighted_regularization => true)';
my %queries = (
  'implicit users' =>
    "SELECT customer_id AS id, reco.als_agg(factors, qty, (SELECT gram FROM gram), $implicit)::float8[] AS x FROM rows GROUP BY 1",
  'explicit products' =>
    'SELECT product_id AS id, reco.als_agg(factors, qty)::float8[] AS x FROM rows GROUP BY 1',
  'two groups' =>
    'SELECT customer_id % 2 AS id, reco.als_agg(factors, qty)::float8[] AS x FROM rows GROUP BY 1',
  # scaled to the size of factors
  'one gram' =>
    'SELECT 0 AS id, ARRAY(SELECT g / 20000 FROM unnest(gram) AS g) AS x
       FROM (SELECT reco.gram_agg(factors) AS gram FROM rows OFFSET 0) AS s');

# The query's rows with a number of workers, as a table; tells how many came.
sub run
{
  my ($name, $query, $workers, @settings) = @_;
  my $plan = sql(
    join(
      '',
      "ALTER TABLE rows SET (parallel_workers = $workers);",
      "SET max_parallel_workers_per_gather = $workers;",
      (map { "SET $_;" } @settings),
      "CREATE TABLE $name AS $query;",
      "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $query;"));
  return ($plan =~ /Workers Launched: (\d+)/ ? $1 : 0, $plan);
}

for my $what (sort keys %queries)
{
  my $query = $queries{$what};
  my $size = sql("SELECT count(*) FROM ($query) AS q");

  run('serial', $query, 0, 'enable_hashagg = off');
  for my $workers (1, 2, 4)
  {
    for my $way ('enable_hashagg = off', 'enable_sort = off')
    {
      # one worker alone is no cheaper than none
      my ($launched, $plan) =
        run('parallel', $query, $workers, $way,
        'parallel_leader_participation = ' . ($workers == 1 ? 'on' : 'off'));

      is($launched, $workers, "$what, $way: $workers workers work");
      like($plan, qr/Finalize.*Partial/s, 'and send states');
      is(sql('SELECT count(*), bool_and(gap(s.x, p.x) < 1e-6) FROM serial s JOIN parallel p USING (id)'),
        "$size|t", 'which give the same solution');
      sql('DROP TABLE parallel');
    }
  }
  run('parallel', $query, 2);
  is(sql('SELECT count(*), bool_and(gap(s.x, p.x) < 1e-6) FROM serial s JOIN parallel p USING (id)'),
    "$size|t", "$what: the leader takes part, the same");
  sql('DROP TABLE serial, parallel');
}

# Grouped by the partition key no states are sent, and each group is one worker's.
my $query = $queries{'implicit users'};
(my $by_parts = $query) =~ s/FROM rows/FROM parts/;
run('serial', $query, 0);
my ($launched, $plan) = run('parallel', $by_parts, 2, 'enable_partitionwise_aggregate = on');
like($plan, qr/Append/, 'partition-wise');
unlike($plan, qr/Partial/, 'nothing is combined');
is(sql('SELECT count(*), bool_and(gap(s.x, p.x) < 1e-6) FROM serial s JOIN parallel p USING (id)'),
  '400|t', 'the same solution');
sql('DROP TABLE serial, parallel');

# An error in a worker is the statement's, and the server goes on.
sql(q{INSERT INTO rows SELECT 1, 1, 1, '{1, NaN}' FROM generate_series(1, 3)});
my ($rc, $out, $err) = $node->psql('postgres',
  "ALTER TABLE rows SET (parallel_workers = 2); SET parallel_leader_participation = off; $query");
like($err, qr/ERROR:  (element 2 of factors is not finite|factors must have the same length)/, 'a worker\'s error is told');
# Rows of another length meet only in the leader, when states are combined.
sql(q{DELETE FROM rows WHERE cardinality(factors) = 2;
      CREATE TABLE uneven AS SELECT i, CASE WHEN i <= 5000 THEN '{1}' ELSE '{1, 2}' END::real[] AS factors
        FROM generate_series(1, 10000) AS i;
      ALTER TABLE uneven SET (parallel_workers = 4)});
($rc, $out, $err) = $node->psql('postgres', 'SELECT reco.gram_agg(factors) FROM uneven');
like($err, qr/ERROR:  factors must have the same length/, 'lengths are compared between workers, too');
is(sql('SELECT 1'), '1', 'the server goes on');

$node->stop;
done_testing();
