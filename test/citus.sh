#!/usr/bin/env bash
# A training by SQL alone on Citus: a coordinator and two workers of one machine, rows distributed
# by shard.  Losses are compared with a training in memory, and plans looked at.
#
# usage: citus.sh        (make check-citus)
#
# Says so and succeeds where Citus is not installed for PG_CONFIG's server.
set -euo pipefail
PG_CONFIG=${PG_CONFIG:-pg_config}
bin=$("$PG_CONFIG" --bindir)
control=$("$PG_CONFIG" --sharedir)/extension/citus.control
if [ ! -e "$control" ]; then
  echo "skipped: Citus is not installed: $control"
  exit 0
fi
tmp=$(mktemp -d)
chmod 755 "$tmp"
export LC_ALL=C PGUSER=postgres PGDATABASE=postgres PGHOST=localhost
nodes='coordinator worker_1 worker_2'

as_user() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd "$tmp" && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

clean_up() {
  for node in $nodes; do
    [ ! -e "$tmp/$node/postmaster.pid" ] || as_user "$bin/pg_ctl" -D "$tmp/$node" -m immediate stop >/dev/null 2>&1 || true
  done
  rm -rf "$tmp"
}
trap clean_up EXIT

port_of() { echo $((${CITUS_PORT:-57120} + $1)); }

[ "$(id -u)" -ne 0 ] || chown postgres "$tmp"
number=0
for node in $nodes; do
  as_user "$bin/initdb" -D "$tmp/$node" -U postgres -A trust --no-sync --no-locale --encoding UTF8 >/dev/null
  as_user tee -a "$tmp/$node/postgresql.conf" >/dev/null <<CONF
port = $(port_of $number)
listen_addresses = 'localhost'
unix_socket_directories = '$tmp'
shared_preload_libraries = 'citus'
citus.enable_statistics_collection = off
fsync = off
max_prepared_transactions = 20
shared_buffers = 64MB
CONF
  as_user "$bin/pg_ctl" -D "$tmp/$node" -l "$tmp/$node.log" -w start >/dev/null || {
    cat "$tmp/$node.log"
    exit 1
  }
  "$bin/psql" -Xqp "$(port_of $number)" -v ON_ERROR_STOP=1 -c 'CREATE EXTENSION citus'
  number=$((number + 1))
done
export PGPORT
PGPORT=$(port_of 0)

sql() { "$bin/psql" -XqAt -v ON_ERROR_STOP=1 "$@"; }

sql -c "SELECT citus_set_coordinator_host('localhost', $(port_of 0))" -c "SELECT citus_add_node('localhost', $(port_of 1))" \
  -c "SELECT citus_add_node('localhost', $(port_of 2))" >/dev/null
sql -c 'CREATE EXTENSION reco' -c 'CREATE SCHEMA work' \
  -c 'CREATE TABLE work.rows (shard int, user_id int, item_id int, value float8)' \
  -c 'CREATE TABLE work.user_factors (shard int, user_id int, factors real[], bias real)' \
  -c 'CREATE TABLE work.item_factors (shard int, item_id int, number int, factors real[], bias real)' \
  -c 'SET citus.shard_count = 4' \
  -c "SELECT create_distributed_table('work.rows', 'shard'), create_distributed_table('work.user_factors', 'shard', colocate_with => 'work.rows'),
             create_distributed_table('work.item_factors', 'shard', colocate_with => 'work.rows')" >/dev/null
sql -c "INSERT INTO work.rows SELECT u % 8, u, i, count(*) FROM (SELECT g % 400 AS u, CASE WHEN h % 10 < 7 THEN (h / 10) % 25 * 4 + g % 4 ELSE (h / 10) % 100 END AS i
          FROM (SELECT g, hashint4(g)::bigint + 2147483648 AS h FROM generate_series(1, 12000) AS g) AS s) AS p GROUP BY u, i"

# The last loss of a model of the rows.
loss() {
  local name=$1 algorithm=$2
  sql -c 'SET client_min_messages = error' -c 'SET citus.enable_metadata_sync = off' \
    -c "CALL reco.create_model('$name', 'SELECT user_id, item_id, value FROM work.rows', $algorithm,
          options => reco.options(value => 'raw', measure => false, live => 'off'))"
  sql -c "SELECT loss[array_upper(loss, 1)] FROM $name.versions"
}

failed=0
check() {
  if [ "$2" = t ]; then echo "ok   $1"; else
    echo "FAIL $1"
    failed=1
  fi
}

for algorithm in 'reco.ials(factors => 8, iterations => 4, alpha => 2, regularization => 1' 'reco.als(factors => 8, iterations => 4'; do
  name=$(echo "$algorithm" | sed 's/reco\.\([a-z]*\).*/\1/')
  memory=$(loss "memory_$name" "$algorithm, solver => 'cholesky')")
  by_sql=$(loss "sql_$name" "$algorithm, engine => 'sql', work => 'work')")
  check "$name: loss $by_sql, in memory $memory" "$(sql -c "SELECT abs($by_sql / $memory - 1) < 1e-5")"
  check "$name: histories are the same" "$(sql -c "SELECT count(*) = 0 FROM (SELECT user_id, number, history FROM sql_$name.model_user
      EXCEPT SELECT user_id, number, history FROM memory_$name.model_user) AS s")"
done
sql -c "CALL reco.refresh('sql_ials')" 2>/dev/null
check 'a refresh' "$(sql -c "SELECT count(*) = 2 FROM sql_ials.versions WHERE status = 'ready'")"
check 'factors of users lie on the workers' "$(sql -c 'SELECT count(*) = 400 FROM work.user_factors')"
plan=$(sql -c "SET citus.explain_all_tasks = on" -c "EXPLAIN (COSTS OFF) SELECT r.shard, r.item_id, reco.als_state(u.factors, r.value, reco.als())
  FROM work.rows AS r JOIN work.user_factors AS u ON u.shard = r.shard AND u.user_id = r.user_id GROUP BY r.shard, r.item_id")
check 'sums are made at the workers' "$(echo "$plan" | awk '/Aggregate/ { if (!task) here = 1 } /Task/ { task = 1 } /Aggregate/ && task { there = 1 } END { print there && !here ? "t" : "f" }')"
exit $failed
