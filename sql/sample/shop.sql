-- What reco.sample_shop executes, with the shop's schema as search_path.
--
-- A sample shop: 300 products in eleven departments, 2,000 customers, and a year
-- of their order lines, as a shop has them: with returns, postage, vouchers, and
-- guests who have no account. Plain SQL, and the same rows on every machine: chance
-- comes from shop_chance(), not from random().
--
-- Customers have interests: themes within a department, two to four of them over
-- the year. One often leads to another (a vegetable patch to preserving), and half
-- of them end after some months. Besides, everybody buys the things of every day,
-- and now and then a present of any kind.

-- A number in (0, 1) that depends on its argument only.
CREATE FUNCTION shop_chance(key text) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (('x' || left(md5(key), 8))::bit(32)::bigint + 0.5) / 4294967296.0::float8;

-- titles: what sells best comes first. leads_to: what people often take up next.
CREATE TABLE themes (
  id         int PRIMARY KEY,
  theme      text NOT NULL UNIQUE,
  department text NOT NULL,
  leads_to   int NOT NULL REFERENCES themes,
  price      numeric NOT NULL,
  titles     text[] NOT NULL
);

INSERT INTO themes (id, department, theme, leads_to, price, titles) VALUES
  (1, 'Garden', 'Vegetable patch', 6, 14,
   '{Tomato Seeds,Watering Can,Seed Trays,Potting Compost,Raised Bed,Bean Canes,Cold Frame,Garden Fleece,Dibber}'),
  (2, 'Garden', 'Flower beds', 3, 16,
   '{Tulip Bulbs,Secateurs,Terracotta Planter,Hand Trowel,Rose Food,Window Box,Plant Labels,Kneeling Pad,Trellis}'),
  (3, 'Garden', 'Garden birds', 2, 18,
   '{Sunflower Hearts,Hanging Bird Feeder,Fat Balls,Nest Box,Bird Bath,Peanut Feeder,Bird Table,Niger Seed,Squirrel Guard}'),
  (4, 'Kitchen', 'Baking', 5, 15,
   '{Loaf Tin,Silicone Spatula,Mixing Bowls,Cake Tin,Rolling Pin,Digital Scales,Piping Bags,Cooling Rack,Pastry Brush}'),
  (5, 'Kitchen', 'Pots and pans', 4, 48,
   '{Cast Iron Skillet,Non-Stick Frying Pan,Saucepan Set,Stockpot,Carbon Steel Wok,Casserole Dish,Griddle Pan,Steamer Insert,Splatter Guard}'),
  (6, 'Kitchen', 'Preserving', 1, 12,
   '{Jam Jars,Jam Funnel,Preserving Pan,Jar Labels,Fermentation Crock,Jelly Bag,Pickling Spice,Vacuum Sealer,Sugar Thermometer}'),
  (7, 'Coffee and tea', 'Espresso', 8, 24,
   '{House Espresso Beans,Milk Jug,Coffee Tamper,Burr Grinder,Espresso Cups,Dark Roast Beans,Descaler,Knock Box,Moka Pot}'),
  (8, 'Coffee and tea', 'Filter coffee', 7, 17,
   '{Ethiopian Filter Coffee,Filter Papers,Pour-Over Dripper,Gooseneck Kettle,Kenyan Filter Coffee,French Press,Hand Grinder,Coffee Scoop,Cold Brew Jug}'),
  (9, 'Coffee and tea', 'Tea', 4, 11,
   '{Earl Grey,Green Tea,Teapot,Chai Mix,Tea Infuser,Peppermint Tea,Matcha Powder,Tea Caddy,Bamboo Whisk}'),
  (10, 'Outdoors', 'Camping', 11, 65,
   '{Head Torch,Camping Stove,Sleeping Bag,Two-Person Tent,Sleeping Mat,Camping Mug,Guy Ropes,Cool Box,Hammock}'),
  (11, 'Outdoors', 'Hiking', 10, 42,
   '{Hiking Socks,Water Bottle,Day Pack,Walking Poles,Rain Jacket,Trail Map,Blister Plasters,Compass,Gaiters}'),
  (12, 'Outdoors', 'Cycling', 24, 33,
   '{Inner Tube,Bike Lights,Bike Pump,Cycling Gloves,Chain Oil,D-Lock,Tyre Levers,Pannier Bag,Cycling Helmet}'),
  (13, 'Crafts', 'Knitting', 15, 13,
   '{Merino Yarn,Bamboo Needles,Circular Needles,Stitch Markers,Cotton Yarn,Row Counter,Alpaca Yarn,Knitting Bag,Cable Needle}'),
  (14, 'Crafts', 'Painting', 26, 19,
   '{Acrylic Paints,Watercolour Set,Brush Set,Stretched Canvas,Watercolour Paper,Palette,Easel,Masking Fluid,Varnish}'),
  (15, 'Crafts', 'Sewing', 13, 16,
   '{Sewing Thread,Fabric Scissors,Dressmaking Pins,Fat Quarters,Tape Measure,Rotary Cutter,Seam Ripper,Pattern Paper,Cutting Mat}'),
  (16, 'Games', 'Board games', 17, 34,
   '{Family Strategy Game,Cooperative Adventure,Party Quiz,Railway Game,Card Sleeves,Castle Builder,Space Trader,Dice Tower,Detective Game}'),
  (17, 'Games', 'Puzzles', 16, 18,
   '{Landscape Jigsaw,Puzzle Mat,Sudoku Book,Map Jigsaw,Wooden Cube Puzzle,Crossword Book,Cats Jigsaw,Puzzle Glue,Sorting Trays}'),
  (18, 'Games', 'Model railway', 14, 39,
   '{Straight Track,Points Set,Goods Wagon,Model Trees,Steam Locomotive,Level Crossing,Station Kit,Ballast,Track Cleaner}'),
  (19, 'Baby and child', 'Newborn', 20, 17,
   '{Muslin Squares,Baby Vests,Swaddle Blanket,Bottle Set,Changing Mat,Sleep Sack,Baby Bath,Night Light,Crib Sheet}'),
  (20, 'Baby and child', 'Toddler', 21, 19,
   '{Toddler Cup,Bib Set,Wooden Blocks,Picture Book,Stair Gate,Bath Toys,Stacking Rings,Potty,Push-Along Cart}'),
  (21, 'Baby and child', 'School', 17, 15,
   '{Lunch Box,Colouring Pencils,School Bag,Name Labels,Pencil Case,Sports Bag,Reading Record,Water Flask,Spelling Game}'),
  (22, 'Sport', 'Yoga', 23, 27,
   '{Yoga Mat,Yoga Block,Yoga Strap,Mat Cleaner,Bolster,Meditation Cushion,Yoga Towel,Eye Pillow,Mat Bag}'),
  (23, 'Sport', 'Strength', 24, 46,
   '{Resistance Bands,Dumbbell Pair,Kettlebell,Skipping Rope,Push-Up Bars,Lifting Gloves,Pull-Up Bar,Foam Roller,Ab Wheel}'),
  (24, 'Sport', 'Running', 22, 31,
   '{Running Socks,Energy Gels,Running Belt,Reflective Vest,Running Cap,Arm Pocket,Sports Watch,Compression Sleeves,Shoe Laces}'),
  (25, 'Paper', 'Writing', 26, 14,
   '{Dotted Notebook,Gel Pens,Fountain Pen,Ink Bottle,Letter Paper,Wax Seals,Pocket Journal,Blotting Paper,Pen Roll}'),
  (26, 'Paper', 'Drawing', 14, 16,
   '{Sketchbook,Drawing Pencils,Kneaded Eraser,Charcoal Sticks,Fineliners,Blending Stumps,Marker Set,Drawing Board,Fixative}'),
  (27, 'Paper', 'Home office', 25, 12,
   '{Desk Pad,Highlighters,Document Folders,Sticky Notes,Cable Tidy,Paper Trays,Desk Lamp,Stapler,Wall Planner}'),
  (28, 'Pets', 'Dogs', 11, 20,
   '{Dog Treats,Dog Leash,Chew Toy,Dog Bed,Poop Bags,Dog Collar,Dog Shampoo,Dog Coat,Tennis Balls}'),
  (29, 'Pets', 'Cats', 30, 18,
   '{Cat Treats,Scratching Post,Feather Wand,Cat Litter Scoop,Cat Bed,Catnip Mouse,Grooming Brush,Cat Carrier,Cat Flap}'),
  (30, 'Pets', 'Aquarium', 18, 23,
   '{Fish Flakes,Aquarium Filter,Water Test Kit,Aquarium Plants,Gravel,Heater,Algae Scraper,LED Hood,Fish Net}'),
  (31, 'Every day', 'Every day', 31, 6,
   '{AA Batteries,Kitchen Roll,Bin Bags,Hand Soap,Washing-Up Liquid,Light Bulb,Shopping Bag,Toothpaste,Tea Towels,Dishwasher Tablets,Laundry Liquid,Sponges,Matches,Tape,Gift Wrap,Birthday Card,Tissues,Cling Film,Foil,Candles,Plasters,Phone Cable,Umbrella,Sewing Kit,Shoe Polish,Screwdriver,Clothes Pegs,Door Mat,Torch,Alarm Clock}');

