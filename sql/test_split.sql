--
-- How reco.evaluate shares out interactions: by time, by what each user had last, by a test;
-- who and what the training part does not have; and no way for what is hidden to be learnt.
--
SET reco.threads = 1;  -- what is trained here is tiny
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- By time, by hand.  The cut is at 12:00 in UTC, 07:00 at -05 and 21:00 at +09; what is
-- there is to be found.
--
--   user   trained on          hidden
--   1      a c                 b, at the cut
--   2      a b                 d, at the cut
--   3      b d                 a
--   4      b, once of twice    e, which nobody has before
--   5                          a: nobody before
CREATE TABLE split_events (u int, i text, w real, at timestamptz);
INSERT INTO split_events VALUES
  (1, 'a', 1, '2024-03-10 06:59:59.999999-05'), (1, 'c', 1, '2024-03-10 20:00+09'), (1, 'b', 1, '2024-03-10 07:00-05'),
  (2, 'a', 1, '2024-03-10 20:59:59+09'), (2, 'b', 1, '2024-03-10 06:30-05'), (2, 'd', 1, '2024-03-10 21:00+09'),
  (3, 'b', 1, '-infinity'), (3, 'd', 1, NULL), (3, 'a', 1, '2024-03-10 21:30+09'),
  (4, 'b', 1, '2024-03-09 23:00-05'), (4, 'b', 4, '2024-03-10 12:00+00'), (4, 'e', 1, 'infinity'),
  (5, 'a', 1, '2024-03-11 00:00+09');

-- Popular in the training part are b (3 users), a (2), c and d (1).  Without their own
--   user 1 gets b d, and b is at place 1;
--   user 2 gets c d, and d is at place 2;
--   user 3 gets a c, and a is at place 1.
-- precision@1 2/3, @2 1/2; recall@1 2/3, @2 1; ndcg@2 (1 + 1/log2(3) + 1) / 3 = 0.876977;
-- shown first are b, c and a of 4 items.
SELECT metric, k, round(value::numeric, 6) AS value, users
  FROM reco.evaluate('split_events', reco.popular(), cut => '2024-03-10 12:00+00', cutoffs => '{1,2}')
 WHERE metric IN ('precision', 'recall', 'ndcg', 'coverage') ORDER BY metric, k;

-- Users 4 and 5 count and find nothing: precision@1 2/5, @2 3/10; recall@2 3/5; ndcg@2
-- (2 + 1/log2(3)) / 5 = 0.526186
SELECT metric, k, round(value::numeric, 6) AS value, users
  FROM reco.evaluate('split_events', reco.popular(), cut => '2024-03-10 12:00+00', cutoffs => '{1,2}', unknown => 'miss')
 WHERE metric IN ('precision', 'recall', 'ndcg', 'coverage') ORDER BY metric, k;

-- User 5 gets b a, with a at place 2: precision@2 2/5; recall@2 4/5; ndcg@2
-- (2 + 2/log2(3)) / 5 = 0.652372
SELECT metric, k, round(value::numeric, 6) AS value, users
  FROM reco.evaluate('split_events', reco.popular(), split => 'time', cut => '2024-03-10 12:00+00', cutoffs => '{1,2}', unknown => 'popular')
 WHERE metric IN ('precision', 'recall', 'ndcg', 'coverage') ORDER BY metric, k;

-- By fraction: 12 pairs; the last five begin at the cut or later, and 0.34 of 12 are four,
-- of which the first is at the cut: those of its time are hidden with it
CREATE TABLE split_by_cut AS SELECT metric, k, value, users FROM reco.evaluate('split_events', reco.ials(factors => 2), cut => '2024-03-10 12:00+00') WHERE algorithm LIKE 'ials%';
SELECT count(*) AS differences FROM (TABLE split_by_cut EXCEPT
  SELECT metric, k, value, users FROM reco.evaluate('split_events', reco.ials(factors => 2), split => 'time', test_fraction => 0.34) WHERE algorithm LIKE 'ials%') AS d;
SET client_min_messages = warning;

