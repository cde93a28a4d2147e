--
-- Metrics of reco.evaluate() against their definitions in SQL: lists of a model, what was hidden,
-- and nothing else.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny
CREATE TABLE met_train AS
  SELECT u, i, 1 + (u * i) % 4 AS v FROM generate_series(1, 50) u, generate_series(1, 24) i
   WHERE (u % 3 = i % 3 AND hashint4(u * 31 + i) % 3 <> 0) OR hashint4(u * 57 + i * 7) % (2 + i) = 0;
-- values of 0 and below are nothing to be found; user 7 has nothing else; users above 44 nothing at all
CREATE TABLE met_test AS
  SELECT u, i, CASE WHEN u = 7 THEN 0 ELSE (u + i) % 5 - 1 END AS v FROM generate_series(1, 44) u, generate_series(1, 24) i
   WHERE (u % 3 = i % 3 OR hashint4(u * 13 + i) % 9 = 0) AND (u, i) NOT IN (SELECT u, i FROM met_train);
CREATE TABLE met_values AS
  SELECT algorithm, metric, k, value, error, users, over_popular, over_popular_error
    FROM reco.evaluate('met_train', ARRAY[reco.item_knn(neighbors => 6), reco.als(factors => 2)], test => 'met_test', cutoffs => '{2,5,30}');

-- the lists, of the model and by popularity
CALL reco.create_model('met', 'met_train', reco.item_knn(neighbors => 6));
CREATE TABLE met_have AS SELECT i, count(DISTINCT u) AS n, count(DISTINCT u)::float8 / (SELECT count(DISTINCT u) FROM met_train) AS share FROM met_train GROUP BY i;
CREATE TABLE met_lists AS
  SELECT 'item_knn()' AS algorithm, u, item_id AS i, rank::int FROM (SELECT DISTINCT u FROM met_test WHERE v > 0) AS who, LATERAL met.recommend(u, n => 30)
  UNION ALL
  SELECT 'popular()', u, i, row_number() OVER (PARTITION BY u ORDER BY n DESC, i)::int
    FROM (SELECT DISTINCT u FROM met_test WHERE v > 0) AS who, met_have WHERE (u, i) NOT IN (SELECT u, i FROM met_train);
SELECT algorithm, count(DISTINCT u) AS users, count(*) > 500 AS items FROM met_lists GROUP BY 1 ORDER BY 1;

-- each user's metrics
CREATE TABLE met_hits AS
  SELECT algorithm, u, rank, v, 1 / log(2.0, rank + 1.0)::float8 AS discount, row_number() OVER (PARTITION BY algorithm, u ORDER BY rank) AS hit
    FROM met_lists JOIN met_test USING (u, i) WHERE v > 0;
CREATE TABLE met_users AS
WITH wanted AS (
  SELECT u, v, row_number() OVER (PARTITION BY u ORDER BY v DESC) AS place, count(*) OVER (PARTITION BY u) AS relevant FROM met_test WHERE v > 0
), ideal AS (
  SELECT u, k, min(relevant) AS relevant, sum(1 / log(2.0, place + 1.0))::float8 AS plain, sum(v / log(2.0, place + 1.0))::float8 AS graded
    FROM wanted, unnest('{2,5,30}'::int[]) AS k WHERE place <= k GROUP BY u, k
), found AS (
  SELECT algorithm, u, k, relevant, count(rank) AS hits, coalesce(sum(discount), 0) / plain AS ndcg, coalesce(sum(v * discount), 0) / graded AS graded,
         coalesce(sum(hit::float8 / rank), 0) / least(k, relevant) AS map, coalesce(1.0 / min(rank), 0)::float8 AS mrr
    FROM ideal CROSS JOIN (VALUES ('item_knn()'), ('popular()')) AS a(algorithm) LEFT JOIN met_hits USING (algorithm, u)
   WHERE rank IS NULL OR rank <= k GROUP BY algorithm, u, k, relevant, plain, graded
), missed AS (
  SELECT a.algorithm, u, k, relevant, 0 AS hits, 0 AS ndcg, 0 AS graded, 0 AS map, 0 AS mrr
    FROM ideal CROSS JOIN (VALUES ('item_knn()'), ('popular()')) AS a(algorithm) WHERE (a.algorithm, u, k) NOT IN (SELECT algorithm, u, k FROM found)
), shown AS (
  SELECT algorithm, u, k, avg(share) AS popularity, avg(-log(2.0, share::numeric))::float8 AS novelty
    FROM met_lists JOIN met_have USING (i), unnest('{2,5,30}'::int[]) AS k WHERE rank <= k GROUP BY algorithm, u, k
), likeness AS (
  SELECT a.i AS one, b.i AS other, count(*) / sqrt(min(x.n) * min(y.n)::float8) AS cosine
    FROM met_train a JOIN met_train b USING (u) JOIN met_have x ON x.i = a.i JOIN met_have y ON y.i = b.i GROUP BY a.i, b.i
), diverse AS (
  SELECT x.algorithm, x.u, k, 1 - sum(coalesce(cosine, 0)) / count(*) AS diversity
    FROM met_lists x JOIN met_lists y ON x.algorithm = y.algorithm AND x.u = y.u AND x.rank < y.rank LEFT JOIN likeness ON one = x.i AND other = y.i,
         unnest('{2,5,30}'::int[]) AS k WHERE y.rank <= k GROUP BY x.algorithm, x.u, k
)
SELECT algorithm, u, k, metric, value
  FROM (TABLE found UNION ALL TABLE missed) AS f JOIN shown USING (algorithm, u, k) JOIN diverse USING (algorithm, u, k),
       LATERAL (VALUES ('precision', hits::float8 / k), ('recall', hits::float8 / relevant), ('hit_rate', (hits > 0)::int::float8), ('ndcg', ndcg), ('ndcg_graded', graded), ('map', map),
                       ('mrr', mrr), ('popularity', popularity), ('novelty', novelty), ('diversity', diversity)) AS m(metric, value);
