--
-- reco.evaluate_lists(): lists from anywhere; the conventions of metrics by hand.
--

SET reco.threads = 1;  -- what is trained here is tiny
CREATE TABLE lists (u text, i text, r int);
CREATE TABLE found (u text, i text);

-- C30: precision is hits / k, also where fewer items are listed
INSERT INTO lists VALUES ('1', 'a', 1), ('1', 'x', 2), ('1', 'b', 3), ('1', 'y', 4), ('1', 'z', 5);
INSERT INTO found VALUES ('1', 'a'), ('1', 'b');
SELECT metric, k, round(value::numeric, 9) AS value, error, users
  FROM reco.evaluate_lists('lists', 'found', '{3,5,100}') WHERE metric IN ('precision', 'recall');

-- C31: average precision is a sum over hits / min(k, relevant)
TRUNCATE lists, found;
INSERT INTO lists VALUES ('1', 'a', 1), ('1', 'b', 2), ('1', 'c', 3),
  ('2', 'x', 1), ('2', 'a', 2), ('2', 'y', 3), ('2', 'c', 4), ('2', 'z', 5);
INSERT INTO found SELECT '1', i FROM unnest('{a,b,c,d,e,f,g,h}'::text[]) i UNION ALL VALUES ('2', 'a'), ('2', 'c');
SELECT u, k, value FROM unnest('{1,2}'::text[]) u, LATERAL reco.evaluate_lists('lists', format('SELECT * FROM found WHERE u = %L', u), '{3,5}')
 WHERE metric = 'map' ORDER BY u, k;
SELECT metric, value, round(error::numeric, 6) AS error, users FROM reco.evaluate_lists('lists', 'found', '{3}') WHERE metric IN ('map', 'mrr', 'hit_rate');

-- C32: of equal ranks the items go by their ids; never in favor of what is to be found
SELECT metric, k, round(value::numeric, 12) AS value
  FROM reco.evaluate_lists('SELECT 1, i, 1 FROM generate_series(1, 4) i', 'VALUES (1, 1, 3), (1, 2, 0), (1, 3, 0), (1, 4, 2)', '{4}')
 WHERE metric LIKE 'ndcg%' OR metric = 'recall';
-- the ranks say the order, whatever numbers they are
SELECT metric, value FROM reco.evaluate_lists('VALUES (1, 10, -5), (1, 20, 0), (1, 30, 7)', 'VALUES (1, 20)') WHERE metric = 'mrr';

-- C33: who has nothing to be found is left out, who has no list counts
SELECT * FROM reco.evaluate_lists($$VALUES ('u1', 'a', 1), ('u1', 'b', 2), ('u2', 'a', 1)$$, $$VALUES ('u1', 'a'), ('u3', 'b')$$, '{2}');
-- a row with a NULL says nothing; nor is what nobody wants to be found
SELECT metric, value, users FROM reco.evaluate_lists($$VALUES ('u1', 'a', 1), ('u1', 'c', NULL), ('u2', 'a', 1)$$,
  $$VALUES ('u1', 'a', 1), ('u2', 'a', -1), (NULL, 'b', 1), ('u1', 'b', NULL)$$, '{1}') WHERE metric IN ('precision', 'recall');

-- C34: what the training part has is nothing to be found
SELECT metric, value, users FROM reco.evaluate_lists('VALUES (1, 1, 1), (1, 2, 2), (2, 1, 1)', 'VALUES (1, 1), (1, 2), (2, 1)', '{1}',
  train => 'VALUES (1, 1), (2, 3)') WHERE metric IN ('precision', 'recall');

-- C35: coverage is of lists of k, in the items of the training part
SELECT metric, k, round(value::numeric, 9) AS value, error, users
  FROM reco.evaluate_lists($$VALUES (1, 'a', 1), (1, 'b', 2), (1, 'c', 3), (2, 'a', 1), (2, 'c', 2), (2, 'd', 3), (3, 'a', 1), (3, 'b', 2), (3, 'e', 3)$$,
    $$SELECT u, 'f' FROM generate_series(1, 3) u$$, '{1,2,3}',
    train => $$SELECT 9, i FROM unnest('{a,b,c,d,e,f}'::text[]) i$$) WHERE metric = 'coverage';
-- popularity is the share of the users who have what is shown, and novelty its information;
-- of the four users two have 1, one has 2, and nobody 3, which only the lists know
SELECT metric, value, users FROM reco.evaluate_lists('VALUES (7, 1, 1), (7, 2, 2), (8, 3, 1)', 'VALUES (7, 9), (8, 9), (9, 9)', '{2}',
  train => 'VALUES (1, 1), (2, 1), (3, 2), (4, 4)') WHERE metric IN ('popularity', 'novelty', 'coverage', 'gini');

