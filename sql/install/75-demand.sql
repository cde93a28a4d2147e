--
-- Demand.
--

-- Items are text: a function that returns several columns cannot take their type from a query.
CREATE FUNCTION reco.demand(
  source pg_catalog.anycompatible,
  horizon pg_catalog.interval DEFAULT '7 days',
  coverage pg_catalog.float8 DEFAULT 0.8,
  options reco.data_options DEFAULT reco.options()
) RETURNS TABLE (
  item_id pg_catalog.text,
  expected pg_catalog.float8,
  median pg_catalog.int4,
  low pg_catalog.int4,
  high pg_catalog.int4,
  probability pg_catalog.float8,
  latest pg_catalog.int4,
  total pg_catalog.int4
)
AS 'MODULE_PATHNAME', 'reco_demand_of'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION reco.demand(pg_catalog.anycompatible, pg_catalog.interval, pg_catalog.float8, reco.data_options) IS
'how many users will have each item of a query within a time to come, with an interval that holds for a share of the items';

CREATE FUNCTION reco.serve_demand(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_demand'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 1000 COST 1000000;
COMMENT ON FUNCTION reco.serve_demand IS
'how many users will have each item, with what a model says of them; called by a model''s demand()';

CREATE FUNCTION reco.serve_growth(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_growth'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 100000;
COMMENT ON FUNCTION reco.serve_growth IS
'the items that grow most in windows of one''s own, with how much; called by a model''s growth()';
