# A model in a dump: restored, it serves the same rows, and what belongs to the
# extension is dumped by CREATE EXTENSION alone.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('dump');
my $dir = $node->basedir;
make_lines($node, 'lines', 200, 100, 4000);
my $model = 'SELECT customer_id, product_id, qty FROM lines';

sub sql
{
  my ($query, $database) = @_;
  return $node->safe_psql($database // 'postgres', $query);
}

# Lists of a model in another database, in the words of recommendations().
sub served
{
  my ($database, $name) = @_;
  return sql("SELECT u, r.* FROM generate_series(0, 50, 5) AS u, $name.recommend(u) AS r ORDER BY u, rank", $database);
}

sql("CALL reco.create_model('home', source => '$model', algorithm => reco.ials(factors => 16))");
sql("CALL reco.refresh('home')");
sql("CALL reco.create_model('My \"Model\"', source => 'SELECT md5(customer_id::text)::uuid, product_id::text FROM lines',
     algorithm => reco.ials(factors => 8), options => reco.options(keep_versions => 1))");
sql("CALL reco.create_model('chosen', source => '$model', algorithm => reco.auto(candidates => ARRAY[reco.item_knn(), reco.svd(factors => 8)]))");
sql("CREATE VIEW top AS SELECT * FROM home.recommend(1, n => 3)");
my $served = served('postgres', 'home');
my $uuid_list = q{SELECT * FROM "My ""Model""".recommend(md5('7')::uuid)};
my $uuid_served = sql($uuid_list);
my $versions = sql('SELECT * FROM home.versions ORDER BY version');
like($served, qr/^0\|1\|/, 'there is something to dump');

sub restored_serves
{
  my ($database, $what) = @_;
  is(served($database, 'home'), $served, "$what: the model serves the same");
  is(sql($uuid_list, $database), $uuid_served, "$what: so does one of other types and a difficult name");
  is(sql('SELECT * FROM home.versions ORDER BY version', $database), $versions, "$what: its versions are there");
  is(sql('SELECT count(*) FROM top', $database), '3', "$what: a view on it works");
  is(sql('SELECT count(*) FROM reco.models', $database), '3', "$what: reco.models lists the models");
  sql("CALL reco.refresh('chosen')", $database);
  is(sql("SELECT choice ->> 'state' FROM chosen.versions WHERE active", $database), 'kept from version 1', "$what: a choice is kept");
  is(sql('SELECT count(*) FROM home.similar_items(5)', $database), '10', "$what: similar items");
  sql("CALL reco.refresh('home')", $database);
  is(sql('SELECT version FROM home.versions WHERE active', $database), '3', "$what: it can be refreshed");
  is(served($database, 'home'), $served, "$what: to the same");
}

# Plain.
my $plain = "$dir/plain.sql";
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $plain ], 'pg_dump');
my $text = slurp_file($plain);
is(() = $text =~ /CREATE EXTENSION/g, 1, 'the extension is created once');
unlike($text, qr/CREATE (FUNCTION|PROCEDURE|VIEW|TYPE|DOMAIN) reco\./, 'none of its objects is dumped');
like($text, qr/CREATE TABLE home\.model OF reco\.model/, 'a model is dumped as a typed table');
sql('CREATE DATABASE plain');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('plain'), '-f', $plain ],
  'the plain dump is restored without an error');
restored_serves('plain', 'plain');

# Custom, in parallel.
my $custom = "$dir/custom.dump";
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('postgres'), '-f', $custom ], 'pg_dump -Fc');
sql('CREATE DATABASE custom');
$node->command_ok([ 'pg_restore', '-e', '-j', '2', '-d', $node->connstr('custom'), $custom ],
  'the custom dump is restored without an error');
restored_serves('custom', 'custom');

# A model alone, to where the extension is and the source is not.
my $alone = "$dir/alone.sql";
$node->command_ok([ 'pg_dump', '-n', 'home', '-d', $node->connstr('postgres'), '-f', $alone ], 'pg_dump -n home');
unlike(slurp_file($alone), qr/CREATE EXTENSION/, 'it is the model alone');
sql('CREATE DATABASE alone');
sql('CREATE EXTENSION reco', 'alone');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('alone'), '-f', $alone ],
  'it is restored without an error');
