--
-- Models with noise: factors of reco.svd, which items there are, and who is told what.
--
\set SHOW_CONTEXT never
SET reco.threads = 1;  -- what is trained here is tiny

-- Two groups of users, each with items of its own, and items 101 to 130 of one user each.
CREATE TABLE pvt_groups AS
  SELECT u, i, 1 AS v, '2026-03-01'::timestamptz + u * '1 hour'::interval AS at FROM generate_series(1, 3000) u, generate_series(1, 20) i
   WHERE u % 2 = i % 2 AND hashint4(u * 64 + i) % 3 <> 0
  UNION ALL SELECT i, i, 1, '2026-06-01' FROM generate_series(101, 130) i;
SET client_min_messages = warning;
CALL reco.create_model('pvt', 'pvt_groups', reco.private(reco.svd(factors => 2), epsilon => 2, delta => 1e-6, budget => 100), options => reco.options(live => 'off'));
CALL reco.create_model('pvt_knn', 'pvt_groups', reco.private(reco.item_knn(), epsilon => 2, delta => 1e-6, item_ids => 'known'), options => reco.options(live => 'off'));
CALL reco.create_model('pvt_count', 'pvt_groups', reco.private(reco.popular(), epsilon => 90, delta => 0.001, max_items => 12, budget => 1000), options => reco.options(live => 'off'));
RESET client_min_messages;
SELECT count(*) FILTER (WHERE source = 'model' AND u % 2 = item_id % 2) >= 35 AS of_their_own FROM generate_series(1, 40) u, pvt.recommend(u, 1) r;
SELECT count(*) FILTER (WHERE i % 2 = item_id % 2) >= 54 AS alike, count(*) FROM generate_series(1, 20) i, pvt.similar_items(i, 3) s;
-- a factor for each group at least; users' are sums of items'
SELECT count(*) FILTER (WHERE factors[1] <> 0 AND factors[2] <> 0) AS in_two FROM pvt.item_factors;
SELECT bool_and(abs(f.factors[k] - coalesce(s, 0)) < 1e-4) AS same, count(*)
  FROM pvt.user_factors f CROSS JOIN generate_series(1, 2) k
  LEFT JOIN LATERAL (SELECT sum(i.factors[k]) AS s FROM pvt_groups g JOIN pvt.item_factors i ON item_id = g.i WHERE g.u = user_id) AS of ON true
 WHERE user_id <= 200;
SELECT algorithm, epsilon, delta, loss, member_loss, metrics FROM pvt.versions;
-- the views show what the member has
SELECT count(*) > 50 AS some, bool_and((n.item_id, n.neighbor_id, n.similarity) = (n.item_id, s.item_id, s.similarity)) AS same
  FROM pvt_knn.item_neighbors n FULL JOIN (SELECT i, s.* FROM generate_series(1, 130) i, pvt_knn.similar_items(i, 100) s) AS s ON s.i = n.item_id AND s.rank = n.rank;

