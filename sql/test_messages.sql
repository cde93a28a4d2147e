--
-- What is often written wrongly: the error says how to write it.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

CREATE SCHEMA "Msg";
CREATE TABLE msg_lines AS SELECT u, i, 1 AS w FROM generate_series(1, 20) u, generate_series(1, 10) i WHERE (u * 7 + i) % 3 > 0;
CREATE TABLE "Msg"."the ""lines" AS TABLE msg_lines;

-- An algorithm in quotes.
CALL reco.create_model('msg', 'msg_lines', algorithm => 'ials');
CALL reco.create_model('msg', 'msg_lines', 'reco.item_knn(neighbors => 10)');
\set VERBOSITY terse
CALL reco.create_model('msg', 'msg_lines', 'magic');
CALL reco.create_model('msg', 'msg_lines', 'SELECT 1');
CALL reco.create_model('msg', 'msg_lines', '');
\set VERBOSITY default
CALL reco.create_model('msg', 'msg_lines', NULL);
\set VERBOSITY terse
CALL reco.create_model('msg', 'msg_lines', '{"algorithm": "magic"}');
\set VERBOSITY default
CALL reco.create_model('msg', 'msg_lines', '{"algorithm": "ials", "factors": 0}');
CALL reco.create_model('msg', 'msg_lines', '{"algorithm": ');
SELECT * FROM reco.evaluate('msg_lines', 'ials');
SELECT * FROM reco.evaluate('msg_lines', algorithms => 'reco.als()');
SELECT * FROM reco.evaluate('msg_lines', NULL);
CALL reco.create_model('msg', 'msg_lines'::regclass, 'ials');
SELECT * FROM reco.evaluate('msg_lines'::regclass, 'ials');
-- in alter_model, where it can be given alone, or by its place
CALL reco.create_model('msg_alter', 'msg_lines', reco.popular());
CALL reco.alter_model('msg_alter', algorithm => 'ials');
CALL reco.alter_model('msg_alter', 'msg_lines', 'reco.item_knn(neighbors => 10)');
\set VERBOSITY terse
CALL reco.alter_model('msg_alter', source => 'msg_lines', algorithm => 'magic');
CALL reco.alter_model('msg_alter', algorithm => 'SELECT 1', options => reco.options(live => 'off'));
\set VERBOSITY default
CALL reco.alter_model('msg_alter', algorithm => '{"algorithm": "ials", "factors": 0}');
\set VERBOSITY terse
CALL reco.alter_model('msg_alter', algorithm => '');
\set VERBOSITY default
CREATE FUNCTION msg_definition() RETURNS text LANGUAGE sql AS 'SELECT concat_ws(''; '', source, split_part(reco.describe(algorithm), ''('', 1), options ->> ''live'') FROM msg_alter.model';
SELECT msg_definition();
CALL reco.alter_model('msg_alter', NULL, NULL, NULL, NULL);
CALL reco.alter_model('msg_alter', algorithm => NULL);
CALL reco.alter_model('msg_alter', source => NULL, algorithm => NULL);
CALL reco.alter_model('msg_alter');
SELECT msg_definition();
-- the second argument without a name is the source
CALL reco.alter_model('msg_alter', 'SELECT u, i FROM msg_lines');
SELECT msg_definition();
DO $$
DECLARE
  t text := 'SELECT u, i, 1 FROM msg_lines';
  v varchar := 'SELECT u, i, 2 FROM msg_lines';
  j text := '{"algorithm": "item_knn"}';
BEGIN
  CALL reco.alter_model('msg_alter', t);
  RAISE WARNING '%', msg_definition();
  CALL reco.alter_model('msg_alter', v, reco.ials());
  RAISE WARNING '%', msg_definition();
  CALL reco.alter_model('msg_alter', v);
  CALL reco.alter_model('msg_alter', algorithm => j);
  RAISE WARNING '%', msg_definition();
  CALL reco.alter_model('msg_alter', algorithm => '{"algorithm": "popular"}', options => reco.options(live => 'on'));
  RAISE WARNING '%', msg_definition();
  CALL reco.alter_model('msg_alter', algorithm => reco.rp3beta());
  RAISE WARNING '%', msg_definition();
END $$;
-- one of type character is taken for an algorithm, and is told how to be the source
DO $$
DECLARE
  c char(9) := 'msg_lines';
  hint text;
BEGIN
  CALL reco.alter_model('msg_alter', source => c);
  RAISE WARNING '%', msg_definition();
  CALL reco.alter_model('msg_alter', c);
