--
-- Privacy: items of few people, noise.
--
\set SHOW_CONTEXT never
SET reco.threads = 1;  -- what is trained here is tiny

-- min_users_per_item counts people who are left when all other rules have been applied.  Users
-- with fewer than 3 items go first, then items of fewer than 4 of these, and whoever is left
-- without any; that by plain SQL.
CREATE TABLE prv_rows AS SELECT u, i, 1 AS v, '2026-01-01'::timestamptz + u * '1 hour'::interval + i * '1 day'::interval AS at
  FROM generate_series(1, 60) AS u, generate_series(1, 24) AS i WHERE hashint4(u * 100 + i) % i = 0;
CREATE TABLE prv_items AS SELECT i, ARRAY['t' || i % 3] AS tags FROM generate_series(1, 30) AS i;
CREATE VIEW prv_expected AS
  WITH users AS (SELECT u FROM prv_rows GROUP BY u HAVING count(DISTINCT i) >= 3)
  SELECT i, count(DISTINCT u) AS people FROM prv_rows JOIN users USING (u) GROUP BY i;
SELECT count(*) FILTER (WHERE people < 4) > 2 AS some_go, count(*) FILTER (WHERE people >= 4) > 2 AS some_stay FROM prv_expected;
SET client_min_messages = warning;
CALL reco.create_model('prv', 'prv_rows', reco.item_knn(), items => 'prv_items',
  options => reco.options(min_user_interactions => 3, min_users_per_item => 4, measure => false));
RESET client_min_messages;
SELECT (SELECT array_agg(ROW(item_id, interactions) ORDER BY item_id) FROM prv.item_factors)
     = (SELECT array_agg(ROW(i, people::int) ORDER BY i) FROM prv_expected WHERE people >= 4) AS same;
SELECT rows_skipped FROM prv.versions;
SELECT (rows_skipped->>'items_dropped')::int = (SELECT count(DISTINCT i) FROM prv_rows) - items AS items_told,
       (rows_skipped->>'users_dropped')::int = (SELECT count(DISTINCT u) FROM prv_rows) - users AS users_told FROM prv.versions;
-- in no answer
CREATE VIEW prv_rare AS SELECT DISTINCT i FROM prv_rows EXCEPT SELECT i FROM prv_expected WHERE people >= 4;
SELECT 'recommend' AS by, count(*) FROM generate_series(1, 60) u, prv.recommend(u, NULL, include_seen => true) r JOIN prv_rare ON i = item_id
UNION ALL SELECT 'recommend_for', count(*) FROM prv.recommend_for(ARRAY(SELECT i FROM prv_rare), NULL) r JOIN prv_rare ON i = item_id
UNION ALL SELECT 'explain', count(*) FROM generate_series(1, 60) u, generate_series(1, 24) o, prv.explain(u, o) JOIN prv_rare ON i = because_item
UNION ALL SELECT 'explained', count(*) FROM generate_series(1, 60) u, prv_rare, prv.explain(u, i)
UNION ALL SELECT 'similar_items', count(*) FROM generate_series(1, 24) o, prv.similar_items(o, NULL) JOIN prv_rare ON i = item_id
UNION ALL SELECT 'similar to', count(*) FROM prv_rare, prv.similar_items(i, NULL)
UNION ALL SELECT 'audience', count(*) FROM prv_rare, prv.audience(i, NULL)
UNION ALL SELECT 'predict', count(prv.predict(u, i)) FROM generate_series(1, 60) u, prv_rare
UNION ALL SELECT 'popular', count(*) FROM prv.popular(NULL) JOIN prv_rare ON i = item_id
UNION ALL SELECT 'trending', count(*) FROM prv.trending(NULL) JOIN prv_rare ON i = item_id;
SELECT reco.options(min_users_per_item => 0);

-- As users leave, items fall below: nothing is told of these any more, and of the others what was.
SET client_min_messages = warning;
CALL reco.alter_model('prv', options => reco.options(min_user_interactions => 3, min_users_per_item => 4, measure => false, keep_versions => 3));
CALL reco.refresh('prv');
CALL reco.materialize('prv', 20);
CREATE TABLE prv_before AS SELECT item_id, interactions FROM prv.item_factors;
CREATE TABLE prv_lists AS SELECT user_id, array_agg(item_id ORDER BY rank) AS items, array_agg(score ORDER BY rank) AS scores, count(*) FILTER (WHERE source <> 'popular') AS by_model FROM prv.recommendations GROUP BY 1;
SELECT min(u) AS leaves FROM prv_rows JOIN (SELECT item_id FROM prv_before WHERE interactions = 4 ORDER BY 1 LIMIT 1) AS few ON i = item_id
 WHERE u IN (SELECT u FROM prv_rows GROUP BY 1 HAVING count(*) >= 3) \gset
