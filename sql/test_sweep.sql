--
-- Every function of the schema reco and of a model's, with each of its arguments in turn at the
-- ends of its type, of a strange shape or NULL: an answer or an error of its own, never one of the
-- server's inside.  What is found otherwise is printed.
--
SET client_min_messages = error;
SET reco.threads = 1;
SET statement_timeout = '60s';
CREATE TABLE swp_rows (user_id int, item_id int, qty int, at timestamptz);
INSERT INTO swp_rows SELECT u, (u * 7 + k * k * 13) % 12, 1 + (u + k) % 3, timestamptz '2024-06-01' - (u * k) % 60 * interval '1 day'
  FROM generate_series(1, 30) AS u, generate_series(1, 3 + u % 5) AS k;
CREATE INDEX ON swp_rows (user_id);
ANALYZE swp_rows;
CALL reco.create_model('swp', 'swp_rows', reco.ials(factors => 2, iterations => 1), options => reco.options(measure => false));
CALL reco.create_model('swp_repeat', 'swp_rows', reco.repeat(), options => reco.options(measure => false));
CALL reco.track('swp');

CREATE TABLE swp_values AS SELECT type, value FROM (VALUES
  ('int8', '{0, -1, 1, 9223372036854775807, -9223372036854775808}'::text[]), ('int4', '{0, -1, 1, 2147483647, -2147483648}'), ('int2', '{-1, 32767}'),
  ('float8', '{NaN, Infinity, -Infinity, -0, 1e308, 1e-320, 0.5}'), ('float4', '{NaN, Infinity, 3e38, 1e-40}'), ('numeric', '{NaN, Infinity, 1e400, -1e-400}'), ('bool', '{t, f}'),
  ('text', ARRAY['', 'swp', 'nosuch', E'a\nb"''', repeat('x', 3000), 'SELECT 1', 'swp_rows', 'SELECT user_id, user_id FROM swp_rows', 'SELECT NULL, NULL, NULL, NULL', 'DELETE FROM swp_rows',
     'SELECT user_id, item_id, ''NaN''::float8, ''infinity''::timestamptz FROM swp_rows', 'SELECT user_id, item_id, 1e400, ''5000000-01-01''::date FROM swp_rows', 'pg_catalog.pg_class',
     'SELECT user_id, ''swp''::text AS model, ''5000000-01-01''::date AS shown_at, item_id, 1 AS version, 0.5 AS propensity FROM swp_rows']),
  ('_text', '{"{}", "{NULL}", "{swp}", "{{a,b},{c,d}}", "{swp,swp}"}'), ('_int8', '{"{}", "{NULL}", "{1,2}", "{9223372036854775807,-1,1,1}", "{{1,2},{3,4}}", "[5:6]={1,2}"}'),
  ('_int4', '{"{}", "{NULL}", "{1,2,3}", "{{1,2},{3,4}}"}'), ('_float4', '{"{}", "{NULL}", "{NaN,1}", "{1,2,3}", "{{1,2},{3,4}}", "{3e38,3e38}"}'), ('_float8', '{"{}", "{NULL}", "{NaN,1}", "{1,2}", "{{1,2},{3,4}}", "{1e308,1e308}"}'),
  ('interval', '{0, -1 day, 1 microsecond, 178000000 years, -178000000 years, 2147483647 days, 106751991 days, 1 month, 2562047788:00:54.775807}'),
  ('timestamptz', '{infinity, -infinity, 294276-12-31, 4713-01-01 BC, epoch}'), ('timestamp', '{infinity, 294276-12-31}'),
  ('jsonb', ARRAY['{}', '[]', 'null', '1e400', '{"algorithm": "ials"}', '{"algorithm": null}', '{"a": 1e400}']), ('bytea', '{"", "\\x00", "\\xffffffffffffffffffffffffffffffffffffffffffffffff"}'), ('_bytea', '{"{}", "{NULL}", "{\"\\\\x01\"}"}'),
  ('oid', '{0, 1259, 4294967295}'), ('regclass', '{0, swp_rows}'), ('regnamespace', '{swp}'), ('regrole', '{0}'), ('name', '{swp}')) AS v(type, of), unnest(of) AS value;
CREATE TABLE swp_found (call text, state text, message text);

-- What a type is tried with, as SQL; NULL first.
CREATE FUNCTION swp_of(type regtype) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  base regtype := type;
  own text[];
BEGIN
  WHILE (SELECT typtype = 'd' FROM pg_type WHERE oid = base) LOOP base := (SELECT typbasetype FROM pg_type WHERE oid = base); END LOOP;
  IF type::text ~ '^any' THEN base := CASE WHEN type::text ~ 'array' THEN '_int8' ELSE 'int8' END; type := base; END IF;
  IF type = 'reco.algorithm'::regtype THEN own := '{reco.popular(),"reco.ials(factors => 2, iterations => 1)"}'; END IF;
  IF type = 'reco.algorithm[]'::regtype THEN own := '{"ARRAY[reco.popular()]","''{}''","''{NULL}''"}'; END IF;
  RETURN ARRAY['NULL::' || swp_of.type] || own || (SELECT array_agg(format('%L::%s', v.value, swp_of.type)) FROM swp_values AS v WHERE v.type = (SELECT typname FROM pg_type WHERE oid = base));
END
$$;
CREATE PROCEDURE swp_try(call text, kind "char") LANGUAGE plpgsql AS $$
DECLARE
  row record;
