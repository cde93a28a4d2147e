--
-- Neighborhood models: reco.item_knn(), reco.user_knn() and reco.rp3beta()
-- against values worked out by hand, and against the formulas in plain SQL.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- S1
CREATE TABLE knn_s1 (u int, i text);
INSERT INTO knn_s1 VALUES (1, 'a'), (1, 'b'), (1, 'c'), (2, 'a'), (2, 'b'), (2, 'd'), (3, 'b'), (3, 'c'), (3, 'e'), (4, 'a');
CALL reco.create_model('knn_items', 'knn_s1', reco.item_knn(shrinkage => 0), options => reco.options(measure => false));
CALL reco.create_model('knn_users', 'knn_s1', reco.user_knn(weighting => 'none', shrinkage => 0), options => reco.options(measure => false));
SELECT u, r.rank, r.item_id, round(r.score::float8::numeric, 6) AS score, r.source
  FROM generate_series(1, 4) AS u, knn_items.recommend(u, fallback => 'none') AS r ORDER BY u, rank;
SELECT item_id, neighbor_id, round(similarity::numeric, 9) AS similarity, rank
  FROM knn_items.item_neighbors ORDER BY item_id, rank;
-- users: 1 and 2, 1 and 3 have two of three in common, 2 and 3 one; 4 has one of 1's and of 2's
SELECT user_id, neighbor_id, round(similarity::numeric, 9) AS similarity, rank
  FROM knn_users.user_neighbors ORDER BY user_id, rank;
SELECT u, r.rank, r.item_id, round(r.score::float8::numeric, 6) AS score, r.source
  FROM generate_series(1, 4) AS u, knn_users.recommend(u, fallback => 'none') AS r ORDER BY u, rank;
SELECT * FROM knn_users.similar_users(4);
SELECT * FROM knn_users.similar_items('a');
SELECT * FROM knn_items.similar_users(4);
SELECT count(*) FROM knn_items.user_neighbors;
SELECT count(*) FROM knn_users.item_neighbors;

-- C23: exactly n after every filter
SELECT rank, item_id, source FROM knn_items.recommend(4, 2);
SELECT rank, item_id, source FROM knn_items.recommend(1, 5);
SELECT rank, item_id, source FROM knn_items.recommend(1, 1, exclude => ARRAY['e']);
SELECT count(*) FROM knn_items.recommend(4, 2, include_seen => true);
SELECT rank, item_id, source FROM knn_users.recommend(4, 2);
SELECT rank, item_id, source FROM knn_users.recommend(1, 5);
SELECT rank, item_id, source FROM knn_users.recommend(1, 1, exclude => ARRAY['e']);
SELECT count(*) FROM knn_users.recommend(4, 2, include_seen => true);
-- what nobody speaks for comes after, by popularity, and says so
SELECT rank, item_id, score, source FROM knn_items.recommend(4, include_seen => true) WHERE source <> 'model';
SELECT rank, item_id, score, source FROM knn_users.recommend(4) WHERE source <> 'model';
SELECT rank, item_id, source FROM knn_items.recommend(4, among => ARRAY['e', 'c']);
SELECT * FROM knn_items.recommend(9, 2);
SELECT * FROM knn_items.recommend(9, fallback => 'none');
SELECT * FROM knn_items.rerank(4, ARRAY['e', 'z', 'c', 'd']);
SELECT knn_items.predict(4, 'e'), knn_items.predict(9, 'a'), knn_items.predict(4, 'z'), knn_users.predict(4, 'e');

-- C24: n beyond the candidates, nothing left, the bounds of n, sources of one row and of none
CALL reco.create_model('knn_all', $$SELECT u, i FROM knn_s1 UNION ALL SELECT 5, i FROM unnest('{a,b,c,d,e}'::text[]) AS i$$, reco.item_knn(shrinkage => 0), options => reco.options(measure => false));
SELECT rank, item_id, round(score::float8::numeric, 6) AS score, source FROM knn_all.recommend(4, 1000);
SELECT rank, item_id, round(score::float8::numeric, 6) AS score FROM knn_all.recommend(4, 10, among => ARRAY['b']);
SELECT * FROM knn_all.recommend(5, 3);
SELECT * FROM knn_all.recommend(4, 0);
SELECT count(*) FROM knn_all.recommend(4, NULL);
SELECT * FROM knn_all.recommend(4, -1);
CALL reco.create_model('knn_none', 'SELECT u, i FROM knn_s1 WHERE false', reco.item_knn(shrinkage => 0), options => reco.options(measure => false));
CALL reco.create_model('knn_none', 'SELECT u, i FROM knn_s1 WHERE false', reco.user_knn(weighting => 'none', shrinkage => 0), options => reco.options(measure => false));
CALL reco.create_model('knn_one', 'SELECT u, i FROM knn_s1 WHERE u = 4', reco.item_knn(shrinkage => 0), options => reco.options(measure => false));
SELECT * FROM knn_one.recommend(4);
SELECT * FROM knn_one.recommend(9);
SELECT * FROM knn_one.similar_items('a');
CALL reco.drop_model('knn_one');
CALL reco.create_model('knn_one', 'SELECT u, i FROM knn_s1 WHERE u = 4', reco.user_knn(weighting => 'none', shrinkage => 0), options => reco.options(measure => false));
SELECT * FROM knn_one.recommend(4);
SELECT * FROM knn_one.similar_users(4);
SELECT * FROM knn_one.recommend_for(ARRAY['a']);
SELECT source, item_id FROM knn_one.recommend(9);

