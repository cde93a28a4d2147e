--
-- reco.track: triggers note whose rows change, and reco.fold_in takes just these.
--
\set SHOW_CONTEXT never
\set VERBOSITY default
SET client_min_messages = warning;
SET reco.threads = 1;

CREATE TABLE trk_rows (user_id int, item_id int, qty int DEFAULT 1);
INSERT INTO trk_rows SELECT u, (u * 7 + k * k * 13) % 60, 1 + (u + k) % 3
  FROM generate_series(1, 300) AS u, generate_series(1, 4 + u % 9) AS k;
CREATE INDEX ON trk_rows (user_id);
ANALYZE trk_rows;
CALL reco.create_model('trk', 'SELECT user_id, item_id, qty FROM trk_rows', reco.ials(factors => 4, iterations => 2), options => reco.options(measure => false));
CREATE VIEW trk_noted AS SELECT DISTINCT coalesce(user_id::text, 'all') AS noted FROM trk.model_change;
SET client_min_messages = notice;

CALL reco.untrack('trk');
CALL reco.track('trk');
CALL reco.track('trk');
SELECT tgname, pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE tgrelid = 'trk_rows'::regclass ORDER BY 1;
-- who changed before nobody knows: once, all are looked at
SELECT * FROM trk_noted;
CALL reco.fold_in('trk');
SELECT * FROM trk_noted;
CALL reco.fold_in('trk');

-- Every kind of statement; each user once a statement; nothing of what is rolled back.
INSERT INTO trk_rows SELECT u, 5 FROM generate_series(10, 12) AS u, generate_series(1, 3);
SELECT count(*), count(DISTINCT user_id) FROM trk.model_change;
DELETE FROM trk_rows WHERE user_id = 20;
UPDATE trk_rows SET user_id = 31 WHERE user_id = 30 AND item_id = (SELECT min(item_id) FROM trk_rows WHERE user_id = 30);
COPY trk_rows FROM stdin;
40	6	1
\N	6	1
41	6	1
\.
INSERT INTO trk_rows SELECT 50, 1, 1 WHERE false;
UPDATE trk_rows SET qty = 9 WHERE user_id = 99999;
WITH gone AS (DELETE FROM trk_rows WHERE user_id = 60 RETURNING *) INSERT INTO trk_rows SELECT user_id, 7, 4 FROM gone;
BEGIN;
INSERT INTO trk_rows VALUES (70, 1, 1);
ROLLBACK;
BEGIN;
INSERT INTO trk_rows VALUES (80, 1, 1);
SAVEPOINT s;
INSERT INTO trk_rows VALUES (81, 1, 1);
ROLLBACK TO s;
COMMIT;
SELECT string_agg(noted, ' ' ORDER BY noted) AS noted FROM trk_noted;
CALL reco.fold_in('trk');
SELECT count(*) FROM trk_noted;
SELECT string_agg(user_id::text, ' ' ORDER BY user_id) AS folded_in FROM trk.model_user_layer;
-- within one transaction, and what comes after it in the same
BEGIN;
INSERT INTO trk_rows VALUES (90, 1, 1);
CALL reco.fold_in('trk');
INSERT INTO trk_rows VALUES (91, 1, 1);
COMMIT;
SELECT * FROM trk_noted;
CALL reco.fold_in('trk');
-- as if all had been looked at
CALL reco.untrack('trk');
CALL reco.fold_in('trk');

-- A refresh is done with what its snapshot saw; one that is held back with nothing.
SET client_min_messages = warning;
CALL reco.track('trk');
CALL reco.fold_in('trk');
INSERT INTO trk_rows VALUES (100, 2, 1);
CALL reco.refresh('trk', guard => 'ndcg@10 >= 2');
SELECT * FROM trk_noted;
CALL reco.refresh('trk');
SELECT * FROM trk_noted;
-- another version, or another source: everybody
CALL reco.activate('trk', 2);
SELECT * FROM trk_noted;
CALL reco.fold_in('trk');
CALL reco.alter_model('trk', source => 'SELECT user_id, item_id, qty FROM trk_rows WHERE qty > 0');
SELECT * FROM trk_noted;
SET client_min_messages = notice;

