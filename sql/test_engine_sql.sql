--
-- engine => 'sql': models of ials and als that are trained in SELECT ... GROUP BY alone are those
-- of a training in memory.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

CREATE TABLE es_lines AS
  SELECT (g % 200)::int AS u, CASE WHEN h % 10 < 7 THEN (h / 10) % 25 * 4 + g % 4 ELSE (h / 10) % 100 END::int AS i, (1 + h % 3)::int AS v
    FROM (SELECT g, hashint4(g)::bigint + 2147483648 AS h FROM generate_series(1, 4000) AS g) AS s;
CREATE TABLE es_ratings AS SELECT u, i, sum(v) AS stars FROM es_lines GROUP BY u, i;

-- The same algorithm by both engines: losses, users, items, lists.
CREATE TABLE es_compared (what text, loss float8, users int, items int, histories int, lists int, told boolean);
CREATE PROCEDURE es_compare(what text, source text, algorithm text, options reco.data_options) LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('es_memory', source, (algorithm::jsonb || '{"solver": "cholesky"}')::reco.algorithm, options => options);
  CALL reco.create_model('es_sql', source, (algorithm::jsonb || '{"engine": "sql"}')::reco.algorithm, options => options);
  INSERT INTO es_compared SELECT what,
    (SELECT abs(s.loss[array_upper(s.loss, 1)] / m.loss[array_upper(m.loss, 1)] - 1) FROM es_sql.versions AS s, es_memory.versions AS m),
    (SELECT count(*) FROM es_sql.user_factors AS s FULL JOIN es_memory.user_factors AS m USING (user_id)
      WHERE coalesce((SELECT max(abs(a - b)) FROM unnest(s.factors || s.bias, m.factors || m.bias) AS t(a, b)) > 1e-4, true)),
    (SELECT count(*) FROM es_sql.item_factors AS s FULL JOIN es_memory.item_factors AS m USING (item_id)
      WHERE coalesce((SELECT max(abs(a - b)) FROM unnest(s.factors || s.bias, m.factors || m.bias) AS t(a, b)) > 1e-4, true)
         OR s.interactions <> m.interactions),
    (SELECT count(*) FROM es_sql.model_user AS s FULL JOIN es_memory.model_user AS m USING (user_id)
      WHERE (s.number, s.interactions, s.history) IS DISTINCT FROM (m.number, m.interactions, m.history)),
    (SELECT count(*) FROM (SELECT user_id FROM es_sql.model_user ORDER BY number LIMIT 50) AS u,
       LATERAL (SELECT array_agg(item_id ORDER BY item_id) AS list FROM es_sql.recommend(u.user_id, 5)) AS s,
       LATERAL (SELECT array_agg(item_id ORDER BY item_id) AS list FROM es_memory.recommend(u.user_id, 5)) AS m
      WHERE s.list IS DISTINCT FROM m.list),
    (SELECT (s.rows_read, s.rows_skipped, s.rows_merged, s.users, s.items, s.interactions, s.reference_time)
       IS NOT DISTINCT FROM (m.rows_read, m.rows_skipped, m.rows_merged, m.users, m.items, m.interactions, m.reference_time)
       FROM es_sql.versions AS s, es_memory.versions AS m);
  DROP SCHEMA es_memory CASCADE;
  DROP SCHEMA es_sql CASCADE;
