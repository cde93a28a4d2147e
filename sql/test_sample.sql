-- A sample shop in a schema of its own: the same rows whatever the session's settings are.
\set VERBOSITY terse

SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
SET standard_conforming_strings = off;
SET extra_float_digits = -3;
CALL reco.sample_shop('My "first" shop', exports => true);
SHOW standard_conforming_strings;
SHOW search_path;
RESET ALL;

SET search_path = "My ""first"" shop";
SELECT count(*) AS products FROM products;
SELECT count(*) AS customers FROM customers;
SELECT pg_catalog.md5(string_agg(o::text, chr(10) ORDER BY o)) AS order_lines
FROM (SELECT order_id, customer_id, product_id, qty, extract(epoch FROM ordered_at)::int, note FROM order_lines) AS o;
SELECT kind, count(*) FROM events GROUP BY 1 ORDER BY 2;
SELECT count(*) AS invoice_lines, sum(quantity) AS pieces, min(invoiced_at)::text FROM invoice_lines;
SELECT count(*) AS till_lines FROM till_lines;
SELECT relname FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relkind = 'r' ORDER BY 1;
RESET search_path;

\set VERBOSITY default
CALL reco.sample_shop('My "first" shop');
CALL reco.sample_shop(NULL);
CALL reco.sample_shop('');
CALL reco.sample_shop('pg_shop');
-- a name that a search_path takes for another
CALL reco.sample_shop('$user');
SELECT to_regclass('products');

CREATE ROLE reco_sample_nobody;
SET ROLE reco_sample_nobody;
CALL reco.sample_shop('theirs');
RESET ROLE;
DROP ROLE reco_sample_nobody;

-- a table of the same name elsewhere, temporary ones too, are not met
CREATE TEMP TABLE products (id int);
\set VERBOSITY terse
BEGIN;
CALL reco.sample_shop();
SELECT count(*) FROM shop.products;
SELECT count(*) FROM shop.reviews;
ROLLBACK;
SELECT to_regnamespace('shop');

DROP TABLE products;
SET client_min_messages = warning;
DROP SCHEMA "My ""first"" shop" CASCADE;
