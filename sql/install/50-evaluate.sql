--
-- Evaluation.
--

CREATE TYPE reco.evaluation AS (
  algorithm pg_catalog.text,
  metric pg_catalog.text,
  k pg_catalog.int4,
  value pg_catalog.float8,
  error pg_catalog.float8,
  users pg_catalog.int4,
  activity pg_catalog.text,
  over_popular pg_catalog.float8,
  over_popular_error pg_catalog.float8,
  over_best pg_catalog.float8,
  over_best_error pg_catalog.float8
);
COMMENT ON TYPE reco.evaluation IS
'what reco.evaluate measured';

-- A source is a query or a table, and algorithms are many or one: reco_evaluate looks at which.

CREATE FUNCTION reco.evaluate(
  source pg_catalog.text,
  algorithms reco.algorithm[],
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  cut pg_catalog.timestamptz DEFAULT NULL,
  test pg_catalog.text DEFAULT NULL,
  unknown pg_catalog.text DEFAULT 'skip',
  by_activity pg_catalog.bool DEFAULT false
) RETURNS SETOF reco.evaluation
AS 'MODULE_PATHNAME', 'reco_evaluate'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 40;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.text, reco.algorithm[], pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool) IS
'hides a part of the interactions, trains on the rest and measures what is found, with popularity beside';

CREATE FUNCTION reco.evaluate(
  source pg_catalog.text,
  algorithms reco.algorithm,
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  cut pg_catalog.timestamptz DEFAULT NULL,
  test pg_catalog.text DEFAULT NULL,
  unknown pg_catalog.text DEFAULT 'skip',
  by_activity pg_catalog.bool DEFAULT false
) RETURNS SETOF reco.evaluation
AS 'MODULE_PATHNAME', 'reco_evaluate'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 40;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.text, reco.algorithm, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool) IS
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
  cut pg_catalog.timestamptz DEFAULT NULL,
  test pg_catalog.text DEFAULT NULL,
  unknown pg_catalog.text DEFAULT 'skip',
  by_activity pg_catalog.bool DEFAULT false
) RETURNS SETOF reco.evaluation
AS 'MODULE_PATHNAME', 'reco_evaluate'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 40;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool) IS
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
  cut pg_catalog.timestamptz DEFAULT NULL,
  test pg_catalog.text DEFAULT NULL,
  unknown pg_catalog.text DEFAULT 'skip',
  by_activity pg_catalog.bool DEFAULT false
) RETURNS SETOF reco.evaluation
AS 'MODULE_PATHNAME', 'reco_evaluate'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 40;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.regclass, reco.algorithm[], pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool) IS
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
  cut pg_catalog.timestamptz DEFAULT NULL,
  test pg_catalog.text DEFAULT NULL,
  unknown pg_catalog.text DEFAULT 'skip',
  by_activity pg_catalog.bool DEFAULT false
) RETURNS SETOF reco.evaluation
AS 'MODULE_PATHNAME', 'reco_evaluate'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 40;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.regclass, reco.algorithm, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool) IS
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
  cut pg_catalog.timestamptz DEFAULT NULL,
  test pg_catalog.text DEFAULT NULL,
  unknown pg_catalog.text DEFAULT 'skip',
  by_activity pg_catalog.bool DEFAULT false
) RETURNS SETOF reco.evaluation
AS 'MODULE_PATHNAME', 'reco_evaluate'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 40;
COMMENT ON FUNCTION reco.evaluate(pg_catalog.regclass, pg_catalog.text, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool) IS
'the same on a table with an algorithm in quotes, which is an error that says how to write it';
