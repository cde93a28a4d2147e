--
-- reco.demand: how many users will have each item.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;

-- twelve weeks; item n is had by n of a hundred users a week, and by each of them twice
CREATE TABLE demand_events AS
SELECT (w * 37 + u) % 100 AS user_id, n AS item_id, timestamp '2024-01-01' + w * interval '7 days' + u * interval '1 hour' AS at
  FROM generate_series(0, 11) AS w, (VALUES (1), (3), (10), (30)) AS i (n), generate_series(1, n) AS u, generate_series(1, 2);
INSERT INTO demand_events VALUES (1, 99, NULL), (1, 98, 'infinity'), (NULL, 1, '2024-03-03');
-- the last time that is not after now is the end
INSERT INTO demand_events VALUES (100, 1, '2024-03-25');

SET client_min_messages = notice;
SELECT item_id, round(expected::numeric, 2) AS expected, median, low, high, round(probability::numeric, 3) AS probability, latest, total
  FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events') ORDER BY item_id::int;
SELECT item_id, round(expected::numeric, 1) AS expected, low, high, latest
  FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '14 days', 0.95) ORDER BY item_id::int;
-- dates, and a table
CREATE VIEW demand_days AS SELECT user_id, item_id, 1 AS value, at::date AS day FROM demand_events;
SELECT item_id, latest, total FROM reco.demand('demand_days'::regclass, '7 days') ORDER BY item_id::int;
SET client_min_messages = warning;

-- what came back is nothing that anybody had
SELECT item_id, latest, total FROM reco.demand('SELECT user_id, item_id, CASE WHEN item_id = 10 THEN -1 ELSE 1 END, at FROM demand_events')
 WHERE item_id IN ('3', '10') ORDER BY item_id::int;
-- an interval as near as can be on either side
SELECT coverage, item_id, low, median, high, round(probability::numeric, 3) AS probability
  FROM (VALUES (float8 '1e-300'), (0.5), (0.8), (0.999999999999)) AS c (coverage),
       reco.demand('SELECT user_id, item_id, 1, at FROM demand_events WHERE at < ''2024-03-25''', '7 days', coverage) WHERE item_id IN ('1', '30') ORDER BY 1, 2;

-- the same in whatever order the rows come
SELECT count(DISTINCT d) FROM (
  SELECT string_agg(d::text, ',' ORDER BY item_id) AS d FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events ORDER BY at') AS d
  UNION ALL
  SELECT string_agg(d::text, ',' ORDER BY item_id) FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events ORDER BY md5(user_id::text || at)') AS d) AS x;

-- options are those of a source: what is left out, and what counts for nothing
SELECT count(*) FROM reco.demand($$SELECT user_id, item_id, CASE WHEN item_id = 30 THEN float8 'NaN' ELSE 1 END, at FROM demand_events$$);
SELECT item_id, latest, total FROM reco.demand($$SELECT user_id, item_id, CASE WHEN item_id = 30 THEN float8 'NaN' ELSE 1 END, at FROM demand_events$$,
  options => reco.options(on_invalid => 'skip', exclude_items => '{1,98}')) ORDER BY item_id::int;
SELECT item_id, latest, total FROM reco.demand($$SELECT user_id, item_id, 1, at, CASE WHEN item_id < 10 THEN 'view' ELSE 'buy' END FROM demand_events$$,
  options => reco.options(kind_weights => '{"view": 0, "buy": 8}')) ORDER BY item_id::int;

-- what is wrong
SELECT * FROM reco.demand('SELECT user_id, item_id FROM demand_events');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, 5 FROM demand_events');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '1 month');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '-1 day');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '178000000 years');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '40 days');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, day FROM demand_days', '12 hours');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '36500 days');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '7 days', 1);
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '7 days', 0);
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '7 days', -0.5);
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '7 days', 'NaN');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', NULL);
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events WHERE false');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events WHERE at IS NULL');
-- all in the future, all at once, in one period only
SELECT * FROM reco.demand('SELECT 1, 2, 1, now() + n * interval ''1 day'' FROM generate_series(1, 100) AS n');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, timestamp ''2024-01-01'' FROM demand_events');
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events WHERE at < ''2024-01-10''');
SELECT * FROM reco.demand(17);
-- of years the last minute: told
SET client_min_messages = notice;
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '1 second') ORDER BY expected DESC, item_id LIMIT 1;
SELECT * FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events', '1 microsecond') LIMIT 0;
SET client_min_messages = warning;
SET reco.max_memory = '1MB';
SELECT count(*) FROM reco.demand('SELECT n % 1000, n, 1, timestamp ''2024-01-01'' + n * interval ''1 minute'' FROM generate_series(1, 20000) AS n');
RESET reco.max_memory;

DROP TABLE demand_events CASCADE;
