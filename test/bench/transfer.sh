#!/usr/bin/env bash
# Transfer: MovieLens 1M in two halves by item, at random.  Of the first half all is known, of the
# second a few of each user's rows; what is hidden of the second half is to be found among its
# items, with the first half's model as prior and without, and by a model of all that is known.
#
# usage: transfer.sh
#
# With PGHOST set it uses that server (and schema transfer there, made anew), else a private one;
# see lib.sh.
#
# Environment:
#   SHARES         percent of each user's rows of the second half that are known ("5 10 20")
#   FACTORS        of all models (64)
#   ALONE, OPTIONS further options of the second half's model without the prior, and with it
#   METRICS        of implicit models, of ratings ("ndcg rmse")
#   SEEDS          of the halves and of what is known ("1 2 3")
#   CHOOSE         1: what is to be found is a part of what would be known, to choose options by
#   RECO_DATA      where ml-1m is (../shared/data beside the project's folder)
#   PGOPTIONS      further settings for the server
#
# It prints and judges nothing: NDCG@10 over the second half's items, of implicit models, and the
# RMSE of ratings.  Users of whom nothing is known in the second half are not measured.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}
SHARES=${SHARES:-5 10 20}
FACTORS=${FACTORS:-64}
OPTIONS=${OPTIONS:-}
ALONE=${ALONE:-}
METRICS=${METRICS:-ndcg rmse}
SEEDS=${SEEDS:-1 2 3}
CHOOSE=${CHOOSE:-}

bench_setup
bench_reco || die 'extension reco is not installed'
movielens_load || {
  say "no MovieLens 1M in $RECO_DATA: skipped"
  exit 0
}

# Tables of the halves: known and hidden rows of the second one by thresholds of hashes.
halves() {
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS transfer, transfer_first, transfer_all CASCADE' \
    -c 'CREATE SCHEMA transfer' -v seed="$1" -v share="$2" -v choose="${CHOOSE:-0}" -f - <<'EOS'
CREATE TABLE transfer.rows AS
  SELECT r.*, (hashint8extended(item_id, :seed) & 1) = 0 AS first,
         (hashint8extended(user_id::bigint << 32 | item_id, :seed + 1000) & 65535) / 65536.0 AS place
    FROM ml_1m.ratings AS r;
CREATE TABLE transfer.first AS SELECT user_id, item_id, rating FROM transfer.rows WHERE first;
CREATE TABLE transfer.known AS
  SELECT user_id, item_id, rating FROM transfer.rows
   WHERE NOT first AND place < :share / 100.0 * CASE WHEN :choose = 1 THEN 0.8 ELSE 1 END;
CREATE TABLE transfer.hidden AS
  SELECT user_id, item_id, rating FROM transfer.rows
   WHERE NOT first AND CASE WHEN :choose = 1 THEN place >= :share / 100.0 * 0.8 AND place < :share / 100.0 ELSE place >= 0.2 END;
CREATE TABLE transfer.judged AS
  SELECT * FROM transfer.hidden
   WHERE user_id IN (SELECT user_id FROM transfer.known) AND item_id IN (SELECT item_id FROM transfer.known);
ANALYZE transfer.first, transfer.known, transfer.hidden;
EOS
}

# What a metric of algorithms is that are trained on the known rows, and of popularity where that
# has it: measure METRIC COLUMNS ALGORITHM...
measure() {
  local metric=$1 columns=$2 IFS=,
  shift 2
  sql -F ' ' -c 'SET client_min_messages = warning' \
    -c "SELECT coalesce(max(value) FILTER (WHERE algorithm LIKE 'popular%')::numeric(9, 4)::text, '-'),
               max(value) FILTER (WHERE algorithm LIKE '%NULL%')::numeric(9, 4), max(value) FILTER (WHERE algorithm LIKE '%transfer_first%')::numeric(9, 4)
          FROM reco.evaluate('SELECT $columns FROM transfer.known', ARRAY[$*],
            test => 'SELECT $columns FROM transfer.hidden', cutoffs => '{10}') WHERE metric = '$metric'"
}

# The same of a model of all that is known: of its lists the items of the second half, for the
# users and items that the others know.
measure_all() {
  sql -c 'SET client_min_messages = warning' \
    -c "CALL reco.create_model('transfer_all', 'SELECT $2 FROM transfer.first UNION ALL SELECT $2 FROM transfer.known', $3,
          options => reco.options(live => 'off', measure => false))"
  if [ "$1" = rmse ]; then
    sql -c "SELECT round(sqrt(avg((rating - transfer_all.predict(user_id, item_id)) ^ 2))::numeric, 4) FROM transfer.judged"
  else
    sql -c 'SET client_min_messages = warning' -c "CREATE TABLE transfer.lists AS
          SELECT u.user_id, r.item_id, r.rank FROM (SELECT DISTINCT user_id FROM transfer.judged) AS u,
                 LATERAL transfer_all.recommend(u.user_id, n => 10, among => (SELECT array_agg(DISTINCT item_id) FROM transfer.known)) AS r" \
      -c "SELECT round(value::numeric, 4) FROM reco.evaluate_lists('SELECT user_id, item_id, rank FROM transfer.lists',
            test => 'SELECT user_id, item_id FROM transfer.judged', cutoffs => '{10}') WHERE metric = 'ndcg'"
  fi
}

printf '%-8s%8s%6s%10s%10s%10s%10s\n' 'metric' 'known' 'seed' 'popular' 'alone' 'prior' 'together'
for share in $SHARES; do
  for seed in $SEEDS; do
    halves "$seed" "$share"
    for metric in $METRICS; do
      if [ "$metric" = rmse ]; then
        make=als columns='user_id, item_id, rating'
      else
        make=ials columns='user_id, item_id'
      fi
      made="reco.$make(factors => $FACTORS"
      sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS transfer_first, transfer_all CASCADE' -c 'DROP TABLE IF EXISTS transfer.lists' \
        -c "CALL reco.create_model('transfer_first', 'SELECT $columns FROM transfer.first', $made), options => reco.options(live => 'off', measure => false))"
      read -r popular alone prior < <(measure "$metric" "$columns" "$made${ALONE:+, $ALONE})" "$made${OPTIONS:+, $OPTIONS}, prior => 'transfer_first')")
      together=-
      [ "$CHOOSE" = 1 ] || together=$(measure_all "$metric" "$columns" "$made)")
      printf '%-8s%8s%6s%10s%10s%10s%10s\n' "$metric" "$share %" "$seed" "$popular" "$alone" "$prior" "$together"
    done
  done
done
