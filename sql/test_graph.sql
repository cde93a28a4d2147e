--
-- reco.graph() against filters known by hand.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

SELECT reco.graph();
SELECT reco.describe(reco.graph('turbo', alpha => 0.5, power => 1, neighbors => 7));
SELECT reco.describe(reco.graph(NULL, NULL, NULL, NULL, NULL, NULL)) = reco.describe(reco.graph()) AS same;
SELECT reco.graph('gfcf', factors => 1024, neighbors => 10000, alpha => 10, residual => 100, oversampling => 200, power_iterations => 1000);
SELECT reco.graph('lowpass');
SELECT reco.graph(factors => 0);
SELECT reco.graph(factors => 1025);
SELECT reco.graph(neighbors => 0);
SELECT reco.graph(alpha => -0.1);
SELECT reco.graph(beta => 1.1);
SELECT reco.graph(degree => 65);
SELECT reco.graph(phi => 0);
SELECT reco.graph('turbo', power => 0);
SELECT reco.graph(residual => 101);

-- Two blocks, the second with twice the values.  In each users have 2, 2, 1 and 1 items and
-- items 3 users, so that N'N = (2/3 1/3; 1/3 2/3): eigenvalues 1 with (1, 1) and 1/3 with
-- (1, -1) over the root of 2.
CREATE TABLE graph_rows (u int, i int, v float8);
INSERT INTO graph_rows VALUES (1, 1, 1), (1, 2, 1), (2, 1, 1), (2, 2, 1), (3, 1, 1), (4, 2, 1),
                              (5, 3, 2), (5, 4, 2), (6, 3, 2), (6, 4, 2), (7, 3, 2), (8, 4, 2);
CREATE FUNCTION pg_temp.train(name text, algorithm reco.algorithm) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model(name, 'graph_rows', algorithm, options => reco.options(value => 'raw'));
END $$;
SELECT pg_temp.train('graph_two', reco.graph('gfcf', factors => 2, alpha => 0.3));
SELECT pg_temp.train('graph_four', reco.graph('gfcf', factors => 4, alpha => 0.3));
SELECT pg_temp.train('graph_walk', reco.graph('turbo', alpha => 0.5, power => 1));
SELECT pg_temp.train('graph_turbo', reco.graph('turbo', alpha => 0.5, power => 0.7));
SELECT pg_temp.train('graph_cheb', reco.graph(factors => 4, alpha => 0.2, beta => 0));
SELECT pg_temp.train('graph_steep', reco.graph(factors => 4, alpha => 0, beta => 0.3, degree => 3, phi => 4));

-- the response of a Chebyshev filter, by its definition
CREATE FUNCTION pg_temp.response(eigenvalue float8, degree int, phi float8) RETURNS float8 LANGUAGE sql AS $$
  SELECT sum(CASE k WHEN 0 THEN 1 ELSE 2 END / (degree + 1.0) * cos(k * acos((degree + 0.5 - m) * 0 + 1 - 2 * eigenvalue))
             * cos(k * (degree + 0.5 - m) * pi() / (degree + 1))
             * (0.5 - sign(x) / 2 * abs(x) ^ phi))
    FROM generate_series(0, degree) AS k, generate_series(0, degree) AS m, LATERAL (SELECT round(cos((degree - m) * pi() / degree)::numeric, 12)::float8 AS x) AS at
$$;
-- with V of the two largest N'N is 1/2 off its diagonal, more than what it is, and nothing is left
-- that would speak for an item; with all four it is exact, and V V' the identity
SELECT round(graph_two.predict(3, 2)::numeric, 4) AS two, round(graph_four.predict(3, 2)::numeric, 4) AS four,
       round(graph_two.predict(7, 4)::numeric, 4) AS twice, round(graph_walk.predict(7, 4)::numeric, 4) AS walk,
       round(graph_turbo.predict(3, 2)::numeric, 4) AS turbo, round(((1 / 3.0) ^ 0.7)::numeric, 4) AS expected;
SELECT round(graph_cheb.predict(3, 2)::numeric, 4) AS chebyshev,
       round(((pg_temp.response(1, 8, 1.5) - pg_temp.response(1 / 3.0, 8, 1.5)) / 2)::numeric, 4) AS expected;
SELECT round(graph_steep.predict(3, 2)::numeric, 4) AS steep,
       round(((pg_temp.response(1, 3, 4) - pg_temp.response(1 / 3.0, 3, 4)) / 2)::numeric, 4) AS expected;
-- the other block is not reached
SELECT round(graph_two.predict(3, 4)::numeric, 4) + 0 AS none, graph_walk.predict(3, 4) AS nothing;
SELECT item_id, array_length(factors, 1) AS width FROM graph_four.item_factors ORDER BY item_id;
SELECT count(factors) AS factors FROM graph_walk.item_factors WHERE factors <> '{}';

