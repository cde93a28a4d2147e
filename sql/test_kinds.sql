-- Kinds of events, what they weigh and which count as seen; rows that fade with their age.
\set VERBOSITY terse

-- Options.
SELECT reco.options(kind_weights => '{"view": 1, "buy": 8}', seen_kinds => '{buy}', half_life => '30 days');
SELECT reco.options(kind_weights => '{}');
SELECT reco.options(kind_weights => '[1, 2]');
SELECT reco.options(kind_weights => '"buy"');
SELECT reco.options(kind_weights => 'null');
SELECT reco.options(kind_weights => '{"buy": "8"}');
SELECT reco.options(kind_weights => '{"buy": null}');
SELECT reco.options(kind_weights => '{"buy": {"a": 1}}');
SELECT reco.options(kind_weights => '{"buy": 1e19}');
SELECT reco.options(kind_weights => '{"buy": 1e400}');
SELECT reco.options(kind_weights => '{"buy": 1, "buy": 2}');
SELECT reco.options(seen_kinds => '{}');
SELECT reco.options(seen_kinds => '{NULL}');
SELECT reco.options(seen_kinds => '{buy, buy}');
SELECT '{"seen_kinds": ["buy", 1]}'::reco.data_options;
SELECT '{"seen_kinds": "buy"}'::reco.data_options;
\set VERBOSITY default
SELECT reco.options(kind_weights => '{"view": 1, "buy": 8}', seen_kinds => '{bought}');
SELECT '{"kind_weights": 3}'::reco.data_options;
SELECT reco.options(half_life => '0');
SELECT reco.options(half_life => '20000 years');
\set VERBOSITY terse
SELECT reco.options(half_life => '-1 day');
SELECT reco.options(half_life => '1 month -31 days');
SELECT '{"half_life": "soon"}'::reco.data_options;
SELECT '{"half_life": 30}'::reco.data_options;
SELECT reco.options(half_life => '1 microsecond') IS NOT NULL AS short, reco.options(half_life => '10000 years') IS NOT NULL AS long;

-- Columns.
CREATE SCHEMA kin;
SET search_path = kin, public;
CREATE TYPE kin.kind AS ENUM ('search', 'view', 'favourite', 'cart', 'buy', 'return', 'ad');
-- values, weights and ages whose products have no digits to lose
CREATE TABLE ev AS
SELECT h % 40 AS user_id, h / 40 % 25 AS item_id, (ARRAY[1, 1, 2, 4])[1 + h / 1000 % 4] AS value,
       '2024-03-01 12:00+00'::timestamptz - interval '30 days' * (h / 4000 % 3) AS at,
       (ARRAY['search', 'view', 'view', 'view', 'favourite', 'cart', 'buy', 'return', 'ad'])[1 + h / 12000 % 9] AS kind
  FROM (SELECT (hashint4(n)::bigint & 2147483647)::int AS h FROM generate_series(1, 1500) AS n) AS x;
INSERT INTO ev VALUES (0, 0, 1, '2024-03-01 12:00+00', 'buy');
CREATE INDEX ON ev (user_id);
ANALYZE ev;
CALL reco.create_model('bad', 'SELECT user_id, item_id, value, at FROM ev', options => reco.options(kind_weights => '{"buy": 8}'));
CALL reco.create_model('bad', 'SELECT user_id, item_id, value, at FROM ev', options => reco.options(seen_kinds => '{buy}'));
CALL reco.create_model('bad', 'SELECT user_id, item_id, value, at, kind, 1 FROM ev');
CALL reco.create_model('bad', 'ev');
CALL reco.create_model('bad', 'SELECT user_id, item_id, 1 FROM ev', options => reco.options(half_life => '30 days'));
\set VERBOSITY default
CALL reco.create_model('bad', 'SELECT user_id, item_id, 1, extract(epoch FROM at)::bigint FROM ev', options => reco.options(half_life => '30 days'));
-- kinds without a weight: all are told
CALL reco.create_model('bad', 'SELECT user_id, item_id, value, at, kind FROM ev', options => reco.options(kind_weights => '{"buy": 8, "view": 1}'));
-- ratings do not fade
CALL reco.create_model('bad', 'SELECT user_id, item_id, value, at, kind FROM ev', reco.als(), options => reco.options(half_life => '30 days'));
\set VERBOSITY terse
SELECT set_config('kin.many', jsonb_object_agg('k' || n, n)::text, false) IS NOT NULL AS many FROM generate_series(1, 3000) AS n;
CALL reco.create_model('bad', 'SELECT user_id, item_id, value, at, ''k'' || (1 + item_id) FROM ev', reco.popular(),
  options => reco.options(kind_weights => current_setting('kin.many')::jsonb, measure => false));
