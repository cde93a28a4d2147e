#!/usr/bin/env bash
# A truncated singular value decomposition of 20 million made-up interactions, from the table to
# the model: reco.svd beside scikit-learn's TruncatedSVD, on the same rows, in one run.
#
# usage: svd.sh
#
# With PGHOST set it uses that server (and table ratings and model bench there, which it
# makes, and leaves), else a private one; see lib.sh for this and for the size of the data.
#
# Environment:
#   BENCH_THREADS      numbers of threads to try ("1 2")
#   FACTORS            of both (100)
#   POWER_ITERATIONS   of reco (4)
#   N_ITER             of scikit-learn (5, its default)
#   PYTHON             a Python 3 with numpy, scipy and scikit-learn ("python3"; skipped without)
#   PEER_LIBRARY_PATH  where that Python is to look for its BLAS first, for one with threads
#
# It prints and judges nothing; run it on an otherwise idle machine.  The peer's time is that of
# reading the rows from the server into a matrix of float4, and of the fit; it writes
# nothing.  reco's is the whole of create_model.  Singular values of reco are the lengths of the
# columns of user_factors.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

export FACTORS=${FACTORS:-100} N_ITER=${N_ITER:-5}
POWER_ITERATIONS=${POWER_ITERATIONS:-4}
BENCH_THREADS=${BENCH_THREADS:-1 2}
PYTHON=${PYTHON:-python3}
PGOPTIONS=${PGOPTIONS:-}

line() {
  printf '%-14s%8s%9s%9s%9s%9s%14s%14s\n' "$@"
}

# The columns of the sizes of what PostgreSQL computes: the first and the last singular value.
run_reco() {
  local threads=$1 workers='' start total
  if bench_has_model bench; then
    sql -c "CALL reco.drop_model('bench')"
  fi
  # One thread means one: no helpers for the scan either.
  if [ "$threads" -eq 1 ]; then
    workers='-c max_parallel_workers_per_gather=0'
  fi
  start=$EPOCHREALTIME
  PGOPTIONS="$PGOPTIONS -c reco.threads=$threads $workers -c client_min_messages=warning" \
    sql -c "CALL reco.create_model('bench',
              source => 'SELECT user_id, item_id, value FROM ratings',
              algorithm => reco.svd(factors => $FACTORS, power_iterations => $POWER_ITERATIONS),
              options => reco.options(value => 'raw', measure => false))"
  total=$(since "$start")
  # shellcheck disable=SC2046
  line reco "$threads" $(sql -F ' ' -c "
    SELECT round((timings ->> 'read')::numeric, 2), round((timings ->> 'train')::numeric, 2),
           round((timings ->> 'write')::numeric, 2), round($total, 2)
      FROM bench.versions ORDER BY version DESC LIMIT 1") \
    $(sql -F ' ' -c "
    SELECT round(sqrt(sum(factors[1]::float8 ^ 2))::numeric, 4),
           round(sqrt(sum(factors[$FACTORS]::float8 ^ 2))::numeric, 4) FROM bench.user_factors")
}

run_peer() {
  local threads=$1
  # shellcheck disable=SC2046
  line scikit-learn "$threads" $(OPENBLAS_NUM_THREADS=$threads OMP_NUM_THREADS=$threads \
    LD_LIBRARY_PATH=${PEER_LIBRARY_PATH:-} "$PYTHON" "$bench_dir/svd.py")
}

bench_setup
bench_load
line '' threads read fit write total 'sigma 1' "sigma $FACTORS"
for threads in $BENCH_THREADS; do
  if bench_reco; then
    run_reco "$threads"
  fi
  if "$PYTHON" -c 'import sklearn' 2>/dev/null; then
    run_peer "$threads"
  else
    say 'scikit-learn cannot be imported: skipped'
  fi
done
