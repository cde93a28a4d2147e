--
-- The life of a model: made, refreshed, altered, renamed, dropped; in and out of
-- transactions; what is left after a failure.
--
\set SHOW_CONTEXT never
\pset format unaligned
SET reco.threads = 1;  -- what is trained here is tiny

CREATE TABLE mod_rows (u int, i int);
INSERT INTO mod_rows VALUES (1, 1), (1, 2), (2, 1), (2, 3), (2, 3), (3, NULL);
CREATE VIEW mod_schemas AS SELECT nspname FROM pg_namespace WHERE nspname LIKE 'mod%' ORDER BY 1;

-- what training says, and what there is afterwards
CALL reco.create_model('mod', 'mod_rows', reco.ials());
SELECT * FROM reco.models WHERE model LIKE 'mod%' AND owner = current_user AND trained_at <= clock_timestamp() \gset
\echo :model :algorithm :version :status :users :items :interactions :source
SELECT c.relname, c.relkind, obj_description(c.oid, 'pg_class') AS comment FROM pg_class c
 WHERE relnamespace = 'mod'::regnamespace AND relkind IN ('r', 'v') ORDER BY relkind, relname;
SELECT p.oid::regprocedure AS function, provolatile AS volatile, proparallel AS parallel, obj_description(p.oid, 'pg_proc') AS comment
  FROM pg_proc p WHERE pronamespace = 'mod'::regnamespace ORDER BY proname, p.oid;
SELECT version, status, active, rows_read, rows_skipped, rows_merged, users, items, interactions, algorithm, options, metrics,
       array_length(loss, 1) AS losses, bytes > 0 AS bytes, trained_by = current_user AS trained_by, message,
       started_at <= finished_at AS times, (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(timings) k) AS timings
  FROM mod.versions;
