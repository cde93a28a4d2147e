--
-- What a DBA does: go back to an older version, let others use a model, look at what
-- trains.
--
SET client_min_messages = warning;
CREATE TABLE ops_rows AS SELECT u, i FROM generate_series(1, 20) AS u, generate_series(1, 12) AS i WHERE (u * i) % 5 < 3;
CALL reco.create_model('ops', 'ops_rows', reco.popular(), options => reco.options(keep_versions => 3, live => 'off'));
CREATE FUNCTION ops_list() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(item_id || ':' || score, ' ' ORDER BY rank) FROM ops.popular(3) $$;
CREATE FUNCTION ops_versions() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(version || ' ' || status || CASE WHEN active THEN ' active' ELSE '' END, ', ' ORDER BY version) FROM ops.versions $$;
SELECT ops_list();
INSERT INTO ops_rows SELECT u, 99 FROM generate_series(1, 20) AS u;
CALL reco.refresh('ops');
SELECT ops_list(), ops_versions();

-- Back to an older version, and forth.
CALL reco.activate('ops', version => 1);
SELECT ops_list(), ops_versions();
BEGIN;
CALL reco.activate('ops', 2);
SELECT ops_list();
ROLLBACK;
SELECT ops_list();
CALL reco.activate('ops', 1);
SELECT ops_list(), (SELECT version FROM reco.models WHERE model = 'ops');
-- the next refresh makes its own the active one; the ones kept are the latest
CALL reco.refresh('ops');
CALL reco.refresh('ops');
SELECT ops_list(), ops_versions();
CALL reco.activate('ops', 1);
CALL reco.activate('ops', 7);
CALL reco.activate('ops', NULL);
CALL reco.activate(NULL, 1);
CALL reco.activate('ops_rows', 1);
CALL reco.activate('ops', 2);
SELECT ops_list(), ops_versions();
-- a version that failed cannot serve
CALL reco.alter_model('ops', source => 'SELECT u, i FROM ops_rows WHERE false');
CALL reco.refresh('ops');
SELECT ops_list(), ops_versions();
CALL reco.activate('ops', 5);
-- the active version stays, however old it is
CALL reco.alter_model('ops', source => 'ops_rows', options => reco.options(keep_versions => 1, live => 'off'));
CALL reco.refresh('ops');
SELECT ops_versions();

-- Not so soon again.
SET client_min_messages = notice;
CALL reco.refresh('ops', min_interval => '1 hour');
CALL reco.refresh('ops', min_interval => '-1 hour');
SET client_min_messages = warning;
SELECT ops_versions();
SET client_min_messages = notice;
BEGIN;
CALL reco.refresh('ops', min_interval => '1 day');
ROLLBACK;
SET client_min_messages = warning;

-- A guard: a version that is worth less is kept, but does not serve.
CREATE TABLE ops_taste AS
  SELECT u, i FROM generate_series(1, 60) AS u, generate_series(1, 40) AS i WHERE i % 4 = u % 4 AND hashint4(u * 100 + i) % 3 <> 0;
CALL reco.create_model('ops_guarded', 'ops_taste', reco.ials(factors => 8, regularization => 1), options => reco.options(keep_versions => 2, live => 'off', measure => false));
CREATE FUNCTION ops_guarded() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(version || ' ' || status || CASE WHEN active THEN ' active' ELSE '' END || coalesce(' ' || (metrics ? 'ndcg@10')::text, '')
           || coalesce(' (' || regexp_replace(message, '[0-9]+\.[0-9]+', 'N', 'g') || ')', ''), ', ' ORDER BY version)
    FROM (SELECT * FROM ops_guarded.versions ORDER BY version DESC LIMIT 5) AS v $$;
CALL reco.refresh('ops_guarded', guard => 'ndcg@10 >= 0.95 * current');
SELECT ops_guarded();
CALL reco.refresh('ops_guarded', guard => ' ndcg@10>=0.95*current ');
SELECT ops_guarded();
SELECT (metrics -> 'ndcg@10')::float8 > 0.5 AS worth_something FROM ops_guarded.versions WHERE active;
-- of so few users three seeds are measured together
SELECT abs((metrics -> 'ndcg@10')::float8 - value) < 1e-9 AS as_evaluated FROM ops_guarded.versions AS v,
  (SELECT sum(value * users) / sum(users) AS value FROM generate_series(42, 44) AS seed,
     reco.evaluate('ops_taste', ARRAY[reco.ials(factors => 8, regularization => 1)], seed => seed) WHERE metric = 'ndcg' AND algorithm LIKE 'ials%') AS e WHERE active;
