--
-- Experiments: who gets which model, what was shown, and what that says of the models.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- assign: as its description says, in plain SQL
CREATE FUNCTION exp_assign(experiment text, who text, models text[], weights float8[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT m FROM unnest(models, weights) AS t(m, w),
    LATERAL (SELECT ('x' || left(encode(sha256(convert_to(experiment || E'\n' || who || E'\n' || m, 'UTF8')), 'hex'), 13))::bit(52)::bigint) AS h(h)
   WHERE w > 0 ORDER BY -ln((h + 0.5) / 2 ^ 52) / w LIMIT 1 $$;
SELECT count(*) FILTER (WHERE reco.assign('spring', u, '{home,home2}') <> exp_assign('spring', u::text, '{home,home2}', '{1,1}')) AS even,
       count(*) FILTER (WHERE reco.assign('spring', u, '{home,home2,other}', '{0.7,0.3,0}') <> exp_assign('spring', u::text, '{home,home2,other}', '{0.7,0.3,0}')) AS weighted
  FROM generate_series(1, 5000) AS u;
-- what everybody, everywhere, gets
SELECT string_agg(left(reco.assign('spring', u, '{a,b,c}'), 1), '' ORDER BY u) FROM generate_series(1, 60) AS u;
-- shares, within four deviations; other experiments share out independently
SELECT abs(count(*) FILTER (WHERE m = 'a') - 14000) < 4 * sqrt(20000 * 0.7 * 0.3) AS share,
       abs(count(*) FILTER (WHERE m = 'a' AND o = 'a') - 9800) < 4 * sqrt(20000 * 0.49 * 0.51) AS independent
  FROM (SELECT reco.assign('one', u, '{a,b}', '{7,3}') AS m, reco.assign('two', u, '{a,b}', '{7,3}') AS o FROM generate_series(1, 20000) AS u) AS t;
-- the order of models says nothing; more weight and another model take users from others only
SELECT count(*) FILTER (WHERE m <> turned) AS turned, count(*) FILTER (WHERE m <> more AND more <> 'b') AS more, count(*) FILTER (WHERE m <> with_c AND with_c <> 'c') AS with_c
  FROM (SELECT reco.assign('one', u, '{a,b}') AS m, reco.assign('one', u, '{b,a}') AS turned, reco.assign('one', u, '{a,b}', '{1,2}') AS more, reco.assign('one', u, '{a,b,c}') AS with_c
          FROM generate_series(1, 5000) AS u) AS t;
-- a user is the same one as a number of any type, as text, and whatever a session is set to
CREATE DOMAIN exp_id AS bigint;
SELECT count(DISTINCT m) FROM generate_series(1, 20) AS u,
  LATERAL (VALUES (reco.assign('e', u, '{a,b,c,d,e,f}')), (reco.assign('e', u::smallint, '{a,b,c,d,e,f}')), (reco.assign('e', u::bigint, '{a,b,c,d,e,f}')), (reco.assign('e', u::exp_id, '{a,b,c,d,e,f}')),
                  (reco.assign('e', u::numeric, '{a,b,c,d,e,f}')), (reco.assign('e', (u || '.00')::numeric, '{a,b,c,d,e,f}')), (reco.assign('e', u::text, '{a,b,c,d,e,f}')), (reco.assign('e', u::varchar, '{a,b,c,d,e,f}')), (reco.assign('e', u::text::char(10), '{a,b,c,d,e,f}'))) AS v(m)
 GROUP BY u HAVING count(DISTINCT m) > 1;
SELECT reco.assign('e', '42', '{a,b,c}') = reco.assign('e', 42, '{a,b,c}') AS literal,
       reco.assign('e', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid, '{a,b,c}') = reco.assign('e', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::text, '{a,b,c}') AS uuid;
CREATE TABLE exp_styles AS SELECT d, reco.assign('e', d::date, '{a,b,c,d,e,f}') AS of_date, reco.assign('e', d::timestamp, '{a,b,c,d,e,f}') AS of_timestamp, reco.assign('e', d, '{a,b,c,d,e,f}') AS of_timestamptz
  FROM generate_series(timestamptz '2024-01-01 00:00+00', timestamptz '2024-03-01 00:00+00', '1 day') AS d;
SET DateStyle = 'German, DMY';
SET TimeZone = 'Asia/Tokyo';
SET extra_float_digits = 0;
SELECT count(*) FROM exp_styles WHERE (of_date, of_timestamp, of_timestamptz) IS DISTINCT FROM (reco.assign('e', (d AT TIME ZONE 'UTC')::date, '{a,b,c,d,e,f}'), reco.assign('e', d AT TIME ZONE 'UTC', '{a,b,c,d,e,f}'), reco.assign('e', d, '{a,b,c,d,e,f}'));
RESET DateStyle;
RESET extra_float_digits;
RESET TimeZone;
SELECT exp_assign('e', '2024-01-01', '{a,b,c,d,e,f}', '{1,1,1,1,1,1}') = reco.assign('e', date '2024-01-01', '{a,b,c,d,e,f}') AS date,
       exp_assign('e', '2024-01-01T12:00:00+00:00', '{a,b,c,d,e,f}', '{1,1,1,1,1,1}') = reco.assign('e', timestamptz '2024-01-01 12:00+00', '{a,b,c,d,e,f}') AS timestamptz;
-- what cannot be
SELECT reco.assign('e', NULL::int, '{a,b}') IS NULL AS nobody, reco.assign('', '', '{a}') AS empty, reco.assign('e', 1, '{a,b}', '{0,1e-300}') AS least;
SELECT reco.assign('e', 1.5::float8, '{a,b}');
SELECT reco.assign('e', '\x01'::bytea, '{a,b}');
SELECT reco.assign('e', interval '1 day', '{a,b}');
SELECT reco.assign('e', ARRAY[1], '{a,b}');
SELECT reco.assign('e', ROW(1), '{a,b}');
SELECT reco.assign(NULL, 1, '{a,b}');
SELECT reco.assign('e', 1, NULL);
SELECT reco.assign('e', 1, '{}');
SELECT reco.assign('e', 1, '{a,NULL}');
SELECT reco.assign('e', 1, '{a,b,a}');
SELECT reco.assign('e', 1, '{{a,b}}');
SELECT reco.assign('e', 1, '{a,b}', '{1}');
SELECT reco.assign('e', 1, '{a,b}', '{1,NULL}');
SELECT reco.assign('e', 1, '{a,b}', '{1,-1}');
SELECT reco.assign('e', 1, '{a,b}', '{1,NaN}');
SELECT reco.assign('e', 1, '{a,b}', '{1,Infinity}');
SELECT reco.assign('e', 1, '{a,b}', '{0,0}');
SELECT reco.assign('e', 1, ARRAY(SELECT 'm' || i FROM generate_series(1, 101) AS i));

-- a log that one INSERT fills
CREATE TABLE exp_bought AS SELECT u, i, 1 AS w FROM generate_series(1, 60) AS u, generate_series(1, 20) AS i WHERE (u * 7 + i * i) % 5 < 2;
CALL reco.create_model('exp_home', 'exp_bought', reco.item_knn());
CALL reco.create_model('exp_home2', 'exp_bought', reco.popular());
CALL reco.create_exposures('exp_log', 'exp_home');
SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_name = 'exp_log' ORDER BY ordinal_position;
INSERT INTO exp_log SELECT 'spring', 42, e.* FROM exp_home.expose(42, n => 3) AS e RETURNING experiment, user_id, model, version, rank, item_id, source, propensity, shown_at = now() AS now;
SELECT count(*) FROM (SELECT rank, item_id, score, source FROM exp_home.expose(42) EXCEPT SELECT * FROM exp_home.recommend(42)) AS other;
-- each user by the model they are assigned to, in one statement
INSERT INTO exp_log
SELECT 'spring', u, e.* FROM generate_series(1, 60) AS u, reco.assign('spring', u, '{exp_home,exp_home2}') AS arm,
  LATERAL (SELECT * FROM exp_home.expose(u, n => 3) WHERE arm = 'exp_home' UNION ALL SELECT * FROM exp_home2.expose(u, n => 3) WHERE arm = 'exp_home2') AS e;
SELECT count(*) FROM exp_log WHERE model <> reco.assign('spring', user_id, '{exp_home,exp_home2}') AND shown_at > (SELECT min(shown_at) FROM exp_log);
-- what is explored: the last places, all others alike, at the propensity that is told
SELECT * FROM exp_home.expose(42, n => 4, explore => 0.5, explore_seed => 7);
SELECT count(DISTINCT item_id), min(items), max(items) FROM (SELECT item_id, array_length(array_agg(item_id) OVER (PARTITION BY s), 1) AS items FROM generate_series(1, 20) AS s, exp_home.expose(42, n => 4, explore => 0.5, explore_seed => s) WHERE source = 'explore') AS t;
SELECT bool_and(abs(n - 2000 * propensity) < 4 * sqrt(2000 * propensity * (1 - propensity) + 1)) AS as_told, count(*) AS items, count(*) FILTER (WHERE propensity = 1) AS sure
  FROM (SELECT item_id, min(propensity) AS propensity, count(*) AS n FROM generate_series(1, 2000) AS s, exp_home.expose(42, n => 4, explore => 0.5, explore_seed => s) GROUP BY 1) AS t;
-- a seed by itself is another each time
SELECT count(DISTINCT l) > 1 AS changes FROM generate_series(1, 30) AS s, LATERAL (SELECT array_agg(item_id) AS l FROM exp_home.expose(42 + 0 * s, n => 4, explore => 0.5)) AS t;
-- fewer are left than places; what filters leave out is not drawn from; nothing to explore
SELECT rank, source, propensity FROM exp_home.expose(42, n => 4, explore => 0.5, explore_seed => 1, among => ARRAY(SELECT item_id FROM exp_home.recommend(42, n => 3)));
SELECT sum(propensity) FROM exp_home.expose(42, n => 4, explore => 0.5, explore_seed => 1, exclude => '{1,2,3}') WHERE source = 'explore';
SELECT count(*) FROM exp_home.expose(42, n => 4, explore => 1, explore_seed => 1) WHERE propensity < 1;
SELECT count(*) FROM exp_home.expose(42, n => 0, explore => 1, explore_seed => 1);
SELECT count(*) FROM exp_home.expose(NULL, explore => 1);
SELECT source, propensity, count(*) FROM exp_home.expose(1000, n => 10, explore => 0.2, explore_seed => 1) GROUP BY 1, 2 ORDER BY 1;
SELECT count(*) FROM exp_home.expose(42, n => NULL, explore => 0.5, explore_seed => 1);
SELECT * FROM exp_home.expose(42, explore => 2);
SELECT * FROM exp_home.expose(42, n => -1);
-- what is not available is not drawn either
CREATE TABLE exp_items AS SELECT i, i % 2 = 0 AS available FROM generate_series(1, 20) AS i;
CALL reco.alter_model('exp_home', items => 'SELECT i, available FROM exp_items');
CALL reco.refresh('exp_home');
SELECT bool_and(item_id % 2 = 0) AS available, sum(propensity) FILTER (WHERE source = 'explore'), count(DISTINCT item_id) FROM generate_series(1, 40) AS s, exp_home.expose(42, n => 4, explore => 0.5, explore_seed => s);
SELECT DISTINCT version, propensity FROM exp_home.expose(42, n => 4, explore => 0.5, explore_seed => 1) ORDER BY 2;
-- the table is the caller's own business
\set VERBOSITY terse
INSERT INTO exp_log (user_id, model, item_id, propensity) VALUES (1, 'm', 1, 0);
INSERT INTO exp_log (user_id, model, item_id, propensity) VALUES (1, 'm', 1, 1.01);
INSERT INTO exp_log (user_id, model, item_id, propensity) VALUES (1, 'm', 1, 'NaN');
INSERT INTO exp_log (user_id, model, item_id) VALUES (NULL, 'm', 1);
CALL reco.create_exposures('exp_log', 'exp_home');
CALL reco.create_exposures('exp_log2', 'nothing');
CALL reco.create_exposures(NULL, 'exp_home');
CALL reco.create_exposures('no_schema.exp_log', 'exp_home');
CALL reco.create_exposures('"Exp; log"', 'exp_home');
SELECT obj_description('"Exp; log"'::regclass);
DROP TABLE "Exp; log";
\set VERBOSITY default
-- ids are equal there by the collation of the model's
CALL reco.create_model('exp_collated', 'SELECT (''U'' || u) COLLATE "POSIX", ''i'' || i FROM generate_series(1, 3) u, generate_series(1, 3) i WHERE u <> i', reco.item_knn(), options => reco.options(live => 'off', measure => false));
CALL reco.create_exposures('exp_collated_log', 'exp_collated');
SELECT attname, attcollation::regcollation FROM pg_attribute WHERE attrelid = 'exp_collated_log'::regclass AND attname IN ('user_id', 'item_id') ORDER BY 1;
CALL reco.drop_model('exp_collated');
DROP TABLE exp_collated_log;
-- and without the checks of its domains, which would run as whoever inserts
CREATE DOMAIN exp_own_id AS varchar(20) CHECK (VALUE <> '');
CALL reco.create_model('exp_domain', 'SELECT (''u'' || u)::exp_own_id, ''i'' || i FROM generate_series(1, 3) u, generate_series(1, 3) i WHERE u <> i', reco.item_knn(), options => reco.options(live => 'off', measure => false));
CALL reco.create_exposures('exp_domain_log', 'exp_domain');
INSERT INTO exp_domain_log SELECT 'spring', 'u1', e.* FROM exp_domain.expose('u1', n => 2) AS e;
SELECT pg_typeof(user_id), count(*) FROM exp_domain_log GROUP BY 1;
CALL reco.drop_model('exp_domain');
DROP TABLE exp_domain_log;
DROP DOMAIN exp_own_id;

-- sample sizes: 10 % against 11 % takes 14,749 users each
SELECT reco.users_needed(0.1, 0.1), reco.users_needed(0.1, -0.1), reco.users_needed(0.1, 0.1, confidence => 0.99, power => 0.9);
SELECT reco.users_needed(0, 0.1);
SELECT reco.users_needed(0.6, 1);
SELECT reco.users_needed(0.1, 0);
SELECT reco.users_needed(0.1, NULL);
SELECT reco.users_needed(0.1, 'NaN');
SELECT reco.users_needed(0.1, 0.1, 1);
SELECT reco.users_needed(1e-300, 1e-10);

CALL reco.drop_model('exp_home');
CALL reco.drop_model('exp_home2');
