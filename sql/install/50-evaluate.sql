--
-- Evaluation.
--

CREATE FUNCTION reco.evaluate(
  source pg_catalog.text,
  algorithms reco.algorithm[],
  split pg_catalog.text DEFAULT 'random',
  test_fraction pg_catalog.float8 DEFAULT 0.2,
  cutoffs pg_catalog.int4[] DEFAULT '{10}',
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  seed pg_catalog.int8 DEFAULT 42,
  OUT algorithm pg_catalog.text,
  OUT metric pg_catalog.text,
  OUT k pg_catalog.int4,
  OUT value pg_catalog.float8,
  OUT users pg_catalog.int4
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_evaluate'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.evaluate IS
'hides a part of every user''s interactions, trains on the rest and measures what is found, with popularity beside';
