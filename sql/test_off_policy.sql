--
-- What another model would have got: estimates against plain SQL, refusals, and logs that are not as they should be.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;

-- 400 users, pages of four of twelve items: two are the model's, two are drawn from the other ten
CREATE FUNCTION off_random(variadic of text[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT ('x' || left(encode(sha256(convert_to(array_to_string(of, ' '), 'UTF8')), 'hex'), 13))::bit(52)::bigint / 2 ^ 52 $$;
CREATE TABLE off_log AS
WITH pages AS (SELECT u AS user_id, page FROM generate_series(1, 400) AS u, generate_series(1, 1 + u % 4) AS page),
shown AS (SELECT user_id, page, i AS item_id, 1.0::float8 AS propensity FROM pages, generate_series(1, 2) AS i
          UNION ALL SELECT user_id, page, i, 0.2 FROM pages, LATERAL (SELECT i FROM generate_series(3, 12) AS i ORDER BY off_random('draw', user_id::text, page::text, i::text) LIMIT 2) AS d)
SELECT *, (off_random('click', user_id::text, page::text, item_id::text) < 0.05 + 0.02 * item_id + 0.1 * (user_id % 2))::int AS reward,
       (item_id IN (1, 5, 8, 12))::int AS target, 0.05 + 0.02 * item_id AS predicted, 0.05 + 0.02 * 6.5 AS target_predicted FROM shown;

-- the same by users, in plain SQL
CREATE VIEW off_plain AS
WITH w AS (SELECT *, target / propensity AS w FROM off_log),
per AS (SELECT user_id, count(*) AS n, sum(reward) AS r, sum(w) AS w, sum(w * reward) AS a, sum(target_predicted + w * (reward - predicted)) AS d FROM w GROUP BY 1),
pairs AS (SELECT e, user_id, x, y FROM per, LATERAL (VALUES ('logged', r::float8, n::float8), ('ips', a, n), ('snips', a, w), ('dr', d, n)) AS v(e, x, y)),
means AS (SELECT e, sum(x) / sum(y) AS value, sum(y) AS y, count(*) AS users FROM pairs GROUP BY 1)
SELECT m.e AS estimator, value, (SELECT sqrt(sum((x - value * p.y) ^ 2)) FROM pairs AS p WHERE p.e = m.e) / y * sqrt(users / (users - 1.0::float8)) AS error,
       (SELECT CASE m.e WHEN 'logged' THEN count(*) ELSE sum(w) ^ 2 / sum(w ^ 2) END FROM w) AS effective, users FROM means AS m;
SELECT estimator, abs(r.value - p.value) < 1e-12 AS value, abs(r.error - p.error) < 1e-12 AS error, abs(r.effective - p.effective) < 1e-9 * p.effective AS effective,
       r.users = p.users AS users, r.shown, CASE estimator WHEN 'logged' THEN abs(r.low - (p.value - 1.959963984540054 * p.error)) < 1e-12
         ELSE abs(abs(p.value - r.low) - 1.959963984540054 * p.error * sqrt(r.low / p.value)) < 1e-12 AND abs(abs(p.value - r.high) - 1.959963984540054 * p.error * sqrt(r.high / p.value)) < 1e-12 END AS interval, message
  FROM reco.off_policy('off_log') AS r FULL JOIN off_plain AS p USING (estimator) ORDER BY 1;
-- what it would be, and what was logged: 0.23, and 0.2 or so
SELECT estimator, round(value::numeric, 3) AS value, low < 0.23 AND 0.23 < high AS holds FROM reco.off_policy('off_log');
-- a log of the policy itself
SELECT estimator, round(value::numeric, 3) AS value, message FROM reco.off_policy('SELECT user_id, propensity, propensity AS target, reward FROM off_log');
-- wider with more confidence; the same bits in any order
SELECT a.estimator, b.low < a.low AND a.high < b.high AS wider FROM reco.off_policy('off_log') AS a JOIN reco.off_policy('off_log', 0.99) AS b USING (estimator) ORDER BY 1;
SELECT count(*) FROM (SELECT * FROM reco.off_policy('off_log') EXCEPT SELECT * FROM reco.off_policy('SELECT * FROM off_log ORDER BY random()')) AS differ;
-- booleans, other types of numbers, negative rewards: the interval is normal then
SELECT count(*) FROM (SELECT value FROM reco.off_policy('SELECT user_id, propensity::real::numeric, reward = 1 AS reward, target = 1 AS target FROM off_log') EXCEPT SELECT value FROM reco.off_policy('SELECT user_id, propensity::real::numeric, target, reward FROM off_log')) AS differ;
SELECT estimator, abs(high - value - (value - low)) < 1e-12 AS normal FROM reco.off_policy('SELECT user_id, propensity, target, reward - 0.2 AS reward FROM off_log');

-- nothing explored; items that never were; propensities that cannot be; few users; nobody clicked
SELECT estimator, value IS NULL AS refused, low IS NULL AND high IS NULL AND error IS NULL AS no_interval, round(effective::numeric) AS effective, users, shown, message FROM reco.off_policy('SELECT * FROM off_log WHERE propensity = 1');
SELECT estimator, value IS NULL AS refused, message FROM reco.off_policy('SELECT user_id, propensity, reward, target FROM off_log WHERE item_id NOT IN (8, 12)');
SELECT estimator, value IS NULL AS refused, message FROM reco.off_policy('SELECT user_id, propensity / 2 AS propensity, reward, target FROM off_log');
SELECT estimator, value IS NULL AS refused, message FROM reco.off_policy('SELECT user_id, propensity, reward, target FROM off_log WHERE user_id < 20');
SELECT estimator, value IS NULL AS refused, message FROM reco.off_policy('SELECT user_id, propensity, 0 AS reward, target FROM off_log');
SELECT estimator, value, error, low, value IS NULL AS refused, message FROM reco.off_policy('SELECT 1 AS user_id, 1 AS propensity, 1 AS target, 1 AS reward');
SELECT estimator, value, low, message FROM reco.off_policy('SELECT user_id, 5e-324::float8 AS propensity, 1 AS target, 1e18 AS reward FROM off_log');

SET client_min_messages = notice;
SELECT * FROM reco.off_policy('SELECT * FROM off_log WHERE false');
SELECT count(*) FROM reco.off_policy('SELECT user_id, reward, target, NULL::float8 AS propensity FROM off_log');
SELECT estimator, shown FROM reco.off_policy('SELECT user_id, propensity, target, reward FROM off_log UNION ALL VALUES (NULL, 1, 1, 1), (1, NULL, 1, 1)');
-- what is wrong
SELECT * FROM reco.off_policy('SELECT user_id, 0 AS propensity, target, reward FROM off_log');
SELECT * FROM reco.off_policy('SELECT user_id, 1.5 AS propensity, target, reward FROM off_log');
SELECT * FROM reco.off_policy('SELECT user_id, ''NaN''::float8 AS propensity, target, reward FROM off_log');
SELECT * FROM reco.off_policy('SELECT user_id, propensity, 1.5 AS target, reward FROM off_log');
SELECT * FROM reco.off_policy('SELECT user_id, propensity, NULL::int AS target, reward FROM off_log');
SELECT * FROM reco.off_policy('SELECT user_id, propensity, target, nullif(reward, 0) AS reward FROM off_log');
SELECT * FROM reco.off_policy('SELECT user_id, propensity, target, ''Infinity''::float8 AS reward FROM off_log');
SELECT * FROM reco.off_policy('SELECT user_id, propensity, target, reward, ''NaN''::float8 AS predicted, 1 AS target_predicted FROM off_log');
SELECT * FROM reco.off_policy('SELECT user_id, propensity, target, reward, 1 AS predicted FROM off_log');
SELECT * FROM reco.off_policy('SELECT propensity, target, reward FROM off_log');
SELECT * FROM reco.off_policy('SELECT user_id, propensity::text, target, reward FROM off_log');
SELECT * FROM reco.off_policy('SELECT 1; SELECT 2');
SELECT * FROM reco.off_policy('');
SELECT * FROM reco.off_policy(NULL);
SELECT * FROM reco.off_policy('off_log', 1);
SELECT * FROM reco.off_policy('off_log', NULL);
