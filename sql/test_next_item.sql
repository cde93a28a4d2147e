--
-- split => 'next_item': users who end last are hidden whole, and what comes next is to be found
-- after each of their times; as sessions are judged.
--
SET reco.threads = 1;  -- what is trained here is tiny
SET timezone = 'UTC';
SET datestyle = 'ISO';

-- By hand.  Sessions 1 to 4 are trained on:  a b c   a b a   b c   c d
-- and what comes next is to be found of      a b c a   c e a   b
-- By sequence a is followed by b (2), c and a (1/4), b by c (2) and a (1), c by d (1).
--
--   known    next   sequence   popular: b c a d
--   a        b      b ...      at place 1
--   a b      c      c ...      at place 2
--   a b c    a      d b        no
--   c        e      nobody had it before: left out
--   c e      a      d b        no
-- Of b nothing comes next.  The error is that of a ratio of sums over users: popular() finds 1 of 3
-- and 0 of 1 at place 1, 1/4 in all, so sums less 1/4 of each are 1/4 and -1/4: the root of
-- 2 (1/16 + 1/16), divided by 4, is 1/8.
CREATE TABLE next_rows (u int, i text, w real, at timestamptz);
INSERT INTO next_rows
SELECT u, i, 1, timestamptz '2026-01-01' + u * interval '1 day' + k * interval '1 minute'
  FROM (VALUES (1, '{a,b,c}'::text[]), (2, '{a,b,a}'), (3, '{b,c}'), (4, '{c,d}'),
               (5, '{a,b,c,a}'), (6, '{c,e,a}'), (7, '{b}')) AS s(u, items),
       unnest(items) WITH ORDINALITY AS x(i, k);

SELECT algorithm, metric, k, round(value::numeric, 4) AS value, round(error::numeric, 4) AS error, users
  FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', test_fraction => 0.45, cutoffs => '{1,2}')
 WHERE metric IN ('hit_rate', 'mrr', 'recall') ORDER BY algorithm, k, metric;
-- the same by the time at which they end; the unknown item is a miss
SELECT algorithm, metric, k, round(value::numeric, 4) AS value, users
  FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', cut => '2026-01-06', cutoffs => '{1,2}', unknown => 'miss')
 WHERE metric IN ('hit_rate', 'mrr') ORDER BY algorithm, k, metric;
SET client_min_messages = warning;

-- Of one time nothing is known before the other: c and d are found together, by a b alone, and of
-- what has no time, which is before all, nothing is asked
SELECT algorithm, metric, k, round(value::numeric, 4) AS value, users
  FROM reco.evaluate($$SELECT * FROM next_rows WHERE u < 5 UNION ALL
    SELECT 9, i, 1, '2026-02-01'::timestamptz + at FROM (VALUES ('a', NULL::interval), ('b', NULL), ('c', '1 s'), ('d', '1 s')) AS s(i, at)$$,
    reco.sequence(), split => 'next_item', cut => '2026-02-01', cutoffs => '{1,2}')
 WHERE metric IN ('hit_rate', 'recall', 'precision') ORDER BY algorithm, k, metric;

-- What is hidden teaches nothing: with other sessions in their place the same is recommended
SELECT count(*) AS differences FROM (
  SELECT algorithm, metric, value FROM reco.evaluate('next_rows', reco.session_knn(), split => 'next_item', cut => '2026-01-05')
   WHERE metric = 'novelty' EXCEPT
  SELECT algorithm, metric, value FROM reco.evaluate('SELECT * FROM next_rows UNION ALL SELECT 99, ''d'', 1, ''2026-03-01''', reco.session_knn(), split => 'next_item', cut => '2026-01-05')
   WHERE metric = 'novelty') AS d;

