--
-- What an owner, or anybody, may do to tables and types while sessions serve.
--
SET client_min_messages = warning;
CREATE TABLE alt AS SELECT u, (u * 7 + k) % 20 AS i FROM generate_series(1, 40) u, generate_series(1, 4) k;
-- a session that has served meets ids of another type
CALL reco.create_model('alt_home', 'alt', reco.ials(factors => 4));
SELECT count(*) FROM reco.serve_recommend('alt_home'::regnamespace, 1, '{"n": 2}') AS r(rank int, item_id int, score real, source text);
SELECT count(*) FROM alt_home.similar_users(1, 3);
DROP VIEW alt_home.user_factors, alt_home.user_neighbors, alt_home.recommendations;
ALTER TABLE alt_home.model_user ALTER user_id TYPE text;
SELECT count(*) FROM reco.serve_recommend('alt_home'::regnamespace, 1, '{"n": 2}') AS r(rank int, item_id int, score real, source text);
SELECT count(*) FROM reco.serve_recommend('alt_home'::regnamespace, 'x'::text, '{"n": 2}') AS r(rank int, item_id int, score real, source text);
SELECT count(*) FROM reco.serve_similar_users('alt_home'::regnamespace, '1'::text, '{"n": 3}') AS r(rank int, user_id text, similarity float8);
DROP VIEW alt_home.item_factors, alt_home.item_neighbors;
ALTER TABLE alt_home.model_item ALTER item_id TYPE text;
SELECT count(*) FROM reco.serve_recommend('alt_home'::regnamespace, '1'::text, '{"n": 2}') AS r(rank int, item_id text, score real, source text);
SELECT count(*) FROM reco.serve_recommend('alt_home'::regnamespace, '1'::text, '{"n": 2}') AS r(rank int, item_id int, score real, source text);
DROP SCHEMA alt_home CASCADE;
-- checks of a type would run as whoever asks
CREATE DOMAIN alt_checked AS int CHECK (value > 0);
CREATE TYPE alt_pair AS (a int, b int);
CREATE TYPE alt_range AS RANGE (subtype = alt_checked);
CALL reco.create_model('alt_home', 'SELECT ARRAY[u]::alt_checked[], i FROM alt', reco.popular());
CALL reco.create_model('alt_home', 'SELECT u, ROW(i, i)::alt_pair FROM alt', reco.popular());
CALL reco.create_model('alt_home', 'SELECT alt_range(u, u + 1), i FROM alt', reco.popular());
CALL reco.create_model('alt_home', 'SELECT u::alt_checked, ARRAY[i] FROM alt', reco.popular());
SELECT item_id FROM alt_home.popular(1);
-- more models than a session keeps
DO $$
BEGIN
  FOR m IN 1 .. 20 LOOP
    EXECUTE format('CALL reco.create_model(%L, %L, reco.popular())', 'alt_' || m, 'alt');
  END LOOP;