-- Nothing that comes later is learnt: without the later row of user 4's b, without what is
-- left out, and with other values of what is hidden the same is recommended
SELECT count(*) AS differences FROM (TABLE split_by_cut EXCEPT
  SELECT metric, k, value, users FROM reco.evaluate('SELECT u, i, CASE WHEN at >= ''2024-03-10 12:00+00'' THEN 7 ELSE w END, at FROM split_events WHERE w <> 4 AND i <> ''e'' AND u <> 5',
     reco.ials(factors => 2), cut => '2024-03-10 12:00+00') WHERE algorithm LIKE 'ials%') AS d;

-- A cut is the same as a test of what comes at it and later.  Results of an evaluation with
-- a cut that the other does not have, and the other way round:
CREATE FUNCTION split_differences(source text, cut timestamptz) RETURNS bigint LANGUAGE sql AS $$
  WITH cut AS (SELECT * FROM reco.evaluate(source, reco.item_knn(), cut => $2, unknown => 'popular', cutoffs => '{1,3}')),
       test AS (SELECT * FROM reco.evaluate(format('SELECT * FROM (%s) AS s (u, i, w, at) WHERE at IS NULL OR at < %L::timestamptz', source, $2), reco.item_knn(),
                  test => format('SELECT * FROM (%s) AS s (u, i, w, at) WHERE at >= %L::timestamptz', source, $2), unknown => 'popular', cutoffs => '{1,3}'))
  SELECT (SELECT count(*) FROM (TABLE cut EXCEPT TABLE test) AS d) + (SELECT count(*) FROM (TABLE test EXCEPT TABLE cut) AS d);
$$;
-- half hours of the night in which clocks in New York are set back, and six users
CREATE TABLE split_night AS SELECT u, (k + u) % 10 AS i, 1 AS w, timestamp '2024-11-02 22:00' + k * interval '30 minutes' AS at
  FROM generate_series(1, 6) AS u, generate_series(0, 9) AS k;
CREATE TABLE split_days AS SELECT u, (k + u) % 10 AS i, 1 AS w, date '2024-11-01' + k AS at FROM generate_series(1, 6) AS u, generate_series(0, 9) AS k;

-- with zones the session's does not matter; 08:00 in New York is 12:00 in UTC from that day on
SELECT split_differences('SELECT * FROM split_events', '2024-03-10 12:00+00');
SET timezone = 'America/New_York';
SELECT split_differences('SELECT * FROM split_events', '2024-03-10 12:00+00');
SELECT count(*) AS differences FROM (TABLE split_by_cut EXCEPT
  SELECT metric, k, value, users FROM reco.evaluate('split_events', reco.ials(factors => 2), cut => '2024-03-10 08:00') WHERE algorithm LIKE 'ials%') AS d;
-- without one a time is the session's, as where SQL compares it; in this night 01:00 comes twice
SELECT sum(split_differences('SELECT * FROM split_night', cut)) FROM generate_series(timestamptz '2024-11-03 02:15+00', '2024-11-03 07:30+00', '15 minutes') AS cut;
SELECT sum(split_differences('SELECT * FROM split_days', cut)) FROM generate_series(timestamptz '2024-11-02 00:00', '2024-11-06 00:00', '8 hours') AS cut;
SET timezone = 'Asia/Tokyo';
SELECT split_differences('SELECT * FROM split_events', '2024-03-10 12:00+00');
SELECT count(*) AS differences FROM (TABLE split_by_cut EXCEPT
  SELECT metric, k, value, users FROM reco.evaluate('split_events', reco.ials(factors => 2), cut => '2024-03-10 21:00') WHERE algorithm LIKE 'ials%') AS d;
SELECT sum(split_differences('SELECT * FROM split_night', cut)) FROM generate_series(timestamptz '2024-11-02 23:00', '2024-11-03 02:00', '45 minutes') AS cut;
SELECT sum(split_differences('SELECT * FROM split_days', cut)) FROM generate_series(timestamptz '2024-11-02 00:00', '2024-11-06 00:00', '8 hours') AS cut;
SET timezone = 'UTC';

