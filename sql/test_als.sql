--
-- Factor models: reco.ials() and reco.als() against values computed
-- independently, determinism, fold-in, explanations.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

CREATE TABLE als_rows (u int, i int, w int);
INSERT INTO als_rows VALUES
  (1, 1, 4), (1, 2, 2), (2, 1, 1), (2, 3, 5), (3, 2, 3), (3, 3, 1), (3, 4, 2), (4, 1, 2), (4, 4, 6);

-- At rank min(users, items) the predicted matrix is unique; these come from
-- minimizing the documented objectives with L-BFGS, not from reco.
CREATE TABLE als_golden (model text, u int, scores float8[]);
INSERT INTO als_golden VALUES
  ('als_implicit', 1, '{0.988798, 0.974810, 0.023898, 0.024103}'),
  ('als_implicit', 2, '{0.972593, 0.023943, 0.987237, 0.023624}'),
  ('als_implicit', 3, '{0.028322, 0.986008, 0.972583, 0.981565}'),
  ('als_implicit', 4, '{0.981572, 0.024148, 0.023624, 0.989118}'),
  ('als_weighted', 1, '{0.868804, 0.775699, 0.221432, 0.260772}'),
  ('als_weighted', 2, '{0.745905, 0.224282, 0.863396, 0.212248}'),
  ('als_weighted', 3, '{0.337015, 0.854412, 0.754150, 0.807416}'),
  ('als_weighted', 4, '{0.800717, 0.263286, 0.211882, 0.864189}'),
  ('als_negative', 1, '{0.987660, 0.977495, 0.024709, 0.031999}'),
  ('als_negative', 2, '{0.980248, 0.004906, 0.984733, 0.004913}'),
  ('als_negative', 3, '{0.030497, 0.983438, -0.010103, 0.978210}'),
  ('als_negative', 4, '{0.979718, 0.032077, 0.024289, 0.990228}'),
  ('als_explicit', 1, '{3.866773, 2.136586, 1.907213, 2.647283}'),
  ('als_explicit', 2, '{1.120429, 2.797137, 4.885692, 5.382702}'),
  ('als_explicit', 3, '{3.350099, 2.886475, 1.138100, 2.047333}'),
  ('als_explicit', 4, '{2.039344, 3.372693, 5.321085, 5.832405}'),
  ('als_unbiased', 1, '{3.915371, 2.162625, 2.180058, 2.399054}'),
  ('als_unbiased', 2, '{1.189931, 3.437117, 4.946425, 4.074648}'),
  ('als_unbiased', 3, '{3.861140, 2.941847, 1.215477, 2.000000}'),
  ('als_unbiased', 4, '{2.000000, 3.028729, 4.164196, 5.800000}');

-- C19
CALL reco.create_model('als_implicit', 'als_rows',
  reco.ials(factors => 4, regularization => 0.1, alpha => 1, iterations => 300), options => reco.options(value => 'raw'));
CALL reco.create_model('als_weighted', 'als_rows',
  reco.ials(factors => 4, regularization => 0.1, alpha => 1, iterations => 300, weighted_regularization => true), options => reco.options(value => 'raw'));
CALL reco.create_model('als_negative', 'SELECT u, i, CASE WHEN u = 3 AND i = 3 THEN -1 ELSE w END FROM als_rows',
  reco.ials(factors => 4, regularization => 0.1, alpha => 1, iterations => 300), options => reco.options(value => 'raw'));
CALL reco.create_model('als_explicit', 'als_rows',
  reco.als(factors => 4, regularization => 0.1, iterations => 1000, clip => false));
CALL reco.create_model('als_unbiased', 'als_rows',
  reco.als(factors => 4, regularization => 0.1, iterations => 1000, clip => false, biases => false));

CREATE VIEW als_predictions AS
  SELECT g.model, g.u, i.i, g.scores[i.i] AS golden,
         CASE g.model WHEN 'als_implicit' THEN als_implicit.predict(g.u, i.i)
                      WHEN 'als_weighted' THEN als_weighted.predict(g.u, i.i)
                      WHEN 'als_negative' THEN als_negative.predict(g.u, i.i)
                      WHEN 'als_explicit' THEN als_explicit.predict(g.u, i.i)
                      WHEN 'als_unbiased' THEN als_unbiased.predict(g.u, i.i) END AS predicted
    FROM als_golden g, generate_series(1, 4) AS i(i);