END $$;
SELECT sum(n) FROM generate_series(1, 3) r, generate_series(1, 20) m, LATERAL (SELECT count(*) AS n FROM reco.recommend('alt_' || m, 1, 2)) x;
-- a temporary table makes no model
CREATE TEMP TABLE model OF reco.model;
INSERT INTO model (definition) VALUES (1);
SELECT count(*) FROM reco.models WHERE model LIKE 'alt%' OR model LIKE 'pg_temp%';
-- a creation that was interrupted is not replaced when others have moved in
CREATE TABLE alt_1.guest (x int);
UPDATE alt_1.model SET active_version = 0;
CALL reco.create_model('alt_1', 'alt', reco.popular());
DROP TABLE alt_1.guest;
CALL reco.create_model('alt_1', 'alt', reco.popular());
-- the length of a varchar is part of its type
CREATE TABLE alt_text AS SELECT ('u' || u)::varchar(3) AS u, i FROM alt;
CALL reco.create_model('alt_text', 'alt_text', reco.popular());
ALTER TABLE alt_text ALTER u TYPE varchar(20);
CALL reco.refresh('alt_text');
-- USAGE on the schema is asked for
CREATE ROLE alt_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA alt_2 TO alt_reader;
SET ROLE alt_reader;
SELECT * FROM reco.serve_popular('alt_2'::regnamespace, 0, '{"n": 1}') AS r(rank int, item_id int, score real);
RESET ROLE;
DROP OWNED BY alt_reader;
DROP ROLE alt_reader;
-- what a model is made of moves to another schema: the source, and its own tables
CREATE SCHEMA alt_a;
CREATE SCHEMA alt_b;
CREATE TABLE alt_a.alt_moves AS TABLE alt;
SET search_path = alt_a;
CALL reco.create_model('alt_here', 'alt_moves', reco.ials(factors => 4));
ALTER TABLE alt_a.alt_moves SET SCHEMA alt_b;
SELECT count(*) FROM alt_here.recommend(3, 5);
CALL reco.refresh('alt_here');
SET search_path = alt_b;
CALL reco.refresh('alt_here');
CALL reco.alter_model('alt_here', source => 'alt_moves');
CALL reco.refresh('alt_here');
ALTER SCHEMA alt_b RENAME TO alt_c;
CALL reco.refresh('alt_here');
ALTER SCHEMA alt_c RENAME TO alt_b;
RESET search_path;
ALTER TABLE alt_here.model_item SET SCHEMA alt_b;
SELECT count(*) FROM alt_here.recommend(3, 5);
CALL reco.refresh('alt_here');
ALTER TABLE alt_b.model_item SET SCHEMA alt_here;
ALTER TABLE alt_here.model_version SET SCHEMA alt_b;
SELECT count(*) FROM alt_here.recommend(3, 5);
CALL reco.refresh('alt_here');
SELECT model, status FROM reco.models WHERE model ~ '^alt_[a-z]' ORDER BY 1;
ALTER TABLE alt_b.model_version SET SCHEMA alt_here;
ALTER TABLE alt_here.model SET SCHEMA alt_b;
SELECT count(*) FROM alt_here.recommend(3, 5);
CALL reco.refresh('alt_here');
ALTER TABLE alt_b.model SET SCHEMA alt_here;
ALTER SCHEMA reco RENAME TO alt_reco;
SELECT count(*) FROM alt_here.recommend(3, 5);
CALL alt_reco.refresh('alt_here');
ALTER SCHEMA alt_reco RENAME TO reco;
ALTER EXTENSION reco SET SCHEMA alt_b;
CALL reco.refresh('alt_here');
SELECT count(*) FROM alt_here.recommend(3, 5);
CALL reco.drop_model('alt_here');
DROP SCHEMA alt_a, alt_b CASCADE;

-- what the owner made alters a table of the model while it is served, and while it is written
CREATE FUNCTION alt_change() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('alt.change', true) = 'on' THEN
    ALTER TABLE alt_self.model_user ALTER user_id TYPE text;
  END IF;
  RETURN true;
