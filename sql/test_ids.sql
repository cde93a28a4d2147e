--
-- Ids: of any type, told apart as the database does, returned as they came.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- C21: gaps and the order of rows mean nothing
CREATE TABLE ids_sparse (u int, i int, w int);
INSERT INTO ids_sparse VALUES (30, 2000000000, 1), (20, 70000, 1), (10, 5, 1), (40, 70000, 1), (20, 5, 1);
CALL reco.create_model('ids_one', 'ids_sparse', reco.ials(factors => 3, iterations => 50));
CREATE INDEX ids_order ON ids_sparse (u, i);
CLUSTER ids_sparse USING ids_order;
CALL reco.create_model('ids_two', 'ids_sparse', reco.ials(factors => 3, iterations => 50));
SELECT user_id, interactions FROM ids_one.user_factors ORDER BY user_id;
SELECT item_id, interactions FROM ids_one.item_factors ORDER BY item_id;
SELECT count(*) AS same FROM ids_one.user_factors JOIN ids_two.user_factors USING (user_id, factors);
SELECT count(*) AS same FROM ids_one.item_factors JOIN ids_two.item_factors USING (item_id, factors);
SELECT rank, item_id, source FROM ids_one.recommend(15);
SELECT ids_one.predict(15, 5), ids_one.predict(10, 6);
-- beyond the type is unknown, not an error and not somebody else: 4294967306 is 10 in 32 bits
SELECT source FROM ids_one.recommend(4294967306, 1);
SELECT ids_one.predict(4294967306, 5), ids_one.predict(10, 4294967301);
SELECT * FROM ids_one.recommend(10, among => ARRAY[4365032]::bigint[]);
SELECT * FROM ids_one.similar_items(4294967301);
SELECT * FROM ids_one.similar_users(4294967306);
SELECT source FROM ids_one.recommend_for(ARRAY[4294967301], n => 1);
SELECT item_id FROM ids_one.rerank(10, ARRAY[4294967301, 5]);
SELECT * FROM ids_one.explain(10, 4294967301);
CALL reco.drop_model('ids_one');
CALL reco.drop_model('ids_two');

-- C22: nine text ids.  User k has every item but k, so k's only recommendation is k.
CREATE TABLE ids_names (n int, id text);
INSERT INTO ids_names VALUES (1, '1'), (2, '01'), (3, '1 '), (4, 'A'), (5, 'a'), (6, U&'\00E9'), (7, U&'e\0301'),
  (8, ''), (9, 'NULL');