-- users are known by their interactions alone: a basket is served as the stored user
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM graph_two.recommend(3, n => 1);
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM graph_two.recommend_for(ARRAY[1], n => 1);
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM graph_two.recommend_for(ARRAY[3], n => 1, weights => ARRAY[5]);
SELECT rank, item_id, round(score::numeric, 4) AS score FROM graph_two.rerank(1, ARRAY[4, 2]) WHERE score > 0.1;
-- what somebody with that item alone would be shown
SELECT item_id, round(similarity::numeric, 4) AS similarity FROM graph_walk.similar_items(1) WHERE similarity > 0.00005;
SELECT item_id, round(similarity::numeric, 4) AS similarity FROM graph_two.similar_items(1) WHERE similarity > 0.00005;
SELECT rank, user_id, round(score::numeric, 4) AS score FROM graph_two.audience(for_item => 2, n => 1);
-- contributions add up to scores
SELECT because_item, round(contribution::numeric, 4) AS contribution, round(share::numeric, 4) AS share FROM graph_two.explain(3, 2);
SELECT because_item, round(contribution::numeric, 4) AS contribution FROM graph_walk.explain(3, 2);
SELECT sum(contribution)::numeric(8, 4) AS sum, graph_cheb.predict(1, 2)::numeric(8, 4) AS score FROM graph_cheb.explain(1, 2);

-- negative values, values of 0, repeats that add up; a user of whom nothing is known
CREATE TABLE graph_odd (u int, i int, v float8);
INSERT INTO graph_odd VALUES (1, 1, 2), (1, 1, 1), (1, 2, 0), (2, 1, 4), (2, 2, 5), (3, 1, -3), (4, 2, 0);
CALL reco.create_model('graph_odd_model', 'graph_odd', reco.graph(factors => 2), options => reco.options(value => 'raw'));
SELECT graph_odd_model.predict(3, 2) < 0 AS against, graph_odd_model.predict(1, 2) > 0 AS for;
SELECT DISTINCT source FROM graph_odd_model.recommend(4);
CALL reco.create_model('graph_one', 'SELECT 1, 2, 3', reco.graph());
SELECT count(*) FROM graph_one.recommend(1);

-- lists: what is kept for each item, by those who speak for it, without the order of the rows
CREATE TABLE graph_many AS
  SELECT u, i, (u * i + u + 2 * i) % 5 + 1 AS v FROM generate_series(1, 400) AS u, generate_series(1, 150) AS i
   WHERE (u * u * 31 + i * i * 17 + u * i * (u + i)) % 101 < 12;
CALL reco.create_model('graph_up', 'SELECT * FROM graph_many ORDER BY u, i', reco.graph(factors => 20, neighbors => 9), options => reco.options(value => 'raw'));
SET reco.threads = 2;
CALL reco.create_model('graph_down', 'SELECT * FROM graph_many ORDER BY i DESC, u DESC', reco.graph(factors => 20, neighbors => 9), options => reco.options(value => 'raw'));
SELECT count(*) AS items, count(*) FILTER (WHERE a.parts = b.parts) AS same
  FROM graph_up.model_item AS a JOIN graph_down.model_item AS b USING (item_id);
SELECT max(n) AS most, bool_and(least > 0) AS above
  FROM (SELECT l.number, count(*) AS n, min(l.weight) AS least
          FROM graph_up.model_item AS m JOIN graph_up.model_version AS v USING (version),
               LATERAL reco.part_list(m.parts, v.algorithm, 'items', 'lists') AS l(number, weight) GROUP BY 1) AS s;
SELECT max(abs(s.score - r.score)) < 1e-4 AS as_stored
  FROM generate_series(1, 400, 40) AS u,
       LATERAL graph_up.recommend(u, n => 5) AS s
       JOIN LATERAL (SELECT item_id, score FROM graph_up.recommend_for((SELECT array_agg(i ORDER BY i) FROM graph_many AS m WHERE m.u = u.u),
                                                                     weights => (SELECT array_agg(v ORDER BY i) FROM graph_many AS m WHERE m.u = u.u), n => 150)) AS r USING (item_id);

-- measured, refreshed, listed as any other
CREATE TEMPORARY TABLE graph_measured AS
  SELECT * FROM reco.evaluate('SELECT u, i FROM graph_many', ARRAY[reco.graph(factors => 8), reco.graph('gfcf', factors => 8), reco.graph('turbo')], cutoffs => '{5}')
   WHERE algorithm LIKE 'graph%';
SELECT DISTINCT algorithm FROM graph_measured ORDER BY 1;
SELECT metric, bool_and(value BETWEEN 0 AND 1) AS sound FROM graph_measured WHERE metric IN ('ndcg', 'precision') GROUP BY 1 ORDER BY 1;
CALL reco.refresh('graph_two');
SELECT version, status, algorithm FROM graph_two.versions ORDER BY version;
CALL reco.materialize('graph_two', n => 1);
SELECT user_id, item_id, round(score::numeric, 4) AS score FROM graph_two.recommendations WHERE user_id IN (3, 7) ORDER BY user_id;
SET reco.max_memory = '4MB';
DO $$
BEGIN
  CALL reco.create_model('graph_wide', 'graph_many', reco.graph(factors => 1024));
EXCEPTION WHEN program_limit_exceeded THEN
  RAISE WARNING '%', regexp_replace(sqlerrm, '\d+', '...');
END
$$;
RESET reco.max_memory;
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT model FROM reco.models WHERE model LIKE 'graph%' LOOP
    CALL reco.drop_model(name);
  END LOOP;
END
$$;
