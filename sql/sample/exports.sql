-- What reco.sample_shop executes after shop.sql where it is asked for exports: what
-- other systems of the sample shop hand out, as such exports are, for doc/sources.md.
-- The same rows on every machine.

-- Invoices of the accounts department. Quantities of a cancellation, whose invoice
-- begins with C, are negative. Guests all have customer 99999. Codes are not always
-- written alike, codes of letters are no products, some lines came twice, and times
-- are those of the clock in the shop, which is in London.
CREATE TABLE invoice_lines (
  invoice     text NOT NULL,
  code        text NOT NULL,
  description text NOT NULL,
  quantity    int NOT NULL,
  invoiced_at timestamp NOT NULL,
  unit_price  numeric NOT NULL,
  customer    text NOT NULL
);

INSERT INTO invoice_lines
SELECT CASE WHEN l.qty < 0 THEN 'C' ELSE '' END || 500000 + l.order_id,
       CASE WHEN l.product_id IS NULL
            THEN CASE l.note WHEN 'postage' THEN 'POST' WHEN 'voucher' THEN 'GIFT' ELSE 'M' END
            WHEN shop_chance('spelling ' || l.key) < 0.04 THEN lower(c.code)
            WHEN shop_chance('spelling ' || l.key) < 0.07 THEN c.code || ' '
            ELSE c.code END,
       upper(coalesce(p.title, l.note)), l.qty, l.ordered_at AT TIME ZONE 'Europe/London',
       CASE WHEN l.note = 'voucher' THEN -10 WHEN l.product_id IS NULL THEN 3.50
            WHEN shop_chance('sample ' || l.key) < 0.01 THEN 0 ELSE p.price END,
       coalesce(l.customer_id::text, '99999')
FROM (SELECT *, order_id || ' ' || coalesce(product_id, 0) || ' ' || qty AS key FROM order_lines) AS l
LEFT JOIN products AS p ON p.id = l.product_id
LEFT JOIN LATERAL (SELECT 20000 + 7 * p.id || substr('ABC', 1 + p.id % 3, 1) AS code) AS c ON true,
generate_series(1, CASE WHEN shop_chance('twice ' || l.key) < 0.01 THEN 2 ELSE 1 END)
ORDER BY l.ordered_at, l.order_id, l.product_id;

CREATE INDEX ON invoice_lines (customer);

-- What happens in the shop's pages. Visitor 0 is a robot.
CREATE TABLE events (
  visitor_id int NOT NULL,
  product_id int NOT NULL,
  kind       text NOT NULL,
  at         timestamptz NOT NULL
);

INSERT INTO events
SELECT o.customer_id, o.product_id, e.kind, o.ordered_at - e.before * interval '1 minute'
FROM (SELECT DISTINCT customer_id, product_id, ordered_at, customer_id || ' ' || product_id AS key
      FROM order_lines WHERE customer_id IS NOT NULL AND product_id IS NOT NULL AND qty > 0) AS o,
     (VALUES ('buy', 0, 1), ('cart', 5, 0.9), ('view', 7, 1), ('view', 300, 0.6), ('view', 1500, 0.3)) AS e(kind, before, often)
WHERE shop_chance(e.kind || e.before || ' ' || o.key) < e.often
UNION ALL
-- looked at, and not bought: others of the theme, and anything
SELECT o.customer_id, CASE WHEN e.n < 3 THEN q.id ELSE 1 + floor(300 * shop_chance('look ' || e.n || o.key))::int END,
       CASE WHEN shop_chance('cart ' || e.n || o.key) < 0.05 THEN 'cart' ELSE 'view' END,
       o.ordered_at - (10 + e.n) * interval '1 minute'
FROM (SELECT customer_id, product_id, ordered_at, customer_id || ' ' || product_id || ' ' || order_id AS key
      FROM order_lines WHERE customer_id IS NOT NULL AND product_id IS NOT NULL AND qty > 0) AS o
JOIN products AS p ON p.id = o.product_id,
     generate_series(1, 3) AS e(n),
     LATERAL (SELECT id FROM products WHERE theme = p.theme
                 AND place = 1 + floor(9 * shop_chance('other ' || e.n || o.key))::int) AS q
WHERE shop_chance('looks ' || e.n || ' ' || o.key) < 0.6
UNION ALL
SELECT 0, id, 'view', timestamptz '2024-06-01 03:00+00' + n * interval '1 day' + id * interval '2 seconds'
FROM products, generate_series(1, 30) AS n;

CREATE INDEX ON events (visitor_id);

-- The till in the shop knows cards, not customers; some cards are a customer's.
CREATE TABLE cards (
  card        text PRIMARY KEY,
  customer_id int REFERENCES customers
);

INSERT INTO cards
SELECT n::text, CASE WHEN shop_chance('card ' || n) < 0.5 THEN 1 + floor(2000 * shop_chance('whose ' || n))::int END
FROM generate_series(1, 400) AS n;

CREATE TABLE till_lines (
  card    text,
  code    text NOT NULL,
  sold_at bigint NOT NULL
);

-- seconds since 1970
INSERT INTO till_lines
SELECT n::text, 20000 + 7 * q.id || substr('ABC', 1 + q.id % 3, 1),
       extract(epoch FROM timestamptz '2024-03-01 09:00+00')::bigint + floor(26000000 * shop_chance('sold ' || n || ' ' || k))::bigint
FROM generate_series(1, 400) AS n, generate_series(1, 8) AS k,
     LATERAL (SELECT 1 + floor(30 * shop_chance('till theme ' || n || ' ' || k / 4))::int AS theme) AS t,
     LATERAL (SELECT 9 * (t.theme - 1) + 1 + floor(9 * shop_chance('till ' || n || ' ' || k) ^ 1.5)::int AS id) AS q;

ANALYZE invoice_lines, events, cards, till_lines;