CREATE TABLE ops_kept AS SELECT r.* FROM ops_guarded.recommend(1) AS r;
-- a source that went wrong
CALL reco.alter_model('ops_guarded', source => 'SELECT u, (i * 7 + u * 13 + hashint4(u * 1000 + i) % 40 + 80) % 40 AS i FROM ops_taste');
SET client_min_messages = error;
DO $$
BEGIN
  CALL reco.refresh('ops_guarded', guard => 'ndcg@10 >= 0.95 * current');
END $$;
SET client_min_messages = warning;
SELECT ops_guarded();
SELECT count(*) AS differ FROM (TABLE ops_kept EXCEPT SELECT r.* FROM ops_guarded.recommend(1) AS r) AS d;
-- the one that serves outlives any number of those
SET client_min_messages = error;
CALL reco.refresh('ops_guarded', guard => 'ndcg@10 >= 0.95 * current');
CALL reco.refresh('ops_guarded', guard => 'ndcg@10 >= 0.95 * current');
CALL reco.refresh('ops_guarded', guard => 'ndcg@10 >= 0.95 * current');
SET client_min_messages = warning;
SELECT ops_guarded();
SELECT count(*) AS differ FROM (TABLE ops_kept EXCEPT SELECT r.* FROM ops_guarded.recommend(1) AS r) AS d;
CALL reco.activate('ops_guarded', 7);
SELECT ops_guarded();
SET client_min_messages = error;
CALL reco.refresh('ops_guarded', guard => 'recall@3 >= 0.99999');
CALL reco.refresh('ops_guarded', guard => 'coverage@5 >= 0');
CALL reco.alter_model('ops_guarded', algorithm => reco.als(factors => 2), source => 'SELECT u, i, 1 + (u + i) % 5 FROM ops_taste');
CALL reco.refresh('ops_guarded', guard => 'rmse <= 0.0001');
CALL reco.refresh('ops_guarded', guard => 'mae <= 100');
CALL reco.alter_model('ops_guarded', source => 'SELECT u, 1 AS i, 1 FROM ops_taste');
CALL reco.refresh('ops_guarded', guard => 'mae <= 100');
SET client_min_messages = warning;
SELECT ops_guarded();
CALL reco.refresh('ops', guard => 'rmse <= 1');
CALL reco.refresh('ops_guarded', guard => '');
CALL reco.refresh('ops_guarded', guard => 'ndcg >= 1');
CALL reco.refresh('ops_guarded', guard => 'ndcg@0 >= 1');
CALL reco.refresh('ops_guarded', guard => 'ndcg@10 <= 1');
CALL reco.refresh('ops_guarded', guard => 'ndcg@10 >= ');
CALL reco.refresh('ops_guarded', guard => 'ndcg@10 >= nan');
CALL reco.refresh('ops_guarded', guard => 'ndcg@10 >= 1 * currently');
CALL reco.refresh('ops_guarded', guard => 'ndcg@10 >= 1 * 2');
CALL reco.refresh('ops_guarded', guard => 'rmse@10 <= 1');
CALL reco.refresh('ops_guarded', guard => 'beauty@10 >= 1');
CALL reco.refresh('ops_guarded', guard => 'ndcg@99999999999999999999 >= 1');
CALL reco.drop_model('ops_guarded');
DROP FUNCTION ops_guarded;
DROP TABLE ops_taste, ops_kept;

-- Rights.
CREATE ROLE ops_app;
CREATE ROLE "ops Other";
SET ROLE ops_app;
SELECT ops_list();
CALL reco.activate('ops', 6);
CALL reco.grant_use('ops', 'ops_app');
RESET ROLE;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ops FROM public;
CALL reco.grant_use('ops', 'ops_app', tables => true);
CALL reco.grant_use('ops', 'ops Other');
SET ROLE ops_app;
SELECT ops_list();
SELECT count(*) FROM ops.recommend(1);
SELECT count(*) > 0 AS reads FROM ops.versions;
UPDATE ops.model SET active_version = 1;
CALL reco.activate('ops', 6);
CALL reco.refresh('ops');
SET ROLE "ops Other";
SELECT count(*) FROM ops.recommend(1);
RESET ROLE;
CALL reco.revoke_use('ops', 'ops_app');
SET ROLE ops_app;
SELECT ops_list();
RESET ROLE;
CALL reco.grant_use('ops', 'public');
SET ROLE ops_app;
SELECT count(*) FROM ops.recommend(1);
RESET ROLE;
CALL reco.revoke_use('ops', 'public');
CALL reco.grant_use('ops', 'ops_nobody');
CALL reco.grant_use('ops', 'x; DROP SCHEMA ops CASCADE');
CALL reco.grant_use('ops', NULL);
CALL reco.grant_use(NULL, 'ops_app');
CALL reco.grant_use('public', 'ops_app');
CALL reco.revoke_use('ops', 'ops Other');