-- place: the product's place by sales within its theme, 1 the first.
CREATE TABLE products (
  id         int PRIMARY KEY,
  title      text NOT NULL,
  department text NOT NULL,
  theme      text NOT NULL REFERENCES themes (theme),
  price      numeric(8,2) NOT NULL,
  in_stock   boolean NOT NULL,
  place      int NOT NULL
);

INSERT INTO products
SELECT row_number() OVER (ORDER BY t.id, p.place), p.title, t.department, t.theme,
       round((t.price * (0.4 + 1.5 * shop_chance('price ' || p.title)))::numeric) - 0.05,
       shop_chance('stock ' || p.title) < 0.93, p.place
FROM themes AS t, unnest(t.titles) WITH ORDINALITY AS p(title, place);

CREATE TABLE customers (
  id    int PRIMARY KEY,
  name  text NOT NULL,
  email text NOT NULL
);

INSERT INTO customers
SELECT n + 1, given || ' ' || family, lower(given || '.' || family || n + 1 || '@example.com')
FROM generate_series(0, 1999) AS n,
     LATERAL (SELECT
       (ARRAY['Amelia','Noah','Sofia','Liam','Mei','Omar','Ingrid','Mateo','Aisha','Jonas','Priya','Hugo','Elena',
              'Kofi','Hana','Luca','Zoe','Arjun','Freya','Diego','Leila','Emil','Yuki','Tomas','Nadia','Felix',
              'Chloe','Samir','Astrid','Pavel','Grace','Ivan','Maya','Oscar','Rosa','Theo','Lina','Viktor',
              'Nora','Ben'])[1 + (n * 7 + n / 40) % 40] AS given,
       (ARRAY['Novak','Okafor','Silva','Berg','Tanaka','Haddad','Rossi','Kim','Larsen','Moreau','Singh','Weber',
              'Costa','Nilsen','Adeyemi','Kowalski','Chen','Dubois','Petrov','Garcia','Lindqvist','Murphy','Sato',
              'Fischer','Ahmed','Janssen','Ricci','Horvat','Mensah','Park','Schmidt','Laurent','Ivanova','Walsh',
              'Mendes','Keller','Suzuki','Olsen','Rahman','Baker','Romano','Virtanen','Nguyen','Dietrich','Flores',
              'Hansen','Patel','Marino','Clarke','Vos'])[1 + n / 40 % 50] AS family) AS names;

