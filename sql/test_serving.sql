--
-- The functions of a model: how many rows, which, in which order; filters,
-- fallback, and every way a client may call them.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- S1 of the cases with a .. e as 1 .. 5, and user 5 who has everything
CREATE TABLE srv_rows (u int, i int);
INSERT INTO srv_rows VALUES (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 4), (3, 2), (3, 3), (3, 5), (4, 1),
  (5, 1), (5, 2), (5, 3), (5, 4), (5, 5);
CALL reco.create_model('srv', 'srv_rows', reco.ials(factors => 2, regularization => 1, alpha => 1), options => reco.options(value => 'raw'));
-- numbers as rows have them, in the machine's order
CREATE OR REPLACE FUNCTION packed(numbers real[]) RETURNS bytea LANGUAGE sql AS $$
  SELECT coalesce(string_agg(substr(b, 4, 1) || substr(b, 3, 1) || substr(b, 2, 1) || substr(b, 1, 1), '' ORDER BY n), '')
    FROM (SELECT n, float4send(x) AS b FROM unnest(numbers) WITH ORDINALITY AS u(x, n)) AS s
$$;
-- A model is its tables: with factors of our own every score can be checked by hand.
CREATE FUNCTION srv_factors() RETURNS void BEGIN ATOMIC
  UPDATE srv.model_item SET parts = ARRAY[packed(CASE item_id WHEN 1 THEN '{3,4}' WHEN 2 THEN '{6,8}' WHEN 3 THEN '{4,-3}'
    WHEN 4 THEN '{4,3}' ELSE '{0,0}' END::real[])];
  UPDATE srv.model_user SET parts = ARRAY[packed(CASE user_id WHEN 1 THEN '{0,1}' WHEN 2 THEN '{1,1}' WHEN 3 THEN '{-1,0}'
    WHEN 4 THEN '{1,0}' ELSE '{2,0}' END::real[])];
  UPDATE srv.model_version SET nonce = nonce + 1;
  UPDATE srv.model SET active_nonce = active_nonce + 1;
END;
SELECT srv_factors();

-- C23: exactly n after every filter
SELECT * FROM srv.recommend(4, 2);
SELECT * FROM srv.recommend(1, 5);
SELECT * FROM srv.recommend(1, 1, exclude => ARRAY[4]);
SELECT * FROM srv.recommend(1, 1, exclude => ARRAY[4, 5]);
SELECT * FROM srv.recommend(4, 2, include_seen => true);
SELECT * FROM srv.recommend(4, 10, include_seen => true);
-- C24: n beyond the candidates, nothing left, the bounds of n
SELECT * FROM srv.recommend(4, 1000);
SELECT * FROM srv.recommend(4, 10, among => ARRAY[2]);
SELECT * FROM srv.recommend(5, 3);
SELECT * FROM srv.recommend(4, 0);
SELECT count(*) FROM srv.recommend(4, NULL);
SELECT count(*) FROM srv.recommend(4, 2147483647);
SELECT * FROM srv.recommend(4, -1);
SELECT * FROM srv.popular(-1);
SELECT * FROM srv.similar_items(1, -1);
SELECT * FROM srv.similar_users(1, -1);
SELECT * FROM srv.recommend_for(ARRAY[1], n => -1);
-- among and exclude together, with items that are seen, unknown, repeated or out of range
SELECT * FROM srv.recommend(4, among => ARRAY[1, 3, 3, 4, 99, 99999999999], exclude => ARRAY[4, 77, -99999999999]);
SELECT * FROM srv.recommend(4, among => '{}');
SELECT count(*) FROM srv.recommend(4, exclude => '{}');
SELECT * FROM srv.recommend(4, among => ARRAY[99]);
SELECT * FROM srv.recommend(4, among => ARRAY[2, NULL]);
SELECT * FROM srv.recommend(4, exclude => ARRAY[NULL::int]);

-- C25: ties go by item id; paging has no gap and no repeat; the same in a parallel worker
SELECT count(*), count(DISTINCT items) AS lists
  FROM generate_series(1, 20) AS g, LATERAL (SELECT array_agg(item_id ORDER BY rank) AS items
    FROM srv.recommend(4, 3) WHERE g > 0) AS r;
SELECT item_id FROM srv.recommend(4, NULL) ORDER BY rank LIMIT 2;
SELECT item_id FROM srv.recommend(4, NULL) ORDER BY rank LIMIT 2 OFFSET 2;
-- named otherwise from version 16 on
SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END AS parallel \gset
SET :parallel = on;
SELECT * FROM srv.recommend(4, 3);
SELECT srv.predict(4, 2);
RESET :parallel;

