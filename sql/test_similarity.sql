--
-- Similarity functions and aggregates; golden cases of the field.
--
SET search_path = reco, public;
SET extra_float_digits = 0;

-- C01: parallel vectors are 1 and never more
SELECT cosine_similarity(a, b) BETWEEN 1 - 1e-12 AND 1 AS parallel
  FROM (VALUES ('{0.2,0.3,0.6}'::float8[], '{0.6,0.9,1.8}'::float8[]), ('{0.1,0.1,0.3}', '{0.1,0.1,0.3}'),
               (array_fill(0.3::float8, ARRAY[1000]), array_fill(0.7::float8, ARRAY[1000]))) AS v(a, b);
SELECT cosine_similarity(a, b) BETWEEN 1 - 1e-6 AND 1 AS parallel,
       acos(cosine_similarity(a, b)) <> 'NaN' AND sqrt(1 - cosine_similarity(a, b)) <> 'NaN' AS usable
  FROM (VALUES ('{0.2,0.3,0.6}'::real[], '{0.6,0.9,1.8}'::real[]), (array_fill(0.3::real, ARRAY[1000]), array_fill(0.7::real, ARRAY[1000]))) AS v(a, b);
SELECT count(*) FILTER (WHERE cosine_similarity(v, w) > 1 OR cosine_similarity(v, w) < 1 - 1e-12) AS off
  FROM (SELECT array_agg(sin(i * k)::float8 ORDER BY i) AS v, array_agg(k * sin(i * k)::float8 ORDER BY i) AS w
          FROM generate_series(1, 1000) k, generate_series(1, 17) i GROUP BY k) s;

-- C02: zero and empty vectors
SELECT cosine_similarity('{0,0,0}'::float8[], '{1,2,3}'), cosine_similarity('{}'::float8[], '{}'),
       dot_product('{}'::float8[], '{}'), euclidean_distance('{}'::float8[], '{}'), pearson_correlation('{2,2}'::float8[], '{1,2}');
SELECT id, round(cosine_similarity(v, '{2,1,0}')::numeric, 12) AS similarity
  FROM (VALUES (1, '{4,2,0}'::int[]), (2, '{0,0,0}'), (3, '{1,1,0}')) AS i(id, v) ORDER BY 2 DESC NULLS LAST, id;
SELECT cosine_agg(0, y) AS zeros, cosine_agg(x, y) FILTER (WHERE false) AS none FROM (VALUES (1.0, 2.0), (3, 4)) AS v(x, y);

-- C03: missing values count 0
SELECT abs(cosine_agg(a.v, b.v) - 0.207972582703) < 1e-12 AS users
  FROM (SELECT i, v FROM (VALUES ('A', 1, 5), ('A', 2, 3), ('B', 1, 1), ('B', 3, 4)) AS r(u, i, v) WHERE u = 'A') a
  FULL JOIN (SELECT i, v FROM (VALUES ('A', 1, 5), ('A', 2, 3), ('B', 1, 1), ('B', 3, 4)) AS r(u, i, v) WHERE u = 'B') b USING (i);

-- C04: sets
SELECT jaccard_similarity('{}'::int[], '{}'), jaccard_similarity('{}'::int[], '{1,2}'),
       jaccard_similarity('{4,9,2,7}'::int[], '{9,2,5,5,5}'), jaccard_similarity('{7,2,4,9}'::int[], '{5,9,5,2,5}');
SELECT jaccard_similarity(a.i, b.i) = 2 / 3.0::float8 AS two_thirds
  FROM (SELECT array_agg(i) AS i FROM (VALUES (1), (1), (1), (2)) AS x(i)) a, (SELECT array_agg(i) AS i FROM (VALUES (1), (2), (3)) AS x(i)) b;
