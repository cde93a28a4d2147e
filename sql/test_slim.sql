--
-- reco.slim() against what its minimum asks for.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

SELECT reco.slim();
SELECT reco.describe(reco.slim(l1 => 5, l2 => 300, neighbors => 50, positive => false));
SELECT reco.describe(reco.slim(NULL, NULL, NULL, NULL)) = reco.describe(reco.slim()) AS same;
SELECT reco.slim(l1 => -1);
SELECT reco.slim(l1 => 1e13);
SELECT reco.slim(l2 => 0);
SELECT reco.slim(l2 => 1e13);
SELECT reco.slim(neighbors => 0);
SELECT reco.slim(neighbors => 10001);

-- Items 1 and 2 have three users each, two in common: (2 - l1) / (3 + l2).
CREATE TABLE slim_rows (u int, i int, v float8);
INSERT INTO slim_rows VALUES (1, 1, 1), (1, 2, 1), (2, 1, 1), (2, 2, 1), (3, 1, 1), (4, 2, 1), (5, 3, 1);
CALL reco.create_model('slim1', 'slim_rows', reco.slim(l1 => 0.5, l2 => 1));
SELECT item_id, neighbor_id, round(similarity::numeric, 4) AS weight, rank FROM slim1.item_neighbors ORDER BY 1, 4;
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM slim1.recommend(3);
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM slim1.recommend_for(ARRAY[1], n => 1);
-- of item 3 nothing is said, so there is nothing to say to its user
SELECT rank, item_id, source FROM slim1.recommend(5);
-- nothing is left where l1 is as large as what they have in common
CALL reco.create_model('slim2', 'slim_rows', reco.slim(l1 => 2, l2 => 1));
SELECT count(*) FROM slim2.item_neighbors;

-- A weight w of item i on j is either held at 0 by l1, or its pull is l1 and what l2 takes.
CREATE TABLE slim_many AS
  SELECT u, i, (u * i + u + 2 * i) % 5 + 1 AS v FROM generate_series(1, 300) AS u, generate_series(1, 60) AS i
   WHERE (u * u * 31 + i * i * 17 + u * i * (u + i)) % 101 < 25;
CREATE VIEW slim_gram AS
  SELECT a.i, b.i AS j, sum(a.v * b.v)::float8 AS g FROM slim_many AS a JOIN slim_many AS b USING (u) GROUP BY a.i, b.i;
CREATE FUNCTION slim_check(m text, l1 float8, l2 float8) RETURNS TABLE (weights bigint, below_0 boolean, held boolean, minimum boolean) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    WITH pull AS (
      SELECT g.i, g.j, g.g - coalesce(sum(k.g * b.similarity), 0) AS pull
        FROM slim_gram AS g LEFT JOIN %1$I.item_neighbors AS b ON b.item_id = g.j
        LEFT JOIN slim_gram AS k ON k.i = g.i AND k.j = b.neighbor_id
       WHERE g.i <> g.j GROUP BY g.i, g.j, g.g)
    SELECT count(w.similarity), coalesce(min(w.similarity) < 0, false), count(*) > count(w.similarity),
           max(CASE WHEN w.similarity IS NULL THEN (CASE WHEN %4$L THEN pull ELSE abs(pull) END) - %2$s
                    ELSE abs(pull - %3$s * w.similarity - sign(w.similarity) * %2$s) END) < 2
      FROM pull LEFT JOIN %1$I.item_neighbors AS w ON w.item_id = j AND w.neighbor_id = i$q$,
    m, l1, l2, m LIKE '%positive');
END
$$;
CALL reco.create_model('slim_positive', 'slim_many', reco.slim(l1 => 60, l2 => 500), options => reco.options(value => 'raw'));
CALL reco.create_model('slim_signed', 'slim_many', reco.slim(l1 => 20, l2 => 100, positive => false), options => reco.options(value => 'raw'));
SELECT * FROM slim_check('slim_positive', 60, 500);
SELECT * FROM slim_check('slim_signed', 20, 100);
-- scores are sums over what a user has
SELECT max(abs(s.score - e.score)) < 1e-4 AS same, count(*) > 1000 AS many
  FROM (SELECT h.u, b.item_id AS i, sum(h.v * b.similarity) AS score
          FROM slim_many AS h JOIN slim_signed.item_neighbors AS b ON b.neighbor_id = h.i WHERE h.u <= 20 GROUP BY 1, 2) AS e
  JOIN LATERAL (SELECT slim_signed.predict(e.u, e.i) AS score) AS s ON true;
SELECT sum(contribution)::numeric(8, 3) = slim_signed.predict(3, 20)::numeric(8, 3) AS adds_up FROM slim_signed.explain(3, 20);
-- a basket is a user who has it
SELECT bool_and(a.score = b.score AND a.item_id = b.item_id) AS same, count(*)
  FROM slim_signed.recommend(7, n => 20) AS a
  JOIN slim_signed.recommend_for((SELECT array_agg(i ORDER BY i) FROM slim_many WHERE u = 7), n => 20,
                                 weights => (SELECT array_agg(v::real ORDER BY i) FROM slim_many WHERE u = 7)) AS b USING (rank);
