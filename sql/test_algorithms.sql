--
-- Algorithms and options as values: constructors, their checks, descriptions.
--
SELECT reco.ials();
SELECT reco.als();
SELECT reco.popular();
SELECT reco.options();
SELECT pg_typeof(reco.ials()), pg_typeof(reco.options());
SELECT reco.describe(reco.ials()) UNION ALL SELECT reco.describe(reco.als()) UNION ALL SELECT reco.describe(reco.popular());
SELECT reco.describe(reco.ials(factors => 8, regularization => 0.5, alpha => 40, iterations => 3, weighted_regularization => true,
                               solver => 'cg', seed => 7));
SELECT reco.describe(reco.als(8, 0.5, 3, false, false, 'cholesky', 9007199254740992));
-- every value as it was given: what is described can be typed again
SELECT reco.describe(reco.ials(regularization => 0.123456789012345)) LIKE '% regularization => 0.123456789012345, %' AS exact;
-- NULL takes the default
SELECT reco.ials(factors => NULL, solver => NULL, seed => NULL, weighted_regularization => NULL);
SELECT reco.describe(reco.ials(NULL, NULL, NULL, NULL, NULL, NULL, NULL)) = reco.describe(reco.ials()) AS same;
SELECT reco.describe(reco.als(NULL, NULL, NULL, NULL, NULL, NULL, NULL)) = reco.describe(reco.als()) AS same;
SELECT reco.options(NULL, NULL, NULL, NULL);
SELECT reco.describe(NULL);

-- the ends of each range are in it
SELECT reco.ials(factors => 1, regularization => 1e-9, alpha => 1e-9, iterations => 1, seed => 0);
SELECT reco.ials(factors => 1024, regularization => 1e9, alpha => 1e6, iterations => 10000, seed => 9007199254740992);
SELECT reco.als(factors => 1, regularization => 1e-9, iterations => 1, seed => 0);
SELECT reco.als(factors => 1024, regularization => 1e9, iterations => 10000, seed => 9007199254740992);
SELECT reco.options(min_user_interactions => 1000000, min_item_interactions => 1000000, keep_versions => 1000);
-- and what is next to them is not
SELECT reco.ials(factors => 0);
SELECT reco.ials(factors => 1025);
SELECT reco.ials(factors => -2147483648);
SELECT reco.ials(regularization => 0);
SELECT reco.ials(regularization => -0.01);
SELECT reco.ials(regularization => 1.1e9);
SELECT reco.ials(regularization => 'NaN');
SELECT reco.ials(regularization => 'Infinity');
SELECT reco.ials(alpha => 0);
SELECT reco.ials(alpha => -1);
SELECT reco.ials(alpha => 1000001);
SELECT reco.ials(alpha => '-Infinity');
SELECT reco.ials(iterations => 0);
SELECT reco.ials(iterations => 10001);
SELECT reco.ials(seed => -1);
SELECT reco.ials(seed => 9007199254740993);
SELECT reco.ials(solver => 'lu');
SELECT reco.ials(solver => 'CG');
SELECT reco.ials(solver => '');
SELECT reco.als(factors => 0);
SELECT reco.als(regularization => 0);
SELECT reco.als(iterations => 0);
SELECT reco.als(solver => 'lu');
SELECT reco.als(solver => 'subspace');
SELECT reco.describe('{"algorithm": "als", "solver": "subspace"}');
SELECT reco.als(seed => -1);
SELECT reco.options(on_invalid => 'ignore');
SELECT reco.options(min_user_interactions => 0);
SELECT reco.options(min_item_interactions => -1);
SELECT reco.options(keep_versions => 0);
SELECT reco.options(keep_versions => 1001);
SELECT reco.ials(neighbors => 10);
SELECT reco.als(alpha => 2);
SELECT reco.popular(5);

-- made by hand: the domain checks them
SELECT reco.describe('{"algorithm": "ials", "factors": 8, "alpha": null}');
SELECT '{"algorithm": "als"}'::reco.algorithm;
-- one that is none: the hint names all there are, which are the constructors
CREATE FUNCTION pg_temp.valid_algorithms() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
  PERFORM '{"algorithm": "none"}'::reco.algorithm;
