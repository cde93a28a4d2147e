--
-- What users have and what may be shown, read from the definition's queries when
-- serving.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- Each user has a few of ten items; popularity falls with the item's number.
CREATE TABLE live_rows (u int, i int, q int, at int);
INSERT INTO live_rows SELECT u, i, 1, 1 FROM generate_series(1, 12) AS u, generate_series(1, 10) AS i WHERE u >= i AND (u + i) % 3 > 0;
CREATE INDEX live_rows_u ON live_rows (u);
CALL reco.create_model('live', 'SELECT u, i, q, at FROM live_rows', reco.ials(factors => 3, regularization => 0.01, alpha => 1));
CALL reco.create_model('live_off', 'SELECT u, i, q, at FROM live_rows', reco.ials(factors => 3, regularization => 0.01, alpha => 1), options => reco.options(live => 'off'));
CREATE FUNCTION live_list(who int, n int DEFAULT NULL) RETURNS text BEGIN ATOMIC
  SELECT string_agg(item_id::text, ' ' ORDER BY item_id) FROM live.recommend(who, n);
END;
-- a list with its scores, and the same of a basket that has what the user has
CREATE FUNCTION live_scores(who int) RETURNS text BEGIN ATOMIC
  SELECT string_agg(item_id || '=' || score || ' ' || source, ' ' ORDER BY rank) FROM live.recommend(who, NULL);
END;
CREATE FUNCTION live_basket(who int) RETURNS text BEGIN ATOMIC
  SELECT string_agg(item_id || '=' || score || ' ' || source, ' ' ORDER BY rank)
    FROM (SELECT array_agg(i ORDER BY i) AS items, array_agg(q::real ORDER BY i) AS weights
            FROM (SELECT i, sum(q) AS q FROM live_rows WHERE u = who AND q + i IS NOT NULL GROUP BY i) AS s) AS b,
         live.recommend_for(b.items, NULL, b.weights) AS r;
END;

-- Rows that are those of the training: the same list to the bit, live or not.
SELECT count(*), count(DISTINCT a) AS lists FROM generate_series(1, 12) AS u, LATERAL (
  SELECT array_agg(r ORDER BY rank) AS a FROM live.recommend(u, NULL) AS r
  UNION ALL SELECT array_agg(r ORDER BY rank) FROM live_off.recommend(u, NULL) AS r) AS l;
SELECT count(*) FILTER (WHERE live.predict(u, i) IS DISTINCT FROM live_off.predict(u, i)) AS differ
  FROM generate_series(0, 13) AS u, generate_series(0, 11) AS i;

-- Bought a moment ago.
SELECT live_list(12);
BEGIN;
INSERT INTO live_rows VALUES (12, 3, 1, 2);
SELECT live_list(12);
SELECT live_scores(12) = live_basket(12) AS folded_in;
SAVEPOINT s;
INSERT INTO live_rows VALUES (12, 6, 1, 2);
SELECT live_list(12);
ROLLBACK TO s;
SELECT live_list(12);
COMMIT;
SELECT live_list(12), live_scores(12) = live_basket(12) AS folded_in;
SELECT count(*) AS seen FROM live_off.recommend(12, NULL) WHERE item_id = 3;
SELECT item_id FROM live.recommend(12, NULL, include_seen => true) WHERE item_id = 3;
-- returned: no longer seen, and the stored profile again
DELETE FROM live_rows WHERE u = 12 AND at = 2;
SELECT live_list(12), (SELECT array_agg(r ORDER BY rank) FROM live.recommend(12, NULL) AS r)
  = (SELECT array_agg(r ORDER BY rank) FROM live_off.recommend(12, NULL) AS r) AS as_trained;
-- all rows gone: nothing is known of the user
BEGIN;
DELETE FROM live_rows WHERE u = 5;
SELECT rank, item_id, source FROM live.recommend(5, 2);
SELECT live.predict(5, 1), (SELECT count(*) FROM live.explain(5, 1)) AS reasons, (SELECT count(score) FROM live.rerank(5, ARRAY[1, 2])) AS scores;
ROLLBACK;

-- A user whom the training did not know.
INSERT INTO live_rows VALUES (99, 1, 1, 1), (99, 2, 3, 1), (99, 77, 1, 1), (99, NULL, 1, 1), (99, 4, NULL, 1);
SELECT live_list(99), live_scores(99) = live_basket(99) AS folded_in;
SELECT DISTINCT source FROM live.recommend(99, NULL);
SELECT live.predict(99, 3) = (SELECT score FROM live.recommend(99, NULL) WHERE item_id = 3) AS same,
       live.predict(99, 3) = (SELECT score FROM live.rerank(99, ARRAY[4, 3]) WHERE item_id = 3) AS same;
SELECT item_id, score IS NULL AS unknown FROM live.rerank(99, ARRAY[77, 1, 98]) WHERE item_id <> 1;
-- what a score is made of adds up, with live rows too
SELECT i, abs(live.predict(99, i) - sum(contribution)) < 1e-5 AS adds_up, array_agg(because_item ORDER BY because_item) AS because
  FROM generate_series(3, 5) AS i, live.explain(99, i) GROUP BY i ORDER BY i;
SELECT item_id, source FROM live_off.recommend(99, 1);
SELECT item_id, source FROM live.recommend(98, 1);
SELECT item_id, source FROM live.recommend(99999999999, 1);
SELECT count(*) FROM live.recommend(NULL);
DELETE FROM live_rows WHERE u = 99;

-- How repeats merge: sums of counts, of ratings the latest by time.
CREATE TABLE live_ratings (u int, i int, r float8, at timestamptz);
INSERT INTO live_ratings SELECT u, i, 1 + (u * i) % 5, '2024-01-01' FROM generate_series(1, 9) AS u, generate_series(1, 8) AS i WHERE (u + 2 * i) % 4 > 0;
CALL reco.create_model('live_als', 'live_ratings', reco.als(factors => 2));
CREATE FUNCTION live_als_is(who int, items int[], ratings real[]) RETURNS bool BEGIN ATOMIC
  SELECT (SELECT array_agg(r ORDER BY rank) FROM live_als.recommend(who, NULL) AS r)
       = (SELECT array_agg(r ORDER BY rank) FROM live_als.recommend_for(items, NULL, ratings) AS r);
END;
INSERT INTO live_ratings VALUES (50, 1, 5, '2024-03-01'), (50, 1, 2, '2024-02-01'), (50, 2, 4, NULL), (50, 2, 1, '2023-01-01'),
  (50, 3, 5, '2024-03-01'), (50, 3, 2, '2024-03-01'), (50, 4, 0, '2024-03-01'), (50, 5, '-0', NULL);
