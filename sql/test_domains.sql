--
-- Every algorithm and every similarity on every kind of values that a column may hold,
-- through training, evaluation and every function that serves: no crash, no model that
-- is damaged, no number that is none.
--
SET client_min_messages = error;
SET reco.threads = 1;  -- what is trained here is small

-- 530 items of which 16 users have most, 530 users who have most of 16 items, one user
-- with everything, and a few with little: rows of both sides are long and dense enough to
-- be counted in bits, and sparse and skewed ones are among them.
CREATE TABLE dom_cell AS
  SELECT u, i, (hashint8(u * 100003::bigint + i) & 1048575) AS r, (hashint8(i * 100003::bigint + u) & 1048575) AS r2
    FROM generate_series(1, 560) AS u, generate_series(1, 560) AS i
   WHERE (u <= 16 AND i <= 530 AND (u * 7 + i) % 5 > 0) OR (i <= 16 AND u <= 530 AND (i * 7 + u) % 5 > 0)
      OR u = 540 OR (u > 540 AND (i * u) % 97 = 0);
CREATE TABLE dom_domain (n serial, name text, formula text);
INSERT INTO dom_domain (name, formula) VALUES
  ('none', NULL), ('0', '0'), ('1', '1'), ('0 and 1', 'r % 2'), ('-1 and 1', 'r % 2 * 2 - 1'), ('0 to 2', 'r % 3'),
  ('0 to 15', 'r % 16'), ('0 to 16', 'r % 17'), ('halves', 'r % 10 / 2.0 + 0.5'), ('multiples', 'r % 9 * 10 + 10'),
  ('negative', '- (r % 5) - 1'), ('-2 to 2', 'r % 5 - 2'), ('1e-30', '(r % 5 + 1) * 1e-30'), ('1e15', '(r % 5 + 1) * 1e15'),
  ('1e18', '1e18'), ('sevenths', '(r % 14 + 1) / 7.0'), ('one huge', 'CASE WHEN u = 3 AND i = 3 THEN 1e15 ELSE r % 5 + 1 END'),
  ('huge and tiny', 'CASE WHEN r2 % 50 = 0 THEN 1e9 ELSE (r % 5 + 1) * 1e-9 END'), ('cents', 'r % 99999 / 100.0');
CREATE TABLE dom_now (u int, i int, v float8, t timestamp);
CREATE TABLE dom_item AS
  SELECT i AS id, 'word' || i % 7 || ' word' || i % 11 AS title, i % 5 AS price FROM generate_series(1, 560) AS i;
-- An algorithm by its name, as small as its options let it be.
CREATE FUNCTION dom_small(name text, arguments text[]) RETURNS reco.algorithm LANGUAGE plpgsql AS $$
DECLARE a reco.algorithm;
BEGIN
  EXECUTE format('SELECT reco.%I(%s)', name, concat_ws(', ', CASE WHEN 'factors' = ANY (arguments) THEN 'factors => 8' END,
                                                           CASE WHEN 'iterations' = ANY (arguments) THEN 'iterations => 2' END)) INTO a;
  RETURN a;
END
$$;
CREATE TABLE dom_algorithm AS
  SELECT row_number() OVER () AS n, a AS algorithm
    FROM (SELECT unnest(ARRAY[reco.item_knn(similarity => s, neighbors => 20, shrinkage => 0), reco.user_knn(similarity => s, neighbors => 20, weighting => 'none', shrinkage => 0)]) AS a
            FROM unnest('{cosine,adjusted_cosine,pearson,asymmetric,jaccard,dice,tversky,llr,conditional,lift}'::text[]) AS s
          UNION ALL SELECT unnest(ARRAY[
            reco.item_knn(weighting => 'tf-idf'), reco.user_knn(weighting => 'bm25'), reco.item_knn(normalized => true),
            reco.user_knn(normalized => true), reco.item_knn(biases => true), reco.user_knn(biases => true, similarity => 'pearson'),
            reco.item_knn(similarity => 'asymmetric', exponent => 1, shrinkage => 0), reco.user_knn(similarity => 'asymmetric', exponent => 0, weighting => 'none', shrinkage => 0),
            reco.rp3beta(alpha => 1, beta => 0.6, normalized => true), reco.rp3beta(alpha => 10, normalized => false, beta => 0.6), reco.ials(factors => 8, iterations => 2, regularization => 0.01, alpha => 1),
            reco.als(factors => 8, iterations => 2), reco.content(), reco.popular()])
          -- and whatever else there is
          UNION ALL (SELECT dom_small(proname, proargnames) FROM pg_proc
                      WHERE pronamespace = 'reco'::regnamespace AND prosrc = 'reco_make_algorithm'
                        AND proname <> ALL ('{item_knn,user_knn,rp3beta,ials,als,content,popular,hybrid,private,auto}') ORDER BY proname)) AS s;

