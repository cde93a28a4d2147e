#!/usr/bin/env bash
# Latency of one recommendation: SELECT * FROM bench.recommend(:u) for random users, one
# client, beside a SELECT by primary key in the same run.
#
# usage: serve.sh
#
# With PGHOST set and a model bench there, as train.sh leaves it, that one is asked;
# otherwise one of 27000 items and 64 factors is trained on made-up interactions of fewer
# users.  See lib.sh.
#
# Environment:
#   BENCH_SECONDS   length of the run (30)
#   BENCH_RECOMMEND what to call, :u being a user (SELECT * FROM bench.recommend(:u))
#
# It prints and judges nothing.
set -euo pipefail
BENCH_USERS=${BENCH_USERS:-20000} BENCH_ITEMS=${BENCH_ITEMS:-27000}
. "$(dirname "$0")/lib.sh"

BENCH_SECONDS=${BENCH_SECONDS:-30}
BENCH_RECOMMEND=${BENCH_RECOMMEND:-SELECT * FROM bench.recommend(:u)}

# Latencies of script number $2 in log files $3..., in ms
percentiles() {
  local name=$1 script=$2
  shift 2
  awk -v s="$script" '$4 == s { print $3 / 1000 }' "$@" | sort -n \
    | awk -v name="$name" '
        function at(q) { return v[int((NR - 1) * q) + 1] }
        { v[NR] = $1 }
        END {
          if (NR > 0)
            printf "%-16s%10d%12.3f%12.3f%12.3f%12.3f\n", name, NR, at(.5), at(.95), at(.99), v[NR]
        }'
}

bench_setup
bench_reco || die 'extension reco is not installed'
if ! bench_has_model bench; then
  bench_load
  say 'training'
  sql -c "CALL reco.create_model('bench',
            source => 'SELECT user_id, item_id, value FROM ratings',
            algorithm => reco.ials(factors => 64, iterations => 5))"
fi

sql -c 'SET client_min_messages = warning' -c 'DROP TABLE IF EXISTS bench_key' \
  -c "CREATE TABLE bench_key AS
      SELECT user_id, md5(user_id::text) AS name FROM bench.user_factors" \
  -c 'ALTER TABLE bench_key ADD PRIMARY KEY (user_id)' -c 'VACUUM ANALYZE bench_key'
users=$(sql -c 'SELECT max(user_id) FROM bench_key')

printf '%s\n' '\set u random(1, :users)' "$BENCH_RECOMMEND;" >"$tmp/recommend.sql"
printf '%s\n' '\set u random(1, :users)' 'SELECT name FROM bench_key WHERE user_id = :u;' \
  >"$tmp/key.sql"
run=(pgbench -n -M prepared -c 1 -D "users=$users" --random-seed=42
  -f "$tmp/recommend.sql" -f "$tmp/key.sql")
"${run[@]}" -T 3 >/dev/null
"${run[@]}" -T "$BENCH_SECONDS" -l --log-prefix="$tmp/log" >"$tmp/pgbench" || {
  cat "$tmp/pgbench"
  die 'pgbench failed'
}
sql -c 'DROP TABLE bench_key'

sql -F ' ' -c "SELECT 'users', count(*) FROM bench.user_factors" \
  -c "SELECT 'items', count(*), 'factors', max(cardinality(factors)) FROM bench.item_factors" \
  -c "SELECT 'rows for user 1:', count(*) FROM bench.recommend(1)"
printf '%-16s%10s%12s%12s%12s%12s\n' 'ms' 'calls' 'median' 'p95' 'p99' 'most'
percentiles 'recommend' 0 "$tmp"/log.*
percentiles 'by primary key' 1 "$tmp"/log.*
