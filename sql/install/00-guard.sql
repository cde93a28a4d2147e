/* reco: recommendations inside PostgreSQL */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION reco" to load this file. \quit

-- Whoever owns schema "reco" could put functions into it that capture calls
-- meant for ours.  A schema of another role is taken over if it is empty and
-- nobody was granted anything on it, as in the restore of a dump, and refused
-- otherwise.
DO $$
DECLARE
  schema pg_catalog.pg_namespace;
  owner pg_catalog.oid := (SELECT extowner FROM pg_catalog.pg_extension
                            WHERE extname OPERATOR(pg_catalog.=) 'reco');
BEGIN
  SELECT n.* INTO schema FROM pg_catalog.pg_namespace AS n
   WHERE n.nspname OPERATOR(pg_catalog.=) 'reco';
  IF schema.nspowner OPERATOR(pg_catalog.=) owner THEN
    RETURN;
  END IF;
  IF schema.nspacl IS NOT NULL OR EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
     WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
       AND d.refobjid OPERATOR(pg_catalog.=) schema.oid
       AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass
  ) THEN
    RAISE EXCEPTION 'schema "reco" exists and belongs to another role'
      USING ERRCODE = 'duplicate_schema',
            HINT = 'Drop or rename it before creating the extension.';
  END IF;
  EXECUTE pg_catalog.format('ALTER SCHEMA reco OWNER TO %I', pg_catalog.pg_get_userbyid(owner));
END
$$;

