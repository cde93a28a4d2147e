#!/usr/bin/env bash
# What a version made of another one with the items that are new is worth, beside a full training: of
# Gowalla, where a random twentieth of the items is hidden at first, and of Online Retail, where all
# comes by time: trained until the first of October, with what was first sold until the middle of
# November, and what is bought after that is to be found.
#
# usage: new_items.sh
#
# With PGHOST set it uses that server (schema bench_new there, which it makes anew, models made and
# retrained, and table ratings, which it makes where it is missing), else a private one; see lib.sh.
#
# Environment:
#   BENCH_DATA  which ("gowalla retail generated")
#   ALGORITHMS  their constructors ("ials() svd() bpr() item_knn()"); of generated data the first
#   SHARE       of the items that are hidden, one in so many (20)
#   RECO_DATA   where the data is (../shared/data beside the project's folder)
#
# It prints and judges nothing: NDCG@10 of all lists, recall@20 of all that is to be found and of what
# of it is new, each of the version that was trained without new items and has what users did since
# folded in, of the one made of it, and of a training on everything; then seconds of
# fold_in(new_items => true) and of a refresh that measures nothing, how many items are new, and the
# drift that the view versions shows.  Of generated data only the seconds.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

BENCH_DATA=${BENCH_DATA:-gowalla retail generated}
ALGORITHMS=${ALGORITHMS:-ials() svd() bpr() item_knn()}
SHARE=${SHARE:-20}
RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}

# Tables old, new and test (user_id, item_id) of bench_new.
load_gowalla() {
  [ -r "$RECO_DATA/gowalla/train.tsv.gz" ] || return 1
  sql -c 'CREATE TABLE bench_new.history (user_id int, item_id int)' -c 'CREATE TABLE bench_new.test (user_id int, item_id int)'
  gzip -dc "$RECO_DATA/gowalla/train.tsv.gz" | sql -c 'COPY bench_new.history FROM STDIN'
  gzip -dc "$RECO_DATA/gowalla/test.tsv.gz" | sql -c 'COPY bench_new.test FROM STDIN'
  sql -c "CREATE TABLE bench_new.new AS SELECT * FROM bench_new.history WHERE abs(hashint4(item_id)::bigint) % $SHARE = 0" \
    -c "CREATE TABLE bench_new.old AS SELECT * FROM bench_new.history WHERE abs(hashint4(item_id)::bigint) % $SHARE > 0"
}

load_retail() {
  [ -r "$RECO_DATA/online-retail/online_retail.csv.gz" ] || return 1
  sql -c 'CREATE TABLE bench_new.lines (invoice text, stock_code text, description text, quantity int, at text, price real, customer float8, country text)'
  gzip -dc "$RECO_DATA/online-retail/online_retail.csv.gz" | sql -c 'COPY bench_new.lines FROM STDIN (FORMAT csv, HEADER)'
  sql -c "CREATE TABLE bench_new.bought AS SELECT customer::int AS user_id, hashtext(stock_code) AS item_id, min(at::timestamp) AS at FROM bench_new.lines
            WHERE customer IS NOT NULL AND quantity > 0 AND stock_code ~ '^[0-9]{5}' GROUP BY 1, 2" \
    -c "CREATE TABLE bench_new.old AS SELECT user_id, item_id FROM bench_new.bought WHERE at < '2011-10-01'" \
    -c "CREATE TABLE bench_new.new AS SELECT user_id, item_id FROM bench_new.bought WHERE at >= '2011-10-01' AND at < '2011-11-15'" \
    -c "CREATE TABLE bench_new.test AS SELECT user_id, item_id FROM bench_new.bought WHERE at >= '2011-11-15'" \
    -c 'CREATE TABLE bench_new.history AS TABLE bench_new.old UNION ALL TABLE bench_new.new'
}

# NDCG@10 of a model's lists, and recall@20 of all and of what is new.
worth() {
  sql -c "CALL reco.materialize('$1', n => 20)" 2>/dev/null
  sql -F ' ' -c "SELECT (SELECT value FROM reco.evaluate_lists('SELECT user_id, item_id, rank FROM $1.recommendations WHERE rank <= 10 AND source <> ''popular''',
      'SELECT user_id, item_id FROM bench_new.wanted') WHERE metric = 'ndcg'), avg((r.item_id IS NOT NULL)::int), avg((r.item_id IS NOT NULL)::int) FILTER (WHERE w.fresh)
    FROM bench_new.wanted AS w LEFT JOIN $1.recommendations AS r USING (user_id, item_id)"
}

