#!/usr/bin/env bash
# What is bought together: seconds of reco.bought_together, and of a model's bought_together, beside
# the same in plain SQL, a self-join of the lines; and in how many rows they differ.
#
# usage: together.sh
#
# On the baskets of Groceries, Ta-Feng and Online Retail (invoices without cancellations); a set that
# is not there is passed over.  With PGHOST set it uses that server, else a private one; see lib.sh.
#
# Environment:
#   RECO_DATA   where the data sets are (../../../shared/data from here)
#   BENCH_RUNS  of each; the median counts (5; where the self-join takes seconds 1)
#   BENCH_SETS  of groceries, tafeng and online-retail those to be used (all)
set -euo pipefail
. "$(dirname "$0")/lib.sh"

data=$(realpath "${RECO_DATA:-$bench_dir/../../../shared/data}")
runs=${BENCH_RUNS:-5}
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

# Median milliseconds of a query, of which the server adds up the columns $2.
ms() {
  {
    echo '\timing on'
    for _ in $(seq "$runs"); do echo "SELECT count(*), sum($2) FROM ($1) AS r;"; done
  } | psql -XqAt -v ON_ERROR_STOP=1 -c 'SET reco.threads = 2' -f - | awk '/^Time:/ { print $2 }' | sort -n |
    awk '{ t[NR] = $1 } END { print t[int((NR + 1) / 2)] }'
}

# All pairs of the table lines (basket, item) that meet in $1 baskets or more, by lift.
self_join() {
  cat <<SQL
WITH l AS (SELECT DISTINCT basket, item FROM lines),
     n AS (SELECT item, count(*) AS n FROM l GROUP BY item),
     total AS (SELECT count(DISTINCT basket) AS baskets FROM l),
     p AS (SELECT a.item AS item_a, b.item AS item_b, count(*) AS c
             FROM l AS a JOIN l AS b ON a.basket = b.basket AND a.item < b.item
            GROUP BY 1, 2 HAVING count(*) >= $1)
SELECT row_number() OVER (ORDER BY c * baskets::float8 / (x.n::float8 * y.n) DESC, item_a, item_b) AS rank,
       item_a, item_b, x.n AS count_a, y.n AS count_b, c AS count, c::float8 / baskets AS support,
       c::float8 / x.n AS confidence_ab, c::float8 / y.n AS confidence_ba,
       c * baskets::float8 / (x.n::float8 * y.n) AS lift
  FROM p JOIN n AS x ON x.item = item_a JOIN n AS y ON y.item = item_b CROSS JOIN total
SQL
}

# The same for the pairs of item $2.
self_join_one() {
  cat <<SQL
WITH l AS (SELECT DISTINCT basket, item FROM lines),
     n AS (SELECT item, count(*) AS n FROM l GROUP BY item),
     total AS (SELECT count(DISTINCT basket) AS baskets FROM l),
     p AS (SELECT b.item, count(*) AS c FROM l AS a JOIN l AS b USING (basket)
            WHERE a.item = '$2' AND b.item <> '$2' GROUP BY 1 HAVING count(*) >= $1)
SELECT row_number() OVER (ORDER BY c * baskets::float8 / (x.n::float8 * y.n) DESC, p.item) AS rank,
       p.item AS item_id, c AS count, c * baskets::float8 / (x.n::float8 * y.n) AS lift
  FROM p JOIN n AS y USING (item) JOIN n AS x ON x.item = '$2' CROSS JOIN total
SQL
}

