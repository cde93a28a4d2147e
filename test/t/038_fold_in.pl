# reco.fold_in() beyond one server's life: a session that is cancelled or killed when the rows
# are written leaves nothing, files of older layers go, a standby serves what the primary does,
# and so does a dump; owners, policies and wider ids.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('fold', 'restart_after_crash = on');
make_lines($node, 'lines', 60, 40, 1200);

sub sql
{
  my ($query, $of) = @_;
  return ($of // $node)->safe_psql('postgres', $query);
}

# All that goes by what is stored of users.
sub served
{
  my ($of, $database) = @_;
  return ($of // $node)->safe_psql($database // 'postgres', q{
    SELECT 'recommend', u, r::text FROM generate_series(0, 65) AS u, home.recommend(u) AS r
    UNION ALL SELECT 'audience', i, a::text FROM generate_series(0, 40, 10) AS i, home.audience(i, 100) AS a
    UNION ALL SELECT 'similar', u, s::text FROM generate_series(0, 65, 5) AS u, home.similar_users(u) AS s
    UNION ALL SELECT 'factors', user_id, f::text FROM home.user_factors AS f ORDER BY 1, 2, 3});
}

# The model's files, and of which layer they are.
sub files
{
  return sql(q{SELECT string_agg(split_part(name, '.', 7) || ' of ' || CASE split_part(name, '.', 6) WHEN '0' THEN 'none'
      WHEN (SELECT active_epoch::text FROM home.model) THEN 'the layer' ELSE 'another' END, ', ' ORDER BY name)
    FROM pg_ls_tmpdir() WHERE name ~ '_reco\.' AND name !~ 'progress'});
}

sql(q{CALL reco.create_model('home', 'SELECT customer_id, product_id, qty FROM lines', reco.ials(factors => 8), options => reco.options(live => 'off'))});
my $trained = served();
is(files(), 'items of none, users of none', 'a version has two files');

# Cancelled, and killed, when the rows are written and not committed.
sql(q{INSERT INTO lines VALUES (61, 1, 1), (61, 5, 2), (7, 3, 9); DELETE FROM lines WHERE customer_id = 9});
for my $end (qw(cancel kill))
{
  my $holder = $node->background_psql('postgres');
  $holder->query_safe('BEGIN');
  $holder->query_safe('SELECT FROM home.model FOR UPDATE');
  my $session = start_sql($node, q{CALL reco.fold_in('home')});
  $node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^CALL reco.fold_in' AND wait_event_type = 'Lock'})
    or die 'it does not come to the lock';
  my ($pid, $phase) = split /\|/, sql('SELECT pid, phase FROM reco.progress');
  is($phase, 'folding in', "$end: reco.progress shows it");
  is(served(), $trained, "$end: others have what was there before");
  if ($end eq 'cancel')
  {
    sql("SELECT pg_cancel_backend($pid)");
    like((finish_sql($session))[2], qr/canceling statement due to user request/, 'it is cancelled');
    $holder->query_safe('COMMIT');
    $holder->quit;
  }
  else
  {
    ok(kill_session($node, $pid), 'it is killed');
    finish_sql($session);
    eval { $holder->quit };
  }
  is(sql('SELECT count(*) FROM home.model_user_layer'), 0, "$end: no row is left");
  is(sql('SELECT active_epoch FROM home.model'), 0, "$end: and no layer");
  is(sql('SELECT count(*) FROM reco.progress'), 0, "$end: nothing runs");
  is(served(), $trained, "$end: it serves as before");
}

# A standby, and a session that served before.
my $backup = 'backup';
$node->backup($backup);
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, $backup, has_streaming => 1);
$standby->start;
is(served($standby), $trained, 'the standby serves as well');
my $session = $node->background_psql('postgres');
my $told = q{SELECT count(*) FILTER (WHERE user_id = 61) || ' ' || count(*) FILTER (WHERE user_id = 9) FROM home.audience(ARRAY[1, 2, 3, 4, 5], 100, exclude_buyers => false)};
is($session->query_safe($told), '0 1', 'a session knows whom it knew');
sql(q{CALL reco.fold_in('home')});
my $folded = served();
isnt($folded, $trained, 'what was folded in is served');
is(files(), 'items of none, users of the layer', 'the older file of users is gone, that of items serves on');
is($session->query_safe($told), '1 0', 'the session knows it, too');
$session->quit;
$node->wait_for_catchup($standby);
is(served($standby), $folded, 'and the standby');
sql('DELETE FROM lines WHERE customer_id = 61');
sql(q{CALL reco.fold_in('home')});
isnt(served(), $folded, 'it goes on');
is(files(), 'items of none, users of the layer', 'with one file of users');
$folded = served();
$node->wait_for_catchup($standby);
is(served($standby), $folded, 'so does the standby');

