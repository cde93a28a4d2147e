--
-- What is bought together: of a query, and of a model.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is counted here is tiny

-- By hand: of 5 baskets bread is in 4, butter in 3, both in 3; jam in 2, once with each.
CREATE TABLE tog_lines (basket int, item text);
INSERT INTO tog_lines VALUES (1, 'bread'), (1, 'butter'), (2, 'bread'), (2, 'butter'), (2, 'butter'), (3, 'butter'), (3, 'bread'),
  (3, 'jam'), (4, 'bread'), (5, 'jam');
SELECT rank, item_a, item_b, count_a, count_b, count, support, confidence_ab, confidence_ba, round(lift::numeric, 6) AS lift, round(llr::numeric, 6) AS llr
  FROM reco.bought_together('SELECT basket, item FROM tog_lines', min_support => 1);
-- rows that repeat count once, a row with a NULL not at all, and a pair must meet in two baskets
SET client_min_messages = notice;
SELECT item_a, item_b, count FROM reco.bought_together('SELECT basket, item FROM tog_lines UNION ALL VALUES (9, NULL), (NULL, ''jam'')');
SET client_min_messages = warning;

-- Plain SQL on baskets of all sizes: the same values in the same order, by each measure.
CREATE TABLE tog_many AS
  SELECT b AS basket, i AS item FROM generate_series(1, 400) b, generate_series(1, 40) i WHERE (b * 7919 + i * i * 104729 + b * i * 31) % 97 < 60 / i + b % 5;
CREATE FUNCTION tog_plain(at_least int) RETURNS TABLE (item_a int, item_b int, n_a int, n_b int, n int, c int) LANGUAGE sql AS $$
  WITH items AS (SELECT item, count(*)::int AS n FROM tog_many GROUP BY item)
  SELECT a.item, b.item, x.n, y.n, (SELECT count(DISTINCT basket)::int FROM tog_many), count(*)::int
    FROM tog_many a JOIN tog_many b USING (basket) JOIN items x ON x.item = a.item JOIN items y ON y.item = b.item
   WHERE a.item < b.item GROUP BY 1, 2, 3, 4 HAVING count(*) >= at_least
$$;
CREATE FUNCTION tog_xlogx(x float8) RETURNS float8 LANGUAGE sql AS 'SELECT CASE WHEN x > 0 THEN x * ln(x) ELSE 0 END';
CREATE FUNCTION tog_llr(n float8, a float8, b float8, c float8) RETURNS float8 LANGUAGE sql AS $$
  SELECT CASE WHEN c * n <= a * b THEN 0 ELSE
    2 * (tog_xlogx(n) - tog_xlogx(a) - tog_xlogx(n - a) - tog_xlogx(b) - tog_xlogx(n - b)
         + tog_xlogx(c) + tog_xlogx(a - c) + tog_xlogx(b - c) + tog_xlogx(n - a - b + c)) END
$$;
SELECT m AS measure, s AS min_support, count(*) AS pairs,
       bool_and((t.item_a, t.item_b, t.count_a, t.count_b, t.count) = (p.item_a::text, p.item_b::text, p.n_a, p.n_b, p.c)) AS same,
       max(abs(support - c::float8 / p.n)) < 1e-12 AND max(abs(confidence_ab - c::float8 / n_a)) < 1e-12
       AND max(abs(confidence_ba - c::float8 / n_b)) < 1e-12 AND max(abs(lift - c * p.n::float8 / (n_a::float8 * n_b))) < 1e-12
       AND max(abs(llr - tog_llr(p.n, n_a, n_b, c))) < 1e-9 AS equal
  FROM unnest(ARRAY['support', 'confidence', 'lift', 'llr']) AS m
 CROSS JOIN unnest(ARRAY[1, 20]) AS s
 CROSS JOIN LATERAL (SELECT *, row_number() OVER (ORDER BY CASE m WHEN 'support' THEN p.c WHEN 'confidence' THEN greatest(p.c::float8 / n_a, p.c::float8 / n_b)
                                                           WHEN 'lift' THEN p.c * p.n::float8 / (n_a::float8 * n_b) ELSE round(tog_llr(p.n, n_a, n_b, p.c)::numeric, 9) END DESC, item_a, item_b) AS place
                       FROM tog_plain(s) p) p
  LEFT JOIN LATERAL reco.bought_together('tog_many', s, m, NULL) t ON t.rank = p.place
 GROUP BY 1, 2 ORDER BY 1, 2;
