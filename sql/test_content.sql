--
-- Content models: reco.content() and the query `items`, against the formulas in
-- plain SQL; what such a query may be and may not.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- C29: nothing is like an item of which nothing is known; no NaN on top
CREATE TABLE con_texts (id text PRIMARY KEY, title text);
INSERT INTO con_texts VALUES ('A', 'red wool scarf'), ('B', ''), ('C', NULL), ('D', 'red scarf'), ('E', 'the of and');
CREATE TABLE con_sales (u int, i text, w int);
INSERT INTO con_sales VALUES (1, 'A', 1), (2, 'B', 1), (2, 'C', 1), (3, 'C', 1), (4, 'E', 1), (5, 'A', -1), (6, 'A', 0);
CALL reco.create_model('con_text', 'con_sales', reco.content(), items => $$SELECT id, to_tsvector('english', title) AS title FROM con_texts$$, options => reco.options(measure => false));
SELECT rank, item_id, similarity > 0 AND similarity < 1 AS positive FROM con_text.similar_items('A', NULL);
SELECT count(*) FROM unnest(ARRAY['B', 'C', 'E']) AS i, con_text.similar_items(i, NULL);
SELECT rank, item_id, source FROM con_text.recommend(1);
SELECT rank, item_id, source FROM con_text.recommend(1, fallback => 'none');
SELECT rank, item_id, score IS NULL AS none FROM con_text.rerank(1, ARRAY['B', 'D', 'X', 'C', 'A']);
-- C18: a user whose items say nothing, or who has nothing above 0, gets the popular ones
SELECT u, array_agg(source || ' ' || item_id ORDER BY rank) FROM unnest(ARRAY[2, 4, 5, 6, 99]) AS u, con_text.recommend(u, 3) GROUP BY u ORDER BY u;
SELECT u, con_text.predict(u, 'A') FROM unnest(ARRAY[2, 4, 5, 6, 99]) AS u;
SELECT count(*) FROM con_text.user_factors u, con_text.similar_users(u.user_id);
SELECT con_text.predict(1, 'B'), con_text.predict(1, 'X'), con_text.predict(NULL, 'A'), con_text.predict(1, NULL);
SELECT * FROM con_text.explain(1, 'B');
-- the same with embeddings, one of which failed
CALL reco.create_model('con_vector', 'con_sales', reco.content(),
  items => $$VALUES ('A', '{1,2,2}'::real[]), ('B', '{0,0,0}'), ('C', NULL), ('D', '{2,4,4.5}'), ('E', '{}')$$, options => reco.options(measure => false));
SELECT rank, item_id, round(similarity::numeric, 6) AS similarity FROM con_vector.similar_items('A', NULL);
SELECT count(*) FROM unnest(ARRAY['B', 'C', 'E']) AS i, con_vector.similar_items(i, NULL);
SELECT rank, item_id, source FROM con_vector.recommend(1);
CALL reco.drop_model('con_vector');

-- A small catalogue with all there is; items 7 to 9 have not been bought yet.
CREATE TYPE con_color AS ENUM ('red', 'green', 'blue');
CREATE TYPE con_point AS (x real, y real);
CREATE DOMAIN con_price AS numeric CHECK (VALUE > 0);
CREATE TABLE con_items (
  id int PRIMARY KEY, title tsvector, words jsonb, tags text[], numbers int[], colors con_color[], brand text, color con_color,
  kind varchar(10), used boolean, since date, vector real[], wide float8[], point con_point, stock int, price con_price,
  rating real, available boolean);
