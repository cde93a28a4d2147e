--
-- reco.svd() against a decomposition known by hand.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

SELECT reco.svd();
SELECT reco.describe(reco.svd(factors => 8, oversampling => 0, power_iterations => 0, seed => 7));
SELECT reco.describe(reco.svd(NULL, NULL, NULL, NULL)) = reco.describe(reco.svd()) AS same;
SELECT reco.svd(factors => 1024, oversampling => 200, power_iterations => 1000, seed => 9007199254740992);
SELECT reco.svd(factors => 0);
SELECT reco.svd(factors => 1025);
SELECT reco.svd(oversampling => -1);
SELECT reco.svd(oversampling => 201);
SELECT reco.svd(power_iterations => -1);
SELECT reco.svd(power_iterations => 1001);
SELECT reco.svd(seed => -1);

-- Two blocks, the second with twice the values.  With A the first, A'A = (3 2; 2 3), whose
-- eigenvalues are 5 with (1, 1) and 1 with (1, -1) over the root of 2.  So the singular values
-- are the roots of 20, 5, 4 and 1.
CREATE TABLE svd_rows (u int, i int, v float8);
INSERT INTO svd_rows VALUES (1, 1, 1), (1, 2, 1), (2, 1, 1), (2, 2, 1), (3, 1, 1), (4, 2, 1),
                            (5, 3, 2), (5, 4, 2), (6, 3, 2), (6, 4, 2), (7, 3, 2), (8, 4, 2);
CALL reco.create_model('svd2', 'svd_rows', reco.svd(factors => 2), options => reco.options(value => 'raw'));
CALL reco.create_model('svd3', 'svd_rows', reco.svd(factors => 3), options => reco.options(value => 'raw'));
CALL reco.create_model('svd9', 'svd_rows', reco.svd(factors => 9), options => reco.options(value => 'raw'));

CREATE FUNCTION pg_temp.digits(x real[]) RETURNS numeric[] LANGUAGE sql AS
  'SELECT array_agg(round(e::numeric, 4) + 0 ORDER BY n) FROM unnest(x) WITH ORDINALITY AS t(e, n)';
SELECT item_id, pg_temp.digits(factors) FROM svd3.item_factors ORDER BY item_id;
-- a user's factors are the row times those
SELECT user_id, pg_temp.digits(factors) FROM svd3.user_factors ORDER BY user_id;
-- what is beyond the rank is exactly 0
SELECT item_id, pg_temp.digits(factors[1:4]), factors[5:9] FROM svd9.item_factors ORDER BY item_id;
SELECT bool_and(factors[5:9] = '{0,0,0,0,0}') AS zeros FROM svd9.user_factors;
-- singular values are the lengths of the columns of users
SELECT f.n, round(sum(f.x ^ 2)::numeric, 4) AS square FROM svd9.user_factors, unnest(factors) WITH ORDINALITY AS f(x, n)
 GROUP BY f.n ORDER BY f.n;
-- what a model leaves of the sum of squares
SELECT round(svd2.versions.loss[1]::numeric, 4) AS two, round(svd3.versions.loss[1]::numeric, 4) AS three,
       round(svd9.versions.loss[1]::numeric, 4) AS all, array_length(svd9.versions.loss, 1) AS n
  FROM svd2.versions, svd3.versions, svd9.versions;

-- with all of them a score is the value, with two the mean of the pair
SELECT u, array_agg(round(svd2.predict(u, i)::numeric, 4) + 0 ORDER BY i) AS two,
       array_agg(round(svd9.predict(u, i)::numeric, 4) + 0 ORDER BY i) AS nine
  FROM generate_series(1, 8) AS u, generate_series(1, 4) AS i GROUP BY u ORDER BY u;
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM svd2.recommend(3, n => 1);
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM svd2.recommend(7, n => 1);
-- folded in: the same as a stored user; weights count
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM svd2.recommend_for(ARRAY[1], n => 1);
SELECT rank, item_id, round(score::numeric, 4) AS score, source FROM svd2.recommend_for(ARRAY[3], n => 1, weights => ARRAY[5]);
SELECT rank, item_id, round(score::numeric, 4) AS score FROM svd2.rerank(1, ARRAY[4, 2]) WHERE score > 0.1;
SELECT item_id, round(similarity::numeric, 4) AS similarity FROM svd2.similar_items(1, n => 1);
SELECT user_id, round(similarity::numeric, 4) AS similarity FROM svd2.similar_users(7, n => 1);
SELECT rank, user_id, round(score::numeric, 4) AS score FROM svd2.audience(for_item => 2, n => 1);
-- contributions are values times products of items: 1 (1/2 + 1/2) less what user 3 lacks
SELECT because_item, round(contribution::numeric, 4) AS contribution, round(share::numeric, 4) AS share FROM svd2.explain(3, 2);
SELECT sum(contribution)::numeric(8, 4) AS sum, svd9.predict(1, 2)::numeric(8, 4) AS score FROM svd9.explain(1, 2);