-- names like the placeholders of the SQL that makes a model, and quotes: nothing is filled in twice
CALL reco.create_model('{function}', 'mod_rows', reco.popular());
CALL reco.create_model('mod {schema}"''\', 'SELECT md5(u::text)::uuid, md5(i::text)::uuid FROM mod_rows', reco.popular());
SELECT rank, item_id FROM "{function}".popular(1);
SELECT rank, item_id FROM "mod {schema}""'\".popular(1);
CALL reco.upgrade_model('{function}');
CALL reco.upgrade_model('mod {schema}"''\');
-- ids that take text beside their own type: each argument in both; every function has a comment and is nobody's
SELECT proname, count(*) AS functions, count(obj_description(oid, 'pg_proc')) AS comments, bool_or(has_function_privilege('public', oid, 'EXECUTE')) AS open
  FROM pg_proc WHERE pronamespace = '"mod {schema}""''\"'::regnamespace GROUP BY 1 ORDER BY 1;
CALL reco.drop_model('{function}');
CALL reco.drop_model('mod {schema}"''\');
-- twice
CALL reco.create_model('mod', 'mod_rows');
SELECT version FROM mod.versions;

-- refresh, and how many versions stay
CALL reco.refresh('mod');
SET client_min_messages = warning;
INSERT INTO mod_rows VALUES (4, 4);
CALL reco.refresh('mod');
SELECT version, status, active, users FROM mod.versions ORDER BY version;
SELECT version, count(*) FROM mod.model_user GROUP BY version ORDER BY version;
SELECT version, count(*) FROM mod.model_item GROUP BY version ORDER BY version;
SELECT user_id FROM mod.user_factors ORDER BY 1;
CALL reco.alter_model('mod', options => reco.options(keep_versions => 1));
SELECT count(*) FROM mod.versions WHERE status = 'ready';
CALL reco.refresh('mod');
SELECT version, status, active FROM mod.versions ORDER BY version;
SELECT DISTINCT version FROM mod.model_user;
-- two refreshes in one transaction
BEGIN;
CALL reco.refresh('mod');
CALL reco.refresh('mod');
COMMIT;
SELECT version, status, active FROM mod.versions WHERE status <> 'expired';
CALL reco.refresh('mod', if_running => 'skip');
CALL reco.refresh('mod', if_running => 'error');
CALL reco.refresh('mod', if_running => 'never');
CALL reco.refresh('mod', if_running => NULL);

-- alter takes effect at the next refresh; what is not given stays
CALL reco.alter_model('mod', algorithm => reco.popular());
SELECT algorithm FROM reco.models WHERE model = 'mod';
SELECT algorithm FROM mod.versions WHERE active;
SELECT source FROM mod.recommend(1, 1);
CALL reco.alter_model('mod', source => 'SELECT u, i FROM mod_rows WHERE u < 4');
CALL reco.alter_model('mod');
CALL reco.refresh('mod');
SELECT algorithm, users, options FROM mod.versions WHERE active;
SELECT source FROM mod.recommend(1, 1);
SELECT source FROM reco.models WHERE model = 'mod';
\set VERBOSITY terse
CALL reco.alter_model('mod', algorithm => '{"algorithm": "none"}');
\set VERBOSITY default
CALL reco.alter_model('mod', options => '{"keep_versions": 0}');

-- not there
CALL reco.refresh('mod_none');
CALL reco.refresh('public');
CALL reco.refresh(NULL);
CALL reco.alter_model('mod_none');
CALL reco.alter_model(NULL);
CALL reco.drop_model('mod_none');
CALL reco.drop_model('public');
CALL reco.drop_model('public', if_exists => true);
CALL reco.drop_model(NULL);
SET client_min_messages = notice;
CALL reco.drop_model('mod_none', if_exists => true);
SET client_min_messages = warning;
CALL reco.create_model('mod_none', 'mod_rows', NULL);
CALL reco.create_model('mod_default', 'mod_rows', reco.popular(), NULL);
CALL reco.drop_model('mod_default', if_exists => true);

-- renamed: everything follows
ALTER SCHEMA mod RENAME TO "Mod two";
SELECT item_id FROM "Mod two".recommend(1, 1);
SELECT item_id FROM reco.recommend('Mod two', 1, 1);
SELECT count(*) FROM "Mod two".item_factors;
CALL reco.refresh('Mod two');
SELECT model, status FROM reco.models WHERE model LIKE 'Mod%';
ALTER SCHEMA "Mod two" RENAME TO mod;

-- in a block: nothing is left of what is rolled back
BEGIN;
CALL reco.create_model('mod_brief', 'mod_rows', reco.ials(factors => 2));
SELECT model, status FROM reco.models WHERE model LIKE 'mod%' ORDER BY 1;
SELECT count(*) FROM mod_brief.recommend(1);
ROLLBACK;
SELECT * FROM mod_schemas;
SELECT max(version) AS version FROM mod.versions \gset before_
BEGIN;
CALL reco.refresh('mod');
CALL reco.alter_model('mod', algorithm => reco.als());
SELECT max(version) - :before_version AS more FROM mod.versions;
ROLLBACK;
SELECT max(version) - :before_version AS more FROM mod.versions;
SELECT algorithm FROM reco.models WHERE model = 'mod';
BEGIN;
CALL reco.drop_model('mod');
SELECT * FROM mod_schemas;
ROLLBACK;
SELECT item_id FROM mod.recommend(1, 1);
BEGIN;
CALL reco.create_model('mod_kept', 'mod_rows', reco.ials(factors => 2));
CALL reco.refresh('mod_kept');
COMMIT;
SELECT version, status, active FROM mod_kept.versions ORDER BY version;
CALL reco.drop_model('mod_kept');
-- REPEATABLE READ and SERIALIZABLE, in a block and as the default
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL reco.create_model('mod_kept', 'mod_rows', reco.ials(factors => 2));
CALL reco.refresh('mod_kept');
SELECT count(*) FROM mod_kept.recommend(1);
COMMIT;
SET default_transaction_isolation = 'serializable';
CALL reco.refresh('mod_kept');
RESET default_transaction_isolation;
SELECT version, active FROM mod_kept.versions ORDER BY version;
CALL reco.drop_model('mod_kept');

-- in a DO block, in a function, in a procedure that commits, under an exception handler
DO $$
BEGIN
  CALL reco.create_model('mod_do', 'mod_rows', reco.popular());
  CALL reco.refresh('mod_do');
  CALL reco.refresh('mod_do');
END
$$;
SELECT version, status FROM mod_do.versions ORDER BY version;
CREATE FUNCTION mod_refresh() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.refresh('mod_do');
  RETURN (SELECT max(version) FROM mod_do.versions WHERE active);
END
$$;
SELECT mod_refresh();
CREATE PROCEDURE mod_all() LANGUAGE plpgsql AS $$
DECLARE m record;
BEGIN
  FOR m IN SELECT model FROM reco.models WHERE model LIKE 'mod%' ORDER BY model LOOP
    CALL reco.refresh(m.model);
    COMMIT;
    CALL reco.refresh(m.model);
  END LOOP;
END
$$;
CALL mod_all();
SELECT version, status FROM mod_do.versions WHERE active;
DO $$
BEGIN
  CALL reco.refresh('mod_do');
  RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
  RAISE WARNING 'caught';
END
$$;
SELECT version, status FROM mod_do.versions WHERE active;
CREATE FUNCTION mod_sql() RETURNS void LANGUAGE sql AS $$ CALL reco.refresh('mod_do') $$;
SELECT mod_sql();
SELECT version, status FROM mod_do.versions WHERE active;
-- the rows of an open cursor stay those of their version
BEGIN;
DECLARE c CURSOR FOR SELECT version FROM mod_do.versions WHERE active;
CALL reco.refresh('mod_do');
FETCH c;
COMMIT;

-- a failed training leaves no schema and the old version
CREATE FUNCTION mod_fail(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1 / ($1 - 2); END';
CALL reco.create_model('mod_failed', 'SELECT u, mod_fail(u) FROM mod_rows');
SET reco.max_memory = '64kB';
\set VERBOSITY sqlstate
CALL reco.create_model('mod_failed', 'mod_rows', reco.ials());
CALL reco.refresh('mod_do');
\set VERBOSITY default
RESET reco.max_memory;
BEGIN;
CALL reco.create_model('mod_failed', 'SELECT u, mod_fail(u) FROM mod_rows');
ROLLBACK;
-- after its first commit, too: the tables are there when the index fails
CREATE FUNCTION mod_event() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  IF to_regclass('mod_failed.model_item') IS NOT NULL AND to_regclass('mod_failed.mod_broken') IS NULL THEN
    CREATE INDEX mod_broken ON mod_failed.model_item ((1 / (number - number)));
  END IF;
END
$$;
CREATE EVENT TRIGGER mod_event ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION mod_event();
CALL reco.create_model('mod_failed', 'mod_rows', reco.ials(factors => 2));
DO $$
BEGIN
  CALL reco.create_model('mod_failed', 'mod_rows', reco.popular());
END
$$;
BEGIN;
CALL reco.create_model('mod_failed', 'mod_rows', reco.popular());
ROLLBACK;
DROP EVENT TRIGGER mod_event;
SELECT * FROM mod_schemas;
CALL reco.create_model('mod_failed', 'mod_rows', reco.popular());
CALL reco.drop_model('mod_failed');
-- the source is gone: the model serves on, a refresh says so and may be repeated
ALTER TABLE mod_rows RENAME TO mod_gone;
CALL reco.refresh('mod_do');
CALL reco.refresh('mod_do');
SELECT item_id FROM mod_do.recommend(1, 1);
SELECT model, status FROM reco.models WHERE model = 'mod_do';
ALTER TABLE mod_gone RENAME TO mod_rows;
CALL reco.refresh('mod_do');
SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND objsubid > 0;

-- read only
BEGIN READ ONLY;
CALL reco.refresh('mod_do');
ROLLBACK;
SET default_transaction_read_only = on;
\set VERBOSITY sqlstate
CALL reco.create_model('mod_read', 'mod_rows');
CALL reco.refresh('mod_do');
CALL reco.alter_model('mod_do', options => reco.options());
CALL reco.drop_model('mod_do');
\set VERBOSITY default
SELECT count(*) FROM mod_do.recommend(1);
RESET default_transaction_read_only;

-- what is not the model's own is not dropped along
CREATE TABLE mod_do.mine (x int);
CALL reco.drop_model('mod_do');
DROP TABLE mod_do.mine;
CREATE SEQUENCE mod_do.mine;
CALL reco.drop_model('mod_do');
DROP SEQUENCE mod_do.mine;
CREATE FUNCTION mod_do.mine() RETURNS int LANGUAGE sql AS 'SELECT 1';
CALL reco.drop_model('mod_do');
DROP FUNCTION mod_do.mine();
-- nor is what was built on it elsewhere
CREATE VIEW mod_mine AS SELECT * FROM mod_do.item_factors;
DO $$
BEGIN
  CALL reco.drop_model('mod_do');
  RAISE WARNING 'dropped';
EXCEPTION WHEN dependent_objects_still_exist THEN
  RAISE WARNING 'refused';
END
$$;
SELECT count(*) FROM mod_mine;
DROP VIEW mod_mine;
CREATE INDEX ON mod_do.model_item (interactions);
CALL reco.drop_model('mod_do');
SELECT * FROM mod_schemas;
-- DROP SCHEMA does as well, and the name can be used again
DROP SCHEMA mod CASCADE;
CALL reco.create_model('mod', 'mod_rows', reco.popular());
SELECT version FROM mod.versions;
CALL reco.drop_model('mod');
SELECT * FROM mod_schemas;

DROP VIEW mod_schemas;
DROP PROCEDURE mod_all;
DROP FUNCTION mod_refresh, mod_sql, mod_fail, mod_event;
DROP TABLE mod_rows;

-- reco.part_vector() and reco.part_list() with arrays made by hand, and an algorithm for each row.
SELECT reco.part_vector(ARRAY['\x0000803f00000040'::bytea], '{"algorithm": "ials", "factors": 2}', 'users', 'factors');
SELECT reco.part_vector(ARRAY['\x0000803f00000040'::bytea], '{"algorithm": "ials", "factors": 3}', 'users', 'factors');
SELECT reco.part_vector(ARRAY['\x0000803f00'::bytea], '{"algorithm": "ials", "factors": 1}', 'users', 'factors');
SELECT reco.part_vector('{}', '{"algorithm": "ials", "factors": 1}', 'users', 'factors');
SELECT reco.part_vector(ARRAY[NULL::bytea], '{"algorithm": "ials", "factors": 1}', 'users', 'factors');
SELECT reco.part_vector(ARRAY[['\x0000803f'::bytea]], '{"algorithm": "ials", "factors": 1}', 'users', 'factors');
SELECT reco.part_vector(ARRAY['\x0000803f'::bytea], '[]', 'users', 'factors');
SELECT reco.part_vector(ARRAY['\x0000803f'::bytea], '{"algorithm": "ials", "factors": 1}', 'terms', 'factors');
SELECT reco.part_vector(ARRAY['\x0000803f'::bytea], '{"algorithm": "ials", "factors": 1}', 'users', 'neighbors');
SELECT * FROM reco.part_list(ARRAY['\x01000000000000000000f03f'::bytea], '{"algorithm": "user_knn"}', 'users', 'neighbors');
SELECT * FROM reco.part_list(ARRAY['\x01000000000000000000f0'::bytea], '{"algorithm": "user_knn"}', 'users', 'neighbors');
CREATE FUNCTION model_part_memory() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  rows CURSOR FOR SELECT reco.part_vector(ARRAY['\x0000803f'::bytea], format('{"algorithm": "ials", "factors": 1, "alpha": %s}', n)::jsonb, 'users', 'factors')
    FROM generate_series(1, 20000) AS n;
  bytes bigint;
BEGIN
  OPEN rows;
  MOVE FORWARD 20000 IN rows;
  SELECT sum(total_bytes) INTO bytes FROM pg_backend_memory_contexts WHERE name = 'ExecutorState' OR name = 'reco part';
  CLOSE rows;
  RETURN bytes < 5000000;
END
$$;
SELECT model_part_memory();
DROP FUNCTION model_part_memory;