-- A click changes the next list in the same transaction, and what goes by what is stored once it is
-- folded in; rolled back, both are as they were.
CREATE TEMP TABLE trk_lists AS SELECT 'before' AS at, array_agg(item_id ORDER BY rank) AS items FROM trk.recommend(150, 5);
BEGIN;
INSERT INTO trk_rows SELECT 150, items[1], 1 FROM trk_lists;
INSERT INTO trk_lists SELECT 'clicked', array_agg(item_id ORDER BY rank) FROM trk.recommend(150, 5);
SELECT count(*) FROM trk.audience((SELECT items[1] FROM trk_lists WHERE at = 'before'), NULL) WHERE user_id = 150;
CALL reco.fold_in('trk');
SELECT count(*) FROM trk.audience((SELECT items[1] FROM trk_lists WHERE at = 'before'), NULL) WHERE user_id = 150;
SELECT b.items <> c.items AS another, NOT b.items[1] = ANY (c.items) AS without_it FROM trk_lists AS b, trk_lists AS c WHERE b.at = 'before' AND c.at = 'clicked';
ROLLBACK;
SELECT array_agg(item_id ORDER BY rank) = (SELECT items FROM trk_lists) AS same FROM trk.recommend(150, 5);

-- TRUNCATE: anybody
BEGIN;
CALL reco.fold_in('trk');
TRUNCATE trk_rows;
SELECT * FROM trk_noted;
ROLLBACK;

-- A trigger that does not fire is none.
ALTER TABLE trk_rows DISABLE TRIGGER reco_track_trk_insert;
CALL reco.fold_in('trk');
CALL reco.track('trk');
CALL reco.fold_in('trk');

-- The schema gets another name: nothing is lost.
ALTER SCHEMA trk RENAME TO trk2;
INSERT INTO trk_rows VALUES (110, 3, 1);
SELECT user_id FROM trk2.model_change;
CALL reco.fold_in('trk2');
ALTER SCHEMA trk2 RENAME TO trk;
-- the table, too
ALTER TABLE trk_rows RENAME TO trk_lines;
INSERT INTO trk_lines VALUES (111, 3, 1);
SELECT user_id FROM trk.model_change;
ALTER TABLE trk_lines RENAME TO trk_rows;
-- the column: the triggers do not know whose rows these are
ALTER TABLE trk_rows RENAME user_id TO customer;
INSERT INTO trk_rows VALUES (112, 3, 1);
SELECT user_id FROM trk.model_change;
ALTER TABLE trk_rows RENAME customer TO user_id;
CALL reco.fold_in('trk');
-- with the user goes the note
INSERT INTO trk_rows VALUES (113, 3, 1);
SET client_min_messages = error;
CALL reco.forget_user('trk', 113);
SET client_min_messages = notice;
SELECT user_id FROM trk.model_change;

-- What is not the model's to decide: a table of somebody else, by a role without any right on it.
CREATE ROLE regress_trk_shop;
CREATE ROLE regress_trk_app;
GRANT USAGE ON SCHEMA public TO regress_trk_shop, regress_trk_app;
ALTER TABLE trk_rows OWNER TO regress_trk_shop;
GRANT INSERT ON trk_rows TO regress_trk_app;
ALTER TABLE trk_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON trk_rows FOR INSERT WITH CHECK (true);
CALL reco.fold_in('trk');
SET ROLE regress_trk_app;
INSERT INTO trk_rows VALUES (120, 3, 1);
RESET ROLE;
SELECT user_id FROM trk.model_change;
CALL reco.untrack('trk');
CALL reco.track('trk');
CREATE VIEW trk_writers AS SELECT grantee::regrole, privilege_type FROM pg_class AS c, aclexplode(relacl) AS a WHERE c.oid = 'trk.model_change'::regclass AND grantee <> relowner ORDER BY 1::text, 2;
SELECT * FROM trk_writers;
-- what was granted goes with the triggers, and with the table
GRANT SELECT ON trk.model_change TO regress_trk_shop;
CALL reco.untrack('trk');
SELECT * FROM trk_writers;
CALL reco.track('trk');
ALTER TABLE trk_rows OWNER TO regress_trk_app;
CALL reco.track('trk');
SELECT * FROM trk_writers;
ALTER TABLE trk_rows OWNER TO CURRENT_USER;
GRANT INSERT ON trk.model_change TO PUBLIC;
CALL reco.track('trk');
SELECT * FROM trk_writers;
ALTER TABLE trk_rows OWNER TO regress_trk_shop;
GRANT INSERT ON trk_rows TO regress_trk_app;
CALL reco.untrack('trk');
CALL reco.track('trk');
SET ROLE regress_trk_app;
INSERT INTO trk_rows VALUES (121, 3, 1);
SELECT user_id FROM trk.model_change;
RESET ROLE;
SELECT * FROM trk_noted ORDER BY 1;
-- nobody notes by a table of their own
CREATE SCHEMA trk_own AUTHORIZATION regress_trk_app;
GRANT USAGE ON SCHEMA trk TO regress_trk_app;
SET ROLE regress_trk_app;
CREATE TABLE trk_own.t (user_id int);
CREATE TRIGGER t AFTER INSERT ON trk_own.t REFERENCING NEW TABLE AS n FOR EACH STATEMENT
  WHEN ('trk'::regnamespace IS NOT NULL) EXECUTE FUNCTION reco.note_changes('user_id');
