--
-- Which model sells more: who gets which, what was shown, what came of it.
--

CREATE FUNCTION reco.assign(
  experiment pg_catalog.text,
  for_user pg_catalog.anycompatible,
  models pg_catalog.text[],
  weights pg_catalog.float8[] DEFAULT NULL
) RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'reco_assign'
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50;
COMMENT ON FUNCTION reco.assign IS
'which of the models a user gets in an experiment: ever the same one, shared out by weights';

CREATE FUNCTION reco.serve_expose(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_expose'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_expose IS
'items for a user with what a log needs (model, version, rank, item, score, source, propensity); called by a model''s expose()';

CREATE PROCEDURE reco.create_exposures(
  name pg_catalog.text,
  model pg_catalog.text
)
AS 'MODULE_PATHNAME', 'reco_create_exposures'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_exposures(pg_catalog.text, pg_catalog.text) IS
'makes a table that an application logs into what it has shown, for ids of the types of a model';

CREATE FUNCTION reco.ab_report(
  exposures pg_catalog.text,
  outcomes pg_catalog.text,
  experiment pg_catalog.text DEFAULT NULL,
  models pg_catalog.text[] DEFAULT NULL,
  weights pg_catalog.float8[] DEFAULT NULL,
  control pg_catalog.text DEFAULT NULL,
  within pg_catalog.interval DEFAULT NULL,
  by_version pg_catalog.bool DEFAULT false,
  effect pg_catalog.float8 DEFAULT 0.05,
  confidence pg_catalog.float8 DEFAULT 0.95,
  power pg_catalog.float8 DEFAULT 0.8
) RETURNS TABLE (
  outcome pg_catalog.text,
  metric pg_catalog.text,
  model pg_catalog.text,
  version pg_catalog.int8,
  users pg_catalog.int8,
  shown pg_catalog.int8,
  total pg_catalog.float8,
  value pg_catalog.float8,
  low pg_catalog.float8,
  high pg_catalog.float8,
  difference pg_catalog.float8,
  difference_low pg_catalog.float8,
  difference_high pg_catalog.float8,
  ratio pg_catalog.float8,
  ratio_low pg_catalog.float8,
  ratio_high pg_catalog.float8,
  detectable pg_catalog.float8,
  users_needed pg_catalog.int8,
  message pg_catalog.text
)
AS 'MODULE_PATHNAME', 'reco_ab_report'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.ab_report IS
'what users did whom each model was shown to: rates and values with intervals, beside a control';

CREATE FUNCTION reco.users_needed(
  rate pg_catalog.float8,
  effect pg_catalog.float8,
  confidence pg_catalog.float8 DEFAULT 0.95,
  power pg_catalog.float8 DEFAULT 0.8
) RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME', 'reco_users_needed_for'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.users_needed IS
'how many users each of two models needs for an effect to be found, such as 0.05 for a rise of the rate by 5 %';

CREATE FUNCTION reco.off_policy(
  log pg_catalog.text,
  confidence pg_catalog.float8 DEFAULT 0.95
) RETURNS TABLE (
  estimator pg_catalog.text,
  value pg_catalog.float8,
  error pg_catalog.float8,
  low pg_catalog.float8,
  high pg_catalog.float8,
  effective pg_catalog.float8,
  users pg_catalog.int8,
  shown pg_catalog.int8,
  message pg_catalog.text
)
AS 'MODULE_PATHNAME', 'reco_off_policy'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 4;
COMMENT ON FUNCTION reco.off_policy IS
'what another model would have got for each item shown, by a log of what was shown with known propensities';
