# Texts that users write - sources, queries of items, algorithms, options, guards - made up
# and mangled at random. Each is taken or refused with an error that says what is wrong:
# never an internal error, never the end of the session, and nothing stays behind.
#
# RECO_STRANGE says how many texts, RECO_SEED which.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use Time::HiRes qw(time);

my $rounds = $ENV{RECO_STRANGE} // 600;
my $seed = $ENV{RECO_SEED} // 1;
note("RECO_SEED=$seed");

my $node = new_node('strange', 'log_statement = none', 'log_min_messages = panic', 'log_min_error_statement = panic');
make_lines($node, 'lines', 40, 20, 300);

my ($rc, $out, $err) = $node->psql('postgres', q{
  SET client_min_messages = warning;
  SET statement_timeout = '20s';
  CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7] AS tags, i % 10 AS price, i % 6 > 0 AS available FROM generate_series(0, 19) AS i;
  CREATE VIEW seen AS SELECT customer_id, product_id FROM lines;
  CREATE SEQUENCE counter;
  CREATE ROLE app;
  CREATE ROLE "App";
  CALL reco.create_model('home', 'lines', reco.popular(), options => reco.options(keep_versions => 1));

  -- What is right, by kind of text; and pieces that it is made of.
  CREATE TABLE sample (kind text, text text);
  INSERT INTO sample SELECT kind, text FROM (VALUES
    ('source', ARRAY['lines', 'public.lines', '"lines"', 'TABLE lines', 'SELECT customer_id, product_id, qty FROM lines', 'SELECT customer_id::text, product_id FROM lines -- end',
      'WITH x AS (SELECT * FROM seen) SELECT * FROM x;', 'VALUES (1, 2), (3, 4)', '(SELECT 1, 2) UNION ALL SELECT customer_id, product_id FROM lines', 'SELECT u, i, 1.5, now() FROM generate_series(1, 3) AS u, generate_series(1, 3) AS i',
      'SELECT customer_id, product_id FROM lines WHERE product_id <> ALL (SELECT id FROM about WHERE NOT available) ORDER BY 1 LIMIT 100', 'SELECT customer_id AS "from", product_id AS "a ""b""" FROM lines AS "select"']),
    ('items', ARRAY['about', 'SELECT id, tags, price FROM about', 'SELECT id, available FROM about', 'SELECT id, to_tsvector(''simple'', id::text) FROM about', 'SELECT id, ARRAY[id, 1]::real[] AS place FROM about']),
    ('algorithm', ARRAY['{"algorithm": "popular"}', '{"algorithm": "ials", "factors": 4}', '{"algorithm": "item_knn", "similarity": "tversky", "tversky_alpha": 0.5}', '{"algorithm": "rp3beta", "alpha": 0.7}', '{"algorithm": "user_knn", "neighbors": 3, "biases": true}', '{"algorithm": "content", "weights": {"tags": 2}}', '{"algorithm": "als", "solver": "cholesky", "regularization": 1e-3}']),
    ('options', ARRAY['{"live": "auto"}', '{"on_invalid": "skip", "keep_versions": 3}', '{"min_user_interactions": 2, "min_item_interactions": 2}']),
    ('guard', ARRAY['ndcg@10 >= 0.95 * current', 'recall@5 >= 0', 'rmse <= 2 * current', 'coverage@3 >= .1']),
    ('role', ARRAY['app', 'App']),
    ('name', ARRAY['new', 'New', 'home', 'pg_x', '"home"', 'reco', 'public'])) AS s(kind, texts), unnest(texts) AS text;
  CREATE TABLE piece AS SELECT p AS text FROM unnest(ARRAY['', ' ', ',', ';', '(', ')', '[', ']', '{', '}', ':', '"', '""', '''', '''''', '$', '$$', '$1', '$a$', '--', '/*', '*/', E'\n', E'\r', E'\t', chr(92), '.', '..', '*', '@', '%', '%s', '%n', '::', '=>', '<', '>=', '~',
    'SELECT', 'select', 'FROM', 'WHERE', 'TABLE', 'VALUES', 'WITH', 'RECURSIVE', 'AS', 'MATERIALIZED', 'UNION', 'ALL', 'INTO', 'FOR UPDATE', 'FOR SHARE', 'LIMIT 0', 'OFFSET 1', 'GROUP BY', 'DISTINCT', 'LATERAL', 'ROW', 'ARRAY', 'NULL', 'null', 'true', 'TABLESAMPLE SYSTEM (50)',
    'INSERT INTO lines SELECT', 'DELETE FROM lines RETURNING *', 'COPY', 'EXPLAIN', 'CREATE TABLE t AS', 'DECLARE c CURSOR FOR', 'CALL reco.refresh(''home'')', 'BEGIN', 'COMMIT', 'ROLLBACK', 'SET ROLE', 'LOCK lines',
    'lines', 'seen', 'about', 'home.model', 'home.popular()', 'home.recommend(1)', 'reco.models', 'reco.progress', 'pg_class', 'customer_id', 'product_id', 'qty', 'id', 'ctid', 'tableoid', 'lines.*', '(lines)', 'count(*)', 'sum(qty) OVER ()', 'generate_series(1, 3)', 'nextval(''counter'')', 'current_user', 'now()', 'random()', '1/0',
    '0', '1', '-1', '1e400', '1e-400', 'NaN', '''NaN''::float8', '''Infinity''::float8', '99999999999999999999', '2147483648', '0x1', '1_0', '.5', '''x''', '''x''::bytea', 'NULL::int', '''{}''::int[]', '''(1,2)''::point', '''{"a": 1}''::jsonb', '''a b''::tsvector', 'interval ''1 day''', 'date ''2026-01-01''',
    'algorithm', 'factors', 'alpha', 'seed', 'solver', 'weights', 'live', 'auto', 'current', 'ndcg', 'hit_rate', 'mrr', 'k', 'ä', '日本', chr(127), chr(160), repeat('x', 70), repeat('(', 300), repeat('[', 3000), repeat('1', 400), repeat('/*', 40)]) AS p;

  CREATE FUNCTION one(kind text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT s.text FROM sample AS s WHERE s.kind = one.kind ORDER BY random() LIMIT 1 $$;
  CREATE FUNCTION some_piece() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT p.text FROM piece AS p OFFSET floor(random() * (SELECT count(*) FROM piece)) LIMIT 1 $$;
  -- A sample with a few changes, or pieces in a row.
  CREATE FUNCTION strange(kind text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
  DECLARE
    result text := one(kind);
    at int; size int;
  BEGIN
    IF random() < 0.15 THEN
      SELECT string_agg(some_piece(), ' ') INTO result FROM generate_series(0, (random() * 8)::int) AS g WHERE g >= 0;
    END IF;
    FOR k IN 1 .. (random() * 3)::int LOOP
      at := 1 + floor(random() * (length(result) + 1));
      size := floor(random() * 8);
      result := CASE floor(random() * 5)
        WHEN 0 THEN overlay(result PLACING some_piece() FROM at FOR size)
        WHEN 1 THEN overlay(result PLACING ' ' || some_piece() || ' ' FROM at FOR 0)
        WHEN 2 THEN overlay(result PLACING '' FROM at FOR size)
        WHEN 3 THEN overlay(result PLACING substr(result, at, size * 3) FROM 1 + floor(random() * (length(result) + 1))::int FOR 0)
        ELSE overlay(result PLACING substr(one((ARRAY['source', 'items', 'algorithm', 'guard'])[1 + floor(random() * 4)]), 1 + (random() * 10)::int, 12) FROM at FOR size) END;
    END LOOP;
    RETURN result;
  END $$;
  -- The same of what is jsonb: keys and values that come, go and change.
  CREATE FUNCTION strange_json(kind text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
  DECLARE
    result jsonb := one(kind)::jsonb;
    key text; value jsonb;
  BEGIN
    FOR k IN 1 .. 1 + (random() * 2)::int LOOP
      SELECT j.key INTO key FROM jsonb_each(result) AS j ORDER BY random() LIMIT 1;
      key := CASE WHEN random() < 0.4 THEN key WHEN random() < 0.5 THEN (SELECT j.key FROM jsonb_each(one(kind)::jsonb) AS j ORDER BY random() LIMIT 1) ELSE some_piece() END;
      value := CASE floor(random() * 7) WHEN 0 THEN to_jsonb(some_piece()) WHEN 1 THEN to_jsonb((random() * 10)::int) WHEN 2 THEN to_jsonb((random() - 0.5) * 10 ^ (random() * 40)::int) WHEN 3 THEN one(kind)::jsonb
        WHEN 4 THEN 'null' WHEN 5 THEN '[1, "a", {}]' ELSE (SELECT j.value FROM jsonb_each(one(kind)::jsonb) AS j ORDER BY random() LIMIT 1) END;
      result := CASE WHEN random() < 0.2 THEN result - key WHEN random() < 0.02 THEN value ELSE result || jsonb_build_object(coalesce(key, ''), value) END;
      EXIT WHEN jsonb_typeof(result) <> 'object';
    END LOOP;
    RETURN result::text;
  END $$;
  -- A sample as it is, mostly: so that the strange one is looked at.
  CREATE FUNCTION perhaps(kind text, chance float8) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN random() >= chance THEN one(kind) WHEN kind IN ('algorithm', 'options') AND random() < 0.9 THEN strange_json(kind) ELSE strange(kind) END $$;

  CREATE TABLE finding (state text, message text, call text);
  CREATE PROCEDURE try(call text, INOUT taken int, INOUT refused int) LANGUAGE plpgsql AS $$
  BEGIN
    EXECUTE call;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDO0';
  EXCEPTION
    WHEN SQLSTATE 'UNDO0' THEN taken := taken + 1;
    WHEN OTHERS THEN
      refused := refused + 1;
      IF sqlstate IN ('XX000', 'XX001', 'XX002') OR sqlerrm = '' THEN
        INSERT INTO finding VALUES (sqlstate, sqlerrm, call);
      END IF;
  END $$;
});
is($rc, 0, 'the texts are made up') or diag($err);

my $state = q{SELECT (SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'), (SELECT count(*) FROM lines)};
my $before = $node->safe_psql('postgres', $state);
my $batch = 200;
my $do = qq{
  DO \$\$
  DECLARE
    taken int := 0; refused int := 0; call text; used bigint;
  BEGIN
    FOR round IN 1 .. $batch LOOP
      call := CASE round % 8
        WHEN 0 THEN format('CALL reco.create_model(%L, %L)', 'new', strange('source'))
        WHEN 1 THEN format('CALL reco.create_model(%L, %L, reco.popular(), items => %L)', 'new', one('source'), strange('items'))
        WHEN 2 THEN format('CALL reco.create_model(%L, %L, %L, options => %L)', 'new', 'lines', perhaps('algorithm', 0.9), perhaps('options', 0.5))
        WHEN 3 THEN format('CALL reco.refresh(%L, guard => %L)', 'home', strange('guard'))
        WHEN 4 THEN format('CALL reco.alter_model(%L, source => %L, items => %L, algorithm => %L, options => %L); CALL reco.refresh(%1\$L)', 'home', perhaps('source', 0.3), perhaps('items', 0.3), perhaps('algorithm', 0.3), perhaps('options', 0.3))
        WHEN 5 THEN format('SELECT * FROM reco.evaluate(%L, ARRAY[%L]::reco.algorithm[], items => %L)', perhaps('source', 0.5), perhaps('algorithm', 0.7), perhaps('items', 0.3))
        WHEN 6 THEN format('CALL reco.alter_model(%L, source => %L, options => %L); SELECT * FROM reco.explain_source(%1\$L); SELECT * FROM home.recommend(3); SELECT reco.bigrams(%2\$L)', 'home', strange('source'), '{"live": "on"}')
        ELSE format('CALL reco.create_model(%L, %L); CALL reco.grant_use(%1\$L, %3\$L)', perhaps('name', 0.5), one('source'), perhaps('role', 0.3)) END;
      CALL try(call, taken, refused);
    END LOOP;
    SELECT sum(total_bytes) INTO used FROM pg_backend_memory_contexts WHERE name ~ '^(reco|TopMemoryContext)';
    EXECUTE format('INSERT INTO outcome (taken, refused, used) VALUES (%s, %s, %s)', taken, refused, used);
  END \$\$;
};
# one session; nothing that a text asks for may take long or much memory
my $session = start_sql($node,
  [ "SET client_min_messages = error; SET reco.max_memory = '64MB'; SET statement_timeout = '120s'", "SELECT setseed(($seed % 10000) / 10000.0)",
    'CREATE TABLE outcome (batch serial, taken int, refused int, used bigint)', ($do) x (($rounds + $batch - 1) / $batch) ]);
($rc, $out, $err) = finish_sql($session);
is($rc, 0, 'the session lives, and no text takes long') or diag($err);
is($node->safe_psql('postgres', $state), $before, 'the server lives, too, and no text has changed a table');
my ($taken, $refused, $first, $used) = split /\|/, $node->safe_psql('postgres',
  'SELECT sum(taken), sum(refused), (array_agg(used ORDER BY batch))[1], (array_agg(used ORDER BY batch DESC))[1] FROM outcome');
note("$taken taken, $refused refused; memory $first and $used bytes");
cmp_ok($taken, '>', $rounds / 50, 'some texts are taken');
cmp_ok($refused, '>', $rounds / 10, 'and others are refused');
is($node->safe_psql('postgres', 'SELECT state, message, call FROM finding LIMIT 5'), '', 'no error is an internal one');
cmp_ok($used, '<', $first + 4e6, 'memory does not grow');
is($node->safe_psql('postgres', q{SELECT string_agg(model, ' ') FROM reco.models}), 'home', 'no model is left behind');
like($node->safe_psql('postgres', 'SELECT count(*) FROM home.recommend(1)'), qr/^10$/, 'the one that was there serves');

$node->stop;
done_testing();
