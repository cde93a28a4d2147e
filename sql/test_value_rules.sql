--
-- What values count where lists are made: reco.options(value => ...).
--
-- A model by a rule is, to the bit, the model that takes values as they are from a source in which
-- SQL has merged the pairs and made the values by the rule: in its tables, of live rows, after
-- fold_in, of baskets, and in evaluate.
--
\set SHOW_CONTEXT never
SET reco.threads = 1;  -- what is trained here is tiny

-- options
SELECT reco.options()->'value', reco.options(value => 'cap', value_cap => 2.5)->'value_cap';
SELECT reco.options(value => 'stars');
SELECT reco.options(value_cap => 2);
SELECT reco.options(value => 'cap', value_cap => 0);

CREATE FUNCTION val_by(v real, rule text, cap real) RETURNS real IMMUTABLE RETURN
  (sign(v) * CASE rule WHEN 'raw' THEN abs(v) WHEN 'binary' THEN 1 WHEN 'cap' THEN least(abs(v), cap)
             ELSE CASE WHEN abs(v) < 1e-9 THEN abs(v)::float8 ELSE ln(1 + abs(v)::float8) END END)::real;

-- halves, zeros, negatives and repeats, of which some come to 0; and values that are very large and very small
CREATE TABLE val_mixed (u int, i int, v real, t int);
INSERT INTO val_mixed SELECT u, i, ((u * i + u + 2 * i) % 9 - 1) / 2.0, u + i
  FROM generate_series(1, 24) u, generate_series(1, 14) i WHERE (u * 7 + i * 5 + u * i) % 5 < 2;
INSERT INTO val_mixed SELECT u, i, CASE u % 3 WHEN 0 THEN -v WHEN 1 THEN 3 ELSE v END, t + 1 FROM val_mixed WHERE (u + i) % 4 = 0;
CREATE INDEX ON val_mixed (u);
CREATE TABLE val_extreme AS
  SELECT u, i, (CASE (u + i) % 5 WHEN 0 THEN 1e17 WHEN 1 THEN 1e-30 WHEN 2 THEN -1e6 ELSE u * i END)::real AS v, 1 AS t
    FROM generate_series(1, 24) u, generate_series(1, 14) i WHERE (u * 7 + i * 5 + u * i) % 5 < 2;
CREATE INDEX ON val_extreme (u);
SELECT count(*) FILTER (WHERE s < 0) AS negative, count(*) FILTER (WHERE s = 0) AS zero, count(*) FILTER (WHERE s <> floor(s)) AS halves,
       count(*) FILTER (WHERE n > 1) AS repeated, count(*) AS pairs
  FROM (SELECT sum(v) AS s, count(*) AS n FROM val_mixed GROUP BY u, i) AS p;

-- what the caller is told
CALL reco.create_model('val', 'SELECT u, i, v FROM val_mixed', reco.ials(4, iterations => 2), options => reco.options(measure => false));
SELECT options->>'value' AS model FROM val.model;
SELECT options->>'value' AS version, users, interactions, min_value, max_value FROM val.model_version;
CALL reco.drop_model('val');
CALL reco.create_model('val', 'SELECT u, i, v FROM val_mixed', reco.als(2, iterations => 2), options => reco.options(value => 'log', measure => false));
SELECT options->>'value' AS version, min_value, max_value FROM val.model_version;
CALL reco.drop_model('val');
CALL reco.create_model('val', 'SELECT u, i, v FROM val_mixed', reco.hybrid(ARRAY[reco.popular(), reco.svd(2), reco.item_knn()], weights => '{1, 1, 1}'), options => reco.options(value => 'cap', measure => false));
SELECT options->>'value' AS version, (options->>'value_cap')::real =
       (SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY abs(s)) FROM (SELECT sum(v) AS s FROM val_mixed GROUP BY u, i) AS p WHERE s <> 0) AS is_the_quantile
  FROM val.versions;
CALL reco.drop_model('val');

SET client_min_messages = warning;
CREATE TABLE val_results (algorithm text, rule text, finding text);

