--
-- Who may do what; owners, callers and tables that are hostile.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

DROP ROLE IF EXISTS regress_reco_alice, regress_reco_bob;  -- of a run that broke off
CREATE ROLE regress_reco_alice;
CREATE ROLE regress_reco_bob;
CREATE SCHEMA sec_alice AUTHORIZATION regress_reco_alice;
CREATE TABLE sec_secret (who text);	-- the superuser's

-- C43: what a role needs is the right to make a schema
SET ROLE regress_reco_alice;
CREATE TABLE sec_alice.rows (u int, i int);
INSERT INTO sec_alice.rows VALUES (1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (3, 3);
CALL reco.create_model('sec_home', 'sec_alice.rows', reco.popular());
RESET ROLE;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_reco_alice', current_database()); END $$;
SET ROLE regress_reco_alice;
CALL reco.create_model('sec_home', 'sec_alice.rows', reco.ials(factors => 2));
SELECT item_id FROM sec_home.recommend(1);
SELECT model, owner, status FROM reco.models WHERE model LIKE 'sec%';
-- bob: nothing, in a session whose cache holds the model
SET ROLE regress_reco_bob;
SELECT * FROM sec_home.recommend(1);
SELECT * FROM reco.recommend('sec_home', 1);
SELECT * FROM sec_home.item_factors;
SELECT * FROM reco.serve_popular('sec_home', 1, '{}') AS r(rank int, item_id int, score real);
CALL reco.refresh('sec_home');
CALL reco.alter_model('sec_home', options => reco.options());
CALL reco.drop_model('sec_home');
CALL reco.create_model('sec_home', 'SELECT 1, 1');
SELECT count(*) FROM reco.models WHERE model LIKE 'sec%';
-- granted: he reads, but cannot change it; tables are not functions
SET ROLE regress_reco_alice;
GRANT USAGE ON SCHEMA sec_home TO regress_reco_bob;
GRANT SELECT ON ALL TABLES IN SCHEMA sec_home TO regress_reco_bob;
SET ROLE regress_reco_bob;
SELECT item_id FROM sec_home.recommend(1);
SET ROLE regress_reco_alice;
CALL reco.grant_use('sec_home', 'regress_reco_bob');
SET ROLE regress_reco_bob;
SELECT item_id FROM sec_home.recommend(1);
SELECT item_id FROM reco.recommend('sec_home', 1);
SELECT count(*) FROM sec_home.item_factors;
SELECT model, owner, status FROM reco.models WHERE model LIKE 'sec%';
CALL reco.refresh('sec_home');
CALL reco.alter_model('sec_home', options => reco.options());
CALL reco.drop_model('sec_home');
UPDATE sec_home.model SET source = 'sec_secret';
-- a member of the owner may, and the source is still read with the owner's rights
RESET ROLE;
GRANT regress_reco_alice TO regress_reco_bob;
SET ROLE regress_reco_bob;
CALL reco.refresh('sec_home');
SELECT version, trained_by FROM sec_home.versions ORDER BY version;
RESET ROLE;
REVOKE regress_reco_alice FROM regress_reco_bob;
-- a source that the owner may not read
SET ROLE regress_reco_alice;
CALL reco.create_model('sec_other', 'SELECT 1, who FROM sec_secret');
CALL reco.alter_model('sec_home', source => 'SELECT 1, 2 FROM sec_secret');
RESET ROLE;
CALL reco.refresh('sec_home');
CALL reco.alter_model('sec_home', source => 'sec_alice.rows');
-- C44: policies apply to the owner of the model, whoever refreshes it
CREATE TABLE sec_policy (u int, i int, owner name);
INSERT INTO sec_policy VALUES (1, 10, 'regress_reco_alice'), (1, 11, 'regress_reco_alice'), (2, 10, 'regress_reco_bob'), (2, 12, 'regress_reco_bob');
ALTER TABLE sec_policy ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON sec_policy USING (owner = current_user);
GRANT SELECT ON sec_policy TO regress_reco_alice, regress_reco_bob;
SET ROLE regress_reco_alice;
CALL reco.create_model('sec_rows', 'SELECT u, i FROM public.sec_policy', reco.popular());
RESET ROLE;
CALL reco.refresh('sec_rows');
SELECT user_id FROM sec_rows.user_factors;
SELECT item_id FROM sec_rows.item_factors ORDER BY 1;

-- A hostile source: whatever its functions try, they are alice, and confined.
SET ROLE regress_reco_alice;
CREATE TABLE sec_alice.log (place text, who name);
CREATE FUNCTION sec_alice.attempt() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 2; END';
CALL reco.create_model('sec_trap', 'SELECT 1, sec_alice.attempt() UNION ALL SELECT 3, 4', reco.popular());
CREATE OR REPLACE FUNCTION sec_alice.attempt() RETURNS int LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO sec_alice.log VALUES ('source', current_user); RETURN 2; END $$;
RESET ROLE;
CALL reco.refresh('sec_trap');
SELECT * FROM sec_alice.log;
CREATE FUNCTION sec_try(body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  before int := (SELECT active_version FROM sec_trap.model);
BEGIN
  SET LOCAL ROLE regress_reco_alice;
  EXECUTE format('CREATE OR REPLACE FUNCTION sec_alice.attempt() RETURNS int LANGUAGE plpgsql AS %L', 'BEGIN ' || body || '; RETURN 2; END');
  RESET ROLE;
  BEGIN
    CALL reco.refresh('sec_trap');
    RETURN 'it went through';
  EXCEPTION WHEN OTHERS THEN
    IF before = (SELECT active_version FROM sec_trap.model) AND current_user = session_user THEN
      RETURN sqlstate;
    END IF;
    RETURN 'it left something behind';
  END;
END
$$;
SELECT body, sec_try(body) FROM (VALUES
  ('INSERT INTO public.sec_secret VALUES (current_user)'), ('PERFORM * FROM public.sec_secret'),
  ('ALTER ROLE regress_reco_alice SUPERUSER'), ('GRANT pg_read_all_data TO regress_reco_alice'),
  ('RESET ROLE'), ('SET ROLE NONE'), ('SET SESSION AUTHORIZATION DEFAULT'), ('RESET SESSION AUTHORIZATION'),
  ('PERFORM set_config(''role'', ''none'', false)'), ('CREATE TEMP TABLE hidden (x int)'),
  ('EXECUTE ''DECLARE c CURSOR WITH HOLD FOR SELECT 1'''), ('COMMIT'), ('ROLLBACK'),
  ('PERFORM pg_read_file(''PG_VERSION'')'),
  ('EXECUTE ''COPY sec_alice.log TO PROGRAM ''''true''''''')) AS v(body);
SELECT count(*) FROM sec_secret;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_reco_alice';
-- the same when planning already evaluates it
ALTER FUNCTION sec_alice.attempt() IMMUTABLE;
SELECT sec_try('IF current_user = ''regress_reco_alice'' THEN RAISE division_by_zero; END IF');

-- Hostile triggers, index expressions, constraints and defaults on the model's own tables.
SET ROLE regress_reco_alice;
TRUNCATE sec_alice.log;
CREATE FUNCTION sec_alice.on_row() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO sec_alice.log VALUES (tg_table_name, current_user); RETURN coalesce(new, old); END $$;
CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON sec_home.model FOR EACH ROW EXECUTE FUNCTION sec_alice.on_row();
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON sec_home.model_version FOR EACH ROW EXECUTE FUNCTION sec_alice.on_row();
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON sec_home.model_user FOR EACH ROW EXECUTE FUNCTION sec_alice.on_row();
CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON sec_home.model_item FOR EACH ROW EXECUTE FUNCTION sec_alice.on_row();
CREATE FUNCTION sec_alice.tell(place text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$
  BEGIN IF current_user <> 'regress_reco_alice' THEN RAISE WARNING '% runs as another', place; END IF; RETURN true; END $$;
CREATE INDEX ON sec_home.model_item (sec_alice.tell('index' || item_id));
CREATE INDEX ON sec_home.model_user (user_id) WHERE sec_alice.tell('predicate' || user_id);
ALTER TABLE sec_home.model_version ADD CONSTRAINT model_version_check CHECK (sec_alice.tell('check' || version));
RESET ROLE;
CALL reco.refresh('sec_home');
CALL reco.alter_model('sec_home', algorithm => reco.ials(factors => 3));
CALL reco.refresh('sec_home');
SELECT item_id FROM sec_home.recommend(1);
SELECT who, count(*) > 5 AS several FROM sec_alice.log GROUP BY who;
-- a trigger that waits for the commit would run as the caller: it is refused
SET ROLE regress_reco_alice;
CREATE CONSTRAINT TRIGGER later AFTER INSERT OR UPDATE ON sec_home.model_version
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec_alice.on_row();
RESET ROLE;
CALL reco.refresh('sec_home');
DROP TRIGGER later ON sec_home.model_version;
-- an index that fails after the first commit: the version is marked, the old one serves
SET ROLE regress_reco_alice;
CREATE FUNCTION sec_alice.fail(n int, v int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
  'BEGIN IF v = (SELECT max(version) FROM sec_home.model_version) AND n = 2 THEN RAISE EXCEPTION ''no item %'', n; END IF; RETURN n; END';
CREATE INDEX fails ON sec_home.model_item (sec_alice.fail(item_id, version)) WHERE version > 5;
RESET ROLE;
CALL reco.refresh('sec_home');
SELECT version, status, active, message FROM sec_home.versions ORDER BY version DESC LIMIT 2;
SELECT item_id FROM sec_home.recommend(1);
DROP INDEX sec_home.fails;
CALL reco.refresh('sec_home');
SELECT version, status, active FROM sec_home.versions ORDER BY version DESC LIMIT 1;

-- The list of models runs no code of owners and shows tables only.
SET ROLE regress_reco_alice;
CREATE SCHEMA sec_fake;
CREATE VIEW sec_fake.model AS SELECT sec_alice.tell('view') AS definition;
CREATE SCHEMA sec_fake2;
CREATE TABLE sec_fake2.model (LIKE sec_home.model);
INSERT INTO sec_fake2.model SELECT * FROM sec_home.model;
ALTER TABLE sec_rows.model ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON sec_rows.model USING (sec_alice.tell('policy'));
CALL reco.grant_use('sec_rows', 'regress_reco_bob', tables => true);
SET ROLE regress_reco_bob;
SELECT model FROM reco.models WHERE model LIKE 'sec%' ORDER BY 1;
SELECT * FROM sec_rows.recommend(1);
RESET ROLE;
SELECT model FROM reco.models WHERE model LIKE 'sec%' ORDER BY 1;
CALL reco.refresh('sec_fake');
CALL reco.drop_model('sec_fake2');
DROP SCHEMA sec_fake, sec_fake2 CASCADE;

-- A hostile search_path: functions, operators and types that shadow those of pg_catalog.
CREATE SCHEMA sec_shadow;
CREATE FUNCTION sec_shadow.stop(int, int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''captured =''; RETURN true; END';
CREATE OPERATOR sec_shadow.= (LEFTARG = int, RIGHTARG = int, FUNCTION = sec_shadow.stop);
CREATE FUNCTION sec_shadow.jsonb_build_object(text, int, text, bigint[], text, bigint[], text, bool, text, text) RETURNS jsonb
  LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''captured function''; RETURN ''{}''; END';
CREATE FUNCTION sec_shadow.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''captured function''; RETURN now(); END';
CREATE FUNCTION sec_shadow.serve_recommend(regnamespace, anyelement, jsonb) RETURNS SETOF record LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''captured function''; END';
CREATE TYPE sec_shadow.jsonb AS (x int);
CREATE TYPE sec_shadow.int4 AS (x int);
CREATE TYPE pg_temp.regnamespace AS (x int);
CREATE TEMP TABLE text (x int);
SET search_path = sec_shadow, pg_temp, pg_catalog, public;
CALL reco.create_model('sec_plain', 'sec_alice.rows', reco.ials(factors => 2));
CALL reco.refresh('sec_plain');
SELECT item_id FROM sec_plain.recommend(1);
SELECT item_id FROM reco.recommend('sec_plain', 1);
SELECT model FROM reco.models WHERE model LIKE 'sec_p%';
SELECT count(*) FROM reco.evaluate('sec_alice.rows', ARRAY[reco.popular()], test_fraction => 0.5);
CALL reco.drop_model('sec_plain');
RESET search_path;
DROP SCHEMA sec_shadow CASCADE;
DROP TYPE pg_temp.regnamespace;
DROP TABLE pg_temp.text;

-- Names that must be quoted.
CREATE TABLE sec_alice."Rows; -- ""of"" ''Alice''" AS TABLE sec_alice.rows;
CALL reco.create_model('Model; -- "of" ''Alice''', 'sec_alice."Rows; -- ""of"" ''''Alice''''"', reco.ials(factors => 2));
CALL reco.create_model('sec_{user} {model}', 'sec_alice.rows', reco.popular());
SELECT item_id FROM "Model; -- ""of"" 'Alice'".recommend(1);
SELECT item_id FROM reco.recommend('Model; -- "of" ''Alice''', 1);
SELECT item_id FROM "sec_{user} {model}".recommend(1);
CALL reco.refresh('Model; -- "of" ''Alice''');
CALL reco.alter_model('Model; -- "of" ''Alice''', algorithm => reco.popular());
SELECT model, algorithm FROM reco.models WHERE model LIKE 'Model%';
CALL reco.drop_model('Model; -- "of" ''Alice''');
CALL reco.drop_model('sec_{user} {model}');
CALL reco.create_model('', 'sec_alice.rows');
CALL reco.create_model('sec_' || repeat('x', 60), 'sec_alice.rows');
CALL reco.create_model('pg_sec', 'sec_alice.rows');
CALL reco.create_model('sec_alice', 'sec_alice.rows');
CALL reco.create_model(NULL, 'sec_alice.rows');
CALL reco.refresh('sec_HOME');

-- Direct calls of what stands behind the functions.
SELECT rank, item_id, source FROM reco.serve_recommend('sec_home', 1, '{"n": 1}') AS r(rank int, item_id int, score real, source text);
SELECT * FROM reco.serve_recommend('sec_home', 1, '{}') AS r(rank int, item_id bigint, score real, source text);
SELECT * FROM reco.serve_recommend('sec_home', 1, '{}') AS r(rank int, item_id text, score real, source text);
SELECT * FROM reco.serve_recommend('sec_home', 1, '{}') AS r(rank int);
SELECT * FROM reco.serve_recommend('sec_home', 1, '{}') AS r(rank int, item_id int, score real, source text, more int);
SELECT * FROM reco.serve_explain('sec_home', 1, '{"item": 1}') AS r(item text, contribution real, share real);
SELECT reco.serve_predict('sec_home', 1, '{}');
SELECT count(*) FROM reco.serve_recommend('sec_home', 1, NULL) AS r(rank int, item_id int, score real, source text);
SELECT count(*) FROM reco.serve_recommend('sec_home', NULL::int, '{}') AS r(rank int, item_id int, score real, source text);
SELECT count(*) FROM reco.serve_recommend(NULL, 1, '{}') AS r(rank int, item_id int, score real, source text);
SELECT count(*) FROM reco.serve_recommend('public', 1, '{}') AS r(rank int, item_id int, score real, source text);
SELECT count(*) FROM reco.serve_recommend('sec_alice', 1, '{}') AS r(rank int, item_id int, score real, source text);
SELECT count(*) FROM reco.serve_recommend(1::oid, 1, '{}') AS r(rank int, item_id int, score real, source text);
SELECT count(*) FROM reco.serve_recommend(0::oid, 1, '{}') AS r(rank int, item_id int, score real, source text);
CREATE FUNCTION sec_call(subject anyelement, options jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  f text; line text := '';
  columns CONSTANT jsonb := '{"recommend": "a int, b int, c real, d text", "recommend_for": "a int, b int, c real, d text",
    "rerank": "a int, b int, c real", "predict": "a real", "explain": "a int, b real, c real",
    "similar_items": "a int, b int, c float8", "similar_users": "a int, b int, c float8", "popular": "a int, b int, c real"}';
  n int;
BEGIN
  FOREACH f IN ARRAY ARRAY['recommend', 'recommend_for', 'rerank', 'predict', 'explain', 'similar_items', 'similar_users', 'popular'] LOOP
    BEGIN
      EXECUTE format('SELECT count(*) FROM reco.serve_%s(''sec_home'', $1, $2) AS r(%s)', f, columns ->> f) INTO n USING subject, options;
      line := line || n || ' ';
    EXCEPTION WHEN OTHERS THEN
      line := line || sqlstate || ' ';
    END;
  END LOOP;
  RETURN line;
END
$$;
-- rows or an ordinary error, for each of the eight
SELECT left(options::text, 24) AS options, sec_call(1, options) FROM unnest(ARRAY['{}', '[]', '1', '"x"', 'null', '{"n": "x"}', '{"n": null}', '{"n": 1.5}', '{"n": 1e30}', '{"n": -1}',
  '{"n": [1]}', '{"n": "NaN"}', '{"among": {"a": 1}}', '{"among": [[1]]}', '{"among": [true]}', '{"among": ["1"]}', '{"among": ["x"]}', '{"among": 1}', '{"among": [1.5]}',
  '{"among": [1e400]}', '{"exclude": [null]}', '{"include_seen": "yes"}', '{"include_seen": 1}', '{"fallback": 1}', '{"items": 1}', '{"items": [1, [2]]}',
  '{"item": [1, 2]}', '{"item": {}}', '{"item": "1"}', '{"weights": {}, "item": 1}', '{"weights": [1e400]}', '{"weights": "1"}']::jsonb[]) AS options;
SELECT 'int[]', sec_call(ARRAY[1, 2], '{"item": 1, "items": [1]}');
SELECT 'int[][]', sec_call(ARRAY[[1, 2], [2, 3]], '{"item": 1, "items": [1]}');
SELECT 'text[]', sec_call('{1,x}'::text[], '{"item": 1, "items": [1]}');
SELECT 'int2vector', sec_call('1 2'::int2vector, '{"item": 1, "items": [1]}');
SELECT 'text', sec_call('1'::text, '{"item": 1, "items": [1]}');
SELECT 'bad text', sec_call('x'::text, '{"item": 1, "items": [1]}');
SELECT 'float8', sec_call(1.5::float8, '{"item": 1, "items": [1]}');
SELECT 'numeric', sec_call('NaN'::numeric, '{"item": 1, "items": [1]}');
SELECT 'record', sec_call(NULL::pg_class, '{"item": 1, "items": [1]}');
SELECT 'range', sec_call('[1,2)'::int4range, '{"item": 1, "items": [1]}');
SELECT 'jsonb', sec_call('[1]'::jsonb, '{"item": 1, "items": [1]}');
DROP FUNCTION sec_call;
CALL reco.drop_model('sec_rows');

-- Tables that were tampered with: an error, and a refresh that heals what it can.
ALTER TABLE sec_home.model_version DROP CONSTRAINT model_version_check;
DROP INDEX sec_home.model_item_tell_idx, sec_home.model_user_user_id_idx;
DROP TRIGGER t ON sec_home.model;
DROP TRIGGER t ON sec_home.model_version;
DROP TRIGGER t ON sec_home.model_user;
DROP TRIGGER t ON sec_home.model_item;
CALL reco.alter_model('sec_home', algorithm => reco.ials(factors => 2));
CALL reco.refresh('sec_home');
CREATE SEQUENCE sec_nonce;
-- numbers as rows have them, in the machine's order
CREATE OR REPLACE FUNCTION packed(numbers real[]) RETURNS bytea LANGUAGE sql AS $$
  SELECT coalesce(string_agg(substr(b, 4, 1) || substr(b, 3, 1) || substr(b, 2, 1) || substr(b, 1, 1), '' ORDER BY n), '')
    FROM (SELECT n, float4send(x) AS b FROM unnest(numbers) WITH ORDINALITY AS u(x, n)) AS s
$$;
CREATE OR REPLACE FUNCTION packed_list(numbers int[], weights float8[]) RETURNS bytea LANGUAGE sql AS $$
  SELECT coalesce(string_agg(r, '' ORDER BY n), '') FROM (
    SELECT n, (SELECT string_agg(substr(b, i, 1), '' ORDER BY i DESC) FROM generate_series(1, length(b)) AS i) AS r FROM (
      SELECT n, int4send(x) AS b FROM unnest(numbers) WITH ORDINALITY AS u(x, n) UNION ALL
      SELECT n + 100, float8send(x) FROM unnest(weights) WITH ORDINALITY AS u(x, n)) AS s) AS t
$$;
CREATE FUNCTION sec_tamper(change text, call text DEFAULT 'SELECT count(*) FROM sec_home.recommend(1)') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text; detail text; healed text;
BEGIN
  BEGIN
    EXECUTE change;
    UPDATE sec_home.model SET active_nonce = nextval('sec_nonce');  -- no cache knows it
    BEGIN
      EXECUTE call INTO result;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
      result := sqlerrm || ': ' || detail;
    END;
    BEGIN
      CALL reco.refresh('sec_home');
      EXECUTE call INTO healed;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
      healed := sqlerrm || ': ' || detail;
    END;
    RAISE EXCEPTION USING ERRCODE = 'RE000';
  EXCEPTION WHEN SQLSTATE 'RE000' THEN
    RETURN result || ' | ' || healed;
  END;
END
$$;
SELECT change, sec_tamper(change) FROM (VALUES
  ('SELECT'),
  ('DELETE FROM sec_home.model_item WHERE item_id = 2'),
  ('DELETE FROM sec_home.model_item'),
  ('DELETE FROM sec_home.model_user'),
  ('DELETE FROM sec_home.model_version'),
  ('DELETE FROM sec_home.model'),
  ('INSERT INTO sec_home.model_item SELECT version, 99, 3, interactions, features, parts, trend, numbers FROM sec_home.model_item WHERE item_id = 1'),
  ('ALTER TABLE sec_home.model_item DROP CONSTRAINT model_item_version_number_key; UPDATE sec_home.model_item SET number = 0 WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET number = -1 WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET number = 2147483647 WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed(''{1}'')] WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed(''{1,2,3}'')] WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed(''{}'')] WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[[packed(''{1}'')], [packed(''{2}'')]] WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[NULL::bytea] WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed(''{1,NaN}'')] WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed(''{1,Infinity}'')] WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET parts = (''[5:5]={"'' || replace(parts[1]::text, ''\'', ''\\'') || ''"}'')::bytea[] WHERE item_id = 2'),
  ('UPDATE sec_home.model_item SET parts = ''{}'' WHERE item_id = 2'),
  ('UPDATE sec_home.model_user SET parts = ARRAY[packed(''{1}'')]'),
  ('UPDATE sec_home.model_user SET parts = ARRAY[packed(''{NaN,1}'')]'),
  ('UPDATE sec_home.model_user SET parts = parts || packed(''{1}'')'),
  ('UPDATE sec_home.model_user SET history = '''''),
  ('UPDATE sec_home.model_user SET history = ''\x00'''),
  ('UPDATE sec_home.model_user SET history = ''\x0000'''),
  ('UPDATE sec_home.model_user SET history = ''\x0003'''),
  ('UPDATE sec_home.model_user SET history = ''\x000100ff'''),
  ('UPDATE sec_home.model_user SET history = ''\x000103'''),
  ('UPDATE sec_home.model_user SET history = ''\x0101000101'''),
  ('UPDATE sec_home.model_user SET history = ''\x0201000000c07f'''),
  ('UPDATE sec_home.model_user SET history = ''\x00ffffffffffffffffff7f'''),
  ('UPDATE sec_home.model_user SET history = ''\x0001ffffffffffffffffff7f'''),
  ('UPDATE sec_home.model_user SET history = ''\x07010000'''),
  ('UPDATE sec_home.model_version SET items = -1'),
  ('UPDATE sec_home.model_version SET items = 2'),
  ('UPDATE sec_home.model_version SET items = NULL'),
  ('UPDATE sec_home.model_version SET min_value = ''NaN'''),
  ('UPDATE sec_home.model_version SET max_value = ''Infinity'''),
  ('UPDATE sec_home.model_version SET min_value = 1e9'),
  ('UPDATE sec_home.model_version SET algorithm = NULL'),
  ('UPDATE sec_home.model_version SET algorithm = algorithm - ''alpha'''),
  ('UPDATE sec_home.model_version SET algorithm = ''{"algorithm": "item_knn"}'''),
  ('UPDATE sec_home.model_version SET algorithm = reco.hybrid(ARRAY[reco.popular(), reco.ials(2, NULL, 1)])'),
  ('UPDATE sec_home.model_version SET version = version + 100'),
  ('UPDATE sec_home.model SET active_version = 99'),
  ('UPDATE sec_home.model SET active_version = -1'),
  ('UPDATE sec_home.model SET active_version = NULL'),
  ('UPDATE sec_home.model SET algorithm = NULL'),
  ('UPDATE sec_home.model SET source = NULL'),
  ('UPDATE sec_home.model SET search_path = NULL'),
  ('UPDATE sec_home.model SET search_path = ''no,,such'''),
  ('UPDATE sec_home.model SET options = NULL'),
  ('UPDATE sec_home.model SET next_version = 1'),
  ('ALTER TABLE sec_home.model_item ADD extra int'),
  ('ALTER TABLE sec_home.model_item DROP parts CASCADE'),
  ('ALTER TABLE sec_home.model_item RENAME number TO numeral'),
  ('DROP VIEW sec_home.item_neighbors; ALTER TABLE sec_home.model_item ALTER number TYPE bigint'),
  ('DROP VIEW sec_home.item_factors, sec_home.item_neighbors; ALTER TABLE sec_home.model_item ALTER parts TYPE text[]'),
  ('DROP VIEW sec_home.item_factors, sec_home.item_neighbors; ALTER TABLE sec_home.model_item ALTER item_id TYPE bigint'),
  ('DROP VIEW sec_home.user_factors, sec_home.user_neighbors; ALTER TABLE sec_home.model_user ALTER user_id TYPE bigint'),
  ('ALTER TABLE sec_home.model_item DROP CONSTRAINT model_item_pkey'),
  ('ALTER TABLE sec_home.model_user DROP CONSTRAINT model_user_pkey'),
  ('DROP TABLE sec_home.model_user CASCADE'),
  ('DROP TABLE sec_home.model_version CASCADE'),
  ('ALTER TABLE sec_home.model NOT OF')) AS v(change);
SELECT change, sec_tamper(change, 'SELECT count(*) FROM sec_home.similar_users(1)') FROM (VALUES
  ('SELECT'), ('DELETE FROM sec_home.model_user WHERE user_id = 2'), ('UPDATE sec_home.model_version SET users = 1'), ('UPDATE sec_home.model_version SET users = -1'),
  ('UPDATE sec_home.model_user SET parts = ARRAY[packed(''{1,NaN}'')] WHERE user_id = 3')) AS v(change);
-- never a NaN, whatever the tables hold: an error, or no such row
SELECT change, sec_tamper(change, call) NOT SIMILAR TO '[1-9]%' AS sane FROM (VALUES
  ('UPDATE sec_home.model_version SET max_value = ''NaN''', 'SELECT count(*) FILTER (WHERE score = ''NaN'') FROM sec_home.recommend(1)'),
  ('UPDATE sec_home.model_user SET parts = ARRAY[packed(''{3e38,3e38}'')]; UPDATE sec_home.model_item SET parts = ARRAY[packed(''{3e38,-3e38}'')]',
   'SELECT count(*) FILTER (WHERE score = ''NaN'') FROM sec_home.recommend(1, include_seen => true)'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed(''{3e38,3e38}'')]', 'SELECT count(*) FILTER (WHERE similarity = ''NaN'') FROM sec_home.similar_items(1)'),
  ('UPDATE sec_home.model_user SET history = ''\x02020000ffff7f7fffff7f7f''', 'SELECT count(*) FILTER (WHERE contribution = ''NaN'' OR share = ''NaN'') FROM sec_home.explain(1, 1)')
) AS v(change, call);
-- an algorithm that does not fit the factors
SELECT change, sec_tamper(change, call) LIKE 'model "sec_home" is damaged: % | 1' AS damaged FROM (VALUES
  ('UPDATE sec_home.model_version SET algorithm = reco.ials(factors => 1)', 'SELECT least(count(*), 1) FROM sec_home.explain(1, 1)'),
  ('UPDATE sec_home.model_version SET algorithm = reco.ials(factors => 1000)', 'SELECT least(count(*), 1) FROM sec_home.recommend_for(ARRAY[1, 2])')) AS v(change, call);
-- what a model has beside users and items
CALL reco.alter_model('sec_home', algorithm => reco.als(factors => 2));
CALL reco.refresh('sec_home');
SELECT change, sec_tamper(change) FROM (VALUES
  ('SELECT'),
  ('DELETE FROM sec_home.model_part'),
  ('UPDATE sec_home.model_part SET content = '''''),
  ('UPDATE sec_home.model_part SET content = NULL'),
  ('UPDATE sec_home.model_part SET content = decode(repeat(''ff'', 8), ''hex'')'),
  ('UPDATE sec_home.model_part SET content = decode(repeat(''00'', 9), ''hex'')'),
  ('UPDATE sec_home.model_part SET content = decode(repeat(''00'', 100000), ''hex'')'),
  ('UPDATE sec_home.model_part SET number = 1'),
  ('UPDATE sec_home.model_part SET part = 1'),
  ('INSERT INTO sec_home.model_part SELECT version, part, 1, content FROM sec_home.model_part'),
  ('INSERT INTO sec_home.model_part SELECT version, 1, number, content FROM sec_home.model_part'),
  ('ALTER TABLE sec_home.model_part DROP CONSTRAINT model_part_pkey'),
  ('ALTER TABLE sec_home.model_part NOT OF'),
  ('ALTER TABLE sec_home.model_part ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'),
  ('DROP TABLE sec_home.model_part')) AS v(change);
-- lists of neighbors
CALL reco.alter_model('sec_home', algorithm => reco.item_knn());
CALL reco.refresh('sec_home');
SELECT change, sec_tamper(change, 'SELECT count(*) FROM sec_home.recommend(1)') AS recommend,
       sec_tamper(change, 'SELECT count(*) FROM sec_home.similar_items(1)') AS similar_items FROM (VALUES
  ('SELECT'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[''\x00''::bytea]'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[decode(repeat(''00'', 2400000), ''hex'')] WHERE item_id = 1'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed_list(''{}'', ''{}'')]'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed_list(''{0}'', ''{}'')]'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed_list(''{}'', ''{1}'')]'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed_list(''{-1}'', ''{1}'')]'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed_list(''{3}'', ''{1}'')]'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed_list(''{2147483647}'', ''{1}'')]'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed_list(''{0}'', ''{NaN}'')]'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed_list(''{0}'', ''{Infinity}'')]'),
  ('UPDATE sec_home.model_item SET parts = ARRAY[packed_list(''{0,1,2,0}'', ''{1,1,1,-1}'')]'),
  ('ALTER TABLE sec_home.model_item ADD other int; ALTER TABLE sec_home.model_item DROP COLUMN features'),
  ('ALTER TABLE sec_home.model_item DROP CONSTRAINT model_item_version_number_key')) AS v(change);
CALL reco.alter_model('sec_home', algorithm => reco.user_knn());
CALL reco.refresh('sec_home');
SELECT change, sec_tamper(change, 'SELECT count(*) FROM sec_home.recommend(1)') AS recommend,
       sec_tamper(change, 'SELECT count(*) FROM sec_home.recommend_for(ARRAY[1])') AS recommend_for FROM (VALUES
  ('SELECT'),
  ('UPDATE sec_home.model_user SET parts = ARRAY[packed_list(''{0,0,1,1}'', ''{1,1,1,1}'')]'),
  ('UPDATE sec_home.model_user SET parts = ARRAY[packed_list(''{99}'', ''{1}'')]'),
  ('UPDATE sec_home.model_user SET parts = ARRAY[packed_list(''{0}'', ''{NaN}'')]'),
  ('UPDATE sec_home.model_user SET number = -1 - number'),
  ('UPDATE sec_home.model_user SET history = ''\x000100ff'' WHERE user_id > 1'),
  ('DELETE FROM sec_home.model_user WHERE user_id > 1'),
  ('UPDATE sec_home.model_version SET users = 0'),
  ('ALTER TABLE sec_home.model_user DROP CONSTRAINT model_user_version_number_key')) AS v(change);
-- a source that drops its own model
SELECT sec_try('DROP SCHEMA sec_trap CASCADE') ~ '^[0-9A-Z]{5}$' AS refused;

DROP FUNCTION sec_tamper, sec_try;
DROP SEQUENCE sec_nonce;
CALL reco.drop_model('sec_trap');
SET ROLE regress_reco_alice;
CALL reco.drop_model('sec_home');
RESET ROLE;
DROP SCHEMA sec_alice CASCADE;
DROP TABLE sec_secret, sec_policy;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_reco_alice', current_database()); END $$;
DROP ROLE regress_reco_alice, regress_reco_bob;

-- A source whose table is gone must not find one in the session of whoever calls.
CREATE ROLE sec_owner;
CREATE ROLE sec_thief;
CREATE SCHEMA sec_shop AUTHORIZATION sec_owner;
GRANT CREATE ON DATABASE contrib_regression TO sec_owner;
GRANT TEMPORARY ON DATABASE contrib_regression TO sec_thief;
SET ROLE sec_owner;
SET search_path = sec_shop;
CREATE TABLE orders AS SELECT u, i FROM generate_series(1, 20) AS u, generate_series(1, 9) AS i WHERE (u * i) % 5 > 1;
CREATE DOMAIN item AS int;
CALL reco.create_model('sec_robbed', 'SELECT u, i::item::int FROM orders', reco.item_knn(), items => 'SELECT i AS id, true AS available FROM orders GROUP BY i');
CALL reco.grant_use('sec_robbed', 'sec_thief');
ALTER TABLE orders RENAME TO orders_gone;
RESET search_path;
RESET ROLE;
CREATE FUNCTION sec_mode(mode text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN mode || ': ' || (SELECT count(*) FROM sec_robbed.recommend(1, 3));
EXCEPTION WHEN OTHERS THEN
  RETURN mode || ': ' || sqlerrm;
END $$;
SET ROLE sec_thief;
CREATE FUNCTION pg_temp.steal(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'stolen from %', current_user; RETURN true; END $$;
CREATE TEMP VIEW orders AS SELECT 1 AS u, 2 AS i WHERE pg_temp.steal(1);
GRANT SELECT ON orders TO sec_owner;
SET client_min_messages = error;
SELECT sec_mode('auto');
RESET ROLE;
CALL reco.alter_model('sec_robbed', options => reco.options(live => 'on'));
SET ROLE sec_thief;
SELECT sec_mode('on');
DROP VIEW orders;
-- the same with the plan prepared first, and with a type
RESET ROLE;
ALTER TABLE sec_shop.orders_gone RENAME TO orders;
SET ROLE sec_thief;
SELECT sec_mode('back');
RESET ROLE;
ALTER TABLE sec_shop.orders RENAME TO orders_gone;
SET ROLE sec_thief;
CREATE TEMP VIEW orders AS SELECT 1 AS u, 2 AS i WHERE pg_temp.steal(1);
GRANT SELECT ON orders TO sec_owner;
SELECT sec_mode('renamed');
DROP VIEW orders;
RESET ROLE;
ALTER TABLE sec_shop.orders_gone RENAME TO orders;
ALTER DOMAIN sec_shop.item RENAME TO item_gone;
SET ROLE sec_thief;
CREATE DOMAIN pg_temp.item AS int CHECK (pg_temp.steal(VALUE));
SELECT sec_mode('type');
RESET ROLE;
SET client_min_messages = warning;
DROP FUNCTION sec_mode;
CALL reco.drop_model('sec_robbed');

-- A source that asks its own model and changes it meanwhile, for a list of other items.
GRANT CREATE, USAGE ON SCHEMA sec_shop TO sec_owner;
SET ROLE sec_owner;
CREATE TABLE sec_shop.many AS SELECT 5 AS u, i FROM generate_series(0, 30000) AS i UNION ALL SELECT 6, i FROM generate_series(0, 50) AS i;
CREATE INDEX ON sec_shop.many (u);
CREATE TABLE sec_shop.few AS SELECT * FROM sec_shop.many WHERE u = 6;
CALL reco.create_model('sec_twice', 'SELECT u, i FROM sec_shop.many', reco.als(factors => 4, iterations => 1));
CALL reco.refresh('sec_twice');
CREATE FUNCTION sec_shop.change() RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE the_nonce bigint;
BEGIN
  IF current_setting('sec.turned', true) IS DISTINCT FROM '1' THEN RETURN 1; END IF;
  PERFORM set_config('sec.turned', '0', false);
  SELECT active_nonce INTO the_nonce FROM sec_twice.model;
  UPDATE sec_twice.model SET active_version = 1, active_nonce = (SELECT nonce FROM sec_twice.model_version WHERE version = 1);
  PERFORM * FROM sec_twice.recommend(6, 1);
  DELETE FROM sec_twice.model_item WHERE version = 2 AND number >= 3;
  UPDATE sec_twice.model_version SET items = 3 WHERE version = 2;
  UPDATE sec_twice.model SET active_version = 2, active_nonce = the_nonce;
  PERFORM * FROM sec_twice.recommend(5, 10);
  RETURN 1;
END $$;
CREATE FUNCTION sec_shop.quiet() RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN RETURN sec_shop.change(); END';
CREATE VIEW sec_shop.turn AS SELECT u, i FROM sec_shop.few WHERE sec_shop.quiet() = 1;
CALL reco.alter_model('sec_twice', source => 'SELECT u, i FROM sec_shop.turn');
SET client_min_messages = error;
SET sec.turned = '1';
SELECT count(*) <= 10 AS answered FROM sec_twice.recommend(6, 10);
SELECT count(*) <= 3 AS answered FROM sec_twice.recommend(6, 3);
RESET sec.turned;
SET client_min_messages = warning;
CALL reco.drop_model('sec_twice');
RESET ROLE;
DROP SCHEMA sec_shop CASCADE;
REVOKE CREATE ON DATABASE contrib_regression FROM sec_owner;
REVOKE TEMPORARY ON DATABASE contrib_regression FROM sec_thief;
DISCARD TEMP;
DROP OWNED BY sec_thief, sec_owner;
DROP ROLE sec_owner, sec_thief;

-- What planning evaluates by itself, such as conditions of indexes, is the owner's code: whoever
-- asks a model something, be it a superuser, or does something with it, does not run it.
CREATE ROLE sec_owner;
CREATE ROLE sec_heir;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO sec_owner, sec_heir', current_database()); END $$;
CREATE TABLE sec_ran (role text, doing text);
GRANT INSERT ON sec_ran TO PUBLIC;
CREATE SCHEMA sec_plan AUTHORIZATION sec_owner;
GRANT USAGE ON SCHEMA sec_plan TO PUBLIC;
SET ROLE sec_owner;
CREATE FUNCTION sec_plan.note() RETURNS void LANGUAGE plpgsql VOLATILE AS $$ BEGIN
  INSERT INTO public.sec_ran VALUES (current_user, current_setting('sec.doing', true)); END $$;
CREATE FUNCTION sec_plan.holds(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  IF current_user <> 'sec_owner' THEN PERFORM sec_plan.note(); END IF; RETURN true; END $$;
CREATE FUNCTION sec_plan.triggered() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM sec_plan.holds(1); RETURN coalesce(NEW, OLD); END $$;
CREATE TABLE sec_plan.rows AS SELECT u, (u * 7 + k * k) % 20 AS i, 1 AS v, timestamptz '2024-01-01 UTC' + k * interval '1 day' AS t
  FROM generate_series(1, 30) AS u, generate_series(1, 5) AS k;
CREATE INDEX ON sec_plan.rows (u);
CREATE TABLE sec_plan.items AS SELECT DISTINCT i, 'kind ' || i % 3 AS kind, i % 7 > 0 AS available FROM sec_plan.rows;
CREATE UNIQUE INDEX ON sec_plan.items (i);
ANALYZE sec_plan.rows, sec_plan.items;
CALL reco.create_model('sec_trap', 'sec_plan.rows', reco.ials(factors => 2), items => 'sec_plan.items', options => reco.options(measure => false));
CALL reco.segment('sec_trap', 2);
CALL reco.materialize('sec_trap', 3);
INSERT INTO sec_plan.rows VALUES (31, 3, 1, '2024-01-03 UTC');
CALL reco.fold_in('sec_trap');
-- the sound indexes come after those with a condition
DO $$ DECLARE r record; BEGIN
  FOR r IN SELECT c.conrelid::regclass AS heap, c.conname AS name, pg_get_constraintdef(c.oid) AS def,
                  regexp_replace(pg_get_constraintdef(c.oid), '^[^(]*', '') AS keys
             FROM pg_constraint c WHERE c.connamespace = 'sec_trap'::regnamespace AND c.contype IN ('p', 'u') ORDER BY c.oid LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.heap, r.name);
    EXECUTE format('CREATE INDEX ON %s %s WHERE sec_plan.holds(1)', r.heap, r.keys);
    EXECUTE format('CREATE INDEX ON %s ((sec_plan.holds(1)))', r.heap);
    EXECUTE format('ALTER TABLE %s ADD %s', r.heap, r.def);
  END LOOP;
  FOR r IN SELECT oid::regclass AS heap, relname FROM pg_class WHERE relnamespace = 'sec_trap'::regnamespace AND relkind = 'r' LOOP
    EXECUTE format('ALTER TABLE %s ADD CHECK (sec_plan.holds(1))', r.heap);
    IF r.relname <> 'model_change' THEN
      EXECUTE format('CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION sec_plan.triggered()', r.heap);
    END IF;
  END LOOP;
END $$;
CREATE STATISTICS sec_trap.trap ON (sec_plan.holds(1) AND version > 0), version FROM sec_trap.model_user;
CREATE STATISTICS sec_trap.trap_of_versions ON (sec_plan.holds(1) AND version > 0), version FROM sec_trap.model_version;
CREATE STATISTICS sec_trap.trap_of_items ON (sec_plan.holds(1) AND version > 0), version FROM sec_trap.model_item;
RESET ROLE;
SET constraint_exclusion = on;
CREATE PROCEDURE sec_do(what text) LANGUAGE plpgsql AS $$ DECLARE said text; BEGIN
  PERFORM set_config('sec.doing', what, false);
  EXECUTE what;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
  RAISE WARNING '%: %', what, said;
END $$;
SET client_min_messages = error;
\c -
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET constraint_exclusion = on;
CALL sec_do('SELECT model, status FROM reco.health');
CALL sec_do('SELECT * FROM reco.models');
CALL sec_do('SELECT * FROM reco.progress');
CALL sec_do('SELECT reco.describe(''sec_trap'')');
CALL sec_do('SELECT * FROM reco.recommend(''sec_trap'', 3)');
CALL sec_do('SELECT * FROM reco.export_user(''sec_trap'', 3)');
CALL sec_do('SELECT reco.report(''sec_trap'')');
CALL sec_do('SELECT * FROM reco.summary(''sec_trap'')');
CALL sec_do('SELECT * FROM reco.explain_source(''sec_trap'')');
CALL sec_do('SELECT * FROM sec_trap.recommend(31)');
CALL sec_do('SELECT * FROM sec_trap.similar_users(3)');
CALL sec_do('SELECT * FROM sec_trap.similar_items(3)');
CALL sec_do('SELECT * FROM sec_trap.audience(3)');
CALL sec_do('SELECT * FROM sec_trap.user_profile(3)');
CALL sec_do('SELECT * FROM sec_trap.explain(3, 5)');
CALL sec_do('CALL reco.alter_model(''sec_trap'', options => reco.options(measure => false))');
CALL sec_do('CALL reco.track(''sec_trap'')');
CALL sec_do('INSERT INTO sec_plan.rows VALUES (32, 3, 1, ''2024-01-03 UTC'')');
CALL sec_do('CALL reco.fold_in(''sec_trap'')');
CALL sec_do('CALL reco.fold_in(''sec_trap'', users => ''SELECT 31'')');
CALL sec_do('INSERT INTO sec_plan.rows VALUES (32, 77, 1, ''2024-01-03 UTC'')');
CALL sec_do('CALL reco.fold_in(''sec_trap'', new_items => true)');
CALL sec_do('CALL reco.materialize(''sec_trap'', 3)');
CALL sec_do('CALL reco.segment(''sec_trap'', 2)');
CALL sec_do('CALL reco.forget_user(''sec_trap'', 5)');
CALL sec_do('CALL reco.refresh(''sec_trap'')');
CALL sec_do('CALL reco.activate(''sec_trap'', 1)');
CALL sec_do('CALL reco.upgrade_model(''sec_trap'')');
CALL sec_do('CALL reco.grant_use(''sec_trap'', ''sec_heir'', true)');
CALL sec_do('CALL reco.revoke_use(''sec_trap'', ''sec_heir'')');
CALL sec_do('CALL reco.untrack(''sec_trap'')');
CALL sec_do('CALL reco.create_model(''sec_prior'', ''SELECT u, i FROM sec_plan.rows'', reco.ials(factors => 2, prior => ''sec_trap''), options => reco.options(measure => false))');
CALL sec_do('CALL reco.drop_model(''sec_prior'')');
CALL sec_do('CALL reco.drop_model(''sec_trap'')');
SELECT role, doing FROM sec_ran ORDER BY 2, 1;
SELECT count(*) FROM reco.models WHERE model LIKE 'sec_trap%';
DROP PROCEDURE sec_do;
DROP SCHEMA sec_plan CASCADE;
DROP TABLE sec_ran;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM sec_owner, sec_heir', current_database()); END $$;
DROP ROLE sec_owner, sec_heir;
