--
-- Factors from features: items that nobody has yet, in reco.ials() and reco.als().
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- Users 1 to 40 take items of the genre of their parity; of 80 items the last 20 are in no row.
CREATE TABLE fea_items (id int PRIMARY KEY, genre text, tags text[], price float8, vector real[]);
INSERT INTO fea_items
  SELECT i, CASE i % 2 WHEN 0 THEN 'even' ELSE 'odd' END, ARRAY['tag ' || i % 7, 'all'], i % 5, ARRAY[i % 2, 1 - i % 2, i % 3 / 9.0]
    FROM generate_series(1, 80) AS i;
-- nothing is known of 79, and of 80 only what no other item has
UPDATE fea_items SET genre = NULL, tags = NULL, price = NULL, vector = NULL WHERE id = 79;
UPDATE fea_items SET genre = 'new', tags = NULL, price = NULL, vector = NULL WHERE id = 80;
CREATE TABLE fea_rows (u int, i int, stars int);
INSERT INTO fea_rows SELECT u, i, 3 + i % 2 + u % 2 FROM generate_series(1, 40) AS u, generate_series(1, 60) AS i
 WHERE (u * 7 + i * 13) % 5 < CASE WHEN u % 2 = i % 2 THEN 4 ELSE 1 END;

CALL reco.create_model('fea', 'SELECT u, i FROM fea_rows', reco.ials(factors => 8, regularization => 1, alpha => 4),
  items => 'SELECT id, genre FROM fea_items', options => reco.options(measure => false));
SELECT items, cold_items FROM fea.versions;
SELECT line FROM regexp_split_to_table(reco.describe('fea'), E'\n') AS line WHERE line ~ '^cold';
-- each user is offered items of their genre first
SELECT u % 2 AS parity, count(*) AS places, count(*) FILTER (WHERE r.item_id % 2 = u % 2) AS of_genre, count(*) FILTER (WHERE r.source = 'model') AS by_model
  FROM generate_series(1, 40) AS u, LATERAL fea.rerank(u, (SELECT array_agg(i) FROM generate_series(61, 78) AS i)) AS k,
       LATERAL (SELECT k.item_id, k.rank, 'model' AS source) AS r WHERE k.rank <= 9 GROUP BY 1 ORDER BY 1;
-- of items of one genre, and nothing else known, the factors are the same; what is not known has none
SELECT i.genre, count(DISTINCT f.factors) AS factors, bool_and(0 = ALL (f.factors)) AS zero, count(*) AS items
  FROM fea.item_factors AS f JOIN fea_items AS i ON f.item_id = i.id WHERE f.interactions = 0 GROUP BY 1 ORDER BY 1;
SELECT round(fea.predict(1, 79)::numeric, 4) AS nothing, round(fea.predict(1, 80)::numeric, 4) AS new;
-- with two values there is nothing to be expected but the weighted mean of the items of a genre: factors are on the line from the mean
-- of all through that, equally far in all places, and at least half of the way
CREATE VIEW fea_mean AS
  SELECT genre, k, sum(w * x) / sum(w) AS mean
    FROM (SELECT *, interactions / (interactions + 10.0) AS w FROM fea.item_factors WHERE interactions > 0) AS f
    JOIN fea_items AS i ON f.item_id = i.id, unnest(f.factors) WITH ORDINALITY AS x(x, k) GROUP BY k, ROLLUP (genre);
SELECT item_id, max(far) - min(far) < 1e-3 AS equally, avg(far) BETWEEN 0.5 AND 2 AS far
  FROM (SELECT f.item_id, (x - a.mean) / (g.mean - a.mean) AS far
          FROM fea.item_factors AS f JOIN fea_items AS i ON f.item_id = i.id, unnest(f.factors) WITH ORDINALITY AS x(x, k), fea_mean AS g, fea_mean AS a
         WHERE f.item_id IN (61, 62) AND g.k = x.k AND g.genre = i.genre AND a.k = x.k AND a.genre IS NULL) AS s GROUP BY 1 ORDER BY 1;

