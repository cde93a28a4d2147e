--
-- reco.hybrid() and algorithms inside algorithms: values, and models against their members.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- values
SELECT reco.hybrid(ARRAY[reco.popular(), reco.svd(8)], weights => '{1, 0.5}');
SELECT reco.describe(reco.hybrid(ARRAY[reco.rp3beta(), reco.hybrid(ARRAY[reco.popular(), reco.svd(8)],
                                                                   normalization => 'rank')],
                                 weights => ARRAY[1, 0.5]));
SELECT reco.hybrid(members => NULL);
SELECT reco.hybrid('{}');
SELECT reco.hybrid(array_fill('{"algorithm": "popular"}'::reco.algorithm, ARRAY[17]));
SELECT reco.hybrid(ARRAY[reco.ials(), NULL]);
SELECT reco.hybrid(ARRAY[reco.ials(), reco.svd()], weights => '{1}');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.svd()], weights => '{0, 0}');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.svd()], weights => '{1, -1}');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.svd()], weights => '{1, NaN}');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.svd()], normalization => 'sum');
SELECT reco.hybrid(ARRAY[reco.content(), reco.content('{"a": 2}')]);
SELECT reco.hybrid(ARRAY[reco.ials()], combine => 'cascade');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.svd()], combine => 'switch');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.svd()], combine => 'cascade', candidates => 0);
-- rules
SELECT reco.describe(reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"max_history": 5, "use": "content"}, {"known": false, "min_history": 6, "use": ["ials", 2]}]'));
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"use": 2}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"max_history": 5, "use": "contnet"}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.ials(8)], rules => '[{"max_history": 5, "use": "ials"}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"max_history": 5, "use": 3}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"max_history": 5, "use": 1.5}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"max_history": 5, "use": {}}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"max_history": 5, "use": []}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"max_history": 5}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"max_history": -1, "use": 1}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"max_history": "5", "use": 1}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"min_history": 6, "max_history": 5, "use": 1}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"known": "no", "use": 1}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"history": 5, "use": 1}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[{"use": 1}, {"max_history": 5, "use": 2}]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '["content"]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '{"max_history": 5, "use": 1}');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '5');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => '[]');
SELECT reco.hybrid(ARRAY[reco.ials(), reco.content()], rules => jsonb_agg('{"use": 1, "max_history": 5}'::jsonb)) FROM generate_series(1, 33);
-- errors say which member
SELECT '{"algorithm": "hybrid", "members": [{"algorithm": "svd"}, {"algorithm": "ials", "factor": 3}]}'::reco.algorithm;
SELECT '{"algorithm": "hybrid", "members": [{"algorithm": "svd"}, 3]}'::reco.algorithm;
SELECT '{"algorithm": "hybrid", "members": [{"algorithm": "svd"}, []]}'::reco.algorithm;
SELECT '{"algorithm": "hybrid", "members": [null]}'::reco.algorithm;
SELECT '{"algorithm": "hybrid", "members": {"algorithm": "svd"}}'::reco.algorithm;
SELECT '{"algorithm": "hybrid", "members": [{"algorithm": "svd"}], "weights": ["1"]}'::reco.algorithm;
SELECT '{"algorithm": "hybrid", "members": [{"algorithm": "svd"}, {"algorithm": "hybrid", "members": [{"algorithm": "als", "factors": 0}]}]}'::reco.algorithm;
SELECT '{"algorithm": "hybrid", "members": [{"algorithm": "item_knn", "similarity": "jaccard", "weighting": "bm25"}]}'::reco.algorithm;
-- four levels, and five
CREATE FUNCTION pg_temp.levels(n int) RETURNS jsonb LANGUAGE sql AS
  $$SELECT (repeat('{"algorithm": "hybrid", "members": [', n - 1) || '{"algorithm": "popular"}' || repeat(']}', n - 1))::jsonb$$;
SELECT reco.describe(pg_temp.levels(4)::reco.algorithm);
SELECT pg_temp.levels(5)::reco.algorithm;
SELECT pg_temp.levels(2000)::reco.algorithm IS NULL;
SELECT count(reco.hybrid(a)) FROM (SELECT array_agg(reco.hybrid(ARRAY[reco.popular(), reco.ials()])) AS a FROM generate_series(1, 5)) AS s;
SELECT count(reco.hybrid(a)) FROM (SELECT array_agg(reco.hybrid(ARRAY[reco.popular(), reco.ials()])) AS a FROM generate_series(1, 6)) AS s;

