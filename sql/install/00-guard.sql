/* reco: recommendations inside PostgreSQL */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION reco" to load this file. \quit

-- Whoever may create in schema "reco" could put functions into it that capture calls meant
-- for ours, and have them there already, not committed yet, where nobody sees them.  So a
-- schema that is there must be the own one of whoever creates the extension, or a
-- superuser's, and nobody else may have, or have had, a right to create in it.
DO $$
DECLARE
  schema pg_catalog.pg_namespace;
  creator pg_catalog.oid := (SELECT extowner FROM pg_catalog.pg_extension
                              WHERE extname OPERATOR(pg_catalog.=) 'reco');
  trusted pg_catalog.oid[] := ARRAY(SELECT oid FROM pg_catalog.pg_roles WHERE rolsuper
                                     UNION SELECT creator);
BEGIN
  SELECT n.* INTO schema FROM pg_catalog.pg_namespace AS n
   WHERE n.nspname OPERATOR(pg_catalog.=) 'reco';
  IF schema.nspowner OPERATOR(pg_catalog.<>) ALL (trusted) THEN
    RAISE EXCEPTION 'schema "reco" exists and belongs to another role'
      USING ERRCODE = 'duplicate_schema',
            DETAIL = 'Its owner may have put objects into it that are not committed yet.',
            HINT = 'Drop it before creating the extension. A dump is restored as the role that '
                   'owned the extension (pg_restore --role), or after CREATE EXTENSION.';
  END IF;
  IF EXISTS (
    SELECT FROM pg_catalog.aclexplode(schema.nspacl) AS a
     WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
       AND a.grantee OPERATOR(pg_catalog.<>) ALL (trusted)
  ) OR EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
      JOIN pg_catalog.pg_shdepend AS s ON s.classid OPERATOR(pg_catalog.=) d.classid
       AND s.objid OPERATOR(pg_catalog.=) d.objid AND s.deptype OPERATOR(pg_catalog.=) 'o'
       AND s.dbid OPERATOR(pg_catalog.=) (SELECT oid FROM pg_catalog.pg_database
             WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
     WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
       AND d.refobjid OPERATOR(pg_catalog.=) schema.oid
       AND s.refobjid OPERATOR(pg_catalog.<>) ALL (trusted)
  ) THEN
    RAISE EXCEPTION 'other roles may create objects in schema "reco", or have done so'
      USING ERRCODE = 'duplicate_schema',
            HINT = 'Drop it before creating the extension.';
  END IF;
  -- an empty one is the creator's from now on; what a superuser keeps there stays theirs
  IF schema.nspowner OPERATOR(pg_catalog.<>) creator AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
     WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
       AND d.refobjid OPERATOR(pg_catalog.=) schema.oid
       AND d.classid OPERATOR(pg_catalog.<>) 'pg_catalog.pg_extension'::pg_catalog.regclass
  ) THEN
    EXECUTE pg_catalog.format('ALTER SCHEMA reco OWNER TO %I',
                              pg_catalog.pg_get_userbyid(creator));
  END IF;
END
$$;