-- Times that are numbers: of the ten, those from 7 on, by fraction and as a test
SELECT count(*) AS differences FROM
  (SELECT * FROM reco.evaluate('SELECT u, i, w, (at - ''2024-11-01'')::int - 5 FROM split_days', reco.item_knn(), split => 'time', test_fraction => 0.3)
   EXCEPT SELECT * FROM reco.evaluate('SELECT u, i, w FROM split_days WHERE at < ''2024-11-08''', reco.item_knn(), test => 'SELECT u, i FROM split_days WHERE at >= ''2024-11-08''')) AS d;
SELECT * FROM reco.evaluate('SELECT u, i, w, (at - ''2024-11-01'')::int FROM split_days', reco.popular(), cut => '2024-11-08');

-- What each user had last, by hand; of one time it is the larger item, and a time that is
-- not known is before all:
--
--   user   trained on   hidden
--   1      a b          c; the other row of a is at that time, and in no part
--   2      a            b, at the time of a
--   3      c, alone
--   4      a            c
--
-- Popular are a (3 users), b and c (1).  User 1 gets c; users 2 and 4 get b c: places 1, 1, 2.
CREATE TABLE split_last (u int, i text, w int, t int);
INSERT INTO split_last VALUES (1, 'a', 1, 1), (1, 'b', 1, 2), (1, 'c', 1, 3), (1, 'a', 9, 3),
  (2, 'b', 1, 5), (2, 'a', 1, 5), (3, 'c', 1, 1), (4, 'a', 1, NULL), (4, 'c', 1, -100);
SET client_min_messages = notice;
SELECT metric, k, round(value::numeric, 6) AS value, users
  FROM reco.evaluate('split_last', reco.popular(), split => 'last', test_fraction => NULL, cutoffs => '{1,2}')
 WHERE metric IN ('precision', 'ndcg') ORDER BY metric, k;
SET client_min_messages = warning;
-- a third of what each has, to the nearest number: of three one, of two one, of one none
SELECT count(*) FROM (SELECT * FROM reco.evaluate('split_last', reco.popular(), split => 'last', test_fraction => NULL)
  EXCEPT SELECT * FROM reco.evaluate('split_last', reco.popular(), split => 'last', test_fraction => 0.34)) AS d;
-- 0.2 of three is one, of two none
SELECT DISTINCT users FROM reco.evaluate('split_last', reco.popular(), split => 'last');

-- C34: what of the test is in the source is left out, and told; repeats of a pair go together
SET client_min_messages = notice;
CREATE TABLE split_pairs (u bigint, i text);
INSERT INTO split_pairs VALUES (1, 'a'), (1, 'b'), (1, 'c'), (2, 'a'), (3, 'b'), (3, 'b'), (4, 'c'), (4, 'd');
SELECT metric, k, value, users FROM reco.evaluate('split_pairs', reco.popular(), test => 'VALUES (1, ''d''), (1, ''d''), (1, ''a''), (3, ''b'')', cutoffs => '{1}') WHERE metric IN ('precision', 'recall');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), test => 'SELECT * FROM split_pairs');
-- C33: user 1 finds half of two; user 2 has nothing to find and is in no mean; user 7, who is
-- not in the source, gets nothing and is left out, or counts
SELECT metric, k, value, users FROM reco.evaluate('SELECT * FROM split_pairs WHERE u < 3 AND i <> ''d'' UNION SELECT 2, ''x''', reco.popular(),
  test => 'VALUES (1, ''x''), (7, ''a'')', cutoffs => '{2}') WHERE metric = 'precision';
SELECT metric, k, value, users FROM reco.evaluate('SELECT * FROM split_pairs WHERE u < 3 AND i <> ''d'' UNION SELECT 2, ''x''', reco.popular(),
  test => 'VALUES (1, ''x''), (7, ''a'')', cutoffs => '{2}', unknown => 'miss') WHERE metric = 'precision';