INSERT INTO trk_own.t VALUES (666);
CREATE TRIGGER t2 AFTER INSERT ON trk_own.t REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION reco.note_changes('user_id');
INSERT INTO trk_own.t VALUES (666);
DROP TRIGGER t2 ON trk_own.t;
CREATE TRIGGER t2 AFTER INSERT ON trk_own.t FOR EACH ROW WHEN ('trk'::regnamespace IS NOT NULL) EXECUTE FUNCTION reco.note_changes('user_id');
INSERT INTO trk_own.t VALUES (666);
DROP TRIGGER t2 ON trk_own.t;
CREATE TRIGGER t2 AFTER INSERT ON trk_own.t REFERENCING NEW TABLE AS n FOR EACH STATEMENT
  WHEN ('pg_catalog'::regnamespace IS NOT NULL) EXECUTE FUNCTION reco.note_changes('user_id');
INSERT INTO trk_own.t VALUES (666);
SELECT reco.note_changes();
CALL reco.track('trk');
CALL reco.untrack('trk');
RESET ROLE;
SELECT * FROM trk_noted ORDER BY 1;
-- an owner who may not make triggers there
CREATE SCHEMA trk_scratch AUTHORIZATION regress_trk_app;
GRANT SELECT ON trk_rows TO regress_trk_app;
ALTER TABLE trk_rows DISABLE ROW LEVEL SECURITY;
SELECT format('GRANT CREATE ON DATABASE %I TO regress_trk_app', current_database()) \gexec
SET ROLE regress_trk_app;
SET client_min_messages = warning;
CALL reco.create_model('trk_app', 'SELECT user_id, item_id, qty FROM trk_rows', reco.popular(), options => reco.options(measure => false));
CALL reco.track('trk_app');
RESET ROLE;
GRANT TRIGGER ON trk_rows TO regress_trk_app;
CALL reco.track('trk_app');
INSERT INTO trk_rows VALUES (122, 3, 1);
SELECT user_id FROM trk_app.model_change ORDER BY 1 NULLS FIRST;
SELECT * FROM trk_noted ORDER BY 1;
-- no function of the owner's runs as whoever looks at the source
SET ROLE regress_trk_app;
CREATE FUNCTION trk_own.zero() RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF current_user <> 'regress_trk_app' THEN
    RAISE WARNING 'runs as another role';
  END IF;
  RETURN 0;
END
$$;
CALL reco.alter_model('trk_app', source => 'SELECT user_id, item_id, qty FROM trk_rows WHERE trk_own.zero() = 0 OFFSET trk_own.zero()');
RESET ROLE;
CALL reco.fold_in('trk_app');
CALL reco.track('trk_app');
-- a table that the model's owner has spoilt stops nobody from inserting
ALTER TABLE trk_app.model_change ADD broken int;
INSERT INTO trk_rows VALUES (123, 3, 1);
ALTER TABLE trk_app.model_change DROP broken;
-- dropped with the model, also from a table of another's
SET ROLE regress_trk_app;
CALL reco.drop_model('trk_app');
RESET ROLE;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'trk_rows'::regclass ORDER BY 1;
SET client_min_messages = notice;

