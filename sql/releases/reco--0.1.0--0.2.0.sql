/* reco 0.1.0 to 0.2.0 */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION reco UPDATE TO '0.2.0'" to load this file. \quit

-- A session keeps the library that it has loaded, which may be that of 0.1.0.
DO $$
BEGIN
  CREATE FUNCTION reco.environment(
    OUT name pg_catalog.text,
    OUT value pg_catalog.text
  ) RETURNS SETOF pg_catalog.record
  AS 'MODULE_PATHNAME', 'reco_environment'
  LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 8;
EXCEPTION WHEN undefined_function THEN
  RAISE EXCEPTION 'this session has loaded an older library of extension "reco"'
    USING ERRCODE = 'object_not_in_prerequisite_state',
          HINT = 'Connect anew, and update then; where the server preloads the library, restart it.';
END
$$;
COMMENT ON FUNCTION reco.environment IS
'versions, memory, threads and instructions that this session computes with';