-- C25: ties go by item id, each time; paging has no gap and no repeat
CREATE TABLE knn_ties (u int, i text);
INSERT INTO knn_ties VALUES (3, 'p'), (3, 'z'), (1, 'x'), (1, 'p'), (4, 'p'), (2, 'y'), (2, 'p');
CALL reco.create_model('knn_tied', 'knn_ties', reco.item_knn(shrinkage => 0), options => reco.options(measure => false));
SELECT * FROM knn_tied.similar_items('p');
SELECT count(*), array_agg(DISTINCT items) AS lists
  FROM generate_series(1, 20) AS g, LATERAL (SELECT array_agg(item_id || ' ' || score ORDER BY rank) AS items
    FROM knn_tied.recommend(4, 2) WHERE g > 0) AS r;
SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END AS parallel \gset
SET :parallel = on;
SELECT * FROM knn_tied.recommend(4, 2);
RESET :parallel;
SELECT item_id FROM knn_tied.recommend(4, NULL) ORDER BY rank LIMIT 2;
SELECT item_id FROM knn_tied.recommend(4, NULL) ORDER BY rank LIMIT 2 OFFSET 2;

-- C26: the k nearest first, then those of them who rated: n1 0.9 (has not), n2 0.8 (rated 4),
-- n3 0.5 (rated 2); Jaccard of 9, 8 and 5 of the target's 9 items, with one more each
CREATE TABLE knn_nearest (u text, i int, w int);
INSERT INTO knn_nearest SELECT 't', i, 3 FROM generate_series(1, 9) AS i
  UNION ALL SELECT 'n1', i, 3 FROM generate_series(1, 9) AS i UNION ALL SELECT 'n1', 99, 3
  UNION ALL SELECT 'n2', i, 3 FROM generate_series(1, 8) AS i UNION ALL SELECT 'n2', 50, 4
  UNION ALL SELECT 'n3', i, 3 FROM generate_series(1, 5) AS i UNION ALL SELECT 'n3', 50, 2;
CALL reco.create_model('knn_k2', 'knn_nearest', reco.user_knn(similarity => 'jaccard', neighbors => 2, normalized => true), options => reco.options(measure => false));
CALL reco.create_model('knn_k3', 'knn_nearest', reco.user_knn(similarity => 'jaccard', neighbors => 3, normalized => true), options => reco.options(measure => false));
SELECT * FROM knn_k3.similar_users('t');
SELECT knn_k2.predict('t', 50) AS k2, round(knn_k3.predict('t', 50)::float8::numeric, 6) AS k3;
-- items 1 .. 5 are what the target has in common with n3, 1 .. 8 with n2
SELECT because_item, round(contribution::float8::numeric, 6) AS contribution, round(share::float8::numeric, 4) AS share FROM knn_k2.explain('t', 50);
SELECT round(sum(contribution::float8)::numeric, 5) AS total FROM knn_k3.explain('t', 50);

-- C27: who disagrees is no neighbor, so no weight is negative.  Means are 3: the target is
-- at +2 and -2, "like" too, with 4 for item 3, "unlike" the other way round, with 2
CREATE TABLE knn_signs (u text, i int, w int);
INSERT INTO knn_signs VALUES ('target', 1, 5), ('target', 2, 1),
  ('like', 1, 5), ('like', 2, 1), ('like', 3, 4), ('like', 4, 2),
  ('unlike', 1, 1), ('unlike', 2, 5), ('unlike', 3, 2), ('unlike', 4, 4),
  ('worse', 1, 1), ('worse', 2, 5), ('worse', 3, 1), ('worse', 4, 5);
