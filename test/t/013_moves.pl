# A model goes with its schema and its database: renamed, dumped alone, loaded into a
# model of the same shape, copied as a template. Each time it serves what it served,
# and is refreshed under the new name.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('moves');
my $folder = $node->data_dir . '/base/pgsql_tmp';
make_lines($node, 'lines', 200, 100, 4000);
my $source = 'SELECT customer_id, product_id, qty FROM lines';

sub sql
{
  my ($query, $database) = @_;
  return $node->safe_psql($database // 'postgres', $query);
}

# Lists of a model in any database, in the words of recommendations().
sub served
{
  my ($name, $database) = @_;
  return sql("SELECT u, r.* FROM generate_series(0, 50, 5) AS u, $name.recommend(u) AS r ORDER BY u, rank", $database);
}

sub images
{
  my ($database) = @_;
  my $oid = sql("SELECT oid FROM pg_database WHERE datname = '$database'");
  return join ' ', sort map { s{.*pgsql_tmp_reco\.$oid\.}{}r } glob("$folder/pgsql_tmp_reco.$oid.*");
}

# The schema gets another name.
sql("CALL reco.create_model('home', source => '$source', algorithm => reco.ials(factors => 16))");
sql("CALL reco.refresh('home')");
sql("CALL reco.materialize('home', 3)");
sql("CALL reco.segment('home', 3)");
sql('CREATE VIEW top AS SELECT * FROM home.recommend(5, n => 3)');
my $served = recommendations($node, 'home');
my $lists = sql('SELECT * FROM home.recommendations ORDER BY 1, 2');
my $segments = sql('SELECT * FROM home.segments JOIN home.segment_profile USING (segment) ORDER BY user_id');
isnt($segments, '', 'there are segments');
my $session = $node->background_psql('postgres');
$session->query_safe('SET client_min_messages = warning');
$session->query_safe('PREPARE list AS SELECT string_agg(item_id::text, $$,$$ ORDER BY rank) FROM top');
my $first = $session->query_safe('EXECUTE list');

sql('ALTER SCHEMA home RENAME TO "Our Shop"');
is(served('"Our Shop"'), $served, 'renamed, it serves the same');
is($session->query_safe('EXECUTE list'), $first, 'so does a view on it, prepared before');
is(sql('SELECT * FROM "Our Shop".recommendations ORDER BY 1, 2'), $lists, 'the lists are there');
is(sql('SELECT * FROM "Our Shop".segments JOIN "Our Shop".segment_profile USING (segment) ORDER BY user_id'), $segments, 'and the segments');
is(sql('SELECT model, version, status FROM reco.models'), 'Our Shop|2|ready', 'reco.models has the new name');
my ($rc, $out, $err) = $node->psql('postgres', "CALL reco.refresh('home')");
like($err, qr/model "home" does not exist/, 'the old name is nothing');

sql(q{CALL reco.alter_model('Our Shop', algorithm => reco.ials(factors => 8, regularization => 0.01, alpha => 1))});
sql(q{CALL reco.refresh('Our Shop')});
isnt(served('"Our Shop"'), $served, 'it is altered and refreshed under the new name');
isnt($session->query_safe('EXECUTE list'), $first, 'an old session sees that');
sql(q{CALL reco.activate('Our Shop', 2)});
is(served('"Our Shop"'), $served, 'an older version is made active again');
sql(q{CALL reco.materialize('Our Shop', 2)});
is(sql('SELECT max(rank) FROM "Our Shop".recommendations'), '2', 'lists are made anew');
sql("CALL reco.create_model('home', source => '$source', algorithm => reco.popular())");
is(sql('SELECT DISTINCT source FROM home.recommend(5)'), 'popular', 'the old name is free');
is(served('"Our Shop"'), $served, 'and the models of both names serve their own');
is($session->query_safe('EXECUTE list'), $first, 'also what was prepared when there was one');
sql(q{CALL reco.drop_model('home')});
$session->quit;

# It gets its old name again while it is trained: before a version that has to wait is
# written.
sql(q{CALL reco.alter_model('Our Shop', algorithm => reco.ials(factors => 16))});
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE "Our Shop".model_user IN SHARE MODE');
my $training = start_sql($node, q{CALL reco.refresh('Our Shop')});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE relation = '"Our Shop".model_user'::regclass AND NOT granted})
  or die 'the training does not write';
sql('ALTER SCHEMA "Our Shop" RENAME TO home');
is(sql('SELECT model, version FROM reco.progress'), 'home|4', 'a model is renamed while it is trained');
is(served('home'), $served, 'and serves');
$locker->query_safe('COMMIT');
$locker->quit;
is((finish_sql($training))[0], 0, 'the training ends well');
is(sql('SELECT version FROM home.versions WHERE active'), '4', 'and its version serves');
is(served('home'), $served, 'the same');

