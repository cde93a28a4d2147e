--
-- reco.forget_user() and reco.export_user(): a user in every version of a model, and a model
-- without one.
--
\set SHOW_CONTEXT never
SET reco.threads = 1;  -- what is trained here is tiny

CREATE FUNCTION fgt_id(number int, type text) RETURNS text IMMUTABLE RETURN
  CASE type WHEN 'uuid' THEN lpad(number::text, 32, '0')::uuid::text WHEN 'text' THEN 'id ' || number ELSE number::text END;

-- All that is said of users, and by them, but of one: as text, without ranks, which close up.
CREATE FUNCTION fgt_all() RETURNS TABLE (who text, said text) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE $q$
    WITH u AS MATERIALIZED (SELECT DISTINCT u FROM fgt_rows), i AS MATERIALIZED (SELECT DISTINCT i FROM fgt_rows)
    SELECT u::text, 'recommend ' || r FROM u, fgt.recommend(u, 8, include_seen => true) r
    UNION ALL SELECT u::text, 'explain ' || i || e FROM u, i, fgt.explain(u, i) e WHERE i::text ~ '[37]$'
    UNION ALL SELECT a.user_id::text, 'audience ' || i || a.score FROM i, fgt.audience(i, 100, exclude_buyers => false) a
    UNION ALL SELECT s.user_id::text, 'similar to ' || u || s.similarity FROM u, fgt.similar_users(u, 100) s
    UNION ALL SELECT u::text, 'similar ' || s.user_id FROM u, fgt.similar_users(u, 1) s
    UNION ALL SELECT '', 'similar ' || i || s FROM i, fgt.similar_items(i, 3) s
    UNION ALL SELECT '', 'popular ' || p FROM fgt.popular(100) p
    UNION ALL SELECT l.user_id::text, 'list ' || l FROM fgt.recommendations l
    UNION ALL SELECT f.user_id::text, 'factors ' || f FROM fgt.user_factors f
    UNION ALL SELECT n.user_id::text, 'neighbor ' || n FROM fgt.user_neighbors n WHERE n.rank = 1
    UNION ALL SELECT n.neighbor_id::text, 'neighbor of ' || n.user_id FROM fgt.user_neighbors n$q$;
END
$$;

-- Every algorithm with each type of ids: two versions, the older one with a layer; lists; a user
-- of the version, one whom only the layer has, and one in both.  Others are answered as before,
-- but where their scores are sums over what other users have.
CREATE TABLE fgt_results (algorithm text, type text, finding text);
CREATE PROCEDURE fgt_try(algorithm reco.algorithm, type text) LANGUAGE plpgsql AS $$
DECLARE
  by_users constant boolean := algorithm::text ~ 'user_knn|session_knn|repeat';
  finding text;
  n int;
  answer text;
  id text;