-- whatever the threads, the order of the rows and the type of the ids
CREATE TABLE tog_one AS SELECT * FROM reco.bought_together('tog_many', n => NULL, min_support => 1);
SET reco.threads = 2;
SELECT count(*) FROM (SELECT * FROM reco.bought_together('SELECT * FROM tog_many ORDER BY item DESC, basket % 7', n => NULL, min_support => 1) EXCEPT TABLE tog_one) t;
SET reco.threads = 1;
SELECT count(*), count(*) FILTER (WHERE t.item_a = to_char(o.item_a::int, 'FM00') AND t.lift = o.lift)
  FROM tog_one o JOIN reco.bought_together('SELECT md5(basket::text)::uuid, to_char(item, ''FM00'') FROM tog_many', n => NULL, min_support => 1) t USING (rank);
-- ids that are stored compressed, and such that are not, are what they are
CREATE TABLE tog_long AS SELECT b AS basket, repeat('ab', 1200) || i AS item FROM generate_series(1, 6) b, generate_series(1, 3) i WHERE b % i = 0;
SELECT count(*) FROM tog_long WHERE pg_column_size(item) < 200;
SELECT right(item_a, 3), right(item_b, 3), count_a, count_b, count, length(item_a)
  FROM reco.bought_together($$SELECT md5(basket::text), item FROM tog_long UNION ALL SELECT md5(basket::text), repeat('ab', 1200) || 2 FROM tog_long WHERE basket % 2 = 1$$, min_support => 1);
SELECT count(*) FROM tog_one o JOIN reco.bought_together($$SELECT basket::text::bytea, lpad(item::text, 2, '0')::char(9) FROM tog_many ORDER BY item$$, n => NULL, min_support => 1) t USING (rank)
 WHERE t.item_a::int = o.item_a::int AND t.item_b::int = o.item_b::int AND t.llr = o.llr;
SELECT * FROM reco.bought_together($$SELECT 1, string_agg(md5(i::text), '') FROM generate_series(1, 200) i$$);
-- so many items that they are counted in another way
CREATE TABLE tog_wide AS SELECT b AS basket, b * b % 1999 + 100 * i AS item FROM generate_series(1, 4000) b, generate_series(0, 3) i;
SELECT count(*), sum(count), max(count), max(item_a::int), max(item_b::int) FROM reco.bought_together('tog_wide', n => NULL, min_support => 2);
SELECT count(*), sum(c), max(c), max(a), max(b) FROM (SELECT x.item AS a, y.item AS b, count(*) AS c FROM tog_wide x JOIN tog_wide y ON x.basket = y.basket AND x.item < y.item GROUP BY 1, 2 HAVING count(*) >= 2) t;
-- how many
SELECT count(*) FROM reco.bought_together('tog_many');
SELECT count(*) FROM reco.bought_together('tog_many'::regclass, n => 7);
SELECT count(*) FROM reco.bought_together('tog_many', n => 0);
-- where nobody says how often: in a thousandth of the baskets, and twice
SELECT min(count) FROM reco.bought_together('tog_many', n => NULL);
SELECT min(count) FROM reco.bought_together('SELECT b, b % (i * 9) FROM generate_series(1, 3001) b, generate_series(1, 9) i', n => NULL);

-- Sources that are none.
SELECT * FROM reco.bought_together(NULL);
SELECT * FROM reco.bought_together('');
SELECT * FROM reco.bought_together('SELECT 1');
SELECT * FROM reco.bought_together('SELECT 1, 2, 3');
SELECT * FROM reco.bought_together('SELECT basket::float8, item FROM tog_many');
SELECT * FROM reco.bought_together('SELECT basket, item FROM tog_nothing');
SELECT * FROM reco.bought_together('DELETE FROM tog_many');
SELECT * FROM reco.bought_together(7);
SELECT * FROM reco.bought_together('tog_many', measure => 'magic');
SELECT * FROM reco.bought_together('tog_many', measure => NULL);
SELECT * FROM reco.bought_together('tog_many', min_support => 0);
SELECT * FROM reco.bought_together('tog_many', n => -1);
-- nothing to tell
SELECT * FROM reco.bought_together('SELECT 1, 2 WHERE false');
SELECT * FROM reco.bought_together('SELECT i, i FROM generate_series(1, 9) i', min_support => 1);
-- as the caller
CREATE ROLE regress_reco_together;
SET ROLE regress_reco_together;
SELECT * FROM reco.bought_together('tog_many');
RESET ROLE;
DROP ROLE regress_reco_together;

