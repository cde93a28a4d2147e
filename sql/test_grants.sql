--
-- Who may call a model's functions, and what grant_use grants.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

CREATE ROLE regress_reco_owner;
CREATE ROLE regress_reco_app;
CREATE ROLE regress_reco_other;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_reco_owner', current_database()); END $$;
-- whatever default privileges say, a model's functions are not everybody's
ALTER DEFAULT PRIVILEGES FOR ROLE regress_reco_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
SET ROLE regress_reco_owner;
CREATE SCHEMA gr_shop;
CREATE TABLE gr_shop.lines AS SELECT u, i, 1 AS q, timestamp '2024-03-01' - make_interval(days => u * i) AS at FROM generate_series(1, 20) AS u, generate_series(1, 9) AS i WHERE (u * i) % 5 > 1;
CREATE TABLE gr_shop.items AS SELECT i AS id, CASE WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END AS kind FROM generate_series(1, 9) AS i;
CALL reco.create_model('gr_home', 'gr_shop.lines', reco.ials(factors => 2), items => 'gr_shop.items');
SELECT count(*) AS functions, count(*) FILTER (WHERE proacl IS NULL) AS without_rights,
       count(*) FILTER (WHERE has_function_privilege('public', oid, 'EXECUTE')) AS everybodys
  FROM pg_proc WHERE pronamespace = 'gr_home'::regnamespace;
RESET ROLE;

-- What each function's server says: rows, or the error.
CREATE FUNCTION gr_serve(f text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  columns CONSTANT jsonb := '{"recommend": "a int, b int, c real, d text", "expose": "a text, b int, c int, d int, e real, f text, g float8", "recommend_for": "a int, b int, c real, d text",
    "rerank": "a int, b int, c real", "predict": "a real", "explain": "a int, b real, c real", "audience": "a int, b int, c real",
    "similar_items": "a int, b int, c float8", "similar_users": "a int, b int, c float8", "popular": "a int, b int, c real",
    "trending": "a int, b int, c real", "user_profile": "a text, b text, c text, d float8, e int[]",
    "bought_together": "a int, b int, c int, d int, e int, f float8, g float8, h float8, i float8, j float8",
    "buy_again": "a int, b int, c real, d int, e timestamptz, f timestamptz",
    "demand": "a int, b float8, c int, d int, e int, f float8, g int, h int, i float8",
    "growth": "a int, b int, c int, d int, e float8, f float8, g float8"}';
BEGIN
  EXECUTE format('SELECT FROM reco.serve_%s(''gr_home'', %s, ''{"n": 2, "items": [1, 2], "item": 1, "horizon": "1 day", "recent": "1 day", "baseline": "1 day"}'') AS r(%s)',
                 f, CASE WHEN f = 'recommend_for' THEN 'ARRAY[1, 2]' ELSE '2' END, columns ->> f);
  RETURN 'rows';
EXCEPTION WHEN OTHERS THEN
  RETURN sqlstate || ' ' || sqlerrm;
END $$;
CREATE VIEW gr_names AS SELECT DISTINCT proname::text AS name FROM pg_proc WHERE pronamespace = to_regnamespace('gr_home');
GRANT SELECT ON gr_names TO PUBLIC;

-- Nothing is granted: nothing is served, by the functions or by what they call.
SET ROLE regress_reco_app;
SELECT name, gr_serve(name) FROM gr_names ORDER BY 1;
SELECT * FROM gr_home.recommend(2);
SELECT * FROM reco.recommend('gr_home', 2);
RESET ROLE;
-- The schema alone is not enough, nor is a table.
GRANT USAGE ON SCHEMA gr_home TO regress_reco_app, regress_reco_other;
GRANT SELECT ON ALL TABLES IN SCHEMA gr_home TO regress_reco_other;
SET ROLE regress_reco_app;
SELECT DISTINCT regexp_replace(gr_serve(name), '"' || name || '"', 'F') FROM gr_names;
SELECT * FROM gr_home.recommend(2);
SELECT * FROM reco.recommend('gr_home', 2);
SET ROLE regress_reco_other;
SELECT DISTINCT regexp_replace(gr_serve(name), '"' || name || '"', 'F') FROM gr_names;
RESET ROLE;

-- Each function granted alone lets exactly its own server answer.
CREATE FUNCTION gr_alone(f text) RETURNS TABLE (served text) LANGUAGE plpgsql AS $$
DECLARE
  signature text;
