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
