#!/usr/bin/env bash
# Readers while a model is refreshed in a loop: every list must be, from its first row to its
# last, what one whole version gives, as long as it was asked for, and sessions must not grow.
#
# usage: soak.sh
#
# The source swings between two states, so that all versions serve one of two lists to a user.
# A private server, or the one that PGHOST names, where it makes and drops schema bench_soak and
# model soak; see lib.sh.
#
# Environment:
#   BENCH_READERS  sessions that read (8)
#   BENCH_CALLS    calls of each (10000)
#
# It prints how it went, and fails if there was an error or a wrong list.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

BENCH_READERS=${BENCH_READERS:-8}
BENCH_CALLS=${BENCH_CALLS:-10000}
digest="SELECT string_agg(r::text, ',' ORDER BY rank) FROM soak.recommend(u.n, n => 20) AS r"

swing() {
  sql -c "UPDATE bench_soak.swing SET odd = NOT odd" -c "CALL reco.refresh('soak')" 2>/dev/null
}

# MB of memory of their own that the readers have, all together
own_memory() {
  local pid
  for pid in $(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'soak_reader'"); do
    awk '/^RssAnon:/ { print $2 }' "/proc/$pid/status" 2>/dev/null || true
  done | awk '{ kb += $1 } END { printf "%.1f\n", kb / 1024 }'
}

bench_setup
bench_reco || die 'extension reco is not installed'
sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS bench_soak CASCADE' \
  -c "CALL reco.drop_model('soak', if_exists => true)" -c 'CREATE SCHEMA bench_soak' \
  -c 'CREATE TABLE bench_soak.swing AS SELECT false AS odd' -c '
  CREATE VIEW bench_soak.lines AS
  SELECT u, (u * 7 + k * k + CASE WHEN odd THEN k % 3 * 500 ELSE 0 END) % 3000 AS i, 1 + (u + k) % 4 AS qty
    FROM bench_soak.swing, generate_series(1, 2000) AS u, generate_series(1, 30) AS k' \
  -c "CALL reco.create_model('soak', source => 'bench_soak.lines',
        algorithm => reco.ials(factors => 32, iterations => 5), options => reco.options(live => 'off'))" \
  -c "CREATE TABLE bench_soak.wanted AS SELECT false AS odd, n, ($digest) AS list FROM generate_series(1, 200) AS u(n)"
swing
sql -c "INSERT INTO bench_soak.wanted SELECT true, n, ($digest) FROM generate_series(1, 200) AS u(n)" \
  -c 'CREATE INDEX ON bench_soak.wanted (n)' -c 'ANALYZE bench_soak.wanted' \
  -c 'CREATE TABLE bench_soak.wrong (n int, list text)'
sql -c "SELECT 'lists differ between the states for ' || count(*) || ' of 200 users'
          FROM (SELECT n FROM bench_soak.wanted GROUP BY n HAVING count(DISTINCT list) = 2) AS s"

# one call; a list that is neither state's, or of another length, is kept
cat >"$tmp/read.sql" <<EOF
\\set user random(1, 200)
WITH l AS MATERIALIZED (SELECT u.n, ($digest) AS list FROM (VALUES (:user::int)) AS u(n))
INSERT INTO bench_soak.wrong SELECT n, list FROM l
 WHERE NOT EXISTS (SELECT FROM bench_soak.wanted AS w WHERE w.n = l.n AND w.list = l.list);
EOF
start=$EPOCHREALTIME
PGAPPNAME=soak_reader pgbench -n -M prepared -c "$BENCH_READERS" -j 1 -t "$BENCH_CALLS" \
  -f "$tmp/read.sql" >"$tmp/pgbench" 2>&1 &
readers=$!
refreshes=0
while kill -0 "$readers" 2>/dev/null; do
  swing
  refreshes=$((refreshes + 1))
  own_memory >>"$tmp/memory"
done
status=0
wait "$readers" || status=$?
wrong=$(sql -c 'SELECT count(*) FROM bench_soak.wrong')
awk '/^number of transactions actually processed/ { sub(/.*: /, ""); print "calls: " $0 }
  /^number of failed/ || /ERROR/ { print }' "$tmp/pgbench"
printf 'readers %d, refreshes %d, seconds %.0f, wrong lists %d\n' "$BENCH_READERS" "$refreshes" \
  "$(since "$start")" "$wrong"
awk '$1 > 0 { v[++n] = $1 } END {
  if (n > 3)
    printf "memory of their own, MB: %.1f after a quarter, %.1f half way, %.1f after three quarters\n",
           v[int(n / 4) + 1], v[int(n / 2) + 1], v[int(n * 3 / 4) + 1]
}' "$tmp/memory"
sql -c "SELECT 'versions kept: ' || count(*) FROM soak.versions WHERE status = 'ready'"
sql -c 'SET client_min_messages = warning' -c "CALL reco.drop_model('soak')" \
  -c 'DROP SCHEMA bench_soak CASCADE'
[ "$status" = 0 ] && [ "$wrong" = 0 ]