SELECT model, count(*) AS cells,
       count(*) FILTER (WHERE abs(predicted - golden) <= 1e-5 * greatest(1, abs(golden))) AS golden
  FROM als_predictions GROUP BY model ORDER BY model;
SELECT * FROM als_predictions
 WHERE (abs(predicted - golden) <= 1e-5 * greatest(1, abs(golden))) IS NOT TRUE;
-- the objective at the optimum, and that it never rose on the way there
SELECT round(als_implicit.versions.loss[300]::float8::numeric, 5) AS implicit,
       round(als_weighted.versions.loss[300]::float8::numeric, 4) AS weighted,
       round(als_negative.versions.loss[300]::float8::numeric, 5) AS negative,
       round(als_explicit.versions.loss[1000]::float8::numeric, 5) AS explicit,
       round(als_unbiased.versions.loss[1000]::float8::numeric, 5) AS unbiased
  FROM als_implicit.versions, als_weighted.versions, als_negative.versions, als_explicit.versions,
       als_unbiased.versions;
SELECT count(*) AS rises
  FROM (SELECT l.loss, lag(l.loss) OVER (ORDER BY l.n) AS before
          FROM als_implicit.versions, unnest(loss) WITH ORDINALITY AS l(loss, n)) AS s
 WHERE loss > before * (1 + 1e-6);
-- user 1 lacks i4 (0.024103) and i3 (0.023898); user 3 lacks i1
SELECT rank, item_id, round(score::float8::numeric, 5) AS score, source FROM als_implicit.recommend(1);
SELECT rank, item_id, round(score::float8::numeric, 5) AS score, source FROM als_implicit.recommend(3);

-- C14
SELECT als_implicit.predict(9, 1), als_implicit.predict(1, 9), als_implicit.predict(NULL, 1),
       als_implicit.predict(1, NULL), als_explicit.predict(9, 1), als_explicit.predict(1, 9);

-- C17: a visitor with the rows of user 1 is scored as user 1
SELECT b.item_id, b.source, abs(b.score - r.score) < 1e-6 AS same
  FROM als_implicit.recommend_for(ARRAY[2, 1], weights => ARRAY[2, 4]) AS b
  JOIN als_implicit.recommend(1) AS r USING (rank, item_id) ORDER BY rank;
SELECT b.item_id, b.source, abs(b.score - r.score) < 1e-5 AS same
  FROM als_explicit.recommend_for(ARRAY[1, 2], weights => ARRAY[4, 2]) AS b
  JOIN als_explicit.recommend(1) AS r USING (rank, item_id) ORDER BY rank;
-- no history: the most popular, not scores of zero
SELECT * FROM als_implicit.recommend_for('{}');

-- C16: explanations add up to the score, for every pair
SELECT 'implicit' AS model, count(*) AS pairs,
       count(*) FILTER (WHERE abs(e.total - als_negative.predict(u, i)) < 1e-6) AS add_up
  FROM generate_series(1, 4) u, generate_series(1, 4) i,
       LATERAL (SELECT sum(contribution::float8) AS total FROM als_negative.explain(u, i)) AS e
UNION ALL
SELECT 'explicit', count(*), count(*) FILTER (WHERE abs(e.total - als_explicit.predict(u, i)) < 2e-6)
  FROM generate_series(1, 4) u, generate_series(1, 4) i,
       LATERAL (SELECT sum(contribution::float8) AS total FROM als_explicit.explain(u, i)) AS e;
-- what does not come from the user's items is a first row without an item
SELECT because_item, round(contribution::float8::numeric, 4) AS contribution, round(share::float8::numeric, 4) AS share
  FROM als_explicit.explain(1, 3);
SELECT sum(share)::numeric(6, 5) AS shares FROM als_explicit.explain(1, 3);
SELECT round((mean + bias)::numeric, 4) AS baseline
  FROM (SELECT avg(w::float8) AS mean FROM als_rows) AS m, als_explicit.item_factors WHERE item_id = 3;
SELECT * FROM als_implicit.explain(9, 1);
SELECT * FROM als_implicit.explain(1, 9);
SELECT * FROM als_implicit.explain(NULL, NULL);

