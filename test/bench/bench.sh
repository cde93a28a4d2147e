#!/usr/bin/env bash
# The figures of reco in one table, at growing numbers of rows: `make bench`.
#
# usage: bench.sh [load]
#
# Made-up interactions (generate.c): users grow with the rows, items do not. For each size
# it takes a training table to table (ials, 64 factors, 15 iterations), neighbors of items,
# lists of ten for all users, one list, an evaluation, and what the backend held; beside the
# server's own scan, a look-up by key in a table of a row a user, and one by SQL of the rows
# that a list reads: these two and lists are called by one session in turns, with what they read
# in memory, as far as it goes there. At the largest size beside what the machine can do
# at most: the products of matrices of OpenBLAS, and the memory's bandwidth. Prints a table in
# Markdown with machine and commit, and writes curves of time and memory per row to build/bench.
#
# With PGHOST set it uses that server and tables bench_rows_1 and so on there, which it makes, and
# leaves; `load` does only that, so that a machine need be idle for the rest alone.
#
# Environment, besides what lib.sh takes:
#   BENCH_ROWS     millions of rows, growing ("1 2 5 10 20"; 100 takes ten minutes and 10 GB)
#   BENCH_SECONDS  of calls for one list, its rows and a key (15)
#   BENCH_SIZES    a file to which the numbers of a size are added: the table and the curves are of
#                  all that is in it, so that a few sizes can be measured at a time
#   PEERS=1        then also the comparisons with peers, where they are installed: train.sh,
#                  neighbors.sh, batch.sh, svd.sh, evaluate.sh (PEER_PYTHONPATH)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/machine.sh"

BENCH_ROWS=${BENCH_ROWS:-1 2 5 10 20}
BENCH_SECONDS=${BENCH_SECONDS:-15}
# of 20 million rows in generate.c
users_of_million=6925
out=$bench_dir/../../build/bench

# Milliseconds of the last of SQL statements, the median of five.
ms_of() {
  local k
  for k in 1 2 3 4 5; do
    printf '%s\n' '\timing on' "$@" | psql -XqAt -o /dev/null | awk '/^Time:/ { t = $2 } END { print t }'
  done | sort -n | sed -n 3p
}

seconds_of() {
  local start=$EPOCHREALTIME
  sql -c 'SET client_min_messages = warning' "$@" >/dev/null
  since "$start"
}

# Peak of what a statement's backend holds beside shared memory, in MB; seconds before it.
watched() {
  local name="bench_$$" start watcher
  backend_peak "$name" &
  watcher=$!
  start=$EPOCHREALTIME
  PGAPPNAME=$name sql -c 'SET client_min_messages = warning' -c "$1" >/dev/null
  since "$start"
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
}

timing() {
  sql -c "SELECT timings ->> '$2' FROM $1.versions ORDER BY version DESC LIMIT 1"
}

# Milliseconds of one list, of its rows by SQL and of a look-up by key, of the same size of data.
# Whatever they read is in memory before.
calls() {
  local million=$1 users=$2
  local from="bench_rows_$million" keys="bench_keys_$million"
  printf '%s\n' '\set u random(1, :users)' 'SELECT * FROM bench.recommend(:u);' >"$tmp/list.sql"
  printf '%s\n' '\set u random(1, :users)' "SELECT sum(item_id + value) FROM $from WHERE user_id = :u;" >"$tmp/same.sql"
  printf '%s\n' '\set u random(1, :users)' "SELECT name FROM $keys WHERE user_id = :u;" >"$tmp/key.sql"
  prewarm "${from}_user_id_item_id_value_idx" "$keys" "${keys}_pkey" bench.model_user bench.model_user_pkey
  latencies 3 "$users" 41 "$tmp"/{list,same,key}.sql >/dev/null
  latencies "$BENCH_SECONDS" "$users" 42 "$tmp"/{list,same,key}.sql | paste -sd ' '
}

drop_all() {
  local model
  for model in bench near; do
    ! bench_has_model "$model" || sql -c "CALL reco.drop_model('$model')"
  done
}

# The rows of one size, and a table to look keys up in.
load() {
  local million=$1
  [ "$(sql -c "SELECT to_regclass('bench_keys_$million') IS NULL")" = t ] || return 0
  say "loading $million million rows"
  bench_generator
  sql -c "DROP TABLE IF EXISTS bench_rows_$million" \
    -c "CREATE TABLE bench_rows_$million (user_id int NOT NULL, item_id int NOT NULL, value real NOT NULL)"
  "$tmp/generate" $((users_of_million * million)) "$BENCH_ITEMS" \
    | sql -c "COPY bench_rows_$million FROM STDIN (FORMAT binary)"
  sql -c "CREATE INDEX ON bench_rows_$million (user_id) INCLUDE (item_id, value)" \
    -c "VACUUM ANALYZE bench_rows_$million" \
    -c "BEGIN" \
    -c "CREATE TABLE bench_keys_$million AS
          SELECT DISTINCT user_id, user_id::text AS name FROM bench_rows_$million" \
    -c "ALTER TABLE bench_keys_$million ADD PRIMARY KEY (user_id)" \
    -c "COMMIT" -c "VACUUM ANALYZE bench_keys_$million" -c 'CHECKPOINT'
}

