# A model's tables belong to its owner, who may write anything into them. Whatever
# that is - values, types of content, rows that go or come twice - every function of
# the model answers or gives an error: the server never crashes, and the model as it
# was serves as before.
#
# RECO_TAMPERINGS says how often something is changed, RECO_SEED which random changes.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use Time::HiRes qw(time);

my $rounds = $ENV{RECO_TAMPERINGS} // 60;
my $seed = $ENV{RECO_SEED} // int(time);
note("RECO_SEED=$seed");

my $node = new_node('tamper', 'log_statement = none', 'log_min_messages = panic', 'log_min_error_statement = panic');
make_lines($node, 'lines', 60, 40, 900);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sql(q{
  CREATE INDEX ON lines (customer_id);
  CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7, 'b' || i % 5] AS tags, to_tsvector('simple', 'w' || i % 9) AS words,
    i % 10 AS price, ARRAY[i, 1, 2]::real[] AS place, i % 6 > 0 AS available FROM generate_series(0, 44) AS i;
  CREATE TABLE people AS SELECT i AS id, 'c' || i % 3 AS club, i % 10 AS age FROM generate_series(0, 66) AS i;

  -- A strange value of a type, as an expression over the old one.
  CREATE FUNCTION strange(type text, col text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT v[1 + floor(random() * cardinality(v))::int] FROM (SELECT CASE type
      WHEN 'integer' THEN ARRAY['-1', '0', '1', '2147483647', '-2147483648', col || ' + 1', col || ' - 1', '(random() * 100)::int', col || ' * 1000']
      WHEN 'bigint' THEN ARRAY['-1', '0', '1', '9223372036854775807', col || ' + 1', '(random() * 1e6)::bigint']
      WHEN 'real' THEN ARRAY['''NaN''', '''Infinity''', '''-Infinity''', '3e38', '-1', '0', '1e-45', col || ' * -1', col || ' * 1e10']
      WHEN 'double precision' THEN ARRAY['''NaN''', '''Infinity''', '1e308', '-1', '0', col || ' + 1', '1e-300']
      WHEN 'real[]' THEN ARRAY['''{}''', '''{NaN}''', '''{1,2}''', '''{{1,2},{3,4}}''', 'array_fill(3e38::real, ARRAY[greatest(cardinality(' || col || '), 1)])',
        'array_fill(''NaN''::real, ARRAY[greatest(cardinality(' || col || '), 1)])', col || '[2:]', col || ' || 1::real', col || ' || NULL::real',
        '(SELECT array_agg(x * (random() - 0.5) * 1e18)::real[] FROM unnest(' || col || ') AS x)', 'array_fill(1::real, ARRAY[3000])']
      WHEN 'integer[]' THEN ARRAY['''{}''', '''{-1}''', '''{2147483647}''', '''{{1,2},{3,4}}''', col || '[2:]', col || ' || 0', col || ' || NULL::int', col || ' || ' || col,
        '(SELECT array_agg(x + (random() * 3)::int) FROM unnest(' || col || ') AS x)']
      WHEN 'double precision[]' THEN ARRAY['''{}''', '''{NaN}''', '''{1}''', '''{{1,2},{3,4}}''', col || '[2:]', col || ' || 1::float8',
        'array_fill(1e300::float8, ARRAY[greatest(cardinality(' || col || '), 1)])', '(SELECT array_agg(-x) FROM unnest(' || col || ') AS x)']
      WHEN 'bytea' THEN ARRAY['''\x''', '''\x00''', '''\xff''', 'substr(' || col || ', 2)', col || ' || ''\x00''', col || ' || ' || col,
        'CASE WHEN length(' || col || ') > 0 THEN set_byte(' || col || ', floor(random() * length(' || col || '))::int, floor(random() * 256)::int) ELSE ' || col || ' END',
        'substr(' || col || ', 1, floor(random() * (1 + length(' || col || ')))::int)', 'decode(repeat(''ff'', 3000), ''hex'')', 'decode(md5(random()::text), ''hex'')']
      WHEN 'text' THEN ARRAY['''''', '''x''', 'repeat(''y'', 100000)', '''ready''', '''running''', '''SELECT 1''', '''pg_catalog''', '''SELECT 1, 2, 3, 4, 5''', '''lines; DROP TABLE lines''']
      WHEN 'boolean' THEN ARRAY['true', 'false']
      WHEN 'reco.algorithm' THEN ARRAY['reco.ials(factors => 3)', 'reco.als(factors => 8)', 'reco.item_knn()', 'reco.user_knn()', 'reco.rp3beta()', 'reco.content()', 'reco.popular()',
        'reco.ials(3, 1, 1)', 'reco.item_knn(''cosine'', ''none'', 5, 0)', 'reco.user_knn(''cosine'', ''none'', 5, 0)', 'reco.rp3beta(1, 0.6, 5, true)',
        'reco.content(''{"x": 1}'')', 'reco.user_knn(biases => true)', 'reco.item_knn(biases => true)']
      WHEN 'reco.data_options' THEN ARRAY['reco.options()', 'reco.options(live => ''on'')', 'reco.options(live => ''off'')', 'reco.options(keep_versions => 1)']
      WHEN 'jsonb' THEN ARRAY['''{}''', '''[]''', '''null''', '''7''', '''"x"''', col || ' || ' || col, col || ' - 0', col || ' #- ''{0,kind}''',
        'jsonb_set(' || col || ', ''{0,to}'', ''5'')', 'jsonb_set(' || col || ', ''{1,from}'', ''1e9'')', 'jsonb_set(' || col || ', ''{2,kind}'', ''"embedding"'')']
      ELSE ARRAY[col, 'NULL'] END || ARRAY['NULL']) AS s(v) $$;

  -- Changes one thing, calls everything, and takes it all back.
  CREATE PROCEDURE tamper(model text, INOUT answered int, INOUT refused int, INOUT what text) LANGUAGE plpgsql AS $$
  DECLARE
    place record;
    call text;
    nonce bigint := (random() * 1e15)::bigint;
  BEGIN
    BEGIN
      FOR k IN 1 .. 1 + floor(random() * 2)::int LOOP
        SELECT c.relname, a.attname, format_type(a.atttypid, NULL) AS type INTO place
          FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.relnamespace = model::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND c.relname <> 'model_list'
         ORDER BY random() LIMIT 1;
        BEGIN
          IF random() < 0.1 THEN
            what := format('DELETE FROM %I.%I WHERE random() < %s', model, place.relname, random());
          ELSE
            what := format('UPDATE %I.%I SET %I = %s WHERE random() < %s', model, place.relname, place.attname,
              strange(place.type, quote_ident(place.attname)), CASE WHEN random() < 0.5 THEN 1 ELSE random() END);
          END IF;
          EXECUTE what;
        EXCEPTION WHEN OTHERS THEN
          what := 'nothing';
        END;
      END LOOP;
      -- a version that no session knows
      BEGIN
        EXECUTE format('UPDATE %I.model SET active_nonce = %s', model, nonce);
      EXCEPTION WHEN OTHERS THEN
        NULL;
      END;
      FOREACH call IN ARRAY ARRAY['SELECT count(*) FROM %1$I.recommend(7)', 'SELECT count(*) FROM %1$I.recommend(3, NULL, diversity => 0.5, explore => 0.2)',
        'SELECT count(*) FROM %1$I.recommend(99999)', 'SELECT count(*) FROM %1$I.recommend_for(ARRAY[1, 2, 3])', 'SELECT count(*) FROM %1$I.rerank(5, ARRAY[1, 2, 99])',
        'SELECT %1$I.predict(7, 3)', 'SELECT count(*) FROM %1$I.explain(7, 3)', 'SELECT count(*) FROM %1$I.similar_items(3)', 'SELECT count(*) FROM %1$I.similar_users(7)',
        'SELECT count(*) FROM %1$I.audience(3)', 'SELECT count(*) FROM %1$I.popular()', 'SELECT count(*) FROM %1$I.trending()', 'SELECT count(*) FROM %1$I.growth()', 'SELECT count(*) FROM %1$I.demand(''2 days'')', 'SELECT count(*) FROM %1$I.user_profile(7)',
        'SELECT count(*) FROM reco.recommend(%1$L, 7)', 'SELECT count(*) FROM reco.models', 'SELECT count(*) FROM reco.health', 'SELECT count(*) FROM reco.progress', 'SELECT count(*) FROM %1$I.versions',
        'SELECT count(*) FROM %1$I.item_neighbors', 'SELECT count(*) FROM reco.explain_source(%1$L)', 'CALL reco.materialize(%1$L, 5)', 'CALL reco.segment(%1$L, 3)', 'CALL reco.activate(%1$L, 1)', 'CALL reco.upgrade_model(%1$L)',
        'CALL reco.refresh(%1$L)']
      LOOP
        CONTINUE WHEN call ~ 'CALL' AND random() < 0.7;
        BEGIN
          EXECUTE format(call, model);
          answered := answered + 1;
        EXCEPTION WHEN OTHERS THEN
          refused := refused + 1;
          IF sqlstate = 'XX000' AND sqlerrm !~ '^(cache lookup|could not)' THEN
            RAISE WARNING 'internal error: % in % after %', sqlerrm, call, what;
          END IF;
        END;
      END LOOP;
      RAISE EXCEPTION USING ERRCODE = 'RE000';
    EXCEPTION WHEN SQLSTATE 'RE000' THEN
      NULL;
    END;
  END $$;
});

