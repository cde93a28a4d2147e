#!/usr/bin/env bash
# What lists are worth when users were folded in, beside a full training: of Ta-Feng, where the last
# basket that users have came after the training and the next one is to be found, and of Gowalla,
# where that is a random fifth of what each has, and the usual test is to be found.
#
# usage: fold_in_quality.sh
#
# With PGHOST set it uses that server (schema bench_new there, which it makes anew, and models stale and
# retrained), else a private one; see lib.sh.
#
# Environment:
#   BENCH_DATA  which logs ("tafeng gowalla")
#   ALGORITHMS  their constructors ("ials() item_knn()")
#   CHANGED     how many users have something new (10000)
#   RECO_DATA   where the data is (../shared/data beside the project's folder)
#
# It prints and judges nothing: NDCG@10 of the users who have something new, by the version as it was
# trained without that, the same after reco.fold_in(), and one that is trained on everything; the first
# two also as a share of the last; then seconds of the fold-in and of the refresh, and the drift that
# the view versions shows.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

BENCH_DATA=${BENCH_DATA:-tafeng gowalla}
ALGORITHMS=${ALGORITHMS:-ials() item_knn()}
CHANGED=${CHANGED:-10000}
RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}

# Tables old, new (of users in changed) and test (user_id, item_id) of bench_new.
load_tafeng() {
  [ -r "$RECO_DATA/tafeng/history.tsv.gz" ] || return 1
  sql -c 'CREATE TABLE bench_new.history (user_id int, basket int, item_id int)' \
    -c 'CREATE TABLE bench_new.test (user_id int, item_id int)'
  gzip -dc "$RECO_DATA/tafeng/history.tsv.gz" | sql -c 'COPY bench_new.history FROM STDIN'
  gzip -dc "$RECO_DATA/tafeng/future.tsv.gz" | sql -c 'COPY bench_new.test FROM STDIN'
  sql -c "CREATE TABLE bench_new.changed AS SELECT user_id FROM bench_new.history GROUP BY user_id HAVING max(basket) > min(basket) ORDER BY hashint8(user_id) LIMIT $CHANGED" \
    -c 'CREATE TABLE bench_new.last AS SELECT user_id, max(basket) AS basket FROM bench_new.history JOIN bench_new.changed USING (user_id) GROUP BY user_id' \
    -c 'CREATE TABLE bench_new.new AS SELECT user_id, item_id FROM bench_new.history JOIN bench_new.last USING (user_id, basket)' \
    -c 'CREATE TABLE bench_new.old AS SELECT user_id, item_id FROM bench_new.history AS h WHERE NOT EXISTS (SELECT FROM bench_new.last AS l WHERE l.user_id = h.user_id AND l.basket = h.basket)'
}

load_gowalla() {
  [ -r "$RECO_DATA/gowalla/train.tsv.gz" ] || return 1
  sql -c 'CREATE TABLE bench_new.history (user_id int, item_id int)' -c 'CREATE TABLE bench_new.test (user_id int, item_id int)'
  gzip -dc "$RECO_DATA/gowalla/train.tsv.gz" | sql -c 'COPY bench_new.history FROM STDIN'
  gzip -dc "$RECO_DATA/gowalla/test.tsv.gz" | sql -c 'COPY bench_new.test FROM STDIN'
  sql -c "CREATE TABLE bench_new.changed AS SELECT user_id FROM bench_new.history GROUP BY user_id ORDER BY hashint8(user_id) LIMIT $CHANGED" \
    -c 'CREATE TABLE bench_new.new AS SELECT user_id, item_id FROM bench_new.history JOIN bench_new.changed USING (user_id) WHERE hashint8(user_id::bigint * 100003 + item_id) % 5 = 0' \
    -c 'CREATE TABLE bench_new.old AS SELECT * FROM bench_new.history EXCEPT SELECT * FROM bench_new.new'
}

# NDCG@10 of a model's lists for those who have something new.
ndcg() {
  sql -c "SELECT value FROM reco.evaluate_lists('SELECT user_id, item_id, rank FROM bench_new.changed, $1.recommend(user_id, 10)',
    'SELECT DISTINCT t.user_id, t.item_id FROM bench_new.test AS t JOIN bench_new.changed USING (user_id) WHERE NOT EXISTS
      (SELECT FROM bench_new.history AS h WHERE h.user_id = t.user_id AND h.item_id = t.item_id)') WHERE metric = 'ndcg'"
}

measure() {
  local algorithm=$1 options="options => reco.options(live => 'off', measure => false)" before after full fold refresh
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS stale CASCADE' -c 'DROP SCHEMA IF EXISTS retrained CASCADE' -c 'DROP TABLE IF EXISTS bench_new.rows' \
    -c 'CREATE TABLE bench_new.rows AS TABLE bench_new.old' -c 'CREATE INDEX ON bench_new.rows (user_id) INCLUDE (item_id)' -c 'VACUUM ANALYZE bench_new.rows' \
    -c "CALL reco.create_model('stale', 'bench_new.rows', reco.$algorithm, $options)" -c "CALL reco.track('stale')" -c "CALL reco.fold_in('stale')"
  before=$(ndcg stale)
  sql -c 'INSERT INTO bench_new.rows TABLE bench_new.new' -c 'VACUUM ANALYZE bench_new.rows'
  fold=$(seconds "CALL reco.fold_in('stale')")
  after=$(ndcg stale)
  sql -c 'SET client_min_messages = warning' -c "CREATE SCHEMA IF NOT EXISTS bench_new" -c "CALL reco.create_model('retrained', 'bench_new.rows', reco.$algorithm, $options)"
  refresh=$(seconds "CALL reco.refresh('retrained')")
  full=$(ndcg retrained)
  awk -v d="$data" -v a="$algorithm" -v n="$(sql -c 'SELECT folded_in_users FROM stale.versions WHERE active')" -v b="$before" -v f="$after" -v l="$full" -v s="$fold" -v r="$refresh" \
    -v m="$(sql -c 'SELECT round(drift::numeric, 3) FROM stale.versions WHERE active')" \
    'BEGIN { printf "%-9s%-24s%7d%9.4f%9.4f%9.4f%9.3f%9.3f%9.3f%9.3f%8s\n", d, a, n, b, f, l, b / l, f / l, s, r, m }'
}

bench_setup
bench_reco || die 'extension reco is not installed'
printf '%-33s%7s%27s%18s%18s%8s\n' '' '' 'ndcg@10:' 'of a retrain:' 'seconds:' ''
printf '%-9s%-24s%7s%9s%9s%9s%9s%9s%9s%9s%8s\n' 'data' 'algorithm' 'users' 'stale' 'folded' 'retrain' 'stale' 'folded' 'fold_in' 'refresh' 'drift'
for data in $BENCH_DATA; do
  sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS bench_new CASCADE' -c 'CREATE SCHEMA bench_new'
  "load_$data" || {
    say "no $data in $RECO_DATA: skipped"
    continue
  }
  for algorithm in $ALGORITHMS; do
    measure "$algorithm"
  done
done