-- What a customer is interested in, from one day of the year to another. Those
-- beyond the last customer are guests, who buy in the same way.
CREATE TABLE interests (
  customer  int NOT NULL,
  theme     int NOT NULL REFERENCES themes,
  from_day  int NOT NULL,
  until_day int NOT NULL
);

INSERT INTO interests
WITH shoppers AS (
  SELECT c, c::text AS key, floor(300 * shop_chance('first day ' || c) ^ 1.7)::int AS first_day,
         2 + floor(3 * shop_chance('interests ' || c) ^ 1.3)::int AS interests
  FROM generate_series(1, 2200) AS c
), taken_up AS (
  SELECT s.*, one.theme AS theme1, two.theme AS theme2, three.theme AS theme3, four.theme AS theme4
  FROM shoppers AS s,
       LATERAL (SELECT CASE WHEN c = 42 THEN 1          -- the customer of the examples is a gardener
                            ELSE 1 + floor(30 * shop_chance('theme 1 ' || key))::int END AS theme) AS one,
       LATERAL (SELECT CASE WHEN shop_chance('leads 1 ' || key) < 0.4
                            THEN (SELECT leads_to FROM themes WHERE id = one.theme)
                            ELSE 1 + floor(30 * shop_chance('theme 2 ' || key))::int END AS theme) AS two,
       LATERAL (SELECT CASE WHEN shop_chance('leads 2 ' || key) < 0.4
                            THEN (SELECT leads_to FROM themes WHERE id = two.theme)
                            ELSE 1 + floor(30 * shop_chance('theme 3 ' || key))::int END AS theme) AS three,
       LATERAL (SELECT 1 + floor(30 * shop_chance('theme 4 ' || key))::int AS theme) AS four
)
SELECT c, theme, min(from_day), max(from_day + CASE WHEN shop_chance('ends ' || n || ' ' || key) < 0.5 THEN 366
                                 ELSE 60 + floor(180 * shop_chance('lasts ' || n || ' ' || key))::int END)
