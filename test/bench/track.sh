#!/usr/bin/env bash
# What the triggers of reco.track() cost whoever inserts: COPY of a million rows, statements of a
# thousand rows, and statements of one, with and without; how large the notes are; and how long a
# click and the list after it take, in one transaction.
#
# usage: track.sh
#
# With PGHOST set it uses that server (and tables track_rows, track_new and model bench there, which
# are made anew), else a private one; see lib.sh.
#
# Environment:
#   ROWS   of the COPY (1000000), of 100,000 users
#   RUNS   of which the median is told (5)
#   BENCH_SECONDS  for single inserts (5)
#
# It prints and judges nothing; run it on an otherwise idle machine.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

ROWS=${ROWS:-1000000}
RUNS=${RUNS:-5}
BENCH_SECONDS=${BENCH_SECONDS:-5}

median() {
  sort -n "$tmp/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

seconds() {
  local start=$EPOCHREALTIME
  sql -c "$1" >/dev/null
  echo "$(since "$start")"
}

# Milliseconds of a statement, by one session.
statement_ms() {
  printf '%s\n' '\set u random(1, 100000)' "$1" >"$tmp/insert.sql"
  pgbench -n -M prepared -c 1 -f "$tmp/insert.sql" -T "$BENCH_SECONDS" 2>/dev/null | awk '/latency average/ { print $4 }'
}

measure() {
  local run
  rm -f "$tmp/copy"
  for ((run = 1; run <= RUNS; run++)); do
    sql -c 'TRUNCATE track_rows' >/dev/null
    seconds "COPY track_rows FROM '$tmp/rows'" >>"$tmp/copy"
  done
  printf '%-12s%10s%14s%14s\n' "$1" "$(median copy)" "$(statement_ms 'INSERT INTO track_rows SELECT * FROM track_new;')" \
    "$(statement_ms 'INSERT INTO track_rows VALUES (:u, 1 + :u % 1000);')"
}

bench_setup
bench_reco || die 'extension reco is not installed'
chmod 755 "$tmp"
sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS bench CASCADE' -c 'DROP TABLE IF EXISTS track_rows, track_new' \
  -c 'CREATE TABLE track_rows (user_id int, item_id int)' \
  -c 'CREATE TABLE track_new AS SELECT 1 + u % 100000 AS user_id, 1 + u % 1000 AS item_id FROM generate_series(1, 1000) AS u' \
  -c "INSERT INTO track_rows SELECT 1 + (k * 7919) % 100000, 1 + (k * 31) % 1000 FROM generate_series(1::bigint, $ROWS) AS k"
sql -c 'COPY track_rows TO stdout' >"$tmp/rows"
chmod 644 "$tmp/rows"
sql -c 'SET client_min_messages = warning' \
  -c "CALL reco.create_model('bench', 'track_rows', reco.popular(), options => reco.options(measure => false, live => 'off'))"
# fsync would be all of a small transaction
sql -c 'ALTER SYSTEM SET synchronous_commit = off' -c 'SELECT pg_reload_conf()' >/dev/null
printf '%-12s%10s%14s%14s\n' '' 'COPY, s' '1000 rows, ms' 'one row, ms'
measure without
sql -c 'SET client_min_messages = warning' -c "CALL reco.track('bench')"
measure tracked
sql -c "SELECT count(*) AS notes, pg_size_pretty(pg_relation_size('bench.model_change')) AS size FROM bench.model_change"

# A click, and the list that follows in the same transaction: read live, by an index.
sql -c 'SET client_min_messages = warning' -c 'TRUNCATE track_rows' -c "COPY track_rows FROM '$tmp/rows'" \
  -c 'CREATE INDEX ON track_rows (user_id) INCLUDE (item_id)' -c 'VACUUM ANALYZE track_rows' \
  -c 'DROP SCHEMA IF EXISTS clicks CASCADE' \
  -c "CALL reco.create_model('clicks', 'track_rows', reco.ials(factors => 64), options => reco.options(measure => false, live => 'on'))" -c "CALL reco.track('clicks')"
printf '%s\n' '\set u random(1, 100000)' '\set i random(1, 1000)' 'BEGIN;' 'INSERT INTO track_rows VALUES (:u, :i);' \
  'SELECT * FROM clicks.recommend(:u);' 'ROLLBACK;' >"$tmp/click.sql"
pgbench -n -M prepared -c 1 -f "$tmp/click.sql" -T "$BENCH_SECONDS" -r 2>/dev/null \
  | awk '/INSERT INTO/ { click = $1 } /recommend/ { list = $1 } END { printf "a click %s ms, the next list %s ms\n", click, list }'
