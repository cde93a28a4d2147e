--
-- Segments of users: who is in which, what each is like, and what they were made of.
--
SET client_min_messages = warning;
-- three tastes of 30, 20 and 10 users; everybody has item 1, a few by chance item 99
CREATE TABLE seg_lines (u int, i int, at timestamp);
INSERT INTO seg_lines
SELECT u, i, timestamp '2026-01-01' + (u * 3 + i) % 50 * interval '1 day'
  FROM generate_series(1, 60) u, generate_series(1, 31) i
 WHERE i = 1 OR (i % 3 = CASE WHEN u <= 30 THEN 0 WHEN u <= 50 THEN 1 ELSE 2 END AND (u * 7 + i * 5) % 11 < 7);
INSERT INTO seg_lines VALUES (7, 99, '2026-01-01'), (33, 99, '2026-01-01');
CREATE TABLE seg_items (i int, words tsvector, kind text);
INSERT INTO seg_items
SELECT i, to_tsvector('simple', 'thing ' || (ARRAY['tea', 'garden', 'toy'])[i % 3 + 1]), (ARRAY['kitchen', 'outdoor', 'play'])[i % 3 + 1]
  FROM generate_series(1, 31) i;
CALL reco.create_model('seg', 'SELECT u, i, 1, at FROM seg_lines', reco.ials(factors => 8), items => 'seg_items', options => reco.options(measure => false));

-- nothing yet
SELECT count(*) FROM seg.segments;
SELECT count(*) FROM seg.segment_profile;

SET client_min_messages = notice;
CALL reco.segment('seg', 3);
SET client_min_messages = warning;
SELECT segment, name, size, round(share::numeric, 4) AS share, means, made_of, version FROM seg.segment_profile;
SELECT segment, min(user_id), max(user_id), count(*), bool_and(distance BETWEEN 0 AND 2) AS near FROM seg.segments GROUP BY 1 ORDER BY 1;
SELECT pg_typeof(user_id), pg_typeof(segment), pg_typeof(distance) FROM seg.segments LIMIT 1;

-- shares and lifts of items, and their order, by plain SQL: likelihood ratios of at least 10.83
CREATE VIEW seg_by_sql AS
WITH n AS (SELECT segment, count(*)::float8 AS users FROM seg.segments GROUP BY 1),
all_users AS (SELECT i, count(*) / 60.0::float8 AS share FROM seg_lines GROUP BY 1),
have AS (SELECT s.segment, l.i, count(*)::float8 AS o, n.users AS n, n.users * a.share AS e, a.share
  FROM seg_lines l JOIN seg.segments s ON s.user_id = l.u JOIN n USING (segment) JOIN all_users a USING (i) GROUP BY 1, 2, 4, 6),
scored AS (SELECT *, 2 * (o * ln(o / e) + CASE WHEN n > o THEN (n - o) * ln((n - o) / (n - e)) ELSE 0 END) AS score FROM have WHERE o > 1.1 * e)
SELECT segment, row_number() OVER (PARTITION BY segment ORDER BY score DESC, i) AS rank, i AS item_id, o / n AS share, o / n / share AS lift
  FROM scored WHERE score >= 10.83;
SELECT count(*) > 12 AS many, count(*) FILTER (WHERE a.item_id = b.item_id AND abs(a.share - b.share) < 1e-6 AND abs(a.lift - b.lift) < 1e-5) = count(*) AS equal
  FROM seg.segment_items a FULL JOIN (SELECT * FROM seg_by_sql WHERE rank <= 10) b USING (segment, rank);
-- what all have, and what two have by chance, stands out nowhere
SELECT count(*) FROM seg.segment_items WHERE item_id IN (1, 99);

DROP VIEW seg_by_sql;

-- of keywords likewise: the mean of users' shares, Welch's t
WITH shares AS (SELECT s.segment, u.u, k.term, count(*) FILTER (WHERE f.words @@ to_tsquery('simple', k.term) OR f.kind = k.term) / max(n.n)::float8 AS share
    FROM (SELECT DISTINCT u FROM seg_lines) u JOIN seg.segments s ON s.user_id = u.u JOIN (SELECT u, count(*) AS n FROM seg_lines GROUP BY 1) n USING (u)
    JOIN seg_lines l USING (u) LEFT JOIN seg_items f USING (i), unnest('{thing,tea,garden,toy,kitchen,outdoor,play}'::text[]) AS k(term) GROUP BY 1, 2, 3),
