/* reco 0.2.0 to 0.3.0 */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION reco UPDATE TO '0.3.0'" to load this file. \quit

-- A session keeps the library that it has loaded, which may be that of 0.2.0.
DO $$
BEGIN
  IF (SELECT e.value FROM reco.environment() AS e
       WHERE e.name OPERATOR(pg_catalog.=) 'library version') OPERATOR(pg_catalog.=) '0.2.0' THEN
    RAISE EXCEPTION 'this session has loaded an older library of extension "reco"'
      USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'Connect anew, and update then; where the server preloads the library, restart it.';
  END IF;
END
$$;

-- What may ask a query of a model's definition catches its errors in a subtransaction.
ALTER FUNCTION reco.serve_recommend(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_recommend_for(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_rerank(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_predict(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_explain(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_similar_items(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_popular(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.serve_trending(pg_catalog.regnamespace, pg_catalog.anyelement, pg_catalog.jsonb) PARALLEL UNSAFE;
ALTER FUNCTION reco.recommend(pg_catalog.text, pg_catalog.anycompatible, pg_catalog.int4, pg_catalog.bool, pg_catalog.text) PARALLEL UNSAFE;
