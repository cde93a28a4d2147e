--
-- Transfer: another model's users as the centers of factors, in reco.ials() and reco.als().
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- Users 1 to 60 have books, 21 to 80 a few films, all of them of their parity for the most part.
CREATE TABLE pri_books AS SELECT u, i, 2 + i % 2 + u % 3 AS stars FROM generate_series(1, 60) AS u, generate_series(1, 40) AS i
 WHERE (u * 7 + i * 13) % 5 < CASE WHEN u % 2 = i % 2 THEN 4 ELSE 1 END;
CREATE TABLE pri_films AS SELECT u, 100 + i AS i, 2 + i % 2 + u % 3 AS stars FROM generate_series(21, 80) AS u, generate_series(1, 30) AS i
 WHERE u % 2 = i % 2 AND (u * 5 + i * 11) % 7 = 0;
CREATE INDEX ON pri_films (u);
CALL reco.create_model('pri_lib', 'SELECT u, i FROM pri_books', reco.ials(factors => 3, regularization => 2, alpha => 3), options => reco.options(measure => false));
CALL reco.create_model('pri_kino', 'SELECT u, i FROM pri_films', reco.ials(factors => 3, regularization => 4, alpha => 2, prior => 'pri_lib'), options => reco.options(measure => false));
SELECT version, algorithm, priors FROM pri_kino.versions;
SELECT line FROM regexp_split_to_table(reco.describe('pri_kino'), E'\n') AS line WHERE line ~ '^(priors|algorithm)';

-- Each user solves the equations of a row, with the prior's factors p on the right: residuals of
-- (Y'Y + sum a y y' + lambda) x = sum (1 + a) y + lambda p
CREATE FUNCTION pri_ials(of_user int, alpha float8, lambda float8) RETURNS float8 LANGUAGE sql AS $$
  WITH y AS (SELECT item_id, k, v::float8 FROM pri_kino.item_factors, unnest(factors) WITH ORDINALITY AS f(v, k)),
       x AS (SELECT k, v::float8 FROM pri_kino.user_factors, unnest(factors) WITH ORDINALITY AS f(v, k) WHERE user_id = of_user),
       p AS (SELECT k, v::float8 FROM pri_lib.user_factors, unnest(factors) WITH ORDINALITY AS f(v, k) WHERE user_id = of_user),
       score AS (SELECT item_id, sum(y.v * x.v) AS s, EXISTS (SELECT FROM pri_films WHERE u = of_user AND i = item_id) AS has FROM y JOIN x USING (k) GROUP BY item_id)
  SELECT max(abs(left_side - right_side)) FROM (
    SELECT k, sum(y.v * s.s * CASE WHEN has THEN 1 + alpha ELSE 1 END) + lambda * min(x.v) AS left_side,
           sum(CASE WHEN has THEN (1 + alpha) * y.v ELSE 0 END) + lambda * coalesce(min(p.v), 0) AS right_side
      FROM y JOIN score AS s USING (item_id) JOIN x USING (k) LEFT JOIN p USING (k) GROUP BY k) AS e
$$;
SELECT count(*) AS users, count(*) FILTER (WHERE pri_ials(user_id, 2, 4) < 1e-4) AS solved FROM pri_kino.user_factors;
-- the stored centers, and those of users whom the prior does not know
SELECT count(*) AS users, count(*) FILTER (WHERE c.center[1:3] = coalesce(l.factors, '{0,0,0}')) AS same
  FROM (SELECT user_id, reco.part_vector(parts, (SELECT algorithm FROM pri_kino.model_version), 'users', 'center') AS center FROM pri_kino.model_user) AS c
  LEFT JOIN pri_lib.user_factors AS l USING (user_id);

-- the same for other threads, and another order of the rows; nearly so with the other solver
CREATE TABLE pri_one AS SELECT user_id, factors FROM pri_kino.user_factors;
CALL reco.alter_model('pri_kino', source => 'SELECT u, i FROM pri_films ORDER BY i DESC, u DESC');
SET reco.threads = 4;
CALL reco.refresh('pri_kino');
SET reco.threads = 1;
SELECT count(*) AS users, count(*) FILTER (WHERE a.factors = b.factors) AS same FROM pri_one AS a JOIN pri_kino.user_factors AS b USING (user_id);
CALL reco.alter_model('pri_kino', algorithm => reco.ials(factors => 3, regularization => 4, alpha => 2, prior => 'pri_lib', solver => 'cg', iterations => 40), source => 'SELECT u, i FROM pri_films');
CALL reco.refresh('pri_kino');
SELECT count(*) AS users, count(*) FILTER (WHERE pri_ials(user_id, 2, 4) < 1e-3) AS solved FROM pri_kino.user_factors;