-- C28: the fallback of an unknown user obeys the filters
CREATE TABLE srv_shop (u int, i text);
INSERT INTO srv_shop VALUES (1, 'p1'), (2, 'p1'), (3, 'p1'), (1, 'p2'), (2, 'p2'), (2, 'p3'), (3, 'p3'), (3, 'p4');
CALL reco.create_model('srv_cold', 'srv_shop', reco.ials(factors => 2));
CALL reco.create_model('srv_popular', 'srv_shop', reco.popular());
SELECT * FROM srv_cold.popular();
SELECT * FROM srv_popular.popular();
SELECT * FROM srv_cold.recommend(9, 3, exclude => ARRAY['p2']);
SELECT * FROM srv_cold.recommend(9, 3, exclude => ARRAY['p2'], among => ARRAY['p2', 'p3', 'p4']);
SELECT * FROM srv_cold.recommend(3, exclude => ARRAY['p2']);
SELECT * FROM srv_popular.recommend(9, 3, exclude => ARRAY['p2']);
SELECT * FROM srv_popular.recommend(3);
SELECT * FROM srv_popular.recommend(3, exclude => ARRAY['p2']);
SELECT * FROM srv_popular.recommend_for(ARRAY['p1']);
SELECT srv_popular.predict(3, 'p2');
SELECT * FROM srv_popular.explain(3, 'p2');
SELECT * FROM srv_popular.similar_items('p1');
SELECT * FROM srv_popular.similar_users(1);
SELECT * FROM srv_cold.recommend(9, fallback => 'none');
SELECT count(*) FROM srv_cold.recommend(9, fallback => 'popular');
SELECT count(*) FROM srv_cold.recommend(9, fallback => NULL);
SELECT * FROM srv_cold.recommend(9, fallback => 'random');
SELECT * FROM srv_cold.recommend(1, 0, fallback => 'random');

-- rerank: every item that was given, unknown ones last, each once
SELECT * FROM srv.rerank(4, ARRAY[5, 1, 99, 2, 3, 4]);
SELECT * FROM srv.rerank(4, ARRAY[2, 98, 2, 97, 98, 1]);
SELECT * FROM srv.rerank(9, ARRAY[5, 99, 1, 2]);
SELECT * FROM srv.rerank(NULL, ARRAY[1, 2]);
SELECT * FROM srv.rerank(4, '{}');
SELECT * FROM srv.rerank(4, NULL);
SELECT * FROM srv.rerank(4, ARRAY[1, NULL]);
-- more than fits a first allocation
SELECT count(*), count(score), min(item_id), max(item_id) FROM srv.rerank(4, ARRAY(SELECT generate_series(1, 1000)));

-- baskets: A = Y'Y + 1 + yy' = (94 48; 48 108), b = 2y = (8 -6) for item 3 bought once
SELECT rank, item_id, round(score::float8::numeric, 5) AS score, source FROM srv.recommend_for(ARRAY[3]);
SELECT rank, item_id, round(score::float8::numeric, 5) AS score FROM srv.recommend_for(ARRAY[3], weights => ARRAY[10], n => 1);
SELECT rank, item_id, round(score::float8::numeric, 5) AS score FROM srv.recommend_for(ARRAY[3, 3], weights => ARRAY[4, 6], n => 1);
SELECT rank, item_id, round(score::float8::numeric, 5) AS score
  FROM srv.recommend_for(ARRAY[3, 99, 99999999999], among => ARRAY[1, 3, 5], exclude => ARRAY[5]);
SELECT * FROM srv.recommend_for(ARRAY[99], n => 2);
SELECT * FROM srv.recommend_for('{}', n => 2);
SELECT * FROM srv.recommend_for(NULL);
SELECT * FROM srv.recommend_for(ARRAY[1, 2, 3, 4, 5]);
SELECT * FROM srv.recommend_for(ARRAY[1, 2], weights => ARRAY[1]);
SELECT * FROM srv.recommend_for(ARRAY[1, NULL]);
SELECT * FROM srv.recommend_for(ARRAY[1], weights => ARRAY[NULL::real]);
SELECT * FROM srv.recommend_for(ARRAY[1], weights => ARRAY['NaN'::real]);
SELECT * FROM srv.recommend_for(ARRAY[1], weights => ARRAY[1e19]);

-- neighbours by cosine; a zero vector is like nothing
SELECT * FROM srv.similar_items(1);
SELECT * FROM srv.similar_items(1, 1);
SELECT * FROM srv.similar_items(5);
SELECT * FROM srv.similar_items(99);
SELECT * FROM srv.similar_items(NULL);
SELECT * FROM srv.similar_items(1, 0);
-- bit for bit what the similarity functions say of the factors
CALL reco.create_model('srv_cosine', 'srv_rows', reco.ials(factors => 24));
SELECT count(*), count(*) FILTER (WHERE s.similarity <> reco.cosine_similarity(f.factors, g.factors)) AS different
  FROM srv_cosine.item_factors f, LATERAL srv_cosine.similar_items(f.item_id) s
  JOIN srv_cosine.item_factors g ON g.item_id = s.item_id;
CALL reco.drop_model('srv_cosine');
SELECT rank, user_id, round(similarity::float8::numeric, 6) AS similarity FROM srv.similar_users(4);
SELECT user_id FROM srv.similar_users(4, 1);
SELECT * FROM srv.similar_users(99);
SELECT * FROM srv.similar_users(NULL);

