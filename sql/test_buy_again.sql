--
-- What a user is due to buy again.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny
SET TimeZone = 'UTC';

-- Users buy item 1 in every basket, item 2 in every second, item 3 once; one basket each ten days, of user u so many as u.
CREATE TABLE aga_lines AS
  SELECT u, i AS item, 1 AS n, timestamptz '2026-01-01' + make_interval(days => 10 * b) AS at
    FROM generate_series(1, 8) u, generate_series(1, u) b, generate_series(1, 3) i
   WHERE i = 1 OR (i = 2 AND b % 2 = 1) OR (i = 3 AND b = 1);
CALL reco.create_model('aga', 'aga_lines', reco.repeat(), options => reco.options(measure => false));
SELECT * FROM aga.buy_again(8);
-- as its equations have it, where as many users have each item
CREATE FUNCTION aga_plain(lines text, for_user int, until timestamptz)
RETURNS TABLE (item int, score float8, times int, last_at timestamptz, due_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TEMP TABLE aga_now ON COMMIT DROP AS SELECT DISTINCT u, item, at FROM %s', lines);
  RETURN QUERY
  WITH b AS (SELECT l.u, l.item, l.at, dense_rank() OVER (PARTITION BY l.u ORDER BY l.at) AS b FROM aga_now l),
       u AS (SELECT b.u, max(b.b) AS baskets, max(b.at) - min(b.at) AS span FROM b GROUP BY 1),
       p AS (SELECT b.u, b.item, count(*) - 1 AS k, u.baskets - min(b.b) AS v FROM b JOIN u USING (u) GROUP BY 1, 2, u.baskets),
       a AS (SELECT (sum(k) + 0.5)::float8 / (sum(v) + 1) AS m, 20 * (sum(v) + 1)::float8 / (count(*) + 1) AS e FROM p),
       r AS (SELECT p.item, 1 / ((sum(k) + m * e) / (sum(v) + e)) AS rate FROM p CROSS JOIN a GROUP BY p.item, m, e),
       w AS (SELECT b.item, count(*) FILTER (WHERE b.at > (SELECT max(l.at) FROM aga_now l) - interval '14 days') AS recent, count(*) AS baskets FROM b GROUP BY 1),
       g AS (SELECT w.item, (recent + 20) / (w.baskets * (SELECT sum(w.recent)::float8 / sum(w.baskets) FROM w) + 20) AS growth FROM w),
       i AS (SELECT extract(epoch FROM sum(span))::float8 / sum(baskets - 1) AS interval FROM u),
       h AS (SELECT b.item, b.at, dense_rank() OVER (ORDER BY b.at) AS b FROM b WHERE b.u = for_user AND b.at <= until),
       mine AS (SELECT extract(epoch FROM max(h.at) - min(h.at))::float8 AS span, max(h.b) AS baskets FROM h),
       s AS (SELECT h.item, count(*) AS k, max(h.at) AS last, mine.baskets - min(h.b) + r.rate AS v, (mine.span + i.interval) / mine.baskets AS interval
               FROM h JOIN r USING (item) CROSS JOIN mine CROSS JOIN i GROUP BY h.item, mine.baskets, mine.span, r.rate, i.interval)
  SELECT s.item, 1 - (s.v / (s.v + g.growth)) ^ s.k, s.k::int, s.last, s.last + make_interval(secs => s.interval * s.v / s.k / g.growth) FROM s JOIN g USING (item);
  DROP TABLE aga_now;
END $$;
SELECT u, count(*) AS items, bool_and(b.times = p.times AND b.last_at = p.last_at AND abs(b.score - p.score) < 1e-6
       AND abs(extract(epoch FROM b.due_at - p.due_at)) < 1) AS same
  FROM generate_series(1, 8) u CROSS JOIN LATERAL (SELECT * FROM aga.buy_again(u, NULL)) b
  LEFT JOIN LATERAL aga_plain('aga_lines', u, 'infinity') p ON p.item = b.item_id GROUP BY 1 ORDER BY 1;
-- what was due then
SELECT b.item_id, b.times = p.times AND b.last_at = p.last_at AND abs(b.score - p.score) < 1e-6 AND abs(extract(epoch FROM b.due_at - p.due_at)) < 1 AS same
  FROM aga.buy_again(8, at => '2026-02-15') b LEFT JOIN aga_plain('aga_lines', 8, '2026-02-15') p ON p.item = b.item_id ORDER BY 1;
SELECT * FROM aga.buy_again(8, at => '-infinity');
SELECT count(*) FROM aga.buy_again(8, at => 'infinity');

-- Lists as elsewhere.
SELECT rank, item_id FROM aga.buy_again(8, 1);
SELECT rank, item_id FROM aga.buy_again(8, 0);
SELECT * FROM aga.buy_again(8, -1);
SELECT rank, item_id FROM aga.buy_again(8, among => '{3,2}', exclude => '{2}');
SELECT * FROM aga.buy_again(99);
SELECT * FROM aga.buy_again(NULL);

-- Live: what was bought now, by whoever, in the same transaction; folded in, the same.
CREATE INDEX ON aga_lines (u);
BEGIN;
INSERT INTO aga_lines VALUES (8, 3, 1, '2026-04-01 12:00'), (99, 2, 1, '2026-04-01'), (99, 1, 1, NULL);
SELECT item_id, times, last_at FROM aga.buy_again(8);
CREATE TABLE aga_live AS SELECT u, b.* FROM unnest('{3,8,99}'::int[]) u, aga.buy_again(u) b;
CALL reco.fold_in('aga');
CALL reco.alter_model('aga', options => reco.options(measure => false, live => 'off'));
SELECT count(*) FROM (TABLE aga_live EXCEPT SELECT u, b.* FROM unnest('{3,8,99}'::int[]) u, aga.buy_again(u) b) t;
TABLE aga_live;
ROLLBACK;
SELECT item_id, times, last_at FROM aga.buy_again(8);
-- the same order at other times is not the same
BEGIN;
UPDATE aga_lines SET at = at + interval '1 year' WHERE u = 8;
SELECT item_id, times, last_at FROM aga.buy_again(8);
ROLLBACK;

-- Times that are none, far ones, days, numbers, and other zones.
CREATE TABLE aga_odd (u int, item int, n float8, at timestamp);
INSERT INTO aga_odd VALUES (1, 1, 1, '-infinity'), (1, 1, 1, NULL), (1, 1, -3, '1826-01-01'), (1, 2, 0, '2026-01-01'), (1, 1, 1, '2026-01-01'), (1, 3, 1, 'infinity'),
  (2, 1, 1, '2026-01-01'), (2, 1, 1, '2026-01-01'), (3, 2, 1, NULL);
CALL reco.create_model('aga_odd', 'aga_odd', reco.repeat(), options => reco.options(measure => false));
SELECT u, b.item_id, b.score BETWEEN 0 AND 1 AS score, b.times, b.last_at, b.due_at > b.last_at AS later FROM generate_series(1, 3) u, aga_odd.buy_again(u) b ORDER BY u, item_id;
SET TimeZone = 'America/New_York';
SELECT b.item_id, b.last_at AT TIME ZONE 'UTC' AS last_at FROM aga_odd.buy_again(2) b;
SET TimeZone = 'UTC';
CALL reco.create_model('aga_day', 'SELECT u, item, n, at::date FROM aga_lines', reco.repeat(), options => reco.options(measure => false, basket_by => 'day'));
SELECT item_id, times, last_at FROM aga_day.buy_again(8);
CALL reco.create_model('aga_number', 'SELECT u, item, n, extract(epoch FROM at)::bigint FROM aga_lines', reco.repeat(), options => reco.options(measure => false));
SELECT item_id, times, last_at, due_at FROM aga_number.buy_again(8);
-- nothing grows where times are numbers, or all is of two weeks
CALL reco.create_model('aga_short', $$SELECT u, item, n, timestamptz '2026-01-01' + (at - '2026-01-01') / 100 FROM aga_lines$$, reco.repeat(), options => reco.options(measure => false));
SELECT count(*) FROM (SELECT item_id, score FROM aga_number.buy_again(8) EXCEPT SELECT item_id, score FROM aga_short.buy_again(8)) t;
SELECT n.item_id, n.score < a.score AS grows FROM aga_number.buy_again(8) n JOIN aga.buy_again(8) a USING (item_id) ORDER BY 1;

-- Hybrids do as their member; models that know nothing of it are told so.
CALL reco.create_model('aga_hybrid', 'aga_lines', reco.hybrid(ARRAY[reco.popular(), reco.repeat()], weights => '{1, 1}'), options => reco.options(measure => false));
SELECT count(*) FROM (SELECT * FROM aga_hybrid.buy_again(8) EXCEPT SELECT * FROM aga.buy_again(8)) t;
CALL reco.alter_model('aga_hybrid', algorithm => reco.popular());
CALL reco.refresh('aga_hybrid');
SELECT * FROM aga_hybrid.buy_again(8);
CALL reco.create_model('aga_untimed', 'SELECT u, item FROM aga_lines', reco.repeat(), options => reco.options(measure => false));
SELECT * FROM aga_untimed.buy_again(8);

CALL reco.drop_model('aga');
CALL reco.drop_model('aga_odd');
CALL reco.drop_model('aga_day');
CALL reco.drop_model('aga_number');
CALL reco.drop_model('aga_short');
CALL reco.drop_model('aga_hybrid');
CALL reco.drop_model('aga_untimed');
DROP FUNCTION aga_plain;
DROP TABLE aga_lines, aga_odd;
