# On public data sets, which are not in this repository: what goes with whole milk
# and what is bought together agree with plain SQL, and published figures of ranking quality are reached.
# Looked for in RECO_DATA, else in ../shared/data beside the project's folder, with
# the judges in ../tools from there; skipped where they are not.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use File::Spec;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use Time::HiRes qw(time);

my $data = $ENV{RECO_DATA} || "$FindBin::RealBin/../../../shared/data";
$data = File::Spec->rel2abs($data);
plan skip_all => "no data sets in $data; RECO_DATA says where they are" unless -r "$data/groceries/groceries.csv.gz";
my $tools = "$data/../tools";

my $node = new_node('real', 'autovacuum = off', 'max_parallel_maintenance_workers = 1');

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

# Copies a gzipped file into a table.
sub copy
{
  my ($table, $file, $options) = @_;
  sql("\\copy $table FROM PROGRAM 'gzip -dc \"$data/$file\"' $options");
}

# Runs a program on the server; returns what it prints.
sub judge
{
  my (@command) = @_;
  local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', RECO_DATA => $data);
  my ($out, $err) = run_command([@command]);
  diag($err) if $out eq '' && $err ne '';
  return $out;
}

# What baskets with whole milk also hold, by lift.
{
  if (-x "$tools/load.sh")
  {
    judge("$tools/load.sh", 'groceries');
  }
  else
  {
    sql('CREATE SCHEMA groceries; CREATE TABLE groceries.lines (basket_id int, item text)');
    copy('groceries.lines', 'groceries/groceries.csv.gz', 'WITH (FORMAT csv, HEADER)');
  }
  is(sql('SELECT count(DISTINCT basket_id), count(DISTINCT item) FROM groceries.lines'), '9835|169', 'groceries are there');
  my %formula = (
    lift => 'c * baskets / (a.n * b.n)',
    conditional => 'c / a.n',
    cosine => 'c / sqrt(a.n * b.n)',
    jaccard => 'c / (a.n + b.n - c)');
  for my $similarity (sort keys %formula)
  {
    sql(
      qq{CALL reco.create_model('goes_with', source => 'SELECT basket_id, item FROM groceries.lines',
           algorithm => reco.item_knn(similarity => '$similarity', min_support => 20, shrinkage => 0))});
    # ties and what differs in a last bit go by the name
    my $differences = sql(
      qq{WITH line AS (SELECT DISTINCT basket_id, item FROM groceries.lines),
              item AS (SELECT item, count(*)::float8 AS n FROM line GROUP BY item),
              pair AS (SELECT y.item, count(*)::float8 AS c FROM line AS x JOIN line AS y USING (basket_id)
                        WHERE x.item = 'whole milk' AND y.item <> x.item GROUP BY y.item HAVING count(*) >= 20),
              wanted AS (SELECT b.item, $formula{$similarity} AS s
                           FROM pair JOIN item AS b USING (item), item AS a,
                                (SELECT count(DISTINCT basket_id)::float8 AS baskets FROM line) AS all_baskets
                          WHERE a.item = 'whole milk'),
              ranked AS (SELECT *, row_number() OVER (ORDER BY round(s::numeric, 12) DESC, item) AS rank FROM wanted)
         SELECT count(*), count(*) FILTER (WHERE (abs(l.similarity / w.s - 1) < 1e-9) IS NOT TRUE),
                count(*) FILTER (WHERE l.rank IS DISTINCT FROM w.rank)
           FROM (SELECT item, s, rank FROM ranked WHERE rank <= 100) AS w
           FULL JOIN (SELECT item_id AS item, similarity, rank FROM goes_with.similar_items('whole milk', n => 100)) AS l USING (item)});
    my ($rows, $values, $ranks) = split /\|/, $differences;
    cmp_ok($rows, '>=', 50, "$similarity: whole milk has a list");
    is($values, '0', "$similarity: with the values that plain SQL finds");
    is($ranks, '0', "$similarity: in its order");
    note(sql(q{SELECT string_agg(item_id, ', ' ORDER BY rank) FROM goes_with.similar_items('whole milk', n => 5)}));
    sql(q{CALL reco.drop_model('goes_with')});
  }
}

