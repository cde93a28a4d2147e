--
-- A model's audience(): who is left out, by a list and by what they were shown of late.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 2;

CREATE TABLE aud_lines AS SELECT u, i FROM generate_series(1, 60) u, generate_series(1, 30) i WHERE (u * 7 + i * i) % 11 < 3;
CALL reco.create_model('aud', 'aud_lines', reco.ials(factors => 8), options => reco.options(measure => false));
CREATE TABLE aud_products AS SELECT i AS id, CASE i % 3 WHEN 0 THEN 'garden' WHEN 1 THEN 'kitchen' ELSE 'toys' END AS category FROM generate_series(1, 31) AS i;
CREATE TABLE aud_coupons AS SELECT 7 AS coupon, i AS item FROM generate_series(2, 8, 2) AS i;
CREATE TABLE aud_opted_out AS SELECT u AS user_id FROM generate_series(3, 90, 3) AS u;

-- a category and a coupon are their items; what an audience of n is without some users are
-- the first n of those who are left of all
CREATE FUNCTION aud_same(items int[], n int, out_users int[], model text DEFAULT 'aud') RETURNS TABLE (same bool, users bigint) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$
    SELECT (SELECT array_agg((a.user_id, a.score)::text ORDER BY a.rank) FROM %1$I.audience($1, $2, exclude_users => $3) AS a)
         = (SELECT array_agg((a.user_id, a.score)::text ORDER BY a.rank)
              FROM (SELECT * FROM %1$I.audience($1, NULL) WHERE NOT user_id = ANY ($3) ORDER BY rank LIMIT $2) AS a),
           (SELECT count(*) FROM %1$I.audience($1, $2, exclude_users => $3))$q$, model) USING items, n, out_users;
END $$;
SELECT s.* FROM aud_same(ARRAY(SELECT id FROM aud_products WHERE category = 'garden' AND id < 7), 4, ARRAY(SELECT user_id FROM aud_opted_out)) AS s;
SELECT s.* FROM aud_same(ARRAY(SELECT item FROM aud_coupons WHERE coupon = 7), 5, ARRAY(SELECT user_id FROM aud_opted_out)) AS s;
SELECT s.* FROM aud_same('{2}', 10, '{}') AS s;
SELECT min(rank), max(rank), count(*), bool_or(user_id % 3 = 0) FROM aud.audience(2, 10, exclude_users => ARRAY(SELECT user_id FROM aud_opted_out));
SELECT count(*) FROM aud.audience(ARRAY(SELECT id FROM aud_products WHERE category = 'none'));
SELECT count(*) FROM aud.audience((SELECT array_agg(id) FROM aud_products WHERE category = 'none'));
-- everybody; unknown users, and ids that no user has
SELECT count(*) FROM aud.audience(2, exclude_users => ARRAY(SELECT DISTINCT u FROM aud_lines));
SELECT (SELECT count(*) FROM aud.audience(2, NULL)) - (SELECT count(*) FROM aud.audience(2, NULL, exclude_users => '{-1,0,99999,9223372036854775807}'));
SELECT count(*) FROM aud.audience(2, exclude_users => '{1,NULL}');
SELECT count(*) FROM aud.audience(2, exclude_users => '{x}');
SELECT count(*) FROM aud.audience(2, n => 0, exclude_users => '{1}');
-- users whose likes are looked up in those of others come from their table
CALL reco.create_model('aud_users', 'aud_lines', reco.user_knn(shrinkage => 0), options => reco.options(measure => false));
SELECT s.* FROM aud_same('{2,5}', 6, ARRAY(SELECT user_id FROM aud_opted_out), 'aud_users') AS s;

-- who was told often enough: times count, not rows
CREATE TABLE aud_mails (user_id int, item_id int, shown_at timestamptz);
CREATE TABLE aud_open AS SELECT user_id FROM aud.audience(2, NULL, exclude_buyers => false) ORDER BY user_id LIMIT 6;
INSERT INTO aud_mails
SELECT user_id, i, now() - days * interval '1 day'
  FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) AS place FROM aud_open) AS o,
       LATERAL (VALUES (1, 1), (2, 1), (2, 2), (3, 1), (3, 9), (4, 6), (4, 20), (5, -1), (6, 30)) AS m(of, days), generate_series(1, 3) AS i
 WHERE place = of;
INSERT INTO aud_mails VALUES (NULL, 1, now()), ((SELECT min(user_id) FROM aud_open), 1, NULL), (424242, 1, now());
CREATE FUNCTION aud_left(cap int, within interval, log text DEFAULT 'aud_mails') RETURNS int[] LANGUAGE sql AS $$
  SELECT array_agg(place ORDER BY place)::int[] FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) AS place FROM aud_open) AS o
   WHERE NOT EXISTS (SELECT FROM aud.audience(2, NULL, exclude_buyers => false, exposures => log, frequency_cap => cap, within => within) AS a
                      WHERE a.user_id = o.user_id)
