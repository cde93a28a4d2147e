#!/usr/bin/env bash
# What a version costs beside its training: the seconds that its rows take to be written, its
# bytes on disk, its WAL, and the first call of a session: the first of all, which reads the
# tables and makes the image, and of one that finds it.
#
# usage: version.sh
#
# With PGHOST set it uses that server, with table ratings if it is there, else a private one;
# see lib.sh for this and for the size of the data.
#
# Environment:
#   RUNS   how often each is measured; the median is told (3)
#
# It prints and judges nothing.
set -euo pipefail
BENCH_USERS=${BENCH_USERS:-30000} BENCH_ITEMS=${BENCH_ITEMS:-8000}
. "$(dirname "$0")/lib.sh"

RUNS=${RUNS:-3}
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning -c reco.threads=2"

median() {
  sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# Milliseconds of a call, the first of a session.
first_call() {
  psql -XqAt -v ON_ERROR_STOP=1 -c '\timing on' -c "SELECT count(*) FROM bench.recommend(1)" \
    | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p'
}

column() {
  awk -v c="$1" '{ print $c }' "$tmp/runs" | median
}

bench_setup
bench_reco || die 'extension reco is not installed'
bench_load
printf '%-34s%10s%10s%10s%12s%12s\n' algorithm 'write, s' 'MB' 'WAL, MB' 'first, ms' 'mapped, ms'
for algorithm in 'ials(iterations => 1)' 'als(iterations => 1)' 'item_knn()' 'user_knn()'; do
  sql -c "CALL reco.create_model('bench', source => 'SELECT user_id, item_id, value FROM ratings',
            algorithm => reco.$algorithm, options => reco.options(live => 'off'))"
  : >"$tmp/runs"
  for ((run = 0; run < RUNS; run++)); do
    sql -c 'CHECKPOINT'
    before=$(sql -c 'SELECT pg_current_wal_insert_lsn()')
    sql -c "CALL reco.refresh('bench')"
    written=$(sql -c "SELECT (pg_current_wal_insert_lsn() - '$before') / 1048576.0,
                        timings->>'write' FROM bench.versions WHERE active")
    printf '%s %s %s %s\n' "${written#*|}" "${written%|*}" "$(first_call)" "$(first_call)" \
      >>"$tmp/runs"
  done
  bytes=$(sql -c "SELECT sum(pg_total_relation_size(c.oid)) / 1048576.0 / $((RUNS + 1))
                    FROM pg_class AS c WHERE relnamespace = 'bench'::regnamespace
                     AND relkind = 'r'")
  printf '%-34s%10.3f%10.1f%10.1f%12.1f%12.2f\n' "$algorithm" "$(column 1)" "$bytes" \
    "$(column 2)" "$(column 3)" "$(column 4)"
  sql -c "CALL reco.drop_model('bench')"
done