-- Which items there are: of those that one user has nothing is told, anywhere.
CREATE FUNCTION pvt_told_of() RETURNS TABLE (by text, told bigint) LANGUAGE sql AS $$
SELECT 'recommend', count(*) FROM generate_series(1, 130) u, pvt.recommend(u, NULL, include_seen => true) WHERE item_id > 100
UNION ALL SELECT 'recommend_for', count(*) FROM generate_series(101, 130) i, pvt.recommend_for(ARRAY[i], NULL, include_basket => true) WHERE item_id > 100
UNION ALL SELECT 'by what is not told', count(*) FROM pvt.recommend_for(ARRAY[101, 102], NULL) WHERE source = 'model'
UNION ALL SELECT 'rerank', count(score) FROM generate_series(1, 20) u, pvt.rerank(u, ARRAY(SELECT generate_series(101, 130)))
UNION ALL SELECT 'explain', count(*) FROM generate_series(101, 130) u, generate_series(1, 20) i, pvt.explain(u, i) WHERE because_item > 100
UNION ALL SELECT 'explained', count(*) FROM generate_series(101, 130) i, pvt.explain(i, i)
UNION ALL SELECT 'similar_items', count(*) FROM generate_series(1, 20) i, pvt.similar_items(i, NULL) WHERE item_id > 100
UNION ALL SELECT 'similar to', count(*) FROM generate_series(101, 130) i, pvt.similar_items(i, NULL)
UNION ALL SELECT 'bought_together', count(*) FROM generate_series(1, 20) i, pvt.bought_together(i, NULL, min_support => 1) WHERE item_id > 100
UNION ALL SELECT 'together with', count(*) FROM generate_series(101, 130) i, pvt.bought_together(i, NULL, min_support => 1)
UNION ALL SELECT 'audience', count(*) FROM generate_series(101, 130) i, pvt.audience(i, NULL)
UNION ALL SELECT 'predict', count(pvt.predict(u, i)) FROM generate_series(1, 20) u, generate_series(101, 130) i
UNION ALL SELECT 'popular', count(*) FROM pvt.popular(NULL) WHERE item_id > 100
UNION ALL SELECT 'popular with noise', count(*) FROM pvt_count.popular(NULL) WHERE item_id > 100
UNION ALL SELECT 'trending', count(*) FROM pvt.trending(NULL)
UNION ALL SELECT 'item_factors', count(*) FROM pvt.item_factors WHERE item_id > 100
UNION ALL SELECT 'item_neighbors', count(*) FROM pvt.item_neighbors WHERE greatest(item_id, neighbor_id) > 100
UNION ALL SELECT 'recommendations', count(*) FROM pvt.recommendations WHERE item_id > 100
$$;
SET client_min_messages = warning;
CALL reco.materialize('pvt', 30);
RESET client_min_messages;
SELECT * FROM pvt_told_of() WHERE told > 0;
SELECT count(*) FROM pvt.popular(NULL);
SELECT count(*), bool_and(abs(score - n) < 3) AS close FROM pvt_count.popular(NULL) JOIN (SELECT i, count(*) AS n FROM pvt_groups GROUP BY i) c ON i = item_id;
SELECT options->>'min_users_per_item' AS least FROM pvt_count.versions;
-- where they are known they are served
SELECT count(*) FROM pvt_knn.popular(NULL);
SELECT options->>'min_users_per_item' AS least FROM pvt_knn.versions;
-- fewer users, more noise, a delta below: nothing of few is left
SELECT (options->>'min_users_per_item')::int BETWEEN 100 AND 1000 AS far FROM pvt.versions;
-- who leaves changes no count, and who came is folded in
CREATE TABLE pvt_before AS SELECT item_id, interactions FROM pvt.item_factors;
DELETE FROM pvt_groups WHERE u = 7;
INSERT INTO pvt_groups VALUES (4000, 1, 1, '2026-07-01'), (4000, 3, 1, '2026-07-01'), (4000, 101, 1, '2026-07-01'), (8, 1, 1, '2026-07-01');
CALL reco.forget_user('pvt', 7);
SELECT count(*) FROM (SELECT item_id, interactions FROM pvt.item_factors EXCEPT TABLE pvt_before) AS x;
CALL reco.fold_in('pvt');
SELECT count(*) FROM (SELECT item_id, interactions FROM pvt.item_factors EXCEPT TABLE pvt_before) AS x;
SELECT bool_and(item_id % 2 = 1) FROM pvt.recommend(4000, 5);
SELECT folded_in_users, drift IS NOT NULL AS drifts FROM pvt.versions;
SELECT * FROM pvt_told_of() WHERE told > 0;
SELECT count(*) FROM pvt.popular(NULL);

-- Who may be told what: counts of all users without noise take the right to read the users.
CREATE ROLE regress_pvt_reader;
CREATE TABLE pvt_reach (function text);
INSERT INTO pvt_reach VALUES ('popular(3)'), ('trending(3)'), ('recommend(1, 3)'), ('recommend_for(ARRAY[1], 3)'), ('similar_items(1, 3)'),
  ('rerank(1, ARRAY[2, 3])'), ('explain(1, 3)'), ('user_profile(1)'), ('audience(1, 3)'), ('similar_users(1, 3)'), ('bought_together(1, 3)'),
  ('growth()'), ('demand()');
GRANT SELECT ON pvt_reach TO regress_pvt_reader;
CREATE FUNCTION pvt_may(model text, call text) RETURNS text LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
  EXECUTE format('SELECT count(*) FROM %I.%s', model, call);
  RETURN 'told';
EXCEPTION WHEN insufficient_privilege THEN RETURN 'refused';
          WHEN OTHERS THEN RETURN 'not here';
END
$$;
CALL reco.grant_use('pvt', 'regress_pvt_reader');
SET ROLE regress_pvt_reader;
SELECT pvt_may('pvt', function) AS may, string_agg(function, ', ') FROM pvt_reach GROUP BY 1 ORDER BY 1;
SELECT * FROM pvt.bought_together(1, 3);
SELECT reco.serve_growth('pvt', 0, '{}');
SELECT count(*) FROM reco.models WHERE model = 'pvt';
SELECT count(*) FROM pvt.versions;
SELECT count(*) FROM reco.summary('pvt');
SELECT length(reco.report('pvt'));
SELECT reco.describe('pvt');
RESET ROLE;
CALL reco.grant_use('pvt', 'regress_pvt_reader', tables => true);
SET ROLE regress_pvt_reader;
SELECT pvt_may('pvt', function) AS may, string_agg(function, ', ') FROM pvt_reach GROUP BY 1 ORDER BY 1;
RESET ROLE;
SET client_min_messages = warning;
CALL reco.alter_model('pvt_knn', algorithm => reco.item_knn());
CALL reco.refresh('pvt_knn');
RESET client_min_messages;
CALL reco.grant_use('pvt_knn', 'regress_pvt_reader');
SET ROLE regress_pvt_reader;
SELECT pvt_may('pvt_knn', function) AS may, string_agg(function, ', ') FROM pvt_reach GROUP BY 1 ORDER BY 1;
RESET ROLE;
CALL reco.revoke_use('pvt', 'regress_pvt_reader');
CALL reco.revoke_use('pvt_knn', 'regress_pvt_reader');

