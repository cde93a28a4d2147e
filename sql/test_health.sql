--
-- reco.health and the status in reco.models: what is served, how trainings went, what is
-- missing; what waits for nothing and runs nothing of a model's owner.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

CREATE TABLE hea_lines AS SELECT u, i, 1 AS w FROM generate_series(1, 20) u, generate_series(1, 10) i WHERE (u * 7 + i) % 3 > 0;
CREATE TABLE hea_items AS SELECT i, i % 2 = 0 AS available FROM generate_series(1, 10) i;
CALL reco.create_model('hea', 'hea_lines', reco.item_knn(shrinkage => 0));
CREATE FUNCTION hea_status() RETURNS TABLE (model text, status text, in_models text, problem text, last_error text, failures int) LANGUAGE sql AS $$
  SELECT h.model, h.status, m.status, h.problem, h.last_error, h.failures FROM reco.health AS h JOIN reco.models AS m USING (model) ORDER BY 1
$$;
SELECT * FROM hea_status();
SELECT version, users, items, interactions, bytes > 0 AS bytes, training, age BETWEEN '0' AND '1 hour' AS age, trained_at = last_success AS trained,
       last_attempt <= last_success AS attempt, history, availability, schedule, scheduled_by, next_run FROM reco.health;
-- an image is there once something was served
SELECT image FROM reco.health;
SELECT count(*) FROM hea.recommend(1, 3);
SELECT image FROM reco.health;
SELECT model, image FROM reco.health WHERE owner = current_user;

