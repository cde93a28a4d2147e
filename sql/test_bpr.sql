--
-- reco.bpr(): factors that rank what users have before what they have not.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is small

SELECT reco.bpr();
SELECT reco.describe(reco.bpr('warp', factors => 8, popularity => 0.5, biases => false));
SELECT reco.describe(reco.bpr(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) = reco.describe(reco.bpr()) AS same;
SELECT reco.bpr('hinge');
SELECT reco.bpr(factors => 0);
SELECT reco.bpr(factors => 1025);
SELECT reco.bpr(iterations => 0);
SELECT reco.bpr(learning_rate => 0);
SELECT reco.bpr(learning_rate => 1.1);
SELECT reco.bpr(regularization => -1);
SELECT reco.bpr(max_sampled => 1001);
SELECT reco.bpr(popularity => 3);

-- users of two kinds, each with a third of the items of theirs
CREATE TABLE bpr_rows AS
  SELECT u, i, 1 + (u + i) % 3 AS v FROM generate_series(1, 90) AS u, generate_series(1, 60) AS i
   WHERE u % 2 = i % 2 AND hashint8(u * 100003::bigint + i) & 1023 < 340;
CREATE FUNCTION pg_temp.train(name text, algorithm reco.algorithm, source text DEFAULT 'bpr_rows') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model(name, source, algorithm, options => reco.options(measure => false));
END $$;
SELECT pg_temp.train('bpr_' || name, algorithm)
  FROM (VALUES ('plain', reco.bpr(factors => 8)), ('warp', reco.bpr('warp', factors => 8)),
               ('uneven', reco.bpr(factors => 8, popularity => 0.5)), ('bare', reco.bpr(factors => 8, biases => false))) AS m(name, algorithm);
-- what they have not of their own kind comes before the other kind
CREATE FUNCTION pg_temp.own(model text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE share float8;
BEGIN
  EXECUTE format('SELECT avg((item_id %% 2 = u %% 2)::int) FROM generate_series(1, 90) AS u, %I.recommend(u, n => 10)', model) INTO share;
  RETURN share > 0.9;
END $$;
SELECT pg_temp.own('bpr_plain') AS plain, pg_temp.own('bpr_warp') AS warp, pg_temp.own('bpr_uneven') AS uneven, pg_temp.own('bpr_bare') AS bare;
-- scores are b_i + p.q; without biases p.q
SELECT max(abs(bpr_plain.predict(u.user_id, i.item_id) - i.bias - (SELECT sum(p.x * q.x) FROM unnest(u.factors) WITH ORDINALITY AS p(x, n) JOIN unnest(i.factors) WITH ORDINALITY AS q(x, n) USING (n)))) < 1e-4 AS products
  FROM bpr_plain.user_factors AS u, bpr_plain.item_factors AS i WHERE u.user_id < 9 AND i.item_id < 9;
SELECT count(*) FILTER (WHERE bias <> 0) AS biases FROM bpr_bare.item_factors;
-- the mean loss falls
SELECT array_length(loss, 1) AS n, loss[array_length(loss, 1)] < 0.5 * loss[1] AS falls FROM bpr_plain.versions;

-- a basket is folded in as a stored user was: the same scores, in every bit
SELECT count(*) AS items, count(*) FILTER (WHERE s.score = r.score) AS same
  FROM (SELECT * FROM bpr_plain.recommend(5, n => 60)) AS s
  JOIN (SELECT * FROM bpr_plain.recommend_for((SELECT array_agg(i ORDER BY i) FROM bpr_rows WHERE u = 5), n => 60)) AS r USING (item_id);
SELECT avg((item_id % 2 = 0)::int) > 0.7 AS even FROM bpr_warp.recommend_for(ARRAY[2, 4, 10], n => 10);
SELECT avg((item_id % 2 = 1)::int) > 0.7 AS odd FROM bpr_uneven.recommend_for(ARRAY[1, 3, 9], n => 10);
SELECT avg((item_id % 2 = 0)::int) > 0.8 AS even FROM bpr_plain.similar_items(2, n => 10);
SELECT avg((user_id % 2 = 0)::int) > 0.8 AS even FROM bpr_plain.similar_users(2, n => 10);
SELECT avg((user_id % 2 = 0)::int) > 0.8 AS even FROM bpr_plain.audience(for_item => 2, n => 10);
-- no score is a sum of parts
SELECT * FROM bpr_plain.explain(5, 2);

-- values above 0 are interactions, of whatever size; others are not
SELECT pg_temp.train('bpr_sized', reco.bpr(factors => 8), 'SELECT u, i, v * 100.0 FROM bpr_rows UNION ALL SELECT u, i + 1, -1 FROM bpr_rows WHERE i % 20 = 3');
SELECT pg_temp.own('bpr_sized') AS sized;
CREATE TABLE bpr_odd (u int, i int, v float8);
INSERT INTO bpr_odd VALUES (1, 1, 2), (1, 1, 1), (1, 2, 0), (2, 1, 4), (2, 2, 5), (3, 1, -3), (4, 2, 0);
SELECT pg_temp.train('bpr_odd_model', reco.bpr(factors => 2), 'bpr_odd');
SELECT DISTINCT source FROM bpr_odd_model.recommend(4);
SELECT pg_temp.train('bpr_one', reco.bpr(), 'SELECT 1, 2, 3');
SELECT count(*) FROM bpr_one.recommend(1);

-- the same bits whatever the order of the rows and the number of threads
CREATE TABLE bpr_many AS
  SELECT u, i FROM generate_series(1, 800) AS u, generate_series(1, 600) AS i
   WHERE (u * u * 31 + i * i * 17 + u * i * (u + i)) % 101 < 4;
SELECT pg_temp.train('bpr_up', reco.bpr(iterations => 3), 'SELECT * FROM bpr_many ORDER BY u, i');
SET reco.threads = 2;
SELECT pg_temp.train('bpr_down', reco.bpr(iterations => 3), 'SELECT * FROM bpr_many ORDER BY i DESC, u DESC');
SELECT count(*) AS items, count(*) FILTER (WHERE a.factors = b.factors AND a.bias = b.bias) AS same
  FROM bpr_up.item_factors AS a JOIN bpr_down.item_factors AS b USING (item_id);
SELECT count(*) AS users, count(*) FILTER (WHERE a.factors = b.factors) AS same
  FROM bpr_up.user_factors AS a JOIN bpr_down.user_factors AS b USING (user_id);
SELECT pg_temp.train('bpr_seed', reco.bpr(iterations => 3, seed => 1), 'bpr_many');
SELECT count(*) FILTER (WHERE a.factors = b.factors) AS same FROM bpr_up.item_factors AS a JOIN bpr_seed.item_factors AS b USING (item_id);

-- measured, refreshed, listed as any other
CREATE TEMPORARY TABLE bpr_measured AS
  SELECT * FROM reco.evaluate('bpr_rows', ARRAY[reco.bpr(factors => 8), reco.bpr('warp', factors => 8)], cutoffs => '{5}') WHERE algorithm LIKE 'bpr%';
SELECT DISTINCT algorithm FROM bpr_measured ORDER BY 1;
SELECT metric, bool_and(value BETWEEN 0 AND 1) AS sound FROM bpr_measured WHERE metric IN ('ndcg', 'precision') GROUP BY 1 ORDER BY 1;
CALL reco.refresh('bpr_bare');
SELECT version, status, algorithm FROM bpr_bare.versions ORDER BY version;
CALL reco.materialize('bpr_plain', n => 3);
SELECT count(*) AS places, avg((item_id % 2 = user_id % 2)::int) > 0.9 AS own FROM bpr_plain.recommendations;
SET reco.max_memory = '4MB';
DO $$
BEGIN
  CALL reco.create_model('bpr_wide', 'bpr_many', reco.bpr(factors => 1024));
EXCEPTION WHEN program_limit_exceeded THEN
  RAISE WARNING '%', regexp_replace(sqlerrm, '\d+', '...');
END
$$;
RESET reco.max_memory;
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT model FROM reco.models WHERE model LIKE 'bpr%' LOOP
    CALL reco.drop_model(name);
  END LOOP;
END
$$;