is(served('alone', 'home'), $served, 'and serves the same');
my ($rc, $out, $err) = $node->psql('alone', "CALL reco.refresh('home')");
like($err, qr/relation "(public\.)?lines" does not exist/, 'it cannot be refreshed without its source');
is(served('alone', 'home'), $served, 'and still serves');

# Restored over a model of the same name, in sessions that have served it.
my $session = $node->background_psql('custom');
my $top = 'SELECT string_agg(item_id::text, $$,$$ ORDER BY rank) FROM home.recommend(5)';
$session->query_safe('DELETE FROM lines WHERE customer_id < 100');
$session->query_safe('SET client_min_messages = warning');
$session->query_safe("CALL reco.refresh('home')");
$session->query_safe($top);
$node->command_ok(
  [ 'pg_restore', '-e', '--clean', '-d', $node->connstr('custom'), $custom ],
  'pg_restore --clean over a model that was refreshed meanwhile');
is($session->query_safe($top), sql($top), 'an old session serves what was restored');
$session->quit;

# The extension may belong to anybody: who restores is often a superuser.
sql('CREATE ROLE maker LOGIN');
sql('CREATE DATABASE made OWNER maker');
$node->safe_psql('made', 'CREATE EXTENSION reco', extra_params => [ '-U', 'maker' ]);
my $made = "$dir/made.sql";
$node->command_ok([ 'pg_dump', '-d', $node->connstr('made'), '-f', $made ], 'pg_dump of a database of another role');
sql('CREATE DATABASE remade OWNER maker');
($rc, $out, $err) = $node->psql('remade', slurp_file($made), on_error_stop => 1);
isnt($rc, 0, 'the schema of another role is not taken over, in a restore neither');
like($err, qr/schema "reco" exists and belongs to another role.*HINT: .*--role/s, 'which says how to restore');
sql('DROP SCHEMA reco', 'remade');
($rc, $out, $err) = $node->psql('remade', 'SET ROLE maker; ' . slurp_file($made), on_error_stop => 1);
is($rc, 0, 'a superuser restores an extension as the role that made it') or diag($err);
is(sql('SELECT pg_get_userbyid(extowner), pg_get_userbyid(nspowner) FROM pg_extension JOIN pg_namespace ON nspname = extname', 'remade'),
  'maker|maker', 'whose it is');
sql('CREATE DATABASE before OWNER maker');
sql('CREATE EXTENSION reco', 'before');
($rc, $out, $err) = $node->psql('before', slurp_file($made), on_error_stop => 0);
is(join(' ', $err =~ /ERROR:  (.*)/g), 'schema "reco" already exists', 'or after the extension, whose schema is there then');