BEGIN
  FOR signature IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'gr_home'::regnamespace AND proname = f LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO regress_reco_app', signature);
  END LOOP;
  SET LOCAL ROLE regress_reco_app;
  RETURN QUERY SELECT name FROM gr_names WHERE gr_serve(name) = 'rows';
  RESET ROLE;
  FOR signature IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'gr_home'::regnamespace AND proname = f LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM regress_reco_app', signature);
  END LOOP;
END $$;
SELECT name, array_agg(served) AS served FROM gr_names, gr_alone(name) GROUP BY 1 ORDER BY 1;
SET ROLE regress_reco_app;
SELECT count(*) FROM gr_names WHERE gr_serve(name) = 'rows';
RESET ROLE;

-- grant_use: the functions, of a new version, too, read by this role first; no table.
SET ROLE regress_reco_owner;
CALL reco.grant_use('gr_home', 'regress_reco_app');
CALL reco.refresh('gr_home');
SET ROLE regress_reco_app;
SELECT count(*) AS served FROM gr_names WHERE gr_serve(name) = 'rows';
SELECT count(*) FROM gr_home.recommend(2, 3);
SELECT count(*) FROM reco.recommend('gr_home', 2, 3);
SELECT count(*) FROM gr_home.user_profile(2);
SELECT count(*) FROM gr_home.model_user;
SELECT source FROM gr_home.model;
SELECT count(*) FROM gr_home.user_factors;
SELECT count(*) FROM reco.models WHERE model = 'gr_home';
SELECT count(*) FROM pg_class WHERE relnamespace = 'gr_home'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege(oid, 'SELECT');
CALL reco.grant_use('gr_home', 'regress_reco_other');
-- a plan that is there does not outlive the right
PREPARE list AS SELECT count(*) FROM gr_home.recommend(2, 3);
EXECUTE list;
SET ROLE regress_reco_owner;
REVOKE EXECUTE ON FUNCTION gr_home.recommend FROM regress_reco_app;
SET ROLE regress_reco_app;
EXECUTE list;
SELECT gr_serve('recommend'), gr_serve('rerank');
DEALLOCATE list;
RESET ROLE;

-- A function that somebody else put into the schema opens nothing; nor does one that
-- calls something else.
GRANT CREATE ON SCHEMA gr_home TO regress_reco_other;
SET ROLE regress_reco_other;
CREATE FUNCTION gr_home.recommend(x text) RETURNS TABLE (a int, b int, c real, d text) STABLE
  BEGIN ATOMIC SELECT r.a, r.b, r.c, r.d FROM reco.serve_recommend('gr_home', 2, '{}') AS r(a int, b int, c real, d text); END;
REVOKE ALL ON FUNCTION gr_home.recommend(text) FROM PUBLIC;
SELECT gr_serve('recommend');
SELECT * FROM gr_home.recommend('2'::text);
SET ROLE regress_reco_owner;
CREATE FUNCTION gr_home.recommend(x date) RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT EXECUTE ON FUNCTION gr_home.recommend(date) TO regress_reco_other;
SET ROLE regress_reco_other;
SELECT gr_serve('recommend');
-- the owner's own function does, and so does ownership
SET ROLE regress_reco_owner;
CREATE FUNCTION gr_home.recommend(x time) RETURNS TABLE (a int, b int, c real, d text) STABLE
  BEGIN ATOMIC SELECT r.a, r.b, r.c, r.d FROM reco.serve_recommend('gr_home', 2, '{}') AS r(a int, b int, c real, d text); END;
SELECT gr_serve('recommend');
SET ROLE regress_reco_other;
SELECT gr_serve('recommend');
SET ROLE regress_reco_owner;
REVOKE ALL ON FUNCTION gr_home.recommend(time) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gr_home.recommend(time) TO regress_reco_other;
SET ROLE regress_reco_other;
SELECT gr_serve('recommend');
RESET ROLE;
DROP FUNCTION gr_home.recommend(text), gr_home.recommend(date), gr_home.recommend(time);
REVOKE ALL ON SCHEMA gr_home FROM regress_reco_other;
REVOKE ALL ON ALL TABLES IN SCHEMA gr_home FROM regress_reco_other;

-- What else is in the schema is no part of the model.
CREATE FUNCTION gr_holds(role text, OUT functions bigint, OUT relations bigint, OUT schema bool) LANGUAGE sql AS $$
  SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace = 'gr_home'::regnamespace AND has_function_privilege(role, oid, 'EXECUTE')),
         (SELECT count(*) FROM pg_class WHERE relnamespace = 'gr_home'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege(role, oid, 'SELECT')),
         has_schema_privilege(role, 'gr_home', 'USAGE') $$;
