--
-- Campaigns.
--

CREATE FUNCTION reco.allocate(
  user_id pg_catalog.anyelement,
  campaign pg_catalog.anycompatible,
  value pg_catalog.float8,
  budget pg_catalog.int8)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'reco_allocate_users'
LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.allocate(pg_catalog.anyelement, pg_catalog.anycompatible, pg_catalog.float8, pg_catalog.int8) IS
'whether a campaign gets the user of this row: at most one a user and a budget of users a campaign, so that the total value of the partition is the highest';

CREATE FUNCTION reco.allocate(
  user_id pg_catalog.anyelement,
  campaign pg_catalog.anycompatible,
  value pg_catalog.numeric,
  budget pg_catalog.int8)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'reco_allocate_users'
LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.allocate(pg_catalog.anyelement, pg_catalog.anycompatible, pg_catalog.numeric, pg_catalog.int8) IS
'the same of values of type numeric, which an error names that are too large';