CALL reco.drop_model('bad');
SELECT set_config('kin.long', jsonb_build_object(repeat('x', 1000000), 1)::text, false) IS NOT NULL AS long;
CALL reco.create_model('bad', 'SELECT user_id, item_id, value, at, repeat(repeat(''x'', 1000), 1000) || repeat(''x'', item_id % 2) FROM ev', reco.popular(),
  options => reco.options(kind_weights => current_setting('kin.long')::jsonb, measure => false, on_invalid => 'skip'));
CALL reco.drop_model('bad');
CALL reco.create_model('bad', 'SELECT user_id, item_id, value, at, repeat(repeat(''x'', 1000), 1000) || repeat(''x'', item_id % 2) FROM ev', reco.popular(),
  options => reco.options(kind_weights => current_setting('kin.long')::jsonb, measure => false));
-- products beyond what a value may be
CALL reco.create_model('bad', 'SELECT user_id, item_id, value * 1e3, at, kind FROM ev WHERE (user_id, item_id, kind) = (0, 0, ''buy'')', reco.popular(),
  options => reco.options(kind_weights => '{"buy": 1e18}'));
CALL reco.create_model('bad', 'SELECT user_id, item_id, value * 1e3, at, kind FROM ev WHERE kind = ''buy''', reco.popular(),
  options => reco.options(kind_weights => '{"buy": 1e18}', on_invalid => 'skip'));

-- What is learnt, against a source that adds up by itself.
CREATE FUNCTION weight(kind text) RETURNS float8 LANGUAGE sql IMMUTABLE
RETURN CASE kind WHEN 'search' THEN 0.5 WHEN 'view' THEN 1 WHEN 'favourite' THEN 2 WHEN 'cart' THEN 3 WHEN 'buy' THEN 8 WHEN 'return' THEN -4 END;
CREATE VIEW sums AS
SELECT user_id, item_id, sum(value * weight(kind) * 0.5 ^ (extract(epoch FROM '2024-03-01 12:00+00' - at) / 2592000)) AS value, max(at) AS at
  FROM ev WHERE kind <> 'ad' GROUP BY 1, 2;
SELECT reco.options(kind_weights => '{"search": 0.5, "view": 1, "favourite": 2, "cart": 3, "buy": 8, "return": -4, "ad": 0}',
                    half_life => '30 days', live => 'on') AS weigh \gset
\set VERBOSITY default
CALL reco.create_model('events', 'SELECT user_id, item_id, value, at, kind FROM ev', reco.item_knn(), options => :'weigh');
\set VERBOSITY terse
CALL reco.create_model('mimic', 'sums', reco.item_knn(), options => reco.options(value => 'raw', live => 'on'));
SELECT count(*) AS users, count(*) FILTER (WHERE e.history <> m.history OR e.parts <> m.parts) AS differ
  FROM events.model_user AS e FULL JOIN mimic.model_user AS m USING (user_id);
SELECT reference_time = '2024-03-01 12:00+00' AS same, rows_skipped, rows_merged = (SELECT count(*) FROM ev WHERE kind <> 'ad') - interactions AS merged,
       options -> 'half_life' AS half_life, options -> 'value' AS value FROM events.versions;
