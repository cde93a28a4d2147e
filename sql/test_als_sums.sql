--
-- als_state, als_sums and als_solve, gram_sums and gram_total: a half step whose sums are made
-- in parts.
--
SET client_min_messages = warning;
SET reco.threads = 1;

CREATE FUNCTION sums_gap(x float8[], y float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC SELECT max(abs(coalesce(a, 'Infinity') - coalesce(b, '-Infinity'))) FROM unnest(x, y) AS t(a, b); END;

CREATE TABLE sums_rows AS
  SELECT u, i, (1 + (u * i) % 5)::float8 AS v FROM generate_series(0, 199) u, generate_series(0, 99) i WHERE (7 * u + 3 * i) % 11 < 3 AND (i < 90 OR u < 2);
CREATE TABLE sums_users AS SELECT u, reco.als_start(u, reco.ials(factors => 12, seed => 7)) AS factors FROM generate_series(0, 199) u;
CREATE TABLE sums_grams AS SELECT reco.gram_agg(factors) AS gram, reco.gram_agg(factors || 1::real) AS counted FROM sums_users;

-- any division into parts: whole groups, a row each, by chance, more parts than rows
CREATE TABLE sums_divisions AS
  SELECT d, u, i, CASE d WHEN 0 THEN 0 WHEN 1 THEN u ELSE abs(hashint4(u * 1000 + i + d)) % (d * 7) END AS part
    FROM sums_rows, generate_series(0, 4) AS d;
CREATE TABLE sums_algorithms (name text, algorithm reco.algorithm, centered float8);
INSERT INTO sums_algorithms VALUES
  ('implicit', reco.ials(regularization => 0.3, alpha => 2), 0), ('negative', reco.ials(regularization => 0.3, alpha => 2), 3),
  ('weighted', reco.ials(regularization => 0.01, alpha => 2, weighted_regularization => true), 0), ('explicit', reco.als(regularization => 0.1), 2.5);
CREATE TABLE sums_whole AS
  SELECT name, i, reco.als_agg(factors, v - centered, CASE name WHEN 'weighted' THEN counted ELSE gram END, algorithm) AS x
    FROM sums_rows JOIN sums_users USING (u), sums_algorithms, sums_grams GROUP BY name, i;
WITH parts AS (
  SELECT name, d, i, part, reco.als_sums(factors, v - centered, algorithm) AS sums, reco.als_state(factors, v - centered, algorithm) AS state
    FROM sums_rows JOIN sums_users USING (u) JOIN sums_divisions USING (u, i), sums_algorithms GROUP BY name, d, i, part),
totals AS (
  SELECT name, d, i, count(*) AS parts, reco.als_solve(sums, CASE name WHEN 'weighted' THEN counted ELSE gram END) AS x,
         -- both kinds of parts may meet
         reco.als_solve(CASE WHEN part % 3 = 0 THEN sums ELSE state END, CASE name WHEN 'weighted' THEN counted ELSE gram END) AS y
    FROM parts, sums_grams GROUP BY name, d, i)
SELECT name, d, count(*) AS items, max(parts) AS most_parts, max(sums_gap(t.x, w.x)) < 1e-6 AS sums, max(sums_gap(t.y, w.x)) < 1e-6 AS states
  FROM totals t JOIN sums_whole w USING (name, i) GROUP BY name, d ORDER BY name, d;

-- sums are of one size, whatever the rows: 4 d (d + 3) bytes and a head; a state of few rows is less
SELECT max(octet_length(sums)) = min(octet_length(sums)) AS one_size, max(octet_length(sums)) - 4 * 12 * 15 AS head,
       min(octet_length(state)) < 150 AS small, max(octet_length(state)) > 800 AS large
  FROM (SELECT reco.als_sums(factors, v, reco.als()) AS sums, reco.als_state(factors, v, reco.als()) AS state
          FROM sums_rows JOIN sums_users USING (u) GROUP BY i) AS s;
-- no row is to be found in sums of two or more
SELECT count(*) AS rows, count(*) FILTER (WHERE position(float4send(factors[1]) IN state) > 0 OR position(reverse_bytes IN state) > 0) AS in_states,
       count(*) FILTER (WHERE position(reverse_bytes IN sums) > 0) AS in_sums
  FROM (SELECT i, reco.als_sums(factors, v, reco.als()) AS sums, reco.als_state(factors, v, reco.als()) AS state
          FROM sums_rows JOIN sums_users USING (u) WHERE i >= 80 AND u < 20 GROUP BY i HAVING count(*) > 1) AS s
  JOIN sums_rows r USING (i) JOIN sums_users f ON f.u = r.u AND r.u < 20,
  LATERAL (SELECT decode(string_agg(substr(encode(float4send(factors[1]), 'hex'), n, 2), '' ORDER BY n DESC), 'hex') AS reverse_bytes
             FROM unnest('{1, 3, 5, 7}'::int[]) AS n) AS b;

-- Y'Y in parts
SELECT sums_gap((SELECT array_agg(e) FROM unnest(reco.gram_total(sums)) AS e), (SELECT array_agg(e) FROM unnest(gram) AS e)) < 1e-12 AS same
  FROM (SELECT u % 3 AS part, reco.gram_sums(factors) AS sums FROM sums_users GROUP BY 1) AS s, sums_grams GROUP BY gram;

-- nothing, and nulls
SELECT reco.als_sums(factors, 1, reco.als()), reco.als_state(factors, 1, reco.als()), reco.gram_sums(factors) FROM sums_users WHERE false;
SELECT reco.als_solve(NULL, NULL), reco.gram_total(NULL), reco.als_start(NULL, reco.als());
SELECT reco.als_solve(s, '{{1}}') AS a_null_adds_nothing FROM (SELECT reco.als_sums('{2}', 3, reco.als()) UNION ALL SELECT NULL) AS v(s);
SELECT reco.als_solve(reco_sums, NULL) FROM (SELECT reco.als_sums('{2}', 0, reco.ials(regularization => 1, alpha => 1)) AS reco_sums) AS s;

-- the same by parallel plans
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION sums_plan() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) SELECT i, reco.als_sums(factors, v, reco.als()) FROM sums_rows JOIN sums_users USING (u) GROUP BY i'; END
$$;
SELECT count(*) FILTER (WHERE line ~ 'Partial') AS partial, count(*) FILTER (WHERE line ~ 'Finalize') AS finalize FROM sums_plan() AS line;
SELECT max(sums_gap(t.x, w.x)) < 1e-6 AS same
  FROM (SELECT i, reco.als_solve(s, gram) AS x
          FROM (SELECT i, reco.als_sums(factors, v, reco.ials(regularization => 0.3, alpha => 2)) AS s
                  FROM sums_rows JOIN sums_users USING (u) GROUP BY i) AS p, sums_grams GROUP BY i) AS t
  JOIN sums_whole AS w USING (i) WHERE name = 'implicit';
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- where a training begins is where a model begins: equal starts, equal losses
CALL reco.create_model('sums_model', 'SELECT u, i, v FROM sums_rows', reco.ials(factors => 6, regularization => 1, alpha => 2, iterations => 4, solver => 'cholesky', seed => 11),
  options => reco.options(value => 'raw', measure => false));
