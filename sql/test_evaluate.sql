--
-- reco.evaluate(): who is measured, on what, and the metrics' conventions.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- Six users have both items.  One of the two is hidden, the other is seen, so
-- the list of every user is the hidden one alone.
CREATE TABLE eval_pairs AS SELECT u, i FROM generate_series(1, 6) u, generate_series(1, 2) i;
-- C30: precision is hits / k, however short the list or the catalogue
SELECT split_part(algorithm, '(', 1) AS algorithm, metric, k, value, users
  FROM reco.evaluate('eval_pairs', ARRAY[reco.ials(factors => 2, regularization => 0.01, alpha => 1)], test_fraction => 0.5, cutoffs => '{1,2,100}');
-- popularity is beside, once, by its name
SELECT algorithm, count(*) FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], test_fraction => 0.5) GROUP BY algorithm;
SELECT algorithm, count(*) FROM reco.evaluate('eval_pairs', ARRAY[]::reco.algorithm[], test_fraction => 0.5) GROUP BY algorithm;
SELECT algorithm, min(k), max(k), count(*) FROM reco.evaluate('eval_pairs',
  ARRAY[reco.ials(factors => 2, regularization => 0.01, alpha => 1), reco.popular(), reco.ials(factors => 2, alpha => 5, regularization => 0.01)], test_fraction => 0.5) GROUP BY algorithm ORDER BY algorithm;

-- C34: user 1 has four items, user 4 two, user 2 one, user 3 one twice.  Users 2
-- and 3 stay in training and are not measured, nor are 5 to 8, who keep all items
-- known.  The list of 10 holds all that a user lacks, so recall is 1 and precision@10
-- counts what was hidden.
CREATE TABLE eval_split (u int, i text);
INSERT INTO eval_split VALUES (1, 'a'), (1, 'b'), (1, 'c'), (1, 'd'), (2, 'a'), (3, 'b'), (3, 'b'), (4, 'c'), (4, 'd'),
  (5, 'a'), (6, 'b'), (7, 'c'), (8, 'd');
SELECT f AS test_fraction, metric, k, round(value::numeric, 6) AS value, users
  FROM unnest(ARRAY[0.25, 0.5, 0.75, 0.99]) f,
       LATERAL reco.evaluate('eval_split', ARRAY[reco.popular()], test_fraction => f, seed => 1) AS e
 WHERE metric IN ('precision', 'recall') ORDER BY f, metric;
SELECT * FROM reco.evaluate('eval_split', ARRAY[reco.popular()], test_fraction => 0.01);
SELECT * FROM reco.evaluate('SELECT * FROM eval_split WHERE u IN (2, 3)', ARRAY[reco.popular()]);
-- a row that is skipped is in no part
SELECT metric, value, users FROM reco.evaluate('SELECT u, i, CASE WHEN u = 4 THEN ''NaN'' ELSE 1.0 END FROM eval_split', ARRAY[reco.popular()],
  test_fraction => 0.25, options => reco.options(on_invalid => 'skip')) WHERE metric = 'precision';
SELECT count(*) FROM reco.evaluate('SELECT u, i, CASE WHEN u = 4 THEN ''NaN'' ELSE 1.0 END FROM eval_split', ARRAY[reco.popular()]);
SELECT users FROM reco.evaluate('eval_split', ARRAY[reco.popular()], test_fraction => 0.25,
  options => reco.options(min_user_interactions => 3), unknown => 'miss') WHERE metric = 'precision';

-- the same seed, the same rows: the same values, in any order of rows and with any number of threads
CREATE TABLE eval_tastes AS
  SELECT u, i FROM generate_series(1, 40) u, generate_series(1, 30) i WHERE u % 3 = i % 3 AND (u * 7 + i * 5) % 4 <> 0;