# A version made of it with items that are new: cancelled, and killed, where it is to be written.
sql('INSERT INTO lines SELECT c, 41, 1 FROM generate_series(1, 20) AS c');
for my $end (qw(cancel kill))
{
  my $holder = $node->background_psql('postgres');
  $holder->query_safe('BEGIN');
  $holder->query_safe('LOCK TABLE home.model_item IN SHARE MODE');
  my $session = start_sql($node, q{CALL reco.fold_in('home', new_items => true)});
  $node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^CALL reco.fold_in' AND wait_event_type = 'Lock'})
    or die 'it does not come to the lock';
  my $pid = sql('SELECT pid FROM reco.progress');
  is(sql('SELECT max(version) || status FROM home.versions WHERE status = \'running\' GROUP BY status'), $end eq 'cancel' ? '2running' : '3running', "$end: the version is announced");
  is(served(), $folded, "$end: others have what was there before");
  if ($end eq 'cancel')
  {
    sql("SELECT pg_cancel_backend($pid)");
    like((finish_sql($session))[2], qr/canceling statement due to user request/, 'it is cancelled');
    $holder->query_safe('COMMIT');
    $holder->quit;
    is(sql('SELECT status FROM home.versions WHERE version = 2'), 'failed', 'which is recorded');
  }
  else
  {
    ok(kill_session($node, $pid), 'it is killed');
    finish_sql($session);
    eval { $holder->quit };
  }
  is(sql('SELECT count(*) FROM home.model_item WHERE version > 1'), 0, "$end: no row is left");
  is(sql('SELECT count(*) FROM reco.progress'), 0, "$end: nothing runs");
  is(served(), $folded, "$end: it serves as before");
}
sql(q{CALL reco.fold_in('home', new_items => true)});
is(sql(q{SELECT string_agg(concat_ws(' ', version, status, made_of), ', ' ORDER BY version) FROM home.versions}), '1 ready, 2 failed, 3 failed, 4 ready 1', 'then it is made');
is(sql(q{SELECT count(*) FROM home.recommend(61) WHERE source = 'model'}), 0, 'who is gone has no list');
is(sql('SELECT count(*) > 0 FROM home.user_factors, home.recommend(user_id, NULL) WHERE item_id = 41'), 't', 'the item is in lists');
$folded = served();
$node->wait_for_catchup($standby);
is(served($standby), $folded, 'on the standby as well');
$standby->stop;
$node->restart;
is(served(), $folded, 'and after a restart');

# A dump.
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
sql('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'it is restored');
is(served($node, 'restored'), $folded, 'with its layer');
my ($rc, $out, $err) = $node->psql('restored', q{CALL reco.fold_in('home')});
like($err, qr/version 4: nobody has changed/, 'which is that of the source');
sql('DROP DATABASE restored');

# Owners, policies, and ids that grow.
sql(q{CREATE ROLE keeper LOGIN; CREATE ROLE app LOGIN; GRANT CREATE ON DATABASE postgres TO keeper; GRANT SELECT ON lines TO keeper;
  CALL reco.change_owner('home', 'keeper'); CALL reco.grant_use('home', 'app')});
is(sql(q{SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'home.model_user_layer'::regclass}), 'keeper', 'the layer changes hands with the model');
sql(q{INSERT INTO lines VALUES (62, 1, 1), (62, 5, 2)});
is(($node->psql('postgres', q{CALL reco.fold_in('home')}, extra_params => [ '-U', 'keeper' ]))[0], 0, 'the owner folds in');
$folded = served();
my $app = [ extra_params => [ '-U', 'app' ] ];
is(($node->psql('postgres', 'SELECT count(*) > 0 FROM home.recommend(62)', @$app))[1], 't', 'who may call it is served');
sql('ALTER TABLE home.model_user_layer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
like(($node->psql('postgres', $_, @$app))[2], qr/row-level security on table "model_user_layer" of a model is not supported/, "$_: not past a policy")
  for 'SELECT count(*) FROM home.recommend(5)', 'SELECT count(*) FROM home.audience(5)';
sql('ALTER TABLE home.model_user_layer NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY');
sql('ALTER TABLE lines ALTER customer_id TYPE bigint');
like(($node->psql('postgres', q{CALL reco.fold_in('home')}))[2], qr/users are of type bigint, but model "home" was made for type integer\nHINT:  CALL reco.upgrade_model/,
  'the ids have grown');
sql(q{CALL reco.upgrade_model('home')});
is(served(), $folded, 'with wider ids it serves the same');
sql('INSERT INTO lines VALUES (10000000000, 1, 1), (10000000000, 5, 2)');
sql(q{CALL reco.fold_in('home')});
is(sql('SELECT count(*) > 0 FROM home.recommend(10000000000)'), 't', 'and takes such a user');

# What goes takes its layer along.
sql(q{CALL reco.refresh('home')}) for 1 .. 2;
is(sql('SELECT count(*) FROM home.model_user_layer'), 0, 'rows of a layer go with their version');
sql(q{CALL reco.drop_model('home')});
is(leftovers($node, 'home'), '', 'and nothing is left of the model');

$node->stop;
done_testing();
