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
-- nor are returns a time of selling nothing: what was sold last is the end
SELECT item_id, latest, total FROM reco.demand('SELECT user_id, item_id, 1, at FROM demand_events UNION ALL SELECT 1, 3, -1, ''2024-04-20''')
 WHERE item_id IN ('3', '10') ORDER BY item_id::int;
SELECT * FROM reco.demand('SELECT user_id, item_id, -1, at FROM demand_events');
-- an interval as near as can be on either side
SELECT coverage, item_id, low, median, high, round(probability::numeric, 3) AS probability
  FROM (VALUES (float8 '1e-300'), (0.5), (0.8), (0.99999999)) AS c (coverage),
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


-- a model's: shoppers of two tastes, of whom some have stopped; new items are known by what they are
CREATE TABLE demand_shop AS
SELECT u AS user_id, 1 + (u % 2) * 10 + (u * 7 + w * w + k * 3) % 10 AS item_id, 1 AS value,
       timestamptz '2024-01-01 00:00+00' + w * interval '7 days' + (u % 100) * interval '1 hour' + k * interval '1 minute' AS at
  FROM generate_series(1, 120) AS u, generate_series(0, 15) AS w, generate_series(1, 3) AS k
 WHERE (u % 3 > 0 OR w < 8) AND (u * 13 + w * 5) % 7 < 4;
INSERT INTO demand_shop VALUES (1, 1, 1, timestamptz '2024-04-22 00:00+00'), (2, 50, 1, NULL), (2, 51, 1, 'infinity');
CREATE TABLE demand_things AS SELECT i AS id, CASE WHEN i < 11 THEN 'tea' ELSE 'coffee' END AS kind FROM generate_series(1, 21) AS i;
CALL reco.create_model('demand_ials', 'demand_shop', reco.ials(factors => 8, seed => 1), options => reco.options(measure => false));
SET client_min_messages = notice;
CREATE TABLE demand_found AS SELECT * FROM demand_ials.demand('7 days');
SET client_min_messages = warning;
SELECT item_id, median, low, high, latest, total FROM demand_found WHERE item_id IN (1, 5, 11, 20, 50, 51) ORDER BY item_id;
-- latest and total are those of the query itself; what is expected is a number, and within what is likely
SELECT count(*), count(*) FILTER (WHERE f.latest = d.latest AND f.total = d.total), bool_and(f.expected >= 0 AND f.by_model >= 0),
       bool_and(f.probability > 0 AND f.probability <= 1 AND f.low <= f.median AND f.median <= f.high),
       abs(sum(f.expected) / sum(d.expected) - 1) < 0.05 AS level
  FROM demand_found AS f JOIN reco.demand('demand_shop', '7 days') AS d ON d.item_id = f.item_id::text;
-- some two thirds of the users come: those who stopped do not count
SELECT sum(by_model) BETWEEN 60 AND 160 FROM demand_found;
-- the same whatever the threads, and in whatever order the rows come
SET reco.threads = 1;
SELECT count(*) FROM (SELECT * FROM demand_ials.demand('7 days') EXCEPT SELECT * FROM demand_found) AS x;
RESET reco.threads;
CALL reco.create_model('demand_other', 'SELECT * FROM demand_shop ORDER BY md5(user_id::text || item_id)', reco.ials(factors => 8, seed => 1), options => reco.options(measure => false));
SELECT count(*) FROM (SELECT * FROM demand_other.demand('7 days') EXCEPT SELECT * FROM demand_found) AS x;
-- of every kind of model; of one with features new items are expected as well
CREATE TABLE demand_kinds (kind text, algorithm reco.algorithm);
INSERT INTO demand_kinds VALUES ('popular', reco.popular()), ('item_knn', reco.item_knn()), ('user_knn', reco.user_knn()), ('ease', reco.ease()),
  ('repeat', reco.repeat()), ('sequence', reco.sequence()), ('content', reco.content()), ('als', reco.als(factors => 4)),
  ('hybrid', reco.hybrid(ARRAY[reco.ials(factors => 4), reco.item_knn()]));
DO $$
DECLARE k record; n integer; told integer;
BEGIN
  FOR k IN SELECT * FROM demand_kinds ORDER BY kind LOOP
    CALL reco.drop_model('demand_kind', if_exists => true);
    CALL reco.create_model('demand_kind', 'demand_shop', k.algorithm, items => 'demand_things', options => reco.options(measure => false));
    SELECT count(*), count(by_model) INTO n, told FROM demand_kind.demand('7 days', 0.9);
    RAISE WARNING '%: % items, % by the model', k.kind, n, told;
  END LOOP;
END $$;
CALL reco.drop_model('demand_kind');
CALL reco.create_model('demand_kind', 'demand_shop', reco.content(), items => 'demand_things', options => reco.options(measure => false));
SELECT item_id, by_model > 0 AS told, expected > 0 AS expected, total FROM demand_kind.demand('7 days') WHERE item_id = 21;
CALL reco.drop_model('demand_kind');
-- what a model may not be trained again for is told by the periods alone
CALL reco.create_model('demand_private', 'demand_shop', reco.private(reco.popular(), epsilon => 1), options => reco.options(measure => false));
SET client_min_messages = notice;
SELECT count(*), count(by_model) FROM demand_private.demand('7 days');
SET client_min_messages = warning;
-- of kinds that count as seen alone
CALL reco.create_model('demand_kind', $$SELECT *, CASE WHEN item_id < 11 THEN 'view' ELSE 'buy' END FROM demand_shop$$, reco.ials(factors => 8),
  options => reco.options(kind_weights => '{"view": 1, "buy": 8}', seen_kinds => '{buy}', measure => false));
