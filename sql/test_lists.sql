--
-- What a list is made of: the model, exploring, trending, popular; diversity and
-- boosts; lists of all users; users of an item.
--
SET client_min_messages = warning;
-- three groups of items; 19 and 20 are bought of late
CREATE TABLE lst (u int, i int, v real, at timestamp);
INSERT INTO lst
SELECT u, i, 1, timestamp '2026-01-01' + (u + i) % 14 * interval '1 day'
  FROM generate_series(1, 30) u, generate_series(1, 18) i
 WHERE u % 3 = i % 3 AND (u * 7 + i * 5) % 4 < 3;
INSERT INTO lst
SELECT u, 19 + u % 2, 1, timestamp '2026-01-20' FROM generate_series(1, 10) u;
CALL reco.create_model('lst', 'lst', reco.ials(factors => 8, regularization => 1, alpha => 1), options => reco.options(on_invalid => 'error', measure => false));

-- growth, in standard deviations: (5 - 0) / sqrt(5 + 0 + 1)
SELECT * FROM lst.trending();
SELECT * FROM lst.trending(1);
SELECT rank, item_id, score FROM lst.popular(3);
-- an unknown user: what grows, then what is popular
SELECT * FROM lst.recommend(999, 5);
SELECT * FROM lst.recommend(999, 3, fallback => 'popular');
SELECT count(*) FROM lst.recommend(999, 3, fallback => 'none');
SELECT * FROM lst.recommend(999, 3, among => ARRAY[1, 19], fallback => 'trending');
SELECT * FROM lst.recommend(999, 3, exclude => ARRAY[19, 20]);
SELECT count(*), count(DISTINCT item_id) FROM lst.recommend(999, NULL);
SELECT lst.recommend(1, fallback => 'sometimes');

-- diversity: the best stays first, the list has no item twice and as many
SELECT count(*) = 6 AND count(DISTINCT item_id) = 6 AS whole,
       (array_agg(item_id ORDER BY rank))[1] = (SELECT item_id FROM lst.recommend(1, 1)) AS best_first
  FROM lst.recommend(1, 6, diversity => 0.5);
SELECT (SELECT array_agg(item_id ORDER BY rank) FROM lst.recommend(1, 6, diversity => 0))
     = (SELECT array_agg(item_id ORDER BY rank) FROM lst.recommend(1, 6)) AS none_is_plain;
CREATE FUNCTION lst_alike(items int[]) RETURNS float8 LANGUAGE sql AS $$
  SELECT avg(n.similarity) FROM unnest(items) a, LATERAL lst.similar_items(a, NULL) n WHERE n.item_id = ANY (items)
$$;
SELECT lst_alike((SELECT array_agg(item_id) FROM lst.recommend(1, 5, include_seen => true, diversity => 0.7)))
     < lst_alike((SELECT array_agg(item_id) FROM lst.recommend(1, 5, include_seen => true))) AS less_alike;
SELECT count(*) FROM lst.recommend_for(ARRAY[1, 4], diversity => 1, n => 5);
SELECT lst.recommend(1, diversity => 2);
SELECT lst.recommend(1, diversity => 'NaN');
-- by hand: S = {1}, then the candidate with the largest (1 - d) rel - d sim
WITH c AS (SELECT item_id, score, max(score) OVER () AS best, min(score) OVER () AS worst FROM lst.recommend(2, 20, fallback => 'none')),
     f AS (SELECT item_id FROM lst.recommend(2, 1)),
     m AS (SELECT c.item_id, 0.4 * (c.score - worst) / (best - worst) - 0.6 * s.similarity AS marginal
             FROM c, f, LATERAL lst.similar_items(f.item_id, NULL) s WHERE s.item_id = c.item_id)
SELECT (SELECT item_id FROM m ORDER BY marginal DESC LIMIT 1)
     = (SELECT item_id FROM lst.recommend(2, 2, diversity => 0.6) WHERE rank = 2) AS second_is_right;

-- exploring: its share of the places, of the long tail, drawn by the seed
SELECT source, count(*) FROM lst.recommend(1, 8, explore => 0.25) GROUP BY source ORDER BY source;
SELECT (SELECT array_agg(item_id ORDER BY rank) FROM lst.recommend(1, 8, explore => 0.5, explore_seed => 7))
     = (SELECT array_agg(item_id ORDER BY rank) FROM lst.recommend(1, 8, explore => 0.5, explore_seed => 7)) AS same_seed;
SELECT count(DISTINCT items) > 1 AS seeds_differ FROM (
  SELECT (SELECT array_agg(item_id ORDER BY rank) FROM lst.recommend(1, 8, explore => 0.5, explore_seed => s)) AS items
    FROM generate_series(1, 10) s) x;
SELECT count(*) AS seen FROM generate_series(1, 20) s, lst.recommend(1, 10, explore => 1, explore_seed => s) r
 WHERE r.item_id IN (SELECT i FROM lst WHERE u = 1);
