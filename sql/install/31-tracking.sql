--
-- Which users of a model have changed, noted by triggers.
--

CREATE PROCEDURE reco.track(model pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_track'
LANGUAGE C;
COMMENT ON PROCEDURE reco.track IS
'has triggers on the tables of a model''s source note whose rows change, so that reco.fold_in() takes just these';

CREATE PROCEDURE reco.untrack(model pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_untrack'
LANGUAGE C;
COMMENT ON PROCEDURE reco.untrack IS
'removes the triggers that reco.track() has made';

CREATE FUNCTION reco.note_changes() RETURNS trigger
AS 'MODULE_PATHNAME', 'reco_note_changes'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION reco.note_changes IS
'what the triggers of reco.track() call';