-- a list with an item twice is none; ids are the same as their type says
SELECT * FROM reco.evaluate_lists($$VALUES (1, 'a', 1), (2, 'b', 1), (2, 'a', 2), (2, 'b', 3)$$, $$VALUES (1, 'a')$$);
SELECT * FROM reco.evaluate_lists('VALUES (1, 1.0, 1), (1, 1.00, 2)', 'VALUES (1, 1.0)');
SELECT metric, value FROM reco.evaluate_lists('SELECT 1::int8, 1::int2, 1', 'SELECT 1::int2, 1::int8', train => 'SELECT 2, 1') WHERE metric IN ('ndcg', 'coverage');
SELECT * FROM reco.evaluate_lists('VALUES (1, 1, 1)', $$VALUES (1, 'a')$$);
SELECT * FROM reco.evaluate_lists('VALUES (1, 1, 1)', 'VALUES (1, 1)', train => $$VALUES ('1', 1)$$);
SELECT * FROM reco.evaluate_lists('SELECT 1, ''a'' COLLATE "C", 1', 'SELECT 1, ''a'' COLLATE "POSIX"');

-- the same as reco.evaluate() says of the same lists, to the bit
CREATE TABLE tastes AS
  SELECT 'u' || u AS u, i, 1 + (u / 3 + i) % 3 AS v, (u * 7 + i * 5) % 4 = 0 AS hidden
    FROM generate_series(1, 60) u, generate_series(1, 45) i WHERE u % 3 = i % 3 AND (u + i) % 5 > 0;
SET client_min_messages = warning;
CALL reco.create_model('lists_home', 'SELECT u, i, v FROM tastes WHERE NOT hidden', reco.ials(factors => 4));
CREATE TABLE recommended AS
  SELECT u, r.* FROM (SELECT DISTINCT u FROM tastes) AS d, LATERAL lists_home.recommend(u, 20) AS r;
CREATE VIEW judged AS
  SELECT * FROM reco.evaluate_lists('SELECT u, item_id, rank FROM recommended', 'SELECT u, i, v FROM tastes WHERE hidden', '{5,10,20}',
    train => 'SELECT u, i, v FROM tastes WHERE NOT hidden');
SELECT metric, k, round(value::numeric, 4) AS value, round(error::numeric, 4) AS error, users FROM judged WHERE k = 10;
SELECT count(*) >= 15 AS enough, bool_and(j.value = e.value) AS values, bool_and(j.users = e.users) AS users
  FROM judged AS j JOIN reco.evaluate('SELECT u, i, v FROM tastes WHERE NOT hidden', reco.ials(factors => 4), cutoffs => '{5,10,20}',
    test => 'SELECT u, i, v FROM tastes WHERE hidden') AS e USING (metric, k) WHERE e.algorithm LIKE 'ials(%';
CALL reco.drop_model('lists_home');
RESET client_min_messages;

-- arguments
\set VERBOSITY terse
SELECT * FROM reco.evaluate_lists(NULL, 'found');
SELECT * FROM reco.evaluate_lists('lists', NULL);
SELECT * FROM reco.evaluate_lists('lists', 'found', NULL);
SELECT * FROM reco.evaluate_lists('lists', 'found', '{0}');
SELECT * FROM reco.evaluate_lists('lists', 'SELECT 1');
SELECT * FROM reco.evaluate_lists('lists', 'found', train => 'SELECT 1, 2, ''a''');
SELECT * FROM reco.evaluate_lists('missing', 'found');
SELECT * FROM reco.evaluate_lists('', 'found');
SELECT * FROM reco.evaluate_lists('DELETE FROM lists RETURNING *', 'found');
\set VERBOSITY default
SELECT * FROM reco.evaluate_lists('SELECT 1, 2', 'found');
SELECT * FROM reco.evaluate_lists('SELECT 1, 2, 0.5', 'found');
SELECT * FROM reco.evaluate_lists('lists', 'SELECT * FROM found WHERE false');
SELECT metric, value, users FROM reco.evaluate_lists('SELECT * FROM lists WHERE false', 'found', '{1}') WHERE metric = 'ndcg';
-- each query is the caller's own
CREATE ROLE lists_guest;
GRANT SELECT ON lists TO lists_guest;
SET ROLE lists_guest;
SELECT * FROM reco.evaluate_lists('lists', 'found');
RESET ROLE;
DROP OWNED BY lists_guest;
DROP ROLE lists_guest;
DROP VIEW judged;
DROP TABLE lists, found, tastes, recommended;
