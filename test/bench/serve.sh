#!/usr/bin/env bash
# What a page view costs: SELECT * FROM bench.recommend(:u) for random users, with what they
# have read live, beside a SELECT by primary key in the same run; the first call of a session;
# the memory of many sessions; a basket of 20 items; and pgvector's HNSW over the same factors
# where the server has it.
#
# usage: serve.sh [FILE]
#
# FILE holds rows of user and item, separated by tabs, and may be compressed with gzip; without
# it the interactions are made up (20000 users, 27000 items: see lib.sh).  With PGHOST set that
# server is used; table ratings and model bench are taken as they are where they exist.
#
# Environment:
#   BENCH_SECONDS     length of a run (20)
#   BENCH_ITERATIONS  of the training (15)
#   BENCH_SESSIONS    sessions whose memory is told; 0: none (50)
#   BENCH_RECALL      what HNSW has to reach before it is timed (0.95)
#
# It prints and judges nothing.  Memory is read from /proc, so only of a server on this machine
# and by a user who may look.
set -euo pipefail
BENCH_USERS=${BENCH_USERS:-20000} BENCH_ITEMS=${BENCH_ITEMS:-27000}
. "$(dirname "$0")/lib.sh"

BENCH_SECONDS=${BENCH_SECONDS:-20}
BENCH_ITERATIONS=${BENCH_ITERATIONS:-15}
BENCH_SESSIONS=${BENCH_SESSIONS:-50}
BENCH_RECALL=${BENCH_RECALL:-0.95}

# Numbers on standard input, one a line, under the name $1
percentiles() {
  sort -n | awk -v name="$1" '
    function at(q) { return v[int((NR - 1) * q) + 1] }
    { v[NR] = $1 }
    END {
      if (NR > 0)
        printf "%-34s%9d%10.3f%10.3f%10.3f%10.3f\n", name, NR, at(.5), at(.95), at(.99), v[NR]
    }'
}

# Runs scripts $tmp/$1.sql, $tmp/$2.sql ... in turns; tells the latencies of each.
timed() {
  local files=() name k=0
  for name in "$@"; do
    files+=(-f "$tmp/$name.sql")
  done
  rm -f "$tmp"/log.*
  pgbench -n -M prepared -c 1 -D "users=$users" --random-seed=42 "${files[@]}" -T 3 >/dev/null 2>&1
  pgbench -n -M prepared -c 1 -D "users=$users" --random-seed=42 "${files[@]}" \
    -T "$BENCH_SECONDS" -l --log-prefix="$tmp/log" >"$tmp/pgbench" 2>&1 || {
    cat "$tmp/pgbench"
    die 'pgbench failed'
  }
  for name in "$@"; do
    awk -v s="$k" '$4 == s { print $3 / 1000 }' "$tmp"/log.* | percentiles "$name"
    k=$((k + 1))
  done
}

heading() {
  printf '\n%-34s%9s%10s%10s%10s%10s\n' "$1, ms" 'calls' 'median' 'p95' 'p99' 'most'
}

load() {
  local file=${1:-} columns
  if [ -z "$file" ]; then
    bench_load
  elif [ "$(sql -c "SELECT to_regclass('ratings') IS NULL")" = t ]; then
    sql -c 'CREATE TABLE ratings(user_id int NOT NULL, item_id int NOT NULL)'
    { case $file in *.gz) zcat "$file" ;; *) cat "$file" ;; esac } | sql -c 'COPY ratings FROM STDIN'
  fi
  # all that is read live: made-up rows have values
  columns=$(sql -c "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
                     WHERE attrelid = 'ratings'::regclass AND attnum > 1 AND NOT attisdropped")
  sql -c 'SET client_min_messages = warning' \
    -c 'DROP INDEX IF EXISTS ratings_user' \
    -c "CREATE INDEX ratings_user ON ratings (user_id) INCLUDE ($columns)" \
    -c 'VACUUM ANALYZE ratings'
}

