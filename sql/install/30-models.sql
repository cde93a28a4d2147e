--
-- Models: made, refreshed, altered, dropped.
--

CREATE FUNCTION reco.part_vector(
  parts pg_catalog.bytea[], algorithm pg_catalog.jsonb, side pg_catalog.text, name pg_catalog.text
) RETURNS pg_catalog.float4[]
AS 'MODULE_PATHNAME', 'reco_part_vector'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.part_vector IS
'numbers that a model has of a user or an item, by name, such as factors; for the views of a model';

CREATE FUNCTION reco.part_list(
  parts pg_catalog.bytea[], algorithm pg_catalog.jsonb, side pg_catalog.text, name pg_catalog.text
) RETURNS TABLE (number pg_catalog.int4, weight pg_catalog.float8)
AS 'MODULE_PATHNAME', 'reco_part_list'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION reco.part_list IS
'a list that a model has of a user or an item, by name, such as neighbors; for the views of a model';

CREATE FUNCTION reco.describe(model pg_catalog.text) RETURNS pg_catalog.text
AS 'MODULE_PATHNAME', 'reco_describe_model'
LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION reco.describe(pg_catalog.text) IS
'a model in words: its definition, the active version, what that is worth, and what was tried to choose its algorithm';

CREATE PROCEDURE reco.create_model(
  name pg_catalog.text,
  source pg_catalog.text,
  algorithm reco.algorithm DEFAULT reco.auto(),
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  users pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_create_model'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_model(pg_catalog.text, pg_catalog.text, reco.algorithm, pg_catalog.text, reco.data_options, pg_catalog.text) IS
'makes a schema with a model in it and trains its first version';

CREATE PROCEDURE reco.create_model(
  name pg_catalog.text,
  source pg_catalog.text,
  algorithm pg_catalog.text,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  users pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_create_model_by_text'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_model(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text, reco.data_options, pg_catalog.text) IS
'the same with an algorithm in quotes, which is an error that says how to write it';

CREATE PROCEDURE reco.create_model(
  name pg_catalog.text,
  source pg_catalog.regclass,
  algorithm reco.algorithm DEFAULT reco.auto(),
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  users pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_create_model_of_table'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_model(pg_catalog.text, pg_catalog.regclass, reco.algorithm, pg_catalog.text, reco.data_options, pg_catalog.text) IS
'makes a schema with a model in it and trains its first version on a table';

CREATE PROCEDURE reco.create_model(
  name pg_catalog.text,
  source pg_catalog.regclass,
  algorithm pg_catalog.text,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT reco.options(),
  users pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_create_model_of_table_by_text'
LANGUAGE C;
COMMENT ON PROCEDURE reco.create_model(pg_catalog.text, pg_catalog.regclass, pg_catalog.text, pg_catalog.text, reco.data_options, pg_catalog.text) IS
'the same with an algorithm in quotes, which is an error that says how to write it';

CREATE PROCEDURE reco.refresh(
  model pg_catalog.text,
  if_running pg_catalog.text DEFAULT 'wait',
  min_interval pg_catalog.interval DEFAULT NULL,
  guard pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_refresh'
LANGUAGE C;
COMMENT ON PROCEDURE reco.refresh IS
'trains a new version of a model from its own definition and makes it the active one, if the guard says so';

CREATE PROCEDURE reco.fold_in(
  model pg_catalog.text,
  if_running pg_catalog.text DEFAULT 'wait',
  users pg_catalog.text DEFAULT NULL,
  new_items pg_catalog.bool DEFAULT false
)
AS 'MODULE_PATHNAME', 'reco_fold_in'
LANGUAGE C;
COMMENT ON PROCEDURE reco.fold_in IS
'gives users whose interactions have changed, new ones among them, a profile in the active version, or items that are new a place in a version made of it, without training';

CREATE PROCEDURE reco.alter_model(
  model pg_catalog.text,
  source pg_catalog.text DEFAULT NULL,
  algorithm reco.algorithm DEFAULT NULL,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT NULL,
  users pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_alter_model'
LANGUAGE C;
COMMENT ON PROCEDURE reco.alter_model(pg_catalog.text, pg_catalog.text, reco.algorithm, pg_catalog.text, reco.data_options, pg_catalog.text) IS
'changes the definition of a model; takes effect at the next refresh';

CREATE PROCEDURE reco.alter_model(
  model pg_catalog.text,
  source pg_catalog.text,
  algorithm pg_catalog.text,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT NULL,
  users pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_alter_model_by_text'
LANGUAGE C;
COMMENT ON PROCEDURE reco.alter_model(pg_catalog.text, pg_catalog.text, pg_catalog.text, pg_catalog.text, reco.data_options, pg_catalog.text) IS
'the same with an algorithm in quotes, which is an error that says how to write it';

-- algorithm => '...' alone: of a type to which text is preferred, so that a second argument
-- without a name is the source
CREATE PROCEDURE reco.alter_model(
  model pg_catalog.text,
  algorithm pg_catalog.bpchar,
  source pg_catalog.text DEFAULT NULL,
  items pg_catalog.text DEFAULT NULL,
  options reco.data_options DEFAULT NULL,
  users pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_alter_model_by_name'
LANGUAGE C;
COMMENT ON PROCEDURE reco.alter_model(pg_catalog.text, pg_catalog.bpchar, pg_catalog.text, pg_catalog.text, reco.data_options, pg_catalog.text) IS
'the same with an algorithm in quotes, which is an error that says how to write it';

CREATE PROCEDURE reco.drop_model(
  model pg_catalog.text,
  if_exists pg_catalog.bool DEFAULT false
)
AS 'MODULE_PATHNAME', 'reco_drop_model'
LANGUAGE C;
COMMENT ON PROCEDURE reco.drop_model IS
'drops a model with its schema';

CREATE PROCEDURE reco.materialize(
  model pg_catalog.text,
  n pg_catalog.int4 DEFAULT 10,
  users pg_catalog.text DEFAULT NULL,
  include_seen pg_catalog.bool DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_materialize'
LANGUAGE C;
COMMENT ON PROCEDURE reco.materialize IS
'writes the lists of all users, or of those that a query returns, for the view "recommendations" of the model';

CREATE PROCEDURE reco.activate(model pg_catalog.text, version pg_catalog.int4)
AS 'MODULE_PATHNAME', 'reco_activate'
LANGUAGE C;
COMMENT ON PROCEDURE reco.activate IS
'makes an older version of a model, that is still kept, the active one';

CREATE PROCEDURE reco.upgrade_model(model pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_upgrade_model'
LANGUAGE C;
COMMENT ON PROCEDURE reco.upgrade_model IS
'makes the views and functions of a model anew, after ALTER EXTENSION UPDATE';

CREATE PROCEDURE reco.change_owner(model pg_catalog.text, role pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_change_owner'
LANGUAGE C;
COMMENT ON PROCEDURE reco.change_owner IS
'makes a role the owner of a model: of its schema, tables, views and functions, and of its scheduled refresh';

CREATE PROCEDURE reco.grant_use(
  model pg_catalog.text,
  role pg_catalog.text,
  tables pg_catalog.bool DEFAULT false
)
AS 'MODULE_PATHNAME', 'reco_grant_use'
LANGUAGE C;
COMMENT ON PROCEDURE reco.grant_use IS
'grants a role (or public) what it takes to call a model''s functions, and if asked to read its tables and views';

CREATE PROCEDURE reco.revoke_use(model pg_catalog.text, role pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_revoke_use'
LANGUAGE C;
COMMENT ON PROCEDURE reco.revoke_use IS
'takes back what reco.grant_use() granted, tables and views included';

CREATE PROCEDURE reco.schedule(
  model pg_catalog.text,
  schedule pg_catalog.text,
  guard pg_catalog.text DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_schedule'
LANGUAGE C;
COMMENT ON PROCEDURE reco.schedule IS
'has pg_cron refresh a model at the times of a cron expression; replaces an earlier schedule';

CREATE PROCEDURE reco.unschedule(model pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_unschedule'
LANGUAGE C;
COMMENT ON PROCEDURE reco.unschedule IS
'ends the refreshes of a model by pg_cron';

CREATE PROCEDURE reco.run_scheduled(
  model pg_catalog.text,
  guard pg_catalog.text DEFAULT NULL,
  identity pg_catalog.int8 DEFAULT NULL
)
AS 'MODULE_PATHNAME', 'reco_run_scheduled'
LANGUAGE C;
COMMENT ON PROCEDURE reco.run_scheduled IS
'what the job of reco.schedule() calls: a refresh, unless one runs; when the model was renamed the job is, without the model it goes';

CREATE FUNCTION reco.explain_source(model pg_catalog.text)
RETURNS TABLE (line pg_catalog.text)
AS 'MODULE_PATHNAME', 'reco_explain_source'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10;
COMMENT ON FUNCTION reco.explain_source IS
'whether a model''s source is read live when serving, and by which plan; for the model''s owner';

CREATE FUNCTION reco.list_models(
  OUT model pg_catalog.text,
  OUT owner pg_catalog.name,
  OUT algorithm pg_catalog.text,
  OUT version pg_catalog.int4,
  OUT status pg_catalog.text,
  OUT users pg_catalog.int4,
  OUT items pg_catalog.int4,
  OUT interactions pg_catalog.int8,
  OUT trained_at pg_catalog.timestamptz,
  OUT source pg_catalog.text
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_list_models'
LANGUAGE C STABLE PARALLEL RESTRICTED ROWS 20;
COMMENT ON FUNCTION reco.list_models IS
'the models of this database whose tables the caller may read; runs no code of their owners';

CREATE VIEW reco.models AS SELECT * FROM reco.list_models();
COMMENT ON VIEW reco.models IS
'the models of this database whose tables the caller may read';
GRANT SELECT ON reco.models TO PUBLIC;
GRANT USAGE ON SCHEMA reco TO PUBLIC;

CREATE FUNCTION reco.list_progress(
  OUT model pg_catalog.text,
  OUT version pg_catalog.int4,
  OUT phase pg_catalog.text,
  OUT iteration pg_catalog.int4,
  OUT iterations pg_catalog.int4,
  OUT loss pg_catalog.float8,
  OUT rows pg_catalog.int8,
  OUT started_at pg_catalog.timestamptz,
  OUT elapsed pg_catalog.interval,
  OUT estimate pg_catalog.interval,
  OUT pid pg_catalog.int4
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_list_progress'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 2;
COMMENT ON FUNCTION reco.list_progress IS
'the trainings that run, of models whose tables the caller may read';

CREATE VIEW reco.progress AS SELECT * FROM reco.list_progress();
COMMENT ON VIEW reco.progress IS
'the trainings that run, of models whose tables the caller may read: how far they are';
GRANT SELECT ON reco.progress TO PUBLIC;

CREATE FUNCTION reco.list_health(
  OUT model pg_catalog.text,
  OUT owner pg_catalog.name,
  OUT status pg_catalog.text,
  OUT problem pg_catalog.text,
  OUT training pg_catalog.bool,
  OUT version pg_catalog.int4,
  OUT trained_at pg_catalog.timestamptz,
  OUT age pg_catalog.interval,
  OUT users pg_catalog.int4,
  OUT items pg_catalog.int4,
  OUT interactions pg_catalog.int8,
  OUT bytes pg_catalog.int8,
  OUT last_attempt pg_catalog.timestamptz,
  OUT last_success pg_catalog.timestamptz,
  OUT last_error pg_catalog.text,
  OUT failures pg_catalog.int4,
  OUT history pg_catalog.text,
  OUT history_reason pg_catalog.text,
  OUT availability pg_catalog.text,
  OUT image pg_catalog.bool,
  OUT schedule pg_catalog.text,
  OUT scheduled_by pg_catalog.name,
  OUT next_run pg_catalog.timestamptz
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_list_health'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 20;
COMMENT ON FUNCTION reco.list_health IS
'how the models are whose tables the caller may read; runs no code of their owners and waits for no lock';

CREATE VIEW reco.health AS SELECT * FROM reco.list_health();
COMMENT ON VIEW reco.health IS
'how the models are whose tables the caller may read: what they serve, how their trainings went, when the next one is';
GRANT SELECT ON reco.health TO PUBLIC;
