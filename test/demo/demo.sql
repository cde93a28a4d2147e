-- What `make demo` shows of the sample shop. Read by psql from its
-- standard input, so that notices come without a file name.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
SET search_path = shop, public;

-- What a customer bought, by theme, and when.
PREPARE bought(int) AS
  SELECT department, theme,
         to_char(min(at), 'Mon') || CASE WHEN to_char(min(at), 'Mon') <> to_char(max(at), 'Mon')
                                         THEN ' to ' || to_char(max(at), 'Mon') ELSE '' END AS months,
         array_to_string((array_agg(title ORDER BY at, title))[:4], ', ')
         || CASE WHEN count(*) > 4 THEN ' and ' || count(*) - 4 || ' more' ELSE '' END AS products
  FROM (SELECT p.department, p.theme, p.title, min(o.ordered_at) AS at
        FROM order_lines AS o JOIN products AS p ON p.id = o.product_id
        WHERE o.customer_id = $1 AND o.qty > 0
        GROUP BY 1, 2, 3) AS t
  GROUP BY department, theme
  ORDER BY count(*) DESC, theme;

SELECT 'A shop with ' || (SELECT count(*) FROM products) || ' products, '
       || (SELECT count(*) FROM customers) || ' customers and '
       || (SELECT count(*) FROM order_lines) || ' order lines. Some lines are postage and'
       AS line \gset
\echo
\echo :line
\echo 'vouchers, or those of guests, which the source leaves out; returns cancel what they return.'
\echo
SELECT name AS gardener FROM customers WHERE id = 42 \gset
SELECT name AS parent FROM customers WHERE id = 118 \gset
\echo 'Customer 42,' :gardener', is a gardener, and bought:'
EXECUTE bought(42);
\echo 'Customer 118,' :parent', has small children and a garden:'
EXECUTE bought(118);

\echo '1. Train: one statement, next to the rows'
\echo
\set ECHO queries
CALL reco.create_model('home', $$
  SELECT customer_id, product_id, qty, ordered_at FROM order_lines
  WHERE customer_id IS NOT NULL AND product_id IS NOT NULL $$,
  items => 'products');
\set ECHO none
SET client_min_messages = warning;

\echo
\echo '2. Recommend: a SELECT, joined to whatever else the shop knows'
\echo
\set ECHO queries
SELECT r.rank, p.title, p.department, p.theme, p.price
FROM home.recommend(42) AS r
JOIN products AS p ON p.id = r.item_id
ORDER BY r.rank;

SELECT r.rank, p.title, p.department, p.theme, p.price
FROM home.recommend(118, n => 6) AS r
JOIN products AS p ON p.id = r.item_id
ORDER BY r.rank;
\set ECHO none

SELECT r.item_id AS best, p.title AS best_title
FROM home.recommend(42, n => 1) AS r JOIN products AS p ON p.id = r.item_id \gset
\echo '3. Why? Customer 42 is shown' :best_title 'because of:'
\echo
\set ECHO queries
SELECT p.title AS because_of, p.theme, to_char(100 * e.share, 'FM990%') AS share
FROM home.explain(42, :best) AS e
JOIN products AS p ON p.id = e.because_item
ORDER BY e.share DESC
LIMIT 4;
\set ECHO none

\echo '4. Similar products: to the Cast Iron Skillet'
\echo
SELECT id AS skillet FROM products WHERE title = 'Cast Iron Skillet' \gset
SELECT id AS coffee FROM products WHERE title = 'Kenyan Filter Coffee' \gset
\set ECHO queries
SELECT s.rank, p.title, p.theme, round(s.similarity::numeric, 3) AS similarity
FROM home.similar_items(:skillet, n => 5) AS s
JOIN products AS p ON p.id = s.item_id
ORDER BY s.rank;
\set ECHO none

\echo '5. A visitor without a name: a Cast Iron Skillet and Kenyan Filter Coffee in the basket'
\echo
\set ECHO queries
SELECT r.rank, p.title, p.theme
FROM home.recommend_for(basket => ARRAY[:skillet, :coffee], n => 6) AS r
JOIN products AS p ON p.id = r.item_id
ORDER BY r.rank;
\set ECHO none

\echo '6. Is it any good? What was first bought in the last weeks is hidden, and looked for.'
\echo '   The model above was chosen in this way: SELECT reco.describe(''home'') has what was tried.'
\echo
\set ECHO queries
SELECT algorithm,
       round(max(value) FILTER (WHERE metric = 'precision')::numeric, 3) AS "precision@10",
       round(max(value) FILTER (WHERE metric = 'recall')::numeric, 3)    AS "recall@10",
       round(max(value) FILTER (WHERE metric = 'ndcg')::numeric, 3)      AS "ndcg@10",
       round(max(value) FILTER (WHERE metric = 'hit_rate')::numeric, 3)  AS "hit_rate@10"
FROM reco.evaluate($$
       SELECT customer_id, product_id, qty, ordered_at FROM order_lines
       WHERE customer_id IS NOT NULL AND product_id IS NOT NULL $$,
       ARRAY[reco.ials(), reco.item_knn(), reco.rp3beta()], split => 'time')
GROUP BY 1
ORDER BY "ndcg@10" DESC;
\set ECHO none
