--
-- reco.options(session_gap): sessions of users are cut by time, in training and when serving.
--
SET reco.threads = 1;  -- what is trained here is tiny
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- Users come twice, more than half an hour apart; exactly half an hour is no gap.  Cut, they are
-- these sessions:  1: a b  c d   2: a c  b d   3: b a  d  and 4, which half an hour does not cut: c d a
CREATE TABLE gap_rows (u int, i text, at timestamptz);
INSERT INTO gap_rows
SELECT u, i, timestamptz '2026-01-01 10:00+00' + m * interval '1 minute'
  FROM (VALUES (1, 'a', 0), (1, 'b', 5), (1, 'c', 60), (1, 'd', 61),
               (2, 'a', 10), (2, 'c', 12), (2, 'b', 100), (2, 'd', 110),
               (3, 'b', 20), (3, 'a', 22), (3, 'd', 300),
               (4, 'c', 30), (4, 'd', 60), (4, 'a', 90)) AS s(u, i, m);
-- each session a user of its own, by plain SQL
CREATE VIEW gap_by_hand AS
SELECT u * 10 + sum(coalesce(begins, 0)) OVER (PARTITION BY u ORDER BY at) AS s, i, at, u
  FROM (SELECT *, (at - lag(at) OVER (PARTITION BY u ORDER BY at) > '30 minutes')::int AS begins FROM gap_rows) AS r;

CALL reco.create_model('gap_seq', source => 'SELECT u, i, 1, at FROM gap_rows', algorithm => reco.sequence(),
                       options => reco.options(session_gap => '30 minutes', measure => false));
SELECT line FROM string_to_table(reco.describe('gap_seq'), E'\n') AS line WHERE line LIKE 'options%';
SET client_min_messages = warning;

-- Rules, scores and lists are those of the sessions by themselves.  A list is of the last session.
CREATE FUNCTION gap_differs(algorithm reco.algorithm) RETURNS TABLE (what text, differences bigint) LANGUAGE plpgsql AS $$
DECLARE m text;
BEGIN
  FOREACH m IN ARRAY ARRAY['gap_cut', 'gap_one'] LOOP
    CALL reco.create_model(m, source => CASE m WHEN 'gap_cut' THEN 'SELECT u, i, 1, at FROM gap_rows' ELSE 'SELECT s, i, 1, at FROM gap_by_hand' END,
      algorithm => algorithm, options => reco.options(session_gap => CASE m WHEN 'gap_cut' THEN interval '30 minutes' END, measure => false));
  END LOOP;
  RETURN QUERY EXECUTE $q$
    SELECT 'baskets', count(*) FROM (VALUES ('{a}'::text[]), ('{b}'), ('{a,b}'), ('{c,d}'), ('{d,c,b}')) AS b(items),
           LATERAL ((SELECT item_id, score FROM gap_cut.recommend_for(b.items, include_basket => true, fallback => 'none')
             EXCEPT SELECT item_id, score FROM gap_one.recommend_for(b.items, include_basket => true, fallback => 'none')) UNION ALL
            (SELECT item_id, score FROM gap_one.recommend_for(b.items, include_basket => true, fallback => 'none')
             EXCEPT SELECT item_id, score FROM gap_cut.recommend_for(b.items, include_basket => true, fallback => 'none'))) AS d
    UNION ALL
    SELECT 'users', count(*) FROM (SELECT u, max(s) AS s FROM gap_by_hand GROUP BY u) AS l,
           LATERAL ((SELECT item_id, score FROM gap_cut.recommend(l.u, include_seen => true, fallback => 'none')
             EXCEPT SELECT item_id, score FROM gap_one.recommend(l.s, include_seen => true, fallback => 'none')) UNION ALL
            (SELECT item_id, score FROM gap_one.recommend(l.s, include_seen => true, fallback => 'none')
             EXCEPT SELECT item_id, score FROM gap_cut.recommend(l.u, include_seen => true, fallback => 'none'))) AS d
    UNION ALL
    SELECT 'lists', count(*) FROM (SELECT DISTINCT u FROM gap_rows) AS u, gap_cut.recommend(u, include_seen => true, fallback => 'none')$q$;
  CALL reco.drop_model('gap_cut');
  CALL reco.drop_model('gap_one');
END $$;
SELECT a->>'algorithm' AS algorithm, d.* FROM unnest(ARRAY[reco.sequence(), reco.session_linear(), reco.session_knn(),
  reco.session_knn(idf => 0, weighting => 'linear', normalized => false),
  reco.hybrid(ARRAY[reco.sequence(), reco.session_knn()], weights => '{1,2}')]) AS a,
  gap_differs(a) AS d;

