--
-- What is a basket: reco.options(basket_by), and split => 'last_basket'.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

SELECT reco.options(basket_by => 'week');
SELECT reco.options(basket_by => 'day');

CREATE TABLE lines (customer int, product text, at timestamptz);
-- customer 1 buys milk twice on one day, and rice late on it; which day it is does not go by TimeZone
INSERT INTO lines VALUES
  (1, 'milk', '2026-03-01 08:00+00'), (1, 'milk', '2026-03-01 19:00+00'), (1, 'rice', '2026-03-01 23:30+00'),
  (1, 'figs', '2026-03-02 00:30+00'),
  (2, 'milk', '2026-03-01 12:00+00'), (2, 'salt', '2026-03-03 12:00+00'),
  (3, 'rice', '2026-02-28 12:00+00'), (3, 'rice', '2026-03-04 12:00+00'), (3, 'salt', '2026-03-04 13:00+00'),
  (4, 'figs', '2026-03-05 12:00+00'), (4, 'milk', NULL),
  (5, 'figs', '2026-03-05 12:00+00'), (5, 'milk', '2026-03-05 12:00+00'), (5, 'rice', '2026-03-05 12:00+00'), (5, 'salt', '2026-03-05 12:00+00');
CREATE INDEX ON lines (customer);

-- the same algorithm where the source says the days itself
CREATE FUNCTION differ(a text, b text) RETURNS TABLE (lists bigint, differ bigint) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    SELECT count(*), count(*) FILTER (WHERE x.score IS DISTINCT FROM y.score)
      FROM (SELECT u, r.* FROM generate_series(1, 4) u, %I.recommend(u, 9, include_seen => true) r) x
      FULL JOIN (SELECT u, r.* FROM generate_series(1, 4) u, %I.recommend(u, 9, include_seen => true) r) y USING (u, rank, item_id)$q$, a, b);
END $$;
SET TimeZone = 'Asia/Tokyo';
CALL reco.create_model('by_day', 'SELECT customer, product, 1, at FROM lines', reco.repeat(popularity => 0, neighbors => 2), options => reco.options(basket_by => 'day'));
SET TimeZone = 'America/New_York';
CALL reco.create_model('days', $$SELECT customer, product, 1, (at AT TIME ZONE 'UTC')::date FROM lines$$, reco.repeat(popularity => 0, neighbors => 2));
CALL reco.create_model('dates', $$SELECT customer, product, 1, (at AT TIME ZONE 'UTC')::date FROM lines$$, reco.repeat(popularity => 0, neighbors => 2), options => reco.options(basket_by => 'day'));
CALL reco.create_model('local', $$SELECT customer, product, 1, at AT TIME ZONE 'UTC' FROM lines$$, reco.repeat(popularity => 0, neighbors => 2), options => reco.options(basket_by => 'day'));
CALL reco.create_model('times', 'SELECT customer, product, 1, at FROM lines', reco.repeat(popularity => 0, neighbors => 2));
RESET TimeZone;
SELECT * FROM differ('by_day', 'days');
SELECT * FROM differ('dates', 'days');
SELECT * FROM differ('local', 'days');
SELECT differ > 0 AS differ FROM differ('times', 'days');

-- live rows and those that are folded in have the version's baskets
BEGIN;
INSERT INTO lines VALUES (2, 'figs', '2026-03-03 20:00+00'), (2, 'rice', '2026-03-04 01:00+00'), (1, 'salt', '2026-03-02 05:00+00');
SELECT * FROM differ('by_day', 'days');
CALL reco.fold_in('by_day');
CALL reco.fold_in('days');
CALL reco.alter_model('by_day', options => reco.options(live => 'off', basket_by => 'day'));
CALL reco.alter_model('days', options => reco.options(live => 'off'));
SELECT * FROM differ('by_day', 'days');
ROLLBACK;

-- times that are none
CALL reco.create_model('no', 'SELECT customer, product FROM lines', reco.repeat(), options => reco.options(basket_by => 'day'));
CALL reco.create_model('no', 'SELECT customer, product, 1, extract(epoch FROM at)::bigint FROM lines', reco.repeat(), options => reco.options(basket_by => 'day'));

-- the last basket of each is to be found: by day customer 3 has rice again, of two
-- things; by time that is a basket before the last one
CREATE VIEW hits AS
  SELECT split, users, round(recall::numeric, 4) AS recall FROM (
    SELECT 'time' AS split, users, value AS recall FROM reco.evaluate('SELECT customer, product, 1, at FROM lines', reco.repeat(popularity => 0), split => 'last_basket', cutoffs => '{1}') WHERE metric = 'recall' AND algorithm ~ 'repeat'
    UNION ALL SELECT 'day', users, value FROM reco.evaluate('SELECT customer, product, 1, at FROM lines', reco.repeat(popularity => 0), split => 'last_basket', cutoffs => '{1}', options => reco.options(basket_by => 'day')) WHERE metric = 'recall' AND algorithm ~ 'repeat'
    UNION ALL SELECT 'date', users, value FROM reco.evaluate('SELECT customer, product, 1, (at AT TIME ZONE ''UTC'')::date FROM lines', reco.repeat(popularity => 0), split => 'last_basket', cutoffs => '{1}') WHERE metric = 'recall' AND algorithm ~ 'repeat') x;