SELECT lst.recommend(1, explore => -0.1);
-- places for which there is nothing to explore go back to the model
SELECT count(*), count(DISTINCT item_id), array_agg(DISTINCT source) FROM lst.recommend(1, 4, explore => 0.5, fallback => 'none', include_seen => true,
  among => ARRAY(SELECT item_id FROM lst.popular(4)));

-- boosts
SELECT item_id = 2 AS boosted FROM lst.recommend(1, 1, boost => ARRAY[2], boost_by => ARRAY[100000]::real[]);
SELECT r.score / p.score BETWEEN 1.99 AND 2.01 AS by_two
  FROM lst.recommend(2, 1, fallback => 'none') p, lst.recommend(2, 1, boost => ARRAY[p.item_id], fallback => 'none') r;
SELECT count(*) FROM lst.recommend(1, 3, boost => ARRAY[123456]);
SELECT lst.recommend(1, boost => ARRAY[1, 2], boost_by => ARRAY[2]::real[]);
SELECT lst.recommend(1, boost => ARRAY[1], boost_by => ARRAY[0]::real[]);
SELECT lst.recommend(1, boost => ARRAY[1], boost_by => ARRAY['NaN']::real[]);
SELECT lst.recommend(1, boost => ARRAY[1, NULL]);

-- lists of all users are those of recommend()
SELECT count(*) FROM lst.recommendations;
CALL reco.materialize('lst', 4);
CREATE FUNCTION lst_differences(model text, n int, seen boolean DEFAULT false) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE d bigint;
BEGIN
  EXECUTE format('
    WITH made AS (SELECT user_id, rank, item_id, score, source FROM %1$I.recommendations),
         asked AS (SELECT u.user_id, r.* FROM (SELECT DISTINCT user_id FROM made) u, LATERAL %1$I.recommend(u.user_id, $1, include_seen => $2, fallback => ''popular'') r)
    SELECT count(*) FROM ((TABLE made EXCEPT TABLE asked) UNION ALL (TABLE asked EXCEPT TABLE made)) x', model) INTO d USING n, seen;
  RETURN d;
END $$;
SELECT count(*), count(DISTINCT user_id), lst_differences('lst', 4) FROM lst.recommendations;
CALL reco.materialize('lst', n => 2, users => 'SELECT u FROM lst WHERE u < 3 UNION ALL VALUES (999), (NULL), (1)');
SELECT user_id, count(*), lst_differences('lst', 2) FROM lst.recommendations GROUP BY user_id ORDER BY user_id;
CALL reco.refresh('lst');
SELECT count(*) AS outlive_a_refresh FROM lst.recommendations;
BEGIN;
CALL reco.materialize('lst', 1);
SELECT count(*) FROM lst.recommendations;
ROLLBACK;
SELECT count(*) FROM lst.recommendations;
CALL reco.materialize('lst', 1000);
SELECT max(rank), lst_differences('lst', 1000) FROM lst.recommendations;
CALL reco.materialize('lst', 0);
CALL reco.materialize('lst', NULL);
CALL reco.materialize(NULL);
CALL reco.materialize('no_such');
CALL reco.materialize('lst', users => 'SELECT');
CALL reco.materialize('lst', users => 'DELETE FROM lst');
CALL reco.materialize('lst', users => 'SELECT ''x''::text');
-- of every algorithm that needs interactions only
DO $$
DECLARE
  a reco.algorithm;
  name text;
  algorithms reco.algorithm[] := ARRAY[reco.als(factors => 4), reco.user_knn(biases => true),
                                       reco.hybrid(ARRAY[reco.ials(4, regularization => 0.01, alpha => 1), reco.hybrid(ARRAY[reco.user_knn(weighting => 'none', shrinkage => 0), reco.popular()])])];
BEGIN
  FOR name IN SELECT proname FROM pg_proc WHERE pronamespace = 'reco'::regnamespace AND prosrc = 'reco_make_algorithm' AND proname <> 'content'
               AND pronargs = pronargdefaults LOOP
    EXECUTE format('SELECT reco.%I()', name) INTO a;
    algorithms := algorithms || a;
  END LOOP;
  FOREACH a IN ARRAY algorithms LOOP
    CALL reco.alter_model('lst', algorithm => a);
    CALL reco.refresh('lst');
    -- what users had is in the lists of what comes again, and elsewhere where it is asked for
    CALL reco.materialize('lst', 5);
    IF lst_differences('lst', 5, a ->> 'algorithm' = 'repeat') <> 0 THEN
      RAISE EXCEPTION 'lists of % differ', reco.describe(a);
    END IF;
    CALL reco.materialize('lst', 5, include_seen => a ->> 'algorithm' <> 'repeat');
    IF lst_differences('lst', 5, a ->> 'algorithm' <> 'repeat') <> 0 THEN
      RAISE EXCEPTION 'lists of % differ in what users had', reco.describe(a);
    END IF;
  END LOOP;
END $$;
SELECT max(rank), count(DISTINCT user_id) FROM lst.recommendations;
-- text ids
CREATE TABLE lst_text AS SELECT 'u' || u AS u, 'i' || i AS i FROM lst;
CALL reco.create_model('lst_text', 'lst_text', reco.item_knn(shrinkage => 0), options => reco.options(measure => false));
CALL reco.materialize('lst_text', 3);
SELECT count(*), lst_differences('lst_text', 3) FROM lst_text.recommendations;
-- ids with a collation of their own
CREATE TABLE lst_collated (u text COLLATE "C", i text COLLATE "C");
INSERT INTO lst_collated TABLE lst_text;
CALL reco.create_model('lst_collated', 'lst_collated', reco.item_knn(shrinkage => 0), options => reco.options(measure => false));
CALL reco.materialize('lst_collated', 3);
SELECT count(*), lst_differences('lst_collated', 3) FROM lst_collated.recommendations;

-- the users of an item, against asking each
CALL reco.alter_model('lst', algorithm => reco.ials(factors => 8, regularization => 1, alpha => 1));
CALL reco.refresh('lst');
CREATE FUNCTION lst_audience(item int, n int) RETURNS bool LANGUAGE sql AS $$
  SELECT (SELECT array_agg((rank, user_id, score)::text ORDER BY rank) FROM lst.audience(item, n))
       = (SELECT array_agg((rank, user_id, score)::text ORDER BY rank) FROM (
            SELECT row_number() OVER (ORDER BY lst.predict(u.user_id, item) DESC, u.user_id) AS rank, u.user_id, lst.predict(u.user_id, item) AS score
              FROM lst.user_factors u WHERE NOT EXISTS (SELECT FROM lst s WHERE s.u = u.user_id AND s.i = item)
             ORDER BY 1 LIMIT n) x)
$$;
SELECT bool_and(lst_audience(i, 7)) FROM generate_series(1, 20) i;
SELECT count(*) FROM lst.audience(1, NULL, exclude_buyers => false);
SELECT count(*) FROM lst.audience(1, n => NULL);
SELECT count(*) FROM lst.audience(12345);
SELECT count(*) FROM lst.audience(NULL::int);
SELECT rank, user_id FROM lst.audience(ARRAY[1, 4, 1, 999], 2);
SELECT count(*) FROM lst.audience('{}'::int[]);
SELECT lst.audience(ARRAY[1, NULL]);
SELECT lst.audience(1, -1);
SELECT * FROM lst_text.audience('i1', 2);
CALL reco.drop_model('lst');
CALL reco.drop_model('lst_text');
CALL reco.drop_model('lst_collated');
DROP FUNCTION lst_alike, lst_differences, lst_audience;
DROP TABLE lst, lst_text, lst_collated;

-- The index of items gives the list that scoring all of them gives: the first of few are
-- the first of all, with filters too.
CREATE TABLE lst_many AS
SELECT u, (u * 31 + k * k * 7 + (u % 5) * 600 * (k % 2)) % 3000 AS i, 1 + (u + k) % 5 AS v
  FROM generate_series(1, 400) u, generate_series(1, 25) k GROUP BY 1, 2, 3;
CREATE TABLE lst_stock AS SELECT i AS id, i % 7 > 0 AS available FROM lst_many GROUP BY i;
ALTER TABLE lst_stock ADD PRIMARY KEY (id);
CREATE FUNCTION lst_differ(algorithm reco.algorithm, stock text, OUT items bigint, OUT lists bigint, OUT differ bigint, OUT differ_among bigint)
LANGUAGE plpgsql AS $$
DECLARE tenth int[] := ARRAY(SELECT generate_series(3, 2999, 10));
BEGIN
  CALL reco.create_model('lst_many', 'lst_many', algorithm, items => stock, options => reco.options(measure => false));
  SELECT count(*), count(*) FILTER (WHERE few IS DISTINCT FROM all_of), count(*) FILTER (WHERE few_among IS DISTINCT FROM all_among)
    INTO lists, differ, differ_among
    FROM generate_series(1, 400, 5) u, LATERAL (
      SELECT (SELECT string_agg(item_id || '=' || score, ' ' ORDER BY rank) FROM lst_many.recommend(u, 10)) AS few,
             (SELECT string_agg(item_id || '=' || score, ' ' ORDER BY rank) FROM lst_many.recommend(u, 10, among => tenth)) AS few_among,
             string_agg(item_id || '=' || score, ' ' ORDER BY rank) FILTER (WHERE rank <= 10) AS all_of,
             string_agg(item_id || '=' || score, ' ' ORDER BY rank) FILTER (WHERE n <= 10 AND item_id % 10 = 3) AS all_among
        FROM (SELECT rank, item_id, score, row_number() OVER (PARTITION BY item_id % 10 = 3 ORDER BY rank) AS n
                FROM lst_many.recommend(u, NULL)) AS s) AS l;
  SELECT count(*) INTO items FROM lst_many.item_factors;
  CALL reco.drop_model('lst_many');
END $$;
SELECT d.* FROM unnest(ARRAY[reco.ials(factors => 16, iterations => 3, regularization => 0.01, alpha => 1), reco.als(factors => 10, iterations => 3)]::reco.algorithm[]) AS a,
  unnest(ARRAY[NULL, 'lst_stock']) AS stock, lst_differ(a, stock) AS d;
DROP FUNCTION lst_differ;
DROP TABLE lst_many, lst_stock;
