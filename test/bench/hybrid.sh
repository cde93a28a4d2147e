#!/usr/bin/env bash
# What a hybrid of three serves in, beside the sum of its members: recommend for one user, and
# materialize for all.
#
# usage: hybrid.sh [FILE]
#
# FILE holds rows of user and item, separated by tabs, and may be compressed with gzip; without it
# the interactions are made up (20000 users, 27000 items: see lib.sh).  With PGHOST set that server
# is used; table ratings is taken as it is where it exists.
#
# Environment:
#   MEMBERS  constructors, one a line
#   CALLS    of recommend, for each model (300)
#   RUNS     of materialize, of which the fastest is told (3)
#
# It prints and judges nothing; run it on an otherwise idle machine.
set -euo pipefail
BENCH_USERS=${BENCH_USERS:-20000} BENCH_ITEMS=${BENCH_ITEMS:-27000}
. "$(dirname "$0")/lib.sh"

MEMBERS=${MEMBERS:-reco.ials(factors => 64, iterations => 3)
reco.item_knn(neighbors => 100)
reco.svd(factors => 50, power_iterations => 1)}
CALLS=${CALLS:-300}
RUNS=${RUNS:-3}
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

load() {
  local file=${1:-}
  [ -n "$file" ] || { bench_load; return; }
  [ "$(sql -c "SELECT to_regclass('ratings') IS NULL")" = t ] || return 0
  sql -c 'CREATE TABLE ratings(user_id int NOT NULL, item_id int NOT NULL)'
  { case $file in *.gz) zcat "$file" ;; *) cat "$file" ;; esac } | sql -c 'COPY ratings FROM STDIN'
  sql -c 'CREATE INDEX ON ratings (user_id) INCLUDE (item_id)' -c 'VACUUM ANALYZE ratings'
}

# A row: the model, milliseconds of a call in the median, seconds for all users.
measure() {
  local name=$1 algorithm=$2 best='' start seconds
  sql -c 'DROP SCHEMA IF EXISTS bench CASCADE' \
    -c "CALL reco.create_model('bench', source => 'SELECT user_id, item_id FROM ratings',
          algorithm => $algorithm, options => reco.options(measure => false))"
  ms=$(sql <<EOF
CREATE TEMPORARY TABLE took (ms float8);
DO \$\$
DECLARE
  begun timestamptz;
  u int;
BEGIN
  FOR u IN SELECT user_id FROM (SELECT DISTINCT user_id FROM ratings) AS s
            ORDER BY hashint4(user_id) LIMIT $CALLS + 20 LOOP
    begun := clock_timestamp();
    PERFORM * FROM bench.recommend(u);
    INSERT INTO took VALUES (extract(epoch FROM clock_timestamp() - begun) * 1000);
  END LOOP;
END
\$\$;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM took;
EOF
  )
  for ((run = 0; run < RUNS; run++)); do
    start=$EPOCHREALTIME
    sql -c "CALL reco.materialize('bench', 10)"
    seconds=$(since "$start")
    best=$(awk -v a="$seconds" -v b="${best:-$seconds}" 'BEGIN { print a < b ? a : b }')
  done
  printf '%-60s%12.3f%12.3f\n' "${name:0:58}" "$ms" "$best"
}

bench_setup
bench_reco || die 'extension reco is not installed'
load "${1:-}"
printf '%-60s%12s%12s\n' 'model' 'recommend ms' 'all users s'
while IFS= read -r member; do
  measure "$member" "$member"
done <<<"$MEMBERS" | tee "$tmp/members"
all=$(paste -sd, <<<"$MEMBERS")
awk '{ a += $(NF - 1); b += $NF } END { printf "%-60s%12.3f%12.3f\n", "the sum", a, b }' "$tmp/members"
for normalization in z-score min-max rank; do
  measure "hybrid, $normalization" \
    "reco.hybrid(ARRAY[$all], weights => array_fill(1, ARRAY[$(wc -l <<<"$MEMBERS")]), normalization => '$normalization')"
done
measure 'hybrid, a cascade' "reco.hybrid(ARRAY[$all], combine => 'cascade')"