# What is bought together, of a query and of a model, as a self-join in plain SQL has it.
{
  my $plain =
    q{WITH l AS (SELECT DISTINCT basket_id, item FROM groceries.lines),
           n AS (SELECT item, count(*)::float8 AS n FROM l GROUP BY item),
           baskets AS (SELECT count(DISTINCT basket_id)::float8 AS n FROM l),
           p AS (SELECT a.item AS a, b.item AS b, count(*)::float8 AS c FROM l AS a JOIN l AS b USING (basket_id)
                  WHERE a.item < b.item GROUP BY 1, 2 HAVING count(*) >= 10)
      SELECT row_number() OVER (ORDER BY c * baskets.n / (x.n * y.n) DESC, a, b) AS rank, a, b, x.n AS n_a, y.n AS n_b, c,
             c / baskets.n AS support, c / x.n AS ab, c / y.n AS ba, c * baskets.n / (x.n * y.n) AS lift
        FROM p JOIN n AS x ON x.item = a JOIN n AS y ON y.item = b CROSS JOIN baskets};
  sql("CREATE TABLE plain AS $plain");
  is(
    sql(
      q{SELECT count(*), count(*) FILTER (WHERE (m.item_a = p.a AND m.item_b = p.b AND (m.count_a, m.count_b, m.count) = (p.n_a, p.n_b, p.c)
               AND abs(m.support - p.support) <= 1e-9 AND abs(m.confidence_ab - p.ab) <= 1e-9 AND abs(m.confidence_ba - p.ba) <= 1e-9
               AND abs(m.lift - p.lift) <= 1e-9) IS NOT TRUE)
          FROM reco.bought_together('SELECT basket_id, item FROM groceries.lines', min_support => 10, n => NULL) AS m FULL JOIN plain AS p USING (rank)}),
    '2981|0', 'bought_together has the pairs of plain SQL, their values and their order');
  sql(q{CALL reco.create_model('goes_with', source => 'SELECT basket_id, item FROM groceries.lines', algorithm => reco.popular())});
  is(
    sql(
      q{WITH p AS (SELECT row_number() OVER (ORDER BY lift DESC, CASE WHEN a = 'whole milk' THEN b ELSE a END) AS rank,
                          CASE WHEN a = 'whole milk' THEN b ELSE a END AS item_id, c, lift, CASE WHEN a = 'whole milk' THEN ab ELSE ba END AS confidence
                     FROM plain WHERE 'whole milk' IN (a, b))
        SELECT count(*), count(*) FILTER (WHERE (m.item_id = p.item_id AND m.count = p.c AND abs(m.lift - p.lift) <= 1e-9
               AND abs(m.confidence - p.confidence) <= 1e-9) IS NOT TRUE)
          FROM goes_with.bought_together('whole milk', n => NULL, min_support => 10) AS m FULL JOIN p USING (rank)}),
    '134|0', 'and that of a model those with one item');
  sql(q{CALL reco.drop_model('goes_with')});
}

# MovieLens 1M, the test item among 99 others: figures of Dacrema et al. 2021.
SKIP:
{
  skip 'no ../tools/ncf.sh beside the data', 5 unless -x "$tools/ncf.sh" && -r "$data/ml-1m/ncf_train_exact.tsv.gz";
  sql(
    q{CREATE SCHEMA ncf;
      CREATE TABLE ncf.train (user_id int, item_id int, rating real);
      CREATE TABLE ncf.test (user_id int, item_id int, rating real, at bigint);
      CREATE TABLE ncf.negatives (user_id int, item_id int)});
  copy('ncf.train', 'ml-1m/ncf_train_exact.tsv.gz', '');
  copy('ncf.test', 'ml-1m/ncf_test.rating.gz', '');
  copy('ncf.negatives', 'ml-1m/ncf_negatives.tsv.gz', '');
  sql(
    q{CREATE TABLE ncf.candidates AS
        SELECT t.user_id, t.item_id AS test_item, array_agg(DISTINCT c.item_id) AS items
          FROM ncf.test AS t
          JOIN (SELECT user_id, item_id FROM ncf.negatives UNION SELECT user_id, item_id FROM ncf.test) AS c USING (user_id)
         GROUP BY 1, 2;
      ANALYZE});
  is(sql('SELECT count(*), min(cardinality(items)) > 90, max(cardinality(items)) FROM ncf.candidates'), '6040|t|100',
    'every user has a test item among 99 others');
  for my $case (
    [ q{reco.item_knn(weighting => 'bm25', neighbors => 111, shrinkage => 298)}, 0.668, 0.397 ],
    [ 'reco.rp3beta(neighbors => 546, alpha => 1.081, beta => 0.703, normalized => true)', 0.674, 0.400 ])
  {
    my ($algorithm, $hit_rate, $ndcg) = @$case;
    my $begin = time;
    my $out = judge("$tools/ncf.sh", $algorithm);
    note(sprintf '%s: %s in %.1f s', $algorithm, $out, time - $begin);
    my ($hr, $nd) = $out =~ /HR\@10 ([0-9.]+) NDCG\@10 ([0-9.]+) users 6040/;
    cmp_ok($hr // 0, '>=', $hit_rate, "$algorithm: hit rate");
    cmp_ok($nd // 0, '>=', $ndcg, "$algorithm: NDCG");
  }
}

$node->stop;
done_testing();
