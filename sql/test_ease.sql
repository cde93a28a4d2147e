--
-- reco.ease() against its normal equations.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

SELECT reco.ease();
SELECT reco.describe(reco.ease(regularization => 1320, neighbors => 50));
SELECT reco.describe(reco.ease(NULL, NULL)) = reco.describe(reco.ease()) AS same;
SELECT reco.ease(regularization => 0);
SELECT reco.ease(regularization => 1e13);
SELECT reco.ease(neighbors => 0);
SELECT reco.ease(neighbors => 10001);

-- Items 1 and 2 have two users each, one in common.  With lambda 1, G + lambda I is (3 1; 1 3),
-- whose inverse is (3 -1; -1 3) / 8: each says 1/3 of the other.
CREATE TABLE ease_rows (u int, i int, v float8);
INSERT INTO ease_rows VALUES (1, 1, 1), (1, 2, 1), (2, 1, 1), (3, 2, 1), (4, 3, 1);
CALL reco.create_model('ease1', 'ease_rows', reco.ease(regularization => 1));
SELECT item_id, neighbor_id, round(similarity::numeric, 4) AS weight, rank FROM ease1.item_neighbors ORDER BY 1, 4;
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM ease1.recommend(2);
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM ease1.recommend_for(ARRAY[1], n => 1, weights => ARRAY[6]);
-- of item 3 nothing is said, so there is nothing to say to its user
SELECT rank, item_id, source FROM ease1.recommend(4);
SELECT ease1.predict(4, 1) AS none;

-- Weights of either sign: B has 0 on its diagonal and solves (G + lambda I) B = G off it.
CREATE TABLE ease_many AS
  SELECT u, i, (u * i + u + 2 * i) % 5 + 1 AS v FROM generate_series(1, 300) AS u, generate_series(1, 60) AS i
   WHERE (u * u * 31 + i * i * 17 + u * i * (u + i)) % 101 < 25;
CREATE VIEW ease_gram AS
  SELECT a.i, b.i AS j, sum(a.v * b.v)::float8 AS g FROM ease_many AS a JOIN ease_many AS b USING (u) GROUP BY a.i, b.i;
CALL reco.create_model('ease', 'ease_many', reco.ease(regularization => 500, neighbors => 60), options => reco.options(value => 'raw'));
SELECT count(*) AS weights, count(*) FILTER (WHERE similarity < 0) > 500 AS negative, max(abs(left_side - g)) < 0.1 AS solved, max(g) > 500 AS large
  FROM ease.item_neighbors
  JOIN (SELECT k.i, b.neighbor_id AS j, sum((k.g + 500 * (k.i = k.j)::int) * b.similarity) AS left_side
          FROM ease_gram AS k JOIN ease.item_neighbors AS b ON b.item_id = k.j GROUP BY 1, 2) AS s
    ON s.i = item_id AND s.j = neighbor_id
  JOIN ease_gram AS g ON g.i = item_id AND g.j = neighbor_id;
-- scores are sums over what a user has
SELECT max(abs(s.score - e.score)) < 1e-4 AS same, count(*)
  FROM (SELECT h.u, b.neighbor_id AS i, sum(h.v * b.similarity) AS score
          FROM ease_many AS h JOIN ease.item_neighbors AS b ON b.item_id = h.i WHERE h.u <= 20 GROUP BY 1, 2) AS e
  JOIN LATERAL (SELECT ease.predict(e.u, e.i) AS score) AS s ON true;
SELECT count(*) AS lists, bool_and(r.score = (SELECT max(ease.predict(u, i)) FROM generate_series(1, 60) AS i
                                               WHERE NOT EXISTS (SELECT FROM ease_many AS h WHERE h.u = g.u AND h.i = i.i))) AS best
  FROM generate_series(1, 20) AS g(u), LATERAL ease.recommend(u, n => 1) AS r;
SELECT sum(contribution)::numeric(8, 3) = ease.predict(3, 20)::numeric(8, 3) AS adds_up, count(*) FILTER (WHERE contribution < 0) > 0 AS against
  FROM ease.explain(3, 20);
-- a basket is a user who has it
SELECT bool_and(a.score = b.score AND a.item_id = b.item_id) AS same, count(*)
  FROM ease.recommend(7, n => 20) AS a
  JOIN ease.recommend_for((SELECT array_agg(i ORDER BY i) FROM ease_many WHERE u = 7), n => 20,
                          weights => (SELECT array_agg(v::real ORDER BY i) FROM ease_many WHERE u = 7)) AS b USING (rank);
-- similar is what an item speaks for, never what it speaks against
SELECT count(*) AS n, bool_and(s.similarity > 0) AS above, bool_and(s.similarity = b.similarity) AS same
  FROM ease.similar_items(5, n => 60) AS s LEFT JOIN ease.item_neighbors AS b ON b.item_id = 5 AND b.neighbor_id = s.item_id;
