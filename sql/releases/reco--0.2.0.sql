/* reco: recommendations inside PostgreSQL */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION reco" to load this file. \quit

-- Whoever owns schema "reco" could put functions into it that capture calls
-- meant for ours.  A schema of another role is taken over if it is empty and
-- nobody was granted anything on it, as in the restore of a dump, and refused
-- otherwise.
DO $$
DECLARE
  schema pg_catalog.pg_namespace;
  owner pg_catalog.oid := (SELECT extowner FROM pg_catalog.pg_extension
                            WHERE extname OPERATOR(pg_catalog.=) 'reco');
BEGIN
  SELECT n.* INTO schema FROM pg_catalog.pg_namespace AS n
   WHERE n.nspname OPERATOR(pg_catalog.=) 'reco';
  IF schema.nspowner OPERATOR(pg_catalog.=) owner THEN
    RETURN;
  END IF;
  IF schema.nspacl IS NOT NULL OR EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
     WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
       AND d.refobjid OPERATOR(pg_catalog.=) schema.oid
       AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass
  ) THEN
    RAISE EXCEPTION 'schema "reco" exists and belongs to another role'
      USING ERRCODE = 'duplicate_schema',
            HINT = 'Drop or rename it before creating the extension.';
  END IF;
  EXECUTE pg_catalog.format('ALTER SCHEMA reco OWNER TO %I', pg_catalog.pg_get_userbyid(owner));
END
$$;

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
  active_list pg_catalog.int4
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
  factors pg_catalog.int4,
  mean pg_catalog.float8,
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
  available pg_catalog.bool
);
COMMENT ON TYPE reco.version IS 'one training of a model';

CREATE TYPE reco.term AS (
  version pg_catalog.int4,
  number pg_catalog.int4,
  field pg_catalog.int4,
  term pg_catalog.text,
  weight pg_catalog.float4
);
COMMENT ON TYPE reco.term IS 'a keyword, attribute or category that items of a model have';
--
-- Similarity, usable on any table, without a model.
--

-- Vectors.  One overload for each type of number, or an analyst's
-- ARRAY[0.1, 0.2] would fit several equally well.

