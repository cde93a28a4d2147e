#!/usr/bin/env bash
# The next basket of Ta-Feng's customers, by all baskets before it: how much of it is among ten
# items, things bought before among them.
#
# usage: next_basket.sh
#
# With PGHOST set it uses that server (and schemas basket and basket_model there, made anew), else a
# private one; see lib.sh.
#
# Environment:
#   ALGORITHMS     constructors, one a line (of repeat, and popular())
#   PART           test or val: whose baskets are to be found; settings are chosen on val (test)
#   RECO_DATA      where tafeng is (../shared/data beside the project's folder)
#   PGOPTIONS      further settings for the server
#
# It prints and judges nothing.  Of each user of the part: recall of the next basket, ndcg with the
# ideal over the whole basket, and whether one item is found; means over the users of a fold, and of
# the five folds.  train: seconds of create_model without measuring; query: the mean time of a list
# in one session, the lists being counted only, ms.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}
PART=${PART:-test}
if [ -z "${ALGORITHMS:-}" ]; then
  ALGORITHMS="repeat()
repeat(neighbors => 200, popularity => 0)
repeat(item_rates => false)
repeat(neighbors => 300, decay => 0.9, neighbor_decay => 0.9, groups => 7, group_decay => 0.7, own_weight => 0.7, popularity => 0, item_rates => false, normalized => false)
popular()"
fi

bench_setup
bench_reco || die 'extension reco is not installed'
[ -r "$RECO_DATA/tafeng/history.tsv.gz" ] || {
  say "no Ta-Feng in $RECO_DATA: skipped"
  exit 0
}
sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS basket, basket_model CASCADE' -c 'CREATE SCHEMA basket' \
  -c 'CREATE TABLE basket.history (user_id int, basket int, item_id int)' \
  -c 'CREATE TABLE basket.future (user_id int, item_id int)' \
  -c 'CREATE TABLE basket.folds (fold int, part text, user_id int)'
for table in history future folds; do
  gzip -dc "$RECO_DATA/tafeng/$table.tsv.gz" | sql -c "COPY basket.$table FROM STDIN"
done
sql -c "CREATE TABLE basket.wanted AS
    SELECT user_id, array_agg(DISTINCT item_id) AS items, count(DISTINCT item_id)::int AS size
      FROM basket.future WHERE user_id IN (SELECT user_id FROM basket.folds WHERE part = '$PART') GROUP BY 1" \
  -c 'ANALYZE basket.history, basket.wanted'
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"
printf '%8s%8s%8s%8s%8s  %s\n' recall ndcg hit train query algorithm
while read -r algorithm; do
  sql -c 'DROP SCHEMA IF EXISTS basket_model CASCADE'
  began=$EPOCHREALTIME
  sql -c "CALL reco.create_model('basket_model', 'SELECT user_id, item_id, 1, basket FROM basket.history',
            reco.$algorithm, options => reco.options(live => 'off', measure => false))"
  train=$(since "$began")
  sql -c 'SELECT count(*) FROM basket_model.recommend(1, 10, include_seen => true)' >/dev/null
  began=$EPOCHREALTIME
  sql -c 'CREATE TABLE basket.lists AS
    SELECT w.user_id, r.rank, r.item_id FROM basket.wanted AS w, basket_model.recommend(w.user_id, 10, include_seen => true) AS r'
  query=$(since "$began")
  sql -v train="$train" -v query="$query" -v algorithm="$algorithm" <<SQL
WITH hits AS (
  SELECT w.user_id, w.size, array_agg(l.rank) FILTER (WHERE l.item_id = ANY (w.items)) AS at
    FROM basket.wanted AS w LEFT JOIN basket.lists AS l USING (user_id) GROUP BY 1, 2),
judged AS (
  SELECT user_id, coalesce(cardinality(at), 0)::float8 / size AS recall, (at IS NOT NULL)::int AS hit,
         coalesce((SELECT sum(1 / log(2, h + 1)) FROM unnest(at) AS h), 0)::float8
           / (SELECT sum(1 / log(2, k + 1)) FROM generate_series(1, size) AS k)::float8 AS ndcg
    FROM hits),
folds AS (
  SELECT fold, avg(recall) AS recall, avg(ndcg) AS ndcg, avg(hit) AS hit
    FROM basket.folds JOIN judged USING (user_id) WHERE part = '$PART' GROUP BY 1)
SELECT format('%8s%8s%8s%8s%8s  %s', round(avg(recall)::numeric, 4), round(avg(ndcg)::numeric, 4),
              round(avg(hit)::numeric, 4), round(:'train'::numeric, 2),
              round(:'query'::numeric * 1000 / (SELECT count(*) FROM basket.wanted), 3), :'algorithm')
  FROM folds;
DROP TABLE basket.lists;
SQL
done <<<"$ALGORITHMS"