-- negative values, values of 0, repeats that add up; a user of whom nothing is known
CREATE TABLE svd_odd (u int, i int, v float8);
INSERT INTO svd_odd VALUES (1, 1, 2), (1, 1, 1), (1, 2, 0), (2, 1, 4), (2, 2, 5), (3, 1, -3), (4, 2, 0);
CALL reco.create_model('svd_odd_model', 'svd_odd', reco.svd(factors => 2), options => reco.options(value => 'raw'));
SELECT u, array_agg(round(svd_odd_model.predict(u, i)::numeric, 4) + 0 ORDER BY i) AS scores
  FROM generate_series(1, 4) AS u, generate_series(1, 2) AS i GROUP BY u ORDER BY u;
SELECT DISTINCT source FROM svd_odd_model.recommend(4);
-- without values; a single row; small and large values
CALL reco.create_model('svd_ones', 'SELECT u, i FROM svd_rows', reco.svd(factors => 4));
SELECT round(svd_ones.predict(5, 3)::numeric, 4) AS one, round(svd_ones.predict(7, 4)::numeric, 4) + 0 AS none;
CALL reco.create_model('svd_one', 'SELECT 1, 2, 3', reco.svd(), options => reco.options(value => 'raw'));
SELECT svd_one.predict(1, 2);
CALL reco.create_model('svd_small', 'SELECT u, i, v * 1e-36 FROM svd_rows', reco.svd(factors => 4), options => reco.options(value => 'raw'));
SELECT round((svd_small.predict(5, 3)::float8 * 1e36)::numeric, 3) AS small;
CALL reco.create_model('svd_large', 'SELECT u, i, v * 1e16 FROM svd_rows', reco.svd(factors => 4), options => reco.options(value => 'raw'));
SELECT round((svd_large.predict(5, 3)::float8 / 1e16)::numeric, 3) AS large;

-- the same bits whatever the order of the rows and the number of threads
CREATE TABLE svd_many AS
  SELECT u, i, (u * i + u + 2 * i) % 5 + 1 AS v FROM generate_series(1, 800) AS u, generate_series(1, 300) AS i
   WHERE (u * u * 31 + i * i * 17 + u * i * (u + i)) % 101 < 25;
CALL reco.create_model('svd_up', 'SELECT * FROM svd_many ORDER BY u, i', reco.svd(factors => 60));
SET reco.threads = 2;
CALL reco.create_model('svd_down', 'SELECT * FROM svd_many ORDER BY i DESC, u DESC', reco.svd(factors => 60));
SELECT count(*) AS items, count(*) FILTER (WHERE a.factors = b.factors) AS same
  FROM svd_up.item_factors AS a JOIN svd_down.item_factors AS b USING (item_id);
SELECT count(*) AS users, count(*) FILTER (WHERE a.factors = b.factors) AS same
  FROM svd_up.user_factors AS a JOIN svd_down.user_factors AS b USING (user_id);
-- columns of items are orthonormal, of users orthogonal
SELECT max(abs(p - (j = k)::int)) < 1e-5 AS orthonormal
  FROM (SELECT j, k, sum(factors[j]::float8 * factors[k]) AS p FROM svd_up.item_factors,
               generate_series(1, 60) AS j, generate_series(1, 60) AS k GROUP BY j, k) AS s;
-- another seed, another start: the same decomposition
CALL reco.create_model('svd_seed', 'svd_rows', reco.svd(factors => 3, seed => 1), options => reco.options(value => 'raw'));
SELECT count(*) FILTER (WHERE pg_temp.digits(a.factors) = pg_temp.digits(b.factors)) AS same
  FROM svd3.item_factors AS a JOIN svd_seed.item_factors AS b USING (item_id);

-- measured, refreshed, listed as any other
CREATE TEMPORARY TABLE svd_measured AS
  SELECT * FROM reco.evaluate('svd_many', ARRAY[reco.svd(factors => 8)], cutoffs => '{5}') WHERE algorithm LIKE 'svd%';
SELECT DISTINCT algorithm FROM svd_measured;
SELECT metric, value BETWEEN 0 AND 1 AS sound FROM svd_measured WHERE metric IN ('ndcg', 'precision') ORDER BY metric;
CALL reco.refresh('svd3');
SELECT version, status, algorithm FROM svd3.versions ORDER BY version;
CALL reco.alter_model('svd3', algorithm => reco.svd(factors => 1));
CALL reco.refresh('svd3');
SELECT item_id, pg_temp.digits(factors) FROM svd3.item_factors ORDER BY item_id;
CALL reco.materialize('svd2', n => 1);
SELECT user_id, item_id, round(score::numeric, 4) AS score FROM svd2.recommendations WHERE user_id IN (3, 7) ORDER BY user_id;
SELECT reco.als_agg(factors, 1, NULL, reco.svd()) FROM svd2.item_factors;
SET reco.max_memory = '4MB';
DO $$
BEGIN
  CALL reco.create_model('svd_wide', 'svd_many', reco.svd(factors => 1024));
EXCEPTION WHEN program_limit_exceeded THEN
  RAISE WARNING '%', regexp_replace(sqlerrm, '\d+', '...');
END
$$;