EXCEPTION WHEN invalid_parameter_value THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RETURN string_to_array(substring(hint FROM '^Valid algorithms are: (.*)\.$'), ', ');
END $$;
SELECT cardinality(pg_temp.valid_algorithms()) >= 7 AS many,
       ARRAY(SELECT unnest(pg_temp.valid_algorithms()) COLLATE "C" ORDER BY 1)
       = ARRAY(SELECT format('reco.%s()', proname) COLLATE "C" FROM pg_proc
                WHERE pronamespace = 'reco'::regnamespace AND prosrc = 'reco_make_algorithm' ORDER BY 1) AS all_constructors;
-- each that may be called without arguments makes a value of its name that is described as such
DO $$
DECLARE name text; made reco.algorithm;
BEGIN
  FOR name IN SELECT proname FROM pg_proc WHERE pronamespace = 'reco'::regnamespace AND prorettype = 'reco.algorithm'::regtype
               AND pronargs = pronargdefaults LOOP
    EXECUTE format('SELECT reco.%I()', name) INTO made;
    IF made ->> 'algorithm' <> name OR reco.describe(made) NOT LIKE name || '(%)' THEN
      RAISE '% makes %', name, made;
    END IF;
  END LOOP;
END $$;
\set VERBOSITY terse
SELECT '{"algorithm": "svdpp"}'::reco.algorithm;
\set VERBOSITY default
SELECT '{"algorithm": 5}'::reco.algorithm;
SELECT '{"algorithm": null}'::reco.algorithm;
SELECT '{"factors": 5}'::reco.algorithm;
SELECT '{}'::reco.algorithm;
SELECT '[]'::reco.algorithm;
SELECT '["algorithm"]'::reco.algorithm;
SELECT '"ials"'::reco.algorithm;
SELECT 'null'::reco.algorithm;
SELECT NULL::reco.algorithm;
SELECT 'ials()'::reco.algorithm;
SELECT '{"algorithm": "ials", "factor": 8}'::reco.algorithm;
SELECT '{"algorithm": "als", "alpha": 8}'::reco.algorithm;
SELECT '{"algorithm": "popular", "factors": 8}'::reco.algorithm;
SELECT '{"algorithm": "ials", "factors": 8.5}'::reco.algorithm;
SELECT '{"algorithm": "ials", "factors": "8"}'::reco.algorithm;
SELECT '{"algorithm": "ials", "factors": true}'::reco.algorithm;
SELECT '{"algorithm": "ials", "factors": [8]}'::reco.algorithm;
SELECT '{"algorithm": "ials", "factors": {"n": 8}}'::reco.algorithm;
SELECT '{"algorithm": "ials", "weighted_regularization": 1}'::reco.algorithm;
SELECT '{"algorithm": "ials", "solver": 1}'::reco.algorithm;
SELECT ('{"algorithm": "ials", "' || repeat('x', 200) || '": 1}')::reco.algorithm;
SELECT '{"keep_version": 1}'::reco.data_options;
SELECT '{"keep_versions": 1.5}'::reco.data_options;
SELECT '{"on_invalid": true}'::reco.data_options;
SELECT '[1]'::reco.data_options;
SELECT '{}'::reco.data_options;

-- values: stored, compared, put into arrays, tuned over
CREATE TABLE alg_grid (id int GENERATED ALWAYS AS IDENTITY, a reco.algorithm NOT NULL DEFAULT reco.ials(factors => 2));
INSERT INTO alg_grid DEFAULT VALUES;
INSERT INTO alg_grid (a) SELECT reco.ials(factors => f, alpha => al) FROM unnest(ARRAY[4, 8]) f, unnest(ARRAY[1.0, 1.5]) al ORDER BY f, al;
INSERT INTO alg_grid (a) VALUES ('{"algorithm": "ials", "factors": 0}');
UPDATE alg_grid SET a = a || '{"factors": 1}' WHERE id = 1;
UPDATE alg_grid SET a = a || '{"factors": 0}' WHERE id = 1;
SELECT id, reco.describe(a) FROM alg_grid ORDER BY id;
SELECT pg_typeof(ARRAY[reco.ials(), reco.als()]), pg_typeof(array_agg(a)) FROM alg_grid;
SELECT reco.ials() = reco.ials(factors => 64) AS equal, reco.ials() = reco.ials(factors => 65) AS other;
SELECT reco.ials() ->> 'factors' AS factors;
DROP TABLE alg_grid;

-- in an index or a generated column: the constructors are immutable
SELECT proname, provolatile, proparallel, proisstrict FROM pg_proc
 WHERE pronamespace = 'reco'::regnamespace AND proname IN ('ials', 'als', 'popular', 'options', 'describe', 'is_algorithm', 'is_data_options') ORDER BY 1;