FROM (SELECT c, key, n, theme,
             CASE WHEN n = 1 THEN first_day
                  ELSE first_day + floor((366 - first_day) * shop_chance('from ' || n || ' ' || key) ^ 1.5)::int
             END AS from_day
      FROM taken_up, unnest(ARRAY[theme1, theme2, theme3, theme4]) WITH ORDINALITY AS t(theme, n)
      WHERE n <= interests) AS i
GROUP BY c, theme;
CREATE INDEX ON interests (customer);
ANALYZE themes, products, interests;

-- Guests have no customer_id. Postage, gift wrapping and vouchers are lines without
-- a product, and a note says what they are. What came back has a negative qty.
CREATE TABLE order_lines (
  customer_id int REFERENCES customers,
  product_id  int REFERENCES products,
  qty         int NOT NULL,
  ordered_at  timestamptz NOT NULL,
  order_id    bigint NOT NULL GENERATED BY DEFAULT AS IDENTITY (START 1000000),
  note        text
);

CREATE TABLE shop_lines AS
WITH orders AS (
  SELECT c AS customer, c || '/' || o AS key, o,
         first_day + floor((366 - first_day) * shop_chance('day ' || c || '/' || o))::int AS day
  FROM (SELECT customer AS c, min(from_day) AS first_day FROM interests GROUP BY 1) AS s,
       generate_series(1, 2 + floor((366 - first_day) * (0.01 + 0.05 * shop_chance('orders ' || c) ^ 2))::int) AS o
), lines AS (
  SELECT o.customer, o.key AS order_key, o.key || '/' || line AS key, day,
         shop_chance('what ' || o.key || '/' || line) AS what
  FROM orders AS o, generate_series(1, 1 + floor(4 * shop_chance('lines ' || o.key) ^ 1.5)::int) AS line
), wishes AS (
  -- of the interests that a customer has on that day, one by chance
  SELECT l.*, CASE WHEN what >= 0.18 THEN (
           SELECT i.theme FROM interests AS i
           WHERE i.customer = l.customer AND l.day BETWEEN i.from_day AND i.until_day
           ORDER BY shop_chance(l.key || ' ' || i.theme) LIMIT 1) END AS theme
  FROM lines AS l
), turns AS (
  SELECT *, row_number() OVER (PARTITION BY customer, theme ORDER BY day, key COLLATE "C") AS turn FROM wishes
), own_order AS (
  -- the order in which a customer buys the products of a theme, and then others of
  -- its department; what sells well comes early
  SELECT i.customer, t.id AS theme, p.id AS product,
         row_number() OVER (PARTITION BY i.customer, t.id
           ORDER BY -ln(shop_chance('own ' || i.customer || ' ' || p.id))
                    * p.place ^ 0.8 * CASE WHEN p.theme = t.theme THEN 1 ELSE 8 END) AS turn
  FROM interests AS i JOIN themes AS t ON t.id = i.theme
  JOIN products AS p ON p.department = t.department
)
SELECT t.customer, t.order_key, t.key, t.day,
       coalesce(o.product,
         CASE WHEN t.what < 0.06                        -- a present: anything
              THEN 1 + floor(270 * shop_chance('present ' || t.key))::int
              ELSE 271 + floor(30 * shop_chance('every day ' || t.key) ^ 1.6)::int END) AS product
