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

-- A source is a query or a table, and algorithms are one or many: the C function looks at what it
-- is called with.  A literal that has no type is a text as anycompatible, but nothing as
-- anyelement; so there is a second function for it, and for calls without algorithms.

CREATE FUNCTION reco.evaluate(
  source pg_catalog.anycompatible,
  algorithms pg_catalog.anyelement,
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
COMMENT ON FUNCTION reco.evaluate(pg_catalog.anycompatible, pg_catalog.anyelement, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool) IS
'hides a part of the interactions, trains on the rest and measures what is found, with popularity beside';

CREATE FUNCTION reco.evaluate(
  source pg_catalog.anycompatible,
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
COMMENT ON FUNCTION reco.evaluate(pg_catalog.anycompatible, pg_catalog.text, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool) IS
'the same with algorithms in quotes: as JSON, or an error that says how to write them';

CREATE PROCEDURE reco.evaluate_into(
  results pg_catalog.text,
  source pg_catalog.anycompatible,
  algorithms pg_catalog.anyelement,
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  cut pg_catalog.timestamptz DEFAULT NULL,
  test pg_catalog.text DEFAULT NULL,
  unknown pg_catalog.text DEFAULT 'skip',
  by_activity pg_catalog.bool DEFAULT false,
  label pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_evaluate_into'
LANGUAGE C;
COMMENT ON PROCEDURE reco.evaluate_into(pg_catalog.text, pg_catalog.anycompatible, pg_catalog.anyelement, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.text) IS
'an evaluation whose rows go to a table, by a procedure that holds no snapshot while it trains';

CREATE PROCEDURE reco.evaluate_into(
  results pg_catalog.text,
  source pg_catalog.anycompatible,
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
  by_activity pg_catalog.bool DEFAULT false,
  label pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_evaluate_into'
LANGUAGE C;
COMMENT ON PROCEDURE reco.evaluate_into(pg_catalog.text, pg_catalog.anycompatible, pg_catalog.text, pg_catalog.text, pg_catalog.float8, pg_catalog.int4[], pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text, pg_catalog.bool, pg_catalog.text) IS
'the same with algorithms in quotes: as JSON, or an error that says how to write them';

CREATE TYPE reco.tuning AS (
  rank pg_catalog.int4,
  algorithm pg_catalog.text,
  value pg_catalog.float8,
  error pg_catalog.float8,
  over_popular pg_catalog.float8,
  over_popular_error pg_catalog.float8,
  seconds pg_catalog.float8,
  call pg_catalog.text,
  message pg_catalog.text
);
COMMENT ON TYPE reco.tuning IS
'what reco.tune tried';

CREATE FUNCTION reco.tune(
  source pg_catalog.anycompatible,
  candidates pg_catalog.anyelement,
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  metric pg_catalog.text DEFAULT 'ndcg@10',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  cut pg_catalog.timestamptz DEFAULT NULL,
  test pg_catalog.text DEFAULT NULL,
  unknown pg_catalog.text DEFAULT 'skip'
) RETURNS SETOF reco.tuning
AS 'MODULE_PATHNAME', 'reco_tune'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 40;
COMMENT ON FUNCTION reco.tune(pg_catalog.anycompatible, pg_catalog.anyelement, pg_catalog.text, pg_catalog.float8, pg_catalog.text, pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text) IS
'which of the candidates, or of one algorithm''s own grid, finds most of what is hidden: the best first, as calls to be pasted';

CREATE FUNCTION reco.tune(
  source pg_catalog.anycompatible,
  candidates pg_catalog.text DEFAULT NULL,
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  metric pg_catalog.text DEFAULT 'ndcg@10',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  cut pg_catalog.timestamptz DEFAULT NULL,
  test pg_catalog.text DEFAULT NULL,
  unknown pg_catalog.text DEFAULT 'skip'
) RETURNS SETOF reco.tuning
AS 'MODULE_PATHNAME', 'reco_tune'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 40;
COMMENT ON FUNCTION reco.tune(pg_catalog.anycompatible, pg_catalog.text, pg_catalog.text, pg_catalog.float8, pg_catalog.text, pg_catalog.text, reco.data_options, pg_catalog.int8, pg_catalog.timestamptz, pg_catalog.text, pg_catalog.text) IS
'the same for the grids of all algorithms';

CREATE FUNCTION reco.evaluate_lists(
  lists pg_catalog.text,
  test pg_catalog.text,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  train pg_catalog.text DEFAULT NULL,
  include_seen pg_catalog.bool DEFAULT false
) RETURNS TABLE (
  metric pg_catalog.text,
  k pg_catalog.int4,
  value pg_catalog.float8,
  error pg_catalog.float8,
  users pg_catalog.int4
)
AS 'MODULE_PATHNAME', 'reco_evaluate_lists'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.evaluate_lists IS
'how good lists are, wherever they come from: user, item, rank against user, item of a test';