SET ROLE regress_reco_owner;
CALL reco.revoke_use('gr_home', 'regress_reco_app');
CREATE TABLE gr_home.private AS SELECT 'secret' AS word;
CREATE VIEW gr_home.private_view AS SELECT * FROM gr_home.private;
CREATE FUNCTION gr_home.private_word() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT word FROM gr_home.private';
REVOKE ALL ON FUNCTION gr_home.private_word() FROM PUBLIC;
SELECT * FROM gr_holds('regress_reco_app');
CALL reco.grant_use('gr_home', 'regress_reco_app');
SELECT * FROM gr_holds('regress_reco_app');
CALL reco.grant_use('gr_home', 'regress_reco_app', tables => true);
SELECT * FROM gr_holds('regress_reco_app');
SET ROLE regress_reco_app;
SELECT count(*) > 0 AS reads FROM gr_home.item_factors;
SELECT count(*) FROM gr_home.private_view;
SELECT gr_home.private_word();
SELECT model FROM reco.models WHERE model = 'gr_home';
-- what is the role's by other ways stays the role's
SET ROLE regress_reco_owner;
GRANT SELECT ON gr_home.private TO regress_reco_app;
CALL reco.revoke_use('gr_home', 'regress_reco_app');
SELECT * FROM gr_holds('regress_reco_app');
REVOKE SELECT ON gr_home.private FROM regress_reco_app;
CALL reco.grant_use('gr_home', 'public');
SET ROLE regress_reco_other;
SELECT count(*) AS served FROM gr_names WHERE gr_serve(name) = 'rows';
SET ROLE regress_reco_owner;
CALL reco.revoke_use('gr_home', 'public');
CALL reco.grant_use('gr_home', 'no such role');
CALL reco.grant_use('gr_home', NULL);
DROP FUNCTION gr_home.private_word();
DROP TABLE gr_home.private CASCADE;

-- Functions without rights of their own, as a restore without rights leaves them: the
-- right that everybody then has does not count.
GRANT USAGE ON SCHEMA gr_home TO regress_reco_other;
DO $$
DECLARE
  made text := pg_get_functiondef('gr_home.popular'::regproc);
BEGIN
  DROP FUNCTION gr_home.popular;
  EXECUTE made;
END $$;
SELECT proacl FROM pg_proc WHERE oid = 'gr_home.popular'::regproc;
SET ROLE regress_reco_other;
SELECT * FROM gr_home.popular(1);
SET ROLE regress_reco_owner;
CALL reco.grant_use('gr_home', 'regress_reco_app');
SET ROLE regress_reco_app;
SELECT count(*) FROM gr_home.popular(1);
SET ROLE regress_reco_other;
SELECT * FROM gr_home.popular(1);

-- An upgrade keeps the rights as they are; a function that is new goes to whoever may call
-- all others.
SET ROLE regress_reco_owner;
CALL reco.grant_use('gr_home', 'regress_reco_other');
REVOKE EXECUTE ON FUNCTION gr_home.user_profile FROM regress_reco_app;
GRANT EXECUTE ON FUNCTION gr_home.predict TO PUBLIC;
DROP FUNCTION gr_home.trending;
CALL reco.upgrade_model('gr_home');
SELECT proname FROM pg_proc WHERE pronamespace = 'gr_home'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE');
SET ROLE regress_reco_app;
SELECT name, gr_serve(name) FROM gr_names ORDER BY 1;
SET ROLE regress_reco_other;
SELECT name, gr_serve(name) FROM gr_names ORDER BY 1;
SET ROLE regress_reco_owner;
CALL reco.revoke_use('gr_home', 'regress_reco_other');

-- Policies on a model's tables are refused, whoever they would apply to.
SET ROLE regress_reco_owner;
ALTER TABLE gr_home.model_user ENABLE ROW LEVEL SECURITY;
SELECT gr_serve('recommend');
SET ROLE regress_reco_app;
SELECT gr_serve('recommend');

RESET ROLE;
SET ROLE regress_reco_owner;
CALL reco.drop_model('gr_home');
RESET ROLE;
DROP VIEW gr_names;
DROP FUNCTION gr_serve, gr_alone, gr_holds;
DROP SCHEMA gr_shop CASCADE;
DROP OWNED BY regress_reco_owner, regress_reco_app, regress_reco_other;
DROP ROLE regress_reco_owner, regress_reco_app, regress_reco_other;
