-- The tables of a model for ids of wider types, which all that it has fit, as
-- reco.upgrade_model() finds them in its source: from integer to bigint, for one.  Placeholders
-- are those of tables.sql; views.sql and functions.sql come after.

DROP VIEW IF EXISTS
  {schema}.segment_keywords, {schema}.segment_items, {schema}.segment_profile,
  {schema}.segments, {schema}.recommendations, {schema}.user_neighbors, {schema}.item_neighbors,
  {schema}.user_factors, {schema}.item_factors, {schema}.versions;

ALTER TABLE {schema}.model_item ALTER item_id TYPE {item_column};
ALTER TABLE {schema}.model_user ALTER user_id TYPE {user_column};
ALTER TABLE {schema}.model_user_layer ALTER user_id TYPE {user_column};
ALTER TABLE {schema}.model_change ALTER user_id TYPE {user_base};
ALTER TABLE {schema}.model_list
  ALTER user_id TYPE {user_column},
  ALTER items TYPE {items_column};
ALTER TABLE {schema}.model_segment ALTER user_id TYPE {user_column};
ALTER TABLE {schema}.model_segment_profile ALTER items TYPE {items_column};

-- What sessions and files hold of a version has the narrower ids: another nonce makes it
-- another version.

UPDATE ONLY {schema}.model_version
   SET nonce = pg_catalog.hashtextextended(pg_catalog.gen_random_uuid()::pg_catalog.text, version);
UPDATE ONLY {schema}.model AS m
   SET active_nonce = v.nonce
  FROM ONLY {schema}.model_version AS v
 WHERE v.version OPERATOR(pg_catalog.=) m.active_version;
