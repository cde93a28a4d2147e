# The similarity aggregates give what plain SQL gives in exact arithmetic, and the
# same for 0, 1, 2 and 4 parallel workers, by hashing and by sorting, for numbers
# of every size and rows with NULLs, with FILTER and DISTINCT, partition by
# partition, and when workers see no row.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('similarity',
  'max_worker_processes = 16', 'max_parallel_workers = 8',
  'parallel_setup_cost = 0', 'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0',
  'jit = off');

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

# Whole numbers kx and ky, the same on every machine, and x = kx 2^sx, y = ky 2^sy:
# exact, so the mimics can do with whole numbers.
sql(q{
  CREATE FUNCTION h(i bigint, seed int) RETURNS bigint IMMUTABLE LANGUAGE sql
    AS 'SELECT hashint8extended(i, seed)';
  CREATE TABLE data AS
  SELECT kind, id, grp, kx, ky, sx, sy,
         kx * 2.0::float8 ^ sx AS x, ky * 2.0::float8 ^ sy AS y,
         CASE WHEN id % 19 > 0 THEN
           ARRAY(SELECT ((coalesce(kx, 0) + j * coalesce(ky, 1)) % 100000)::real * (2.0::float8 ^ sv)::real
                   FROM generate_series(1, 7) AS j) END AS v,
         sv, 'item ' || h(id, 5) % 3000 AS item, (h(id, 6) % 40) * 2.0::float8 ^ sx AS score
    FROM (SELECT kind, id, (h(id, 4) & 7)::int AS grp, sx, sy, sv,
                 CASE WHEN id % 13 > 0 THEN
                   CASE WHEN kind = 'skewed' THEN 1099511627776 / (1 + (h(id, 1) & 1048575)) ^ 2 * sign(h(id, 2))
                        WHEN kind = 'sparse' THEN (h(id, 1) & 3) / 3
                        WHEN kind = 'mean' THEN 1000000000000 + (h(id, 1) & 3)
                        ELSE h(id, 1) / 8589934592 END::bigint END AS kx,
                 CASE WHEN id % 17 > 0 THEN
                   CASE WHEN kind = 'sparse' THEN (h(id, 3) & 3) / 3
                        WHEN kind = 'mean' THEN 1000000000000 + (h(id, 1) & 3) + (h(id, 3) & 1)
                        ELSE h(id, 1) / 68719476736 + h(id, 3) / 8589934592 END::bigint END AS ky
            FROM (VALUES ('random', 0, 0, 0), ('skewed', -3, 5, 2), ('sparse', 0, 0, -1), ('mean', 0, 0, 3),
                         ('tiny', -1000, -1010, -140), ('huge', 980, 975, 90), ('mixed', 980, -1000, 1))
                   AS k(kind, sx, sy, sv),
                 generate_series(1, 3000) AS id) AS s;
  CREATE TABLE parts (LIKE data) PARTITION BY HASH (grp);
  CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 0);
  CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
  CREATE TABLE parts_2 PARTITION OF parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
  INSERT INTO parts TABLE data;
  ANALYZE;
  CREATE TYPE result AS (cosine float8, pearson float8, jaccard float8, jaccard_bool float8, dot float8,
    sum real[], avg real[], top text[], everything int[], odd float8);
  -- absolute, for what is at most 1; exact, for what is rounded once to a real
  CREATE FUNCTION gap(a result, b result) RETURNS float8 LANGUAGE sql AS $$
    SELECT CASE WHEN (a.jaccard, a.jaccard_bool, a.sum, a.avg, a.top, a.everything)
                     IS DISTINCT FROM (b.jaccard, b.jaccard_bool, b.sum, b.avg, b.top, b.everything)
                THEN 'Infinity'::float8
                ELSE (SELECT max(CASE WHEN p IS NULL AND q IS NULL THEN 0
                                      WHEN p IS NULL OR q IS NULL THEN 'Infinity'
                                      ELSE abs(p - q) END)
                        FROM (VALUES (a.cosine, b.cosine), (a.pearson, b.pearson), (a.odd, b.odd),
                                     (CASE WHEN a.dot = b.dot THEN 0 ELSE a.dot / b.dot - 1 END,
                                      CASE WHEN a.dot IS NULL AND b.dot IS NULL THEN NULL ELSE 0 END))
                               AS t(p, q)) END $$});