END
$$;
SET client_min_messages = error;
-- compiled, as a server does by itself with what it takes for large queries
SET jit = on;
CALL es_compare('ials, counts once', 'es_lines', reco.ials(factors => 8, iterations => 5, alpha => 3, regularization => 2)::text, reco.options(value => 'binary', measure => false));
SET jit = off;  -- it takes longer than all else
CALL es_compare('ials, raw', 'es_lines', reco.ials(factors => 8, iterations => 5, alpha => 1, regularization => 2)::text, reco.options(value => 'raw', measure => false));
CALL es_compare('ials, log', 'es_lines', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text, reco.options(value => 'log', measure => false));
CALL es_compare('ials, cap', 'es_lines', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text, reco.options(value => 'cap', value_cap => 2, measure => false));
CALL es_compare('ials, no values', 'SELECT u, i FROM es_lines', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text, reco.options(value => 'binary', measure => false));
CALL es_compare('ials, negative', 'SELECT u, i, v - 2 FROM es_lines', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text, reco.options(value => 'raw', measure => false));
CALL es_compare('ials, weighted', 'es_lines', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 0.01, weighted_regularization => true)::text, reco.options(value => 'raw', measure => false));
CALL es_compare('ials, text ids', $q$SELECT 'user ' || u, 'Ä ' || i, v FROM es_lines$q$, reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text, reco.options(value => 'raw', measure => false));
CALL es_compare('ials, nulls', 'SELECT nullif(u, 3), nullif(i, 4), nullif(v, 2) FROM es_lines', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text, reco.options(value => 'raw', measure => false));
SET jit = on;
CALL es_compare('als', 'es_ratings', reco.als(factors => 8, iterations => 5)::text, reco.options(measure => false));
SET jit = off;
CALL es_compare('als, no biases', 'es_ratings', reco.als(factors => 8, iterations => 5, biases => false, seed => 5)::text, reco.options(measure => false));
CALL es_compare('als, one factor', 'es_ratings', reco.als(factors => 1, iterations => 1)::text, reco.options(measure => false));
-- Events: what becomes of rows, and what is told of that.
CREATE TYPE es_kind AS ENUM ('view', 'cart', 'buy', 'return');
CREATE TABLE es_events AS
  SELECT nullif(u, 7) AS u, nullif(i, 11) AS i, nullif(v, 2) * 1.5 AS v,
         CASE WHEN n % 97 = 0 THEN NULL WHEN n % 89 = 0 THEN '-infinity' WHEN n % 83 = 0 THEN 'infinity' WHEN n % 79 = 0 THEN '1703-05-01 12:00Z'
              ELSE '2024-03-01 00:00Z'::timestamptz + n * interval '41 minutes 0.123457 seconds' END AS t,
         CASE WHEN n % 101 = 0 THEN NULL WHEN n % 103 = 0 THEN 'return' ELSE (ARRAY['view', 'view', 'cart', 'buy'])[1 + n % 4] END::es_kind AS k
    FROM (SELECT *, row_number() OVER (ORDER BY u, i, v) AS n FROM es_lines) AS s;
INSERT INTO es_events VALUES (3, 3, 'NaN', '2024-04-01', 'buy'), (4, 4, 1e19, '2024-04-01', 'buy');
CALL es_compare('kinds', 'es_events', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(kind_weights => '{"view": 0.3, "cart": 2, "buy": 8.1}', on_invalid => 'skip', measure => false));
CALL es_compare('kinds, as text, binary', 'SELECT u, i, 1, t, k::char(9) FROM es_events', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(kind_weights => '{"view": 0.3, "cart": 2, "buy": 8.1, "return": -4}', value => 'binary', measure => false));
CALL es_compare('kinds, boolean, half-life', $$SELECT u, i, v, t, k = 'buy' FROM es_events$$, reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(kind_weights => '{"t": 3, "f": 1}', half_life => '20 days', on_invalid => 'skip', measure => false));
CALL es_compare('half-life, without a zone', $$SELECT u, i, 1, t AT TIME ZONE 'Asia/Tokyo' FROM es_events$$, reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(half_life => '1 day 3 hours', measure => false));
CALL es_compare('half-life, dates', $$SELECT u, i, v, t::date, k FROM es_events$$, reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(half_life => '30 days', kind_weights => '{"view": 1, "cart": 2, "buy": 3, "return": 4}', on_invalid => 'skip', measure => false));
CALL es_compare('since, until', 'SELECT u, i, v, t FROM es_events', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(since => '2024-03-15 12:00+03', until => '2024-06-01', value => 'raw', on_invalid => 'skip', measure => false));
CALL es_compare('until, dates', 'SELECT u, i, v, t::date FROM es_events', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(until => '2024-04-01 13:00Z', value => 'log', on_invalid => 'skip', measure => false));
CALL es_compare('max_age', 'SELECT u, i, v, t FROM es_events', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(max_age => '40 days', value => 'raw', on_invalid => 'skip', measure => false));
-- however the session shows times: its zone's name is that of another zone to whoever reads it
SET datestyle = 'SQL, DMY';
SET timezone = 'Asia/Kolkata';
CALL es_compare('times as shown', 'es_events', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(kind_weights => '{"view": 0.3, "cart": 2, "buy": 8.1, "return": -4}', half_life => '50 days', since => '2024-03-15 12:00Z', until => '2024-05-20 08:00Z',
    max_age => '40 days', value => 'cap', value_cap => 3, on_invalid => 'skip', measure => false));
