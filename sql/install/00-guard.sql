/* reco: recommendations inside PostgreSQL */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION reco" to load this file. \quit

-- A schema "reco" that somebody else made beforehand could hold functions that
-- capture calls meant for ours.
DO $$
BEGIN
  IF EXISTS (
    SELECT FROM pg_catalog.pg_namespace AS n, pg_catalog.pg_extension AS e
     WHERE n.nspname OPERATOR(pg_catalog.=) 'reco'
       AND e.extname OPERATOR(pg_catalog.=) 'reco'
       AND n.nspowner OPERATOR(pg_catalog.<>) e.extowner
  ) THEN
    RAISE EXCEPTION 'schema "reco" exists and belongs to another role'
      USING ERRCODE = 'duplicate_schema',
            HINT = 'Drop or rename it before creating the extension.';
  END IF;
END
$$;