# Who else may have something in the schema, perhaps not committed yet.
sql('CREATE ROLE another LOGIN; CREATE ROLE boss SUPERUSER LOGIN');
for my $case (
  [ 'CREATE SCHEMA reco AUTHORIZATION another', 'belongs to another role' ],
  [ 'CREATE SCHEMA reco; GRANT CREATE ON SCHEMA reco TO another', 'other roles may create' ],
  [ 'CREATE SCHEMA reco; GRANT ALL ON SCHEMA reco TO PUBLIC', 'other roles may create' ],
  [ 'CREATE SCHEMA reco; CREATE FUNCTION reco.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$; ALTER FUNCTION reco.f OWNER TO another', 'other roles may create' ],
  [ 'CREATE SCHEMA reco; CREATE TABLE reco.t (); ALTER TABLE reco.t OWNER TO another', 'other roles may create' ],
  [ 'CREATE SCHEMA reco; GRANT USAGE ON SCHEMA reco TO another', undef ],
  [ 'CREATE SCHEMA reco AUTHORIZATION boss', undef ],
  [ 'CREATE SCHEMA reco', undef ],
  [ 'SELECT 1', undef ])
{
  my ($before, $error) = @$case;
  sql('DROP DATABASE IF EXISTS guarded');
  sql('CREATE DATABASE guarded OWNER maker');
  sql($before, 'guarded');
  ($rc, $out, $err) = $node->psql('guarded', 'CREATE EXTENSION reco');
  $error ? like($err, qr/$error/, "$before: refused") : is($rc, 0, "$before: created") || diag($err);
  sql('DROP SCHEMA IF EXISTS reco CASCADE', 'guarded') if $error;
}
# The attack: the function is there when the extension comes, and nobody sees it.
sql('DROP DATABASE guarded');
sql('CREATE DATABASE guarded');
sql('CREATE SCHEMA reco AUTHORIZATION another', 'guarded');
my $attack = $node->background_psql('guarded', extra_params => [ '-U', 'another' ]);
$attack->query_safe('BEGIN');
$attack->query_safe(q{CREATE FUNCTION reco.serve_popular(model regnamespace, subject integer, options jsonb) RETURNS SETOF record
  LANGUAGE sql AS 'SELECT 1, 1, 1::real'});
($rc, $out, $err) = $node->psql('guarded', 'CREATE EXTENSION reco');
like($err, qr/schema "reco" exists and belongs to another role/, 'a function that is not committed yet: refused');
$attack->query_safe('COMMIT');
$attack->quit;

# Rights: where nothing new is everybody's, what a model's functions call still is; a dump
# keeps who may call them, and one without rights opens nothing.
sub as_role
{
  my ($role, $query, $database) = @_;
  my ($out, $err) = ('', '');
  $node->psql($database, $query, stdout => \$out, stderr => \$err, extra_params => [ '-U', $role ]);
  return $err =~ /ERROR:  (.*)/ ? $1 : $out;
}
my $calls = join ' UNION ALL ', map { "SELECT count(*) > 0 FROM kept.$_" } 'recommend(5)', "recommend('5', exclude => '{1}')", 'recommend_for(ARRAY[1, 2])',
  'rerank(5, ARRAY[1, 2])', 'explain(5, 1)', 'similar_items(5)', 'similar_users(5)', 'audience(5)', 'popular()', 'user_profile(5)';
my $all = join "\n", ('t') x 10;
sql('CREATE ROLE keeper LOGIN; CREATE ROLE app LOGIN; CREATE ROLE analyst LOGIN; CREATE ROLE nobody_else LOGIN; CREATE DATABASE strict');
sql(q{ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
  ALTER DEFAULT PRIVILEGES FOR ROLE keeper REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES FOR ROLE keeper REVOKE USAGE ON TYPES FROM PUBLIC;
  CREATE EXTENSION reco; GRANT CREATE ON DATABASE strict TO keeper}, 'strict');
sql(q{CREATE TABLE lines AS SELECT u AS customer_id, i AS product_id FROM generate_series(0, 59) AS u, generate_series(0, 29) AS i WHERE (u * 7 + i * 3) % 11 < 4;
  GRANT SELECT ON lines TO keeper}, 'strict');
is(as_role('keeper', q{SET client_min_messages = warning;
  CALL reco.create_model('kept', 'public.lines', reco.ials(factors => 4), options => reco.options(keep_versions => 1),
    items => 'SELECT DISTINCT product_id AS id, product_id % 3 = 0 AS third FROM public.lines');
  CALL reco.grant_use('kept', 'app'); CALL reco.grant_use('kept', 'analyst', tables => true)}, 'strict'), '', 'nothing is granted by default: a model is made');
