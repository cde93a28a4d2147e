-- The walk-through of doc/walkthrough.md: rate what users will rate, and see how far off that is.
--
--   psql -f doc/walkthrough.sql
--
-- Takes the table ratings (user_id, item_id, rating), or makes one like MovieLens where there is
-- none.  Leaves nothing behind but that.
\set ON_ERROR_STOP 1
\set QUIET 1
SET client_min_messages = warning;

CREATE TABLE IF NOT EXISTS ratings (user_id int, item_id int, rating real);

-- Nothing loaded: 500 users rate 300 films, mostly the popular ones, by two tastes, how kind they
-- are, how good the film is, and chance.
INSERT INTO ratings
WITH dice AS (
  SELECT u, i, (hashint8extended(u * 1000 + i, 1) & 65535) / 65535.0 AS chance,
         ((hashint8extended(u * 1000 + i, 2) & 65535) + (hashint8extended(u * 1000 + i, 3) & 65535)) / 65535.0 - 1 AS noise,
         (hashint8extended(u, 4) & 65535) / 32767.5 - 1 AS kind, (hashint8extended(i, 5) & 65535) / 32767.5 - 1 AS good,
         sin(u * 2.4) * cos(i * 3.7) + sin(u * 5.3) * cos(i * 1.9) AS taste
    FROM generate_series(1, 500) AS u, generate_series(1, 300) AS i)
SELECT u, i, least(5, greatest(1, round((3.4 + 0.6 * kind + 0.7 * good + 0.7 * taste + 1.6 * noise)::numeric)))
  FROM dice WHERE chance < 0.05 + 12.0 / (20 + i) AND NOT EXISTS (SELECT FROM ratings);

-- Four fifths to train on, one to test: by a hash, so that it is the same each time.
CREATE TABLE walk_train AS
SELECT user_id, item_id, rating FROM ratings WHERE (hashint8extended(user_id * 1000003::bigint + item_id, 80) & 1023) % 5 < 4;
CREATE TABLE walk_test AS
SELECT user_id, item_id, rating FROM ratings WHERE (hashint8extended(user_id * 1000003::bigint + item_id, 80) & 1023) % 5 = 4;
SELECT (SELECT count(*) FROM walk_train) AS train, (SELECT count(*) FROM walk_test) AS test,
       (SELECT round(1 - count(*)::numeric / (count(DISTINCT user_id) * count(DISTINCT item_id)), 3) FROM ratings) AS sparsity;

-- Trains an algorithm, asks it for all ratings of the test part, and keeps how far off they are.
-- What it does not know is the user's mean.  centred: that was taken off the ratings it trained on.
CREATE TEMPORARY TABLE errors (n serial, model text, mse float8);
CREATE PROCEDURE pg_temp.measure(what text, algorithm reco.algorithm, source text DEFAULT 'walk_train', centred bool DEFAULT false)
LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('walk', source => source, algorithm => algorithm,
                         options => reco.options(value => 'raw', live => 'off', measure => false));
  INSERT INTO errors (model, mse)
  SELECT what, avg((t.rating - least(5, greatest(1, coalesce(p.score + CASE WHEN centred THEN m.mean ELSE 0 END, m.mean, 3)))) ^ 2)
    FROM walk_test AS t
    LEFT JOIN (SELECT u.user_id, r.item_id, r.score
                 FROM (SELECT user_id, array_agg(item_id) AS items FROM walk_test GROUP BY user_id) AS u,
                      walk.rerank(u.user_id, items => u.items) AS r) AS p USING (user_id, item_id)
    LEFT JOIN (SELECT user_id, avg(rating) AS mean FROM walk_train GROUP BY user_id) AS m USING (user_id);
  CALL reco.drop_model('walk');
END
$$;

INSERT INTO errors (model, mse)
SELECT 'the mean of all ratings', avg((rating - (SELECT avg(rating) FROM walk_train)) ^ 2) FROM walk_test;

-- What textbooks begin with.
CALL pg_temp.measure('cosine, of users', reco.user_knn(weighting => 'none', neighbors => 10000, shrinkage => 0, normalized => true));
CALL pg_temp.measure('cosine, of items', reco.item_knn(weighting => 'none', neighbors => 10000, shrinkage => 0, normalized => true));
CALL pg_temp.measure('truncated SVD, 100 components', reco.svd(factors => 100));
CALL pg_temp.measure('the same without the users'' means', reco.svd(factors => 100), centred => true, source =>
  'SELECT user_id, item_id, rating - avg(rating) OVER (PARTITION BY user_id) FROM walk_train');

-- What knows that a missing rating is not a 0, and that some users are kinder than others.
CALL pg_temp.measure('Pearson, of items, with biases', reco.item_knn(similarity => 'pearson', biases => true, neighbors => 500, shrinkage => 100));
CALL pg_temp.measure('alternating least squares', reco.als(factors => 32));
CALL pg_temp.measure('the mean of these two, by weights that are found', reco.hybrid(normalization => 'none', members => ARRAY[
  reco.item_knn(similarity => 'pearson', biases => true, neighbors => 500, shrinkage => 100), reco.als(factors => 32)]));

SELECT model, round(mse::numeric, 3) AS mse, round(sqrt(mse)::numeric, 3) AS rmse FROM errors ORDER BY n;
DROP TABLE walk_train, walk_test;