-- Which sources.
CREATE TABLE trk_parts (user_id int, item_id int, qty int) PARTITION BY LIST (item_id);
CREATE TABLE trk_part_1 PARTITION OF trk_parts FOR VALUES IN (1, 2, 3);
CREATE TABLE trk_part_2 (qty int, user_id int, item_id int);
ALTER TABLE trk_parts ATTACH PARTITION trk_part_2 DEFAULT;
INSERT INTO trk_parts SELECT user_id, item_id, qty FROM trk_rows;
CREATE TABLE trk_parent (user_id int, item_id int, qty int);
CREATE TABLE trk_child (more text) INHERITS (trk_parent);
CREATE VIEW trk_view AS SELECT user_id AS who, item_id AS what FROM trk_rows WHERE qty > 0;
CREATE MATERIALIZED VIEW trk_stored AS SELECT user_id, item_id FROM trk_rows;
CREATE PROCEDURE trk_try(source text) LANGUAGE plpgsql AS $$
DECLARE m text; d text; h text;
BEGIN
  PERFORM set_config('client_min_messages', 'warning', true);
  EXECUTE format('CALL reco.alter_model(''trk'', source => %L)', source);
  CALL reco.track('trk');
  RAISE INFO '%', source;
  RAISE INFO '  %', (SELECT string_agg(DISTINCT tgrelid::regclass::text || '(' || encode(tgargs, 'escape') || ')', ', ') FROM pg_trigger WHERE tgfoid = 'reco.note_changes'::regproc AND tgrelid <> 'trk_own.t'::regclass);
EXCEPTION WHEN feature_not_supported OR undefined_table THEN
  GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
  RAISE INFO '%', source;
  RAISE INFO '  %: %', m, d;
END
$$;
CALL trk_try('trk_rows');
CALL trk_try('trk_view');
CALL trk_try('trk_parts');
CALL trk_try('trk_parent');
CALL trk_try('SELECT who, what FROM trk_view UNION ALL SELECT user_id, item_id FROM trk_parent');
CALL trk_try('SELECT user_id, item_id, sum(qty) FROM trk_rows GROUP BY user_id, item_id');
CALL trk_try('SELECT DISTINCT user_id, item_id FROM trk_rows WHERE item_id NOT IN (SELECT item_id FROM trk_parent)');
CALL trk_try('WITH r AS (SELECT user_id AS u, item_id AS i FROM trk_rows) SELECT u, i FROM r ORDER BY i OFFSET 0');
CALL trk_try('SELECT user_id, item_id FROM trk_rows LIMIT ALL');
CALL trk_try('SELECT user_id, item_id FROM trk_rows LIMIT 1000');
CALL trk_try('SELECT user_id, item_id FROM trk_rows OFFSET 1');
CALL trk_try('SELECT r.user_id, r.item_id FROM trk_rows AS r JOIN trk_parent AS p USING (item_id)');
CALL trk_try('SELECT r.user_id, r.item_id FROM trk_rows AS r, trk_parent AS p');
CALL trk_try('SELECT user_id + 1, item_id FROM trk_rows');
CALL trk_try('SELECT u, u FROM generate_series(1, 3) AS u');
CALL trk_try('trk_stored');
-- where a row of one user decides on those of others
CALL trk_try('SELECT DISTINCT ON (item_id) user_id, item_id FROM trk_rows ORDER BY item_id, qty DESC');
CALL trk_try('SELECT DISTINCT ON (user_id, item_id) user_id, item_id FROM trk_rows ORDER BY user_id, item_id, qty DESC');
CALL trk_try('SELECT user_id, item_id FROM (SELECT *, row_number() OVER (PARTITION BY item_id ORDER BY qty DESC) AS n FROM trk_rows) AS r WHERE n <= 3');
CALL trk_try('SELECT user_id, item_id FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY qty DESC) AS n FROM trk_rows) AS r WHERE n <= 3');
CALL trk_try('SELECT user_id, item_id, qty / avg(qty) OVER (PARTITION BY user_id), count(*) OVER () FROM trk_rows');
CALL trk_try('SELECT user_id, item_id FROM trk_rows TABLESAMPLE SYSTEM (50) REPEATABLE (1)');
CALL trk_try('SELECT user_id, item_id FROM trk_rows UNION ALL SELECT item_id, user_id FROM trk_rows');