-- C16 with its own item factors: y1 = (1, 0), y2 = (1, 1), y3 = (0, 2)
CREATE TABLE als_c16 (u int, i int, w int);
INSERT INTO als_c16 VALUES (1, 1, 3), (1, 3, 1), (2, 1, 3), (2, 3, -1), (3, 2, 1);
CALL reco.create_model('als_given', 'als_c16', reco.ials(factors => 2, regularization => 0.5, alpha => 1), options => reco.options(value => 'raw'));
-- numbers as rows have them, in the machine's order
CREATE OR REPLACE FUNCTION packed(numbers real[]) RETURNS bytea LANGUAGE sql AS $$
  SELECT coalesce(string_agg(substr(b, 4, 1) || substr(b, 3, 1) || substr(b, 2, 1) || substr(b, 1, 1), '' ORDER BY n), '')
    FROM (SELECT n, float4send(x) AS b FROM unnest(numbers) WITH ORDINALITY AS u(x, n)) AS s
$$;
UPDATE als_given.model_item SET parts = ARRAY[packed(CASE item_id WHEN 1 THEN '{1, 0}' WHEN 2 THEN '{1, 1}' ELSE '{0, 2}' END::real[])];
UPDATE als_given.model_user SET parts = ARRAY[packed(CASE user_id WHEN 1 THEN '{0.6634146341, 0.3512195122}'
  WHEN 2 THEN '{0.7414634146, -0.0780487805}' ELSE '{0, 0}' END::real[])];
UPDATE als_given.model SET active_nonce = active_nonce + 1;
UPDATE als_given.model_version SET nonce = nonce + 1;
SELECT because_item, round(contribution::float8::numeric, 6) AS contribution FROM als_given.explain(1, 2);
SELECT because_item, round(abs(contribution)::float8::numeric, 6) AS contribution FROM als_given.explain(2, 2);
SELECT item_id, round(score::float8::numeric, 6) AS score FROM als_given.recommend(1);
SELECT item_id, round(score::float8::numeric, 6) AS score FROM als_given.recommend_for(ARRAY[1, 3], weights => ARRAY[3, 1]);
SELECT item_id, round(score::float8::numeric, 6) AS score FROM als_given.recommend_for(ARRAY[1, 3], weights => ARRAY[3, -1]);

-- C09: no regularization is refused before training; the least that is allowed
-- leaves finite factors and every prediction at 1
SELECT reco.ials(regularization => 0);
SELECT reco.ials(regularization => 1e-300);
CALL reco.create_model('als_singular', 'SELECT u, i, 1 FROM generate_series(1, 2) u, generate_series(1, 2) i',
  reco.ials(factors => 2, regularization => 1e-9, iterations => 100, alpha => 1));
SELECT u, i, abs(als_singular.predict(u, i) - 1) < 1e-3 AS one
  FROM generate_series(1, 2) u, generate_series(1, 2) i ORDER BY u, i;

-- C10: every rating equal
CALL reco.create_model('als_equal',
  'SELECT u, i, 3 FROM generate_series(1, 4) u, generate_series(1, 6) i WHERE (u, i) <> (2, 5)',
  reco.als(factors => 3));
SELECT item_id, score, source FROM als_equal.recommend(2);
SELECT als_equal.predict(2, 5), als_equal.predict(1, 1);

-- C18: items 4, 5 and user 3 are in no interaction
CALL reco.create_model('als_gaps', 'VALUES (1, 1, 1), (1, 2, 1), (2, 2, 1), (2, 3, 1)', reco.ials(factors => 3, regularization => 0.01, alpha => 1));
SELECT rank, item_id, similarity BETWEEN -1 AND 1 AS sane FROM als_gaps.similar_items(1);
SELECT * FROM als_gaps.similar_items(4);
SELECT * FROM als_gaps.similar_users(3);
SELECT * FROM als_gaps.recommend(3);
SELECT item_id, interactions, cardinality(factors) FROM als_gaps.item_factors ORDER BY item_id;

-- C15: the same bits for any number of threads and any order of the rows
CREATE TABLE als_many AS
  SELECT u, i, 1 AS w FROM generate_series(0, 199) u, generate_series(0, 99) i WHERE (7 * u + 3 * i) % 11 < 3;
CREATE TABLE als_digests (run text, algorithm text, digest text);
CREATE FUNCTION als_digest(run text, algorithm reco.algorithm) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('als_run', 'als_many', algorithm);
  INSERT INTO als_digests
  SELECT run, algorithm ->> 'algorithm', md5(string_agg(id || factors::text || bias, ' ' ORDER BY side, id))
    FROM (SELECT 1 AS side, user_id AS id, factors, bias FROM als_run.user_factors
          UNION ALL SELECT 2, item_id, factors, bias FROM als_run.item_factors) AS f;
  CALL reco.drop_model('als_run');
