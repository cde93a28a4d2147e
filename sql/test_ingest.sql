--
-- What a source holds: columns by their places, times that are not known or absurd, what
-- grows, ids that are too long or are spelled in several ways, users who have too much.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- Which column was taken as what.
CREATE TABLE ing_lines (id int PRIMARY KEY, customer_id int, product_id int, qty int, at timestamptz);
INSERT INTO ing_lines VALUES (1, 10, 7, 2, '2024-01-01'), (2, 10, 8, 1, '2024-01-01'), (3, 11, 7, 1, '2024-01-01'), (4, 11, 7, 3, '2024-01-02');
SET client_min_messages = notice;
CALL reco.create_model('ing', 'SELECT customer_id, product_id, qty, at FROM ing_lines', reco.popular(), options => reco.options(measure => false));
CALL reco.drop_model('ing');
CALL reco.create_model('ing', 'SELECT customer_id AS "the ""user", product_id FROM ing_lines', reco.popular(), options => reco.options(measure => false));
SET client_min_messages = warning;
-- A first column that is unique by itself is none of users, as far as the catalogs tell.
CREATE FUNCTION ing_takes(source text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('ing_taken', source, reco.popular(), options => reco.options(measure => false));
  CALL reco.drop_model('ing_taken');
  RETURN 'taken';
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN 'refused';
END
$$;
CREATE VIEW ing_view AS SELECT id, product_id FROM ing_lines WHERE qty > 0;
CREATE TABLE ing_pairs (u int, i int, UNIQUE (u, i));
INSERT INTO ing_pairs SELECT u, i FROM generate_series(1, 4) u, generate_series(1, 4) i;
CREATE UNIQUE INDEX ON ing_pairs (u) WHERE u = 1 AND i = 1;
CREATE UNIQUE INDEX ON ing_pairs ((u * 10 + i));
CREATE TABLE ing_parts (id int PRIMARY KEY, i int) PARTITION BY RANGE (id);
CREATE TABLE ing_part PARTITION OF ing_parts DEFAULT;
INSERT INTO ing_parts SELECT n, n % 2 FROM generate_series(1, 4) n;
CREATE TABLE ing_parent (id int PRIMARY KEY, i int);
CREATE TABLE ing_child () INHERITS (ing_parent);
INSERT INTO ing_child SELECT n % 2, n FROM generate_series(1, 4) n;
SELECT s, ing_takes(s) FROM unnest(ARRAY[
  'SELECT id, customer_id, product_id, qty FROM ing_lines', 'ing_view', 'SELECT * FROM ing_view ORDER BY 2', 'ing_parts', 'TABLE ing_part',
  'SELECT id, count(*) FROM ing_lines GROUP BY id', 'SELECT id, product_id FROM (SELECT * FROM ing_lines OFFSET 1) AS s',
  'SELECT customer_id, product_id FROM ing_lines', 'ing_pairs', 'ing_parent', 'SELECT id, unnest(ARRAY[product_id, 0]) FROM ing_lines',
  'SELECT id, i FROM ing_lines, (VALUES (1), (2)) AS v(i)', 'SELECT l.id, b.id FROM ing_lines AS l JOIN ing_lines AS b USING (customer_id)',
  'SELECT id, product_id FROM ing_lines UNION ALL SELECT id, 0 FROM ing_lines', 'SELECT id + 0, product_id % 2 FROM ing_lines UNION ALL TABLE ing_pairs'
]) WITH ORDINALITY AS v(s, n) ORDER BY n;
CALL reco.create_model('ing_lines_model', 'ing_lines', reco.popular(), options => reco.options(measure => false));
SELECT * FROM reco.evaluate('SELECT id, product_id FROM ing_lines', ARRAY[reco.popular()]);
-- a model that is there goes on
CREATE TABLE ing_favorites (u int, i int);
INSERT INTO ing_favorites VALUES (1, 1), (2, 1);
CALL reco.create_model('ing_favorite', 'ing_favorites', reco.popular(), options => reco.options(measure => false));
ALTER TABLE ing_favorites ADD PRIMARY KEY (u);
CALL reco.refresh('ing_favorite');
CALL reco.drop_model('ing_favorite');
CALL reco.drop_model('ing');

-- A time that is not known is before all others, -infinity and the least bigint too.
CREATE FUNCTION ing_latest(rows text) RETURNS real LANGUAGE plpgsql AS $$
DECLARE
  value real;
  live real;
BEGIN
  EXECUTE 'CREATE TEMP VIEW ing_times AS SELECT * FROM (VALUES ' || rows || ') AS v(u, i, w, t)';
  CALL reco.create_model('ing_time', 'SELECT * FROM pg_temp.ing_times', reco.als(factors => 1), options => reco.options(live => 'off', measure => false));
  EXECUTE 'SELECT max(max_value) FROM ing_time.model_version' INTO value;
  CALL reco.drop_model('ing_time');
  DROP VIEW ing_times;
  RETURN value;
END
$$;
SELECT rows, ing_latest(rows) FROM unnest(ARRAY[
  $$(2, 1, 3, timestamptz '-infinity'), (2, 1, 1, NULL)$$, $$(2, 1, 1, NULL), (2, 1, 3, timestamp '-infinity')$$,
  $$(2, 1, 3, date '-infinity'), (2, 1, 1, NULL)$$, $$(2, 1, 3, (-9223372036854775808)::bigint), (2, 1, 1, NULL)$$,
  $$(2, 1, 3, (-2147483648)::int), (2, 1, 1, NULL)$$, $$(2, 1, 3, (-32768)::smallint), (2, 1, 1, NULL)$$,
  $$(2, 1, 1, timestamptz '-infinity'), (2, 1, 3, '4714-11-24 00:00:00+00 BC')$$, $$(2, 1, 3, timestamptz 'infinity'), (2, 1, 1, '294276-12-31')$$,
  $$(2, 1, 2, NULL::timestamptz), (2, 1, 4, NULL)$$]) AS v(rows);

-- What grows: users, each once a period; what is in the future does not count.
CREATE TABLE ing_rows (u int, i int, w real, t timestamptz);
INSERT INTO ing_rows SELECT 1, 7, 1, now() - interval '1 hour' FROM generate_series(1, 500);
INSERT INTO ing_rows SELECT u, 8, 1, now() - interval '1 day' * u FROM generate_series(1, 13) u;
INSERT INTO ing_rows SELECT u, 9, 1, now() - interval '2 day' FROM generate_series(1, 5) u;
INSERT INTO ing_rows VALUES (6, 9, 0, now() - interval '1 day'), (7, 9, -1, now() - interval '1 day'), (8, 9, 1, NULL), (9, 9, 1, '-infinity');
CREATE VIEW ing_spoilt AS TABLE ing_rows UNION ALL VALUES (3, 10, 1::real, timestamptz '2099-01-01'), (4, 10, 1, 'infinity'), (5, 7, 1, '2099-01-01');
-- 7: one user, 1 / sqrt(2); 8: seven users against six, 1 / sqrt(14); 9: five, 5 / sqrt(6)
CREATE FUNCTION ing_trending(source text) RETURNS TABLE (item_id int, score real) LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('ing_trend', source, reco.popular(), options => reco.options(measure => false));
  RETURN QUERY EXECUTE 'SELECT item_id, score FROM ing_trend.trending()';
  CALL reco.drop_model('ing_trend');
END
$$;
SELECT * FROM ing_trending('ing_rows');
SELECT * FROM ing_trending('ing_spoilt');
SELECT * FROM ing_trending('SELECT u, i, w, t::timestamp FROM ing_spoilt');
SELECT * FROM ing_trending($$SELECT u, i, w, t::date FROM ing_spoilt WHERE i <> 8 OR u <> 7$$);
-- without values every row counts 1
SELECT * FROM ing_trending($$SELECT u, 1 AS i, 1 AS w, now() - interval '1 day' FROM generate_series(1, 3) AS u UNION ALL SELECT 1, 2, NULL, now()$$);
-- all in the future: nothing is said to grow
SELECT * FROM ing_trending($$SELECT u, i, w, '2099-01-01'::date + i FROM ing_rows$$);
-- Numbers: periods are tenths of their range, which some absurd ones do not stretch.
CREATE VIEW ing_numbers AS
  SELECT n % 50 AS u, CASE WHEN n > 900 THEN 1 ELSE 2 + n % 3 END AS i, 1 AS w, 1700000000 + n::bigint * 3600 AS t FROM generate_series(1, 1000) n;
SELECT * FROM ing_trending('ing_numbers');
SELECT * FROM ing_trending('TABLE ing_numbers UNION ALL VALUES (7, 3, 1, 9223372036854775807), (8, 3, 1, 4000000000000), (7, 3, 1, 0), (7, 3, 1, -9223372036854775808), (8, 4, 1, NULL)');
SELECT * FROM ing_trending('VALUES (1, 1, 1, 10), (2, 1, 1, 10), (3, 2, 1, 10)');
SELECT * FROM ing_trending('VALUES (1, 1, 1, 1), (2, 2, 1, 2)');

-- Ids that no index takes are found before the training, by whoever reads them.
CREATE FUNCTION ing_long(bytes int) RETURNS text LANGUAGE sql AS $$ SELECT left(string_agg(md5(n::text), '' ORDER BY n), bytes) FROM generate_series(1, bytes / 32 + 1) n $$;
CREATE TABLE ing_long (u text, i text, w real);
INSERT INTO ing_long VALUES ('ann', 'tea', 1), ('bob', 'tea', 1), ('bob', 'cup', 1), (ing_long(4183), 'tea', 1), ('ann', ing_long(4183), 1), ('ann', repeat('y', 4183), 1);
CALL reco.create_model('ing_text', 'SELECT u, i FROM ing_long WHERE length(u) > 4000', reco.popular(), options => reco.options(measure => false));
CALL reco.create_model('ing_text', 'SELECT u, i FROM ing_long WHERE length(u) < 4000', reco.popular(), options => reco.options(measure => false));
SELECT * FROM reco.evaluate('SELECT i, u FROM ing_long WHERE length(u) > 4000', ARRAY[reco.popular()]);
SELECT count(*) > 0 AS measured FROM reco.evaluate('SELECT u, i FROM ing_long', ARRAY[reco.popular()], test_fraction => 0.5, options => reco.options(on_invalid => 'skip'));
SET client_min_messages = notice;
CALL reco.create_model('ing_text', 'SELECT u, i FROM ing_long', reco.popular(), options => reco.options(on_invalid => 'skip', measure => false));
SET client_min_messages = warning;
SELECT rows_skipped FROM ing_text.versions;
-- what compresses, an index takes
SELECT left(item_id, 9), length(item_id) FROM ing_text.item_factors ORDER BY 1;
SELECT count(*) FROM ing_text.recommend(ing_long(4183), 5);
CALL reco.materialize('ing_text', users => $$SELECT ing_long(4183)$$);
CALL reco.materialize('ing_text', users => $$SELECT repeat('z', 9000)$$);
SELECT DISTINCT left(user_id, 3), length(user_id) FROM ing_text.recommendations;
CALL reco.drop_model('ing_text');
-- exactly what fits is taken: for every type of ids, at the border
CREATE FUNCTION ing_border(type text, id text) RETURNS TABLE (taken text, bytes int) LANGUAGE plpgsql AS $$
DECLARE
  low int := 1000;
  high int := 4500;
BEGIN
  WHILE low + 1 < high LOOP
    bytes := (low + high) / 2;
    BEGIN
      CALL reco.create_model('ing_at', format('SELECT 1, %s', replace(id, 'N', bytes::text)), reco.popular(), options => reco.options(measure => false));
      CALL reco.drop_model('ing_at');
      low := bytes;
    EXCEPTION WHEN program_limit_exceeded THEN
      ASSERT SQLERRM LIKE 'item "%" is too long for an index', SQLERRM;
      high := bytes;
    END;
  END LOOP;
  taken := type;
  bytes := low;
  RETURN NEXT;
END
$$;
ALTER TABLE ing_long ALTER i SET STORAGE EXTERNAL;
SELECT b.* FROM (VALUES ('text', 'ing_long(N)'), ('varchar', 'ing_long(N)::varchar'), ('bytea', 'ing_long(N)::bytea'),
  ('text[]', 'ARRAY[ing_long(N)]'), ('jsonb', 'to_jsonb(ing_long(N))')) AS v(type, id), ing_border(type, id) AS b;
-- also items that only `items` has
CREATE TABLE ing_items (id text, tag text);
INSERT INTO ing_items VALUES ('tea', 'hot'), ('cup', 'round'), (ing_long(5000), 'long');
CALL reco.create_model('ing_text', 'SELECT u, i FROM ing_long WHERE length(u || i) < 4000', reco.content(), items => 'ing_items', options => reco.options(measure => false));
SET client_min_messages = notice;
CALL reco.create_model('ing_text', 'SELECT u, i FROM ing_long WHERE length(u || i) < 4000', reco.content(), items => 'ing_items', options => reco.options(on_invalid => 'skip', measure => false));
SET client_min_messages = warning;
SELECT rows_skipped FROM ing_text.versions;
CALL reco.drop_model('ing_text');
-- memory is asked for before it is taken: long ids that compress, and long terms, by their bytes
CREATE FUNCTION ing_memory(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || split_part(SQLERRM, ' needs', 1);
END
$$;
SET reco.max_memory = '64MB';
SELECT ing_memory($$CALL reco.create_model('ing_text', 'SELECT u, 1 FROM generate_series(1, 2000) n, LATERAL (SELECT repeat(repeat(''x'', 1000), 100) || n) AS v(u)', reco.popular(), options => reco.options(measure => false))$$);
SELECT ing_memory($$CALL reco.create_model('ing_text', 'SELECT 1, n FROM generate_series(1, 900) n', reco.content(), items => 'SELECT n, repeat(repeat(''x'', 1000), 100) || n FROM generate_series(1, 2000) n', options => reco.options(measure => false))$$);
SELECT ing_memory($$CALL reco.create_model('ing_text', 'SELECT 1, 1', reco.content(), items => 'SELECT 1, array_agg(repeat(''x'', 10000) || n) FROM generate_series(1, 8000) n', options => reco.options(measure => false))$$);
RESET reco.max_memory;
-- an embedding that is too long, by its first row
CALL reco.create_model('ing_text', 'SELECT 1, n FROM generate_series(1, 9) n', reco.content(), items => 'SELECT n, array_fill(1::real, ARRAY[2000]) AS e FROM generate_series(1, 9) n', options => reco.options(measure => false));
-- terms are in no index of their own
CALL reco.create_model('ing_text', 'SELECT u, i FROM ing_long WHERE length(u || i) < 4000', reco.content(), items => $$SELECT id, ARRAY[tag, ing_long(9000)] FROM ing_items WHERE length(id) < 9$$, options => reco.options(measure => false));
SELECT max(length(term)) FROM ing_text.model_term;
CALL reco.drop_model('ing_text');
-- an id in the words of an error is cut
CALL reco.create_model('ing_text', $$VALUES (repeat('é', 2000), 1, 'NaN'::real)$$, reco.popular(), options => reco.options(measure => false));

-- Of several spellings of one id the least by its bytes is shown, whatever the order of rows.
CREATE COLLATION ing_nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE FUNCTION ing_spelled(source text) RETURNS TABLE (users text, items text) LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('ing_spelled', source, reco.popular(), options => reco.options(measure => false));
  RETURN QUERY EXECUTE 'SELECT (SELECT string_agg(user_id::text, '' '' ORDER BY user_id) FROM ing_spelled.user_factors), (SELECT string_agg(item_id::text, '' '' ORDER BY item_id) FROM ing_spelled.item_factors)';
  CALL reco.drop_model('ing_spelled');
END
$$;
CREATE TABLE ing_spellings (u text COLLATE ing_nocase, i numeric, x interval, n int);
INSERT INTO ing_spellings VALUES ('anna', 1.00, '1 day', 1), ('ANNA', 1.0, '24 hours', 2), ('Anna', 2.0, '1 day', 3), ('bob', 2.00, '48 hours', 4), ('BOB', 2.00, '2 days', 5);
SELECT s.* FROM (VALUES ('n'), ('-n'), ('(n * 3) % 5'), ('(n * 2) % 5')) AS o(o), ing_spelled(format('SELECT u, i FROM ing_spellings ORDER BY %s', o)) AS s;
SELECT s.* FROM (VALUES ('n'), ('-n')) AS o(o), ing_spelled(format('SELECT x, u FROM ing_spellings ORDER BY %s', o)) AS s;

-- At most so many interactions of a user: the latest, else the largest, else the first.
CREATE TABLE ing_much (u int, i int, w int, t int);
INSERT INTO ing_much SELECT u, i, 1, u FROM generate_series(1, 20) u, generate_series(1, 3) i;
INSERT INTO ing_much SELECT 99, i, 100 - i % 5, i FROM generate_series(1, 10) i;
INSERT INTO ing_much VALUES (99, 2, 1, 100);
SET client_min_messages = notice;
CALL reco.create_model('ing_cap', 'ing_much', reco.item_knn(), options => reco.options(max_user_interactions => 4, measure => false));
SET client_min_messages = warning;
SELECT rows_read, rows_merged, rows_skipped, users, items, interactions FROM ing_cap.versions;
SELECT item_id FROM ing_cap.item_factors ORDER BY 1;
SELECT because_item FROM ing_cap.explain(99, 1) ORDER BY 1;
CALL reco.drop_model('ing_cap');
CREATE FUNCTION ing_left(columns text, at_most int) RETURNS TABLE (items text, skipped jsonb) LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('ing_left', format('SELECT %s FROM ing_much WHERE u = 99', columns), reco.popular(), options => reco.options(max_user_interactions => at_most, measure => false));
  RETURN QUERY EXECUTE 'SELECT string_agg(item_id::text, '' '' ORDER BY item_id), (SELECT rows_skipped FROM ing_left.versions) FROM ing_left.item_factors';
  CALL reco.drop_model('ing_left');
END
$$;
SELECT c, n, l.* FROM (VALUES ('u, i, w, t', 1), ('u, i, w, t', 3), ('u, i, w', 3), ('u, i, w', 9), ('u, i', 2), ('u, i', 10), ('u, i, w, t', 11), ('u, i, 1, NULL::int', 2)) AS v(c, n), ing_left(c, n) AS l;
-- what is beyond counts as seen where the source is read live, and the profile is the trained one
CREATE INDEX ON ing_much (u);
CALL reco.create_model('ing_cap', 'SELECT u, i, w, t FROM ing_much', reco.ials(factors => 2), options => reco.options(max_user_interactions => 4, live => 'on', measure => false));
CALL reco.create_model('ing_off', 'SELECT u, i, w, t FROM ing_much', reco.ials(factors => 2), options => reco.options(max_user_interactions => 4, live => 'off', measure => false));
SELECT (SELECT array_agg(item_id ORDER BY item_id) FROM ing_cap.recommend(99, NULL)) AS live, (SELECT array_agg(item_id ORDER BY item_id) FROM ing_off.recommend(99, NULL)) AS trained;
SELECT bool_and(ing_cap.predict(99, i) = ing_off.predict(99, i)) AS same FROM unnest(ARRAY[1, 2, 8, 9, 10]) AS i WHERE i IN (SELECT item_id FROM ing_cap.item_factors);
CALL reco.drop_model('ing_cap');
CALL reco.drop_model('ing_off');
CALL reco.create_model('ing_cap', 'ing_much', options => reco.options(max_user_interactions => 2, min_user_interactions => 3, measure => false));
CALL reco.create_model('ing_cap', 'ing_much', options => reco.options(max_user_interactions => 0, measure => false));
-- one user with most pairs is told
SET client_min_messages = notice;
CALL reco.create_model('ing_robot', 'SELECT 0 AS u, i FROM generate_series(1, 1000) AS i UNION ALL SELECT u, i FROM generate_series(1, 9) AS u, generate_series(1, 100) AS i', reco.popular(), options => reco.options(measure => false));
SET client_min_messages = warning;
CALL reco.drop_model('ing_robot');

DROP FUNCTION ing_takes, ing_latest, ing_trending, ing_border, ing_spelled, ing_left, ing_memory;
DROP VIEW ing_view, ing_spoilt, ing_numbers;
DROP TABLE ing_lines, ing_pairs, ing_parts, ing_child, ing_parent, ing_favorites, ing_rows, ing_long, ing_items, ing_spellings, ing_much;
DROP FUNCTION ing_long;
DROP COLLATION ing_nocase;