means AS (SELECT segment, term, avg(share) AS share, var_pop(share) / count(*) AS v, count(*) FILTER (WHERE share > 0) AS users FROM shares GROUP BY 1, 2),
whole AS (SELECT term, avg(share) AS share, var_pop(share) / count(*) AS v FROM shares GROUP BY 1),
scored AS (SELECT m.segment, term, m.share, m.share / w.share AS lift, (m.share - w.share) ^ 2 / (m.v + w.v) AS score
    FROM means m JOIN whole w USING (term) WHERE m.share > 1.1 * w.share AND m.users >= 5)
SELECT s.segment, k.keyword = s.term OR s.term IN ('kitchen', 'outdoor', 'play') OR k.keyword IN ('kitchen', 'outdoor', 'play') AS same, abs(k.share - s.share) < 1e-6 AND abs(k.lift - s.lift) < 1e-5 AS equal
  FROM (SELECT *, row_number() OVER (PARTITION BY segment ORDER BY score DESC) AS rank FROM scored WHERE score >= 10.83) s
  FULL JOIN seg.segment_keywords k USING (segment, rank) ORDER BY segment, rank;
SELECT segment, array_agg(keyword ORDER BY keyword) FROM seg.segment_keywords GROUP BY 1 ORDER BY 1;

-- the same again, to the bit, with any number of threads; another seed is another beginning
CREATE TABLE seg_first AS TABLE seg.segments;
SET reco.threads = 2;
CALL reco.segment('seg', 3);
RESET reco.threads;
SELECT count(*) FROM (TABLE seg.segments EXCEPT TABLE seg_first) d;
CALL reco.segment('seg', 3, seed => 7);
SELECT count(*), max(segment) FROM seg.segments;

-- how many there are is found; one is everybody; as many as users
CALL reco.segment('seg', NULL);
SELECT max(segment), (SELECT round(max(silhouette)::numeric, 2) > 0.5 FROM seg.segment_profile) FROM seg.segments;
CALL reco.segment('seg', 1);
SELECT segment, name, size, share, silhouette, items, keywords FROM seg.segment_profile;
CALL reco.segment('seg', 1000, restarts => 1);
SELECT max(segment) BETWEEN 4 AND 60 AS as_many_as_differ, count(*) FROM seg.segments;

-- given features: standardized; distances, means and names by plain SQL
CREATE TABLE seg_features AS
SELECT u, (u % 4) * 10 + u % 3 AS spent, CASE WHEN u = 5 THEN NULL ELSE (u % 2)::numeric + 0.25 END AS often, true AS constant, -0.5::real AS same FROM generate_series(1, 60) u;
SET client_min_messages = notice;
CALL reco.segment('seg', 4, 'seg_features');
SET client_min_messages = warning;
SELECT segment, name, size, means FROM seg.segment_profile ORDER BY 1;
WITH z AS (SELECT u, (spent - avg(spent) OVER ()) / stddev_pop(spent) OVER () AS x, coalesce((often - avg(often) OVER ()) / stddev_pop(often) OVER (), 0) AS y FROM seg_features),
c AS (SELECT s.segment, avg(x) AS x, avg(y) AS y FROM z JOIN seg.segments s ON s.user_id = z.u GROUP BY 1)
SELECT count(*) FILTER (WHERE abs(s.distance - sqrt((z.x - c.x) ^ 2 + (z.y - c.y) ^ 2)) > 1e-6) AS other,
       count(*) FILTER (WHERE EXISTS (SELECT FROM c d WHERE (z.x - d.x) ^ 2 + (z.y - d.y) ^ 2 < (z.x - c.x) ^ 2 + (z.y - c.y) ^ 2 - 1e-6)) AS nearer
  FROM seg.segments s JOIN z ON z.u = s.user_id JOIN c USING (segment);
