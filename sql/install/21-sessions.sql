--
-- Constructors of what goes by the order of interactions, as those in 20-algorithms.sql.
--

CREATE FUNCTION reco.sequence(
  steps pg_catalog.int4 DEFAULT 4,
  exponent pg_catalog.float8 DEFAULT 1,
  neighbors pg_catalog.int4 DEFAULT 200,
  last_items pg_catalog.int4 DEFAULT 5
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.sequence IS
'what comes after the last items: rules from the order of interactions';