RESET datestyle;
RESET timezone;
CALL es_compare('minimums', 'SELECT u, i, v FROM es_lines WHERE u % 3 = 0 OR i < 40', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(min_user_interactions => 6, min_item_interactions => 14, value => 'raw', measure => false));
CALL es_compare('exclude_items', $$SELECT u, 'Item ' || i, v FROM es_lines$$, reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2)::text,
  reco.options(exclude_items => '{Item 3,Item 44,nothing''}', value => 'raw', measure => false));
CALL es_compare('all at once', 'es_events', reco.ials(factors => 8, iterations => 3, alpha => 1, regularization => 2, weighted_regularization => true)::text,
  reco.options(kind_weights => '{"view": 0.3, "cart": 2, "buy": 8.1}', half_life => '50 days', since => '2024-03-02', max_age => '100 days', min_user_interactions => 3,
    min_item_interactions => 4, exclude_items => '{5,6}', value => 'log', on_invalid => 'skip', measure => false));
RESET client_min_messages;
-- the loss to 1e-5; how many users, items, histories and lists are not the same
SELECT what, loss < 1e-5 AS loss, users, items, histories, lists, told FROM es_compared;

-- What is left open is chosen by the rows; a model is refreshed, folded into, measured in memory.
SET client_min_messages = notice;
CALL reco.create_model('es', 'SELECT u, i, v FROM es_lines -- of the shop', reco.ials(factors => 8, iterations => 4, engine => 'sql'), options => reco.options(value => 'binary'));
SELECT algorithm ~ 'alpha => [0-9.]+.*engine => ''sql''' AS described, users, items, interactions, rows_read, rows_merged, array_length(loss, 1) AS losses, metrics IS NULL AS not_measured FROM es.versions;
INSERT INTO es_lines VALUES (1000, 5, 1), (1000, 9, 1);
BEGIN;
CALL reco.refresh('es');
SELECT count(*) AS tables_of_work FROM pg_class WHERE relname LIKE 'model_work%';
COMMIT;
CALL reco.refresh('es');
SELECT version, status, users FROM es.versions ORDER BY version;
SELECT count(*) FROM es.recommend(1000, 5);
INSERT INTO es_lines VALUES (1001, 5, 1), (1001, 9, 1);
CALL reco.fold_in('es');
SELECT count(*) FROM es.recommend(1001, 5);
SELECT count(*) > 0 AS measured FROM reco.evaluate('es_lines', reco.ials(factors => 8, iterations => 4, engine => 'sql')) WHERE algorithm ~ 'ials' AND value > 0;
SET client_min_messages = warning;

