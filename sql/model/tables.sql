-- The schema of a model and its tables.
--
-- {schema}         the model's schema
-- {user_column}    the type of the source's ids of users, with its collation; or of their pseudonyms
-- {user_base}      the same, of a domain the type that it is of, as a domain may refuse nulls
-- {item_column}    of items
-- {items_column}   arrays of these
--
-- What is read of them and written to them is said once more in src/store/tables/layout.c, which
-- checks it.  An empty line ends a block; blocks are executed one by one.

CREATE SCHEMA {schema};

CREATE TABLE {schema}.model OF reco.model (PRIMARY KEY (definition));
COMMENT ON TABLE {schema}.model IS 'reco: the definition of this model';

CREATE TABLE {schema}.model_version OF reco.version (PRIMARY KEY (version));
COMMENT ON TABLE {schema}.model_version IS 'reco: one row a training';

CREATE TABLE {schema}.model_part OF reco.part (PRIMARY KEY (version, part, number));
ALTER TABLE {schema}.model_part ALTER content SET STORAGE EXTERNAL;
COMMENT ON TABLE {schema}.model_part IS 'reco: what a version holds beside users and items';

CREATE TABLE {schema}.model_term OF reco.term (PRIMARY KEY (version, number));
COMMENT ON TABLE {schema}.model_term IS 'reco: keywords and attributes by version';

CREATE TABLE {schema}.model_user (
  version      integer NOT NULL,
  user_id      {user_column} NOT NULL,
  number       integer NOT NULL,
  interactions integer NOT NULL,
  history      pg_catalog.bytea NOT NULL,
  parts        pg_catalog.bytea[] NOT NULL,
  seen         pg_catalog.bytea NOT NULL,
  PRIMARY KEY (version, user_id),
  UNIQUE (version, number)
) WITH (toast_tuple_target = 8160);
ALTER TABLE {schema}.model_user
  ALTER history SET STORAGE EXTERNAL,
  ALTER seen SET STORAGE EXTERNAL,
  ALTER parts SET STORAGE EXTERNAL;
COMMENT ON TABLE {schema}.model_user IS 'reco: users by version';

CREATE TABLE {schema}.model_user_layer (
  LIKE {schema}.model_user INCLUDING ALL
) WITH (toast_tuple_target = 8160);
COMMENT ON TABLE {schema}.model_user_layer IS
  'reco: users by version as reco.fold_in() made them, in the place of the version''s or beside them';

CREATE TABLE {schema}.model_change (
  user_id {user_base},
  xid     pg_catalog.xid8 NOT NULL
);
ALTER TABLE {schema}.model_change REPLICA IDENTITY FULL;
COMMENT ON TABLE {schema}.model_change IS
  'reco: users whose rows in the source have changed since they were read, as the triggers of reco.track() note them; without an id: all';

CREATE TABLE {schema}.model_item (
  version      integer NOT NULL,
  item_id      {item_column} NOT NULL,
  number       integer NOT NULL,
  interactions integer NOT NULL,
  features     pg_catalog.bytea NOT NULL,
  parts        pg_catalog.bytea[] NOT NULL,
  trend        real NOT NULL,
  numbers      real[] NOT NULL,
  PRIMARY KEY (version, item_id),
  UNIQUE (version, number)
) WITH (toast_tuple_target = 8160);
ALTER TABLE {schema}.model_item
  ALTER features SET STORAGE EXTERNAL,
  ALTER numbers SET STORAGE EXTERNAL,
  ALTER parts SET STORAGE EXTERNAL;
COMMENT ON TABLE {schema}.model_item IS 'reco: items by version';

CREATE TABLE {schema}.model_list (
  list     integer NOT NULL,
  user_id  {user_column} NOT NULL,
  items    {items_column} NOT NULL,
  scores   real[] NOT NULL,
  by_model integer NOT NULL,
  source   pg_catalog.text NOT NULL,
  PRIMARY KEY (list, user_id)
);
ALTER TABLE {schema}.model_list
  ALTER items SET STORAGE EXTERNAL,
  ALTER scores SET STORAGE EXTERNAL;
COMMENT ON TABLE {schema}.model_list IS 'reco: lists made by reco.materialize()';

CREATE TABLE {schema}.model_segment (
  user_id   {user_column} NOT NULL,
  segment   integer NOT NULL,
  distance  double precision NOT NULL,
  recency   double precision NOT NULL,
  frequency bigint NOT NULL,
  monetary  double precision NOT NULL,
  r         integer NOT NULL,
  f         integer NOT NULL,
  m         integer NOT NULL,
  PRIMARY KEY (user_id)
);
COMMENT ON TABLE {schema}.model_segment IS 'reco: the segments of users that reco.segment() made';

CREATE TABLE {schema}.model_segment_profile (
  segment        integer NOT NULL,
  version        integer NOT NULL,
  made_at        timestamp with time zone NOT NULL,
  made_of        pg_catalog.text NOT NULL,
  silhouette     double precision NOT NULL,
  name           pg_catalog.text NOT NULL,
  users          integer NOT NULL,
  share          double precision NOT NULL,
  items          {items_column} NOT NULL,
  item_shares    real[] NOT NULL,
  item_lifts     real[] NOT NULL,
  keywords       pg_catalog.text[] NOT NULL,
  keyword_shares real[] NOT NULL,
  keyword_lifts  real[] NOT NULL,
  means          pg_catalog.jsonb NOT NULL,
  PRIMARY KEY (segment)
);
COMMENT ON TABLE {schema}.model_segment_profile IS
  'reco: what the segments that reco.segment() made are like';
