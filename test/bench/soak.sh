#!/usr/bin/env bash
# Everything at once, for hours: readers, refreshes, fold-ins, events, kills and changes of
# schemas. Every list must be, from its first row to its last, what one whole version gives;
# memory, files, locks and tables must not grow.
#
# usage: soak.sh [HOURS]        (0.05: three minutes)
#
# Model "soak" is read. Its source swings between two states, so that all versions serve one of
# two lists to a user, and a list that is neither is wrong. Its refreshes are cancelled and
# terminated now and then. Once in a while any backend is killed, and the server goes down with
# it, or the server is stopped at once and started; a backend that ends by a signal which was
# not sent is an error.
# Model "side" is tracked: events come in, fold-ins take them, its schema is renamed, its source
# gets and loses a column, its views and functions are made anew, it is segmented, materialized,
# dropped and made again; after each fold-in the list of a user must be that of a basket of what
# the user has.
#
# A private server, or the one that PGHOST names (then no server is brought down), where it makes
# and drops schema bench_soak and these models; see lib.sh. All of it may be stopped for minutes
# and continued, if all its processes are: nothing waits with a timeout.
#
# Environment:
#   BENCH_READERS  sessions that read (4)
#   SOAK_DIR       a folder in which the private server, its models and all counts stay, so that
#                  a later run with more HOURS goes on from where this one ended
#
# Prints a line every minute, or every tenth of the time if that is shorter, and what went wrong
# at the end; fails if a list was wrong, or there was an error that nobody caused.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

HOURS=${1:-8}
BENCH_READERS=${BENCH_READERS:-4}
bench_keep=${SOAK_DIR:-}
duration=$(awk -v h="$HOURS" 'BEGIN { printf "%d", h * 3600 }')
[ "$duration" -ge 30 ] || die "usage: soak.sh [HOURS], at least 0.01"
digest="SELECT string_agg(r::text, ',' ORDER BY rank) FROM soak.recommend(u.n, n => 20) AS r"

make_models() {
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS bench_soak CASCADE' \
    -c "CALL reco.drop_model('soak', if_exists => true)" -c "CALL reco.drop_model('side', if_exists => true)" \
    -c 'CREATE SCHEMA bench_soak' \
    -c 'CREATE TABLE bench_soak.swing AS SELECT false AS odd' -c '
    CREATE VIEW bench_soak.lines AS
    SELECT u, (u * 7 + k * k + CASE WHEN odd THEN k % 3 * 500 ELSE 0 END) % 3000 AS i, 1 + (u + k) % 4 AS qty
      FROM bench_soak.swing, generate_series(1, 2000) AS u, generate_series(1, 30) AS k' \
    -c "CALL reco.create_model('soak', source => 'bench_soak.lines',
          algorithm => reco.ials(factors => 32, iterations => 5),
          options => reco.options(live => 'off', measure => false))" \
    -c 'CREATE TABLE bench_soak.wanted (odd boolean, n int, list text)' -c 'CREATE INDEX ON bench_soak.wanted (n)' \
    -c 'CREATE TABLE bench_soak.wrong (at timestamptz DEFAULT now(), what text, n int, list text)' \
    -c 'CREATE TABLE bench_soak.events AS SELECT u, (u * 11 + k * k * 3) % 500 AS i, now() AS at
          FROM generate_series(1, 1000) AS u, generate_series(1, 20) AS k' \
    -c 'CREATE INDEX ON bench_soak.events (u)'
  make_side
}

# The lists of both states, by the library that runs now: another one may compute otherwise.
note_lists() {
  local odd
  sql -c 'TRUNCATE bench_soak.wanted'
  for odd in false true; do
    sql -c 'SET client_min_messages = warning' -c "UPDATE bench_soak.swing SET odd = $odd" -c "CALL reco.refresh('soak')"
    sql -c "INSERT INTO bench_soak.wanted SELECT $odd, n, ($digest) FROM generate_series(1, 200) AS u(n)"
  done
  sql -c 'ANALYZE bench_soak.wanted'
}

make_side() {
  sql -c 'SET client_min_messages = warning' \
    -c "CALL reco.create_model('side', 'SELECT u, i FROM bench_soak.events', reco.item_knn(weighting => 'none'),
          options => reco.options(live => 'off', measure => false))" -c "CALL reco.track('side')"
}