-- A model's scores are the mean of its members', which are as trained by themselves.
CREATE TABLE hybrid_rows AS
  SELECT u, i, (u * i + u + 2 * i) % 5 + 1 AS v FROM generate_series(1, 60) AS u, generate_series(1, 40) AS i
   WHERE (u * u * 31 + i * i * 17 + u * i * (u + i)) % 101 < 25;
CALL reco.create_model('hybrid_a', 'hybrid_rows', reco.ials(8, iterations => 5, regularization => 0.01, alpha => 1));
CALL reco.create_model('hybrid_b', 'hybrid_rows', reco.item_knn(neighbors => 5, shrinkage => 0));
CALL reco.create_model('hybrid_c', 'hybrid_rows', reco.user_knn(neighbors => 10, weighting => 'none', shrinkage => 0));

CREATE TABLE hybrid_scores AS
  SELECT m, u, item_id, score FROM generate_series(1, 60) AS u, LATERAL (
    SELECT 'a' AS m, item_id, score FROM hybrid_a.rerank(u, (SELECT array_agg(DISTINCT i) FROM hybrid_rows))
    UNION ALL SELECT 'b', item_id, score FROM hybrid_b.rerank(u, (SELECT array_agg(DISTINCT i) FROM hybrid_rows))
    UNION ALL SELECT 'c', item_id, score FROM hybrid_c.rerank(u, (SELECT array_agg(DISTINCT i) FROM hybrid_rows))) AS s;
CREATE FUNCTION pg_temp.wanted(normalization text)
  RETURNS TABLE (u int, item_id int, score float8) LANGUAGE sql AS $$
  WITH scaled AS (
    SELECT m, u, item_id, score IS NOT NULL AS scored,
           CASE normalization
             WHEN 'z-score' THEN (coalesce(score, min(score) OVER w) - avg(score) OVER w) / nullif(stddev_pop(score) OVER w, 0)
             WHEN 'min-max' THEN (coalesce(score, min(score) OVER w) - min(score) OVER w) / nullif(max(score) OVER w - min(score) OVER w, 0)
             ELSE CASE WHEN score IS NULL THEN 0 ELSE
                    (rank() OVER (PARTITION BY m, u ORDER BY score) +
                     (count(*) OVER (PARTITION BY m, u, score) - 1) / 2.0) / count(score) OVER w END
           END AS score
      FROM (SELECT m, hybrid_scores.u, item_id, nullif(score::float8, '-Infinity') AS score FROM hybrid_scores) AS s
    WINDOW w AS (PARTITION BY m, u))
  SELECT u, item_id, sum(score * CASE m WHEN 'a' THEN 1 WHEN 'b' THEN 0.5 ELSE 2 END)
                     / sum(CASE m WHEN 'a' THEN 1 WHEN 'b' THEN 0.5 ELSE 2 END) FILTER (WHERE score IS NOT NULL)
    FROM scaled GROUP BY u, item_id HAVING bool_or(scored)
$$;
CREATE TABLE hybrid_got (normalization text, u int, item_id int, score real);
DO $$
DECLARE
  normalization text;
BEGIN
  FOREACH normalization IN ARRAY '{z-score,min-max,rank}'::text[] LOOP
    CALL reco.create_model('hybrid_m', 'hybrid_rows',
      reco.hybrid(ARRAY[reco.ials(8, iterations => 5, regularization => 0.01, alpha => 1), reco.item_knn(neighbors => 5, shrinkage => 0), reco.user_knn(neighbors => 10, weighting => 'none', shrinkage => 0)],
                  weights => '{1, 0.5, 2}', normalization => normalization));
    INSERT INTO hybrid_got SELECT normalization, s.u, r.item_id, r.score FROM generate_series(1, 60) AS s(u),
      hybrid_m.rerank(s.u, (SELECT array_agg(DISTINCT i) FROM hybrid_rows)) AS r WHERE r.score IS NOT NULL;
    CALL reco.drop_model('hybrid_m');
  END LOOP;
