--
-- What the functions in a model's schema call.  Their shape never changes: the
-- generated functions depend on them.  Each checks the caller's rights on the
-- model's tables, and the column list that it is called with.
--
-- What may ask a query of the model's definition catches its errors in a
-- subtransaction, which a parallel plan cannot have before PostgreSQL 17, not
-- even in its leader: that is PARALLEL UNSAFE.
--

CREATE FUNCTION reco.serve_recommend(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_recommend'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_recommend IS
'items for a user (rank, item, score, source); called by a model''s recommend()';

CREATE FUNCTION reco.serve_recommend_for(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_recommend_for'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_recommend_for IS
'items for a basket (rank, item, score, source); called by a model''s recommend_for()';

CREATE FUNCTION reco.serve_rerank(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_rerank'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 100 COST 1000;
COMMENT ON FUNCTION reco.serve_rerank IS
'given items in a user''s order (rank, item, score); called by a model''s rerank()';

CREATE FUNCTION reco.serve_predict(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_predict'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 1 COST 100;
COMMENT ON FUNCTION reco.serve_predict IS
'one item''s score for a user (score); called by a model''s predict()';

CREATE FUNCTION reco.serve_explain(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_explain'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 20 COST 1000;
COMMENT ON FUNCTION reco.serve_explain IS
'what a score is made of (item, contribution, share); called by a model''s explain()';

CREATE FUNCTION reco.serve_similar_items(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_similar_items'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_similar_items IS
'items like one (rank, item, similarity); called by a model''s similar_items()';

CREATE FUNCTION reco.serve_similar_users(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_similar_users'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_similar_users IS
'users like one (rank, user, similarity); called by a model''s similar_users()';

CREATE FUNCTION reco.serve_user_profile(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_user_profile'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 50 COST 1000;
COMMENT ON FUNCTION reco.serve_user_profile IS
'what is known about a user (aspect, feature, value, weight, items); called by a model''s user_profile()';

CREATE FUNCTION reco.serve_audience(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_audience'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 100 COST 100000;
COMMENT ON FUNCTION reco.serve_audience IS
'users for an item or items (rank, user, score); called by a model''s audience()';

CREATE FUNCTION reco.serve_popular(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_popular'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_popular IS
'the most popular items (rank, item, users); called by a model''s popular()';

CREATE FUNCTION reco.serve_trending(
  model pg_catalog.regnamespace, subject pg_catalog.anyelement, options pg_catalog.jsonb
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_serve_trending'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.serve_trending IS
'the items that grow most (rank, item, growth); called by a model''s trending()';

CREATE FUNCTION reco.recommend(
  model pg_catalog.text,
  for_user pg_catalog.anycompatible,
  n pg_catalog.int4 DEFAULT 10,
  include_seen pg_catalog.bool DEFAULT false,
  fallback pg_catalog.text DEFAULT 'auto',
  OUT rank pg_catalog.int4,
  OUT item_id pg_catalog.text,
  OUT score pg_catalog.float4,
  OUT source pg_catalog.text
) RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME', 'reco_recommend'
LANGUAGE C STABLE PARALLEL UNSAFE ROWS 10 COST 1000;
COMMENT ON FUNCTION reco.recommend IS
'items for a user of any model, ids as text: for tools that know no types';
