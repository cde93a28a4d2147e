--
-- reco.session_linear() against its normal equations.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

SELECT reco.session_linear();
SELECT reco.describe(reco.session_linear(blend => 0.5, regularization => 3, neighbors => 5, gap_decay => 0, place_decay => 1));
SELECT reco.session_linear(blend => -0.1);
SELECT reco.session_linear(blend => 1.1);
SELECT reco.session_linear(regularization => 0);
SELECT reco.session_linear(neighbors => 0);
SELECT reco.session_linear(gap_decay => -1);
SELECT reco.session_linear(place_decay => 1001);

-- Sessions of 1 to 6 clicks, some on one item again.
CREATE TABLE lin_clicks AS
  SELECT s AS session, k AS at, (s * s * 31 + s * k * 7 + k * k * 11 + (s + k) * (s % 5)) % 13 AS item FROM generate_series(1, 120) AS s, generate_series(1, 6) AS k WHERE k <= 1 + s % 6;
CREATE INDEX ON lin_clicks (session);
CALL reco.create_model('lin', 'SELECT session, item, 1, at FROM lin_clicks', reco.session_linear(regularization => 2, neighbors => 100, place_decay => 1), options => reco.options(measure => false));

-- (G + 2) B = C: of what is in a session, each item as a share of it; and of what comes after what
CREATE VIEW lin_share AS SELECT DISTINCT session, item, 1.0::float8 / count(*) OVER (PARTITION BY session) AS share FROM (SELECT DISTINCT session, item FROM lin_clicks) AS x;
CREATE VIEW lin_left AS
  SELECT i, j, sum(g) AS g FROM (
    SELECT a.item AS i, b.item AS j, 0.4 * a.share * b.share AS g FROM lin_share AS a JOIN lin_share AS b USING (session)
    UNION ALL SELECT item, item, 0.6 FROM lin_clicks
    UNION ALL SELECT DISTINCT item, item, 2 FROM lin_clicks) AS x GROUP BY 1, 2;
CREATE VIEW lin_right AS
  SELECT i, j, sum(c) AS c FROM (
    SELECT a.item AS i, b.item AS j, 0.4 * a.share AS c FROM lin_share AS a JOIN lin_share AS b USING (session)
    UNION ALL SELECT a.item, b.item, 0.6 * exp(-(b.at - a.at - 1.0)) FROM lin_clicks AS a JOIN lin_clicks AS b USING (session) WHERE b.at > a.at) AS x GROUP BY 1, 2;
SELECT count(*) AS elements, max(abs(coalesce(c, 0) - made)) < 1e-4 AS solved, max(made) > 5 AS large
  FROM (SELECT l.i, n.neighbor_id AS j, sum(l.g * n.similarity) AS made FROM lin_left AS l JOIN lin.item_neighbors AS n ON n.item_id = l.j GROUP BY 1, 2) AS m
  LEFT JOIN lin_right AS r USING (i, j);
-- an item is not like itself, though it may come again
SELECT count(*) FILTER (WHERE item_id = neighbor_id) > 0 AS again, min(similarity) < 0 AS below_0 FROM lin.item_neighbors;
SELECT count(*) FILTER (WHERE item_id = 3) AS itself, bool_and(similarity > 0) AS above FROM lin.similar_items(3, n => 20);

-- the order of a basket counts, the newest last: each step back e^-1 of it
SELECT max(abs(s.score - e.score)) < 1e-5 AS same, count(*)
  FROM (SELECT neighbor_id, sum(similarity * exp(-back)) AS score FROM lin.item_neighbors JOIN (VALUES (7, 0), (2, 1), (5, 2)) AS b(item_id, back) USING (item_id) GROUP BY 1) AS e
  JOIN lin.recommend_for(ARRAY[5, 2, 7], n => 20, include_basket => true, fallback => 'none') AS s ON s.item_id = e.neighbor_id;
-- stored, live and folded-in sessions are scored alike
SELECT bool_and(a.item_id = b.item_id AND a.score = b.score) AS same, count(*) > 3 AS some
  FROM lin.recommend(29, 20, fallback => 'none') AS a
  JOIN lin.recommend_for((SELECT array_agg(item ORDER BY at) FROM lin_clicks WHERE session = 29), n => 20, fallback => 'none') AS b USING (rank);
BEGIN;
INSERT INTO lin_clicks VALUES (29, 7, 3);
SELECT bool_and(a.item_id = b.item_id AND a.score = b.score) AS same, count(*) > 3 AS some
  FROM lin.recommend(29, 20, fallback => 'none') AS a
  JOIN lin.recommend_for((SELECT array_agg(item ORDER BY at) FROM lin_clicks WHERE session = 29), n => 20, fallback => 'none') AS b USING (rank);
ROLLBACK;

-- cut to the largest of each item
CALL reco.create_model('lin_cut', 'SELECT session, item, 1, at FROM lin_clicks', reco.session_linear(regularization => 2, neighbors => 3, place_decay => 1), options => reco.options(measure => false));
SELECT count(*) AS kept, count(*) FILTER (WHERE a.similarity = b.similarity AND a.rank = b.rank) AS same
  FROM lin_cut.item_neighbors AS a JOIN lin.item_neighbors AS b USING (item_id, neighbor_id);

-- the same bits whatever the order of the rows and the number of threads
SET reco.threads = 2;
CALL reco.create_model('lin_down', 'SELECT session, item, 1, at FROM lin_clicks ORDER BY item DESC, at', reco.session_linear(regularization => 2, neighbors => 100, place_decay => 1), options => reco.options(measure => false));
SELECT count(*) > 100 AS many, count(*) - count(*) FILTER (WHERE a.similarity = b.similarity AND a.rank = b.rank) AS differ
  FROM lin.item_neighbors AS a FULL JOIN lin_down.item_neighbors AS b USING (item_id, neighbor_id);

SET reco.max_memory = '16MB';
DO $$
BEGIN
  CALL reco.create_model('lin_wide', 'SELECT i % 700 AS u, i, 1, i FROM generate_series(1, 6000) AS i', reco.session_linear());
EXCEPTION WHEN program_limit_exceeded THEN
  RAISE WARNING '%', regexp_replace(sqlerrm, '\d+', '...');
END
$$;
RESET reco.max_memory;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP SCHEMA %I CASCADE', model), '; ') FROM reco.models WHERE model LIKE 'lin%'); END $$;
DROP VIEW lin_right, lin_left, lin_share;
DROP TABLE lin_clicks;
