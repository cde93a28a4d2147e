#!/usr/bin/env bash
# How good the defaults and reco.auto() are without anybody's help: sixteen tasks on nine public
# data sets, ndcg at 10, beside popularity and the best that a search over settings found.
#
# usage: auto.sh [TASK]...
#
# A task is a set with r or t: groceries/r, ml_100k/t; without any, all sixteen.  r hides a random
# fifth of each user's pairs.  t hides the future: the pairs that are first seen in the last fifth
# of the rows by time, of those who were there before; each user's last pair where a set has no
# clock times (ml_1m: the split of neural collaborative filtering, amazon_beauty: by position).
# Users and items without training are left out.  Values are 1, but stars are kept.
#
# online_retail is cleaned as a shop would: lines without a customer, cancellations, quantities
# below 1 and codes that are no product's (postage, manual, vouchers) go, exact duplicates too.
# retailrocket has views, carts and purchases alike.  gowalla/r is the usual split of that set.
#
# With PGHOST set it uses that server (and makes schema bench_auto there, with those of the sets),
# else a private one; see lib.sh for this.
#
# Environment:
#   ALGORITHMS  constructors, one a line (those of the table in doc/performance.md)
#   RECO_DATA   where the data is (../shared/data beside the project's folder)
#   RECO_TOOLS  where load.sh is, which loads a set (../shared/tools likewise)
#   PGOPTIONS   further settings for the server
#
# Columns: ndcg@10; its share of the best found; what it has over popularity, a user, with the
# standard error of that; seconds of training, and as many times those of ials() on the task.
# Seconds of auto() include its validation.  It prints and judges nothing; run it on an otherwise
# idle machine.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}
RECO_TOOLS=${RECO_TOOLS:-$bench_dir/../../../shared/tools}
ALGORITHMS=${ALGORITHMS:-ials()
item_knn()
user_knn()
rp3beta()
auto(fuse => false)
auto()}
ALL='groceries/r ml_100k/r ml_latest_small/r ml_1m/r online_retail/r retailrocket/r
completejourney/r amazon_beauty/r gowalla/r ml_100k/t ml_latest_small/t ml_1m/t online_retail/t
retailrocket/t completejourney/t amazon_beauty/t'

# The best of some 150 settings of ials, item_knn, user_knn and rp3beta on the very rows of this
# script, without fusion: the settings that an earlier study of the same sets had tried, and finer
# grids around them.  ml_100k/t has 107 users, where the best of so many is luck: .190 is what the
# study found with a third of them.
best_found() {
  cat <<'EOF'
groceries/r 0.2424 ials(factors => 64, alpha => 40, regularization => 347)
ml_100k/r 0.4573 ials(factors => 128, alpha => 0.283, regularization => 22.9)
ml_latest_small/r 0.3665 ials(factors => 128, alpha => 0.776, regularization => 28)
ml_1m/r 0.4331 ials(factors => 128, alpha => 0.311, regularization => 38.1)
online_retail/r 0.2605 rp3beta(alpha => 0.75, beta => 0.3)
retailrocket/r 0.0730 rp3beta(alpha => 0.4, beta => 0, normalized => false)
completejourney/r 0.0493 ials(factors => 128, alpha => 1, regularization => 27.8)
amazon_beauty/r 0.0749 rp3beta(alpha => 0.4, beta => 0, normalized => false)
gowalla/r 0.1368 rp3beta(alpha => 0.7, beta => 0, neighbors => 500)
ml_100k/t 0.1900 ials(factors => 16, alpha => 1)
ml_latest_small/t 0.1856 rp3beta(alpha => 0.5, beta => 0.3, neighbors => 300)
ml_1m/t 0.0525 ials(factors => 128, alpha => 0.279, regularization => 14.5)
online_retail/t 0.1021 ials(factors => 64, alpha => 1, regularization => 24.2)
retailrocket/t 0.0399 rp3beta(alpha => 0.25, beta => 0, neighbors => 1000, normalized => false)
completejourney/t 0.0441 popular()
amazon_beauty/t 0.0422 rp3beta(alpha => 0.25, beta => 0.15, normalized => false)
EOF
}