-- Live rows are cut as those that were trained on: a new session has nothing of the one before
INSERT INTO gap_rows VALUES (1, 'b', '2026-01-02 10:00+00');
SELECT item_id, round(score::numeric, 4) AS score FROM gap_seq.recommend(1, include_seen => true, fallback => 'none');
SELECT item_id, round(score::numeric, 4) AS score FROM gap_seq.recommend_for(ARRAY['b'], include_basket => true, fallback => 'none');
-- and so they are when they are folded in
CALL reco.fold_in('gap_seq');
SELECT item_id, round(score::numeric, 4) AS score FROM gap_seq.recommend(1, include_seen => true, fallback => 'none');
DELETE FROM gap_rows WHERE at >= '2026-01-02';

-- What begins a session is not asked for: of 14 rows 4 begin users and 3 sessions
SET client_min_messages = notice;
SELECT metric, value, users FROM reco.evaluate($$SELECT u, i, 1, at FROM gap_rows UNION ALL SELECT 0, i, 1, '2025-12-01' FROM unnest('{a,b,c,d}'::text[]) AS i$$,
  reco.sequence(), split => 'next_item', cut => '2026-01-01', cutoffs => '{4}', options => reco.options(session_gap => '30 minutes'))
 WHERE metric = 'recall' AND algorithm LIKE 'popular%';

-- Dates are a day apart, so that less than a day cuts between any two, and a day and more between those
CALL reco.create_model('gap_days', source => $$SELECT 1, d, 1, date '2026-01-01' + d FROM unnest('{0,1,2,4,5,9}'::int[]) AS d$$,
                       algorithm => reco.sequence(), options => reco.options(session_gap => '1 day', measure => false));
CALL reco.create_model('gap_hours', source => $$SELECT 1, d, 1, date '2026-01-01' + d FROM unnest('{0,1,2,4,5,9}'::int[]) AS d$$,
                       algorithm => reco.sequence(), options => reco.options(session_gap => '1 hour', measure => false));

-- what it says nothing to, and what it cannot be
CALL reco.create_model('gap_knn', source => 'SELECT u, i, 1, at FROM gap_rows', algorithm => reco.item_knn(), options => reco.options(session_gap => '30 minutes', measure => false));
CALL reco.create_model('gap_none', source => 'SELECT u, i FROM gap_rows', algorithm => reco.sequence(), options => reco.options(session_gap => '30 minutes'));
CALL reco.create_model('gap_none', source => 'SELECT u, i, 1, 5 FROM gap_rows', algorithm => reco.sequence(), options => reco.options(session_gap => '30 minutes'));
SELECT reco.options(session_gap => '0');
SELECT reco.options(session_gap => '-5 minutes');
SELECT reco.options(session_gap => '1 month');
SELECT reco.options(session_gap => '1 day -24 hours');
SELECT reco.options(session_gap => '178000000 years');
SELECT reco.options(session_gap => '2000000000 days 2000000000 hours');
SELECT '{"session_gap": "soon"}'::reco.data_options;
SELECT '{"session_gap": 5}'::reco.data_options;

-- Hostile rows: sessions of one item, no times, equal ones, the ends of time, one that is long
CREATE TABLE gap_hostile AS
SELECT u, u % 5 AS i, NULL::timestamptz AS at FROM generate_series(1, 9) AS u UNION ALL
SELECT 20, k % 7, '2026-01-01' FROM generate_series(1, 30) AS k UNION ALL
SELECT 21, k, t FROM unnest('{-infinity,4713-01-01 BC,2026-01-01,294276-01-01,infinity}'::timestamptz[]) WITH ORDINALITY AS x(t, k) UNION ALL
SELECT 22, k % 50, timestamptz '2026-01-01' + k * interval '1 second' FROM generate_series(1, 100000) AS k;
SET client_min_messages = warning;
SELECT a, d.lists FROM unnest(ARRAY['sequence', 'session_knn', 'session_linear', 'repeat']) AS a, LATERAL (
  SELECT count(*) AS lists FROM reco.evaluate('SELECT u, i, 1, at FROM gap_hostile', ('{"algorithm": "' || a || '"}')::reco.algorithm,
    split => 'next_item', cut => '2026-01-01', options => reco.options(session_gap => '30 minutes'), unknown => 'miss')
   WHERE metric = 'hit_rate') AS d;
CALL reco.create_model('gap_hostile_model', source => 'SELECT u, i, 1, at FROM gap_hostile', algorithm => reco.session_knn(),
                       options => reco.options(session_gap => '30 minutes', measure => false));
SELECT u, count(*) > 0 AS listed FROM unnest('{1,20,21,22}'::int[]) AS u, gap_hostile_model.recommend(u, include_seen => true) GROUP BY u ORDER BY u;
SELECT count(*) > 0 AS listed FROM gap_hostile_model.recommend_for(array_fill(3, ARRAY[100000]) || 4, include_basket => true);
SELECT count(*) > 0 AS listed FROM gap_hostile_model.recommend_for('{77,88}', include_basket => true);
SELECT gap_hostile_model.recommend_for('{1,NULL}');