CREATE TABLE eval_first AS SELECT * FROM reco.evaluate('eval_tastes', ARRAY[reco.ials(factors => 4, regularization => 0.01, alpha => 1)], cutoffs => '{5,10}');
SET reco.max_threads = 4;
SET reco.threads = 4;
CREATE TABLE eval_second AS SELECT * FROM reco.evaluate('SELECT * FROM eval_tastes ORDER BY i DESC, u', ARRAY[reco.ials(factors => 4, regularization => 0.01, alpha => 1)], cutoffs => '{5,10}');
SET reco.threads = 1;
SELECT count(*) AS same FROM eval_first JOIN eval_second USING (algorithm, metric, k, value, users);
SELECT count(*) > 0 AS another_split FROM (TABLE eval_first EXCEPT
  SELECT * FROM reco.evaluate('eval_tastes', ARRAY[reco.ials(factors => 4, regularization => 0.01, alpha => 1)], cutoffs => '{5,10}', seed => 43)) AS d;
-- everybody likes a third of the items: the model finds that out, popularity cannot
SELECT m.metric, m.k, m.value > 2 * p.value AS better FROM eval_first m JOIN eval_first p USING (metric, k)
 WHERE m.algorithm LIKE 'ials(%' AND p.algorithm = 'popular()' AND metric IN ('precision', 'recall', 'ndcg') ORDER BY metric, k;
-- every metric lies in 0 .. 1; longer lists find more and show more
SELECT metric, count(*) FROM eval_first WHERE value NOT BETWEEN 0 AND 1 GROUP BY metric;
SELECT five.metric, bool_and(ten.value >= five.value) AS grows FROM eval_first five JOIN eval_first ten USING (algorithm, metric)
 WHERE five.k = 5 AND ten.k = 10 AND metric IN ('recall', 'hit_rate', 'coverage') GROUP BY 1 ORDER BY 1;
SELECT DISTINCT users FROM eval_first;

-- rmse and mae: only for what predicts values, without a k
SELECT split_part(algorithm, '(', 1) AS algorithm, metric, k, value
  FROM reco.evaluate('SELECT u, i, 3 FROM eval_pairs', ARRAY[reco.als(factors => 2), reco.ials(factors => 2, regularization => 0.01, alpha => 1)], test_fraction => 0.5, cutoffs => '{1}')
 WHERE metric IN ('rmse', 'mae', 'precision');
-- the truth of a repeated rating is its latest
SELECT metric, value FROM reco.evaluate('SELECT u, i, 5, 1 FROM eval_pairs UNION ALL SELECT u, i, 3, 2 FROM eval_pairs',
  ARRAY[reco.als(factors => 2)], test_fraction => 0.5) WHERE metric IN ('rmse', 'mae') AND algorithm ~ '^als';
-- ratings of 2 and 4 that follow nothing a model so restrained could learn: off by about 1
SELECT metric, value BETWEEN 0.5 AND 1.5 AS sane FROM reco.evaluate('SELECT u, i, 3 + (-1) ^ ((u * u + i * 7) % 5) FROM eval_tastes',
  ARRAY[reco.als(factors => 1, regularization => 10)]) WHERE metric IN ('rmse', 'mae') AND algorithm ~ '^als';

-- Labels: the options only in which those of a name differ, of members too; alike ones are counted.
SELECT algorithm FROM reco.evaluate('eval_pairs', ARRAY[reco.ials(factors => 2, regularization => 0.01, alpha => 1), reco.ials(factors => 2, alpha => 5, regularization => 0.01), reco.item_knn(neighbors => 7, shrinkage => 0), reco.ials(factors => 2, regularization => 0.01, alpha => 1),
  reco.hybrid(ARRAY[reco.ials(2, regularization => 0.01, alpha => 1), reco.item_knn(neighbors => 7, shrinkage => 0)]), reco.hybrid(ARRAY[reco.item_knn(neighbors => 8, shrinkage => 0), reco.ials(2, regularization => 0.01, alpha => 1)], weights => ARRAY[1, 2])],
  test_fraction => 0.5) WHERE metric = 'ndcg';

