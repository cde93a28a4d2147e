--
-- A model's user_profile(): what is known about a user, and where that comes from.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';

CREATE TABLE pro_lines (u int, i int, paid numeric, at timestamptz);
INSERT INTO pro_lines
SELECT u, i, (u + i) % 5 + 1, timestamptz '2026-01-01 00:00Z' + (u * 3 + i) % 40 * interval '1 day' FROM generate_series(1, 30) u, generate_series(1, 12) i WHERE (u * 7 + i * i) % 11 < 4;
CREATE INDEX ON pro_lines (u);
CREATE TABLE pro_items AS SELECT i AS id, ARRAY['t' || i % 3, 'c' || i % 2] AS tags, i * 1.5 AS price FROM generate_series(1, 12) AS i;
CALL reco.create_model('pro', 'pro_lines', reco.ials(factors => 4), items => 'pro_items', options => reco.options(value => 'raw', measure => false));
SELECT i, paid, at FROM pro_lines WHERE u = 3 ORDER BY 1;
SELECT aspect, feature, value, round(weight::numeric, 4) AS weight, because FROM pro.user_profile(3, 3) WHERE feature <> 'trained at';

-- likes by plain SQL: the share, by value, of the user's items with a tag, and the three that add most to it
WITH had AS (SELECT i, sum(paid) AS paid FROM pro_lines WHERE u = 3 GROUP BY 1),
of_tag AS (SELECT t, sum(paid) / (SELECT sum(paid) FROM had) AS share, (array_agg(i ORDER BY paid DESC, i))[:3] AS because FROM had JOIN pro_items ON id = i, unnest(tags) AS t GROUP BY 1)
SELECT count(*), bool_and(abs(p.weight - s.share) < 1e-6 AND p.because = s.because) AS same
  FROM pro.user_profile(3, NULL) AS p FULL JOIN of_tag AS s ON s.t = p.value AND p.feature = 'tags' WHERE p.feature = 'tags' OR p.feature IS NULL;
-- so many of each feature
SELECT aspect, feature, count(*) FROM pro.user_profile(3, 1) WHERE aspect IN ('likes', 'history') GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM pro.user_profile(3, 0) WHERE aspect IN ('likes', 'history');
SELECT count(*) FROM pro.user_profile(3, -1);

-- segments, with recency, frequency and monetary value
CALL reco.segment('pro', 3);
SELECT p.aspect, p.feature, p.value, p.weight,
       CASE p.feature WHEN 'recency' THEN p.value::float8 = s.recency AND p.weight = s.r WHEN 'frequency' THEN p.value::int = s.frequency AND p.weight = s.f
         WHEN 'monetary' THEN p.value::float8 = s.monetary AND p.weight = s.m WHEN 'name' THEN p.value = f.name WHEN 'number' THEN p.value::int = s.segment
         WHEN 'size' THEN p.value::int = f.size AND p.weight = f.share WHEN 'distance' THEN abs(p.value::float8 - s.distance) < 1e-12 WHEN 'made of' THEN p.value = f.made_of END AS same
  FROM pro.user_profile(3) AS p, pro.segments AS s JOIN pro.segment_profile AS f USING (segment) WHERE s.user_id = 3 AND p.aspect IN ('rfm', 'segment') AND p.feature <> 'distance';

-- what has changed since, in the same transaction
BEGIN;
INSERT INTO pro_lines VALUES (3, 4, 9, '2026-03-01 12:00Z'), (3, 99, 1, '2026-03-02 12:00Z');
DELETE FROM pro_lines WHERE u = 3 AND i = 5;
SELECT aspect, feature, value, because FROM pro.user_profile(3, 3) WHERE aspect IN ('activity', 'freshness') AND feature <> 'trained at';
SELECT value, weight FROM pro.user_profile(3, 1) WHERE aspect = 'history';
-- who is new
INSERT INTO pro_lines VALUES (100, 2, 1, '2026-03-01 12:00Z');
SELECT aspect, feature, value, because FROM pro.user_profile(100) WHERE feature NOT IN ('trained at', 'price');
CALL reco.fold_in('pro');
CALL reco.alter_model('pro', options => reco.options(value => 'raw', live => 'off', measure => false));
SELECT aspect, feature, value, because FROM pro.user_profile(3, 3) WHERE aspect IN ('activity', 'freshness') AND feature <> 'trained at';
SELECT feature, value FROM pro.user_profile(1) WHERE feature = 'read';
ROLLBACK;

