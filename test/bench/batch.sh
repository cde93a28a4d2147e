#!/usr/bin/env bash
# The ten best of every user, what they have left out, from factors in tables to rows in a
# table: reco.materialize beside implicit's recommend for all users and a COPY back; and
# recommend over all users by LATERAL.  Both use the factors of the same model.
#
# usage: batch.sh
#
# With PGHOST set it uses that server, with table ratings and the factor model bench if they
# are there, else a private one; see lib.sh for this and for the size of the data.
#
# Environment:
#   BENCH_THREADS     numbers of threads to try ("1 2")
#   BENCH_ITERATIONS  of the training (15)
#   TOP               length of a list (10)
#   RUNS              how often each is measured; the median is told (3)
#   PYTHON            a Python 3 with numpy and scipy ("python3")
#   PEER_PYTHONPATH   where that Python finds implicit (skipped without)
#
# It prints and judges nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

BENCH_THREADS=${BENCH_THREADS:-1 2}
BENCH_ITERATIONS=${BENCH_ITERATIONS:-15}
TOP=${TOP:-10}
RUNS=${RUNS:-3}
PYTHON=${PYTHON:-python3}
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

median() {
  sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# The value of key $1 in implicit's answers, the median of the runs.
peer() {
  awk -v key="$1" '$1 == key { print $2 }' "$tmp/peer" | median
}

bench_setup
bench_reco || die 'extension reco is not installed'
if ! bench_has_model bench; then
  bench_load
  say 'training'
  sql -c "CALL reco.create_model('bench', source => 'SELECT user_id, item_id FROM ratings',
            algorithm => reco.ials(factors => 64, iterations => $BENCH_ITERATIONS),
            options => reco.options(measure => false))"
fi
sql -c "SELECT format('%s users, %s items, %s rows', users, items, interactions)
          FROM bench.versions WHERE active"
sql -c "SELECT count(*) FROM bench.recommend(1)" -c 'CHECKPOINT' >/dev/null
printf '%-10s%14s%14s%14s%14s%9s%14s\n' 'threads' 'materialize' 'implicit' 'its COPY' 'together' \
  'ratio' 'same items'
for threads in $BENCH_THREADS; do
  : >"$tmp/reco"
  : >"$tmp/peer"
  for ((run = 0; run < RUNS; run++)); do
    start=$EPOCHREALTIME
    PGOPTIONS="$PGOPTIONS -c reco.threads=$threads" sql -c "CALL reco.materialize('bench', $TOP)"
    since "$start" >>"$tmp/reco"
    echo >>"$tmp/reco"
    if [ -n "${PEER_PYTHONPATH:-}" ]; then
      sql -c 'DROP TABLE IF EXISTS bench_lists' \
        -c 'CREATE TABLE bench_lists (user_id int, items int[], scores real[])'
      OPENBLAS_NUM_THREADS=1 PYTHONPATH=$PEER_PYTHONPATH \
        "$PYTHON" -W ignore "$bench_dir/batch.py" "$threads" "$TOP" >>"$tmp/peer"
    fi
  done
  awk -v threads="$threads" -v reco="$(grep . "$tmp/reco" | median)" -v find="$(peer find)" \
    -v copy="$(peer copy)" -v same="$(peer same)" 'BEGIN {
      if (find == "")
        printf "%-10d%14.2f%14s%14s%14s%9s%14s\n", threads, reco, "-", "-", "-", "-", "-"
      else
        printf "%-10d%14.2f%14.2f%14.2f%14.2f%9.1f%14s\n", threads, reco, find, copy, find + copy,
               (find + copy) / reco, same
    }'
done
sql -c 'DROP TABLE IF EXISTS bench_lists'
start=$EPOCHREALTIME
rows=$(sql -c 'SELECT count(*) FROM bench.user_factors AS u, LATERAL bench.recommend(u.user_id) AS r')
users=$(sql -c 'SELECT count(*) FROM bench.user_factors')
since "$start" | awk -v users="$users" -v rows="$rows" '{
  printf "recommend by LATERAL: %d rows in %.2f seconds, %d users a second\n", rows, $1, users / $1 }'
