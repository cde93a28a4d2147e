--
-- reco.tune(): candidates and grids, the calls that it gives, and what cannot be trained;
-- reco.evaluate_into(): an evaluation whose rows go to a table.
--
SET reco.threads = 1;  -- what is trained here is tiny
CREATE TABLE tune_tastes AS
  SELECT u, i, 1 + (u / 3 + i) % 3 AS v, u % 3 AS kind
    FROM generate_series(1, 40) u, generate_series(1, 24) i WHERE u % 3 = i % 3 AND (u + i) % 5 > 0;
CREATE TABLE tune_items AS SELECT i, i % 3 AS "it's \ a kind" FROM generate_series(1, 24) i;

-- those that are given, the best first, and popularity beside; with the figures of reco.evaluate
SELECT t.rank, t.algorithm, t.call, t.value = e.value AS value, t.error = e.error AS error,
    t.over_popular = e.over_popular AS over, t.over_popular_error = e.over_popular_error AS over_error,
    t.seconds >= 0 AS seconds, t.message
  FROM reco.tune('SELECT u, i FROM tune_tastes', ARRAY[reco.svd(factors => 1), reco.als(), reco.svd(factors => 4)]) AS t
  JOIN reco.evaluate('SELECT u, i FROM tune_tastes', ARRAY[reco.svd(factors => 1), reco.als(), reco.svd(factors => 4)]) AS e
    USING (algorithm) WHERE e.metric = 'ndcg' ORDER BY rank;
-- the same with a metric of which less is better, another split, and a table
SELECT rank, algorithm, value = min(value) OVER () AS best FROM reco.tune('tune_tastes'::regclass,
  ARRAY[reco.als(factors => 1), reco.als(factors => 2), reco.als(factors => 4)], metric => 'rmse', options => reco.options(value => 'raw')) ORDER BY rank;
SELECT count(*) FROM reco.tune('SELECT u, i, 1, i FROM tune_tastes', reco.popular(), split => 'last', test_fraction => NULL, metric => 'recall@3');