END
$$;
SELECT normalization, count(g.score) = count(*) AND count(*) > 2000 AS all, max(abs(g.score - w.score)) < 1e-4 AS same
  FROM unnest('{z-score,min-max,rank}'::text[]) AS normalization
 CROSS JOIN LATERAL pg_temp.wanted(normalization) AS w LEFT JOIN hybrid_got AS g USING (normalization, u, item_id)
 GROUP BY normalization ORDER BY normalization;

-- Whatever asks for a user or an item gets the same: from the tables, from files, all users at once.
CALL reco.create_model('hybrid_m', 'hybrid_rows',
  reco.hybrid(ARRAY[reco.ials(8, iterations => 5, regularization => 0.01, alpha => 1), reco.hybrid(ARRAY[reco.item_knn(neighbors => 5, shrinkage => 0), reco.popular()]),
                    reco.user_knn(neighbors => 10, weighting => 'none', shrinkage => 0)],
              weights => '{1, 1, 1}'));
SELECT status, loss IS NULL AS no_loss, (SELECT jsonb_object_agg(key, jsonb_array_length(value)) FROM jsonb_each(member_loss)) AS losses, users, items, left(algorithm, 40) AS algorithm FROM hybrid_m.versions;
-- what its members have: 0 is the hybrid, 1 ials, 2 the inner one, 3 item_knn, 4 popular, 5 user_knn
SELECT side, name, count(*) AS rows, min(cardinality(vector)) AS numbers, bool_and(neighbors > 0) AS neighbors
  FROM hybrid_m.model_version AS v CROSS JOIN unnest('{0.factors,factors,1.factors,2.bias,3.neighbors,4.bias,4.,5.neighbors,99999999999999999999.bias}'::text[]) AS name
 CROSS JOIN (SELECT 'users', parts FROM hybrid_m.model_user UNION ALL SELECT 'items', parts FROM hybrid_m.model_item) AS r(side, parts)
 CROSS JOIN LATERAL reco.part_vector(parts, algorithm, side, name) AS vector
 CROSS JOIN LATERAL (SELECT count(*) AS neighbors FROM reco.part_list(parts, algorithm, side, name)) AS l
 GROUP BY side, name ORDER BY side, name COLLATE "C";
CREATE TABLE hybrid_lists AS
  SELECT u, r.* FROM generate_series(1, 60) AS u, hybrid_m.recommend(u, n => 5) AS r;
SELECT count(*), count(DISTINCT source) AS sources, min(source) AS source FROM hybrid_lists;
\c -
SET client_min_messages = warning;
SELECT count(*) FROM (SELECT u, r.* FROM generate_series(1, 60) AS u, hybrid_m.recommend(u, n => 5) AS r
                      EXCEPT SELECT * FROM hybrid_lists) AS s;
CALL reco.materialize('hybrid_m', n => 5);
SELECT count(*) FROM (SELECT user_id, rank, item_id, score, source FROM hybrid_m.recommendations
                      EXCEPT SELECT * FROM hybrid_lists) AS s;
SELECT count(*), count(*) FILTER (WHERE abs(a.score - hybrid_m.predict(a.user_id, 7)) < 1e-5) AS same
  FROM hybrid_m.audience(for_item => 7, n => 20) AS a;
-- parts add up to the score
SELECT count(*) > 5 AS parts, abs(sum(contribution) - hybrid_m.predict(3, 11)) < 1e-4 AS all FROM hybrid_m.explain(3, 11);
-- similar items are those of the first member
SELECT count(*) AS n, count(*) FILTER (WHERE a.item_id = b.item_id) AS same
  FROM hybrid_m.similar_items(5) AS a JOIN hybrid_a.similar_items(5) AS b USING (rank);
-- a user's interactions as a basket: nearly the stored user
SELECT count(*) >= 4 AS alike FROM hybrid_m.recommend(9, n => 5) AS a JOIN
  hybrid_m.recommend_for((SELECT array_agg(i) FROM hybrid_rows WHERE u = 9),
                         weights => (SELECT array_agg(v) FROM hybrid_rows WHERE u = 9), n => 5) AS b USING (item_id);