-- items that were trained on are as without, and so are users; features do not change what a basket says
CALL reco.create_model('fea_none', 'SELECT u, i FROM fea_rows', reco.ials(factors => 8, regularization => 1, alpha => 4, features => 'none'),
  items => 'SELECT id, genre FROM fea_items', options => reco.options(measure => false));
SELECT items, cold_items FROM fea_none.versions;
SELECT count(*) AS items, count(*) FILTER (WHERE a.factors = b.factors) AS same FROM fea_none.item_factors AS a JOIN fea.item_factors AS b USING (item_id);
SELECT count(*) AS users, count(*) FILTER (WHERE a.factors = b.factors) AS same FROM fea_none.user_factors AS a JOIN fea.user_factors AS b USING (user_id);
SELECT count(*) AS lists, bool_and(abs(a.score - b.score) < 1e-5) AS same
  FROM generate_series(1, 40) AS u,
       LATERAL fea.recommend(u, NULL) AS a,
       LATERAL (SELECT * FROM fea.recommend_for((SELECT array_agg(i) FROM fea_rows WHERE fea_rows.u = u.u), NULL)) AS b
 WHERE a.item_id = b.item_id;
SELECT u, count(*) FILTER (WHERE item_id > 60) AS cold, array_agg(DISTINCT source) AS source FROM generate_series(1, 2) AS u, fea.recommend(u, NULL) GROUP BY u ORDER BY u;
-- a new item in a basket stands for what it is like; similar items know it
SELECT item_id % 2 AS genre, count(*) FROM fea.recommend_for(ARRAY[61], 20) GROUP BY 1;
SELECT count(*) FILTER (WHERE item_id % 2 = 1) AS odd FROM fea.similar_items(61, 20);
-- contributions add up for a new item, too
SELECT abs(sum(e.contribution) - min(fea.predict(3, 61))) < 1e-5 AS adds_up FROM fea.explain(3, 61) AS e;

-- keywords, sets, numbers and embeddings together; the same for any number of threads
CALL reco.create_model('fea_all', 'SELECT u, i FROM fea_rows', reco.ials(factors => 40, regularization => 1, alpha => 4, features => 'ridge'),
  items => $$SELECT id, genre, tags, price, vector, to_tsvector('simple', coalesce(genre, '')) AS words FROM fea_items$$, options => reco.options(measure => false));
CREATE TABLE fea_one AS SELECT item_id, factors FROM fea_all.item_factors;
SET reco.threads = 4;
CALL reco.refresh('fea_all');
SET reco.threads = 1;
SELECT count(*) AS items, count(*) FILTER (WHERE a.factors = b.factors) AS same FROM fea_one AS a JOIN fea_all.item_factors AS b USING (item_id);
SELECT count(*) FILTER (WHERE k.item_id % 2 = u % 2) AS of_genre, count(*) AS places
  FROM generate_series(1, 40) AS u, LATERAL fea_all.rerank(u, (SELECT array_agg(i) FROM generate_series(61, 78) AS i)) AS k WHERE k.rank <= 9;

-- ratings: odd items are liked better, and so do new ones, by their bias
CALL reco.create_model('fea_stars', 'fea_rows', reco.als(factors => 4), items => 'SELECT id, genre FROM fea_items', options => reco.options(measure => false));
SELECT cold_items FROM fea_stars.versions;
SELECT round(avg(fea_stars.predict(u, 61))::numeric, 1) AS odd, round(avg(fea_stars.predict(u, 62))::numeric, 1) AS even FROM generate_series(1, 40) AS u;
CALL reco.create_model('fea_plain', 'fea_rows', reco.als(factors => 4, biases => false), items => 'SELECT id, genre FROM fea_items', options => reco.options(measure => false));
SELECT round(avg(fea_plain.predict(u, 61))::numeric, 1) > round(avg(fea_plain.predict(u, 62))::numeric, 1) AS odd_more FROM generate_series(1, 40) AS u;