-- What does not go.
SELECT reco.private(reco.svd(), item_ids => 'threshold');
SELECT reco.private(reco.svd(), delta => 1e-6, item_ids => 'guess');
SELECT reco.private(reco.svd(), delta => 4.9e-324);
SELECT reco.describe(reco.private(reco.svd(factors => 3), delta => 1e-6));
CALL reco.create_model('pvt_none', 'pvt_groups', reco.private(reco.svd(), epsilon => 0.001, delta => 1e-300, max_items => 10000));
-- nothing is clear of the noise: nothing of one's own, what is popular, or not even that
SET client_min_messages = warning;
CALL reco.create_model('pvt_none', 'SELECT u, i FROM pvt_groups WHERE u < 30', reco.private(reco.svd(), epsilon => 0.1, delta => 1e-9), options => reco.options(live => 'off'));
CALL reco.create_model('pvt_some', 'SELECT u, i FROM pvt_groups WHERE u < 30', reco.private(reco.svd(), epsilon => 0.1, delta => 1e-9, item_ids => 'known'), options => reco.options(live => 'off'));
RESET client_min_messages;
SELECT count(*) FROM pvt_none.recommend(1, 5);
SELECT count(*), min(source) FROM pvt_some.recommend(1, 5);
SELECT count(*) FROM pvt_none.item_factors;
CALL reco.drop_model('pvt_none');
CALL reco.drop_model('pvt_some');
CALL reco.drop_model('pvt');
CALL reco.drop_model('pvt_knn');
CALL reco.drop_model('pvt_count');
DROP FUNCTION pvt_told_of(), pvt_may(text, text);
DROP TABLE pvt_groups, pvt_before, pvt_reach;
DROP ROLE regress_pvt_reader;

-- An audit from the outside, as in test_privacy: a user who has all that the others have, and two
-- items of their own.  How alike items are by their factors, and how many users items have, is told
-- with the user at most exp(epsilon) times as often, or as rarely; of the user's own items nothing.
CREATE TABLE pvt_rows AS SELECT u, i FROM generate_series(1, 100) u, generate_series(1, 3) i WHERE u > 30 OR i = 1;
SET client_min_messages = warning;
CALL reco.create_model('pvt', 'pvt_rows', reco.private(reco.svd(factors => 3), epsilon => 4, delta => 0.001, max_items => 3, budget => 1000000), options => reco.options(live => 'off', keep_versions => 1));
CREATE TABLE pvt_told (with_one bool, users real, size real, own int);
CREATE PROCEDURE pvt_train(with_one bool, times int) LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM pvt_rows WHERE u = 101;
  IF with_one THEN
    INSERT INTO pvt_rows SELECT 101, generate_series(1, 5);
  END IF;
  FOR t IN 1 .. times LOOP
    CALL reco.refresh('pvt');
    INSERT INTO pvt_told
      SELECT with_one, (SELECT sum(score) FROM pvt.popular(10)),
             (SELECT sum(x::float8 * x) FROM pvt.item_factors, unnest(factors) AS x), (SELECT count(*) FROM pvt.popular(10) WHERE item_id > 3);
  END LOOP;
END
$$;
CALL pvt_train(true, 300);
CALL pvt_train(false, 300);
RESET client_min_messages;
SELECT sum(own) AS own_items_told FROM pvt_told;
WITH middle AS (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY users) AS users, percentile_cont(0.5) WITHIN GROUP (ORDER BY size) AS size FROM pvt_told),
     seen AS (SELECT with_one, count(*)::float8 AS n, count(*) FILTER (WHERE t.users > m.users)::float8 AS u, count(*) FILTER (WHERE t.size > m.size)::float8 AS s
                FROM pvt_told t, middle m GROUP BY 1),
     loss AS (SELECT abs(ln((w.u / w.n) / (o.u / o.n))) AS users, sqrt((1 - w.u / w.n) / w.u + (1 - o.u / o.n) / o.u) AS users_deviation,
                     abs(ln((w.s / w.n) / (o.s / o.n))) AS size, sqrt((1 - w.s / w.n) / w.s + (1 - o.s / o.n) / o.s) AS size_deviation
                FROM seen w, seen o WHERE w.with_one AND NOT o.with_one)
SELECT users - 5 * users_deviation <= 4 AS users_within, size - 5 * size_deviation <= 4 AS size_within, greatest(users_deviation, size_deviation) < 0.3 AS told FROM loss;
SELECT count(DISTINCT size) > 100 AS differs, bool_and(size BETWEEN 0 AND 3) AS told FROM pvt_told;
CALL reco.drop_model('pvt');
DROP TABLE pvt_rows, pvt_told;
DROP PROCEDURE pvt_train;