CALL reco.create_model('ids_text', 'SELECT a.id, b.id FROM ids_names a, ids_names b WHERE a.n <> b.n
                                     UNION ALL VALUES (NULL, ''1''), (''1'', NULL), (NULL, NULL)', reco.popular());
SELECT rows_read, (rows_skipped ->> 'no_user')::int + (rows_skipped ->> 'no_item')::int AS nulls, users, items, interactions FROM ids_text.versions;
SELECT n, r.item_id = id AS own, r.items FROM ids_names,
  LATERAL (SELECT min(item_id) AS item_id, count(*) AS items FROM ids_text.recommend(id)) AS r ORDER BY n;
SELECT n, count(e.*) AS reasons FROM ids_names LEFT JOIN LATERAL ids_text.explain(id, id) AS e ON because_item IS NOT NULL
 GROUP BY n ORDER BY n;
SELECT count(*), count(score) FROM ids_text.rerank('a', ARRAY(SELECT id FROM ids_names));
SELECT item_id, score FROM ids_text.rerank('a', ARRAY['A', 'B', 'b', ' 1']) ORDER BY rank;
SELECT count(*), min(source) FROM ids_text.recommend('B');
SELECT count(*) FROM ids_text.recommend(NULL);
SELECT item_id, item_id = 'a' AS own FROM ids_text.recommend('a'::varchar(7));
-- an id of another type is a type error, never a silent fallback
SELECT * FROM ids_text.recommend(1);
CALL reco.drop_model('ids_text');

-- Every type: users and items of it, again each lacking itself.  The id is given
-- as its type, as an untyped literal and as text; in arrays likewise.
CREATE DOMAIN ids_code AS text CHECK (VALUE ~ '^c');
CREATE DOMAIN ids_serial AS int;
CREATE DOMAIN ids_serials AS ids_serial;
CREATE DOMAIN ids_uuid AS uuid;
CREATE TYPE ids_size AS ENUM ('small', 'large', 'medium');
CREATE FUNCTION ids_check(type text, ids text[], OUT result text, OUT items text, OUT own bool, OUT literal bool,
                          OUT among bool, OUT rerank text, OUT basket bool, OUT popular text) LANGUAGE plpgsql AS $$
DECLARE
  id text := quote_literal(ids[1]) || '::' || type;
BEGIN
  CALL reco.create_model('ids_any', format('SELECT u::%1$s, i::%1$s FROM unnest(%2$L::text[]) u, unnest(%2$L::text[]) i WHERE u <> i',
                                           type, ids), reco.popular());
  EXECUTE format('SELECT pg_typeof((array_agg(item_id))[1]), array_agg(item_id ORDER BY rank), bool_and(item_id = %s)
                    FROM ids_any.recommend(%1$s)', id) INTO result, items, own;
  EXECUTE format('SELECT bool_and(item_id = %s) FROM ids_any.recommend(%L)', id, ids[1]) INTO literal;
  EXECUTE format('SELECT bool_and(item_id = %s) AND count(*) = 1 FROM ids_any.recommend(%1$s, among => ARRAY[%1$s], exclude => ARRAY[%L::%s])',
                 id, ids[2], type) INTO among;
  EXECUTE format('SELECT array_agg(item_id) FROM ids_any.rerank(%s, ARRAY[%L, %L]::%s[])', id, ids[2], ids[1], type) INTO rerank;
  EXECUTE format('SELECT bool_and(item_id = %s) FROM ids_any.recommend_for(%L::%s[])', id, ids[2:], type) INTO basket;
  SELECT array_agg(item_id ORDER BY rank) FROM ids_any.popular() INTO popular;
  CALL reco.drop_model('ids_any');
END
$$;
SELECT type, c.* FROM (VALUES
  ('smallint', '{1,-32768,32767}'::text[]), ('integer', '{1,-2147483648,2147483647}'),
  ('bigint', '{1,-9223372036854775808,9223372036854775807}'), ('ids_serial', '{1,2,3}'), ('ids_serials', '{1,2,3}'),
  ('numeric', '{1.50,-1,99999999999999999999999.5}'), ('numeric(6,2)', '{1.50,-1.00,3.25}'),
  ('text', '{b,a,ç}'), ('varchar(20)', '{b,a,c}'), ('character(3)', '{b,a,c}'), ('ids_code', '{cb,ca,cc}'),
  ('uuid', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,00000000-0000-0000-0000-000000000000,ffffffff-ffff-ffff-ffff-ffffffffffff}'),
  ('ids_uuid', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,00000000-0000-0000-0000-000000000000,ffffffff-ffff-ffff-ffff-ffffffffffff}'),
  ('date', '{02-01-2024,01-02-2024,12-31-1999}'), ('timestamptz', '{2024-01-02 03:04:05.000006+02,epoch,infinity}'),
  ('ids_size', '{small,large,medium}'), ('inet', '{10.0.0.1,10.0.0.2/8,::1}'), ('bytea', '{"\\x01","\\x00",""}')
) AS v(type, ids), ids_check(type, ids) AS c;
DROP FUNCTION ids_check;

-- integers are found however they lie, and nothing else is
CREATE FUNCTION ids_spread(ids bigint[], OUT items int, OUT known bigint, OUT others bigint) LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.create_model('ids_spread', format('SELECT 1, unnest(%L::bigint[])', ids), reco.popular());
  items := cardinality(ids);
  SELECT count(*) INTO known FROM unnest(ids) AS i, ids_spread.recommend(0, among => ARRAY[i]) AS r WHERE r.item_id = i;
  SELECT count(r.*) INTO others
    FROM (SELECT CASE WHEN i < 9223372036854775807 THEN i + 1 ELSE 2 END FROM unnest(ids) AS i UNION
          SELECT CASE WHEN i > -9223372036854775808 THEN i - 1 ELSE 2 END FROM unnest(ids) AS i UNION
          SELECT i / 2 FROM unnest(ids) AS i EXCEPT SELECT unnest(ids)) AS o(i),
         ids_spread.recommend(0, among => ARRAY[i]) AS r;
  CALL reco.drop_model('ids_spread');
END
$$;
SELECT name, s.* FROM (VALUES
  ('one', ARRAY[7]::bigint[]), ('in a row', ARRAY(SELECT i FROM generate_series(1, 100) AS i)),
  ('with gaps', ARRAY(SELECT 7 * i + i % 3 FROM generate_series(-50, 50) AS i)),
  ('squares', ARRAY(SELECT i * i FROM generate_series(1, 100) AS i)),
  ('powers', ARRAY(SELECT 1::bigint << i FROM generate_series(0, 62) AS i)),
  ('powers below', ARRAY(SELECT -(1::bigint << i) FROM generate_series(0, 62) AS i)),
  ('both ends', ARRAY[-9223372036854775808, -1, 0, 1, 9223372036854775807]),
  ('two heaps', ARRAY(SELECT i FROM generate_series(1, 60) AS i UNION ALL SELECT 1000000000000000000 + i FROM generate_series(1, 40) AS i))
) AS v(name, ids), ids_spread(ids::bigint[]) AS s;
DROP FUNCTION ids_spread;

-- C22: one uuid, however it is written; arrays of text as well
CREATE TABLE ids_uuids (u uuid, i uuid, d date);
INSERT INTO ids_uuids SELECT u::uuid, i::uuid, d
  FROM (VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1), ('b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 2)) AS u(u, n),
       (VALUES ('c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', date '2024-02-01', 1),
               ('d0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', date '2024-01-02', 2)) AS i(i, d, m) WHERE n <= m;
CALL reco.create_model('ids_uuid', 'SELECT u, i FROM ids_uuids', reco.popular());
SELECT item_id, pg_typeof(item_id) FROM ids_uuid.recommend('B0EEBC999C0B4EF8BB6D6BB9BD380A11'::text);
SELECT item_id FROM ids_uuid.recommend('{b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}');
SELECT item_id FROM ids_uuid.recommend('b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, among => ARRAY['C0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11']::uuid[]);
SELECT item_id FROM ids_uuid.recommend('b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::text, among => ARRAY['C0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11']);
SELECT item_id FROM ids_uuid.recommend_for(ARRAY['D0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11']);
SELECT item_id FROM ids_uuid.recommend_for(ARRAY['D0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11']::uuid[]);
SELECT item_id FROM ids_uuid.rerank('b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', ARRAY['C0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'd0eebc999c0b4ef8bb6d6bb9bd380a11']);
SELECT ids_uuid.predict('b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'C0EEBC999C0B4EF8BB6D6BB9BD380A11');
SELECT ids_uuid.predict(u, i) FROM ids_uuids ORDER BY u, i;
SELECT item_id FROM reco.recommend('ids_uuid', 'B0EEBC999C0B4EF8BB6D6BB9BD380A11');
SELECT * FROM ids_uuid.recommend('not a uuid');
CALL reco.drop_model('ids_uuid');
-- dates: text is read under the session's DateStyle, lists are not
CALL reco.create_model('ids_date', 'SELECT d, d FROM ids_uuids', reco.popular());
SET datestyle = 'ISO, DMY';
SELECT item_id, pg_typeof(item_id) FROM ids_date.recommend('01/02/2024'::text);
SELECT item_id FROM ids_date.recommend('01/02/2024', among => ARRAY['02/01/2024', '01/02/2024']);
SELECT item_id FROM ids_date.recommend(date '2024-02-01', among => ARRAY['02/01/2024', '01/02/2024']::date[]);
SELECT item_id FROM ids_date.rerank(date '2024-02-01', ARRAY['02/01/2024', '01/02/2024']::date[]);
RESET datestyle;
CALL reco.drop_model('ids_date');
-- only items are uuids: arrays of text where no user is among the arguments
CALL reco.create_model('ids_mixed', 'SELECT d, i FROM ids_uuids', reco.popular());
SELECT pg_get_function_identity_arguments(oid) FROM pg_proc WHERE pronamespace = 'ids_mixed'::regnamespace AND proname = 'predict' ORDER BY 1;
SELECT ids_mixed.predict('2024-01-02', 'd0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
CALL reco.drop_model('ids_mixed');

-- a collation that finds 'Anna' and 'anna' equal makes them one user
CREATE COLLATION ids_nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CALL reco.create_model('ids_nocase', $$SELECT u COLLATE ids_nocase, i FROM (VALUES ('Anna', 1), ('anna', 1), ('ANNA', 2), ('Bob', 3)) AS v(u, i)$$,
  reco.popular());
SELECT user_id = 'aNNa' AS anna, interactions FROM ids_nocase.user_factors ORDER BY interactions DESC;
SELECT item_id FROM ids_nocase.recommend('aNNa');
CALL reco.drop_model('ids_nocase');
-- of padded texts without a length 'a' and 'a  ' are one, as GROUP BY says; shown is the shortest
CREATE DOMAIN ids_blanks AS bpchar;
CREATE TABLE ids_padded AS SELECT u::ids_blanks, i::bpchar COLLATE "C" AS i FROM (VALUES ('a ', 'x'), ('a', 'x  '), ('a  ', 'y'), ('b ', 'x '), ('b', 'z '), ('c', 'y ')) AS v(u, i);
CALL reco.create_model('ids_padded', 'ids_padded', reco.popular());
SELECT users, items, interactions, (SELECT (count(DISTINCT u), count(DISTINCT i), count(DISTINCT (u, i))) FROM ids_padded) AS by_sql FROM ids_padded.versions;
SELECT '<' || user_id::ids_blanks || '>' AS user_id, octet_length(user_id) AS bytes, interactions FROM ids_padded.user_factors ORDER BY user_id;
SELECT item_id, octet_length(item_id) AS bytes FROM ids_padded.recommend('c   ', among => ARRAY['x    ', 'y', 'z ']) ORDER BY item_id;
INSERT INTO ids_padded VALUES ('d   ', 'x'), ('d', 'x   '), ('d ', 'z');
CALL reco.fold_in('ids_padded');
SELECT interactions FROM ids_padded.user_factors WHERE user_id = 'd';
SELECT item_a, item_b, count FROM reco.bought_together('ids_padded', min_support => 1) ORDER BY item_a, item_b;
SELECT a.i AS item_a, b.i AS item_b, count(DISTINCT u) FROM ids_padded AS a JOIN ids_padded AS b USING (u) WHERE a.i < b.i GROUP BY a.i, b.i ORDER BY 1, 2;
CALL reco.drop_model('ids_padded');
-- one value, however it is stored: with a short head or a long one, compressed, out of line
CREATE TABLE ids_stored (u text, plain text, external text);
ALTER TABLE ids_stored ALTER plain SET STORAGE PLAIN, ALTER external SET STORAGE EXTERNAL;
INSERT INTO ids_stored SELECT id, id, id FROM (SELECT repeat(k::text, n) AS id FROM unnest('{1,2}'::int[]) AS k, unnest('{1,100,126,127,2400}'::int[]) AS n) AS s;
CALL reco.create_model('ids_stored', 'SELECT u, plain FROM ids_stored UNION ALL SELECT plain, external FROM ids_stored UNION ALL SELECT external, u FROM ids_stored
  UNION ALL SELECT external, plain || repeat(''x'', 0) FROM ids_stored', reco.popular());
SELECT users, items, interactions, rows_merged FROM ids_stored.versions;
SELECT count(*) FROM ids_stored, ids_stored.explain(u, external) AS e WHERE because_item = plain;
CALL reco.drop_model('ids_stored');
DROP TABLE ids_padded, ids_stored;
DROP DOMAIN ids_blanks;

-- what cannot be an id
CALL reco.create_model('ids_bad', 'VALUES (1.5::float8, 1)', reco.popular());
CALL reco.create_model('ids_bad', 'VALUES (1, 1.5::real)', reco.popular());
CALL reco.create_model('ids_bad', 'VALUES (true, 1)', reco.popular());
CALL reco.create_model('ids_bad', 'SELECT ''Anna''::name COLLATE ids_nocase, 1', reco.popular());
CALL reco.create_model('ids_bad', 'VALUES (1, point(1, 1))', reco.popular());
CALL reco.create_model('ids_bad', 'SELECT 1, ''{}''::json', reco.popular());

-- The ids of the source change their type: a model keeps the types that its
-- functions were made with, so a refresh is refused and the old version stays.
CREATE FUNCTION ids_refresh(model text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.refresh(model);
  RETURN 'refreshed';
EXCEPTION WHEN OTHERS THEN
  RETURN 'refused';
END
$$;
CREATE TABLE ids_changing (u int, i text);
INSERT INTO ids_changing VALUES (1, 'a'), (2, 'B'), (2, 'a');
CALL reco.create_model('ids_compared', 'ids_changing', reco.popular());
ALTER TABLE ids_changing ALTER i TYPE text COLLATE ids_nocase;
CALL reco.refresh('ids_compared');
SELECT * FROM ids_compared.recommend(1);
CALL reco.drop_model('ids_compared');
DROP TABLE ids_changing;
CREATE TABLE ids_changing (u int, i int);
INSERT INTO ids_changing VALUES (1, 10), (2, 10), (2, 20);
CALL reco.create_model('ids_changing', 'ids_changing', reco.popular());
ALTER TABLE ids_changing ALTER i TYPE bigint;
UPDATE ids_changing SET i = i + 5000000000;
SELECT ids_refresh('ids_changing');
ALTER TABLE ids_changing ALTER u TYPE text, ALTER i TYPE int USING i - 5000000000;
SELECT ids_refresh('ids_changing');
SELECT item_id FROM ids_changing.item_factors ORDER BY 1;
SELECT user_id FROM ids_changing.user_factors ORDER BY 1;
ALTER TABLE ids_changing ALTER u TYPE int USING u::int;
SELECT ids_refresh('ids_changing');
CALL reco.drop_model('ids_changing');
CALL reco.create_model('ids_changing', 'SELECT u::text, i::text FROM ids_changing', reco.popular());
CALL reco.alter_model('ids_changing', source => 'ids_changing');
SELECT ids_refresh('ids_changing');
SELECT user_id FROM ids_changing.user_factors ORDER BY 1;

CALL reco.drop_model('ids_changing');
DROP FUNCTION ids_refresh;
DROP TABLE ids_sparse, ids_names, ids_uuids, ids_changing;
DROP COLLATION ids_nocase;
DROP DOMAIN ids_code, ids_serials, ids_serial, ids_uuid;
DROP TYPE ids_size;