-- popularity's auc: every pair of what is wanted and another that is not the user's own
INSERT INTO met_users
SELECT 'popular()', w.u, NULL, 'auc', avg(CASE WHEN a.n > b.n THEN 1 WHEN a.n = b.n THEN 0.5 ELSE 0 END)
  FROM met_test w JOIN met_have a USING (i), met_have b
 WHERE w.v > 0 AND (w.u, b.i) NOT IN (SELECT u, i FROM met_train) AND (w.u, b.i) NOT IN (SELECT u, i FROM met_test WHERE v > 0) GROUP BY w.u;

-- means, the sample deviation by the root of n, and the same of differences
WITH mimic AS (
  SELECT m.algorithm, m.metric, m.k, avg(m.value) AS value, stddev_samp(m.value) / sqrt(count(*)) AS error, count(*) AS users,
         avg(m.value - p.value) AS over_popular, stddev_samp(m.value - p.value) / sqrt(count(*)) AS over_popular_error
    FROM met_users m JOIN met_users p ON m.u = p.u AND m.metric = p.metric AND m.k IS NOT DISTINCT FROM p.k AND p.algorithm = 'popular()' GROUP BY m.algorithm, m.metric, m.k
)
SELECT metric, count(*) AS rows, max(abs(e.value - m.value)) < 1e-7 AS value, max(abs(e.error - m.error)) < 1e-7 AS error, bool_and(e.users = m.users) AS users,
       max(abs(e.over_popular - m.over_popular)) < 1e-7 AS over_popular, max(abs(e.over_popular_error - m.over_popular_error)) < 1e-7 AS over_popular_error
  FROM mimic m JOIN met_values e USING (algorithm, metric) WHERE e.k IS NOT DISTINCT FROM m.k GROUP BY metric ORDER BY metric;

-- of all lists together: coverage, and Gini's coefficient, with the jackknife over twenty groups of users by their numbers
WITH numbers AS (
  SELECT u, (row_number() OVER (ORDER BY u) - 1) % 20 AS part FROM (SELECT DISTINCT u FROM met_train) AS t
), counts AS (
  SELECT algorithm, k, without, h.i, count(l.u) FILTER (WHERE rank <= k AND part IS DISTINCT FROM without) AS times
    FROM (VALUES ('item_knn()'), ('popular()')) AS a(algorithm) CROSS JOIN unnest('{2,5,30}'::int[]) AS k CROSS JOIN generate_series(-1, 19) AS without CROSS JOIN met_have h
    LEFT JOIN met_lists l USING (algorithm, i) LEFT JOIN numbers n ON n.u = l.u GROUP BY algorithm, k, without, h.i
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY algorithm, k, without ORDER BY times) AS place, count(*) OVER (PARTITION BY algorithm, k, without) AS items FROM counts
), replicates AS (
  SELECT algorithm, k, without, avg((times > 0)::int)::float8 AS coverage, sum((2 * place - items - 1) * times)::float8 / (min(items) * sum(times))::float8 AS gini FROM ranked GROUP BY algorithm, k, without
), mimic AS (
  SELECT algorithm, k, metric, max(value) FILTER (WHERE without = -1) AS value, sqrt(19.0 / 20 * sum((value - mean) ^ 2) FILTER (WHERE without >= 0)) AS error
    FROM (SELECT algorithm, k, without, metric, value, avg(value) FILTER (WHERE without >= 0) OVER (PARTITION BY algorithm, k, metric) AS mean
            FROM replicates, LATERAL (VALUES ('coverage', coverage), ('gini', gini)) AS m(metric, value)) AS r GROUP BY algorithm, k, metric
)
SELECT metric, count(*) AS rows, max(abs(e.value - m.value)) < 1e-9 AS value, max(abs(e.error - m.error)) < 1e-9 AS error, max(e.error) > 0 AS some_error
  FROM mimic m JOIN met_values e USING (algorithm, metric, k) GROUP BY metric ORDER BY metric;

