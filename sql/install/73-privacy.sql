--
-- Privacy: what is held about a user, and a model without one.
--

CREATE FUNCTION reco.stored_history(history pg_catalog.bytea)
RETURNS TABLE (number pg_catalog.int4, value pg_catalog.float4)
AS 'MODULE_PATHNAME', 'reco_stored_history'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION reco.stored_history IS
'what a row of a model''s users says that the user has: numbers of items, and what each counts';

CREATE FUNCTION reco.stored_parts(parts pg_catalog.bytea[], algorithm pg_catalog.jsonb)
RETURNS TABLE (
  part pg_catalog.text, points_to pg_catalog.text, place pg_catalog.int4,
  number pg_catalog.int4, weight pg_catalog.float8)
AS 'MODULE_PATHNAME', 'reco_stored_parts'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION reco.stored_parts IS
'what a row of a model''s users says by its algorithm: numbers, and lists of items or of other users';

CREATE FUNCTION reco.export_user(
  model pg_catalog.text,
  for_user pg_catalog.anycompatible,
  OUT kept_in pg_catalog.text,
  OUT version pg_catalog.int4,
  OUT content pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_export_user'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 5;
COMMENT ON FUNCTION reco.export_user IS
'all that a model holds about a user, in every version that is kept: takes SELECT on its tables';

CREATE PROCEDURE reco.forget_user(
  model pg_catalog.text,
  for_user pg_catalog.anycompatible
)
AS 'MODULE_PATHNAME', 'reco_forget_user'
LANGUAGE C;
COMMENT ON PROCEDURE reco.forget_user IS
'removes a user from every version of a model, lists and files included; others are served as before';

CREATE FUNCTION reco.private(
  member reco.algorithm,
  epsilon pg_catalog.float8 DEFAULT 2,
  delta pg_catalog.float8 DEFAULT 0,
  max_items pg_catalog.int4 DEFAULT 20,
  budget pg_catalog.float8 DEFAULT 10,
  item_ids pg_catalog.text DEFAULT NULL
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.private IS
'an algorithm with noise, so that its model tells little about any one user: differential privacy';

CREATE FUNCTION reco.pseudonym(id pg_catalog.anyelement) RETURNS pg_catalog.uuid
AS 'MODULE_PATHNAME', 'reco_pseudonym'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.pseudonym IS
'a keyed hash of an id: whom it is of only those can find out who may call it';
