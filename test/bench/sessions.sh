#!/usr/bin/env bash
# The next click of sessions: what is found of it after every prefix of every test session of
# Diginetica, and what it takes.  One row for each algorithm:
#
#   HR@20, MRR@20   reco.evaluate(split => 'next_item') of the training and the test sessions as
#                   one source, of which the last ones, as many as the test has, are hidden
#   train s         CALL reco.create_model of the training sessions
#   index s         the first list of all, which makes the files that sessions map
#   median, p95 ms  recommend_for in SQL, of prefixes of test sessions, warm
#
# usage: sessions.sh
#
# Needs RECO_DATA, a folder with diginetica/diginetica_train.txt.gz and diginetica_test.txt.gz: a
# line for each session in order of time, its items in order.  With PGHOST set that server is used;
# table clicks is taken as it is where it exists.
#
# Environment:
#   ALGORITHMS  constructors, one a line
#   CALLS       prefixes that are timed (2000)
#   MEMORY      reco.max_memory (8GB): session_linear takes 2 bytes for each pair of items
#
# It prints and judges nothing; run it on an otherwise idle machine.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

ALGORITHMS=${ALGORITHMS:-reco.session_knn()
reco.sequence()
reco.sequence(last_items => 1, exponent => 2)}
CALLS=${CALLS:-2000}
MEMORY=${MEMORY:-8GB}
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

# Table clicks: sessions by number, those of the test after those of the training; at counts all clicks.
load() {
  [ "$(sql -c "SELECT to_regclass('clicks') IS NULL")" = t ] || return 0
  [ -r "${RECO_DATA:-}/diginetica/diginetica_train.txt.gz" ] || die 'RECO_DATA has no diginetica'
  sql -c 'CREATE TABLE lines(session serial, line text, test boolean)'
  zcat "$RECO_DATA/diginetica/diginetica_train.txt.gz" | awk '{ print $0 "\tf" }' \
    | sql -c 'COPY lines(line, test) FROM STDIN'
  zcat "$RECO_DATA/diginetica/diginetica_test.txt.gz" | awk '{ print $0 "\tt" }' \
    | sql -c 'COPY lines(line, test) FROM STDIN'
  sql -c "CREATE TABLE clicks AS
            SELECT session, pos::int, item::int, row_number() OVER (ORDER BY session, pos) AS at, test
              FROM lines, unnest(string_to_array(line, ' ')) WITH ORDINALITY AS x(item, pos)" \
    -c 'CREATE INDEX ON clicks(session, pos)' -c 'DROP TABLE lines' -c 'VACUUM ANALYZE clicks'
}

found() {
  sql -F ' ' -c "SET reco.max_memory = '$MEMORY'" -c "
    SELECT round((max(value) FILTER (WHERE metric = 'hit_rate'))::numeric, 4),
           round((max(value) FILTER (WHERE metric = 'mrr'))::numeric, 4)
      FROM reco.evaluate('SELECT session, item, 1, at FROM clicks', $1, split => 'next_item', cutoffs => '{20}',
             test_fraction => (SELECT count(DISTINCT session) FILTER (WHERE test)::float8 / count(DISTINCT session) FROM clicks),
             unknown => 'miss')
     WHERE algorithm NOT LIKE 'popular%'"
}

called() {
  sql -F ' ' <<SQL
CREATE TEMP TABLE cases AS
SELECT (SELECT array_agg(p.item ORDER BY p.pos) FROM clicks AS p WHERE p.session = c.session AND p.pos < c.pos) AS items
  FROM (SELECT session, pos FROM clicks WHERE test AND pos > 1 ORDER BY hashint4(session), pos LIMIT $CALLS) AS c;
CREATE TEMP TABLE took (ms float8);
DO \$\$
DECLARE
  begun timestamptz;
  basket int[];
BEGIN
  FOR basket IN SELECT items FROM cases LOOP
    begun := clock_timestamp();
    PERFORM * FROM bench.recommend_for(basket => basket, n => 20, include_basket => true);
    INSERT INTO took VALUES (extract(epoch FROM clock_timestamp() - begun) * 1000);
  END LOOP;
END
\$\$;
SELECT round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::numeric, 3),
       round((percentile_cont(0.95) WITHIN GROUP (ORDER BY ms))::numeric, 3) FROM took;
SQL
}

# A row.
measure() {
  local algorithm=$1 quality start train index times
  quality=$(found "$algorithm")
  sql -c 'DROP SCHEMA IF EXISTS bench CASCADE'
  start=$EPOCHREALTIME
  sql -c "SET reco.max_memory = '$MEMORY'" \
    -c "CALL reco.create_model('bench', source => 'SELECT session, item, 1, at FROM clicks WHERE NOT test',
          algorithm => $algorithm, options => reco.options(measure => false, live => 'off'))"
  train=$(since "$start")
  start=$EPOCHREALTIME
  sql -o /dev/null -c "SELECT * FROM bench.recommend_for(ARRAY(SELECT item FROM clicks LIMIT 1), n => 20)"
  index=$(since "$start")
  times=$(called)
  # shellcheck disable=SC2086
  printf '%-50s%9s%9s%9s%9s%9s%9s\n' "${algorithm:0:49}" $quality "$train" "$index" $times
}

bench_setup
bench_reco || die 'extension reco is not installed'
load
sql -c "SELECT format('%s: %s sessions, %s clicks, %s items', CASE WHEN test THEN 'test' ELSE 'training' END,
          count(DISTINCT session), count(*), count(DISTINCT item)) FROM clicks GROUP BY test ORDER BY test"
printf '%-50s%9s%9s%9s%9s%9s%9s\n' algorithm HR@20 MRR@20 'train s' 'index s' median 'p95 ms'
while IFS= read -r algorithm; do
  measure "$algorithm"
done <<<"$ALGORITHMS"
