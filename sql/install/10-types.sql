--
-- Algorithms and options are values: jsonb whose content is checked.
--

CREATE FUNCTION reco.is_algorithm(value pg_catalog.jsonb) RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'reco_is_algorithm'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.is_algorithm(pg_catalog.jsonb) IS
'true, or an error that says what is wrong with the value; the check of domain reco.algorithm';

CREATE DOMAIN reco.algorithm AS pg_catalog.jsonb
  CONSTRAINT algorithm_is_valid CHECK (reco.is_algorithm(VALUE));
COMMENT ON DOMAIN reco.algorithm IS
'an algorithm with its options, made by functions such as reco.ials()';

CREATE FUNCTION reco.is_data_options(value pg_catalog.jsonb) RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'reco_is_data_options'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.is_data_options(pg_catalog.jsonb) IS
'true, or an error that says what is wrong with the value; the check of domain reco.data_options';

CREATE DOMAIN reco.data_options AS pg_catalog.jsonb
  CONSTRAINT data_options_are_valid CHECK (reco.is_data_options(VALUE));
COMMENT ON DOMAIN reco.data_options IS
'how a model reads its source, made by reco.options()';

CREATE FUNCTION reco.describe(algorithm reco.algorithm) RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'reco_describe'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.describe(reco.algorithm) IS
'an algorithm with all its options, defaults included, as one would write it';

--
-- What functions of a model take arrays of: ids of any type, in text form.
--

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

--
-- The typed tables of every model.  Attributes are only ever added.
--

CREATE TYPE reco.model AS (
  definition pg_catalog.int4,
  source pg_catalog.text,
  algorithm reco.algorithm,
  options reco.data_options,
  search_path pg_catalog.text,
  active_version pg_catalog.int4,
  active_nonce pg_catalog.int8,
  next_version pg_catalog.int4,
  created_at pg_catalog.timestamptz,
  items pg_catalog.text,
  items_search_path pg_catalog.text,
  active_list pg_catalog.int4,
  resolved pg_catalog.jsonb,
  active_epoch pg_catalog.int8,
  users pg_catalog.text,
  users_search_path pg_catalog.text,
  pseudonyms_of pg_catalog.text
);
COMMENT ON TYPE reco.model IS
'the definition of a model; the table "model OF reco.model" makes a schema a model';

CREATE TYPE reco.version AS (
  version pg_catalog.int4,
  nonce pg_catalog.int8,
  status pg_catalog.text,
  started_at pg_catalog.timestamptz,
  finished_at pg_catalog.timestamptz,
  rows_read pg_catalog.int8,
  rows_skipped pg_catalog.jsonb,
  rows_merged pg_catalog.int8,
  users pg_catalog.int4,
  items pg_catalog.int4,
  interactions pg_catalog.int8,
  algorithm reco.algorithm,
  options reco.data_options,
  min_value pg_catalog.float4,
  max_value pg_catalog.float4,
  metrics pg_catalog.jsonb,
  loss pg_catalog.float4[],
  bytes pg_catalog.int8,
  timings pg_catalog.jsonb,
  trained_by pg_catalog.text,
  message pg_catalog.text,
  fields pg_catalog.jsonb,
  row_security pg_catalog.bool,
  available pg_catalog.bool,
  timed pg_catalog.bool,
  reference_time pg_catalog.timestamptz,
  epoch pg_catalog.int8,
  added_users pg_catalog.int4,
  folded_in_at pg_catalog.timestamptz,
  folded_in_users pg_catalog.int4,
  member_loss pg_catalog.jsonb,
  choice pg_catalog.jsonb,
  cold_items pg_catalog.int4,
  cold_users pg_catalog.int4,
  priors pg_catalog.jsonb,
  forgotten_users pg_catalog.int4,
  forgotten_at pg_catalog.timestamptz,
  epsilon pg_catalog.float8,
  delta pg_catalog.float8,
  folded_in_interactions pg_catalog.int8,
  drift pg_catalog.float8,
  calibration pg_catalog.jsonb,
  made_of pg_catalog.int4,
  pseudonym_key pg_catalog.uuid
);
COMMENT ON TYPE reco.version IS 'one training of a model';

CREATE TYPE reco.part AS (
  version pg_catalog.int4,
  part pg_catalog.int4,
  number pg_catalog.int4,
  content pg_catalog.bytea
);
COMMENT ON TYPE reco.part IS
  'what a trained model holds that is neither of its users nor of its items, row by row';

CREATE TYPE reco.term AS (
  version pg_catalog.int4,
  number pg_catalog.int4,
  field pg_catalog.int4,
  term pg_catalog.text,
  weight pg_catalog.float4
);
COMMENT ON TYPE reco.term IS 'a keyword, attribute or category that items of a model have';
