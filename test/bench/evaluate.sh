#!/usr/bin/env bash
# What an evaluation costs beside its trainings: the lists of all users and what is found in
# them, on MovieLens 1M and on 20 million made-up interactions.
#
# usage: evaluate.sh [ALGORITHM]...
#
# An algorithm is its constructor, "ials(factors => 64)"; without any, those of the table in
# doc/performance.md.  Popularity, which reco.evaluate measures beside, is told as well.
#
# With PGHOST set it uses that server (and tables ratings and ml_1m.ratings there, which it
# makes, and leaves), else a private one; see lib.sh for this and for the size of the data.
#
# Environment:
#   BENCH_THREADS  numbers of threads to try ("1 2")
#   BENCH_DATA     which rows ("movielens generated")
#   RUNS           how often each is measured; the median is told (1)
#   PYTHON         a Python 3 with numpy and scipy ("python3")
#   PEER_PYTHONPATH  where that Python finds implicit (skipped without): its ranking_metrics_at_k
#                  of 64 factors of its own is told after ours of ials(factors => 64)
#   RECO_DATA      where ml-1m/ratings.csv.gz is (../shared/data beside the project's folder)
#   PGOPTIONS      further settings for the server
#
# It prints and judges nothing; run it on an otherwise idle machine.  The seconds are those
# that the server logs as DEBUG1: reading the source and splitting it are in neither.  At the end,
# for each data set, by the clock and with the most threads: one evaluation of ials, item_knn and
# popular together, and create_model of each, which measures nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

BENCH_THREADS=${BENCH_THREADS:-1 2}
BENCH_DATA=${BENCH_DATA:-movielens generated}
export RUNS=${RUNS:-1}
PYTHON=${PYTHON:-python3}
RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}
if [ $# -eq 0 ]; then
  set -- 'ials(factors => 64)' 'item_knn()' 'rp3beta()' 'user_knn()'
fi

# The two numbers of the line that names $1, the median of the runs.
seconds_of() {
  sed -n "s/.*DEBUG: *$1(.*): \([0-9.]*\) s of training, \([0-9.]*\) s of measuring/\1 \2/p" "$tmp/log" \
    | sort -n -k 2 | awk '{ v[NR] = sprintf("%10.3f%10.3f", $1, $2) } END { print v[int((NR + 1) / 2)] }'
}

measure() {
  local data=$1 source=$2 algorithm threads run start name
  shift 2
  for algorithm in "$@"; do
    for threads in $BENCH_THREADS; do
      : >"$tmp/log"
      : >"$tmp/all"
      for ((run = 0; run < RUNS; run++)); do
        start=$EPOCHREALTIME
        PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=debug1 -c reco.threads=$threads" sql -c \
          "SELECT count(*) FROM reco.evaluate('$source', ARRAY[reco.$algorithm])" \
          2>>"$tmp/log" >/dev/null || {
          grep -v DEBUG "$tmp/log" >&2
          die 'could not evaluate'
        }
        echo "$(since "$start")" >>"$tmp/all"
      done
      for name in "${algorithm%%(*}" popular; do
        printf '%-11s%-22s%8d%s%10s\n' "$data" "$([ "$name" = popular ] && echo '  popular()' || echo "$algorithm")" "$threads" \
          "$(seconds_of "$name")" \
          "$([ "$name" = popular ] || median "$tmp/all")"
      done
    done
  done
}

# Implicit's, of the data $1 and the source $2.
peer() {
  [ -n "${PEER_PYTHONPATH:-}" ] || return 0
  # shellcheck disable=SC2086
  OPENBLAS_NUM_THREADS=1 PYTHONPATH=$PEER_PYTHONPATH "$PYTHON" -W ignore "$bench_dir/evaluate.py" "$2" $BENCH_THREADS \
    >"$tmp/peer" || die 'implicit failed'
  local threads
  for threads in $BENCH_THREADS; do
    awk -v n="$threads" '$1 == "measure" && $2 == n { print $3 }' "$tmp/peer" >"$tmp/all"
    printf '%-11s%-22s%8d%10s%10s\n' "$1" "implicit's metrics" "$threads" '' "$(median "$tmp/all")"
  done
}

# By the clock: $1 is the data, $2 the source.
together() {
  local data=$1 source=$2 threads=${BENCH_THREADS##* } trainings=0 evaluation run start a
  for ((run = 0; run < RUNS; run++)); do
    start=$EPOCHREALTIME
    PGOPTIONS="${PGOPTIONS:-} -c reco.threads=$threads" sql -c "SELECT count(*) FROM
      reco.evaluate('$source', ARRAY[reco.ials(factors => 64), reco.item_knn(), reco.popular()])" >/dev/null
    since "$start" && echo
  done >"$tmp/all"
  evaluation=$(median "$tmp/all")
  for a in 'ials(factors => 64)' 'item_knn()' 'popular()'; do
    for ((run = 0; run < RUNS; run++)); do
      start=$EPOCHREALTIME
      PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning -c reco.threads=$threads" sql -c "CALL
        reco.create_model('bench_model', source => '$source', algorithm => reco.$a, options => reco.options(measure => false))"
      since "$start" && echo
      sql -c 'SET client_min_messages = warning' -c "CALL reco.drop_model('bench_model')"
    done >"$tmp/all"
    trainings=$(awk -v a="$trainings" -v b="$(median "$tmp/all")" 'BEGIN { printf "%.3f", a + b }')
  done
  awk -v d="$data" -v t="$threads" -v a="$evaluation" -v b="$trainings" 'BEGIN {
    printf "%-11s%-22s%8d%10.3f%10s%10.3f%8.2f\n", d, "the three, by clock", t, b, "", a, a / b }'
}

median() {
  sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

bench_setup
bench_reco || die 'extension reco is not installed'
printf '%-11s%-22s%8s%10s%10s%10s\n' data algorithm threads training measuring 'in all'
for data in $BENCH_DATA; do
  case $data in
    movielens)
      if movielens_load; then
        measure "$data" 'SELECT user_id, item_id FROM ml_1m.ratings' "$@"
        peer "$data" 'SELECT user_id, item_id FROM ml_1m.ratings'
        together "$data" 'SELECT user_id, item_id FROM ml_1m.ratings'
      else
        say "no MovieLens 1M in $RECO_DATA: skipped"
      fi
      ;;
    generated)
      bench_load
      measure "$data" 'SELECT user_id, item_id FROM ratings' "$@"
      peer "$data" 'SELECT user_id, item_id FROM ratings'
      together "$data" 'SELECT user_id, item_id FROM ratings'
      ;;
    *) die "no data \"$data\"" ;;
  esac
done
