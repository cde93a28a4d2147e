-- Rows that take back others, by kind and by quantity; windows of time; what is counted.
\set VERBOSITY terse

-- Options.
SELECT reco.options(cancel_kinds => '{cancel}', cancel_negative => true, max_age => '1 year', since => '2024-01-01 12:00+02', until => '2024-06-01');
SELECT reco.options(cancel_kinds => '{}');
SELECT reco.options(cancel_kinds => '{NULL}');
SELECT '{"cancel_negative": 1}'::reco.data_options;
SELECT '{"since": "soon"}'::reco.data_options;
SELECT '{"since": 2024}'::reco.data_options;
SELECT reco.options(max_age => '0');
SELECT reco.options(max_age => '20000 years');
SELECT reco.options(since => '-infinity');
SELECT reco.options(since => '2024-06-02', until => '2024-06-01');
\set VERBOSITY default
SELECT reco.options(cancel_kinds => '{buy}', seen_kinds => '{buy}');
SELECT reco.options(cancel_kinds => '{buy}', kind_weights => '{"buy": 1}');
SELECT reco.options(cancel_kinds => '{cancel}', kind_weights => '{"buy": 1}', seen_kinds => '{cancel}');
SELECT reco.options(max_age => '-1 day');
SELECT reco.options(until => 'infinity');
SELECT reco.options(since => '2024-06-01', until => '2024-06-01');
SELECT '{"until": "2024-06-01"}'::reco.data_options;
\set VERBOSITY terse

-- Columns.
CREATE SCHEMA can;
SET search_path = can, public;
CREATE TABLE lines (user_id int, item_id int, quantity float8, at timestamptz, kind text);
\set VERBOSITY default
CALL reco.create_model('bad', 'SELECT user_id, item_id, quantity, at FROM lines', options => reco.options(cancel_kinds => '{cancel}'));
CALL reco.create_model('bad', 'SELECT user_id, item_id FROM lines', options => reco.options(cancel_negative => true));
CALL reco.create_model('bad', 'SELECT user_id, item_id, 1 FROM lines', options => reco.options(max_age => '1 day'));
CALL reco.create_model('bad', 'SELECT user_id, item_id, 1 FROM lines', options => reco.options(since => '2024-01-01'));
CALL reco.create_model('bad', 'SELECT user_id, item_id, 1, extract(epoch FROM at)::bigint FROM lines', options => reco.options(until => '2024-01-01'));
CALL reco.create_model('bad', 'SELECT user_id, item_id, 1, at FROM lines', reco.private(reco.popular(), epsilon => 1), options => reco.options(max_age => '1 day'));
CALL reco.create_model('bad', 'SELECT user_id, item_id, 1, at FROM lines', reco.private(reco.popular(), epsilon => 1), options => reco.options(half_life => '1 day'));
\set VERBOSITY terse

-- By hand: the whole, in part, more than there was, before its purchase, on the same day.
INSERT INTO lines VALUES
  (1, 1, 5, '2024-01-01', 'buy'), (1, 1, -2, '2024-01-02', 'cancel'),                                   -- 3 are left
  (1, 2, 3, '2024-01-01', 'buy'), (1, 2, -3, '2024-01-01', 'cancel'),                                   -- gone
  (1, 3, 1, '2024-01-05', 'buy'), (1, 3, -1, '2024-01-04', 'cancel'),                                   -- before its purchase
  (2, 1, 1, '2024-01-01', 'buy'), (2, 1, 2, '2024-01-02', 'buy'), (2, 1, 4, '2024-01-03', 'cancel'),    -- more than there was
  (2, 2, 2, '2024-01-03', 'buy'), (2, 2, -3, '2024-01-04', 'buy'),                                      -- a value below 0 of another kind
  (2, 3, 0, '2024-01-03', 'buy'), (2, 3, 1, '2024-01-03', 'cancel'),                                    -- a sample has nothing to be taken back
  (3, 4, 1, NULL, 'buy'), (3, 4, 1, '2024-01-01', 'cancel'), (3, 5, 1, '2024-01-01', 'buy'), (3, 5, 1, NULL, 'cancel'),
  (3, 1, 1, 'infinity', 'buy'), (3, 1, 1, 'infinity', 'cancel'), (3, 2, 1, '-infinity', 'buy'), (3, 2, 1, '-infinity', 'cancel'),
  (4, 1, 1, '2024-01-01', 'cancel'), (4, 9, 0, '2024-01-01', 'cancel'),                                 -- nothing but these
  (NULL, 2, 2, '2024-01-03', 'buy'), (NULL, 2, 2, '2024-01-03', 'cancel'), (2, NULL, 2, '2024-01-03', 'buy'), (2, 2, NULL, '2024-01-03', 'buy'), (2, 2, 1, '2024-01-03', NULL);
