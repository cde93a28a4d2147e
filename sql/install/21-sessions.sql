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

CREATE FUNCTION reco.session_knn(
  neighbors pg_catalog.int4 DEFAULT 500,
  sample pg_catalog.int4 DEFAULT 5000,
  weighting pg_catalog.text DEFAULT 'exponential',
  normalized pg_catalog.bool DEFAULT true,
  place_decay pg_catalog.float8 DEFAULT 2.5,
  age_decay pg_catalog.float8 DEFAULT 1,
  distance_decay pg_catalog.float8 DEFAULT 6,
  latest_decay pg_catalog.float8 DEFAULT 10,
  idf pg_catalog.float8 DEFAULT 2
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.session_knn IS
'what came in sessions like this one, by the order of what is in them';

CREATE FUNCTION reco.repeat(
  decay pg_catalog.float8 DEFAULT 0.9,
  popularity pg_catalog.float8 DEFAULT NULL,
  item_rates pg_catalog.bool DEFAULT true,
  shrinkage pg_catalog.float8 DEFAULT 20,
  neighbors pg_catalog.int4 DEFAULT 0,
  own_weight pg_catalog.float8 DEFAULT 0.015,
  neighbor_decay pg_catalog.float8 DEFAULT 0.7,
  groups pg_catalog.int4 DEFAULT 1,
  group_decay pg_catalog.float8 DEFAULT 0.9,
  normalized pg_catalog.bool DEFAULT true
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.repeat IS
'what a user has again and again, and what others had last: the next basket';

CREATE FUNCTION reco.session_linear(
  blend pg_catalog.float8 DEFAULT 0.4,
  regularization pg_catalog.float8 DEFAULT 10,
  neighbors pg_catalog.int4 DEFAULT 50,
  gap_decay pg_catalog.float8 DEFAULT 1,
  place_decay pg_catalog.float8 DEFAULT 4
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.session_linear IS
'what is in a session and what comes after what, as a linear model in closed form';