-- Nothing is left of a training that failed, or was canceled.
CREATE FUNCTION es_fails(v int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF v > 2 THEN RAISE 'a row that fails'; END IF; RETURN v; END $$;
\set VERBOSITY terse
CALL reco.create_model('es_failed', 'SELECT u, i, public.es_fails(v) FROM es_lines', reco.ials(engine => 'sql'), options => reco.options(value => 'raw'));
\set VERBOSITY default
CALL reco.create_model('es_failed', 'SELECT u, i, v FROM es_lines WHERE false', reco.ials(engine => 'sql'), options => reco.options(value => 'raw'));
CALL reco.create_model('es_failed', $$SELECT u, i, CASE WHEN u = 3 THEN 'NaN'::float8 ELSE v END FROM es_lines$$, reco.ials(engine => 'sql'), options => reco.options(value => 'raw'));
CALL reco.create_model('es_failed', $$SELECT u, i, CASE WHEN u = 3 THEN 'NaN'::float8 ELSE v END FROM es_lines$$, reco.ials(factors => 2, engine => 'sql'), options => reco.options(value => 'raw', on_invalid => 'skip'));
SELECT users FROM es_failed.versions;
DROP SCHEMA es_failed CASCADE;
\set VERBOSITY terse
SET statement_timeout = '700ms';
CALL reco.create_model('es_failed', 'SELECT g % 3000, g / 30 FROM generate_series(1, 90000) AS g', reco.ials(factors => 200, iterations => 1000, engine => 'sql'));
RESET statement_timeout;
\set VERBOSITY default
SELECT count(*) AS left_over FROM pg_class WHERE relname LIKE 'model_work%';
SELECT to_regnamespace('es_failed');
-- values that no sum holds
CALL reco.create_model('es_failed', 'SELECT u, i, -1e300::float8 * (u % 2) FROM es_ratings', reco.ials(engine => 'sql'), options => reco.options(value => 'raw'));
CALL reco.create_model('es_failed', 'SELECT u, i, 2e18::float8 FROM es_ratings', reco.als(engine => 'sql'), options => reco.options(value => 'raw'));
-- what is done to the source's rows is SQL's own, whatever the owner's schemas have
CREATE SCHEMA es_own;
CREATE DOMAIN es_own.es_number AS int;
CREATE FUNCTION es_own.add(float8, es_own.es_number) RETURNS float8 LANGUAGE sql AS 'SELECT 1000::float8';
CREATE AGGREGATE es_own.sum(es_own.es_number) (SFUNC = es_own.add, STYPE = float8, INITCOND = '0');
CREATE TABLE es_own.lines AS SELECT u, i, v::es_own.es_number FROM es_lines;
SET search_path = es_own;
CALL reco.create_model('es_domain', 'lines', reco.ials(factors => 2, iterations => 2, alpha => 1, regularization => 1, engine => 'sql'), options => reco.options(value => 'raw', measure => false));
RESET search_path;
SELECT max(h.value) = (SELECT max(stars) FROM (SELECT sum(v) AS stars FROM es_lines GROUP BY u, i) AS s) AS summed FROM es_domain.model_user, reco.stored_history(history) AS h;
SET client_min_messages = error;
DROP SCHEMA es_domain, es_own CASCADE;
SET client_min_messages = warning;
-- Tables of work that somebody made: what is in them may be anything, and so may what is called.
CREATE SCHEMA es_work;
CREATE TABLE es_work.rows (shard int, user_id text, item_id text, value float8);
INSERT INTO es_work.rows SELECT u % 2, u, i, stars FROM es_ratings;
CREATE TABLE es_work.user_factors (shard int, user_id text, factors real[], bias real);
CREATE TABLE es_work.item_factors (shard int, item_id text, number int, factors real[], bias real);
CALL reco.create_model('es_shards', 'SELECT u::text, i::text, stars::float8 FROM es_ratings', reco.ials(factors => 2, iterations => 2, alpha => 1, regularization => 1, engine => 'sql', work => 'es_work'), options => reco.options(value => 'raw', measure => false));
CREATE PROCEDURE es_try(what text) LANGUAGE plpgsql AS $$
DECLARE
  m text; d text;
BEGIN
  EXECUTE what;
  CALL reco.refresh('es_shards');
  RAISE EXCEPTION 'it is trained';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL;
  RAISE WARNING '%', m || coalesce(' / ' || nullif(d, ''), '');
END
$$;
\set VERBOSITY terse
CALL es_try('INSERT INTO es_work.rows VALUES (1, 1, NULL, 1)');
CALL es_try('INSERT INTO es_work.rows VALUES (1, NULL, 1, 1), (1, 1, 1, NULL)');
CALL es_try('INSERT INTO es_work.rows VALUES (NULL, 1000, 1, 1)');
CALL es_try('INSERT INTO es_work.rows VALUES (1, 1000, 1, 1e300)');
CALL es_try('ALTER TABLE es_work.item_factors ALTER number TYPE smallint');
CALL es_try('ALTER TABLE es_work.item_factors ALTER number TYPE text');
CALL es_try('ALTER TABLE es_work.rows ALTER user_id TYPE text COLLATE "en-x-icu"; INSERT INTO es_work.rows VALUES (1, ''a'', ''1'', 1), (1, ''B'', ''1'', 1)');
CREATE FUNCTION es_work.act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE TG_ARGV[0]; RETURN NULL; END $$;
CREATE PROCEDURE es_act(what text) LANGUAGE sql AS $$ CALL es_try(format('CREATE TRIGGER acts BEFORE TRUNCATE ON es_work.user_factors EXECUTE FUNCTION es_work.act(%L)', what)) $$;
CALL es_act('ALTER TABLE es_shards.model_work_items ALTER number TYPE text');
CALL es_act('ALTER TABLE es_shards.model_work_items DROP bias, ADD bias real');
CALL es_act('DROP TABLE es_shards.model_work_items; CREATE TABLE es_shards.model_work_items (a int)');
CALL es_act('DROP TABLE es_shards.model_work_items; CREATE TABLE es_shards.model_work_items (item_id text, number int, factors real[], bias real) PARTITION BY LIST (number)');
CALL es_act('CREATE RULE r AS ON INSERT TO es_shards.model_work_items DO INSTEAD NOTHING');
CALL es_try('SELECT');
-- what is of another role, all of which would run as the model's owner, is not touched
CREATE ROLE regress_es_other;
GRANT CREATE, USAGE ON SCHEMA es_work TO regress_es_other;
CREATE SCHEMA es_other AUTHORIZATION regress_es_other;
CREATE FUNCTION es_other.act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'runs as %', current_user; RETURN NULL; END $$;
ALTER FUNCTION es_other.act() OWNER TO regress_es_other;
CALL es_try('ALTER SCHEMA es_work OWNER TO regress_es_other');
CALL es_try('ALTER TABLE es_work.rows OWNER TO regress_es_other');
CALL es_try('ALTER TABLE es_work.user_factors OWNER TO regress_es_other');
CALL es_try('ALTER TABLE es_work.item_factors OWNER TO regress_es_other');
CALL es_try('CREATE TABLE es_work.more () INHERITS (es_work.item_factors); ALTER TABLE es_work.more OWNER TO regress_es_other');
CALL es_try('DROP TABLE es_work.rows; CREATE VIEW es_work.rows AS SELECT u % 2 AS shard, u::text AS user_id, i::text AS item_id, stars::float8 AS value FROM es_ratings; ALTER VIEW es_work.rows OWNER TO regress_es_other');
CALL es_try('GRANT TRIGGER ON es_work.user_factors TO regress_es_other; SET LOCAL ROLE regress_es_other; CREATE TRIGGER t BEFORE TRUNCATE ON es_work.user_factors EXECUTE FUNCTION es_other.act(); RESET ROLE');
CALL es_try('GRANT TRIGGER ON es_work.item_factors TO regress_es_other; SET LOCAL ROLE regress_es_other; CREATE TRIGGER t BEFORE INSERT ON es_work.item_factors FOR EACH ROW EXECUTE FUNCTION es_other.act(); RESET ROLE');
CALL es_try('DROP TABLE es_work.item_factors');
-- of one who may act as the owner it is
CALL es_try(format('GRANT %I TO regress_es_other; ALTER TABLE es_work.item_factors OWNER TO regress_es_other', current_user));
CALL es_try('SET LOCAL ROLE regress_es_other; CREATE TABLE es_work.mine (a int); RESET ROLE');
\set VERBOSITY default
SET client_min_messages = error;
DROP SCHEMA es_shards, es_work, es_other CASCADE;
DROP ROLE regress_es_other;
SET client_min_messages = warning;
-- memory is bounded
SET reco.max_memory = '2MB';
CALL reco.create_model('es_failed', 'SELECT 1, g FROM generate_series(1, 20000) AS g', reco.ials(factors => 64, engine => 'sql'));
RESET reco.max_memory;

--
-- What is refused
--
CALL reco.create_model('es_failed', 'es_lines', reco.ials(engine => 'sql'));
CALL reco.create_model('es_failed', 'es_lines', reco.als(engine => 'sql'));
CALL reco.create_model('es_failed', 'es_events', reco.ials(engine => 'sql'), options => reco.options(kind_weights => '{"view": 1, "buy": 2}', value => 'raw'));
CALL reco.create_model('es_failed', $$SELECT u, i, 1, t, k FROM es_events$$, reco.ials(engine => 'sql'), options => reco.options(kind_weights => '{"view": 1, "buy": 2}'));
CALL reco.create_model('es_failed', $$SELECT u, i, v FROM es_events WHERE u = 4$$, reco.ials(engine => 'sql'), options => reco.options(value => 'raw'));
CALL reco.create_model('es_failed', 'es_events', reco.ials(engine => 'sql'), options => reco.options(kind_weights => '{"view": 0, "buy": 2}'));
CALL reco.create_model('es_failed', 'es_events', reco.ials(engine => 'sql'), options => reco.options(kind_weights => '{"view": 1, "buy": 2}', seen_kinds => '{buy}'));
CALL reco.create_model('es_failed', 'es_events', reco.ials(engine => 'sql'), options => reco.options(cancel_kinds => '{return}'));
CALL reco.create_model('es_failed', 'es_lines', reco.ials(engine => 'sql'), options => reco.options(min_users_per_item => 2, value => 'raw'));
CALL reco.create_model('es_failed', 'es_lines', reco.ials(engine => 'sql', work => 'public'), options => reco.options(min_user_interactions => 2, value => 'raw'));
CALL reco.create_model('es_failed', 'es_lines', reco.ials(engine => 'sql'), options => reco.options(max_user_interactions => 2, value => 'raw'));
CALL reco.create_model('es_failed', 'es_lines', reco.hybrid(ARRAY[reco.ials(engine => 'sql'), reco.popular()]), options => reco.options(value => 'raw'));
CALL reco.create_model('es_failed', 'es_lines', reco.ials(engine => 'sql', work => 'es_nowhere'), options => reco.options(value => 'raw'));
CREATE TEMP TABLE es_rows AS SELECT 1 AS shard, u AS user_id, i AS item_id, 1::float8 AS value FROM es_lines;
SELECT nspname AS temporary FROM pg_namespace WHERE oid = pg_my_temp_schema() \gset
CALL reco.create_model('es_failed', 'es_lines', reco.ials(engine => 'sql', work => :'temporary'), options => reco.options(value => 'raw'));
SELECT reco.ials(engine => 'spark');
SELECT reco.ials(work => 'public');
SELECT reco.ials(engine => 'sql', prior => 'other');
SELECT reco.ials(engine => 'sql', solver => 'cg');
SELECT reco.als(engine => 'sql', features => 'ridge');
DROP SCHEMA es CASCADE;