-- Views and functions made anew: one that is gone comes back, what was trained and granted
-- stays.
CALL reco.create_model('ops_uuid', 'SELECT md5(u::text)::uuid AS u, i::text AS i FROM ops_rows', reco.ials(factors => 4), options => reco.options(live => 'off'));
CREATE FUNCTION ops_surface(model text) RETURNS text LANGUAGE sql AS $$
  SELECT md5(string_agg(definition, E'\n' ORDER BY definition)) || ' ' || count(*) FROM (
    SELECT pg_get_functiondef(oid) || coalesce(obj_description(oid, 'pg_proc'), '') FROM pg_proc WHERE pronamespace = model::regnamespace
    UNION ALL SELECT pg_get_viewdef(oid) || relname || coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class WHERE relnamespace = model::regnamespace AND relkind = 'v') AS s(definition) $$;
CREATE TABLE ops_before AS SELECT m, ops_surface(m) AS surface FROM unnest(ARRAY['ops', 'ops_uuid']) AS m;
CREATE TABLE ops_lists AS SELECT r.* FROM ops_uuid.recommend(md5('3')::uuid) AS r;
DROP FUNCTION ops_uuid.recommend(uuid, int, text[], text[], bool, float8, text, float8, bigint, text[], real[]);
DROP VIEW ops_uuid.item_neighbors;
-- other names of arguments, another result, and a function that there is not any more
DROP FUNCTION ops_uuid.user_profile(uuid, int), ops_uuid.similar_users(text, int);
CREATE FUNCTION ops_uuid.user_profile(who uuid, n int) RETURNS TABLE (feature text, value text, weight double precision) LANGUAGE sql STABLE
BEGIN ATOMIC SELECT * FROM reco.serve_user_profile('ops_uuid'::regnamespace, who, NULL) AS r(feature text, value text, weight double precision); END;
CREATE FUNCTION ops_uuid.similar_users(for_user text, n int DEFAULT 10) RETURNS TABLE (rank int, user_id text, similarity double precision) LANGUAGE sql STABLE
BEGIN ATOMIC SELECT r.rank, r.user_id::text, r.similarity FROM reco.serve_similar_users('ops_uuid'::regnamespace, for_user, NULL) AS r(rank int, user_id uuid, similarity double precision); END;
CREATE FUNCTION ops_uuid.popular(n text) RETURNS SETOF int LANGUAGE sql STABLE
BEGIN ATOMIC SELECT r.rank FROM reco.serve_popular('ops_uuid'::regnamespace, 0, NULL) AS r(rank int, item_id text, score real); END;
CREATE OR REPLACE FUNCTION ops.predict(for_user bigint, for_item bigint) RETURNS real LANGUAGE sql STABLE PARALLEL SAFE AS 'SELECT 1::real';
CREATE OR REPLACE VIEW ops.versions AS SELECT v.version, v.status, true AS active, v.started_at, v.finished_at, v.rows_read, v.rows_skipped, v.rows_merged, v.users, v.items,
  v.interactions, 'x'::text AS algorithm, v.options, v.metrics, v.loss, v.bytes, v.timings, v.trained_by, v.message, v.row_security, v.reference_time, v.folded_in_at, v.folded_in_users, v.member_loss, v.choice, v.cold_items, v.cold_users, v.priors, v.forgotten_users, v.forgotten_at, v.epsilon, v.delta, v.folded_in_interactions, v.drift, v.calibration, v.made_of FROM ops.model_version AS v;
GRANT SELECT ON ops_uuid.user_factors TO ops_app;
SELECT m, surface = ops_surface(m) AS same FROM ops_before ORDER BY m;
SET ROLE ops_app;
CALL reco.upgrade_model('ops');
RESET ROLE;
CALL reco.upgrade_model('ops');
CALL reco.upgrade_model('ops_uuid');
SELECT m, surface = ops_surface(m) AS same FROM ops_before ORDER BY m;
SELECT count(*) AS differ FROM (TABLE ops_lists EXCEPT SELECT r.* FROM ops_uuid.recommend(md5('3')::uuid) AS r) AS d;
SELECT has_table_privilege('ops_app', 'ops_uuid.user_factors', 'SELECT') AS granted;
CALL reco.upgrade_model('ops_rows');
CALL reco.upgrade_model(NULL);
CALL reco.drop_model('ops_uuid');
DROP FUNCTION ops_surface;
DROP TABLE ops_before, ops_lists;

