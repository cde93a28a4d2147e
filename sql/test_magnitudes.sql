--
-- What a training writes, loading accepts; what it would not accept is an error of the training.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny
CREATE SCHEMA mags;
SET search_path = mags, public;
CREATE TABLE ratings (user_id int, item_id int, value float8);
INSERT INTO ratings SELECT u, i, 1 + (u * 7 + i * 3) % 5 FROM generate_series(1, 12) u, generate_series(1, 9) i WHERE (u * 5 + i) % 3 > 0;

-- trains with every value made another; what it says, or what serving does
CREATE FUNCTION tried(algorithm reco.algorithm, value text, items text = NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE told text;
BEGIN
  CALL reco.create_model('magm', format('SELECT user_id, item_id, (%s)::real AS value FROM mags.ratings', value), algorithm, items => items, options => reco.options(value => 'raw'));
  PERFORM * FROM magm.recommend(1);
  PERFORM * FROM magm.recommend_for(ARRAY[1, 2]);
  PERFORM * FROM magm.similar_items(1);
  PERFORM magm.predict(1, 2);
  CALL reco.drop_model('magm');
  RETURN 'serves';
EXCEPTION WHEN numeric_value_out_of_range THEN
  GET STACKED DIAGNOSTICS told = MESSAGE_TEXT;
  RETURN told;
END $$;

-- never anything but these two, whatever the values
CREATE TABLE domains (name text, value text);
INSERT INTO domains VALUES
  ('small', 'value'), ('none', '0'), ('tiny', 'value * 1e-30'), ('signed', 'value - 3'), ('1e15', '1e15'), ('2e17', '2e17'),
  ('2e17, both signs', 'CASE WHEN (user_id + item_id) % 2 = 0 THEN 2e17 ELSE -2e17 END'), ('to 9e17', 'value * 1.8e17'),
  ('items far apart', 'CASE WHEN item_id % 2 = 0 THEN 1e9 ELSE 1e-9 END'),
  ('users far apart', 'CASE WHEN user_id % 2 = 0 THEN 1e9 ELSE 1e-9 END'),
  ('one huge', 'CASE WHEN user_id = 1 AND item_id = 1 THEN 9e17 ELSE value END');
CREATE TABLE algorithms (name text, algorithm reco.algorithm, items text);
INSERT INTO algorithms VALUES
  ('als', reco.als(4, iterations => 3), NULL), ('als without biases', reco.als(4, iterations => 3, biases => false), NULL),
  ('als by cg', reco.als(4, iterations => 3, solver => 'cg'), NULL), ('ials', reco.ials(4, iterations => 3, regularization => 0.01, alpha => 1), NULL),
  ('ials by cg', reco.ials(4, iterations => 3, alpha => 1e6, solver => 'cg', regularization => 0.01), NULL), ('popular', reco.popular(), NULL),
  ('item_knn', reco.item_knn(shrinkage => 0), NULL), ('item_knn with biases', reco.item_knn(biases => true), NULL),
  ('user_knn with biases', reco.user_knn(biases => true), NULL), ('normalized', reco.item_knn(normalized => true), NULL),
  ('asymmetric', reco.item_knn(similarity => 'asymmetric', exponent => 1, shrinkage => 0), NULL), ('rp3beta', reco.rp3beta(alpha => 1, beta => 0.6, normalized => true), NULL),
  ('content', reco.content(), 'SELECT i AS item_id, i::float8 AS price FROM generate_series(1, 9) i');
CREATE TABLE outcomes AS
SELECT a.name AS algorithm, d.name AS values, t.told
FROM algorithms a CROSS JOIN domains d CROSS JOIN LATERAL tried(a.algorithm, d.value, a.items) AS t(told);
SELECT count(*), count(*) FILTER (WHERE told = 'serves') >= 120 AS many_serve FROM outcomes;
SELECT * FROM outcomes WHERE told <> 'serves' AND told NOT LIKE 'training ended with numbers out of range in %';
-- where every value is 2e17 so is their mean; and x.y / |x|^2 of 1e9 and 1e-9 is 1e18
SELECT * FROM outcomes WHERE told <> 'serves' AND (values = '2e17' OR algorithm = 'asymmetric') ORDER BY algorithm, values;

\set VERBOSITY default
CALL reco.create_model('magm', 'SELECT user_id, item_id, 2e17::real AS value FROM mags.ratings', reco.als(4));
SELECT count(*) FROM pg_namespace WHERE nspname = 'magm';
SELECT * FROM reco.evaluate('SELECT user_id, item_id, 2e17::real AS value FROM mags.ratings', ARRAY[reco.als(4)]);

-- weights of a walk are powers: too small for a float, or far apart
CREATE TABLE walked AS SELECT u AS user_id, (u * 7 + k * k) % 40 AS item_id, 1 + (u + k) % 5 AS value FROM generate_series(1, 20000) u, generate_series(1, 5) k;
CALL reco.create_model('magm', 'SELECT user_id, item_id FROM mags.walked', reco.rp3beta(alpha => 10, normalized => false, beta => 0.6));
CALL reco.create_model('magm', 'SELECT user_id, item_id FROM mags.walked', reco.rp3beta(alpha => 10, beta => 0.6, normalized => true));
SELECT count(*), round(sum(similarity)) AS sum, min(similarity) > 0.01 AS fits FROM magm.item_neighbors;
CALL reco.drop_model('magm');
CALL reco.create_model('magm', 'SELECT user_id, item_id, CASE WHEN user_id = 77 THEN 1e15 WHEN item_id < 20 THEN 1e-30 ELSE 1 END::float8 FROM mags.walked', reco.rp3beta(alpha => 10, beta => 0.6, normalized => true), options => reco.options(value => 'raw'));
SELECT * FROM reco.evaluate('SELECT user_id, item_id, CASE WHEN user_id = 77 THEN 1e15 ELSE 1e-30 END::float8 FROM mags.walked', reco.rp3beta(alpha => 10, beta => 0.6, normalized => true), options => reco.options(value => 'raw'));

-- nobody is drawn anywhere by values of 0 and below
CREATE TABLE taste (user_id int, item_id int, value real);
INSERT INTO taste VALUES (1, 1, 1), (2, 1, 1), (2, 2, 1), (3, 3, -1), (4, 2, 0);
CREATE FUNCTION unknown(solver text) RETURNS TABLE (user_id int, items int[], source text[], predicted float8) LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('magm', 'mags.taste', reco.ials(8, iterations => 8, solver => solver, regularization => 0.01, alpha => 1));
  RETURN QUERY EXECUTE 'SELECT u, array_agg(r.item_id ORDER BY r.rank), array_agg(DISTINCT r.source), magm.predict(u, 1)::float8
                        FROM (VALUES (3), (4)) AS users(u), LATERAL magm.recommend(u) AS r GROUP BY u ORDER BY u';
  CALL reco.drop_model('magm');
END $$;
SELECT s AS solver, u.* FROM unnest('{cg,cholesky}'::text[]) s, LATERAL unknown(s) u;
DROP SCHEMA mags CASCADE;