CREATE FUNCTION reco.cosine_similarity(a pg_catalog.float4[], b pg_catalog.float4[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_cosine_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_similarity(pg_catalog.float4[], pg_catalog.float4[]) IS
'cosine of the angle between two vectors, from -1 to 1; NULL if one of them is zero';

CREATE FUNCTION reco.cosine_similarity(a pg_catalog.float8[], b pg_catalog.float8[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_cosine_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_similarity(pg_catalog.float8[], pg_catalog.float8[]) IS
'cosine of the angle between two vectors, from -1 to 1; NULL if one of them is zero';

CREATE FUNCTION reco.cosine_similarity(a pg_catalog.int2[], b pg_catalog.int2[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_cosine_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_similarity(pg_catalog.int2[], pg_catalog.int2[]) IS
'cosine of the angle between two vectors, from -1 to 1; NULL if one of them is zero';

CREATE FUNCTION reco.cosine_similarity(a pg_catalog.int4[], b pg_catalog.int4[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_cosine_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_similarity(pg_catalog.int4[], pg_catalog.int4[]) IS
'cosine of the angle between two vectors, from -1 to 1; NULL if one of them is zero';

CREATE FUNCTION reco.cosine_similarity(a pg_catalog.int8[], b pg_catalog.int8[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_cosine_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_similarity(pg_catalog.int8[], pg_catalog.int8[]) IS
'cosine of the angle between two vectors, from -1 to 1; NULL if one of them is zero';

CREATE FUNCTION reco.cosine_similarity(a pg_catalog.numeric[], b pg_catalog.numeric[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_cosine_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_similarity(pg_catalog.numeric[], pg_catalog.numeric[]) IS
'cosine of the angle between two vectors, from -1 to 1; NULL if one of them is zero';

CREATE FUNCTION reco.dot_product(a pg_catalog.float4[], b pg_catalog.float4[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_dot_product_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product(pg_catalog.float4[], pg_catalog.float4[]) IS
'sum of the products of two vectors elements';

CREATE FUNCTION reco.dot_product(a pg_catalog.float8[], b pg_catalog.float8[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_dot_product_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product(pg_catalog.float8[], pg_catalog.float8[]) IS
'sum of the products of two vectors elements';

CREATE FUNCTION reco.dot_product(a pg_catalog.int2[], b pg_catalog.int2[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_dot_product_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product(pg_catalog.int2[], pg_catalog.int2[]) IS
'sum of the products of two vectors elements';

CREATE FUNCTION reco.dot_product(a pg_catalog.int4[], b pg_catalog.int4[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_dot_product_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product(pg_catalog.int4[], pg_catalog.int4[]) IS
'sum of the products of two vectors elements';

CREATE FUNCTION reco.dot_product(a pg_catalog.int8[], b pg_catalog.int8[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_dot_product_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product(pg_catalog.int8[], pg_catalog.int8[]) IS
'sum of the products of two vectors elements';

CREATE FUNCTION reco.dot_product(a pg_catalog.numeric[], b pg_catalog.numeric[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_dot_product_similarity'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product(pg_catalog.numeric[], pg_catalog.numeric[]) IS
'sum of the products of two vectors elements';

CREATE FUNCTION reco.euclidean_distance(a pg_catalog.float4[], b pg_catalog.float4[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_euclidean_distance'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.euclidean_distance(pg_catalog.float4[], pg_catalog.float4[]) IS
'length of the difference of two vectors';

CREATE FUNCTION reco.euclidean_distance(a pg_catalog.float8[], b pg_catalog.float8[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_euclidean_distance'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.euclidean_distance(pg_catalog.float8[], pg_catalog.float8[]) IS
'length of the difference of two vectors';

CREATE FUNCTION reco.euclidean_distance(a pg_catalog.int2[], b pg_catalog.int2[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_euclidean_distance'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.euclidean_distance(pg_catalog.int2[], pg_catalog.int2[]) IS
'length of the difference of two vectors';

CREATE FUNCTION reco.euclidean_distance(a pg_catalog.int4[], b pg_catalog.int4[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_euclidean_distance'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.euclidean_distance(pg_catalog.int4[], pg_catalog.int4[]) IS
'length of the difference of two vectors';

CREATE FUNCTION reco.euclidean_distance(a pg_catalog.int8[], b pg_catalog.int8[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_euclidean_distance'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.euclidean_distance(pg_catalog.int8[], pg_catalog.int8[]) IS
'length of the difference of two vectors';

CREATE FUNCTION reco.euclidean_distance(a pg_catalog.numeric[], b pg_catalog.numeric[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_euclidean_distance'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.euclidean_distance(pg_catalog.numeric[], pg_catalog.numeric[]) IS
'length of the difference of two vectors';

CREATE FUNCTION reco.pearson_correlation(a pg_catalog.float4[], b pg_catalog.float4[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_pearson_correlation'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_correlation(pg_catalog.float4[], pg_catalog.float4[]) IS
'correlation of two vectors elements, from -1 to 1; NULL if one of them is constant';

CREATE FUNCTION reco.pearson_correlation(a pg_catalog.float8[], b pg_catalog.float8[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_pearson_correlation'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_correlation(pg_catalog.float8[], pg_catalog.float8[]) IS
'correlation of two vectors elements, from -1 to 1; NULL if one of them is constant';

CREATE FUNCTION reco.pearson_correlation(a pg_catalog.int2[], b pg_catalog.int2[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_pearson_correlation'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_correlation(pg_catalog.int2[], pg_catalog.int2[]) IS
'correlation of two vectors elements, from -1 to 1; NULL if one of them is constant';

CREATE FUNCTION reco.pearson_correlation(a pg_catalog.int4[], b pg_catalog.int4[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_pearson_correlation'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_correlation(pg_catalog.int4[], pg_catalog.int4[]) IS
'correlation of two vectors elements, from -1 to 1; NULL if one of them is constant';

CREATE FUNCTION reco.pearson_correlation(a pg_catalog.int8[], b pg_catalog.int8[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_pearson_correlation'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_correlation(pg_catalog.int8[], pg_catalog.int8[]) IS
'correlation of two vectors elements, from -1 to 1; NULL if one of them is constant';

CREATE FUNCTION reco.pearson_correlation(a pg_catalog.numeric[], b pg_catalog.numeric[]) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_pearson_correlation'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_correlation(pg_catalog.numeric[], pg_catalog.numeric[]) IS
'correlation of two vectors elements, from -1 to 1; NULL if one of them is constant';

-- Sets: the distinct elements of arrays, the lexemes of tsvectors.

CREATE FUNCTION reco.jaccard_similarity(a pg_catalog.anycompatiblearray, b pg_catalog.anycompatiblearray) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_jaccard_arrays'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION reco.jaccard_similarity(pg_catalog.anycompatiblearray, pg_catalog.anycompatiblearray) IS
'what two sets have in common, divided by their union; NULL if both are empty';

CREATE FUNCTION reco.jaccard_similarity(a pg_catalog.tsvector, b pg_catalog.tsvector) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_jaccard_tsvectors'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION reco.jaccard_similarity(pg_catalog.tsvector, pg_catalog.tsvector) IS
'what two sets have in common, divided by their union; NULL if both are empty';

CREATE FUNCTION reco.dice_similarity(a pg_catalog.anycompatiblearray, b pg_catalog.anycompatiblearray) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_dice_arrays'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION reco.dice_similarity(pg_catalog.anycompatiblearray, pg_catalog.anycompatiblearray) IS
'twice what two sets have in common, divided by the sum of their sizes; NULL if both are empty';

CREATE FUNCTION reco.dice_similarity(a pg_catalog.tsvector, b pg_catalog.tsvector) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_dice_tsvectors'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION reco.dice_similarity(pg_catalog.tsvector, pg_catalog.tsvector) IS
'twice what two sets have in common, divided by the sum of their sizes; NULL if both are empty';

CREATE FUNCTION reco.overlap_similarity(a pg_catalog.anycompatiblearray, b pg_catalog.anycompatiblearray) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_overlap_arrays'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION reco.overlap_similarity(pg_catalog.anycompatiblearray, pg_catalog.anycompatiblearray) IS
'what two sets have in common, divided by the smaller one; NULL if both are empty';

CREATE FUNCTION reco.overlap_similarity(a pg_catalog.tsvector, b pg_catalog.tsvector) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_overlap_tsvectors'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION reco.overlap_similarity(pg_catalog.tsvector, pg_catalog.tsvector) IS
'what two sets have in common, divided by the smaller one; NULL if both are empty';

CREATE FUNCTION reco.tversky_similarity(
  a pg_catalog.anycompatiblearray, b pg_catalog.anycompatiblearray,
  alpha pg_catalog.float8 DEFAULT 1,
  beta pg_catalog.float8 DEFAULT 1
) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_tversky_arrays'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION reco.tversky_similarity(pg_catalog.anycompatiblearray, pg_catalog.anycompatiblearray, pg_catalog.float8, pg_catalog.float8) IS
'what two sets have in common (c), divided by c + alpha (only in a) + beta (only in b); NULL if both are empty';

CREATE FUNCTION reco.tversky_similarity(
  a pg_catalog.tsvector, b pg_catalog.tsvector,
  alpha pg_catalog.float8 DEFAULT 1,
  beta pg_catalog.float8 DEFAULT 1
) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_tversky_tsvectors'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION reco.tversky_similarity(pg_catalog.tsvector, pg_catalog.tsvector, pg_catalog.float8, pg_catalog.float8) IS
'what two sets have in common (c), divided by c + alpha (only in a) + beta (only in b); NULL if both are empty';

-- Keywords.

CREATE FUNCTION reco.cosine_similarity(a pg_catalog.tsvector, b pg_catalog.tsvector) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_cosine_tsvectors'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
COMMENT ON FUNCTION reco.cosine_similarity(pg_catalog.tsvector, pg_catalog.tsvector) IS
'cosine of two texts'' lexemes, each as often as it occurs; NULL if one has none';

CREATE FUNCTION reco.cosine_similarity(a pg_catalog.jsonb, b pg_catalog.jsonb) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_cosine_jsonb'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION reco.cosine_similarity(pg_catalog.jsonb, pg_catalog.jsonb) IS
'cosine of two objects of keywords with weights, such as {"red": 2, "shoe": 1}; NULL if one has no weight';

CREATE FUNCTION reco.bigrams(value pg_catalog.text) RETURNS pg_catalog.tsvector
AS 'MODULE_PATHNAME', 'reco_bigrams'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50;
COMMENT ON FUNCTION reco.bigrams(pg_catalog.text) IS
'pairs of neighbouring letters and digits of a text, in lower case, as lexemes: for languages without spaces';

--
-- Aggregates.  Their states are internal, so that nobody can make one up.
--

CREATE FUNCTION reco.cosine_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_cosine_accum'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) IS
'transition function of cosine_agg';

CREATE FUNCTION reco.cosine_combine(pg_catalog.internal, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_cosine_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_combine(pg_catalog.internal, pg_catalog.internal) IS
'combine function of cosine_agg';

CREATE FUNCTION reco.cosine_serial(pg_catalog.internal) RETURNS pg_catalog.bytea
AS 'MODULE_PATHNAME', 'reco_cosine_serial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_serial(pg_catalog.internal) IS
'serialization function of cosine_agg';

CREATE FUNCTION reco.cosine_deserial(pg_catalog.bytea, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_cosine_deserial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_deserial(pg_catalog.bytea, pg_catalog.internal) IS
'deserialization function of cosine_agg';

CREATE FUNCTION reco.cosine_final(pg_catalog.internal) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_cosine_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.cosine_final(pg_catalog.internal) IS
'final function of cosine_agg';

CREATE AGGREGATE reco.cosine_agg(x pg_catalog.float8, y pg_catalog.float8) (
  SFUNC = reco.cosine_accum, STYPE = pg_catalog.internal, SSPACE = 80,
  COMBINEFUNC = reco.cosine_combine, SERIALFUNC = reco.cosine_serial, DESERIALFUNC = reco.cosine_deserial,
  FINALFUNC = reco.cosine_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.cosine_agg(pg_catalog.float8, pg_catalog.float8) IS
'cosine of the columns x and y over the rows of a group; a missing (NULL) side counts as 0; NULL if all x or all y are 0';

CREATE FUNCTION reco.dot_product_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_dot_accum'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) IS
'transition function of dot_product_agg';

CREATE FUNCTION reco.dot_product_combine(pg_catalog.internal, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_dot_combine_states'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product_combine(pg_catalog.internal, pg_catalog.internal) IS
'combine function of dot_product_agg';

CREATE FUNCTION reco.dot_product_serial(pg_catalog.internal) RETURNS pg_catalog.bytea
AS 'MODULE_PATHNAME', 'reco_dot_serial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product_serial(pg_catalog.internal) IS
'serialization function of dot_product_agg';

CREATE FUNCTION reco.dot_product_deserial(pg_catalog.bytea, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_dot_deserial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product_deserial(pg_catalog.bytea, pg_catalog.internal) IS
'deserialization function of dot_product_agg';

CREATE FUNCTION reco.dot_product_final(pg_catalog.internal) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_dot_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.dot_product_final(pg_catalog.internal) IS
'final function of dot_product_agg';

CREATE AGGREGATE reco.dot_product_agg(x pg_catalog.float8, y pg_catalog.float8) (
  SFUNC = reco.dot_product_accum, STYPE = pg_catalog.internal, SSPACE = 96,
  COMBINEFUNC = reco.dot_product_combine, SERIALFUNC = reco.dot_product_serial, DESERIALFUNC = reco.dot_product_deserial,
  FINALFUNC = reco.dot_product_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.dot_product_agg(pg_catalog.float8, pg_catalog.float8) IS
'sum of x * y over the rows of a group; a missing (NULL) side counts as 0';

CREATE FUNCTION reco.pearson_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_pearson_accum'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) IS
'transition function of pearson_agg';

CREATE FUNCTION reco.pearson_combine(pg_catalog.internal, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_pearson_combine_states'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_combine(pg_catalog.internal, pg_catalog.internal) IS
'combine function of pearson_agg';

CREATE FUNCTION reco.pearson_serial(pg_catalog.internal) RETURNS pg_catalog.bytea
AS 'MODULE_PATHNAME', 'reco_pearson_serial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_serial(pg_catalog.internal) IS
'serialization function of pearson_agg';

CREATE FUNCTION reco.pearson_deserial(pg_catalog.bytea, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_pearson_deserial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_deserial(pg_catalog.bytea, pg_catalog.internal) IS
'deserialization function of pearson_agg';

CREATE FUNCTION reco.pearson_final(pg_catalog.internal) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_pearson_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.pearson_final(pg_catalog.internal) IS
'final function of pearson_agg';

CREATE AGGREGATE reco.pearson_agg(x pg_catalog.float8, y pg_catalog.float8) (
  SFUNC = reco.pearson_accum, STYPE = pg_catalog.internal, SSPACE = 136,
  COMBINEFUNC = reco.pearson_combine, SERIALFUNC = reco.pearson_serial, DESERIALFUNC = reco.pearson_deserial,
  FINALFUNC = reco.pearson_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.pearson_agg(pg_catalog.float8, pg_catalog.float8) IS
'correlation of x and y over the rows of a group; pairs with a NULL are skipped; NULL if x or y is constant';

CREATE FUNCTION reco.jaccard_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_jaccard_accum'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.jaccard_accum(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) IS
'transition function of jaccard_agg';

CREATE FUNCTION reco.jaccard_inverse(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_jaccard_inverse'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.jaccard_inverse(pg_catalog.internal, pg_catalog.float8, pg_catalog.float8) IS
'inverse transition function of jaccard_agg';

CREATE FUNCTION reco.jaccard_accum(pg_catalog.internal, pg_catalog.bool, pg_catalog.bool) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_jaccard_accum_bool'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.jaccard_accum(pg_catalog.internal, pg_catalog.bool, pg_catalog.bool) IS
'transition function of jaccard_agg';

CREATE FUNCTION reco.jaccard_inverse(pg_catalog.internal, pg_catalog.bool, pg_catalog.bool) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_jaccard_inverse_bool'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.jaccard_inverse(pg_catalog.internal, pg_catalog.bool, pg_catalog.bool) IS
'inverse transition function of jaccard_agg';

CREATE FUNCTION reco.jaccard_combine(pg_catalog.internal, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_jaccard_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.jaccard_combine(pg_catalog.internal, pg_catalog.internal) IS
'combine function of jaccard_agg';

CREATE FUNCTION reco.jaccard_serial(pg_catalog.internal) RETURNS pg_catalog.bytea
AS 'MODULE_PATHNAME', 'reco_jaccard_serial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.jaccard_serial(pg_catalog.internal) IS
'serialization function of jaccard_agg';

CREATE FUNCTION reco.jaccard_deserial(pg_catalog.bytea, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_jaccard_deserial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.jaccard_deserial(pg_catalog.bytea, pg_catalog.internal) IS
'deserialization function of jaccard_agg';

CREATE FUNCTION reco.jaccard_final(pg_catalog.internal) RETURNS pg_catalog.float8
AS 'MODULE_PATHNAME', 'reco_jaccard_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.jaccard_final(pg_catalog.internal) IS
'final function of jaccard_agg';

CREATE AGGREGATE reco.jaccard_agg(a pg_catalog.float8, b pg_catalog.float8) (
  SFUNC = reco.jaccard_accum, STYPE = pg_catalog.internal, SSPACE = 48,
  COMBINEFUNC = reco.jaccard_combine, SERIALFUNC = reco.jaccard_serial, DESERIALFUNC = reco.jaccard_deserial,
  FINALFUNC = reco.jaccard_final, FINALFUNC_MODIFY = READ_ONLY,
  MSFUNC = reco.jaccard_accum, MINVFUNC = reco.jaccard_inverse, MSTYPE = pg_catalog.internal, MSSPACE = 48,
  MFINALFUNC = reco.jaccard_final, MFINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.jaccard_agg(pg_catalog.float8, pg_catalog.float8) IS
'rows of a group where both a and b are present (not NULL and not 0), divided by rows where one is; NULL if there is none';

CREATE AGGREGATE reco.jaccard_agg(a pg_catalog.bool, b pg_catalog.bool) (
  SFUNC = reco.jaccard_accum, STYPE = pg_catalog.internal, SSPACE = 48,
  COMBINEFUNC = reco.jaccard_combine, SERIALFUNC = reco.jaccard_serial, DESERIALFUNC = reco.jaccard_deserial,
  FINALFUNC = reco.jaccard_final, FINALFUNC_MODIFY = READ_ONLY,
  MSFUNC = reco.jaccard_accum, MINVFUNC = reco.jaccard_inverse, MSTYPE = pg_catalog.internal, MSSPACE = 48,
  MFINALFUNC = reco.jaccard_final, MFINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.jaccard_agg(pg_catalog.bool, pg_catalog.bool) IS
'rows of a group where both a and b are present (true), divided by rows where one is; NULL if there is none';

CREATE FUNCTION reco.vector_accum(pg_catalog.internal, pg_catalog.float4[]) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_vector_accum'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.vector_accum(pg_catalog.internal, pg_catalog.float4[]) IS
'transition function of vector_sum and vector_avg';

CREATE FUNCTION reco.vector_combine(pg_catalog.internal, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_vector_combine_states'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.vector_combine(pg_catalog.internal, pg_catalog.internal) IS
'combine function of vector_sum and vector_avg';

CREATE FUNCTION reco.vector_serial(pg_catalog.internal) RETURNS pg_catalog.bytea
AS 'MODULE_PATHNAME', 'reco_vector_serial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.vector_serial(pg_catalog.internal) IS
'serialization function of vector_sum and vector_avg';

CREATE FUNCTION reco.vector_deserial(pg_catalog.bytea, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_vector_deserial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.vector_deserial(pg_catalog.bytea, pg_catalog.internal) IS
'deserialization function of vector_sum and vector_avg';

CREATE FUNCTION reco.vector_sum_final(pg_catalog.internal) RETURNS pg_catalog.float4[]
AS 'MODULE_PATHNAME', 'reco_vector_sum'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.vector_sum_final(pg_catalog.internal) IS
'final function of vector_sum';

CREATE AGGREGATE reco.vector_sum(value pg_catalog.float4[]) (
  SFUNC = reco.vector_accum, STYPE = pg_catalog.internal, SSPACE = 2048,
  COMBINEFUNC = reco.vector_combine, SERIALFUNC = reco.vector_serial, DESERIALFUNC = reco.vector_deserial,
  FINALFUNC = reco.vector_sum_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.vector_sum(pg_catalog.float4[]) IS
'element-wise sum of the vectors of a group, accumulated in float8';

CREATE FUNCTION reco.vector_avg_final(pg_catalog.internal) RETURNS pg_catalog.float4[]
AS 'MODULE_PATHNAME', 'reco_vector_avg'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.vector_avg_final(pg_catalog.internal) IS
'final function of vector_avg';

CREATE AGGREGATE reco.vector_avg(value pg_catalog.float4[]) (
  SFUNC = reco.vector_accum, STYPE = pg_catalog.internal, SSPACE = 2048,
  COMBINEFUNC = reco.vector_combine, SERIALFUNC = reco.vector_serial, DESERIALFUNC = reco.vector_deserial,
  FINALFUNC = reco.vector_avg_final, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.vector_avg(pg_catalog.float4[]) IS
'element-wise mean of the vectors of a group, accumulated in float8';

CREATE FUNCTION reco.top_n_accum(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.float8, pg_catalog.int4) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_top_n_accum'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.top_n_accum(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.float8, pg_catalog.int4) IS
'transition function of top_n_agg';

CREATE FUNCTION reco.top_n_combine(pg_catalog.internal, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_top_n_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.top_n_combine(pg_catalog.internal, pg_catalog.internal) IS
'combine function of top_n_agg';

CREATE FUNCTION reco.top_n_serial(pg_catalog.internal) RETURNS pg_catalog.bytea
AS 'MODULE_PATHNAME', 'reco_top_n_serial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.top_n_serial(pg_catalog.internal) IS
'serialization function of top_n_agg';

CREATE FUNCTION reco.top_n_deserial(pg_catalog.bytea, pg_catalog.internal) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_top_n_deserial'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.top_n_deserial(pg_catalog.bytea, pg_catalog.internal) IS
'deserialization function of top_n_agg';

CREATE FUNCTION reco.top_n_final(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.float8, pg_catalog.int4) RETURNS pg_catalog.anyarray
AS 'MODULE_PATHNAME', 'reco_top_n_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.top_n_final(pg_catalog.internal, pg_catalog.anyelement, pg_catalog.float8, pg_catalog.int4) IS
'final function of top_n_agg';

CREATE AGGREGATE reco.top_n_agg(item pg_catalog.anyelement, score pg_catalog.float8, n pg_catalog.int4) (
  SFUNC = reco.top_n_accum, STYPE = pg_catalog.internal, SSPACE = 512,
  COMBINEFUNC = reco.top_n_combine, SERIALFUNC = reco.top_n_serial, DESERIALFUNC = reco.top_n_deserial,
  FINALFUNC = reco.top_n_final, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.top_n_agg(pg_catalog.anyelement, pg_catalog.float8, pg_catalog.int4) IS
'the n items of the highest scores, best first, equal scores in the order of the items; n NULL: all';
--
-- Constructors.  One C function serves them all: the algorithm is the name of
-- the SQL function, its options are the names of the arguments, and their
-- types, ranges and meaning stand in the algorithm's own table in src/model.
--

CREATE FUNCTION reco.ials(
  factors pg_catalog.int4 DEFAULT 64,
  regularization pg_catalog.float8 DEFAULT 0.01,
  alpha pg_catalog.float8 DEFAULT 1,
  iterations pg_catalog.int4 DEFAULT 15,
  weighted_regularization pg_catalog.bool DEFAULT false,
  solver pg_catalog.text DEFAULT 'auto',
  seed pg_catalog.int8 DEFAULT 42
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.ials IS
'implicit alternating least squares: factors from counts, clicks and purchases';

CREATE FUNCTION reco.als(
  factors pg_catalog.int4 DEFAULT 64,
  regularization pg_catalog.float8 DEFAULT 0.1,
  iterations pg_catalog.int4 DEFAULT 15,
  biases pg_catalog.bool DEFAULT true,
  clip pg_catalog.bool DEFAULT true,
  solver pg_catalog.text DEFAULT 'auto',
  seed pg_catalog.int8 DEFAULT 42
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.als IS
'alternating least squares on ratings, with user and item biases solved jointly with the factors';

CREATE FUNCTION reco.item_knn(
  similarity pg_catalog.text DEFAULT 'cosine',
  weighting pg_catalog.text DEFAULT 'none',
  neighbors pg_catalog.int4 DEFAULT 100,
  shrinkage pg_catalog.float8 DEFAULT 0,
  min_support pg_catalog.int4 DEFAULT 1,
  normalized pg_catalog.bool DEFAULT false,
  k1 pg_catalog.float8 DEFAULT 1.2,
  b pg_catalog.float8 DEFAULT 0.75,
  exponent pg_catalog.float8 DEFAULT 0.5,
  tversky_alpha pg_catalog.float8 DEFAULT 1,
  tversky_beta pg_catalog.float8 DEFAULT 1,
  biases pg_catalog.bool DEFAULT false
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.item_knn IS
'item-based collaborative filtering: items like those that a user has';

CREATE FUNCTION reco.user_knn(
  similarity pg_catalog.text DEFAULT 'cosine',
  weighting pg_catalog.text DEFAULT 'none',
  neighbors pg_catalog.int4 DEFAULT 100,
  shrinkage pg_catalog.float8 DEFAULT 0,
  min_support pg_catalog.int4 DEFAULT 1,
  normalized pg_catalog.bool DEFAULT false,
  k1 pg_catalog.float8 DEFAULT 1.2,
  b pg_catalog.float8 DEFAULT 0.75,
  exponent pg_catalog.float8 DEFAULT 0.5,
  tversky_alpha pg_catalog.float8 DEFAULT 1,
  tversky_beta pg_catalog.float8 DEFAULT 1,
  biases pg_catalog.bool DEFAULT false
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.user_knn IS
'user-based collaborative filtering: what users like this one have';

CREATE FUNCTION reco.rp3beta(
  alpha pg_catalog.float8 DEFAULT 1,
  beta pg_catalog.float8 DEFAULT 0.6,
  neighbors pg_catalog.int4 DEFAULT 100,
  normalized pg_catalog.bool DEFAULT true
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.rp3beta IS
'items by a random walk over users and items, the popular ones held down by beta';

CREATE FUNCTION reco.content(
  weights pg_catalog.jsonb DEFAULT NULL
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.content IS
'items like those that a user has, by the keywords, attributes, embeddings, categories and numbers of items';

CREATE FUNCTION reco.popular() RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.popular IS
'items by the number of users who have them: the baseline';

CREATE FUNCTION reco.options(
  on_invalid pg_catalog.text DEFAULT 'error',
  min_user_interactions pg_catalog.int4 DEFAULT 1,
  min_item_interactions pg_catalog.int4 DEFAULT 1,
  keep_versions pg_catalog.int4 DEFAULT 2,
  live pg_catalog.text DEFAULT 'auto'
) RETURNS reco.data_options
AS 'MODULE_PATHNAME', 'reco_make_options'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.options IS
'how a model reads its source, in training and when serving, and how many versions it keeps';
--
-- Factorization as plain SQL: one half step of alternating least squares is an
-- aggregate.  A state grows to 4 d (d + 3) + max(64, d) (4 d + 16) bytes for d
-- factors, and some more for how memory is handed out; what is declared is what
-- was seen with 64 factors.
--

CREATE FUNCTION reco.als_agg_transition(
  state pg_catalog.internal, factors pg_catalog.float4[], value pg_catalog.float8
) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_als_agg_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION reco.als_agg_transition(
  pg_catalog.internal, pg_catalog.float4[], pg_catalog.float8) IS
'adds a row to the state of als_agg';

CREATE FUNCTION reco.als_agg_transition(
  state pg_catalog.internal, factors pg_catalog.float4[], value pg_catalog.float8,
  gram pg_catalog.float8[], algorithm reco.algorithm
) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_als_agg_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION reco.als_agg_transition(
  pg_catalog.internal, pg_catalog.float4[], pg_catalog.float8, pg_catalog.float8[],
  reco.algorithm) IS
'adds a row to the state of als_agg';

CREATE FUNCTION reco.gram_agg_transition(
  state pg_catalog.internal, factors pg_catalog.float4[]
) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_gram_agg_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION reco.gram_agg_transition IS 'adds a row to the state of gram_agg';

CREATE FUNCTION reco.als_agg_combine(
  state pg_catalog.internal, other pg_catalog.internal
) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_als_agg_combine'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION reco.als_agg_combine IS 'adds two states of als_agg or gram_agg';

CREATE FUNCTION reco.als_agg_serialize(state pg_catalog.internal) RETURNS pg_catalog.bytea
AS 'MODULE_PATHNAME', 'reco_als_agg_serialize'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION reco.als_agg_serialize IS 'a state of als_agg or gram_agg as bytes';

CREATE FUNCTION reco.als_agg_deserialize(
  bytes pg_catalog.bytea, state pg_catalog.internal
) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_als_agg_deserialize'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION reco.als_agg_deserialize IS
'a state of als_agg or gram_agg from bytes, or an error';

CREATE FUNCTION reco.als_agg_final(state pg_catalog.internal) RETURNS pg_catalog.float4[]
AS 'MODULE_PATHNAME', 'reco_als_agg_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION reco.als_agg_final IS 'the factors that solve a state of als_agg';

CREATE FUNCTION reco.gram_agg_final(state pg_catalog.internal) RETURNS pg_catalog.float8[]
AS 'MODULE_PATHNAME', 'reco_gram_agg_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION reco.gram_agg_final IS 'the matrix of a state of gram_agg';

CREATE AGGREGATE reco.als_agg(factors pg_catalog.float4[], value pg_catalog.float8) (
  SFUNC = reco.als_agg_transition,
  STYPE = pg_catalog.internal,
  SSPACE = 42000,
  FINALFUNC = reco.als_agg_final,
  FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = reco.als_agg_combine,
  SERIALFUNC = reco.als_agg_serialize,
  DESERIALFUNC = reco.als_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.als_agg(pg_catalog.float4[], pg_catalog.float8) IS
'the factors that explain a group''s ratings best: an explicit half step of alternating least squares';

CREATE AGGREGATE reco.als_agg(
  factors pg_catalog.float4[], value pg_catalog.float8, gram pg_catalog.float8[],
  algorithm reco.algorithm
) (
  SFUNC = reco.als_agg_transition,
  STYPE = pg_catalog.internal,
  SSPACE = 42000,
  FINALFUNC = reco.als_agg_final,
  FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = reco.als_agg_combine,
  SERIALFUNC = reco.als_agg_serialize,
  DESERIALFUNC = reco.als_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.als_agg(
  pg_catalog.float4[], pg_catalog.float8, pg_catalog.float8[], reco.algorithm) IS
'the factors that explain a group''s values best, by reco.ials() with gram or by reco.als()';

CREATE AGGREGATE reco.gram_agg(factors pg_catalog.float4[]) (
  SFUNC = reco.gram_agg_transition,
  STYPE = pg_catalog.internal,
  SSPACE = 42000,
  FINALFUNC = reco.gram_agg_final,
  FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = reco.als_agg_combine,
  SERIALFUNC = reco.als_agg_serialize,
  DESERIALFUNC = reco.als_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.gram_agg(pg_catalog.float4[]) IS
'the sum of the products of all pairs of factors, Y''Y, as a square matrix';
--
-- Models: made, refreshed, altered, dropped.
--

CREATE PROCEDURE reco.create_model(
  name pg_catalog.text,
  source pg_catalog.text,
  algorithm reco.algorithm DEFAULT reco.ials(),
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options()
)
AS 'MODULE_PATHNAME', 'reco_create_model'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_model IS
'makes a schema with a model in it and trains its first version';

CREATE PROCEDURE reco.refresh(
  model pg_catalog.text,
  if_running pg_catalog.text DEFAULT 'wait',
  min_interval pg_catalog.interval DEFAULT NULL,
  guard pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_refresh'
LANGUAGE C;
COMMENT ON PROCEDURE reco.refresh IS
'trains a new version of a model from its own definition and makes it the active one, if the guard says so';

CREATE PROCEDURE reco.alter_model(
  model pg_catalog.text,
  source pg_catalog.text DEFAULT NULL,
  algorithm reco.algorithm DEFAULT NULL,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_alter_model'
LANGUAGE C;
COMMENT ON PROCEDURE reco.alter_model IS
'changes the definition of a model; takes effect at the next refresh';

CREATE PROCEDURE reco.drop_model(
  model pg_catalog.text,
  if_exists pg_catalog.bool DEFAULT false
)
AS 'MODULE_PATHNAME', 'reco_drop_model'
LANGUAGE C;
COMMENT ON PROCEDURE reco.drop_model IS
'drops a model with its schema';

CREATE PROCEDURE reco.materialize(
  model pg_catalog.text,
  n pg_catalog.int4 DEFAULT 10,
  users pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_materialize'
LANGUAGE C;
COMMENT ON PROCEDURE reco.materialize IS
'writes the lists of all users, or of those that a query returns, for the view "recommendations" of the model';

CREATE PROCEDURE reco.activate(model pg_catalog.text, version pg_catalog.int4)
AS 'MODULE_PATHNAME', 'reco_activate'
LANGUAGE C;
COMMENT ON PROCEDURE reco.activate IS
'makes an older version of a model, that is still kept, the active one';

CREATE PROCEDURE reco.upgrade_model(model pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_upgrade_model'
LANGUAGE C;
COMMENT ON PROCEDURE reco.upgrade_model IS
'makes the views and functions of a model anew, after ALTER EXTENSION UPDATE';

CREATE PROCEDURE reco.grant_use(model pg_catalog.text, role pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_grant_use'
LANGUAGE C;
COMMENT ON PROCEDURE reco.grant_use IS
'grants a role (or public) what it takes to use a model: its schema, to read its tables, to call its functions';

CREATE PROCEDURE reco.revoke_use(model pg_catalog.text, role pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_revoke_use'
LANGUAGE C;
COMMENT ON PROCEDURE reco.revoke_use IS
'takes back what reco.grant_use() granted';

CREATE PROCEDURE reco.schedule(
  model pg_catalog.text,
  schedule pg_catalog.text,
  guard pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_schedule'
LANGUAGE C;
COMMENT ON PROCEDURE reco.schedule IS
'has pg_cron refresh a model at the times of a cron expression; replaces an earlier schedule';

CREATE PROCEDURE reco.unschedule(model pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_unschedule'
LANGUAGE C;
COMMENT ON PROCEDURE reco.unschedule IS
'ends the refreshes of a model by pg_cron';

CREATE PROCEDURE reco.run_scheduled(model pg_catalog.text, guard pg_catalog.text DEFAULT NULL)
AS 'MODULE_PATHNAME', 'reco_run_scheduled'
LANGUAGE C;
COMMENT ON PROCEDURE reco.run_scheduled IS
'what the job of reco.schedule() calls: a refresh, unless one runs; without the model the job goes';

CREATE FUNCTION reco.explain_source(model pg_catalog.text)
RETURNS TABLE (line pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_explain_source'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION reco.explain_source IS
'whether a model''s source is read live when serving, and by which plan; for the model''s owner';

CREATE FUNCTION reco.list_models(
  OUT model pg_catalog.text,
  OUT owner pg_catalog.name,
  OUT algorithm pg_catalog.text,
  OUT version pg_catalog.int4,
  OUT status pg_catalog.text,
  OUT users pg_catalog.int4,
  OUT items pg_catalog.int4,
  OUT interactions pg_catalog.int8,
  OUT trained_at pg_catalog.timestamptz,
  OUT source pg_catalog.text
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_list_models'
LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 20;
COMMENT ON FUNCTION reco.list_models IS
'the models of this database whose tables the caller may read; runs no code of their owners';

CREATE VIEW reco.models AS SELECT * FROM reco.list_models();
COMMENT ON VIEW reco.models IS
'the models of this database whose tables the caller may read';
GRANT SELECT ON reco.models TO PUBLIC;
GRANT USAGE ON SCHEMA reco TO PUBLIC;

CREATE FUNCTION reco.list_progress(
  OUT model pg_catalog.text,
  OUT version pg_catalog.int4,
  OUT phase pg_catalog.text,
  OUT iteration pg_catalog.int4,
  OUT iterations pg_catalog.int4,
  OUT loss pg_catalog.float8,
  OUT rows pg_catalog.int8,
  OUT started_at pg_catalog.timestamptz,
  OUT elapsed pg_catalog.interval,
  OUT estimate pg_catalog.interval,
  OUT pid pg_catalog.int4
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_list_progress'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 2;
COMMENT ON FUNCTION reco.list_progress IS
'the trainings that run, of models whose tables the caller may read';

CREATE VIEW reco.progress AS SELECT * FROM reco.list_progress();
COMMENT ON VIEW reco.progress IS
'the trainings that run, of models whose tables the caller may read: how far they are';
GRANT SELECT ON reco.progress TO PUBLIC;
--
-- What the functions in a model's schema call.  Their shape never changes: the
-- generated functions depend on them.  Each checks the caller's rights on the
-- model's tables, and the column list that it is called with.
--

CREATE FUNCTION reco.serve_recommend(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_recommend'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_recommend IS
'items for a user (rank, item, score, source); called by a model''s recommend()';

CREATE FUNCTION reco.serve_recommend_for(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_recommend_for'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_recommend_for IS
'items for a basket (rank, item, score, source); called by a model''s recommend_for()';

CREATE FUNCTION reco.serve_rerank(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_rerank'
LANGUAGE C STABLE PARALLEL SAFE ROWS 100 COST 1000;
COMMENT ON FUNCTION reco.serve_rerank IS
'given items in a user''s order (rank, item, score); called by a model''s rerank()';

CREATE FUNCTION reco.serve_predict(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_predict'
LANGUAGE C STABLE PARALLEL SAFE ROWS 1 COST 100;
COMMENT ON FUNCTION reco.serve_predict IS
'one item''s score for a user (score); called by a model''s predict()';

CREATE FUNCTION reco.serve_explain(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_explain'
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000;
COMMENT ON FUNCTION reco.serve_explain IS
'what a score is made of (item, contribution, share); called by a model''s explain()';

CREATE FUNCTION reco.serve_similar_items(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_similar_items'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_similar_items IS
'items like one (rank, item, similarity); called by a model''s similar_items()';

CREATE FUNCTION reco.serve_similar_users(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_similar_users'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_similar_users IS
'users like one (rank, user, similarity); called by a model''s similar_users()';

CREATE FUNCTION reco.serve_user_profile(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_user_profile'
LANGUAGE C STABLE PARALLEL SAFE ROWS 100 COST 1000;
COMMENT ON FUNCTION reco.serve_user_profile IS
'what a user likes (feature, value, weight); called by a model''s user_profile()';

CREATE FUNCTION reco.serve_audience(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_audience'
LANGUAGE C STABLE PARALLEL SAFE ROWS 100 COST 100000;
COMMENT ON FUNCTION reco.serve_audience IS
'users for an item or items (rank, user, score); called by a model''s audience()';

CREATE FUNCTION reco.serve_popular(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_popular'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_popular IS
'the most popular items (rank, item, users); called by a model''s popular()';

CREATE FUNCTION reco.serve_trending(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_trending'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_trending IS
'the items that grow most (rank, item, growth); called by a model''s trending()';

CREATE FUNCTION reco.recommend(
  model pg_catalog.text,
  for_user pg_catalog.anycompatible,
  n pg_catalog.int4 DEFAULT 10,
  include_seen pg_catalog.bool DEFAULT false,
  fallback pg_catalog.text DEFAULT 'auto',
  OUT rank pg_catalog.int4,
  OUT item_id pg_catalog.text,
  OUT score pg_catalog.float4,
  OUT source pg_catalog.text
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_recommend'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.recommend IS
'items for a user of any model, ids as text: for tools that know no types';
--
-- Evaluation.
--

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
COMMENT ON FUNCTION reco.evaluate IS
'hides a part of every user''s interactions, trains on the rest and measures what is found, with popularity beside';
--
-- What a session computes with.
--

CREATE FUNCTION reco.environment(
  OUT name pg_catalog.text,
  OUT value pg_catalog.text
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_environment'
LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 8;
COMMENT ON FUNCTION reco.environment IS
'versions, memory, threads and instructions that this session computes with';
