#!/usr/bin/env bash
# engine => 'sql' beside a training in memory: seconds an iteration, and the loss.
#
# usage: engine_sql.sh
#
# Settings: in memory by both solvers; by SQL on one server, without and with parallel workers; and
# by SQL with the rows in two shards, databases of the same server that are read over postgres_fdw.
# Where the server is the coordinator of a Citus of several, also with the rows distributed there.
# The rows are made up (lib.sh); with PGHOST set that server is used, where table bench_rows,
# databases bench_shard_0 and bench_shard_1, schemas bench_work and bench_citus and models bench_...
# are made anew and removed.
#
# Environment:
#   BENCH_USERS, BENCH_ITEMS  6040 and 3706: about 0.9 million rows
#   RATINGS        a file of lines user,item,rating,..., with or without a head and .gz, in their place
#   FACTORS        32
#   ITERATIONS     of the longer of two trainings (6); the shorter has 2, and an iteration is what
#                  lies between them
#   WORKERS        2
#   CITUS_SHARDS   4
#   PGOPTIONS      further settings for the server
#
# It prints and judges nothing; run it on an otherwise idle machine.  All nodes share its cores.
set -euo pipefail
BENCH_USERS=${BENCH_USERS:-6040}
BENCH_ITEMS=${BENCH_ITEMS:-3706}
. "$(dirname "$0")/lib.sh"

FACTORS=${FACTORS:-32}
ITERATIONS=${ITERATIONS:-6}
WORKERS=${WORKERS:-2}

bench_setup
cc -O2 -o "$tmp/generate" "$bench_dir/generate.c" -lm
sql -c 'CREATE EXTENSION IF NOT EXISTS reco' -c 'CREATE EXTENSION IF NOT EXISTS postgres_fdw' \
  -c 'DROP TABLE IF EXISTS bench_rows' -c 'CREATE TABLE bench_rows (u int, i int, v real)' 2>/dev/null
if [ -n "${RATINGS:-}" ]; then
  gzip -cdf "$RATINGS" | grep '^[0-9]' | cut -d, -f1-3 | sql -c 'COPY bench_rows FROM STDIN (FORMAT csv)'
else
  "$tmp/generate" "$BENCH_USERS" "$BENCH_ITEMS" | sql -c 'COPY bench_rows FROM STDIN (FORMAT binary)'
fi
sql -c 'VACUUM ANALYZE bench_rows'

# Rows by user in two databases, and tables of work beside them.
clean() {
  sql -c 'DROP SCHEMA IF EXISTS bench_work CASCADE' -c 'DROP SCHEMA IF EXISTS bench_citus CASCADE' -c 'DROP SERVER IF EXISTS bench_0 CASCADE' \
    -c 'DROP SERVER IF EXISTS bench_1 CASCADE' -c 'DROP DATABASE IF EXISTS bench_shard_0' \
    -c 'DROP DATABASE IF EXISTS bench_shard_1' 2>/dev/null
}
clean
tables='rows user_factors item_factors'
sql -c 'CREATE SCHEMA bench_work' \
  -c 'CREATE TABLE bench_work.rows (shard int, user_id int, item_id int, value float8) PARTITION BY LIST (shard)' \
  -c 'CREATE TABLE bench_work.user_factors (shard int, user_id int, factors real[], bias real) PARTITION BY LIST (shard)' \
  -c 'CREATE TABLE bench_work.item_factors (shard int, item_id int, number int, factors real[], bias real) PARTITION BY LIST (shard)'
for s in 0 1; do
  sql -c "CREATE DATABASE bench_shard_$s"
  sql -d "bench_shard_$s" -c 'CREATE EXTENSION reco' \
    -c 'CREATE TABLE rows (shard int, user_id int, item_id int, value float8)' \
    -c 'CREATE TABLE user_factors (shard int, user_id int, factors real[], bias real)' \
    -c 'CREATE TABLE item_factors (shard int, item_id int, number int, factors real[], bias real)'
  sql -c "COPY (SELECT $s, u, i, v::float8 FROM bench_rows WHERE u % 2 = $s) TO STDOUT (FORMAT binary)" \
    | sql -d "bench_shard_$s" -c 'COPY rows FROM STDIN (FORMAT binary)'
  sql -d "bench_shard_$s" -c "INSERT INTO user_factors SELECT $s, user_id FROM rows GROUP BY 2" \
    -c "INSERT INTO item_factors SELECT $s, item_id FROM rows GROUP BY 2" \
    -c 'ANALYZE rows, user_factors, item_factors'
  sql -c "CREATE SERVER bench_$s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$(sql -c 'SHOW unix_socket_directories' | cut -d, -f1)',
            port '$(sql -c 'SHOW port')', dbname 'bench_shard_$s', extensions 'reco', use_remote_estimate 'true',
            async_capable 'true', batch_size '1000', fetch_size '1000')" \
    -c "CREATE USER MAPPING FOR CURRENT_USER SERVER bench_$s"
  for t in $tables; do
    sql -c "CREATE FOREIGN TABLE bench_work.${t}_$s PARTITION OF bench_work.$t FOR VALUES IN ($s)
              SERVER bench_$s OPTIONS (schema_name 'public', table_name '$t')"
  done
