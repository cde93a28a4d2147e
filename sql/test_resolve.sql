--
-- Queries of a definition are kept with the schemas of all that they name: no search_path,
-- no overload of a later day, and nothing of a caller's session changes what they say.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;

DROP ROLE IF EXISTS regress_res_owner, regress_res_app, regress_res_login;
CREATE ROLE regress_res_owner;
CREATE ROLE regress_res_app;
CREATE SCHEMA res_shop;
CREATE SCHEMA res_shared;
GRANT USAGE, CREATE ON SCHEMA res_shared TO PUBLIC;
GRANT USAGE ON SCHEMA res_shop TO regress_res_owner;

CREATE TABLE res_shop.lines (u varchar(10), i varchar(10), qty int DEFAULT 1, at timestamptz DEFAULT '2020-01-02 00:00Z');
INSERT INTO res_shop.lines SELECT 'u' || u, 'i' || i, 1 + (u * i) % 3 FROM generate_series(1, 6) AS u, generate_series(1, 6) AS i WHERE (u * i) % 4 > 0;
CREATE INDEX ON res_shop.lines (u);
ANALYZE res_shop.lines;
CREATE FUNCTION res_served(who text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT string_agg(item_id, ' ' ORDER BY item_id) FROM res_home.recommend(who, n => NULL)); END $$;

-- The attack: a superuser's model, a schema in its path where others create.  The better match of
-- a later day is not called: neither by look-ups nor by a refresh.
SET search_path = res_shop, res_shared, public;
CALL reco.create_model('res_home', 'SELECT u, i, qty FROM lines WHERE length(u) = 2', reco.ials(factors => 2),
  items => 'SELECT i, length(i) > 0 AS available FROM lines GROUP BY i');
RESET search_path;
CALL reco.grant_use('res_home', 'regress_res_app');
SELECT key, value ->> 'query' AS query, value ->> 'calls' AS calls FROM res_home.model, jsonb_each(resolved) ORDER BY 1;
SELECT res_served('u2') AS served \gset
SET ROLE regress_res_app;
CREATE FUNCTION res_shared.length(varchar) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured as %', current_user; END $$;
CREATE TABLE res_shared.lines (u varchar, i varchar, qty int);
SET search_path = res_shared;
SELECT public.res_served('u2') = :'served' AS not_captured;
SELECT length('u2'::varchar) AS "as the text would be read";
RESET search_path;
RESET ROLE;
INSERT INTO res_shop.lines VALUES ('u2', 'i4'), ('u9', 'i1');
\c -
SET client_min_messages = warning;
SET reco.threads = 1;
SET ROLE regress_res_app;
SELECT res_served('u2') AS without_what_came, res_served('u9') AS somebody_new;
RESET ROLE;
CALL reco.refresh('res_home');
SELECT users, status FROM res_home.versions WHERE active;
CALL reco.alter_model('res_home', options => reco.options(live => 'on'));
SET ROLE regress_res_app;
SELECT res_served('u9');
RESET ROLE;
-- a definition without what it was resolved to: under its search_path, until a refresh or an upgrade
UPDATE res_home.model SET resolved = NULL;
SET ROLE regress_res_app;
SELECT res_served('u9');
RESET ROLE;
DROP FUNCTION res_shared.length;
CALL reco.upgrade_model('res_home');
SELECT resolved #>> '{source,query}' AS source FROM res_home.model;
UPDATE res_home.model SET resolved = NULL;
CALL reco.refresh('res_home');
SELECT resolved #>> '{source,query}' AS source, resolved #>> '{items,query}' AS items FROM res_home.model;
CREATE FUNCTION res_shared.length(varchar) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured as %', current_user; END $$;
SELECT res_served('u9');
DROP FUNCTION res_shared.length;
-- nor is a text taken for another's that was written beside it by hand
UPDATE res_home.model SET source = 'SELECT u, i FROM res_shop.lines WHERE u = ''u2''';
CALL reco.refresh('res_home');
SELECT users FROM res_home.versions WHERE active;
SELECT resolved #>> '{source,query}' AS source FROM res_home.model;