-- Partitions: by the parent, by one, from one to another; one that joins later is missing.
SET client_min_messages = warning;
CALL reco.alter_model('trk', source => 'trk_parts');
CALL reco.track('trk');
CALL reco.fold_in('trk');
INSERT INTO trk_parts VALUES (10, 1, 1), (11, 30, 1);
INSERT INTO trk_part_2 VALUES (1, 12, 31);
UPDATE trk_parts SET item_id = 2 WHERE user_id = 13 AND item_id > 3;
DELETE FROM trk_part_1 WHERE user_id = 14;
SELECT string_agg(noted, ' ' ORDER BY noted) AS noted FROM trk_noted;
CREATE TABLE trk_part_3 PARTITION OF trk_parts FOR VALUES IN (70);
SET client_min_messages = notice;
CALL reco.fold_in('trk');
CALL reco.track('trk');
TRUNCATE trk_part_3;
-- one that leaves takes rows along, and fires no trigger: everybody, until reco.track() knows of it
SET client_min_messages = warning;
CALL reco.fold_in('trk');
SET client_min_messages = notice;
DROP TABLE trk_part_3;
CALL reco.fold_in('trk');
CALL reco.track('trk');
CALL reco.fold_in('trk');
ALTER TABLE trk_parts DETACH PARTITION trk_part_1;
CALL reco.fold_in('trk');
-- and once when it is back, whether anybody told reco.track() or not
ALTER TABLE trk_parts ATTACH PARTITION trk_part_1 FOR VALUES IN (1, 2, 3);
CALL reco.fold_in('trk');
CALL reco.fold_in('trk');
CALL reco.track('trk');
-- likewise of triggers that were off over a fold-in
ALTER TABLE trk_part_2 DISABLE TRIGGER USER;
CALL reco.fold_in('trk');
INSERT INTO trk_part_2 VALUES (1, 15, 32);
ALTER TABLE trk_part_2 ENABLE TRIGGER USER;
CALL reco.fold_in('trk');
CALL reco.fold_in('trk');
-- and of a table that inherits no more
SET client_min_messages = warning;
CALL reco.alter_model('trk', source => 'trk_parent');
INSERT INTO trk_parent SELECT user_id, item_id, qty FROM trk_parts;
INSERT INTO trk_child VALUES (16, 1, 1), (17, 2, 1);
CALL reco.track('trk');
CALL reco.fold_in('trk');
SET client_min_messages = notice;
ALTER TABLE trk_child NO INHERIT trk_parent;
CALL reco.fold_in('trk');
-- triggers that others have made, and that note less, are none
SET client_min_messages = warning;
CALL reco.track('trk');
CALL reco.untrack('trk');
CREATE TRIGGER a AFTER INSERT ON trk_parent FOR EACH STATEMENT WHEN ('trk'::regnamespace IS NOT NULL) EXECUTE FUNCTION reco.note_changes('user_id');
CREATE TRIGGER b AFTER UPDATE OF qty ON trk_parent FOR EACH STATEMENT WHEN ('trk'::regnamespace IS NOT NULL) EXECUTE FUNCTION reco.note_changes('user_id');
CREATE TRIGGER c AFTER DELETE ON trk_parent REFERENCING OLD TABLE AS o FOR EACH STATEMENT WHEN ('trk'::regnamespace IS NULL) EXECUTE FUNCTION reco.note_changes('user_id');
CREATE TRIGGER d AFTER TRUNCATE ON trk_parent FOR EACH STATEMENT WHEN ('trk'::regnamespace IS NOT NULL) EXECUTE FUNCTION reco.note_changes('user_id');
CALL reco.track('trk');
SELECT tgname FROM pg_trigger WHERE tgfoid = 'reco.note_changes'::regproc AND tgrelid = 'trk_parent'::regclass ORDER BY 1;
CALL reco.fold_in('trk');
-- an index, in whose expressions anything may be, and one that was there
CREATE INDEX trk_index ON trk.model_change (user_id);
INSERT INTO trk_parent VALUES (18, 3, 1);
DROP INDEX trk.trk_index;
INSERT INTO trk_parent VALUES (19, 3, 1);
SELECT * FROM trk_noted;
SET client_min_messages = notice;
CREATE INDEX trk_index ON trk.model_change (user_id);
CALL reco.fold_in('trk');
CALL reco.track('trk');
DROP INDEX trk.trk_index;
-- Notes that nobody folds in: they are told of once they are longer than the table of users.
SET client_min_messages = warning;
CALL reco.alter_model('trk', source => 'trk_rows');
CALL reco.track('trk');
CALL reco.fold_in('trk');
VACUUM trk.model_change;
SELECT problem FROM reco.health WHERE model = 'trk';
DO $$ BEGIN FOR k IN 1 .. 120 LOOP UPDATE trk_rows SET qty = qty; END LOOP; END $$;
SELECT status, regexp_replace(problem, '[0-9]+', 'N') AS problem FROM reco.health WHERE model = 'trk';
CALL reco.fold_in('trk');
VACUUM trk.model_change;
SELECT status, problem FROM reco.health WHERE model = 'trk';
SET client_min_messages = notice;
-- A NOT NULL that says what is not so would have the server read past the end of a row.
CALL reco.untrack('trk');
CALL reco.track('trk');
DELETE FROM trk.model_change;
ALTER TABLE trk.model_change ALTER user_id SET NOT NULL;
TRUNCATE trk_rows;
SELECT * FROM trk.model_change;
CALL reco.fold_in('trk');
ALTER TABLE trk.model_change ALTER user_id DROP NOT NULL;
TRUNCATE trk_rows;
SELECT count(*), count(user_id) FROM trk.model_change;
-- of dropped tables nothing stays, and a dropped schema takes its triggers along
DROP TABLE trk_parts;
SET client_min_messages = warning;
DROP SCHEMA trk CASCADE;
SELECT tgname FROM pg_trigger WHERE tgfoid = 'reco.note_changes'::regproc;
INSERT INTO trk_rows VALUES (1, 1, 1);