FROM turns AS t LEFT JOIN own_order AS o ON o.customer = t.customer AND o.theme = t.theme AND o.turn = t.turn;

-- A small thing is often bought by the dozen.
INSERT INTO order_lines (customer_id, product_id, qty, ordered_at, order_id)
SELECT CASE WHEN l.customer <= 2000 THEN l.customer END, l.product,
       1 + CASE WHEN p.price < 8 THEN floor(12 * shop_chance('qty ' || l.key) ^ 3)
                ELSE floor(2 * shop_chance('qty ' || l.key) ^ 4) END::int,
       timestamptz '2024-01-01 00:00+00' + interval '1 day' * l.day
         + interval '1 minute' * floor(420 + 960 * shop_chance('minute ' || l.order_key)),
       dense_rank() OVER (ORDER BY l.day, l.order_key COLLATE "C")
FROM shop_lines AS l JOIN products AS p ON p.id = l.product
ORDER BY 5, 2;
DROP TABLE shop_lines;

INSERT INTO order_lines
SELECT customer_id, product_id, -qty,
       ordered_at + interval '1 hour' * floor(72 + 400 * shop_chance('back ' || order_id || ' ' || product_id)),
       order_id, 'returned'
FROM order_lines WHERE shop_chance('return ' || order_id || ' ' || product_id) < 0.02;

INSERT INTO order_lines
SELECT o.customer_id, NULL, 1, o.ordered_at, o.order_id, extra.note
FROM (SELECT customer_id, order_id, min(ordered_at) AS ordered_at, sum(qty * price) AS total
      FROM order_lines JOIN products ON id = product_id WHERE note IS NULL GROUP BY 1, 2) AS o,
     (VALUES ('postage', 1), ('gift wrapping', 0.05), ('voucher', 0.03)) AS extra(note, often)
WHERE shop_chance(note || ' ' || order_id) < often AND (note <> 'postage' OR total < 30);

-- Stars for what was bought: how good a thing is, how kind the customer, and
-- whether the one likes plain things or fine ones.
CREATE TABLE reviews (
  customer_id int NOT NULL REFERENCES customers,
  product_id  int NOT NULL REFERENCES products,
  stars       int NOT NULL,
  written_at  timestamptz NOT NULL
);

INSERT INTO reviews
SELECT customer_id, product_id,
       greatest(1, least(5, round(3.6 + 1.4 * (shop_chance('good ' || product_id) - 0.5)
         + 1.2 * (shop_chance('kind ' || customer_id) - 0.5)
         + 6 * (shop_chance('fine ' || customer_id) - 0.5) * (shop_chance('fine thing ' || product_id) - 0.5)
         + 1.5 * (shop_chance('whim ' || customer_id || ' ' || product_id) - 0.5))))::int,
       min(ordered_at) + interval '7 days'
FROM order_lines
WHERE qty > 0 AND shop_chance('review ' || customer_id || ' ' || product_id) < 0.5
GROUP BY customer_id, product_id
ORDER BY 4, 1, 2;

CREATE INDEX ON order_lines (customer_id);
CREATE INDEX ON reviews (customer_id);
ANALYZE customers, order_lines, reviews;