BEGIN
  IF kind = 'p' THEN EXECUTE 'CALL ' || call;
  ELSE
    FOR row IN EXECUTE format('SELECT * FROM (SELECT %s) AS q LIMIT 50', call) LOOP PERFORM row::text; END LOOP;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = 'done';
EXCEPTION WHEN OTHERS THEN
  INSERT INTO swp_found VALUES (left(call, 300), sqlstate, sqlerrm);
END
$$;
CREATE PROCEDURE swp_sweep(schema text) LANGUAGE plpgsql AS $$
DECLARE
  f record;
  usual text[];
  given text[];
  value text;
BEGIN
  FOR f IN SELECT p.*, format('%I.%I', schema, proname) AS called FROM pg_proc AS p
            WHERE pronamespace = schema::regnamespace AND NOT 'internal'::regtype = ANY (proargtypes) AND prorettype <> 'trigger'::regtype AND provariadic = 0
              -- what takes long whatever it is asked
              AND proname NOT IN ('sample_shop', 'evaluate', 'evaluate_into', 'tune') ORDER BY proname, p.oid LOOP
    usual := (SELECT coalesce(array_agg(coalesce(
                CASE WHEN i >= f.pronargs - f.pronargdefaults THEN format('(%s)', pg_get_function_arg_default(f.oid, i + 1)) END,
                CASE WHEN f.proargnames[i + 1] IN ('source', 'outcomes', 'lists', 'test') THEN '''swp_rows''::text'
                     WHEN f.proname = 'create_model' AND i = 0 THEN '''swp_new''' WHEN f.proargnames[i + 1] = 'model' AND f.proargtypes[i] = 'text'::regtype THEN '''swp'''
                     WHEN f.proargnames[i + 1] = 'exposures' THEN quote_literal('SELECT user_id, ''swp''::text AS model, item_id, at AS shown_at FROM swp_rows')
                     WHEN f.proargtypes[i] IN ('int8'::regtype, 'int4'::regtype) THEN '1' END,
                (swp_of(f.proargtypes[i]::regtype))[2], (swp_of(f.proargtypes[i]::regtype))[1]) ORDER BY i), '{}') FROM generate_series(0, f.pronargs - 1) AS i);
    FOR i IN 1 .. f.pronargs LOOP
      FOREACH value IN ARRAY swp_of(f.proargtypes[i - 1]::regtype) LOOP
        given := usual;
        given[i] := value;
        CALL swp_try(format('%s(%s)%s', f.called, array_to_string(given, ', '), CASE f.prokind WHEN 'a' THEN ' FROM generate_series(1, 3)' WHEN 'w' THEN ' OVER () FROM generate_series(1, 3)' ELSE '' END), f.prokind);
      END LOOP;
    END LOOP;
  END LOOP;
END
$$;
-- The options of what a model's functions call are JSON that anybody may write.
CREATE PROCEDURE swp_serve(model text) LANGUAGE plpgsql AS $$
DECLARE
  f record;
  option text;
  value text;
BEGIN
  FOR f IN SELECT p.proname, replace(regexp_replace(pg_get_function_result(m.oid), '^TABLE\((.*)\)$', '\1'), 'predicted', '') AS columns
             FROM pg_proc AS p JOIN pg_proc AS m ON m.pronamespace = model::regnamespace AND 'serve_' || m.proname = p.proname WHERE p.pronamespace = 'reco'::regnamespace LOOP
    FOREACH option IN ARRAY '{n,among,exclude,include_seen,diversity,fallback,explore,explore_seed,boost,boost_by,weights,horizon,coverage,recent,baseline,at,exclude_users,exposures,frequency_cap,within,measure,min_support,basket,items,item}'::text[] LOOP
      FOREACH value IN ARRAY ARRAY['null', 'true', '-1', '1e400', '1.5', '"x"', '[]', '[null]', '[[1]]', '{"a": 1}', '"NaN"', '[1e400, 1]', '["178000000 years"]', '"178000000 years"'] LOOP
        CALL swp_try(format('* FROM reco.%I(%L::regnamespace, %s, %L) AS r(%s)', f.proname, model, CASE WHEN f.proname IN ('serve_recommend_for', 'serve_audience') THEN '''{1,2}''::int[]' ELSE '1' END,
                            format('{%s: %s}', to_json(option), value), CASE WHEN f.columns ~ ' ' THEN f.columns ELSE 'score ' || f.columns END), 'f');
      END LOOP;
    END LOOP;
  END LOOP;
END
$$;
CALL swp_sweep('reco');
CALL swp_sweep('swp');
CALL swp_sweep('swp_repeat');
CALL swp_serve('swp_repeat');
SELECT count(*) > 5000 AS many, count(*) FILTER (WHERE state = 'ZZ000') > 2000 AS answered FROM swp_found;
SELECT * FROM swp_found
 WHERE state ~ '^(XX|P0001|57)' OR message = '' OR message ~ 'cache lookup|unrecognized node|out of range for (type|timestamp)|^(timestamp|date|interval|integer|bigint) out of range|ambiguous|not supported by the (scan|plan)'
 ORDER BY 1;

DROP SCHEMA swp, swp_repeat CASCADE;
DROP TABLE swp_rows, swp_values, swp_found;
DROP FUNCTION swp_of;
DROP PROCEDURE swp_try, swp_sweep, swp_serve;