-- Each list is what recommend_for gives of what is known, whatever the algorithm: sessions with
-- repeats, and one item that only hidden ones have
CREATE TABLE next_events AS
SELECT u, CASE WHEN u > 34 AND k = 3 THEN 99 ELSE (u * 5 + k * k * (1 + u % 3) + u / 4) % 11 END AS i, 1 AS w,
       timestamp '2026-01-01' + u * interval '1 hour' + k * interval '1 minute' AS at
  FROM generate_series(1, 40) AS u, generate_series(1, 6) AS k WHERE k <= 2 + u % 5;
CREATE TABLE next_cases AS
SELECT u, at, i, (SELECT array_agg(p.i ORDER BY p.at) FROM next_events AS p WHERE p.u = c.u AND p.at < c.at) AS known
  FROM next_events AS c WHERE u > 30;
DELETE FROM next_cases WHERE known IS NULL;
CREATE FUNCTION next_differs(algorithm reco.algorithm) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hits numeric; rr numeric; n int; of_evaluate text;
BEGIN
  CALL reco.create_model('next_model', source => 'SELECT * FROM next_events WHERE u <= 30', algorithm => algorithm,
                         options => reco.options(measure => false, live => 'off'));
  EXECUTE 'SELECT avg((r.rank IS NOT NULL)::int), avg(coalesce(1.0 / r.rank, 0)), count(*)
             FROM next_cases AS c LEFT JOIN LATERAL (SELECT rank FROM next_model.recommend_for(c.known, n => 3, include_basket => true)
                                                      WHERE item_id = c.i) AS r ON true' INTO hits, rr, n;
  CALL reco.drop_model('next_model');
  SELECT string_agg(format('%s %s', metric, round(value::numeric, 6)), ', ' ORDER BY metric) INTO of_evaluate
    FROM reco.evaluate('next_events', algorithm, split => 'next_item', cut => '2026-01-02 07:00', cutoffs => '{3}', unknown => 'miss') AS e
   WHERE metric IN ('hit_rate', 'mrr') AND e.algorithm NOT LIKE 'popular%';
  RETURN nullif(format('%s, of %s', of_evaluate, nullif(n, 0)), format('hit_rate %s, mrr %s, of %s', round(hits, 6), round(rr, 6), n));
END $$;
SELECT a, d FROM unnest(ARRAY[
  reco.sequence(), reco.session_knn(), reco.session_linear(), reco.repeat(), reco.item_knn(), reco.user_knn(), reco.rp3beta(),
  reco.ease(), reco.ials(factors => 4), reco.svd(factors => 4), reco.graph(),
  reco.hybrid(ARRAY[reco.sequence(), reco.user_knn()], weights => '{1,2}')]) AS a, next_differs(a) AS d
 WHERE d IS NOT NULL;

-- reco.tune goes by it, too
SELECT rank, call, round(value::numeric, 4) AS value FROM reco.tune('next_rows', ARRAY[reco.sequence(), reco.sequence(steps => 1)],
  split => 'next_item', test_fraction => 0.45, metric => 'mrr@2');

-- No more than 100 of a user's times are asked for, the last ones
SET client_min_messages = notice;
SELECT metric, value > 0 AS found, users FROM reco.evaluate($$SELECT u, (k * k + u) % 17, 1, u * 1000 + k
    FROM generate_series(1, 4) AS u, generate_series(1, 150) AS k WHERE u = 4 OR k < 20$$, reco.sequence(), split => 'next_item')
 WHERE metric = 'hit_rate' AND algorithm LIKE 'seq%';

-- what cannot be
SELECT * FROM reco.evaluate('SELECT u, i FROM next_rows', reco.sequence(), split => 'next_item');
SELECT * FROM reco.evaluate('SELECT u, i, w, NULL::timestamptz FROM next_rows', reco.sequence(), split => 'next_item');
SELECT * FROM reco.evaluate('SELECT u, i, w, date ''2026-01-01'' + u FROM next_rows', reco.sequence(), split => 'next_item');
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', cut => '2026-01-01');
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', cut => '2027-01-01');
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', test_fraction => NULL);
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', test => 'next_rows');
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next');
