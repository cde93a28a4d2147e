--
-- reco.options(pseudonyms => true): a model that has keyed hashes in the place of its users' ids.
--
\set SHOW_CONTEXT never
SET reco.threads = 1;  -- what is trained here is tiny
SET client_min_messages = warning;
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; umask 077; for k in "a key that is no secret in a test" "b key, of the same length, in a te"; do printf "%s" "$k" > "pss_${k%% *}.key"; done';

-- Without a key there is no such model, and nothing is read.
CREATE TABLE pss_lines AS SELECT u, i, 1 + (u * i) % 3 AS v, timestamptz '2026-03-01 12:00+00' + make_interval(days => (u * 7 + i) % 60) AS at
  FROM generate_series(1, 40) u, generate_series(1, 12) i WHERE u % 2 = i % 2 AND (u + i) % 5 > 0;
CALL reco.create_model('pss', 'SELECT u, i FROM pss_lines', reco.item_knn(), options => reco.options(pseudonyms => true));
SET reco.pseudonym_key_file = 'pss_a.key';

-- The same users, by ids of all types that there can be pseudonyms of.
CREATE DOMAIN pss_person AS text CHECK (VALUE ~ '^person');
CREATE FUNCTION pss_id(type text, u int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN type ~ 'int' THEN (7700 + u)::text WHEN type = 'uuid' THEN md5('person' || u)::uuid::text ELSE 'person-of-secret-' || u END
$$;
CREATE TABLE pss_found (type text, what text, ok boolean);
CREATE FUNCTION pss_check(type text, what text, query text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ok boolean;
BEGIN
  EXECUTE query INTO ok;
  INSERT INTO pss_found VALUES (type, what, coalesce(ok, false));
END
$$;
-- {id} of user $u, as a literal of the type
CREATE FUNCTION pss_sql(type text, query text) RETURNS text LANGUAGE sql AS $$
  SELECT replace(replace(query, '{type}', type), '{id}', format('pss_id(%L, u)::%s', type, type))
$$;
-- Two queries, of two models, say the same of each user.
CREATE FUNCTION pss_same(type text, what text, query text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pss_check(type, what, pss_sql(type, format(
    'SELECT bool_and(a.r = b.r OR a.r IS NULL AND b.r IS NULL) AND count(a.r) > 3 FROM generate_series(1, 45) u, LATERAL (%s) a(r), LATERAL (%s) b(r)',
    replace(query, '{model}', 'pss'), replace(query, '{model}', 'pss_plain'))));
END
$$;
CREATE PROCEDURE pss_try(type text) LANGUAGE plpgsql AS $$
DECLARE
  source text = 'SELECT user_id, i, v, at FROM pss_source';
  r record;
BEGIN
  EXECUTE pss_sql(type, 'CREATE TABLE pss_source AS SELECT {id} AS user_id, i, v, at FROM pss_lines');
  CREATE INDEX ON pss_source (user_id);
  ANALYZE pss_source;
  CALL reco.create_model('pss', source, reco.item_knn(), options => reco.options(pseudonyms => true, measure => false));
  CALL reco.create_model('pss_plain', source, reco.item_knn(), options => reco.options(measure => false));
  PERFORM pss_check(type, 'uuids', 'SELECT bool_and(a.atttypid = ''uuid''::regtype) AND count(*) = 5 FROM pg_attribute a JOIN pg_class c ON a.attrelid = c.oid WHERE relnamespace = ''pss''::regnamespace AND relkind = ''r'' AND attname = ''user_id''');
  PERFORM pss_check(type, 'those of reco.pseudonym()', 'SELECT count(*) = 40 FROM pss.model_user WHERE user_id IN (SELECT reco.pseudonym(user_id) FROM pss_source)');
  -- arguments of the source's own type, whether the source is read live or not
  FOR r IN VALUES ('auto'), ('off') LOOP
    EXECUTE format('CALL reco.alter_model(''pss'', options => reco.options(pseudonyms => true, measure => false, live => %L))', r.column1);
    EXECUTE format('CALL reco.alter_model(''pss_plain'', options => reco.options(measure => false, live => %L))', r.column1);
    PERFORM pss_same(type, 'recommend ' || r.column1, 'SELECT array_agg(x ORDER BY rank) FROM {model}.recommend({id}, 5) x');
    PERFORM pss_same(type, 'rerank ' || r.column1, 'SELECT array_agg(x ORDER BY rank) FROM {model}.rerank({id}, ''{1,2,3,4,5,99}'') x');
    PERFORM pss_same(type, 'predict ' || r.column1, 'SELECT {model}.predict({id}, 4)');
    PERFORM pss_same(type, 'explain ' || r.column1, 'SELECT array_agg(x ORDER BY contribution DESC, because_item) FROM {model}.explain({id}, 4) x');
    PERFORM pss_same(type, 'user_profile ' || r.column1, 'SELECT array_agg(row(aspect, feature, value, because) ORDER BY aspect, feature, value) FROM {model}.user_profile({id}) WHERE feature <> ''trained at''');
    PERFORM pss_same(type, 'expose ' || r.column1, 'SELECT array_agg(row(version, rank, item_id, score, source) ORDER BY rank) FROM {model}.expose({id}, 5, explore_seed => 1) x');
    PERFORM pss_same(type, 'reco.recommend ' || r.column1, 'SELECT array_agg(x ORDER BY rank) FROM reco.recommend(''{model}'', {id}, 5) x');
  END LOOP;
  CALL reco.alter_model('pss', options => reco.options(pseudonyms => true, measure => false));
  CALL reco.alter_model('pss_plain', options => reco.options(measure => false));
  PERFORM pss_check(type, 'literals', pss_sql(type, format('SELECT count(*) = 3 AND bool_or(source = ''model'') FROM pss.recommend(%L, 3)', pss_id(type, 4))));
  PERFORM pss_check(type, 'live', pss_sql(type, format('WITH x AS (SELECT value FROM pss.user_profile(%L) WHERE aspect = ''freshness'' AND feature = ''read'') SELECT value = ''live'' FROM x', pss_id(type, 4))));
  PERFORM pss_check(type, 'explain_source', 'SELECT count(*) > 1 AND bool_or(explain_source ~ ''from the source'') AND NOT bool_or(explain_source ~ ''cannot'') FROM reco.explain_source(''pss'')');
  PERFORM pss_check(type, 'health', 'SELECT bool_and(history = ''live'') FROM reco.health WHERE model = ''pss''');
  -- what gives users gives pseudonyms
  PERFORM pss_check(type, 'audience', 'SELECT array_agg(p ORDER BY p) = (SELECT array_agg(reco.pseudonym(user_id) ORDER BY reco.pseudonym(user_id)) FROM pss_plain.audience(4, 1000)) FROM (SELECT user_id AS p FROM pss.audience(4, 1000)) x');
  PERFORM pss_check(type, 'audience without', pss_sql(type, 'SELECT count(*) > 10 AND count(*) FILTER (WHERE user_id IN (SELECT reco.pseudonym({id}) FROM generate_series(2, 6, 2) u)) = 0 FROM pss.audience(4, 1000, exclude_buyers => false, exclude_users => ARRAY(SELECT {id} FROM generate_series(2, 6, 2) u))'));
  EXECUTE pss_sql(type, 'CREATE TABLE pss_log AS SELECT {id} AS user_id, timestamptz ''2026-03-01'' AS shown_at FROM generate_series(2, 40, 4) u');
  PERFORM pss_check(type, 'exposures', 'SELECT count(*) > 5 AND count(*) FILTER (WHERE user_id IN (SELECT reco.pseudonym(user_id) FROM pss_log)) = 0 FROM pss.audience(ARRAY[4, 6], 1000, exclude_buyers => false, exposures => ''pss_log'')');
  PERFORM pss_same(type, 'similar_users', 'SELECT count(*) FROM {model}.similar_users({id}, 3)');
  CALL reco.materialize('pss', 3);
  CALL reco.materialize('pss_plain', 3);
  PERFORM pss_check(type, 'materialize', 'SELECT count(*) = 120 AND count(*) = count(b.item_id) FROM pss.recommendations a FULL JOIN pss_plain.recommendations b ON a.user_id = reco.pseudonym(b.user_id) AND a.rank = b.rank AND a.item_id = b.item_id');
  EXECUTE format('CALL reco.materialize(''pss'', 2, users => %L)', pss_sql(type, 'SELECT {id} FROM generate_series(39, 42) u'));
  PERFORM pss_check(type, 'materialize some', pss_sql(type, 'SELECT array_agg(DISTINCT user_id ORDER BY user_id) = (SELECT array_agg(reco.pseudonym({id}) ORDER BY reco.pseudonym({id})) FROM generate_series(39, 42) u) FROM pss.recommendations'));
  CALL reco.segment('pss', 2, rfm => true);
  CALL reco.segment('pss_plain', 2, rfm => true);
  PERFORM pss_check(type, 'rfm', 'SELECT count(*) = 40 AND bool_and(row(a.recency, a.frequency, a.monetary, a.r, a.f, a.m) = row(b.recency, b.frequency, b.monetary, b.r, b.f, b.m)) FROM pss.segments a JOIN pss_plain.segments b ON a.user_id = reco.pseudonym(b.user_id)');
  PERFORM pss_same(type, 'segment of a user', 'SELECT array_agg(value ORDER BY feature) FROM {model}.user_profile({id}) WHERE aspect = ''rfm''');
  CALL reco.segment('pss', 3, features => 'SELECT user_id, count(*), sum(v) FROM pss_source GROUP BY 1');
  PERFORM pss_check(type, 'features', 'SELECT count(*) = 40 AND count(DISTINCT s.segment) = 3 FROM pss.segments s WHERE user_id IN (SELECT reco.pseudonym(user_id) FROM pss_source)');
  -- of nobody in particular
  PERFORM pss_check(type, 'demand', 'SELECT count(*) = 12 FROM pss.demand()');
  PERFORM pss_check(type, 'growth', 'SELECT count(*) > 0 FROM pss.growth(''30 days'', ''30 days'')');
  PERFORM pss_check(type, 'report', 'SELECT reco.report(''pss'') ~ ''Some users'' AND (SELECT count(*) > 3 FROM reco.summary(''pss''))');
  -- folded in: new ones, changed ones, by name and all
  EXECUTE pss_sql(type, 'INSERT INTO pss_source SELECT {id}, 4 + 2 * (u % 2), 2, timestamptz ''2026-04-20'' FROM generate_series(38, 43) u');
  INSERT INTO pss_source SELECT * FROM pss_source WHERE i = 4 AND at = '2026-04-20' LIMIT 1;
  EXECUTE format('CALL reco.fold_in(''pss'', users => %L)', pss_sql(type, 'SELECT {id} FROM generate_series(41, 42) u'));
  PERFORM pss_check(type, 'fold_in some', pss_sql(type, 'SELECT count(*) = 2 AND bool_and(user_id IN (SELECT reco.pseudonym({id}) FROM generate_series(41, 42) u)) FROM pss.model_user_layer'));
  CALL reco.fold_in('pss');
  CALL reco.fold_in('pss_plain');
  PERFORM pss_check(type, 'fold_in', 'SELECT count(*) > 3 AND count(*) = count(b.user_id) AND count(*) = count(a.user_id) AND bool_and(a.history = b.history) FROM pss.model_user_layer a FULL JOIN pss_plain.model_user_layer b ON a.user_id = reco.pseudonym(b.user_id)');
  CALL reco.refresh('pss');
  CALL reco.refresh('pss_plain');
  PERFORM pss_same(type, 'refresh', 'SELECT array_agg(x ORDER BY rank) FROM {model}.recommend({id}, 5) x');
  -- nothing else is there of them
  FOR r IN SELECT c.oid::regclass AS t FROM pg_class c WHERE relnamespace = 'pss'::regnamespace AND relkind = 'r' LOOP
    PERFORM pss_check(type, 'nobody in ' || r.t, format('SELECT count(*) FILTER (WHERE t::text ~ %L) = 0 FROM %s t', CASE WHEN type ~ 'int' THEN '(^|[^0-9.])77[0-4][0-9]([^0-9.]|$)' WHEN type = 'uuid' THEN pss_id('uuid', 4) ELSE 'person' END, r.t));
  END LOOP;
  -- one is shown, and forgotten
  PERFORM pss_check(type, 'export_user', pss_sql(type, format('SELECT string_agg(kept_in || version, '' '' ORDER BY version, kept_in) = ''model_user1 model_user2'' FROM reco.export_user(''pss'', %L::{type}) WHERE kept_in = ''model_user''', pss_id(type, 7))));
  EXECUTE pss_sql(type, format('CALL reco.forget_user(''pss'', %L::{type})', pss_id(type, 7)));
  PERFORM pss_check(type, 'forget_user', pss_sql(type, format('SELECT count(*) = 0 FROM reco.export_user(''pss'', %L::{type})', pss_id(type, 7))));
  PERFORM pss_check(type, 'others are there', 'SELECT count(*) = 42 FROM pss.model_user WHERE version = 2');
  CALL reco.upgrade_model('pss');
  PERFORM pss_check(type, 'upgrade_model', pss_sql(type, format('SELECT count(*) = 3 AND bool_or(source = ''model'') FROM pss.recommend(%L, 3)', pss_id(type, 4))));
  CALL reco.drop_model('pss');
  CALL reco.drop_model('pss_plain');
  DROP TABLE pss_source, pss_log;
END
$$;
CALL pss_try('smallint');
CALL pss_try('integer');
CALL pss_try('bigint');
CALL pss_try('text');
CALL pss_try('varchar(40)');
CALL pss_try('pss_person');
CALL pss_try('uuid');
SELECT type, count(*), string_agg(what, ', ') FILTER (WHERE NOT ok) AS wrong FROM pss_found GROUP BY type ORDER BY type;

-- A wrong key is an error, and no key; what asks for nobody is served.
CREATE TABLE pss_source AS SELECT 'person-' || u AS user_id, i, v, at FROM pss_lines;
CREATE INDEX ON pss_source (user_id);
CALL reco.create_model('pss', 'SELECT user_id, i, v, at FROM pss_source', reco.item_knn(), options => reco.options(pseudonyms => true, measure => false, live => 'off'));
CALL reco.materialize('pss', 2);
CALL reco.segment('pss', 2);
SET reco.pseudonym_key_file = 'pss_b.key';
SELECT * FROM pss.recommend('person-4', 2);
SELECT count(*) FROM pss.audience(4, exclude_users => '{person-2}');
SELECT count(*) FROM pss.similar_items(4, 2), pss.popular(2), pss.recommend_for('{4}', 2), pss.audience(4, 2);
SELECT count(*) FROM reco.export_user('pss', 'person-4');
CALL reco.forget_user('pss', 'person-4');
CALL reco.fold_in('pss');
CALL reco.fold_in('pss', users => 'SELECT ''person-4''');
CALL reco.fold_in('pss', new_items => true);
CALL reco.materialize('pss', 2);
CALL reco.segment('pss', 2);
SET reco.pseudonym_key_file = 'pss_none.key';
SELECT * FROM pss.recommend('person-4', 2);
CALL reco.refresh('pss');
SELECT count(*) FROM pss.similar_items(4, 2), pss.popular(2), pss.recommend_for('{4}', 2), pss.audience(4, 2);
SET reco.pseudonym_key_file = 'pss_a.key';
SELECT rank, source FROM pss.recommend('person-4', 2);
-- a training by another key makes all anew; lists and segments are of nobody then
SET reco.pseudonym_key_file = 'pss_b.key';
SET client_min_messages = notice;
CALL reco.refresh('pss');
SET client_min_messages = warning;
SELECT rank, source FROM pss.recommend('person-4', 2);
SELECT count(*) FROM pss.model_list;
SELECT count(*) FROM pss.model_segment;
-- of a version that is kept a user could not be found
SELECT count(*) FROM reco.export_user('pss', 'person-4');
CALL reco.forget_user('pss', 'person-4');
CALL reco.activate('pss', 1);
SELECT * FROM pss.recommend('person-4', 2);
CALL reco.activate('pss', 2);
CALL reco.refresh('pss');
CALL reco.forget_user('pss', 'person-4');
SELECT count(*) FROM reco.export_user('pss', 'person-4');
SET reco.pseudonym_key_file = 'pss_a.key';
CALL reco.drop_model('pss');

-- What there is no such thing of.
CALL reco.create_model('pss', 'SELECT i, user_id FROM pss_source', reco.item_knn(), options => reco.options(pseudonyms => true, measure => false));
CALL reco.track('pss');
CALL reco.alter_model('pss', options => reco.options(live => 'off'));
CALL reco.alter_model('pss', 'SELECT i::text, user_id FROM pss_source');
CALL reco.refresh('pss');
SELECT explain_source FROM reco.explain_source('pss');
CALL reco.alter_model('pss', 'SELECT i::bigint, user_id FROM pss_source');  -- wider, and the same people
CALL reco.refresh('pss');
SELECT count(*) FROM pss.recommend(4, 3);
-- written by hand
UPDATE pss.model SET options = '{}';
CALL reco.refresh('pss');
UPDATE pss.model SET options = '{"pseudonyms": true}', pseudonyms_of = 'date';
CALL reco.refresh('pss');
\c -
SET reco.pseudonym_key_file = 'pss_a.key';
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SELECT * FROM pss.recommend(4, 3);
UPDATE pss.model SET pseudonyms_of = NULL;
SELECT * FROM pss.recommend(4, 3);
UPDATE pss.model SET pseudonyms_of = 'bigint';
UPDATE pss.model_version SET pseudonym_key = NULL;
SELECT * FROM pss.recommend(4, 3);
CALL reco.drop_model('pss');
CALL reco.create_model('pss', 'SELECT i, user_id FROM pss_source', reco.item_knn(), options => reco.options(measure => false));
CALL reco.alter_model('pss', options => reco.options(pseudonyms => true));
CALL reco.drop_model('pss');
CALL reco.create_model('pss', 'SELECT i::numeric, user_id FROM pss_source', reco.item_knn(), options => reco.options(pseudonyms => true));
CALL reco.create_model('pss', 'SELECT user_id, i FROM pss_source', reco.als(engine => 'sql'), options => reco.options(pseudonyms => true));
CREATE COLLATION pss_nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CALL reco.create_model('pss', 'SELECT user_id COLLATE pss_nocase, i FROM pss_source', reco.item_knn(), options => reco.options(pseudonyms => true));
DROP COLLATION pss_nocase;
-- an evaluation stores nobody, and needs no key
SET reco.pseudonym_key_file = 'pss_none.key';
SELECT count(*) > 0 AS evaluated FROM reco.evaluate('SELECT user_id, i FROM pss_source', reco.item_knn(), options => reco.options(pseudonyms => true));
SET reco.pseudonym_key_file = 'pss_a.key';
-- a training that fails keeps no id of the row
CREATE TABLE pss_bad AS SELECT user_id, i, v::float8 FROM pss_source;
CALL reco.create_model('pss', 'pss_bad', reco.item_knn(), options => reco.options(pseudonyms => true, measure => false));
UPDATE pss_bad SET v = 'NaN' WHERE user_id = 'person-4';
CALL reco.refresh('pss');
SELECT status, message FROM pss.versions WHERE version = 2;
CALL reco.drop_model('pss');

-- New items are taken by whom the version has.
CALL reco.create_model('pss', 'SELECT user_id, i FROM pss_source WHERE i < 11', reco.ials(factors => 4), options => reco.options(pseudonyms => true, measure => false));
CALL reco.alter_model('pss', 'SELECT user_id, i FROM pss_source');
CALL reco.fold_in('pss', new_items => true);
SELECT version, users, items FROM pss.versions ORDER BY version;
SELECT count(*) FROM pss.model_user a JOIN pss.model_user b USING (user_id) WHERE a.version = 1 AND b.version = 2;
CALL reco.drop_model('pss');

-- Models whose users are those of others, with pseudonyms or without.
CALL reco.create_model('pss_home', 'SELECT user_id, i FROM pss_source', reco.ials(factors => 4), options => reco.options(pseudonyms => true, measure => false));
CALL reco.create_model('pss_plain', 'SELECT user_id, i FROM pss_source', reco.ials(factors => 4), options => reco.options(measure => false));
CALL reco.create_model('pss_both', 'SELECT user_id, i FROM pss_source WHERE v > 1', reco.ials(factors => 4, prior => 'pss_home'), options => reco.options(pseudonyms => true, measure => false));
CALL reco.create_model('pss_first', 'SELECT user_id, i FROM pss_source WHERE v > 1', reco.ials(factors => 4, prior => 'pss_home'), options => reco.options(measure => false));
CALL reco.create_model('pss_second', 'SELECT user_id, i FROM pss_source WHERE v > 1', reco.ials(factors => 4, prior => 'pss_plain'), options => reco.options(pseudonyms => true, measure => false));
CALL reco.create_model('pss_neither', 'SELECT user_id, i FROM pss_source WHERE v > 1', reco.ials(factors => 4, prior => 'pss_plain'), options => reco.options(measure => false));
-- everybody is found in the prior, and so has a center
SELECT m, count(*) AS users, count(*) FILTER (WHERE (SELECT max(abs(x)) FROM unnest(center) x) > 0) AS found
  FROM (SELECT 'both' AS m, reco.part_vector(parts, algorithm, 'users', 'center') AS center FROM pss_both.model_user, pss_both.model_version
        UNION ALL SELECT 'first', reco.part_vector(parts, algorithm, 'users', 'center') FROM pss_first.model_user, pss_first.model_version
        UNION ALL SELECT 'second', reco.part_vector(parts, algorithm, 'users', 'center') FROM pss_second.model_user, pss_second.model_version
        UNION ALL SELECT 'neither', reco.part_vector(parts, algorithm, 'users', 'center') FROM pss_neither.model_user, pss_neither.model_version) c
 GROUP BY m ORDER BY m;
CALL reco.drop_model('pss_both');
CALL reco.drop_model('pss_first');
CALL reco.drop_model('pss_second');
CALL reco.drop_model('pss_neither');
CALL reco.drop_model('pss_plain');

-- Who may: whose model it is must have the right to make pseudonyms; whom it serves need not.
CREATE ROLE pss_owner;
CREATE ROLE pss_app;
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO pss_owner', current_database()); END$$;
GRANT USAGE ON SCHEMA reco TO pss_owner;
GRANT SELECT ON pss_source TO pss_owner;
SET ROLE pss_owner;
CALL reco.create_model('pss', 'SELECT user_id, i FROM public.pss_source', reco.item_knn(), options => reco.options(pseudonyms => true, measure => false));
RESET ROLE;
GRANT EXECUTE ON FUNCTION reco.pseudonym TO pss_owner;
SET ROLE pss_owner;
CALL reco.create_model('pss', 'SELECT user_id, i FROM public.pss_source', reco.item_knn(), options => reco.options(pseudonyms => true, measure => false));
CALL reco.grant_use('pss', 'pss_app', tables => true);
RESET ROLE;
SET ROLE pss_app;
SELECT rank, source FROM pss.recommend('person-4', 2);
SELECT count(*) FROM pss.model_user;
RESET ROLE;
GRANT USAGE ON SCHEMA reco TO pss_app;
SET ROLE pss_app;
-- whose rows these are is not told by the right to read them
SELECT count(*) FROM reco.export_user('pss', 'person-4');
SELECT reco.pseudonym(42);
RESET ROLE;
-- the owner loses it: an owner of nothing else than a table could try ids out
REVOKE EXECUTE ON FUNCTION reco.pseudonym FROM pss_owner;
SET ROLE pss_app;
SELECT rank, source FROM pss.recommend('person-4', 2);
RESET ROLE;
CALL reco.change_owner('pss', 'pss_app');
GRANT EXECUTE ON FUNCTION reco.pseudonym TO pss_app;
SET ROLE pss_app;
SELECT rank, source FROM pss.recommend('person-4', 2);
SELECT count(*) FROM reco.export_user('pss', 'person-4');
RESET ROLE;
CALL reco.drop_model('pss');
CALL reco.drop_model('pss_home');
REVOKE ALL ON SCHEMA reco FROM pss_owner, pss_app;
REVOKE EXECUTE ON FUNCTION reco.pseudonym FROM pss_app;
DROP TABLE pss_source, pss_bad, pss_lines, pss_found;
DO $$BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM pss_owner', current_database()); END$$;
DROP ROLE pss_owner, pss_app;
DROP FUNCTION pss_sql, pss_check, pss_same, pss_id;
DROP PROCEDURE pss_try;
DROP DOMAIN pss_person;
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rm pss_*.key';
