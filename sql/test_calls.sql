--
-- Every type of ids, passed in every way, to every function: the call is understood, and
-- what comes back is the same.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny
SET search_path = public;
CREATE EXTENSION citext;

CREATE TYPE call_mood AS ENUM ('v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7', 'v8', 'v9', 'v10', 'v11', 'v12');
CREATE DOMAIN call_smallint AS smallint CHECK (VALUE > 0);
CREATE DOMAIN call_integer AS integer CHECK (VALUE > 0);
CREATE DOMAIN call_bigint AS bigint CHECK (VALUE > 0);
CREATE DOMAIN call_numeric AS numeric(10, 1);
CREATE DOMAIN call_uuid AS uuid CHECK (VALUE IS NOT NULL);
CREATE DOMAIN call_text AS text CHECK (VALUE LIKE 'v%');
CREATE DOMAIN call_varchar AS varchar(9);
CREATE DOMAIN call_citext AS citext;
CREATE DOMAIN call_date AS date;
CREATE DOMAIN call_domain AS call_uuid;
CREATE DOMAIN call_mood_domain AS call_mood;

-- Ids by number in the text form of a kind of types.
CREATE FUNCTION call_id(kind text, n int) RETURNS text IMMUTABLE BEGIN ATOMIC
  SELECT CASE kind WHEN 'number' THEN n::text WHEN 'uuid' THEN '00000000-0000-0000-0000-' || lpad(n::text, 12, '0')
                   WHEN 'date' THEN (date '2024-01-01' + n)::text ELSE 'v' || n END;
END;

CREATE TABLE call_types (type text, kind text);
INSERT INTO call_types VALUES
  ('smallint', 'number'), ('integer', 'number'), ('bigint', 'number'), ('numeric', 'number'), ('call_smallint', 'number'),
  ('call_integer', 'number'), ('call_bigint', 'number'), ('call_numeric', 'number'), ('uuid', 'uuid'), ('call_uuid', 'uuid'),
  ('call_domain', 'uuid'), ('text', 'text'), ('varchar(20)', 'text'), ('citext', 'text'), ('character(4)', 'text'), ('name', 'text'),
  ('call_text', 'text'), ('call_varchar', 'text'), ('call_citext', 'text'), ('date', 'date'), ('call_date', 'date'),
  ('timestamptz', 'date'), ('call_mood', 'enum'), ('call_mood_domain', 'enum');

-- What is called: with a user (%1$s), an item (%2$s) and items (%3$s, %4$s).
CREATE TABLE call_calls (call text);
INSERT INTO call_calls VALUES
  ('recommend(%1$s)'), ('recommend(for_user => %1$s, n => 3)'), ('recommend(%1$s, 5, %3$s, %4$s)'),
  ('recommend(%1$s, among => %3$s, boost => %4$s, boost_by => ''{2,3}'', include_seen => true)'),
  ('expose(%1$s, 5, %3$s, exclude => %4$s)'), ('expose(for_user => %1$s, explore => 0.5, boost => %4$s)'), ('recommend_for(%3$s)'), ('recommend_for(%3$s, 3)'), ('recommend_for(basket => %3$s, n => 6)'),
  ('recommend_for(%3$s, 5, ''{1,2,1}'', exclude => %4$s, boost => %4$s)'),
  ('rerank(%1$s, %3$s)'), ('rerank(for_user => %1$s, items => %3$s, exclude => %4$s)'),
  ('predict(%1$s, %2$s)'), ('explain(%1$s, %2$s)'), ('explain(for_user => %1$s, for_item => %2$s)'),
  ('similar_items(%2$s)'), ('similar_items(%2$s, 2)'), ('similar_items(for_item => %2$s, among => %3$s, exclude => %4$s)'),
  ('similar_users(%1$s)'), ('similar_users(for_user => %1$s, n => 2)'), ('user_profile(%1$s)'),
  ('audience(%2$s, 10)'), ('audience(for_item => %2$s, n => 3)'), ('audience(for_items => %3$s, exclude_buyers => false)'),
  ('popular(among => %3$s)'), ('trending(5, exclude => %4$s)');