SELECT * FROM hits;

-- sessions that begin on one day are baskets by themselves, beside the source that numbers baskets so
CREATE TABLE visits AS
  SELECT u AS customer, 'p' || (u * 5 + d * 3 + v * v * 2 + k * (1 + u % 4)) % 20 AS product,
         timestamptz '2026-03-01 06:00+00' + d * interval '1 day' + v * interval '3 hours' + k * interval '10 minutes' AS at, d * 10 + v AS visit
    FROM generate_series(1, 40) u, generate_series(0, u % 4) d, generate_series(0, (u + d) % 3) v, generate_series(0, 2) k;
SELECT metric, abs(a.value - b.value) < 1e-12 AS equal, a.users = b.users AS users, abs(a.value - c.value) > 1e-3 AS of_days
  FROM reco.evaluate('SELECT customer, product, 1, at FROM visits', reco.repeat(), split => 'last_basket', cutoffs => '{3}',
                     options => reco.options(basket_by => 'day', session_gap => '2 hours')) a
  JOIN reco.evaluate('SELECT customer, product, 1, visit FROM visits', reco.repeat(), split => 'last_basket', cutoffs => '{3}') b USING (algorithm, metric)
  JOIN reco.evaluate('SELECT customer, product, 1, at FROM visits', reco.repeat(), split => 'last_basket', cutoffs => '{3}', options => reco.options(basket_by => 'day')) c USING (algorithm, metric)
 WHERE algorithm ~ 'popular' AND metric IN ('recall', 'recall_repeated', 'recall_new') ORDER BY 1;

-- of many users, beside the same in plain SQL
CREATE TABLE many AS
  SELECT u AS customer, 'p' || (u * 7 + b * b * 3 + k * (u % 5) + CASE WHEN k = 0 THEN 0 ELSE b END) % 30 AS product, b AS basket
    FROM generate_series(1, 60) u, generate_series(1, 1 + u % 6) b, generate_series(0, 2) k;
CREATE VIEW numbered AS SELECT *, max(basket) OVER (PARTITION BY customer) AS last FROM many;
CREATE TABLE earlier AS SELECT customer, product, basket FROM numbered WHERE basket < last OR last = 1;
CREATE TABLE later AS SELECT DISTINCT customer, product FROM numbered WHERE basket = last AND last > 1;
CALL reco.create_model('earlier_model', 'SELECT customer, product, 1, basket FROM earlier', reco.repeat(neighbors => 5), options => reco.options(measure => false));
CREATE VIEW wanted AS
  SELECT avg(found / wanted) AS recall, avg((found > 0)::int) AS hit_rate, count(*) AS users
    FROM (SELECT customer, count(*)::float8 AS wanted, count(r.item_id)::float8 AS found
            FROM later LEFT JOIN (SELECT u, x.* FROM generate_series(1, 60) u, earlier_model.recommend(u, 5, include_seen => true) x) r ON r.u = customer AND r.item_id = product
           WHERE product IN (SELECT product FROM earlier) GROUP BY 1) x;
SELECT e.metric, abs(e.value - CASE metric WHEN 'recall' THEN w.recall ELSE w.hit_rate END) < 1e-9 AS equal, e.users = w.users AS users, e.value > 0.2 AS much
  FROM reco.evaluate('SELECT customer, product, 1, basket FROM many', reco.repeat(neighbors => 5), split => 'last_basket', cutoffs => '{5}') e, wanted w
 WHERE metric IN ('recall', 'hit_rate') AND algorithm ~ 'repeat' ORDER BY 1;
-- and recall of what the customer had before, and of what is new to them, told apart
CREATE VIEW wanted_apart AS
  SELECT before, avg(found / wanted) AS recall, count(*) AS users
    FROM (SELECT customer, before, count(*)::float8 AS wanted, count(r.item_id)::float8 AS found
            FROM (SELECT customer, product, (customer, product) IN (SELECT customer, product FROM earlier) AS before FROM later) l
            LEFT JOIN (SELECT u, x.* FROM generate_series(1, 60) u, earlier_model.recommend(u, 5, include_seen => true) x) r ON r.u = customer AND r.item_id = product
           WHERE product IN (SELECT product FROM earlier) GROUP BY 1, 2) x GROUP BY 1;
