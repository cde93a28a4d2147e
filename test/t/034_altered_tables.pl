# Every table of a model and every column of it is altered in every way: before a call,
# while the call waits for the table, and while a refresh reads or writes. Whatever was
# done, each function of the model gives the right rows or an error, and the server lives.
#
# RECO_ALTERATIONS=all tries all of them where it takes turns, else a share by random;
# RECO_SEED chooses which.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use IPC::Run ();
use Time::HiRes qw(time);

my $all = ($ENV{RECO_ALTERATIONS} // '') eq 'all';
my $seed = $ENV{RECO_SEED} // int(time);
note("RECO_SEED=$seed");
srand($seed);

my $node = new_node('altered', 'log_statement = none', 'log_min_messages = panic', 'log_min_error_statement = panic',
  'autovacuum = off');

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

# The models: users by number, items by text. The source and two indexes wait, when a test
# wants it, for a lock.
sql(q{
  CREATE TABLE lines AS SELECT u AS customer, ((u * 7 + k * k) % 20)::text AS product, 1 + (u + k) % 5 AS qty,
    timestamptz '2026-01-01' + (u * 20 + k) * interval '1 hour' AS at FROM generate_series(1, 30) AS u, generate_series(1, 6) AS k;
  CREATE TABLE about AS SELECT i::text AS id, ARRAY['a' || i % 3, 'b' || i % 5] AS tags, i % 7 AS price FROM generate_series(0, 19) AS i;

  CREATE FUNCTION wait_for(key int) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_catalog.pg_advisory_lock_shared(key);
    PERFORM pg_catalog.pg_advisory_unlock_shared(key);
    RETURN true;
  END $$;
  CREATE FUNCTION wait_here(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN public.wait_for(2) THEN $1 END';

  CREATE DOMAIN as_int AS int;
  CREATE COLLATION backwards (provider = icu, locale = 'en-u-kf-upper');

  CREATE TABLE calls (name text, call text, writes boolean, views boolean);
  INSERT INTO calls SELECT split_part(c, ':', 1), substr(c, strpos(c, ':') + 1), c ~ 'CALL', c ~ '^(versions|.*_factors|.*_neighbors|recommendations|segments|segment_profile):' FROM unnest(ARRAY[
    'recommend:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.recommend(3, n => 5) AS r',
    'recommend diverse:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.recommend(4, n => 5, diversity => 0.5) AS r',
    'recommend to a stranger:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.recommend(999, n => 5) AS r',
    'recommend_for:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.recommend_for(basket => ARRAY[''1'', ''2''], n => 5) AS r',
    'rerank:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.rerank(5, ARRAY[''3'', ''9'', ''4'']) AS r',
    'predict:SELECT home.predict(6, ''5'')::text',
    'explain:SELECT string_agg(r::text, '' '' ORDER BY r::text) FROM home.explain(7, ''6'') AS r',
    'similar_items:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.similar_items(''3'', n => 5) AS r',
    'similar_users:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.similar_users(8, n => 5) AS r',
    'user_profile:SELECT string_agg(r::text, '' '' ORDER BY r::text) FROM home.user_profile(9) AS r WHERE feature NOT IN (''version'', ''trained at'')',
    'audience:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.audience(''7'', n => 5) AS r',
    'popular:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.popular(n => 5) AS r',
    'trending:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM home.trending(n => 5) AS r',
    'reco.recommend:SELECT string_agg(r::text, '' '' ORDER BY rank) FROM reco.recommend(''home'', 10, n => 5) AS r',
    'explain_source:SELECT string_agg(r::text, '' '') FROM reco.explain_source(''home'') AS r',
    'reco.models:SELECT (count(*) <= 1)::text FROM reco.models',
    'reco.health:SELECT (count(*) <= 1)::text FROM reco.health',
    'versions:SELECT string_agg(concat_ws(''|'', version, status, active, users, items, algorithm), '' '' ORDER BY version) FROM home.versions',
    'user_factors:SELECT string_agg(r::text, '' '' ORDER BY r::text) FROM home.user_factors AS r',
    'item_factors:SELECT string_agg(r::text, '' '' ORDER BY r::text) FROM home.item_factors AS r',
    'item_neighbors:SELECT string_agg(r::text, '' '' ORDER BY r::text) FROM home.item_neighbors AS r',
    'user_neighbors:SELECT string_agg(r::text, '' '' ORDER BY r::text) FROM home.user_neighbors AS r',
    'recommendations:SELECT string_agg(r::text, '' '' ORDER BY r::text) FROM home.recommendations AS r',
    'segments:SELECT string_agg(r::text, '' '' ORDER BY r::text) FROM home.segments AS r',
    'segment_profile:SELECT string_agg(r::text, '' '' ORDER BY r::text) FROM home.segment_items AS r',
    'materialize:CALL reco.materialize(''home'', 3)',
    'segment:CALL reco.segment(''home'', 3)',
    'activate:CALL reco.activate(''home'', 1)',
    'upgrade_model:CALL reco.upgrade_model(''home'')',
    'refresh:CALL reco.refresh(''home'')']) AS c;

  -- A value of another type, for a column of a type; different in each row where it can be.
  CREATE FUNCTION as_bigint(col text, type text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN type IN ('integer', 'bigint', 'real', 'double precision') OR col = 'item_id' THEN format('%s::bigint', col)
      ELSE format('hashtextextended(%s::text, 0) & 1048575', col) END $$;

  -- The statements that make a table anew: its columns in an order, one of them generated.
  CREATE FUNCTION rebuilt(tab text, first text, generated text) RETURNS text[] LANGUAGE sql AS $$
    SELECT ARRAY[format('LOCK TABLE home.%I', tab),
      format('CREATE TABLE home.anew (%s)', string_agg(format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attname = generated THEN format(' GENERATED ALWAYS AS (NULL::%s) STORED', format_type(a.atttypid, a.atttypmod)) ELSE '' END), ', ' ORDER BY a.attname <> first, a.attnum)),
      format('INSERT INTO home.anew (%1$s) SELECT %1$s FROM home.%2$I', string_agg(quote_ident(a.attname), ', ') FILTER (WHERE a.attname IS DISTINCT FROM generated), tab)]
      || ARRAY(SELECT regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX \S+ ON (ONLY )?\S+', 'INDEX ON home.anew') FROM pg_index AS i WHERE i.indrelid = ('home.' || quote_ident(tab))::regclass)
      || ARRAY[format('DROP TABLE home.%I CASCADE', tab), format('ALTER TABLE home.anew RENAME TO %I', tab)]
      FROM pg_attribute AS a WHERE a.attrelid = ('home.' || quote_ident(tab))::regclass AND a.attnum > 0 $$;

  CREATE TABLE alterations (id int GENERATED ALWAYS AS IDENTITY, tab text, col text, what text, ddl text[]);
  -- reads what home is now
  CREATE PROCEDURE find_alterations() LANGUAGE plpgsql AS $$
  DECLARE
    t record;
    a record;
    x record;
    head text;
  BEGIN
    FOR t IN SELECT c.oid, c.relname, y.typname FROM pg_class AS c LEFT JOIN pg_type AS y ON y.oid = c.reloftype
              WHERE c.relnamespace = 'home'::regnamespace AND c.relkind = 'r' ORDER BY 2
    LOOP
      head := format('ALTER TABLE home.%I ', t.relname);
      INSERT INTO alterations (tab, what, ddl) SELECT t.relname, s.what, ARRAY[s.ddl] FROM (VALUES
        ('nothing', 'SELECT 1'),
        ('renamed', head || 'RENAME TO other'),
        ('dropped', format('DROP TABLE home.%I CASCADE', t.relname)),
        ('moved', head || 'SET SCHEMA public'),
        ('a column more', head || 'ADD COLUMN more int DEFAULT 7'),
        ('unlogged', head || 'SET UNLOGGED'),
        ('policies', head || 'ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'),
        ('given away', head || 'OWNER TO somebody'),
        ('deletes nothing', format('CREATE RULE nothing AS ON DELETE TO home.%I DO INSTEAD NOTHING', t.relname)),
        ('updates nothing', format('CREATE RULE nothing AS ON UPDATE TO home.%I DO INSTEAD NOTHING', t.relname)),
        ('rewritten', (SELECT format('CLUSTER home.%I USING %I', t.relname, relname) FROM pg_class, pg_index WHERE pg_class.oid = indexrelid AND indrelid = t.oid AND indisprimary))) AS s(what, ddl) WHERE s.ddl IS NOT NULL;
      INSERT INTO alterations (tab, what, ddl) VALUES
        (t.relname, 'a view', ARRAY[head || 'RENAME TO other', format('CREATE VIEW home.%I AS TABLE home.other', t.relname)]),
        (t.relname, 'a partitioned table', ARRAY[head || 'RENAME TO other', format('CREATE TABLE home.%I (LIKE home.other) PARTITION BY HASH (%I)', t.relname,
          (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = 1)), format('ALTER TABLE home.%I ATTACH PARTITION home.other FOR VALUES WITH (MODULUS 1, REMAINDER 0)', t.relname)]),
        (t.relname, 'a copy', ARRAY[format('LOCK TABLE home.%I', t.relname), format('CREATE TABLE home.anew (LIKE home.%I INCLUDING ALL)', t.relname), format('INSERT INTO home.anew TABLE home.%I', t.relname),
          format('DROP TABLE home.%I CASCADE', t.relname), format('ALTER TABLE home.anew RENAME TO %I', t.relname)]),
        (t.relname, 'a child with rows', ARRAY[head || 'NOT OF', format('CREATE TABLE home.child () INHERITS (home.%I)', t.relname), format('INSERT INTO home.child SELECT * FROM ONLY home.%I', t.relname)]);
      IF t.typname IS NOT NULL THEN
        INSERT INTO alterations (tab, what, ddl) VALUES (t.relname, 'not of the type', ARRAY[head || 'NOT OF']);
      END IF;
      FOR x IN SELECT i.indexrelid::regclass::text AS name, c.conname, pg_get_indexdef(i.indexrelid) AS def, i.indnkeyatts AS n, i.indexrelid
                 FROM pg_index AS i LEFT JOIN pg_constraint AS c ON c.conindid = i.indexrelid WHERE i.indrelid = t.oid
      LOOP
        INSERT INTO alterations (tab, what, ddl) SELECT t.relname, s.what || ' ' || x.name, array_remove(ARRAY[head || 'DROP CONSTRAINT ' || quote_ident(x.conname), s.ddl], NULL) FROM (VALUES
          ('index dropped:', NULL),
          ('index partial:', replace(x.def, ' UNIQUE', '') || format(' WHERE %I < 0', (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = 1))),
          ('index not unique:', replace(x.def, ' UNIQUE', '')),
          ('index backwards:', regexp_replace(x.def, '\)$', ' DESC)')),
          ('index with more:', regexp_replace(x.def, '\)$', ', (1))')),
          ('index of an expression:', format('CREATE INDEX ON home.%I ((%I + 0)%s)', t.relname, (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = 1),
             CASE WHEN x.n > 1 THEN (SELECT ', ' || quote_ident(attname) FROM pg_attribute WHERE attrelid = x.indexrelid AND attnum = 2) ELSE '' END)),
          ('index of another collation:', CASE WHEN x.def ~ 'item_id' THEN replace(x.def, 'item_id', 'item_id COLLATE backwards') END),
          ('index of another class:', CASE WHEN x.def ~ 'item_id' THEN replace(x.def, 'item_id', 'item_id text_pattern_ops') END)) AS s(what, ddl)
         WHERE s.ddl IS NOT NULL OR s.what ~ 'dropped';
        INSERT INTO alterations (tab, what, ddl) VALUES (t.relname, 'index invalid: ' || x.name, ARRAY[format('UPDATE pg_index SET indisvalid = false WHERE indexrelid = %L::regclass', x.name)]);
      END LOOP;
      FOR a IN SELECT attname, format_type(atttypid, NULL) AS type, typlen < 0 AS long, attnum FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid WHERE attrelid = t.oid AND attnum > 0
      LOOP
        INSERT INTO alterations (tab, col, what, ddl) SELECT t.relname, a.attname, s.what, array_remove(ARRAY[CASE WHEN t.typname IS NOT NULL AND s.ddl !~ '^ALTER TYPE' THEN head || 'NOT OF' END, s.ddl], NULL) FROM (VALUES
          ('type: text', head || format('ALTER %1$I TYPE text USING %1$I::text', a.attname)),
          ('type: bigint', head || format('ALTER %1$I TYPE bigint USING %2$s', a.attname, as_bigint(quote_ident(a.attname), a.type))),
          ('type: real[]', CASE WHEN a.type <> 'real[]' AND a.attname <> 'item_id' THEN head || format('ALTER %1$I TYPE real[] USING ARRAY[%2$s]::real[]', a.attname, as_bigint(quote_ident(a.attname), a.type)) END),
          ('type: another length', CASE WHEN a.type = 'text' THEN head || format('ALTER %1$I TYPE varchar(4000)', a.attname) END),
          ('type: a domain', CASE WHEN a.type = 'integer' THEN head || format('ALTER %1$I TYPE as_int', a.attname) END),
          ('type: another collation', CASE WHEN a.type = 'text' THEN head || format('ALTER %1$I TYPE text COLLATE backwards', a.attname) END),
          ('renamed', head || format('RENAME %I TO other', a.attname)),
          ('dropped', head || format('DROP %I CASCADE', a.attname)),
          ('dropped and added', head || format('DROP %1$I CASCADE, ADD %1$I %2$s', a.attname, a.type)),
          ('nullable', head || format('ALTER %I DROP NOT NULL', a.attname)),
          -- as the owner of the extension: the table stays of its type
          ('attribute renamed', format('ALTER TYPE reco.%I RENAME ATTRIBUTE %I TO other CASCADE', coalesce(t.typname, 'none'), a.attname)),
          ('attribute dropped', format('ALTER TYPE reco.%I DROP ATTRIBUTE %I CASCADE', coalesce(t.typname, 'none'), a.attname)),
          ('attribute of another type', format('ALTER TYPE reco.%I ALTER ATTRIBUTE %I SET DATA TYPE %s CASCADE', coalesce(t.typname, 'none'), a.attname, CASE WHEN a.type = 'integer' THEN 'bigint' WHEN a.type = 'text' THEN 'varchar(4000)' ELSE 'text' END))) AS s(what, ddl)
         WHERE s.ddl IS NOT NULL AND NOT (t.typname IS NOT NULL AND s.what IN ('nullable', 'type: a domain', 'type: another length', 'type: another collation'))
           AND (t.typname IS NOT NULL OR s.what !~ '^attribute');
        INSERT INTO alterations (tab, col, what, ddl) SELECT t.relname, a.attname, 'generated', rebuilt(t.relname, NULL, a.attname);
        INSERT INTO alterations (tab, col, what, ddl) SELECT t.relname, a.attname, 'reordered', rebuilt(t.relname, a.attname, NULL) WHERE a.attnum > 1;
      END LOOP;
    END LOOP;
  END $$;

  -- Views are in the way of some alterations.
  CREATE PROCEDURE alter_model(ddl text[]) LANGUAGE plpgsql AS $$
  DECLARE
    statement text;
  BEGIN
    BEGIN
      FOREACH statement IN ARRAY ddl LOOP
        EXECUTE statement;
      END LOOP;
    EXCEPTION WHEN OTHERS THEN
      DROP VIEW IF EXISTS home.versions, home.user_factors, home.item_factors, home.item_neighbors, home.user_neighbors, home.recommendations;
      FOREACH statement IN ARRAY ddl LOOP
        EXECUTE statement;
      END LOOP;
    END;
  END $$;

  CREATE PROCEDURE alter_if_possible(ddl text[]) LANGUAGE plpgsql AS $$
  BEGIN
    CALL alter_model(ddl);
  EXCEPTION WHEN OTHERS THEN
    NULL;
  END $$;

  CREATE TABLE wanted (name text, result text);
  CREATE TABLE told (phase text, alteration int, name text, result text, error text);
  CREATE TABLE impossible (tab text, col text, what text, error text);
  CREATE ROLE somebody;

  CREATE PROCEDURE remember() LANGUAGE plpgsql AS $$
  DECLARE
    c record;
    r text;
  BEGIN
    TRUNCATE wanted;
    FOR c IN SELECT * FROM calls LOOP
      r := 'true';
      IF NOT c.writes THEN
        EXECUTE c.call INTO r;
      END IF;
      INSERT INTO wanted VALUES (c.name, r);
    END LOOP;
  END $$;

  -- What a call gives after an alteration; CALLs are taken back, after a look at what came of them.
  CREATE PROCEDURE try(phase text, alteration int, c calls) LANGUAGE plpgsql AS $$
  DECLARE
    r text;
  BEGIN
    BEGIN
      IF c.writes THEN
        EXECUTE c.call;
        BEGIN
          EXECUTE (SELECT 'SELECT ' || string_agg(format('(%s) IS NOT DISTINCT FROM %L', calls.call, wanted.result), ' AND ')
            FROM calls JOIN wanted USING (name) WHERE name IN ('recommend', 'similar_items')) INTO r;
        EXCEPTION WHEN OTHERS THEN
          r := 'true';
        END;
        IF c.name = 'materialize' AND r = 'true' THEN
          BEGIN
            EXECUTE 'SELECT count(DISTINCT user_id) = 30 AND count(*) = 90 FROM home.recommendations' INTO r;
          EXCEPTION WHEN OTHERS THEN
            r := 'true';
          END;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'RE001', MESSAGE = coalesce(r, 'NULL');
      END IF;
      -- views are queries, which look at children of a table
      IF NOT (c.views AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('home.child'))) THEN
        EXECUTE c.call INTO r;
      ELSE
        SELECT result INTO r FROM wanted WHERE name = c.name;
      END IF;
    EXCEPTION WHEN SQLSTATE 'RE001' THEN
      r := sqlerrm;
    WHEN OTHERS THEN
      INSERT INTO told VALUES (phase, alteration, c.name, NULL, sqlstate || ' ' || sqlerrm);
      RETURN;
    END;
    INSERT INTO told VALUES (phase, alteration, c.name, r, NULL);
  END $$;

  -- All calls after one alteration, in a session that has served and in one that has not.
  CREATE PROCEDURE before_calls(alteration alterations) LANGUAGE plpgsql AS $$
  DECLARE
    c calls;
    results told[];
  BEGIN
    FOR served IN REVERSE 1 .. 0 LOOP
      BEGIN
        IF served = 0 THEN
          UPDATE home.model SET active_nonce = alteration.id;
        END IF;
        BEGIN
          CALL alter_model(alteration.ddl);
        EXCEPTION WHEN OTHERS THEN
          RAISE EXCEPTION USING ERRCODE = 'RE002', MESSAGE = sqlerrm;
        END;
        FOR c IN SELECT * FROM calls WHERE NOT writes OR random() < CASE name WHEN 'upgrade_model' THEN 0.05 ELSE 0.3 END LOOP
          CALL try('before, ' || CASE served WHEN 1 THEN 'served' ELSE 'new' END, alteration.id, c);
        END LOOP;
        results := results || ARRAY(SELECT t FROM told AS t WHERE t.alteration = before_calls.alteration.id);
        RAISE EXCEPTION USING ERRCODE = 'RE000';
      EXCEPTION WHEN SQLSTATE 'RE000' THEN
        NULL;
      WHEN SQLSTATE 'RE002' THEN
        INSERT INTO impossible VALUES (alteration.tab, alteration.col, alteration.what, sqlerrm);
      END;
    END LOOP;
    INSERT INTO told SELECT * FROM unnest(results);
  END $$;
});

# What is altered for good has to be what it was again. What waits is seen in pg_locks.
sql(q{
  CREATE SCHEMA pristine;
  CREATE TABLE turns (turn int GENERATED ALWAYS AS IDENTITY, alteration int);

  CREATE PROCEDURE keep() LANGUAGE plpgsql AS $$
  DECLARE
    t name;
  BEGIN
    DROP SCHEMA pristine CASCADE;
    CREATE SCHEMA pristine;
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'home'::regnamespace AND relkind = 'r' LOOP
      EXECUTE format('CREATE TABLE pristine.%1$I (LIKE home.%1$I INCLUDING ALL)', t);
      EXECUTE format('INSERT INTO pristine.%1$I TABLE home.%1$I', t);
    END LOOP;
  END $$;

  CREATE PROCEDURE restore(nonce bigint) LANGUAGE plpgsql AS $$
  DECLARE
    t name;
  BEGIN
    FOR t IN SELECT format('%s %s.%I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, relnamespace::regnamespace, relname) FROM pg_class
              WHERE relkind IN ('r', 'p', 'v') AND (relnamespace = 'home'::regnamespace OR relnamespace = 'public'::regnamespace AND relname ~ '^model') ORDER BY relkind DESC LOOP
      BEGIN
        EXECUTE 'DROP ' || t;
      EXCEPTION WHEN undefined_table THEN
        NULL;
      END;
    END LOOP;
    CREATE TABLE home.model OF reco.model (PRIMARY KEY (definition));
    CREATE TABLE home.model_version OF reco.version (PRIMARY KEY (version));
    CREATE TABLE home.model_term OF reco.term (PRIMARY KEY (version, number));
    CREATE TABLE home.model_part OF reco.part (PRIMARY KEY (version, part, number));
    CREATE TABLE home.model_item (LIKE pristine.model_item INCLUDING ALL);
    CREATE TABLE home.model_user (LIKE pristine.model_user INCLUDING ALL);
    CREATE TABLE home.model_user_layer (LIKE pristine.model_user_layer INCLUDING ALL);
    CREATE TABLE home.model_list (LIKE pristine.model_list INCLUDING ALL);
    CREATE TABLE home.model_segment (LIKE pristine.model_segment INCLUDING ALL);
    CREATE TABLE home.model_segment_profile (LIKE pristine.model_segment_profile INCLUDING ALL);
    CREATE TABLE home.model_change (LIKE pristine.model_change INCLUDING ALL);
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'pristine'::regnamespace AND relkind = 'r' LOOP
      EXECUTE format('INSERT INTO home.%1$I TABLE pristine.%1$I', t);
    END LOOP;
    UPDATE home.model SET active_nonce = nonce;
  END $$;

  -- Until some sessions of a name wait: for a gate, or for any lock.
  CREATE PROCEDURE until_waiting(who text, sessions int, key int DEFAULT NULL, begins boolean DEFAULT false) LANGUAGE plpgsql AS $$
  BEGIN
    WHILE (SELECT count(DISTINCT l.pid) FROM pg_locks AS l JOIN pg_stat_activity AS s USING (pid) WHERE NOT l.granted AND s.application_name = who
              AND (key IS NULL OR l.locktype = 'advisory' AND l.objid = key AND l.objsubid = 1)) < sessions LOOP
      -- a session that has gone never comes
      IF NOT begins AND (SELECT count(*) FROM pg_stat_activity WHERE application_name = who) < sessions THEN
        RAISE EXCEPTION 'sessions "%" are gone', who;
      END IF;
      PERFORM pg_sleep(0.001), pg_stat_clear_snapshot();
    END LOOP;
  END $$;

  -- One call of every turn. Gates: 1000 + turn, to get ready; 100000 + turn, when something is altered.
  CREATE PROCEDURE call_in_turns(call_name text) LANGUAGE plpgsql AS $$
  DECLARE
    c calls;
    t turns;
    r text;
  BEGIN
    SELECT * INTO c FROM calls WHERE name = call_name;
    FOR t IN SELECT * FROM turns ORDER BY turn LOOP
      PERFORM wait_for(1000 + t.turn);
      COMMIT;
      IF t.turn % 2 = 0 AND NOT c.writes THEN
        EXECUTE c.call INTO r;
        COMMIT;
      END IF;
      PERFORM wait_for(100000 + t.turn);
      COMMIT;
      CALL try('waiting', t.alteration, c);
      COMMIT;
    END LOOP;
    PERFORM wait_for(1000);
  END $$;

  CREATE PROCEDURE open_gate(key int) LANGUAGE plpgsql AS $$
  BEGIN
    IF NOT pg_advisory_unlock(key) THEN
      RAISE EXCEPTION 'gate % was not shut', key;
    END IF;
  END $$;

  -- Alters while those sessions wait for the table.
  CREATE PROCEDURE alter_in_turns(sessions int) LANGUAGE plpgsql AS $$
  DECLARE
    t turns;
    next int;
    statements text[];
  BEGIN
    CALL until_waiting('caller', sessions, 1001, true);
    FOR t IN SELECT * FROM turns ORDER BY turn LOOP
      CALL restore(t.turn);
      COMMIT;
      next := CASE WHEN t.turn = (SELECT max(turn) FROM turns) THEN 1000 ELSE 1001 + t.turn END;
      PERFORM pg_advisory_lock(next), pg_advisory_lock(100000 + t.turn);
      CALL open_gate(1000 + t.turn);
      CALL until_waiting('caller', sessions, 100000 + t.turn);
      SELECT ddl INTO statements FROM alterations WHERE id = t.alteration;
      CALL alter_if_possible(statements);
      CALL open_gate(100000 + t.turn);
      CALL until_waiting('caller', sessions);
      COMMIT;
      CALL until_waiting('caller', sessions, next);
    END LOOP;
    CALL open_gate(1000);
  END $$;

  -- Alters while a refresh reads its source, and waits for this when it comes to write; or,
  -- in another session, while it writes. Gates: 1000 + turn for the refresh, 200000 + turn for
  -- who alters, 1 in the source, 2 in an index. Then calls everything.
  CREATE PROCEDURE refresh_in_turns() LANGUAGE plpgsql AS $$
  DECLARE
    t turns;
    next int;
    c calls;
    statements text[];
  BEGIN
    CALL until_waiting('trainer', 1, 1001, true);
    CALL until_waiting('alterer', 1, 200001, true);
    FOR t IN SELECT * FROM turns ORDER BY turn LOOP
      CALL restore(t.turn);
      COMMIT;
      next := CASE WHEN t.turn = (SELECT max(turn) FROM turns) THEN 0 ELSE t.turn + 1 END;
      PERFORM pg_advisory_lock(1000 + next), pg_advisory_lock(200000 + next), pg_advisory_lock(1 + t.turn % 2);
      CALL open_gate(1000 + t.turn);
      CALL until_waiting('trainer', 1, 1 + t.turn % 2);
      IF t.turn % 2 = 0 THEN
        SELECT ddl INTO statements FROM alterations WHERE id = t.alteration;
        CALL alter_if_possible(statements);
        CALL open_gate(1);
        CALL until_waiting('trainer', 1);
        COMMIT;
        CALL open_gate(200000 + t.turn);
      ELSE
        CALL open_gate(200000 + t.turn);
        CALL until_waiting('alterer', 1);
        CALL open_gate(2);
      END IF;
      CALL until_waiting('trainer', 1, 1000 + next);
      CALL until_waiting('alterer', 1, 200000 + next);
      FOR c IN SELECT * FROM calls WHERE NOT writes AND NOT views LOOP
        CALL try('after', t.alteration, c);
        COMMIT;
      END LOOP;
    END LOOP;
    CALL open_gate(1000);
    CALL open_gate(200000);
  END $$;

  CREATE PROCEDURE alter_when_asked() LANGUAGE plpgsql AS $$
  DECLARE
    t turns;
    statements text[];
  BEGIN
    FOR t IN SELECT * FROM turns ORDER BY turn LOOP
      PERFORM wait_for(200000 + t.turn);
      COMMIT;
      IF t.turn % 2 = 1 THEN
        SELECT ddl INTO statements FROM alterations WHERE id = t.alteration;
        CALL alter_if_possible(statements);
      END IF;
      COMMIT;
    END LOOP;
    PERFORM wait_for(200000);
  END $$;
});

# What was told, against what is right. An error is right as well, but for reco.models.
sub judge
{
  my ($name) = @_;
  my ($combinations, $answered, $refused, $wrong, $internal) = split /\|/, sql(q{
    SELECT count(*), count(*) FILTER (WHERE error IS NULL), count(*) FILTER (WHERE error IS NOT NULL),
      count(*) FILTER (WHERE error IS NULL AND t.result IS DISTINCT FROM w.result), count(*) FILTER (WHERE error ~ '^XX')
      FROM told AS t JOIN wanted AS w USING (name)});
  note("$name: $combinations combinations, $answered answered, $refused refused");
  cmp_ok($answered, '>', 0, "$name: some calls were answered");
  cmp_ok($refused, '>', 0, "$name: some were refused");
  is($wrong, '0', "$name: no rows are wrong") or diag(sql(q{
    SELECT t.phase, t.name, a.tab, a.col, a.what, left(t.result, 300), left(w.result, 300) FROM told AS t JOIN wanted AS w USING (name) JOIN alterations AS a ON a.id = t.alteration
     WHERE error IS NULL AND t.result IS DISTINCT FROM w.result LIMIT 30}));
  is(sql(q{SELECT string_agg(DISTINCT format('%s, %s %s %s: %s', name, tab, col, what, error), E'\n') FROM told JOIN alterations ON id = alteration
    WHERE error IS NOT NULL AND name ~ '^reco.(models|health)'}), '', "$name: what lists all models lists the others");
  is($internal, '0', "$name: no internal error") or diag(sql(q{
    SELECT t.phase, t.name, a.tab, a.col, a.what, t.error FROM told AS t JOIN alterations AS a ON a.id = t.alteration WHERE t.error ~ '^XX' LIMIT 30}));
  return $combinations;
}

# Alterations for turns: one of each column, and some of each table.
sub choose_turns
{
  sql(qq{TRUNCATE told; TRUNCATE turns RESTART IDENTITY; SELECT setseed(@{[ rand ]});
    INSERT INTO turns (alteration) SELECT id FROM alterations AS a WHERE what !~ '^attribute' AND NOT EXISTS (SELECT FROM impossible AS i WHERE i.tab = a.tab AND i.what = a.what)
       AND ($_[0] OR id IN (SELECT DISTINCT ON (tab, col, g) id FROM (SELECT *, CASE WHEN col IS NULL THEN (random() * 3)::int END AS g FROM alterations) AS s ORDER BY tab, col, g, random())) ORDER BY random()});
  return sql('SELECT count(*) FROM turns');
}

my %algorithms = (ials => 'reco.ials(factors => 4, iterations => 2)', user_knn => 'reco.user_knn(neighbors => 5)', item_knn => 'reco.item_knn(neighbors => 5)',
  als => 'reco.als(factors => 4, iterations => 2)', content => 'reco.content()', popular => 'reco.popular()');
my @chosen = $all ? sort keys %algorithms : qw(ials user_knn);
my $combinations = 0;

for my $algorithm (@chosen)
{
  my $begin = time;
  sql("CALL reco.create_model('home', 'SELECT customer, product, qty, at FROM lines WHERE (SELECT wait_for(1))', $algorithms{$algorithm}, items => 'about', options => reco.options(live => 'off'));
    CALL reco.materialize('home', 3); CALL reco.segment('home', 3); TRUNCATE alterations RESTART IDENTITY; TRUNCATE told; CALL find_alterations(); CALL remember()");
  # one model meets half of them
  my $share = $all ? 1 : $algorithm eq $chosen[0] ? 0.5 : 0.1;
  my ($rc, $out, $err) = $node->psql('postgres', qq{
    SET client_min_messages = error; SELECT setseed(@{[ rand ]});
    DO \$\$
    DECLARE a alterations;
    BEGIN
      FOR a IN SELECT * FROM alterations WHERE random() <= $share ORDER BY id LOOP
        CALL before_calls(a);
      END LOOP;
    END \$\$});
  is($rc, 0, "$algorithm: the server lives") or BAIL_OUT($err);
  $combinations += judge("$algorithm, altered before the call");
  note("not possible: $_") for split /\n/, sql('SELECT DISTINCT tab, what, count(DISTINCT col), min(error) FROM impossible GROUP BY 1, 2');
  is(sql(q{SELECT string_agg(DISTINCT error, ', ') FROM told JOIN alterations ON id = alteration WHERE what = 'nothing'}), '', "$algorithm: nothing altered is no error");
  note(sprintf '%s: %.1f s', $algorithm, time - $begin);

  # Calls that wait: a session for each, all of them at the same alteration.
  $begin = time;
  my $turns = choose_turns($all ? 'true' : 'false');
  my @names = split /\n/, sql('SELECT name FROM calls WHERE NOT views');
  sql('CALL keep()');
  my $alterer = start_sql($node, [ 'SET client_min_messages = error', 'SELECT pg_advisory_lock(1001)', 'CALL alter_in_turns(' . @names . ')' ]);
  $node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 1001 AND granted});
  my @sessions = map { start_sql($node, [ 'SET application_name = caller; SET client_min_messages = error', "CALL call_in_turns('$_')" ]) } @names;
  ($rc, $out, $err) = finish_sql($alterer);
  is($rc, 0, "$algorithm: the server lives") or BAIL_OUT($err);
  for my $session (@sessions)
  {
    ($rc, $out, $err) = finish_sql($session);
    is($rc, 0, "$algorithm: so do the sessions") or BAIL_OUT($err);
  }
  $combinations += judge("$algorithm, altered in $turns ways while the call waits");
  note(sprintf '%s: %.1f s', $algorithm, time - $begin);

  # Refreshes while something is altered.
  $begin = time;
  sql('CALL restore(1); CREATE INDEX ON home.model_item (wait_here(number)); CALL keep()');
  $turns = choose_turns($all ? 'true' : 'false');
  my $script = join '', "SET application_name = trainer; SET client_min_messages = error;\n",
    map({ "SELECT wait_for(1000 + $_);\nCALL reco.refresh('home');\n"
        . "INSERT INTO told SELECT CASE turn % 2 WHEN 0 THEN 'reading' ELSE 'writing' END, alteration, 'refresh', CASE WHEN NOT :'ERROR' THEN 'true' END,"
        . " CASE WHEN :'ERROR' THEN concat_ws(' ', :'SQLSTATE', :'LAST_ERROR_MESSAGE') END FROM turns WHERE turn = $_;\n" } 1 .. $turns), "SELECT wait_for(1000);\n";
  my $control = start_sql($node, [ 'SET client_min_messages = error', 'SELECT pg_advisory_lock(1001), pg_advisory_lock(200001)', 'CALL refresh_in_turns()' ]);
  $node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 200001 AND granted});
  my $file = PostgreSQL::Test::Utils::tempdir_short() . '/turns.sql';
  append_to_file($file, $script);
  my $trainer = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', $file ], '<', \undef, '>', '/dev/null', '2>', '/dev/null');
  $alterer = start_sql($node, [ 'SET application_name = alterer; SET client_min_messages = error', 'CALL alter_when_asked()' ]);
  ($rc, $out, $err) = finish_sql($control);
  is($rc, 0, "$algorithm: the server lives") or BAIL_OUT($err);
  ($rc, $out, $err) = finish_sql($alterer);
  is($rc, 0, "$algorithm: so does who alters") or BAIL_OUT($err);
  $trainer->finish;
  $combinations += judge("$algorithm, altered in $turns ways while a refresh reads or writes");
  is(sql(q{SELECT string_agg(format('%s %s %s: %s', tab, col, what, error), ', ') FROM told JOIN alterations ON id = alteration WHERE phase = 'writing' AND error IS NOT NULL}), '',
    "$algorithm: a refresh that writes is not disturbed");
  note(sprintf '%s: %.1f s', $algorithm, time - $begin);
  sql("DROP SCHEMA home CASCADE");
}

note("$combinations combinations");
$node->stop;
done_testing();