# One call; a list that is neither state's, or of another length, is kept.
reading() {
  cat >"$tmp/read.sql" <<EOF
\\set user random(1, 200)
WITH l AS MATERIALIZED (SELECT u.n, ($digest) AS list FROM (VALUES (:user::int)) AS u(n))
INSERT INTO bench_soak.wrong (what, n, list) SELECT 'soak', n, list FROM l
 WHERE NOT EXISTS (SELECT FROM bench_soak.wanted AS w WHERE w.n = l.n AND w.list = l.list);
EOF
  # new sessions every ten minutes, and after a crash
  while [ $((SECONDS + 1)) -lt "$duration" ]; do
    PGAPPNAME=soak_reader pgbench -n -M prepared -c "$BENCH_READERS" -j 1 -f "$tmp/read.sql" \
      -T $((duration - SECONDS < 600 ? duration - SECONDS : 600)) >"$tmp/pgbench" 2>&1 || sleep 1
    awk '/^number of transactions actually processed/ { print $NF }' "$tmp/pgbench" >>"$tmp/calls"
    grep 'ERROR\|FATAL\|PANIC' "$tmp/pgbench" >>"$tmp/errors.reader" || true
  done
}

refreshing() {
  while [ "$SECONDS" -lt "$duration" ]; do
    PGAPPNAME=soak_refresh sql -c "UPDATE bench_soak.swing SET odd = NOT odd" -c "CALL reco.refresh('soak')" \
      2>>"$tmp/errors.refresh" && echo >>"$tmp/refreshes" || sleep 0.5
  done
}

# What a user of side is shown is what a basket of the same items is.
check_side() {
  sql -c "INSERT INTO bench_soak.wrong (what, n, list)
    SELECT 'side', u, format('%s, not %s', shown, basket)
      FROM (SELECT 1 + (random() * 999)::int AS u FROM generate_series(1, 5)) AS s,
           LATERAL (SELECT array_agg(item_id ORDER BY rank) AS shown FROM side.recommend(u, n => 10)) AS r,
           LATERAL (SELECT array_agg(item_id ORDER BY rank) AS basket
                      FROM side.recommend_for(ARRAY(SELECT DISTINCT i FROM bench_soak.events AS e WHERE e.u = s.u), n => 10)) AS b
     WHERE shown IS DISTINCT FROM basket"
}

changing() {
  local step=0
  while [ "$SECONDS" -lt "$duration" ]; do
    step=$((step + 1))
    {
      sql -c "INSERT INTO bench_soak.events SELECT 1 + (random() * 999)::int, (random() * 499)::int, now()
                FROM generate_series(1, 20)" -c "CALL reco.fold_in('side')" && check_side && echo >>"$tmp/fold_ins"
      case $((step % 9)) in
        1) sql -c 'ALTER TABLE bench_soak.events ADD COLUMN IF NOT EXISTS extra int' ;;
        2) sql -c 'ALTER TABLE bench_soak.events DROP COLUMN IF EXISTS extra' ;;
        3) sql -c 'ALTER SCHEMA side RENAME TO side_renamed' -c 'ALTER SCHEMA side_renamed RENAME TO side' ;;
        4) sql -c "CALL reco.upgrade_model('side')" ;;
        5) sql -c "CALL reco.refresh('side')" -c "CALL reco.segment('side', k => 3, features => 'SELECT u, count(*)::float8 AS n, avg(i)::float8 AS mean FROM bench_soak.events GROUP BY u')" ;;
        6) sql -c "CALL reco.materialize('side', 5)" ;;
        # unknown until the next refresh, whatever comes between
        7) sql -c "CALL reco.forget_user('side', 1 + (random() * 9)::int)" || true
          until sql -c "CALL reco.refresh('side')" || [ "$SECONDS" -ge "$duration" ]; do sleep 0.5; done ;;
        8) sql -c "DELETE FROM bench_soak.events WHERE at < now() AND random() < 0.001" -c "CALL reco.refresh('side')" ;;
        0) sql -c "CALL reco.drop_model('side')" && make_side ;;
      esac
    } >/dev/null 2>>"$tmp/errors.change" || sleep 0.5
    # what a kill left undone
    [ "$(sql -c "SELECT to_regnamespace('side_renamed') IS NOT NULL" 2>/dev/null)" != t ] ||
      sql -c 'ALTER SCHEMA side_renamed RENAME TO side' 2>/dev/null || true
    bench_has_model side 2>/dev/null || make_side 2>/dev/null || true
  done
}

killing() {
  local pid turn=0
  while [ "$SECONDS" -lt "$duration" ]; do
    sleep "$((1 + RANDOM % 5))"
    turn=$((turn + 1))
    sql -c "SELECT CASE WHEN $turn % 2 = 0 THEN pg_terminate_backend(pid) ELSE pg_cancel_backend(pid) END
              FROM pg_stat_activity WHERE application_name = 'soak_refresh'" >/dev/null 2>&1 || true
    # the server goes down, about once in three minutes
    if [ -n "$bench_server" ] && [ $((turn % 50)) = 0 ]; then
      if [ $((turn % 100)) = 0 ]; then
        as_server_user "$bench_server/pg_ctl" -D "$tmp/data" -l "$tmp/server.log" -m immediate -t 3600 -w restart \
          >/dev/null 2>>"$tmp/errors.restart" && echo >>"$tmp/restarts" || true
      else
        pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'
                         AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1" 2>/dev/null || true)
        [ -z "$pid" ] || { kill -9 "$pid" 2>/dev/null && echo >>"$tmp/crashes"; } || true
      fi
    fi
  done
}