-- Ids of domains that refuse nulls: a note of all has none.
CREATE DOMAIN trk_never AS integer NOT NULL;
CREATE DOMAIN trk_checked AS varchar(20) COLLATE "C" CHECK (VALUE IS NOT NULL);
CREATE TABLE trk_of (user_id trk_never, name trk_checked, item_id integer);
INSERT INTO trk_of SELECT u, 'user ' || u, (u * 7 + k * k) % 20 FROM generate_series(1, 30) AS u, generate_series(1, 5) AS k;
CALL reco.create_model('trk_never', 'SELECT user_id, item_id FROM trk_of', reco.popular(), options => reco.options(measure => false));
CALL reco.create_model('trk_checked', 'SELECT name, item_id FROM trk_of', reco.popular(), options => reco.options(measure => false));
SELECT attrelid::regclass, format_type(atttypid, atttypmod) AS type, attcollation::regcollation AS collation
  FROM pg_attribute WHERE attrelid IN ('trk_never.model_change'::regclass, 'trk_checked.model_change'::regclass) AND attname = 'user_id' ORDER BY 1;
CALL reco.track('trk_never');
CALL reco.track('trk_checked');
CALL reco.fold_in('trk_never');
CALL reco.fold_in('trk_checked');
INSERT INTO trk_of VALUES (7, 'user 7', 19), (8, 'user 8', 18);
SELECT user_id FROM trk_never.model_change ORDER BY 1;
SELECT user_id FROM trk_checked.model_change ORDER BY 1;
CALL reco.fold_in('trk_never');
CALL reco.fold_in('trk_checked');
SELECT (SELECT count(*) FROM trk_never.model_change) AS never, (SELECT count(*) FROM trk_checked.model_change) AS checked;
TRUNCATE trk_of;
SELECT user_id IS NULL AS all FROM trk_checked.model_change;
CALL reco.forget_user('trk_checked', 'user 7');
SELECT count(*) FROM reco.export_user('trk_checked', 'user 8');
CALL reco.drop_model('trk_never');
CALL reco.drop_model('trk_checked');
DROP TABLE trk_of;
DROP DOMAIN trk_never, trk_checked;

DROP TABLE trk_rows, trk_parent, trk_child CASCADE;
DROP PROCEDURE trk_try;
DROP OWNED BY regress_trk_app, regress_trk_shop CASCADE;
DROP ROLE regress_trk_app, regress_trk_shop;