-- users whom the model does not know; ids in other types; a user who is NULL is passed over
CALL reco.segment('seg', 2, $$SELECT u::text, u FROM generate_series(55, 65) u UNION ALL SELECT NULL, 7$$);
SELECT user_id, segment FROM seg.segments ORDER BY 1;
-- nobody differs; only one is there
SET client_min_messages = notice;
CALL reco.segment('seg', 5, 'SELECT u, 1, 2 FROM generate_series(1, 9) u');
SET client_min_messages = warning;
SELECT segment, name, size FROM seg.segment_profile;
CALL reco.segment('seg', NULL, 'SELECT 3, 1e300, -1e300');
SELECT * FROM seg.segments;
CALL reco.segment('seg', 2, 'SELECT u, CASE WHEN u > 2 THEN 1e300 ELSE -1e300 END FROM generate_series(1, 5) u');
SELECT * FROM seg.segments ORDER BY 1;

-- recency, frequency and monetary value by plain SQL; scores by fifths, equal ones alike
CREATE TABLE seg_orders AS
SELECT u, i, (u * i % 7 - 1)::numeric AS paid, timestamptz '2026-01-01 00:00Z' + (u * 5 + i * i) % 90 * interval '12 hours' AS at
  FROM generate_series(1, 40) u, generate_series(1, 1 + 40 / u) i;
INSERT INTO seg_orders VALUES (41, 1, 5, NULL), (42, NULL, 5, '2026-01-01'), (NULL, 1, 5, '2026-01-01'), (43, 1, 5, 'infinity'), (44, 1, NULL, '2026-01-01');
WITH x AS (SELECT u, extract(epoch FROM (SELECT max(at) FROM seg_orders WHERE isfinite(at)) - max(at)) / 86400 AS recency, count(DISTINCT at) AS frequency, sum(paid) AS monetary
    FROM seg_orders WHERE u <= 40 GROUP BY 1),
s AS (SELECT *, 1 + least(4, floor(5 * percent_rank() OVER (ORDER BY recency DESC))) AS r, 1 + least(4, floor(5 * percent_rank() OVER (ORDER BY frequency))) AS f,
    1 + least(4, floor(5 * percent_rank() OVER (ORDER BY monetary))) AS m FROM x)
SELECT count(*), count(*) FILTER (WHERE abs(a.recency - s.recency) < 1e-6 AND a.frequency = s.frequency AND abs(a.monetary - s.monetary) < 1e-6 AND a.r = s.r AND a.f = s.f AND a.m = s.m) AS equal
  FROM reco.rfm('SELECT u, i, paid, at FROM seg_orders') a FULL JOIN s ON s.u::text = a.user_id;
SELECT user_id, recency, frequency, monetary FROM reco.rfm('seg_orders', at => '2026-01-03 00:00Z') LIMIT 3;
SELECT * FROM reco.rfm('seg_orders', at => 'infinity');
SELECT * FROM reco.rfm('SELECT point(u, i), i, 1, at FROM seg_lines');
SELECT * FROM reco.rfm('SELECT 1, 2, 3, date ''2026-01-01''');
SELECT * FROM reco.rfm('SELECT 1, 2, 3, date ''2026-01-01'' WHERE false -- none');
CALL reco.segment('seg', 3, $$SELECT user_id, ln(1 + recency) AS recency, ln(frequency) AS frequency FROM reco.rfm('seg_orders')$$);
SELECT name, size FROM seg.segment_profile ORDER BY segment;
-- of the source, in the views: what reco.rfm() says of it
CALL reco.create_model('seg_paid', 'SELECT u, i, paid, at FROM seg_orders', reco.popular(), options => reco.options(measure => false));
CALL reco.segment('seg_paid', 3);
SELECT count(*), count(*) FILTER (WHERE abs(a.recency - s.recency) < 1e-6 AND a.frequency = s.frequency AND abs(a.monetary - s.monetary) < 1e-6 AND a.r = s.r AND a.f = s.f AND a.m = s.m) AS equal,
       count(*) FILTER (WHERE s.recency IS NULL) AS unknown
  FROM seg_paid.segments AS s LEFT JOIN reco.rfm('SELECT u, i, paid, at FROM seg_orders') AS a ON a.user_id = s.user_id::text;