-- What went wrong. An error of training that says that values are too large is an answer.
CREATE TABLE dom_wrong (domain text, algorithm text, doing text, what text);

-- The rows of one function, of each column that is a number whether it is one.
CREATE FUNCTION dom_rows(domain text, algorithm text, query text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE strange bigint;
BEGIN
  EXECUTE format($q$SELECT count(*) FROM (%s) AS r, jsonb_each_text(to_jsonb(r)) AS e WHERE e.value IN ('NaN', 'Infinity', '-Infinity')$q$, query)
    INTO strange;
  IF strange > 0 THEN
    INSERT INTO dom_wrong VALUES (domain, algorithm, query, strange || ' numbers that are none');
  END IF;
EXCEPTION WHEN OTHERS THEN
  IF SQLSTATE <> '22003' OR query !~ 'reco.evaluate' THEN
    INSERT INTO dom_wrong VALUES (domain, algorithm, query, SQLSTATE || ' ' || SQLERRM);
  END IF;
END
$$;
CREATE FUNCTION dom_serve(domain text, algorithm text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  q text;
  queries text[] = ARRAY[
    'SELECT x.* FROM unnest(ARRAY[1, 3, 100, 540, 550, 999]) AS u, LATERAL dom_run.recommend(u, n => 20) AS x',
    'SELECT x.* FROM unnest(ARRAY[1, 100]) AS u, LATERAL dom_run.recommend(u, n => 5, include_seen => true, diversity => 0.5) AS x',
    'SELECT x.* FROM unnest(ARRAY[1, 3, 540, 999]) AS u, LATERAL dom_run.rerank(u, ARRAY[3, 1, 500, 999]) AS x',
    'SELECT dom_run.predict(u, i) AS score FROM unnest(ARRAY[1, 3, 100, 540, 550]) AS u, unnest(ARRAY[1, 3, 200, 560]) AS i',
    'SELECT x.* FROM unnest(ARRAY[1, 540]) AS u, LATERAL dom_run.explain(u, 3) AS x',
    'SELECT x.* FROM unnest(ARRAY[1, 3, 500]) AS i, LATERAL dom_run.similar_items(i, n => 20) AS x',
    'SELECT x.* FROM unnest(ARRAY[1, 3, 500]) AS u, LATERAL dom_run.similar_users(u, n => 20) AS x',
    'SELECT x.* FROM dom_run.audience(500, n => 20) AS x', 'SELECT x.* FROM dom_run.audience(ARRAY[3, 200], n => NULL) AS x',
    'SELECT * FROM dom_run.popular(n => 20)',
    'SELECT * FROM dom_run.item_neighbors', 'SELECT * FROM dom_run.user_neighbors',
    'SELECT user_id, u.factors FROM dom_run.user_factors AS u', 'SELECT item_id, i.factors FROM dom_run.item_factors AS i',
    'SELECT x.* FROM dom_run.recommend_for(ARRAY[1, 3, 200]) AS x', 'SELECT x.* FROM dom_run.recommend_for(ARRAY[999]) AS x',
    'SELECT x.* FROM dom_run.recommend_for(ARRAY[1, 3, 200], weights => ARRAY[1, 0, 1e18]::real[]) AS x',
    'SELECT x.* FROM dom_run.recommend_for(ARRAY[1, 3], weights => ARRAY[-1, 1e-30]::real[]) AS x'];
BEGIN
  IF domain <> 'none' THEN
    queries = queries || 'SELECT * FROM dom_run.trending(n => 20)'::text;
  END IF;
  FOREACH q IN ARRAY queries LOOP
    PERFORM dom_rows(domain, algorithm, q);
  END LOOP;
  RETURN cardinality(queries);
END
$$;
CREATE FUNCTION dom_fill(formula text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE dom_now;
  EXECUTE format('INSERT INTO dom_now SELECT u, i, %s, timestamp ''2020-01-01'' + r2 %% 14 * interval ''1 day'' FROM dom_cell', COALESCE(formula, 'NULL'));
  IF formula IS NULL THEN
    -- without values, and one pair twice: that is a value of 2
    INSERT INTO dom_now VALUES (1, 1);
    RETURN 'SELECT u, i FROM dom_now';
  END IF;
  RETURN 'SELECT u, i, v, t FROM dom_now';
END
$$;

-- All algorithms and domains in an evaluation, which trains and lists for every user.
CREATE FUNCTION dom_evaluate() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE d record; n bigint = 0; a text; source text;
BEGIN
  FOR d IN SELECT * FROM dom_domain ORDER BY dom_domain.n LOOP
    source = dom_fill(d.formula);
    -- all in one call; where one is refused, each alone
    FOR a IN SELECT array_agg(algorithm ORDER BY dom_algorithm.n)::text FROM dom_algorithm
             GROUP BY CASE WHEN d.name IN ('1e18', 'huge and tiny') THEN dom_algorithm.n END LOOP
      PERFORM dom_rows(d.name, 'all', format('SELECT * FROM reco.evaluate(%L, %L::reco.algorithm[], items => %L, cutoffs => ARRAY[5])',
                                             source, a, 'SELECT id, title, price FROM dom_item'));
    END LOOP;
    n = n + (SELECT count(*) FROM dom_algorithm);
  END LOOP;
  RETURN n;
END
$$;
SELECT dom_evaluate() >= 646 AS evaluated;

-- A fifth of them, each algorithm and each domain several times, as models.
CREATE PROCEDURE dom_create(INOUT models bigint, INOUT queries bigint) LANGUAGE plpgsql AS $$
DECLARE d record; a record; source text; made boolean; what text;
BEGIN
  models = 0;
  queries = 0;
  FOR d IN SELECT * FROM dom_domain ORDER BY n LOOP
    source = dom_fill(d.formula);
    FOR a IN SELECT * FROM dom_algorithm WHERE (dom_algorithm.n + d.n) % 5 = 0 ORDER BY dom_algorithm.n LOOP
      models = models + 1;
      BEGIN
        CALL reco.create_model('dom_run', source, a.algorithm, items => 'SELECT id, title, price FROM dom_item', options => reco.options(value => 'raw'));
        made = true;
      EXCEPTION WHEN OTHERS THEN
        made = false;
        IF SQLSTATE <> '22003' THEN
          INSERT INTO dom_wrong VALUES (d.name, reco.describe(a.algorithm), 'training', SQLSTATE || ' ' || SQLERRM);
        END IF;
      END;
      IF made THEN
        queries = queries + dom_serve(d.name, reco.describe(a.algorithm));
        CALL reco.drop_model('dom_run');
      END IF;
      COMMIT;
    END LOOP;
  END LOOP;
END
$$;
CALL dom_create(0, 0) \gset
SELECT :models >= 130 AS models, :queries >= 2400 AS queries;
-- What a model cannot hold is refused, with the way out.
TRUNCATE dom_now;
INSERT INTO dom_now VALUES (1, 1, 1e9), (1, 2, 1e-9), (2, 1, 1), (2, 2, 1e-9);
CALL reco.create_model('dom_run', 'SELECT u, i, v FROM dom_now', reco.item_knn(similarity => 'asymmetric', exponent => 1, shrinkage => 0), options => reco.options(value => 'raw'));
SELECT domain, algorithm, doing, what FROM dom_wrong ORDER BY 1, 2, 3;
