--
-- Options that are left open: what was asked for stays with the model, what was chosen by the
-- data is what the version has.
--
SET client_min_messages = warning;

-- 40 users of two tastes, 30 items, some 200 interactions, values from 1 to 3
CREATE TABLE def_lines AS
  SELECT u, i, 1 + (u + i) % 3 AS v FROM generate_series(1, 40) AS u, generate_series(1, 30) AS i
   WHERE (u * 7 + i * 11) % 13 < 4 AND (u + i) % 2 = 0 OR u = i;
-- and such in which everybody takes what is popular
CREATE TABLE def_flat AS
  SELECT u, i FROM generate_series(1, 40) AS u, generate_series(1, 30) AS i
   WHERE hashint4(u * 1000 + i)::bigint & 1023 < 1024 / (1 + i * 0.6);

-- the formulas of doc/algorithms.md, in plain SQL
CREATE FUNCTION def_rules(lines text, weighted bool DEFAULT false, given_alpha float8 DEFAULT NULL,
                          OUT structure numeric, OUT alpha numeric, OUT regularization numeric, OUT support numeric)
LANGUAGE plpgsql AS $$
DECLARE
  n float8; users float8; items float8; size float8; square float8; q float8; r float8; a float8; t float8;
BEGIN
  EXECUTE format('CREATE TEMP TABLE def_rows AS SELECT u, i, v::float8 AS v FROM %s', lines);
  SELECT count(*), count(DISTINCT u), count(DISTINCT i), avg(abs(v)), avg(v * v) INTO n, users, items, size, square FROM def_rows;
  SELECT sum(p * p) ^ 2 - sum(p ^ 4) INTO q FROM (SELECT count(*) / n AS p FROM def_rows GROUP BY i) AS s;
  WITH active AS (SELECT u, count(*)::float8 AS n FROM def_rows GROUP BY u),
  common AS (SELECT x.u AS u, y.u AS w, count(*)::float8 AS c FROM def_rows AS x JOIN def_rows AS y USING (i) WHERE x.u <> y.u GROUP BY x.u, y.u)
  SELECT (SELECT sum(c * (c - 1) / (x.n * y.n)) FROM common JOIN active AS x USING (u) JOIN active AS y ON y.u = w) /
         (SELECT sum((x.n - 1) * (y.n - 1) * q) FROM active AS x JOIN active AS y ON x.u <> y.u) INTO r;
  t := least(greatest((r - 1.05) / 0.2, 0), 1);
  a := coalesce(given_alpha * size, least(greatest(0.04 / (n / users / items), 1), 40) ^ t);
  regularization := (3 - 2 * t) * sqrt(1 + a) * (sqrt(n / users) + sqrt(n / items))
    / CASE WHEN weighted THEN sqrt((items + a * n / users) * (users + a * n / items)) ELSE 1 END;
  alpha := coalesce(given_alpha, a / size);
  support := 50 * 10 ^ (1 - t) * square;
  structure := round(t::numeric, 2);
  DROP TABLE def_rows;
END $$;

CREATE FUNCTION def_close(a jsonb, b numeric) RETURNS bool LANGUAGE sql AS
  $$ SELECT abs(a::numeric - b) <= 0.0006 * b $$;

-- what was asked for, and what was chosen
CALL reco.create_model('def', 'SELECT u, i, v FROM def_lines', reco.ials(factors => 4));
SELECT reco.describe(algorithm) AS asked FROM def.model;
SELECT algorithm AS asked FROM reco.models WHERE model = 'def';
SELECT algorithm AS chosen FROM def.versions;
SELECT f.structure, def_close(v.algorithm -> 'alpha', f.alpha) AS alpha, def_close(v.algorithm -> 'regularization', f.regularization) AS regularization
  FROM def.model_version AS v, def_rules('def_lines') AS f;
-- a refresh chooses anew: here nobody has more than popularity says
CALL reco.alter_model('def', source => 'SELECT u, i, 1 FROM def_flat');
CALL reco.refresh('def');
SELECT f.structure, v.algorithm -> 'alpha' AS alpha, def_close(v.algorithm -> 'regularization', f.regularization) AS regularization
  FROM def.model_version AS v, def_rules('(SELECT u, i, 1 AS v FROM def_flat) AS s') AS f WHERE version = 2;
SELECT algorithm AS asked FROM reco.models WHERE model = 'def';

-- one of the two is given: it stays, to the digit, and the other goes by it
CALL reco.alter_model('def', source => 'SELECT u, i, v FROM def_lines', algorithm => reco.ials(factors => 4, alpha => 7.123456789012));
CALL reco.refresh('def');
CALL reco.alter_model('def', algorithm => '{"algorithm": "ials", "factors": 4, "regularization": 0.30000000000000004}');
CALL reco.refresh('def');
CALL reco.alter_model('def', algorithm => reco.ials(factors => 4, weighted_regularization => true));
CALL reco.refresh('def');
SELECT version, v.algorithm -> 'alpha' AS alpha, def_close(v.algorithm -> 'regularization', f.regularization) AS regularization
  FROM def.model_version AS v, def_rules('def_lines', given_alpha => 7.123456789012) AS f WHERE version = 3;
SELECT version, def_close(v.algorithm -> 'alpha', f.alpha) AS alpha, v.algorithm -> 'regularization' AS regularization
  FROM def.model_version AS v, def_rules('def_lines') AS f WHERE version = 4;
SELECT version, def_close(v.algorithm -> 'alpha', f.alpha) AS alpha, def_close(v.algorithm -> 'regularization', f.regularization) AS regularization
  FROM def.model_version AS v, def_rules('def_lines', weighted => true) AS f WHERE version = 5;