CALL reco.create_model('knn_pearson', 'knn_signs', reco.user_knn(similarity => 'pearson', normalized => true), options => reco.options(measure => false));
SELECT user_id, neighbor_id, round(similarity::numeric, 9) AS similarity FROM knn_pearson.user_neighbors ORDER BY user_id, rank;
SELECT knn_pearson.predict('target', 3), knn_pearson.predict('target', 4);
-- and whatever the measure: predictions are finite and within the scale
CREATE TABLE knn_scale (algorithm text, cells bigint, predicted bigint, low real, high real);
DO $$
DECLARE m text; a reco.algorithm;
BEGIN
  FOREACH m IN ARRAY '{cosine,adjusted_cosine,pearson,asymmetric,jaccard,dice,tversky,llr,conditional,lift}'::text[] LOOP
    FOREACH a IN ARRAY ARRAY[reco.item_knn(similarity => m, normalized => true), reco.user_knn(similarity => m, normalized => true),
                             reco.item_knn(similarity => m, biases => true), reco.user_knn(similarity => m, biases => true)] LOOP
      CALL reco.create_model('knn_run', 'knn_signs', a, options => reco.options(measure => false));
      EXECUTE 'INSERT INTO knn_scale SELECT $1, count(*), count(p), min(p), max(p)
                 FROM (SELECT DISTINCT u FROM knn_signs) AS u, generate_series(1, 4) AS i, LATERAL (SELECT knn_run.predict(u, i) AS p) AS s'
        USING reco.describe(a);
      CALL reco.drop_model('knn_run');
    END LOOP;
  END LOOP;
END
$$;
SELECT count(*) AS algorithms, min(low) >= 1 AND max(high) <= 5 AS within FROM knn_scale;
SELECT algorithm, cells, predicted FROM knn_scale WHERE predicted < cells AND algorithm ~ 'biases => true';

-- C10: every rating equal.  Centered values are all 0 then: nobody is a neighbor, and biases
-- alone still say 3
CREATE VIEW knn_equal AS SELECT u, i, 3 AS w FROM generate_series(1, 4) u, generate_series(1, 6) i WHERE (u, i) <> (2, 5);
CREATE FUNCTION knn_constant(algorithm reco.algorithm, OUT source text, OUT items int[], OUT predicted real, OUT neighbors bigint)
  LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('knn_run', 'knn_equal', algorithm, options => reco.options(measure => false));
  EXECUTE 'SELECT min(source), array_agg(item_id), knn_run.predict(2, 5), (SELECT count(*) FROM knn_run.item_neighbors) +
             (SELECT count(*) FROM knn_run.user_neighbors) FROM knn_run.recommend(2)' INTO source, items, predicted, neighbors;
  CALL reco.drop_model('knn_run');
END
$$;
SELECT * FROM knn_constant(reco.item_knn(normalized => true));
SELECT * FROM knn_constant(reco.user_knn(normalized => true));
SELECT * FROM knn_constant(reco.item_knn(similarity => 'jaccard', normalized => true));
SELECT * FROM knn_constant(reco.item_knn(biases => true));
SELECT * FROM knn_constant(reco.item_knn(similarity => 'pearson', normalized => true));
SELECT * FROM knn_constant(reco.item_knn(similarity => 'pearson', biases => true));
SELECT * FROM knn_constant(reco.user_knn(similarity => 'adjusted_cosine', biases => true));

-- C18: items 4, 5 and user 3 are in no interaction; item 6 is in one whose value is 0
CALL reco.create_model('knn_gaps', 'VALUES (1, 1, 1), (1, 2, 1), (2, 2, 1), (2, 3, 1), (2, 6, 0)', reco.item_knn(shrinkage => 0), options => reco.options(measure => false));
SELECT rank, item_id, round(similarity::numeric, 6) AS similarity FROM knn_gaps.similar_items(1);
SELECT * FROM knn_gaps.similar_items(4);
SELECT * FROM knn_gaps.similar_items(6);
SELECT * FROM knn_gaps.recommend(3);
SELECT * FROM knn_gaps.recommend_for(ARRAY[4, 6], n => 2);

-- The formulas in plain SQL: what a list of item i says of item j.
CREATE TABLE knn_rows AS
  SELECT u, i, ((1 + h % 9)::real / 2)::real AS w
    FROM (SELECT u, i, hashint4(u * 1000 + i)::bigint + 2147483648 AS h FROM generate_series(1, 60) u, generate_series(1, 35) i) AS s
   WHERE h / 9 % 100 < 8 + 3 * (i % 12) AND (u, i) <> (7, 7);