SELECT DISTINCT source FROM hybrid_m.recommend(1000);
-- new rows are seen at once
CREATE INDEX ON hybrid_rows (u);
INSERT INTO hybrid_rows SELECT 1000, i, v FROM hybrid_rows WHERE u = 9;
SELECT count(*) >= 4 AS alike FROM hybrid_m.recommend(9, n => 5) AS a JOIN hybrid_m.recommend(1000, n => 5) AS b USING (item_id);
-- and kept with the version: what each member makes of them
CREATE TEMPORARY TABLE hybrid_live AS SELECT * FROM hybrid_m.recommend(1000, n => NULL);
CALL reco.fold_in('hybrid_m');
SELECT count(*) > 10 AS all, count(*) FILTER (WHERE a.score = b.score) = count(*) AS same
  FROM hybrid_live AS a LEFT JOIN hybrid_m.recommend(1000, n => NULL) AS b USING (rank, item_id, source);
SELECT count(*) FROM (SELECT u, r.* FROM generate_series(1, 60) AS u, hybrid_m.recommend(u, n => 5) AS r
                      EXCEPT SELECT * FROM hybrid_lists) AS s;
DELETE FROM hybrid_rows WHERE u = 1000;
-- refreshed, altered, measured as any other
CALL reco.refresh('hybrid_m');
CALL reco.alter_model('hybrid_m', algorithm => reco.hybrid(ARRAY[reco.svd(4), reco.rp3beta(alpha => 1, beta => 0.6, normalized => true)]));
CALL reco.refresh('hybrid_m');
SELECT version, status, active FROM hybrid_m.versions ORDER BY version;
SELECT count(*) FROM hybrid_m.recommend(3, n => 5);
CREATE TEMPORARY TABLE hybrid_measured AS
  SELECT * FROM reco.evaluate('hybrid_rows', ARRAY[reco.hybrid(ARRAY[reco.ials(8, regularization => 0.01, alpha => 1), reco.item_knn(shrinkage => 0), reco.als(4)]),
                                                   reco.ials(8, regularization => 0.01, alpha => 1), reco.hybrid(ARRAY[reco.ials(8, regularization => 0.01, alpha => 1)]), reco.als(4)], cutoffs => '{5}');
SELECT algorithm, metric, value BETWEEN 0 AND 2 AS sound FROM hybrid_measured
 WHERE metric IN ('ndcg', 'rmse') ORDER BY algorithm COLLATE "C", metric;
-- of one member, in its order
SELECT count(DISTINCT value) FROM hybrid_measured WHERE metric = 'ndcg' AND algorithm IN ('ials()', 'hybrid(members => ARRAY[ials()], weights => ARRAY[1])');

-- as many members as there can be, each with as many parts as it can have
SELECT reco.hybrid(array_agg(CASE k WHEN 1 THEN reco.user_knn(biases => true) ELSE reco.item_knn(biases => true, neighbors => k) END))::text AS most
  FROM generate_series(1, 16) AS k \gset
CALL reco.create_model('hybrid_most', 'hybrid_rows', :'most'::jsonb::reco.algorithm);
SELECT count(*) FROM hybrid_most.recommend(3, n => 5);
SELECT count(*) > 0 AS neighbors FROM hybrid_most.similar_items(3);
CALL reco.drop_model('hybrid_most');

-- repeated rows: members that add values up and members that take the latest do not go together
CALL reco.create_model('hybrid_repeats', 'SELECT * FROM hybrid_rows UNION ALL (SELECT * FROM hybrid_rows LIMIT 1)',
                       reco.hybrid(ARRAY[reco.als(4), reco.item_knn(shrinkage => 0)]));
CALL reco.create_model('hybrid_repeats', 'SELECT * FROM hybrid_rows UNION ALL (SELECT * FROM hybrid_rows LIMIT 1)',
                       reco.hybrid(ARRAY[reco.als(4), reco.item_knn(normalized => true)]));
SELECT count(*) FROM hybrid_repeats.recommend(3, n => 5);
-- what is known about items
CALL reco.create_model('hybrid_content', 'hybrid_rows', reco.hybrid(ARRAY[reco.item_knn(shrinkage => 0), reco.content()]));
CALL reco.create_model('hybrid_content', 'hybrid_rows', reco.hybrid(ARRAY[reco.item_knn(shrinkage => 0), reco.content('{"tags": 2}')]),
  items => 'SELECT i, ARRAY[i % 3, i % 7]::text[] AS tags FROM generate_series(1, 45) AS i');
