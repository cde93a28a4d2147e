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
  FROM reco.evaluate('eval_pairs', ARRAY[reco.ials(factors => 2)], test_fraction => 0.5, cutoffs => '{1,2,100}');
-- popularity is beside, once, by its name
SELECT algorithm, count(*) FROM reco.evaluate('eval_pairs', ARRAY[reco.popular()], test_fraction => 0.5) GROUP BY algorithm;
SELECT algorithm, count(*) FROM reco.evaluate('eval_pairs', ARRAY[]::reco.algorithm[], test_fraction => 0.5) GROUP BY algorithm;
SELECT algorithm, min(k), max(k), count(*) FROM reco.evaluate('eval_pairs',
  ARRAY[reco.ials(factors => 2), reco.popular(), reco.ials(factors => 2, alpha => 5)], test_fraction => 0.5) GROUP BY algorithm ORDER BY algorithm;

-- C34: user 1 has four items, user 4 two, user 2 one, user 3 one twice.  Users 2
-- and 3 stay in training and are not measured.  The list of 10 holds all that a
-- user lacks, so recall is 1 and precision@10 counts what was hidden.
CREATE TABLE eval_split (u int, i text);
INSERT INTO eval_split VALUES (1, 'a'), (1, 'b'), (1, 'c'), (1, 'd'), (2, 'a'), (3, 'b'), (3, 'b'), (4, 'c'), (4, 'd');
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
  options => reco.options(min_user_interactions => 3)) WHERE metric = 'precision';

-- the same seed, the same rows: the same values, in any order of rows and with any number of threads
CREATE TABLE eval_tastes AS
  SELECT u, i FROM generate_series(1, 40) u, generate_series(1, 30) i WHERE u % 3 = i % 3 AND (u * 7 + i * 5) % 4 <> 0;
CREATE TABLE eval_first AS SELECT * FROM reco.evaluate('eval_tastes', ARRAY[reco.ials(factors => 4)], cutoffs => '{5,10}');
SET reco.max_threads = 4;
SET reco.threads = 4;
CREATE TABLE eval_second AS SELECT * FROM reco.evaluate('SELECT * FROM eval_tastes ORDER BY i DESC, u', ARRAY[reco.ials(factors => 4)], cutoffs => '{5,10}');
SET reco.threads = 1;
SELECT count(*) AS same FROM eval_first JOIN eval_second USING (algorithm, metric, k, value, users);
SELECT count(*) > 0 AS another_split FROM (TABLE eval_first EXCEPT
  SELECT * FROM reco.evaluate('eval_tastes', ARRAY[reco.ials(factors => 4)], cutoffs => '{5,10}', seed => 43)) AS d;
-- everybody likes a third of the items: the model finds that out, popularity cannot
SELECT m.metric, m.k, m.value > 2 * p.value AS better FROM eval_first m JOIN eval_first p USING (metric, k)
 WHERE m.algorithm LIKE 'ials(%' AND p.algorithm = 'popular()' AND metric IN ('precision', 'recall', 'ndcg') ORDER BY metric, k;
-- every metric lies in 0 .. 1; longer lists find more and show more
SELECT count(*) FROM eval_first WHERE value NOT BETWEEN 0 AND 1;
SELECT five.metric, bool_and(ten.value >= five.value) AS grows FROM eval_first five JOIN eval_first ten USING (algorithm, metric)
 WHERE five.k = 5 AND ten.k = 10 AND metric IN ('recall', 'hit_rate', 'coverage') GROUP BY 1 ORDER BY 1;
SELECT DISTINCT users FROM eval_first;

-- rmse and mae: only for what predicts values, without a k
SELECT split_part(algorithm, '(', 1) AS algorithm, metric, k, value
  FROM reco.evaluate('SELECT u, i, 3 FROM eval_pairs', ARRAY[reco.als(factors => 2), reco.ials(factors => 2)], test_fraction => 0.5, cutoffs => '{1}')
 WHERE metric IN ('rmse', 'mae', 'precision');
-- the truth of a repeated rating is its latest
SELECT metric, value FROM reco.evaluate('SELECT u, i, 5, 1 FROM eval_pairs UNION ALL SELECT u, i, 3, 2 FROM eval_pairs',
  ARRAY[reco.als(factors => 2)], test_fraction => 0.5) WHERE metric IN ('rmse', 'mae');
-- ratings of 2 and 4 that follow nothing a model so restrained could learn: off by about 1
SELECT metric, value BETWEEN 0.5 AND 1.5 AS sane FROM reco.evaluate('SELECT u, i, 3 + (-1) ^ ((u * u + i * 7) % 5) FROM eval_tastes',
  ARRAY[reco.als(factors => 1, regularization => 10)]) WHERE metric IN ('rmse', 'mae');

-- a grid of algorithms is plain SQL
SELECT count(DISTINCT algorithm) AS algorithms, count(*) AS rows FROM reco.evaluate('eval_pairs',
  (SELECT array_agg(reco.ials(factors => f, alpha => a)) FROM unnest(ARRAY[1, 2]) f, unnest(ARRAY[1, 2]) a), test_fraction => 0.5);
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

DROP TABLE eval_pairs, eval_split, eval_tastes, eval_first, eval_second;
