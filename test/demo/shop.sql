-- A sample shop: products in ten categories, customers with one to three
-- tastes, and a year of their order lines. Plain SQL, and the same rows on every
-- machine: chance comes from shop_chance(), not from random().

-- A number in [0, 1) that depends on its argument only.
CREATE FUNCTION shop_chance(key text) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('x' || left(md5(key), 8))::bit(32)::bigint / 4294967296.0::float8;

CREATE TABLE categories (
  category text PRIMARY KEY,
  id       int NOT NULL UNIQUE,
  styles   text[] NOT NULL,
  kinds    text[] NOT NULL,
  price    numeric NOT NULL
);

INSERT INTO categories (id, category, price, styles, kinds) VALUES
  (1, 'Winter clothing', 45,
   '{Merino Wool,Cashmere,Cable-Knit,Fleece-Lined,Alpaca,Nordic}', '{Scarf,Beanie,Gloves,Sweater,Socks}'),
  (2, 'Kitchen', 60,
   '{Cast Iron,Stainless Steel,Copper,Enamelled,Carbon Steel,Non-Stick}', '{Skillet,Saucepan,Stockpot,Wok,Griddle}'),
  (3, 'Coffee', 15,
   '{Ethiopian,Colombian,Kenyan,Sumatran,Guatemalan,House Blend}', '{Espresso Beans,Filter Coffee,Decaf,Cold Brew,Coffee Pods}'),
  (4, 'Garden', 38,
   '{Cedar,Galvanised,Weathered Oak,Powder-Coated,Recycled Plastic,Hand-Painted}', '{Planter,Window Box,Plant Stand,Raised Bed,Bird Feeder}'),
  (5, 'Camping', 95,
   '{Ultralight,Four-Season,Compact,Two-Person,Expedition,Weekend}', '{Tent,Sleeping Bag,Sleeping Mat,Hammock,Tarp}'),
  (6, 'Board games', 30,
   '{Family,Cooperative,Medieval,Space,Pirate,Detective}', '{Strategy Game,Card Game,Dice Game,Jigsaw Puzzle,Escape Game}'),
  (7, 'Baby', 22,
   '{Organic Cotton,Bamboo,Muslin,Striped,Star-Print,Soft Jersey}', '{Romper,Bib,Swaddle,Sleep Sack,Crib Sheet}'),
  (8, 'Fitness', 35,
   '{Studio,Travel,Heavy-Duty,Competition,Beginner''s,Eco}', '{Yoga Mat,Dumbbells,Kettlebell,Jump Rope,Resistance Bands}'),
  (9, 'Stationery', 18,
   '{Leather-Bound,Recycled,Dotted,Pocket,Linen,Marbled}', '{Notebook,Sketchbook,Planner,Journal,Address Book}'),
  (10, 'Dogs', 28,
   '{Waxed Canvas,Reflective,Padded,Leather,Waterproof,Tweed}', '{Dog Collar,Dog Leash,Dog Harness,Dog Coat,Dog Bed}');

-- shelf: the product's place by popularity within its category, 1 the first.
CREATE TABLE products (
  id       int PRIMARY KEY,
  title    text NOT NULL,
  category text NOT NULL REFERENCES categories,
  style    text NOT NULL,
  kind     text NOT NULL,
  price    numeric(8,2) NOT NULL,
  shelf    int NOT NULL
);

INSERT INTO products
SELECT row_number() OVER (ORDER BY c.id, k.n, s.n),
       s.style || ' ' || k.kind,
       c.category, s.style, k.kind,
       round((c.price * (0.5 + shop_chance('price ' || s.style || k.kind)))::numeric) - 0.05,
       row_number() OVER (PARTITION BY c.id ORDER BY shop_chance('shelf ' || s.style || k.kind))
FROM categories c,
     unnest(c.kinds) WITH ORDINALITY AS k(kind, n),
     unnest(c.styles) WITH ORDINALITY AS s(style, n);