SELECT count(*), bool_or(item_id > 40) AS new, string_agg(DISTINCT source, ' ') AS sources FROM hybrid_content.recommend(3, n => NULL);
SELECT count(*) > 0 AS similar FROM hybrid_content.similar_items(43);
SET reco.max_memory = '4MB';
DO $$
BEGIN
  CALL reco.create_model('hybrid_wide', 'hybrid_rows', reco.hybrid(ARRAY[reco.svd(1024), reco.ials(1024, regularization => 0.01, alpha => 1)]));
EXCEPTION WHEN program_limit_exceeded THEN
  RAISE WARNING '%', regexp_replace(sqlerrm, '\d+', '...');
END
$$;
RESET reco.max_memory;

DO $$
DECLARE
  model text;
BEGIN
  FOREACH model IN ARRAY '{hybrid_a,hybrid_b,hybrid_c,hybrid_m}'::text[] LOOP CALL reco.drop_model(model); END LOOP;
END
$$;

-- Rules: whoever has few interactions is scored by another member, all others by both.
CREATE TABLE hybrid_few AS
  SELECT * FROM hybrid_rows UNION ALL SELECT 100 + u, i, v FROM hybrid_rows WHERE u <= 5 AND i <= 8;
CALL reco.create_model('hybrid_a', 'hybrid_few', reco.item_knn(neighbors => 5, shrinkage => 0, similarity => 'jaccard'));
CALL reco.create_model('hybrid_m', 'hybrid_few',
  reco.hybrid(ARRAY[reco.ials(8, regularization => 0.01, alpha => 1), reco.item_knn(neighbors => 5, shrinkage => 0, similarity => 'jaccard')], weights => '{1, 0}',
              normalization => 'none', rules => '[{"max_history": 4, "use": "item_knn"}]'));
CALL reco.create_model('hybrid_b', 'hybrid_few', reco.ials(8, regularization => 0.01, alpha => 1));
CREATE FUNCTION pg_temp.few(u int) RETURNS bool LANGUAGE sql AS 'SELECT count(*) <= 4 FROM hybrid_few AS h WHERE h.u = few.u';
SELECT pg_temp.few(u) AS few, count(*) > 20 AS lists,
       count(*) FILTER (WHERE m.item_id = CASE WHEN pg_temp.few(u) THEN a.item_id ELSE b.item_id END) = count(*) AS same
  FROM (SELECT DISTINCT u FROM hybrid_few) AS s, hybrid_m.recommend(u, n => 5, fallback => 'none') AS m
  LEFT JOIN LATERAL hybrid_a.recommend(u, n => 5, fallback => 'none') AS a USING (rank)
  LEFT JOIN LATERAL hybrid_b.recommend(u, n => 5, fallback => 'none') AS b USING (rank) GROUP BY 1 ORDER BY 1;
-- a basket of three, and one of many
SELECT basket, count(*) AS n, bool_and(m.item_id = CASE WHEN cardinality(basket) < 5 THEN a.item_id ELSE b.item_id END) AS same
  FROM (VALUES ('{3, 7, 9}'::bigint[]), ('{3, 7, 9, 11, 20, 30}')) AS s(basket), hybrid_m.recommend_for(basket, n => 5) AS m
  JOIN LATERAL hybrid_a.recommend_for(basket, n => 5) AS a USING (rank)
  JOIN LATERAL hybrid_b.recommend_for(basket, n => 5) AS b USING (rank) GROUP BY 1 ORDER BY 1;
-- all users at once, from files
CALL reco.materialize('hybrid_m', n => 5);
SELECT count(*) FROM (SELECT user_id, rank, item_id, score, source FROM hybrid_m.recommendations EXCEPT
                      SELECT u, r.* FROM (SELECT DISTINCT u FROM hybrid_few) AS s, hybrid_m.recommend(u, n => 5) AS r) AS s;
SELECT count(*) > 0 AS parts, abs(sum(e.contribution) - hybrid_m.predict(103, r.item_id)) < 1e-4 AS all
  FROM hybrid_m.recommend(103, n => 1) AS r, hybrid_m.explain(103, r.item_id) AS e GROUP BY r.item_id;