SELECT live_als_is(50, ARRAY[1, 2, 3, 4, 5], ARRAY[5, 1, 3.5, 0, 0]);
SELECT live_als_is(50, ARRAY[1, 2, 3, 4, 5], ARRAY[2, 4, 3.5, 0, 0]);
INSERT INTO live_ratings VALUES (50, 1, 1, 'infinity');
SELECT live_als_is(50, ARRAY[1, 2, 3, 4, 5], ARRAY[1, 1, 3.5, 0, 0]);
-- with biases: mean and item's bias first
SELECT abs((SELECT score FROM live_als.rerank(50, ARRAY[7])) - sum(contribution)) < 1e-4 AS adds_up, count(*) FROM live_als.explain(50, 7);
-- an invalid value leaves the row out, so that a list can be shown; 'on' says so as the training would
INSERT INTO live_ratings VALUES (50, 6, 'NaN', '2024-03-01'), (50, 7, 1e19, '2024-03-01');
SELECT live_als_is(50, ARRAY[1, 2, 3, 4, 5], ARRAY[1, 1, 3.5, 0, 0]);
CALL reco.alter_model('live_als', options => reco.options(live => 'on'));
SELECT count(*) FROM live_als.recommend(50);
CALL reco.alter_model('live_als', options => reco.options(live => 'on', on_invalid => 'skip'));
SELECT live_als_is(50, ARRAY[1, 2, 3, 4, 5], ARRAY[1, 1, 3.5, 0, 0]);
-- implicit: negative and zero count as seen, and tell nothing
BEGIN;
INSERT INTO live_rows VALUES (60, 1, -2, 1), (60, 2, 0, 1);
SELECT live_list(60), (SELECT source FROM live.recommend(60, 1)) AS source;
INSERT INTO live_rows VALUES (60, 4, 2, 1), (60, 4, 3, 1);
SELECT live_list(60), live_scores(60) = live_basket(60) AS folded_in;
ROLLBACK;

-- Every algorithm.
CREATE TABLE live_about (id int, tags text[]);
INSERT INTO live_about SELECT i, ARRAY['tag' || i % 3, 'tag' || i % 4] FROM generate_series(1, 10) AS i;
CREATE FUNCTION live_try(algorithm reco.algorithm) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text := split_part(reco.describe(algorithm), '(', 1) || ':'; a text; b text;
BEGIN
  CALL reco.create_model('live_any', 'SELECT u, i, q FROM live_rows', algorithm, items => 'live_about', options => reco.options(live => 'off', value => 'raw'));
  CREATE TEMP TABLE trained AS SELECT u, r.* FROM generate_series(1, 13) AS u, live_any.recommend(u, NULL) AS r;
  CALL reco.alter_model('live_any', options => reco.options());
  IF NOT EXISTS (SELECT u, r.* FROM generate_series(1, 13) AS u, live_any.recommend(u, NULL) AS r EXCEPT SELECT * FROM trained) THEN
    line := line || ' as trained,';
  END IF;
  INSERT INTO live_rows VALUES (70, 1, 2, 1), (70, 4, 1, 1), (12, 3, 1, 1), (12, 6, 1, 1);
  SELECT string_agg(item_id || '=' || score || source, ' ' ORDER BY rank) INTO a FROM live_any.recommend(70, NULL);
  SELECT string_agg(item_id || '=' || score || source, ' ' ORDER BY rank) INTO b FROM live_any.recommend_for(ARRAY[1, 4], NULL, ARRAY[2, 1]::real[]);
  line := line || CASE WHEN a = b THEN ' a new user like a basket,' ELSE ' a new user by ' || (SELECT source FROM live_any.recommend(70, 1)) || ',' END;
  line := line || CASE WHEN EXISTS (SELECT FROM live_any.recommend(12, NULL) WHERE item_id IN (3, 6)) THEN ' seen items shown, ' ELSE ' seen items not shown, ' END;
  line := line || (SELECT count(*) FROM live_any.recommend(12, NULL)) || ' left, '
    || coalesce((SELECT abs(live_any.predict(12, 9) - sum(contribution)) < 1e-4 FROM live_any.explain(12, 9))::text, 'nothing to explain');
  DELETE FROM live_rows WHERE u = 70 OR u = 12 AND i IN (3, 6);
  DROP TABLE trained;
  CALL reco.drop_model('live_any');
  RETURN line;
END
$$;
SELECT live_try(a) FROM unnest(ARRAY[reco.ials(factors => 2, regularization => 0.01, alpha => 1), reco.als(factors => 2), reco.item_knn(shrinkage => 0), reco.item_knn(biases => true),
  reco.user_knn(weighting => 'none', shrinkage => 0), reco.user_knn(biases => true), reco.rp3beta(alpha => 1, beta => 0.6, normalized => true), reco.content(), reco.popular()]::reco.algorithm[]) AS a;
DROP FUNCTION live_try;
-- Similar users of a user whose rows are others now: cosines of rows that are twice what they were are
-- the same, and nobody is among their own neighbors; of users whom others resemble, and of baskets.
CREATE FUNCTION live_neighbors(algorithm reco.algorithm) RETURNS text LANGUAGE plpgsql AS $$
DECLARE trained text; live text; basket text; rows int;
BEGIN
  CREATE TABLE live_twice AS SELECT u, i, 1 + (u * i) % 3 AS q FROM live_rows;
  CREATE INDEX ON live_twice (u);
  CALL reco.create_model('live_near', 'SELECT u, i, q FROM live_twice', algorithm, options => reco.options(value => 'raw'));
  SELECT string_agg(u || ':' || item_id || '=' || score::numeric(9, 5), ' ' ORDER BY u, rank), count(*) INTO trained, rows
    FROM generate_series(1, 12) AS u, live_near.recommend(u, NULL, include_seen => true);
  UPDATE live_twice SET q = q * 2;
  SELECT string_agg(u || ':' || item_id || '=' || score::numeric(9, 5), ' ' ORDER BY u, rank) INTO live
    FROM generate_series(1, 12) AS u, live_near.recommend(u, NULL, include_seen => true);
  SELECT string_agg(u || ':' || item_id || '=' || score::numeric(9, 5), ' ' ORDER BY u, rank) INTO basket
    FROM generate_series(1, 12) AS u, LATERAL (SELECT array_agg(i) AS items FROM live_twice WHERE live_twice.u = u.u) AS b,
         live_near.recommend_for(b.items, NULL, include_basket => true);
  CALL reco.drop_model('live_near');
  DROP TABLE live_twice;
  RETURN format('%s %s: %s, %s', algorithm ->> 'similarity', algorithm ->> 'weighting', CASE WHEN rows > 12 AND live = trained THEN 'as trained' ELSE 'others' END,
    CASE WHEN basket = trained THEN 'a basket as well' ELSE 'a basket is its user''s neighbor' END);