-- what is folded in goes by the same equations: live, and stored by fold_in; also of who was away
INSERT INTO pri_films VALUES (22, 103), (22, 107), (75, 104), (90, 104), (90, 106);
CREATE TABLE pri_live AS SELECT u, r.item_id, r.score FROM unnest(ARRAY[22, 75, 90]) AS u, pri_kino.recommend(u, NULL) AS r;
CALL reco.fold_in('pri_kino');
SELECT user_id, pri_ials(user_id, 2, 4) < 1e-4 AS solved FROM pri_kino.user_factors WHERE user_id IN (22, 75) ORDER BY 1;
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE abs(l.score - r.score) < 1e-5) = count(*) AS same
  FROM pri_live AS l, LATERAL pri_kino.rerank(l.u, ARRAY[l.item_id]) AS r;
DELETE FROM pri_films WHERE u = 22;
CALL reco.fold_in('pri_kino');
SELECT count(*) AS gone FROM pri_kino.user_factors WHERE user_id = 22;
INSERT INTO pri_films VALUES (22, 103), (22, 107);
CREATE TABLE pri_back AS SELECT item_id, score FROM pri_kino.recommend(22, NULL);
CALL reco.fold_in('pri_kino');
SELECT pri_ials(22, 2, 4) < 1e-4 AS solved, (SELECT bool_and(abs(b.score - r.score) < 1e-5) FROM pri_back AS b, LATERAL pri_kino.rerank(22, ARRAY[b.item_id]) AS r) AS same;
-- who is new to the model, and a basket, have no center, until a fold-in of theirs or the next refresh
SELECT count(*) > 0 AS some, bool_and(abs(b.score - r.score) < 1e-5) AS same
  FROM pri_kino.recommend_for(ARRAY[104, 106], NULL) AS b, LATERAL pri_kino.rerank(90, ARRAY[b.item_id]) AS r;
INSERT INTO pri_films VALUES (2, 104);
SELECT count(*) > 0 AS some, bool_and(abs(b.score - r.score) < 1e-5) AS same
  FROM pri_kino.recommend_for(ARRAY[104], NULL) AS b, LATERAL pri_kino.rerank(2, ARRAY[b.item_id]) AS r;
-- a fold-in asks the prior for those who are new, of a hybrid that of each member; live they go on by it
BEGIN;
SET client_min_messages = notice;
CALL reco.fold_in('pri_kino');
SET client_min_messages = warning;
SELECT user_id, pri_ials(user_id, 2, 4) < 1e-4 AS solved FROM pri_kino.user_factors WHERE user_id IN (2, 90) ORDER BY 1;
SELECT l.user_id, c.center[1:3] = coalesce(p.factors, '{0,0,0}') AS same FROM pri_kino.model_user_layer AS l LEFT JOIN pri_lib.user_factors AS p USING (user_id),
  LATERAL reco.part_vector(parts, (SELECT algorithm FROM pri_kino.model_version ORDER BY version DESC LIMIT 1), 'users', 'center') AS c(center) WHERE user_id IN (2, 90) ORDER BY 1;
INSERT INTO pri_films VALUES (2, 106);
CREATE TEMPORARY TABLE pri_two AS SELECT item_id, score FROM pri_kino.recommend(2, NULL);
CALL reco.fold_in('pri_kino');
SELECT pri_ials(2, 2, 4) < 1e-4 AS solved, (SELECT bool_and(abs(b.score - r.score) < 1e-5) FROM pri_two AS b, LATERAL pri_kino.rerank(2, ARRAY[b.item_id]) AS r) AS same;
ROLLBACK;
CALL reco.refresh('pri_kino');
SELECT count(*) AS users, count(*) FILTER (WHERE pri_ials(user_id, 2, 4) < 1e-3) AS solved FROM pri_kino.user_factors;
-- the prior's own layer counts; the version is the one that is active when it is read
INSERT INTO pri_books SELECT 22, i FROM generate_series(1, 39, 2) AS i;
CALL reco.fold_in('pri_lib');
CALL reco.refresh('pri_kino');
SELECT pri_ials(22, 2, 4) < 1e-3 AS solved FROM pri_kino.user_factors WHERE user_id = 22;
CALL reco.refresh('pri_lib');
SELECT priors FROM pri_kino.versions WHERE active;
-- factors of another version of the prior mean something else: who is new goes without, and is told
BEGIN;
INSERT INTO pri_films VALUES (3, 105);
SET client_min_messages = notice;
CALL reco.fold_in('pri_kino');
SELECT count(*) > 0 AS some, bool_and(abs(b.score - r.score) < 1e-5) AS same
  FROM pri_kino.recommend_for(ARRAY[105], NULL) AS b, LATERAL pri_kino.rerank(3, ARRAY[b.item_id]) AS r;
