#!/usr/bin/env bash
# What a basket costs with user_knn, which looks for its neighbors among all users:
# recommend_for with baskets of 1, 5, 20 and 100 items, the items of random users; the first
# call of all, which writes the image of the users, and the first of a session; the size of that
# image, and the memory that a call takes beside it.
#
# usage: baskets.sh
#
# With PGHOST set it uses that server, with table ratings and model bench_users if they are
# there, else a private one; see lib.sh for this and for the size of the data.
#
# Environment:
#   BENCH_ALGORITHM  ("reco.user_knn(neighbors => 100)")
#   BENCH_SOURCE     ("SELECT user_id, item_id, value FROM ratings")
#   BENCH_CALLS      calls of each size, at most (300)
#   BENCH_SECONDS    for each size; no call begins later (20)
#
# It prints and judges nothing.  Memory is read from /proc, so only of a server on this machine
# and by a user who may look.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

BENCH_ALGORITHM=${BENCH_ALGORITHM:-reco.user_knn(neighbors => 100)}
BENCH_SOURCE=${BENCH_SOURCE:-SELECT user_id, item_id, value FROM ratings}
BENCH_CALLS=${BENCH_CALLS:-300}
BENCH_SECONDS=${BENCH_SECONDS:-20}
sizes='1 5 20 100'
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning -c reco.max_memory=4GB"

# Baskets of n items: a random part of what a random user has.
make_baskets() {
  sql -c 'DROP TABLE IF EXISTS bench_baskets' \
    -c 'CREATE TABLE bench_baskets (n int, k int, items int[])' \
    -c "SELECT setseed(0.42)" -c "
    INSERT INTO bench_baskets
    WITH chosen AS MATERIALIZED (
      SELECT user_id, row_number() OVER (ORDER BY random()) AS k
        FROM (SELECT user_id FROM ratings GROUP BY user_id HAVING count(*) >= 100
              ORDER BY user_id) AS s),
    rows AS MATERIALIZED (
      SELECT c.k, r.item_id, row_number() OVER (PARTITION BY c.k ORDER BY random()) AS at
        FROM chosen AS c JOIN ratings AS r USING (user_id) WHERE c.k <= $BENCH_CALLS)
    SELECT n, k, array_agg(item_id ORDER BY item_id)
      FROM rows, unnest(string_to_array('$sizes', ' ')::int[]) AS n WHERE at <= n GROUP BY n, k" \
    >/dev/null
}

# Times of the statements of one session, one a line.
session() {
  printf '%s\n' '\timing on' "$@" | psql -XqAt -o /dev/null | awk '/^Time:/ { print $2 }'
}

basket() {
  sql -c "SELECT items FROM bench_baskets WHERE n = $1 AND k = $2"
}

call() {
  echo "SELECT count(*) FROM bench_users.recommend_for('$(basket "$1" "$2")'::int[]);"
}

# Warm calls of one session.
calls() {
  local n=$1
  sql <<SQL
SELECT count(*) FROM bench_users.recommend_for('$(basket "$n" 1)'::int[]) \g /dev/null
CREATE TEMP TABLE took (ms float);
DO \$\$
DECLARE b int[]; began timestamptz := clock_timestamp(); at timestamptz;
BEGIN
  FOR b IN SELECT items FROM bench_baskets WHERE n = $n ORDER BY k LOOP
    EXIT WHEN clock_timestamp() > began + interval '$BENCH_SECONDS s';
    at := clock_timestamp();
    PERFORM count(*) FROM bench_users.recommend_for(b);
    INSERT INTO took VALUES (extract(epoch FROM clock_timestamp() - at) * 1000);
  END LOOP;
END \$\$;
SELECT format('%-24s%9s%10s%10s%10s%12s', 'a basket of $n', count(*),
              round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2),
              round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 2),
              round(max(ms)::numeric, 2),
              (SELECT sum(c.n)::int / $BENCH_CALLS
                 FROM bench_baskets AS b, unnest(b.items) AS i JOIN bench_counts AS c ON c.item_id = i
                WHERE b.n = $n))
  FROM took;
SQL
}

# What the second basket of a session takes beside what the first has left.
memory() {
  local n=$1 pid
  coproc SESSION { psql -XqAt -v ON_ERROR_STOP=1; }
  printf '%s\n' 'SELECT pg_backend_pid();' >&"${SESSION[1]}"
  read -r pid <&"${SESSION[0]}"
  call "$n" 1 >&"${SESSION[1]}"
  read -r _ <&"${SESSION[0]}"
  if echo 5 2>/dev/null >"/proc/$pid/clear_refs"; then
    awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid/status" >"$tmp/rss"
    call "$n" 1 >&"${SESSION[1]}"
    read -r _ <&"${SESSION[0]}"
    awk -v n="$n" -v rss="$(cat "$tmp/rss")" '$1 == "VmHWM:" {
      printf "a basket of %d takes beside the image, MB: %.1f\n", n, ($2 - rss) / 1024 }' \
      "/proc/$pid/status"
  fi
  echo '\q' >&"${SESSION[1]}"
  wait "$SESSION_PID" || true
}

bench_setup
bench_reco || die 'extension reco is not installed'
bench_load
if ! bench_has_model bench_users; then
  say 'training'
  sql -c "CALL reco.create_model('bench_users', source => '$BENCH_SOURCE',
            algorithm => $BENCH_ALGORITHM, options => reco.options(live => 'off'))"
fi
make_baskets
sql -c 'DROP TABLE IF EXISTS bench_counts' \
  -c 'CREATE TABLE bench_counts AS SELECT item_id, count(*) AS n FROM ratings GROUP BY item_id'
sql -c "SELECT format('%s users, %s items, %s interactions; %s', users, items, interactions,
          algorithm) FROM bench_users.versions WHERE active"
sql -c "SELECT format('the first call of all, ms: %s', '$(session "$(call 20 1)")')"
for k in 1 2 3 4 5; do
  session "$(call 20 "$k")"
done | sort -n | awk '{ v[NR] = $1 } END { print "the first basket of a session, ms: " v[3] }'
for k in 1 2 3 4 5; do
  session "SELECT count(*) FROM bench_users.recommend($k);"
done | sort -n | awk '{ v[NR] = $1 } END { print "the first list of a user of a session, ms: " v[3] }'
printf '%-24s%9s%10s%10s%10s%12s\n' 'warm, ms' 'calls' 'median' 'p95' 'most' 'entries'
for n in $sizes; do
  calls "$n"
done
memory 20
memory 100
sql -c "SELECT format('%s, MB: %s', CASE WHEN name ~ 'users' THEN 'image of the users' ELSE 'image of the items' END,
          round(size / 1048576.0, 1)) FROM pg_ls_tmpdir() WHERE name ~ 'reco\\.' ORDER BY name"
sql -c 'DROP TABLE bench_baskets, bench_counts'