CREATE TABLE sums_p AS SELECT u, reco.als_start(row_number() OVER (ORDER BY u) - 1, reco.ials(factors => 6, seed => 11)) AS p FROM (SELECT DISTINCT u FROM sums_rows) AS s;
CREATE TABLE sums_q (i int, q real[]);
DO $$
DECLARE
  algorithm reco.algorithm := reco.ials(regularization => 1, alpha => 2);
  gram float8[];
BEGIN
  FOR iteration IN 1 .. 4 LOOP
    gram := (SELECT reco.gram_total(s) FROM (SELECT u % 2, reco.gram_sums(p) AS s FROM sums_p GROUP BY 1) AS g);
    DELETE FROM sums_q;
    INSERT INTO sums_q
      SELECT i, reco.als_solve(s, gram) FROM (SELECT u % 2, i, reco.als_state(p, v, algorithm) AS s FROM sums_rows JOIN sums_p USING (u) GROUP BY 1, i) AS t GROUP BY i;
    gram := (SELECT reco.gram_agg(q) FROM sums_q);
    DELETE FROM sums_p;
    INSERT INTO sums_p SELECT u, reco.als_agg(q, v, gram, algorithm) FROM sums_rows JOIN sums_q USING (i) GROUP BY u;
  END LOOP;
