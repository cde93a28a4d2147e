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