-- with content in a hybrid, and chosen
CALL reco.create_model('fea_both', 'SELECT u, i FROM fea_rows', reco.hybrid(ARRAY[reco.ials(factors => 8), reco.content()]),
  items => 'SELECT id, genre FROM fea_items', options => reco.options(measure => false));
SELECT cold_items, (SELECT count(*) FROM fea_both.recommend(1, 10, among => ARRAY[61, 62, 63]) WHERE source = 'model') AS of_model FROM fea_both.versions;
-- what is found of items that are hidden whole
SELECT algorithm, metric, value > 0.7 AS good FROM reco.evaluate('SELECT u, i FROM fea_rows WHERE i <= 50',
  ARRAY[reco.ials(factors => 8), reco.ials(factors => 8, features => 'none')], items => 'SELECT id, genre FROM fea_items WHERE id <= 60', test => 'SELECT u, i FROM fea_rows WHERE i > 50', unknown => 'miss') WHERE metric = 'auc' ORDER BY 1;

-- users and items that come and go: all items described, none, one
CALL reco.create_model('fea_edge', 'SELECT u, i FROM fea_rows', reco.ials(factors => 3), items => 'SELECT 500, ''x''::text AS a', options => reco.options(measure => false));
SELECT items, cold_items, (SELECT 0 = ALL (factors) FROM fea_edge.item_factors WHERE item_id = 500) AS zero FROM fea_edge.versions;
CALL reco.alter_model('fea_edge', items => 'SELECT id, 1.5 AS same FROM fea_items');
CALL reco.refresh('fea_edge');
SELECT items, cold_items, (SELECT 0 = ALL (factors) FROM fea_edge.item_factors WHERE item_id = 70) AS zero FROM fea_edge.versions WHERE active;
CALL reco.alter_model('fea_edge', items => 'SELECT id, genre FROM fea_items WHERE id <= 60');
CALL reco.refresh('fea_edge');
SELECT items, cold_items FROM fea_edge.versions WHERE active;

-- Users likewise: 41 to 46 are in no row, and of 46 nothing is known
CREATE TABLE fea_users AS SELECT u AS id, CASE WHEN u < 46 THEN CASE u % 2 WHEN 0 THEN 'even' ELSE 'odd' END END AS club FROM generate_series(1, 46) AS u;
CREATE INDEX ON fea_rows (u);
CALL reco.create_model('fea_users_too', 'SELECT u, i FROM fea_rows', reco.ials(factors => 8, regularization => 1, alpha => 4),
  items => 'SELECT id, genre FROM fea_items', users => 'fea_users', options => reco.options(measure => false));
SELECT users, cold_users, items, cold_items FROM fea_users_too.versions;
SELECT line FROM regexp_split_to_table(reco.describe('fea_users_too'), E'\n') AS line WHERE line ~ '^(cold|users)';
-- what users like them take, new items among it; nothing of somebody of whom nothing is known
SELECT u, count(*) FILTER (WHERE item_id % 2 = u % 2) AS of_club, count(*) FILTER (WHERE item_id > 60) > 0 AS new, array_agg(DISTINCT source) AS source
  FROM generate_series(41, 46) AS u, fea_users_too.recommend(u, 30) GROUP BY u ORDER BY u;