-- whatever the type of kinds
CALL reco.create_model('enums', 'SELECT user_id, item_id, value, at, kind::kin.kind FROM ev', reco.item_knn(), options => :'weigh');
CALL reco.create_model('padded', 'SELECT user_id, item_id, value, at, kind::char(20) FROM ev', reco.item_knn(), options => :'weigh');
CALL reco.create_model('numbers', 'SELECT user_id, item_id, value, at, array_position(''{search,view,favourite,cart,buy,return,ad}''::text[], kind) FROM ev', reco.item_knn(),
  options => reco.options(kind_weights => '{"1": 0.5, "2": 1, "3": 2, "4": 3, "5": 8, "6": -4, "7": 0}', half_life => '30 days', live => 'on'));
SELECT count(*) FILTER (WHERE x.history <> e.history OR y.history <> e.history OR z.history <> e.history) AS differ
  FROM events.model_user AS e JOIN enums.model_user AS x USING (user_id) JOIN padded.model_user AS y USING (user_id) JOIN numbers.model_user AS z USING (user_id);
CALL reco.drop_model('enums');
CALL reco.drop_model('padded');
CALL reco.drop_model('numbers');
-- equal rows give equal bits, live and folded in; of other time zones too
CALL reco.fold_in('events');
SET timezone = 'Pacific/Kiritimati';
CALL reco.fold_in('events');
CALL reco.refresh('events');
RESET timezone;
SELECT count(DISTINCT history) = 1 AS same FROM events.model_user WHERE user_id = 7;
-- new rows: a click, a purchase that is long ago, one of tomorrow, and of nobody who was known
BEGIN;
INSERT INTO ev VALUES (7, 3, 1, '2024-03-02', 'buy'), (8, 3, 1, '2023-11-02 12:00+00', 'favourite'), (9, 4, 2, 'infinity', 'cart'), (9, 5, 2, '-infinity', 'cart'),
  (99, 1, 1, NULL, 'view'), (99, 2, 1, '2824-03-02', 'view'), (99, 3, 3, '1824-03-02', 'view'), (98, 1, 1, '2024-03-02', 'ad');
CREATE OR REPLACE VIEW sums AS
SELECT user_id, item_id, sum(value * weight(kind) * CASE WHEN at IS NULL OR at < '2000-01-01' THEN 0 WHEN at >= '2024-03-01 12:00+00' THEN 1 ELSE 0.5 ^ (extract(epoch FROM '2024-03-01 12:00+00' - at) / 2592000) END) AS value, max(at) AS at
  FROM ev WHERE kind <> 'ad' GROUP BY 1, 2;
SELECT count(*) AS differ
  FROM (SELECT u, r.* FROM (SELECT DISTINCT user_id FROM ev UNION SELECT 98) AS u(u), events.recommend(u, 25, include_seen => true) AS r
        EXCEPT ALL
        SELECT u, r.* FROM (SELECT DISTINCT user_id FROM ev UNION SELECT 98) AS u(u), mimic.recommend(u, 25, include_seen => true) AS r) AS x WHERE source = 'model';
CALL reco.fold_in('events');
CALL reco.fold_in('mimic');
SELECT count(*) AS rows, count(*) FILTER (WHERE e.history <> m.history OR e.parts <> m.parts) AS differ
  FROM events.model_user_layer AS e FULL JOIN mimic.model_user_layer AS m USING (user_id);
-- a kind that has no weight: the call's error where the source must answer
INSERT INTO ev VALUES (7, 4, 1, now(), 'wish');
\set VERBOSITY default
\set SHOW_CONTEXT never
SAVEPOINT s;
SELECT * FROM events.recommend(7, 1);
ROLLBACK TO s;
CALL reco.alter_model('events', options => jsonb_set(:'weigh', '{live}', '"auto"'));
SELECT count(*) FROM events.recommend(7, 1);
ROLLBACK;
\set VERBOSITY terse

-- Ages: new, a half life, two, of the future, half of one, and too old to count; without a time.
CREATE TABLE ages AS
SELECT 1 AS user_id, n AS item_id, at
  FROM unnest('{2024-03-01 00:00+00,2024-01-31 00:00+00,2024-01-01 00:00+00,2999-01-01 00:00+00,2024-02-15 00:00+00,1824-03-01 00:00+00,infinity,-infinity,NULL}'::timestamptz[])
       WITH ORDINALITY AS a(at, n);