END
$$;
SELECT max(sums_gap(p, factors)) < 1e-5 AS users, (SELECT max(sums_gap(q, factors)) < 1e-5 FROM sums_q JOIN sums_model.item_factors ON item_id = i) AS items
  FROM sums_p JOIN sums_model.user_factors ON user_id = u;
DROP SCHEMA sums_model CASCADE;

--
-- What is refused
--
SELECT reco.als_solve('\x', '{{1}}');
SELECT reco.als_solve('\xdeadbeef', '{{1}}');
SELECT reco.gram_total(reco_sums || '\x00') FROM (SELECT reco.gram_sums('{1, 2}') AS reco_sums) AS s;
-- a byte that is other, any of them, or too few
CREATE FUNCTION sums_try(bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN reco.als_solve(bytes, '{{1, 0}, {0, 1}}')::text;
EXCEPTION WHEN invalid_binary_representation OR array_subscript_error OR invalid_parameter_value OR numeric_value_out_of_range THEN
  RETURN 'refused';
END
$$;
SELECT count(*) AS altered, count(*) FILTER (WHERE sums_try(set_byte(s, n, get_byte(s, n) # b)) <> 'refused') AS taken,
       count(*) FILTER (WHERE sums_try(substr(s, 1, n)) <> 'refused') AS cut
  FROM (SELECT reco.als_sums('{1, 2}', 3, reco.ials(regularization => 1, alpha => 1)) AS s) AS v,
       LATERAL generate_series(0, octet_length(s) - 1) AS n, unnest('{1, 128, 255}'::int[]) AS b;
-- sums of another kind, also where they are as wide and by the same regularization
SELECT reco.gram_total(s) FROM (SELECT reco.als_sums('{1, 2}', 0, reco.als(regularization => 1))) AS v(s);
SELECT reco.gram_total(s) FROM (SELECT reco.gram_sums('{1, 2}') UNION ALL SELECT reco.als_state('{1, 2}', 0, reco.als(regularization => 1))) AS v(s);
SELECT reco.als_solve(s, NULL) FROM (SELECT reco.gram_sums('{1, 2}')) AS v(s);
SELECT reco.als_solve(s, NULL) FROM (SELECT reco.als_sums('{1, 2}', 0, reco.als(regularization => 1)) UNION ALL SELECT reco.gram_sums('{1, 2}')) AS v(s);
SELECT reco.als_solve(s, NULL) FROM (SELECT reco.als_sums('{2}', 3, reco.ials(regularization => 1, alpha => 1)) AS s) AS v;
SELECT reco.als_solve(s, '{{1, 0}, {0, 1}}') FROM (SELECT reco.als_sums('{2}', 3, reco.ials(regularization => 1, alpha => 1)) AS s) AS v;
SELECT reco.als_solve(s, '{{1}}') FROM (SELECT reco.als_sums('{2}', 3, reco.ials(regularization => 1, alpha => 1)) UNION ALL SELECT reco.als_sums('{1, 2}', 3, reco.als())) AS v(s);
SELECT reco.als_solve(s, '{{1}}') FROM (SELECT reco.als_sums('{2}', 3, reco.ials(regularization => 1, alpha => 1)) UNION ALL SELECT reco.als_sums('{2}', 3, reco.ials(regularization => 2, alpha => 1))) AS v(s);
SELECT reco.als_sums('{2}', 3, reco.ials());
SELECT reco.als_sums('{2}', 3, reco.popular());
SELECT reco.als_sums('{2}', 3, NULL);
SELECT reco.als_start(-1, reco.als());
SELECT reco.als_start(0, reco.popular());
