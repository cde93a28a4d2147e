#!/usr/bin/env bash
#
# pg_upgrade of a database with models: from one major version of PostgreSQL to a
# later one, both with reco; afterwards every model must serve the lists that it
# served before, and be refreshed.
#
#   test/pg-upgrade.sh OLD_BINDIR NEW_BINDIR
#   test/pg-upgrade.sh --debian      from Debian 12's server to Debian 13's, which
#                                    are installed; as root, in a Debian 13 of its own
#
# The folders are those of initdb, pg_ctl and psql, of servers into which reco is
# installed. Runs as an ordinary user, or as root for user postgres; works in a
# temporary folder and removes it. The last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

# Both servers, with reco built for each.
install_debian() {
  local version bin
  test/setup.sh test
  # the older release, from where this one came
  grep -h '^deb ' /etc/apt/sources.list | sed 's/ trixie / bookworm /' >/etc/apt/sources.list.d/older.list
  mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/no-cluster.conf
  apt-get -q update
  DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
    postgresql-15 postgresql-server-dev-15
  for version in 15 17; do
    bin=/usr/lib/postgresql/$version/bin
    make -s clean PG_CONFIG="$bin/pg_config"
    make -s -j2 PG_CONFIG="$bin/pg_config"
    make -s install PG_CONFIG="$bin/pg_config"
  done
}

case $# in
  1)
    [ "$1" = --debian ] || exit 2
    install_debian >/tmp/pg-upgrade.log 2>&1 || { tail -n 40 /tmp/pg-upgrade.log; exit 1; }
    set -- /usr/lib/postgresql/15/bin /usr/lib/postgresql/17/bin ;;
  2) ;;
  *) sed -n '3,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
old=$1 new=$2
work=$(mktemp -d)
export PGHOST=$work PGPORT=54321 PGUSER=postgres PGDATABASE=shop LC_ALL=C
passed=0 failed=0

as_user() {
  if [ "$(id -u)" = 0 ]; then
    (cd "$work" && runuser -u postgres -- "$@")
  else
    (cd "$work" && "$@")
  fi
}

leave() {
  for data in old new; do
    as_user "$new/pg_ctl" -D "$work/$data" -m immediate stop >/dev/null 2>&1 || true
  done
  rm -rf "$work"
}
trap leave EXIT
[ "$(id -u)" != 0 ] || chown postgres "$work"

start() { # BINDIR DATA
  as_user "$1/pg_ctl" -D "$work/$2" -l "$work/$2.log" -o "-k $work -c listen_addresses=''" -w start >/dev/null
}

sql() {
  psql -XqAt -v ON_ERROR_STOP=1 "$@"
}

check() { # WHAT GOT WANTED
  if [ "$2" = "$3" ]; then
    echo "ok - $1"
    passed=$((passed + 1))
  else
    echo "not ok - $1"
    printf '%s\n' "$2" | head -n 5 | sed 's/^/#   got: /'
    printf '%s\n' "$3" | head -n 5 | sed 's/^/#   not: /'
    failed=$((failed + 1))
  fi
}

lists() {
  local model
  for model in ials als item_knn user_knn content; do
    sql -c "SELECT '$model', u, r.* FROM generate_series(1, 40) AS u, $model.recommend(u, 5) AS r ORDER BY u, rank"
  done
  sql -c "SELECT r.* FROM \"by uuid\".recommend(md5('7')::uuid) AS r" \
    -c 'SELECT * FROM ials.recommendations ORDER BY user_id, rank' \
    -c 'SELECT * FROM ials.versions ORDER BY version' -c 'SELECT * FROM top'
}

for data in old new; do
  bin=$old
  [ "$data" = old ] || bin=$new
  as_user "$bin/initdb" -D "$work/$data" -U postgres -A trust --no-sync --no-data-checksums >"$work/$data.init" 2>&1 ||
    as_user "$bin/initdb" -D "$work/$data" -U postgres -A trust --no-sync >"$work/$data.init" 2>&1
done
start "$old" old
PGDATABASE=postgres sql -c 'CREATE DATABASE shop'
sql -c 'CREATE EXTENSION reco' -c '
  CREATE TABLE lines AS SELECT u, (u * 7 + k * k) % 60 AS i, 1 + (u + k) % 4 AS qty
    FROM generate_series(1, 200) AS u, generate_series(1, 15) AS k' -c 'CREATE INDEX ON lines (u)' -c "
  CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7] AS tags, i % 9 AS price FROM generate_series(0, 59) AS i" 2>&1
for algorithm in 'ials(factors => 8)' 'als(factors => 4)' 'item_knn()' 'user_knn()' 'content()'; do
  sql -c 'SET client_min_messages = warning' \
    -c "CALL reco.create_model('${algorithm%%(*}', 'lines', reco.$algorithm, items => 'about')"
done
sql -c 'SET client_min_messages = warning' -c "CALL reco.refresh('ials')" -c "CALL reco.materialize('ials', 3)" \
  -c "CALL reco.create_model('by uuid', 'SELECT md5(u::text)::uuid, i::text FROM lines', reco.ials(factors => 4))" \
  -c 'CREATE VIEW top AS SELECT * FROM ials.recommend(1, n => 3)'
before=$(lists)
version=$(sql -c 'SHOW server_version')
as_user "$old/pg_ctl" -D "$work/old" -m fast -w stop >/dev/null

as_user "$new/pg_upgrade" -b "$old" -B "$new" -d "$work/old" -D "$work/new" -U postgres -s "$work" \
  >"$work/upgrade.log" 2>&1 || {
  cat "$work/upgrade.log"
  find "$work/new/pg_upgrade_output.d" -name '*.txt' -exec cat {} + 2>/dev/null || true
  echo '0 passed, 1 failed'
  exit 1
}
start "$new" new
echo "# from $version to $(sql -c 'SHOW server_version')"
check 'every model serves what it served, with its versions and views' "$(lists)" "$before"
check 'all are ready' "$(sql -c "SELECT string_agg(DISTINCT status, ' ') FROM reco.models")" ready
for model in ials als item_knn user_knn content 'by uuid'; do
  sql -c 'SET client_min_messages = warning' -c "CALL reco.upgrade_model('$model')" -c "CALL reco.refresh('$model')"
done
check 'and is refreshed' "$(sql -c 'SELECT count(*) FROM reco.models WHERE version > 1')" 6
check 'the refreshed ones serve' "$(sql -c 'SELECT count(*) FROM ials.recommend(1)')" 10
check 'a new model is made' "$(sql -c 'SET client_min_messages = warning' \
  -c "CALL reco.create_model('late', 'lines', reco.popular())" -c 'SELECT count(*) FROM late.popular()')" 10
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
