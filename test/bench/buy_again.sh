#!/usr/bin/env bash
# How much of the next basket is among the ten items that buy_again() of a model names, beside the
# ten that the user bought most often: recall@10, mean over the users who had something before a cut
# in time and a basket after it.  All lists are made of what is before the cut.
#
# usage: buy_again.sh
#
# On Complete Journey (a sample of its lines) and Online Retail; a set that is not there is passed
# over.  With PGHOST set it uses that server, else a private one; see lib.sh.
#
# Environment:
#   RECO_DATA   where the data sets are (../../../shared/data from here)
#   BENCH_DAYS  the cuts of both, in days before the end (28 and 35)
set -euo pipefail
. "$(dirname "$0")/lib.sh"

data=$(realpath "${RECO_DATA:-$bench_dir/../../../shared/data}")
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

# Of the table lines (u, item, at), cut $2 days before the last; $1 is its name.
judge() {
  local name=$1 days=$2
  sql <<SQL
CREATE TABLE before AS SELECT u, item, 1 AS n, at FROM lines WHERE at < (SELECT max(at) FROM lines) - interval '$days days';
CREATE TABLE next AS
  SELECT DISTINCT l.u, l.item FROM lines AS l
    JOIN (SELECT u, min(at) AS at FROM lines WHERE at >= (SELECT max(at) FROM lines) - interval '$days days' GROUP BY u) AS f USING (u, at)
   WHERE l.u IN (SELECT u FROM before);
ANALYZE before, next;
CALL reco.create_model('again', 'before', reco.repeat(), options => reco.options(measure => false, live => 'off'));
CREATE TABLE lists AS
  SELECT 'buy_again' AS list, u, item_id AS item FROM (SELECT DISTINCT u FROM next) AS n, again.buy_again(n.u, 10)
  UNION ALL
  SELECT list, u, item
    FROM (SELECT list, u, item, row_number() OVER (PARTITION BY list, u ORDER BY times DESC,
                 CASE WHEN list ~ 'latest' THEN last END DESC, buyers DESC, item) AS rank
            FROM (SELECT u, item, count(DISTINCT at) AS times, max(at) AS last FROM before WHERE u IN (SELECT u FROM next) GROUP BY u, item) AS h
            JOIN (SELECT item, count(DISTINCT u) AS buyers FROM before GROUP BY item) AS p USING (item)
           CROSS JOIN (VALUES ('most frequent, then latest'), ('most frequent, then popular')) AS v(list)) AS r
   WHERE rank <= 10;
ANALYZE lists;
CREATE TABLE recall AS
  SELECT a.list, n.u, count(l.item)::float8 / count(*) AS recall
    FROM (SELECT DISTINCT list FROM lists) AS a CROSS JOIN next AS n
    LEFT JOIN lists AS l ON l.list = a.list AND l.u = n.u AND l.item = n.item
   GROUP BY 1, 2;
SELECT '$name, $days days before the end: ' || count(DISTINCT u) || ' users' FROM recall;
SELECT '  ' || rpad(r.list, 28) || round(avg(r.recall)::numeric, 4) || CASE WHEN r.list = 'buy_again' THEN '' ELSE
       ', less by ' || round(avg(b.recall - r.recall)::numeric, 4) || ', standard error ' || round((stddev(b.recall - r.recall) / sqrt(count(*)))::numeric, 4) END
  FROM recall AS r JOIN recall AS b USING (u) WHERE b.list = 'buy_again' GROUP BY r.list ORDER BY r.list;
CALL reco.drop_model('again');
DROP TABLE before, next, lists, recall;
SQL
}

bench_setup >&2
sql -c 'CREATE EXTENSION IF NOT EXISTS reco'
if [ -r "$data/completejourney/transactions_sample.csv.gz" ]; then
  sql -c 'CREATE TABLE raw (u int, store int, basket numeric, item numeric, quantity real, sales real, retail real, coupon real, match real, week int, at timestamp)'
  zcat "$data/completejourney/transactions_sample.csv.gz" | sql -c '\copy raw FROM STDIN WITH (FORMAT csv, HEADER)' \
    -c 'CREATE TABLE lines AS SELECT u, item::int AS item, at FROM raw' -c 'DROP TABLE raw'
  for days in ${BENCH_DAYS:-28}; do judge 'Complete Journey' "$days"; done
  sql -c 'DROP TABLE lines'
fi
if [ -r "$data/online-retail/online_retail.csv.gz" ]; then
  sql -c 'CREATE TABLE raw (invoice text, code text, description text, quantity int, at timestamp, price numeric, customer numeric, country text)'
  zcat "$data/online-retail/online_retail.csv.gz" | sql -c '\copy raw FROM STDIN WITH (FORMAT csv, HEADER)' \
    -c "CREATE TABLE lines AS SELECT customer::int AS u, code AS item, at FROM raw WHERE customer IS NOT NULL AND quantity > 0 AND code ~ '^[0-9]{5}'" -c 'DROP TABLE raw'
  for days in ${BENCH_DAYS:-35}; do judge 'Online Retail' "$days"; done
  sql -c 'DROP TABLE lines'
fi