-- How sure it is: the standard error, and the differences to popularity and to the best with
-- theirs, which are smaller, since the users are the same.
CREATE TABLE eval_errors AS SELECT * FROM reco.evaluate('SELECT u, i, 1 + (u * i) % 5 FROM eval_tastes',
  ARRAY[reco.ials(factors => 4, regularization => 0.01, alpha => 1), reco.item_knn(shrinkage => 0), reco.item_knn(similarity => 'jaccard', shrinkage => 0)], cutoffs => '{5,10}');
SELECT count(*) FILTER (WHERE error IS NULL) AS without_error, count(*) FILTER (WHERE NOT error >= 0) AS below_0,
       count(*) FILTER (WHERE activity IS NOT NULL) AS of_activities FROM eval_errors;
SELECT e.metric, count(*) AS differences, bool_and(abs(e.over_popular - (e.value - p.value)) < 1e-12) AS popular, bool_and(abs(e.over_best - (e.value - b.value)) < 1e-12) AS best,
       bool_and(e.over_popular_error BETWEEN abs(e.error - p.error) - 1e-9 AND e.error + p.error + 1e-9) AS bounded
  FROM eval_errors e JOIN eval_errors p ON (p.metric, p.k) IS NOT DISTINCT FROM (e.metric, e.k) AND p.algorithm = 'popular()'
  JOIN LATERAL (SELECT value FROM eval_errors b WHERE (b.metric, b.k) IS NOT DISTINCT FROM (e.metric, e.k)
                 ORDER BY CASE WHEN metric IN ('gini', 'popularity') THEN value ELSE -value END LIMIT 1) b ON true
 WHERE e.algorithm <> 'popular()' GROUP BY e.metric ORDER BY e.metric;
SELECT count(*) AS of_itself, bool_and(over_popular = 0 AND over_popular_error = 0) AS nothing FROM eval_errors WHERE algorithm = 'popular()';
-- hit_rate is a share p of n users: its error is sqrt(p (1 - p) / (n - 1))
SELECT bool_and(abs(error - sqrt(value * (1 - value) / (users - 1))) < 1e-9) AS of_a_share FROM eval_errors WHERE metric = 'hit_rate';
-- without a value every interaction is as good as any, and ndcg_graded would be ndcg
SELECT algorithm, count(*) FILTER (WHERE metric = 'ndcg') AS ndcg, count(*) FILTER (WHERE metric = 'ndcg_graded') AS graded
  FROM (TABLE eval_first UNION ALL TABLE eval_errors) AS e WHERE algorithm IN ('ials()', 'popular()') GROUP BY 1 ORDER BY 1;
-- of a single user nothing can be said about how sure it is
SELECT metric, value, error, users, over_popular, over_popular_error FROM reco.evaluate('SELECT * FROM eval_split WHERE u = 1 OR u > 4', reco.popular(), test_fraction => 0.5) WHERE metric IN ('recall', 'coverage');

-- Values: beside two that know no taste, the mean, and the mean with biases.
CREATE TABLE eval_values AS SELECT u, i, 1 + (u + i) % 4 AS value FROM eval_tastes;
SELECT algorithm, metric, users, error > 0 AS has_error, over_popular, over_best >= 0 AS over_best
  FROM reco.evaluate('eval_values', ARRAY[reco.als(factors => 4), reco.ials(factors => 4, regularization => 0.01, alpha => 1)]) WHERE k IS NULL AND metric <> 'auc' ORDER BY metric, algorithm COLLATE "C";
SELECT algorithm FROM reco.evaluate('eval_values', reco.ials(factors => 4, regularization => 0.01, alpha => 1)) WHERE metric = 'rmse';
-- the mean 5/3 is off by 10/3 once and by 2/3 five times; the error is that of a ratio of sums over users
SELECT metric, round(value::numeric, 6) AS value, round(error::numeric, 6) AS error, users FROM reco.evaluate('SELECT u, i, CASE u WHEN 1 THEN 5 ELSE 1 END FROM eval_pairs', reco.als(factors => 1), test_fraction => 0.5)
 WHERE algorithm = 'mean' ORDER BY metric;