-- ids as text, for tools that know no types
SELECT * FROM reco.recommend('srv', 4, 2);
SELECT rank, item_id, pg_typeof(item_id) FROM reco.recommend('srv', '4', 2);
SELECT * FROM reco.recommend('srv', 4::bigint, n => 2, include_seen => true);
SELECT * FROM reco.recommend('srv_cold', 9, n => 1);
SELECT * FROM reco.recommend('srv_cold', 9, fallback => 'none');
SELECT count(*) FROM reco.recommend('srv', 4, n => NULL);
SELECT * FROM reco.recommend('srv', NULL::int);
SELECT * FROM reco.recommend('srv', 'four');
SELECT * FROM reco.recommend('srv', 4, n => -1);

-- C36: nothing to go by, or not there
SELECT * FROM srv.recommend(99, 2);
SELECT * FROM srv.recommend(99999999999, 2);
SELECT * FROM srv.recommend(NULL);
SELECT * FROM srv_no.recommend(1);
SELECT * FROM reco.recommend('srv_no', 1);
SELECT * FROM reco.recommend('public', 1);
SELECT * FROM reco.recommend(NULL, 1);
DISCARD ALL;
SELECT * FROM srv.recommend(4, 1);
\c -
SELECT * FROM srv.recommend(4, 1);
SELECT * FROM srv.similar_users(4, 1);
SET client_min_messages = warning;
BEGIN;
CALL reco.create_model('srv_undone', 'VALUES (1, 1), (2, 2)', reco.popular());
SELECT * FROM srv_undone.recommend(1);
ROLLBACK;
SELECT * FROM srv_undone.recommend(1);
CALL reco.create_model('srv_undone', 'VALUES (1, 3), (2, 4)', reco.popular());
SELECT * FROM srv_undone.recommend(1);
-- a version that is rolled back is not served from any cache, though its number comes again
CREATE TABLE srv_changing (u int, i int);
INSERT INTO srv_changing VALUES (1, 10), (2, 20);
CALL reco.create_model('srv_changing', 'srv_changing', reco.popular());
BEGIN;
SELECT item_id FROM srv_changing.recommend(1);
SAVEPOINT s;
UPDATE srv_changing SET i = i + 1;
CALL reco.refresh('srv_changing');
SELECT item_id FROM srv_changing.recommend(1);
ROLLBACK TO s;
SELECT item_id FROM srv_changing.recommend(1);
UPDATE srv_changing SET i = i + 2;
CALL reco.refresh('srv_changing');
SELECT item_id FROM srv_changing.recommend(1);
COMMIT;
SELECT item_id FROM srv_changing.recommend(1);

-- how it may be called
EXPLAIN (COSTS OFF) SELECT * FROM srv.recommend(1);
EXPLAIN (COSTS OFF) SELECT u, r.* FROM (VALUES (1), (4)) AS v(u), srv.recommend(v.u) AS r;
SELECT u, r.rank, r.item_id, r.score
  FROM (SELECT DISTINCT u FROM srv_rows) AS users, LATERAL srv.recommend(users.u, 1) AS r ORDER BY u;
SELECT u, r.rank, r.item_id FROM generate_series(4, 6) AS u LEFT JOIN LATERAL srv.recommend(u, 1) AS r ON true ORDER BY u;
PREPARE srv_q (bigint, int) AS SELECT $1 AS u, array_agg(item_id ORDER BY rank) FROM srv.recommend($1, $2);
EXECUTE srv_q (1, 2);
EXECUTE srv_q (2, 2);
EXECUTE srv_q (3, 2);
EXECUTE srv_q (4, 2);
EXECUTE srv_q (5, 2);
EXECUTE srv_q (4, 3);
EXECUTE srv_q (NULL, NULL);
SELECT generic_plans > 0 AS generic FROM pg_prepared_statements WHERE name = 'srv_q';
DEALLOCATE srv_q;
CREATE FUNCTION srv_loop(who int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r record; line text := '';
BEGIN
  FOR r IN SELECT * FROM srv.recommend(who, NULL) LOOP
    line := line || r.item_id || '=' || r.score || ' ';
  END LOOP;
  RETURN line || coalesce(srv.predict(who, 2), -1);
END
$$;
SELECT who, srv_loop(who) FROM generate_series(4, 6) AS who;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT rank, item_id FROM srv.recommend(4, NULL);
FETCH 2 FROM c;
DELETE FROM srv.model_user;
FETCH ALL FROM c;
FETCH FIRST FROM c;
ROLLBACK;
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT rank, item_id FROM srv.recommend(4, NULL);
FETCH 1 FROM h;
COMMIT;
FETCH 1 FROM h;
CLOSE h;
BEGIN READ ONLY;
SELECT item_id FROM srv.recommend(4, 1);
SELECT item_id FROM srv.similar_items(1, 1);
SELECT srv.predict(4, 2);
SELECT model, status FROM reco.models WHERE model = 'srv';
COMMIT;

CALL reco.drop_model('srv_cold');
CALL reco.drop_model('srv_popular');
CALL reco.drop_model('srv_undone');
CALL reco.drop_model('srv_changing');
DROP FUNCTION srv_loop, srv_factors;
CALL reco.drop_model('srv');
DROP TABLE srv_rows, srv_shop, srv_changing;