-- those who are not known
CALL reco.alter_model('hybrid_m', algorithm =>
  reco.hybrid(ARRAY[reco.ials(8, regularization => 0.01, alpha => 1), reco.item_knn(neighbors => 5, shrinkage => 0, similarity => 'jaccard')], weights => '{1, 0}',
              normalization => 'none', rules => '[{"known": false, "use": 2}]'));
CALL reco.refresh('hybrid_m');
SELECT bool_and(m.item_id = b.item_id) AS known FROM hybrid_m.recommend(9, n => 5) AS m JOIN hybrid_b.recommend(9, n => 5) AS b USING (rank);
SELECT bool_and(m.item_id = a.item_id) AS unknown FROM hybrid_m.recommend_for('{3, 7, 9, 11, 20, 30}', n => 5) AS m
  JOIN hybrid_a.recommend_for('{3, 7, 9, 11, 20, 30}', n => 5) AS a USING (rank);

-- Cascades: what one proposes, in the order of another.
CALL reco.alter_model('hybrid_m', algorithm =>
  reco.hybrid(ARRAY[reco.item_knn(neighbors => 5, shrinkage => 0, similarity => 'jaccard'), reco.ials(8, regularization => 0.01, alpha => 1)], combine => 'cascade', candidates => 12),
  options => reco.options(measure => false));
CALL reco.refresh('hybrid_m');
SELECT reco.describe(algorithm) LIKE '%weights => ARRAY[0, 1]%' AS weights FROM hybrid_m.model_version ORDER BY version DESC LIMIT 1;
WITH proposed AS (
  SELECT u, b.item_id, row_number() OVER (PARTITION BY u ORDER BY b.score DESC, b.item_id) AS rank
    FROM (SELECT DISTINCT u FROM hybrid_few) AS s, hybrid_a.recommend(u, n => 12, fallback => 'none') AS a
    JOIN LATERAL hybrid_b.recommend(u, n => NULL) AS b USING (item_id))
SELECT count(*) > 500 AS lists, count(*) FILTER (WHERE m.item_id = p.item_id) = count(*) AS same
  FROM proposed AS p, hybrid_m.recommend(p.u, n => NULL, fallback => 'none') AS m WHERE m.rank = p.rank;
CALL reco.materialize('hybrid_m', n => 5);
SELECT count(*) FROM (SELECT user_id, rank, item_id, score, source FROM hybrid_m.recommendations EXCEPT
                      SELECT u, r.* FROM (SELECT DISTINCT u FROM hybrid_few) AS s, hybrid_m.recommend(u, n => 5) AS r) AS s;
SELECT count(*) > 0 AS parts, abs(sum(e.contribution) - hybrid_m.predict(9, r.item_id)) < 1e-4 AS all
  FROM hybrid_m.recommend(9, n => 1) AS r, hybrid_m.explain(9, r.item_id) AS e GROUP BY r.item_id;
-- what is not proposed has no score
SELECT count(*) AS others, count(score) AS scored FROM hybrid_m.rerank(9, (SELECT array_agg(item_id) FROM hybrid_b.recommend(9, n => NULL)
  WHERE item_id NOT IN (SELECT item_id FROM hybrid_m.recommend(9, n => NULL, fallback => 'none'))));
-- the lists are those of the one, only in another order
SELECT algorithm, value FROM reco.evaluate('hybrid_few', ARRAY[
    reco.hybrid(ARRAY[reco.item_knn(neighbors => 5, shrinkage => 0), reco.ials(8, regularization => 0.01, alpha => 1)], combine => 'cascade', candidates => 5),
    reco.item_knn(neighbors => 5, shrinkage => 0)], cutoffs => '{5}') WHERE metric = 'recall' AND algorithm <> 'popular()' ORDER BY algorithm COLLATE "C";

-- Means of predicted values are predictions.
CALL reco.create_model('hybrid_c', 'hybrid_few', reco.als(4, seed => 1));
CALL reco.alter_model('hybrid_a', algorithm => reco.als(2, seed => 2));
CALL reco.refresh('hybrid_a');
CALL reco.alter_model('hybrid_m', algorithm => reco.hybrid(ARRAY[reco.als(4, seed => 1), reco.als(2, seed => 2)], weights => '{3, 1}', normalization => 'none'),
  options => reco.options());
