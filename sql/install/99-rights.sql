--
-- What everybody may use, whatever ALTER DEFAULT PRIVILEGES says: the functions of
-- a model, which its callers call, call some of these.  Each is safe to be called by
-- anybody, with any arguments.  But for pseudonyms: who may make them can try out ids.
--

DO $$
DECLARE
  class pg_catalog.oid;
  object pg_catalog.oid;
BEGIN
  FOR class, object IN
    SELECT d.classid, d.objid
      FROM pg_catalog.pg_depend AS d
      JOIN pg_catalog.pg_extension AS e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
     WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
       AND d.deptype OPERATOR(pg_catalog.=) 'e'
       AND e.extname OPERATOR(pg_catalog.=) 'reco'
  LOOP
    IF class OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass THEN
      EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO PUBLIC', object::pg_catalog.regprocedure);
    -- arrays, members from PostgreSQL 18 on, go with their elements
    ELSIF class OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_type AS t
                           WHERE t.typarray OPERATOR(pg_catalog.=) object) THEN
      EXECUTE pg_catalog.format('GRANT USAGE ON TYPE %s TO PUBLIC', object::pg_catalog.regtype);
    END IF;
  END LOOP;
END
$$;

REVOKE EXECUTE ON FUNCTION reco.pseudonym FROM PUBLIC;
