--
-- Ids of the source that grow: integer to bigint, varchar to text and the like.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny
CREATE DOMAIN wid_small AS integer CHECK (VALUE > 0);
CREATE DOMAIN wid_large AS bigint CHECK (VALUE > 0);
CREATE ROLE regress_wid_app;
CREATE ROLE regress_wid_analyst;

-- Lists of all users and items, as text: whatever the types of ids are.
CREATE FUNCTION wid_answers(OUT answers text) LANGUAGE plpgsql AS $$
BEGIN
  SELECT string_agg(a, E'\n' ORDER BY a) INTO answers FROM (
    SELECT format('recommend %s %s', u.user_id, r) AS a FROM wid.user_factors u, LATERAL wid.recommend(u.user_id, n => 4) r
    UNION ALL SELECT format('rerank %s %s', u.user_id, r) FROM wid.user_factors u, LATERAL wid.rerank(u.user_id, ARRAY(SELECT item_id FROM wid.item_factors)) r
    UNION ALL SELECT format('predict %s %s %s', u.user_id, i.item_id, wid.predict(u.user_id, i.item_id)) FROM wid.user_factors u, wid.item_factors i
    UNION ALL SELECT format('explain %s %s', u.user_id, r) FROM wid.user_factors u, LATERAL wid.explain(u.user_id, (SELECT min(item_id) FROM wid.item_factors)) r
    UNION ALL SELECT format('similar_items %s %s', i.item_id, r) FROM wid.item_factors i, LATERAL wid.similar_items(i.item_id, n => 3) r
    UNION ALL SELECT format('similar_users %s %s', u.user_id, r) FROM wid.user_factors u, LATERAL wid.similar_users(u.user_id, n => 3) r
    UNION ALL SELECT format('recommend_for %s %s', i.item_id, r) FROM wid.item_factors i, LATERAL wid.recommend_for(basket => ARRAY[i.item_id], n => 3) r
    UNION ALL SELECT format('audience %s %s', i.item_id, r) FROM wid.item_factors i, LATERAL wid.audience(i.item_id, n => 3) r
    UNION ALL SELECT format('popular %s', r) FROM wid.popular() r
    UNION ALL SELECT format('list %s', l) FROM wid.recommendations l
    UNION ALL SELECT format('segment %s', l) FROM wid.segments l
    UNION ALL SELECT format('item %s', l) FROM wid.segment_items l
    UNION ALL SELECT format('item_neighbors %s', l) FROM wid.item_neighbors l
    UNION ALL SELECT format('user_neighbors %s', l) FROM wid.user_neighbors l) AS all_of_them;
END
$$;

-- Who may do what in the model's schema.
CREATE FUNCTION wid_rights(OUT rights text) LANGUAGE plpgsql AS $$
BEGIN
  SELECT string_agg(format('%s %s %s %s', what, g.grantee, g.privilege_type, g.is_grantable), E'\n' ORDER BY what, g.grantee, g.privilege_type) INTO rights FROM (
    SELECT oid::regclass::text AS what, relacl AS acl FROM pg_class WHERE relnamespace = to_regnamespace('wid') AND relkind IN ('r', 'v')
    UNION ALL SELECT oid::regproc::text, proacl FROM pg_proc WHERE pronamespace = to_regnamespace('wid')
    UNION ALL SELECT attrelid::regclass || '.' || attname, attacl FROM pg_attribute
               WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace('wid'))) AS all_of_them, aclexplode(acl) AS g;
END
$$;

-- Every growth of a type x which side grows, with each algorithm in turn, and one growth
-- with all: answers stay, before and after
-- reco.upgrade_model, with each of the versions active; the refresh says what to do.
CREATE TABLE wid_results (growth text, sides text, algorithm text, finding text);
CREATE PROCEDURE wid_try(was text, has text, sides text, algorithm reco.algorithm) LANGUAGE plpgsql AS $$
DECLARE
  findings text[] := '{}';
  before text;
  rights text;
  hint text;
  message text;
