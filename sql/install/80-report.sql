--
-- What people look at.
--

CREATE FUNCTION reco.report(model pg_catalog.text) RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'reco_report_page'
LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION reco.report IS
'a model as one page of HTML that needs nothing else: its worth, users with their lists and reasons, a map of its items, its catalog, what is filtered, its versions';

CREATE FUNCTION reco.summary(
  model pg_catalog.text,
  OUT topic pg_catalog.text,
  OUT name pg_catalog.text,
  OUT value pg_catalog.text,
  OUT bar pg_catalog.text
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_summary'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 30;
COMMENT ON FUNCTION reco.summary IS
'a model in rows of text with bars: the training that runs, the version that serves, what versions were worth, whether what it says comes true, the loss; for \watch';
