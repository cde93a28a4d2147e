--
-- What a session computes with.
--

CREATE FUNCTION reco.environment(
  OUT name pg_catalog.text,
  OUT value pg_catalog.text
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_environment'
LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 8;
COMMENT ON FUNCTION reco.environment IS
'versions, memory, threads and instructions that this session computes with';
