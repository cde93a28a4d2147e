#!/usr/bin/env bash
# Bayesian personalized ranking on 20 million made-up interactions: seconds for an iteration of
# reco.bpr beside implicit's BayesianPersonalizedRanking, on the same rows, in one run.
#
# usage: bpr.sh
#
# With PGHOST set it uses that server (and table ratings and model bench there, which it
# makes, and leaves), else a private one; see lib.sh for this and for the size of the data.
#
# Environment:
#   BENCH_THREADS    numbers of threads to try ("1 2")
#   FACTORS          of both (64)
#   ITERATIONS       of both (3)
#   PYTHON           a Python 3 with numpy and scipy ("python3")
#   PEER_PYTHONPATH  where that Python finds implicit (skipped without)
#
# It prints and judges nothing; run it on an otherwise idle machine.  What is divided by the
# iterations is reco's time of training, which includes folding in all users, and implicit's
# time of fit, whose threads write over one another's numbers.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

export FACTORS=${FACTORS:-64} ITERATIONS=${ITERATIONS:-3}
BENCH_THREADS=${BENCH_THREADS:-1 2}
PYTHON=${PYTHON:-python3}
PGOPTIONS=${PGOPTIONS:-}

line() {
  printf '%-10s%8s%14s%14s\n' "$@"
}

run_reco() {
  local threads=$1
  if bench_has_model bench; then
    sql -c "CALL reco.drop_model('bench')"
  fi
  PGOPTIONS="$PGOPTIONS -c reco.threads=$threads -c client_min_messages=warning" \
    sql -c "CALL reco.create_model('bench', source => 'SELECT user_id, item_id FROM ratings',
              algorithm => reco.bpr(factors => $FACTORS, iterations => $ITERATIONS),
              options => reco.options(measure => false))"
  # shellcheck disable=SC2046
  line reco "$threads" $(sql -F ' ' -c "
    SELECT round((timings ->> 'train')::numeric, 2), round((timings ->> 'train')::numeric / $ITERATIONS, 2)
      FROM bench.versions ORDER BY version DESC LIMIT 1")
}

run_peer() {
  local threads=$1
  # shellcheck disable=SC2046
  line implicit "$threads" $(PYTHONPATH=${PEER_PYTHONPATH:-} OMP_NUM_THREADS=$threads \
    THREADS=$threads "$PYTHON" "$bench_dir/bpr.py")
}

bench_setup
bench_load
line '' threads train 'an iteration'
for threads in $BENCH_THREADS; do
  if bench_reco; then
    run_reco "$threads"
  fi
  if PYTHONPATH=${PEER_PYTHONPATH:-} "$PYTHON" -c 'import implicit.cpu.bpr' 2>/dev/null; then
    run_peer "$threads"
  else
    say 'implicit cannot be imported: skipped'
  fi
done