EXCEPTION WHEN invalid_parameter_value THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RAISE WARNING '%: %', sqlerrm, substring(hint FROM 'If this.*');
END $$;
DROP FUNCTION msg_definition;
CALL reco.drop_model('msg_alter');
-- its value in JSON is one, as before
CALL reco.create_model('msg', 'msg_lines', '{"algorithm": "popular"}');
SELECT reco.describe(algorithm) FROM msg.model;
SELECT DISTINCT split_part(algorithm, '(', 1) AS name FROM reco.evaluate('msg_lines', '{"{\"algorithm\": \"popular\"}"}');

-- One algorithm, and tables by their OIDs.
SELECT DISTINCT split_part(algorithm, '(', 1) AS name FROM reco.evaluate('msg_lines', reco.item_knn()) ORDER BY 1;
SELECT DISTINCT split_part(algorithm, '(', 1) AS name FROM reco.evaluate('msg_lines', algorithms => reco.item_knn(), cutoffs => '{5}') ORDER BY 1;
SELECT DISTINCT split_part(algorithm, '(', 1) AS name FROM reco.evaluate('msg_lines', ARRAY[reco.item_knn(), reco.rp3beta()]) ORDER BY 1;
SELECT DISTINCT split_part(algorithm, '(', 1) AS name FROM reco.evaluate('msg_lines'::regclass, reco.item_knn()) ORDER BY 1;
SELECT DISTINCT split_part(algorithm, '(', 1) AS name FROM reco.evaluate('"Msg"."the ""lines"'::regclass, ARRAY[reco.item_knn()]) ORDER BY 1;
SELECT * FROM reco.evaluate('msg_lines', NULL::reco.algorithm);
SELECT * FROM reco.evaluate(NULL::regclass, reco.popular());
CALL reco.create_model('msg_table', '"Msg"."the ""lines"'::regclass, reco.popular());
SELECT source FROM msg_table.model;
CALL reco.refresh('msg_table');
CALL reco.drop_model('msg_table');
CALL reco.create_model('msg_table', source => 'msg_lines'::regclass, algorithm => reco.ials());
CALL reco.drop_model('msg_table');
CALL reco.create_model('msg_table', 4000000000::regclass);
CALL reco.create_model('msg_table', NULL::regclass);

-- Schemas that are no models.
CALL reco.create_model('public', 'msg_lines');
CALL reco.create_model('Msg', 'msg_lines');
CALL reco.create_model('reco', 'msg_lines');
CALL reco.create_model('information_schema', 'msg_lines');
CALL reco.create_model('msg', 'msg_lines');
CALL reco.create_model('pg_catalog', 'msg_lines');

-- Types that are none of ids or values.
CALL reco.create_model('msg_types', 'SELECT u::float8, i FROM msg_lines');
CALL reco.create_model('msg_types', 'SELECT u, i::real FROM msg_lines');
CALL reco.create_model('msg_types', 'SELECT u > 1, i FROM msg_lines');
CALL reco.create_model('msg_types', 'SELECT u, i, w > 0 FROM msg_lines');
SELECT * FROM reco.evaluate('SELECT u, i, w > 0 FROM msg_lines', reco.popular());
CALL reco.create_model('msg_types', 'SELECT u, i, w::text FROM msg_lines');

-- Arrays of arrays.
SELECT * FROM msg.recommend(1, among => '{{1,2},{3,4}}');
SELECT * FROM msg.recommend(1, exclude => '{{1,2},{3,4}}');
SELECT * FROM msg.rerank(1, items => '{{1,2},{3,4}}');
SELECT * FROM msg.recommend_for('{{1,2},{3,4}}');
SELECT * FROM msg.audience(for_items => '{{1,2},{3,4}}');

-- The query of the users for whom lists are made.
CALL reco.materialize('msg', users => 'SELECT 1; SELECT 2');
CALL reco.materialize('msg', users => 'SELECT 1; DELETE FROM msg_lines');
CALL reco.materialize('msg', users => 'WITH d AS (DELETE FROM msg_lines RETURNING u) SELECT u FROM d');
CALL reco.materialize('msg', users => 'SELECT 1, 2');
CALL reco.materialize('msg', users => '');
CALL reco.materialize('msg', users => 'SELECT u FROM msg_lines WHERE u < 3; -- the first');
SELECT count(DISTINCT user_id) FROM msg.recommendations;
SELECT count(*) FROM msg_lines;

CALL reco.drop_model('msg');
DROP TABLE msg_lines, "Msg"."the ""lines";
DROP SCHEMA "Msg";