# A line of numbers for one size: see the head of the table.
measure() {
  local million=$1 users=$((users_of_million * $1)) from="bench_rows_$1"
  local rows scan total peak near batch list same key evaluation bytes
  say "$million million rows"
  drop_all
  rows=$(sql -c "SELECT count(*) FROM $from")
  scan=$(ms_of 'SET max_parallel_workers_per_gather = 0;' "SELECT sum(user_id), sum(item_id) FROM $from;")
  total=$(watched "CALL reco.create_model('bench', '$from', reco.ials(factors => 64, iterations => 15),
                                          options => reco.options(measure => false))")
  peak=$(cat "$tmp/peak")
  near=$(seconds_of -c "CALL reco.create_model('near', '$from', reco.item_knn(neighbors => 100),
                                               options => reco.options(measure => false))")
  read -r list same key < <(calls "$million" "$users")
  batch=$(seconds_of -c "CALL reco.materialize('bench', 10)")
  evaluation=$(seconds_of -c "SELECT * FROM reco.evaluate('$from', reco.popular())")
  bytes=$(sql -c "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c
                   WHERE relnamespace = 'bench'::regnamespace AND relkind = 'r' AND relname <> 'model_recommendation'")
  printf '%s\n' "$rows $users $scan $(timing bench read) $(timing bench train) $(timing bench write) $total $peak \
$near $batch $list $key $evaluation $bytes $same" >>"$sizes"
  drop_all
}

table() {
  awk 'BEGIN {
      print "| rows | read / `sum` | train | iteration | write | table to table | memory | neighbors | lists for all | one list | its rows by SQL | key look-up | evaluate | model on disk |"
      print "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    }
    { printf "| %.1f M | %.2f s, %.1f × | %.2f s | %.2f s | %.2f s | %.2f s | %d MB | %.1f s | %.1f s | %.3f ms | %.3f ms | %.3f ms | %.1f s | %d MB |\n",
        $1 / 1e6, $4, 1000 * $4 / $3, $5, $5 / 15, $6, $7, $8, $9, $10, $11, $15, $12, $13, $14 / 1e6 }' "$sizes"
}

# A curve as SVG: of each line of numbers x and y.
curve() {
  awk -v title="$1" -v unit="$2" '
    { x[NR] = $1; y[NR] = $2; if ($2 > top) top = $2 }
    END {
      w = 640; h = 300; l = 70; b = 40; span = log(x[NR] / x[1]); if (span <= 0) span = 1
      # a round number at the top
      unit_of = 10 ^ int(log(top) / log(10) - (top < 1)); top = unit_of * (int(top / unit_of * 2 + 0.999) / 2)
      printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\">\n", w, h
      printf "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"%d\" y=\"20\" font-size=\"14\">%s</text>\n", title, l, title
      for (k = 0; k <= 4; k++) {
        at = h - b - (h - b - 40) * k / 4
        printf "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n", l, w - 20, at, at, l - 8, at + 4, top * k / 4
      }
      for (i = 1; i <= NR; i++) {
        px = l + 10 + (w - l - 50) * log(x[i] / x[1]) / span; py = h - b - (h - b - 40) * y[i] / top
        path = path (i == 1 ? "M" : "L") sprintf("%.1f %.1f", px, py)
        dots = dots sprintf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"#1c5d99\"><title>%.3g million rows: %.3g %s</title></circle><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.3g M</text>\n", px, py, x[i], y[i], unit, px, h - b + 18, x[i])
      }
      printf "<path d=\"%s\" fill=\"none\" stroke=\"#1c5d99\" stroke-width=\"2\"/>\n%s", path, dots
      printf "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#555\">rows; %s</text>\n</svg>\n", w - 20, h - 6, unit
    }'
}

curves() {
  mkdir -p "$out"
  awk '{ print $1 / 1e6, $7 / $1 * 1e6 }' "$sizes" | curve 'Training, table to table' 'seconds for a million rows' >"$out/train.svg"
  awk '{ print $1 / 1e6, $8 * 1048576 / $1 }' "$sizes" | curve 'Memory of a training' 'bytes for a row' >"$out/memory.svg"
  awk '{ print $1 / 1e6, $9 / $1 * 1e6 }' "$sizes" | curve 'Neighbors of items, table to table' 'seconds for a million rows' >"$out/neighbors.svg"
  say "curves: $(cd "$out" && pwd)"
}

peers() {
  local script
  for script in train neighbors batch svd evaluate; do
    printf '\n### %s\n\n' "$script"
    "$bench_dir/$script.sh" || say "$script.sh failed"
  done
}

bench_setup
bench_reco || die 'reco is not installed'
sizes=${BENCH_SIZES:-$tmp/sizes}
for million in $BENCH_ROWS; do
  load "$million"
done
[ "${1:-}" != load ] || exit 0
for million in $BENCH_ROWS; do
  measure "$million"
done
sort -n -o "$sizes" "$sizes"
printf '%s\n\n' "$(machine)"
table
printf '\n%s\n' "$(limits "$(awk 'END { print $5 / 15 }' "$sizes")" "$(awk 'END { print $1, $2 }' "$sizes")")"
curves
if [ "${PEERS:-}" = 1 ]; then
  peers
fi
