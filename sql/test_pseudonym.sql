--
-- Pseudonyms: a model that knows users by keyed hashes only.
--
\set SHOW_CONTEXT never
SET reco.threads = 1;  -- what is trained here is tiny

COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; umask 077; for k in "a key that is no secret in a test" "another key, of the same length..." "short"; do printf "%s" "$k" > "psd_${k%% *}.key"; done; cp psd_a.key psd_open.key; chmod 644 psd_open.key';
SELECT reco.pseudonym(42);
SET reco.pseudonym_key_file = 'psd_open.key';
SELECT reco.pseudonym(42);
SET reco.pseudonym_key_file = 'psd_short.key';
SELECT reco.pseudonym(42);
SET reco.pseudonym_key_file = 'base';
SELECT reco.pseudonym(42);
-- a pipe that nobody writes to is not waited for
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; mkfifo -m 600 psd_pipe.key';
SET reco.pseudonym_key_file = 'psd_pipe.key';
SELECT reco.pseudonym(42);
SET reco.pseudonym_key_file = 'psd_a.key';

-- HMAC-SHA256 by its definition (RFC 2104): the key filled up to a block of 64 bytes
CREATE FUNCTION psd_hmac(key bytea, message bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
  inner_key bytea = key || decode(repeat('00', 64 - length(key)), 'hex');
  outer_key bytea = inner_key;
BEGIN
  FOR b IN 0 .. 63 LOOP
    inner_key = set_byte(inner_key, b, get_byte(inner_key, b) # 54);
    outer_key = set_byte(outer_key, b, get_byte(outer_key, b) # 92);
  END LOOP;
  RETURN sha256(outer_key || sha256(inner_key || message));
END
$$;
SELECT bool_and(replace(reco.pseudonym(id)::text, '-', '') = left(encode(psd_hmac('a key that is no secret in a test', convert_to(id, 'UTF8')), 'hex'), 32)) AS by_definition
  FROM unnest('{42,"",anna,"ärger",aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}'::text[]) id;
-- the same id, whatever its type
SELECT count(DISTINCT p) FROM (VALUES (reco.pseudonym(42)), (reco.pseudonym(42::bigint)), (reco.pseudonym(42::smallint)), (reco.pseudonym('42'::text)), (reco.pseudonym('42'::varchar(5)))) v(p);
SELECT reco.pseudonym(NULL::int) IS NULL AS strict;
SELECT reco.pseudonym(4.0);
SELECT reco.pseudonym('2026-01-01'::date);
CREATE COLLATION psd_nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT reco.pseudonym('Anna'::text COLLATE psd_nocase);
SELECT reco.pseudonym('Anna'::text COLLATE psd_nocase COLLATE "C") = reco.pseudonym('Anna'::text) AS same;
DROP COLLATION psd_nocase;

-- A model has nothing else of its users.
CREATE TABLE psd_lines AS SELECT u, i FROM generate_series(700001, 700040) u, generate_series(1, 12) i WHERE u % 2 = i % 2 AND (u + i) % 5 > 0;
CREATE VIEW psd_source AS SELECT reco.pseudonym(u) AS customer, i FROM psd_lines;
SET client_min_messages = warning;
CALL reco.create_model('psd', 'psd_source', reco.item_knn(), options => reco.options(measure => false));
CALL reco.create_model('psd_plain', 'psd_lines', reco.item_knn(), options => reco.options(measure => false));
CALL reco.materialize('psd', 2);
RESET client_min_messages;
SELECT count(*) AS of_nobody FROM (SELECT t::text FROM psd.model_user t UNION ALL SELECT t::text FROM psd.model_list t UNION ALL SELECT t::text FROM psd.model t UNION ALL SELECT t::text FROM psd.model_version t) r(t) WHERE t ~ '7000[0-9][0-9]';
-- and serves them as one that knows them
SELECT bool_and(a = b) AS same, count(*) FROM generate_series(700001, 700040) u,
  LATERAL (SELECT array_agg(ROW(item_id, score) ORDER BY rank) FROM psd.recommend(reco.pseudonym(u), 4)) x(a),
  LATERAL (SELECT array_agg(ROW(item_id, score) ORDER BY rank) FROM psd_plain.recommend(u, 4)) y(b);
SELECT count(*) FROM reco.export_user('psd', reco.pseudonym(700007));
CALL reco.alter_model('psd', options => reco.options(measure => false, live => 'off'));
-- with another key everybody is unknown, and nobody else
SET reco.pseudonym_key_file = 'psd_another.key';
SELECT count(*) FROM generate_series(700001, 700040) u, reco.export_user('psd', reco.pseudonym(u));
SELECT DISTINCT source FROM generate_series(700001, 700040) u, psd.recommend(reco.pseudonym(u), 2) r;
SET reco.pseudonym_key_file = 'psd_a.key';
SET client_min_messages = warning;
CALL reco.forget_user('psd', reco.pseudonym(700007));
RESET client_min_messages;
SELECT count(*) FROM reco.export_user('psd', reco.pseudonym(700007));

-- Who may: nobody but whom the owner lets, and of these nobody sees the key.
CREATE ROLE psd_app;
GRANT USAGE ON SCHEMA reco TO psd_app;
SET ROLE psd_app;
SELECT reco.pseudonym(42);
DO $$BEGIN PERFORM current_setting('reco.pseudonym_key_file'); RAISE NOTICE 'shown'; EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE 'not shown'; END$$;
SET reco.pseudonym_key_file = '/tmp/a key that I know';
RESET ROLE;
GRANT EXECUTE ON FUNCTION reco.pseudonym TO psd_app;
SET ROLE psd_app;
SELECT reco.pseudonym(42) IS NOT NULL AS made;
RESET ROLE;
REVOKE USAGE ON SCHEMA reco FROM psd_app;
REVOKE EXECUTE ON FUNCTION reco.pseudonym FROM psd_app;
DROP ROLE psd_app;
CALL reco.drop_model('psd');
CALL reco.drop_model('psd_plain');
DROP VIEW psd_source;
DROP TABLE psd_lines;
DROP FUNCTION psd_hmac;
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rm psd_*.key';