SELECT jaccard_agg(a, b) AS jaccard FROM (VALUES (1, 1), (1, NULL), (0, 1), (0, 0), (NULL, 0), (2, 5)) AS v(a, b);
SELECT dice_similarity(a, b) AS dice, overlap_similarity(a, b) AS overlap, tversky_similarity(a, b, 1, 0) AS prototype,
       tversky_similarity(a, b) = jaccard_similarity(a, b) AS as_jaccard
  FROM (VALUES ('{a,b,c}'::text[], '{b,c,d,e}'::text[]), ('{x}', '{x}')) AS v(a, b);
SELECT jaccard_similarity(to_tsvector('simple', 'red wool scarf'), to_tsvector('simple', 'blue wool scarf')),
       jaccard_similarity('{1.0,2.50}'::numeric[], '{1,2.5}'::numeric[]), jaccard_similarity('{1,2}'::int[], '{2,3}'::bigint[]),
       jaccard_similarity('{a}'::varchar[], '{a,b}'::text[]);

-- C05: no plan loses what cancels
SELECT dot_product_agg(v, 1) AS serial FROM (SELECT CASE id WHEN 3 THEN 1e17 WHEN 14 THEN -1e17 ELSE 2 END AS v FROM generate_series(1, 20) id) s;
SELECT dot_product((SELECT array_agg(CASE id WHEN 3 THEN 1e17 WHEN 14 THEN -1e17 ELSE 2 END) FROM generate_series(1, 20) id)::float8[], array_fill(1::float8, ARRAY[20])) AS scalar;

-- C06: moving windows
SELECT id, round(cosine_agg(x, y) OVER (ORDER BY id ROWS 1 PRECEDING)::numeric, 9) AS moving,
       round(cosine_agg(x, y) OVER (ORDER BY id)::numeric, 9) AS running
  FROM (VALUES (1, 1, 4), (2, 2, 3), (3, 3, 2), (4, 4, 1)) AS v(id, x, y);
SELECT id, pearson_agg(x, y) OVER (ORDER BY id ROWS 2 PRECEDING) AS pearson, jaccard_agg(x, y) OVER (ORDER BY id ROWS 1 PRECEDING) AS jaccard,
       dot_product_agg(x, y) OVER (ORDER BY id ROWS 1 PRECEDING) AS dot, top_n_agg(id, x, 2) OVER (ORDER BY id ROWS 2 PRECEDING) AS top,
       vector_sum(ARRAY[id, y]::real[]) OVER (ORDER BY id ROWS 1 PRECEDING) AS sum, vector_avg(ARRAY[id, y]::real[]) OVER (ORDER BY id) AS avg
  FROM (VALUES (1, 1, 4), (2, 2, 0), (3, 3, 2), (4, NULL, 1)) AS v(id, x, y);

-- C07: NULL in pairs and arrays, shapes
SELECT round(cosine_agg(x, y)::numeric, 12) AS null_is_0, pearson_agg(x, y) AS skipped FROM (VALUES (1, 2), (NULL, 5), (3, NULL), (2, 1)) AS v(x, y);
SELECT cosine_similarity('{1,NULL,2}'::float8[], '{2,5,1}');
SELECT cosine_similarity(NULL::float8[], '{2,5,1}') IS NULL AS null_array;
SELECT cosine_similarity('{1,2}'::real[], '{1,2,3}');
SELECT cosine_similarity('{{1,2},{3,4}}'::float8[], '{{1,2},{3,4}}');
SELECT cosine_similarity('[0:2]={1,2,3}'::float8[], '{1,2,3}') AS lower_bound, dot_product('[5:6]={1,2}'::real[], '[-1:0]={3,4}') AS bounds;
SELECT jaccard_similarity('{1,NULL}'::int[], '{1}');
SELECT jaccard_similarity('{{1},{2}}'::int[], '{1}');
SELECT cosine_similarity('{NaN,1}'::float8[], '{1,1}');
SELECT dot_product('{Infinity}'::real[], '{1}');
SELECT cosine_agg('NaN', 1);
SELECT vector_sum(v) FROM (VALUES ('{1,2}'::real[]), ('{1}')) AS x(v);
SELECT top_n_agg(i, 'NaN', 2) FROM generate_series(1, 2) i;
SELECT top_n_agg(i, i, -1) FROM generate_series(1, 2) i;