END
$$;
SELECT live_neighbors(a) FROM unnest(ARRAY[reco.user_knn(neighbors => 3, weighting => 'none', shrinkage => 0), reco.user_knn(neighbors => 3, similarity => 'jaccard', weighting => 'none', shrinkage => 0),
  reco.user_knn(neighbors => 3, weighting => 'tf-idf'), reco.user_knn(neighbors => 3, similarity => 'pearson', weighting => 'none'),
  reco.user_knn(neighbors => 3, similarity => 'conditional', weighting => 'none'), reco.user_knn(neighbors => 3, similarity => 'llr', weighting => 'none')]::reco.algorithm[]) AS a;
DROP FUNCTION live_neighbors;

-- When the source is asked.
CREATE FUNCTION live_explain(model text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT regexp_replace(regexp_replace(line, '\d+\.\d\d', 'N', 'g'), 'rows=\d+ width=\d+', 'rows=N') FROM reco.explain_source(model) $$;
CREATE TABLE live_big AS SELECT g % 5000 AS u, (g / 5000 + g % 5000) % 30 AS i FROM generate_series(0, 99999) AS g;
ANALYZE live_big;
CALL reco.create_model('live_big', 'SELECT u, i FROM live_big', reco.popular());
SELECT * FROM live_explain('live_big');
INSERT INTO live_big VALUES (17, 10), (5001, 29);
SELECT count(*) FROM live_big.recommend(17, NULL);
SELECT count(*) FROM live_big.recommend(5001, NULL);
CALL reco.alter_model('live_big', options => reco.options(live => 'on'));
SELECT count(*) FROM live_big.recommend(17, NULL);
SELECT count(*) FROM live_big.recommend(5001, NULL);
SELECT * FROM live_explain('live_big');
CALL reco.alter_model('live_big', options => reco.options());
SELECT count(*) FROM live_big.recommend(17, NULL);
-- an index, and its going, are noticed in a session that knows the source
CREATE INDEX live_big_u ON live_big (u);
SELECT * FROM live_explain('live_big') LIMIT 1;
SELECT count(*) FROM live_big.recommend(17, NULL);
SELECT count(*) FROM live_big.recommend(5001, NULL);
DROP INDEX live_big_u;
SELECT count(*) FROM live_big.recommend(17, NULL);
CALL reco.alter_model('live_big', options => reco.options(live => 'off'));
SELECT * FROM live_explain('live_big');
-- a join, of which one table lacks an index
CREATE TABLE live_orders AS SELECT g AS id, g % 5000 AS customer FROM generate_series(1, 60000) AS g;
CREATE TABLE "live lines" AS SELECT g AS "order", g % 30 AS i FROM generate_series(1, 60000) AS g;
CREATE INDEX ON live_orders (customer);
ANALYZE live_orders, "live lines";
CREATE VIEW live_view AS SELECT o.customer, l.i FROM live_orders AS o JOIN "live lines" AS l ON l."order" = o.id;
CALL reco.alter_model('live_big', source => 'live_view', options => reco.options());
SELECT line FROM live_explain('live_big') AS line WHERE line ~ '^(live|Hint)';
DROP INDEX live_orders_customer_idx;
CREATE INDEX ON "live lines" ("order");
SELECT line FROM live_explain('live_big') AS line WHERE line ~ '^(live|Hint)';
CALL reco.alter_model('live_big', source => 'SELECT customer::text::int, i FROM live_view');
SELECT line FROM live_explain('live_big') AS line WHERE line ~ '^(live|Hint)';
-- a sample drawn anew each time is not what a user has
CALL reco.alter_model('live_big', source => 'SELECT u, i FROM live_rows WHERE random() < 0.5');
SELECT line FROM live_explain('live_big') AS line WHERE line ~ '^live';
CALL reco.alter_model('live_big', source => 'SELECT u, i FROM live_rows WHERE now() > ''2020-01-01''');
SELECT line FROM live_explain('live_big') AS line WHERE line ~ '^live';
CREATE TEMP TABLE live_temp AS SELECT u, i FROM live_rows;
CALL reco.alter_model('live_big', source => 'pg_temp.live_temp');
SELECT line FROM live_explain('live_big') AS line WHERE line ~ '^live';
-- partitions: the argument decides on one when the plan starts
CREATE TABLE live_parts (u int, i int) PARTITION BY HASH (u);
CREATE TABLE live_part0 PARTITION OF live_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE live_part1 PARTITION OF live_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO live_parts SELECT u, i FROM live_rows;
CALL reco.alter_model('live_big', source => 'live_parts');
SELECT * FROM live_explain('live_big') AS line WHERE line ~ '^live|Subplans';
SELECT count(*) FROM live_big.recommend(12, NULL);
SELECT * FROM live_explain('live_no');
SELECT * FROM live_explain(NULL);
CALL reco.alter_model('live_big', options => '{"live": "sometimes"}');
SELECT reco.options(live => 'maybe');

-- A source that cannot be read any more.
CREATE TABLE live_gone (u int, i int, q int);
INSERT INTO live_gone SELECT u, i, q FROM live_rows;
CALL reco.create_model('live_gone', 'SELECT u, i, q FROM live_gone', reco.ials(factors => 2, regularization => 0.01, alpha => 1));
CREATE FUNCTION live_seen() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT string_agg(item_id::text, ' ' ORDER BY item_id) FROM live_gone.recommend(12, NULL)) || ' ' ||
    (SELECT source FROM live_gone.recommend(12, 1)) || ' ' || (live_gone.predict(12, 9) IS NOT NULL);
EXCEPTION WHEN OTHERS THEN
  RETURN sqlstate || ' ' || sqlerrm;
