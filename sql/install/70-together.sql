--
-- What is bought together, and again.
--

-- Items are text: a function that returns several columns cannot take their type from a query.
CREATE FUNCTION reco.bought_together(
  source pg_catalog.anycompatible,
  min_support pg_catalog.int4 DEFAULT NULL,
  measure pg_catalog.text DEFAULT 'lift',
  n pg_catalog.int4 DEFAULT 100
) RETURNS TABLE (
  rank pg_catalog.int4,
  item_a pg_catalog.text,
  item_b pg_catalog.text,
  count_a pg_catalog.int4,
  count_b pg_catalog.int4,
  count pg_catalog.int4,
  support pg_catalog.float8,
  confidence_ab pg_catalog.float8,
  confidence_ba pg_catalog.float8,
  lift pg_catalog.float8,
  llr pg_catalog.float8
)
AS 'MODULE_PATHNAME', 'reco_bought_together'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 100;
COMMENT ON FUNCTION reco.bought_together IS
'pairs of items that meet in the baskets of a query: how many have each, and both, with support, confidence, lift and log-likelihood ratio';

CREATE FUNCTION reco.serve_bought_together(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_bought_together'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 100000;
COMMENT ON FUNCTION reco.serve_bought_together IS
'items in baskets with an item, with what counts them; called by a model''s bought_together()';

CREATE FUNCTION reco.serve_buy_again(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_buy_again'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_buy_again IS
'what a user is due to buy again, and when; called by a model''s buy_again()';
