#!/usr/bin/env bash
# Items that were never seen in training, by their features: of Amazon Beauty a random fifth of
# the items is taken out of the source with all that was bought of them, and stays in `items`.
#
# usage: cold.sh
#
# With PGHOST set it uses that server (and schema cold there, made anew), else a private one; see
# lib.sh.
#
# Environment:
#   ALGORITHMS     constructors, one a line (ials(), content(), popular())
#   BENCH_SAMPLE   of how many users (2000)
#   RECO_DATA      where amazon-beauty is (../shared/data beside the project's folder)
#   PGOPTIONS      further settings for the server
#
# It prints and judges nothing.  auc: of the pairs of an item without interactions that the user
# bought, and another such item, the share in which the bought one has the higher score; equal
# scores count half, a mean over users who bought one.  all: the same among all items that the
# user has not.  cold: the share of places in lists of 10 that such items have, with the default
# fallback.  hit: the share of users whose list has one that they bought.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}
BENCH_SAMPLE=${BENCH_SAMPLE:-2000}
if [ -z "${ALGORITHMS:-}" ]; then
  ALGORITHMS="ials()
content()
popular()"
fi

bench_setup
bench_reco || die 'extension reco is not installed'
[ -r "$RECO_DATA/amazon-beauty/sequences.txt.gz" ] || {
  say "no Amazon Beauty in $RECO_DATA: skipped"
  exit 0
}
sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS cold, cold_model CASCADE' -c 'CREATE SCHEMA cold' \
  -c 'CREATE TABLE cold.raw (line text)' -c 'CREATE TABLE cold.doc (doc jsonb)'
gzip -dc "$RECO_DATA/amazon-beauty/sequences.txt.gz" | sql -c 'COPY cold.raw FROM STDIN'
gzip -dc "$RECO_DATA/amazon-beauty/item_attributes.json.gz" \
  | sql -c "COPY cold.doc FROM STDIN (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')"
# Thresholds of a hash: the same fifth in every run.
sql <<'EOS'
CREATE TABLE cold.items AS
  SELECT key::int AS item_id, array(SELECT jsonb_array_elements_text(value)) AS attributes,
         hashint8(key::int) & 1023 < 205 AS hidden
    FROM cold.doc, jsonb_each(doc);
CREATE TABLE cold.rows AS
  SELECT a[1]::int AS user_id, item::int AS item_id
    FROM (SELECT string_to_array(line, ' ') AS a FROM cold.raw) AS r, unnest(a[2:]) AS item;
CREATE VIEW cold.train AS SELECT r.user_id, r.item_id FROM cold.rows AS r JOIN cold.items AS i USING (item_id) WHERE NOT i.hidden;
CREATE VIEW cold.test AS SELECT DISTINCT r.user_id, r.item_id FROM cold.rows AS r JOIN cold.items AS i USING (item_id) WHERE i.hidden;
ANALYZE cold.items, cold.rows;
SELECT count(*) || ' items, ' || count(*) FILTER (WHERE hidden) || ' of them hidden with '
       || (SELECT count(*) FROM cold.test) || ' of '
       || (SELECT count(*) FROM (SELECT DISTINCT user_id, item_id FROM cold.rows) AS s) || ' interactions' FROM cold.items;
EOS
sql -c "CREATE TABLE cold.who AS
  SELECT user_id FROM (SELECT DISTINCT user_id FROM cold.test) AS t WHERE user_id IN (SELECT user_id FROM cold.train)
   ORDER BY hashint8(user_id) LIMIT $BENCH_SAMPLE"

printf '%-34s%9s%9s%9s%9s%9s\n' 'algorithm' 'train, s' 'auc' 'all' 'cold' 'hit'
while IFS= read -r algorithm; do
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS cold_model CASCADE' \
    -c "CALL reco.create_model('cold_model', 'SELECT * FROM cold.train', reco.$algorithm, items => 'SELECT item_id, attributes FROM cold.items', options => reco.options(live => 'off', measure => false))" \
    -c "CALL reco.materialize('cold_model', 10)"
  sql -v algorithm="$algorithm" <<'EOS'
WITH scores AS MATERIALIZED (
  SELECT w.user_id, r.item_id, coalesce(r.score, '-Infinity') AS score,
         EXISTS (SELECT FROM cold.test AS t WHERE t.user_id = w.user_id AND t.item_id = r.item_id) AS wanted
    FROM cold.who AS w, LATERAL cold_model.rerank(w.user_id, (SELECT array_agg(item_id) FROM cold.items WHERE hidden)) AS r
), ranks AS (
  SELECT user_id, wanted,
         rank() OVER (PARTITION BY user_id ORDER BY score)
         + (count(*) OVER (PARTITION BY user_id, score) - 1) / 2.0 AS place
    FROM scores
), users AS (
  SELECT user_id, sum(place) FILTER (WHERE wanted) AS places, count(*) FILTER (WHERE wanted) AS n, count(*) AS items
    FROM ranks GROUP BY user_id
), lists AS (
  SELECT r.user_id, count(*) AS n, count(*) FILTER (WHERE i.hidden) AS cold,
         count(*) FILTER (WHERE EXISTS (SELECT FROM cold.test AS t WHERE t.user_id = r.user_id AND t.item_id = r.item_id)) AS hits
    FROM cold_model.recommendations AS r JOIN cold.items AS i USING (item_id) GROUP BY r.user_id
)
SELECT format('%-34s%9s%9s%9s%9s%9s', :'algorithm',
              (SELECT timings ->> 'train' FROM cold_model.versions WHERE active),
              (SELECT round(avg((places - n * (n + 1) / 2.0) / (n * (items - n))), 4) FROM users WHERE n > 0 AND items > n),
              (SELECT round(value::numeric, 4) FROM reco.evaluate('SELECT * FROM cold.train', ARRAY[reco_algorithm], test => 'SELECT * FROM cold.test', unknown => 'miss',
                 items => 'SELECT item_id, attributes FROM cold.items') WHERE metric = 'auc' AND algorithm <> 'popular' LIMIT 1),
              (SELECT round(sum(cold) / sum(n), 4) FROM lists),
              (SELECT round(avg((l.hits > 0)::int), 4) FROM lists AS l WHERE l.user_id IN (SELECT user_id FROM cold.test)))
  FROM (SELECT algorithm AS reco_algorithm FROM cold_model.model) AS m;
EOS
done <<<"$ALGORITHMS"
