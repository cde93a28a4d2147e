#!/usr/bin/env bash
# How much of the next basket is among the ten items that buy_again() of a model names, beside the
# ten that the user bought most often, ties by the latest purchase or by how many bought the item:
# recall@10, mean over the users who had something before a cut in time and a basket in the days
# after it.  All lists are made of what is before the cut.
#
# usage: buy_again.sh
#
# On Complete Journey (a sample of its lines) and Online Retail; a set that is not there is passed
# over.  One cut before the last four (five) weeks, and one before each week: of the last four
# (five), and of the twenty-six before these, which are what models are chosen by.  Errors are those
# of means over users, who may be there after several cuts.  With PGHOST set it uses that server,
# else a private one; see lib.sh.
#
# Environment:
#   RECO_DATA     where the data sets are (../../../shared/data from here)
#   BENCH_EARLIER how many weeks before the last ones (26)
#   BENCH_TEST    no: only these
set -euo pipefail
. "$(dirname "$0")/lib.sh"

data=$(realpath "${RECO_DATA:-$bench_dir/../../../shared/data}")
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

earlier=${BENCH_EARLIER:-26}

# Of the table lines (u, item, at), cut $1 days before the last: into the table recall, what is
# found of baskets in the $2 days from there on.
cut() {
  sql <<SQL
CREATE TABLE before AS SELECT u, item, 1 AS n, at FROM lines WHERE at < (SELECT max(at) FROM lines) - interval '$1 days';
CREATE TABLE next AS
  SELECT DISTINCT l.u, l.item FROM lines AS l
    JOIN (SELECT u, min(at) AS at FROM lines
           WHERE at >= (SELECT max(at) FROM lines) - interval '$1 days'
             AND ($1 = $2 OR at < (SELECT max(at) FROM lines) - interval '$1 days' + interval '$2 days') GROUP BY u) AS f USING (u, at)
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
INSERT INTO recall
  SELECT $1, a.list, n.u, count(l.item)::float8 / count(*)
    FROM (SELECT DISTINCT list FROM lists) AS a CROSS JOIN next AS n
    LEFT JOIN lists AS l ON l.list = a.list AND l.u = n.u AND l.item = n.item
   GROUP BY 2, 3;
CALL reco.drop_model('again');
DROP TABLE before, next, lists;
SQL
}

# Cuts before the last, each $3 days, from $1 weeks on to $2; $4: what they are.
judge() {
  sql -c 'CREATE TABLE recall (days int, list text, u int, recall float8)'
  for weeks in $(seq "$1" "$2"); do cut $((7 * weeks)) "$3"; done
  sql <<SQL
SELECT '$4, ' || count(DISTINCT days) || ' cuts: ' || count(DISTINCT (days, u)) || ' baskets of ' || count(DISTINCT u) || ' users' FROM recall;
WITH d AS (SELECT r.list, r.u, sum(r.recall) AS recall, sum(b.recall - r.recall) AS better, count(*) AS n
             FROM recall AS r JOIN recall AS b USING (days, u) WHERE b.list = 'buy_again' GROUP BY 1, 2),
     m AS (SELECT list, sum(recall) / sum(n) AS recall, sum(better) / sum(n) AS better FROM d GROUP BY 1)
SELECT '  ' || rpad(list, 28) || round(m.recall::numeric, 4) || CASE WHEN list = 'buy_again' THEN '' ELSE
       ', less by ' || round(m.better::numeric, 4) || ', standard error ' || round((sqrt(sum((d.better - d.n * m.better) ^ 2)) / sum(d.n))::numeric, 4) END
  FROM d JOIN m USING (list) GROUP BY list, m.recall, m.better ORDER BY list;
DROP TABLE recall;
SQL
}

# A set of that name whose last $2 weeks are the test.
judge_set() {
  if [ "${BENCH_TEST:-yes}" != no ]; then
    judge "$2" "$2" $((7 * $2)) "$1, test"
    judge 1 "$2" 7 "$1, test by weeks"
  fi
  judge $(($2 + 1)) $(($2 + earlier)) 7 "$1, weeks before"
}

bench_setup >&2
sql -c 'CREATE EXTENSION IF NOT EXISTS reco'
if [ -r "$data/completejourney/transactions_sample.csv.gz" ]; then
  sql -c 'CREATE TABLE raw (u int, store int, basket numeric, item numeric, quantity real, sales real, retail real, coupon real, match real, week int, at timestamp)'
  zcat "$data/completejourney/transactions_sample.csv.gz" | sql -c '\copy raw FROM STDIN WITH (FORMAT csv, HEADER)' \
    -c 'CREATE TABLE lines AS SELECT u, item::int AS item, at FROM raw' -c 'DROP TABLE raw'
  judge_set 'Complete Journey' 4
  sql -c 'DROP TABLE lines'
fi
if [ -r "$data/online-retail/online_retail.csv.gz" ]; then
  sql -c 'CREATE TABLE raw (invoice text, code text, description text, quantity int, at timestamp, price numeric, customer numeric, country text)'
  zcat "$data/online-retail/online_retail.csv.gz" | sql -c '\copy raw FROM STDIN WITH (FORMAT csv, HEADER)' \
    -c "CREATE TABLE lines AS SELECT customer::int AS u, code AS item, at FROM raw WHERE customer IS NOT NULL AND quantity > 0 AND code ~ '^[0-9]{5}'" -c 'DROP TABLE raw'
  judge_set 'Online Retail' 5
  sql -c 'DROP TABLE lines'
fi