my %algorithms = algorithms($node, ials => 'factors => 5, iterations => 2', als => 'factors => 4, iterations => 2', item_knn => 'neighbors => 5',
  user_knn => 'neighbors => 5', rp3beta => 'neighbors => 5', repeat => 'neighbors => 5');
for my $name (sort keys %algorithms)
{
  sql("CALL reco.create_model('$name', source => 'lines', algorithm => $algorithms{$name}, items => 'about', users => 'people')");
  my $served = recommendations($node, $name);
  my ($rc, $out, $err) = $node->psql('postgres', qq{
    SET client_min_messages = warning;
    SELECT setseed(@{[ ($seed * 7919 + length $name) % 1000 / 1000 ]});
    CREATE TEMP TABLE told (answered int, refused int, what text);
    DO \$\$
    DECLARE answered int := 0; refused int := 0; what text := '';
    BEGIN
      FOR k IN 1 .. $rounds LOOP
        CALL tamper('$name', answered, refused, what);
      END LOOP;
      INSERT INTO told VALUES (answered, refused);
    END \$\$;
    SELECT answered || ' ' || refused FROM told});
  is($rc, 0, "$name: the server lives") or BAIL_OUT("RECO_SEED=$seed: $err");
  my ($answered, $refused) = $out =~ /(\d+) (\d+)$/;
  note("$name: $answered calls answered, $refused refused");
  cmp_ok($answered, '>', 0, "$name: some calls were answered");
  cmp_ok($refused, '>', 0, "$name: some were refused");
  unlike($err, qr/internal error/, "$name: no internal error");
  is(recommendations($node, $name), $served, "$name: and the model serves as before");
}

$node->stop;
done_testing();