SELECT p.segment, p.size, abs(p.recency - avg(s.recency)) + abs(p.frequency - avg(s.frequency)) + abs(p.monetary - avg(s.monetary)) < 1e-9 AS means
  FROM seg_paid.segment_profile AS p JOIN seg_paid.segments AS s USING (segment) GROUP BY p.segment, p.size, p.recency, p.frequency, p.monetary ORDER BY 1;
CALL reco.segment('seg_paid', 3, 'SELECT u, u FROM generate_series(39, 42) AS u');
SELECT user_id, frequency IS NULL AS unknown, r IS NULL AND f IS NULL AND m IS NULL AS unscored FROM seg_paid.segments ORDER BY 1;
CALL reco.segment('seg_paid', 3, rfm => false);
SELECT count(*), count(recency), count(frequency), count(monetary), count(r) FROM seg_paid.segments;
-- purchases, not views; and nothing that is later than now
CALL reco.alter_model('seg_paid', source => $$SELECT u, i, paid, at, CASE WHEN i % 2 = 0 THEN 'buy' ELSE 'view' END AS kind FROM seg_orders WHERE u < 30 UNION ALL SELECT 1, 1, 1000, now() + interval '3 days', 'buy'$$,
  options => reco.options(kind_weights => '{"view": 1, "buy": 8}', seen_kinds => '{buy}', measure => false));
CALL reco.refresh('seg_paid');
CALL reco.segment('seg_paid', 2);
SELECT count(*), count(*) FILTER (WHERE a.user_id IS NULL AND s.r IS NULL OR abs(a.recency - s.recency) < 1e-6 AND a.frequency = s.frequency AND abs(a.monetary - s.monetary) < 1e-6 AND a.r = s.r AND a.f = s.f AND a.m = s.m) AS equal
  FROM seg_paid.segments AS s LEFT JOIN reco.rfm('SELECT u, i, paid, at FROM seg_orders WHERE u < 30 AND i % 2 = 0') AS a ON a.user_id = s.user_id::text;
-- dates, and times without a zone, of which some are none with one
CALL reco.alter_model('seg_paid', source => 'SELECT u, i, paid, at::date AS at FROM seg_orders UNION ALL SELECT 1, 1, 7, date ''5874897-01-01''', options => reco.options(measure => false));
CALL reco.refresh('seg_paid');
CALL reco.segment('seg_paid', 2);
CREATE FUNCTION seg_same(source text) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM seg_paid.segments AS s JOIN reco.rfm(source) AS a ON a.user_id = s.user_id::text
   WHERE abs(a.recency - s.recency) < 1e-6 AND a.frequency = s.frequency AND abs(a.monetary - s.monetary) < 1e-6 AND a.r = s.r AND a.f = s.f AND a.m = s.m
$$;
SELECT seg_same('SELECT u, i, paid, at::date FROM seg_orders');
CALL reco.alter_model('seg_paid', source => 'SELECT u, i, paid, at::timestamp AS at FROM seg_orders UNION ALL SELECT 1, 1, 7, timestamp ''4714-11-24 BC''');
CALL reco.refresh('seg_paid');
CALL reco.segment('seg_paid', 2);
SELECT seg_same('SELECT u, i, paid, at::timestamp FROM seg_orders');
-- no values, no times, no source
CALL reco.alter_model('seg_paid', source => 'SELECT u, i, 1 AS v, (u + i) AS t FROM seg_orders WHERE u + i > 0');
CALL reco.refresh('seg_paid');
CALL reco.segment('seg_paid', 2);
SELECT count(*) > 0 AS segments, count(r) FROM seg_paid.segments;
CREATE VIEW seg_view AS SELECT u, i, paid, at FROM seg_orders;
CALL reco.alter_model('seg_paid', source => 'seg_view');
CALL reco.refresh('seg_paid');
DROP VIEW seg_view;
CALL reco.segment('seg_paid', 2);
CALL reco.segment('seg_paid', 2, rfm => false);
-- a temporary table, as in a training
CREATE TEMP TABLE seg_temporary AS SELECT u, i, paid, at FROM seg_orders;
CALL reco.alter_model('seg_paid', source => 'seg_temporary');
CALL reco.refresh('seg_paid');
CALL reco.segment('seg_paid', 2);
SELECT seg_same('seg_temporary');
DROP TABLE seg_temporary;
CALL reco.drop_model('seg_paid');
DROP FUNCTION seg_same;
SELECT * FROM reco.rfm(NULL);
SELECT * FROM reco.rfm('SELECT 1, 2, 3');
SELECT * FROM reco.rfm('SELECT 1, 2, true AS v, now()');
SELECT * FROM reco.rfm('SELECT 1, 2, 3, 4 AS t');