SELECT item_id, total > 0 AS demanded FROM demand_kind.demand('7 days') WHERE item_id IN (5, 15);
SELECT count(*), min(item_id) FROM demand_kind.growth(n => NULL);
-- rows that came since the training, and users, and items
INSERT INTO demand_shop SELECT u, 99, 1, timestamptz '2024-04-22 00:00+00' FROM generate_series(200, 203) AS u;
SELECT item_id, latest, total FROM demand_ials.demand('7 days') WHERE item_id = 99;
DELETE FROM demand_shop WHERE item_id = 99;

-- what is wrong
SELECT * FROM demand_ials.demand('1 month');
SELECT * FROM demand_ials.demand('0 days');
SELECT * FROM demand_ials.demand(NULL);
SELECT * FROM demand_ials.demand('7 days', 1.5);
SELECT * FROM demand_ials.demand('7 days', 'NaN');
SELECT * FROM demand_ials.demand('60 days');
CALL reco.create_model('demand_untimed', 'SELECT user_id, item_id FROM demand_shop', reco.popular(), options => reco.options(measure => false));
SELECT * FROM demand_untimed.demand();
SELECT * FROM demand_untimed.growth();
CALL reco.create_model('demand_numbers', 'SELECT user_id, item_id, 1, user_id AS t FROM demand_shop', reco.popular(), options => reco.options(measure => false));
SELECT * FROM demand_numbers.demand();
SELECT * FROM demand_numbers.growth();
CREATE ROLE regress_reco_demand;
GRANT USAGE ON SCHEMA demand_ials TO regress_reco_demand;
GRANT EXECUTE ON FUNCTION demand_ials.growth TO regress_reco_demand;
SET ROLE regress_reco_demand;
-- the owner's source, not the caller's
SELECT count(*) > 0 FROM demand_ials.growth();
SELECT count(*) FROM demand_ials.demand();
SELECT count(*) FROM reco.serve_demand('demand_ials', 0, '{"horizon": "7 days"}')
  AS r(item_id integer, expected float8, median integer, low integer, high integer, probability float8, latest integer, total integer, by_model float8);
RESET ROLE;

-- what grows
CREATE FUNCTION demand_users(item integer, since timestamptz, until timestamptz) RETURNS bigint LANGUAGE sql AS
  'SELECT count(DISTINCT user_id) FROM demand_shop WHERE item_id = $1 AND at > $2 AND at <= $3';
INSERT INTO demand_shop SELECT u, 60, 1, timestamptz '2024-04-21 00:00+00' FROM generate_series(1, 2) AS u;
INSERT INTO demand_shop SELECT u, 61, 1, timestamptz '2024-04-20 00:00+00' FROM generate_series(1, 40) AS u;
INSERT INTO demand_shop SELECT u, 61, 1, timestamptz '2024-04-22 00:00+00' - (1 + u % 5) * interval '7 days' FROM generate_series(1, 20) AS u;
CREATE TABLE demand_grown AS SELECT * FROM demand_ials.growth(n => NULL);
SELECT rank, item_id, recent_users, baseline_users, round(growth::numeric, 2) AS growth, round(low::numeric, 2) AS low, round(high::numeric, 2) AS high
  FROM demand_grown WHERE rank <= 2 OR item_id = 60 ORDER BY rank;
-- as plain SQL counts: a user once in each of five weeks
SELECT count(*), count(*) FILTER (WHERE recent_users = demand_users(item_id, e - interval '7 days', e)
       AND baseline_users = (SELECT sum(demand_users(item_id, e - (w + 1) * interval '7 days', e - w * interval '7 days')) FROM generate_series(1, 4) AS w)),
       bool_and(low <= growth AND growth <= high), bool_and(rank = place)
  FROM (SELECT *, timestamptz '2024-04-22 00:00+00' AS e, row_number() OVER (ORDER BY low DESC, item_id) AS place FROM demand_grown) AS g;
SELECT rank, item_id FROM demand_ials.growth('1 day', '2 days', among => ARRAY[60, 61, 1], exclude => ARRAY[1]);
SELECT count(*) FROM demand_ials.growth(n => 0);
SELECT count(*) FROM demand_ials.growth('10000 days', '20000 days', n => NULL);
SELECT * FROM demand_ials.growth(recent => '7 days', baseline => '1 day');
SELECT * FROM demand_ials.growth(recent => '1 month');
SELECT * FROM demand_ials.growth(baseline => NULL);
SELECT * FROM demand_ials.growth(recent => '-1 day');
SELECT * FROM demand_ials.growth(coverage => 1);
SELECT * FROM demand_ials.growth(n => -1);

CALL reco.drop_model('demand_ials');
CALL reco.drop_model('demand_other');
CALL reco.drop_model('demand_kind');
CALL reco.drop_model('demand_private');
CALL reco.drop_model('demand_untimed');
CALL reco.drop_model('demand_numbers');
DROP TABLE demand_shop, demand_things, demand_kinds, demand_found, demand_grown;
DROP FUNCTION demand_users;
DROP ROLE regress_reco_demand;
DROP TABLE demand_events CASCADE;
