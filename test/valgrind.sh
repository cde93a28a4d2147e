#!/usr/bin/env bash
#
# The regression tests in a server that runs under valgrind.
#
#   test/valgrind.sh SOURCE [TEST...]
#
# SOURCE is a folder of PostgreSQL's sources, configured with a prefix of its own and
#   CPPFLAGS=-DUSE_VALGRIND --enable-debug --enable-cassert
# and built and installed. All tests take some twenty minutes; TEST names some of them.
# As root the server runs as user postgres. Differences of a build without ICU are not
# the extension's. The last line is "N errors under valgrind", and it fails if N > 0.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n '3,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
source=$(cd "$1" && pwd)
shift
prefix=$(sed -n 's/^prefix *:= *//p' "$source/src/Makefile.global")
bin=$prefix/bin
work=$(mktemp -d)

as_user() {
  if [ "$(id -u)" = 0 ]; then
    (cd "$work" && runuser -u postgres -- "$@")
  else
    (cd "$work" && "$@")
  fi
}

leave() {
  as_user "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap leave EXIT
[ "$(id -u)" != 0 ] || chown postgres "$work"

# a tree of its own: the objects are another server's
git archive HEAD | tar -xf - -C "$(mkdir -p "$work/tree" && echo "$work/tree")"
make -s -C "$work/tree" PG_CONFIG="$bin/pg_config" EXTRA_CFLAGS=-O1 >"$work/build.log" 2>&1 &&
  make -s -C "$work/tree" install PG_CONFIG="$bin/pg_config" >>"$work/build.log" 2>&1 || {
  tail -n 20 "$work/build.log"
  exit 1
}
as_user "$bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
as_user tee -a "$work/data/postgresql.conf" >/dev/null <<EOF
listen_addresses = ''
unix_socket_directories = '$work'
fsync = off
autovacuum = off
timezone = 'UTC'
max_parallel_maintenance_workers = 0
EOF
as_user mkdir "$work/errors"
as_user valgrind --quiet --trace-children=yes --leak-check=no --error-limit=no \
  --suppressions="$source/src/tools/valgrind.supp" --log-file="$work/errors/%p" \
  "$bin/postgres" -D "$work/data" >"$work/server.log" 2>&1 &
export PGHOST=$work PGUSER=postgres PGDATABASE=postgres
for _ in $(seq 60); do
  ! "$bin/psql" -Xc 'SELECT 1' >/dev/null 2>&1 || break
  sleep 1
done
make -C "$work/tree" installcheck PG_CONFIG="$bin/pg_config" ISOLATION= \
  ${1:+REGRESS="$*"} 2>&1 | grep -E '^test |tests (passed|failed)' || true
as_user "$bin/pg_ctl" -D "$work/data" -m fast -w stop >/dev/null
errors=$(cat "$work"/errors/* | grep -c '^==[0-9]*== [A-Z]' || true)
[ "$errors" = 0 ] || cat "$work"/errors/*
[ -n "$(ls "$work/errors")" ] || { echo 'valgrind did not run'; exit 1; }
echo "$errors errors under valgrind"
[ "$errors" = 0 ]