ROLLBACK;
BEGIN;
SET client_min_messages = notice;
INSERT INTO pri_films VALUES (3, 105);
CALL reco.activate('pri_lib', 1);
-- that one is asked again, but not one of the same number that was trained later
CALL reco.fold_in('pri_kino');
SELECT NOT 0 = ALL (reco.part_vector(l.parts, v.algorithm, 'users', 'center')) AS center FROM pri_kino.model_user_layer AS l JOIN pri_kino.model_version AS v USING (version) WHERE user_id = 3;
INSERT INTO pri_films VALUES (4, 105);
UPDATE pri_lib.model_version SET finished_at = clock_timestamp() WHERE version = 1;
CALL reco.fold_in('pri_kino');
ROLLBACK;
SET client_min_messages = warning;
CALL reco.refresh('pri_kino');
SELECT priors FROM pri_kino.versions WHERE active;
-- contributions add up, with what the prior says on their own row
SELECT count(*) FILTER (WHERE because_item IS NULL) AS baseline, abs(sum(contribution) - min(pri_kino.predict(30, 110))) < 1e-5 AS adds_up FROM pri_kino.explain(30, 110);

-- users without a row here: those of the prior are where that has them, others go by their features
CALL reco.create_model('pri_all', 'SELECT u, i FROM pri_films', reco.ials(factors => 3, regularization => 4, alpha => 2, prior => 'pri_lib'),
  users => 'SELECT u, u % 2 AS club FROM generate_series(1, 85) AS u', options => reco.options(measure => false, live => 'off'));
SELECT users, cold_users FROM pri_all.versions;
SELECT count(*) AS users, count(*) FILTER (WHERE a.factors = l.factors) AS same FROM pri_all.user_factors AS a JOIN pri_lib.user_factors AS l USING (user_id) WHERE a.interactions = 0;
SELECT user_id, 0 = ALL (factors) AS zero FROM pri_all.user_factors WHERE user_id > 80 AND user_id < 83 ORDER BY 1;
SELECT u % 2 AS parity, count(*) AS places, count(*) FILTER (WHERE item_id % 2 = u % 2) AS of_parity, array_agg(DISTINCT source) AS source
  FROM generate_series(3, 18) AS u, pri_all.recommend(u, 5) GROUP BY 1 ORDER BY 1;