END
$$;
CREATE FUNCTION live_break(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE auto text; always text; again text;
BEGIN
  PERFORM live_seen();
  BEGIN
    EXECUTE change;
    auto := live_seen();
    again := (SELECT line FROM reco.explain_source('live_gone') AS e(line) LIMIT 1);
    CALL reco.alter_model('live_gone', options => reco.options(live => 'on'));
    always := live_seen();
    RAISE EXCEPTION USING ERRCODE = 'RE000';
  EXCEPTION WHEN SQLSTATE 'RE000' THEN
  END;
  RETURN auto || ' | ' || always || ' | ' || regexp_replace(again, 'costs \d+\.\d\d', 'costs N');
END
$$;
INSERT INTO live_gone VALUES (12, 3, 1);
SELECT live_seen();
SELECT change, live_break(change) FROM (VALUES
  ('SELECT'),
  ('DROP TABLE live_gone'),
  ('ALTER TABLE live_gone RENAME TO live_away'),
  ('ALTER TABLE live_gone DROP COLUMN q'),
  ('ALTER TABLE live_gone ALTER u TYPE text'),
  ('ALTER TABLE live_gone ALTER u TYPE bigint'),
  ('ALTER TABLE live_gone ALTER i TYPE text'),
  ('ALTER TABLE live_gone ALTER q TYPE text'),
  ('ALTER TABLE live_gone ALTER q TYPE numeric'),
  ('ALTER TABLE live_gone ADD more int'),
  ('UPDATE live_gone.model SET source = NULL'),
  ('UPDATE live_gone.model SET source = '''''),
  ('UPDATE live_gone.model SET source = ''SELECT 1'''),
  ('UPDATE live_gone.model SET source = ''SELECT 1, 2; SELECT 3, 4'''),
  ('UPDATE live_gone.model SET source = ''SELECT 1, 2) AS s(u) UNION (SELECT 3, 4'''),
  ('UPDATE live_gone.model SET source = ''SELECT u, i FROM live_gone FOR UPDATE'''),
  ('UPDATE live_gone.model SET source = ''WITH w AS (DELETE FROM live_gone RETURNING *) SELECT u, i FROM w'''),
  ('UPDATE live_gone.model SET source = ''SELECT u, i INTO live_copy FROM live_gone'''),
  ('UPDATE live_gone.model SET source = ''SELECT u, i, q, 1, 2 FROM live_gone'''),
  ('UPDATE live_gone.model SET source = ''SELECT u, $2 FROM live_gone'''),
  ('UPDATE live_gone.model SET source = ''DROP TABLE live_gone'''),
  ('UPDATE live_gone.model SET search_path = ''no,,such'''),
  ('UPDATE live_gone.model SET search_path = NULL'),
  ('UPDATE live_gone.model SET options = NULL'),
  ('UPDATE live_gone.model SET source = ''SELECT u, i, q / (u - u) FROM live_gone''')) AS v(change);
-- a definition with a fault is let be, and an altered one asked at once
ALTER TABLE live_gone RENAME TO live_away;
SELECT live_seen();
SELECT live_seen();
ALTER TABLE live_away RENAME TO live_gone;
SELECT live_seen();
CALL reco.alter_model('live_gone', source => 'SELECT u, i, q FROM live_gone -- once more');
SELECT live_seen();
CALL reco.refresh('live_gone');
SELECT live_seen();
-- never swallowed: what ends a statement
CREATE FUNCTION live_slow(int) RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN $1; END';
CALL reco.alter_model('live_gone', source => 'SELECT u, live_slow(i), q FROM live_gone');
SET statement_timeout = '100ms';
SELECT * FROM live_gone.recommend(12, 1);
RESET statement_timeout;
CALL reco.alter_model('live_gone', source => 'SELECT u, i, q FROM live_gone');
-- inside a parallel query there is no catching; what can be read is read
SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END AS parallel \gset
SET :parallel = regress;
SELECT string_agg(item_id::text, ' ' ORDER BY item_id) FROM live.recommend(12, NULL);
SELECT live.predict(12, 9) = live_off.predict(12, 9) AS same;
SET :parallel = on;
EXPLAIN (COSTS OFF) SELECT item_id FROM live.recommend(12, NULL);
SELECT item_id FROM live.recommend(12, 2);
RESET :parallel;

-- The ways of a client.
PREPARE live_q (bigint) AS SELECT array_agg(item_id ORDER BY item_id) FROM live.recommend($1, NULL);
BEGIN;
EXECUTE live_q (12);
INSERT INTO live_rows VALUES (12, 3, 1, 1);
EXECUTE live_q (12);
EXECUTE live_q (11);
EXECUTE live_q (10);
EXECUTE live_q (9);
EXECUTE live_q (8);
INSERT INTO live_rows VALUES (12, 6, 1, 1);
EXECUTE live_q (12);
SELECT generic_plans > 0 AS generic FROM pg_prepared_statements WHERE name = 'live_q';
ROLLBACK;
DEALLOCATE live_q;
CREATE FUNCTION live_loop() RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; line text := '';
BEGIN
  FOR k IN 1 .. 8 LOOP
    FOR r IN SELECT item_id FROM live.recommend(12, 1) LOOP
      line := line || r.item_id || ' ';
      INSERT INTO live_rows VALUES (12, r.item_id, 1, 3);
    END LOOP;
  END LOOP;
  DELETE FROM live_rows WHERE at = 3;
  RETURN cardinality(string_to_array(line, ' ')) - 1 || ' items, ' || (SELECT count(DISTINCT x) FROM unnest(string_to_array(trim(line), ' ')) AS x) || ' of them different';
END
$$;
SELECT live_loop();
BEGIN;
DECLARE c CURSOR FOR SELECT u, r.item_id FROM generate_series(11, 12) AS u, LATERAL live.recommend(u, 2) AS r ORDER BY u, r.rank;
FETCH 1 FROM c;
INSERT INTO live_rows SELECT 12, i, 1, 3 FROM generate_series(1, 10) AS i;
FETCH ALL FROM c;
CLOSE c;
SELECT count(*) FROM live.recommend(12);
DECLARE d CURSOR FOR SELECT count(*) FROM live.recommend(12);
FETCH d;
ROLLBACK;
SELECT u, count(*), min(source) FROM (VALUES (11), (12), (98)) AS v(u), LATERAL live.recommend(v.u, NULL) GROUP BY u ORDER BY u;
BEGIN READ ONLY;
SELECT live_list(12);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT live_list(12);
COMMIT;
DISCARD ALL;
SET client_min_messages = warning;
SELECT live_list(12);

-- Ids of other types, and sources of other shapes.
CREATE DOMAIN live_name AS varchar(20) CHECK (VALUE <> '');
CREATE FUNCTION live_type(user_type text, item_type text, source text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE before int; after int; new text;
BEGIN
  EXECUTE format('CREATE TABLE live_typed (who %s, what %s)', user_type, item_type);
  EXECUTE format('INSERT INTO live_typed SELECT s.u::%s, s.i::%s FROM (SELECT lpad(u::text, l, ''0'') AS u, lpad(i::text, m, ''0'') AS i
    FROM live_rows, (SELECT CASE WHEN %1$L = ''uuid'' THEN 32 ELSE 2 END AS l, CASE WHEN %2$L = ''uuid'' THEN 32 ELSE 2 END AS m) AS x) AS s', user_type, item_type);
  EXECUTE 'CREATE INDEX ON live_typed (who)';
  CALL reco.create_model('live_typed', source, reco.item_knn(shrinkage => 0));
  EXECUTE format('SELECT count(*) FROM live_typed.recommend((SELECT who FROM live_typed ORDER BY who DESC LIMIT 1)::%s, NULL)', CASE WHEN user_type = 'live_name' THEN 'text' ELSE user_type END) INTO before;
  INSERT INTO live_typed SELECT (SELECT who FROM live_typed ORDER BY who DESC LIMIT 1), what FROM (SELECT DISTINCT what FROM live_typed) AS w;
  EXECUTE format('SELECT count(*) FROM live_typed.recommend((SELECT who FROM live_typed ORDER BY who DESC LIMIT 1)::%s, NULL)', CASE WHEN user_type = 'live_name' THEN 'text' ELSE user_type END) INTO after;
  SET LOCAL enable_seqscan = off;
  new := (SELECT string_agg(trim(line), '; ') FROM live_explain('live_typed') AS line WHERE line ~ 'Index Cond');
  RESET enable_seqscan;
  CALL reco.drop_model('live_typed');
  DROP TABLE live_typed;
  RETURN format('%s before, %s after, %s', before, after, new);
END
$$;
SELECT u, i, live_type(u, i, 'live_typed') FROM (VALUES ('int', 'int'), ('smallint', 'bigint'), ('bigint', 'text'), ('text', 'uuid'), ('uuid', 'numeric'), ('numeric', 'int'),
  ('live_name', 'live_name'), ('text COLLATE "C"', 'int'), ('char(5)', 'varchar(9)')) AS v(u, i);
SELECT source, live_type('int', 'int', source) FROM (VALUES ('SELECT who, what FROM live_typed;'), ('SELECT who, what FROM live_typed; -- that is all; really'),
  ('-- first' || chr(10) || '/* second /* ; */ */ SELECT who, what FROM live_typed -- last'), ('SELECT who, what FROM live_typed /* ; */ ;;'), ('(SELECT who, what FROM live_typed)'),
  ('WITH w AS (SELECT who, what FROM live_typed) SELECT who, what FROM w'), ('TABLE live_typed'), ('SELECT who, what, what FROM live_typed'), ('SELECT who, what AS who FROM live_typed'),
  ('SELECT who AS "reco.id", what FROM live_typed'), ('SELECT who, what, count(*) FROM live_typed GROUP BY who, what'), ('SELECT DISTINCT who, what FROM live_typed'),
  ('SELECT who, what FROM live_typed WHERE what > 0 UNION ALL SELECT who, what FROM live_typed WHERE what < 0')) AS v(source);
-- a source that is a table of one name in the remembered search_path
CREATE SCHEMA live_path;
CREATE TABLE live_path.lines AS SELECT u, i FROM live_rows;
SET search_path = live_path;
CALL reco.create_model('live_named', 'lines', reco.popular());
RESET search_path;
SELECT count(*) FROM live_named.recommend(12, NULL);
INSERT INTO live_path.lines SELECT 12, i FROM generate_series(1, 9) AS i;
SELECT * FROM live_named.recommend(12, NULL);
-- shadows of it, and of what the query is made of, change nothing
CREATE SCHEMA live_shadow;
CREATE TABLE live_shadow.lines (u int, i int);
CREATE FUNCTION live_shadow.stop(int, int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''captured =''; RETURN true; END';
CREATE OPERATOR live_shadow.= (LEFTARG = int, RIGHTARG = int, FUNCTION = live_shadow.stop);
CREATE TEMP TABLE lines (u int, i int);
SET search_path = live_shadow, pg_temp, pg_catalog, public;
SELECT * FROM live_named.recommend(12, NULL);
RESET search_path;
DISCARD TEMP;

-- Who reads: the owner, confined; whoever calls needs no rights on the source.
DROP ROLE IF EXISTS regress_live_owner, regress_live_app;
CREATE ROLE regress_live_owner;
CREATE ROLE regress_live_app;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_live_owner', current_database()); END $$;
CREATE TABLE live_secret (who text);
CREATE SCHEMA live_own AUTHORIZATION regress_live_owner;
SET ROLE regress_live_owner;
CREATE TABLE live_own.lines (u int, i int);
INSERT INTO live_own.lines VALUES (1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (3, 3), (3, 4);
CREATE FUNCTION live_own.attempt() RETURNS int STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN 0; END';
CALL reco.create_model('live_model', 'SELECT u, i + live_own.attempt() FROM live_own.lines', reco.popular());
CALL reco.grant_use('live_model', 'regress_live_app');
INSERT INTO live_own.lines VALUES (1, 3);
SET ROLE regress_live_app;
SELECT item_id FROM live_model.recommend(1, NULL);
SELECT count(*) FROM live_own.lines;
SELECT * FROM reco.explain_source('live_model');
RESET ROLE;
CREATE FUNCTION live_hostile(body text, mode text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  SET LOCAL ROLE regress_live_owner;
  EXECUTE format('CREATE OR REPLACE FUNCTION live_own.attempt() RETURNS int %s LANGUAGE plpgsql AS %L', split_part(mode, ' ', 2), 'BEGIN ' || body || '; RETURN 0; END');
  EXECUTE format('CALL reco.alter_model(''live_model'', options => reco.options(live => %L))', split_part(mode, ' ', 1));
  RESET ROLE;
  BEGIN
    SELECT string_agg(item_id::text, ' ' ORDER BY item_id) INTO result FROM live_model.recommend(1, NULL);
  EXCEPTION WHEN query_canceled OR OTHERS THEN
    result := sqlstate;
  END;
  IF current_user <> session_user OR EXISTS (SELECT FROM live_secret) OR (SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_live_owner') THEN
    result := 'it left something behind';
  END IF;
  RETURN result;
END
$$;
SELECT body, live_hostile(body, 'on stable') AS on_stable, live_hostile(body, 'on volatile') AS on_volatile, live_hostile(body, 'auto stable') AS auto_stable,
       live_hostile(body, 'auto volatile') AS auto_volatile FROM (VALUES
  ('NULL'), ('IF current_user <> ''regress_live_owner'' THEN RAISE EXCEPTION ''another''; END IF'),
  ('INSERT INTO public.live_secret VALUES (current_user)'), ('PERFORM * FROM public.live_secret'),
  ('ALTER ROLE regress_live_owner SUPERUSER'), ('SET ROLE NONE'), ('RESET SESSION AUTHORIZATION'), ('PERFORM set_config(''role'', ''none'', false)'),
  ('PERFORM set_config(''search_path'', ''public'', false)'), ('CREATE TEMP TABLE hidden (x int)'), ('EXECUTE ''DECLARE c CURSOR WITH HOLD FOR SELECT 1'''), ('COMMIT'),
  ('PERFORM pg_read_file(''PG_VERSION'')'), ('RAISE division_by_zero'), ('RAISE query_canceled'),
  ('PERFORM item_id FROM live_model.recommend(1)'), ('PERFORM item_id FROM live.recommend(1)')) AS v(body);
SHOW search_path;
-- rights that are taken away
SELECT live_hostile('NULL', 'auto stable');
ALTER TABLE live_own.lines OWNER TO CURRENT_USER;
SELECT item_id FROM live_model.recommend(1, NULL);
SELECT * FROM reco.explain_source('live_model');
CALL reco.alter_model('live_model', options => reco.options(live => 'on'));
SELECT item_id FROM live_model.recommend(1, NULL);
GRANT SELECT ON live_own.lines TO regress_live_owner;
SELECT item_id FROM live_model.recommend(1, NULL);
-- policies are those of the owner
ALTER TABLE live_own.lines ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON live_own.lines USING (i <> 3 OR current_user <> 'regress_live_owner');
ALTER FUNCTION live_own.attempt SET search_path = pg_catalog, pg_temp;
SELECT item_id FROM live_model.recommend(1, NULL);
SET ROLE regress_live_app;
SELECT item_id FROM live_model.recommend(1, NULL);
RESET ROLE;
DROP POLICY own ON live_own.lines;
ALTER TABLE live_own.lines DISABLE ROW LEVEL SECURITY;

-- Sources that ask models in turn.
CALL reco.create_model('live_inner', 'SELECT u, i FROM live_rows', reco.popular());
CREATE FUNCTION live_nested(int) RETURNS int STABLE LANGUAGE sql AS 'SELECT count(*)::int * 0 + $1 FROM live_inner.recommend($1)';
CALL reco.create_model('live_outer', 'SELECT u, live_nested(i) FROM live_rows', reco.popular());
SELECT count(*) FROM live_outer.recommend(12, NULL);
CREATE OR REPLACE FUNCTION live_nested(int) RETURNS int STABLE LANGUAGE sql AS 'SELECT count(*)::int * 0 + $1 FROM live_outer.recommend($1)';
SELECT count(*) FROM live_outer.recommend(12, NULL);
-- a source that trains its own model, if it must be asked
CREATE OR REPLACE FUNCTION live_nested(int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('live.train', true) = 'yes' THEN
    PERFORM set_config('live.train', 'no', true);
    CALL reco.refresh('live_outer');
    PERFORM * FROM live_outer.recommend(12);
  END IF;
  RETURN $1;
END
$$;
CALL reco.alter_model('live_outer', options => reco.options(live => 'on'));
SELECT count(*) FROM live_outer.recommend(12, NULL);
SET live.train = 'yes';
SELECT count(*) FROM live_outer.recommend(12, NULL);
SELECT live_outer.predict(12, 3);
SELECT count(*) FROM live_outer.rerank(12, ARRAY[3]);
RESET live.train;
SELECT count(*) FROM live_outer.recommend(12, NULL);

-- What is available.
CREATE TABLE live_stock (id int PRIMARY KEY, title text, available bool);
INSERT INTO live_stock SELECT i, 'item ' || i % 3, true FROM generate_series(1, 10) AS i;
CALL reco.create_model('live_stock', 'SELECT u, i FROM live_rows', reco.popular(), items => 'SELECT id, title, available FROM live_stock');
CALL reco.create_model('live_stock_content', 'SELECT u, i FROM live_rows', reco.content(), items => 'live_stock');
CALL reco.create_model('live_stock_knn', 'SELECT u, i FROM live_rows', reco.item_knn(shrinkage => 0), items => 'SELECT id::bigint, available FROM live_stock ORDER BY id', options => reco.options(live => 'off'));
CREATE FUNCTION live_shown() RETURNS TABLE (model text, recommend text, basket text, unknown text, popular text, two text) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH model IN ARRAY ARRAY['live_stock', 'live_stock_content', 'live_stock_knn'] LOOP
    EXECUTE format($q$ SELECT (SELECT string_agg(item_id::text, ' ' ORDER BY item_id) FROM %1$I.recommend(3, NULL)),
      (SELECT string_agg(item_id::text, ' ' ORDER BY item_id) FROM %1$I.recommend_for(ARRAY[9, 10], n => NULL)),
      (SELECT string_agg(item_id::text, ' ' ORDER BY item_id) FROM %1$I.recommend(98, NULL)),
      (SELECT string_agg(item_id::text, ' ' ORDER BY rank) FROM %1$I.popular(NULL)),
      (SELECT count(*) || ' ' || count(DISTINCT item_id) || ' ' || max(rank) FROM %1$I.recommend(3, 2, diversity => 0.5, explore => 0.5)) $q$, model)
      INTO recommend, basket, unknown, popular, two;
    RETURN NEXT;
  END LOOP;
END
$$;
SELECT * FROM live_shown();
BEGIN;
UPDATE live_stock SET available = false WHERE id IN (4, 5, 6, 7, 8);
UPDATE live_stock SET available = NULL WHERE id = 2;
DELETE FROM live_stock WHERE id = 1;
SELECT * FROM live_shown();
UPDATE live_stock SET available = id = 10;
SELECT * FROM live_shown();
SELECT item_id FROM live_stock.recommend(3, 5, among => ARRAY[9, 10], exclude => ARRAY[1]);
SELECT count(*) FROM live_stock.recommend(3, 5, exclude => ARRAY[10]);
SELECT item_id FROM reco.recommend('live_stock', 3, 5);
SELECT count(*) FROM live_stock.rerank(3, ARRAY[9, 10]);
TRUNCATE live_stock;
SELECT * FROM live_shown();
ROLLBACK;
SELECT popular FROM live_shown();
-- exactly n, whatever share is out of stock
CREATE TABLE live_many AS SELECT g % 200 AS u, (g * 7 + g / 200) % 1009 AS i FROM generate_series(1, 20000) AS g;
CREATE TABLE live_many_stock AS SELECT i AS id, i % 37 = 0 AS available FROM generate_series(0, 1008) AS i;
CREATE INDEX ON live_many (u);
CREATE INDEX ON live_many_stock (id);
ANALYZE live_many, live_many_stock;
CALL reco.create_model('live_many', 'live_many', reco.ials(factors => 4, iterations => 1, regularization => 0.01, alpha => 1), items => 'live_many_stock');
SELECT n, count(*) AS rows, bool_and(item_id % 37 = 0) AS all_available, count(DISTINCT item_id) = count(*) AS different,
       count(*) = least(n, (SELECT count(DISTINCT i) FROM live_many AS m WHERE i % 37 = 0 AND NOT EXISTS (SELECT FROM live_many AS s WHERE s.u = 7 AND s.i = m.i))) AS as_many_as_there_are
  FROM unnest(ARRAY[1, 2, 5, 100]) AS n, live_many.recommend(7, n) GROUP BY n ORDER BY n;
-- in the order of the scores: the list of all, less what is not available
SELECT (SELECT array_agg(item_id ORDER BY rank) FROM live_many.recommend(7, NULL) WHERE source = 'model')
     = (SELECT array_agg(item_id ORDER BY score DESC, item_id) FROM live_many.rerank(7, ARRAY(SELECT DISTINCT i FROM live_many AS m
          WHERE i % 37 = 0 AND NOT EXISTS (SELECT FROM live_many AS s WHERE s.u = 7 AND s.i = m.i)))) AS same;
SELECT line FROM live_explain('live_many') AS line;
-- similar items, in each of the ways that they are found: the first n of all that are available
CALL reco.create_model('live_many_knn', 'live_many', reco.item_knn(neighbors => 200, shrinkage => 0), items => 'live_many_stock');
CALL reco.create_model('live_many_toward', 'live_many', reco.item_knn(similarity => 'asymmetric', neighbors => 200, shrinkage => 0), items => 'live_many_stock');
CALL reco.create_model('live_many_content', 'live_many', reco.content(), items => 'SELECT id, ARRAY[id % 5, id % 37] AS tags, available FROM live_many_stock');
CREATE TABLE live_many_similar (model text, item int, rank int, other int, similarity float8);
CREATE FUNCTION live_similar() RETURNS TABLE (model text, rows bigint, full_lists boolean, same boolean) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH model IN ARRAY ARRAY['live_many', 'live_many_knn', 'live_many_toward', 'live_many_content'] LOOP
    EXECUTE format($q$ WITH asked AS (SELECT i, r.* FROM generate_series(0, 1000, 111) AS i, %1$I.similar_items(i, 3) AS r),
      wanted AS (SELECT item AS i, (row_number() OVER (PARTITION BY item ORDER BY s.rank))::int AS rank, other AS item_id, s.similarity
        FROM live_many_similar AS s JOIN live_many_stock ON id = other AND available WHERE s.model = %1$L)
      SELECT (SELECT count(*) FROM asked), (SELECT count(*) FROM asked) = 3 * (SELECT count(*) FROM generate_series(0, 1000, 111)),
        NOT EXISTS (SELECT * FROM asked EXCEPT SELECT * FROM wanted) AND NOT EXISTS (SELECT * FROM wanted WHERE wanted.rank <= 3 EXCEPT SELECT * FROM asked) $q$, model)
      INTO rows, full_lists, same;
    RETURN NEXT;
  END LOOP;
END
$$;
UPDATE live_many_stock SET available = true;
DO $$
DECLARE
  model text;
BEGIN
  FOREACH model IN ARRAY ARRAY['live_many', 'live_many_knn', 'live_many_toward', 'live_many_content'] LOOP
    EXECUTE format('INSERT INTO live_many_similar SELECT %1$L, i, r.* FROM generate_series(0, 1000, 111) AS i, %1$I.similar_items(i, NULL) AS r', model);
  END LOOP;
END $$;
SELECT * FROM live_similar();
UPDATE live_many_stock SET available = id % 10 < 3;
SELECT * FROM live_similar();
UPDATE live_many_stock SET available = id = 5;
SELECT * FROM live_similar();
UPDATE live_many_stock SET available = id % 37 = 0;
SELECT count(*) FROM live_many.similar_users(7, 5);
-- when items cannot be read any more: a warning, or with 'on' an error; without the column, no check
ALTER TABLE live_stock RENAME available TO in_stock;
SELECT item_id FROM live_stock.popular(2);
SELECT item_id FROM live_stock.popular(2);
SELECT line FROM live_explain('live_stock') AS line WHERE line ~ 'available';
CALL reco.alter_model('live_stock', options => reco.options(live => 'on'));
SELECT item_id FROM live_stock.popular(2);
CALL reco.alter_model('live_stock', items => 'SELECT id, title FROM live_stock');
SELECT item_id FROM live_stock.popular(2);
CALL reco.alter_model('live_stock', items => 'SELECT id, title, in_stock AND id > 2 AS available FROM live_stock');
SELECT item_id FROM live_stock.popular(2);
SET :parallel = regress;
SELECT item_id FROM live_stock.popular(2);
RESET :parallel;

CALL reco.drop_model('live_stock');
CALL reco.drop_model('live_stock_content');
CALL reco.drop_model('live_stock_knn');
CALL reco.drop_model('live_many');
CALL reco.drop_model('live_many_knn');
CALL reco.drop_model('live_many_toward');
CALL reco.drop_model('live_many_content');
CALL reco.drop_model('live_outer');
CALL reco.drop_model('live_inner');
CALL reco.drop_model('live_model');
CALL reco.drop_model('live_named');
CALL reco.drop_model('live_gone');
CALL reco.drop_model('live_big');
DROP FUNCTION live_list, live_scores, live_basket, live_als_is, live_explain, live_seen, live_break, live_slow, live_loop, live_type, live_hostile, live_nested, live_shown, live_similar;
CALL reco.drop_model('live_als');
CALL reco.drop_model('live');
CALL reco.drop_model('live_off');
DROP SCHEMA live_path, live_shadow, live_own CASCADE;
DROP VIEW live_view;
DROP TABLE live_rows, live_ratings, live_about, live_big, live_orders, "live lines", live_gone, live_secret, live_stock, live_many, live_many_stock, live_many_similar, live_parts;
DROP DOMAIN live_name;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_live_owner', current_database()); END $$;
DROP ROLE regress_live_owner, regress_live_app;

-- What asks a source has no place in a parallel plan: it could not catch errors there, nor may
-- functions of the source run in a worker.  Fallback and fresh rows are as without.
CREATE TABLE live_par AS SELECT g % 3000 AS u, (g * 7) % 500 AS i FROM generate_series(1, 30000) AS g;
CREATE INDEX ON live_par (u);
CREATE FUNCTION live_unsafe(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN BEGIN RETURN 1; EXCEPTION WHEN OTHERS THEN RETURN 2; END; END';
CALL reco.create_model('live_par', 'SELECT u, i FROM live_par WHERE live_unsafe(u) = 1', reco.ials(factors => 4, iterations => 2, regularization => 0.01, alpha => 1));
CREATE TABLE live_nums AS SELECT g FROM generate_series(1, 20000) AS g;
ANALYZE live_nums;
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT sum(g) FROM live_nums;
EXPLAIN (COSTS OFF) SELECT sum(live_par.predict(g % 3000, 3)) FROM live_nums;
SELECT sum(live_par.predict(g % 3000, 3)) <> 0 AS answered FROM live_nums;
INSERT INTO live_par SELECT 9001, i FROM live_par WHERE u = 7;
SELECT count(DISTINCT g), count(*) > 100 AS fresh FROM live_nums, live_par.recommend(9001, NULL) AS r WHERE g <= 3 AND r.source <> 'popular';
-- with a broken source, of every function: as many rows as from the training
CALL reco.alter_model('live_par', options => reco.options(live => 'off'));
CREATE FUNCTION live_par_rows() RETURNS TABLE (asked text, rows bigint) LANGUAGE sql AS $$
  SELECT 'recommend', count(*) FROM live_nums, live_par.recommend(g, 5) WHERE g <= 20
  UNION ALL SELECT 'recommend_for', count(*) FROM live_nums, live_par.recommend_for(ARRAY[g], n => 5) WHERE g <= 20
  UNION ALL SELECT 'rerank', count(*) FROM live_nums, live_par.rerank(g, ARRAY[1, 2]) WHERE g <= 20
  UNION ALL SELECT 'predict', count(live_par.predict(g, 3)) FROM live_nums WHERE g <= 20
  UNION ALL SELECT 'explain', count(*) FROM live_nums, live_par.explain(g, 3) WHERE g <= 20
  UNION ALL SELECT 'similar_items', count(*) FROM live_nums, live_par.similar_items(g, 5) WHERE g <= 20
  UNION ALL SELECT 'popular', count(*) FROM live_nums, live_par.popular(5) WHERE g <= 20
  UNION ALL SELECT 'reco.recommend', count(*) FROM live_nums, reco.recommend('live_par', g, 5) WHERE g <= 20 $$;
CREATE TEMP TABLE live_par_off AS SELECT * FROM live_par_rows();
SELECT count(*), min(rows) > 0 AS all_answer FROM live_par_off;
CALL reco.alter_model('live_par', options => reco.options(live => 'auto'), items => 'SELECT i AS id, true AS available FROM live_par');
ALTER TABLE live_par RENAME u TO user_id;
ALTER TABLE live_par RENAME i TO item_id;
SELECT l.* FROM live_par_rows() AS l EXCEPT SELECT * FROM live_par_off;
DROP TABLE live_par_off;
DROP FUNCTION live_par_rows;
ROLLBACK;
CALL reco.drop_model('live_par');
DROP FUNCTION live_unsafe;
DROP TABLE live_par, live_nums;
-- which functions may run in workers: those that ask nothing, of the model and of what stands behind
CALL reco.create_model('live_marks', 'SELECT md5(u::text)::uuid, i::date FROM (VALUES (1, ''2020-01-01''), (2, ''2020-01-02'')) AS v(u, i)', reco.popular());
SELECT pronamespace::regnamespace AS schema, proparallel AS parallel, string_agg(DISTINCT proname::text COLLATE "C", ' ') AS functions
  FROM pg_proc WHERE pronamespace = 'live_marks'::regnamespace OR pronamespace = 'reco'::regnamespace AND proname ~ '^serve_|^recommend$'
 GROUP BY 1, 2 ORDER BY 1::text COLLATE "C", 2;
CALL reco.drop_model('live_marks');

-- A user with more rows than are sorted in good time is served from the training, the others
-- from the source still; with live => 'on' it is an error.
CREATE TABLE live_long (u int, i int) WITH (autovacuum_enabled = off);
INSERT INTO live_long SELECT u, (u + i * i) % 20 FROM generate_series(1, 20000) AS u, generate_series(1, 3) AS i;
CREATE INDEX ON live_long (u);
ANALYZE live_long;
CALL reco.create_model('live_long', 'SELECT u, i FROM live_long', reco.item_knn(shrinkage => 0));
SELECT count(*) AS left_of_7 FROM live_long.recommend(7, NULL);
INSERT INTO live_long SELECT 7, g % 15 FROM generate_series(1, 1100000) AS g;
INSERT INTO live_long SELECT 8, g FROM generate_series(0, 15) AS g;
SELECT u, count(*) FROM unnest(ARRAY[8, 7, 8]) WITH ORDINALITY AS l(u, o), live_long.recommend(u, NULL) GROUP BY o, u ORDER BY o;
CALL reco.alter_model('live_long', options => reco.options(live => 'on'));
SELECT count(*) FROM live_long.recommend(7, NULL);
CALL reco.drop_model('live_long');
DROP TABLE live_long;

-- Rows wait for their look-ups some at a time: of all numbers of rows none is lost, with repeats,
-- unknown items and rows without one among them, whatever the type of the ids.
CREATE TABLE live_some (u int, i int);
CREATE INDEX ON live_some (u);
CREATE TEMP TABLE live_types (type regtype);
INSERT INTO live_types VALUES ('smallint'), ('bigint'), ('text'), ('numeric');
DO $$
DECLARE
  t regtype;
BEGIN
  FOR t IN SELECT type FROM live_types LOOP
    INSERT INTO live_some SELECT u, (u + k) % 60 FROM generate_series(1, 60) AS u, generate_series(0, 3) AS k;
    ANALYZE live_some;
    EXECUTE format('CALL reco.create_model(%L, %L, reco.popular())', 'live_some_' || t, format('SELECT u, i::%s FROM live_some', t));
    DELETE FROM live_some;
  END LOOP;
END $$;
INSERT INTO live_some SELECT u, (u * 7 + k * 13) % 60 FROM generate_series(1, 40) AS u, generate_series(1, u) AS k;
INSERT INTO live_some SELECT u, i FROM live_some WHERE u % 3 = 0;
INSERT INTO live_some SELECT u, CASE WHEN k % 2 = 0 THEN 1000 + k END FROM generate_series(1, 40, 5) AS u, generate_series(1, u) AS k;
SELECT t.type, count(*) AS users, count(*) FILTER (WHERE listed = 60 - u) AS right_length, sum(had) AS had
  FROM live_types AS t, generate_series(1, 40) AS u, LATERAL (
         SELECT count(*) AS listed, count(*) FILTER (WHERE EXISTS (SELECT FROM live_some AS s WHERE s.u = u.u AND s.i::text = r.item_id)) AS had
           FROM reco.recommend('live_some_' || t.type, u, 60) AS r) AS l
 GROUP BY t.type ORDER BY t.type::text COLLATE "C";
DO $$ DECLARE t regtype; BEGIN FOR t IN SELECT type FROM live_types LOOP EXECUTE format('CALL reco.drop_model(%L)', 'live_some_' || t); END LOOP; END $$;
DROP TABLE live_some, live_types;