CREATE TABLE prv_fell AS SELECT i FROM prv_rows JOIN prv_before ON i = item_id WHERE u = :leaves AND interactions = 4;
CALL reco.segment('prv', k => 2, features => 'SELECT u, bool_or(i IN (SELECT i FROM prv_fell))::int::float8 AS n FROM prv_rows GROUP BY 1');
SELECT count(*) > 0 AS some_fall, (SELECT count(*) FROM prv_before WHERE interactions > 4) > 2 AS some_stay,
       (SELECT count(*) FROM prv_lists WHERE items && ARRAY(SELECT i FROM prv_fell)) > 0 AS in_lists FROM prv_fell;
CREATE TABLE prv_segments AS SELECT * FROM prv.segment_items;
RESET client_min_messages;
CREATE FUNCTION prv_told_of() RETURNS TABLE (by text, told bigint) LANGUAGE sql AS $$
SELECT 'recommend', count(*) FROM generate_series(1, 60) u, prv.recommend(u, NULL, include_seen => true) r JOIN prv_fell ON i = item_id
UNION ALL SELECT 'recommend_for', count(*) FROM prv.recommend_for(ARRAY(SELECT i FROM prv_fell), NULL) r JOIN prv_fell ON i = item_id
UNION ALL SELECT 'by what fell', count(*) FROM prv.recommend_for(ARRAY(SELECT i FROM prv_fell), NULL) r WHERE source = 'model'
UNION ALL SELECT 'rerank', count(score) FROM generate_series(1, 60) u, prv.rerank(u, ARRAY(SELECT i FROM prv_fell))
UNION ALL SELECT 'explain', count(*) FROM generate_series(1, 60) u, generate_series(1, 24) o, prv.explain(u, o) JOIN prv_fell ON i = because_item
UNION ALL SELECT 'explained', count(*) FROM generate_series(1, 60) u, prv_fell, prv.explain(u, i)
UNION ALL SELECT 'similar_items', count(*) FROM generate_series(1, 24) o, prv.similar_items(o, NULL) JOIN prv_fell ON i = item_id
UNION ALL SELECT 'similar to', count(*) FROM prv_fell, prv.similar_items(i, NULL)
UNION ALL SELECT 'bought_together', count(*) FROM generate_series(1, 24) o, prv.bought_together(o, NULL) JOIN prv_fell ON i = item_id
UNION ALL SELECT 'together with', count(*) FROM prv_fell, prv.bought_together(i, NULL)
UNION ALL SELECT 'audience', count(*) FROM prv_fell, prv.audience(i, NULL)
UNION ALL SELECT 'predict', count(prv.predict(u, i)) FROM generate_series(1, 60) u, prv_fell
UNION ALL SELECT 'popular', count(*) FROM prv.popular(NULL) JOIN prv_fell ON i = item_id
UNION ALL SELECT 'trending', count(*) FROM prv.trending(NULL) JOIN prv_fell ON i = item_id
UNION ALL SELECT 'item_factors', count(*) FROM prv.item_factors JOIN prv_fell ON i = item_id
UNION ALL SELECT 'item_neighbors', count(*) FROM prv.item_neighbors JOIN prv_fell ON i IN (item_id, neighbor_id)
UNION ALL SELECT 'recommendations', count(*) FROM prv.recommendations JOIN prv_fell ON i = item_id
UNION ALL SELECT 'segment_items', count(*) FROM prv.segment_items JOIN prv_fell ON i = item_id
$$;
SELECT array_agg(by) AS told_before FROM prv_told_of() WHERE told > 0;
\set VERBOSITY terse
SELECT array_agg(i) AS left FROM prv_rows WHERE u = :leaves \gset
DELETE FROM prv_rows WHERE u = :leaves;
CALL reco.forget_user('prv', :leaves);
\set VERBOSITY default
SELECT * FROM prv_told_of();
-- the others are there, with the users that they have; lists are what they were without what fell
SELECT count(*) FILTER (WHERE f.interactions = b.interactions - (b.item_id = ANY (:'left'))::int) = count(*) AS same
  FROM prv_before AS b LEFT JOIN prv.item_factors AS f USING (item_id) WHERE b.item_id NOT IN (SELECT i FROM prv_fell);