done

# Rows of Citus, a value of the column shard for each of its shards.
citus_nodes=$(sql -c "SELECT count(*) FROM pg_extension WHERE extname = 'citus'")
[ "$citus_nodes" = 0 ] || citus_nodes=$(sql -c "SELECT count(*) FROM pg_dist_node WHERE noderole = 'primary' AND groupid > 0")
if [ "$citus_nodes" -gt 0 ]; then
  sql -c 'CREATE SCHEMA bench_citus' \
    -c 'CREATE TABLE bench_citus.rows (shard int, user_id int, item_id int, value float8)' \
    -c 'CREATE TABLE bench_citus.user_factors (shard int, user_id int, factors real[], bias real)' \
    -c 'CREATE TABLE bench_citus.item_sums (item_id int, sums bytea)' \
    -c "SELECT create_distributed_table('bench_citus.rows', 'shard', colocate_with => 'none', shard_count => ${CITUS_SHARDS:-4})" \
    -c "SELECT create_distributed_table('bench_citus.user_factors', 'shard', colocate_with => 'bench_citus.rows')" \
    -c "SELECT create_distributed_table('bench_citus.item_sums', 'item_id', colocate_with => 'none', shard_count => ${CITUS_SHARDS:-4})" \
    -c "CREATE TABLE bench_citus.shards AS SELECT row_number() OVER () - 1 AS number, min(v) AS shard
          FROM generate_series(1, 1000) AS v GROUP BY get_shard_id_for_distribution_column('bench_citus.rows', v)" \
    -c "INSERT INTO bench_citus.rows SELECT s.shard, u, i, v FROM bench_rows
          JOIN bench_citus.shards AS s ON s.number = u % ${CITUS_SHARDS:-4}" -c 'ANALYZE bench_citus.rows' >/dev/null
fi

# One training: its seconds, and the last loss.
training() {
  local settings=$1 source=$2 options=$3 iterations=$4 start
  start=$EPOCHREALTIME
  sql -c 'SET client_min_messages = error' -c "$settings" \
    -c "CALL reco.create_model('bench_sql', '$source', reco.ials(factors => $FACTORS, iterations => $iterations,
          alpha => 1, regularization => 10, $options), options => reco.options(value => 'raw', measure => false, live => 'off'))" >/dev/null
  echo "$(since "$start") $(sql -c 'SELECT loss[array_upper(loss, 1)] FROM bench_sql.versions')"
  sql -c 'DROP SCHEMA bench_sql CASCADE' 2>/dev/null
}

measure() {
  local what=$1 short long
  short=$(training "$2" "$3" "$4" 2)
  long=$(training "$2" "$3" "$4" "$ITERATIONS")
  awk -v what="$what" -v s="${short% *}" -v l="${long% *}" -v n="$ITERATIONS" -v loss="${long#* }" \
    'BEGIN { printf "| %s | %.2f | %.2f | %s |\n", what, (l - s) / (n - 2), l, loss }'
}

counts=$(sql -F ' ' -c 'SELECT count(*), count(DISTINCT u), count(DISTINCT i) FROM bench_rows')
read -r rows users items <<<"$counts"
echo "$rows rows, $users users, $items items, $FACTORS factors, $ITERATIONS iterations"
echo
echo '| Where | s an iteration | s altogether | loss |'
echo '|---|---|---|---|'
none='SET max_parallel_workers_per_gather = 0'
some="SET max_parallel_workers_per_gather = $WORKERS"
measure 'in memory, `auto`' "$none" bench_rows "engine => 'memory'"
measure 'in memory, `cholesky`' "$none" bench_rows "solver => 'cholesky'"
measure 'SQL, one process' "$none" bench_rows "engine => 'sql'"
measure "SQL, $WORKERS workers" "$some" bench_rows "engine => 'sql'"
measure 'SQL, two shards over postgres_fdw' "$none" \
  'SELECT user_id, item_id, value FROM bench_work.rows' "engine => 'sql', work => 'bench_work'"
if [ "$citus_nodes" = 0 ]; then
  echo
  echo 'not measured: Citus, which this server has not got, or has no others of it'
else
  measure "SQL, Citus, $citus_nodes servers beside the coordinator" "$none" \
    'SELECT user_id, item_id, value FROM bench_citus.rows' "engine => 'sql', work => 'bench_citus'"
fi
clean
