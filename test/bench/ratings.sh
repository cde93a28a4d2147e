#!/usr/bin/env bash
# How far predicted ratings are off: of several algorithms the one is taken that is best on a part
# of the training rows that is hidden from it, is trained on all of them, and predicts the test.
# What is chosen, weights of hybrids among it, has seen nothing of the test.
#
# usage: ratings.sh [ml-1m | ml-100k]
#
# ml-1m: random fifths of MovieLens 1M, one for each seed.  ml-100k: MovieLens 100K's own five folds.
# Pairs of users or items that the training rows do not have are predicted by the mean, and count.
#
# With PGHOST set it uses that server (and schema ratings_bench there, made anew), else a private
# one; see lib.sh.
#
# Environment:
#   CANDIDATES     algorithms, one a line
#   SEEDS          of ml-1m ("1 2 3")
#   RECO_DATA      where the data is (../shared/data beside the project's folder)
#   PGOPTIONS      further settings for the server
#
# It prints and judges nothing: of each part the candidates with the RMSE on what was hidden of the
# training rows, then the RMSE of the test with the best, and the seconds of that training, in
# which the weights of a hybrid are found; in the end the RMSE over all tests.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}
SEEDS=${SEEDS:-1 2 3}
set_of=${1:-ml-1m}

# A hybrid whose weights are found: factors of several sizes, and neighbors by what is alike.
hybrid_of() {
  local IFS=,
  printf "reco.hybrid(ARRAY[%s], normalization => 'none')" "$*"
}
pearson="reco.item_knn(similarity => 'pearson', shrinkage => 30, neighbors => 50, biases => true)"
wide="reco.item_knn(similarity => 'pearson', shrinkage => 100, neighbors => 200, biases => true)"
jaccard="reco.item_knn(similarity => 'jaccard', biases => true)"
people="reco.user_knn(similarity => 'pearson', shrinkage => 100, neighbors => 200, biases => true)"
if [ -z "${CANDIDATES:-}" ]; then
  if [ "$set_of" = ml-1m ]; then
    one="reco.als(factors => 128, regularization => 0.075, iterations => 30)"
    few="reco.als(factors => 16, regularization => 0.05),reco.als(regularization => 0.055, seed => 2)"
    more="$few,reco.als(factors => 32, regularization => 0.05, seed => 3),reco.als(factors => 128, regularization => 0.06, seed => 4)"
  else
    one="reco.als(factors => 64, regularization => 0.12, iterations => 20)"
    few="reco.als(factors => 8, regularization => 0.08),reco.als(factors => 64, regularization => 0.1, seed => 2)"
    more="$few,reco.als(factors => 16, regularization => 0.09, seed => 3),reco.als(factors => 128, regularization => 0.11, seed => 4)"
  fi
  CANDIDATES="$one
$wide
$(hybrid_of "$one" "$wide")
$(hybrid_of "$few" "$pearson" "$jaccard")
$(hybrid_of "$more" "$pearson" "$jaccard")
$(hybrid_of "$more" "$pearson" "$wide" "$jaccard" "$people")"
fi

bench_setup
bench_reco || die 'extension reco is not installed'
sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS ratings_bench, ratings_model CASCADE' -c 'CREATE SCHEMA ratings_bench'
case $set_of in
  ml-1m)
    parts=$SEEDS
    movielens_load || parts=''
    ;;
  ml-100k)
    parts='1 2 3 4 5'
    [ -r "$RECO_DATA/ml-100k/u1.base.gz" ] || parts=''
    ;;
  *) die "no such data: $set_of" ;;
esac
[ -n "$parts" ] || {
  say "no $set_of in $RECO_DATA: skipped"
  exit 0
}

# Tables train and test of a part.
make_part() {
  sql -c 'SET client_min_messages = warning' -c 'DROP TABLE IF EXISTS ratings_bench.train, ratings_bench.test'
  if [ "$set_of" = ml-1m ]; then
    sql -v seed="$1" <<'EOS'
CREATE TABLE ratings_bench.test AS SELECT * FROM ml_1m.ratings WHERE hashint8extended(user_id::bigint << 32 | item_id, :seed) & 65535 < 13107;
CREATE TABLE ratings_bench.train AS SELECT * FROM ml_1m.ratings WHERE hashint8extended(user_id::bigint << 32 | item_id, :seed) & 65535 >= 13107;
EOS
  else
    for side in base test; do
      sql -c "CREATE TABLE ratings_bench.$side (user_id int, item_id int, rating real, at bigint)"
      gzip -dc "$RECO_DATA/ml-100k/u$1.$side.gz" | sql -c "COPY ratings_bench.$side FROM STDIN"
    done
    sql -c 'ALTER TABLE ratings_bench.base RENAME TO train'
  fi
}

source='SELECT user_id, item_id, rating FROM ratings_bench.train'
for part in $parts; do
  make_part "$part"
  best=''
  least=9
  while IFS= read -r candidate; do
    rmse=$(sql -c 'SET client_min_messages = warning' \
      -c "SELECT round(value::numeric, 4) FROM reco.evaluate('$source', ARRAY[$candidate], seed => 1) WHERE metric = 'rmse' AND algorithm NOT LIKE 'mean%'")
    printf 'part %s  hidden %s  %s\n' "$part" "$rmse" "$candidate"
    if awk -v a="$rmse" -v b="$least" 'BEGIN { exit !(a < b) }'; then
      least=$rmse
      best=$candidate
    fi
  done <<<"$CANDIDATES"
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS ratings_model CASCADE' \
    -c "CALL reco.create_model('ratings_model', '$source', $best, options => reco.options(live => 'off', measure => false))" \
    -c "CREATE TABLE ratings_bench.errors_$part AS SELECT (rating - coalesce(ratings_model.predict(user_id, item_id), (SELECT avg(rating) FROM ratings_bench.train))) ^ 2 AS square FROM ratings_bench.test" \
    -c "SELECT 'part $part  test ' || round(sqrt(avg(square))::numeric, 4) || ', trained in '
               || (SELECT round(extract(epoch FROM finished_at - started_at)::numeric, 1) FROM ratings_model.versions) || ' s; weights '
               || coalesce((SELECT algorithm ->> 'weights' FROM ratings_model.model_version), '') FROM ratings_bench.errors_$part"
done
union=$(for part in $parts; do printf '%sSELECT square FROM ratings_bench.errors_%s' "${sep:-}" "$part"; sep=' UNION ALL '; done)
sql -c "SELECT 'all tests: RMSE ' || round(sqrt(avg(square))::numeric, 4) FROM ($union) AS e"
