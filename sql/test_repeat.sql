--
-- reco.repeat(): what a user has again and again, and what others had last.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

SELECT reco.repeat();
SELECT reco.describe(reco.repeat(decay => 0.5, popularity => 1));
SELECT reco.repeat(decay => 1.1);
SELECT reco.repeat(decay => -0.1);
SELECT reco.repeat(popularity => -1);

CREATE TABLE baskets (customer int, product text, basket int);
CREATE INDEX ON baskets (customer);
-- two lines of one product in a basket are one
INSERT INTO baskets VALUES
  (1, 'milk', 1), (1, 'rice', 1), (1, 'milk', 2), (1, 'milk', 2), (1, 'salt', 2), (1, 'milk', 3), (1, 'figs', 3),
  (2, 'rice', 7), (2, 'rice', 9), (2, 'figs', 9),
  (3, 'figs', 4),
  (4, 'salt', 5), (4, 'milk', 6);
CALL reco.create_model('rep', 'SELECT customer, product, 1, basket FROM baskets', reco.repeat(decay => 0.5, popularity => 1));

-- decay^age over all baskets, and the share of customers who have it in their newest
CREATE FUNCTION rep_wanted() RETURNS TABLE (customer int, product text, score float8) LANGUAGE sql AS $$
  WITH aged AS (SELECT DISTINCT customer, product, dense_rank() OVER (PARTITION BY customer ORDER BY basket DESC) - 1 AS age FROM baskets),
       baskets_of AS (SELECT customer, sum(0.5 ^ age) AS weight FROM (SELECT DISTINCT customer, age FROM aged) a GROUP BY 1),
       own AS (SELECT customer, product, sum(0.5 ^ age) AS part FROM aged GROUP BY 1, 2),
       newest AS (SELECT product, count(*) / 4.0 AS share FROM aged WHERE age = 0 GROUP BY 1)
  SELECT b.customer, p.product, coalesce(part, 0) / weight + coalesce(share, 0)
    FROM baskets_of b CROSS JOIN (SELECT DISTINCT product FROM baskets) p
    LEFT JOIN own USING (customer, product) LEFT JOIN newest USING (product)
   WHERE part IS NOT NULL OR share IS NOT NULL $$;
SELECT count(*), bool_and(coalesce(abs(r.score - w.score) < 1e-6, false)) AS equal
  FROM rep_wanted() w FULL JOIN (SELECT u, x.* FROM generate_series(1, 4) u, rep.recommend(u, 9, include_seen => true, fallback => 'none') x) r
    ON r.u = w.customer AND r.item_id = w.product;
SELECT rank, item_id, round(score::numeric, 4) AS score FROM rep.recommend(1, 9, include_seen => true);
-- what is new to a customer is what others had last
SELECT rank, item_id, score, source FROM rep.recommend(4, 9, fallback => 'none');
SELECT because_item, round(contribution::numeric, 4) AS contribution FROM rep.explain(1, 'milk');
SELECT because_item, round(contribution::numeric, 4) AS contribution FROM rep.explain(3, 'rice');

-- another basket, live and folded in
BEGIN;
INSERT INTO baskets VALUES (3, 'salt', 8), (3, 'figs', 8);
SELECT item_id, round(score::numeric, 4) AS score FROM rep.recommend(3, 2, include_seen => true);
CALL reco.fold_in('rep');
CALL reco.alter_model('rep', options => reco.options(live => 'off'));
SELECT item_id, round(score::numeric, 4) AS score FROM rep.recommend(3, 2, include_seen => true);
ROLLBACK;
-- a basket in the order of its items: each is one, the newest last
SELECT item_id, round(score::numeric, 4) AS score FROM rep.recommend_for(ARRAY['salt', 'milk', 'salt'], 9, include_basket => true);
