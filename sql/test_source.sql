--
-- C45: what a source may be, and what it may not.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

CREATE TABLE src_rows (u text, i text);
INSERT INTO src_rows VALUES ('u1', 'a'), ('u1', 'b'), ('u1', 'c'), ('u2', 'a'), ('u2', 'b'), ('u2', 'd'),
  ('u3', 'b'), ('u3', 'c'), ('u3', 'e'), ('u4', 'a');
CALL reco.create_model('src_s1', 'src_rows', reco.ials(factors => 4));
-- Trains a model on a source and says whether it is the one above.
CREATE FUNCTION src_same(source text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE same text;
BEGIN
  CALL reco.create_model('src_any', source, reco.ials(factors => 4));
  EXECUTE 'SELECT CASE WHEN count(*) = 4 AND (SELECT count(*) FROM src_any.item_factors) = 5 THEN ''the same'' ELSE ''another'' END
             FROM src_s1.user_factors JOIN src_any.user_factors USING (user_id, factors, interactions)' INTO same;
  CALL reco.drop_model('src_any');
  RETURN same;
END
$$;

CREATE UNLOGGED TABLE src_unlogged AS TABLE src_rows;
CREATE TEMP TABLE src_temp AS TABLE src_rows;
CREATE VIEW src_view AS TABLE src_rows;
CREATE MATERIALIZED VIEW src_matview AS TABLE src_rows;
CREATE TABLE src_parts (i text, u text) PARTITION BY HASH (u);
CREATE TABLE src_parts0 (u text, i text);
ALTER TABLE src_parts ATTACH PARTITION src_parts0 FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE src_parts1 PARTITION OF src_parts FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE src_parts2 PARTITION OF src_parts FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO src_parts SELECT i, u FROM src_rows;
CREATE TABLE src_parent (u text, i text);
CREATE TABLE src_child (w int) INHERITS (src_parent);
INSERT INTO src_parent SELECT * FROM src_rows WHERE u < 'u3';
INSERT INTO src_child SELECT *, 5 FROM src_rows WHERE u >= 'u3';
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'file_fdw') THEN
    CREATE EXTENSION file_fdw;
    CREATE SERVER src_files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE src_foreign (u text, i text) SERVER src_files
      OPTIONS (program 'printf "u1 a\nu1 b\nu1 c\nu2 a\nu2 b\nu2 d\nu3 b\nu3 c\nu3 e\nu4 a\n"', delimiter ' ');
  ELSE
    CREATE VIEW src_foreign AS TABLE src_rows;
  END IF;
END
$$;
CREATE DOMAIN src_text AS text;
CREATE DOMAIN src_one AS numeric CHECK (VALUE = 1);
CREATE TABLE src_domains (u src_text, i src_text, w src_one);
INSERT INTO src_domains SELECT u, i, 1 FROM src_rows;
CREATE TABLE src_generated (u text, n text, i text GENERATED ALWAYS AS (right(n, 1)) STORED);
INSERT INTO src_generated SELECT u, 'item ' || i FROM src_rows;
CREATE TABLE src_dropped (gone int, u text, gone2 int, i text, gone3 text);
INSERT INTO src_dropped SELECT 1, u, 2, i, 'x' FROM src_rows WHERE u < 'u3';
ALTER TABLE src_dropped DROP gone, DROP gone2, DROP gone3;
ALTER TABLE src_dropped ADD w int DEFAULT 1;
INSERT INTO src_dropped SELECT u, i, 1 FROM src_rows WHERE u >= 'u3';
CREATE TABLE "src Rows; -- ""quoted""" AS TABLE src_rows;
CREATE TABLE "select" AS TABLE src_rows;
CREATE TABLE selections AS TABLE src_rows;
CREATE FUNCTION src_function() RETURNS TABLE (u text, i text) LANGUAGE sql STABLE AS 'SELECT * FROM public.src_rows';

SELECT source, src_same(source) FROM (VALUES
  ('src_rows'), ('public.src_rows'), ('  SRC_Rows '), ('src_unlogged'), ('src_temp'), ('pg_temp.src_temp'), ('src_view'),
  ('src_matview'), ('SELECT u, i FROM src_parts'), ('src_parent'), ('src_foreign'), ('src_domains'),
  ('SELECT u, i FROM src_generated'), ('src_dropped'), ('"src Rows; -- ""quoted"""'),
  ('public."src Rows; -- ""quoted"""'), ('"select"'), ('selections'),
  ('SELECT u, i FROM src_rows'), ('select u, i, 1::smallint from src_rows;'), ('TABLE src_rows'), ('table src_rows ; '),
  ('SELECT u, i FROM src_rows; -- the end'), (E'-- the beginning\nSELECT u, i FROM src_rows'),
  (E'/* a /* nested */ comment */ -- and another\r\n  SELECT u, /* in it */ i FROM src_rows'),
  ('WITH r AS (SELECT * FROM src_rows) SELECT u, i FROM r'), ('with recursive r AS MATERIALIZED (TABLE src_rows) TABLE r'),
  ('(SELECT u, i FROM src_rows)'), ('(SELECT u, i FROM src_rows LIMIT 4) UNION ALL (SELECT u, i FROM src_rows OFFSET 4)'),
  ('SELECT * FROM src_function()'), ('SELECT (r).* FROM src_rows r ORDER BY random()'),
  ('VALUES (''u1'', ''a''), (''u1'', ''b''), (''u1'', ''c''), (''u2'', ''a''), (''u2'', ''b''), (''u2'', ''d''), (''u3'', ''b''), (''u3'', ''c''), (''u3'', ''e''), (''u4'', ''a'')'),
  ('SELECT u, i, 1, now() FROM src_rows UNION ALL SELECT NULL, ''a'', 1, NULL')) AS v(source);