# Lines of the server's log that no signal of this script explains.
server_faults() {
  [ -n "$bench_server" ] || return 0
  grep -aE 'PANIC|TRAP|terminated by signal' "$tmp/server.log" | grep -av 'terminated by signal 9' || true
  local nines
  nines=$(grep -ac 'terminated by signal 9' "$tmp/server.log" || true)
  [ "$nines" -le "$(count crashes)" ] || echo "$nines backends ended by signal 9, $(count crashes) were killed"
}

# Seconds; readers' own memory and the server's files and tables in MB; locks; wrong lists.
state() {
  local own files
  own=$(for pid in $(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'soak_reader'" 2>/dev/null); do
    awk '/^RssAnon:/ { print $2 }' "/proc/$pid/status" 2>/dev/null || true
  done | awk '{ kb += $1 } END { printf "%.1f", kb / 1024 }')
  # files may vanish while they are counted
  files=$({ find "$(sql -c 'SHOW data_directory' 2>/dev/null || echo "$tmp/data")/base" -type f -printf '%s\n' 2>/dev/null || true; } |
    awk '{ n++; s += $1 } END { printf "%d %.0f", n, s / 1048576 }')
  sql -F ' ' -c "SELECT '$SECONDS $own $files', (SELECT count(*) FROM pg_locks),
      (SELECT round(sum(pg_total_relation_size(oid)) / 1048576.0, 1) FROM pg_class
        WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('soak', 'side')) AND relkind = 'r'),
      (SELECT count(*) FROM bench_soak.wrong)" 2>/dev/null || true
}

count() {
  wc -l 2>/dev/null <"$tmp/$1" || echo 0
}

# What kills, renames and drops of others may say.
expected='canceling statement due to user request|terminating connection|connection to server|server closed|could not (connect|receive)|Is the server running|has not been trained yet|the database system is|This probably means|before or while processing|being refreshed|does not exist|is being|connection was lost|no connection|crash of another|DETAIL|HINT|CONTEXT|LINE|\^|NOTICE|WARNING|^ *$|abnormally|roll back the current|FATAL'

bench_setup
bench_reco || die 'extension reco is not installed'
[ -z "$bench_server" ] || sql -c "ALTER SYSTEM SET restart_after_crash = on" -c "ALTER SYSTEM SET autovacuum = on" \
  -c "ALTER SYSTEM SET autovacuum_naptime = '10s'" -c "ALTER SYSTEM SET checkpoint_timeout = '1min'" -c 'SELECT pg_reload_conf()' >/dev/null
[ "$(sql -c "SELECT to_regclass('bench_soak.wrong') IS NULL")" = f ] || make_models
note_lists
sql -c "SELECT 'lists differ between the states for ' || count(*) || ' of 200 users'
          FROM (SELECT n FROM bench_soak.wanted GROUP BY n HAVING count(DISTINCT list) = 2) AS s"
echo 'seconds, readers'"'"' own memory MB, files, MB of files, locks, MB of tables, wrong lists'
# of earlier runs in the same folder
SECONDS=$(cat "$tmp/seconds" 2>/dev/null || echo 0)
reading & refreshing & changing & killing &
while [ "$SECONDS" -lt "$duration" ]; do
  sleep $((duration / 10 < 60 ? duration / 10 : 60))
  state
  echo "$SECONDS" >"$tmp/seconds"
done
wait
for _ in {1..600}; do
  ! sql -c 'SELECT 1' >/dev/null 2>&1 || break
  sleep 1
done
wrong=$(sql -c 'SELECT count(*) FROM bench_soak.wrong')
printf 'calls %d, refreshes %d, fold-ins %d, crashes %d, restarts %d, wrong lists %d\n' \
  "$(awk '{ n += $1 } END { print n + 0 }' "$tmp/calls")" "$(count refreshes)" "$(count fold_ins)" \
  "$(count crashes)" "$(count restarts)" "$wrong"
cat "$tmp"/errors.* | grep -Ev "$expected" | sort | uniq -c | sort -rn | head -n 20 >"$tmp/unexpected" || true
server_faults >>"$tmp/unexpected"
cat "$tmp/unexpected"
[ "$wrong" = 0 ] || sql -c 'SELECT what, n, at, left(list, 80) FROM bench_soak.wrong LIMIT 10'
[ -n "$bench_keep" ] || sql -c 'SET client_min_messages = warning' -c "CALL reco.drop_model('soak')" -c "CALL reco.drop_model('side', if_exists => true)" \
  -c 'DROP SCHEMA bench_soak CASCADE'
[ "$wrong" = 0 ] && [ ! -s "$tmp/unexpected" ]