CREATE FUNCTION knn_xlogx(x float8) RETURNS float8 IMMUTABLE RETURN CASE WHEN x > 0 THEN x * ln(x) ELSE 0 END;
CREATE FUNCTION knn_formula(similarity text, h float8 = 0, min_support int = 1, e float8 = 0.5, alpha float8 = 1, beta float8 = 1)
RETURNS TABLE (i int, j int, s float8) LANGUAGE sql AS $$
  WITH centered AS (
    SELECT u, i, w::float8 - CASE similarity WHEN 'pearson' THEN avg(w::float8) OVER (PARTITION BY i)
                                             WHEN 'adjusted_cosine' THEN avg(w::float8) OVER (PARTITION BY u) ELSE 0 END AS w
      FROM knn_rows
  ), item AS (
    SELECT i, count(*)::float8 AS n, sqrt(sum(w * w)) AS norm FROM centered GROUP BY i
  ), pair AS (
    SELECT x.i, y.i AS j, count(*)::float8 AS c, sum(x.w * y.w) AS dot,
           (SELECT count(DISTINCT u)::float8 FROM knn_rows) AS users
      FROM centered x JOIN centered y USING (u) WHERE x.i <> y.i GROUP BY x.i, y.i HAVING count(*) >= min_support
  ), measured AS (
    SELECT p.i, p.j,
           CASE similarity
             WHEN 'jaccard' THEN c / (a.n + b.n - c + h)
             WHEN 'dice' THEN 2 * c / (a.n + b.n + h)
             WHEN 'tversky' THEN c / (c + alpha * (b.n - c) + beta * (a.n - c) + h)
             WHEN 'asymmetric' THEN dot / (b.norm ^ (2 * e) * a.norm ^ (2 * (1 - e)) + h)
             WHEN 'conditional' THEN c / (a.n + h)
             WHEN 'lift' THEN c * users / (a.n * b.n + h)
             WHEN 'llr' THEN (c * users > a.n * b.n)::int * 2 * (knn_xlogx(users) + knn_xlogx(c) + knn_xlogx(a.n - c) + knn_xlogx(b.n - c) + knn_xlogx(users - a.n - b.n + c)
                                  - knn_xlogx(a.n) - knn_xlogx(users - a.n) - knn_xlogx(b.n) - knn_xlogx(users - b.n))
             ELSE dot / NULLIF(a.norm * b.norm + h, 0)
           END AS s
      FROM pair p JOIN item a ON a.i = p.i JOIN item b ON b.i = p.j
  )
  SELECT i, j, s FROM measured WHERE s > 1e-7 $$;
-- Of a model with all neighbors: its pairs, those of the formula, those in both, the largest
-- difference of the two, how many are not in their place in the model's own order, and, where
-- the formula is one division of whole numbers, in that of the formula, ties by id.
CREATE TABLE knn_agreement (algorithm text, pairs bigint, wanted bigint, common bigint, difference float8, misplaced bigint, differently_placed bigint);
CREATE FUNCTION knn_compare(similarity text, h float8 = 0, min_support int = 1, e float8 = 0.5, alpha float8 = 1, beta float8 = 1)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE algorithm reco.algorithm = reco.item_knn(similarity => similarity, shrinkage => h, min_support => min_support, exponent => e,
                                                 tversky_alpha => alpha, tversky_beta => beta, neighbors => 1000);
BEGIN
  CALL reco.create_model('knn_run', 'knn_rows', algorithm, options => reco.options(measure => false));
  EXECUTE '
    INSERT INTO knn_agreement
    SELECT similarity || format(''(%s)'', concat_ws('', '', NULLIF($1, 0), NULLIF($2, 1), NULLIF($3, 0.5), NULLIF($4, 1), NULLIF($5, 1))),
           count(r.i), count(f.i), count(*) FILTER (WHERE r.i IS NOT NULL AND f.i IS NOT NULL), max(abs(r.s / f.s - 1)),
           count(*) FILTER (WHERE r.rank <> r.place),
           count(*) FILTER (WHERE r.rank <> f.place AND similarity IN (''jaccard'', ''dice'', ''conditional'', ''lift''))
      FROM (SELECT i, item_id AS j, similarity AS s, rank, row_number() OVER (PARTITION BY i ORDER BY similarity DESC, item_id) AS place
              FROM generate_series(1, 35) AS i, knn_run.similar_items(i, n => NULL)) AS r
      FULL JOIN (SELECT *, row_number() OVER (PARTITION BY i ORDER BY s DESC, j) AS place FROM knn_formula($6, $1, $2, $3, $4, $5)) AS f
           USING (i, j), (SELECT $6 AS similarity) AS n GROUP BY similarity'
    USING h, min_support, e, alpha, beta, similarity;
  CALL reco.drop_model('knn_run');
END
$$;
SELECT knn_compare(s) FROM unnest('{cosine,adjusted_cosine,pearson,asymmetric,jaccard,dice,tversky,llr,conditional,lift}'::text[]) AS s;
SELECT knn_compare(s, 7.5, 3) FROM unnest('{cosine,adjusted_cosine,pearson,asymmetric,jaccard,dice,tversky,conditional,lift}'::text[]) AS s;
SELECT knn_compare('llr', min_support => 4);
SELECT knn_compare('asymmetric', e => 0.8), knn_compare('asymmetric', e => 0), knn_compare('asymmetric', 2, e => 0.3);
SELECT knn_compare('tversky', alpha => 0.2, beta => 0.9), knn_compare('tversky', 1, alpha => 2, beta => 0), knn_compare('tversky', alpha => 0, beta => 0);
SELECT algorithm, pairs, pairs = wanted AND pairs = common AS same_pairs, difference < 1e-9 AS agree, misplaced, differently_placed
  FROM knn_agreement ORDER BY algorithm COLLATE "C";
SELECT * FROM knn_agreement WHERE (difference < 1e-9) IS NOT TRUE;