-- What names a schema that others create in: a call is taken by who fits better, and not made.
CREATE FUNCTION res_shared.pick(anyelement) RETURNS anyelement IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION res_shared.part(text, int DEFAULT 10, more int DEFAULT 0) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT left($1, $2 + $3)';
CREATE FUNCTION res_shared.mix(VARIADIC text[]) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1[1]';
CREATE FUNCTION res_shared.same(anyelement, anyelement) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 = $2';
CREATE OPERATOR res_shared.=== (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = res_shared.same);
CALL reco.alter_model('res_home', source => 'SELECT res_shared.pick(u)::varchar(10), res_shared.part(i)::varchar(10), res_shared.part(res_shared.mix(i, u), more => 1) FROM res_shop.lines WHERE qty OPERATOR(res_shared.===) qty');
CALL reco.alter_model('res_home', source => 'SELECT res_shared.pick(u)::varchar(10), res_shared.part(res_shared.mix(i, u), more => 1)::varchar(10) AS i FROM res_shop.lines WHERE qty OPERATOR(res_shared.===) qty');
SELECT value ->> 'query' AS query, value ->> 'calls' AS calls FROM res_home.model, jsonb_each(resolved) WHERE key = 'source';
CALL reco.refresh('res_home');
SELECT res_served('u9');
SET ROLE regress_res_app;
CREATE FUNCTION res_shared.part(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured'; END $$;
CREATE FUNCTION res_shared.part(text, int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured'; END $$;
CREATE FUNCTION res_shared.mix(text, text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured'; END $$;
RESET ROLE;
\c -
SET client_min_messages = warning;
SET reco.threads = 1;
SELECT res_served('u9');
CALL reco.refresh('res_home');
SET ROLE regress_res_app;
CREATE FUNCTION res_shared.pick(varchar) RETURNS varchar IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured'; END $$;
RESET ROLE;
\c -
SET client_min_messages = warning;
SET reco.threads = 1;
SELECT res_served('u9');
CALL reco.refresh('res_home');
SELECT line FROM reco.explain_source('res_home') AS line LIMIT 1;
DROP FUNCTION res_shared.pick(varchar);
SELECT res_served('u9');
SET ROLE regress_res_app;
CREATE FUNCTION res_shared.same(int, int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured'; END $$;
CREATE OPERATOR res_shared.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = res_shared.same);
RESET ROLE;
CALL reco.refresh('res_home');
DROP FUNCTION res_shared.same(int, int) CASCADE;

-- Of every shape of query: the rows of what it was resolved to are the rows of the text.
CREATE TYPE res_shop.mood AS ENUM ('glad', 'sad');
CREATE DOMAIN res_shop.code AS varchar(10) CHECK (VALUE <> '');
CREATE TYPE res_shop.pair AS (a int, b text);
CREATE TABLE res_shop.people (u varchar(10), mood res_shop.mood, code res_shop.code, pair res_shop.pair, tags text[], j jsonb, x xml, pt point, day date);
INSERT INTO res_shop.people SELECT 'u' || n, (ARRAY['glad', 'sad'])[1 + n % 2]::res_shop.mood, 'c' || n, ROW(n, ('p' || n)::text)::res_shop.pair, ARRAY['a', 'b' || n], jsonb_build_object('k', n, 'l', jsonb_build_array(n, 2)),
  NULL, point(n, 1), '2020-01-01'::date + n FROM generate_series(1, 6) AS n;
CREATE VIEW res_shop.seen AS SELECT u, i, qty FROM res_shop.lines;
CREATE COLLATION res_shared.c (provider = libc, locale = 'C');
CREATE FUNCTION res_shared.few(n int, u varchar DEFAULT 'u1') RETURNS SETOF res_shop.lines STABLE LANGUAGE sql AS 'SELECT * FROM res_shop.lines AS l WHERE l.u = $2 LIMIT $1';
CREATE FUNCTION res_shared.add(text, text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1 || $2';
CREATE AGGREGATE res_shared.glue(text) (SFUNC = res_shared.add, STYPE = text, INITCOND = '');
CREATE OPERATOR res_shared.@@@ (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq);
CREATE FUNCTION res_rows(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'SELECT r::text FROM (' || query || E'\n) AS r ORDER BY 1'; END $$;
CREATE FUNCTION res_same(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  path text := current_setting('search_path');
  rows text[]; now text[]; resolved text;
BEGIN
  CALL reco.alter_model('res_home', source => query);
  resolved := (SELECT m.resolved #>> '{source,query}' FROM res_home.model AS m);
  rows := ARRAY(SELECT * FROM public.res_rows(query));
  PERFORM set_config('search_path', 'pg_catalog', true);
  now := ARRAY(SELECT * FROM public.res_rows(resolved));
  PERFORM set_config('search_path', path, true);
  RETURN CASE WHEN rows = now AND array_length(rows, 1) > 0 THEN 'the same' ELSE format('%s: %s, not %s', resolved, now, rows) END;
EXCEPTION WHEN OTHERS THEN
  PERFORM set_config('search_path', path, true);
  RETURN sqlstate || ' ' || sqlerrm;
END
$$;
SET search_path = res_shop, res_shared, public;
SET DateStyle = 'SQL, DMY';
CREATE TEMP TABLE res_queries AS SELECT * FROM (VALUES
  ('SELECT * FROM lines'), ('SELECT l.* FROM lines AS l'), ('TABLE lines'), ('SELECT u, i FROM ONLY lines'), ('SELECT u AS "the user", i "select" FROM lines'), ('SELECT u, u, i FROM lines'),
  ('SELECT 1, 2'), ('SELECT u, ''x'' FROM lines'), ('SELECT u, NULL FROM lines'), ('VALUES (1, 2), (3, 4)'), ('SELECT * FROM (VALUES (1, ''a''), (2, ''b'')) AS v(u, i)'),
  ('SELECT u, i FROM seen'), ('SELECT u, code FROM lines JOIN people USING (u)'), ('SELECT * FROM lines NATURAL JOIN people AS p(u)'), ('SELECT p.*, l.i FROM lines l LEFT JOIN people p ON l.u = p.u'),
  ('SELECT * FROM (lines JOIN people USING (u)) AS j(a, b)'), ('SELECT * FROM lines FULL JOIN seen USING (u, i)'), ('SELECT a.u, b.i FROM lines a CROSS JOIN LATERAL (SELECT i FROM lines b WHERE b.u = a.u LIMIT 1) b'),
  ('SELECT p.u, s.i FROM people p, few(2, p.u) AS s'), ('SELECT * FROM few(n => 3)'), ('SELECT * FROM few(1) WITH ORDINALITY'), ('SELECT * FROM ROWS FROM (few(1), generate_series(1, 3)) AS r'),
  ('WITH a AS (SELECT * FROM lines), b AS MATERIALIZED (SELECT u FROM a) SELECT u, i FROM a WHERE u IN (SELECT u FROM b)'),
  ('WITH RECURSIVE r(n, t) AS (SELECT 1, ''a''::text UNION SELECT n + 1, t || ''b'' FROM r WHERE n < 4) SELECT n, t FROM r'),
  ('WITH RECURSIVE r(n, m) AS (SELECT 1, 1 UNION ALL SELECT n % 3 + 1, m FROM r) CYCLE n SET c USING p SELECT n, m FROM r'),
  ('SELECT u, i FROM lines UNION SELECT u, i FROM seen'), ('(SELECT u, i FROM lines ORDER BY 1, 2 LIMIT 3) UNION ALL (SELECT i, u FROM lines ORDER BY 1, 2 OFFSET 20)'), ('SELECT u, i FROM lines EXCEPT ALL SELECT u, i FROM lines WHERE qty = 1 INTERSECT SELECT u, i FROM seen'),
  ('SELECT u, i FROM lines GROUP BY 1, 2 HAVING sum(qty) > 1'), ('SELECT u, i, grouping(u, i), sum(qty) FROM lines GROUP BY GROUPING SETS ((u, i), (u), ())'), ('SELECT u, i, count(*) FROM lines GROUP BY ROLLUP (u, i)'), ('SELECT u, i FROM lines GROUP BY DISTINCT CUBE (u, i)'),
  ('SELECT DISTINCT ON (u) u, i FROM lines ORDER BY u, i DESC NULLS LAST'), ('SELECT DISTINCT u, qty FROM lines'), ('SELECT u, glue(i ORDER BY i) FROM lines GROUP BY u'), ('SELECT u, glue(i ORDER BY i) FILTER (WHERE qty > 1) FROM lines GROUP BY u'),
  ('SELECT u, percentile_disc(0.5) WITHIN GROUP (ORDER BY qty) FROM lines GROUP BY u'), ('SELECT u, mode() WITHIN GROUP (ORDER BY i) FROM lines GROUP BY u'), ('SELECT u, array_agg(DISTINCT i) FROM lines GROUP BY u'), ('SELECT u, string_agg(i, '','' ORDER BY i COLLATE c) FROM lines GROUP BY u'),
  ('SELECT u, i, sum(qty) OVER w, row_number() OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM lines WINDOW w AS (PARTITION BY u ORDER BY i)'), ('SELECT u, glue(i) OVER (PARTITION BY u ORDER BY i) FROM lines'), ('SELECT u, lag(i, 1, ''none'') OVER (ORDER BY u, i) FROM lines'),
  ('SELECT u, i FROM lines WHERE u IN (''u1'', ''u2'') AND i NOT IN (''i1'')'), ('SELECT u, i FROM lines WHERE (u, i) IN (SELECT u, i FROM seen)'), ('SELECT u, i FROM lines WHERE (u, i) > (''u2'', ''i2'')'), ('SELECT u, i FROM lines WHERE u = ANY (ARRAY[''u1'', ''u3''])'), ('SELECT u, i FROM lines l WHERE EXISTS (SELECT FROM people WHERE u = l.u)'),
  ('SELECT u, (SELECT max(i) FROM lines WHERE u = p.u), ARRAY(SELECT i FROM lines WHERE u = p.u ORDER BY 1) FROM people p'), ('SELECT u, i FROM lines WHERE qty >= ALL (SELECT qty FROM seen)'), ('SELECT u, i FROM lines WHERE u LIKE ''u_'' AND i ILIKE ''I%'' AND u SIMILAR TO ''u[1-4]'' AND i ~ ''^i'''), ('SELECT u, i FROM lines WHERE u @@@ ''u1'''),
  ('SELECT u, i FROM lines WHERE qty BETWEEN SYMMETRIC 3 AND 2'), ('SELECT u, i FROM lines WHERE u IS DISTINCT FROM ''u1'' AND NULLIF(qty, 1) IS NOT NULL'), ('SELECT u, CASE qty WHEN 1 THEN ''a'' WHEN 2 THEN i ELSE ''c'' END FROM lines'), ('SELECT u, CASE WHEN qty > 1 THEN i END, COALESCE(NULL, i), GREATEST(u, i), LEAST(qty, 2) FROM lines'),
  ('SELECT u, mood FROM people WHERE mood = ''glad'''), ('SELECT u, ''sad''::mood FROM people WHERE mood <> ALL (''{glad}'')'), ('SELECT u, code::text, ''c9''::code FROM people'), ('SELECT u, (pair).a, (pair).b FROM people WHERE pair = ROW(1, ''p1'')::pair'), ('SELECT p.u, p FROM people p'), ('SELECT (p).pair.b, u FROM people p'),
  ('SELECT u, ROW(u, 1), ROW(1, ''b'')::pair FROM people'), ('SELECT u, tags[1], tags[1:2], tags || ''x''::text FROM people WHERE ''a'' = ANY (tags)'), ('SELECT u, t FROM people, unnest(tags) AS t'), ('SELECT u, ARRAY[ARRAY[1], ARRAY[2]], ARRAY[]::mood[] FROM people'), ('SELECT u, j -> ''k'', j ->> ''k'', (j ->> ''k'')::int, j #> ''{l,0}'', j @> ''{"k": 1}'' FROM people'),
  ('SELECT u, e.* FROM people, jsonb_to_record(j) AS e(k int, l text)'), ('SELECT u, k, v FROM people, jsonb_each(j) AS e(k, v)'), ('SELECT u, j[''k''] FROM people'), ('SELECT u, jsonb_path_query(j, ''$.l[*]'') FROM people'), ('SELECT u, jsonb_agg(i ORDER BY i) FROM lines GROUP BY u'),
  ('SELECT u, ''lines''::regclass::oid, ''length(text)''::regprocedure, ''mood''::regtype::oid FROM people'), ('SELECT u, to_tsvector(''english'', ''shops'') @@ to_tsquery(''shop'') FROM people'), ('SELECT u, day + 1, day - ''01/02/2020''::date, ''13/02/2020''::date FROM people'), ('SELECT u, extract(dow FROM day), date_trunc(''month'', day), day AT TIME ZONE ''UTC'' FROM people'), ('SELECT u, i, qty, at FROM lines WHERE at < timestamptz ''02/03/2020 10:00+02'''),
  ('SELECT u, interval ''1 day -2:03'' - interval ''1'' hour, now() > day, current_date > day, localtimestamp > day FROM people'), ('SELECT u, 1.5, 1e10, -2, 1::smallint, 5::bigint, 3::numeric(5, 2), ''1.25''::float4, true, B''101'', ''\x41''::bytea FROM people'), ('SELECT u::char(3), i::varchar(1), qty::bit(4), ''abcdef''::varchar(3), ''ab''::char(4) FROM lines'), ('SELECT u, ''back\slash'', E''new\nline'', ''it''''s'', U&''\00e9'' FROM people'),
  ('SELECT u COLLATE c, i FROM lines ORDER BY i COLLATE "C"'), ('SELECT u, pt FROM people WHERE pt <-> point(0, 1) < 3'), ('SELECT u, pt[0], -pt[1], @ pt[0] FROM people'), ('SELECT u, overlay(u placing ''x'' from 1), substring(u from 1 for 1), substring(u, ''u(.)''), position(''1'' in u), trim(both ''u'' from u) FROM people'), ('SELECT u, format(''%s-%s'', u, 1), concat(u, 2, NULL), num_nulls(u, NULL) FROM people'),
  ('SELECT u, i FROM lines TABLESAMPLE bernoulli (100) REPEATABLE (1)'), ('SELECT u, i FROM lines ORDER BY 1 FETCH FIRST 2 ROWS WITH TIES'), ('SELECT u, i FROM lines ORDER BY u USING >, 2 FETCH FIRST 3 ROWS ONLY'), ('SELECT u, generate_series(1, 2) FROM people'), ('SELECT u, length(u) + length(i) FROM lines'),
  ('SELECT u, i FROM lines WHERE NOT (qty = 1) AND (u IS NULL) IS NOT TRUE AND qty IS NOT NULL AND (pg_typeof(u) = ''varchar''::regtype) IS NOT UNKNOWN'), ('SELECT u, current_user = session_user FROM people'), ('SELECT u, i FROM lines, LATERAL (SELECT) AS nothing'), ('SELECT s.u, s.i FROM lines AS s, (SELECT max(s2.qty) AS m FROM lines AS s2) AS x WHERE s.qty = x.m'),
  ('SELECT lines.u, lines.i FROM lines, people AS "lines2" WHERE lines.u = lines2.u'), ('SELECT a.i, b.i FROM lines a, lines b WHERE a.u = b.u AND a.i <> b.i'), ('SELECT "U"."I x", 1 FROM (SELECT i AS "I x" FROM lines) AS "U"'), ('SELECT u, i FROM res_shop.lines -- the end'), ('SELECT u, pair < ROW(3, ''p'')::pair FROM people'), ('SELECT u, (SELECT l FROM lines l LIMIT 1) FROM people')) AS v(query);
SELECT query, res_same(query) FROM res_queries WHERE res_same(query) <> 'the same';
SELECT count(*) FROM res_queries;
RESET DateStyle;

-- What has no name but in a search_path is refused, and says what to write.
CREATE FUNCTION res_shared.point_same(point, point) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 ~= $2';
CREATE FUNCTION res_shared.varchar_same(varchar, varchar) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT lower($1) = lower($2)';
CREATE OPERATOR res_shared.= (LEFTARG = point, RIGHTARG = point, FUNCTION = res_shared.point_same);
CREATE OPERATOR res_shared.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = res_shared.varchar_same);
CALL reco.alter_model('res_home', source => 'SELECT u, code FROM people JOIN (SELECT point(1, 1) AS pt) AS p USING (pt)');
CALL reco.alter_model('res_home', source => 'SELECT u, i FROM lines JOIN (SELECT ''u1''::varchar AS u) AS l USING (u)');
CALL reco.alter_model('res_home', source => 'SELECT u, i FROM lines WHERE u IS NOT DISTINCT FROM i');
CALL reco.alter_model('res_home', source => 'SELECT NULLIF(u, i), i FROM lines');
CALL reco.alter_model('res_home', source => 'SELECT u, CASE u WHEN i THEN 1 END FROM lines');
CALL reco.alter_model('res_home', items => 'SELECT i, CASE i WHEN u THEN true END AS available FROM lines');
SELECT res_same('SELECT u, i, u = i FROM lines WHERE u = ANY (ARRAY[u]) AND u IN (SELECT u FROM people)');
DROP OPERATOR res_shared.= (point, point);
DROP OPERATOR res_shared.= (varchar, varchar);
CREATE FUNCTION pg_temp.here(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE DOMAIN pg_temp.res_name AS text;
CALL reco.alter_model('res_home', source => 'SELECT u, pg_temp.here(qty) FROM lines');
CALL reco.alter_model('res_home', source => 'SELECT u::res_name, i FROM lines');
CALL reco.alter_model('res_home', source => 'SELECT u, i FROM nowhere');
CALL reco.alter_model('res_home', source => 'SELECT u, i FROM lines, (SELECT 1 FROM people FOR UPDATE) AS p');
CALL reco.alter_model('res_home', source => 'nowhere');
CALL reco.alter_model('res_home', items => 'SELECT * FORM lines');
RESET search_path;

-- Names are those of the day: a table that is swapped is followed, a column that is renamed is told.
SET search_path = res_shop;
CALL reco.alter_model('res_home', source => 'SELECT u, i, qty FROM lines', options => reco.options(live => 'auto'));
RESET search_path;
CALL reco.refresh('res_home');
CREATE TABLE res_shop.lines_new AS SELECT u, i, qty FROM res_shop.lines WHERE u < 'u4';
BEGIN;
ALTER TABLE res_shop.lines RENAME TO lines_old;
ALTER TABLE res_shop.lines_new RENAME TO lines;
COMMIT;
SELECT res_served('u2') AS has_rows, res_served('u6') AS has_none;
CALL reco.refresh('res_home');
SELECT users FROM res_home.versions WHERE active;
ALTER TABLE res_shop.lines RENAME qty TO quantity;
CALL reco.refresh('res_home');
ALTER TABLE res_shop.lines RENAME quantity TO qty;
-- of a query the columns are those of the day when it was given, of a name those that there are
CREATE TABLE res_shop.about AS SELECT DISTINCT i, 'a' || right(i, 1) AS tag FROM res_shop.lines;
CALL reco.create_model('res_name', 'SELECT u, i FROM res_shop.lines', reco.content(), items => 'res_shop.about');
CALL reco.create_model('res_star', 'SELECT u, i FROM res_shop.lines', reco.content(), items => 'SELECT * FROM res_shop.about');
ALTER TABLE res_shop.about ADD color text DEFAULT 'red', DROP tag;
ALTER TABLE res_shop.about ADD tag text DEFAULT 'new';
CALL reco.refresh('res_name');
CALL reco.refresh('res_star');
SELECT (SELECT string_agg(DISTINCT term, ' ' ORDER BY term) FROM res_name.model_term WHERE version = 2) AS name, (SELECT string_agg(DISTINCT term, ' ' ORDER BY term) FROM res_star.model_term WHERE version = 2) AS star;
CALL reco.drop_model('res_name');
CALL reco.drop_model('res_star');

-- What a function of the source looks for by itself is not looked for in the session of who calls.
CREATE TABLE res_shop.allowed AS SELECT DISTINCT u FROM res_shop.lines;
CREATE FUNCTION res_shop.allows(who text) RETURNS bool STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN EXISTS (SELECT FROM allowed AS a WHERE a.u = who); END $$;
CALL reco.alter_model('res_home', source => 'SELECT u, i FROM res_shop.lines WHERE res_shop.allows(u)', options => reco.options(live => 'on'));
CALL reco.refresh('res_home');
ALTER FUNCTION res_shop.allows SET search_path = res_shop;
CALL reco.refresh('res_home');
SELECT res_served('u2');
INSERT INTO res_shop.lines VALUES ('u2', 'i6');
SET ROLE regress_res_app;
SET search_path = public;
CREATE FUNCTION pg_temp.steal() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured as %', current_user; END $$;
CREATE TEMP VIEW allowed AS SELECT pg_temp.steal() AS u;
SELECT public.res_served('u2');
RESET search_path;
RESET ROLE;
-- in a function of the owner's as well, that somebody else calls
CREATE FUNCTION res_for_all(who text) RETURNS text SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE plpgsql AS $$ BEGIN RETURN public.res_served(who); END $$;
CREATE ROLE regress_res_login;
CALL reco.grant_use('res_home', 'regress_res_login');
SET SESSION AUTHORIZATION regress_res_login;
SELECT public.res_for_all('u2');
RESET SESSION AUTHORIZATION;
CALL reco.alter_model('res_home', options => reco.options(live => 'auto'));
SET ROLE regress_res_app;
SELECT res_served('u2') AS as_trained;
RESET ROLE;
DISCARD TEMP;
SET ROLE regress_res_app;
SELECT res_served('u2') AS let_be;
RESET ROLE;
CALL reco.alter_model('res_home', options => reco.options(live => 'on'));
SET ROLE regress_res_app;
SELECT res_served('u2') AS live;
RESET ROLE;
CREATE TEMP TABLE res_mine ();
SELECT res_served('u2') AS live_for_the_owner;
DROP TABLE res_mine;
DROP OWNED BY regress_res_login;
DROP ROLE regress_res_login;
DROP FUNCTION res_for_all;
-- nor does a function that the caller has had compiled under another search_path run with what it found then
CREATE FUNCTION res_shop.spelled(who text) RETURNS text STABLE LANGUAGE plpgsql AS $$ DECLARE t text := who; BEGIN RETURN t; END $$;
CALL reco.alter_model('res_home', source => 'SELECT u, res_shop.spelled(i)::varchar(10) FROM res_shop.lines');
GRANT USAGE ON SCHEMA res_shop TO regress_res_app;
SET ROLE regress_res_app;
CREATE FUNCTION res_shared.steal(text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF current_user <> 'regress_res_app' THEN RAISE EXCEPTION 'captured as %', current_user; END IF; RETURN true; END $$;
CREATE DOMAIN res_shared.text AS pg_catalog.text CHECK (res_shared.steal(VALUE));
SET search_path = res_shared, pg_catalog;
SELECT res_shop.spelled('u2');
RESET search_path;
SELECT res_served('u2');
RESET ROLE;
SELECT res_shop.spelled('u2') AS "as it would be";
SELECT line FROM reco.explain_source('res_home') AS line WHERE line ~ '^other roles';
ALTER FUNCTION res_shop.spelled SET search_path = pg_catalog, pg_temp;
SELECT line FROM reco.explain_source('res_home') AS line WHERE line ~ '^other roles';
SET ROLE regress_res_app;
SELECT res_served('u2');
RESET ROLE;
DROP DOMAIN res_shared.text;
-- a refresh in a session of somebody else, by a function of the owner's
ALTER FUNCTION res_shop.spelled RESET search_path;
CREATE FUNCTION res_refresh() RETURNS void SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE sql AS $$ CALL reco.refresh('res_home') $$;
CREATE ROLE regress_res_login;
SET SESSION AUTHORIZATION regress_res_login;
SELECT res_refresh();
RESET SESSION AUTHORIZATION;
ALTER FUNCTION res_shop.spelled SET search_path = pg_catalog, pg_temp;
SET SESSION AUTHORIZATION regress_res_login;
SELECT res_refresh();
CREATE TEMP TABLE allowed (u text);
SELECT res_refresh();
RESET SESSION AUTHORIZATION;
DISCARD TEMP;
DROP FUNCTION res_refresh;
DROP ROLE regress_res_login;
-- nor is the equality by which ids are looked for another's, that fits a domain better
CREATE TYPE res_shared.word;
CREATE FUNCTION res_shared.word_in(cstring) RETURNS res_shared.word IMMUTABLE STRICT LANGUAGE internal AS 'byteain';
CREATE FUNCTION res_shared.word_out(res_shared.word) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'byteaout';
CREATE TYPE res_shared.word (INPUT = res_shared.word_in, OUTPUT = res_shared.word_out, LIKE = bytea);
DO $$
DECLARE o record;
BEGIN
  FOR o IN SELECT * FROM (VALUES ('=', 'byteaeq'), ('<', 'bytealt'), ('<=', 'byteale'), ('>', 'byteagt'), ('>=', 'byteage')) AS v(name, f) LOOP
    EXECUTE format('CREATE FUNCTION res_shared.word_%s(res_shared.word, res_shared.word) RETURNS bool IMMUTABLE STRICT LANGUAGE internal AS %L', o.f, o.f);
    EXECUTE format('CREATE OPERATOR res_shared.%s (LEFTARG = res_shared.word, RIGHTARG = res_shared.word, FUNCTION = res_shared.word_%s)', o.name, o.f);
  END LOOP;
END
$$;
CREATE FUNCTION res_shared.word_cmp(res_shared.word, res_shared.word) RETURNS int IMMUTABLE STRICT LANGUAGE internal AS 'byteacmp';
CREATE FUNCTION res_shared.word_hash(res_shared.word) RETURNS int IMMUTABLE STRICT LANGUAGE internal AS 'hashvarlena';
CREATE OPERATOR CLASS res_shared.words DEFAULT FOR TYPE res_shared.word USING btree AS OPERATOR 1 res_shared.<, OPERATOR 2 res_shared.<=, OPERATOR 3 res_shared.=,
  OPERATOR 4 res_shared.>=, OPERATOR 5 res_shared.>, FUNCTION 1 res_shared.word_cmp(res_shared.word, res_shared.word);
CREATE OPERATOR CLASS res_shared.hashed_words DEFAULT FOR TYPE res_shared.word USING hash AS OPERATOR 1 res_shared.=, FUNCTION 1 res_shared.word_hash(res_shared.word);
CREATE DOMAIN res_shop.email AS res_shared.word;
CREATE TABLE res_shop.mails (u res_shop.email, i int);
INSERT INTO res_shop.mails VALUES ('a', 1), ('a', 2), ('b', 1), ('b', 3), ('c', 2), ('c', 3);
CREATE INDEX ON res_shop.mails (u res_shared.words);
CALL reco.create_model('res_word', 'SELECT u, i FROM res_shop.mails', reco.item_knn(), options => reco.options(live => 'on'));
GRANT USAGE ON SCHEMA res_shop TO regress_res_app;
SET ROLE regress_res_app;
CREATE FUNCTION res_shared.word_steal(res_shop.email, res_shared.word) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured as %', current_user; END $$;
CREATE OPERATOR res_shared.= (LEFTARG = res_shop.email, RIGHTARG = res_shared.word, FUNCTION = res_shared.word_steal);
RESET ROLE;
INSERT INTO res_shop.mails VALUES ('a', 3), ('d', 1);
SELECT u OPERATOR(res_shared.=) 'a'::res_shared.word AS "as it would be without the cast" FROM res_shop.mails;
SELECT item_id FROM res_word.recommend('a'::res_shared.word, NULL);
SELECT count(*) > 0 AS somebody_new FROM res_word.recommend('d'::res_shared.word, NULL);
SET enable_seqscan = off;
SELECT line FROM reco.explain_source('res_word') AS line WHERE line ~ 'Index Cond';
RESET enable_seqscan;
CALL reco.drop_model('res_word');

-- A caller's settings change nothing, and show nothing.
CALL reco.alter_model('res_home', source => $$SELECT u, i, qty FROM res_shop.lines WHERE u <> 'back\' AND (i = NULL) IS NULL AND 'NULL' = ANY ('{"NULL",NULL}'::text[])$$);
CALL reco.refresh('res_home');
SELECT res_served('u2') AS served \gset
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SET transform_null_equals = on;
SET array_nulls = off;
\c -
SET client_min_messages = warning;
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SET transform_null_equals = on;
SET array_nulls = off;
SET reco.threads = 1;
INSERT INTO res_shop.lines VALUES ('u1', 'i9');
SELECT res_served('u2') = :'served' AS the_same, res_served('u7') IS NOT NULL AS fallback;
CALL reco.refresh('res_home');
SELECT users, items FROM res_home.versions WHERE active;
RESET ALL;
SET client_min_messages = warning;
SET reco.threads = 1;

-- Errors of the owner's query, and what it says, are the owner's: others are told that there is one.
CREATE TABLE res_shop.secret (u varchar, i varchar, card text);
INSERT INTO res_shop.secret VALUES ('u1', 'i1', '4929-secret'), ('u1', 'i2', '1');
CREATE FUNCTION res_shop.tell(text) RETURNS text STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN RAISE NOTICE 'card %', $1; RETURN $1; END $$;
CALL reco.alter_model('res_home', source => 'SELECT u, i, res_shop.tell(card)::int FROM res_shop.secret');
CREATE FUNCTION res_error() RETURNS TABLE (field text, value text) LANGUAGE plpgsql AS $$
DECLARE
  m text; d text; h text; c text;
BEGIN
  PERFORM * FROM res_home.recommend('u1', 2);
  RETURN QUERY VALUES ('no error', '');
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, c = PG_EXCEPTION_CONTEXT;
  RETURN QUERY VALUES ('sqlstate', sqlstate), ('message', m), ('detail', d), ('hint', h), ('secrets', (concat(m, d, h, c) ~ 'secret|card')::text);
END
$$;
SET ROLE regress_res_app;
SELECT * FROM res_error();
RESET ROLE;
SELECT * FROM res_error() WHERE field <> 'hint';
-- with and without a subtransaction, at preparing and at running, of items, and of what ends a statement
CALL reco.alter_model('res_home', options => reco.options(live => 'on'));
SET ROLE regress_res_app;
SELECT * FROM res_error() WHERE field IN ('message', 'detail', 'secrets');
RESET ROLE;
ALTER TABLE res_shop.secret RENAME card TO card_number;
SET ROLE regress_res_app;
SELECT * FROM res_error() WHERE field IN ('message', 'detail', 'secrets');
RESET ROLE;
CALL reco.alter_model('res_home', source => 'SELECT u, i FROM res_shop.lines', items => 'SELECT i, (card_number::int > 0) AS available FROM res_shop.secret', options => reco.options(live => 'auto'));
SET ROLE regress_res_app;
SELECT * FROM res_error() WHERE field IN ('message', 'detail', 'secrets');
RESET ROLE;
ALTER TABLE res_shop.secret RENAME card_number TO card;
SET ROLE regress_res_app;
SELECT count(*) FROM res_home.recommend('u1', 2);
RESET ROLE;
CREATE FUNCTION res_shop.slow(card text) RETURNS text STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN PERFORM pg_sleep(60); RETURN card; END $$;
CALL reco.alter_model('res_home', source => 'SELECT u, i FROM res_shop.secret WHERE res_shop.slow(card) <> ''''', items => 'SELECT ''i1'', 1 AS x');
SET ROLE regress_res_app;
SET statement_timeout = '100ms';
SELECT * FROM res_error() WHERE field IN ('message', 'detail', 'secrets');
RESET statement_timeout;
RESET ROLE;

CALL reco.drop_model('res_home');
DROP FUNCTION res_served, res_rows, res_same, res_error;
DROP SCHEMA res_shop, res_shared CASCADE;
DROP ROLE regress_res_owner, regress_res_app;