CREATE TABLE customers (
  id     int PRIMARY KEY,
  name   text NOT NULL,
  tastes text[] NOT NULL
);

INSERT INTO customers
SELECT n + 1,
       (ARRAY['Amelia','Noah','Sofia','Liam','Mei','Omar','Ingrid','Mateo','Aisha','Jonas','Priya','Hugo','Elena',
              'Kofi','Hana','Luca','Zoe','Arjun','Freya','Diego','Leila','Emil','Yuki','Tomas','Nadia','Felix',
              'Chloe','Samir','Astrid','Pavel','Grace','Ivan','Maya','Oscar','Rosa','Theo','Lina','Viktor',
              'Nora','Ben'])[1 + (n * 7 + n / 40) % 40]
       || ' ' ||
       (ARRAY['Novak','Okafor','Silva','Berg','Tanaka','Haddad','Rossi','Kim','Larsen','Moreau','Singh','Weber',
              'Costa','Nilsen','Adeyemi','Kowalski','Chen','Dubois','Petrov','Garcia','Lindqvist','Murphy','Sato',
              'Fischer','Ahmed','Janssen','Ricci','Horvat','Mensah','Park','Schmidt','Laurent','Ivanova','Walsh',
              'Mendes','Keller','Suzuki','Olsen','Rahman','Baker','Romano','Virtanen','Nguyen','Dietrich','Flores',
              'Hansen','Patel','Marino','Clarke','Vos'])[1 + n / 40 % 50],
       ARRAY(SELECT c.category FROM categories c
             ORDER BY shop_chance('taste ' || n || ' ' || c.id)
             LIMIT 1 + floor(3 * shop_chance('tastes ' || n))::int)
FROM generate_series(0, 1999) AS n;

CREATE TABLE order_lines (
  customer_id int NOT NULL REFERENCES customers,
  product_id  int NOT NULL REFERENCES products,
  qty         int NOT NULL,
  ordered_at  timestamptz NOT NULL
);

-- Four lines of five are from the customer's tastes, the fifth from anywhere. Of
-- a category, a third of the lines are in the one style that the customer likes;
-- the others take what sells best, the first products of the shelf.
INSERT INTO order_lines
WITH lines AS (
  SELECT c.id AS customer, c.tastes, c.id || '/' || line AS key
  FROM customers c,
       generate_series(1, 4 + floor(33 * shop_chance('lines ' || c.id))::int) AS line
), wishes AS MATERIALIZED (
  SELECT customer, key,
         CASE WHEN shop_chance('noise ' || key) < 0.8
              THEN tastes[1 + floor(cardinality(tastes) * shop_chance('taste ' || key))::int]
              ELSE (ARRAY(SELECT category FROM categories ORDER BY id))
                   [1 + floor(10 * shop_chance('any ' || key) ^ 1.3)::int]
         END AS category,
         shop_chance('style ' || key) < 0.35 AS by_style,
         shop_chance('which ' || key) AS which
  FROM lines
), choices AS (
  SELECT w.customer, w.key, p.id
  FROM wishes w
  JOIN products p ON p.category = w.category AND p.shelf = 1 + floor(30 * w.which ^ 1.8)::int
  WHERE NOT w.by_style
  UNION ALL
  SELECT w.customer, w.key, p.id
  FROM wishes w
  JOIN categories c ON c.category = w.category
  JOIN products p ON p.category = w.category
    AND p.kind = c.kinds[1 + floor(5 * w.which)::int]
    AND p.style = c.styles[1 + floor(6 * shop_chance(w.customer || ' likes ' || c.id))::int]
  WHERE w.by_style
)
SELECT customer, id,
       1 + floor(3 * shop_chance('qty ' || key) ^ 3)::int,
       timestamptz '2024-01-01 00:00+00'
         + interval '1 minute' * floor(60 * 24 * 366 * shop_chance('time ' || key))
FROM choices
ORDER BY 4, 1, 2;

CREATE INDEX ON order_lines (customer_id);
ANALYZE categories, products, customers, order_lines;