-- values: what the mean of the training part is off by, with users as clusters
WITH off AS (
  SELECT t.u, count(*) AS n, sum((v - mean) ^ 2) AS squared, sum(abs(v - mean)) AS absolute FROM met_test t, (SELECT avg(v)::float8 AS mean FROM met_train) AS m GROUP BY t.u
), sums AS (
  SELECT sum(n)::float8 AS n, sum(squared) / sum(n) AS mse, sum(absolute) / sum(n) AS mae, count(*)::float8 AS users FROM off
), errors AS (
  SELECT sqrt(sum((squared - mse * off.n) ^ 2) * max(users) / (max(users) - 1)) / max(sums.n) AS mse_error, sqrt(sum((absolute - mae * off.n) ^ 2) * max(users) / (max(users) - 1)) / max(sums.n) AS mae_error FROM off, sums
)
SELECT metric, abs(e.value - m.value) < 1e-9 AS value, abs(e.error - m.error) < 1e-6 AS error, e.users
  FROM sums, errors, LATERAL (VALUES ('rmse', sqrt(mse), mse_error / 2 / sqrt(mse)), ('mae', mae, mae_error)) AS m(metric, value, error)
  JOIN (SELECT * FROM met_values WHERE algorithm = 'mean') AS e USING (metric) ORDER BY metric;

-- C14: what is not known is left out, and counted
SET client_min_messages = notice;
SELECT algorithm, metric, value > 0 AS value, users FROM reco.evaluate('met_train', reco.als(factors => 2), unknown => 'miss',
  test => 'TABLE met_test UNION ALL VALUES (1, 99, 5), (88, 3, 5)') WHERE metric IN ('rmse', 'mae') ORDER BY 1, 2;
-- a test without values says nothing of how far off they are
SELECT DISTINCT algorithm FROM reco.evaluate('met_train', reco.als(factors => 2), test => 'SELECT u, i FROM met_test') ORDER BY 1;
SET client_min_messages = warning;
-- who is new gets what is popular, and is a group of users
SELECT activity, users, value IS NOT NULL AS value FROM reco.evaluate('met_train', reco.popular(), unknown => 'popular', by_activity => true, cutoffs => '{5}',
  test => 'TABLE met_test UNION ALL VALUES (88, 3, 5), (89, 4, 5)') WHERE metric = 'recall' ORDER BY activity;
-- C13: predicted values are clipped to those of the training part, the order of lists is that of the raw ones
CREATE TABLE met_steep AS SELECT u, i, least(5, 6 - i + u % 3) AS v FROM generate_series(1, 12) u, generate_series(1, 5) i;
SELECT a.metric, a.k, a.value = b.value AS same FROM
  reco.evaluate('met_steep', reco.als(factors => 3, regularization => 0.001), test_fraction => 0.4, cutoffs => '{1,2}') a JOIN
  reco.evaluate('met_steep', reco.als(factors => 3, regularization => 0.001, clip => false), test_fraction => 0.4, cutoffs => '{1,2}') b USING (algorithm, metric)
 WHERE algorithm = 'als()' AND metric IN ('ndcg', 'map', 'rmse', 'auc') AND a.k IS NOT DISTINCT FROM b.k ORDER BY 1, 2;
CALL reco.drop_model('met');
-- what strangers get, and what fills a list up, is what a model lists: of ratings by who rated, else by who has
CREATE TABLE met_rated (u int, i int, v int);
INSERT INTO met_rated SELECT u, 1, 0 FROM generate_series(1, 3) AS u UNION ALL SELECT u, 2, 5 FROM generate_series(1, 2) AS u UNION ALL VALUES (4, 3, 1);
SELECT algorithm, value AS finds_item_1, users FROM reco.evaluate('met_rated', ARRAY[reco.als(2), reco.item_knn(normalized => true), reco.ials(2)],
         test => 'VALUES (99, 1, 1)', unknown => 'popular', cutoffs => '{1}', options => reco.options(value => 'raw')) WHERE metric = 'precision';
SELECT algorithm, value AS finds_item_1, users FROM reco.evaluate('met_rated', ARRAY[reco.item_knn(normalized => true), reco.item_knn()],
         test => 'VALUES (4, 1, 1)', cutoffs => '{1}', options => reco.options(value => 'raw')) WHERE metric = 'precision';
CALL reco.create_model('met_m', 'met_rated', reco.item_knn(normalized => true), options => reco.options(measure => false));
SELECT u, (SELECT item_id FROM met_m.recommend(u, 1)) FROM (VALUES (4), (99)) AS s (u);
CALL reco.drop_model('met_m');
DROP TABLE met_rated;

DROP TABLE met_train, met_test, met_values, met_have, met_lists, met_hits, met_users, met_steep;
