#!/usr/bin/env bash
# The cost of a similarity: cosines of pairs of real[64] by reco, by plain SQL and by
# pgvector where the server has it; and reco.cosine_agg beside corr over rows of two numbers.
#
# usage: similarity.sh
#
# With PGHOST set it uses that server, makes tables bench_pairs, bench_vectors and bench_rows
# there and drops them; else a private one.  See lib.sh.
#
# Environment:
#   BENCH_PAIRS  pairs of arrays (1000000: 0.6 GB, as much again for pgvector)
#   BENCH_ROWS   rows of two numbers (5000000)
#   RUNS         how often each is measured; the median is told (3)
#
# It prints and judges nothing.  Without parallel workers and without JIT.  "scan" counts the
# last column, for which a row is taken apart; "net" is the time less that, by row.  The
# functions take turns, so that what else the machine does meets all of them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

BENCH_PAIRS=${BENCH_PAIRS:-1000000}
BENCH_ROWS=${BENCH_ROWS:-5000000}
RUNS=${RUNS:-3}
export PGOPTIONS="${PGOPTIONS:-} -c max_parallel_workers_per_gather=0 -c jit=off"

# Milliseconds that the server takes for a query.
ms() {
  sql -c "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) $1" | awk '/^Execution Time/ { print $3 }'
}

declare -A query
names=()

measured() {
  names+=("$1")
  query[$1]=$2
}

# Runs what has been named, in turns, and prints a table of medians over $1 rows; the scan
# that a function's time is held against is the last one named before it.
table() {
  local rows=$1 name run
  : >"$tmp/ms"
  for ((run = 1; run <= RUNS; run++)); do
    for name in "${names[@]}"; do
      printf '%s\t%s\n' "$name" "$(ms "${query[$name]}")" >>"$tmp/ms"
    done
  done
  printf '%-26s%12s%12s%12s\n' "$rows rows" 'ms' 'ns/row' 'net ns/row'
  for name in "${names[@]}"; do
    awk -F '\t' -v name="$name" '$1 == name { print $2 }' "$tmp/ms" | sort -n \
      | awk -v name="$name" '{ v[NR] = $1 } END {
          print name "\t" (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) }'
  done | awk -F '\t' -v rows="$rows" '
    $1 ~ /^scan/ { scan = $2 }
    { printf "%-26s%12.0f%12.0f%12s\n", $1, $2, $2 * 1e6 / rows,
             $1 ~ /^scan/ ? "" : sprintf("%.0f", ($2 - scan) * 1e6 / rows) }'
  names=()
}

bench_setup
bench_reco || die 'extension reco is not installed'
sql -c 'SET client_min_messages = warning' \
  -c 'DROP TABLE IF EXISTS bench_pairs, bench_vectors, bench_rows'

say 'making the pairs'
# Slices of one long array of random numbers: quick to make, and no two pairs alike.
sql -c 'SELECT setseed(0.42)' -c "
  CREATE TABLE bench_pairs AS
  WITH pool AS MATERIALIZED (
    SELECT array_agg((random() - 0.5)::real) AS r FROM generate_series(1, 4096))
  SELECT r[a : a + 63] AS a, r[b : b + 63] AS b
    FROM pool, (SELECT 1 + (random() * 4032)::int AS a, 1 + (random() * 4032)::int AS b
                  FROM generate_series(1, $BENCH_PAIRS)) AS s" \
  -c 'VACUUM ANALYZE bench_pairs' >/dev/null
measured 'scan' 'SELECT count(b) FROM bench_pairs'
measured 'reco.cosine_similarity' 'SELECT sum(reco.cosine_similarity(a, b)) FROM bench_pairs'
measured 'plain SQL' '
  SELECT sum((SELECT sum(x * y) / sqrt(sum(x * x) * sum(y * y))
                FROM unnest(a::float8[], b::float8[]) AS t(x, y)))
    FROM bench_pairs'
if [ "$(sql -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")" = 1 ]; then
  sql -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION IF NOT EXISTS vector' \
    -c 'CREATE TABLE bench_vectors AS SELECT a::vector(64) AS a, b::vector(64) AS b FROM bench_pairs' \
    -c 'VACUUM ANALYZE bench_vectors'
  measured 'scan of vectors' 'SELECT count(b) FROM bench_vectors'
  measured 'pgvector 1 - (a <=> b)' 'SELECT sum(1 - (a <=> b)) FROM bench_vectors'
else
  say 'the server has no pgvector: left out'
fi
echo 'pairs of real[64]'
table "$BENCH_PAIRS"
sql -c 'SET client_min_messages = warning' -c 'DROP TABLE IF EXISTS bench_pairs, bench_vectors'

say 'making the rows'
sql -c 'SELECT setseed(0.42)' -c "
  CREATE TABLE bench_rows AS
  SELECT random() AS x, random() AS y FROM generate_series(1, $BENCH_ROWS)" \
  -c 'VACUUM ANALYZE bench_rows' >/dev/null
measured 'scan' 'SELECT count(y) FROM bench_rows'
measured 'reco.cosine_agg' 'SELECT reco.cosine_agg(x, y) FROM bench_rows'
measured 'reco.pearson_agg' 'SELECT reco.pearson_agg(x, y) FROM bench_rows'
measured 'corr' 'SELECT corr(x, y) FROM bench_rows'
echo 'rows of two float8'
table "$BENCH_ROWS"
sql -c 'DROP TABLE bench_rows'