-- what was chosen, given, makes the same model
SELECT reco.describe(algorithm) AS exact FROM def.model_version WHERE version = 5 \gset
CALL reco.create_model('def_exact', 'SELECT u, i, v FROM def_lines', reco.:exact);
SELECT reco.describe(algorithm) = :'exact' AS same FROM def_exact.model_version;
SELECT bool_and(a.factors = b.factors) AS same FROM def_exact.user_factors AS a JOIN def.user_factors AS b USING (user_id);

-- neighbors: by what is compared, and by what is given
CREATE FUNCTION def_chosen(a reco.algorithm[], source text DEFAULT 'SELECT u, i, v FROM def_lines') RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE chosen text[];
BEGIN
  CALL reco.create_model('def_one', source, reco.hybrid(a), options => reco.options(value => 'raw'));
  SELECT array_agg(concat_ws(' ', m ->> 'weighting', m ->> 'neighbors', (m ->> 'shrinkage')::float8, (m ->> 'alpha')::float8,
                             (m ->> 'regularization')::float8, m ->> 'beta', CASE WHEN m ? 'beta' THEN m ->> 'normalized' END) ORDER BY k)
    INTO chosen FROM def_one.model_version, jsonb_array_elements(algorithm -> 'members') WITH ORDINALITY AS e(m, k);
  -- served from what was chosen
  PERFORM count(*) FROM def_one.recommend(1), def_one.similar_items(1);
  CALL reco.drop_model('def_one');
  RETURN chosen;
END $$;
SELECT round(support, 1) AS support FROM def_rules('def_lines');
WITH s AS (SELECT array_agg(reco.item_knn(similarity => s) ORDER BY k) AS items, array_agg(reco.user_knn(similarity => s) ORDER BY k) AS users,
                  array_agg(reco.user_knn(similarity => s, biases => true) ORDER BY k) AS ratings, array_agg(s ORDER BY k) AS names
             FROM unnest('{cosine,adjusted_cosine,pearson,asymmetric,jaccard,dice,tversky,llr,conditional,lift}'::text[]) WITH ORDINALITY AS u(s, k))
SELECT c.* FROM s, unnest(names, def_chosen(items), def_chosen(users), def_chosen(ratings)) AS c(similarity, items, users, ratings);
SELECT unnest(def_chosen(ARRAY[reco.item_knn(weighting => 'bm25'), reco.user_knn(weighting => 'none'), reco.user_knn(neighbors => 7, shrinkage => 1),
                               reco.rp3beta(), reco.rp3beta(normalized => false, beta => 1)])) AS given;
SELECT def_chosen(ARRAY[reco.user_knn(), reco.item_knn()], 'SELECT u, i FROM def_flat') AS flat;

-- members of others, each by its own rule
CALL reco.create_model('def_hybrid', 'SELECT u, i, v FROM def_lines',
  reco.hybrid(ARRAY[reco.popular(), reco.hybrid(ARRAY[reco.item_knn(), reco.ials(factors => 4)]), reco.ials(factors => 3, regularization => 2, alpha => 1)], weights => '{1, 0.3, 2}'));
SELECT algorithm AS chosen FROM def_hybrid.versions;
SELECT count(*) FROM def_hybrid.recommend(1, 5);
SELECT reco.describe(algorithm) AS asked FROM def_hybrid.model;

-- an evaluation chooses by its training part, which has four fifths of the rows, and says what
SELECT split_part(m.algorithm, '(', 1) AS algorithm, substring(m.algorithm FROM 'regularization => ([0-9.]+)')::numeric / f.regularization BETWEEN 0.8 AND 0.97 AS by_part
  FROM reco.evaluate('SELECT u, i, 1 FROM def_flat', ARRAY[reco.ials(factors => 4), reco.ials(factors => 4, regularization => 1000)]) AS m,
       def_rules('(SELECT u, i, 1 AS v FROM def_flat) AS s') AS f WHERE metric = 'ndcg' ORDER BY 1, 2;

-- whatever there is to train on: numbers in range, and lists
SELECT what, c.* FROM (VALUES
  ('one row', 'VALUES (1, 1)'),
  ('one user', 'SELECT 1, i FROM generate_series(1, 9) AS i'),
  ('one item', 'SELECT u, 1 FROM generate_series(1, 9) AS u'),
  ('one item each', 'SELECT u, u FROM generate_series(1, 9) AS u'),
  ('all of all', 'SELECT u, i FROM generate_series(1, 9) AS u, generate_series(1, 9) AS i'),
  ('no value above 0', 'SELECT u, i, 0 FROM def_lines'),
  ('no', 'SELECT u, i, -v FROM def_lines'),
  ('a little', 'SELECT u, i, v * 1e-30::float8 FROM def_lines'),
  ('much', 'SELECT u, i, v * 1e15::float8 FROM def_lines'),
  ('both', 'SELECT u, i, CASE WHEN u = 1 THEN 1e15 ELSE 1e-9 END::float8 FROM def_lines'),
  ('sparse', 'SELECT u, u * 10 + k FROM generate_series(1, 300) AS u, generate_series(1, 3) AS k')) AS v(what, source),
  LATERAL def_chosen(ARRAY[reco.ials(factors => 2), reco.item_knn(), reco.user_knn(), reco.rp3beta()], source) AS c;

-- where there are no data to choose by
SELECT reco.als_agg('{1}', 1, '{{1}}', reco.ials());
SELECT reco.als_agg('{1}', 1, '{{1}}', reco.ials(regularization => 1));
SELECT reco.als_agg('{1}', 1, '{{1}}', reco.ials(regularization => 1, alpha => 1));

CALL reco.drop_model('def');
CALL reco.drop_model('def_exact');
CALL reco.drop_model('def_hybrid');
DROP FUNCTION def_close, def_rules, def_chosen;
DROP TABLE def_lines, def_flat;
