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