-- the k nearest are the first k of all, ties by id
CALL reco.create_model('knn_cut', 'knn_rows', reco.item_knn(similarity => 'jaccard', neighbors => 3, shrinkage => 0), options => reco.options(measure => false));
SELECT count(*) AS pairs, count(*) FILTER (WHERE n.item_id IS NULL OR f.i IS NULL) AS different
  FROM knn_cut.item_neighbors AS n
  FULL JOIN (SELECT *, row_number() OVER (PARTITION BY i ORDER BY s DESC, j) AS rank FROM knn_formula('jaccard')) AS f
    ON f.i = n.item_id AND f.j = n.neighbor_id AND f.rank = n.rank AND f.s = n.similarity
 WHERE f.rank <= 3 OR f.i IS NULL;

-- weights, kept as float4: tf-idf and BM25 of items as documents, users as terms
CREATE FUNCTION knn_weighted(weighting text, k1 float8, b float8) RETURNS TABLE (i int, j int, s float8) LANGUAGE sql AS $$
  WITH size AS (
    SELECT count(DISTINCT i)::float8 AS items, sum(w)::float8 / count(DISTINCT i) AS length FROM knn_rows
  ), term AS (
    SELECT u, i, w::float8, ln(items / (1 + count(*) OVER (PARTITION BY u))) AS idf,
           sum(w::float8) OVER (PARTITION BY i) / length AS length
      FROM knn_rows, size
  ), weight AS (
    SELECT u, i, CASE weighting WHEN 'tf-idf' THEN sqrt(w) ELSE w * (k1 + 1) / (k1 * (1 - b + b * length) + w) END * idf AS w FROM term
  ), scaled AS (
    SELECT u, i, w / sqrt(sum(w * w) OVER (PARTITION BY i)) AS w FROM weight
  )
  SELECT x.i, y.i, sum(x.w * y.w) FROM scaled x JOIN scaled y USING (u) WHERE x.i <> y.i GROUP BY x.i, y.i $$;
CALL reco.create_model('knn_tfidf', 'knn_rows', reco.item_knn(weighting => 'tf-idf', neighbors => 1000), options => reco.options(measure => false));
CALL reco.create_model('knn_bm25', 'knn_rows', reco.item_knn(weighting => 'bm25', k1 => 2.5, b => 0.3, neighbors => 1000), options => reco.options(measure => false));
SELECT 'tf-idf' AS weighting, count(*) AS pairs, count(*) FILTER (WHERE abs(n.similarity - f.s) < 1e-6) AS agree
  FROM knn_tfidf.item_neighbors AS n FULL JOIN knn_weighted('tf-idf', 0, 0) AS f ON (f.i, f.j) = (item_id, neighbor_id)
UNION ALL
SELECT 'bm25', count(*), count(*) FILTER (WHERE abs(n.similarity - f.s) < 1e-6)
  FROM knn_bm25.item_neighbors AS n FULL JOIN knn_weighted('bm25', 2.5, 0.3) AS f ON (f.i, f.j) = (item_id, neighbor_id);

-- rp3beta: two steps of the walk, each item's k best made a sum of 1, and of each item's
-- mentions the k best
CREATE FUNCTION knn_walk(alpha float8, beta float8, k int, normalized bool) RETURNS TABLE (i int, j int, s float8) LANGUAGE sql AS $$
  WITH step AS (
    SELECT u, i, (w / sum(w::float8) OVER (PARTITION BY i)) ^ alpha AS up, (w / sum(w::float8) OVER (PARTITION BY u)) ^ alpha AS down,
           count(*) OVER (PARTITION BY i) AS n
      FROM knn_rows
  ), walk AS (
    SELECT x.i AS a, y.i AS b, sum(x.up * y.down) / max(y.n) ^ beta AS s FROM step x JOIN step y USING (u) WHERE x.i <> y.i GROUP BY x.i, y.i
  ), best AS (
    SELECT a, b, s / CASE WHEN normalized THEN sum(s) OVER (PARTITION BY a) ELSE 1 END AS s
      FROM (SELECT *, row_number() OVER (PARTITION BY a ORDER BY s DESC, b) AS rank FROM walk) AS r WHERE rank <= k
  )
  SELECT b, a, s FROM (SELECT *, row_number() OVER (PARTITION BY b ORDER BY s DESC, a) AS rank FROM best) AS r WHERE rank <= k $$;
CALL reco.create_model('knn_walks', 'knn_rows', reco.rp3beta(alpha => 1.081, beta => 0.703, neighbors => 8, normalized => true), options => reco.options(measure => false));
CALL reco.create_model('knn_raw_walks', 'knn_rows', reco.rp3beta(alpha => 0.5, beta => 0, neighbors => 15, normalized => false), options => reco.options(measure => false));
SELECT 'normalized' AS walk, count(*) AS pairs, count(*) FILTER (WHERE abs(n.similarity / f.s - 1) < 1e-6) AS agree
  FROM knn_walks.item_neighbors AS n FULL JOIN knn_walk(1.081, 0.703, 8, true) AS f ON (f.i, f.j) = (item_id, neighbor_id)
