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
-- one comes again, a after a b c, which brings d, c by b, a by b, b; b after a and c after a b are
-- new and among the first two, and a after c e, which brings d, then what is popular: b c a
SELECT metric, k, round(value::numeric, 4) AS value, users
  FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', test_fraction => 0.45, cutoffs => '{2,3,4}')
 WHERE metric ~ 'recall_' AND algorithm ~ 'sequence' ORDER BY metric, k;
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

-- A version is measured by it where all that it is made of is about what comes next; and reco.auto()
-- chooses by it where that is asked, or sessions are cut, among algorithms that go by the order:
-- each item brings the next of a ring
SET client_min_messages = warning;
CREATE TABLE next_ring AS
SELECT s, s / 2 AS u, (s * 7 + s / 9 + k) % 40 AS i, timestamptz '2026-01-01' + s * interval '1 hour' + k * interval '1 minute' AS at
  FROM generate_series(0, 299) AS s, generate_series(1, 5) AS k;
CALL reco.create_model('next_one', 'SELECT s, i, 1, at FROM next_ring', reco.sequence(steps => 1));
CALL reco.create_model('next_two', 'SELECT s, i, 1, at FROM next_ring', reco.hybrid(ARRAY[reco.sequence(), reco.session_knn()], weights => '{1,1}'));
CALL reco.create_model('next_mix', 'SELECT s, i, 1, at FROM next_ring', reco.hybrid(ARRAY[reco.sequence(), reco.item_knn()], weights => '{1,1}'));
SELECT metrics ->> 'split' AS split, round((metrics ->> 'ndcg@10')::numeric, 6) = (SELECT round(value::numeric, 6)
    FROM reco.evaluate('SELECT s, i, 1, at FROM next_ring', reco.sequence(steps => 1), split => 'next_item') WHERE metric = 'ndcg' AND algorithm ~ 'sequence') AS equal FROM next_one.versions;
SELECT a.metrics ->> 'split' AS members, b.metrics ->> 'split' AS mixed FROM next_two.versions AS a, next_mix.versions AS b;
CALL reco.refresh('next_one', guard => 'mrr@10 >= 0.9 * current');
SELECT version, active, metrics ? 'mrr@10' AS mrr FROM next_one.versions ORDER BY 1;
CALL reco.create_model('next_auto', 'SELECT s, i, 1, at FROM next_ring', reco.auto(split => 'next_item', metric => 'mrr@10'));
CALL reco.create_model('next_cut', 'SELECT u, i, 1, at FROM next_ring', options => reco.options(session_gap => '30 minutes'));
CALL reco.create_model('next_whole', 'SELECT u, i, 1, at FROM next_ring');
CREATE FUNCTION next_tried(versions regclass) RETURNS TABLE (algorithm text, split text, sessions bigint, best boolean) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$SELECT split_part(v.algorithm, '(', 1), v.metrics ->> 'split', count(*) FILTER (WHERE t ->> 'algorithm' ~ '^reco.se'),
      max((t ->> 'value')::float8) FILTER (WHERE t ->> 'algorithm' ~ '^reco.se') > max((t ->> 'value')::float8) FILTER (WHERE t ->> 'algorithm' !~ '^reco.(se|hybrid)')
    FROM %s AS v, jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') AS t GROUP BY v.version, 1, 2$q$, versions);
END $$;
SELECT * FROM next_tried('next_auto.versions');
SELECT * FROM next_tried('next_cut.versions');
SELECT * FROM next_tried('next_whole.versions');
-- kept and measured again likewise; and within an evaluation
CALL reco.refresh('next_cut', guard => 'ndcg@10 >= 0.9 * current');
SELECT version, active, metrics ->> 'split' AS split, choice ->> 'state' AS state FROM next_cut.versions ORDER BY 1;
SELECT algorithm, value > 0.5 AS good FROM reco.evaluate('SELECT s, i, 1, at FROM next_ring', reco.auto(split => 'next_item', candidates => ARRAY[reco.sequence(), reco.item_knn()], fuse => false),
  split => 'next_item') WHERE metric = 'mrr' ORDER BY 1;
-- weights that are open are found by what is hidden of users who are known
CALL reco.create_model('next_open', 'SELECT u, i, 1, at FROM next_ring', reco.hybrid(ARRAY[reco.sequence(), reco.session_knn()]), options => reco.options(session_gap => '30 minutes'));
SELECT metrics ->> 'split' AS split, choice #>> '{choices,0,split}' AS weighed_by FROM next_open.versions;
CALL reco.create_model('next_few', 'SELECT u, i, 1, at FROM next_ring WHERE s < 20', reco.sequence());
SELECT metrics ->> 'split' AS split FROM next_few.versions;
CALL reco.create_model('next_no', 'SELECT u, i FROM next_ring', reco.auto(split => 'next_item'));
DROP SCHEMA next_one, next_two, next_mix, next_auto, next_cut, next_whole, next_open, next_few CASCADE;
DROP TABLE next_ring;
DROP FUNCTION next_tried;
SET client_min_messages = notice;

-- what cannot be
SELECT * FROM reco.evaluate('SELECT u, i FROM next_rows', reco.sequence(), split => 'next_item');
SELECT * FROM reco.evaluate('SELECT u, i, w, NULL::timestamptz FROM next_rows', reco.sequence(), split => 'next_item');
SELECT * FROM reco.evaluate('SELECT u, i, w, date ''2026-01-01'' + u FROM next_rows', reco.sequence(), split => 'next_item');
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', cut => '2026-01-01');
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', cut => '2027-01-01');
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', test_fraction => NULL);
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next_item', test => 'next_rows');
SELECT * FROM reco.evaluate('next_rows', reco.sequence(), split => 'next');
