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
#   ITERATIONS       of both, fewer and more ("3 13")
#   PYTHON           a Python 3 with numpy and scipy ("python3")
#   PEER_PYTHONPATH  where that Python finds implicit (skipped without)
#
# It prints and judges nothing; run it on an otherwise idle machine.  Seconds are reco's of
# training, which includes folding in all users, and implicit's of fit, whose threads write over
# one another's numbers; an iteration is what more of them take beyond fewer, by their number.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

export FACTORS=${FACTORS:-64}
read -r FEWER MORE <<<"${ITERATIONS:-3 13}"
BENCH_THREADS=${BENCH_THREADS:-1 2}
PYTHON=${PYTHON:-python3}
PGOPTIONS=${PGOPTIONS:-}

line() {
  printf '%-10s%8s%14s%14s%14s\n' "$@"
}

# An iteration of $1 seconds of the fewer and $2 of the more.
iteration() {
  awk -v a="$1" -v b="$2" -v n="$((MORE - FEWER))" 'BEGIN { printf "%.2f", (b - a) / n }'
}

# Seconds that $1 threads take to train $2 iterations.
train_reco() {
  if bench_has_model bench; then
    sql -c "CALL reco.drop_model('bench')"
  fi
  PGOPTIONS="$PGOPTIONS -c reco.threads=$1 -c client_min_messages=warning" \
    sql -c "CALL reco.create_model('bench', source => 'SELECT user_id, item_id FROM ratings',
              algorithm => reco.bpr(factors => $FACTORS, iterations => $2),
              options => reco.options(measure => false))"
  sql -c "SELECT round((timings ->> 'train')::numeric, 2) FROM bench.versions ORDER BY version DESC LIMIT 1"
}

train_peer() {
  PYTHONPATH=${PEER_PYTHONPATH:-} OMP_NUM_THREADS=$1 THREADS=$1 ITERATIONS=$2 "$PYTHON" "$bench_dir/bpr.py"
}

# A line of $1, trained by $2, for $3 threads.
measure() {
  local fewer more
  fewer=$("$2" "$3" "$FEWER")
  more=$("$2" "$3" "$MORE")
  line "$1" "$3" "$fewer" "$more" "$(iteration "$fewer" "$more")"
}

bench_setup
bench_load
line '' threads "train $FEWER" "train $MORE" 'an iteration'
for threads in $BENCH_THREADS; do
  if bench_reco; then
    measure reco train_reco "$threads"
  fi
  if PYTHONPATH=${PEER_PYTHONPATH:-} "$PYTHON" -c 'import implicit.cpu.bpr' 2>/dev/null; then
    measure implicit train_peer "$threads"
  else
    say 'implicit cannot be imported: skipped'
  fi
done