UNION ALL
SELECT 'raw', count(*), count(*) FILTER (WHERE abs(n.similarity / f.s - 1) < 1e-6)
  FROM knn_raw_walks.item_neighbors AS n FULL JOIN knn_walk(0.5, 0, 15, false) AS f ON (f.i, f.j) = (item_id, neighbor_id);
-- similar to an item is what it speaks for
SELECT count(*) AS pairs, count(*) FILTER (WHERE s.similarity = n.similarity) AS same
  FROM (SELECT i, s.* FROM generate_series(1, 35) AS i, knn_walks.similar_items(i, n => NULL) AS s) AS s
  FULL JOIN knn_walks.item_neighbors AS n ON n.neighbor_id = s.i AND n.item_id = s.item_id;
SELECT count(*) AS misplaced
  FROM (SELECT rank, row_number() OVER (PARTITION BY i ORDER BY similarity DESC, item_id) AS place
          FROM generate_series(1, 35) AS i, knn_walks.similar_items(i)) AS s WHERE rank <> place;

-- Scores, explanations and predictions of every user and item; a basket of what a user has
-- is served as the user is.
CREATE TABLE knn_checks (algorithm text, lists bigint, scored bigint, sums bigint, predicted bigint, baskets bigint, basket_items bigint);
CREATE FUNCTION knn_check(algorithm reco.algorithm, basket_rows bool = true) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('knn_run', 'knn_rows', algorithm, options => reco.options(measure => false));
  EXECUTE '
    INSERT INTO knn_checks
    SELECT reco.describe($1), count(DISTINCT u), count(*),
           count(*) FILTER (WHERE abs((SELECT sum(contribution::float8) FROM knn_run.explain(u, r.item_id)) - r.score) < 2e-6 * greatest(1, abs(r.score))),
           count(*) FILTER (WHERE knn_run.predict(u, r.item_id) = least(greatest(r.score, low), high)), NULL, NULL
      FROM (SELECT CASE WHEN rated THEN 0.5 ELSE ''-Infinity'' END::real AS low, CASE WHEN rated THEN 4.5 ELSE ''Infinity'' END::real AS high
              FROM (SELECT $1 ->> ''algorithm'' ~ ''knn'' AND (($1 ->> ''normalized'')::bool OR ($1 ->> ''biases'')::bool) AS rated) AS r) AS scale,
           generate_series(1, 60, 3) AS u, knn_run.recommend(u, n => NULL, include_seen => true, fallback => ''none'') AS r' USING algorithm;
  IF basket_rows THEN
    EXECUTE '
      UPDATE knn_checks SET (baskets, basket_items) = (
        SELECT count(DISTINCT u), count(*) FILTER (WHERE b.item_id = r.item_id AND b.source = r.source AND abs(b.score - r.score) < 1e-5 * greatest(1, abs(r.score)))
          FROM generate_series(1, 60, 5) AS u,
               LATERAL (SELECT array_agg(i) AS items, array_agg(w) AS weights FROM knn_rows WHERE knn_rows.u = u.u) AS h,
               LATERAL (SELECT * FROM knn_run.recommend_for(h.items, 5, h.weights)) AS b
               JOIN LATERAL knn_run.recommend(u, n => 5) AS r USING (rank))
       WHERE algorithm = reco.describe($1)' USING algorithm;
  END IF;
  CALL reco.drop_model('knn_run');
END
$$;
SELECT knn_check(reco.item_knn(weighting => 'none', shrinkage => 0)), knn_check(reco.user_knn(weighting => 'none', shrinkage => 0));
SELECT knn_check(reco.item_knn(weighting => 'none', similarity => 'conditional', neighbors => 5)), knn_check(reco.item_knn(weighting => 'none', similarity => 'asymmetric', exponent => 0.2, neighbors => 5, shrinkage => 0));
SELECT knn_check(reco.item_knn(weighting => 'none', normalized => true, neighbors => 10)), knn_check(reco.user_knn(weighting => 'none', normalized => true));
SELECT knn_check(reco.item_knn(weighting => 'none', similarity => 'pearson', biases => true)), knn_check(reco.user_knn(weighting => 'none', similarity => 'pearson', biases => true));
SELECT knn_check(reco.item_knn(weighting => 'bm25', neighbors => 10)), knn_check(reco.user_knn(weighting => 'bm25', neighbors => 10), false);
SELECT knn_check(reco.user_knn(weighting => 'none', similarity => 'llr')), knn_check(reco.user_knn(weighting => 'none', similarity => 'conditional')), knn_check(reco.rp3beta(neighbors => 10, alpha => 1, beta => 0.6, normalized => true));
SELECT split_part(algorithm, ', neighbors', 1) AS algorithm, lists, scored > 0 AND scored = sums AS explained, scored = predicted AS predicted, baskets, basket_items
  FROM knn_checks ORDER BY knn_checks.algorithm COLLATE "C";
