#!/usr/bin/env bash
# reco.fold_in() beside a refresh: of a thousand users of MovieLens 1M, and of ten thousand on 20
# million made-up interactions, looked for among all, named, and noted by the triggers of
# reco.track(); and what a list costs before and after.
#
# usage: fold_in.sh
#
# With PGHOST set it uses that server (and tables ratings and ml_1m.ratings there, which it
# makes, and leaves; model bench is made anew), else a private one; see lib.sh for this and for
# the size of the data.
#
# Environment:
#   BENCH_DATA     which rows ("movielens generated")
#   BENCH_SECONDS  for which lists are asked (5)
#   ALGORITHM      its constructor (ials(factors => 64))
#   BENCH_SHARE    of users who change (0.1656 and 0.0722)
#   BENCH_INDEX    of the table, by user ((user_id) INCLUDE (item_id))
#   RUNS           how often users change, a training after each time; the median is told (3)
#   RECO_DATA      where ml-1m/ratings.csv.gz is (../shared/data beside the project's folder)
#   PGOPTIONS      further settings for the server
#
# It prints and judges nothing; run it on an otherwise idle machine.  Rows of a user lie scattered, as
# in a log.  A user who changes gets three items more, then, when they are named, three more, and
# three more when they are noted.  Lists are those of users who were not read live, as stored; "folded in" are
# users of the layer, "others" those that it says nothing of.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

BENCH_DATA=${BENCH_DATA:-movielens generated}
BENCH_SECONDS=${BENCH_SECONDS:-5}
ALGORITHM=${ALGORITHM:-ials(factors => 64)}
RUNS=${RUNS:-3}
BENCH_INDEX=${BENCH_INDEX:-(user_id) INCLUDE (item_id)}
RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}

# Adds a measurement to file $1.
note() {
  echo "$2" >>"$tmp/$1"
}

median() {
  sort -n "$tmp/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# Median milliseconds of a list of the users in column u of table $1, by number k.
list_ms() {
  printf '%s\n' "\\set k random(1, $(sql -c "SELECT count(*) FROM $1"))" "SELECT u FROM $1 WHERE k = :k \\gset" \
    'SELECT * FROM bench.recommend(:u);' >"$tmp/list.sql"
  rm -f "$tmp"/list.log*
  pgbench -n -M prepared -c 1 -f "$tmp/list.sql" -T "$BENCH_SECONDS" -l --log-prefix="$tmp/list.log" >/dev/null 2>&1 \
    || die 'pgbench failed'
  awk '{ print $3 / 1000 }' "$tmp"/list.log* | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

measure() {
  local data=$1 table=$2 share=${BENCH_SHARE:-$3} run
  rm -f "$tmp"/{refresh,same,fold,named,tracked,first,second,count}
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS bench CASCADE' \
    -c 'DROP TABLE IF EXISTS bench_rows, bench_all, bench_changed' \
    -c "CREATE TABLE bench_rows AS SELECT user_id, item_id FROM $table ORDER BY hashint8(user_id::bigint * 100003 + item_id)" \
    -c "CREATE TABLE bench_all AS SELECT row_number() OVER () AS k, u FROM (SELECT DISTINCT user_id AS u FROM bench_rows) AS s" \
    -c 'CREATE UNIQUE INDEX ON bench_all (k)' -c "CREATE INDEX ON bench_rows $BENCH_INDEX" -c 'VACUUM ANALYZE bench_rows, bench_all'
  sql -c 'SET client_min_messages = warning' -c "CALL reco.create_model('bench', 'bench_rows', reco.$ALGORITHM, options => reco.options(live => 'off'))"
  local before
  before=$(list_ms bench_all)
  for ((run = 1; run <= RUNS; run++)); do
    note refresh "$(seconds "CALL reco.refresh('bench')")"
    note same "$(seconds "CALL reco.fold_in('bench')")"
    sql -c 'SET client_min_messages = warning' -c 'DROP TABLE IF EXISTS bench_changed' \
      -c "CREATE TABLE bench_changed AS SELECT row_number() OVER () AS k, u FROM bench_all WHERE hashint8(k * 1000 + $run) & 1048575 < 1048576 * $share" \
      -c 'CREATE UNIQUE INDEX ON bench_changed (k)' \
      -c "INSERT INTO bench_rows SELECT u, i FROM bench_changed, LATERAL (SELECT item_id AS i FROM bench.item_factors ORDER BY hashint8(item_id * 7919 + u) LIMIT 3) AS s"
    note fold "$(seconds "CALL reco.fold_in('bench')")"
    sql -c "INSERT INTO bench_rows SELECT u, i FROM bench_changed, LATERAL (SELECT item_id AS i FROM bench.item_factors ORDER BY hashint8(item_id * 6007 + u) LIMIT 3) AS s"
    note named "$(seconds "CALL reco.fold_in('bench', users => 'SELECT u FROM bench_changed')")"
    sql -c 'SET client_min_messages = warning' -c "CALL reco.track('bench')" -c "CALL reco.fold_in('bench')"
    sql -c "INSERT INTO bench_rows SELECT u, i FROM bench_changed, LATERAL (SELECT item_id AS i FROM bench.item_factors ORDER BY hashint8(item_id * 4001 + u) LIMIT 3) AS s"
    note tracked "$(seconds "CALL reco.fold_in('bench')")"
    sql -c "CALL reco.untrack('bench')"
    note count "$(sql -c 'SELECT folded_in_users FROM bench.versions WHERE active')"
    note first "$(seconds 'SELECT count(*) FROM bench.audience((SELECT item_id FROM bench.item_factors LIMIT 1), 10)')"
    note second "$(seconds 'SELECT count(*) FROM bench.audience((SELECT item_id FROM bench.item_factors LIMIT 1), 10)')"
  done
  sql -c 'SET client_min_messages = warning' \
    -c 'DROP TABLE IF EXISTS bench_others' -c 'CREATE TABLE bench_others AS SELECT row_number() OVER () AS k, u FROM (SELECT u FROM bench_all EXCEPT SELECT u FROM bench_changed) AS s' \
    -c 'CREATE UNIQUE INDEX ON bench_others (k)' -c 'VACUUM ANALYZE bench_changed, bench_others'
  printf '%-11s%9s%9s%9s%9s%9s%9s%9s%9s%11s%11s%11s\n' "$data" "$(median count)" "$(median refresh)" "$(median fold)" "$(median same)" "$(median named)" "$(median tracked)" \
    "$(median first)" "$(median second)" "$before" "$(list_ms bench_others)" "$(list_ms bench_changed)"
}

bench_setup
bench_reco || die 'extension reco is not installed'
printf '%-11s%9s%9s%9s%9s%9s%9s%9s%9s%33s\n' '' 'users' 'refresh' 'fold_in' 'nobody' 'named' 'tracked' 'audience:' '' 'a list, ms:'
printf '%-11s%9s%9s%9s%9s%9s%9s%9s%9s%11s%11s%11s\n' 'data' 'changed' 's' 's' 's' 's' 's' 'first, s' 'then, s' 'no layer' 'others' 'folded in'
for data in $BENCH_DATA; do
  case $data in
    movielens)
      if movielens_load; then
        measure "$data" ml_1m.ratings 0.1656
      else
        say "no MovieLens 1M in $RECO_DATA: skipped"
      fi
      ;;
    generated)
      bench_load
      measure "$data" ratings 0.0722
      ;;
    *) die "no data \"$data\"" ;;
  esac
done