END $$;
CREATE FUNCTION alt_change_in_index(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.alt_change(); RETURN $1; END';
CALL reco.create_model('alt_self', 'SELECT u, i FROM alt WHERE (SELECT alt_change())', reco.ials(factors => 4), options => reco.options(live => 'on'));
DROP VIEW alt_self.user_factors, alt_self.user_neighbors, alt_self.recommendations;
SELECT count(*) FROM alt_self.recommend(1);
SET alt.change = 'on';
SELECT count(*) FROM alt_self.recommend(1);
SELECT count(*) FROM alt_self.audience(1);
CALL reco.refresh('alt_self');
RESET alt.change;
CREATE INDEX ON alt_self.model_item (alt_change_in_index(number));
CALL reco.alter_model('alt_self', source => 'alt');
SET alt.change = 'on';
CALL reco.refresh('alt_self');
RESET alt.change;
CALL reco.refresh('alt_self');
SELECT version, status FROM alt_self.versions ORDER BY 1;
-- tables of another owner are not written to
CREATE ROLE alt_other;
ALTER TABLE alt_self.model_user OWNER TO alt_other;
CALL reco.refresh('alt_self');
DROP OWNED BY alt_other;
DROP ROLE alt_other;
SELECT count(*) FROM alt_self.recommend(1);
DROP SCHEMA alt_self CASCADE;
DROP FUNCTION alt_change_in_index, alt_change;

-- What a session knows of tables that it has served from goes with what changes them: a transaction
-- or a part of it that is undone, another schema of the name, row security, a type of the extension.
CALL reco.create_model('alt_known', 'alt', reco.ials(factors => 4));
SELECT count(*) FROM alt_known.recommend(3, 2);
BEGIN;
SAVEPOINT a;
ALTER TABLE alt_known.model_user RENAME number TO place;
SELECT count(*) FROM alt_known.recommend(3, 2);
ROLLBACK TO a;
SELECT count(*) FROM alt_known.recommend(3, 2);
ALTER TABLE alt_known.model_version NOT OF;
SELECT count(*) FROM alt_known.recommend(3, 2);
ROLLBACK;
SELECT count(*) FROM alt_known.recommend(3, 2);
BEGIN;
ALTER SCHEMA alt_known RENAME TO alt_was;
SAVEPOINT a;
CREATE SCHEMA alt_known;
CREATE TABLE alt_known.model OF reco.model;
SELECT count(*) FROM reco.recommend('alt_known', 3, 2);
ROLLBACK TO a;
SELECT count(*) FROM reco.recommend('alt_known', 3, 2);
ROLLBACK TO a;
SELECT count(*) FROM reco.recommend('alt_was', 3, 2);
ROLLBACK;
SELECT count(*) FROM reco.recommend('alt_known', 3, 2);
CREATE ROLE alt_reader;
CALL reco.grant_use('alt_known', 'alt_reader');
SET ROLE alt_reader;
SELECT count(*) FROM alt_known.recommend(3, 2);
RESET ROLE;
ALTER TABLE alt_known.model_user ENABLE ROW LEVEL SECURITY;
SET ROLE alt_reader;
SELECT count(*) FROM alt_known.recommend(3, 2);
RESET ROLE;
ALTER TABLE alt_known.model_user DISABLE ROW LEVEL SECURITY;
ALTER TABLE alt_known.model ENABLE ROW LEVEL SECURITY;
SET ROLE alt_reader;
SELECT count(*) FROM alt_known.recommend(3, 2);
RESET ROLE;
ALTER TABLE alt_known.model DISABLE ROW LEVEL SECURITY;
SET ROLE alt_reader;
SELECT count(*) FROM alt_known.recommend(3, 2);
RESET ROLE;
CALL reco.revoke_use('alt_known', 'alt_reader');
SET ROLE alt_reader;
SELECT count(*) FROM alt_known.recommend(3, 2);
RESET ROLE;
DROP OWNED BY alt_reader;
DROP ROLE alt_reader;
BEGIN;
ALTER TYPE reco.version RENAME TO versions;
SELECT count(*) FROM alt_known.recommend(3, 2);
ROLLBACK;
SELECT count(*) FROM alt_known.recommend(3, 2);
DROP SCHEMA alt_known CASCADE;
SELECT count(*) FROM reco.recommend('alt_known', 3, 2);
DO $$ BEGIN FOR m IN 1 .. 20 LOOP EXECUTE format('DROP SCHEMA alt_%s CASCADE', m); END LOOP; END $$;
DROP SCHEMA alt_home, alt_text CASCADE;
DROP TYPE alt_pair, alt_range;
DROP DOMAIN alt_checked;
DROP TABLE alt, alt_text, model;