SELECT * FROM knn_checks WHERE scored <> sums OR scored <> predicted;
-- a user's score in plain SQL: the neighbors' values by their similarity; an item's: the
-- user's values by the similarity of what they are of
CALL reco.create_model('knn_wide', 'knn_rows', reco.user_knn(neighbors => 4, weighting => 'none', shrinkage => 0), options => reco.options(measure => false));
CALL reco.create_model('knn_narrow', 'knn_rows', reco.item_knn(neighbors => 4, shrinkage => 0), options => reco.options(measure => false));
SELECT 'users' AS of, count(*), count(*) FILTER (WHERE abs(r.score / s.score - 1) < 1e-6) AS agree
  FROM (SELECT u, r.* FROM generate_series(1, 60) AS u, knn_wide.recommend(u, n => NULL, include_seen => true, fallback => 'none') AS r) AS r
  FULL JOIN (SELECT n.user_id AS u, v.i AS item_id, sum(n.similarity * v.w) AS score
               FROM knn_wide.user_neighbors AS n JOIN knn_rows AS v ON v.u = n.neighbor_id GROUP BY 1, 2) AS s USING (u, item_id)
UNION ALL
SELECT 'items', count(*), count(*) FILTER (WHERE abs(r.score / s.score - 1) < 1e-6)
  FROM (SELECT u, r.* FROM generate_series(1, 60) AS u, knn_narrow.recommend(u, n => NULL, include_seen => true, fallback => 'none') AS r) AS r
  FULL JOIN (SELECT v.u, n.item_id, sum(n.similarity * v.w) AS score
               FROM knn_narrow.item_neighbors AS n JOIN knn_rows AS v ON v.i = n.neighbor_id GROUP BY 1, 2) AS s USING (u, item_id);

-- What does not go together, and what is out of range
SELECT reco.item_knn(similarity => 'jaccard', weighting => 'bm25');
SELECT reco.user_knn(similarity => 'pearson', weighting => 'tf-idf');
SELECT reco.item_knn(similarity => 'llr', shrinkage => 10);
SELECT reco.item_knn(similarity => 'euclid');
SELECT reco.item_knn(weighting => 'idf');
SELECT reco.item_knn(neighbors => 0);
SELECT reco.item_knn(shrinkage => -1);
SELECT reco.item_knn(b => 1.5);
SELECT reco.item_knn(min_support => 0);
SELECT reco.rp3beta(alpha => 11);
SELECT '{"algorithm": "user_knn", "neighbours": 5}'::reco.algorithm;
SELECT reco.describe(reco.item_knn());
SELECT reco.describe(reco.user_knn(similarity => 'tversky', tversky_alpha => 0.25, normalized => true));
SELECT reco.describe(reco.rp3beta(beta => 0.3));