SELECT count(*) AS users, count(*) FILTER (WHERE a.factors = b.factors) AS same FROM fea.user_factors AS a JOIN fea_users_too.user_factors AS b USING (user_id);
SELECT interactions, count(*), count(DISTINCT factors) FROM fea_users_too.user_factors WHERE user_id > 40 GROUP BY 1;
SELECT user_id % 2 AS club, count(*) FROM fea_users_too.audience(61, 23) WHERE user_id > 40 GROUP BY 1;
CALL reco.materialize('fea_users_too', 10);
SELECT count(*) AS places, count(*) FILTER (WHERE item_id % 2 = user_id % 2) AS of_club FROM fea_users_too.recommendations WHERE user_id BETWEEN 41 AND 45;
SELECT count(*) FROM fea_users_too.similar_users(41, 5) WHERE user_id % 2 = 1;
-- what they take then counts, and nothing is changed for those who took nothing
INSERT INTO fea_rows VALUES (41, 2), (41, 4), (41, 6), (41, 8);
SELECT count(*) FILTER (WHERE item_id % 2 = 0) AS even FROM fea_users_too.recommend(41, 10);
CALL reco.fold_in('fea_users_too');
SELECT user_id, interactions FROM fea_users_too.user_factors WHERE user_id > 40 ORDER BY 1;
SELECT count(*) FILTER (WHERE item_id % 2 = 0) AS even FROM fea_users_too.recommend(41, 10);
SELECT count(*) FILTER (WHERE item_id % 2 = 1) AS odd FROM fea_users_too.recommend(43, 10);
DELETE FROM fea_rows WHERE u = 41;
SELECT array_agg(DISTINCT source) FROM fea_users_too.recommend(41, 10);
-- ratings; who asks for a rating of somebody new gets that of users like them
CALL reco.create_model('fea_raters', 'fea_rows', reco.als(factors => 4), users => 'fea_users', options => reco.options(measure => false, live => 'off'));
SELECT avg(fea_raters.predict(43, i)) > avg(fea_raters.predict(42, i)) + 0.5 AS more FROM generate_series(1, 60) AS i;
SELECT u, array_agg(DISTINCT source) AS source FROM generate_series(45, 46) AS u, fea_raters.recommend(u, 3) GROUP BY u ORDER BY u;
SELECT items, cold_items, users, cold_users FROM fea_raters.versions;
-- users of another algorithm are those of the source; minimums, and another query
CALL reco.alter_model('fea_raters', algorithm => reco.popular());
CALL reco.refresh('fea_raters');
SELECT users, cold_users FROM fea_raters.versions WHERE active;
CALL reco.alter_model('fea_raters', algorithm => reco.als(factors => 4), users => 'SELECT id, (id % 3)::text AS a, 1 AS b FROM fea_users WHERE id <> 42', options => reco.options(min_user_interactions => 5, measure => false));
CALL reco.refresh('fea_raters');
SELECT users, cold_users FROM fea_raters.versions WHERE active;
CALL reco.alter_model('fea_raters', options => reco.options(max_user_interactions => 5, measure => false));
CALL reco.refresh('fea_raters');
SELECT users, cold_users FROM fea_raters.versions WHERE active;
CALL reco.create_model('fea_auto', 'SELECT u, i FROM fea_rows', reco.auto(candidates => ARRAY[reco.ials(factors => 8)]), users => 'fea_users');
SELECT users, cold_users FROM fea_auto.versions;
CALL reco.create_model('fea_no', 'SELECT u, i FROM fea_rows', reco.ials(), users => 'SELECT id, club FROM fea_users UNION ALL SELECT 1, ''x''');
CALL reco.create_model('fea_no', 'SELECT u, i FROM fea_rows', reco.ials(), users => 'SELECT id, 1e18 AS age FROM fea_users WHERE id = 1');
CALL reco.create_model('fea_no', 'SELECT u, i FROM fea_rows', reco.ials(), users => 'SELECT id FROM fea_users');
CALL reco.create_model('fea_no', 'SELECT u, i FROM fea_rows', reco.ials(), users => 'SELECT id, nothing FROM fea_users');

-- what is no way to say it
SELECT reco.ials(features => 'x');
CALL reco.create_model('fea_no', 'SELECT u, i FROM fea_rows', reco.als(features => 'ridge'));
SELECT reco.describe(reco.als(features => 'none'));

DROP SCHEMA fea, fea_none, fea_all, fea_stars, fea_plain, fea_both, fea_edge, fea_users_too, fea_raters, fea_auto CASCADE;
