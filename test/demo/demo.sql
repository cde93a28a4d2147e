-- What `make demo` shows of a shop that shop.sql has made. Read by psql from its
-- standard input, so that notices come without a file name.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off

-- What a customer bought, by category, and the customer in words.
PREPARE bought(int) AS
  SELECT category, array_to_string(titles[:3], ', ')
                   || CASE WHEN cardinality(titles) > 3 THEN ' and ' || cardinality(titles) - 3 || ' more'
                           ELSE '' END AS products
  FROM (SELECT p.category, sum(o.lines) AS lines,
               array_agg(p.title ORDER BY o.lines DESC, p.title) AS titles
        FROM (SELECT product_id, count(*) AS lines FROM order_lines WHERE customer_id = $1 GROUP BY 1) AS o
        JOIN products AS p ON p.id = o.product_id
        GROUP BY p.category) AS c
  ORDER BY lines DESC, category;
PREPARE customer(int) AS
  SELECT 'Customer ' || id || ', ' || name || ', likes '
         || array_to_string(tastes[:cardinality(tastes) - 1], ', ')
         || CASE WHEN cardinality(tastes) > 1 THEN ' and ' ELSE '' END
         || tastes[cardinality(tastes)] || ', and bought:' AS line
  FROM customers WHERE id = $1;

SELECT 'A shop with ' || (SELECT count(*) FROM products) || ' products, '
       || (SELECT count(*) FROM customers) || ' customers and '
       || (SELECT count(*) FROM order_lines) || ' order lines. Two of the customers:' AS line \gset
\echo
\echo :line
\echo
EXECUTE customer(42) \gset
\echo :line
EXECUTE bought(42);
EXECUTE customer(100) \gset
\echo :line
EXECUTE bought(100);

\echo '1. Train: one statement, next to the rows'
\echo
\set ECHO queries
CALL reco.create_model('home',
       source    => 'SELECT customer_id, product_id, qty FROM order_lines',
       algorithm => reco.ials(factors => 32, regularization => 10));
\set ECHO none
SET client_min_messages = warning;

\echo
\echo '2. Recommend: a SELECT, joined to whatever else the shop knows'
\echo
\set ECHO queries
SELECT r.rank, p.title, p.category, p.price, round(r.score::numeric, 3) AS score, r.source
FROM home.recommend(42) AS r
JOIN products AS p ON p.id = r.item_id
ORDER BY r.rank;

SELECT r.rank, p.title, p.category, p.price, round(r.score::numeric, 3) AS score, r.source
FROM home.recommend(100, n => 6) AS r
JOIN products AS p ON p.id = r.item_id
ORDER BY r.rank;
\set ECHO none

SELECT r.item_id AS best, p.title AS best_title, round(r.score::numeric, 3) AS best_score
FROM home.recommend(42, n => 1) AS r JOIN products AS p ON p.id = r.item_id \gset
\echo '3. Why? Customer 42 is shown the' :best_title 'because of:'
\echo
\set ECHO queries
SELECT p.title AS because_of, p.category, round(e.contribution::numeric, 3) AS contribution,
       to_char(100 * e.share, 'FM990%') AS share
FROM home.explain(42, :best) AS e
JOIN products AS p ON p.id = e.because_item
ORDER BY e.contribution DESC
LIMIT 5;
\set ECHO none
SELECT 'The contributions of all ' || count(*) || ' products add up to '
       || round(sum(contribution)::numeric, 3) || '; the score was ' || :best_score || '.' AS line
FROM home.explain(42, :best) \gset
\echo :line

\echo
\echo '4. Similar products'
\echo
SELECT id AS scarf FROM products WHERE title = 'Merino Wool Scarf' \gset
SELECT id AS skillet FROM products WHERE title = 'Cast Iron Skillet' \gset
SELECT id AS coffee FROM products WHERE title = 'Kenyan Espresso Beans' \gset
\set ECHO queries
SELECT s.rank, p.title, p.category, round(s.similarity::numeric, 3) AS similarity
FROM home.similar_items(:scarf, n => 5) AS s      -- the Merino Wool Scarf
JOIN products AS p ON p.id = s.item_id
ORDER BY s.rank;
\set ECHO none

\echo '5. A visitor without a name: a Cast Iron Skillet and Kenyan Espresso Beans in the basket'
\echo
\set ECHO queries
SELECT r.rank, p.title, p.category, round(r.score::numeric, 3) AS score
FROM home.recommend_for(basket => ARRAY[:skillet, :coffee], n => 6) AS r
JOIN products AS p ON p.id = r.item_id
ORDER BY r.rank;
\set ECHO none

\echo '6. Is it any good? A fifth of the rows held back, and predicted from the others'
\echo
\set ECHO queries
SELECT regexp_replace(algorithm, ', alpha.*', ', ...)') AS algorithm,
       round(max(value) FILTER (WHERE metric = 'precision')::numeric, 3) AS "precision@10",
       round(max(value) FILTER (WHERE metric = 'recall')::numeric, 3)    AS "recall@10",
       round(max(value) FILTER (WHERE metric = 'ndcg')::numeric, 3)      AS "ndcg@10",
       round(max(value) FILTER (WHERE metric = 'hit_rate')::numeric, 3)  AS "hit_rate@10"
FROM reco.evaluate('SELECT customer_id, product_id, qty FROM order_lines',
                   ARRAY[reco.ials(factors => 32, regularization => 10), reco.ials(factors => 32),
                         reco.ials(factors => 8)])
GROUP BY 1
ORDER BY 4 DESC;
\set ECHO none