CREATE PROCEDURE ages(type text) LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL client_min_messages = warning;
  EXECUTE format('CALL reco.create_model(''ages'', ''SELECT user_id, item_id, 1, at::%s FROM kin.ages'', reco.popular(), options => reco.options(half_life => ''30 days'', measure => false))', type);
  RAISE INFO '%', (SELECT encode(substr(history, 12), 'hex') FROM ages.model_user);
  CALL reco.fold_in('ages');
  RAISE INFO '% folded in', (SELECT count(*) FROM ages.model_user_layer);
  CALL reco.drop_model('ages');
END $$;
CALL ages('timestamptz');
CALL ages('timestamp');
SET timezone = 'America/St_Johns';
CALL ages('timestamptz');
CALL ages('date');
RESET timezone;
-- nothing that ages could be counted from
CALL reco.create_model('ages', 'SELECT user_id, item_id, 2, NULL::timestamp FROM ages', reco.popular(), options => reco.options(half_life => '1 day', measure => false));
SELECT history = (SELECT e.history FROM (SELECT history FROM ages.model_user) AS e) AS same, encode(history, 'hex') FROM ages.model_user;
CALL reco.drop_model('ages');

-- What is seen: views teach, purchases are left out of lists.
SELECT reco.options(kind_weights => '{"search": 0, "view": 1, "favourite": 2, "cart": 3, "buy": 8, "return": -4, "ad": 0}', seen_kinds => '{buy,search}', live => 'off') AS seen \gset
CALL reco.create_model('shop', 'SELECT user_id, item_id, value, at, kind FROM ev', reco.item_knn(), options => :'seen');
CREATE VIEW bought AS SELECT DISTINCT user_id, item_id FROM ev WHERE kind IN ('buy', 'search');
CREATE VIEW looked AS SELECT DISTINCT user_id, item_id FROM ev WHERE kind NOT IN ('buy', 'search', 'ad') EXCEPT SELECT * FROM bought;
CREATE FUNCTION lists() RETURNS TABLE (users bigint, items bigint, too_short bigint, bought bigint, looked bigint) LANGUAGE sql AS $$
  WITH l AS (SELECT user_id, r.item_id FROM (SELECT DISTINCT user_id FROM kin.ev) AS u, shop.recommend(user_id, NULL) AS r)
  SELECT count(DISTINCT l.user_id), count(*), 25 * count(DISTINCT l.user_id) - count(*) - (SELECT count(*) FROM kin.bought),
         count(b), count(v)
    FROM l LEFT JOIN kin.bought AS b USING (user_id, item_id) LEFT JOIN kin.looked AS v USING (user_id, item_id)
$$;
SELECT * FROM lists();
CALL reco.materialize('shop', 25);
SELECT count(*), count(*) FILTER (WHERE (user_id, item_id) IN (SELECT * FROM bought)) AS bought FROM shop.recommendations;
SELECT count(*), count(*) FILTER (WHERE user_id IN (SELECT user_id FROM bought WHERE item_id = 3)) AS bought,
       count(*) FILTER (WHERE user_id IN (SELECT user_id FROM looked WHERE item_id = 3)) > 0 AS looked
  FROM shop.audience(3, n => NULL);