# A view bench_auto.SET: user_id, item_id, value, at (seconds, or a position).
view_of() {
  case $1 in
    groceries)
      echo "SELECT l.basket_id AS user_id, i.n AS item_id, 1::real AS value, NULL::float8 AS at
        FROM groceries.lines l JOIN (SELECT item, row_number() OVER (ORDER BY item)::int AS n
          FROM (SELECT DISTINCT item FROM groceries.lines) x) i USING (item)" ;;
    ml_100k | ml_latest_small)
      echo "SELECT user_id, item_id, rating AS value, at::float8 AS at FROM $1.ratings" ;;
    ml_1m)
      echo 'SELECT user_id, item_id, rating AS value, NULL::float8 AS at FROM ml_1m.ratings' ;;
    online_retail)
      echo "WITH l AS (SELECT DISTINCT * FROM online_retail.lines WHERE customer_id IS NOT NULL
          AND invoice !~ '^C' AND quantity > 0 AND stock_code ~ '^[0-9]{5}')
        SELECT customer_id::int AS user_id, i.n AS item_id, 1::real AS value,
          extract(epoch FROM invoiced_at)::float8 AS at
        FROM l JOIN (SELECT stock_code, row_number() OVER (ORDER BY stock_code)::int AS n
          FROM (SELECT DISTINCT stock_code FROM l) x) i USING (stock_code)" ;;
    retailrocket)
      echo 'SELECT user_id, item_id, 1::real AS value, at::float8 AS at FROM retailrocket.events' ;;
    completejourney)
      echo 'SELECT household_id AS user_id, product_id AS item_id, 1::real AS value,
          extract(epoch FROM at)::float8 AS at FROM completejourney.transactions' ;;
    amazon_beauty)
      echo 'SELECT user_id, item_id, 1::real AS value, pos::float8 AS at FROM amazon_beauty.events' ;;
    gowalla)
      echo 'SELECT user_id, item_id, 1::real AS value, NULL::float8 AS at FROM gowalla.train' ;;
  esac
}