INSERT INTO con_items VALUES
  (1, 'wool:1,5 scarf:2', '{"wool": 2, "warm": 1}', '{warm,soft}', '{1,2}', '{red}', 'Acme', 'red', 'scarf', false, '2024-01-01', '{1,0,0}', '{1,1}', '(1,0)', 5, 10, 4.5, true),
  (2, 'wool:1 hat:2', '{"wool": 1, "warm": 1.5}', '{warm}', '{1}', '{red,blue}', 'Acme', 'blue', 'hat', false, '2024-01-01', '{1,1,0}', '{1,2}', '(1,1)', 0, 20, 4, true),
  (3, 'silk:1 scarf:2,3,4', '{"silk": 3}', '{soft,thin,thin}', '{2,3,3}', '{blue,green}', 'Bell', 'blue', 'scarf', false, NULL, '{0,2,0}', '{-1,-1}', NULL, 7, 60, 4.5, false),
  (4, 'tin box', '{"tin": 1, "gone": 0, "none": null}', '{hard,NULL}', '{4}', '{}', 'Bell', NULL, 'box', true, '2023-12-31', '{0,0,3}', '{2,-2}', '(0,1)', 1, 5, NULL, true),
  (5, 'wool hat', NULL, '{{warm,soft},{thin,warm}}', NULL, '{green}', NULL, 'green', 'hat', NULL, '2024-01-01', '{1,1,1}', '{0,1}', '(2,1)', 3, NULL, 1, true),
  (6, '', '{}', '{}', '{}', NULL, '', 'red', '', false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true),
  (7, 'wool silk scarf', '{"silk": 1, "wool": 1}', '{warm,soft,thin}', '{1,2,3}', '{red,green,blue}', 'Acme', 'red', 'scarf', true, '2024-01-01', '{3,3,0}', '{3,3}', '(5,0)', 2, 30, 5, true),
  (8, 'tin:1,2,3 lid:4', '{"tin": 0.001}', '{hard}', '{4,5}', '{blue}', 'Bell', 'red', 'box', true, '2023-12-31', '{0,0,-1}', '{1,-1}', '(0,2)', 9, 4, 2, false),
  (9, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{0,0,0}', '{0,0}', NULL, NULL, NULL, NULL, NULL);
CREATE TABLE con_rows (u int, i int, w real);
INSERT INTO con_rows VALUES (1, 1, 1), (2, 1, 2), (2, 4, 1), (3, 2, 1), (3, 3, 3), (3, 5, 0.5), (4, 6, 1), (5, 4, 1), (5, 5, -2), (6, 3, 1), (6, 4, 0);
CALL reco.create_model('con', 'con_rows', reco.content(), items => 'con_items', options => reco.options(measure => false));
SELECT f ->> 'name' AS name, f ->> 'kind' AS kind, (f ->> 'to')::int - (f ->> 'from')::int AS size, f -> 'weight' AS weight
  FROM con.model_version, jsonb_array_elements(fields) WITH ORDINALITY AS f(f, n) ORDER BY n;
SELECT users, items, interactions FROM con.versions;
SELECT version, field, term, round(weight::numeric, 4) AS weight FROM con.model_term WHERE field IN (0, 2, 5, 6, 9) ORDER BY number;

-- One column after the other: a model of it, and all pairs of items that have a similarity beside what they should have.
CREATE FUNCTION con_pairs(columns text, wanted text) RETURNS TABLE (pairs bigint, wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.drop_model('con_one', if_exists => true);
  CALL reco.create_model('con_one', 'con_rows', reco.content(), items => 'SELECT id, ' || columns || ' FROM con_items', options => reco.options(measure => false));
  RETURN QUERY EXECUTE 'WITH wanted (a, b, similarity) AS (' || wanted || '),
    got AS (SELECT id AS a, s.item_id AS b, s.similarity FROM con_items, con_one.similar_items(id, NULL) AS s)
    SELECT count(*), count(*) FILTER (WHERE (abs(g.similarity - w.similarity) < 1e-6) IS NOT TRUE)
      FROM got g FULL JOIN (SELECT * FROM wanted WHERE a <> b AND similarity <> 0) w USING (a, b)';
END
$$;
CREATE FUNCTION con_jaccard(a anyarray, b anyarray) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
  SELECT count(*) FILTER (WHERE x AND y) / nullif(count(*), 0)::float8
    FROM (SELECT e AS id, true AS x FROM unnest(a) AS e WHERE e IS NOT NULL GROUP BY 1) AS a
    FULL JOIN (SELECT e AS id, true AS y FROM unnest(b) AS e WHERE e IS NOT NULL GROUP BY 1) AS b USING (id) $$;
CREATE FUNCTION con_cosine(a float8[], b float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
  SELECT sum(x * y) / nullif(sqrt(sum(x * x)) * sqrt(sum(y * y)), 0) FROM unnest(a, b) AS t(x, y) $$;
-- attributes: Jaccard's coefficient, as an item alone stands for itself
SELECT c, p.* FROM unnest(ARRAY['tags', 'numbers', 'colors']) AS c,
  LATERAL con_pairs(c, format('SELECT a.id, b.id, con_jaccard(a.%1$I, b.%1$I) FROM con_items a, con_items b', c)) AS p;
SELECT item_id, similarity FROM con_one.similar_items(2, NULL);
-- categories: the same or not
SELECT c, p.* FROM unnest(ARRAY['brand', 'color', 'kind', 'used', 'since']) AS c,
  LATERAL con_pairs(c, format('SELECT a.id, b.id, 1 FROM con_items a JOIN con_items b USING (%1$I) WHERE %1$I::text <> ''''', c)) AS p;
-- embeddings: the cosine, also below 0
SELECT c, p.* FROM unnest(ARRAY['vector', 'wide', 'wide::numeric[]::float8[]', 'wide::real[]']) AS c,
  LATERAL con_pairs(c, format('SELECT a.id, b.id, con_cosine(a.%1$s, b.%1$s) FROM con_items a, con_items b', split_part(c, '::', 1))) AS p;
SELECT rank, item_id, round(similarity::numeric, 6) AS similarity FROM con_one.similar_items(1, NULL);
-- a type with a cast to real[] is one as well, whatever the cast's arguments
CREATE FUNCTION con_point_numbers(p con_point) RETURNS real[] LANGUAGE sql AS 'SELECT CASE WHEN $1.x < 5 THEN ARRAY[$1.x, $1.y] END';
CREATE CAST (con_point AS real[]) WITH FUNCTION con_point_numbers(con_point);
SELECT * FROM con_pairs('point', 'SELECT a.id, b.id, con_cosine(con_point_numbers(a.point), con_point_numbers(b.point)) FROM con_items a, con_items b');
DROP CAST (con_point AS real[]);
CREATE FUNCTION con_point_numbers3(p con_point, int, boolean) RETURNS real[] LANGUAGE sql AS 'SELECT CASE WHEN $2 = -1 AND $3 THEN public.con_point_numbers($1) END';
CREATE CAST (con_point AS real[]) WITH FUNCTION con_point_numbers3(con_point, int, boolean);
SELECT * FROM con_pairs('point', 'SELECT a.id, b.id, con_cosine(con_point_numbers(a.point), con_point_numbers(b.point)) FROM con_items a, con_items b');
DROP CAST (con_point AS real[]);
SELECT * FROM con_pairs('point', 'SELECT a.id, b.id, 1 FROM con_items a JOIN con_items b USING (point)');
-- a cast that another role has made for its type is not called: it would be as the model's owner
CREATE ROLE regress_reco_cast;
ALTER FUNCTION con_point_numbers(con_point) OWNER TO regress_reco_cast;
CREATE CAST (con_point AS real[]) WITH FUNCTION con_point_numbers(con_point);
SELECT * FROM con_pairs('point', 'SELECT a.id, b.id, 1 FROM con_items a JOIN con_items b USING (point)');
DROP CAST (con_point AS real[]);
ALTER FUNCTION con_point_numbers(con_point) OWNER TO CURRENT_USER;
DROP ROLE regress_reco_cast;
-- as many numbers as a page can take
SELECT * FROM con_pairs('array_fill(id::real, ARRAY[1900])', 'SELECT a.id, b.id, 1 FROM con_items a, con_items b');
-- numbers: standardized over the items that have one
SELECT c, p.* FROM unnest(ARRAY['stock', 'price', 'rating', 'stock::bigint', 'stock::smallint', 'rating::float8']) AS c,
  LATERAL con_pairs(c, format('SELECT a.id, b.id, 1 / (1 + abs(a.%1$s - b.%1$s) / stddev_pop)
    FROM con_items a, con_items b, (SELECT stddev_pop(%1$s) FROM con_items) s', split_part(c, '::', 1))) AS p;
SELECT * FROM con_pairs('1.1', 'SELECT a.id, b.id, 1 FROM con_items a, con_items b');
SELECT * FROM con_pairs('CASE WHEN id = 2 THEN 7 END', 'SELECT 1, 1, 1');
SELECT * FROM con_one.similar_items(2);
-- keywords: tf-idf cosine in plain SQL
CREATE VIEW con_title AS SELECT id, l.lexeme AS term, coalesce(cardinality(l.positions), 1)::float8 AS tf FROM con_items, unnest(title) AS l;
CREATE VIEW con_words AS SELECT id, key AS term, value::float8 AS tf FROM con_items, jsonb_each_text(words) WHERE value::float8 > 0;
CREATE FUNCTION con_tfidf(view regclass) RETURNS text LANGUAGE sql AS $$ SELECT format('
  (WITH weighed AS (SELECT id, term, tf * (ln((1 + (SELECT count(*) FROM con_items)) / (1.0 + count(*) OVER (PARTITION BY term))) + 1) AS w FROM %s),
       norms AS (SELECT id, sqrt(sum(w * w)) AS norm FROM weighed GROUP BY id)
  SELECT id, term, w / norm AS w FROM weighed JOIN norms USING (id))', view) $$;
SELECT c, p.* FROM unnest(ARRAY['title', 'words']) AS c,
  LATERAL con_pairs(c, 'SELECT a.id, b.id, sum(a.w * b.w) FROM ' || con_tfidf(('con_' || c)::regclass) || ' a JOIN '
                    || con_tfidf(('con_' || c)::regclass) || ' b USING (term) GROUP BY 1, 2') AS p;

-- Users: profiles of several items.
CREATE VIEW con_x AS SELECT u, i, w FROM con_rows WHERE w > 0;
CREATE TABLE con_wanted (u int, i int, field text, similarity float8);
SELECT 'INSERT INTO con_wanted WITH v AS ' || con_tfidf('con_title') || ',
  p AS (SELECT u, term, sum(x.w * v.w) AS w FROM con_x x JOIN v ON x.i = v.id GROUP BY 1, 2)
  SELECT u, id, ''title'', sum(p.w * v.w) / (SELECT sqrt(sum(w * w)) FROM p q WHERE q.u = p.u)
    FROM p JOIN v USING (term) GROUP BY u, id'
\gexec
INSERT INTO con_wanted
  WITH a AS (SELECT DISTINCT id, t FROM con_items, unnest(tags) AS t WHERE t IS NOT NULL),
  sum AS (SELECT u, sum(w) FROM con_x WHERE i IN (SELECT id FROM a) GROUP BY u),
  p AS (SELECT u, t, sum(w) / min(sum) AS share FROM con_x JOIN a ON i = id JOIN sum USING (u) GROUP BY u, t)
  SELECT u, id, 'tags', sum(share) / ((SELECT count(*) FROM a b WHERE b.id = a.id) + (SELECT sum(share) FROM p q WHERE q.u = p.u) - sum(share))
    FROM p JOIN a USING (t) GROUP BY u, id;
INSERT INTO con_wanted
  WITH e AS (SELECT id, n, x / norm AS x FROM con_items, unnest(vector) WITH ORDINALITY AS v(x, n),
             LATERAL (SELECT sqrt(sum(y * y)) AS norm FROM unnest(vector) AS y) s WHERE norm > 0),
  p AS (SELECT u, n, sum(w * x) AS x FROM con_x JOIN e ON i = id GROUP BY u, n)
  SELECT u, id, 'vector', sum(p.x * e.x) / (SELECT sqrt(sum(x * x)) FROM p q WHERE q.u = p.u) FROM p JOIN e USING (n) GROUP BY u, id;
INSERT INTO con_wanted
  WITH z AS (SELECT id, ((stock - avg(stock) OVER ()) / stddev_pop(stock) OVER ())::float8 AS z FROM con_items WHERE stock IS NOT NULL),
  p AS (SELECT u, sum(w * z) / sum(w) AS m FROM con_x JOIN z ON i = id GROUP BY u)
  SELECT u, id, 'stock', 1 / (1 + abs(z - m)) FROM p, z;
CALL reco.create_model('con_user', 'con_rows', reco.content(weights => '{"title": 2, "tags": 0.5, "brand": 0}'),
  items => 'SELECT id, title, tags, vector, stock, brand, available FROM con_items', options => reco.options(measure => false));
UPDATE con_items SET available = true;  -- no feature, but a filter when serving
SELECT count(*) FILTER (WHERE predicted IS NOT NULL) AS scores,
       count(*) FILTER (WHERE predicted IS DISTINCT FROM wanted AND (abs(predicted - wanted) < 1e-6) IS NOT TRUE) AS wrong
  FROM generate_series(1, 7) AS who, generate_series(1, 10) AS what,
       LATERAL (SELECT con_user.predict(who, what) AS predicted,
                       nullif(sum(similarity * CASE field WHEN 'title' THEN 2 WHEN 'tags' THEN 0.5 ELSE 1 END), 0) / 4.5 AS wanted
                  FROM con_wanted w WHERE u = who AND i = what) AS s;
-- item 6 has a brand of no letters and a tag list of none: user 4 is as good as unknown
SELECT DISTINCT u, source FROM generate_series(1, 7) AS u, con_user.recommend(u, 3) ORDER BY u;
-- what recommend shows is what predict, rerank and explain say, and what a basket gets
SELECT count(*) AS rows, bool_and(r.score = con_user.predict(u, r.item_id)) AS predict, bool_and(r.score = k.score) AS rerank,
       bool_and(r.score = b.score) AS basket, bool_and(abs(r.score - e.sum) < 1e-6) AS explain, bool_and(abs(e.share - 1) < 1e-5) AS shares
  FROM (SELECT u, array_agg(i ORDER BY i) AS basket, array_agg(w ORDER BY i) AS weights FROM con_rows GROUP BY u) AS users,
       con_user.recommend(u, NULL, fallback => 'none') AS r,
       LATERAL (SELECT score FROM con_user.rerank(u, (SELECT array_agg(id) FROM con_items)) AS k WHERE k.item_id = r.item_id) AS k,
       LATERAL (SELECT score FROM con_user.recommend_for(basket, NULL, weights) AS b WHERE b.item_id = r.item_id AND b.source = 'content') AS b,
       LATERAL (SELECT sum(contribution::float8), sum(share) AS share FROM con_user.explain(u, r.item_id)) AS e;
SELECT because_item, round(contribution::numeric, 5) AS contribution, round(share::numeric, 4) AS share FROM con_user.explain(3, 7);
SELECT because_item, contribution, share FROM con_user.explain(4, 7);
-- similar_items is a basket of one
SELECT count(*), bool_and(s.similarity::real = b.score) FROM con_items,
  con_user.similar_items(id, NULL) AS s JOIN con_user.recommend_for(ARRAY[id], n => NULL) AS b ON b.item_id = s.item_id AND b.source = 'content';
-- an item that nobody has is recommended, and has items like it; filters hold
SELECT rank, item_id, source FROM con_user.recommend(1, 3);
SELECT rank, item_id FROM con_user.similar_items(7, 2);
SELECT item_id FROM con_user.recommend(1, among => ARRAY[7, 8, 9, 1], exclude => ARRAY[8]);
SELECT * FROM reco.recommend('con_user', 1, n => 1, fallback => 'none');
-- audience and materialized lists say the same; diversity asks for items unlike each other
SELECT rank, user_id, round(score::numeric, 5) AS score FROM con_user.audience(7);
SELECT count(*), bool_and(a.score = con_user.predict(a.user_id, i)) FROM generate_series(1, 9) AS i, con_user.audience(i, NULL, exclude_buyers => false) AS a;
CALL reco.materialize('con_user');
SELECT count(*), count(r.item_id) AS same, bool_and(m.score = r.score AND m.source = r.source) FROM con_user.recommendations AS m
  LEFT JOIN LATERAL con_user.recommend(m.user_id) AS r USING (rank, item_id);
SELECT array_agg(item_id ORDER BY rank) FROM con_user.recommend(1, 3, diversity => 0.9);

-- user_profile: keywords, attributes and categories by weight, the means of numbers
SELECT feature, value, round(weight::numeric, 5) AS weight FROM con_user.user_profile(3, NULL) WHERE aspect = 'likes';
SELECT bool_and(abs(s - 1) < 1e-6) AS norm_1 FROM (SELECT sum(weight * weight) AS s FROM con_user.user_profile(3, NULL) WHERE feature = 'title') AS s;
SELECT count(*) FROM con_user.user_profile(99);
SELECT count(*) FROM con_user.user_profile(NULL);
SELECT feature, value, weight FROM con_user.user_profile(4) WHERE aspect = 'likes';
SELECT feature, value, weight, because FROM con_user.user_profile(6) WHERE feature = 'tags';
CALL reco.create_model('con_ials', 'con_rows', reco.ials(factors => 2, regularization => 0.01, alpha => 1, features => 'none'), items => 'con_items', options => reco.options(measure => false));
SELECT feature, value, weight, because FROM con_ials.user_profile(1) WHERE aspect = 'likes';
SELECT reco.serve_user_profile('con_ials', 1, NULL);

-- Weights.
SELECT reco.describe(reco.content()), reco.describe(reco.content('{"b": 2, "a\"c": 0.5}')), reco.describe(reco.content('null'));
SELECT reco.content('{"a": -1}');
SELECT reco.content('{"a": 1e7}');
SELECT reco.content('{"a": "1"}');
SELECT reco.content('{"a": null}');
SELECT reco.content('{"a": {"b": 1}}');
SELECT reco.content('[1, 2]');
SELECT reco.content('1');
SELECT reco.content('"a"');
SELECT reco.content(field => '{}');
CALL reco.alter_model('con_user', algorithm => reco.content('{"titel": 1}'));
CALL reco.refresh('con_user');
CALL reco.alter_model('con_user', algorithm => reco.content('{"available": 1}'));
CALL reco.refresh('con_user');
-- all of them 0, or too small to count: the popular ones
CALL reco.alter_model('con_user', algorithm => reco.content('{"title": 0, "tags": 0, "vector": 0, "stock": 0, "brand": 0}'));
CALL reco.refresh('con_user');
SELECT DISTINCT source FROM con_user.recommend(1);
SELECT con_user.predict(1, 7), (SELECT count(*) FROM con_user.similar_items(1)), (SELECT sum(contribution) FROM con_user.explain(1, 7));
-- one alone is as if there were no others
CALL reco.alter_model('con_user', algorithm => reco.content('{"title": 0, "tags": 1e6, "vector": 0, "stock": 0, "brand": 0}'));
CALL reco.refresh('con_user');
SELECT bool_and(abs(con_user.predict(u, i) - similarity) < 1e-6) FROM con_wanted WHERE field = 'tags';

-- What the query may be.
CREATE VIEW con_view AS SELECT id, tags FROM con_items;
CREATE TABLE "con Items" AS SELECT id, tags FROM con_items;
CREATE FUNCTION con_try(query text, source text DEFAULT 'con_rows') RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
  CALL reco.drop_model('con_one', if_exists => true);
  CALL reco.create_model('con_one', source, reco.content(), items => query, options => reco.options(measure => false));
  RETURN (SELECT string_agg(item_id || ' ' || round(similarity::numeric, 3), ', ' ORDER BY rank) FROM con_one.similar_items('1'));
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' | ', sqlerrm, nullif(detail, ''), nullif(hint, ''));
END
$$;
SELECT left(query, 75) AS query, con_try(query) FROM (VALUES
  ('con_view'), ('public.con_view'), ('"con Items"'), ('SELECT id, tags FROM con_items'), ('TABLE con_view'), ('(TABLE con_view)'),
  ('WITH c AS (SELECT id, tags FROM con_items) SELECT * FROM c'), ('TABLE con_view ; '), (E'-- tags\nTABLE con_view; -- end'),
  ('VALUES (1, ''{a,b}''::text[]), (7, ''{b}'')'), ('SELECT id::bigint, tags FROM con_items'), ('SELECT id::text, tags FROM con_items'),
  ('SELECT id::numeric, tags FROM con_items'), ('SELECT id::con_price, tags FROM con_items'),
  ('SELECT * FROM (VALUES (1, ''{a}''::text[]), (NULL, ''{a}''), (NULL, ''{a}'')) AS v'),
  ('SELECT id + 3000000000, tags FROM con_items'), ('SELECT id, tags FROM con_items WHERE false'),
  ('SELECT id, NULL::text[] FROM con_items'), ('SELECT id, available, tags FROM con_items'), ('SELECT id, tags, tags FROM con_items')) AS v(query);
CALL reco.drop_model('con_one', if_exists => true);
SELECT left(query, 75) AS query, con_try(query) FROM (VALUES
  (''), (' -- nothing'), ('con_none'), ('con_none.con_items'), ('con_items AS c'), ('SELECT id FROM con_items'), ('SELECT FROM con_items'),
  ('SELECT id, available FROM con_items'),
  ('SELECT id, ' || (SELECT string_agg('1', ', ') FROM generate_series(1, 101)) || ' FROM con_items'),
  ('SELECT 1, tags FROM con_items'), ('SELECT id, unnest(tags) FROM con_items'), ('SELECT title, tags FROM con_items'), ('SELECT id / 2.0, tags FROM con_items'),
  ('SELECT id, tags FORM con_items'), ('SELECT $1, tags FROM con_items'), ('SELECT id, tags FROM con_items FOR UPDATE'),
  ('SELECT id, tags INTO con_copy FROM con_items'), ('DELETE FROM con_items RETURNING id, tags'),
  ('WITH d AS (DELETE FROM con_items RETURNING id, tags) TABLE d'), ('TABLE con_view; TABLE con_view'), ('TABLE con_view; DROP TABLE con_items'),
  ('SELECT id, words -> ''wool'' FROM con_items WHERE id = 1'), ('SELECT id, ''{"a": "b"}''::jsonb FROM con_items'), ('SELECT id, ''{"a": -1}''::jsonb FROM con_items'),
  ('SELECT id, ''{"a": 1e18}''::jsonb FROM con_items'), ('SELECT id, ''{"a": [1]}''::jsonb FROM con_items'), ('SELECT id, ''[1]''::jsonb FROM con_items'),
  ('SELECT id, CASE WHEN id = 3 THEN ''{1}'' ELSE vector END AS v FROM con_items ORDER BY id'), ('SELECT id, ''{1,NULL}''::real[] FROM con_items'),
  ('SELECT id, ''{{1}}''::real[] FROM con_items'), ('SELECT id, ''{NaN}''::real[] AS v FROM con_items'), ('SELECT id, ''{1e300}''::float8[] FROM con_items'),
  ('SELECT id, ''{Infinity}''::float8[] FROM con_items'), ('SELECT id, array_fill(1::real, ARRAY[1901]) AS v FROM con_items'),
  ('SELECT id, CASE WHEN id = 4 THEN ''NaN'' ELSE rating END AS rating FROM con_items'), ('SELECT id, CASE WHEN id = 5 THEN ''Infinity''::float8 ELSE 1 END AS x FROM con_items'),
  ('SELECT id, ''NaN''::numeric AS x FROM con_items'), ('SELECT id, -1e40::numeric AS x FROM con_items'), ('SELECT id, 1 / (id - 3) FROM con_items')) AS v(query);
SELECT count(*) FROM con_items;
-- the id is named in its own form when it has another type than in the source
SELECT con_try('SELECT id, ''NaN''::real AS x FROM con_items', 'SELECT u, i::text FROM con_rows');
SELECT con_try('SELECT 7000000000, x FROM (VALUES (1), (2)) AS v(x)', 'SELECT u, i::text FROM con_rows');
SELECT con_try('SELECT ''1''::text, ''NaN''::real AS x');
CALL reco.create_model('con_one', 'con_rows', reco.content(), items => NULL, options => reco.options(measure => false));
CALL reco.create_model('con_one', 'con_rows', reco.content(), options => reco.options(measure => false));
SELECT nspname FROM pg_namespace WHERE nspname = 'con_one';
-- items of text and uuid ids
CALL reco.create_model('con_uuid', 'SELECT u::text, (repeat(i::text, 8) || ''-0000-0000-0000-000000000000'')::uuid FROM con_rows', reco.content(),
  items => 'SELECT (repeat(id::text, 8) || ''-0000-0000-0000-000000000000'')::uuid, tags FROM con_items', options => reco.options(measure => false));
SELECT rank, item_id, score FROM con_uuid.recommend('1', 2);
SELECT rank, item_id, similarity FROM con_uuid.similar_items('77777777-0000-0000-0000-000000000000'::text, 2);
SELECT feature, value, weight, because FROM con_uuid.user_profile('1') WHERE aspect = 'likes';

-- min_user_interactions leaves out users, but no item that the query knows
CALL reco.create_model('con_few', 'con_rows', reco.content(), items => 'con_view', options => reco.options(min_user_interactions => 2, measure => false));
SELECT users, items, rows_skipped FROM con_few.versions;
SELECT item_id, interactions FROM con_few.item_factors ORDER BY 1;
SELECT item_id FROM con_few.recommend(2, 1);
CALL reco.alter_model('con_few', options => reco.options(min_item_interactions => 2));
CALL reco.refresh('con_few');
SELECT users, items, rows_skipped FROM con_few.versions WHERE active;
SELECT * FROM con_few.similar_items(1);
CALL reco.drop_model('con_few');

-- The items are read anew by every refresh, under the search_path of their definition.
CREATE SCHEMA con_here;
CREATE SCHEMA con_there;
CREATE TABLE con_here.features AS SELECT id, tags FROM con_items WHERE id <> 8;
CREATE TABLE con_there.features AS SELECT id, brand FROM con_items;
CREATE TABLE con_there.con_rows (u int, i int);
SET search_path = con_here, public;
CALL reco.create_model('con_path', 'con_rows', reco.content(), items => 'features', options => reco.options(measure => false));
RESET search_path;
SELECT item_id FROM con_path.similar_items(4);
INSERT INTO con_here.features SELECT id, tags FROM con_items WHERE id = 8;
SELECT item_id FROM con_path.similar_items(4);
CALL reco.refresh('con_path');
SELECT item_id FROM con_path.similar_items(4);
SET search_path = con_there, public;
CALL reco.alter_model('con_path', items => 'features');
RESET search_path;
SELECT item_id FROM con_path.similar_items(4);
CALL reco.refresh('con_path');
-- the source is still the first one's
SELECT item_id FROM con_path.similar_items(4);
SELECT interactions FROM con_path.versions WHERE active;
-- a column that has gone, a table that has gone: the old version serves
ALTER TABLE con_there.features DROP COLUMN brand;
CALL reco.refresh('con_path');
DROP TABLE con_there.features;
CALL reco.refresh('con_path');
SELECT item_id FROM con_path.recommend(2, 1);
SELECT DISTINCT t.version, v.status FROM con_path.model_term t JOIN con_path.versions v USING (version) ORDER BY 1;
-- from another algorithm, without items, then with them, and back
CALL reco.create_model('con_other', 'con_rows', reco.popular(), options => reco.options(measure => false));
CALL reco.alter_model('con_other', algorithm => reco.content());
CALL reco.refresh('con_other');
SELECT item_id, source FROM con_other.recommend(9, 1);
CALL reco.alter_model('con_other', items => 'con_view');
SELECT source FROM con_other.recommend(2, 1);
CALL reco.refresh('con_other');
SELECT source FROM con_other.recommend(2, 1);
CALL reco.alter_model('con_other', algorithm => reco.item_knn(shrinkage => 0));
CALL reco.refresh('con_other');
SELECT items, version FROM con_other.versions ORDER BY version;
SELECT count(*) FROM con_other.user_profile(2);
SELECT version, count(*) FROM con_other.model_term GROUP BY 1;
CALL reco.refresh('con_other');
SELECT count(*) FROM con_other.model_term;

-- Evaluation: several of them in one call see the same items, each with its weights.
CREATE TABLE con_taste AS
  SELECT u, i FROM generate_series(1, 60) AS u, generate_series(1, 40) AS i WHERE hashint4(u * 100 + i) % 9 = 0 OR (i % 4 = u % 4 AND hashint4(u * 100 + i) % 3 <> 0);
CREATE TABLE con_taste_items AS SELECT i AS id, ARRAY['kind ' || i % 4] AS kind, hashint4(i)::real AS noise FROM generate_series(1, 45) AS i;
CREATE TABLE con_values AS
  SELECT algorithm, metric, value FROM reco.evaluate('con_taste', ARRAY[reco.content('{"kind": 0}'), reco.content(), reco.content('{"noise": 0}')], items => 'con_taste_items');
SELECT algorithm, count(*), bool_and(value BETWEEN 0 AND 1 OR metric = 'novelty') FROM con_values GROUP BY 1 ORDER BY 1;
SELECT (SELECT value FROM con_values WHERE metric = 'ndcg' AND algorithm ~ 'noise') > 2 * (SELECT value FROM con_values WHERE metric = 'ndcg' AND algorithm ~ 'popular') AS above_popular,
       (SELECT value FROM con_values WHERE metric = 'ndcg' AND algorithm ~ 'noise') > 2 * (SELECT value FROM con_values WHERE metric = 'ndcg' AND algorithm ~ 'kind') AS above_noise;
SELECT count(*) AS same FROM con_values AS c JOIN reco.evaluate('con_taste', ARRAY[reco.content('{"noise": 0}')], items => 'con_taste_items') AS e USING (metric, value)
  WHERE c.algorithm ~ 'noise' AND e.algorithm = 'content()';
-- Where another model has nothing more to say, and items were given: what is like what the
-- user has comes before what grows and what is popular, in the order of a content model.
CREATE TABLE con_thin AS SELECT * FROM con_taste AS t(u, i) WHERE u % 5 = 0 OR i % 3 = 0;
CALL reco.create_model('con_thin', 'con_thin', reco.item_knn(neighbors => 2, shrinkage => 0), items => 'SELECT *, id % 5 > 0 AS available FROM con_taste_items', options => reco.options(measure => false));
CALL reco.create_model('con_thin_content', 'con_thin', reco.content(), items => 'SELECT i.*, id % 5 > 0 AS available FROM con_taste_items AS i WHERE id IN (SELECT i FROM con_thin)', options => reco.options(measure => false));
SELECT source, count(*), min(rank), max(rank) FROM con_thin.recommend(3, NULL) GROUP BY source ORDER BY 3;
SELECT count(*) AS users, count(*) FILTER (WHERE EXISTS (SELECT FROM con_thin.recommend(u, NULL) WHERE source = 'content')) AS have_some,
       count(*) FILTER (WHERE (SELECT array_agg((item_id, score)::text ORDER BY rank) FROM con_thin.recommend(u, NULL) WHERE source = 'content')
         IS DISTINCT FROM (SELECT array_agg((item_id, score)::text ORDER BY rank) FROM con_thin_content.recommend(u, NULL,
           exclude => ARRAY(SELECT item_id FROM con_thin.recommend(u, NULL) WHERE source = 'model')) WHERE source = 'content')) AS differ
  FROM (SELECT DISTINCT u FROM con_thin) AS u(u);
SELECT DISTINCT source FROM con_thin.recommend(3, NULL, fallback => 'trending') ORDER BY 1;
SELECT DISTINCT source FROM con_thin.recommend(3, NULL, fallback => 'none') ORDER BY 1;
SELECT DISTINCT source FROM con_thin.recommend(99999, NULL) ORDER BY 1;
SELECT count(*) AS only_described FROM con_thin.item_factors WHERE item_id NOT IN (SELECT i FROM con_thin);
-- items that cannot be read are an error of every model's training
CALL reco.alter_model('con_thin', items => 'SELECT id, ''NaN''::real AS x FROM con_taste_items');
CALL reco.refresh('con_thin');
CALL reco.alter_model('con_thin', items => 'SELECT id, id % 2 = 0 AS available FROM con_taste_items');
CALL reco.refresh('con_thin');
SELECT count(*) FROM con_thin.user_profile(3);
SELECT DISTINCT source FROM con_thin.recommend(3, NULL) ORDER BY 1;
CALL reco.drop_model('con_thin');
CALL reco.drop_model('con_thin_content');
DROP TABLE con_thin;
SELECT count(*) FROM reco.evaluate('con_taste', ARRAY[reco.popular(), reco.content()]);
SELECT count(*) FROM reco.evaluate('con_taste', ARRAY[reco.content()], items => 'SELECT id FROM con_taste_items');
SELECT count(*) FROM reco.evaluate('con_taste', ARRAY[reco.content('{"x": 1}')], items => 'con_taste_items');
SELECT count(*) FROM reco.evaluate('con_taste', ARRAY[reco.popular()], items => 'not read');
SELECT count(*) FROM reco.evaluate('con_taste', ARRAY[reco.content(), reco.item_knn(shrinkage => 0)], items => 'SELECT id, kind FROM con_taste_items WHERE id < 20',
  options => reco.options(min_user_interactions => 3, min_item_interactions => 2));

-- What the tables hold is their owner's: an error, or nothing, but no crash and no NaN.
CALL reco.create_model('con_bad', 'con_rows', reco.content(), items => 'SELECT id, title, tags, vector, stock FROM con_items', options => reco.options(measure => false));
CREATE SEQUENCE con_nonce;
CREATE FUNCTION con_tamper(change text, call text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text; detail text; line text := ''; one text;
  calls text[] := CASE WHEN call IS NULL THEN ARRAY['SELECT count(*) || CASE WHEN bool_or(score = ''NaN'' OR abs(score) = ''Infinity'') THEN '' NaN'' ELSE '''' END FROM con_bad.recommend(2, NULL)',
    'SELECT count(*) || CASE WHEN bool_or(similarity = ''NaN'' OR abs(similarity) = ''Infinity'') THEN '' NaN'' ELSE '''' END FROM con_bad.similar_items(1, NULL)',
    'SELECT count(*) || CASE WHEN bool_or(contribution = ''NaN'' OR share = ''NaN'') THEN '' NaN'' ELSE '''' END FROM con_bad.explain(2, 7)',
    'SELECT count(*) || CASE WHEN bool_or(weight = ''NaN'') THEN '' NaN'' ELSE '''' END FROM con_bad.user_profile(2)'] ELSE ARRAY[call] END;
BEGIN
  EXECUTE change;
  UPDATE con_bad.model SET active_nonce = nextval('con_nonce');  -- no cache knows it
  FOREACH one IN ARRAY calls LOOP
    BEGIN
      EXECUTE one INTO result;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
      result := sqlerrm || ': ' || detail;
    END;
    line := CASE WHEN line = '' THEN result WHEN right(line, length(result)) = result AND result ~ 'damaged' THEN line ELSE line || ' | ' || result END;
  END LOOP;
  RAISE EXCEPTION USING ERRCODE = 'RE000';
EXCEPTION WHEN SQLSTATE 'RE000' THEN
  RETURN line;
END
$$;
SELECT change, con_tamper(change) FROM (VALUES
  ('SELECT'),
  ('UPDATE con_bad.model_item SET features = ''\x'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x00'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x000100ff'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x0003'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x00010c'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x0001feffffff07'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x010201009f02'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x0202000000000000'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x020101000080bf'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x020101ffff7f7f'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x0201010000c07f'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x01030500000000'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET features = ''\x010205010000'''),
  ('UPDATE con_bad.model_item SET features = decode(repeat(''00'', 100000), ''hex'') WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET numbers = ''{NaN,0,0,0}'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET numbers = ''{1,0,0,NaN}'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET numbers = ''{1,0,0,Infinity}'' WHERE item_id = 1'),
  ('UPDATE con_bad.model_item SET numbers = ''{1e17,-1e17,1e17,1e17}'''),
  ('UPDATE con_bad.model_item SET numbers = ''{1e-45,1e-45,0,NaN}'''),
  ('UPDATE con_bad.model_item SET numbers = ''{1,0,0}'''),
  ('UPDATE con_bad.model_version SET items = 8'),
  ('UPDATE con_bad.model_version SET algorithm = reco.ials(factors => 4, regularization => 0.01, alpha => 1)'),
  ('UPDATE con_bad.model_version SET algorithm = reco.content(''{"x": 0}'')'),
  ('UPDATE con_bad.model_user SET history = ''\x000100ff'''),
  ('UPDATE con_bad.model_user SET parts = ARRAY[''\x00'']::bytea[]'),
  ('UPDATE con_bad.model_user SET history = ''\x02020000ffff7f7fffff7f7f'''),
  ('UPDATE con_bad.model_user SET history = ''\x0202000001000000ffff7f7f'''),
  ('DELETE FROM con_bad.model_term'),
  ('DELETE FROM con_bad.model_term WHERE number % 2 = 0'),
  ('UPDATE con_bad.model_term SET term = NULL, weight = ''NaN'', field = -7'),
  ('UPDATE con_bad.model_term SET number = number + 1000'),
  ('ALTER TABLE con_bad.model_term DROP CONSTRAINT model_term_pkey'),
  ('ALTER TABLE con_bad.model_term NOT OF'),
  ('ALTER TABLE con_bad.model_term NOT OF; ALTER TABLE con_bad.model_term DROP COLUMN term'),
  ('ALTER TABLE con_bad.model_term ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'),
  ('DROP TABLE con_bad.model_term'),
  ('DROP TABLE con_bad.model_term; CREATE VIEW con_bad.model_term AS SELECT 1'),
  ('UPDATE con_bad.model_version SET users = 100, interactions = 0')) AS v(change);
-- the fields: what is a term of none, of two, or too far away
SELECT kind, "from", "to" FROM con_bad.model_version, jsonb_to_recordset(fields) AS f(kind text, "from" int, "to" int);
SELECT path, value, con_tamper(format('UPDATE con_bad.model_version SET fields = jsonb_set(fields, %L, %L)', path, value)) FROM (VALUES
  ('{0,kind}', '"keyword"'), ('{0,kind}', '1'), ('{0,kind}', '"attributes"'), ('{1,kind}', '"keywords"'), ('{0,kind}', '"number"'), ('{0,kind}', '"embedding"'),
  ('{2,kind}', '"number"'), ('{2,kind}', '"attributes"'), ('{2,kind}', '"keywords"'), ('{3,kind}', '"embedding"'), ('{3,kind}', '"attributes"'),
  ('{0,to}', '2147483647'), ('{0,to}', '2147483648'), ('{0,to}', '1e30'), ('{0,to}', '"5"'), ('{0,to}', '3'), ('{0,to}', '7'), ('{0,to}', '10'), ('{0,to}', '-1'),
  ('{0,from}', '-1'), ('{0,from}', '6'), ('{0,from}', '0.5'), ('{0,from}', 'null'), ('{1,from}', '0'), ('{1,from}', '5'), ('{1,from}', '9'),
  ('{1,to}', '2147483647'), ('{1,to}', '200000000'), ('{1,to}', '200'), ('{1,to}', '7'),
  ('{2,to}', '2147483647'), ('{2,to}', '1900'), ('{2,to}', '1901'), ('{2,to}', '4'), ('{2,to}', '2'), ('{2,to}', '0'), ('{2,from}', '3'), ('{2,from}', '4'),
  ('{3,from}', '2'), ('{3,from}', '4'), ('{3,to}', '5'), ('{3}', '{"kind": "number", "name": "x", "from": 0, "to": 1, "weight": 1, "mean": 0, "deviation": 1}'),
  ('{0,weight}', '-1'), ('{0,weight}', '1e17'), ('{0,weight}', '1e18'), ('{0,weight}', '1e-320'), ('{0,weight}', '"x"'), ('{3,mean}', '1e300'), ('{3,deviation}', '-1e17'), ('{3,deviation}', '0'),
  ('{0,name}', '7'), ('{0,name}', '""'), ('{3,name}', '"title"'), ('{3}', '{}'), ('{3}', '7'), ('{3}', '[[1]]'), ('{3}', 'null')) AS v(path, value);
SELECT fields, con_tamper(format('UPDATE con_bad.model_version SET fields = %s', fields)) FROM (VALUES
  ('NULL'), ('''[]'''), ('''{}'''), ('''7'''), ('''"x"'''), ('fields || fields'), ('fields - 3'), ('fields - 0'), ('jsonb_path_query_array(fields, ''$[3, 2, 1, 0]'')'),
  ('to_jsonb(array_fill(fields -> 0, ARRAY[100]))'), ('to_jsonb(array_fill(fields -> 3, ARRAY[100]))'), ('to_jsonb(array_fill(fields -> 3, ARRAY[101]))')) AS v(fields);
SELECT count(*) FROM con_bad.recommend(2);
-- the same when another session has made an image of the version: stock would be an embedding of NaNs
UPDATE con_bad.model_version SET fields = jsonb_set(fields, '{3,kind}', '"embedding"');
\c -
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;
SELECT count(*) FROM con_bad.recommend_for(ARRAY[4]) WHERE score = 'NaN';
UPDATE con_bad.model_version SET fields = jsonb_set(fields, '{3,kind}', '"number"');
SELECT count(*) FROM con_bad.recommend_for(ARRAY[4]) WHERE score = 'NaN';
-- a definition that was tampered with is found by the next refresh
UPDATE con_bad.model SET items = 'WITH d AS (DELETE FROM con_items RETURNING id, tags) TABLE d';
CALL reco.refresh('con_bad');
UPDATE con_bad.model SET items = NULL, items_search_path = NULL;
CALL reco.refresh('con_bad');
UPDATE con_bad.model SET items = 'con_view';
CALL reco.refresh('con_bad');
SELECT count(*) FROM con_bad.recommend(2);
CALL reco.drop_model('con_bad');

-- Whatever the query of items calls is the owner, and confined.
DROP ROLE IF EXISTS regress_reco_carol, regress_reco_dave;  -- of a run that broke off
CREATE ROLE regress_reco_carol;
CREATE ROLE regress_reco_dave;
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_reco_carol', current_database()); END $$;
CREATE SCHEMA con_carol AUTHORIZATION regress_reco_carol;
GRANT SELECT ON con_rows TO regress_reco_carol;
SET ROLE regress_reco_carol;
CALL reco.create_model('con_trap', 'public.con_rows', reco.content(), items => 'SELECT id, tags FROM public.con_items', options => reco.options(measure => false));
CREATE TABLE con_carol.log (place text, who name);
CREATE FUNCTION con_carol.attempt() RETURNS int LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO con_carol.log VALUES ('items', current_user); RETURN 2; END $$;
CREATE TYPE con_carol.vec AS (x real);
CREATE FUNCTION con_carol.vec_numbers(v con_carol.vec) RETURNS real[] LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO con_carol.log VALUES ('cast', current_user); RETURN ARRAY[v.x]; END $$;
CREATE CAST (con_carol.vec AS real[]) WITH FUNCTION con_carol.vec_numbers(con_carol.vec);
CALL reco.create_model('con_trap', 'public.con_rows', reco.content(), items => 'SELECT con_carol.attempt(), ROW(3)::con_carol.vec AS v', options => reco.options(measure => false));
RESET ROLE;
TRUNCATE con_carol.log;
CALL reco.refresh('con_trap');
SELECT * FROM con_carol.log;
CREATE FUNCTION con_attempt(body text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE OR REPLACE FUNCTION con_carol.attempt() RETURNS int LANGUAGE plpgsql AS %L', 'BEGIN ' || body || '; RETURN 2; END');
  CALL reco.refresh('con_trap');
  RETURN 'it went through';
EXCEPTION WHEN OTHERS THEN
  RETURN sqlstate;
END
$$;
SELECT body, con_attempt(body) FROM (VALUES
  ('PERFORM * FROM public.con_items'), ('INSERT INTO public.con_rows VALUES (1, 1, 1)'), ('RESET ROLE'), ('SET SESSION AUTHORIZATION DEFAULT'),
  ('CREATE TEMP TABLE hidden (x int)'), ('ALTER ROLE regress_reco_carol SUPERUSER'), ('DROP SCHEMA con_trap CASCADE'), ('COMMIT')) AS v(body);
-- a cast that the owner may not call is not called for them
ALTER FUNCTION con_carol.vec_numbers SECURITY DEFINER;
ALTER FUNCTION con_carol.vec_numbers OWNER TO regress_reco_dave;
REVOKE EXECUTE ON FUNCTION con_carol.vec_numbers FROM PUBLIC;
CALL reco.refresh('con_trap');
-- in an evaluation the query runs as the caller
SET ROLE regress_reco_carol;
SELECT count(*) FROM reco.evaluate('public.con_rows', ARRAY[reco.content()], items => 'public.con_items');
RESET ROLE;
GRANT SELECT ON con_items TO regress_reco_carol;
SET ROLE regress_reco_carol;
SELECT count(*) FROM reco.evaluate('public.con_rows', ARRAY[reco.content()], items => 'SELECT id, tags FROM public.con_items');
-- to read a profile takes a right of its own
CALL reco.alter_model('con_trap', items => 'SELECT id, tags FROM public.con_items');
CALL reco.refresh('con_trap');
GRANT USAGE ON SCHEMA con_trap TO regress_reco_dave;
GRANT EXECUTE ON FUNCTION con_trap.recommend TO regress_reco_dave;
SET ROLE regress_reco_dave;
SELECT item_id FROM con_trap.recommend(1, 1);
SELECT feature, value, weight FROM con_trap.user_profile(1) WHERE aspect = 'likes';
SET ROLE regress_reco_carol;
GRANT EXECUTE ON FUNCTION con_trap.user_profile TO regress_reco_dave;
SET ROLE regress_reco_dave;
SELECT feature, value, weight FROM con_trap.user_profile(1) WHERE aspect = 'likes';
RESET ROLE;

CALL reco.drop_model('con_trap');
DROP SCHEMA con_carol CASCADE;
REVOKE ALL ON con_rows, con_items FROM regress_reco_carol;
DO $$ BEGIN EXECUTE format('REVOKE CREATE ON DATABASE %I FROM regress_reco_carol', current_database()); END $$;
DROP ROLE regress_reco_carol, regress_reco_dave;
CALL reco.drop_model('con');
CALL reco.drop_model('con_text');
CALL reco.drop_model('con_user');
CALL reco.drop_model('con_ials');
CALL reco.drop_model('con_uuid');
CALL reco.drop_model('con_path');
CALL reco.drop_model('con_other');
DROP FUNCTION con_pairs, con_jaccard, con_cosine, con_point_numbers, con_point_numbers3, con_tfidf, con_try, con_tamper, con_attempt;
DROP SCHEMA con_here, con_there CASCADE;
DROP SEQUENCE con_nonce;
DROP VIEW con_title, con_words, con_x, con_view;
DROP TABLE con_texts, con_sales, con_items, con_rows, con_wanted, con_taste, con_taste_items, con_values, "con Items";
DROP TYPE con_color, con_point;
DROP DOMAIN con_price;