-- what is wrong
CALL reco.segment(NULL);
CALL reco.segment('no_such');
CALL reco.segment('seg', 0);
CALL reco.segment('seg', 1001);
CALL reco.segment('seg', restarts => NULL);
CALL reco.segment('seg', restarts => 0);
CALL reco.segment('seg', iterations => 0);
CALL reco.segment('seg', seed => -1);
CALL reco.segment('seg', features => '');
CALL reco.segment('seg', features => 'SELECT 1');
CALL reco.segment('seg', features => 'SELECT 1, ''x''::text AS word');
CALL reco.segment('seg', features => 'SELECT 1, ''NaN''::float8 AS x');
CALL reco.segment('seg', features => 'SELECT 4, ''-infinity''::real AS x');
CALL reco.segment('seg', features => 'SELECT 1, 2 UNION ALL SELECT 1, 3');
CALL reco.segment('seg', features => 'SELECT 1, 2 WHERE false');
CALL reco.segment('seg', features => 'SELECT ''x''::text, 2');
CALL reco.segment('seg', features => 'DELETE FROM seg_lines RETURNING u, i');
CALL reco.segment('seg', features => 'SELECT 1, 2; SELECT 3, 4');
-- and leaves what was there
SELECT count(*) FROM seg.segments;

-- segments stay until they are made again, whatever version is active, and say which they are of
CALL reco.segment('seg', 3);
CALL reco.refresh('seg');
CALL reco.refresh('seg');
SELECT DISTINCT version FROM seg.segment_profile;
SELECT count(*) FROM seg.segments;
BEGIN;
CALL reco.segment('seg', 2);
SELECT max(segment), (SELECT max(version) FROM seg.segment_profile) AS version FROM seg.segments;
ROLLBACK;
SELECT max(segment), (SELECT max(version) FROM seg.segment_profile) AS version FROM seg.segments;

-- whatever the algorithm: its factors, those of the first member that has some, or of histories
SELECT u, i INTO seg_text FROM (SELECT 'u' || lpad(u::text, 2, '0') AS u, 'i' || i AS i FROM seg_lines) l;
DO $$
DECLARE
  a reco.algorithm;
  line text;
BEGIN
  FOREACH a IN ARRAY ARRAY[reco.popular(), reco.item_knn(), reco.user_knn(), reco.svd(factors => 3), reco.als(factors => 3), reco.bpr(factors => 3, iterations => 5), reco.ease(),
      reco.hybrid(ARRAY[reco.popular(), reco.ials(factors => 5)])] LOOP
    CALL reco.create_model('seg_text', 'seg_text', a, options => reco.options(measure => false));
    CALL reco.segment('seg_text', 3);
    SELECT string_agg(s.n, ', ' ORDER BY s.n) INTO line
      FROM (SELECT min(user_id) || '-' || max(user_id) || ' ' || count(*) AS n FROM seg_text.segments GROUP BY segment) s;
    RAISE WARNING '%: %: %', a ->> 'algorithm', (SELECT DISTINCT made_of FROM seg_text.segment_profile), line;
    CALL reco.drop_model('seg_text');
  END LOOP;
END $$;

-- one user, one item; users without anything after a fold-in are left out
CREATE TABLE seg_one AS SELECT 1 AS u, 2 AS i;
CALL reco.create_model('seg_one', 'seg_one', reco.popular(), options => reco.options(measure => false));
CALL reco.segment('seg_one', 4);
SELECT * FROM seg_one.segments;
CALL reco.create_model('seg_fold', 'SELECT u, i FROM seg_lines', reco.ials(factors => 8), options => reco.options(measure => false));
DELETE FROM seg_lines WHERE u = 60;
INSERT INTO seg_lines VALUES (61, 3), (61, 6), (61, 9);
CALL reco.fold_in('seg_fold');
CALL reco.segment('seg_fold', 3);
CALL reco.forget_user('seg_fold', 59);
SELECT count(*), count(*) FILTER (WHERE user_id IN (59, 60)) AS gone, (SELECT segment FROM seg_fold.segments WHERE user_id = 61) AS new FROM seg_fold.segments;