-- Refreshes that fail are told, the model serves on, and one that succeeds ends it.
ALTER TABLE hea_lines RENAME TO hea_gone;
CREATE FUNCTION hea_refresh(model text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.refresh(model);
  RETURN 'refreshed';
EXCEPTION WHEN OTHERS THEN
  RETURN 'failed';
END
$$;
CALL reco.refresh('hea');
CALL reco.refresh('hea');
CALL reco.refresh('hea');
CALL reco.refresh('hea');
SELECT * FROM hea_status();
SELECT count(*) FROM hea.recommend(1, 3);
-- one in a block that is undone is none
SELECT hea_refresh('hea');
SELECT failures FROM reco.health;
-- a training that was killed is left as running: nobody holds its lock
UPDATE hea.model_version SET status = 'running', message = NULL WHERE version = 5;
SELECT * FROM hea_status();
ALTER TABLE hea_gone RENAME TO hea_lines;
CALL reco.refresh('hea');
SELECT * FROM hea_status();
SELECT version, last_attempt <= last_success AS attempt FROM reco.health;
-- an older version that serves again is no failure, nor one that was held back
CALL reco.activate('hea', 1);
SELECT version, trained_at < last_success AS older, status, failures FROM reco.health;
CALL reco.refresh('hea', guard => 'ndcg@10 >= 2');
SELECT version, status, failures, last_error FROM reco.health;
-- what is served live
CALL reco.alter_model('hea', options => reco.options(live => 'off'));
SELECT history, availability FROM reco.health;
CALL reco.alter_model('hea', options => reco.options(live => 'on'), items => 'hea_items');
CALL reco.refresh('hea');
SELECT history, availability FROM reco.health;

-- what live => 'auto' comes to, and why
CREATE TABLE hea_long AS SELECT u % 20000 AS u, u % 97 AS i FROM generate_series(1, 100000) u;
VACUUM ANALYZE hea_long;
CREATE FUNCTION hea_says(source text, live text DEFAULT 'auto') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.alter_model('hea', source => source, options => reco.options(live => live));
  RETURN (SELECT concat_ws(': ', history, regexp_replace(history_reason, '[0-9]+\.[0-9]+', 'N', 'g')) FROM reco.health WHERE model = 'hea');
END $$;
SELECT hea_says('hea_lines');
SELECT hea_says('hea_long');
SELECT hea_says('SELECT u, i FROM hea_long WHERE i > 3 UNION ALL SELECT u, i FROM hea_long');
CREATE INDEX hea_index ON hea_long (u);
SELECT hea_says('hea_long');
DROP INDEX hea_index;
SELECT hea_says('hea_long', 'on');
SELECT hea_says('hea_long', 'off');
SELECT hea_says('SELECT u, i FROM hea_lines WHERE random() < 2');
SELECT hea_says('SELECT u::text, i FROM hea_lines');
-- nothing of the owner's runs
CREATE FUNCTION hea_runs() RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'it ran'; RETURN true; END $$;
SELECT hea_says('SELECT u, i FROM hea_lines WHERE hea_runs()');
CREATE VIEW hea_view AS SELECT u, i FROM hea_lines WHERE hea_runs();
SELECT hea_says('hea_view');
DROP VIEW hea_view;
CREATE DOMAIN hea_domain AS int CHECK (hea_runs());
SELECT hea_says('SELECT u, i FROM hea_lines WHERE 1::hea_domain = 1');
DROP DOMAIN hea_domain;
-- nor is anything waited for
CREATE FOREIGN DATA WRAPPER hea_wrapper;
CREATE SERVER hea_server FOREIGN DATA WRAPPER hea_wrapper;
CREATE TABLE hea_parent (u int, i int);
CREATE FOREIGN TABLE hea_foreign () INHERITS (hea_parent) SERVER hea_server;
SELECT hea_says('hea_parent');
SELECT hea_says('hea_foreign');
DROP FOREIGN DATA WRAPPER hea_wrapper CASCADE;
-- a right that the owner has not, as the owner sees it and as others do; no lock stays
SELECT hea_says('hea_parent');
CREATE ROLE hea_owner;
CREATE ROLE hea_other;
GRANT hea_owner TO CURRENT_USER;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO hea_owner', current_database()); END $$;
CALL reco.change_owner('hea', 'hea_owner');
GRANT USAGE ON SCHEMA hea TO hea_other;
GRANT SELECT ON ALL TABLES IN SCHEMA hea TO hea_other;
REVOKE ALL ON hea_parent FROM hea_owner;
BEGIN;
SELECT history, history_reason FROM reco.health;
SET LOCAL ROLE hea_other;
SELECT history, history_reason FROM reco.health;
SELECT count(*) FROM pg_locks WHERE relation = 'hea_parent'::regclass AND pid = pg_backend_pid();
SELECT current_setting('lock_timeout');
COMMIT;
ALTER TABLE hea_parent RENAME TO hea_gone;
SET ROLE hea_other;
SELECT history, history_reason FROM reco.health;
RESET ROLE;
UPDATE hea.model SET options = options || '{"live": "on"}';
SELECT history, history_reason FROM reco.health;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM hea_owner', current_database()); END $$;
SELECT current_user AS me \gset
CALL reco.change_owner('hea', :'me');
SELECT hea_says('hea_lines', 'on');
DROP OWNED BY hea_other, hea_owner;
DROP ROLE hea_other, hea_owner;
DROP FUNCTION hea_says, hea_runs;
DROP TABLE hea_long, hea_gone;

-- What a restore left out, or somebody took away.
CREATE FUNCTION hea_damage(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  h record;
BEGIN
  EXECUTE statement;
  SELECT status, coalesce(problem, '') AS problem INTO h FROM reco.health WHERE model = 'hea';
  RAISE EXCEPTION USING MESSAGE = format('%s: %s', coalesce(h.status, 'no model'), h.problem), ERRCODE = 'ZZ999';
EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
  RETURN SQLERRM;
END
$$;
SELECT s, hea_damage(s) FROM unnest(ARRAY[
  'DELETE FROM hea.model_item', 'DELETE FROM hea.model_user', 'TRUNCATE hea.model_item, hea.model_user', 'DELETE FROM hea.model_version',
  'DELETE FROM hea.model_version WHERE version = (SELECT active_version FROM hea.model)', 'UPDATE hea.model SET active_version = 99',
  'UPDATE hea.model SET active_version = 0', 'DELETE FROM hea.model', 'DROP TABLE hea.model_item CASCADE', 'DROP TABLE hea.model_user CASCADE',
  'DROP TABLE hea.model_term CASCADE', 'DROP TABLE hea.model_list CASCADE', 'DROP TABLE hea.model_segment CASCADE', 'DROP TABLE hea.model_segment_profile CASCADE', 'DROP TABLE hea.model_version CASCADE',
  'ALTER TABLE hea.model_item ADD x int', 'ALTER TABLE hea.model_item RENAME version TO v', 'ALTER TABLE hea.model_version NOT OF',
  'UPDATE hea.model_version SET status = NULL, started_at = NULL, message = NULL', 'UPDATE hea.model_version SET started_at = ''infinity'', finished_at = ''-infinity''',
  'UPDATE hea.model SET options = NULL, algorithm = NULL, source = NULL, created_at = NULL, search_path = NULL', 'DROP SCHEMA hea CASCADE']) AS s;
SELECT status FROM reco.health;

-- Whoever may not read a model's tables sees nothing of it; nothing of the owner's runs.
CREATE ROLE hea_reader;
SET ROLE hea_reader;
SELECT * FROM hea_status();
RESET ROLE;
GRANT USAGE ON SCHEMA hea TO hea_reader;
GRANT SELECT ON hea.model TO hea_reader;
SET ROLE hea_reader;
SELECT status, version, users, failures, last_error FROM reco.health;
RESET ROLE;
GRANT SELECT ON hea.model_version TO hea_reader;
SET ROLE hea_reader;
SELECT status, version, users, failures, last_error FROM reco.health;
RESET ROLE;
CREATE FUNCTION hea_spy(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'spied'; RETURN true; END $$;
ALTER TABLE hea.model_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY spy ON hea.model_version USING (hea_spy(version));
SET ROLE hea_reader;
SELECT status, version, users, failures, last_error FROM reco.health;
RESET ROLE;
DROP POLICY spy ON hea.model_version;
ALTER TABLE hea.model_version DISABLE ROW LEVEL SECURITY;
-- in a read-only transaction, and of many trainings
BEGIN READ ONLY;
SELECT status FROM reco.health;
COMMIT;
INSERT INTO hea.model_version (version, status, started_at, message) SELECT n, 'failed', now(), 'number ' || n FROM generate_series(100, 3099) n ORDER BY n % 7;
SELECT status, failures, last_error FROM reco.health;

-- What a scraper asks: a number for each model.
SELECT model, extract(epoch FROM age) < 3600 AS reco_model_age_seconds, failures AS reco_model_failures,
       (status IN ('ready', 'failing'))::int AS reco_model_serves, (problem IS NOT NULL)::int AS reco_model_problem FROM reco.health;

-- Nobody's model keeps others from asking: neither by a source that planning fails for, of
-- whatever reason, nor by values that are too long to be looked at.
CALL reco.alter_model('hea', options => reco.options(live => 'auto'));
CALL reco.refresh('hea');
CALL reco.alter_model('hea', source => $$SELECT * FROM hea_lines WHERE length(repeat('x', 2000000000)) > 0$$);
SELECT status, history, history_reason FROM reco.health;
CALL reco.alter_model('hea', options => reco.options(live => 'on'));
SELECT status, history, history_reason FROM reco.health;
SELECT length(source) FROM reco.models;
UPDATE hea.model SET source = 'SELECT 1, ' || repeat('2', 17000000), items = repeat('x', 17000000);
SELECT status, history, history_reason, (SELECT source IS NULL FROM reco.models) AS hidden FROM reco.health;
SELECT count(*) FROM hea.recommend(1);
CALL reco.refresh('hea');
UPDATE hea.model_version SET status = 'failed' || repeat('x', 70000), message = repeat('y', 70000), metrics = to_jsonb(repeat('z', 17000000))
 WHERE version = (SELECT max(version) FROM hea.model_version);
SELECT status, failures, last_error FROM reco.health;
DO $$ BEGIN
  CALL reco.alter_model('hea', source => 'SELECT * FROM hea_lines --' || repeat(' as before', 500000));
EXCEPTION WHEN program_limit_exceeded THEN
  RAISE WARNING '%', sqlerrm;
END $$;
CALL reco.alter_model('hea', source => 'hea_lines');

CALL reco.drop_model('hea');
SELECT * FROM reco.health;
DROP FUNCTION hea_status, hea_refresh, hea_damage, hea_spy;
DROP TABLE hea_lines, hea_items;
DROP ROLE hea_reader;