sub rights_are
{
  my ($database, $what) = @_;
  is(as_role('app', $calls, $database), $all, "$what: the functions are called");
  is(as_role('app', 'SELECT count(*) FROM kept.model_user', $database), 'permission denied for table model_user', "$what: the tables are not read");
  is(as_role('analyst', 'SELECT count(*) > 0 FROM kept.user_factors', $database), 't', "$what: but by whom that was granted");
  is(as_role('nobody_else', $calls, $database), 'permission denied for schema kept', "$what: nobody else");
}
rights_are('strict', 'nothing is granted by default');
my $rights = "$dir/rights.dump";
$node->command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr('strict'), '-f', $rights ], 'pg_dump with rights');
sql('CREATE DATABASE rights');
$node->command_ok([ 'pg_restore', '-e', '-d', $node->connstr('rights'), $rights ], 'restored with rights');
rights_are('rights', 'restored');
sql('CREATE DATABASE unright');
$node->command_ok([ 'pg_restore', '-e', '-x', '-d', $node->connstr('unright'), $rights ], 'restored without rights');
sql('GRANT USAGE ON SCHEMA kept TO app, nobody_else', 'unright');
is(as_role('app', 'SELECT count(*) FROM kept.popular()', 'unright'), 'permission denied for function "popular" of model "kept"',
  'restored without rights: a right that nobody gave does not count');
is(as_role('keeper', 'SELECT count(*) > 0 FROM kept.popular()', 'unright'), 't', '... but the owner calls them');
sql(q{CALL reco.grant_use('kept', 'app'); GRANT SELECT ON lines TO keeper}, 'unright');
is(as_role('app', $calls, 'unright'), $all, '... and after grant_use who was granted');
is(as_role('nobody_else', 'SELECT count(*) FROM kept.popular()', 'unright'), 'permission denied for function popular', '... and nobody else');

# A superuser's schema that holds something does not become a database owner's.
sql('CREATE ROLE dbo LOGIN; CREATE DATABASE lent OWNER dbo');
sql('CREATE SCHEMA reco; CREATE TABLE reco.payroll ()', 'lent');
$node->safe_psql('lent', 'CREATE EXTENSION reco', extra_params => [ '-U', 'dbo' ]);
is(sql(q{SELECT nspowner::regrole <> 'dbo'::regrole FROM pg_namespace WHERE nspname = 'reco'}, 'lent'), 't', 'a schema of a superuser stays theirs');
# An empty one does, and nobody else may, or after it can, create there.
sql('CREATE ROLE crowd; GRANT crowd TO another');
for my $case (
  [ 'CREATE SCHEMA reco', undef ],
  [ 'CREATE SCHEMA reco; GRANT CREATE ON SCHEMA reco TO dbo', undef ],
  [ 'CREATE SCHEMA reco; GRANT CREATE ON SCHEMA reco TO boss', undef ],
  [ 'CREATE SCHEMA reco; GRANT CREATE ON SCHEMA reco TO another', 'other roles may create' ],
  [ 'CREATE SCHEMA reco; GRANT CREATE ON SCHEMA reco TO crowd', 'other roles may create' ],
  [ 'CREATE SCHEMA reco; GRANT CREATE ON SCHEMA reco TO PUBLIC', 'other roles may create' ],
  [ 'ALTER DEFAULT PRIVILEGES GRANT CREATE ON SCHEMAS TO another; CREATE SCHEMA reco', 'other roles may create' ],
  [ 'ALTER DEFAULT PRIVILEGES GRANT CREATE ON SCHEMAS TO another', 'other roles may create' ])
{
  my ($before, $error) = @$case;
  sql('DROP DATABASE lent');
  sql('CREATE DATABASE lent OWNER dbo');
  sql($before, 'lent');
  my $who = $before =~ /CREATE SCHEMA/ ? 'dbo' : 'postgres';
  ($rc, $out, $err) = $node->psql('lent', 'CREATE EXTENSION reco', $who eq 'dbo' ? (extra_params => [ '-U', 'dbo' ]) : ());
  $error ? like($err, qr/$error/, "$before: refused") : is($rc, 0, "$before: created") || diag($err);
  is(sql(q{SELECT concat_ws(', ', nspowner::regrole, has_schema_privilege('another', oid, 'CREATE')) FROM pg_namespace WHERE nspname = 'reco'}, 'lent'),
    'dbo, f', "$before: whose it is, and who may create there") if !$error;
}

$node->stop;
done_testing();