-- after users were forgotten, whose numbers stay empty, the others keep what is theirs
SET client_min_messages = error;
CALL reco.forget_user('seg', 1);
CALL reco.forget_user('seg', 35);
CALL reco.segment('seg', 3);
SELECT count(*), count(*) FILTER (WHERE user_id IN (1, 35)) AS forgotten,
       count(DISTINCT segment) = 3 AND count(DISTINCT (u <= 30, u <= 50, segment)) = 3 AS tastes
  FROM seg.segments, LATERAL (SELECT user_id AS u) x;
SELECT segment, items[1:3] FROM seg.segment_profile ORDER BY segment;
CALL reco.segment('seg', 3, 'SELECT u, CASE WHEN u <= 30 THEN 0 WHEN u <= 50 THEN 1 ELSE 2 END AS taste FROM seg_lines GROUP BY u');
SELECT segment, items[1:3] FROM seg.segment_profile ORDER BY segment;
SET client_min_messages = warning;

-- only owners make them; SELECT on the views shows them; tables that were altered are an error
CREATE ROLE seg_reader;
GRANT USAGE ON SCHEMA seg TO seg_reader;
SET ROLE seg_reader;
CALL reco.segment('seg', 2);
SELECT count(*) FROM seg.segments;
RESET ROLE;
CALL reco.grant_use('seg', 'seg_reader');
GRANT SELECT ON ALL TABLES IN SCHEMA seg TO seg_reader;
SET ROLE seg_reader;
SELECT count(*) FROM seg.segments;
RESET ROLE;
DROP OWNED BY seg_reader;
DROP ROLE seg_reader;
-- items that are arrays, of which there are no arrays
CALL reco.create_model('seg_array', 'SELECT u, ARRAY[i] FROM generate_series(1, 4) u, generate_series(1, 4) i WHERE u <> i', reco.item_knn(), options => reco.options(measure => false));
CALL reco.segment('seg_array', 2);
CALL reco.materialize('seg_array', 2);
CALL reco.drop_model('seg_array');

-- checks of the ids' domain are the owner's code, and run as the owner
CREATE ROLE seg_owner;
CREATE FUNCTION seg_check(int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$BEGIN
  IF current_user <> 'seg_owner' THEN RAISE 'checked by %', current_user; END IF; RETURN $1 <> 13; END$$;
CREATE DOMAIN seg_domain AS int CHECK (seg_check(VALUE));
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO seg_owner', current_database()); END$$;
GRANT USAGE ON SCHEMA reco TO seg_owner;
SET ROLE seg_owner;
CALL reco.create_model('seg_dom', 'SELECT u::seg_domain, i FROM generate_series(1, 4) u, generate_series(1, 4) i WHERE u <> i', reco.item_knn(), options => reco.options(measure => false));
RESET ROLE;
CALL reco.segment('seg_dom', 2, 'SELECT u, u FROM generate_series(11, 12) u');
SELECT count(*) FROM seg_dom.segments;
CALL reco.segment('seg_dom', 2, 'SELECT u, u FROM generate_series(11, 13) u');
DROP SCHEMA seg_dom CASCADE;
DROP OWNED BY seg_owner CASCADE;
DROP ROLE seg_owner;
DROP DOMAIN seg_domain;
DROP FUNCTION seg_check;
BEGIN;
DROP VIEW seg.segments;
ALTER TABLE seg.model_segment ALTER user_id TYPE text;
CALL reco.segment('seg', 2);
ROLLBACK;
BEGIN;
DROP TABLE seg.model_segment_profile CASCADE;
CALL reco.segment('seg', 2);
ROLLBACK;
SELECT problem FROM reco.health WHERE model = 'seg';
CALL reco.segment('seg', 2);
SELECT max(segment) FROM seg.segments;
CALL reco.drop_model('seg');
CALL reco.drop_model('seg_one');
CALL reco.drop_model('seg_fold');
DROP TABLE seg_lines, seg_items, seg_first, seg_features, seg_text, seg_one, seg_orders;