BEGIN
  EXECUTE format('CREATE TABLE fgt_rows (u %1$s, i %1$s, v real, at timestamptz)', type);
  EXECUTE format('INSERT INTO fgt_rows SELECT fgt_id(u, $1)::%1$s, fgt_id(i, $1)::%1$s, 1 + (u * i) %% 4, ''2026-01-01''::timestamptz + u * ''1 hour''::interval + i * ''1 day''::interval
                    FROM generate_series(1, 20) u, generate_series(1, 12) i WHERE (u * 5 + i * 3) %% 4 > 1', type) USING type;
  EXECUTE format('CREATE TABLE fgt_items AS SELECT DISTINCT i, ARRAY[(n %% 3)::text, ''t'' || n / 3] AS tags
                    FROM generate_series(1, 12) n, LATERAL (SELECT fgt_id(n, $1)::%s AS i) AS s', type) USING type;
  CALL reco.create_model('fgt', 'SELECT u, i, v, at FROM fgt_rows', algorithm, options => reco.options(live => 'off', measure => false),
                         items => CASE WHEN algorithm::text ~ 'content' THEN 'fgt_items' END);
  EXECUTE format('INSERT INTO fgt_rows SELECT fgt_id(u, $1)::%1$s, fgt_id(i, $1)::%1$s, 1, ''2026-01-20''::timestamptz + i * ''1 day''::interval FROM unnest(ARRAY[3, 21, 21, 22, 22], ARRAY[2, 2, 3, 5, 11]) AS n (u, i)', type) USING type;
  CALL reco.fold_in('fgt');
  CALL reco.refresh('fgt');
  CALL reco.activate('fgt', 1);
  CALL reco.materialize('fgt', 5);
  CREATE TEMP TABLE fgt_before AS SELECT * FROM fgt_all();
  FOREACH n IN ARRAY '{3,21,9}'::int[] LOOP
    id := fgt_id(n, type);
    EXECUTE format('SELECT count(*) FROM reco.export_user(''fgt'', %L::%s) WHERE kept_in ~ ''^model''', id, type) INTO answer;
    IF answer <> (CASE n WHEN 3 THEN '4' ELSE '3' END) THEN
      finding := concat_ws(', ', finding, format('%s rows are held of %s', answer, n));
    END IF;
    EXECUTE format('CALL reco.forget_user(''fgt'', %L::%s)', id, type);
    EXECUTE format('SELECT count(*) FROM reco.export_user(''fgt'', %L::%s)', id, type) INTO answer;
    IF answer <> '0' THEN
      finding := concat_ws(', ', finding, format('%s rows are left of %s', answer, n));
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM fgt.model_user_layer l JOIN fgt.model_user u USING (user_id) WHERE l.user_id::text = fgt_id(3, type)) THEN
    finding := concat_ws(', ', finding, 'a row is left');
  END IF;
  FOR n IN 1 .. 2 LOOP
    CALL reco.activate('fgt', n);
    CREATE TEMP TABLE fgt_after AS SELECT * FROM fgt_all();
    -- the lists of the model itself fall back on what is popular
    SELECT string_agg(DISTINCT said, ', ') INTO answer FROM fgt_after
     WHERE who = ANY (ARRAY[fgt_id(3, type), fgt_id(21, type), fgt_id(9, type)]) AND said !~ '^recommend .*,(popular|trending)\)$' LIMIT 1;
    IF answer IS NOT NULL THEN
      finding := concat_ws(', ', finding, format('version %s says of who is gone: %s', n, left(answer, 100)));
    END IF;
    IF n = 1 AND NOT by_users THEN
      SELECT format('%s: %s', d.who, left(d.said, 100)) INTO answer
        FROM ((SELECT * FROM fgt_before EXCEPT ALL SELECT * FROM fgt_after)
              UNION ALL (SELECT * FROM fgt_after EXCEPT ALL SELECT * FROM fgt_before)) d
       WHERE d.who <> ALL (ARRAY[fgt_id(3, type), fgt_id(21, type), fgt_id(9, type)])
         AND d.said !~ ('similar (' || fgt_id(3, type) || '|' || fgt_id(21, type) || '|' || fgt_id(9, type) || ')$')
         AND d.said !~ '^similar ' LIMIT 1;
      IF answer IS NOT NULL THEN
        finding := concat_ws(', ', finding, format('others are answered otherwise: %s', answer));
      END IF;
    END IF;
    DROP TABLE fgt_after;
  END LOOP;
  -- numbers stay empty, and new users do not get them
  CALL reco.activate('fgt', 1);
  EXECUTE format('DELETE FROM fgt_rows WHERE u IN (fgt_id(3, $1)::%1$s, fgt_id(9, $1)::%1$s)', type) USING type;
  CALL reco.fold_in('fgt');
  SELECT concat_ws(', ', finding, CASE WHEN count(*) <> 20 OR max(number) <> 22 THEN format('%s users, the last number is %s', count(*), max(number)) END) INTO finding
    FROM (SELECT number, user_id FROM fgt.model_user WHERE version = 1 UNION SELECT number, user_id FROM fgt.model_user_layer WHERE version = 1) s;
  PERFORM count(*) FROM fgt_all();
  INSERT INTO fgt_results VALUES (reco.describe(algorithm), type, nullif(finding, ''));
  CALL reco.drop_model('fgt');
  DROP TABLE fgt_rows, fgt_items, fgt_before;
END
$$;
SET client_min_messages = error;  -- the source has their rows
DO $$
DECLARE
  name text;
  algorithm reco.algorithm;
BEGIN
  FOR name IN SELECT proname FROM pg_proc WHERE pronamespace = 'reco'::regnamespace AND prosrc = 'reco_make_algorithm' AND proname NOT IN ('auto', 'hybrid', 'private') ORDER BY 1 LOOP
    EXECUTE format('SELECT reco.%I(%s)', name, CASE WHEN name ~ '^(ials|als|svd|bpr)$' THEN 'factors => 3' END) INTO algorithm;
    CALL fgt_try(algorithm, 'int');
  END LOOP;
  CALL fgt_try(reco.hybrid(ARRAY[reco.ials(factors => 3), reco.user_knn(neighbors => 4)]), 'int');
  CALL fgt_try(reco.ials(factors => 3), 'text');
  CALL fgt_try(reco.user_knn(neighbors => 4), 'uuid');
  CALL fgt_try(reco.item_knn(), 'numeric');
END
$$;
SELECT count(*) > 15 AS many, count(DISTINCT type) AS types FROM fgt_results;
SELECT * FROM fgt_results WHERE finding IS NOT NULL ORDER BY 1, 2;
RESET client_min_messages;

-- What it tells and records, and what is held before.
CREATE TABLE fgt_rows (u text COLLATE "C", i text, v real);
INSERT INTO fgt_rows SELECT 'u' || u, 'i' || i, 1 + (u + i) % 3 FROM generate_series(1, 6) u, generate_series(1, 5) i WHERE (u + i) % 3 > 0;
CREATE INDEX ON fgt_rows (u);
CALL reco.create_model('fgt', 'fgt_rows', reco.user_knn(neighbors => 3), options => reco.options(value => 'raw', measure => false));
CALL reco.materialize('fgt', 2);
SELECT kept_in, version, content FROM reco.export_user('fgt', 'u2');
BEGIN;
DELETE FROM fgt_rows WHERE u = 'u2';
CALL reco.forget_user('fgt', 'u2');
COMMIT;
SELECT * FROM reco.export_user('fgt', 'u2');
SELECT version, users, forgotten_users, forgotten_at > finished_at AS later FROM fgt.versions;
SELECT users FROM reco.models WHERE model = 'fgt';
SELECT count(*) FROM fgt.user_neighbors WHERE neighbor_id = 'u2';
-- again, nobody, no user at all, and rows that the source still has
CALL reco.forget_user('fgt', 'u2');
CALL reco.forget_user('fgt', NULL::text);
SELECT count(*) FROM reco.export_user('fgt', NULL::text);
CALL reco.forget_user('fgt', 'u3');
-- rolled back
BEGIN;
CALL reco.forget_user('fgt', 'u4');
ROLLBACK;
SELECT count(*) FROM reco.export_user('fgt', 'u4');
SELECT count(*) FROM fgt.audience('i1'::text, 100, exclude_buyers => false) WHERE user_id = 'u4';
-- statistics of the tables hold ids as well
ANALYZE fgt.model_user;
SELECT array_to_string(histogram_bounds::text::text[], ',') ~ 'u5' AS bounds FROM pg_stats WHERE schemaname = 'fgt' AND tablename = 'model_user' AND attname = 'user_id';
CALL reco.forget_user('fgt', 'u5');
SELECT concat(most_common_vals, histogram_bounds) ~ 'u5' AS bounds FROM pg_stats WHERE schemaname = 'fgt' AND tablename = 'model_user' AND attname = 'user_id';
-- and messages of trainings that failed
INSERT INTO fgt.model_version (version, status, message) VALUES (2, 'failed', 'user "u6" has too much'), (3, 'failed', 'out of memory');
CALL reco.forget_user('fgt', 'u6');
SELECT version, message FROM fgt.model_version ORDER BY version;
-- a source without an index is not asked
DROP INDEX fgt_rows_u_idx;
INSERT INTO fgt_rows SELECT 'v' || u, 'i1', 1 FROM generate_series(1, 100000) u;
ANALYZE fgt_rows;
CALL reco.forget_user('fgt', 'v1');

-- Where nobody was folded in, or nobody is left, nothing is missing.
CREATE TABLE fgt_few AS SELECT u, i FROM generate_series(1, 3) u, generate_series(1, 3) i WHERE u <> i;
CALL reco.create_model('fgt_few', 'fgt_few', reco.item_knn(), options => reco.options(live => 'off', measure => false));
CALL reco.forget_user('fgt_few', 1);
SELECT status, problem FROM reco.health WHERE model = 'fgt_few';
CALL reco.forget_user('fgt_few', 2);
CALL reco.forget_user('fgt_few', 3);
SELECT status, problem FROM reco.health WHERE model = 'fgt_few';
CALL reco.drop_model('fgt_few');
DROP TABLE fgt_few;

-- A cast from ids to json is a function of whoever made their type: whoever asks does not run it.
CREATE TYPE fgt_kind AS ENUM ('a', 'b', 'c');
CREATE FUNCTION fgt_json(fgt_kind) RETURNS json LANGUAGE plpgsql AS $$BEGIN RAISE 'called by %', current_user; END$$;
CREATE CAST (fgt_kind AS json) WITH FUNCTION fgt_json(fgt_kind);
CREATE TABLE fgt_enums AS SELECT u, i FROM unnest(enum_range(NULL::fgt_kind)) u, unnest(enum_range(NULL::fgt_kind)) i WHERE u <> i;
CALL reco.create_model('fgt_enum', 'fgt_enums', reco.user_knn(), options => reco.options(live => 'off', measure => false));
CALL reco.materialize('fgt_enum', 2);
SELECT kept_in, content #> '{history,0}' AS history, content #> '{parts,neighbors,0}' AS neighbor, content -> 'items' AS items
  FROM reco.export_user('fgt_enum', 'a');
CALL reco.drop_model('fgt_enum');
DROP TABLE fgt_enums;
DROP TYPE fgt_kind CASCADE;

-- Who may.
CREATE ROLE fgt_reader;
CALL reco.grant_use('fgt', 'fgt_reader');
SET ROLE fgt_reader;
SELECT count(*) FROM reco.export_user('fgt', 'u1');
CALL reco.forget_user('fgt', 'u1');
RESET ROLE;
CALL reco.grant_use('fgt', 'fgt_reader', tables => true);
SET ROLE fgt_reader;
SELECT count(*) FROM reco.export_user('fgt', 'u1');
CALL reco.forget_user('fgt', 'u1');
RESET ROLE;
-- nor does whoever asks run the owner's policies
CREATE FUNCTION fgt_policy() RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE 'called by %', current_user; END$$;
BEGIN;
ALTER TABLE fgt.model_item ENABLE ROW LEVEL SECURITY;
CREATE POLICY fgt_policy ON fgt.model_item USING (fgt_policy());
SET ROLE fgt_reader;
SELECT count(*) FROM reco.export_user('fgt', 'u1');
ROLLBACK;
BEGIN;
ALTER TABLE fgt.model_list ENABLE ROW LEVEL SECURITY;
CREATE POLICY fgt_policy ON fgt.model_list USING (fgt_policy());
SET ROLE fgt_reader;
SELECT count(*) FROM reco.export_user('fgt', 'u1');
ROLLBACK;
DROP FUNCTION fgt_policy;
-- not of the model's version any more
SELECT * FROM reco.stored_history('\x00ff');
SELECT count(*) FROM reco.stored_parts('{}', reco.ials(factors => 2));
CALL reco.drop_model('fgt');
DROP TABLE fgt_rows, fgt_results;
DROP ROLE fgt_reader;
DROP FUNCTION fgt_id, fgt_all;
DROP PROCEDURE fgt_try;

-- A number that is no id is nobody; a whole one is whom it says, whatever its type.
CREATE TABLE fgt_rows AS SELECT u::bigint AS u, i FROM generate_series(1, 6) AS u, generate_series(1, 3) AS i;
SET client_min_messages = warning;
CALL reco.create_model('fgt_number', 'fgt_rows', reco.popular(), options => reco.options(live => 'off'));
RESET client_min_messages;
CALL reco.forget_user('fgt_number', 4.5);
CALL reco.forget_user('fgt_number', 1e300);
CALL reco.forget_user('fgt_number', 'NaN'::numeric);
CALL reco.forget_user('fgt_number', 4.0000001::float8);
CALL reco.forget_user('fgt_number', '-Infinity'::real);
SELECT count(*) FROM reco.export_user('fgt_number', 4.5);
SELECT count(*) FROM reco.export_user('fgt_number', 9223372036854775808);
SELECT count(*), (SELECT count(*) FROM reco.export_user('fgt_number', 5::real)) AS real FROM reco.export_user('fgt_number', 4.00);
-- whoever commits a prepared transaction knows nothing of files
BEGIN;
CALL reco.forget_user('fgt_number', 4);
PREPARE TRANSACTION 'fgt';
CALL reco.forget_user('fgt_number', 4.00);
SELECT count(*) FROM reco.export_user('fgt_number', 4);
CALL reco.drop_model('fgt_number');
DROP TABLE fgt_rows;

-- A source that cannot be read, again and again: no plan of it is left in the session.
CREATE FUNCTION fgt_item(i int) RETURNS int LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
  BEGIN IF current_setting('fgt.fails', true) = 'on' THEN RAISE EXCEPTION 'the source is broken'; END IF; RETURN i; END $$;
CREATE TABLE fgt_rows AS SELECT u, i, 1 AS v, timestamptz '2024-01-01 UTC' + i * interval '1 day' AS t FROM generate_series(1, 40) AS u, generate_series(1, 4) AS i;
CREATE INDEX ON fgt_rows (u);
ANALYZE fgt_rows;
SET client_min_messages = warning;
CALL reco.create_model('fgt_broken', 'SELECT u, fgt_item(i), v, t FROM fgt_rows', reco.ials(factors => 2), options => reco.options(measure => false));
SET client_min_messages = error;
SET fgt.fails = on;
CREATE FUNCTION fgt_plans() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM pg_backend_memory_contexts WHERE name LIKE 'CachedPlan%' AND strpos(ident, 'fgt' || '_item(') > 0 $$;
DO $$ DECLARE failed int := 0; BEGIN
  FOR n IN 1 .. 30 LOOP
    CALL reco.forget_user('fgt_broken', n);
    BEGIN
      CALL reco.segment('fgt_broken', 2);
    EXCEPTION WHEN raise_exception THEN
      failed := failed + 1;
    END;
  END LOOP;
  RAISE EXCEPTION USING MESSAGE = format('%s times the segments failed, %s plans are left', failed, fgt_plans());
END $$;
SELECT fgt_plans();
RESET client_min_messages;
CALL reco.drop_model('fgt_broken');
DROP TABLE fgt_rows;
DROP FUNCTION fgt_item, fgt_plans;