BEGIN
  EXECUTE format('CREATE TABLE wid_rows (u %s, i %1$s, v real)', was);
  EXECUTE format('INSERT INTO wid_rows SELECT u::text::%s, i::text::%1$s, 1 + (u * i) %% 3 FROM generate_series(1, 7) u, generate_series(1, 6) i WHERE (u * 5 + i * 3) %% 4 > 0', was);
  EXECUTE format('CREATE TABLE wid_items AS SELECT DISTINCT i, ARRAY[(i::text::int %% 2)::text, (i::text::int / 2)::text] AS tags FROM wid_rows');
  CALL reco.create_model('wid', 'wid_rows', algorithm, items => CASE WHEN algorithm->>'algorithm' = 'content' THEN 'wid_items' END);
  CALL reco.refresh('wid');
  CALL reco.materialize('wid', n => 3);
  CALL reco.segment('wid', k => 2);
  CALL reco.grant_use('wid', 'regress_wid_app');
  CALL reco.grant_use('wid', 'regress_wid_analyst', tables => true);
  GRANT SELECT (version) ON wid.versions TO regress_wid_app;
  GRANT SELECT, DELETE ON wid.user_factors TO regress_wid_app WITH GRANT OPTION;
  before := wid_answers();
  rights := wid_rights();
  EXECUTE format('ALTER TABLE wid_rows %s', concat_ws(', ', CASE WHEN sides <> 'items' THEN 'ALTER u TYPE ' || has END,
                                                         CASE WHEN sides <> 'users' THEN 'ALTER i TYPE ' || has END));
  IF wid_answers() <> before THEN findings := array_append(findings, 'other answers after the source was altered'); END IF;
  BEGIN
    CALL reco.refresh('wid');
    -- a limit that goes needs none
    IF sides = 'both' AND (was, has) NOT IN (('varchar(8)', 'varchar')) THEN findings := array_append(findings, 'the refresh went through'); END IF;
  EXCEPTION WHEN datatype_mismatch THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, message = MESSAGE_TEXT;
    IF hint !~ 'CALL reco.upgrade_model' THEN findings := array_append(findings, 'hint: ' || hint); END IF;
  END;
  CALL reco.upgrade_model('wid');
  IF wid_answers() <> before THEN findings := array_append(findings, 'other answers after the upgrade'); END IF;
  IF (SELECT count(*) FROM wid.versions WHERE status = 'ready') <> 2 THEN findings := array_append(findings, 'a version is gone'); END IF;
  IF EXISTS (SELECT FROM pg_attribute a JOIN pg_attribute s ON s.attrelid = 'wid_rows'::regclass AND s.attname = left(a.attname, 1)
              WHERE a.attrelid IN ('wid.model_user'::regclass, 'wid.model_item'::regclass, 'wid.model_list'::regclass, 'wid.model_segment'::regclass) AND a.attname IN ('user_id', 'item_id')
                AND (a.atttypid, a.atttypmod) <> (s.atttypid, s.atttypmod)) THEN findings := array_append(findings, 'types differ from the source''s'); END IF;
  IF wid_rights() <> rights THEN findings := array_append(findings, 'other rights'); END IF;
  IF EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('wid') AND relkind = 'v' AND obj_description(oid, 'pg_class') IS NULL)
    OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = to_regnamespace('wid') AND obj_description(oid, 'pg_proc') IS NULL) THEN findings := array_append(findings, 'a comment is gone'); END IF;
  CALL reco.activate('wid', 1);
  IF wid_answers() <> before THEN findings := array_append(findings, 'version 1 answers otherwise'); END IF;
  CALL reco.refresh('wid');
  IF wid_answers() <> before THEN findings := array_append(findings, 'the refreshed version answers otherwise'); END IF;
  IF cardinality(findings) = 0 THEN findings := ARRAY['as before']; END IF;
  INSERT INTO wid_results SELECT was || ' to ' || has, sides, algorithm->>'algorithm', unnest(findings);
  CALL reco.drop_model('wid');
  DROP TABLE wid_rows, wid_items;
END
$$;
DO $$
DECLARE
  growth text[];
  side text;
  n int := 0;
  a reco.algorithm;
  algorithms reco.algorithm[] := ARRAY[reco.ials(factors => 2, iterations => 3), reco.als(factors => 2, iterations => 3),
                                       reco.item_knn(), reco.user_knn(), reco.content(), reco.popular()];