# Loads set $1; false if its data is not there.
load() {
  local name=${1//_/-}
  [ -x "$RECO_TOOLS/load.sh" ] && [ -d "$RECO_DATA/$name" ] || return 1
  if [ "$(sql -c "SELECT to_regclass('bench_auto.$1') IS NULL")" = t ]; then
    RECO_DATA=$RECO_DATA "$RECO_TOOLS/load.sh" "$name"
    if [ "$1" = ml_1m ]; then
      RECO_DATA=$RECO_DATA "$RECO_TOOLS/load.sh" ncf
    fi
    sql -c "CREATE VIEW bench_auto.$1 AS $(view_of "$1")"
  fi
}

# SELECTs of what task $1 trains on and of what it hides: part, user_id, item_id, value, at.
rows_of() {
  local pairs="SELECT user_id, item_id, max(value) AS value, min(at) AS at FROM bench_auto.${1%/*} GROUP BY 1, 2"
  case $1 in
    gowalla/r)
      echo "SELECT 'train' AS part, * FROM bench_auto.gowalla
        UNION ALL SELECT 'test', user_id, item_id, 1, NULL FROM gowalla.test" ;;
    */r)
      echo "SELECT CASE WHEN k <= least(n - 1, floor(n * 0.2 + 0.5)) THEN 'test' ELSE 'train' END AS part,
          user_id, item_id, value, NULL::float8 AS at
        FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY md5(user_id || ':' || item_id)) AS k,
            count(*) OVER (PARTITION BY user_id) AS n FROM ($pairs) p) r" ;;
    ml_1m/t)
      echo "SELECT 'train' AS part, user_id, item_id, rating AS value, NULL::float8 AS at FROM ncf.train
        UNION ALL SELECT 'test', user_id, item_id, rating, NULL FROM ncf.test" ;;
    amazon_beauty/t)
      echo "SELECT CASE WHEN row_number() OVER (PARTITION BY user_id ORDER BY at DESC) = 1 THEN 'test' ELSE 'train' END AS part,
          user_id, item_id, value, NULL::float8 AS at FROM bench_auto.amazon_beauty" ;;
    */t)
      echo "SELECT CASE WHEN min(at) < cut THEN 'train' ELSE 'test' END AS part, user_id, item_id,
          coalesce(max(value) FILTER (WHERE at < cut), max(value)) AS value, min(at) AS at
        FROM bench_auto.${1%/*}, (SELECT percentile_disc(0.8) WITHIN GROUP (ORDER BY at) AS cut FROM bench_auto.${1%/*}) c
        GROUP BY user_id, item_id, cut" ;;
  esac
}

# Tables bench_auto.train and test; of tasks without times train has none.
make_task() {
  sql <<EOF
SET client_min_messages = warning;
DROP TABLE IF EXISTS bench_auto.parts, bench_auto.train, bench_auto.test;
CREATE TABLE bench_auto.parts AS $(rows_of "$1");
CREATE TABLE bench_auto.train AS
  SELECT user_id, item_id, value, to_timestamp(at) AS at FROM bench_auto.parts WHERE part = 'train';
CREATE TABLE bench_auto.test AS
  SELECT user_id, item_id, value FROM bench_auto.parts WHERE part = 'test'
  AND user_id IN (SELECT user_id FROM bench_auto.train) AND item_id IN (SELECT item_id FROM bench_auto.train);
ANALYZE bench_auto.train, bench_auto.test;
EOF
  if [ "$(sql -c 'SELECT count(at) FROM bench_auto.train')" = 0 ]; then
    sql -c 'ALTER TABLE bench_auto.train DROP at'
  fi
}

# Measures algorithm $2 on task $1, into bench_auto.result.  The seconds are those of the log: all
# trainings, and the measuring of whatever comes before the last two lines, which are of the
# algorithm and of popularity on the test.
measure() {
  local columns=user_id,item_id,value seconds
  if [ "$(sql -c "SELECT count(*) FROM pg_attribute WHERE attrelid = 'bench_auto.train'::regclass AND attname = 'at' AND NOT attisdropped")" = 1 ]; then
    columns=$columns,at
  fi
  PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=debug1" sql 2>"$tmp/log" <<EOF || { grep -v DEBUG "$tmp/log" >&2; die "could not measure $2 on $1"; }
INSERT INTO bench_auto.result
SELECT '$1', \$algorithm\$$2\$algorithm\$, value, over_popular, over_popular_error, users
FROM reco.evaluate('SELECT $columns FROM bench_auto.train', ARRAY[reco.$2],
  test => 'SELECT user_id, item_id, value FROM bench_auto.test', cutoffs => '{10}')
WHERE metric = 'ndcg' AND (algorithm <> 'popular()' OR '$2' = 'popular()');
EOF
  seconds=$(sed -n 's/.*DEBUG: .*: \([0-9.]*\) s of training, \([0-9.]*\) s of measuring$/\1 \2/p' "$tmp/log" \
    | awk '{ s += $1; m[NR] = $2 } END { for (k = 1; k <= NR - 2; k++) s += m[k]; print s + 0 }')
  sql -c "UPDATE bench_auto.result SET seconds = $seconds WHERE task = '$1' AND algorithm = \$algorithm\$$2\$algorithm\$"
}

# One line for each algorithm on task $1.
show() {
  sql -F ' ' <<EOF
SELECT format('%-18s%-22s%8s%7s%10s%9s%9s%8s', r.task, r.algorithm, to_char(r.value, '0.9999'),
  to_char(r.value / b.value, '90.99'), to_char(r.over, 'SG0.9999'), to_char(r.error, '0.9999'),
  to_char(r.seconds, '990.00'), to_char(r.seconds / nullif(d.seconds, 0), '9990.0'))
FROM bench_auto.result r JOIN bench_auto.best b USING (task)
LEFT JOIN bench_auto.result d ON d.task = r.task AND d.algorithm = 'ials()'
WHERE r.task = '$1' ORDER BY r.n;
EOF
}

# Over all tasks: the mean and the worst share of the best found, on how many tasks it is not below
# popularity, and on how many by more than a standard error; the median of what it costs.
sums() {
  printf '\n%-22s%6s%8s%8s%12s%16s%14s\n' algorithm tasks mean worst 'not below' 'below by error' 'times ials()'
  sql -F ' ' <<'EOF'
SELECT format('%-22s%6s%8s%8s%12s%16s%14s', r.algorithm, count(*), to_char(avg(r.value / b.value), '0.999'),
  to_char(min(r.value / b.value), '0.999'), count(*) FILTER (WHERE r.over >= 0),
  count(*) FILTER (WHERE r.over < -r.error),
  to_char(percentile_cont(0.5) WITHIN GROUP (ORDER BY r.seconds / nullif(d.seconds, 0)), '990.0'))
FROM bench_auto.result r JOIN bench_auto.best b USING (task)
LEFT JOIN bench_auto.result d ON d.task = r.task AND d.algorithm = 'ials()'
GROUP BY r.algorithm ORDER BY min(r.n);
EOF
}

bench_setup
bench_reco || die 'extension reco is not installed'
[ $# -gt 0 ] || set -- $ALL
for task in "$@"; do
  case " ${ALL//$'\n'/ } " in
    *" $task "*) ;;
    *) die "no task \"$task\"" ;;
  esac
done
sql <<'EOF'
SET client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS bench_auto;
DROP TABLE IF EXISTS bench_auto.result, bench_auto.best;
CREATE TABLE bench_auto.result(task text, algorithm text, value float8, over float8, error float8,
  users int, seconds float8, n serial);
CREATE TABLE bench_auto.best(task text, value float8, setting text);
EOF
best_found | sed 's/ /\t/; s/ /\t/' | sql -c 'COPY bench_auto.best FROM STDIN'
printf '%-18s%-22s%8s%7s%10s%9s%9s%8s\n' task algorithm ndcg share over error seconds times
for task in "$@"; do
  if ! load "${task%/*}"; then
    say "no data for $task in $RECO_DATA, or no load.sh in $RECO_TOOLS: skipped"
    continue
  fi
  make_task "$task"
  measure "$task" 'popular()'
  while read -r algorithm; do
    measure "$task" "$algorithm"
  done <<<"$ALGORITHMS"
  show "$task"
done
sums