SELECT count(*) > 0 AS some, bool_and((n.items, n.scores, n.by_model) = (o.items, o.scores, o.by_model)) AS same
  FROM (SELECT user_id, array_agg(e.item ORDER BY e.rank) AS items, array_agg(e.score ORDER BY e.rank) AS scores, count(*) FILTER (WHERE e.rank <= by_model) AS by_model
          FROM prv_lists, unnest(items, scores) WITH ORDINALITY AS e(item, score, rank) WHERE user_id <> :leaves AND e.item NOT IN (SELECT i FROM prv_fell) GROUP BY 1) AS o
  FULL JOIN (SELECT user_id, array_agg(item_id ORDER BY rank) AS items, array_agg(score ORDER BY rank) AS scores, count(*) FILTER (WHERE source <> 'popular') AS by_model FROM prv.recommendations GROUP BY 1) AS n USING (user_id);
SELECT count(*) FROM (SELECT segment, item_id, share, lift FROM prv_segments WHERE item_id NOT IN (SELECT i FROM prv_fell) EXCEPT SELECT segment, item_id, share, lift FROM prv.segment_items) AS x;
SET client_min_messages = warning;
CALL reco.materialize('prv', 20);
CALL reco.segment('prv', k => 2, features => 'SELECT u, bool_or(i IN (SELECT i FROM prv_fell))::int::float8 AS n FROM prv_rows GROUP BY 1');
SELECT sum(told) FROM prv_told_of();
-- of the version before as well; a refresh has it so by itself
CALL reco.activate('prv', 1);
SELECT sum(told) FROM prv_told_of();
CALL reco.refresh('prv');
SELECT sum(told) FROM prv_told_of();
RESET client_min_messages;
DROP FUNCTION prv_told_of();
DROP TABLE prv_before, prv_lists, prv_fell, prv_segments;
CALL reco.drop_model('prv');
DROP VIEW prv_rare, prv_expected;
DROP TABLE prv_rows, prv_items;

-- Noise.  An audit: the same training many times with and without one user, who has both of the two
-- items that count.  How much more often both counts are large with the user than without bounds
-- from below what an onlooker learns, within five standard deviations; it is not above epsilon,
-- which it reaches where the noise is no more than it must be.
CREATE TABLE prv_rows AS SELECT u, i FROM generate_series(1, 10) u, generate_series(1, 2) i;
SET client_min_messages = warning;
CALL reco.create_model('prv', 'prv_rows', reco.private(reco.popular(), epsilon => 1, max_items => 2, budget => 1000000), options => reco.options(live => 'off', keep_versions => 1));
CREATE TABLE prv_told (with_one bool, a real, b real);
CREATE PROCEDURE prv_train(with_one bool, times int) LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM prv_rows WHERE u = 11;
  IF with_one THEN
    INSERT INTO prv_rows VALUES (11, 1), (11, 2);
  END IF;
  FOR t IN 1 .. times LOOP
    CALL reco.refresh('prv');
    INSERT INTO prv_told SELECT with_one, max(score) FILTER (WHERE item_id = 1), max(score) FILTER (WHERE item_id = 2) FROM prv.popular(10);
  END LOOP;
END
$$;
CALL prv_train(true, 300);
CALL prv_train(false, 300);
RESET client_min_messages;
WITH large AS (SELECT with_one, count(*)::float8 AS n, count(*) FILTER (WHERE a >= 11 AND b >= 11)::float8 AS k FROM prv_told GROUP BY with_one),
     loss AS (SELECT ln((w.k / w.n) / (o.k / o.n)) AS measured, sqrt((1 - w.k / w.n) / w.k + (1 - o.k / o.n) / o.k) AS deviation
                FROM large w, large o WHERE w.with_one AND NOT o.with_one)
SELECT measured - 5 * deviation <= 1 AS within_epsilon, measured + 5 * deviation >= 1 AS reaches_it, deviation < 0.2 AS told FROM loss;
SELECT count(DISTINCT (a, b)) > 50 AS differs FROM prv_told;
-- all that is told of items is of these counts
SELECT count(*) FILTER (WHERE i.interactions <> coalesce(p.score, 0)) AS other, count(*) AS items FROM prv.item_factors i LEFT JOIN prv.popular(10) p USING (item_id);
SELECT bool_and(epsilon = 1) AS recorded, bool_and(metrics IS NULL) AS unmeasured, count(*) FROM prv.versions;

