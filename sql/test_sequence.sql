--
-- reco.sequence(): what comes after the last items; and the order of events on the way from the
-- source to a list.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

SELECT reco.sequence();
SELECT reco.describe(reco.sequence(steps => 3, exponent => 2, neighbors => 5, last_items => 1));
SELECT reco.sequence(steps => 0);
SELECT reco.sequence(steps => 101);
SELECT reco.sequence(exponent => 11);
SELECT reco.sequence(neighbors => 0);
SELECT reco.sequence(last_items => 0);

CREATE TABLE clicks (session int, item text, at timestamptz);
CREATE INDEX ON clicks (session);
-- in no order, and some of a session come again
INSERT INTO clicks VALUES
  (3, 'tea', '2024-01-03 10:02Z'), (3, 'cup', '2024-01-03 10:00Z'), (3, 'jar', '2024-01-03 10:01Z'),
  (1, 'jam', '2024-01-01 10:02Z'), (1, 'tea', '2024-01-01 10:01Z'), (1, 'cup', '2024-01-01 10:00Z'),
  (2, 'cup', '2024-01-02 10:02Z'), (2, 'tea', '2024-01-02 10:01Z'), (2, 'cup', '2024-01-02 10:00Z'),
  (4, 'jar', '2024-01-04 10:01Z'), (4, 'jam', '2024-01-04 10:00Z');
CALL reco.create_model('seq', 'SELECT session, item, 1, at FROM clicks', reco.sequence(steps => 2, last_items => 2));

-- sums of 1 / distance over all that follows: cup -> tea in sessions 1 and 2 at once, in 3 after jar
SELECT item_id, rank, neighbor_id, similarity FROM seq.item_neighbors ORDER BY item_id, rank;
-- the same from all pairs of clicks
WITH placed AS (SELECT *, row_number() OVER (PARTITION BY session ORDER BY at) AS place FROM clicks),
     rules AS (SELECT a.item, b.item AS next, sum(1.0::float8 / (b.place - a.place)) AS weight
                 FROM placed a JOIN placed b USING (session) WHERE b.place - a.place BETWEEN 1 AND 2 GROUP BY 1, 2)
SELECT count(*), count(*) FILTER (WHERE n.similarity = r.weight) AS equal
  FROM seq.item_neighbors n FULL JOIN rules r ON r.item = n.item_id AND r.next = n.neighbor_id;
-- an item is not like itself
SELECT * FROM seq.similar_items('cup', 5);

-- the order of a basket counts, the newest last, and how often something is in it
SELECT * FROM seq.recommend_for(ARRAY['tea', 'cup'], n => 9, fallback => 'none');
SELECT * FROM seq.recommend_for(ARRAY['cup', 'tea'], n => 9, fallback => 'none');
SELECT * FROM seq.recommend_for(ARRAY['cup', 'tea', 'tea'], n => 9, fallback => 'none');
SELECT * FROM seq.recommend_for(ARRAY['cup', 'cup'], n => 9, fallback => 'none', include_basket => true);
SELECT * FROM seq.recommend_for(ARRAY['cup', 'none such', 'tea'], n => 9, fallback => 'none');
SELECT * FROM seq.recommend_for(ARRAY[]::text[], n => 9, fallback => 'none');

-- stored, live and folded-in sessions are scored alike, and what they did is what counts
SELECT * FROM seq.recommend(3, 9, fallback => 'none');
SELECT * FROM seq.recommend_for(ARRAY['cup', 'jar', 'tea'], n => 9, fallback => 'none');
SELECT * FROM seq.explain(3, 'jam');
SELECT seq.predict(3, 'jam'), seq.predict(3, 'tea');
-- the same clicks in another order are another session
BEGIN;
UPDATE clicks SET at = '2024-01-03 09:00Z' WHERE session = 3 AND item = 'tea';
SELECT * FROM seq.recommend(3, 9, fallback => 'none');
SELECT * FROM seq.recommend_for(ARRAY['tea', 'cup', 'jar'], n => 9, fallback => 'none');
CALL reco.fold_in('seq');
CALL reco.alter_model('seq', options => reco.options(live => 'off'));
SELECT * FROM seq.recommend(3, 9, fallback => 'none');
ROLLBACK;
-- one click more on what was clicked before
BEGIN;
INSERT INTO clicks VALUES (1, 'cup', '2024-01-01 10:03Z');
SELECT * FROM seq.recommend(1, 9, fallback => 'none', include_seen => true);
SELECT * FROM seq.recommend_for(ARRAY['cup', 'tea', 'jam', 'cup'], n => 9, fallback => 'none', include_basket => true);
ROLLBACK;
-- clicks of one time are in the order of their items
BEGIN;
UPDATE clicks SET at = '2024-01-03' WHERE session = 3;
SELECT * FROM seq.recommend(3, 9, fallback => 'none');
SELECT * FROM seq.recommend_for(ARRAY['cup', 'jar', 'tea'], n => 9, fallback => 'none');
ROLLBACK;

-- what a cap leaves out is no event
CALL reco.create_model('seq_capped', 'SELECT session, item, 1, at FROM clicks', reco.sequence(),
                       options => reco.options(max_user_interactions => 1));
SELECT count(*) FROM seq_capped.item_neighbors;
SELECT * FROM seq.recommend_for(ARRAY['tea'], n => 9, fallback => 'none');

-- a session that is read as a whole has the same bits
SELECT item_id FROM seq.recommend(2, 1, fallback => 'none', include_seen => true);
CALL reco.materialize('seq', 2);
SELECT user_id, rank, item_id, score FROM seq.recommendations ORDER BY user_id, rank;

-- a member of a hybrid sees the same
CALL reco.create_model('seq_hybrid', 'SELECT session, item, 1, at FROM clicks',
                       reco.hybrid(ARRAY[reco.sequence(steps => 2, last_items => 2), reco.popular()], ARRAY[1, 0]::float8[]));
SELECT item_id FROM seq_hybrid.recommend(3, 9, fallback => 'none');
SELECT item_id FROM seq_hybrid.recommend_for(ARRAY['tea', 'cup'], n => 9, fallback => 'none');
BEGIN;
UPDATE clicks SET at = '2024-01-03 09:00Z' WHERE session = 3 AND item = 'tea';
SELECT item_id FROM seq_hybrid.recommend(3, 9, fallback => 'none');
CALL reco.fold_in('seq_hybrid');
CALL reco.alter_model('seq_hybrid', options => reco.options(live => 'off'));
SELECT item_id FROM seq_hybrid.recommend(3, 9, fallback => 'none');
ROLLBACK;

-- without times it says so
SET client_min_messages = notice;
CALL reco.create_model('seq_untimed', 'SELECT session, item FROM clicks', reco.sequence(),
                       options => reco.options(measure => false));
SET client_min_messages = warning;

-- what is hidden is what comes last
CREATE TABLE walks AS
SELECT s AS session, (s + k * (1 + s % 2)) % 40 AS item, s * 100 + k AS at
  FROM generate_series(1, 400) s, generate_series(0, 6) k;
SELECT metric, k, round(value::numeric, 3) AS value, users
  FROM reco.evaluate('SELECT session, item, 1, at FROM walks', reco.sequence(last_items => 2), split => 'last', cutoffs => '{1}')
 WHERE algorithm <> 'popular()' AND metric IN ('precision', 'recall', 'mrr');