END
$$;
SET reco.threads = 1;
SELECT als_digest('1 thread', reco.ials(factors => 8, iterations => 10, regularization => 0.01, alpha => 1)), als_digest('1 thread', reco.als(factors => 8, iterations => 10));
SELECT als_digest('again', reco.ials(factors => 8, iterations => 10, regularization => 0.01, alpha => 1)), als_digest('again', reco.als(factors => 8, iterations => 10));
SET reco.max_threads = 4;
SET reco.threads = 2;
SELECT als_digest('2 threads', reco.ials(factors => 8, iterations => 10, regularization => 0.01, alpha => 1)), als_digest('2 threads', reco.als(factors => 8, iterations => 10));
SET reco.threads = 4;
SELECT als_digest('4 threads', reco.ials(factors => 8, iterations => 10, regularization => 0.01, alpha => 1)), als_digest('4 threads', reco.als(factors => 8, iterations => 10));
CREATE INDEX als_many_order ON als_many (hashint4(u * 1000 + i));
CLUSTER als_many USING als_many_order;
SELECT als_digest('other order', reco.ials(factors => 8, iterations => 10, regularization => 0.01, alpha => 1)), als_digest('other order', reco.als(factors => 8, iterations => 10));
SET reco.threads = 1;
SELECT algorithm, count(*) AS runs, count(DISTINCT digest) AS digests FROM als_digests GROUP BY algorithm ORDER BY algorithm;
-- while another seed gives other factors
SELECT als_digest('seed', reco.ials(factors => 8, iterations => 10, seed => 43, regularization => 0.01, alpha => 1));
SELECT algorithm, count(DISTINCT digest) AS digests FROM als_digests GROUP BY algorithm ORDER BY algorithm;
-- a stored user equals its fold-in
CALL reco.create_model('als_run', 'als_many', reco.ials(factors => 8, iterations => 10, regularization => 0.01, alpha => 1));
SELECT count(*) AS items, max(abs(b.score - r.score)) < 1e-6 AS same
  FROM als_run.recommend_for(ARRAY(SELECT i FROM als_many WHERE u = 7), n => NULL) AS b
  JOIN als_run.recommend(7, n => NULL) AS r USING (item_id);

-- every solver ends at the same place, conjugate gradients less exactly
CREATE TABLE als_solvers (model text, solver text, u int, i int, score real);
DO $$
DECLARE s text; a reco.algorithm;
BEGIN
  FOREACH s IN ARRAY ARRAY['auto', 'cholesky', 'cg'] LOOP
    FOREACH a IN ARRAY ARRAY[reco.ials(factors => 4, regularization => 0.1, iterations => 3000, solver => s, alpha => 1),
                             reco.als(factors => 4, regularization => 0.1, iterations => 3000, clip => false, solver => s)] LOOP
      CALL reco.create_model('als_solver', 'als_rows', a);
      EXECUTE 'INSERT INTO als_solvers SELECT CASE WHEN $1 = ''als'' THEN ''als_explicit'' ELSE ''als_implicit'' END, $2, u, i,
                 als_solver.predict(u, i) FROM generate_series(1, 4) u, generate_series(1, 4) i' USING a ->> 'algorithm', s;
      CALL reco.drop_model('als_solver');
    END LOOP;
  END LOOP;
END
$$;
SELECT model, solver, count(*) AS cells, bool_and(abs(score - scores[i]) < CASE solver WHEN 'cg' THEN 1e-2 ELSE 1e-4 END) AS golden
  FROM als_solvers JOIN als_golden USING (model, u) GROUP BY model, solver ORDER BY model, solver;

DROP VIEW als_predictions;
CALL reco.drop_model('als_implicit');
CALL reco.drop_model('als_weighted');
CALL reco.drop_model('als_negative');
CALL reco.drop_model('als_explicit');
CALL reco.drop_model('als_unbiased');
CALL reco.drop_model('als_given');
CALL reco.drop_model('als_singular');
CALL reco.drop_model('als_equal');
CALL reco.drop_model('als_gaps');
CALL reco.drop_model('als_run');
DROP FUNCTION als_digest;
DROP TABLE als_rows, als_golden, als_c16, als_many, als_digests, als_solvers;