# The row of all aggregates; in it, DISTINCT when wanted.
sub aggregates
{
  my ($distinct) = @_;
  return qq{
    ROW(reco.cosine_agg(${distinct}x, y),
        reco.pearson_agg(${distinct}x, y),
        reco.jaccard_agg(${distinct}kx::float8, ky::float8),
        reco.jaccard_agg(${distinct}kx % 2 = 0, ky % 3 = 0),
        reco.dot_product_agg(${distinct}x, y) FILTER (WHERE kind <> 'huge'),
        reco.vector_sum(${distinct}v),
        reco.vector_avg(${distinct}v),
        reco.top_n_agg(${distinct}item, score, 9),
        reco.top_n_agg(${distinct}id, score, NULL) FILTER (WHERE id % 7 = 0),
        reco.cosine_agg(${distinct}x, y) FILTER (WHERE id % 2 = 1))::result};
}

my $by_group = 'SELECT kind, grp, ' . aggregates('') . ' AS r FROM data GROUP BY kind, grp';
my $by_kind = 'SELECT kind, NULL::int AS grp, ' . aggregates('') . ' AS r FROM data GROUP BY kind';
my $whole = "SELECT kind, NULL::int AS grp, r FROM (SELECT max(kind) AS kind, "
  . aggregates('') . " AS r FROM data WHERE kind = 'random') AS q";

# The same by plain SQL in whole numbers. DISTINCT is applied before, column by column.
sub mimic
{
  my ($keys, $filter) = @_;
  my $cosine = sub {
    my ($f) = @_;
    return qq{(sum(coalesce(kx, 0)::numeric * coalesce(ky, 0)) FILTER (WHERE $f)
      / nullif(sqrt(coalesce(sum(kx::numeric ^ 2) FILTER (WHERE $f), 0) + z) * sqrt(coalesce(sum(ky::numeric ^ 2) FILTER (WHERE $f), 0) + z), 0))::float8};
  };
  my $elements = sub {
    my ($by) = @_;
    return qq{(SELECT array_agg((e * 2.0::float8 ^ sv / $by)::real ORDER BY j)
                 FROM (VALUES (1, v1), (2, v2), (3, v3), (4, v4), (5, v5), (6, v6), (7, v7)) AS t(j, e))};
  };
  my $sums = join ', ', map { "sum((v[$_] / (2.0::float8 ^ sv)::real)::numeric)::float8 AS v$_" } 1 .. 7;

  return qq{
    SELECT kind, grp,
           ROW(cosine, pearson, jaccard, jaccard_bool, dot, } . $elements->('1') . ', ' . $elements->('vn') . qq{,
               top, everything, odd)::result AS r
      FROM (
        SELECT kind, $keys AS grp, min(sv) AS sv, count(v)::float8 AS vn, $sums,
          } . $cosine->('true') . ' AS cosine, ' . $cosine->('id % 2 = 1') . qq{ AS odd,
          ((sum(kx::numeric * ky) * n - mx * my)
             / nullif(sqrt(sum(kx::numeric ^ 2) FILTER (WHERE ky IS NOT NULL) * n - mx ^ 2 + z)
                      * sqrt(sum(ky::numeric ^ 2) FILTER (WHERE kx IS NOT NULL) * n - my ^ 2 + z), 0))::float8 AS pearson,
          count(*) FILTER (WHERE kx <> 0 AND ky <> 0)::float8
            / nullif(count(*) FILTER (WHERE kx <> 0 OR ky <> 0), 0) AS jaccard,
          count(*) FILTER (WHERE kx % 2 = 0 AND ky % 3 = 0)::float8
            / nullif(count(*) FILTER (WHERE kx % 2 = 0 OR ky % 3 = 0), 0) AS jaccard_bool,
          -- 2 ^ -2010 is less than any double
          CASE kind WHEN 'huge' THEN NULL WHEN 'tiny' THEN 0
            ELSE sum(coalesce(kx, 0)::numeric * coalesce(ky, 0))::float8 * 2.0::float8 ^ (sx + sy) END AS dot,
          (array_agg(item ORDER BY score DESC, item))[1:9] AS top,
          array_agg(id ORDER BY score DESC, id) FILTER (WHERE id % 7 = 0) AS everything
          FROM (SELECT *, 1e-60::numeric * 0 AS z,
                       count(*) FILTER (WHERE kx IS NOT NULL AND ky IS NOT NULL) OVER w AS n,
                       sum(kx::numeric) FILTER (WHERE ky IS NOT NULL) OVER w AS mx,
                       sum(ky::numeric) FILTER (WHERE kx IS NOT NULL) OVER w AS my
                  FROM data WHERE $filter
                WINDOW w AS (PARTITION BY kind, $keys)) AS d
         GROUP BY kind, $keys, sx, sy, z, n, mx, my) AS q};
}