BEGIN
  FOREACH growth SLICE 1 IN ARRAY ARRAY[['smallint', 'integer'], ['smallint', 'bigint'], ['integer', 'bigint'],
    ['wid_small', 'bigint'], ['integer', 'wid_large'], ['wid_small', 'integer'],
    ['varchar(8)', 'varchar(20)'], ['varchar(8)', 'varchar'], ['varchar(8)', 'text'], ['varchar', 'text'], ['text', 'varchar'],
    ['numeric(6, 0)', 'numeric(9, 0)'], ['numeric(6, 0)', 'numeric']]
  LOOP
    FOREACH side IN ARRAY ARRAY['users', 'items', 'both'] LOOP
      n := n + 1;
      FOR a IN SELECT algorithms[k] FROM generate_series(1, 6) k WHERE k = 1 + n % 6 OR (growth[1], growth[2], side) = ('integer', 'bigint', 'both') LOOP
        CALL wid_try(growth[1], growth[2], side, a);
      END LOOP;
    END LOOP;
  END LOOP;
END
$$;
SELECT finding, count(*) FROM wid_results GROUP BY finding ORDER BY finding;
SELECT * FROM wid_results WHERE finding <> 'as before' LIMIT 20;

-- One by one.  Ids beyond the model's type: unknown to it, as long as it is not upgraded.
CREATE TABLE wid_lines (u int, i int);
INSERT INTO wid_lines SELECT u, i FROM generate_series(1, 6) u, generate_series(1, 5) i WHERE (u + i) % 3 > 0;
CREATE INDEX ON wid_lines (u);
ANALYZE wid_lines;
CALL reco.create_model('wid', 'wid_lines', reco.item_knn());
SELECT item_id, source FROM wid.recommend(1);
ALTER TABLE wid_lines ALTER u TYPE bigint, ALTER i TYPE bigint;
-- live: what has been bought a moment ago is not recommended again
INSERT INTO wid_lines SELECT 1, item_id FROM wid.recommend(1, n => 1);
INSERT INTO wid_lines VALUES (1, 3000000000), (3000000000, 1), (3000000000, 3000000000);
SELECT item_id, source FROM wid.recommend(1);
SELECT item_id, source FROM wid.recommend(3000000000, n => 1);
SELECT line FROM reco.explain_source('wid') WHERE line LIKE 'Hint: The source%';
CALL reco.refresh('wid');
CALL reco.upgrade_model('wid');
SELECT item_id, source FROM wid.recommend(1);
SELECT line FROM reco.explain_source('wid') WHERE line LIKE 'Hint: The source%';
CALL reco.refresh('wid');
SELECT item_id FROM wid.similar_items(3000000000) ORDER BY rank LIMIT 1;
SELECT source FROM wid.recommend(3000000000, n => 1);
SELECT version, active, users, items FROM wid.versions ORDER BY version;
SELECT item_id, pg_typeof(item_id) FROM wid.item_factors ORDER BY item_id DESC LIMIT 1;

-- what uses the old views or functions is named, and nothing is changed
ALTER TABLE wid_lines ALTER u TYPE text;
CALL reco.refresh('wid');
CALL reco.upgrade_model('wid');
SELECT pg_typeof(user_id) FROM wid.user_factors LIMIT 1;
CALL reco.drop_model('wid');
DROP TABLE wid_lines;
CREATE TABLE wid_lines AS SELECT u::int, i::int FROM generate_series(1, 4) u, generate_series(1, 4) i WHERE u <> i;
CALL reco.create_model('wid', 'wid_lines', reco.popular());
CREATE VIEW wid_mine AS SELECT item_id FROM wid.item_factors;
ALTER TABLE wid_lines ALTER i TYPE bigint;
CALL reco.upgrade_model('wid');
SELECT count(*) FROM wid.recommend(1);
DROP VIEW wid_mine;
-- narrower is no way
CALL reco.upgrade_model('wid');
ALTER TABLE wid_lines ALTER i TYPE smallint;
CALL reco.refresh('wid');
CALL reco.upgrade_model('wid');
CALL reco.refresh('wid');
-- a source that cannot be read does not keep the functions from being made anew
DROP TABLE wid_lines;
CALL reco.upgrade_model('wid');
SELECT count(*) FROM wid.recommend(1);
CALL reco.drop_model('wid');

DROP PROCEDURE wid_try;
DROP FUNCTION wid_answers, wid_rights;
DROP TABLE wid_results;
DROP DOMAIN wid_small, wid_large;
DROP ROLE regress_wid_app, regress_wid_analyst;