-- Users by how many interactions they are trained on: thirds, equal counts together.
CREATE TABLE eval_active AS SELECT u, i FROM generate_series(1, 9) u, generate_series(1, 20) i WHERE i <= CASE WHEN u <= 4 THEN 4 WHEN u <= 7 THEN 10 ELSE 20 END;
SELECT metric, activity, users, value, error IS NOT NULL AS has_error FROM reco.evaluate('eval_active', reco.popular(), by_activity => true)
 WHERE metric IN ('recall', 'coverage') ORDER BY metric, users, activity;
SELECT metric, abs(sum(value * users) FILTER (WHERE activity IS NOT NULL) / sum(users) FILTER (WHERE activity IS NOT NULL) - sum(value) FILTER (WHERE activity IS NULL)) < 1e-12 AS together,
       array_agg(activity ORDER BY activity) AS activities, count(over_best) AS differences
  FROM reco.evaluate('SELECT u, i FROM eval_tastes WHERE i <= 8 + u % 20', reco.ials(factors => 4, regularization => 0.01, alpha => 1), by_activity => true) WHERE metric IN ('ndcg', 'map', 'auc') AND algorithm = 'ials()' GROUP BY metric ORDER BY metric;
SELECT * FROM reco.evaluate('eval_active', reco.popular(), by_activity => NULL);

-- a grid of algorithms is plain SQL
SELECT count(DISTINCT algorithm) AS algorithms, count(*) AS rows FROM reco.evaluate('eval_pairs',
  (SELECT array_agg(reco.ials(factors => f, alpha => a, regularization => 0.01)) FROM unnest(ARRAY[1, 2]) f, unnest(ARRAY[1, 2]) a), test_fraction => 0.5);
SELECT count(*) FROM (SELECT reco.evaluate('eval_pairs', ARRAY[reco.popular()], test_fraction => 0.5)) AS s;
BEGIN READ ONLY;
SELECT count(*) FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], test_fraction => 0.5);
COMMIT;

-- arguments
\set VERBOSITY terse
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], split => 'sideways');
\set VERBOSITY default
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], test_fraction => 0);
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], test_fraction => 1);
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], test_fraction => -0.5);
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], test_fraction => 'NaN');
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], cutoffs => '{}');
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], cutoffs => '{0}');
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], cutoffs => '{-5}');
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], cutoffs => '{100001}');
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], cutoffs => '{10,NULL}');
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], cutoffs => '{{1},{2}}');
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], cutoffs => ARRAY(SELECT generate_series(1, 17)));
SELECT count(*) FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], test_fraction => 0.5, cutoffs => ARRAY(SELECT generate_series(1, 16)));
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular(), NULL]);
SELECT * FROM reco.evaluate('eval_pairs', NULL);
SELECT * FROM reco.evaluate(NULL, ARRAY[reco.popular()]);
SELECT * FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], seed => NULL);
\set VERBOSITY terse
SELECT * FROM reco.evaluate('eval_pairs', ARRAY['{"algorithm": "none"}']::reco.algorithm[]);
\set VERBOSITY default
SELECT * FROM reco.evaluate('eval_missing', ARRAY[reco.popular()]);
SELECT * FROM reco.evaluate('SELECT 1', ARRAY[reco.popular()]);
SELECT * FROM reco.evaluate('SELECT 1, 2 WHERE false', ARRAY[reco.popular()]);
SELECT * FROM reco.evaluate('DELETE FROM eval_pairs RETURNING u, i', ARRAY[reco.popular()]);

DROP TABLE eval_pairs, eval_split, eval_tastes, eval_first, eval_second, eval_errors, eval_values, eval_active;