page_views() {
  printf '%s\n' '\set u random(1, :users)' 'SELECT * FROM bench.recommend(:u);' >"$tmp/recommend.sql"
  printf '%s\n' '\set u random(1, :users)' 'SELECT name FROM bench_key WHERE user_id = :u;' \
    >"$tmp/by primary key.sql"
  heading 'a call'
  timed recommend 'by primary key'
  pgbench -n -M prepared -c 1 -D "users=$users" -f "$tmp/recommend.sql" -T "$BENCH_SECONDS" \
    | awk '/^tps/ { printf "recommend alone, one client: %d calls a second\n", $3 }'
}

# Times of the statements of one session, one a line.
session() {
  printf '%s\n' '\timing on' "$@" | psql -XqAt -o /dev/null | awk '/^Time:/ { print $2 }'
}

first_calls() {
  local k u
  heading 'in new sessions'
  for ((k = 1; k <= 100; k++)); do
    u=$((k * 97 % users + 1))
    session "SELECT name FROM bench_key WHERE user_id = $u;" \
      "SELECT * FROM bench.recommend($u);" "SELECT * FROM bench.recommend($((u % users + 1)));" \
      | awk '{ print NR, $1 }'
  done >"$tmp/first"
  awk '$1 == 2 { print $2 }' "$tmp/first" | percentiles 'first recommend'
  awk '$1 == 3 { print $2 }' "$tmp/first" | percentiles 'second recommend'
}

# Pages of the version's image in many sessions at once.
memory() {
  local pids k
  [ "$BENCH_SESSIONS" -gt 0 ] || return 0
  for ((k = 1; k <= BENCH_SESSIONS; k++)); do
    printf '%s\n' "SET application_name = 'bench_memory';" \
      "SELECT count(*) FROM generate_series(1, 200) AS g, bench.recommend((g * 37 + $k) % $users + 1);" \
      '\! sleep 15' | psql -XqAt -o /dev/null &
  done
  sleep 8
  pids=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'bench_memory'")
  for k in $pids; do
    cat "/proc/$k/smaps" 2>/dev/null || true
  done | awk '
    /^[0-9a-f]+-[0-9a-f]+ / { image = $6 ~ /pgsql_tmp_reco/; maps += image }
    image && $1 == "Size:" { size += $2 }
    image && $1 == "Rss:" { rss += $2 }
    image && $1 == "Pss:" { pss += $2 }
    image && $1 ~ /^Private_/ { own += $2 }
    END {
      if (maps > 0)
        printf "\nimages in %d sessions, MB: mapped %.1f each, resident %.1f each; all together " \
               "(sum of PSS) %.1f, private %.1f\n",
               maps, size / maps / 1024, rss / maps / 1024, pss / 1024, own / 1024
    }'
  wait
}

baskets() {
  # a basket is 20 items in a row of the items by number, so known ones
  printf '%s\n' '\set u random(1, :users)' 'SELECT items FROM bench_basket WHERE user_id = :u;' \
    >"$tmp/basket alone.sql"
  printf '%s\n' '\set u random(1, :users)' \
    'SELECT r.* FROM bench_basket, bench.recommend_for(items) AS r WHERE user_id = :u;' \
    >"$tmp/recommend_for 20 items.sql"
  sql -c 'SET client_min_messages = warning' -c 'DROP TABLE IF EXISTS bench_basket' -c "
    CREATE TABLE bench_basket AS
    SELECT u AS user_id, ARRAY(SELECT r.item_id FROM bench.recommend(u, 20) AS r) AS items
      FROM generate_series(1, $users) AS u WHERE u % GREATEST($users / 2000, 1) = 0" \
    -c "UPDATE bench_basket SET user_id = n FROM (
          SELECT user_id AS old, row_number() OVER (ORDER BY user_id) AS n FROM bench_basket) AS s
        WHERE user_id = old" \
    -c 'CREATE INDEX ON bench_basket (user_id)' -c 'VACUUM ANALYZE bench_basket'
  heading 'a basket'
  users=$(sql -c 'SELECT count(*) FROM bench_basket') timed 'recommend_for 20 items' 'basket alone'
  sql -c 'DROP TABLE bench_basket'
}