-- Rows of the tables of two models that differ; NULL: none do.
CREATE FUNCTION val_differs(tables text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  n int;
  said text;
  t text;
BEGIN
  FOREACH t IN ARRAY tables LOOP
    EXECUTE format('SELECT count(*) FROM (TABLE val_a.%1$I EXCEPT ALL TABLE val_b.%1$I) AS d', t) INTO n;
    said := CASE WHEN n > 0 THEN concat_ws(', ', said, format('%s rows of %s', n, t)) ELSE said END;
    EXECUTE format('SELECT count(*) FROM (TABLE val_b.%1$I EXCEPT ALL TABLE val_a.%1$I) AS d', t) INTO n;
    said := CASE WHEN n > 0 THEN concat_ws(', ', said, format('%s other rows of %s', n, t)) ELSE said END;
  END LOOP;
  RETURN said;
END
$$;

-- All that is served of a user.
CREATE FUNCTION val_answers(model text, who int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answers text;
BEGIN
  EXECUTE format(
    'SELECT string_agg(a, E''\n'' ORDER BY a) FROM (
       SELECT ''recommend '' || r AS a FROM %1$I.recommend($1, NULL) r
       UNION ALL SELECT ''rerank '' || r FROM %1$I.rerank($1, ARRAY(SELECT generate_series(1, 14))) r
       UNION ALL SELECT ''explain '' || r FROM %1$I.explain($1, 7) r) AS all_of_them', model) INTO answers USING who;
  RETURN answers;
END
$$;

CREATE PROCEDURE val_try(algorithm reco.algorithm, rule text, source text, given real DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
  -- what predicts values takes them as they are, the latest of a pair, and what compares them their sums
  rated constant boolean := algorithm->>'algorithm' = 'als' OR algorithm->>'algorithm' <> 'rp3beta' AND algorithm->'normalized' = 'true'
                            OR coalesce(algorithm->>'similarity' = 'pearson', false);
  sums constant text := format('SELECT u, i, sum(v::float8)::real AS v FROM %I GROUP BY u, i', source);
  chosen constant text := CASE WHEN rated THEN 'raw' WHEN rule = 'auto' THEN 'binary' ELSE rule END;
  basket constant int[] := '{1, 2, 3, 5, 2, 11}';
  weights constant real[] := '{0.5, 3, 40, -2, -1, 1}';
  changed constant int[] := '{3, 4, 5, 25}';
  others constant boolean := algorithm->>'algorithm' = 'user_knn';  -- where users have what their neighbors have
  cap real := given;
  finding text;
  a text;
  b text;
  u int;
BEGIN
  EXECUTE format('CREATE TABLE val_rows AS TABLE %I', source);
  CREATE INDEX ON val_rows (u);
  IF rule = 'cap' AND given IS NULL THEN
    EXECUTE format('SELECT percentile_disc(0.9) WITHIN GROUP (ORDER BY abs(v)) FROM (%s) AS p WHERE v <> 0', sums) INTO cap;
  END IF;
  EXECUTE format('CREATE VIEW val_view AS SELECT u, i, %s FROM (SELECT u, i, sum(v::float8)::real AS v FROM val_rows GROUP BY u, i) AS p',
                 format('val_by(v, %L, %L) AS v', chosen, cap));
  CALL reco.create_model('val_a', CASE WHEN rated THEN 'SELECT u, i, v, t FROM val_rows' ELSE 'SELECT u, i, v FROM val_rows' END, algorithm,
                         options => reco.options(value => rule, value_cap => given, live => 'on', measure => false));
  CALL reco.create_model('val_b', CASE WHEN rated THEN 'SELECT u, i, v, t FROM val_rows' ELSE 'SELECT u, i, v FROM val_view' END, algorithm,
                         options => reco.options(value => 'raw', live => 'on', measure => false));
  SELECT CASE WHEN options->>'value' <> chosen THEN format('chosen was %s', options->>'value')
              WHEN rule = 'cap' AND chosen = 'cap' AND (options->>'value_cap')::real <> cap THEN format('the cap was %s', options->>'value_cap') END
    INTO finding FROM val_a.model_version;
  finding := concat_ws(', ', finding, val_differs('{model_user, model_item, model_part}'));
  -- stored users, and a basket
  FOREACH u IN ARRAY '{1, 3, 24}'::int[] LOOP
    IF val_answers('val_a', u) IS DISTINCT FROM val_answers('val_b', u) THEN
      finding := concat_ws(', ', finding, format('user %s', u));
    END IF;
  END LOOP;
  SELECT string_agg(r::text, E'\n') INTO a FROM val_a.recommend_for(basket, 10, weights) AS r;
  IF rated THEN
    SELECT string_agg(r::text, E'\n') INTO b FROM val_b.recommend_for(basket, 10, weights) AS r;
  ELSE
    SELECT string_agg(r::text, E'\n') INTO b FROM (
      SELECT array_agg(item) AS items, array_agg(val_by(w, chosen, cap)) AS weights
        FROM (SELECT item, sum(w) AS w FROM unnest(basket, weights) AS x (item, w) GROUP BY item ORDER BY item) AS p) AS m,
      LATERAL val_b.recommend_for(m.items, 10, m.weights) AS r;
  END IF;
  IF a IS DISTINCT FROM b THEN
    finding := concat_ws(', ', finding, 'the basket');
  END IF;
  -- live rows: 3 buys, 4 returns, 5 has the same in other rows, 25 is new
  INSERT INTO val_rows VALUES (3, 8, 6, 90), (3, 9, 0.5, 90), (25, 1, 2, 90), (25, 2, 40, 90), (25, 4, -1, 90);
  IF NOT others THEN
    INSERT INTO val_rows SELECT 4, r.i, -sum(r.v), 91 FROM val_rows AS r WHERE r.u = 4 AND r.i < 7 GROUP BY r.i;
  END IF;
  FOREACH u IN ARRAY changed LOOP
    IF val_answers('val_a', u) IS DISTINCT FROM val_answers('val_b', u) THEN
      finding := concat_ws(', ', finding, format('live user %s', u));
    END IF;
  END LOOP;
  -- and folded in
  CALL reco.fold_in('val_a');
  CALL reco.fold_in('val_b');
  finding := concat_ws(', ', finding, val_differs('{model_user_layer}'));
  INSERT INTO val_results VALUES (left(algorithm::text, 200), rule, nullif(finding, ''));
  CALL reco.drop_model('val_a');
  CALL reco.drop_model('val_b');
  DROP VIEW val_view;
  DROP TABLE val_rows;
END
$$;

DO $$
DECLARE
  algorithm reco.algorithm;
  rule text;
BEGIN
  FOREACH rule IN ARRAY '{auto, raw, binary, log, cap}'::text[] LOOP
    FOREACH algorithm IN ARRAY ARRAY[
      reco.ials(4, iterations => 2, solver => 'cholesky'), reco.als(2, iterations => 2), reco.svd(2), reco.popular(), reco.rp3beta(),
      reco.item_knn(), reco.item_knn(normalized => true), reco.user_knn(neighbors => 4), reco.user_knn(neighbors => 4, normalized => true), reco.user_knn(similarity => 'pearson', neighbors => 4),
      reco.hybrid(ARRAY[reco.ials(3, iterations => 2, solver => 'cholesky'), reco.item_knn(similarity => 'jaccard')])]::reco.algorithm[] LOOP
      CALL val_try(algorithm, rule, 'val_mixed');
    END LOOP;
    IF rule <> 'raw' THEN
      CALL val_try(reco.ials(4, iterations => 2, solver => 'cholesky'), rule, 'val_extreme', CASE WHEN rule = 'cap' THEN 10 END);
      CALL val_try(reco.item_knn(), rule, 'val_extreme', CASE WHEN rule = 'cap' THEN 1e-30 END);
    END IF;
  END LOOP;
END
$$;
SELECT count(*), count(finding) AS findings FROM val_results;
SELECT * FROM val_results WHERE finding IS NOT NULL;

-- A rule of one's own is that of every algorithm that makes lists, in evaluate as in a training; worth stays what it was.
CREATE FUNCTION val_lists(source text, options reco.data_options) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT concat_ws(' ', algorithm, metric, k, value, users)
    FROM reco.evaluate(source, ARRAY[reco.ials(4, iterations => 2, solver => 'cholesky'), reco.item_knn(), reco.svd(2),
                                     reco.hybrid(ARRAY[reco.item_knn(), reco.popular()])]::reco.algorithm[],
                       cutoffs => '{3, 5}', options => options) AS e
   WHERE metric IN ('precision', 'recall', 'ndcg', 'hit_rate', 'coverage')
$$;
WITH tried (rule, cap) AS (VALUES ('raw', NULL), ('binary', NULL), ('log', NULL), ('cap', 1.5::real))
SELECT rule, (SELECT count(*) FROM val_lists('SELECT u, i, v FROM val_mixed', reco.options(value => rule, value_cap => cap))) AS rows,
       NOT EXISTS (SELECT val_lists('SELECT u, i, v FROM val_mixed', reco.options(value => rule, value_cap => cap))
                   EXCEPT SELECT val_lists(format('SELECT u, i, val_by(sum(v)::real, %L, %L) AS v FROM val_mixed GROUP BY u, i', rule, cap), reco.options(value => 'raw'))) AS same
  FROM tried;
SELECT NOT EXISTS (SELECT val_lists('SELECT u, i, v FROM val_mixed', reco.options())
                   EXCEPT SELECT val_lists('SELECT u, i, v FROM val_mixed', reco.options(value => 'binary'))) AS auto_is_binary,
       EXISTS (SELECT val_lists('SELECT u, i, v FROM val_mixed', reco.options(value => 'raw'))
               EXCEPT SELECT val_lists('SELECT u, i, v FROM val_mixed', reco.options(value => 'binary'))) AS raw_differs;
-- als beside them takes values as they are
SELECT bool_and(a.value = b.value) AS same, count(*)
  FROM reco.evaluate('SELECT u, i, v FROM val_mixed', ARRAY[reco.ials(4, iterations => 2), reco.als(2, iterations => 2)]::reco.algorithm[]) AS a
  JOIN reco.evaluate('SELECT u, i, v FROM val_mixed', reco.als(2, iterations => 2), options => reco.options(value => 'raw')) AS b
    ON a.metric = b.metric AND a.k IS NOT DISTINCT FROM b.k
 WHERE a.algorithm LIKE 'als%' AND b.algorithm LIKE 'als%' AND a.metric IN ('rmse', 'mae', 'precision', 'recall', 'ndcg', 'hit_rate', 'coverage');

-- 'auto': what is a scale stays, whatever the order of rows
CREATE TABLE val_stars AS
  SELECT u, i, CASE WHEN (u + i) % 2 = 0 THEN 4 ELSE 1 + (u * i) % 5 END AS v FROM generate_series(1, 30) u, generate_series(1, 20) i WHERE (u * 3 + i * 7 + u * i) % 4 < 2;
CREATE FUNCTION val_chosen(source text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  chosen text;
BEGIN
  CALL reco.create_model('val', source, reco.popular(), options => reco.options(measure => false));
  SELECT options->>'value' INTO chosen FROM val.versions;
  CALL reco.drop_model('val');
  RETURN chosen;
END
$$;
SELECT what, val_chosen(source) AS chosen FROM (VALUES
  ('stars', 'SELECT u, i, v FROM val_stars'),
  ('stars, another order', 'SELECT u, i, v FROM val_stars ORDER BY v DESC, i'),
  ('half stars', 'SELECT u, i, v / 2.0 FROM val_stars'),
  ('a hundredth of them given again', 'SELECT u, i, v FROM val_stars UNION ALL (SELECT u, i, v FROM val_stars ORDER BY u, i LIMIT (SELECT count(*) / 100 FROM val_stars))'),
  ('more of them given again', 'SELECT u, i, v FROM val_stars UNION ALL (SELECT u, i, v FROM val_stars ORDER BY u, i LIMIT (SELECT count(*) / 100 + 1 FROM val_stars))'),
  ('up to 100', 'SELECT u, i, v * 20 FROM val_stars'),
  ('beyond', 'SELECT u, i, v * 21 FROM val_stars'),
  ('too many', 'SELECT u, i, v + (u * i % 7) / 10.0 FROM val_stars'),
  ('quantities', 'SELECT u, i, greatest(1, v - 3) FROM val_stars'),
  ('no values', 'SELECT u, i FROM val_stars'),
  ('all the same', 'SELECT u, i, 3 FROM val_stars')) AS t (what, source);

-- a measure that compares values with their mean has something to compare
CALL reco.create_model('val', 'SELECT u, i, abs(v) + 1 FROM val_mixed', reco.hybrid(ARRAY[reco.item_knn(similarity => 'adjusted_cosine'), reco.popular()]), options => reco.options(measure => false));
SELECT options->>'value' AS compared FROM val.versions;
CALL reco.alter_model('val', options => reco.options(value => 'binary'));
CALL reco.drop_model('val');

-- candidates share no history
CALL reco.create_model('val', 'SELECT u, i, v FROM val_mixed', reco.auto(candidates => ARRAY[reco.als(2, iterations => 2), reco.popular()]), options => reco.options(value => 'log'));
SELECT CASE WHEN algorithm LIKE 'als%' THEN options->>'value' = 'raw' ELSE options->>'value' = 'log' END AS by_its_own FROM val.versions;
CALL reco.drop_model('val');

-- Errors before anything is read: one history for all members.
CREATE FUNCTION val_both() RETURNS reco.algorithm LANGUAGE sql AS $$SELECT reco.hybrid(ARRAY[reco.ials(2, iterations => 1), reco.als(2, iterations => 1)])$$;
CALL reco.create_model('val', 'val_stars', val_both(), options => reco.options(value => 'log', measure => false));
SELECT * FROM reco.evaluate('val_stars', val_both(), options => reco.options(value => 'binary'));
CALL reco.create_model('val', 'SELECT u, i, v * 30 FROM val_stars', val_both(), options => reco.options(measure => false));
SELECT options->>'value' AS both FROM val.versions;
CALL reco.alter_model('val', options => reco.options(value => 'cap'));
CALL reco.alter_model('val', algorithm => reco.ials(4, iterations => 2), options => reco.options(value => 'cap'));
CALL reco.alter_model('val', algorithm => val_both());
-- what is served goes by the version's rule until a refresh
SELECT options->>'value' AS definition FROM val.model;
INSERT INTO val_stars SELECT 1, i, 500 FROM generate_series(1, 20) i ON CONFLICT DO NOTHING;
CALL reco.refresh('val');
SELECT version, options->>'value' AS value, options->>'value_cap' AS cap, max_value FROM val.model_version ORDER BY version;
CALL reco.activate('val', 1);
SELECT count(*) FROM val.recommend(1, 5, include_seen => true);
CALL reco.drop_model('val');

-- What is chosen is an option that the version's own rules take: sums of the largest values, the least there are.
CREATE TABLE val_far AS SELECT u, i, 9e17::float8 AS v FROM generate_series(1, 6) u, generate_series(1, 5) i, generate_series(1, 3) WHERE (u + i) % 3 > 0;
CALL reco.create_model('val', 'val_far', reco.item_knn(shrinkage => 0), options => reco.options(value => 'cap', live => 'on', measure => false));
SELECT (options->>'value_cap')::real = 2.7e18::real AS cap, (SELECT count(*) FROM val.recommend(1)) AS rows FROM val.versions;
CALL reco.drop_model('val');
CALL reco.create_model('val', 'SELECT u, i, 1.5e-45::float8 FROM val_far', reco.item_knn(shrinkage => 0), options => reco.options(value => 'cap', live => 'on', measure => false));
SELECT (options->>'value_cap')::float8 > 0 AS cap, (SELECT count(*) FROM val.recommend(1)) AS rows FROM val.versions;
CALL reco.drop_model('val');
DROP TABLE val_far;

-- Contributions add up to the score, by any rule, also of live rows.
CREATE INDEX ON val_mixed (u);
CREATE TABLE val_sums (rule text, u int, off float8);
DO $$
DECLARE
  rule text;
BEGIN
  FOREACH rule IN ARRAY '{raw, binary, log, cap}'::text[] LOOP
    CALL reco.create_model('val', 'SELECT u, i, v FROM val_mixed', reco.ials(4, iterations => 2, solver => 'cholesky'), options => reco.options(value => rule, live => 'on', measure => false));
    INSERT INTO val_mixed VALUES (3, 8, 6, 90), (26, 1, 2.5, 90), (26, 2, 40, 90);
    INSERT INTO val_sums SELECT rule, u, abs(val.predict(u, 7) - (SELECT sum(contribution) FROM val.explain(u, 7))) FROM unnest('{1, 3, 26}'::int[]) AS u;
    CALL reco.drop_model('val');
    DELETE FROM val_mixed WHERE t = 90;
  END LOOP;
END
$$;
SELECT count(*), count(off) AS told, max(off) < 1e-6 AS add_up FROM val_sums;

-- What counts once is stored without values.
CALL reco.create_model('val', 'SELECT u, i, abs(v) + 0.3 AS v FROM val_mixed', reco.popular(), options => reco.options(measure => false));
CALL reco.create_model('val_raw', 'SELECT u, i, abs(v) + 0.3 AS v FROM val_mixed', reco.popular(), options => reco.options(value => 'raw', measure => false));
SELECT sum(length(r.history)) - sum(length(o.history)) = 4 * sum(o.interactions) AS four_bytes_each
  FROM val.model_user AS o JOIN val_raw.model_user AS r USING (user_id);
CALL reco.drop_model('val');
CALL reco.drop_model('val_raw');
DROP FUNCTION val_by, val_differs, val_answers, val_lists, val_chosen, val_both;
DROP PROCEDURE val_try;
DROP TABLE val_mixed, val_extreme, val_stars, val_results, val_sums;