CALL reco.fold_in('shop');
BEGIN;
CALL reco.alter_model('shop', options => jsonb_set(:'seen', '{live}', '"on"'));
SELECT * FROM lists();
-- a purchase of what was looked at, a look, and of someone new an impression that counts as seen
SELECT user_id, item_id FROM looked ORDER BY 1, 2 LIMIT 1 \gset
SELECT count(*) FROM shop.recommend(:user_id, NULL) WHERE item_id = :item_id;
INSERT INTO ev VALUES (:user_id, :item_id, 1, now(), 'buy'), (77, 1, 1, now(), 'search'), (77, 2, 1, now(), 'ad'), (78, 2, 1, now(), 'view');
SELECT count(*) FROM shop.recommend(:user_id, NULL) WHERE item_id = :item_id;
SELECT array_agg(item_id) FROM generate_series(0, 4) AS item_id WHERE item_id NOT IN (SELECT r.item_id FROM shop.recommend(77, NULL) AS r);
SELECT count(*) FROM shop.recommend(78, NULL);
SELECT * FROM lists();
-- the same once it is folded in, and not before without a look at the source
CALL reco.alter_model('shop', options => :'seen');
SELECT count(*) FROM shop.recommend(:user_id, NULL) WHERE item_id = :item_id;
CALL reco.fold_in('shop');
SELECT count(*) FROM shop.recommend(:user_id, NULL) WHERE item_id = :item_id;
CALL reco.fold_in('shop');
SELECT count(*) FILTER (WHERE user_id = :user_id) AS bought FROM shop.audience(:item_id, n => NULL);
DELETE FROM ev WHERE user_id = :user_id AND at > '2024-04-01';
CALL reco.fold_in('shop');
SELECT count(*) FROM shop.recommend(:user_id, NULL) WHERE item_id = :item_id;
ROLLBACK;
-- without seen_kinds all is seen, what nothing is learnt from as well
SELECT count(*) FILTER (WHERE (u.user_id, r.item_id) IN (SELECT user_id, item_id FROM ev)) AS had, count(*)
  FROM (SELECT DISTINCT user_id FROM events.model_user) AS u, events.recommend(u.user_id, NULL) AS r;
-- kinds alone
CALL reco.create_model('kinds', 'SELECT user_id, item_id, value, at, kind FROM ev', reco.item_knn(), options => reco.options(seen_kinds => '{buy,bouhgt}', live => 'off'));
CALL reco.create_model('plain', 'SELECT user_id, item_id, value, at FROM ev', reco.item_knn(), options => reco.options(live => 'off'));
SELECT count(*) FILTER (WHERE k.history <> p.history OR k.parts <> p.parts) AS differ FROM kinds.model_user AS k JOIN plain.model_user AS p USING (user_id);
SELECT count(*) FILTER (WHERE (u.user_id, r.item_id) IN (SELECT user_id, item_id FROM ev WHERE kind = 'buy')) AS bought, count(*)
  FROM kinds.model_user AS u, kinds.recommend(u.user_id, NULL) AS r;
CALL reco.drop_model('kinds');
CALL reco.drop_model('plain');
-- damaged
UPDATE shop.model_user SET seen = '\x0001ff' WHERE user_id = 3;
SELECT * FROM shop.recommend(3, 1);
UPDATE shop.model_user SET seen = '\x00' WHERE user_id = 3;
SELECT * FROM shop.recommend(3, 1);
SELECT count(*) FROM shop.audience(3, n => NULL);

-- Evaluation: what is hidden is what counts as seen, and views before it are known.
SELECT reco.options(kind_weights => '{"search": 0.5, "view": 1, "favourite": 2, "cart": 3, "buy": 8, "return": -4, "ad": 0}', seen_kinds => '{buy}') AS buys \gset
CREATE VIEW early AS SELECT * FROM ev WHERE at < '2024-02-15' AND user_id IN (SELECT user_id FROM ev WHERE at < '2024-02-15' AND kind <> 'ad');
CREATE VIEW late AS
SELECT user_id, item_id, sum(value) FROM ev WHERE kind = 'buy' GROUP BY 1, 2 HAVING min(at) >= '2024-02-15';
CREATE TEMP TABLE measured AS
SELECT * FROM reco.evaluate('SELECT user_id, item_id, value, at, kind FROM kin.ev', reco.item_knn(), split => 'time', cut => '2024-02-15', cutoffs => '{5}', options => :'buys');
SELECT metric, bool_and(measured.value = t.value AND measured.error = t.error) AS same, bool_and(measured.users = t.users) AS users
  FROM measured FULL JOIN reco.evaluate('SELECT user_id, item_id, value, at, kind FROM kin.early', reco.item_knn(), test => 'kin.late',
  cutoffs => '{5}', options => :'buys') AS t USING (algorithm, metric)
 GROUP BY 1 ORDER BY 1;