-- The budget is for all trainings together; one that fails tells nothing.
CALL reco.drop_model('prv');
CALL reco.create_model('prv', 'prv_rows', reco.private(reco.popular(), epsilon => 0.7, budget => 2), options => reco.options(live => 'off'));
CALL reco.refresh('prv');
CALL reco.refresh('prv');
SELECT version, status, epsilon FROM prv.versions ORDER BY version;
CALL reco.alter_model('prv', algorithm => reco.private(reco.popular(), epsilon => 0.6, budget => 2));
CALL reco.refresh('prv');
CALL reco.refresh('prv');
SELECT round(sum(epsilon)::numeric, 6) FROM prv.versions;

-- What does not go.
SELECT reco.private(reco.ials());
SELECT reco.private(reco.bpr(), delta => 1e-6);
SELECT reco.private(reco.item_knn(weighting => 'tf-idf'));
SELECT reco.private(reco.item_knn('lift'), delta => 1e-6);
SELECT reco.private(reco.item_knn('pearson'), delta => 1e-6);
SELECT reco.private(reco.item_knn(biases => true), delta => 1e-6);
SELECT reco.private(reco.ease(), delta => 1);
SELECT reco.private(reco.hybrid(ARRAY[reco.popular()]));
SELECT reco.private(reco.popular(), epsilon => 0);
SELECT reco.private(reco.popular(), epsilon => 11);
CALL reco.alter_model('prv', algorithm => reco.private(reco.popular()), options => reco.options(min_users_per_item => 2));
CALL reco.refresh('prv');
CALL reco.alter_model('prv', algorithm => reco.hybrid(ARRAY[reco.private(reco.popular()), reco.ials(4)]), options => reco.options());
CALL reco.refresh('prv');
CALL reco.drop_model('prv');
-- a user counts for max_items items at most: the counts of one with 200 items add up to about 5
CREATE TABLE prv_long AS SELECT 1 AS u, i FROM generate_series(1, 200) i;
CALL reco.create_model('prv', 'prv_long', reco.private(reco.popular(), epsilon => 100, max_items => 5, budget => 100), options => reco.options(live => 'off'));
SELECT sum(score) BETWEEN 4 AND 8 AS clipped FROM prv.popular(200);
CALL reco.drop_model('prv');
DROP TABLE prv_rows, prv_long;

-- Products of items.  An audit as above: of what is told with and without a user who has all that
-- there is, the counts of three items and how similar they are; an event that the user makes
-- likelier, and one that the user makes less likely.
CREATE TABLE prv_rows AS SELECT u, i FROM generate_series(1, 40) u, generate_series(1, 3) i WHERE u > 10 OR i = 1;
SET client_min_messages = warning;
CALL reco.create_model('prv', 'prv_rows', reco.private(reco.item_knn(shrinkage => 0), epsilon => 2, delta => 0.001, max_items => 3, budget => 1000000, item_ids => 'known'), options => reco.options(live => 'off', keep_versions => 1));
DROP TABLE prv_told;
CREATE TABLE prv_told (with_one bool, a real, b real);
CREATE OR REPLACE PROCEDURE prv_train(with_one bool, times int) LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM prv_rows WHERE u = 41;
  IF with_one THEN
    INSERT INTO prv_rows VALUES (41, 1), (41, 2), (41, 3);
  END IF;
  FOR t IN 1 .. times LOOP
    CALL reco.refresh('prv');
    INSERT INTO prv_told SELECT with_one, sum(score), (SELECT avg(similarity) FROM prv.similar_items(1, 5)) FROM prv.popular(10);
  END LOOP;
END
$$;
CALL prv_train(true, 300);
CALL prv_train(false, 300);
RESET client_min_messages;
WITH seen AS (SELECT with_one, count(*)::float8 AS n, count(*) FILTER (WHERE a >= 101)::float8 AS k, count(*) FILTER (WHERE a < 101)::float8 AS l,
                     count(*) FILTER (WHERE b >= 0.85)::float8 AS s FROM prv_told GROUP BY with_one),
     loss AS (SELECT ln((w.k / w.n) / (o.k / o.n)) AS more, sqrt((1 - w.k / w.n) / w.k + (1 - o.k / o.n) / o.k) AS deviation,
                     ln((o.l / o.n) / (w.l / w.n)) AS less, sqrt((1 - w.l / w.n) / w.l + (1 - o.l / o.n) / o.l) AS less_deviation,
                     ln((w.s / w.n) / (o.s / o.n)) AS alike, sqrt((1 - w.s / w.n) / w.s + (1 - o.s / o.n) / o.s) AS alike_deviation
                FROM seen w, seen o WHERE w.with_one AND NOT o.with_one)
