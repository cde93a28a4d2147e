--
-- What goes with a model: what is its own, and nothing of others.  Of every class of objects:
-- one in the model's schema, and what depends on one or on the model elsewhere, is an error that
-- names it, and leaves everything where it was.
--
SET client_min_messages = warning;
SET reco.threads = 1;
CREATE TABLE drop_rows (u int, i int);
INSERT INTO drop_rows VALUES (1, 1), (1, 2), (2, 1), (2, 3);
CREATE SCHEMA drop_out;
CALL reco.create_model('drop_m', 'drop_rows', reco.popular());
-- whether it is refused, and in whose name, with everything left as it was; after it is taken away, it goes
CREATE FUNCTION drop_try(make text, unmake text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  statement text; answer text; objects bigint; left_over bigint;
BEGIN
  FOREACH statement IN ARRAY string_to_array(make, '|') LOOP EXECUTE statement; END LOOP;
  objects := (SELECT count(*) FROM pg_depend);
  BEGIN
    CALL reco.drop_model('drop_m');
    answer := 'it went';
  EXCEPTION WHEN dependent_objects_still_exist THEN
    GET STACKED DIAGNOSTICS answer = PG_EXCEPTION_DETAIL;
    answer := replace(answer, E'\n', '; ');
    IF sqlerrm <> 'cannot drop model "drop_m" because other objects depend on it' OR objects <> (SELECT count(*) FROM pg_depend) THEN
      answer := sqlerrm || ' ' || answer;
    END IF;
  END;
  FOREACH statement IN ARRAY string_to_array(unmake, '|') LOOP EXECUTE statement; END LOOP;
  RETURN answer;
END
$$;
SELECT make, drop_try(make, unmake) FROM (VALUES
  ('CREATE COLLATION drop_m.c (provider = libc, locale = ''C'')|CREATE TABLE drop_out.t (a text COLLATE drop_m.c, b int)', 'DROP TABLE drop_out.t|DROP COLLATION drop_m.c'),
  ('CREATE TEXT SEARCH CONFIGURATION drop_m.s (COPY = simple)|CREATE TABLE drop_out.t (a text, b tsvector GENERATED ALWAYS AS (to_tsvector(''drop_m.s'', a)) STORED)', 'DROP TABLE drop_out.t|DROP TEXT SEARCH CONFIGURATION drop_m.s'),
  ('CREATE TEXT SEARCH DICTIONARY drop_m.d (TEMPLATE = simple)', 'DROP TEXT SEARCH DICTIONARY drop_m.d'),
  ('CREATE TYPE drop_m.e AS ENUM (''a'')|CREATE TABLE drop_out.t (a drop_m.e, b int)', 'DROP TABLE drop_out.t|DROP TYPE drop_m.e'),
  ('CREATE DOMAIN drop_m.d AS int', 'DROP DOMAIN drop_m.d'), ('CREATE TYPE drop_m.y AS (a int)', 'DROP TYPE drop_m.y'), ('CREATE TYPE drop_m.r AS RANGE (SUBTYPE = int)', 'DROP TYPE drop_m.r'),
  ('CREATE FUNCTION drop_m.f(int) RETURNS int LANGUAGE sql AS ''SELECT 1''', 'DROP FUNCTION drop_m.f'), ('CREATE FUNCTION drop_m.recommend(text) RETURNS int LANGUAGE sql AS ''SELECT 1''', 'DROP FUNCTION drop_m.recommend(text)'),
  ('CREATE PROCEDURE drop_m.p() LANGUAGE sql AS ''''', 'DROP PROCEDURE drop_m.p'), ('CREATE AGGREGATE drop_m.a(int) (SFUNC = int4pl, STYPE = int)', 'DROP AGGREGATE drop_m.a(int)'),
  ('CREATE OPERATOR drop_m.@@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)', 'DROP OPERATOR drop_m.@@@ (int, int)'), ('CREATE OPERATOR CLASS drop_m.o FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int)', 'DROP OPERATOR FAMILY drop_m.o USING btree'),
  ('CREATE CONVERSION drop_m.v FOR ''LATIN1'' TO ''UTF8'' FROM iso8859_1_to_utf8', 'DROP CONVERSION drop_m.v'), ('CREATE SEQUENCE drop_m.q', 'DROP SEQUENCE drop_m.q'), ('CREATE TABLE drop_m.t ()', 'DROP TABLE drop_m.t'),
  ('CREATE VIEW drop_m.w AS SELECT 1', 'DROP VIEW drop_m.w'), ('CREATE MATERIALIZED VIEW drop_m.w AS SELECT 1', 'DROP MATERIALIZED VIEW drop_m.w'), ('CREATE STATISTICS drop_m.x ON u, i FROM drop_rows', 'DROP STATISTICS drop_m.x'),
  ('CREATE TABLE drop_out.t (u int)|CREATE INDEX x ON drop_out.t (u)|ALTER TABLE drop_out.t SET SCHEMA drop_m', 'DROP TABLE drop_m.t'),
  ('CREATE VIEW drop_out.w AS SELECT * FROM drop_m.recommend(1)', 'DROP VIEW drop_out.w'), ('CREATE VIEW drop_out.w AS SELECT * FROM drop_m.item_factors', 'DROP VIEW drop_out.w'), ('CREATE TABLE drop_out.t (version int REFERENCES drop_m.model_version)', 'DROP TABLE drop_out.t'),
  ('CREATE TABLE drop_out.t (a drop_m.versions, b int)', 'DROP TABLE drop_out.t'), ('CREATE TABLE drop_out.t () INHERITS (drop_m.model_user)', 'DROP TABLE drop_out.t'), ('CREATE FUNCTION drop_out.f() RETURNS SETOF drop_m.model_item LANGUAGE sql AS ''SELECT * FROM drop_m.model_item''', 'DROP FUNCTION drop_out.f'),
  ('CREATE FUNCTION drop_out.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT count(*)::int FROM drop_m.popular(); END', 'DROP FUNCTION drop_out.f'), ('CREATE TABLE drop_out.t (a int DEFAULT drop_m.predict(1, 1))', 'DROP TABLE drop_out.t'),
  ('CREATE TABLE drop_out.t (a int CHECK (drop_m.predict(a, 1) > 0))', 'DROP TABLE drop_out.t'), ('CREATE TABLE drop_out.t (a int)|CREATE POLICY p ON drop_out.t USING (EXISTS (SELECT FROM drop_m.model))', 'DROP TABLE drop_out.t'),
  ('CREATE RULE r AS ON INSERT TO drop_rows DO ALSO SELECT count(*) FROM drop_m.model', 'DROP RULE r ON drop_rows'), ('CREATE FUNCTION drop_m.g() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN new; END''|CREATE TRIGGER g BEFORE INSERT ON drop_rows FOR EACH ROW EXECUTE FUNCTION drop_m.g()', 'DROP FUNCTION drop_m.g CASCADE'),
  ('CREATE CAST (drop_m.model_term AS drop_m.model_list) WITH INOUT', 'DROP CAST (drop_m.model_term AS drop_m.model_list)')) AS v(make, unmake);
-- under one of the model's names, and calling what they call, but another role's
CREATE ROLE regress_reco_drop;
SELECT drop_try('CREATE FUNCTION drop_m.popular(text) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM reco.serve_popular(''drop_m'', 0, NULL) AS r(rank int, item int, score real); END|ALTER FUNCTION drop_m.popular(text) OWNER TO regress_reco_drop', 'DROP FUNCTION drop_m.popular(text)');
DROP ROLE regress_reco_drop;
SELECT count(*) FROM drop_m.popular();
-- a creation that was killed makes way, without taking along what others have made of it
UPDATE drop_m.model SET active_version = 0;
CREATE COLLATION drop_m.c (provider = libc, locale = 'C');
CREATE TABLE drop_out.t (a text COLLATE drop_m.c, b int);
CALL reco.create_model('drop_m', 'drop_rows', reco.popular());
SELECT string_agg(attname, ' ' ORDER BY attnum) AS columns FROM pg_attribute WHERE attrelid = 'drop_out.t'::regclass AND attnum > 0 AND NOT attisdropped;
DROP TABLE drop_out.t;
DROP COLLATION drop_m.c;
CALL reco.create_model('drop_m', 'drop_rows', reco.popular());
-- parts of the model's own tables are no others'
CREATE INDEX ON drop_m.model_user (interactions);
CREATE STATISTICS drop_m.x ON interactions, number FROM drop_m.model_user;
ALTER TABLE drop_m.model_item ADD CHECK (interactions >= 0);
CREATE RULE r AS ON DELETE TO drop_m.model_term DO ALSO NOTHING;
CREATE POLICY p ON drop_m.model_list USING (true);
CREATE TRIGGER t BEFORE UPDATE ON drop_m.model FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER DEFAULT PRIVILEGES IN SCHEMA drop_m GRANT SELECT ON TABLES TO PUBLIC;
COMMENT ON SCHEMA drop_m IS 'mine';
CALL reco.drop_model('drop_m');
SELECT count(*) FROM pg_namespace WHERE nspname = 'drop_m';
DROP FUNCTION drop_try;
DROP SCHEMA drop_out CASCADE;
DROP TABLE drop_rows;