CALL reco.refresh('hybrid_m');
SELECT count(*) > 100 AS pairs, max(abs(m - (0.75 * c + 0.25 * a))) < 1e-4 AS same
  FROM (SELECT hybrid_m.predict(u, i) AS m, hybrid_c.predict(u, i) AS c, hybrid_a.predict(u, i) AS a
          FROM generate_series(1, 20) AS u, generate_series(1, 40, 3) AS i) AS s
 WHERE least(c, a) > 1 AND greatest(c, a) < 5;
SELECT metrics ->> 'metric' AS metric FROM hybrid_m.versions WHERE active;

-- Weights that are left open are found by what is hidden: one member knows the groups, the other nothing.
CREATE TABLE hybrid_groups AS
  SELECT u, i FROM generate_series(1, 120) AS u, generate_series(1, 60) AS i
   WHERE CASE WHEN u % 3 = i % 3 THEN (u * 7 + i * 13 + u * i) % 10 < 6 ELSE (u * 11 + i * 5 + u * i) % 40 < 2 END;
CALL reco.create_model('hybrid_w', 'hybrid_groups', reco.hybrid(ARRAY[reco.item_knn(neighbors => 20, shrinkage => 0), reco.popular()]));
SELECT (algorithm -> 'weights' -> 0)::float8 > (algorithm -> 'weights' -> 1)::float8 AS knows FROM hybrid_w.model_version;
SELECT choice #>> '{choices,0,why}' AS why, choice ->> 'state' AS state, choice #>> '{choices,0,tried,0,algorithm}' AS beside,
       metrics ->> 'metric' AS metric FROM hybrid_w.versions WHERE active;
SELECT line FROM regexp_split_to_table(reco.describe('hybrid_w'), '\n') AS line WHERE line ~ '^(asked for|by the data)';
-- and kept
CALL reco.refresh('hybrid_w');
SELECT version, choice ->> 'state' AS state, algorithm = lag(algorithm) OVER (ORDER BY version) AS same FROM hybrid_w.versions ORDER BY version;
-- within an evaluation by its training part alone
SET client_min_messages = notice;
SELECT count(*) FROM reco.evaluate('hybrid_groups', ARRAY[reco.hybrid(ARRAY[reco.item_knn(neighbors => 20, shrinkage => 0), reco.popular()])], cutoffs => '{5}');
SET client_min_messages = warning;
-- of values, and of members of members
CALL reco.create_model('hybrid_v', 'hybrid_few', reco.hybrid(ARRAY[reco.als(4), reco.als(2, seed => 7)], normalization => 'none'));
SELECT jsonb_array_length(algorithm -> 'weights') AS weights FROM hybrid_v.model_version;
CALL reco.alter_model('hybrid_v', algorithm => reco.hybrid(ARRAY[reco.item_knn(shrinkage => 0), reco.hybrid(ARRAY[reco.popular(), reco.rp3beta()])]));
CALL reco.refresh('hybrid_v');
SELECT jsonb_array_length(algorithm -> 'weights') AS weights, jsonb_array_length(algorithm #> '{members,1,weights}') AS inner FROM hybrid_v.model_version ORDER BY version DESC LIMIT 1;
-- too little to find any
SET client_min_messages = notice;
CALL reco.create_model('hybrid_little', 'SELECT * FROM hybrid_groups WHERE u <= 10', reco.hybrid(ARRAY[reco.item_knn(shrinkage => 0), reco.popular()]));
SET client_min_messages = warning;
SELECT algorithm -> 'weights' AS weights FROM hybrid_little.model_version;

-- weights are found within an evaluation by what came last of its training part
CREATE TABLE hybrid_times AS
  SELECT u, i, 1 AS v, timestamptz '2024-01-01' + make_interval(hours => u * 7 + i) AS t
  FROM generate_series(1, 60) AS u, generate_series(1, 20) AS i WHERE (u * 7 + i * 5) % 3 > 0 OR u % 4 = i % 4;
SET client_min_messages = warning;
SELECT count(*) > 0 AS evaluated FROM reco.evaluate('hybrid_times',
  ARRAY[reco.hybrid(ARRAY[reco.ials(factors => 4, iterations => 2), reco.item_knn(neighbors => 5)])]);
RESET client_min_messages;
DROP TABLE hybrid_times;