-- a call is the same algorithm again, with options that were changed and no others
CREATE FUNCTION tune_again(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE again text; BEGIN EXECUTE 'SELECT reco.describe(' || call || ')' INTO again; RETURN again; END $$;
CREATE TABLE tune_candidates AS SELECT * FROM unnest(ARRAY[
  reco.popular(), reco.als(clip => false, regularization => 1e-7, seed => 9007199254740992, solver => 'cholesky'),
  reco.content(weights => '{"it''s \\ a kind": 0.3}'),
  reco.hybrid(ARRAY[reco.svd(factors => 3), reco.hybrid(ARRAY[reco.svd(), reco.popular()], weights => ARRAY[1, 1])], weights => ARRAY[1, 0.1])]) AS a;
SELECT t.call, reco.describe(a) IS NULL AS unknown FROM reco.tune('SELECT u, i FROM tune_tastes', (SELECT array_agg(a) FROM tune_candidates), items => 'tune_items') AS t
  LEFT JOIN tune_candidates ON reco.describe(a) = tune_again(t.call) ORDER BY 1;
-- whatever the session's settings of numbers and texts
SET extra_float_digits = -15;
SET standard_conforming_strings = off;
SET escape_string_warning = off;
SELECT t.call, reco.describe(a) IS NULL AS unknown FROM reco.tune('SELECT u, i FROM tune_tastes', (SELECT array_agg(a) FROM tune_candidates), items => 'tune_items') AS t
  LEFT JOIN tune_candidates ON reco.describe(a) = tune_again(t.call) ORDER BY 1;
RESET extra_float_digits;
RESET standard_conforming_strings;
RESET escape_string_warning;

-- a call that is pasted comes to the same, whatever it leaves to the data
CREATE FUNCTION tune_value(call text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  value float8;
BEGIN
  EXECUTE format('SELECT value FROM reco.evaluate(''SELECT u, i FROM tune_tastes'', %s, cutoffs => ''{10}'') WHERE metric = ''ndcg'' ORDER BY algorithm = ''popular()'' LIMIT 1', call) INTO value;
  RETURN value;
END $$;
SELECT bool_and(tune_value(call) = value) AS same, count(*) FROM reco.tune('SELECT u, i FROM tune_tastes',
  ARRAY[reco.ials(factors => 4), reco.item_knn(), reco.user_knn(similarity => 'jaccard'), reco.rp3beta(neighbors => 7), reco.svd(factors => 3)]);
SELECT bool_and(tune_value(call) = value) AS same FROM reco.tune('SELECT u, i FROM tune_tastes', reco.rp3beta());

-- one algorithm: its grid, in which what is given stays
SELECT count(*) > 3 AS many, count(*) - count(DISTINCT tune_again(call)) AS twice, count(value) - count(*) AS unmeasured,
    count(*) FILTER (WHERE call LIKE 'reco.svd(%oversampling => 20%') + 1 - count(*) AS others
  FROM reco.tune('SELECT u, i FROM tune_tastes', reco.svd(oversampling => 20));
-- all grids: of each algorithm that has what it needs
CREATE TABLE tune_all AS SELECT * FROM reco.tune('SELECT u, i FROM tune_tastes', items => 'tune_items', metric => 'ndcg@5');
SELECT split_part(algorithm, '(', 1) AS algorithm, count(*) > 0 AS tried, count(*) - count(DISTINCT algorithm) AS twice, count(message) AS failed
  FROM tune_all GROUP BY 1 ORDER BY 1;
SELECT bool_and(rank = r) AS ranks, bool_and(value <= coalesce(before, value)) AS falling
  FROM (SELECT rank, value, row_number() OVER (ORDER BY rank) AS r, lag(value) OVER (ORDER BY rank) AS before FROM tune_all) AS t;
SELECT count(*) FROM reco.tune('SELECT u, i FROM tune_tastes', metric => 'ndcg@5') WHERE algorithm LIKE 'content(%';
-- with a metric of values those that predict some, without popularity
SELECT DISTINCT split_part(algorithm, '(', 1) AS algorithm, over_popular FROM reco.tune('SELECT u, i, v FROM tune_tastes', metric => 'mae') ORDER BY 1;

-- what cannot be trained says why, and the others go on
SET reco.max_memory = '1MB';
SELECT rank, algorithm, value IS NULL AS failed, seconds IS NULL AS untrained, regexp_replace(message, '\d+ kB', '... kB') AS message
  FROM reco.tune('SELECT u, i FROM tune_tastes', ARRAY[reco.ials(factors => 1024), reco.ials(factors => 2), reco.popular()]) ORDER BY rank;
RESET reco.max_memory;
SELECT rank, algorithm, value IS NULL AS failed, message
  FROM reco.tune('SELECT u, i, 3e17 * v FROM tune_tastes', ARRAY[reco.als(factors => 2), reco.popular()]) ORDER BY rank;
-- a cancel does not: it ends all
SET statement_timeout = 1;
DO $$ BEGIN PERFORM reco.tune('SELECT u, i FROM tune_tastes'); RAISE EXCEPTION 'not canceled'; EXCEPTION WHEN query_canceled THEN RAISE NOTICE 'canceled'; END $$;
RESET statement_timeout;

-- arguments
\set VERBOSITY terse
SELECT * FROM reco.tune('SELECT u, i FROM tune_tastes', ARRAY[]::reco.algorithm[]);
SELECT * FROM reco.tune('SELECT u, i FROM tune_tastes', 'ials');
SELECT count(*) FROM reco.tune('SELECT u, i FROM tune_tastes', '{"algorithm": "popular"}');
SELECT * FROM reco.tune('SELECT u, i FROM tune_tastes', 5);
SELECT * FROM reco.tune(5);
SELECT * FROM reco.tune(NULL);
SELECT * FROM reco.tune('SELECT u, i FROM tune_tastes', metric => NULL);
SELECT * FROM reco.tune('SELECT u, i FROM tune_tastes', metric => 'ndcg');
SELECT * FROM reco.tune('SELECT u, i FROM tune_tastes', reco.ials(), metric => 'rmse');
SELECT * FROM reco.tune('SELECT u, i FROM tune_tastes', reco.content());
SELECT * FROM reco.tune('SELECT u, i FROM tune_tastes', split => 'sideways');
\set VERBOSITY default
-- parameters without a type are texts
PREPARE tune_prepared AS SELECT count(*) FROM reco.tune($1, $2);
EXECUTE tune_prepared('SELECT u, i FROM tune_tastes', '{"algorithm": "popular"}');
PREPARE tune_evaluated AS SELECT count(*) > 5 AS rows FROM reco.evaluate(source => $1, algorithms => ARRAY[reco.popular()]);
EXECUTE tune_evaluated('tune_tastes');
SELECT count(*) > 5 AS rows FROM reco.evaluate('tune_tastes'::varchar, '{"algorithm": "popular"}'::jsonb, options => reco.options(value => 'raw'));

-- into a table, which is made where there is none
CALL reco.evaluate_into('tune_results', 'SELECT u, i FROM tune_tastes', ARRAY[reco.item_knn(weighting => 'none', shrinkage => 0), reco.popular()], cutoffs => '{5,10}', label => 'first');
\d tune_results
SELECT count(*) AS others FROM ((TABLE tune_results) EXCEPT
  SELECT e.*, r.evaluated_at, 'first' FROM tune_results AS r, reco.evaluate('SELECT u, i FROM tune_tastes', ARRAY[reco.item_knn(weighting => 'none', shrinkage => 0), reco.popular()], cutoffs => '{5,10}') AS e) AS d;
-- and is added to
CALL reco.evaluate_into('public.tune_results', 'tune_tastes'::regclass, reco.popular(), by_activity => true, options => reco.options(value => 'raw'));
SELECT label, count(*) > 10 AS rows, count(DISTINCT algorithm) AS algorithms, count(DISTINCT activity) > 0 AS groups, count(DISTINCT evaluated_at) AS times,
    bool_and(evaluated_at BETWEEN now() - interval '1 hour' AND now()) AS now FROM tune_results GROUP BY label ORDER BY label;
-- in a block it is the caller's transaction
BEGIN;
CALL reco.evaluate_into('tune_block', 'SELECT u, i FROM tune_tastes', reco.popular());
SELECT count(*) > 0 AS rows FROM tune_block;
ROLLBACK;
SELECT to_regclass('tune_block');
DO $$ BEGIN CALL reco.evaluate_into('tune_block', 'SELECT u, i FROM tune_tastes', reco.popular()); RAISE EXCEPTION 'no'; EXCEPTION WHEN raise_exception THEN RAISE NOTICE 'undone'; END $$;
DO $$ BEGIN CALL reco.evaluate_into('tune_results', 'SELECT u, i FROM tune_tastes', reco.popular(), label => 'do'); END $$;
SELECT count(*) > 0 AS rows FROM tune_results WHERE label = 'do';
-- what an INSERT of these columns can write to
CREATE TABLE tune_more (LIKE tune_results, id bigint GENERATED ALWAYS AS IDENTITY, note text DEFAULT 'none') PARTITION BY RANGE (k);
CREATE TABLE tune_more_all PARTITION OF tune_more DEFAULT;
CREATE VIEW tune_view AS SELECT * FROM tune_results WHERE label = 'view' WITH CHECK OPTION;
CREATE TEMP TABLE tune_temporary (LIKE tune_results);
SET client_min_messages = warning;
CALL reco.evaluate_into('tune_more', 'SELECT u, i FROM tune_tastes', reco.popular());
CALL reco.evaluate_into('tune_view', 'SELECT u, i FROM tune_tastes', reco.popular(), label => 'view');
CALL reco.evaluate_into('tune_temporary', 'SELECT u, i FROM tune_tastes', reco.popular());
CALL reco.evaluate_into('pg_temp."Tune made"', 'SELECT u, i FROM tune_tastes', reco.popular());
CREATE DOMAIN tune_label AS varchar CHECK (VALUE <> 'bad');
CREATE TABLE tune_wide (LIKE tune_results);
ALTER TABLE tune_wide ALTER k TYPE bigint, ALTER value TYPE numeric, ALTER label TYPE tune_label, ALTER metric TYPE varchar, ALTER evaluated_at TYPE timestamptz(0);
CALL reco.evaluate_into('tune_wide', 'SELECT u, i FROM tune_tastes', reco.popular(), label => 'wide');
-- rules
CREATE TABLE tune_nothing (LIKE tune_results);
CREATE RULE nothing AS ON INSERT TO tune_nothing DO INSTEAD NOTHING;
CALL reco.evaluate_into('tune_nothing', 'SELECT u, i FROM tune_tastes', reco.popular());
CREATE TABLE tune_instead (LIKE tune_results);
CREATE RULE instead AS ON INSERT TO tune_instead DO INSTEAD INSERT INTO tune_wide VALUES (NEW.*);
CALL reco.evaluate_into('tune_instead', 'SELECT u, i FROM tune_tastes', reco.popular(), label => 'instead');
RESET client_min_messages;
SELECT label, count(*) > 0 AS rows FROM tune_wide GROUP BY label ORDER BY label;
SELECT (SELECT count(*) FROM tune_nothing) AS nothing, (SELECT count(*) FROM tune_instead) AS instead;
SELECT (SELECT count(*) > 0 FROM tune_more WHERE note = 'none'), (SELECT count(*) > 0 FROM tune_view), (SELECT count(*) > 0 FROM tune_temporary), (SELECT count(*) > 0 FROM "Tune made");
-- and what it cannot, before anything is read
CREATE TABLE tune_other (algorithm text, metric text);
CREATE TABLE tune_wrong (LIKE tune_results);
ALTER TABLE tune_wrong ALTER users TYPE point USING NULL;
CREATE VIEW tune_sum AS SELECT count(*) FROM tune_results;
CREATE FUNCTION tune_read() RETURNS SETOF tune_tastes LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the source is read'; END $$;
\set VERBOSITY terse
CALL reco.evaluate_into('tune_other', 'SELECT u, i FROM tune_read()', reco.popular());
CALL reco.evaluate_into('tune_wrong', 'SELECT u, i FROM tune_read()', reco.popular());
CALL reco.evaluate_into('tune_sum', 'SELECT u, i FROM tune_read()', reco.popular());
CALL reco.evaluate_into('no such table', 'SELECT u, i FROM tune_read()', reco.popular());
CALL reco.evaluate_into('nowhere.tune_results', 'SELECT u, i FROM tune_read()', reco.popular());
CALL reco.evaluate_into(NULL, 'SELECT u, i FROM tune_read()', reco.popular());
CALL reco.evaluate_into('tune_new', 'SELECT u, i FROM tune_read()', reco.popular());
SELECT to_regclass('tune_new');
CALL reco.evaluate_into('tune_results', 'SELECT u, i FROM tune_tastes', reco.popular(), by_activity => NULL);
BEGIN READ ONLY;
CALL reco.evaluate_into('tune_results', 'SELECT u, i FROM tune_read()', reco.popular());
ROLLBACK;
\set VERBOSITY default
CALL reco.evaluate_into('tune_other', 'SELECT u, i FROM tune_read()', reco.popular());
-- types that do not take every value
CREATE TABLE tune_narrow (LIKE tune_results);
ALTER TABLE tune_narrow ALTER k TYPE smallint;
CALL reco.evaluate_into('tune_narrow', 'SELECT u, i FROM tune_read()', reco.popular());
\set VERBOSITY terse
ALTER TABLE tune_narrow ALTER k TYPE integer, ALTER value TYPE integer;
CALL reco.evaluate_into('tune_narrow', 'SELECT u, i FROM tune_read()', reco.popular());
ALTER TABLE tune_narrow ALTER value TYPE numeric(3,2);
CALL reco.evaluate_into('tune_narrow', 'SELECT u, i FROM tune_read()', reco.popular());
CREATE DOMAIN tune_short AS varchar(8);
ALTER TABLE tune_narrow ALTER value TYPE float8, ALTER label TYPE tune_short;
CALL reco.evaluate_into('tune_narrow', 'SELECT u, i FROM tune_read()', reco.popular());
\set VERBOSITY default
-- as the caller
CREATE ROLE tune_guest;
CREATE SCHEMA tune_closed;
GRANT USAGE ON SCHEMA tune_closed TO tune_guest;
GRANT SELECT ON tune_tastes, tune_results TO tune_guest;
SET ROLE tune_guest;
\set VERBOSITY terse
CALL reco.evaluate_into('tune_results', 'SELECT u, i FROM tune_read()', reco.popular());
CALL reco.evaluate_into('tune_closed.guests', 'SELECT u, i FROM tune_read()', reco.popular());
\set VERBOSITY default
RESET ROLE;
-- a table that goes meanwhile
CREATE TABLE tune_goes (LIKE tune_results);
CREATE FUNCTION tune_drop() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN DROP TABLE IF EXISTS tune_goes; RETURN true; END $$;
CALL reco.evaluate_into('tune_goes', 'SELECT u, i FROM tune_tastes WHERE (SELECT tune_drop())', reco.popular());
-- one that is renamed is the same
CREATE TABLE tune_goes (LIKE tune_results);
CREATE OR REPLACE FUNCTION tune_drop() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE tune_goes RENAME TO tune_went; RETURN true; END $$;
CALL reco.evaluate_into('tune_goes', 'SELECT u, i FROM tune_tastes WHERE (SELECT tune_drop())', reco.popular());
SELECT count(*) > 0 AS rows FROM tune_went;

DROP OWNED BY tune_guest;
DROP ROLE tune_guest;
DROP SCHEMA tune_closed;
DROP VIEW tune_view, tune_sum;
DROP FUNCTION tune_again, tune_value, tune_read, tune_drop;
DROP TABLE tune_tastes, tune_items, tune_candidates, tune_all, tune_results, tune_more, tune_other, tune_wrong, tune_went, tune_wide, tune_nothing, tune_instead, tune_narrow;
DROP DOMAIN tune_label, tune_short;