-- C14: everything is 3, so 3 is predicted; 3.5 and 2 are off by 0.5 and -1, and for user 99 there is no
-- prediction, also where that user counts
CREATE TABLE split_threes AS SELECT u, i, 3::real AS w FROM generate_series(1, 5) AS u, generate_series(1, 6) AS i WHERE (u, i) NOT IN ((1, 5), (2, 4));
SELECT unknown, metric, round(value::numeric, 12) AS value, users
  FROM unnest(ARRAY['skip', 'miss', 'popular']) AS unknown,
       LATERAL reco.evaluate('split_threes', reco.als(factors => 2), test => 'VALUES (1, 5, 3.5), (2, 4, 2.0), (99, 1, 5.0)', unknown => unknown) AS e
 WHERE metric IN ('rmse', 'mae') AND algorithm = 'als()';
-- nor is it told how many are not predicted where no values are hidden
SELECT count(*) FILTER (WHERE metric = 'rmse') AS rmse, max(users) AS users
  FROM reco.evaluate('split_threes', reco.als(factors => 2), test => 'VALUES (1, 5), (99, 1), (99, 2)', unknown => 'popular') WHERE algorithm = 'als()';
SET client_min_messages = warning;
-- a test without values says nothing about them
SELECT count(*) FROM reco.evaluate('split_threes', reco.als(factors => 2), test => 'VALUES (1, 5), (2, 4)') WHERE metric IN ('rmse', 'mae');
-- what a list should find is what is worth something
SELECT DISTINCT users FROM reco.evaluate('split_threes', reco.popular(), test => 'VALUES (1, 5, 0), (2, 4, 2)');
-- an item that is described can be found where unknown ones count
SELECT metric, value, users FROM reco.evaluate('split_pairs', reco.content(), items => 'VALUES (''a'', ''red''), (''b'', ''blue''), (''c'', ''blue''), (''d'', ''red''), (''new'', ''blue'')',
  test => 'VALUES (3, ''new'')', unknown => 'miss', cutoffs => '{2}') WHERE algorithm LIKE 'content%' AND metric IN ('recall', 'coverage') ORDER BY metric;

-- arguments
\set VERBOSITY default
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), split => 'last');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), split => 'time');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), cut => '2024-01-01');
SELECT * FROM reco.evaluate('split_events', reco.popular(), split => 'last', cut => '2024-01-01');
SELECT * FROM reco.evaluate('split_events', reco.popular(), split => 'time', test => 'split_events');
SELECT * FROM reco.evaluate('split_events', reco.popular(), cut => '2024-01-01', test => 'split_events');
SELECT * FROM reco.evaluate('split_events', reco.popular(), cut => 'infinity', unknown => 'skip');
SELECT * FROM reco.evaluate('SELECT * FROM split_events WHERE u <> 3', reco.popular(), cut => '-infinity');
SELECT * FROM reco.evaluate('SELECT u, i, w, at FROM split_events WHERE u < 3', reco.popular(), cut => '2030-01-01');
SELECT * FROM reco.evaluate('SELECT u, i, w, 1 FROM split_threes', reco.popular(), split => 'time');
SELECT * FROM reco.evaluate('SELECT u, i, w, NULL::date FROM split_threes', reco.popular(), split => 'time');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), unknown => 'popularity');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), unknown => NULL);
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), test_fraction => NULL);
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), test => 'SELECT 1');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), test => 'SELECT 1, ''a'', true');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), test => 'SELECT ''1'', ''d''');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), test => 'DELETE FROM split_pairs RETURNING *');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), test => '');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), test => 'VALUES (7, ''a'')');
SELECT * FROM reco.evaluate('split_pairs', reco.popular(), test => 'SELECT 1, ''d'' WHERE false');
-- the test is read as the caller
CREATE ROLE split_reader;
GRANT SELECT ON split_pairs TO split_reader;
SET ROLE split_reader;
SELECT count(*) > 0 AS allowed FROM reco.evaluate('split_pairs', reco.popular(), test => 'VALUES (1, ''d'')');
SELECT count(*) FROM reco.evaluate('split_pairs', reco.popular(), test => 'SELECT u, i FROM split_last');
RESET ROLE;
DROP OWNED BY split_reader;
DROP ROLE split_reader;
DROP FUNCTION split_differences;
DROP TABLE split_events, split_by_cut, split_night, split_days, split_last, split_pairs, split_threes;