measure() {
  local algorithm=$1 options="options => reco.options(live => 'off', measure => false)" stale made full fold refresh
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS made CASCADE' -c 'DROP SCHEMA IF EXISTS retrained CASCADE' -c 'DROP TABLE IF EXISTS bench_new.rows, bench_new.wanted' \
    -c 'CREATE TABLE bench_new.rows AS TABLE bench_new.old' -c 'VACUUM ANALYZE bench_new.rows' \
    -c 'ANALYZE bench_new.old, bench_new.history, bench_new.test' \
    -c "CREATE TABLE bench_new.wanted AS SELECT user_id, item_id, item_id NOT IN (SELECT DISTINCT item_id FROM bench_new.old) AS fresh
          FROM (SELECT user_id, item_id FROM bench_new.test EXCEPT SELECT user_id, item_id FROM bench_new.history) AS t
          WHERE item_id IN (SELECT DISTINCT item_id FROM bench_new.history) AND user_id IN (SELECT DISTINCT user_id FROM bench_new.history)" \
    -c "CALL reco.create_model('made', 'bench_new.rows', reco.$algorithm, $options)"
  sql -c 'INSERT INTO bench_new.rows TABLE bench_new.new' -c 'VACUUM ANALYZE bench_new.rows'
  sql -c "CALL reco.fold_in('made')" 2>/dev/null
  stale=$(worth made)
  fold=$(seconds "CALL reco.fold_in('made', new_items => true)")
  made=$(worth made)
  sql -c 'SET client_min_messages = warning' -c "CALL reco.create_model('retrained', 'bench_new.rows', reco.$algorithm, $options)"
  refresh=$(seconds "CALL reco.refresh('retrained')")
  full=$(worth retrained)
  tell "$algorithm" "$fold" "$refresh" $stale $made $full
}

# Seconds, and what nine figures say; of whose there are.
tell() {
  local algorithm=$1
  shift
  printf '%-10s%-12s%8s%8s%8s%8s' "$data" "$algorithm" "$1" "$2" "$(sql -c "SELECT items - (SELECT items FROM made.versions WHERE version = 1) FROM made.versions WHERE active")" \
    "$(sql -c 'SELECT round(drift::numeric, 3) FROM made.versions WHERE active')"
  shift 2
  printf '%9.4f' "$@"
  echo
}

# A twentieth of the items of the made-up rows.
measure_generated() {
  local algorithm=${ALGORITHMS%% *} options="options => reco.options(live => 'off', measure => false)" fold refresh
  bench_load
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS made CASCADE' -c 'CREATE TABLE bench_new.whole ()' \
    -c "CREATE VIEW bench_new.shown AS SELECT user_id, item_id FROM ratings WHERE item_id % $SHARE > 0 OR EXISTS (SELECT FROM bench_new.whole)"
  sql -c 'SET client_min_messages = warning' -c "CALL reco.create_model('made', 'bench_new.shown', reco.$algorithm, $options)"
  sql -c 'INSERT INTO bench_new.whole DEFAULT VALUES'
  fold=$(seconds "CALL reco.fold_in('made', new_items => true)")
  tell "$algorithm" "$fold" "$(seconds "CALL reco.refresh('made')")"
}

bench_setup
bench_reco || die 'extension reco is not installed'
printf '%-22s%16s%16s%27s%27s%27s\n' '' 'seconds:' '' 'stale:' 'made:' 'retrained:'
printf '%-10s%-12s%8s%8s%8s%8s' 'data' 'algorithm' 'fold_in' 'refresh' 'new' 'drift'
printf '%9s%9s%9s' 'ndcg@10' 'rec@20' 'of new' 'ndcg@10' 'rec@20' 'of new' 'ndcg@10' 'rec@20' 'of new'
echo
for data in $BENCH_DATA; do
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS bench_new CASCADE' -c 'CREATE SCHEMA bench_new'
  if [ "$data" = generated ]; then
    measure_generated
    continue
  fi
  "load_$data" || {
    say "no $data in $RECO_DATA: skipped"
    continue
  }
  for algorithm in $ALGORITHMS; do
    measure "$algorithm"
  done
done