-- every object of the extension has a comment
SELECT pg_describe_object(classid, objid, 0) AS without_comment FROM pg_depend d
 WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'reco')
   AND deptype = 'e' AND obj_description(objid, classid::regclass::name) IS NULL
   AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid WHERE t.oid = d.objid AND c.relkind = 'v')
   AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = d.objid AND t.typelem <> 0)
   AND classid <> 'pg_namespace'::regclass ORDER BY 1;
-- options for the functions' behaviour
SET reco.threads = -1;
SET reco.threads = 1025;
\set VERBOSITY sqlstate
SET reco.max_memory = -1;
\set VERBOSITY default
DO $$
BEGIN
  SET reco.nonsense = 1;  -- refused from PostgreSQL 15 on
  IF current_setting('server_version_num')::int >= 150000 THEN RAISE 'not refused'; END IF;
EXCEPTION WHEN invalid_name THEN NULL;
END
$$;
SHOW reco.threads;
SHOW reco.max_memory;

-- every option that has a range, as the pages tell it: both ends are in it, and nothing next to them
CREATE TEMP TABLE ranges (constructor text, option text, least numeric, greatest numeric, step numeric);
INSERT INTO ranges VALUES
  ('ials', 'factors', 1, 1024, 1), ('ials', 'regularization', 1e-9, 1e9, 1e-10), ('ials', 'alpha', 1e-9, 1e6, 1e-10),
  ('ials', 'iterations', 1, 10000, 1), ('ials', 'seed', 0, 9007199254740992, 1),
  ('als', 'factors', 1, 1024, 1), ('als', 'regularization', 1e-9, 1e9, 1e-10), ('als', 'iterations', 1, 10000, 1),
  ('als', 'seed', 0, 9007199254740992, 1),
  ('item_knn', 'neighbors', 1, 10000, 1), ('item_knn', 'shrinkage', 0, 1e9, 1e-6), ('item_knn', 'min_support', 1, 1e9, 1),
  ('item_knn', 'k1', 0, 1e6, 1e-6), ('item_knn', 'b', 0, 1, 1e-6), ('item_knn', 'exponent', 0, 1, 1e-6),
  ('item_knn', 'tversky_alpha', 0, 1000, 1e-6), ('item_knn', 'tversky_beta', 0, 1000, 1e-6),
  ('user_knn', 'neighbors', 1, 10000, 1), ('user_knn', 'shrinkage', 0, 1e9, 1e-6), ('user_knn', 'min_support', 1, 1e9, 1),
  ('rp3beta', 'alpha', 0, 10, 1e-6), ('rp3beta', 'beta', 0, 10, 1e-6), ('rp3beta', 'neighbors', 1, 10000, 1),
  ('options', 'min_user_interactions', 1, 1000000, 1), ('options', 'min_item_interactions', 1, 1000000, 1),
  ('options', 'max_user_interactions', 1, 1000000, 1), ('options', 'keep_versions', 1, 1000, 1);
CREATE FUNCTION pg_temp.accepts(constructor text, option text, value numeric) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE type text := CASE WHEN option = 'seed' THEN 'bigint'
                          WHEN option IN ('factors', 'iterations', 'neighbors', 'min_support') OR constructor = 'options' THEN 'integer'
                          ELSE 'float8' END;
        more text := CASE WHEN option IN ('tversky_alpha', 'tversky_beta') THEN ', similarity => ''tversky'''
                          WHEN option = 'exponent' THEN ', similarity => ''asymmetric'''
                          WHEN option IN ('k1', 'b') THEN ', weighting => ''bm25''' ELSE '' END;
BEGIN
  EXECUTE format('SELECT reco.%I(%I => %L::%s%s)', constructor, option, trim_scale(value), type, more);
  RETURN true;
EXCEPTION WHEN invalid_parameter_value OR check_violation THEN
  RETURN false;
END $$;
SELECT constructor, option, least, greatest FROM ranges
WHERE NOT (pg_temp.accepts(constructor, option, least) AND pg_temp.accepts(constructor, option, greatest))
   OR pg_temp.accepts(constructor, option, least - step) OR pg_temp.accepts(constructor, option, greatest + CASE step WHEN 1 THEN 1 ELSE greatest / 1e9 END);
-- through JSON no rounding brings a number back
SELECT '{"algorithm": "ials", "seed": 9007199254740993}'::reco.algorithm;
