--
-- reco.allocate: users for campaigns, within budgets.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;

CREATE TABLE campaign_candidates (campaign text, user_id int, value float8, budget bigint);
INSERT INTO campaign_candidates VALUES
  ('spring', 1, 10, 1), ('garden', 1, 9, 1), ('spring', 2, 8, 1), ('garden', 2, 2, 1),
  ('spring', 3, 5, 1), ('garden', 4, -1, 1), ('garden', 4, NULL, 1), (NULL, 5, 100, 7),
  ('garden', NULL, 100, 1);

-- 1 gives way to 2 in spring, as garden is nearly as good for 1: 17 and not 12
SELECT campaign, user_id, value
  FROM (SELECT *, reco.allocate(user_id, campaign, value, budget) OVER () AS chosen
          FROM campaign_candidates) AS c
 WHERE chosen ORDER BY 1, 2;

-- no limits: everybody's best
SELECT campaign, user_id, value
  FROM (SELECT *, reco.allocate(user_id, campaign, value, NULL) OVER () AS chosen
          FROM campaign_candidates) AS c
 WHERE chosen ORDER BY 1, 2;

-- a partition each, whatever the frame and the order
SELECT region, campaign, user_id
  FROM (SELECT *, reco.allocate(user_id, campaign, value, budget)
                  OVER (PARTITION BY region ORDER BY value ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS chosen
          FROM campaign_candidates, generate_series(1, 2) AS region
         WHERE region = 1 OR campaign = 'garden') AS c
 WHERE chosen ORDER BY 1, 2, 3;

-- all the ways there are of three campaigns and six users, on seeded candidates
CREATE FUNCTION campaign_best(seed int) RETURNS TABLE (found float8, best float8) LANGUAGE sql AS $$
  WITH RECURSIVE c AS MATERIALIZED (
    SELECT u, k, ('x' || substr(md5(seed || ' ' || u || ' ' || k), 1, 4))::bit(16)::int % 7 AS v
      FROM generate_series(1, 6) AS u, generate_series(1, 3) AS k),
  ways (u, total, used) AS (
    SELECT 0, 0, ARRAY[0, 0, 0]
    UNION ALL
    SELECT w.u + 1, w.total + coalesce(c.v, 0),
           ARRAY(SELECT w.used[i] + (i IS NOT DISTINCT FROM c.k)::int FROM generate_series(1, 3) AS i ORDER BY i)
      FROM ways AS w
      LEFT JOIN LATERAL (SELECT k, v FROM c WHERE c.u = w.u + 1 UNION ALL SELECT NULL, NULL) AS c ON true
     WHERE w.u < 6 AND (c.k IS NULL OR w.used[c.k] < c.k))
  SELECT (SELECT sum(v) FROM (SELECT v, reco.allocate(u, k, v, k) OVER () AS chosen FROM c) AS x WHERE chosen),
         max(total) FROM ways WHERE u = 6;
$$;
SELECT count(*) AS seeds, count(*) FILTER (WHERE found = best) AS best
  FROM generate_series(1, 10) AS seed, campaign_best(seed);

-- what is large, and nobody can have, takes no digits of what is small
SELECT campaign, value
  FROM (SELECT *, reco.allocate(1, campaign, value, budget) OVER () AS chosen
          FROM (VALUES ('a', 1.2::float8, 5), ('b', 2, 5), ('c', 9e15, 0), ('d', 1e300, 0)) AS c (campaign, value, budget)) AS x
 WHERE chosen;

-- ids of any type, and the same answer in whatever order the rows come
SELECT count(DISTINCT answer)
  FROM (SELECT string_agg(campaign || ' ' || user_id, ',' ORDER BY campaign, user_id) AS answer
          FROM (SELECT campaign, user_id, o,
                       reco.allocate(user_id::text, campaign::varchar(3), value, 40) OVER (PARTITION BY o ORDER BY md5(o || n::text)) AS chosen
                  FROM (SELECT o, n, n % 200 AS user_id, n % 5 AS campaign, (n * 7919 % 11)::float8 AS value
                          FROM generate_series(1, 1000) AS n, generate_series(1, 4) AS o) AS r) AS x
         WHERE chosen GROUP BY o) AS y;
SELECT sum(chosen::int) FROM (SELECT reco.allocate(md5(n::text)::uuid, date '2024-01-01' + n % 2, 1, 3) OVER () AS chosen
                                FROM generate_series(1, 10) AS n) AS x;
SELECT reco.allocate(1, 2, 1, 1) OVER ();
SELECT count(*) FROM (SELECT reco.allocate(1, 2, 1, 1) OVER () FROM campaign_candidates WHERE false) AS x;

-- what is wrong
SELECT reco.allocate(user_id, campaign, value, -1) OVER () FROM campaign_candidates;
SELECT reco.allocate(user_id, campaign, value, user_id) OVER () FROM campaign_candidates WHERE campaign = 'spring';
SELECT reco.allocate(user_id, campaign, 'NaN', 1) OVER () FROM campaign_candidates;
SELECT reco.allocate(value, campaign, value, 1) OVER () FROM campaign_candidates;
SELECT reco.allocate(user_id, value, value, 1) OVER () FROM campaign_candidates;
SELECT reco.allocate(user_id, '{}'::json, value, 1) OVER () FROM campaign_candidates;
SELECT reco.allocate(1, n, 1, 1) OVER () FROM generate_series(1, 1001) AS n;
SELECT reco.allocate(1, 2, 1, 1);
-- the limit of memory
SET reco.max_memory = '1MB';
SELECT reco.allocate(n, 1, 1, 1) OVER () FROM generate_series(1, 200000) AS n;
RESET reco.max_memory;

DROP FUNCTION campaign_best;
DROP TABLE campaign_candidates;
