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

-- Rights.
CREATE ROLE ops_app;
CREATE ROLE "ops Other";
SET ROLE ops_app;
SELECT ops_list();
CALL reco.activate('ops', 6);
CALL reco.grant_use('ops', 'ops_app');
RESET ROLE;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ops FROM public;
CALL reco.grant_use('ops', 'ops_app');
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

-- Nothing trains.
SELECT * FROM reco.progress;

CALL reco.drop_model('ops');
DROP FUNCTION ops_list, ops_versions;
DROP TABLE ops_rows;
DROP ROLE ops_app, "ops Other";