-- A library of another version serves, but trains nothing.
BEGIN;
UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'reco';
SELECT count(*) FROM ops.recommend(1);
DO $$
BEGIN
  CALL reco.refresh('ops');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
  RAISE INFO '%', regexp_replace(sqlerrm, 'is version \S+,', 'is version N,');
END $$;
ROLLBACK;

-- Row-level security on the source: read as the owner, and recorded.
CREATE ROLE ops_owner;
GRANT CREATE ON DATABASE contrib_regression TO ops_owner;
GRANT SELECT ON ops_rows TO ops_owner;
ALTER TABLE ops_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY half ON ops_rows FOR SELECT TO ops_owner USING (u <= 10);
SET client_min_messages = notice;
CALL reco.refresh('ops');
SET ROLE ops_owner;
CALL reco.create_model('ops_half', 'public.ops_rows', reco.popular());
CALL reco.create_model('ops_join', 'SELECT a.u, b.i FROM public.ops_rows AS a JOIN (SELECT * FROM public.ops_rows) AS b USING (u)', reco.popular());
RESET ROLE;
CALL reco.refresh('ops_half');
SET client_min_messages = warning;
SELECT row_security, users FROM ops.versions WHERE active;
SELECT row_security, users FROM ops_half.versions ORDER BY version;
SELECT row_security, users FROM ops_join.versions;
CALL reco.drop_model('ops_half');
CALL reco.drop_model('ops_join');
REVOKE CREATE ON DATABASE contrib_regression FROM ops_owner;

-- What a session computes with; settings of 0 stand for what the machine allows.
SELECT name, value <> '' AS known FROM reco.environment();
SELECT DISTINCT value = extversion AS same FROM reco.environment(), pg_extension WHERE extname = 'reco' AND name ~ 'version';
CREATE FUNCTION ops_environment(what text) RETURNS text LANGUAGE sql AS $$
  SELECT value FROM reco.environment() WHERE name = what $$;
-- a third of what shared_buffers leaves, as far as it is said in whole megabytes or gigabytes
SELECT (pg_size_bytes(ops_environment('memory')) - pg_size_bytes(current_setting('shared_buffers'))) / 3.0
       / pg_size_bytes(ops_environment('memory of a training')) BETWEEN 0.9 AND 1.1 AS third;
SET reco.max_threads = 8;
SET reco.threads = 7;
SET reco.max_memory_limit = '2000GB';
SET reco.max_memory = '2000GB';
SELECT ops_environment('memory of a training'), ops_environment('threads of a training');
-- whoever is no superuser may have less, but not more
CREATE FUNCTION ops_limits() RETURNS text LANGUAGE sql AS $$
  SELECT ops_environment('threads of a training') || ' threads, ' || ops_environment('memory of a training') $$;
SET reco.max_memory_limit = '128MB';
SET reco.max_threads = 2;
SET ROLE ops_app;
SET reco.threads = 1024;
SET reco.max_memory = '2000GB';
SET maintenance_work_mem = '2000GB';
SELECT ops_limits();
SET reco.threads = 1;
SET reco.max_memory = '64MB';
SELECT ops_limits();
SET reco.max_threads = 1024;
SET reco.max_memory_limit = '1TB';
ALTER ROLE ops_app SET reco.max_threads = 1024;
RESET reco.threads;
RESET reco.max_memory;
SELECT ops_limits();
-- the estimate is in the error, and what is in the way
SET reco.max_memory = '1TB';
DO $$
DECLARE
  detail text; hint text;
BEGIN
  PERFORM reco.evaluate('SELECT u, i FROM generate_series(1, 3000) AS u, generate_series(1, 1000) AS i WHERE (u * i) % 7 = 0 OR u = i', ARRAY[reco.ials(factors => 1024)]);
EXCEPTION WHEN program_limit_exceeded THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RAISE WARNING '% % %', regexp_replace(sqlerrm, '\d+', 'N'), regexp_replace(detail, '\d+', 'N'), hint;
END $$;
RESET ROLE;
DROP FUNCTION ops_limits;
RESET maintenance_work_mem;
SET reco.max_memory = '64MB';
SET max_parallel_maintenance_workers = 0;
SET reco.threads = 0;
SELECT ops_environment('memory of a training'), ops_environment('threads of a training');
RESET ALL;
SET client_min_messages = warning;
DROP FUNCTION ops_environment;

-- Nothing trains.
SELECT * FROM reco.progress;

CALL reco.drop_model('ops');
DROP FUNCTION ops_list, ops_versions;
DROP TABLE ops_rows;
DROP ROLE ops_app, "ops Other", ops_owner;