CREATE FUNCTION pairs(model text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE pairs text;
BEGIN
  EXECUTE format('SELECT string_agg(u.user_id || '':'' || encode(u.history, ''hex''), E''\n'' ORDER BY 1) FROM %I.model_user AS u', model) INTO pairs;
  RETURN pairs;
END $$;
\set VERBOSITY default
CALL reco.create_model('by_kind', 'SELECT * FROM lines', reco.popular(), options => reco.options(cancel_kinds => '{cancel}', value => 'raw', measure => false));
\set VERBOSITY terse
CALL reco.create_model('plain', 'SELECT * FROM (VALUES (1, 1, 3), (1, 3, 1), (2, 2, -1), (2, 3, 0), (3, 5, 1)) AS v', reco.popular(), options => reco.options(value => 'raw', measure => false));
SELECT pairs('by_kind') = pairs('plain') AS same;
SELECT jsonb_pretty(rows_skipped) FROM by_kind.versions;
-- both ways
CALL reco.create_model('both', 'SELECT * FROM lines', reco.popular(), options => reco.options(cancel_kinds => '{cancel}', cancel_negative => true, value => 'raw', measure => false));
DROP TABLE lines;
CALL reco.drop_model('both');
CALL reco.drop_model('plain');
CALL reco.drop_model('by_kind');

-- Against a slow search: each row that takes back, in the order of times, looks for the latest that has something.
CREATE TABLE ev AS
SELECT n, h % 30 AS user_id, h / 30 % 12 AS item_id, (ARRAY[0, 1, 1, 2, 3, 5])[1 + h / 360 % 6]::float8 AS quantity,
       CASE h / 2160 % 40 WHEN 0 THEN NULL WHEN 1 THEN 'infinity' WHEN 2 THEN '-infinity' ELSE '2024-03-01 12:00+00'::timestamptz - interval '1 day' * (h / 2160 % 40) END AS at,
       (ARRAY['view', 'view', 'buy', 'buy', 'buy', 'cancel', 'cancel'])[1 + h / 86400 % 7] AS kind
  FROM (SELECT n, (hashint4(n)::bigint & 2147483647)::int AS h FROM generate_series(1, 3000) AS n) AS x;
CREATE INDEX ON ev (user_id);
ANALYZE ev;
CREATE FUNCTION remaining(cancelling text[], can_be_taken text[]) RETURNS TABLE (user_id int, item_id int, quantity float8, at timestamptz, kind text) LANGUAGE plpgsql AS $$
DECLARE c record; r record; wanted float8;
BEGIN
  CREATE TEMP TABLE rest AS SELECT * FROM can.ev WHERE NOT ev.kind = ANY (cancelling);
  FOR c IN SELECT * FROM can.ev WHERE ev.kind = ANY (cancelling) ORDER BY coalesce(ev.at, '-infinity'), ev.at IS NOT NULL, ev.quantity LOOP
    wanted := c.quantity;
    FOR r IN SELECT * FROM rest WHERE rest.user_id = c.user_id AND rest.item_id = c.item_id AND rest.kind = ANY (can_be_taken) AND rest.quantity > 0
                AND (rest.at IS NULL OR rest.at <= c.at) ORDER BY coalesce(rest.at, '-infinity') DESC, rest.at IS NULL, rest.quantity DESC, rest.kind = 'buy' DESC LOOP
      EXIT WHEN wanted = 0;
      UPDATE rest SET quantity = greatest(rest.quantity - wanted, 0), n = CASE WHEN rest.quantity <= wanted THEN -1 ELSE rest.n END WHERE rest.n = r.n;
      wanted := greatest(wanted - r.quantity, 0);
    END LOOP;
  END LOOP;
  RETURN QUERY SELECT rest.user_id, rest.item_id, rest.quantity, rest.at, rest.kind FROM rest WHERE n >= 0;
  DROP TABLE rest;
END $$;
CREATE TABLE rest_any AS SELECT * FROM remaining('{cancel}', '{view,buy}');
CREATE TABLE rest_bought AS SELECT * FROM remaining('{cancel}', '{buy}');
CREATE INDEX ON rest_bought (user_id);
SET client_min_messages = warning;
CREATE FUNCTION compare(options reco.data_options, plain_options reco.data_options, source text, plain_source text) RETURNS TABLE (users bigint, differ bigint, interactions bigint) LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('cancels', source, reco.item_knn(), options => options);
  CALL reco.create_model('mimic', plain_source, reco.item_knn(), options => plain_options);
  RETURN QUERY EXECUTE 'SELECT count(*), count(*) FILTER (WHERE (c.history, c.seen, c.parts) IS DISTINCT FROM (m.history, m.seen, m.parts)), (SELECT v.interactions FROM cancels.versions AS v) FROM cancels.model_user AS c FULL JOIN mimic.model_user AS m USING (user_id)';
END $$;
CREATE PROCEDURE again() LANGUAGE plpgsql AS $$ BEGIN CALL reco.drop_model('cancels'); CALL reco.drop_model('mimic'); END $$;
-- all kinds count as seen; in any order of the rows
SELECT * FROM compare(reco.options(cancel_kinds => '{cancel}', value => 'raw', measure => false), reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, at, kind FROM ev', 'SELECT user_id, item_id, quantity, at FROM rest_any');
CALL again();
SELECT * FROM compare(reco.options(cancel_kinds => '{cancel}', value => 'raw', measure => false), reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, at, kind FROM ev ORDER BY random()', 'SELECT user_id, item_id, quantity, at FROM rest_any');
CALL again();
-- by quantity
SELECT * FROM compare(reco.options(cancel_negative => true, value => 'raw', measure => false), reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, CASE kind WHEN ''cancel'' THEN -quantity ELSE quantity END, at FROM ev', 'SELECT user_id, item_id, quantity, at FROM rest_any UNION ALL SELECT user_id, item_id, 0, at FROM ev WHERE kind = ''cancel'' AND quantity = 0');
CALL again();
-- without times those of a pair lie at one time
SELECT * FROM compare(reco.options(cancel_negative => true, value => 'raw', measure => false), reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, CASE kind WHEN ''cancel'' THEN -quantity ELSE quantity END FROM ev WHERE quantity > 0 ORDER BY random()',
  'SELECT user_id, item_id, sum(CASE kind WHEN ''cancel'' THEN -quantity ELSE quantity END) FROM ev WHERE quantity > 0 GROUP BY 1, 2 HAVING sum(CASE kind WHEN ''cancel'' THEN -quantity ELSE quantity END) > 0');
CALL again();
-- only purchases are taken back, whose weights stay; views teach, and fade
SELECT * FROM compare(reco.options(cancel_kinds => '{cancel}', kind_weights => '{"view": 0.5, "buy": 8}', seen_kinds => '{buy}', half_life => '10 days', live => 'on', measure => false),
  reco.options(kind_weights => '{"view": 0.5, "buy": 8}', seen_kinds => '{buy}', half_life => '10 days', live => 'on', measure => false),
  'SELECT user_id, item_id, quantity, at, kind FROM ev', 'SELECT user_id, item_id, quantity, at, kind FROM rest_bought');
-- live rows and those of a fold-in are the same
RESET client_min_messages;
CALL reco.fold_in('cancels');
CALL reco.fold_in('cancels', users => 'SELECT 7');
SELECT count(*) AS differ FROM (SELECT u, r.* FROM generate_series(0, 29) AS u, cancels.recommend(u, 12) AS r
  EXCEPT ALL SELECT u, r.* FROM generate_series(0, 29) AS u, mimic.recommend(u, 12) AS r) AS x;
BEGIN;
-- what came back may be recommended again, and teaches nothing; at once, and once it is folded in
SELECT user_id, item_id FROM rest_bought WHERE kind = 'buy' AND quantity > 0 AND at < 'infinity' GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2 LIMIT 1 \gset
SELECT count(*) FROM cancels.recommend(:user_id, NULL) WHERE item_id = :item_id;
INSERT INTO ev VALUES (0, :user_id, :item_id, 1000, 'infinity', 'cancel');
DELETE FROM rest_bought WHERE user_id = :user_id AND item_id = :item_id AND kind = 'buy';
SELECT count(*) FROM cancels.recommend(:user_id, NULL) WHERE item_id = :item_id;
CALL reco.fold_in('cancels');
CALL reco.fold_in('mimic');
SELECT count(*) AS rows, count(*) FILTER (WHERE (c.history, c.seen, c.parts) IS DISTINCT FROM (m.history, m.seen, m.parts)) AS differ
  FROM cancels.model_user_layer AS c FULL JOIN mimic.model_user_layer AS m USING (user_id);
-- of who took back all nothing is left
INSERT INTO ev SELECT 0, 7, i, 1000, 'infinity', 'cancel' FROM generate_series(0, 11) AS i;
DELETE FROM ev WHERE user_id = 7 AND (kind = 'view' OR quantity = 0);
CALL reco.fold_in('cancels', users => 'SELECT 7');
SELECT count(*) FILTER (WHERE source = 'model') FROM cancels.recommend(7, 12);
-- a value that is none
INSERT INTO ev VALUES (0, 8, 1, 'NaN', '2024-03-01', 'cancel');
CALL reco.fold_in('cancels', users => 'SELECT 8');
ROLLBACK;
-- rows add up to what was read
SELECT rows_read = interactions + rows_merged + (SELECT sum(s.value::bigint) FROM jsonb_each_text(rows_skipped) AS s
  WHERE s.key IN ('no_user', 'no_item', 'no_value', 'no_kind', 'invalid', 'cancelled', 'cancelling', 'weight_0', 'outside_window')) AS all_told,
  rows_skipped FROM cancels.versions;
SET client_min_messages = warning;
CALL again();

-- Windows of time are what a condition of the query is.
SELECT * FROM compare(reco.options(since => '2024-02-01 12:00+00', until => '2024-02-20 12:00+00', value => 'raw', measure => false), reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, at FROM ev', 'SELECT user_id, item_id, quantity, at FROM ev WHERE at >= ''2024-02-01 12:00+00'' AND at < ''2024-02-20 12:00+00''');
SELECT reference_time = '2024-02-19 12:00+00' AS the_last_of_the_window, rows_skipped FROM cancels.versions;
CALL again();
-- a row without a time is before all others
SELECT * FROM compare(reco.options(until => '2024-02-20 12:00+00', value => 'raw', measure => false), reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, at FROM ev', 'SELECT user_id, item_id, quantity, at FROM ev WHERE at IS NULL OR at < ''2024-02-20 12:00+00''');
CALL again();
-- 12 days back from the latest, which no cancellation changes; what is of the future counts
SELECT * FROM compare(reco.options(max_age => '12 days', cancel_kinds => '{cancel}', seen_kinds => '{buy}', value => 'raw', live => 'on', measure => false), reco.options(seen_kinds => '{buy}', live => 'on', value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, at, kind FROM ev', 'SELECT user_id, item_id, quantity, at, kind FROM rest_bought WHERE at >= ''2024-02-15 12:00+00''');
SELECT reference_time = '2024-02-27 12:00+00' AS latest FROM cancels.versions;
RESET client_min_messages;
CALL reco.fold_in('cancels');
SELECT count(*) AS differ FROM (SELECT u, r.* FROM generate_series(0, 29) AS u, cancels.recommend(u, 12) AS r
  EXCEPT ALL SELECT u, r.* FROM generate_series(0, 29) AS u, mimic.recommend(u, 12) AS r) AS x;
-- new rows do not move it, until the next refresh
BEGIN;
INSERT INTO ev VALUES (0, 7, 3, 1, '2024-02-29', 'buy'), (0, 7, 4, 1, '2024-02-15 11:59+00', 'buy'), (0, 99, 4, 1, '2024-01-15', 'buy');
CALL reco.fold_in('cancels');
SELECT count(*) FILTER (WHERE source = 'model') AS of_who_is_too_old FROM cancels.recommend(99, 5);
CALL reco.refresh('cancels');
SELECT reference_time = '2024-02-29' AS latest, rows_skipped ->> 'outside_window' AS outside, (SELECT count(*) FROM ev WHERE at IS NULL OR at < '2024-02-17') AS older FROM cancels.versions WHERE active;
ROLLBACK;
SET client_min_messages = warning;
CALL again();
-- nothing to count ages from
SELECT * FROM compare(reco.options(max_age => '1 day', value => 'raw', measure => false), reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, CASE WHEN at = ''infinity'' THEN at END FROM ev', 'SELECT user_id, item_id, quantity, NULL::timestamptz FROM ev');
CALL again();

-- Times without a zone, and days, by the clock that was read when the option was made.
SET timezone = 'Pacific/Kiritimati';
SELECT reco.options(since => '2024-02-10', until => '2024-02-20', value => 'raw', measure => false) AS by_clock \gset
SET timezone = 'America/St_Johns';
SELECT * FROM compare(:'by_clock', reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, (at AT TIME ZONE ''UTC'')::timestamp FROM ev', 'SELECT user_id, item_id, quantity, (at AT TIME ZONE ''UTC'')::timestamp FROM ev WHERE at AT TIME ZONE ''UTC'' >= ''2024-02-10'' AND at AT TIME ZONE ''UTC'' < ''2024-02-20''');
CALL again();
SELECT * FROM compare(:'by_clock', reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, (at AT TIME ZONE ''UTC'')::date FROM ev', 'SELECT user_id, item_id, quantity, (at AT TIME ZONE ''UTC'')::date FROM ev WHERE (at AT TIME ZONE ''UTC'')::date BETWEEN ''2024-02-10'' AND ''2024-02-19''');
CALL again();
SELECT * FROM compare(:'by_clock', reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, at FROM ev', 'SELECT user_id, item_id, quantity, at FROM ev WHERE at >= ''2024-02-10 00:00+14'' AND at < ''2024-02-20 00:00+14''');
CALL again();
SELECT * FROM compare(reco.options(max_age => '36 hours', value => 'raw', measure => false), reco.options(value => 'raw', measure => false),
  'SELECT user_id, item_id, quantity, (at AT TIME ZONE ''UTC'')::date FROM ev', 'SELECT user_id, item_id, quantity, (at AT TIME ZONE ''UTC'')::date FROM ev WHERE (at AT TIME ZONE ''UTC'')::date >= ''2024-02-26''');
CALL again();
RESET timezone;

-- Evaluation goes by the rows that are left.
SELECT metric, bool_and(a.value = b.value) AS same
  FROM reco.evaluate('SELECT user_id, item_id, quantity, at, kind FROM can.ev', reco.item_knn(), split => 'time', cut => '2024-02-20', cutoffs => '{5}',
         options => reco.options(cancel_kinds => '{cancel}', seen_kinds => '{buy}', since => '2024-01-25', value => 'raw')) AS a
  JOIN reco.evaluate('SELECT user_id, item_id, quantity, at, kind FROM can.rest_bought WHERE at >= ''2024-01-25''', reco.item_knn(), split => 'time', cut => '2024-02-20', cutoffs => '{5}',
         options => reco.options(seen_kinds => '{buy}', value => 'raw')) AS b USING (algorithm, metric) WHERE metric IN ('ndcg', 'recall') GROUP BY 1 ORDER BY 1;
-- of all that is taken back nothing is left
RESET client_min_messages;
CALL reco.create_model('bad', 'SELECT 1, 2, q, ''2024-01-01''::date FROM unnest(''{1,-1}''::int[]) AS q', reco.popular(), options => reco.options(cancel_negative => true));
CALL reco.create_model('bad', 'SELECT user_id, item_id, 1, at FROM ev', reco.popular(), options => reco.options(since => '1998-01-01', until => '1999-01-01'));
-- a kind that no row has is told
CALL reco.create_model('kinds', 'SELECT user_id, item_id, 1, at, kind FROM ev', reco.popular(), options => reco.options(cancel_kinds => '{cancelled}', measure => false));
CALL reco.drop_model('kinds');
DROP SCHEMA can CASCADE;