-- one number whatever the type
SELECT cosine_similarity('{1,2,2}'::real[], '{2,1,2}') AS r, cosine_similarity('{1,2,2}'::float8[], '{2,1,2}') AS d,
       cosine_similarity('{1,2,2}'::int[], '{2,1,2}') AS i, cosine_similarity('{1,2,2}'::bigint[], '{2,1,2}') AS b,
       cosine_similarity('{1,2,2}'::smallint[], '{2,1,2}') AS s, cosine_similarity(ARRAY[1.0, 2, 2], ARRAY[2.0, 1, 2]) AS n;
SELECT dot_product(ARRAY[0.1, 0.2], ARRAY[3, 4.0]) AS dot, euclidean_distance(ARRAY[1, 2], ARRAY[4, 6]) AS distance,
       abs(pearson_correlation(ARRAY[1, 2, 3], ARRAY[2, 4, 7]) - corr(x, y)) < 1e-15 AS pearson FROM (VALUES (1, 2), (2, 4), (3, 7)) AS v(x, y);

-- squares neither overflow nor vanish
SELECT cosine_similarity(ARRAY[1e300, 1e300]::float8[], ARRAY[1e300, 0]::float8[]) AS huge, cosine_similarity(ARRAY[3e-300, 4e-300]::float8[], ARRAY[4e-300, 3e-300]::float8[]) AS tiny,
       cosine_similarity(ARRAY[1e300, 1e-300]::float8[], ARRAY[1e-300, 1e-300]::float8[]) AS mixed, euclidean_distance(ARRAY[3e200]::float8[], ARRAY[-1e200]::float8[]) AS far,
       pearson_correlation(ARRAY[1e300, 2e300, 3e300]::float8[], ARRAY[1e-300, 2e-300, 3e-300]::float8[]) AS pearson;
SELECT cosine_agg(x, y) AS huge, pearson_agg(x, y) AS pearson FROM (VALUES (1e300, 1e-300), (2e300, 2e-300), (3e300, 3e-300)) AS v(x, y);
SELECT pearson_agg(1e15 + x, 1e15 - x) AS offset_by_1e15 FROM generate_series(1, 100) x;

-- keywords
SELECT cosine_similarity('{"red": 2, "shoe": 1}'::jsonb, '{"red": 1}') AS weights, cosine_similarity('{}'::jsonb, '{"a": 1}') AS empty,
       cosine_similarity(to_tsvector('simple', 'a b b'), to_tsvector('simple', 'b c')) AS counts;
SELECT cosine_similarity('[1]'::jsonb, '{}');
SELECT cosine_similarity('{"a": "x"}'::jsonb, '{"a": 1}');
SELECT bigrams('日本語'), bigrams('Tokyo 日'), bigrams(''), bigrams('--');
SELECT cosine_similarity(bigrams('無線イヤホン'), bigrams('無線ヘッドホン')) > cosine_similarity(bigrams('無線イヤホン'), bigrams('赤い靴')) AS like_titles;
-- C29: items without text are like nothing, and never first
SELECT i.id, round(cosine_similarity(to_tsvector('english', i.title), a.v)::numeric, 6) AS similarity
  FROM (VALUES ('A', 'red wool scarf'), ('B', ''), ('C', NULL), ('D', 'red scarf'), ('E', 'the of and')) AS i(id, title),
       (SELECT to_tsvector('english', 'red wool scarf') AS v) a
 WHERE i.id <> 'A' ORDER BY similarity DESC NULLS LAST, id;

-- the best of a group, ties by item
SELECT g, top_n_agg(i, s, 2) FROM (VALUES (1, 'b', 1.0), (1, 'a', 1), (1, 'c', 2), (2, 'z', NULL), (2, NULL, 3), (2, 'y', 0)) AS v(g, i, s) GROUP BY g ORDER BY g;
SELECT top_n_agg(i, s, 0), top_n_agg(i, s, 100), top_n_agg(DISTINCT i, s, 3) FROM (VALUES (1, 1.0), (1, 1.0), (2, 5)) AS v(i, s);
SELECT vector_sum(v), vector_avg(v), vector_avg(v) FILTER (WHERE false) FROM (VALUES ('{1,2}'::real[]), (NULL), ('{3,5}')) AS x(v);