-- by the lists themselves
CALL reco.create_model('early', 'SELECT user_id, item_id, value, at, kind FROM early', reco.item_knn(), options => :'buys');
CALL reco.materialize('early', 5);
SELECT m.metric, abs(m.value - x.value) < 1e-9 AS same
  FROM measured AS m, (SELECT avg(found / least(wanted, 5)) AS recall, avg(found / wanted) AS plain, avg(found / 5) AS precision
  FROM (SELECT user_id, count(r)::float8 AS found, count(*)::float8 AS wanted FROM late LEFT JOIN early.recommendations AS r USING (user_id, item_id)
         WHERE user_id IN (SELECT user_id FROM early) AND item_id IN (SELECT item_id FROM early WHERE kind <> 'ad') GROUP BY 1) AS u) AS f,
  LATERAL (VALUES ('precision', f.precision), ('recall', f.plain)) AS x(metric, value)
 WHERE m.algorithm LIKE 'item_knn%' AND m.metric = x.metric ORDER BY 1;
-- other splits
SELECT s.split, count(*) > 0 AS measured, min(e.value) BETWEEN 0 AND 1 AS valid
  FROM unnest('{random,last,last_basket,next_item}'::text[]) AS s(split),
       reco.evaluate('SELECT user_id, item_id, value, at - user_id * interval ''1 hour'', kind FROM kin.ev', reco.item_knn(), split => s.split, cutoffs => '{5}', options => :'buys') AS e
 GROUP BY 1 ORDER BY 1;

-- Items that are no products, by their own type.
CREATE TABLE lines AS SELECT u AS user_id, (ARRAY['21A', '21B', '22', 'POST', 'M'])[1 + (u + k) % 5] AS code, k AS quantity FROM generate_series(1, 20) AS u, generate_series(0, 3) AS k;
INSERT INTO lines VALUES (99, 'POST', 1), (1, 'post', 1);
CALL reco.create_model('codes', 'lines', reco.content(), items => 'SELECT DISTINCT code, ARRAY[left(code, 2)] AS tags FROM lines', options => reco.options(exclude_items => '{POST,M,nothing}', live => 'on'));
SELECT rows_skipped FROM codes.versions;
SELECT array_agg(DISTINCT r.item_id) FROM generate_series(1, 20) AS u, codes.recommend(u, NULL, include_seen => true) AS r;
SELECT array_agg(item_id) FROM codes.popular(NULL);
CALL reco.fold_in('codes');
CALL reco.alter_model('codes', options => reco.options(exclude_items => '{POST}'));
CALL reco.refresh('codes');
CALL reco.create_model('bad', 'SELECT user_id, item_id FROM ev', options => reco.options(exclude_items => '{1,POST}'));
CALL reco.create_model('numbers', 'SELECT user_id, item_id FROM ev', reco.popular(), options => reco.options(exclude_items => '{01,2}', measure => false));
SELECT count(*) FILTER (WHERE item_id IN (1, 2)), count(*) FROM numbers.popular(NULL);
SELECT reco.options(exclude_items => '{NULL}');

-- Minimums, until all who stay have enough of each other: a chain comes undone from its end.
CREATE TABLE chain AS
SELECT u AS user_id, u + k AS item_id FROM generate_series(1, 1000) AS u, generate_series(0, 1) AS k
UNION ALL SELECT 2000 + u, 2000 + i FROM generate_series(1, 3) AS u, generate_series(1, 3) AS i;
CALL reco.create_model('core', 'chain', reco.popular(), options => reco.options(min_user_interactions => 2, min_item_interactions => 2, measure => false));
SELECT users, items, interactions, rows_skipped FROM core.versions;
CALL reco.drop_model('core');
CALL reco.drop_model('numbers');
CALL reco.drop_model('codes');

DROP SCHEMA kin CASCADE;
CALL reco.drop_model('events');
CALL reco.drop_model('mimic');
CALL reco.drop_model('shop');
CALL reco.drop_model('early');
