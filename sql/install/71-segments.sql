--
-- Segments of a model's users.
--

CREATE PROCEDURE reco.segment(
  model pg_catalog.text,
  k pg_catalog.int4 DEFAULT 8,
  features pg_catalog.text DEFAULT NULL,
  restarts pg_catalog.int4 DEFAULT 10,
  iterations pg_catalog.int4 DEFAULT 300,
  seed pg_catalog.int8 DEFAULT 42,
  rfm pg_catalog.bool DEFAULT true
)
AS 'MODULE_PATHNAME', 'reco_segment'
LANGUAGE C;
COMMENT ON PROCEDURE reco.segment IS
'shares the users of a model out among k segments by k-means, for the views "segments" and "segment_profile" of the model';

-- Users are text: a function that returns several columns cannot take their type from a query.
CREATE FUNCTION reco.rfm(
  source pg_catalog.text,
  at pg_catalog.timestamptz DEFAULT NULL
) RETURNS TABLE (
  user_id pg_catalog.text,
  recency pg_catalog.float8,
  frequency pg_catalog.int8,
  monetary pg_catalog.float8,
  r pg_catalog.int4,
  f pg_catalog.int4,
  m pg_catalog.int4
)
AS 'MODULE_PATHNAME', 'reco_rfm'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000;
COMMENT ON FUNCTION reco.rfm IS
'how many days ago each user of a query was last there, at how many times they were, and what that brought in, each scored from 1 to 5';