SELECT more - 5 * deviation <= 2 AS more_within, less - 5 * less_deviation <= 2 AS less_within, alike - 5 * alike_deviation <= 2 AS alike_within,
       greatest(deviation, less_deviation, alike_deviation) < 0.4 AS told FROM loss;
SELECT count(DISTINCT a) > 20 AS counts_differ, count(DISTINCT b) > 20 AS similarities_differ FROM prv_told;
SELECT bool_and(epsilon = 2 AND delta = 0.001) AS recorded, count(*) FROM prv.versions;
-- what was left open is chosen by the noise, not by the data; nothing else is told of that
SELECT algorithm FROM prv.versions ORDER BY version DESC LIMIT 1;
SELECT options->>'value' AS value FROM prv.versions ORDER BY version DESC LIMIT 1;
CALL reco.drop_model('prv');

-- Enough users, and noise is a small part of it: each of two groups has items of its own.
CREATE TABLE prv_groups AS SELECT u, i FROM generate_series(1, 3000) u, generate_series(1, 20) i WHERE u % 2 = i % 2 AND hashint4(u * 64 + i) % 3 <> 0;
SET client_min_messages = warning;
CALL reco.create_model('prv', 'prv_groups', reco.private(reco.item_knn(), epsilon => 2, delta => 1e-6), options => reco.options(live => 'off'));
CALL reco.create_model('prv_ease', 'prv_groups', reco.private(reco.ease(), epsilon => 2, delta => 1e-6), options => reco.options(live => 'off'));
CALL reco.create_model('prv_count', 'prv_groups', reco.private(reco.popular(), epsilon => 2, delta => 1e-6), options => reco.options(live => 'off'));
RESET client_min_messages;
SELECT count(*) FROM generate_series(1, 20) i, prv.similar_items(i, 9) s WHERE i % 2 <> item_id % 2;
SELECT count(*) FILTER (WHERE source = 'model' AND u % 2 = item_id % 2) >= 35 AS of_their_own
  FROM generate_series(1, 40) u, prv.recommend(u, 1) r;
SELECT count(*) FILTER (WHERE source = 'model' AND u % 2 = item_id % 2) >= 35 AS of_their_own
  FROM generate_series(1, 40) u, prv_ease.recommend(u, 1) r;
SELECT bool_and(abs(p.score - n) < 60) AS close FROM prv_count.popular(20) p JOIN (SELECT i, count(*) AS n FROM prv_groups GROUP BY i) c ON i = item_id;
SELECT bool_and(abs(f.interactions - n) < 300) AS close, count(*) FROM prv.item_factors f JOIN (SELECT i, count(*) AS n FROM prv_groups GROUP BY i) c ON i = item_id;
-- without delta the noise is that of a Laplace distribution, and far larger
SELECT reco.describe(reco.private(reco.ease(), max_items => 3));
SET client_min_messages = warning;
CALL reco.create_model('prv_pure', 'prv_groups', reco.private(reco.item_knn(), epsilon => 90, max_items => 3, budget => 100), options => reco.options(live => 'off'));
RESET client_min_messages;
SELECT count(*), (SELECT count(*) > 50 FROM generate_series(1, 20) i, prv_pure.similar_items(i, 9)) AS some FROM generate_series(1, 20) i, prv_pure.similar_items(i, 9) s WHERE i % 2 <> item_id % 2;
SELECT epsilon, delta FROM prv_pure.versions;
CALL reco.drop_model('prv_pure');
-- the budget holds for delta as well: as many times as epsilon has room for
CALL reco.alter_model('prv', algorithm => reco.private(reco.item_knn(), epsilon => 1, delta => 1e-9, budget => 1000), options => reco.options(live => 'off'));
CALL reco.refresh('prv');
CALL reco.alter_model('prv', algorithm => reco.private(reco.item_knn(), epsilon => 1, delta => 1e-6, budget => 1000), options => reco.options(live => 'off', value => 'cap'));
CALL reco.refresh('prv');
-- a regularization that is given is taken as it is
CALL reco.alter_model('prv_ease', algorithm => reco.private(reco.ease(regularization => 0.001, neighbors => 3), epsilon => 2, delta => 1e-6));
CALL reco.refresh('prv_ease');
CALL reco.drop_model('prv');
CALL reco.drop_model('prv_ease');
CALL reco.drop_model('prv_count');
-- nothing to train on
CREATE TABLE prv_empty (u int, i int);
CALL reco.create_model('prv', 'prv_empty', reco.private(reco.ease(), delta => 1e-6));
DROP TABLE prv_rows, prv_told, prv_groups, prv_empty;
DROP PROCEDURE prv_train;