-- nobody
SELECT count(*) FROM pro.user_profile(999);
SELECT count(*) FROM pro.user_profile(NULL);
-- whom the model forgets, and who has nothing any more
BEGIN;
DELETE FROM pro_lines WHERE u = 3;
CALL reco.forget_user('pro', 3);
SELECT count(*) FROM pro.user_profile(3);
ROLLBACK;

-- without live look-ups; models that hold what users did in order know the times
CALL reco.create_model('pro_repeat', 'SELECT u, i, paid, at FROM pro_lines', reco.repeat(), options => reco.options(live => 'off', measure => false));
SELECT aspect, feature, value, weight, because FROM pro_repeat.user_profile(3, 2) WHERE feature <> 'trained at';
CALL reco.create_model('pro_popular', 'SELECT u, i, paid, at FROM pro_lines', reco.popular(), options => reco.options(live => 'off', measure => false));
SELECT aspect, feature, value FROM pro_popular.user_profile(3, 1) WHERE feature <> 'trained at';
-- no rows are shown of an item that too few have
CALL reco.create_model('pro_few', 'SELECT u, i, paid, at FROM pro_lines UNION ALL SELECT 3, 50, 100, now()', reco.popular(), options => reco.options(min_users_per_item => 2, measure => false));
SELECT count(*) FROM pro_few.user_profile(3, NULL) WHERE value = '50' OR 50 = ANY (because);

-- as whoever may call it
CREATE ROLE regress_reco_pro;
CALL reco.grant_use('pro', 'regress_reco_pro');
SET ROLE regress_reco_pro;
SELECT count(*) > 15 AS shown, count(*) FILTER (WHERE aspect = 'segment') AS segment FROM pro.user_profile(3);
SELECT count(*) FROM pro.segments;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION pro.user_profile FROM regress_reco_pro;
SET ROLE regress_reco_pro;
SELECT count(*) FROM pro.user_profile(3);
RESET ROLE;

-- texts, uuids
CALL reco.create_model('pro_text', 'SELECT ''user '' || u, md5(i::text)::uuid, paid, at FROM pro_lines', reco.ials(factors => 4), items => 'SELECT md5(id::text)::uuid, tags FROM pro_items', options => reco.options(measure => false));
CALL reco.segment('pro_text', 3);
SELECT aspect, count(*), pg_typeof(min(because)) AS type FROM pro_text.user_profile('user 3', 2) GROUP BY 1 ORDER BY 1;
-- tables that were altered
ALTER TABLE pro_text.model_segment DROP CONSTRAINT model_segment_pkey;
SELECT count(*) FROM pro_text.user_profile('user 3');
ALTER TABLE pro_text.model_segment ADD PRIMARY KEY (user_id);
ALTER TABLE pro_text.model_segment ALTER m DROP NOT NULL;
UPDATE pro_text.model_segment SET m = NULL;
SELECT count(*) FROM pro_text.user_profile('user 3');
CALL reco.grant_use('pro_text', 'regress_reco_pro');
ALTER TABLE pro_text.model_segment ENABLE ROW LEVEL SECURITY;
SET ROLE regress_reco_pro;
SELECT count(*) FROM pro_text.user_profile('user 3');
RESET ROLE;
DELETE FROM pro_text.model_segment_profile;
UPDATE pro_text.model_segment SET m = 1;
SELECT count(*) FILTER (WHERE aspect = 'segment') AS segment FROM pro_text.user_profile('user 3');

DO $$
DECLARE m text;
BEGIN
  FOREACH m IN ARRAY ARRAY['pro', 'pro_repeat', 'pro_popular', 'pro_few', 'pro_text'] LOOP CALL reco.drop_model(m, if_exists => true); END LOOP;
END $$;
DROP TABLE pro_lines, pro_items;
DROP ROLE regress_reco_pro;