# The query's rows with a number of workers, as a table; tells how many came.
sub run
{
  my ($name, $query, $workers, @settings) = @_;
  my $plan = sql(
    join(
      '',
      "ALTER TABLE data SET (parallel_workers = $workers);",
      "SET max_parallel_workers_per_gather = $workers;",
      (map { "SET $_;" } @settings),
      "CREATE TABLE $name AS $query;",
      "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) $query;"));
  return ($plan =~ /Workers Launched: (\d+)/ ? $1 : 0, $plan);
}

# How many rows two tables have in common, and whether they agree.
sub compared
{
  my ($one, $other, $gap) = @_;
  return sql("SELECT count(*), count(*) FILTER (WHERE gap(o.r, p.r) <= $gap), max(gap(o.r, p.r)) <= $gap
                FROM $one o JOIN $other p ON o.kind = p.kind AND o.grp IS NOT DISTINCT FROM p.grp");
}

my %queries = (
  'by group' => [ $by_group, mimic('grp', 'true'), 56 ],
  'by kind' => [ $by_kind, mimic('NULL::int', 'true'), 7 ],
  'whole' => [ $whole, mimic('NULL::int', "kind = 'random'"), 1 ]);

for my $what (sort keys %queries)
{
  my ($query, $mimic, $size) = @{ $queries{$what} };

  run('mimicked', $mimic, 0);
  my ($launched) = run('serial', $query, 0);
  is($launched, 0, "$what: no worker");
  is(sql('SELECT count(*) FROM serial'), $size, "$what: all groups");
  is(compared('serial', 'mimicked', '1e-15'), "$size|$size|t", "$what: plain SQL gives the same");
  for my $workers (1, 2, 4)
  {
    for my $way ($what eq 'whole' ? 'enable_sort = on' : ('enable_hashagg = off', 'enable_sort = off'))
    {
      # one worker alone is no cheaper than none
      my ($came, $plan) = run('parallel', $query, $workers, $way,
        'parallel_leader_participation = ' . ($workers == 1 ? 'on' : 'off'));

      is($came, $workers, "$what, $way: $workers workers work");
      like($plan, qr/Finalize.*Partial/s, 'and send states');
      is(compared('serial', 'parallel', '5e-16'), "$size|$size|t", 'which give the same');
      note('groups of other bits: ',
        sql('SELECT count(*) FROM serial s JOIN parallel p ON s.kind = p.kind
               AND s.grp IS NOT DISTINCT FROM p.grp WHERE s.r::text <> p.r::text'));
      sql('DROP TABLE parallel');
    }
  }
  run('parallel', $query, 2);
  is(compared('serial', 'parallel', '5e-16'), "$size|$size|t", "$what: the leader takes part, the same");
  sql('DROP TABLE serial, parallel, mimicked');
}

# DISTINCT is not for workers, and not for them to get wrong.
(my $distinct = $by_group) =~ s/ROW\(.*::result/aggregates('DISTINCT ')/se;
(my $doubled = $distinct) =~ s/FROM data/FROM (TABLE data UNION ALL TABLE data) AS data/;
run('serial', $distinct, 0);
my ($launched, $plan) = run('parallel', $doubled, 4);
unlike($plan, qr/Partial/, 'DISTINCT: no states are sent');
is(compared('serial', 'parallel', '5e-16'), '56|56|t', 'DISTINCT: rows that come twice change nothing');
is(sql(q{
  SELECT count(*), bool_and(abs((s.r).cosine - m.cosine) <= 1e-15 AND abs((s.r).jaccard - m.jaccard) <= 1e-15
                            AND (s.r).top = m.top)
    FROM serial s
    JOIN (SELECT kind, grp, reco.cosine_agg(x, y) AS cosine FROM (SELECT DISTINCT kind, grp, x, y FROM data) AS d
           GROUP BY 1, 2) AS c USING (kind, grp)
    JOIN LATERAL (SELECT c.cosine,
                   (SELECT reco.jaccard_agg(kx::float8, ky::float8)
                      FROM (SELECT DISTINCT kx, ky FROM data d WHERE d.kind = c.kind AND d.grp = c.grp) AS k) AS jaccard,
                   ARRAY(SELECT item FROM (SELECT DISTINCT item, score FROM data d
                                            WHERE d.kind = c.kind AND d.grp = c.grp) AS t
                          ORDER BY score DESC, item LIMIT 9) AS top) AS m ON true}),
  '56|t', 'DISTINCT: as from distinct rows');
sql('DROP TABLE serial, parallel');

# Grouped by the partition key a partition has its groups to itself; by another
# column each partition sends its own states.
(my $by_parts = $by_group) =~ s/FROM data/FROM parts/;
run('serial', $by_group, 0);
($launched, $plan) = run('parallel', $by_parts, 0, 'enable_partitionwise_aggregate = on');
like($plan, qr/Append.*Aggregate.*Aggregate.*Aggregate/s, 'partition-wise');
unlike($plan, qr/Partial/, 'nothing is combined');
is(compared('serial', 'parallel', '5e-16'), '56|56|t', 'the same');
sql('DROP TABLE parallel');
($launched, $plan) = run('parallel', $by_parts, 2, 'enable_partitionwise_aggregate = on');
like($plan, qr/Append.*(Finalize.*Partial.*){3}/s, 'partition-wise, 2 workers in each');
is(compared('serial', 'parallel', '5e-16'), '56|56|t', 'the same');
sql('DROP TABLE serial, parallel');
($by_parts = $by_kind) =~ s/FROM data/FROM parts/;
run('serial', $by_kind, 0);
for my $workers (0, 2)
{
  ($launched, $plan) = run('parallel', $by_parts, $workers, 'enable_partitionwise_aggregate = on');
  like($plan, qr/Finalize.*Append.*Partial.*Partial.*Partial/s, "$workers workers: each partition has its states");
  is(compared('serial', 'parallel', '5e-16'), '7|7|t', 'the same');
  sql('DROP TABLE parallel');
}
sql('DROP TABLE serial');

# Workers without a row, or with rows of NULLs only.
my %empty = (
  'no row' => 'id < 0',
  'one row' => "id = 1 AND kind = 'random'",
  'two rows far apart' => "id IN (1, 3000) AND kind = 'random'",
  'only NULL' => 'kx IS NULL AND ky IS NULL AND v IS NULL');
for my $what (sort keys %empty)
{
  my $query = "SELECT 'all'::text AS kind, NULL::int AS grp, " . aggregates('') . " AS r FROM data WHERE $empty{$what}";
  run('serial', $query, 0);
  my ($came, $plan) = run('parallel', $query, 4, 'parallel_leader_participation = off');
  is($came, 4, "$what: 4 workers work");
  is(compared('serial', 'parallel', 0), '1|1|t', "$what: the same");
  is(sql('SELECT (r).cosine IS NULL AND (r).dot IS NULL AND (r).sum IS NULL AND (r).top IS NULL FROM parallel'), 't',
    "$what: NULL") if $what eq 'no row';
  sql('DROP TABLE serial, parallel');
}

# The distance of two states' first pairs is within the range of a double, but not
# what its rounding error is computed from. The partitions make the states.
sql(q{CREATE TABLE edge (p int, grp int, x float8, y float8) PARTITION BY LIST (p);
      CREATE TABLE edge_1 PARTITION OF edge FOR VALUES IN (1);
      CREATE TABLE edge_2 PARTITION OF edge FOR VALUES IN (2);
      INSERT INTO edge VALUES (1, 1, 1, -1.7976931348623157e308), (1, 1, 3, 1.7976931348623157e308),
        (2, 1, 2, -4.654469813750255e307), (2, 1, 4, -8.651404107253701e307), (2, 1, 5, 1.7976931348623157e308);
      INSERT INTO edge SELECT 1 + i % 2, 2, i, i FROM generate_series(1, 10000) AS i;
      ANALYZE edge});
$plan = sql(q{SET enable_partitionwise_aggregate = on; SET enable_hashagg = off; SET max_parallel_workers_per_gather = 0;
              CREATE TABLE edge_parts AS SELECT grp, reco.pearson_agg(x, y) AS r FROM edge GROUP BY grp ORDER BY grp;
              EXPLAIN (COSTS OFF) SELECT grp, reco.pearson_agg(x, y) AS r FROM edge GROUP BY grp ORDER BY grp});
like($plan, qr/Finalize.*Partial.*Partial/s, 'states of partitions are combined');
is(sql('SELECT grp, abs(r - CASE grp WHEN 1 THEN 0.6590928687052536 ELSE 1 END) <= 1e-15 FROM edge_parts ORDER BY 1'),
  "1|t\n2|t", 'no difference overflows between states');

# Errors in workers are the statement's, and the server goes on.
sub fails
{
  my ($query, $like, $what) = @_;
  my ($rc, $out, $err) = $node->psql('postgres',
    "ALTER TABLE data SET (parallel_workers = 4); SET max_parallel_workers_per_gather = 4; SET parallel_leader_participation = off; $query");
  like($err, $like, $what);
}
fails("SELECT reco.dot_product_agg(x, y) FROM data WHERE kind = 'huge'",
  qr/ERROR:  value out of range: overflow/, 'a sum too large for a double');
fails("SELECT reco.cosine_agg(x, CASE WHEN id = 2000 THEN 'NaN'::float8 ELSE y END) FROM data",
  qr/ERROR:  .*not (finite|a number)/, 'a NaN in a worker');
fails("SELECT reco.pearson_agg(x, CASE WHEN id = 2000 THEN '-Infinity'::float8 ELSE y END) FROM data",
  qr/ERROR:  .*not finite/, 'an infinity in a worker');
fails("SELECT reco.vector_sum(CASE WHEN id < 2900 THEN v ELSE '{1}' END) FROM data",
  qr/ERROR:  mismatched array dimensions/, 'arrays of two lengths');
fails("SELECT reco.top_n_agg(item, score, CASE WHEN kind = 'mixed' THEN 3 ELSE 2 END) FROM data",
  qr/ERROR:  number of items must be the same/, 'lists of two lengths');
is(sql('SELECT 1'), '1', 'the server goes on');

$node->stop;
done_testing();
