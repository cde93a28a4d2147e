--
-- Which model sells more: the report against plain SQL, and logs that are not as they should be.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;

-- 300 users, pages of four items at up to six times; clicks, and purchases some of which come back
CREATE FUNCTION ab_random(variadic of text[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT ('x' || left(encode(sha256(convert_to(array_to_string(of, ' '), 'UTF8')), 'hex'), 13))::bit(52)::bigint / 2 ^ 52 $$;
CREATE TABLE ab_users AS SELECT u AS user_id, reco.assign('spring', u, '{home,other}') AS model, 1 + floor(ab_random('pages', u::text) * 5)::int AS pages FROM generate_series(1, 300) AS u;
CREATE TABLE ab_log AS
SELECT 'spring'::text AS experiment, user_id, model, 1 + page / 3 AS version, place AS rank, (user_id * 3 + page * page + place * 5) % 23 AS item_id,
       timestamptz '2026-03-01 00:00+00' + page * interval '1 day' + user_id * interval '1 minute' AS shown_at
  FROM ab_users, generate_series(1, pages) AS page, generate_series(1, 4) AS place;
INSERT INTO ab_log SELECT 'autumn', user_id, 'home', 9, rank, item_id, shown_at - interval '100 days' FROM ab_log WHERE user_id < 50;
CREATE TABLE ab_done AS
SELECT user_id, item_id, (1 + ab_random('value', key) * 40)::numeric(8,2) AS value, shown_at + ab_random('at', key) * interval '5 days' AS at, CASE WHEN ab_random('kind', key) < 0.6 THEN 'click' ELSE 'buy' END AS kind
  FROM ab_log, LATERAL (SELECT concat_ws(' ', user_id, item_id, extract(epoch FROM shown_at)::bigint)) AS k(key)
 WHERE experiment = 'spring' AND ab_random('whether', key) < CASE model WHEN 'home' THEN 0.12 ELSE 0.2 END;
-- before anything was shown, of items that were not, of others, and returns
INSERT INTO ab_done SELECT user_id, item_id, 5, at - interval '30 days', 'click' FROM ab_done WHERE user_id % 3 = 0;
INSERT INTO ab_done SELECT user_id, item_id + 100, 7, at, 'buy' FROM ab_done WHERE user_id % 4 = 0;
INSERT INTO ab_done SELECT user_id + 1000, item_id, 7, at, 'buy' FROM ab_done WHERE user_id % 4 = 0;
INSERT INTO ab_done SELECT user_id, item_id, -value, at + interval '1 day', 'buy' FROM ab_done WHERE user_id % 5 = 0 AND kind = 'buy';
INSERT INTO ab_done VALUES (NULL, 1, 1, now(), 'buy'), (1, 1, NULL, now(), 'buy'), (1, 1, 1, NULL, 'buy'), (1, 1, 1, now(), NULL);

-- what the report adds up, by joins
CREATE FUNCTION ab_wilson(p float8, n float8, side int) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
  SELECT (p + z * z / (2 * n) + side * z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n) FROM (SELECT 1.959963984540054::float8 AS z) AS t $$;
CREATE FUNCTION ab_plain(by_version boolean, within interval) RETURNS TABLE (outcome text, metric text, model text, version int, users bigint, shown bigint, total float8, value float8, low float8, high float8) LANGUAGE sql AS $$
  WITH e AS (SELECT *, lead(shown_at) OVER (PARTITION BY user_id, item_id ORDER BY shown_at, version) AS again FROM ab_log WHERE experiment = 'spring'),
  pages AS (SELECT *, lead(shown_at) OVER (PARTITION BY user_id ORDER BY shown_at) AS next FROM (SELECT DISTINCT user_id, model, version, shown_at FROM e) AS p),
  v AS (SELECT DISTINCT CASE WHEN by_version THEN version END AS v FROM e UNION SELECT NULL),
  k AS (SELECT * FROM (VALUES ('click'), ('buy')) AS k(k)),
  a AS (SELECT e.*, k, EXISTS (SELECT FROM ab_done AS d WHERE d.user_id = e.user_id AND d.item_id = e.item_id AND d.kind = k AND d.value > 0 AND d.at >= e.shown_at
                                AND (e.again IS NULL OR d.at < e.again) AND (within IS NULL OR d.at <= e.shown_at + within)) AS acted FROM e, k),
  per AS (SELECT k, model, v, user_id, count(*) AS n, count(*) FILTER (WHERE acted) AS c FROM a, v WHERE v IS NULL OR v = version GROUP BY 1, 2, 3, 4),
  did AS (SELECT p.model, p.version, p.user_id, d.kind AS k, d.value FROM pages AS p JOIN ab_done AS d ON d.user_id = p.user_id AND d.at >= p.shown_at AND (p.next IS NULL OR d.at < p.next) AND (within IS NULL OR d.at <= p.shown_at + within)),
  per_user AS (SELECT per.*, coalesce((SELECT bool_or(d.value > 0) FROM did AS d WHERE d.user_id = per.user_id AND d.k = per.k AND (per.v IS NULL OR d.version = per.v)), false) AS anything,
                      coalesce((SELECT sum(d.value) FROM did AS d WHERE d.user_id = per.user_id AND d.k = per.k AND (per.v IS NULL OR d.version = per.v)), 0)::float8 AS w FROM per),
  rates AS (SELECT k, model, v, count(*) AS users, sum(n)::bigint AS shown, sum(c)::float8 AS c, sum(c)::float8 / sum(n)::float8 AS r FROM per_user GROUP BY 1, 2, 3),
  trials AS (SELECT r.*, least(r.shown, r.r * (1 - r.r) / (SELECT sum((p.c - r.r * p.n) ^ 2) / r.shown ^ 2 FROM per_user AS p WHERE p.k = r.k AND p.model = r.model AND p.v IS NOT DISTINCT FROM r.v)) AS t FROM rates AS r)
  SELECT k, 'rate', model, v, users, shown, c, r, ab_wilson(r, t, -1), ab_wilson(r, t, 1) FROM trials
  UNION ALL SELECT k, 'conversion', model, v, count(*), sum(n)::bigint, sum(anything::int), avg(anything::int), ab_wilson(avg(anything::int)::float8, count(*), -1), ab_wilson(avg(anything::int)::float8, count(*), 1) FROM per_user GROUP BY 1, 3, 4
  UNION ALL SELECT k, 'value', model, v, count(*), sum(n)::bigint, sum(w), avg(w), avg(w) - 1.959963984540054 * stddev_samp(w) / sqrt(count(*)), avg(w) + 1.959963984540054 * stddev_samp(w) / sqrt(count(*)) FROM per_user GROUP BY 1, 3, 4 $$;
CREATE INDEX ON ab_done (user_id, item_id, kind);
CREATE TABLE ab_cases AS SELECT * FROM (VALUES (1, false, NULL::interval), (2, true, NULL), (3, false, '36 hours'), (4, true, '36 hours')) AS c(n, by_version, within);
SELECT n, count(*) AS rows, count(*) FILTER (WHERE p.value IS NULL OR r.value IS NULL) AS missing,
       max(abs(p.users - r.users)) AS users, max(abs(p.shown - r.shown)) AS shown, max(abs(p.total - r.total)) < 1e-9 AS total,
       max(abs(p.value - r.value)) < 1e-12 AS value, max(greatest(abs(p.low - r.low), abs(p.high - r.high))) < 1e-9 AS interval
  FROM (SELECT c.n, p.*, coalesce(p.version, 0) AS v FROM ab_cases AS c, ab_plain(by_version, within) AS p) AS p
  FULL JOIN (SELECT c.n, r.*, coalesce(r.version, 0) AS v FROM ab_cases AS c,
               reco.ab_report('ab_log', 'SELECT user_id, item_id, value, at, kind FROM ab_done', 'spring', within => within, by_version => by_version) AS r) AS r
    USING (n, outcome, metric, model, v)
 GROUP BY 1 ORDER BY 1;
-- the comparison is that of the two rows, by Newcombe's method
CREATE TABLE ab_rows AS SELECT * FROM reco.ab_report('ab_log', 'SELECT user_id, item_id, value, at, kind FROM ab_done', 'spring');
SELECT outcome, metric, round(o.difference::numeric, 6) AS difference,
       abs(o.difference_low - (o.value - h.value - sqrt((o.value - o.low) ^ 2 + (h.high - h.value) ^ 2))) < 1e-12 AS low,
       abs(o.difference_high - (o.value - h.value + sqrt((o.high - o.value) ^ 2 + (h.value - h.low) ^ 2))) < 1e-12 AS high,
       abs(o.ratio - o.value / h.value) < 1e-12 AS ratio, o.ratio_low < o.ratio AND o.ratio < o.ratio_high AS around,
       h.difference IS NULL AND h.ratio IS NULL AND h.detectable IS NULL AND h.message IS NULL AS control
  FROM ab_rows AS o JOIN ab_rows AS h USING (outcome, metric) WHERE o.model = 'other' AND h.model = 'home' ORDER BY 1, 2;
-- any order of the rows, the same bits
SELECT count(*) FROM (SELECT * FROM reco.ab_report('ab_log', 'SELECT user_id, item_id, value::float8, at, kind FROM ab_done') EXCEPT
  SELECT * FROM reco.ab_report('SELECT * FROM ab_log ORDER BY random()', 'SELECT user_id, item_id, value::float8, at, kind FROM ab_done ORDER BY random()')) AS differ;
-- the other one as the control; another effect, confidence and power
SELECT metric, o.model, abs(o.difference + h.difference) < 1e-12 AS turned, o.users_needed > h.users_needed AS more_needed, o.message, h.message AS less
  FROM reco.ab_report('ab_log', 'SELECT user_id, item_id, value, at, kind FROM ab_done', 'spring', control => 'other', effect => 0.01, confidence => 0.99, power => 0.9) AS o
  JOIN reco.ab_report('ab_log', 'SELECT user_id, item_id, value, at, kind FROM ab_done', 'spring', effect => 10) AS h USING (outcome, metric)
 WHERE o.difference IS NOT NULL AND h.difference IS NOT NULL AND outcome = 'buy' ORDER BY 1;

-- without items, times, kinds and values
SELECT outcome, metric, model, users, shown, total FROM reco.ab_report($$SELECT user_id, model FROM ab_log WHERE experiment = 'spring'$$, 'SELECT user_id, item_id FROM ab_done WHERE value > 0');
CREATE TABLE ab_tiny AS SELECT * FROM (VALUES (1, 7, 'a'), (1, 8, 'a'), (2, 7, 'b'), (3, 9, 'b')) AS t(user_id, item_id, model);
SELECT outcome, metric, model, users, shown, total FROM reco.ab_report('ab_tiny', 'VALUES (1, 7, 10), (1, 7, 20), (2, 8, 5), (3, 9, 0), (3, 9, -4), (4, 7, 1) -- a comment') ORDER BY 2, 3;

\set VERBOSITY terse
SET client_min_messages = notice;
-- users in two models are told and left out; nulls too; a lopsided split
CREATE FUNCTION ab_few(exposures text, models text[] DEFAULT NULL, weights float8[] DEFAULT NULL) RETURNS TABLE (model text, users bigint, total float8, difference numeric, message text) LANGUAGE sql AS $$
  SELECT model, users, total, round(difference::numeric, 4), message FROM reco.ab_report(exposures, 'SELECT u, i FROM generate_series(1, 3000) AS u, generate_series(1, 2) AS i WHERE u % 10 < 3', models => models, weights => weights) WHERE metric = 'conversion' $$;
CREATE VIEW ab_even AS SELECT u AS user_id, 1 AS item_id, CASE WHEN u % 2 = 0 THEN 'a' ELSE 'b' END AS model FROM generate_series(1, 1000) AS u;
CREATE VIEW ab_uneven AS SELECT u AS user_id, 1 AS item_id, CASE WHEN u % 10 < 6 THEN 'a' ELSE 'b' END AS model FROM generate_series(1, 1000) AS u;
CREATE VIEW ab_alone AS SELECT u AS user_id, 1 AS item_id, 'a' AS model FROM generate_series(1, 1000) AS u;
\set VERBOSITY default
SELECT * FROM ab_few('TABLE ab_even UNION ALL SELECT user_id, item_id, ''a'' FROM ab_even WHERE user_id < 22 UNION ALL VALUES (NULL, 1, ''a''), (30, NULL, ''a''), (30, 1, NULL)');
SELECT * FROM ab_few('ab_uneven');
\set VERBOSITY terse
SELECT * FROM ab_few('ab_uneven', '{b,a}', '{4,6}');
SELECT * FROM ab_few('ab_alone', '{a,b}', '{1,0}');
SELECT * FROM ab_few('ab_even', '{a,b}', '{1,0}');
-- one model; one that nobody was shown; others than were asked for
SELECT * FROM ab_few('ab_alone');
SELECT * FROM ab_few('ab_alone', '{a,b}');
SELECT * FROM ab_few('SELECT user_id, item_id, ''m'' || user_id % 4 AS model FROM ab_even', '{m1,m2}');
-- a control that did nothing; one user each
CREATE FUNCTION ab_tell(exposures text, outcomes text) RETURNS TABLE (metric text, model text, users bigint, total float8, value float8, low numeric, high numeric, difference float8, ratio float8, ratio_low numeric, ratio_high numeric, detectable numeric, users_needed bigint, message text) LANGUAGE sql AS $$
  SELECT metric, model, users, total, value, round(low::numeric, 4), round(high::numeric, 4), difference, ratio, round(ratio_low::numeric, 4), round(ratio_high::numeric, 4), round(detectable::numeric, 4), users_needed, message FROM reco.ab_report(exposures, outcomes) $$;
SELECT * FROM ab_tell('SELECT * FROM (VALUES (1, 1, ''a''), (2, 1, ''a''), (3, 1, ''b''), (4, 1, ''b'')) AS t(user_id, item_id, model)', 'VALUES (3, 1, 5)');
SELECT * FROM ab_tell('SELECT * FROM (VALUES (1, 1, ''a''), (2, 1, ''a''), (3, 1, ''b''), (4, 1, ''b'')) AS t(user_id, item_id, model)', 'VALUES (1, 1, 5)');
SELECT * FROM ab_tell('SELECT * FROM (VALUES (1, 1, ''a''), (3, 1, ''b'')) AS t(user_id, item_id, model)', 'VALUES (1, 1, 7), (3, 1, 5)');
-- nothing
SELECT * FROM reco.ab_report('SELECT 1 AS user_id, ''a''::text AS model WHERE false', 'VALUES (1, 1)');
SELECT * FROM reco.ab_report('ab_log', 'SELECT user_id, item_id FROM ab_done', 'winter');
SELECT * FROM reco.ab_report('ab_log', 'SELECT user_id, item_id FROM ab_done WHERE false', 'spring');
\set VERBOSITY default
-- what cannot be read
SELECT * FROM reco.ab_report('SELECT user_id AS u, model FROM ab_log', 'VALUES (1, 1)');
SELECT * FROM reco.ab_report('SELECT user_id, model FROM ab_log', 'VALUES (1, 1)', 'spring');
SELECT * FROM reco.ab_report('SELECT user_id, model FROM ab_log', 'VALUES (1, 1)', by_version => true);
SELECT * FROM reco.ab_report('ab_log', 'SELECT user_id FROM ab_done');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1, 1, now(), 1, 1');
SELECT * FROM reco.ab_report('ab_log', 'SELECT ''x''::text, 1');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, ''x''::text');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1, ''x''::text');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1, 1, 1');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1', within => '1 day');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1, ''NaN''::float8, timestamp ''infinity''  ');
SELECT * FROM reco.ab_report('ab_log', 'DELETE FROM ab_done RETURNING user_id, item_id');
SELECT * FROM reco.ab_report('ab_log', 'WITH d AS (DELETE FROM ab_done RETURNING *) SELECT user_id, item_id FROM d');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1; SELECT 2');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1) AS o, (SELECT 1');
SELECT * FROM reco.ab_report('ab_log', 'SELECT $1, 1');
SELECT * FROM reco.ab_report('no_log', 'SELECT 1, 1');
SELECT * FROM reco.ab_report(NULL, 'SELECT 1, 1');
SELECT * FROM reco.ab_report('ab_log', NULL);
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1', control => 'nobody');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1', weights => '{1,1}');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1', models => '{home,home}');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1', effect => 0);
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1', confidence => 1);
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1', power => 'NaN');
SELECT * FROM reco.ab_report('SELECT user_id, user_id::text AS model FROM ab_log', 'SELECT 1, 1');
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1, 1, timestamptz ''2030-01-01'', n::text FROM generate_series(1, 11000) AS n');
-- as whoever calls
CREATE ROLE regress_reco_ab;
SET ROLE regress_reco_ab;
SELECT * FROM reco.ab_report('ab_log', 'SELECT 1, 1');
RESET ROLE;
DROP ROLE regress_reco_ab;
-- equality is that of the types, whatever lies on the path
CREATE SCHEMA ab_path;
CREATE FUNCTION ab_path.never(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR ab_path.= (LEFTARG = int, RIGHTARG = int, FUNCTION = ab_path.never);
SET client_min_messages = warning;
SET search_path = ab_path, pg_catalog, public;
SELECT 1 = 1 AS captured, count(*) FROM (SELECT * FROM reco.ab_report('public.ab_log', 'SELECT user_id, item_id, value, at, kind FROM public.ab_done', 'spring') EXCEPT SELECT * FROM public.ab_rows) AS t;
RESET search_path;
