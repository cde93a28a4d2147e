# shellcheck shell=bash
# What the benchmarks share: a temporary folder, a server and the data.  To be
# sourced by a script that has run "set -euo pipefail".
#
# bench_setup makes the folder $tmp, removed when the script ends, and a server:
# the one that PGHOST, PGPORT, PGUSER and PGDATABASE name if PGHOST is set, else a
# private one inside the folder, reached through a Unix socket only. A script that sets
# bench_keep to a folder has that as $tmp: it stays, and so does what its server holds.
#
# Environment, besides PG*:
#   PG_CONFIG      whose server programs to use (pg_config)
#   BENCH_OS_USER  who runs a private server if the script is run by root (postgres)
#   BENCH_USERS    users and items of the made-up interactions
#   BENCH_ITEMS    (138493 and 26744: 20 million rows)
#   TMPDIR         where to work; a private server needs about 5 GB

bench_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PG_CONFIG=${PG_CONFIG:-pg_config}
BENCH_OS_USER=${BENCH_OS_USER:-postgres}
BENCH_USERS=${BENCH_USERS:-138493}
BENCH_ITEMS=${BENCH_ITEMS:-26744}
bench_server=''
bench_keep=''

say() {
  printf '%s\n' "$*" >&2
}

die() {
  say "$0: $*"
  exit 1
}

# Psql that prints bare values, and stops at the first error.
sql() {
  psql -XqAt -v ON_ERROR_STOP=1 "$@"
}

# Seconds since $1, an earlier $EPOCHREALTIME.
since() {
  awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }'
}

# Seconds that a statement takes.
seconds() {
  local start=$EPOCHREALTIME
  sql -c "$1" >/dev/null 2>"$tmp/log" || {
    cat "$tmp/log" >&2
    die "could not run $1"
  }
  since "$start"
}

as_server_user() {
  if [ "$(id -u)" -eq 0 ]; then
    (cd "$tmp" && runuser -u "$BENCH_OS_USER" -- "$@")
  else
    "$@"
  fi
}

bench_cleanup() {
  if [ -n "$bench_server" ]; then
    as_server_user "$bench_server/pg_ctl" -D "$tmp/data" -m immediate -w stop >/dev/null || true
  fi
  [ -n "$bench_keep" ] || rm -rf "$tmp"
}

bench_setup() {
  if [ -n "$bench_keep" ]; then
    mkdir -p "$bench_keep" && tmp=$(cd "$bench_keep" && pwd)
  else
    tmp=$(mktemp -d)
  fi
  trap bench_cleanup EXIT
  trap 'exit 130' INT TERM
  export LC_ALL=C
  [ -n "${PGHOST:-}" ] || bench_start
  say "$(sql -c 'SELECT version()')"
}

bench_start() {
  local bin
  bin=$("$PG_CONFIG" --bindir)
  if [ "$(id -u)" -eq 0 ]; then
    chown "$BENCH_OS_USER" "$tmp"
  fi
  [ -f "$tmp/data/postgresql.conf" ] || bench_cluster "$bin"
  bench_server=$bin
  as_server_user "$bin/pg_ctl" -D "$tmp/data" -l "$tmp/server.log" -w -t 600 start >/dev/null || {
    cat "$tmp/server.log" >&2
    die 'could not start a server'
  }
  unset PGHOSTADDR PGPORT PGSERVICE
  export PGHOST=$tmp PGUSER=postgres PGDATABASE=postgres
}

bench_cluster() {
  as_server_user "$1/initdb" -D "$tmp/data" -U postgres -A trust --no-sync --encoding UTF8 \
    --no-locale >"$tmp/initdb.log" || die 'initdb failed'
  # No autovacuum: the data is vacuumed once, and nothing runs beside a measurement. Buffers are
  # the quarter of memory that the server's documentation gives as a start.
  as_server_user tee -a "$tmp/data/postgresql.conf" >/dev/null <<EOF
listen_addresses = ''
unix_socket_directories = '$tmp'
shared_buffers = $(awk '/^MemTotal/ { printf "%d", $2 / 4096 }' /proc/meminfo)MB
maintenance_work_mem = 2GB
max_wal_size = 8GB
checkpoint_timeout = 30min
autovacuum = off
EOF
}

# Builds the generator of interactions. CC may be several words.
bench_generator() {
  # shellcheck disable=SC2086
  ${CC:-cc} -O2 -o "$tmp/generate" "$bench_dir/generate.c" -lm
}

# Makes table ratings(user_id int, item_id int, value real), unless there is one.
bench_load() {
  if [ "$(sql -c "SELECT to_regclass('ratings') IS NULL")" = t ]; then
    bench_generator
    sql -c 'CREATE TABLE ratings(user_id int NOT NULL, item_id int NOT NULL, value real NOT NULL)'
    "$tmp/generate" "$BENCH_USERS" "$BENCH_ITEMS" \
      | sql -c 'COPY ratings FROM STDIN (FORMAT binary)'
    sql -c 'VACUUM ANALYZE ratings' -c 'CHECKPOINT'
  else
    say 'using the table ratings that is there'
  fi
  prewarm ratings
}

# Relations into shared buffers, where the server has the means.
prewarm() {
  local relation
  for relation in "$@"; do
    sql -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION IF NOT EXISTS pg_prewarm' \
      -c "SELECT pg_prewarm('$relation')" >/dev/null 2>&1 || say "$relation could not be read ahead"
  done
}

# Milliseconds of each of the scripts, in the mean: a session calls them in turns drawn at
# random, for so many seconds. The number of users is :users in them.
# latencies SECONDS USERS SEED FILE...
latencies() {
  local seconds=$1 users=$2 seed=$3 scripts=() file
  shift 3
  for file in "$@"; do
    scripts+=(-f "$file")
  done
  pgbench -n -M prepared -c 1 -D "users=$users" --random-seed="$seed" "${scripts[@]}" -T "$seconds" \
    2>/dev/null | awk '/^ - latency average/ { print $5 }'
}

# Makes the extension available in the database; false if it is not installed.
bench_reco() {
  [ "$(sql -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'reco'")" = 1 ] || return 1
  sql -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION IF NOT EXISTS reco' \
    || die 'could not create extension reco'
}

# True if there is a model of that name.
bench_has_model() {
  [ "$(sql -c "SELECT to_regclass('$1.versions') IS NOT NULL")" = t ]
}

# Makes table ml_1m.ratings, unless there is one; false if there is no data.
movielens_load() {
  [ "$(sql -c "SELECT to_regclass('ml_1m.ratings') IS NULL")" = t ] || return 0
  [ -r "$RECO_DATA/ml-1m/ratings.csv.gz" ] || return 1
  sql -c 'CREATE SCHEMA IF NOT EXISTS ml_1m' \
    -c 'CREATE TABLE ml_1m.ratings(user_id int, item_id int, rating real)'
  gzip -dc "$RECO_DATA/ml-1m/ratings.csv.gz" \
    | sql -c 'COPY ml_1m.ratings FROM STDIN (FORMAT csv, HEADER)'
  sql -c 'VACUUM ANALYZE ml_1m.ratings'
}