-- similar is what an item speaks for, never what it speaks against
SELECT count(*) = (SELECT count(*) FROM slim_signed.item_neighbors WHERE neighbor_id = 5 AND similarity > 0) AS all,
       bool_and(s.similarity = b.similarity) AS same
  FROM slim_signed.similar_items(5, n => 60) AS s LEFT JOIN slim_signed.item_neighbors AS b ON b.neighbor_id = 5 AND b.item_id = s.item_id;
-- cut to the largest of either sign
CALL reco.create_model('slim_cut', 'slim_many', reco.slim(l1 => 20, l2 => 100, neighbors => 3, positive => false), options => reco.options(value => 'raw'));
SELECT count(*) AS kept, count(*) FILTER (WHERE c.similarity = b.similarity) AS same
  FROM slim_cut.item_neighbors AS c
  JOIN (SELECT *, row_number() OVER (PARTITION BY item_id ORDER BY abs(similarity) DESC, neighbor_id) AS place FROM slim_signed.item_neighbors) AS b
    ON b.item_id = c.item_id AND b.neighbor_id = c.neighbor_id AND b.place = c.rank;

-- negative values, values of 0; a single row; small and large values
CREATE TABLE slim_odd (u int, i int, v float8);
INSERT INTO slim_odd VALUES (1, 1, 2), (1, 1, 1), (1, 2, 0), (2, 1, 4), (2, 2, 5), (3, 1, -3), (4, 2, 0);
CALL reco.create_model('slim_odd_model', 'slim_odd', reco.slim(l1 => 2, l2 => 1), options => reco.options(value => 'raw'));
-- G = (34 20; 20 25)
SELECT item_id, neighbor_id, round((similarity * CASE neighbor_id WHEN 1 THEN 35 ELSE 26 END)::numeric, 4) AS eighteen FROM slim_odd_model.item_neighbors ORDER BY 1;
CALL reco.create_model('slim_one', 'SELECT 1, 2, 3', reco.slim(), options => reco.options(value => 'raw'));
SELECT slim_one.predict(1, 2);
CALL reco.create_model('slim_small', 'SELECT u, i, v * 1e-15 FROM slim_rows', reco.slim(), options => reco.options(value => 'raw'));
CALL reco.create_model('slim_large', 'SELECT u, i, v * 1e15 FROM slim_rows', reco.slim(l1 => 0, l2 => 1e12), options => reco.options(value => 'raw'));
SELECT round((slim_large.predict(3, 2) / 1e15)::numeric, 4) AS large;

-- left open: one user who has both, and 2.5 times the geometric mean of the numbers of interactions
-- of users and items, times the mean square
SELECT reco.describe(algorithm) FROM slim1.model;
CALL reco.create_model('slim_open', 'slim_many', reco.slim(), options => reco.options(value => 'raw'));
SELECT algorithm FROM slim_open.versions;
SELECT round(avg(v * v), 2) AS l1, round((2.5 * count(*) / sqrt(300 * 60) * avg(v * v))::numeric, 1) AS l2 FROM slim_many;

-- the same bits whatever the order of the rows and the number of threads
CALL reco.create_model('slim_up', 'SELECT * FROM slim_many ORDER BY u, i', reco.slim());
SET reco.threads = 2;
CALL reco.create_model('slim_down', 'SELECT * FROM slim_many ORDER BY i DESC, u DESC', reco.slim());
SELECT count(*) > 500 AS many, count(*) - count(*) FILTER (WHERE a.similarity = b.similarity AND a.rank = b.rank) AS differ
  FROM slim_up.item_neighbors AS a FULL JOIN slim_down.item_neighbors AS b USING (item_id, neighbor_id);

-- measured, refreshed, told beforehand as any other
SELECT metric, value BETWEEN 0 AND 1 AS sound FROM reco.evaluate('slim_many', ARRAY[reco.slim()], cutoffs => '{5}')
 WHERE algorithm LIKE 'slim%' AND metric IN ('ndcg', 'precision') ORDER BY metric;
CALL reco.refresh('slim1');
SELECT version, status, algorithm FROM slim1.versions ORDER BY version;
SET reco.max_memory = '1MB';
DO $$
BEGIN
  CALL reco.create_model('slim_wide', 'SELECT i % 700 AS u, i FROM generate_series(1, 6000) AS i', reco.slim());
EXCEPTION WHEN program_limit_exceeded THEN
  RAISE WARNING '%', regexp_replace(sqlerrm, '\d+', '...');
END
$$;
RESET reco.max_memory;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP SCHEMA %I CASCADE', model), '; ') FROM reco.models WHERE model LIKE 'slim%'); END $$;
DROP FUNCTION slim_check;
DROP VIEW slim_gram;
DROP TABLE slim_rows, slim_many, slim_odd;