-- a parallel plan
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT src_same('src_rows');
-- named otherwise from version 16 on
SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END AS parallel \gset
SET :parallel = on;
SELECT src_same('SELECT u, i FROM src_rows');
RESET :parallel;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- columns
CALL reco.create_model('src_bad', 'SELECT u FROM src_rows');
CALL reco.create_model('src_bad', 'SELECT');
CALL reco.create_model('src_bad', 'SELECT u, i, 1, 2, 3 FROM src_rows');
CALL reco.create_model('src_bad', 'SELECT u, i, u FROM src_rows');
CALL reco.create_model('src_bad', 'SELECT u, i, true FROM src_rows');
CALL reco.create_model('src_bad', 'SELECT u, i, 1, u FROM src_rows');
CALL reco.create_model('src_bad', 'SELECT u, i, now() FROM src_rows');
CALL reco.create_model('src_bad', 'SELECT u, i, 1, time ''12:00'' FROM src_rows');
-- statements
CALL reco.create_model('src_bad', 'SELECT u, i FROM src_rows; SELECT u, i FROM src_rows');
CALL reco.create_model('src_bad', 'SELECT u, i FROM src_rows; DROP TABLE src_rows');
CALL reco.create_model('src_bad', 'src_rows; DROP TABLE src_rows');
CALL reco.create_model('src_bad', 'WITH d AS (DELETE FROM src_rows RETURNING u, i) SELECT * FROM d');
CALL reco.create_model('src_bad', 'WITH d AS (SELECT 1) DELETE FROM src_rows RETURNING u, i');
CALL reco.create_model('src_bad', 'SELECT u, i FROM src_rows FOR UPDATE');
CALL reco.create_model('src_bad', 'SELECT * FROM (SELECT u, i FROM src_rows FOR SHARE) AS s');
CALL reco.create_model('src_bad', 'SELECT u, i INTO src_copy FROM src_rows');
CALL reco.create_model('src_bad', 'DELETE FROM src_rows RETURNING u, i');
CALL reco.create_model('src_bad', 'SELECT $1, $2');
CALL reco.create_model('src_bad', 'SELECT u, i FORM src_rows');
SELECT count(*) FROM src_rows;
-- nothing to train on
CALL reco.create_model('src_bad', 'SELECT u, i FROM src_rows WHERE false');
CALL reco.create_model('src_bad', 'SELECT NULL::int, i FROM src_rows');
CALL reco.create_model('src_bad', 'src_rows', options => reco.options(min_user_interactions => 4));
CALL reco.create_model('src_bad', '');
CALL reco.create_model('src_bad', ' -- nothing');
CALL reco.create_model('src_bad', NULL);
CALL reco.create_model('src_one', 'SELECT 1, 2', reco.ials());
SELECT * FROM src_one.recommend(1);
SELECT item_id FROM src_one.recommend(7);
CALL reco.drop_model('src_one');
-- not there
CALL reco.create_model('src_bad', 'src_missing');
CALL reco.create_model('src_bad', 'SELECT u, i FROM src_missing');
CALL reco.create_model('src_bad', 'src_none.rows');
CALL reco.create_model('src_bad', 'a.b.c.d');
CALL reco.create_model('src_bad', 'src_rows as r');
CALL reco.create_model('src_bad', '"src_rows');
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'src%' ORDER BY 1;

-- the search_path of the definition is remembered
CREATE SCHEMA src_here;
CREATE SCHEMA src_there;
CREATE TABLE src_here.rows AS SELECT 1 AS u, 1 AS i;
CREATE TABLE src_there.rows AS SELECT 2 AS u, 2 AS i;
SET search_path = src_here;
CALL reco.create_model('src_path', 'rows', reco.popular());
SET search_path = src_there, public;
INSERT INTO src_here.rows VALUES (10, 10);
CALL reco.refresh('src_path');
SELECT item_id FROM src_path.item_factors ORDER BY 1;
CALL reco.alter_model('src_path', algorithm => reco.popular());
CALL reco.refresh('src_path');
SELECT item_id FROM src_path.item_factors ORDER BY 1;
CALL reco.alter_model('src_path', source => 'SELECT * FROM rows');
RESET search_path;
CALL reco.refresh('src_path');
SELECT item_id FROM src_path.item_factors ORDER BY 1;
CALL reco.drop_model('src_path');

-- the current content, also of a materialized view
CALL reco.create_model('src_now', 'SELECT * FROM src_matview', reco.popular());
INSERT INTO src_rows VALUES ('u5', 'f');
CALL reco.refresh('src_now');
SELECT items FROM src_now.versions WHERE active;
REFRESH MATERIALIZED VIEW src_matview;
CALL reco.refresh('src_now');
SELECT items FROM src_now.versions WHERE active;
-- a model outlives its temporary source
CALL reco.create_model('src_brief', 'src_temp', reco.popular());
\c -
SET client_min_messages = warning;
SELECT item_id FROM src_brief.recommend('u4', 2);
CALL reco.refresh('src_brief');
SELECT item_id FROM src_brief.recommend('u4', 2);

CALL reco.drop_model('src_brief');
CALL reco.drop_model('src_now');
CALL reco.drop_model('src_s1');
DROP SCHEMA src_here, src_there CASCADE;
DROP EXTENSION IF EXISTS file_fdw CASCADE;
DROP VIEW IF EXISTS src_foreign;
DROP FUNCTION src_same, src_function;
DROP VIEW src_view;
DROP MATERIALIZED VIEW src_matview;
DROP TABLE src_rows, src_unlogged, src_parts, src_parent, src_child, src_domains, src_generated, src_dropped,
  "src Rows; -- ""quoted""", "select", selections;
DROP DOMAIN src_text, src_one;