compare() {
  local name=$1 support=$2 runs=${3:-$runs} columns item all="SELECT * FROM reco.bought_together('lines', min_support => $2, n => NULL)" one
  columns='rank + count_a + count_b + count + support + confidence_ab + confidence_ba + lift'
  item=$(sql -c 'SELECT item FROM lines GROUP BY item ORDER BY count(DISTINCT basket) DESC, item LIMIT 1')
  one="SELECT * FROM together.bought_together('$item', n => NULL, min_support => $support)"
  sql -c "CALL reco.create_model('together', 'lines', reco.popular(), options => reco.options(measure => false))"
  sql -F ' ' -c "SELECT '$name:', count(*), 'lines,', count(DISTINCT basket), 'baskets,', count(DISTINCT item), 'items' FROM lines"
  sql -F ' ' -c "SELECT 'pairs:', count(*), 'that differ:', count(*) FILTER (WHERE (m.item_a = s.item_a AND m.item_b = s.item_b
    AND (m.count_a, m.count_b, m.count) = (s.count_a, s.count_b, s.count) AND abs(m.support - s.support) <= 1e-9
    AND abs(m.confidence_ab - s.confidence_ab) <= 1e-9 AND abs(m.confidence_ba - s.confidence_ba) <= 1e-9
    AND abs(m.lift / s.lift - 1) <= 1e-9) IS NOT TRUE) FROM ($all) AS m FULL JOIN ($(self_join "$support")) AS s USING (rank)"
  sql -F ' ' -c "SELECT 'with one item:', count(*), 'that differ:', count(*) FILTER (WHERE (m.item_id = s.item_id AND m.count = s.count
    AND abs(m.lift / s.lift - 1) <= 1e-9) IS NOT TRUE) FROM ($one) AS m FULL JOIN ($(self_join_one "$support" "$item")) AS s USING (rank)"
  printf '%s\n' "$(ms "$(self_join "$support")" "$columns")" "$(ms "$all" "$columns")" \
    "$(ms "$(self_join_one "$support" "$item")" 'rank + lift')" "$(ms "$one" 'rank + lift')" "$(ms 'SELECT basket, item FROM lines' 'basket')" |
    awk '{ t[NR] = $1 }
      END {
        printf "all pairs: self-join %.1f ms, reco.bought_together %.1f ms, %.0f times\n", t[1], t[2], t[1] / t[2]
        printf "with the most frequent item: self-join %.2f ms, bought_together of a model %.3f ms, %.0f times\n", t[3], t[4], t[3] / t[4]
        printf "the self-join of all pairs beside that: %.0f times; reading the lines %.1f ms\n", t[1] / t[4], t[5]
      }'
  sql -c "CALL reco.drop_model('together')" -c 'DROP TABLE lines'
}

bench_setup
sql -c 'CREATE EXTENSION IF NOT EXISTS reco'

# Whether a set is asked for and there.
has() {
  [[ " ${BENCH_SETS:-groceries tafeng online-retail} " == *" $1 "* ]] && [ -r "$data/$1/$2" ]
}

if has groceries groceries.csv.gz; then
  sql -c 'CREATE TABLE lines (basket int, item text)'
  zcat "$data/groceries/groceries.csv.gz" | sql -c '\copy lines FROM STDIN WITH (FORMAT csv, HEADER)' -c 'VACUUM ANALYZE lines'
  compare groceries 10
fi
if has tafeng history.tsv.gz; then
  sql -c 'CREATE TABLE raw (u int, basket int, item int)'
  zcat "$data/tafeng/history.tsv.gz" | sql -c '\copy raw FROM STDIN' -c 'CREATE TABLE lines AS SELECT u * 1000 + basket AS basket, item::text AS item FROM raw' \
    -c 'DROP TABLE raw' -c 'VACUUM ANALYZE lines'
  compare tafeng 10 1
fi
if has online-retail online_retail.csv.gz; then
  sql -c 'CREATE TABLE raw (invoice text, code text, description text, quantity int, at timestamp, price numeric, customer numeric, country text)'
  zcat "$data/online-retail/online_retail.csv.gz" | sql -c '\copy raw FROM STDIN WITH (FORMAT csv, HEADER)' \
    -c "CREATE TABLE lines AS SELECT invoice::int AS basket, code AS item FROM raw WHERE invoice ~ '^[0-9]+$' AND quantity > 0 AND code ~ '^[0-9]{5}'" \
    -c 'DROP TABLE raw' -c 'VACUUM ANALYZE lines'
  compare online-retail 50 1
fi