-- Ratings: biases are part of the center, and it counts as the ratings that it was learned from do:
-- (sum y y' + lambda (n + m)) x = sum (r - mean - b_i) y + lambda (n + m) p, y with a 1 behind it
CALL reco.create_model('pri_shelf', 'pri_books', reco.als(factors => 3), options => reco.options(measure => false));
CALL reco.create_model('pri_screen', 'SELECT * FROM pri_films WHERE stars IS NOT NULL', reco.als(factors => 3, regularization => 0.2, prior => 'pri_shelf'), options => reco.options(measure => false));
CREATE FUNCTION pri_als(of_user int, lambda float8) RETURNS float8 LANGUAGE sql AS $$
  WITH y AS (SELECT item_id, bias, k, v::float8 FROM pri_screen.item_factors, unnest(factors || 1::real) WITH ORDINALITY AS f(v, k)),
       x AS (SELECT k, v::float8 FROM pri_screen.user_factors, unnest(factors || bias) WITH ORDINALITY AS f(v, k) WHERE user_id = of_user),
       p AS (SELECT k, v::float8 FROM pri_shelf.user_factors, unnest(factors || bias) WITH ORDINALITY AS f(v, k) WHERE user_id = of_user),
       weight AS (SELECT (SELECT interactions FROM pri_screen.user_factors WHERE user_id = of_user) + coalesce((SELECT interactions FROM pri_shelf.user_factors WHERE user_id = of_user), 0) AS n),
       score AS (SELECT r.i AS item_id, r.stars - (SELECT avg(stars) FROM pri_films) - min(y.bias) - sum(y.v * x.v) AS off
                   FROM pri_films AS r JOIN y ON y.item_id = r.i JOIN x USING (k) WHERE r.u = of_user AND r.stars IS NOT NULL GROUP BY r.i, r.stars)
  SELECT max(abs(gradient)) FROM (
    SELECT k, sum(y.v * s.off) - lambda * (SELECT n FROM weight) * (min(x.v) - coalesce(min(p.v), 0)) AS gradient
      FROM y JOIN score AS s USING (item_id) JOIN x USING (k) LEFT JOIN p USING (k) GROUP BY k) AS e
$$;
SELECT count(*) AS users, count(*) FILTER (WHERE pri_als(user_id, 0.2) < 1e-4) AS solved FROM pri_screen.user_factors;
INSERT INTO pri_films VALUES (40, 103, 5), (40, 105, 1);
CALL reco.fold_in('pri_screen');
SELECT abs(sum(contribution) - min(pri_screen.predict(40, 110))) < 1e-4 AS adds_up FROM pri_screen.explain(40, 110);
CALL reco.refresh('pri_screen');
SELECT count(*) AS users, count(*) FILTER (WHERE pri_als(user_id, 0.2) < 1e-4) AS solved FROM pri_screen.user_factors;
CALL reco.alter_model('pri_screen', algorithm => reco.als(factors => 3, biases => false, prior => 'pri_shelf', solver => 'cg'));
CALL reco.refresh('pri_screen');
SELECT algorithm, priors FROM pri_screen.versions WHERE active;

-- of a hybrid each member has its own; folded in as trained
CALL reco.create_model('pri_mix', 'SELECT u, i FROM pri_films', reco.hybrid(ARRAY[reco.item_knn(), reco.ials(factors => 3, prior => 'pri_lib'), reco.als(factors => 3, prior => 'pri_shelf')], weights => ARRAY[1, 2, 0.5]), options => reco.options(measure => false));
SELECT priors FROM pri_mix.versions;
CREATE TABLE pri_mixed AS SELECT u, r.item_id, r.score FROM generate_series(30, 40) AS u, pri_mix.recommend(u, NULL) AS r;
DELETE FROM pri_films WHERE u = 35;
CALL reco.fold_in('pri_mix');
INSERT INTO pri_films SELECT 35, 100 + i FROM generate_series(1, 30) AS i WHERE 35 % 2 = i % 2 AND (35 * 5 + i * 11) % 7 = 0;
SELECT count(*) > 0 AS some, bool_and(abs(m.score - r.score) < 1e-4) AS same FROM pri_mixed AS m, LATERAL pri_mix.rerank(35, ARRAY[m.item_id]) AS r WHERE u = 35;
CALL reco.fold_in('pri_mix');
SELECT count(*) > 0 AS some, bool_and(abs(m.score - r.score) < 1e-4) AS same FROM pri_mixed AS m, LATERAL pri_mix.rerank(m.u, ARRAY[m.item_id]) AS r;
INSERT INTO pri_films VALUES (4, 106);
CALL reco.fold_in('pri_mix');
SELECT p.part, c.center[1:3] = f.factors AS same
  FROM pri_mix.model_user_layer AS l, pri_mix.model_version AS v, (VALUES ('2.center', 'pri_lib'), ('3.center', 'pri_shelf')) AS p(part, of),
       LATERAL reco.part_vector(l.parts, v.algorithm, 'users', p.part) AS c(center),
       LATERAL (SELECT factors FROM pri_lib.user_factors WHERE user_id = 4 AND of = 'pri_lib' UNION ALL SELECT factors FROM pri_shelf.user_factors WHERE user_id = 4 AND of = 'pri_shelf') AS f
 WHERE l.user_id = 4 ORDER BY 1;
DELETE FROM pri_films WHERE u = 4;

-- evaluated, tuned, chosen: users of the training part are who they are
SELECT algorithm, value > 0.61 AS good FROM reco.evaluate('SELECT u, i FROM pri_films', ARRAY[reco.ials(factors => 3), reco.ials(factors => 3, prior => 'pri_lib')]) WHERE metric = 'auc' ORDER BY 1;
SELECT algorithm FROM reco.evaluate('SELECT u, i FROM pri_films', ARRAY[reco.auto(candidates => ARRAY[reco.ials(factors => 3, prior => 'pri_lib')])]) WHERE metric = 'ndcg' ORDER BY 1;
SELECT count(*) > 1 AS some, count(*) FILTER (WHERE message LIKE 'prior "pri_lib" has 3 factors%') > 0 AS others FROM reco.tune('SELECT u, i FROM pri_films', reco.ials(prior => 'pri_lib'));
CALL reco.create_model('pri_auto', 'SELECT u, i FROM pri_films', reco.auto(candidates => ARRAY[reco.ials(factors => 3, prior => 'pri_lib'), reco.popular()]));
SELECT priors FROM pri_auto.versions;

-- what cannot be
CALL reco.create_model('pri_no', 'SELECT u, i FROM pri_films', reco.ials(factors => 3, prior => 'pri_none'));
CALL reco.create_model('pri_no', 'SELECT u, i FROM pri_films', reco.ials(factors => 3, prior => 'pg_catalog'));
CALL reco.create_model('pri_no', 'SELECT u, i FROM pri_films', reco.ials(factors => 4, prior => 'pri_lib'));
CALL reco.create_model('pri_no', 'SELECT u, i FROM pri_films', reco.ials(factors => 3, prior => 'pri_no'));
CALL reco.create_model('pri_no', 'SELECT u::text, i FROM pri_films', reco.ials(factors => 3, prior => 'pri_lib'));
CALL reco.create_model('pri_no', 'SELECT u, i FROM pri_films', reco.ials(factors => 3, prior => 'pri_mix'));
CALL reco.create_model('pri_no', 'SELECT u, i FROM pri_films', reco.hybrid(ARRAY[reco.popular(), reco.ials(factors => 3, prior => 'pri_none')]));
SELECT * FROM reco.evaluate('SELECT u, i FROM pri_films', ARRAY[reco.ials(factors => 3, prior => 'pri_none')]);
CALL reco.alter_model('pri_kino', algorithm => reco.ials(factors => 3, prior => 'pri_kino'));
CALL reco.refresh('pri_kino');
SELECT reco.als_agg('{2}', 6, NULL, reco.als(prior => 'pri_lib'));
-- integers are integers, whatever their width
CALL reco.create_model('pri_wide', 'SELECT u::bigint, i FROM pri_films UNION ALL SELECT 5000000000, 104', reco.ials(factors => 3, regularization => 4, alpha => 2, prior => 'pri_lib'), options => reco.options(measure => false));
SELECT count(*) AS centers FROM pri_wide.model_user WHERE NOT 0 = ALL (reco.part_vector(parts, (SELECT algorithm FROM pri_wide.model_version), 'users', 'center'));

-- the model's owner reads it, with a right to
DROP ROLE IF EXISTS regress_reco_prior;  -- of a run that broke off
CREATE ROLE regress_reco_prior;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_reco_prior', current_database()); END $$;
GRANT SELECT ON pri_films TO regress_reco_prior;
SET ROLE regress_reco_prior;
CALL reco.create_model('pri_owned', 'SELECT u, i FROM public.pri_films', reco.ials(factors => 3, prior => 'pri_lib'), options => reco.options(measure => false));
SELECT * FROM reco.evaluate('SELECT u, i FROM public.pri_films', ARRAY[reco.ials(factors => 3, prior => 'pri_lib')]);
RESET ROLE;
CALL reco.grant_use('pri_lib', 'regress_reco_prior');
SET ROLE regress_reco_prior;
CALL reco.create_model('pri_owned', 'SELECT u, i FROM public.pri_films', reco.ials(factors => 3, prior => 'pri_lib'), options => reco.options(measure => false));
RESET ROLE;
CALL reco.grant_use('pri_lib', 'regress_reco_prior', tables => true);
SET ROLE regress_reco_prior;
CALL reco.create_model('pri_owned', 'SELECT u, i FROM public.pri_films', reco.ials(factors => 3, prior => 'pri_lib'), options => reco.options(measure => false));
RESET ROLE;
SELECT priors FROM pri_owned.versions;
-- whoever calls: it is the owner's right that counts
CALL reco.revoke_use('pri_lib', 'regress_reco_prior');
CALL reco.refresh('pri_owned');
ALTER TABLE pri_lib.model_user ENABLE ROW LEVEL SECURITY;
CALL reco.grant_use('pri_lib', 'regress_reco_prior', tables => true);
CALL reco.refresh('pri_owned');
-- damaged, dropped
UPDATE pri_lib.model_version SET users = 1 WHERE status = 'ready';
ALTER TABLE pri_lib.model_user DISABLE ROW LEVEL SECURITY;
CALL reco.refresh('pri_owned');
CALL reco.drop_model('pri_lib');
CALL reco.refresh('pri_owned');
-- what was trained with it serves on, and folds in
INSERT INTO pri_films VALUES (5, 105);
SET client_min_messages = notice;
CALL reco.fold_in('pri_owned');
SET client_min_messages = warning;
SELECT count(*) FROM pri_owned.recommend(30, 3);
CALL reco.drop_model('pri_owned');
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_reco_prior', current_database()); END $$;
DROP OWNED BY regress_reco_prior;
DROP ROLE regress_reco_prior;
DROP SCHEMA pri_kino, pri_all, pri_shelf, pri_screen, pri_mix, pri_auto, pri_wide CASCADE;
DROP FUNCTION pri_ials, pri_als;
DROP TABLE pri_books, pri_films, pri_one, pri_live, pri_back, pri_mixed;