-- The same bits for any number of threads and any order of the rows
CREATE TABLE knn_digests (run text, algorithm text, digest text);
CREATE FUNCTION knn_digest(run text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE a reco.algorithm;
BEGIN
  FOREACH a IN ARRAY ARRAY[reco.item_knn(neighbors => 7, shrinkage => 0), reco.user_knn(neighbors => 7, weighting => 'none', shrinkage => 0), reco.item_knn(similarity => 'jaccard', neighbors => 7, shrinkage => 0),
                           reco.user_knn(similarity => 'llr', neighbors => 7), reco.user_knn(similarity => 'pearson', neighbors => 7),
                           reco.item_knn(weighting => 'bm25', neighbors => 7), reco.rp3beta(neighbors => 7, alpha => 1, beta => 0.6, normalized => true)] LOOP
    CALL reco.create_model('knn_run', 'knn_rows', a, options => reco.options(measure => false));
    EXECUTE 'INSERT INTO knn_digests
      SELECT $1, $2, md5(string_agg(concat_ws('' '', side, id, neighbor_id, similarity), '','' ORDER BY side, id, rank))
        FROM (SELECT 1 AS side, item_id AS id, neighbor_id, similarity, rank FROM knn_run.item_neighbors
              UNION ALL SELECT 2, user_id, neighbor_id, similarity, rank FROM knn_run.user_neighbors) AS f' USING run, reco.describe(a);
    CALL reco.drop_model('knn_run');
  END LOOP;
END
$$;
SELECT knn_digest('1 thread');
SET reco.max_threads = 4;
SET reco.threads = 2;
SELECT knn_digest('2 threads');
SET reco.threads = 4;
SELECT knn_digest('4 threads');
CREATE INDEX knn_rows_order ON knn_rows (hashint4(u * 77 + i));
CLUSTER knn_rows USING knn_rows_order;
SELECT knn_digest('other order');
SET reco.threads = 1;
SELECT substring(algorithm FROM '^\w+') AS algorithm, count(*) AS runs, count(DISTINCT digest) AS digests
  FROM knn_digests GROUP BY 1, knn_digests.algorithm ORDER BY 1;

-- Evaluation: users have what others of their residue class have
CREATE TABLE knn_tastes AS
  SELECT u, i, 1 + (u + i) % 5 AS w FROM generate_series(0, 149) u, generate_series(0, 59) i
   WHERE i % 3 = u % 3 AND hashint4(u * 100 + i) % 3 = 0 OR hashint4(u * 100 + i) % 25 = 0;
CREATE TABLE knn_results AS
  SELECT * FROM reco.evaluate('SELECT u, i FROM knn_tastes', ARRAY[reco.item_knn(shrinkage => 0), reco.user_knn(weighting => 'none', shrinkage => 0), reco.rp3beta(alpha => 1, beta => 0.6, normalized => true), reco.item_knn(similarity => 'lift', min_support => 3)]);
SELECT split_part(r.algorithm, '(', 1) AS algorithm, r.value > 1.5 * p.value AS better_than_popular, r.users
  FROM knn_results AS r JOIN knn_results AS p ON p.algorithm ~ '^popular' AND p.metric = r.metric
 WHERE r.metric = 'ndcg' AND r.algorithm !~ '^popular' ORDER BY 1, r.algorithm;
SELECT split_part(algorithm, '(', 1) AS algorithm, metric, value BETWEEN 0 AND 2 AS sane, users
  FROM reco.evaluate('knn_tastes', ARRAY[reco.item_knn(normalized => true), reco.user_knn(similarity => 'pearson', biases => true)])
 WHERE metric IN ('rmse', 'mae') ORDER BY 1, 2;

-- Ids of other types; rows without an id or a value do not count
CREATE TABLE knn_ids (u uuid, i text, w int);
INSERT INTO knn_ids SELECT md5(u::text)::uuid, i, 1 FROM knn_s1;
INSERT INTO knn_ids VALUES (NULL, 'a', 1), (md5('1')::uuid, NULL, 1), (md5('1')::uuid, 'e', NULL);
CALL reco.create_model('knn_uuid', 'knn_ids', reco.user_knn(weighting => 'none', shrinkage => 0), options => reco.options(measure => false));
SELECT rows_skipped, users, items, interactions FROM knn_uuid.versions;
SELECT rank, item_id, round(score::float8::numeric, 6) AS score FROM knn_uuid.recommend(md5('4')::uuid, fallback => 'none');
SELECT rank, item_id, round(score::float8::numeric, 6) AS score FROM knn_uuid.recommend(upper(replace(md5('4')::uuid::text, '-', '')), fallback => 'none');
SELECT user_id = md5('1')::uuid AS first, round(similarity::numeric, 6) AS similarity FROM knn_uuid.similar_users(md5('4')::uuid);
SELECT rank, item_id, round(score::float8::numeric, 6) AS score FROM knn_uuid.recommend_for(ARRAY['a'], n => 3);
SELECT count(*) FROM knn_uuid.recommend(NULL::uuid);
SELECT * FROM knn_uuid.recommend_for(NULL);
SELECT * FROM knn_uuid.recommend_for(ARRAY['a', NULL]);
SELECT * FROM knn_uuid.explain(NULL::uuid, 'a');
SELECT * FROM reco.recommend('knn_items', 4, 2);

DROP FUNCTION knn_constant, knn_formula, knn_compare, knn_weighted, knn_walk, knn_check, knn_digest, knn_xlogx;
DO $$
DECLARE m text;
BEGIN
  FOR m IN SELECT model FROM reco.models WHERE model ~ '^knn_' LOOP
    CALL reco.drop_model(m);
  END LOOP;
END
$$;
DROP VIEW knn_equal;
DROP TABLE knn_s1, knn_ties, knn_nearest, knn_signs, knn_scale, knn_rows, knn_agreement, knn_checks, knn_digests, knn_tastes, knn_results, knn_ids;

-- The audience of a model whose users have neighbors: against asking each.
CREATE TABLE knn_aud AS SELECT u, (u * 7 + k * k) % 30 AS i, 1 + (u + k) % 3 AS v FROM generate_series(1, 40) AS u, generate_series(1, 8) AS k;
CREATE FUNCTION knn_aud(biases bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
  CALL reco.create_model('knn_aud', 'knn_aud', reco.user_knn(biases => $1), options => reco.options(live => 'off', measure => false));
  SELECT count(*) || ' users, ' || count(*) FILTER (WHERE a.score IS DISTINCT FROM p.score) || ' differ' INTO answer
    FROM (SELECT r.item_id, u, r.score FROM generate_series(0, 29) AS i, generate_series(1, 40) AS u, knn_aud.rerank(u, ARRAY[i]) AS r
           WHERE r.score IS NOT NULL) AS p
    FULL JOIN (SELECT i AS item_id, r.user_id AS u, r.score FROM generate_series(0, 29) AS i, knn_aud.audience(i, NULL, exclude_buyers => false) AS r) AS a USING (item_id, u);
  CALL reco.drop_model('knn_aud');
  RETURN answer;
END $$;
SELECT knn_aud(false), knn_aud(true);
DROP FUNCTION knn_aud;
DROP TABLE knn_aud;