SELECT e.metric, abs(e.value - w.recall) < 1e-9 AS equal, e.users = w.users AS users, e.value > 0.1 AS much
  FROM reco.evaluate('SELECT customer, product, 1, basket FROM many', reco.repeat(neighbors => 5), split => 'last_basket', cutoffs => '{5}') e
  JOIN wanted_apart w ON w.before = (metric = 'recall_repeated')
 WHERE metric IN ('recall_repeated', 'recall_new') AND algorithm ~ 'repeat' ORDER BY 1;
-- stored lists have what users had as well, and evaluate_lists judges them likewise, as it does new things alone
CALL reco.materialize('earlier_model', 5);
SELECT e.metric, abs(e.value - l.value) < 1e-9 AS equal, e.users = l.users AS users
  FROM reco.evaluate('SELECT customer, product, 1, basket FROM many', reco.repeat(neighbors => 5), split => 'last_basket', cutoffs => '{5}') e
  JOIN reco.evaluate_lists('SELECT user_id, item_id, rank FROM earlier_model.recommendations', 'SELECT customer, product FROM later WHERE product IN (SELECT product FROM earlier)',
    cutoffs => '{5}', train => 'SELECT customer, product FROM earlier', include_seen => true) l USING (metric)
 WHERE algorithm ~ 'repeat' AND metric IN ('recall', 'recall_repeated', 'recall_new', 'hit_rate', 'novelty') ORDER BY 1;
CALL reco.materialize('earlier_model', 5, include_seen => false);
SELECT count(*) AS lines, count(*) FILTER (WHERE (user_id, item_id) IN (SELECT customer, product FROM earlier)) AS had FROM earlier_model.recommendations;
SELECT metric, value > 0 AS some FROM reco.evaluate_lists('SELECT user_id, item_id, rank FROM earlier_model.recommendations', 'later', cutoffs => '{5}', train => 'earlier')
 WHERE metric ~ 'recall';
-- elsewhere nothing that a user had is to be found
SELECT count(*) FROM reco.evaluate('SELECT customer, product, 1, basket FROM many', reco.repeat(), split => 'time') WHERE metric ~ 'recall_';
SELECT count(*) FROM reco.tune('SELECT customer, product, 1, basket FROM many', reco.repeat(), split => 'time', metric => 'recall_new@10');
SELECT count(*) > 0 AS tuned FROM reco.tune('SELECT customer, product, 1, basket FROM many', reco.repeat(), split => 'last_basket', metric => 'recall_new@10');
SELECT reco.auto(metric => 'recall_repeated@10');
SELECT reco.auto(metric => 'recall_repeated@10', split => 'last_basket');
SELECT count(*) > 0 AS tuned FROM reco.tune('SELECT customer, product, 1, basket FROM many', reco.repeat(), split => 'last_basket');
CALL reco.evaluate_into('figures', 'SELECT customer, product, 1, basket FROM many', reco.repeat(), split => 'last_basket');
SELECT count(*) > 0 AS rows FROM figures;

-- a model is measured likewise, and so are guards
CALL reco.create_model('measured', 'SELECT customer, product, 1, basket FROM many', reco.repeat(neighbors => 5));
SELECT metrics ->> 'split' AS split, round((metrics ->> 'ndcg@10')::numeric, 6) = (SELECT round(value::numeric, 6)
    FROM reco.evaluate('SELECT customer, product, 1, basket FROM many', reco.repeat(neighbors => 5), split => 'last_basket') WHERE metric = 'ndcg' AND algorithm ~ 'repeat') AS equal
  FROM measured.versions;
CALL reco.refresh('measured', guard => 'ndcg@10 >= 1 * current');
CALL reco.refresh('measured', guard => 'ndcg@10 >= 0.99');
CALL reco.refresh('measured', guard => 'recall_repeated@10 >= 0.99 * current');
CALL reco.alter_model('measured', algorithm => reco.item_knn());
CALL reco.refresh('measured', guard => 'recall_repeated@10 >= 0.1');
SELECT version, active FROM measured.versions ORDER BY 1;
SELECT reco.auto(split => 'last_basket');

-- what it needs
SELECT reco.evaluate('SELECT customer, product FROM lines', reco.repeat(), split => 'last_basket');
SELECT reco.evaluate('SELECT customer, product, 1, NULL::date FROM lines', reco.repeat(), split => 'last_basket');
SELECT reco.evaluate('SELECT customer, product, 1, at FROM lines', reco.repeat(), split => 'last_basket', cut => now());
SELECT reco.evaluate('SELECT customer, product, 1, at FROM lines', reco.repeat(), split => 'last_basket', test => 'SELECT 1, 2');

DROP VIEW hits, numbered, wanted, wanted_apart;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP SCHEMA %I CASCADE', model), '; ') FROM reco.models WHERE model IN ('by_day', 'days', 'dates', 'local', 'times', 'earlier_model', 'measured')); END $$;
DROP TABLE lines, many, earlier, later, figures, visits;
DROP FUNCTION differ;