# Share of the exact ten best that HNSW finds, over 300 users, at ef_search $1
recall() {
  sql -c "SET hnsw.ef_search = $1" -c '
    SELECT round(avg((SELECT count(*) FROM unnest(e.items) AS i WHERE i = ANY (ARRAY(
             SELECT v.item_id FROM bench_vector AS v ORDER BY v.f <#> e.f LIMIT 10)))) / 10, 4)
      FROM bench_exact AS e'
}

hnsw() {
  local ef found
  [ "$(sql -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")" = 1 ] || {
    say 'the server has no pgvector: left out'
    return 0
  }
  sql -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION IF NOT EXISTS vector' \
    -c 'DROP TABLE IF EXISTS bench_vector, bench_taste, bench_exact' \
    -c 'CREATE TABLE bench_vector AS SELECT item_id, factors::vector(64) AS f FROM bench.item_factors' \
    -c 'CREATE TABLE bench_taste AS SELECT user_id, factors::vector(64) AS f FROM bench.user_factors' \
    -c 'ALTER TABLE bench_taste ADD PRIMARY KEY (user_id)' -c "
    CREATE TABLE bench_exact AS
    SELECT t.f, ARRAY(SELECT v.item_id FROM bench_vector AS v ORDER BY v.f <#> t.f LIMIT 10) AS items
      FROM bench_taste AS t WHERE user_id % ($users / 300) = 0" \
    -c "SET maintenance_work_mem = '2GB'" \
    -c 'CREATE INDEX ON bench_vector USING hnsw (f vector_ip_ops)' \
    -c 'VACUUM ANALYZE bench_vector' -c 'VACUUM ANALYZE bench_taste'
  for ef in 10 20 40 80 120 160 200 300 400 600 800 1000; do
    found=$(recall "$ef")
    awk -v f="$found" -v r="$BENCH_RECALL" 'BEGIN { exit !(f < r) }' || break
  done
  echo "HNSW: recall@10 $found with ef_search $ef"
  printf '%s\n' '\set u random(1, :users)' "SELECT v.item_id FROM bench_vector AS v
    ORDER BY v.f <#> (SELECT f FROM bench_taste WHERE user_id = :u) LIMIT 10;" \
    | tr '\n' ' ' | sed 's/) SELECT/)\nSELECT/' >"$tmp/HNSW, seen items shown.sql"
  heading 'beside HNSW'
  PGOPTIONS="-c hnsw.ef_search=$ef" timed recommend 'HNSW, seen items shown'
  sql -c 'DROP TABLE bench_vector, bench_taste, bench_exact'
}

bench_setup
bench_reco || die 'extension reco is not installed'
load "$@"
if ! bench_has_model bench; then
  say 'training'
  sql -c "CALL reco.create_model('bench', source => 'ratings',
            algorithm => reco.ials(factors => 64, iterations => $BENCH_ITERATIONS),
            options => reco.options(measure => false))"
fi
sql -c 'SET client_min_messages = warning' -c 'DROP TABLE IF EXISTS bench_key' \
  -c "CREATE TABLE bench_key AS
      SELECT user_id, md5(user_id::text) AS name FROM bench.user_factors" \
  -c 'ALTER TABLE bench_key ADD PRIMARY KEY (user_id)' -c 'VACUUM ANALYZE bench_key'
users=$(sql -c 'SELECT max(user_id) FROM bench_key')
sql -c "SELECT format('%s users, %s items, %s factors; user 1 gets %s rows', v.users, v.items,
          (SELECT max(cardinality(factors)) FROM bench.item_factors),
          (SELECT count(*) FROM bench.recommend(1))) FROM bench.versions AS v WHERE active" \
  -c "SELECT line FROM reco.explain_source('bench') AS line LIMIT 1"
page_views
first_calls
baskets
memory
hnsw
sql -c 'DROP TABLE bench_key'