-- Of a model: a basket is a user, unless the model holds orders.
CALL reco.create_model('tog', 'tog_many', reco.popular());
SELECT count(*) AS pairs, bool_and(same)
  FROM (SELECT item FROM tog_many GROUP BY 1) i
 CROSS JOIN LATERAL (
   SELECT b.count = o.count AND b.support = o.support AND b.lift = o.lift AND b.llr = o.llr
          AND (b.count_for, b.count_item, b.confidence, b.confidence_back) =
              (CASE WHEN o.item_a = i.item::text THEN (o.count_a, o.count_b, o.confidence_ab, o.confidence_ba) ELSE (o.count_b, o.count_a, o.confidence_ba, o.confidence_ab) END) AS same
     FROM tog.bought_together(i.item, n => NULL, min_support => 1) b
     FULL JOIN (SELECT *, CASE WHEN item_a = i.item::text THEN item_b ELSE item_a END AS other FROM tog_one o WHERE i.item::text IN (o.item_a, o.item_b)) o
       ON b.item_id::text = o.other) t
;
SELECT rank, item_id, count_for, count_item, count FROM tog.bought_together(1, 3, measure => 'support');
SELECT rank, item_id FROM tog.bought_together(1, 3, measure => 'confidence');
SELECT rank, item_id FROM tog.bought_together(1, 3, measure => 'support', among => '{9,4,1}', exclude => '{9}');
SELECT * FROM tog.bought_together(999);
SELECT * FROM tog.bought_together(NULL);
SELECT * FROM tog.bought_together(1, 0);
SELECT * FROM tog.bought_together(1, -1);
SELECT * FROM tog.bought_together(1, measure => 'magic');
SELECT * FROM tog.bought_together(1, min_support => 0);
SELECT * FROM tog.bought_together(1, basket => 'magic');
SELECT * FROM tog.bought_together(1, basket => 'order');
CALL reco.drop_model('tog');

-- What is available now.
CREATE TABLE tog_items AS SELECT i AS item, i <> 2 AS available FROM generate_series(1, 40) i;
CALL reco.create_model('tog', 'tog_many', reco.popular(), items => 'tog_items');
SELECT rank, item_id FROM tog.bought_together(1, 3, measure => 'support');
UPDATE tog_items SET available = item <> 3;
SELECT rank, item_id FROM tog.bought_together(1, 3, measure => 'support');
CALL reco.drop_model('tog');

-- Orders: what a user bought at one time, on one day, or in one session.  In orders bread and butter meet
-- twice of 4 times, by day 3 of 3, by session as by order.
CREATE TABLE tog_orders (u int, item text, w int, at timestamp);
INSERT INTO tog_orders VALUES (1, 'bread', 1, '2026-01-01 10:00'), (1, 'butter', 1, '2026-01-01 10:00'), (1, 'bread', 1, '2026-01-05 10:00'),
  (1, 'butter', 1, '2026-01-05 12:00'), (2, 'butter', 1, '2026-01-02 10:00'), (2, 'bread', 1, '2026-01-02 10:00'), (2, 'bread', 1, '2026-01-02 10:00');
CALL reco.create_model('tog', 'tog_orders', reco.repeat(), options => reco.options(measure => false));
SELECT item_id, count_for, count_item, count, support FROM tog.bought_together('bread', min_support => 1);
SELECT item_id, count_for, count_item, count, support FROM tog.bought_together('bread', min_support => 1, basket => 'user');
CALL reco.create_model('tog_day', 'tog_orders', reco.repeat(), options => reco.options(measure => false, basket_by => 'day'));
SELECT item_id, count_for, count_item, count, support FROM tog_day.bought_together('bread', min_support => 1);
CALL reco.drop_model('tog_day');
CALL reco.create_model('tog_gap', 'tog_orders', reco.sequence(), options => reco.options(measure => false, session_gap => '1 hour'));
SELECT item_id, count_for, count_item, count, support FROM tog_gap.bought_together('bread', min_support => 1);
CALL reco.drop_model('tog_gap');
-- clicks that come one by one are no orders; a hybrid holds what its member does
CALL reco.create_model('tog_clicks', 'SELECT u, item, 1, at + row_number() OVER () * interval ''1 hour'' FROM tog_orders',
  reco.hybrid(ARRAY[reco.popular(), reco.sequence()], weights => '{1, 1}'), options => reco.options(measure => false));
SELECT item_id, count_for, count_item, count, support FROM tog_clicks.bought_together('bread', min_support => 1);
SELECT item_id, count_for, count_item, count, support FROM tog_clicks.bought_together('bread', min_support => 1, basket => 'order');
CALL reco.drop_model('tog_clicks');
CALL reco.drop_model('tog');
DROP TABLE tog_lines, tog_many, tog_one, tog_long, tog_wide, tog_items, tog_orders;
DROP FUNCTION tog_plain, tog_llr, tog_xlogx;
