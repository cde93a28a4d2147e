#!/usr/bin/env bash
# Models with noise: what they cost, and a long audit of what they tell of one user.
#
# usage: private.sh quality | audit [TIMES]
#
# quality: recall@20 on MovieLens 1M (RECO_DATA/ml-1m/ratings.csv.gz; a random fifth hidden) of
# item_knn, ease and svd without noise, with epsilon 8, 2 and 1 and a delta of 1e-6, and of
# popularity; beside, of how many items is told.
#
# audit: trainings of item_knn, svd and popular with and without one user, TIMES each (3000).  Of
# what a model tells 60 questions are asked, such as whether two counts together are above a bound;
# the largest measured loss is printed with five standard deviations less, which epsilon is never
# below, and how often an item was told of that the user alone has.
#
# With PGHOST set it uses that server, else a private one; see lib.sh.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

RECO_DATA=${RECO_DATA:-/work/shared/data}

quality() {
  local ratings=$RECO_DATA/ml-1m/ratings.csv.gz
  [ -r "$ratings" ] || die "no $ratings: RECO_DATA says where data is"
  sql -c 'DROP TABLE IF EXISTS private_rows' -c 'CREATE TABLE private_rows (u int, i int, r real, at bigint)'
  zcat "$ratings" | grep '^[0-9]' | sed 's/::/,/g' | sql -c 'COPY private_rows FROM STDIN (FORMAT csv)'
  sql -F ' ' -c "
    WITH e AS (SELECT e.algorithm, e.value FROM reco.evaluate('SELECT u, i FROM private_rows',
           (SELECT array_agg(a) || reco.popular() FROM (
              SELECT unnest(ARRAY[m, reco.private(m, 8, 1e-6), reco.private(m, 2, 1e-6), reco.private(m, 1, 1e-6)]) AS a
                FROM unnest(ARRAY[reco.item_knn(), reco.ease(), reco.svd(), reco.svd(factors => 16)]) AS m) AS a), cutoffs => '{20}') AS e
        WHERE e.metric = 'recall')
    SELECT round(value::numeric, 3), algorithm FROM e"
  for epsilon in 8 2 1; do
    sql -c "SET client_min_messages = warning" \
      -c "CALL reco.create_model('private_bench', 'SELECT u, i FROM private_rows', reco.private(reco.svd(), $epsilon, 1e-6))" \
      -c "SELECT 'epsilon $epsilon: told of ' || (SELECT count(*) FROM private_bench.popular(NULL)) || ' of ' || v.items ||
            ' items, by ' || (v.options ->> 'min_users_per_item') || ' users, factors ' ||
            (SELECT count(DISTINCT k) FROM private_bench.item_factors, unnest(factors) WITH ORDINALITY AS f(x, k) WHERE x <> 0)
            FROM private_bench.versions v" \
      -c "CALL reco.drop_model('private_bench')"
  done
  sql -c 'DROP TABLE private_rows'
}

audit() {
  local times=$1 member
  for member in 'item_knn(shrinkage => 0)' 'svd(factors => 3)' 'popular()'; do
    sql <<SQL
SET client_min_messages = warning;
SET reco.threads = 1;
DROP TABLE IF EXISTS private_rows, private_told;
CREATE TABLE private_rows AS SELECT u, i FROM generate_series(1, 100) u, generate_series(1, 3) i WHERE u > 30 OR i = 1;
CREATE TABLE private_told (with_one bool, own int, x float8[]);
CALL reco.create_model('private_bench', 'private_rows',
  reco.private(reco.$member, epsilon => 2, delta => 0.001, max_items => 5, budget => 1000000),
  options => reco.options(live => 'off', keep_versions => 1));
CREATE OR REPLACE PROCEDURE private_train(with_one bool, times int) LANGUAGE plpgsql AS \$\$
BEGIN
  DELETE FROM private_rows WHERE u = 101;
  IF with_one THEN
    INSERT INTO private_rows SELECT 101, generate_series(1, 5);
  END IF;
  FOR t IN 1 .. times LOOP
    CALL reco.refresh('private_bench');
    INSERT INTO private_told
      WITH c AS (SELECT item_id AS i, score AS n FROM private_bench.popular(NULL))
      SELECT with_one, (SELECT count(*) FROM c WHERE i > 3),
             ARRAY[(SELECT sum(n) FROM c), (SELECT n FROM c WHERE i = 1), (SELECT n FROM c WHERE i = 2),
                   (SELECT avg(similarity) FROM private_bench.similar_items(1, 5)),
                   (SELECT sum(f::float8 * f) FROM private_bench.item_factors, unnest(factors) AS f),
                   (SELECT sum(similarity) FROM private_bench.item_neighbors)];
  END LOOP;
END
\$\$;
CALL private_train(true, $times);
CALL private_train(false, $times);
-- each number above each of ten bounds, or below
WITH bounds AS (SELECT k, percentile_cont(p / 11.0) WITHIN GROUP (ORDER BY v) AS bound
                  FROM private_told, unnest(x) WITH ORDINALITY AS q(v, k), generate_series(1, 10) AS p GROUP BY k, p),
     seen AS (SELECT k, bound, below, with_one, count(*)::float8 AS n, count(*) FILTER (WHERE (coalesce(x[k], 0) > bound) <> below)::float8 AS c
                FROM private_told, bounds, unnest('{false,true}'::bool[]) AS below GROUP BY 1, 2, 3, 4),
     loss AS (SELECT abs(ln((w.c / w.n) / (o.c / o.n))) AS measured, sqrt((1 - w.c / w.n) / w.c + (1 - o.c / o.n) / o.c) AS deviation
                FROM seen w JOIN seen o USING (k, bound, below) WHERE w.with_one AND NOT o.with_one AND w.c > 0 AND o.c > 0)
SELECT '$member: epsilon 2, measured at most ' || round(max(measured)::numeric, 3) || ', surely ' ||
       round(max(measured - 5 * deviation)::numeric, 3) || '; own items told ' || (SELECT sum(own) FROM private_told) || ' times of ' ||
       (SELECT count(*) FROM private_told) FROM loss;
CALL reco.drop_model('private_bench');
DROP PROCEDURE private_train;
DROP TABLE private_rows, private_told;
SQL
  done
}

case ${1:-} in
  quality | audit) ;;
  *) die 'usage: private.sh quality | audit [TIMES]' ;;
esac
bench_setup
sql -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION IF NOT EXISTS reco'
case $1 in
  quality) quality ;;
  audit) audit "${2:-3000}" ;;
esac
