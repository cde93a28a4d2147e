--
-- What every list leaves out and puts first: availability, among, exclude, boosts; ids
-- that no item can have; and what is missing is said.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

CREATE TABLE fil_rows AS
  SELECT u, i, 1 AS q, timestamp '2024-03-01' - make_interval(days => u * (i % 7)) AS at
    FROM generate_series(1, 40) AS u, generate_series(1, 20) AS i WHERE (u * i + i) % 5 IN (1, 2);
CREATE TABLE fil_items AS SELECT i AS id, CASE i % 3 WHEN 0 THEN 'a' ELSE 'b' END AS sort, i % 4 <> 0 AS available FROM generate_series(1, 25) AS i;
ALTER TABLE fil_items ADD PRIMARY KEY (id);

-- No list of any algorithm has anything that is not available, or filtered: 4, 8, 12, ... are
-- not available, of the others among takes 1 to 12 and 21 to 23, and exclude 2, 3 and 22.
CREATE FUNCTION fil_lists(OUT list text, OUT items bigint, OUT hidden bigint, OUT filtered bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  f CONSTANT text := 'among => ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 21, 22, 23], exclude => ARRAY[2, 3, 22]';
  call text;
BEGIN
  FOREACH call IN ARRAY ARRAY['recommend(u, NULL, %s)', 'recommend(u, NULL, include_seen => true, %s)', 'recommend(u, 6, explore => 0.5, %s)',
    'recommend(u, 6, diversity => 0.5, %s)', 'recommend(u + 1000, NULL, %s)', 'recommend_for(ARRAY[u %% 20 + 1, 5], NULL, %s)',
    'recommend_for(ARRAY[u %% 20 + 1], NULL, include_basket => true, %s)', 'recommend_for(ARRAY[99], 9, %s)',
    'rerank(u, (SELECT array_agg(id) FROM fil_items), %s)', 'similar_items(u %% 20 + 1, NULL, %s)', 'popular(NULL, %s)', 'trending(NULL, %s)'] LOOP
    list := format(call, '...');
    EXECUTE 'SELECT count(*), count(*) FILTER (WHERE item_id % 4 = 0) FROM generate_series(1, 12) AS u, fil.'
      || replace(regexp_replace(call, ',? ?%s', ''), '%%', '%') || ' AS r' INTO items, hidden;
    EXECUTE 'SELECT count(*), $1 + count(*) FILTER (WHERE item_id % 4 = 0), count(*) FILTER (WHERE item_id IN (2, 3, 22) OR item_id > 12 AND item_id NOT IN (21, 23)) FROM generate_series(1, 12) AS u, fil.'
      || format(call, f) || ' AS r' INTO items, hidden, filtered USING hidden;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE FUNCTION fil_try(algorithm reco.algorithm) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  line text;
BEGIN
  CALL reco.create_model('fil', 'fil_rows', algorithm, items => 'fil_items', options => reco.options(measure => false));
  SELECT count(*) FILTER (WHERE items > 0) || ' kinds of lists, hidden ' || sum(hidden) || ', filtered ' || sum(filtered) INTO line FROM fil_lists();
  CALL reco.materialize('fil', 12);
  SELECT line || ', materialized ' || (count(*) > 100) || ', hidden ' || count(*) FILTER (WHERE item_id % 4 = 0)
         || ', as recommended ' || (count(*) FILTER (WHERE item_id IS DISTINCT FROM r_item) = 0) INTO line
    FROM (SELECT l.*, (SELECT r.item_id FROM fil.recommend(l.user_id, 12, fallback => 'popular') AS r WHERE r.rank = l.rank) AS r_item FROM fil.recommendations AS l) AS l;
  CALL reco.drop_model('fil');
  RETURN split_part(reco.describe(algorithm), '(', 1) || ': ' || line;
END $$;
SELECT fil_try(a) FROM unnest(ARRAY[reco.ials(factors => 4, regularization => 0.01, alpha => 1), reco.als(factors => 4), reco.item_knn(shrinkage => 0), reco.user_knn(weighting => 'none', shrinkage => 0), reco.rp3beta(alpha => 1, beta => 0.6, normalized => true),
  reco.content(), reco.popular()]::reco.algorithm[]) AS a;

-- The batch sees what is available when it begins; where that cannot be read, it fails.
CALL reco.create_model('fil', 'fil_rows', reco.ials(factors => 4, regularization => 0.01, alpha => 1), items => 'fil_items', options => reco.options(measure => false));
UPDATE fil_items SET available = id IN (2, 19);
CALL reco.materialize('fil', 3);
SELECT DISTINCT item_id FROM fil.recommendations ORDER BY 1;
CALL reco.materialize('fil', 3, users => 'SELECT 12345');
SELECT * FROM fil.recommendations;
ALTER TABLE fil_items RENAME TO fil_items_gone;
CALL reco.materialize('fil', 3);
SELECT * FROM fil.recommendations;
ALTER TABLE fil_items_gone RENAME TO fil_items;
UPDATE fil_items SET available = true;

-- recommend_for: n is the second argument, and what recommend() has.
SELECT rank, item_id, source FROM fil.recommend_for(ARRAY[1, 2], 2);
SELECT count(*) FILTER (WHERE item_id IN (1, 2)) FROM fil.recommend_for(ARRAY[1, 2], NULL);
SELECT count(*) FILTER (WHERE item_id IN (1, 2)) FROM fil.recommend_for(ARRAY[1, 2], NULL, include_basket => true);
SELECT count(*) FROM fil.recommend_for(ARRAY[99], 3, fallback => 'none');
SELECT DISTINCT source FROM fil.recommend_for(ARRAY[99], 3, fallback => 'popular');
SELECT * FROM fil.recommend_for(ARRAY[99], 3, fallback => 'nobody');
SELECT source, count(*) FROM fil.recommend_for(ARRAY[1, 2], 10, explore => 0.4, explore_seed => 7) GROUP BY 1 ORDER BY 1;
SELECT item_id FROM fil.recommend_for(ARRAY[1, 2], 1, boost => ARRAY[14], boost_by => ARRAY[1e6]);

-- An id that no item can have keeps its place among the factors, and the weights.
SELECT (SELECT array_agg(r ORDER BY rank) FROM fil.recommend(3, NULL, boost => ARRAY[99999999999, 9, 14], boost_by => ARRAY[7, 3, 5]) AS r)
     = (SELECT array_agg(r ORDER BY rank) FROM fil.recommend(3, NULL, boost => ARRAY[14, 9], boost_by => ARRAY[5, 3]) AS r) AS same;
SELECT (SELECT array_agg(r ORDER BY rank) FROM fil.recommend(3, NULL, boost => ARRAY[9, -99999999999], boost_by => ARRAY[3, 5]) AS r)
     = (SELECT array_agg(r ORDER BY rank) FROM fil.recommend(3, NULL, boost => ARRAY[9], boost_by => ARRAY[3]) AS r) AS same;
SELECT * FROM fil.recommend(3, 1, boost => ARRAY[99999999999, 9], boost_by => ARRAY[7]);
SELECT (SELECT array_agg(r ORDER BY rank) FROM fil.recommend_for(ARRAY[99999999999, 9, 14], NULL, weights => ARRAY[7, 3, 5]) AS r)
     = (SELECT array_agg(r ORDER BY rank) FROM fil.recommend_for(ARRAY[9, 14], NULL, weights => ARRAY[3, 5]) AS r) AS same;
SELECT item_id, score IS NULL AS unknown FROM fil.rerank(3, ARRAY[99999999999, 777, 9, 888], exclude => ARRAY[888, 99999999999]);
SELECT item_id FROM fil.rerank(3, ARRAY[777, 9, 888], among => ARRAY[888, 99999999999]);
-- seeds of any sign
SELECT count(*) FROM fil.recommend(3, 10, explore => 1, explore_seed => -1);
SELECT count(*) FROM fil.recommend(3, 10, explore => 1, explore_seed => -9223372036854775808);
SELECT count(*) FROM fil.recommend(3, 10, explore => 1, explore_seed => 9223372036854775807);
SELECT * FROM reco.serve_recommend('fil', 3, '{"explore_seed": 1e300}') AS r(a int, b int, c real, d text);

-- Unknown items are asked for as well where something says what is available.
UPDATE fil_items SET available = id <> 24;
INSERT INTO fil_items VALUES (700, 'a', true);
SELECT item_id FROM fil.rerank(3, ARRAY[24, 25, 700, 701]);
CALL reco.drop_model('fil');

-- An id that a domain's check refuses is none of its type, whatever asks for it; the check
-- runs as the model's owner.
CREATE ROLE regress_fil_owner;
CREATE ROLE regress_fil_app;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_fil_owner', current_database()); END $$;
SET ROLE regress_fil_owner;
CREATE SCHEMA fil_own;
CREATE TABLE fil_own.checked (who name);
CREATE FUNCTION fil_own.is_even(n int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$
  BEGIN IF current_user <> 'regress_fil_owner' THEN RAISE WARNING 'the check runs as %', current_user; END IF; RETURN n % 2 = 0; END $$;
CREATE DOMAIN fil_own.even AS int CHECK (fil_own.is_even(VALUE));
CREATE DOMAIN fil_own.short AS varchar(3);
CREATE TABLE fil_own.rows AS SELECT (2 * u)::fil_own.even AS u, (2 * i)::fil_own.even AS i FROM generate_series(1, 6) AS u, generate_series(1, 5) AS i WHERE (u * i) % 3 > 0;
CALL reco.create_model('fil_even', 'fil_own.rows', reco.popular(), options => reco.options(measure => false));
CALL reco.create_model('fil_short', 'SELECT u, (''i'' || i)::fil_own.short FROM fil_own.rows WHERE i < 10', reco.popular(), options => reco.options(measure => false));
CALL reco.grant_use('fil_even', 'regress_fil_app');
GRANT USAGE ON SCHEMA fil_own TO regress_fil_app;
SET ROLE regress_fil_app;
SELECT item_id FROM fil_even.rerank(2, ARRAY[4, 100, 6]);
RESET ROLE;
ALTER FUNCTION fil_own.is_even SET search_path = fil_own, pg_temp;
SET ROLE regress_fil_app;
SELECT item_id FROM fil_even.rerank(2, ARRAY[4, 100, 6]);
SELECT item_id FROM fil_even.rerank(2, ARRAY[4, 101, 6]);
SELECT item_id FROM fil_even.recommend(3, 1, among => ARRAY[3, 4, 5], exclude => ARRAY[7], boost => ARRAY[9]);
SET ROLE regress_fil_owner;
SELECT item_id FROM fil_short.rerank(2, ARRAY['i4', 'i99']);
SELECT item_id FROM fil_short.rerank(2, ARRAY['i4', 'i9999']);
CALL reco.materialize('fil_even', 2, users => 'SELECT 2 UNION ALL SELECT 200');
SELECT DISTINCT user_id FROM fil_even.recommendations ORDER BY 1;
CALL reco.materialize('fil_even', 2, users => 'SELECT 3');

-- What is missing is said.
SELECT * FROM fil_even.trending();
SELECT * FROM fil_even.user_profile(2) WHERE feature <> 'trained at';
CALL reco.create_model('fil_bare', 'fil_own.rows', reco.ials(factors => 2, regularization => 0.01, alpha => 1), items => 'SELECT DISTINCT i AS id, true AS available FROM fil_own.rows', options => reco.options(measure => false));
SELECT * FROM fil_bare.user_profile(2) WHERE feature <> 'trained at';
SELECT * FROM fil_bare.trending();
CALL reco.alter_model('fil_bare', source => 'SELECT u, i, 1, timestamp ''2024-03-01'' - make_interval(days => u + i) FROM fil_own.rows');
CALL reco.refresh('fil_bare');
SELECT count(*) > 0 AS rows FROM fil_bare.trending();
CALL reco.drop_model('fil_bare');
CALL reco.drop_model('fil_even');
CALL reco.drop_model('fil_short');
RESET ROLE;
DROP OWNED BY regress_fil_owner, regress_fil_app CASCADE;
DROP ROLE regress_fil_owner, regress_fil_app;
DROP FUNCTION fil_try, fil_lists;
DROP TABLE fil_rows, fil_items;
