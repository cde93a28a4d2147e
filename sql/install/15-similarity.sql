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
