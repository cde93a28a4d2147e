--
-- als_agg and gram_agg: the half step of alternating least squares as an
-- aggregate, against values computed independently and against models in memory.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

CREATE FUNCTION agg_dot(x float8[], y float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC SELECT sum(a * b) FROM unnest(x, y) AS t(a, b); END;
-- the largest difference of two vectors' elements
CREATE FUNCTION agg_gap(x float8[], y float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC SELECT max(abs(coalesce(a, 'Infinity') - coalesce(b, '-Infinity'))) FROM unnest(x, y) AS t(a, b); END;

--
-- By hand: ((10, 14), (14, 20)) + 0.1 * 2 I, against (1 * (1, 2) + 2 * (3, 4)) = (7, 10)
--
CREATE TABLE agg_two (factors real[], value float8);
INSERT INTO agg_two VALUES ('{1, 2}', 1), ('{3, 4}', 2);
SELECT agg_gap(reco.als_agg(factors, value), ARRAY[(20.2 * 7 - 14 * 10) / 10.04, (10.2 * 10 - 14 * 7) / 10.04]) < 1e-7 AS right FROM agg_two;
SELECT agg_gap(reco.als_agg(factors, value, NULL, reco.als(regularization => 2)),
               ARRAY[(24.0 * 7 - 14 * 10) / (14 * 24 - 14 * 14), (14.0 * 10 - 14 * 7) / (14 * 24 - 14 * 14)]) < 1e-7 AS right FROM agg_two;
SELECT reco.gram_agg(factors), reco.gram_agg(factors || 1::real) AS with_count FROM agg_two;
-- one factor; any numeric type of value
SELECT reco.als_agg('{2}', 6), reco.als_agg('{2}', 6::numeric), reco.als_agg('[0:0]={2}', 6::real);

-- C16: y1 = (1, 0), y2 = (1, 1), y3 = (0, 2), lambda 0.5, alpha 1
WITH y(i, factors) AS (VALUES (1, '{1, 0}'::real[]), (2, '{1, 1}'), (3, '{0, 2}')),
     v(u, i, value) AS (VALUES (1, 1, 3), (1, 3, 1), (2, 1, 3), (2, 3, -1))
SELECT u, agg_gap(reco.als_agg(factors, value, (SELECT reco.gram_agg(factors) FROM y), reco.ials(regularization => 0.5, alpha => 1)),
                  CASE u WHEN 1 THEN '{0.6634146341, 0.3512195122}' ELSE '{0.7414634146, -0.0780487805}' END::float8[]) < 1e-7 AS right
  FROM v JOIN y USING (i) GROUP BY u ORDER BY u;

--
-- The same numbers as models in memory, for all kinds
--
CREATE TABLE agg_rows AS
  SELECT u, i, 1 + (u * i) % 5 AS v FROM generate_series(0, 199) u, generate_series(0, 99) i WHERE (7 * u + 3 * i) % 11 < 3;
CALL reco.create_model('agg_implicit', 'agg_rows', reco.ials(factors => 8, regularization => 0.3, alpha => 2, iterations => 5), options => reco.options(value => 'raw'));
CALL reco.create_model('agg_weighted', 'agg_rows',
  reco.ials(factors => 8, regularization => 0.01, alpha => 2, iterations => 5, weighted_regularization => true), options => reco.options(value => 'raw'));
CALL reco.create_model('agg_negative', 'SELECT u, i, v - 3 FROM agg_rows', reco.ials(factors => 8, regularization => 0.3, iterations => 5, alpha => 1), options => reco.options(value => 'raw'));
CALL reco.create_model('agg_unbiased', 'agg_rows', reco.als(factors => 8, iterations => 5, biases => false));
CALL reco.create_model('agg_explicit', 'agg_rows', reco.als(factors => 8, iterations => 5, clip => false));

CREATE TABLE agg_solutions AS
  SELECT 'implicit' AS model, u, reco.als_agg(factors, v, gram, reco.ials(regularization => 0.3, alpha => 2)) AS x
    FROM agg_rows JOIN agg_implicit.item_factors ON item_id = i,
         (SELECT reco.gram_agg(factors) AS gram FROM agg_implicit.item_factors) AS g GROUP BY u
  UNION ALL
  SELECT 'weighted', u, reco.als_agg(factors, v, gram, reco.ials(regularization => 0.01, alpha => 2, weighted_regularization => true))
    FROM agg_rows JOIN agg_weighted.item_factors ON item_id = i,
         (SELECT reco.gram_agg(factors || 1::real) AS gram FROM agg_weighted.item_factors) AS g GROUP BY u
  UNION ALL
  SELECT 'negative', u, reco.als_agg(factors, v - 3, gram, reco.ials(regularization => 0.3, alpha => 1))
    FROM agg_rows JOIN agg_negative.item_factors ON item_id = i,
         (SELECT reco.gram_agg(factors) AS gram FROM agg_negative.item_factors) AS g GROUP BY u
  UNION ALL
  SELECT 'unbiased', u, reco.als_agg(factors, v - mean)
    FROM agg_rows JOIN agg_unbiased.item_factors ON item_id = i, (SELECT avg(v) AS mean FROM agg_rows) AS m GROUP BY u
  UNION ALL  -- biases: a factor whose other side is 1
  SELECT 'explicit', u, reco.als_agg(factors || 1::real, v - mean - bias, NULL, reco.als(regularization => 0.1))
    FROM agg_rows JOIN agg_explicit.item_factors ON item_id = i, (SELECT avg(v) AS mean FROM agg_rows) AS m GROUP BY u;
SELECT s.model, count(*) AS users, max(cardinality(s.x)) AS factors, max(agg_gap(s.x, m.x)) < 1e-6 AS same
  FROM agg_solutions AS s JOIN (
    SELECT 'implicit' AS model, user_id, factors AS x FROM agg_implicit.user_factors
    UNION ALL SELECT 'weighted', user_id, factors FROM agg_weighted.user_factors
    UNION ALL SELECT 'negative', user_id, factors FROM agg_negative.user_factors
    UNION ALL SELECT 'unbiased', user_id, factors FROM agg_unbiased.user_factors
    UNION ALL SELECT 'explicit', user_id, factors || bias FROM agg_explicit.user_factors) AS m
    ON m.model = s.model AND m.user_id = s.u
 GROUP BY s.model ORDER BY s.model;

-- a visitor folded in scores as recommend_for says
WITH basket(item_id, weight) AS (VALUES (3, 2.0), (14, 1), (25, 5), (40, 1)),
     visitor AS (SELECT reco.als_agg(factors, weight, (SELECT reco.gram_agg(factors) FROM agg_implicit.item_factors),
                                     reco.ials(regularization => 0.3, alpha => 2)) AS x
                   FROM basket JOIN agg_implicit.item_factors USING (item_id))
SELECT count(*) AS items, max(abs(agg_dot(x, factors) - r.score)) < 1e-6 AS same
  FROM visitor, agg_implicit.recommend_for(ARRAY[3, 14, 25, 40], weights => ARRAY[2, 1, 5, 1], n => NULL) AS r
  JOIN agg_implicit.item_factors USING (item_id);
WITH basket(item_id, weight) AS (VALUES (3, 2.0), (14, 1), (25, 5), (40, 1)),
     mean AS (SELECT avg(v)::float8 AS mean FROM agg_rows),
     visitor AS (SELECT reco.als_agg(factors || 1::real, weight - mean - bias) AS x
                   FROM mean, basket JOIN agg_explicit.item_factors USING (item_id))
SELECT count(*) AS items, max(abs(mean + bias + agg_dot(x, factors || 1::real) - r.score)) < 1e-5 AS same
  FROM mean, visitor, agg_explicit.recommend_for(ARRAY[3, 14, 25, 40], weights => ARRAY[2, 1, 5, 1], n => NULL) AS r
  JOIN agg_explicit.item_factors USING (item_id);

--
-- Rows that are left out, and groups
--
CREATE TABLE agg_vectors AS
  SELECT n, n % 3 AS g, ARRAY(SELECT sin(n * f)::real FROM generate_series(1, 5) f) AS factors, (n % 4)::float8 AS value
    FROM generate_series(1, 200) n;
SELECT reco.als_agg(factors, value), reco.gram_agg(factors) FROM agg_vectors WHERE false;
SELECT reco.als_agg(NULL, 1), reco.als_agg('{1}', NULL), reco.als_agg(NULL, NULL, NULL, NULL), reco.gram_agg(NULL);
-- without a row that counts not even the algorithm is looked at
SELECT g, reco.als_agg(factors, value) FILTER (WHERE g = 1) IS NOT NULL AS filtered FROM agg_vectors GROUP BY g ORDER BY g;
SELECT agg_gap(reco.als_agg(f, v), (SELECT reco.als_agg(factors, value) FROM agg_vectors)) < 1e-6 AS nulls_are_skipped
  FROM (SELECT factors AS f, value AS v FROM agg_vectors
        UNION ALL SELECT NULL, 5 FROM generate_series(1, 9) UNION ALL SELECT '{1, 1}', NULL FROM generate_series(1, 9)) AS s;
SELECT agg_gap(reco.als_agg(DISTINCT f, v), (SELECT reco.als_agg(factors, value) FROM agg_vectors)) < 1e-6 AS distinct_rows
  FROM (SELECT factors AS f, value AS v FROM agg_vectors UNION ALL SELECT factors, value FROM agg_vectors) AS s;
-- an implicit 0 is a row that says nothing: known, and zero
SELECT reco.als_agg(f, 0, '{{1, 0}, {0, 1}}'::float8[], reco.ials(regularization => 0.01, alpha => 1)) FROM (VALUES ('{1, 2}'::real[]), ('{2, 3}')) AS v(f);
-- all factors 0; singular; huge and tiny: an answer, never NaN
SELECT reco.als_agg('{0, 0, 0}', 5);
SELECT reco.als_agg('{1, 1, 1}', 3, NULL, reco.als(regularization => 1e-9));
SELECT reco.als_agg(f, 1e18) FROM (VALUES ('{1e17, 1}'::real[]), ('{1, 1e17}')) AS v(f);
SELECT reco.als_agg('{1e-38}', 1e18, NULL, reco.als(regularization => 1e-9));

-- grouping sets: groups of their own, side by side
SELECT g, parity, count, agg_gap(x, (SELECT reco.als_agg(factors, value) FROM agg_vectors i
           WHERE (i.g = o.g OR o.g IS NULL) AND (i.n % 2 = parity OR parity IS NULL))) < 1e-6 AS same
  FROM (SELECT g, n % 2 AS parity, count(*), reco.als_agg(factors, value) AS x FROM agg_vectors GROUP BY CUBE (g, n % 2)) AS o
 ORDER BY g, parity;

-- windows: running and moving, longer than a block of rows and shorter
SELECT count(*) AS windows, bool_and(agg_gap(running, (SELECT reco.als_agg(factors, value) FROM agg_vectors i WHERE i.n <= o.n)) < 1e-6) AS running,
       bool_and(agg_gap(moving, (SELECT reco.als_agg(factors, value) FROM agg_vectors i WHERE i.n BETWEEN o.n - 70 AND o.n)) < 1e-6) AS moving,
       bool_and(agg_gap(pair, (SELECT reco.als_agg(factors, value) FROM agg_vectors i WHERE i.n BETWEEN o.n - 1 AND o.n)) < 1e-6) AS pairs,
       bool_and(agg_gap(running_gram, (SELECT reco.gram_agg(factors) FROM agg_vectors i WHERE i.n <= o.n)) < 1e-12) AS grams
  FROM (SELECT n, reco.als_agg(factors, value) OVER (ORDER BY n) AS running,
               reco.als_agg(factors, value) OVER (ORDER BY n ROWS 70 PRECEDING) AS moving,
               reco.als_agg(factors, value) OVER (ORDER BY n ROWS 1 PRECEDING) AS pair,
               reco.gram_agg(factors) OVER (ORDER BY n) AS running_gram FROM agg_vectors) AS o;

-- each group may have a gram and an algorithm of its own
CREATE TABLE agg_grams AS
  SELECT g, reco.gram_agg(factors) AS gram, reco.ials(regularization => 0.5 + g, alpha => 1) AS algorithm FROM agg_vectors GROUP BY g;
SELECT g, agg_gap(reco.als_agg(factors, value, gram, algorithm),
         (SELECT reco.als_agg(i.factors, i.value, (SELECT gram FROM agg_grams WHERE g = o.g), reco.ials(regularization => 0.5 + o.g, alpha => 1))
            FROM agg_vectors i WHERE i.g = o.g)) < 1e-6 AS same
  FROM agg_vectors o JOIN agg_grams USING (g) GROUP BY g ORDER BY g;
-- a gram that lies toasted, and one of float4
CREATE TABLE agg_wide AS SELECT n, ARRAY(SELECT cos(n * f)::real FROM generate_series(1, 40) f) AS factors FROM generate_series(1, 100) n;
CREATE TABLE agg_wide_gram AS SELECT reco.gram_agg(factors) AS gram FROM agg_wide;
SELECT pg_column_size(gram) > 8000 AS large FROM agg_wide_gram;
SELECT agg_gap(reco.als_agg(factors, 1, gram, reco.ials(regularization => 0.01, alpha => 1)),
               reco.als_agg(factors, 1, (SELECT reco.gram_agg(factors) FROM agg_wide), reco.ials(regularization => 0.01, alpha => 1))) < 1e-6 AS toasted,
       agg_gap(reco.als_agg(factors, 1, gram::real[], reco.ials(regularization => 1, alpha => 1)),
               reco.als_agg(factors, 1, gram, reco.ials(regularization => 1, alpha => 1))) < 1e-4 AS float4
  FROM agg_wide, agg_wide_gram WHERE n < 20;

--
-- The same by any plan
--
CREATE FUNCTION agg_plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  line text;
  plan text := '';
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
    plan := plan || line;
  END LOOP;
  RETURN CASE WHEN plan ~ 'Partial' THEN 'partial ' ELSE '' END || CASE WHEN plan ~ 'HashAggregate' THEN 'hash' WHEN plan ~ 'GroupAggregate' THEN 'sort' ELSE 'plain' END;
END
$$;
CREATE TABLE agg_gram AS SELECT reco.gram_agg(factors || 1::real) AS gram FROM agg_weighted.item_factors;
-- a table without statistics, now and later, so that plans stay what they are
CREATE TABLE agg_item_factors WITH (autovacuum_enabled = off) AS TABLE agg_weighted.item_factors;
ALTER TABLE agg_rows SET (autovacuum_enabled = off);
CREATE VIEW agg_step AS
  SELECT u, reco.als_agg(factors, v, (SELECT gram FROM agg_gram),
                         reco.ials(regularization => 0.01, alpha => 2, weighted_regularization => true)) AS x
    FROM agg_rows JOIN agg_item_factors ON item_id = i GROUP BY u;
CREATE VIEW agg_whole AS SELECT reco.gram_agg(ARRAY[u, i, v]::real[]) AS gram, reco.als_agg(ARRAY[u, i, v]::real[], v) AS x FROM agg_rows;
CREATE TABLE agg_plans (plan text, u int, x float8[]);
SET enable_hashagg = off;
SET max_parallel_workers_per_gather = 0;
INSERT INTO agg_plans SELECT agg_plan('TABLE agg_step'), u, x FROM agg_step;
INSERT INTO agg_plans SELECT agg_plan('TABLE agg_whole'), -1, gram FROM agg_whole;
RESET enable_hashagg;
SET enable_sort = off;
INSERT INTO agg_plans SELECT agg_plan('TABLE agg_step'), u, x FROM agg_step;
-- more groups than fit: the rest is spilled
SET work_mem = 64;
SET hash_mem_multiplier = 1;
CREATE TEMP TABLE agg_spilled AS SELECT * FROM agg_step;
INSERT INTO agg_plans SELECT 'hash, spilled', * FROM agg_spilled;
RESET work_mem;
RESET hash_mem_multiplier;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TEMP TABLE agg_hashed AS SELECT agg_plan('TABLE agg_step') AS plan, * FROM agg_step;
INSERT INTO agg_plans TABLE agg_hashed;
RESET enable_sort;
SET enable_hashagg = off;
CREATE TEMP TABLE agg_sorted AS SELECT agg_plan('TABLE agg_step') AS plan, * FROM agg_step;
INSERT INTO agg_plans TABLE agg_sorted;
CREATE TEMP TABLE agg_total AS SELECT agg_plan('TABLE agg_whole') AS plan, -1, gram FROM agg_whole;
INSERT INTO agg_plans TABLE agg_total;
SELECT plan, count(*) AS groups, max(agg_gap(p.x, m.factors)) < 1e-6 AS same
  FROM agg_plans p JOIN agg_weighted.user_factors m ON user_id = u GROUP BY plan ORDER BY plan;
SELECT plan, agg_gap(x, (SELECT ARRAY[sum(u * u), sum(u * i), sum(u * v), sum(i * u), sum(i * i), sum(i * v),
                                      sum(v * u), sum(v * i), sum(v * v)]::float8[] FROM agg_rows)) AS gap
  FROM agg_plans WHERE u = -1 ORDER BY plan;
-- workers that see no row of a group, or no row at all
SELECT reco.als_agg(factors, value) IS NULL AS none FROM agg_vectors WHERE value > 100;

-- states that are no states: an error, never a crash
CREATE AGGREGATE agg_foreign_bytes(int8) (SFUNC = int8_avg_accum, STYPE = internal, FINALFUNC = reco.als_agg_final,
  COMBINEFUNC = reco.als_agg_combine, SERIALFUNC = int8_avg_serialize, DESERIALFUNC = reco.als_agg_deserialize, PARALLEL = SAFE);
SELECT agg_foreign_bytes(v) FROM agg_rows;
SET max_parallel_workers_per_gather = 0;
CREATE AGGREGATE agg_foreign_state(int8) (SFUNC = int8_avg_accum, STYPE = internal, FINALFUNC = reco.als_agg_final);
\set VERBOSITY sqlstate
SELECT agg_foreign_state(v::int8) FROM agg_rows;
\set VERBOSITY default
RESET enable_hashagg;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

--
-- What is refused
--
SELECT reco.als_agg(f, 1) FROM (VALUES ('{1, 2}'::real[]), ('{1, 2, 3}')) AS v(f);
SELECT reco.gram_agg(f) FROM (VALUES ('{1, 2}'::real[]), ('{1}')) AS v(f);
SELECT reco.als_agg('{}', 1);
SELECT reco.als_agg('{{1, 2}, {3, 4}}', 1);
SELECT reco.als_agg('{1, NULL}', 1);
SELECT reco.als_agg('{1, NaN}', 1);
SELECT reco.als_agg('{-Infinity, 1}', 1);
SELECT reco.als_agg('{1e18}', 1);
SELECT reco.gram_agg('{NaN}');
SELECT reco.als_agg('{1}', 'NaN');
SELECT reco.als_agg('{1}', '-Infinity');
SELECT reco.als_agg('{1}', 1e19);
SELECT reco.als_agg(array_fill(1::real, ARRAY[1026]), 1);
SELECT cardinality(reco.als_agg(array_fill(0::real, ARRAY[1025]), 1));
SELECT reco.als_agg('{1}', 1, '{{1}}', NULL);
SELECT reco.als_agg('{1}', 1, '{{1}}', reco.popular());
SELECT reco.als_agg('{1}', 1, '{{1}}', '{"algorithm": "ials", "alpha": -1}');
SELECT reco.als_agg('{1}', 1, NULL, reco.ials(regularization => 0.01, alpha => 1));
SELECT reco.als_agg('{1}', 1, g, reco.ials(regularization => 0.01, alpha => 1)) FROM (VALUES ('{{1}}'::float8[]), (NULL)) AS v(g);
SELECT reco.als_agg('{1}', 1, '{{1}}', a) FROM (VALUES (reco.ials(regularization => 0.01, alpha => 1)), (reco.ials(alpha => 2, regularization => 0.01))) AS v(a);
SELECT reco.als_agg('{1}', 1, '{{1}}', a) FROM (VALUES (reco.ials(regularization => 0.01, alpha => 1)), (reco.als())) AS v(a);
-- options that a half step has no use for may differ, and biases are data
SELECT reco.als_agg('{1}', 1, NULL, a) FROM (VALUES (reco.als(seed => 1)), (reco.als(factors => 2, biases => false))) AS v(a);
SELECT reco.als_agg('{1, 2}', 1, '{1, 2, 3, 4}', reco.ials(regularization => 0.01, alpha => 1));
SELECT reco.als_agg('{1, 2}', 1, '{{1, 2}}', reco.ials(regularization => 0.01, alpha => 1));
SELECT reco.als_agg('{1, 2}', 1, '{{1}}', reco.ials(regularization => 0.01, alpha => 1));
SELECT reco.als_agg('{1, 2}', 1, '{{1, NULL}, {NULL, 1}}', reco.ials(regularization => 0.01, alpha => 1));
SELECT reco.als_agg('{1, 2}', 1, '{{1, Infinity}, {0, 1}}', reco.ials(regularization => 0.01, alpha => 1));
SELECT reco.als_agg('{1, 2}', 1, '{{1, 0.5}, {0.2, 1}}', reco.ials(regularization => 0.01, alpha => 1));
SELECT reco.als_agg('{1, 2}', 1, '{{-9, 0}, {0, -9}}', reco.ials(regularization => 0.01, alpha => 1));
SELECT reco.als_agg('{1, 2}', 1, g, reco.ials(regularization => 0.01, alpha => 1))
  FROM (VALUES ('{{1, 0}, {0, 1}}'::float8[]), ('{{1, 0, 0}, {0, 1, 0}, {0, 0, 5}}')) AS v(g);
SELECT reco.als_agg('{1, 2}', 1, '{{1, 0}, {0, 1}}', reco.ials(weighted_regularization => true, regularization => 0.01, alpha => 1));
SELECT reco.als_agg('{1, 2}', 1, '{{1, 0, 0}, {0, 1, 0}, {0, 0, 0}}', reco.ials(weighted_regularization => true, regularization => 0.01, alpha => 1));
-- nor when another group had the same gram and no use for it
SELECT reco.als_agg('{1, 2}', 1, '{{1, 0}, {0, 1}}', reco.ials(weighted_regularization => g = 2, regularization => 0.01, alpha => 1)) FROM generate_series(1, 2) AS g GROUP BY g ORDER BY g;
-- for the explicit model gram is nothing
SELECT reco.als_agg('{1, 2}', 1, '{{NaN}}', reco.als()) = reco.als_agg('{1, 2}', 1) AS same;
-- memory is counted
SET reco.max_memory = '200kB';
\set VERBOSITY sqlstate
SELECT reco.als_agg(array_fill(1::real, ARRAY[300]), 1) FROM generate_series(1, 1000);
\set VERBOSITY default
RESET reco.max_memory;
-- and a long group can be canceled
SET statement_timeout = '200ms';
SELECT reco.gram_agg(array_fill(1::real, ARRAY[1024])) FROM generate_series(1, 10000000);
RESET statement_timeout;

--
-- Whole factorizations in SQL
--
CREATE FUNCTION agg_seed(id bigint, factors int, scale float8) RETURNS real[] LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT array_agg((scale / sqrt(factors) * sqrt(3) * hashint8extended(id, f) / 2 ^ 63)::real ORDER BY f) FROM generate_series(1, factors) AS f;
END;

-- C19: at full rank the optimum is unique; the golden matrix comes from L-BFGS, not from reco
CREATE TABLE agg_c19 (u int, i int, v int);
INSERT INTO agg_c19 VALUES
  (1, 1, 4), (1, 2, 2), (2, 1, 1), (2, 3, 5), (3, 2, 3), (3, 3, 1), (3, 4, 2), (4, 1, 2), (4, 4, 6);
CREATE TEMP TABLE agg_p AS SELECT u, agg_seed(u, 4, 1) AS p FROM generate_series(1, 4) u;
CREATE TEMP TABLE agg_q (i int, q real[]);
DO $$
DECLARE
  algorithm reco.algorithm := reco.ials(regularization => 0.1, alpha => 1);
  gram float8[];
BEGIN
  FOR iteration IN 1 .. 300 LOOP
    gram := (SELECT reco.gram_agg(p) FROM agg_p);
    DELETE FROM agg_q;
    INSERT INTO agg_q SELECT i, reco.als_agg(p, v, gram, algorithm) FROM agg_c19 JOIN agg_p USING (u) GROUP BY i;
    gram := (SELECT reco.gram_agg(q) FROM agg_q);
    DELETE FROM agg_p;
    INSERT INTO agg_p SELECT u, reco.als_agg(q, v, gram, algorithm) FROM agg_c19 JOIN agg_q USING (i) GROUP BY u;
  END LOOP;
END
$$;
SELECT u, agg_gap(array_agg(agg_dot(p, q) ORDER BY i), golden) < 1e-5 AS golden
  FROM agg_p, agg_q, LATERAL (SELECT CASE u
         WHEN 1 THEN '{0.988798, 0.974810, 0.023898, 0.024103}' WHEN 2 THEN '{0.972593, 0.023943, 0.987237, 0.023624}'
         WHEN 3 THEN '{0.028322, 0.986008, 0.972583, 0.981565}' ELSE '{0.981572, 0.024148, 0.023624, 0.989118}' END::float8[] AS golden) AS g
 GROUP BY u, golden ORDER BY u;

-- implicit, as doc/sql-factorization.md has it: the objective falls and ends near that of a model in memory
CREATE TABLE agg_purchases AS
  SELECT customer_id, product_id, count(*)::int AS qty
    FROM (SELECT c AS customer_id, CASE WHEN h1 % 10 < 8 THEN c % 5 * 10 + h1 / 10 % 10 ELSE h2 % 50 END AS product_id
            FROM generate_series(1, 200) AS c, generate_series(1, 10 + c % 11) AS k,
                 LATERAL (SELECT abs(hashint4(c * 100 + k) % 1000000) AS h1, abs(hashint4(-c * 100 - k) % 1000000) AS h2) AS h) AS s
   GROUP BY customer_id, product_id;
CREATE TABLE agg_losses (model text, iteration int, loss float8);
CREATE UNLOGGED TABLE agg_customers AS
  SELECT customer_id, agg_seed(customer_id, 6, 0.1) AS factors FROM (SELECT DISTINCT customer_id FROM agg_purchases) AS c;
CREATE UNLOGGED TABLE agg_products (product_id int, factors real[]);
DO $$
DECLARE
  algorithm reco.algorithm := reco.ials(regularization => 1, alpha => 4);
  gram float8[];
BEGIN
  FOR iteration IN 1 .. 12 LOOP
    gram := (SELECT reco.gram_agg(factors) FROM agg_customers);
    DROP TABLE agg_products;
    CREATE UNLOGGED TABLE agg_products AS
    SELECT product_id, reco.als_agg(factors, qty, gram, algorithm) AS factors
      FROM agg_purchases JOIN agg_customers USING (customer_id) GROUP BY product_id;

    gram := (SELECT reco.gram_agg(factors) FROM agg_products);
    DROP TABLE agg_customers;
    CREATE UNLOGGED TABLE agg_customers AS
    SELECT customer_id, reco.als_agg(factors, qty, gram, algorithm) AS factors
      FROM agg_purchases JOIN agg_products USING (product_id) GROUP BY customer_id;

    INSERT INTO agg_losses
    SELECT 'implicit', iteration,
           sum((1 + 4 * qty) * (1 - score) ^ 2 - score ^ 2)
           + (SELECT agg_dot(reco.gram_agg(factors), gram) FROM agg_customers)
           + (SELECT sum(agg_dot(factors, factors)) FROM agg_customers) + (SELECT sum(agg_dot(factors, factors)) FROM agg_products)
      FROM (SELECT qty, agg_dot(c.factors, p.factors) AS score
              FROM agg_purchases JOIN agg_customers AS c USING (customer_id) JOIN agg_products AS p USING (product_id)) AS s;
  END LOOP;
END
$$;
CALL reco.create_model('agg_memory', 'agg_purchases', reco.ials(factors => 6, regularization => 1, alpha => 4, iterations => 12), options => reco.options(value => 'raw'));

SELECT count(*) AS iterations, count(*) FILTER (WHERE s.loss > before * (1 + 1e-6)) AS rises,
       (array_agg(s.loss ORDER BY iteration DESC))[1] / m.loss[12] BETWEEN 0.97 AND 1.03 AS as_in_memory
  FROM (SELECT *, lag(loss) OVER (ORDER BY iteration) AS before FROM agg_losses WHERE model = 'implicit') AS s, agg_memory.versions AS m
 GROUP BY m.loss;

-- explicit with biases: each side's factors end with its bias, and see a 1 behind the other's.
-- Going on from a model's fifth iteration takes the way that the model takes.
CALL reco.create_model('agg_ratings', 'agg_rows', reco.als(factors => 8, iterations => 12));
CREATE UNLOGGED TABLE agg_users AS SELECT user_id AS u, factors || bias AS factors FROM agg_explicit.user_factors;
CREATE UNLOGGED TABLE agg_items (i int, factors real[]);
DO $$
DECLARE
  mean float8 := (SELECT avg(v) FROM agg_rows);
BEGIN
  FOR iteration IN 6 .. 12 LOOP
    DROP TABLE agg_items;
    CREATE UNLOGGED TABLE agg_items AS
    SELECT i, reco.als_agg(factors[1:8] || 1::real, v - mean - factors[9]) AS factors
      FROM agg_rows JOIN agg_users USING (u) GROUP BY i;
    DROP TABLE agg_users;
    CREATE UNLOGGED TABLE agg_users AS
    SELECT u, reco.als_agg(factors[1:8] || 1::real, v - mean - factors[9]) AS factors
      FROM agg_rows JOIN agg_items USING (i) GROUP BY u;

    INSERT INTO agg_losses
    SELECT 'explicit', iteration,
           sum((v - mean - u.factors[9] - i.factors[9] - agg_dot(u.factors[1:8], i.factors[1:8])) ^ 2
               + 0.1 * (agg_dot(u.factors, u.factors) + agg_dot(i.factors, i.factors)))
      FROM agg_rows JOIN agg_users AS u USING (u) JOIN agg_items AS i USING (i);
  END LOOP;
END
$$;
SELECT iteration, abs(s.loss / m.loss[iteration] - 1) < 1e-5 AS as_in_memory
  FROM agg_losses AS s, agg_ratings.versions AS m WHERE model = 'explicit' ORDER BY iteration;

DROP VIEW agg_step, agg_whole;
CALL reco.drop_model('agg_implicit');
CALL reco.drop_model('agg_weighted');
CALL reco.drop_model('agg_negative');
CALL reco.drop_model('agg_unbiased');
CALL reco.drop_model('agg_explicit');
CALL reco.drop_model('agg_memory');
CALL reco.drop_model('agg_ratings');
DROP AGGREGATE agg_foreign_bytes(int8), agg_foreign_state(int8);
DROP FUNCTION agg_dot, agg_gap, agg_plan, agg_seed;
DROP TABLE agg_two, agg_rows, agg_solutions, agg_vectors, agg_grams, agg_wide, agg_wide_gram, agg_gram, agg_plans, agg_c19,
  agg_purchases, agg_losses, agg_customers, agg_products, agg_users, agg_items, agg_item_factors;
