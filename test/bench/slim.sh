#!/usr/bin/env bash
# SLIM from a table to the model: reco.slim() beside scikit-learn's coordinate descent on the Gram
# matrix, one thread each, on the same rows, in one run.
#
# usage: slim.sh FILE [L1 [L2 [POSITIVE]]]      (1 420 true)
#
# FILE has user and item in its first two columns, separated by tabs.  With PGHOST set it uses that
# server (and schema slim_bench there, which it makes anew), else a private one; see lib.sh.
#
# Environment:
#   SAMPLE   items that the peer solves, evenly chosen (200)
#   PYTHON   a Python 3 with numpy, scipy and scikit-learn ("python3")
#
# It prints and judges nothing; run it on an otherwise idle machine.  All weights are kept, so that
# the objectives can be compared.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

file=${1:?a file of users and items}
l1=${2:-1} l2=${3:-420} positive=${4:-true}
bench_setup
sql -c "CREATE EXTENSION IF NOT EXISTS reco" -c "SET client_min_messages = warning" \
  -c "DROP SCHEMA IF EXISTS slim_bench, slim_model CASCADE" -c "CREATE SCHEMA slim_bench" \
  -c "CREATE TABLE slim_bench.rows (user_id int, item_id int)"
case $file in *.gz) zcat "$file" ;; *) cat "$file" ;; esac | cut -f1,2 >"$tmp/rows"
sql -c "\\copy slim_bench.rows from '$tmp/rows'"
PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning -c reco.threads=1" sql -c "
  CALL reco.create_model('slim_model', 'slim_bench.rows',
    reco.slim(l1 => $l1, l2 => $l2, positive => $positive, neighbors => 10000),
    options => reco.options(measure => false))"
sql -F ' ' -c "SELECT 'reco: train', timings ->> 'train', 's' FROM slim_model.versions"
sql -c "\\copy (select item_id, neighbor_id, similarity from slim_model.item_neighbors) to '$tmp/weights'"
OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 "${PYTHON:-python3}" "$bench_dir/slim.py" "$tmp/rows" \
  "$tmp/weights" "$l1" "$l2" "$positive" "${SAMPLE:-200}"
