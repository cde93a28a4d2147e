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
-- The same in two steps: sums of a group where its rows are, as bytes without Y'Y, and the
-- solution where sums of several places come together.
--

CREATE FUNCTION reco.als_sums_transition(
  state pg_catalog.internal, factors pg_catalog.float4[], value pg_catalog.float8,
  algorithm reco.algorithm
) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_als_agg_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 20;
COMMENT ON FUNCTION reco.als_sums_transition IS
'adds a row to the state of als_state or als_sums';

CREATE FUNCTION reco.als_sums_final(state pg_catalog.internal) RETURNS pg_catalog.bytea
AS 'MODULE_PATHNAME', 'reco_als_sums_final'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 200;
COMMENT ON FUNCTION reco.als_sums_final IS
'a state of als_sums or gram_sums as bytes that hold sums alone';

CREATE FUNCTION reco.als_solve_transition(
  state pg_catalog.internal, sums pg_catalog.bytea, gram pg_catalog.float8[]
) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_als_solve_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION reco.als_solve_transition IS 'adds sums to the state of als_solve';

CREATE FUNCTION reco.gram_total_transition(
  state pg_catalog.internal, sums pg_catalog.bytea
) RETURNS pg_catalog.internal
AS 'MODULE_PATHNAME', 'reco_als_solve_transition'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION reco.gram_total_transition IS 'adds sums to the state of gram_total';

CREATE AGGREGATE reco.als_state(
  factors pg_catalog.float4[], value pg_catalog.float8, algorithm reco.algorithm
) (
  SFUNC = reco.als_sums_transition,
  STYPE = pg_catalog.internal,
  SSPACE = 42000,
  FINALFUNC = reco.als_agg_serialize,
  FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = reco.als_agg_combine,
  SERIALFUNC = reco.als_agg_serialize,
  DESERIALFUNC = reco.als_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.als_state(
  pg_catalog.float4[], pg_catalog.float8, reco.algorithm) IS
'a part of a group for als_solve, as few bytes as it takes: sums, or the rows of a short one';

CREATE AGGREGATE reco.als_sums(
  factors pg_catalog.float4[], value pg_catalog.float8, algorithm reco.algorithm
) (
  SFUNC = reco.als_sums_transition,
  STYPE = pg_catalog.internal,
  SSPACE = 42000,
  FINALFUNC = reco.als_sums_final,
  FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = reco.als_agg_combine,
  SERIALFUNC = reco.als_agg_serialize,
  DESERIALFUNC = reco.als_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.als_sums(
  pg_catalog.float4[], pg_catalog.float8, reco.algorithm) IS
'a part of a group for als_solve, as sums that hold no row';

CREATE AGGREGATE reco.als_solve(sums pg_catalog.bytea, gram pg_catalog.float8[]) (
  SFUNC = reco.als_solve_transition,
  STYPE = pg_catalog.internal,
  SSPACE = 42000,
  FINALFUNC = reco.als_agg_final,
  FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = reco.als_agg_combine,
  SERIALFUNC = reco.als_agg_serialize,
  DESERIALFUNC = reco.als_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.als_solve(pg_catalog.bytea, pg_catalog.float8[]) IS
'the factors that solve parts of a group, made by als_sums or als_state; gram for reco.ials()';

CREATE AGGREGATE reco.gram_sums(factors pg_catalog.float4[]) (
  SFUNC = reco.gram_agg_transition,
  STYPE = pg_catalog.internal,
  SSPACE = 42000,
  FINALFUNC = reco.als_sums_final,
  FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = reco.als_agg_combine,
  SERIALFUNC = reco.als_agg_serialize,
  DESERIALFUNC = reco.als_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.gram_sums(pg_catalog.float4[]) IS
'a part of Y''Y for gram_total, as bytes';

CREATE AGGREGATE reco.gram_total(sums pg_catalog.bytea) (
  SFUNC = reco.gram_total_transition,
  STYPE = pg_catalog.internal,
  SSPACE = 42000,
  FINALFUNC = reco.gram_agg_final,
  FINALFUNC_MODIFY = READ_ONLY,
  COMBINEFUNC = reco.als_agg_combine,
  SERIALFUNC = reco.als_agg_serialize,
  DESERIALFUNC = reco.als_agg_deserialize,
  PARALLEL = SAFE
);
COMMENT ON AGGREGATE reco.gram_total(pg_catalog.bytea) IS
'the sum of parts of Y''Y that gram_sums made, as gram_agg gives it of all rows';

CREATE FUNCTION reco.als_start(number pg_catalog.int8, algorithm reco.algorithm)
RETURNS pg_catalog.float4[]
AS 'MODULE_PATHNAME', 'reco_als_start'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.als_start IS
'the factors that a training in memory begins with for the user of that number, from 0 in the order of their ids';
