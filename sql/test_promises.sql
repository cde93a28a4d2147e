--
-- What the pages promise about failed trainings, popularity, minimums and evaluation.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- reference.md: a refresh that fails while it reads leaves a row with the error,
-- but inside a block, and a creation that fails leaves nothing
CREATE TABLE pro_rows (u int, i int, v float8);
INSERT INTO pro_rows VALUES (1, 1, 1), (1, 2, 1), (2, 1, 1);
CALL reco.create_model('pro', 'pro_rows', reco.popular());
INSERT INTO pro_rows VALUES (3, 1, 'NaN');
CALL reco.refresh('pro');
CALL reco.alter_model('pro', source => 'SELECT u, i, v / 0 FROM pro_rows');
CALL reco.refresh('pro');
CALL reco.alter_model('pro', source => 'SELECT u, i, nothing FROM pro_rows');
CALL reco.alter_model('pro', source => 'SELECT u, i, v FROM pro_rows');
ALTER TABLE pro_rows RENAME v TO gone;
CALL reco.refresh('pro');
BEGIN;
CALL reco.refresh('pro');
ROLLBACK;
ALTER TABLE pro_rows RENAME gone TO v;
SELECT version, status, active, rows_read, message FROM pro.versions ORDER BY version;
CALL reco.create_model('pro_failed', 'pro_rows', reco.popular());
SELECT count(*) FROM pg_namespace WHERE nspname = 'pro_failed';
CALL reco.drop_model('pro');

-- algorithms.md: whom popular counts.  Item 1 has three users, one of them with a
-- value above 0; item 2 two with such; item 3 one with 0.
TRUNCATE pro_rows;
INSERT INTO pro_rows VALUES (1, 1, 1), (2, 1, 0), (3, 1, -1), (1, 2, 1), (2, 2, 1), (1, 3, 0);
CALL reco.create_model('pro', 'pro_rows', reco.popular());
CREATE TABLE pro_popular (algorithm text, what text, items int[], counts real[]);
DO $$
DECLARE
  a reco.algorithm;
BEGIN
  FOREACH a IN ARRAY ARRAY[reco.popular(), reco.ials(factors => 2), reco.item_knn(), reco.user_knn(), reco.rp3beta(),
                           reco.als(factors => 2), reco.item_knn(normalized => true), reco.user_knn(biases => true)]
  LOOP
    CALL reco.alter_model('pro', algorithm => a);
    CALL reco.refresh('pro');
    INSERT INTO pro_popular SELECT a->>'algorithm', 'popular', array_agg(item_id ORDER BY rank), array_agg(score ORDER BY rank) FROM pro.popular();
    INSERT INTO pro_popular SELECT a->>'algorithm', 'fallback', array_agg(item_id ORDER BY rank), array_agg(score ORDER BY rank) FROM pro.recommend(99);
  END LOOP;
END
$$;
SELECT items, counts, count(*) FROM pro_popular GROUP BY 1, 2 ORDER BY 3 DESC;
CALL reco.drop_model('pro');

-- reference.md: users and items left with nothing are left out.  User 97 has one
-- item, items 101 to 103 one user; user 99 has 101 and 102 only.  User 98 has two
-- items, and one without 103, so goes after it.
TRUNCATE pro_rows;
INSERT INTO pro_rows SELECT u, i, 1 FROM generate_series(1, 3) u, generate_series(1, 4) i;
INSERT INTO pro_rows VALUES (99, 101, 1), (99, 102, 1), (98, 103, 1), (98, 1, 1), (97, 1, 1);
CALL reco.create_model('pro', 'pro_rows', reco.popular(), options => reco.options(min_user_interactions => 2, min_item_interactions => 2));
SELECT users, items, interactions, rows_skipped FROM pro.versions;
SELECT user_id, interactions FROM pro.user_factors ORDER BY user_id;
SELECT item_id, interactions FROM pro.item_factors ORDER BY item_id;
CALL reco.drop_model('pro');
-- an item all of whose users are left out
CREATE TABLE pro_few AS SELECT * FROM (VALUES (1, 1), (1, 2), (2, 3)) AS t(u, i);
CALL reco.create_model('pro', 'pro_few', reco.popular(), options => reco.options(min_user_interactions => 2));
SELECT users, items, rows_skipped FROM pro.versions;
SELECT item_id FROM pro.item_factors ORDER BY item_id;
CALL reco.drop_model('pro');

-- reference.md: of six users with an item of 1 and one of 0, one is hidden. Where
-- that is the 1, it is all that the list holds; where it is the 0, lists do not
-- measure the user, but rmse does.
CREATE TABLE pro_zero AS SELECT u, i, 2 - i AS v FROM generate_series(1, 6) u, generate_series(1, 2) i;
SELECT split_part(algorithm, '(', 1) AS algorithm, metric, value, users BETWEEN 1 AND 5 AS some, users
  FROM reco.evaluate('pro_zero', ARRAY[reco.als(factors => 1), reco.ials(factors => 1)], test_fraction => 0.5, cutoffs => '{1}')
 WHERE metric IN ('precision', 'recall', 'ndcg');
SELECT metric, users FROM reco.evaluate('pro_zero', ARRAY[reco.als(factors => 1)], test_fraction => 0.5, cutoffs => '{1}') WHERE k IS NULL AND algorithm ~ '^als';
-- nothing but zeros: no list can be measured
SELECT split_part(algorithm, '(', 1) AS algorithm, metric, users
  FROM reco.evaluate('SELECT u, i, 0 FROM pro_zero', ARRAY[reco.als(factors => 1)], test_fraction => 0.5, cutoffs => '{1}');

DROP TABLE pro_rows, pro_popular, pro_few, pro_zero;