$$;
SELECT aud_left(1, '7 days') AS once, aud_left(NULL, '7 days') AS by_default, aud_left(2, '7 days') AS twice, aud_left(3, '7 days') AS three,
       aud_left(2, '10 days') AS longer, aud_left(2, NULL) AS ever, aud_left(1, NULL) AS at_all, aud_left(1, '100000 years') AS of_old;
SELECT aud_left(1, '7 days', 'SELECT user_id, shown_at::date AS shown_at FROM aud_mails WHERE item_id = 1') AS dates,
       aud_left(2, NULL, 'SELECT user_id FROM aud_mails') AS rows, aud_left(4, NULL, 'SELECT user_id::numeric(9)::bigint AS user_id FROM aud_mails -- all') AS wider;
SELECT aud_left(1, NULL, 'SELECT user_id::text FROM aud_mails');
-- both at once
SELECT count(*) FROM aud.audience(2, NULL, exclude_users => ARRAY[1, 2, 3], exposures => 'aud_mails') AS a
 WHERE user_id < 4 OR user_id IN (SELECT user_id FROM aud_mails);
\set VERBOSITY default
SELECT aud_left(0, NULL);
SELECT aud_left(-5, NULL);
SELECT aud_left(1, '0');
SELECT aud_left(1, '-1 day');
SELECT aud_left(1, '1 day', NULL);
SELECT aud_left(1, '1 day', 'aud_opted_out');
SELECT aud_left(1, NULL, 'aud_nothing');
SELECT aud_left(1, NULL, 'aud_products');
SELECT aud_left(1, NULL, 'SELECT 1.5::float8 AS user_id');
SELECT aud_left(1, NULL, 'SELECT now()::date AS user_id');
SELECT aud_left(1, '1 day', 'SELECT 1 AS user_id, 2 AS shown_at');
SELECT aud_left(1, NULL, 'DELETE FROM aud_mails');
SELECT aud_left(1, NULL, 'SELECT 1 AS user_id; DELETE FROM aud_mails');
SELECT aud_left(1, NULL, 'SELECT 1/0 AS user_id');
\unset VERBOSITY
-- it is read as the caller
CREATE ROLE regress_reco_aud;
CALL reco.grant_use('aud', 'regress_reco_aud');
SET ROLE regress_reco_aud;
SELECT count(*) > 0 AS told FROM aud.audience(2, exclude_users => '{1}');
SELECT count(*) FROM aud.audience(2, exposures => 'aud_mails');
RESET ROLE;

-- ids of other types
CREATE TABLE aud_uuid AS SELECT md5(u::text)::uuid AS u, 'i' || i AS i FROM aud_lines;
CALL reco.create_model('aud_uuid', 'aud_uuid', reco.ials(factors => 8), options => reco.options(measure => false));
SELECT count(*) = (SELECT count(DISTINCT u) FROM aud_uuid WHERE u NOT IN (md5('1')::uuid, md5('5')::uuid)) AS as_many, bool_or(user_id IN (md5('1')::uuid, md5('5')::uuid))
  FROM aud_uuid.audience('i2', NULL, exclude_buyers => false, exclude_users => ARRAY[md5('1'), upper(md5('5')), md5('x')]);
SELECT count(*) = (SELECT count(DISTINCT u) FROM aud_lines WHERE u <> 1 AND u NOT IN (SELECT user_id FROM aud_opted_out)) AS as_many
  FROM aud_uuid.audience('i2', NULL, exclude_buyers => false, exclude_users => ARRAY[md5('1')::uuid],
                         exposures => 'SELECT md5(user_id::text)::uuid AS user_id FROM aud_opted_out');
SELECT count(*) FROM aud_uuid.audience('i2', exclude_users => '{no uuid}');
CREATE TABLE aud_pair AS SELECT ARRAY[u, u] AS u, i FROM aud_lines;
CALL reco.create_model('aud_pair', 'aud_pair', reco.item_knn(), options => reco.options(measure => false));
SELECT o, array_agg(a.user_id) && '{1}' AS one, array_agg(a.user_id) && '{4}' AS four
  FROM (VALUES (ARRAY[]::text[]), (ARRAY['{1,1}']), (ARRAY[ARRAY[1,1]::text, '{4,4}', '{7,7}'])) AS v(o), LATERAL aud_pair.audience(2, NULL, exclude_buyers => false, exclude_users => o) AS a
 GROUP BY 1 ORDER BY 1;

DO $$
DECLARE m text;
BEGIN
  FOREACH m IN ARRAY ARRAY['aud', 'aud_users', 'aud_uuid', 'aud_pair'] LOOP CALL reco.drop_model(m, if_exists => true); END LOOP;
END $$;
DROP FUNCTION aud_same, aud_left;
DROP TABLE aud_lines, aud_products, aud_coupons, aud_opted_out, aud_mails, aud_open, aud_uuid, aud_pair;
DROP ROLE regress_reco_aud;
