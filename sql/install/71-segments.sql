--
-- Segments of a model's users.
--

CREATE PROCEDURE reco.segment(
  model pg_catalog.text,
  k pg_catalog.int4 DEFAULT 8,
  features pg_catalog.text DEFAULT NULL,
  restarts pg_catalog.int4 DEFAULT 10,
  iterations pg_catalog.int4 DEFAULT 300,
  seed pg_catalog.int8 DEFAULT 42
)
AS 'MODULE_PATHNAME', 'reco_segment'
LANGUAGE C;
COMMENT ON PROCEDURE reco.segment IS
'shares the users of a model out among k segments by k-means, for the views "segments" and "segment_profile" of the model';