# The schema is dumped alone: definition and versions, without the source.
my $dump = $node->basedir . '/home.sql';
$node->command_ok([ 'pg_dump', '-n', 'home', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump -n');
sql('CREATE DATABASE alone');
sql('CREATE EXTENSION reco; CREATE TABLE lines (customer_id int, product_id int, qty int)', 'alone');
$node->command_ok([ 'psql', '-Xq1', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('alone'), '-f', $dump ], 'it is restored');
sql(q{CALL reco.alter_model('home', options => reco.options(live => 'off'))}, 'alone');
is(served('home', 'alone'), $served, 'it serves the same, with no row in the source');
is(sql('SELECT * FROM home.segments JOIN home.segment_profile USING (segment) ORDER BY user_id', 'alone'), $segments, 'with its segments');
sql('INSERT INTO lines SELECT 5, g, 1 FROM generate_series(1, 9) AS g', 'alone');
sql(q{CALL reco.refresh('home')}, 'alone');
is(sql('SELECT user_id FROM home.user_factors', 'alone'), '5', 'and is refreshed from the source that is there');

# Rows alone, into a model of the same shape. Its own rows must go first: a second
# row of table model would be a second definition.
my $data = $node->basedir . '/data.sql';
$node->command_ok([ 'pg_dump', '-a', '-n', 'home', '-d', $node->connstr('postgres'), '-f', $data ], 'pg_dump -a');
$session = $node->background_psql('alone');
$session->query_safe('SELECT count(*) FROM home.recommend(5)');
my $tables = join ', ', map { "home.$_" } qw(model model_version model_user model_user_layer model_item model_part model_term model_list model_segment model_segment_profile model_change);
append_to_file("$data.all", "TRUNCATE $tables;\n" . slurp_file($data));
$node->command_ok([ 'psql', '-Xq1', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('alone'), '-f', "$data.all" ],
  'the rows are restored over those of another training');
sql(q{CALL reco.alter_model('home', options => reco.options(live => 'off'))}, 'alone');
is(served('home', 'alone'), $served, 'it serves what was loaded');
is($session->query_safe('SELECT string_agg(item_id::text, $$,$$ ORDER BY rank) FROM home.recommend(5, 3)'), $first,
  'a session that served what was there before does so, too');
$session->quit;
is(sql('SELECT * FROM home.versions ORDER BY version', 'alone'), sql('SELECT * FROM home.versions ORDER BY version'),
  'the versions are those of the dump');
sql(q{CALL reco.refresh('home')}, 'alone');
is(sql('SELECT version FROM home.versions WHERE active', 'alone'), '5', 'a refresh counts on from there');

# The database gets another name: its images are still its own.
my $list = served('home', 'alone');
my $image = images('alone');
like($image, qr/\d+\.5\.\d+\.0\.items/, 'the database has an image');
sql('ALTER DATABASE alone RENAME TO "one more"');
is(served('home', 'one more'), $list, 'in a renamed database it serves the same');
is(images('one more'), $image, 'from the same image');

# A database is the template of another: schema, version and nonce are the same in
# both, and still they are two models.
sql('CREATE DATABASE copy TEMPLATE postgres');
is(served('home', 'copy'), $served, 'a copy of the database serves the same');
$image = images('copy');
like(images('postgres'), qr/(^| )\Q$image\E/, 'from an image of the same name but for the database');
my %old = map { $_ => $node->background_psql($_) } qw(postgres copy);
my $one_list = q{SELECT string_agg(item_id || ':' || score, ',' ORDER BY rank) FROM home.recommend(7)};
my $same = $old{postgres}->query_safe($one_list);
is($old{copy}->query_safe($one_list), $same, 'in sessions that stay');
sql('UPDATE lines SET product_id = (product_id + 1) % 100', 'copy');
sql(q{CALL reco.refresh('home')}, 'copy');
my $new = $old{copy}->query_safe($one_list);
isnt($new, $same, 'the copy is refreshed from its own source');
is($old{postgres}->query_safe($one_list), $same, 'the other does not know');
sql('UPDATE lines SET product_id = (product_id + 2) % 100');
sql(q{CALL reco.refresh('home')});
is(sql('SELECT version FROM home.versions WHERE active', $_), '5', "$_: version 5") for qw(postgres copy);
isnt($old{postgres}->query_safe($one_list), $same, 'then the other is');
is($old{copy}->query_safe($one_list), $new, 'and the copy does not know');
isnt(images('copy'), images('postgres'), 'each has the image of its own version');
$_->quit for values %old;
sql('DROP DATABASE copy');

$node->stop;
done_testing();
