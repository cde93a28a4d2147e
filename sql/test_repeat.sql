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
SELECT reco.repeat(neighbors => -1);
SELECT reco.repeat(groups => 0);
SELECT reco.repeat(own_weight => 1.5);

CREATE TABLE baskets (customer int, product text, basket int);
CREATE INDEX ON baskets (customer);
-- two lines of one product in a basket are one
INSERT INTO baskets VALUES
  (1, 'milk', 1), (1, 'rice', 1), (1, 'milk', 2), (1, 'milk', 2), (1, 'salt', 2), (1, 'milk', 3), (1, 'figs', 3),
  (2, 'rice', 7), (2, 'rice', 9), (2, 'figs', 9),
  (3, 'figs', 4),
  (4, 'salt', 5), (4, 'milk', 6);
CALL reco.create_model('rep', 'SELECT customer, product, 1, basket FROM baskets', reco.repeat(decay => 0.5, popularity => 1, item_rates => false));

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
-- popularity is chosen by the shares: a popular item gets 0.03 by it in the mean
CALL reco.create_model('shares', 'SELECT customer, product, 1, basket FROM baskets', reco.repeat());
CALL reco.create_model('times', 'SELECT customer, product, 1, date ''2026-01-01'' + 8 * customer + basket / 3 FROM baskets', reco.repeat(), options => reco.options(basket_by => 'day'));
CALL reco.create_model('untimed', 'SELECT customer, product FROM baskets', reco.repeat());
CREATE FUNCTION rep_shares(source text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE p numeric;
BEGIN
  EXECUTE format('WITH newest AS (SELECT DISTINCT customer, product FROM (SELECT *, max(basket) OVER (PARTITION BY customer) AS last FROM (%s) b) x WHERE basket = last),
    share AS (SELECT count(*) / 4.0 AS s FROM newest GROUP BY product) SELECT round(0.03 * sum(s) / sum(s * s), 6) FROM share', source) INTO p;
  RETURN p;
END $$;
SELECT v.model, abs((regexp_match(algorithm, 'popularity => ([0-9.]+)'))[1]::numeric / rep_shares(source) - 1) < 0.001 AS equal
  FROM (SELECT 'shares' AS model, algorithm, 'TABLE baskets' AS source FROM shares.versions
        UNION ALL SELECT 'times', algorithm, 'SELECT customer, product, basket / 3 AS basket FROM baskets' FROM times.versions
        UNION ALL SELECT 'untimed', algorithm, 'SELECT customer, product, 0 AS basket FROM baskets' FROM untimed.versions) v ORDER BY 1;
DROP SCHEMA shares, times, untimed CASCADE;
DROP FUNCTION rep_shares;
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

-- how often items come again: of each customer's share of an item before the last basket, and who has it there, too
CREATE VIEW rep_rates AS
  WITH aged AS (SELECT DISTINCT customer, product, dense_rank() OVER (PARTITION BY customer ORDER BY basket DESC) - 2 AS age FROM baskets),
       total AS (SELECT customer, sum(0.5 ^ age) AS weight FROM (SELECT DISTINCT customer, age FROM aged WHERE age >= 0) a GROUP BY 1),
       before AS (SELECT customer, product, sum(0.5 ^ age) / min(weight) AS part FROM aged JOIN total USING (customer) WHERE age >= 0 GROUP BY 1, 2),
       counts AS (SELECT product, sum(part) AS m, count(*) FILTER (WHERE (customer, product) IN (SELECT customer, product FROM aged WHERE age = -1)) AS r FROM before GROUP BY 1),
       mean AS (SELECT sum(r) / sum(m) AS r FROM counts)
  SELECT product, (coalesce(c.r, 0) + 2 * mean.r) / (coalesce(m, 0) + 2) / mean.r AS rate
    FROM mean CROSS JOIN (SELECT DISTINCT product FROM baskets) p LEFT JOIN counts c USING (product);
CALL reco.create_model('rates', 'SELECT customer, product, 1, basket FROM baskets', reco.repeat(decay => 0.5, popularity => 0, shrinkage => 2));
SELECT bool_and(abs(r.score - w.score * rate) < 1e-6) AS equal, count(*), count(DISTINCT rate) AS rates
  FROM (SELECT customer, product, score - coalesce(share, 0) AS score
          FROM rep_wanted() LEFT JOIN (SELECT product, count(*) / 4.0 AS share FROM (SELECT DISTINCT customer, product, rank() OVER (PARTITION BY customer ORDER BY basket DESC) AS k FROM baskets) x WHERE k = 1 GROUP BY 1) s USING (product)) w
  JOIN rep_rates USING (product)
  JOIN (SELECT u, x.* FROM generate_series(1, 4) u, rates.recommend(u, 9, include_seen => true, fallback => 'none') x) r ON r.u = w.customer AND r.item_id = w.product;

-- users with like baskets, in plain SQL: the mean of the decayed baskets, the two nearest by Euclidean distance
CREATE FUNCTION near_wanted(k int) RETURNS TABLE (customer int, product text, score float8) LANGUAGE sql AS $$
  WITH aged AS (SELECT DISTINCT customer, product, dense_rank() OVER (PARTITION BY customer ORDER BY basket DESC) - 1 AS age FROM baskets),
       n AS (SELECT customer, max(age) + 1 AS baskets FROM aged GROUP BY 1),
       x AS (SELECT c.customer, p.product, coalesce(sum(0.7 ^ age) / min(baskets), 0) AS x
               FROM n AS c CROSS JOIN (SELECT DISTINCT product FROM baskets) p LEFT JOIN aged USING (customer, product) GROUP BY 1, 2),
       near AS (SELECT a.customer, b.customer AS neighbor, row_number() OVER (PARTITION BY a.customer ORDER BY sum((a.x - b.x) ^ 2), b.customer) AS rank
                  FROM x a JOIN x b ON b.product = a.product AND b.customer <> a.customer GROUP BY 1, 2)
  SELECT own.customer, own.product, 0.25 * own.x + 0.75 * avg(x.x)
    FROM x own JOIN near ON near.customer = own.customer AND rank <= k JOIN x ON x.customer = neighbor AND x.product = own.product
   GROUP BY 1, 2, own.x $$;
CALL reco.create_model('near', 'SELECT customer, product, 1, basket FROM baskets',
  reco.repeat(neighbors => 2, decay => 0.7, own_weight => 0.25, popularity => 0, item_rates => false, normalized => false));
CREATE VIEW near_lists AS SELECT u, x.* FROM generate_series(1, 4) u, near.recommend(u, 9, include_seen => true, fallback => 'none') x;
SELECT count(*), bool_and(coalesce(abs(r.score - w.score) < 1e-6, false)) AS equal
  FROM (SELECT * FROM near_wanted(2) WHERE score > 0) w FULL JOIN near_lists r ON r.u = w.customer AND r.item_id = w.product;
-- parts of a score add up to it, with what is due to nothing that the customer has
SELECT bool_and(abs(r.score - (SELECT sum(contribution) FROM near.explain(r.u, r.item_id))) < 1e-6) AS adds_up, count(*) FROM near_lists r;
-- stored lists are the same, and so are those of a hybrid in which it has all the weight
CALL reco.materialize('near', n => 9);
SELECT count(*) FILTER (WHERE s.score IS DISTINCT FROM r.score) AS differ, count(*)
  FROM (SELECT u, x.* FROM generate_series(1, 4) u, near.recommend(u, 9, include_seen => true) x) r
  FULL JOIN near.recommendations s ON s.user_id = r.u AND s.rank = r.rank AND s.item_id = r.item_id;
CALL reco.materialize('near', n => 9, include_seen => false);
SELECT count(*) FILTER (WHERE s.score IS DISTINCT FROM r.score) AS differ, count(*)
  FROM (SELECT u, x.* FROM generate_series(1, 4) u, near.recommend(u, 9) x) r
  FULL JOIN near.recommendations s ON s.user_id = r.u AND s.rank = r.rank AND s.item_id = r.item_id;
SELECT item_id, round(score::numeric, 5) AS score FROM near.recommend_for(ARRAY['rice', 'figs'], 9, include_basket => true);
CALL reco.create_model('mixed', 'SELECT customer, product, 1, basket FROM baskets',
  reco.hybrid(ARRAY[reco.repeat(neighbors => 2, decay => 0.7, own_weight => 0.25, popularity => 0, item_rates => false, normalized => false), reco.popular()], weights => '{1, 0}'));
SELECT bool_and(b.item_id = r.item_id) AS same_order
  FROM near_lists r JOIN (SELECT u, x.* FROM generate_series(1, 4) u, mixed.recommend(u, 9, include_seen => true) x) b ON b.u = r.u AND b.rank = r.rank;
-- a user who is folded in is a neighbor of others, and has neighbors
BEGIN;
INSERT INTO baskets VALUES (5, 'rice', 1), (5, 'figs', 2), (3, 'salt', 8);
CALL reco.fold_in('near');
CALL reco.alter_model('near', options => reco.options(live => 'off'));
SELECT count(*), bool_and(coalesce(abs(r.score - w.score) < 1e-6, false)) AS equal
  FROM (SELECT * FROM near_wanted(2) WHERE score > 0) w
  FULL JOIN (SELECT u, x.* FROM generate_series(1, 5) u, near.recommend(u, 9, include_seen => true, fallback => 'none') x) r ON r.u = w.customer AND r.item_id = w.product;
ROLLBACK;

-- more neighbors than users, and decays at their ends
CALL reco.create_model('ends', 'SELECT customer, product, 1, basket FROM baskets',
  reco.repeat(neighbors => 10000, decay => 0.7, own_weight => 0.25, popularity => 0, item_rates => false, normalized => false));
SELECT count(*), bool_and(coalesce(abs(r.score - w.score) < 1e-6, false)) AS equal
  FROM (SELECT * FROM near_wanted(3) WHERE score > 0) w
  FULL JOIN (SELECT u, x.* FROM generate_series(1, 4) u, ends.recommend(u, 9, include_seen => true, fallback => 'none') x) r ON r.u = w.customer AND r.item_id = w.product;
CALL reco.drop_model('ends');
CALL reco.create_model('ends', 'SELECT customer, product, 1, basket FROM baskets',
  reco.repeat(neighbors => 2, decay => 0, neighbor_decay => 0, group_decay => 0, groups => 1000, popularity => 0));
SELECT item_id, round(score::numeric, 4) AS score FROM ends.recommend(1, 9, include_seen => true, fallback => 'none');
CALL reco.drop_model('ends');
CALL reco.create_model('ends', 'SELECT customer, product, 1, basket FROM baskets', reco.repeat(neighbors => 1, decay => 1, neighbor_decay => 1, group_decay => 1, groups => 2, own_weight => 1, popularity => 8));
SELECT item_id, round(score::numeric, 4) AS score FROM ends.recommend(2, 2, include_seen => true);
-- one user has no neighbors, and one basket none before it
CALL reco.drop_model('ends');
CALL reco.create_model('ends', 'SELECT customer, product, 1, basket FROM baskets WHERE customer = 3', reco.repeat(neighbors => 5, own_weight => 0.5, popularity => 8));
SELECT item_id, score FROM ends.recommend(3, 2, include_seen => true);

-- baskets that are strange: unknown items, nulls, the same again, and nothing
SELECT item_id, round(score::numeric, 5) AS score FROM near.recommend_for(ARRAY['rice', 'tea', 'rice', 'figs'], 2, include_basket => true);
SELECT item_id, source FROM near.recommend_for(ARRAY['tea', 'coffee'], 1);
SELECT item_id, source FROM near.recommend_for(ARRAY[]::text[], 1);
SELECT item_id FROM near.recommend_for(ARRAY['rice', NULL], 1);
SELECT item_id, source FROM near.recommend(77, 1);
CALL reco.drop_model('rep');
