/* reco 0.2.0 to 0.3.0 */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION reco UPDATE TO '0.3.0'" to load this file. \quit

-- A session keeps the library that it has loaded, which may be that of 0.2.0.
DO $$
BEGIN
  IF (SELECT e.value FROM reco.environment() AS e
       WHERE e.name OPERATOR(pg_catalog.=) 'library version') OPERATOR(pg_catalog.=) '0.2.0' THEN
    RAISE EXCEPTION 'this session has loaded an older library of extension "reco"'
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Connect anew, and update then; where the server preloads the library, restart it.';
  END IF;
END
$$;

-- What may ask a query of a model's definition catches its errors in a subtransaction.
ALTER FUNCTION reco.serve_recommend(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_recommend_for(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_rerank(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_predict(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_explain(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_similar_items(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_popular(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_trending(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.recommend(pg_catalog.text, pg_catalog.anycompatible, pg_catalog.int4, pg_catalog.bool, pg_catalog.text) PARALLEL UNSAFE;

-- What functions of a model take arrays of: ids of any type, in text form.

CREATE TYPE reco.id;

CREATE FUNCTION reco.id_in(pg_catalog.cstring) RETURNS reco.id
AS 'textin' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.id_in(pg_catalog.cstring) IS 'input of type reco.id';

CREATE FUNCTION reco.id_out(reco.id) RETURNS pg_catalog.cstring
AS 'textout' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.id_out(reco.id) IS 'output of type reco.id';

CREATE FUNCTION reco.id_recv(pg_catalog.internal) RETURNS reco.id
AS 'textrecv' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.id_recv(pg_catalog.internal) IS 'binary input of type reco.id';

CREATE FUNCTION reco.id_send(reco.id) RETURNS pg_catalog.bytea
AS 'textsend' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.id_send(reco.id) IS 'binary output of type reco.id';

CREATE TYPE reco.id (
  INPUT = reco.id_in, OUTPUT = reco.id_out, RECEIVE = reco.id_recv, SEND = reco.id_send,
  LIKE = pg_catalog.text, CATEGORY = 'U'
);
COMMENT ON TYPE reco.id IS
'an id of any type, in text form; arrays of ids and of text become arrays of it by themselves';

CREATE CAST (pg_catalog.text AS reco.id) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (pg_catalog.varchar AS reco.id) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (pg_catalog.bpchar AS reco.id) WITH INOUT AS IMPLICIT;
CREATE CAST (pg_catalog.uuid AS reco.id) WITH INOUT AS IMPLICIT;
CREATE CAST (pg_catalog.date AS reco.id) WITH INOUT AS IMPLICIT;
CREATE CAST (pg_catalog.timestamp AS reco.id) WITH INOUT AS IMPLICIT;
CREATE CAST (pg_catalog.timestamptz AS reco.id) WITH INOUT AS IMPLICIT;
CREATE CAST (reco.id AS pg_catalog.text) WITHOUT FUNCTION;
COMMENT ON CAST (pg_catalog.text AS reco.id) IS 'lets arrays of ids be arguments of a model''s functions';
COMMENT ON CAST (pg_catalog.varchar AS reco.id) IS 'lets arrays of ids be arguments of a model''s functions';
COMMENT ON CAST (pg_catalog.bpchar AS reco.id) IS 'lets arrays of ids be arguments of a model''s functions';
COMMENT ON CAST (pg_catalog.uuid AS reco.id) IS 'lets arrays of ids be arguments of a model''s functions';
COMMENT ON CAST (pg_catalog.date AS reco.id) IS 'lets arrays of ids be arguments of a model''s functions';
COMMENT ON CAST (pg_catalog.timestamp AS reco.id) IS 'lets arrays of ids be arguments of a model''s functions';
COMMENT ON CAST (pg_catalog.timestamptz AS reco.id) IS 'lets arrays of ids be arguments of a model''s functions';
COMMENT ON CAST (reco.id AS pg_catalog.text) IS 'the text form that it is';

-- Which making of functions and views a model has.
ALTER TYPE reco.model ADD ATTRIBUTE surface pg_catalog.int4 CASCADE;

-- Whether the source of a version told times.
ALTER TYPE reco.version ADD ATTRIBUTE timed pg_catalog.bool CASCADE;

-- What the queries of a definition were resolved to.
ALTER TYPE reco.model ADD ATTRIBUTE resolved pg_catalog.jsonb CASCADE;

CREATE PROCEDURE reco.change_owner(model pg_catalog.text, role pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_change_owner'
LANGUAGE C;
COMMENT ON PROCEDURE reco.change_owner IS
'makes a role the owner of a model: of its schema, tables, views and functions, and of its scheduled refresh';

DROP PROCEDURE reco.grant_use(pg_catalog.text, pg_catalog.text);
CREATE PROCEDURE reco.grant_use(
  model pg_catalog.text,
  role pg_catalog.text,
  tables pg_catalog.bool DEFAULT false
)
AS 'MODULE_PATHNAME', 'reco_grant_use'
LANGUAGE C;
COMMENT ON PROCEDURE reco.grant_use IS
'grants a role (or public) what it takes to call a model''s functions, and if asked to read its tables and views';
COMMENT ON PROCEDURE reco.revoke_use IS
'takes back what reco.grant_use() granted, tables and views included';

-- An option more; what has reco.options() for a default goes with it and comes back.
DROP PROCEDURE reco.create_model(pg_catalog.text, pg_catalog.text, reco.algorithm, pg_catalog.text, reco.data_options);
DROP FUNCTION reco.evaluate(pg_catalog.text, reco.algorithm[], pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8);
DROP FUNCTION reco.options(pg_catalog.text, pg_catalog.int4, pg_catalog.int4, pg_catalog.int4, pg_catalog.text);
CREATE FUNCTION reco.options(
  on_invalid pg_catalog.text DEFAULT 'error',
  min_user_interactions pg_catalog.int4 DEFAULT 1,
  min_item_interactions pg_catalog.int4 DEFAULT 1,
  keep_versions pg_catalog.int4 DEFAULT 2,
  live pg_catalog.text DEFAULT 'auto',
  max_user_interactions pg_catalog.int4 DEFAULT NULL
) RETURNS reco.data_options
AS 'MODULE_PATHNAME', 'reco_make_options'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.options IS
'how a model reads its source, in training and when serving, and how many versions it keeps';

CREATE PROCEDURE reco.create_model(
  name pg_catalog.text,
  source pg_catalog.text,
  algorithm reco.algorithm DEFAULT reco.ials(),
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options()
)
AS 'MODULE_PATHNAME', 'reco_create_model'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_model(pg_catalog.text, pg_catalog.text, reco.algorithm, pg_catalog.text, reco.data_options) IS
'makes a schema with a model in it and trains its first version';

CREATE PROCEDURE reco.create_model(
  name pg_catalog.text,
  source pg_catalog.text,
  algorithm pg_catalog.text,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options()
)
AS 'MODULE_PATHNAME', 'reco_create_model_by_text'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_model(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text, reco.data_options) IS
'the same with an algorithm in quotes, which is an error that says how to write it';

CREATE PROCEDURE reco.create_model(
  name pg_catalog.text,
  source pg_catalog.regclass,
  algorithm reco.algorithm DEFAULT reco.ials(),
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options()
)
AS 'MODULE_PATHNAME', 'reco_create_model_of_table'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_model(pg_catalog.text, pg_catalog.regclass, reco.algorithm, pg_catalog.text, reco.data_options) IS
'makes a schema with a model in it and trains its first version on a table';

CREATE PROCEDURE reco.create_model(
  name pg_catalog.text,
  source pg_catalog.regclass,
  algorithm pg_catalog.text,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options()
)
AS 'MODULE_PATHNAME', 'reco_create_model_of_table_by_text'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_model(pg_catalog.text, pg_catalog.regclass, pg_catalog.text, pg_catalog.text, reco.data_options) IS
'the same with an algorithm in quotes, which is an error that says how to write it';

CREATE PROCEDURE reco.alter_model(
  model pg_catalog.text,
  source pg_catalog.text,
  algorithm pg_catalog.text,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_alter_model_by_text'
LANGUAGE C;
COMMENT ON PROCEDURE reco.alter_model(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text, reco.data_options) IS
'the same with an algorithm in quotes, which is an error that says how to write it';

-- algorithm => '...' alone: of a type to which text is preferred, so that a second argument
-- without a name is the source
CREATE PROCEDURE reco.alter_model(
  model pg_catalog.text,
  algorithm pg_catalog.bpchar,
  source pg_catalog.text DEFAULT NULL,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_alter_model_by_name'
LANGUAGE C;
COMMENT ON PROCEDURE reco.alter_model(pg_catalog.text, pg_catalog.bpchar, pg_catalog.text, pg_catalog.text, reco.data_options) IS
'the same with an algorithm in quotes, which is an error that says how to write it';

CREATE FUNCTION reco.evaluate(
  source pg_catalog.text,
  algorithms reco.algorithm[],
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  OUT algorithm pg_catalog.text,
  OUT metric pg_catalog.text,
  OUT k pg_catalog.int4,
  OUT value pg_catalog.float8,
  OUT users pg_catalog.int4
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_evaluate'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.text, reco.algorithm[], pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8) IS
'hides a part of every user''s interactions, trains on the rest and measures what is found, with popularity beside';

CREATE FUNCTION reco.evaluate(
  source pg_catalog.text,
  algorithms reco.algorithm,
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  OUT algorithm pg_catalog.text,
  OUT metric pg_catalog.text,
  OUT k pg_catalog.int4,
  OUT value pg_catalog.float8,
  OUT users pg_catalog.int4
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_evaluate_one'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.text, reco.algorithm, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8) IS
'the same for one algorithm';

CREATE FUNCTION reco.evaluate(
  source pg_catalog.text,
  algorithms pg_catalog.text,
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  OUT algorithm pg_catalog.text,
  OUT metric pg_catalog.text,
  OUT k pg_catalog.int4,
  OUT value pg_catalog.float8,
  OUT users pg_catalog.int4
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_evaluate_text'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8) IS
'the same with an algorithm in quotes, which is an error that says how to write it';

CREATE FUNCTION reco.evaluate(
  source pg_catalog.regclass,
  algorithms reco.algorithm[],
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  OUT algorithm pg_catalog.text,
  OUT metric pg_catalog.text,
  OUT k pg_catalog.int4,
  OUT value pg_catalog.float8,
  OUT users pg_catalog.int4
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_evaluate_table'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.regclass, reco.algorithm[], pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8) IS
'the same on a table';

CREATE FUNCTION reco.evaluate(
  source pg_catalog.regclass,
  algorithms reco.algorithm,
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  OUT algorithm pg_catalog.text,
  OUT metric pg_catalog.text,
  OUT k pg_catalog.int4,
  OUT value pg_catalog.float8,
  OUT users pg_catalog.int4
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_evaluate_table_one'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.regclass, reco.algorithm, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8) IS
'the same for one algorithm on a table';

CREATE FUNCTION reco.evaluate(
  source pg_catalog.regclass,
  algorithms pg_catalog.text,
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  OUT algorithm pg_catalog.text,
  OUT metric pg_catalog.text,
  OUT k pg_catalog.int4,
  OUT value pg_catalog.float8,
  OUT users pg_catalog.int4
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_evaluate_table_text'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.regclass, pg_catalog.text, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8) IS
'the same on a table with an algorithm in quotes, which is an error that says how to write it';

-- A job knows its model by more than its name.
DROP PROCEDURE reco.run_scheduled(pg_catalog.text, pg_catalog.text);
CREATE PROCEDURE reco.run_scheduled(
  model pg_catalog.text,
  guard pg_catalog.text DEFAULT NULL,
  identity pg_catalog.int8 DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_run_scheduled'
LANGUAGE C;
COMMENT ON PROCEDURE reco.run_scheduled IS
'what the job of reco.schedule() calls: a refresh, unless one runs; when the model was renamed the job is, without the model it goes';

CREATE FUNCTION reco.list_health(
  OUT model pg_catalog.text,
  OUT owner pg_catalog.name,
  OUT status pg_catalog.text,
  OUT problem pg_catalog.text,
  OUT training pg_catalog.bool,
  OUT version pg_catalog.int4,
  OUT trained_at pg_catalog.timestamptz,
  OUT age pg_catalog.interval,
  OUT users pg_catalog.int4,
  OUT items pg_catalog.int4,
  OUT interactions pg_catalog.int8,
  OUT bytes pg_catalog.int8,
  OUT last_attempt pg_catalog.timestamptz,
  OUT last_success pg_catalog.timestamptz,
  OUT last_error pg_catalog.text,
  OUT failures pg_catalog.int4,
  OUT history pg_catalog.text,
  OUT history_reason pg_catalog.text,
  OUT availability pg_catalog.text,
  OUT image pg_catalog.bool,
  OUT schedule pg_catalog.text,
  OUT scheduled_by pg_catalog.name,
  OUT next_run pg_catalog.timestamptz
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_list_health'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.list_health IS
'how the models are whose tables the caller may read; runs no code of their owners and waits for no lock';

CREATE VIEW reco.health AS SELECT * FROM reco.list_health();
COMMENT ON VIEW reco.health IS
'how the models are whose tables the caller may read: what they serve, how their trainings went, when the next one is';
GRANT SELECT ON reco.health TO PUBLIC;

--
-- Last, after all that is new: what everybody may use, whatever ALTER DEFAULT PRIVILEGES says: the functions of
-- a model, which its callers call, call some of these.  Each is safe to be called by
-- anybody, with any arguments.
--

DO $$
DECLARE
  class pg_catalog.oid;
  object pg_catalog.oid;
BEGIN
  FOR class, object IN
    SELECT d.classid, d.objid
      FROM pg_catalog.pg_depend AS d
      JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
     WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
       AND d.deptype OPERATOR(pg_catalog.=) 'e'
       AND e.extname OPERATOR(pg_catalog.=) 'reco'
  LOOP
    IF class OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass THEN
      EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO PUBLIC', object::pg_catalog.regprocedure);
    -- arrays, members from PostgreSQL 18 on, go with their elements
    ELSIF class OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS t
                           WHERE t.typarray OPERATOR(pg_catalog.=) object) THEN
      EXECUTE pg_catalog.format('GRANT USAGE ON TYPE %s TO PUBLIC', object::pg_catalog.regtype);
    END IF;
  END LOOP;
END
$$;