-- agreement with plain SQL
CREATE TEMP TABLE pairs AS
SELECT k AS g, i, sin(k * 37 + i * i) * CASE k % 3 WHEN 0 THEN 1 WHEN 1 THEN 1e6 ELSE 1e-6 END AS x, cos(k * 11 + i) AS y
  FROM generate_series(1, 60) k, generate_series(1, k) i;
SELECT count(*) AS groups,
       count(*) FILTER (WHERE abs(c - cs) > 1e-12 OR abs(d - ds) > 1e-12 * abs(ds) + 1e-18 OR abs(p - ps) > 1e-9 OR abs(e - es) > 1e-12 * es) AS off
  FROM (SELECT g, cosine_similarity(array_agg(x), array_agg(y)) AS c, sum(x * y) / sqrt(sum(x * x)) / sqrt(sum(y * y)) AS cs,
               dot_product_agg(x, y) AS d, sum(x::numeric * y::numeric)::float8 AS ds, pearson_agg(x, y) AS p, corr(x, y) AS ps,
               euclidean_distance(array_agg(x), array_agg(y)) AS e, sqrt(sum((x - y) ^ 2)) AS es FROM pairs GROUP BY g) s;
SELECT count(*) FILTER (WHERE abs(cosine_similarity(x, y) - a) > 1e-15) AS beyond_rounding
  FROM (SELECT array_agg(x ORDER BY i) AS x, array_agg(y ORDER BY i) AS y, cosine_agg(x, y ORDER BY i) AS a FROM pairs GROUP BY g) s;

-- hostile arguments
SELECT jaccard_similarity(ARRAY[ROW(1, 'a'::text)], ARRAY[ROW(1, 'a'::text), ROW(2, 'b'::text)]) AS records;
SELECT jaccard_similarity(ARRAY['(1,2)'::point], ARRAY['(1,2)'::point]);
SELECT jaccard_similarity(ARRAY['{"a": 1}'::json], ARRAY['{"a": 1}'::json]);
SELECT jaccard_similarity(NULL::int[], '{1}') IS NULL AS null_set;
SELECT tversky_similarity('{1}'::int[], '{2}'::int[], -1, 1);
SELECT tversky_similarity('{1}'::int[], '{2}'::int[], 'NaN', 1);
-- memory is counted: all that a call holds, and all that an aggregate does
CREATE FUNCTION pg_temp.memory(call text, maximum text) RETURNS text LANGUAGE plpgsql SET search_path = reco, public AS $$
DECLARE
  result text;
  hint text;
BEGIN
  PERFORM set_config('reco.max_memory', maximum, true);
  EXECUTE 'SELECT ' || call INTO result;
  RETURN result;
EXCEPTION WHEN program_limit_exceeded THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RETURN regexp_replace(sqlerrm, '[0-9]+', 'n') || '. ' || hint;
END
$$;
SELECT maximum, call, pg_temp.memory(call, maximum) AS result
  FROM (VALUES ('top_n_agg(i, i, 3) FROM generate_series(1, 100000) AS i'), ('cardinality(top_n_agg(i, i, NULL)) FROM generate_series(1, 100000) AS i'),
               ('cardinality(top_n_agg(repeat(''x'', 1000) || i, i, 2000)) FROM generate_series(1, 2000) AS i'),
               ('cardinality(vector_sum(array_fill(1::real, ARRAY[90000])))'),
               ('jaccard_similarity(a, a) FROM (SELECT array_agg(i::numeric) AS a FROM generate_series(1, 20000) AS i) AS s')) AS v(call),
       unnest(ARRAY['1400kB', '8MB']) WITH ORDINALITY AS m(maximum, n) ORDER BY call COLLATE "C", n;
RESET search_path;
RESET extra_float_digits;