SELECT count(*) AS n FROM ease.item_neighbors WHERE item_id = 5 AND similarity > 0;

-- cut to the largest of all, of either sign: seven of an item in the mean
CALL reco.create_model('ease_cut', 'ease_many', reco.ease(regularization => 500, neighbors => 7), options => reco.options(value => 'raw'));
SELECT count(*) AS kept, count(*) FILTER (WHERE c.similarity = b.similarity) AS same, max(place) AS last, max(c.rank) > 7 AS longer
  FROM ease_cut.item_neighbors AS c
  JOIN (SELECT *, rank() OVER (ORDER BY abs(similarity) DESC) AS place FROM ease.item_neighbors) AS b
    ON b.item_id = c.item_id AND b.neighbor_id = c.neighbor_id;

-- negative values, values of 0; without values; a single row; small and large values
CREATE TABLE ease_odd (u int, i int, v float8);
INSERT INTO ease_odd VALUES (1, 1, 2), (1, 1, 1), (1, 2, 0), (2, 1, 4), (2, 2, 5), (3, 1, -3), (4, 2, 0);
CALL reco.create_model('ease_odd_model', 'ease_odd', reco.ease(regularization => 1), options => reco.options(value => 'raw'));
-- G + I = (35 20; 20 26)
SELECT item_id, neighbor_id, round((similarity * CASE item_id WHEN 1 THEN 35 ELSE 26 END)::numeric, 4) AS twenty FROM ease_odd_model.item_neighbors ORDER BY 1;
CALL reco.create_model('ease_one', 'SELECT 1, 2, 3', reco.ease(), options => reco.options(value => 'raw'));
SELECT ease_one.predict(1, 2);
CALL reco.create_model('ease_small', 'SELECT u, i, v * 1e-15 FROM ease_rows', reco.ease(), options => reco.options(value => 'raw'));
CALL reco.create_model('ease_large', 'SELECT u, i, v * 1e15 FROM ease_rows', reco.ease(regularization => 1e12), options => reco.options(value => 'raw'));
SELECT round((ease_large.predict(2, 2) / 1e15)::numeric, 4) AS large;

-- left open: 5 times the geometric mean of the numbers of interactions of users and items, times
-- the mean square
SELECT reco.describe(algorithm) FROM ease1.model;
CALL reco.create_model('ease_open', 'ease_many', reco.ease(), options => reco.options(value => 'raw'));
SELECT algorithm FROM ease_open.versions;
SELECT round((5 * count(*) / sqrt(300 * 60) * avg(v * v))::numeric, 1) AS regularization FROM ease_many;

-- items that nobody tells apart have no weights that are sure
CREATE TABLE ease_twins AS SELECT u, i, 1e6 AS v FROM generate_series(1, 40) AS u, generate_series(1, 2) AS i;
CALL reco.create_model('ease_twin', 'ease_twins', reco.ease(regularization => 1), options => reco.options(value => 'raw'));
CALL reco.create_model('ease_twin', 'ease_twins', reco.ease(regularization => 1));
SELECT DISTINCT round(similarity::numeric, 4) AS weight FROM ease_twin.item_neighbors;

-- the same bits whatever the order of the rows and the number of threads
CALL reco.create_model('ease_up', 'SELECT * FROM ease_many ORDER BY u, i', reco.ease());
SET reco.threads = 2;
CALL reco.create_model('ease_down', 'SELECT * FROM ease_many ORDER BY i DESC, u DESC', reco.ease());
SELECT count(*) AS weights, count(*) FILTER (WHERE a.similarity = b.similarity AND a.rank = b.rank) AS same
  FROM ease_up.item_neighbors AS a FULL JOIN ease_down.item_neighbors AS b USING (item_id, neighbor_id);

-- measured, refreshed, told beforehand as any other
SELECT metric, value BETWEEN 0 AND 1 AS sound FROM reco.evaluate('ease_many', ARRAY[reco.ease()], cutoffs => '{5}')
 WHERE algorithm LIKE 'ease%' AND metric IN ('ndcg', 'precision') ORDER BY metric;
CALL reco.refresh('ease1');
SELECT version, status, algorithm FROM ease1.versions ORDER BY version;
SET reco.max_memory = '1MB';
DO $$
BEGIN
  CALL reco.create_model('ease_wide', 'SELECT i % 700 AS u, i FROM generate_series(1, 6000) AS i', reco.ease());
EXCEPTION WHEN program_limit_exceeded THEN
  RAISE WARNING '%', regexp_replace(sqlerrm, '\d+', '...');
END
$$;
RESET reco.max_memory;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP SCHEMA %I CASCADE', model), '; ') FROM reco.models WHERE model LIKE 'ease%'); END $$;
DROP VIEW ease_gram;
DROP TABLE ease_rows, ease_many, ease_odd, ease_twins;