CREATE FUNCTION call_types(type text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(type, '\(.*', '') $$;

-- One id, or an array, in one of the ways to pass it; NULL where that is none of this type's.
CREATE FUNCTION call_one(way text, kind text, type text, n int) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE way
    WHEN 'bare' THEN CASE WHEN kind = 'number' THEN n::text ELSE quote_literal(call_id(kind, n)) END
    WHEN 'literal' THEN quote_literal(call_id(kind, n))
    WHEN 'own' THEN quote_literal(call_id(kind, n)) || '::' || type
    WHEN 'bigint' THEN CASE WHEN kind = 'number' THEN n || '::bigint' END
    WHEN 'smallint' THEN CASE WHEN kind = 'number' THEN n || '::smallint' END
    WHEN 'text' THEN CASE WHEN kind <> 'number' THEN quote_literal(call_id(kind, n)) || '::text' END
    WHEN 'varchar' THEN CASE WHEN kind <> 'number' THEN quote_literal(call_id(kind, n)) || '::varchar' END
    WHEN 'untyped' THEN quote_literal(call_id(kind, n)) END $$;
CREATE FUNCTION call_many(way text, kind text, type text, n int[]) RETURNS text IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE way
    WHEN 'bare' THEN CASE WHEN kind <> 'enum' THEN 'ARRAY[' || string_agg(call_one('bare', kind, type, i), ', ') || ']' END
    WHEN 'literal' THEN quote_literal('{' || string_agg(call_id(kind, i), ',') || '}')
    WHEN 'own' THEN 'ARRAY[' || string_agg(call_one('own', kind, type, i), ', ') || ']'
    WHEN 'bigint' THEN CASE WHEN kind = 'number' THEN quote_literal(n::text) || '::bigint[]' END
    WHEN 'smallint' THEN CASE WHEN kind = 'number' THEN quote_literal(n::text) || '::smallint[]' END
    WHEN 'text' THEN CASE WHEN kind NOT IN ('number', 'enum') THEN quote_literal('{' || string_agg(call_id(kind, i), ',') || '}') || '::text[]' END
    WHEN 'varchar' THEN CASE WHEN kind NOT IN ('number', 'enum') THEN quote_literal('{' || string_agg(call_id(kind, i), ',') || '}') || '::varchar[]' END
    WHEN 'untyped' THEN quote_literal('{' || string_agg(call_id(kind, i), ',') || '}') END FROM unnest(n) AS i $$;

-- The rows of a call; where an argument is untyped, by a statement prepared without types.
CREATE FUNCTION call_run(call text, ways text[], argument text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  place text[] := argument;
  parameters text[] := '{}';
  result text;
BEGIN
  FOR k IN 1 .. 4 LOOP
    IF ways[k] = 'untyped' AND strpos(call, '%' || k || '$s') > 0 THEN
      parameters := parameters || argument[k];
      place[k] := '$' || cardinality(parameters);
    END IF;
  END LOOP;
  EXECUTE format('PREPARE call_p AS SELECT string_agg(r::text, '' '') FROM call_model.' || call || ' AS r', VARIADIC place);
  EXECUTE 'EXECUTE call_p' || CASE WHEN parameters <> '{}' THEN '(' || array_to_string(parameters, ', ') || ')' ELSE '' END INTO result;
  DEALLOCATE call_p;
  RETURN coalesce(result, 'nothing');
EXCEPTION WHEN OTHERS THEN
  IF EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'call_p') THEN
    DEALLOCATE call_p;
  END IF;
  RETURN sqlstate || ' ' || sqlerrm;
END $$;

CREATE TABLE call_failed (type text, call text, ways text, result text, wanted text);
CREATE FUNCTION call_sweep(type text, kind text) RETURNS TABLE (calls bigint, empty bigint, failed bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  every CONSTANT text[] := ARRAY['bare', 'literal', 'own', 'bigint', 'smallint', 'text', 'varchar', 'untyped'];
  the_type CONSTANT text := type;
BEGIN
  EXECUTE format('CREATE TABLE call_rows AS SELECT call_id(%2$L, u)::%1$s AS u, call_id(%2$L, i)::%1$s AS i, 1 AS q,
      timestamp ''2024-03-01'' - make_interval(days => u * (10 - i)) AS at FROM generate_series(1, 12) AS u, generate_series(1, 9) AS i
      WHERE (u * i) %% 5 IN (1, 2)', type, kind);
  EXECUTE format('CREATE TABLE call_items AS SELECT call_id(%2$L, i)::%1$s AS id, CASE i %% 2 WHEN 0 THEN ''even'' ELSE ''odd'' END AS sort
      FROM generate_series(1, 9) AS i', type, kind);
  CALL reco.create_model('call_model', 'call_rows', reco.ials(factors => 2, iterations => 1), items => 'call_items');
  CREATE TEMP TABLE done AS
    WITH wanted AS MATERIALIZED (
      SELECT call, call_run(call, ARRAY['own', 'own', 'own', 'own'],
          ARRAY[call_one('own', kind, the_type, 2), call_one('own', kind, the_type, 3), call_many('own', kind, the_type, '{1,3,7}'), call_many('own', kind, the_type, '{3,6}')]) AS wanted
        FROM call_calls),
    called AS (
      SELECT call, ARRAY[s, s, a, b] AS ways,
             ARRAY[call_one(s, kind, the_type, 2), call_one(s, kind, the_type, 3), call_many(a, kind, the_type, '{1,3,7}'), call_many(b, kind, the_type, '{3,6}')] AS arguments
        FROM call_calls, unnest(every) WITH ORDINALITY AS s (s, sn), unnest(every) WITH ORDINALITY AS a (a, an),
             unnest(every) WITH ORDINALITY AS b (b, bn)
       -- each way of a scalar beside three of an array, and the second array in yet another
       WHERE (a.an - s.sn + 8) % 8 IN (0, 3, 6) AND b.bn = (a.an + s.sn) % 8 + 1
         AND call_one(s, kind, the_type, 2) IS NOT NULL AND call_many(a, kind, the_type, '{1}') IS NOT NULL AND call_many(b, kind, the_type, '{1}') IS NOT NULL)
    SELECT c.call, ways, call_run(c.call, ways, arguments) AS result, w.wanted
      FROM (SELECT DISTINCT ON (call, format(call, VARIADIC arguments),
                     (SELECT array_agg(ways[k] = 'untyped') FROM generate_series(1, 4) AS k WHERE strpos(call, '%' || k || '$s') > 0))
                   * FROM called) AS c
      JOIN wanted AS w USING (call);
  INSERT INTO call_failed SELECT the_type, call, ways::text, result, wanted FROM done WHERE result <> wanted OR result ~ '^[0-9A-Z]{5} ';
  RETURN QUERY SELECT count(*), count(*) FILTER (WHERE wanted = 'nothing'), count(*) FILTER (WHERE result <> wanted OR result ~ '^[0-9A-Z]{5} ') FROM done;
  DROP TABLE done;
  CALL reco.drop_model('call_model');
  DROP TABLE call_rows, call_items;
END $$;
SELECT type, s.* FROM call_types, call_sweep(type, kind) AS s;
SELECT * FROM call_failed ORDER BY type, call, ways LIMIT 20;
