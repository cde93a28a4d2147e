# A trainer is killed (SIGKILL): the server restarts itself, the old version
# serves, nothing of the killed training is in the way of the next one.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('crash', 'restart_after_crash = on');
make_lines($node, 'big', 20000, 5000, 1000000);
make_lines($node, 'small', 200, 100, 4000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

my $big = 'SELECT customer_id, product_id, qty FROM big';
my $small = 'SELECT customer_id, product_id, qty FROM small';
my $small_algorithm = 'reco.ials(factors => 16)';

# Kills the trainer of a model and waits for the server to come back.
sub kill_trainer
{
  my ($session, $model, $pid) = @_;
  my $started = sql('SELECT pg_postmaster_start_time()');
  kill_session($node, $pid) or die "could not kill $pid: $!";
  my ($rc, $out, $err) = finish_sql($session);
  isnt($rc, 0, 'the client of a killed trainer is told');
  is(sql('SELECT pg_postmaster_start_time()'), $started, 'the server restarts by itself');
}

# During a refresh.
sql("CALL reco.create_model('home', source => '$small', algorithm => $small_algorithm)");
my $served = recommendations($node, 'home');
sql("CALL reco.alter_model('home', source => '$big', algorithm => " . big_training() . ')');
my $session = start_sql($node, "CALL reco.refresh('home')");
kill_trainer($session, 'home', wait_for_training($node, 'home'));

is(recommendations($node, 'home'), $served, 'the old version serves');
is(sql("SELECT version, status FROM reco.models WHERE model = 'home'"),
  '1|failing', 'reco.models no longer says that it trains, but that it failed');
is(sql("SELECT status, failures, last_error, training FROM reco.health WHERE model = 'home'"),
  'failing|1|interrupted|f', 'reco.health that it was interrupted');
is(sql('SELECT count(*) FROM home.model_user WHERE version <> 1'), '0', 'the killed training left no rows');
is(sql(q{SELECT count(*) FROM pg_ls_tmpdir() WHERE name !~ '_reco\.'}), '0', 'nor files');

sql("CALL reco.alter_model('home', source => '$small', algorithm => $small_algorithm)");
sql("CALL reco.refresh('home')");
is(recommendations($node, 'home'), $served, 'the next refresh works');
is(sql("SELECT status, failures FROM reco.health WHERE model = 'home'"), 'ready|0', 'after which all is well');
is( sql('SELECT version, status, active, message FROM home.versions ORDER BY version'),
  "1|ready|f|\n2|failed|f|interrupted\n3|ready|t|",
  'and knows that the one before was interrupted');

# During the first training: the half-made model does not stand in the way.
$session = start_sql($node,
  "CALL reco.create_model('other', source => '$big', algorithm => " . big_training() . ')');
kill_trainer($session, 'other', wait_for_training($node, 'other'));
like(sql("SELECT status FROM reco.models WHERE model = 'other'") || 'gone',
  qr/^(gone|not trained)$/, 'a half-made model is reported as such');
my ($rc, $out, $err) = $node->psql('postgres',
  "CALL reco.create_model('other', source => '$small', algorithm => $small_algorithm)");
is($rc, 0, 'the same call works again') or diag($err);
is($node->psql('postgres', 'SELECT * FROM other.recommend(1)'), 0, 'and the model serves')
  if $rc == 0;

# While the version is written, its items there and its users not: rows of a
# transaction that never committed.
sql("CALL reco.alter_model('home', source => '$small', algorithm => reco.ials(factors => 8))");
my $locker = start_sql($node, [ 'BEGIN', 'LOCK TABLE home.model_user IN SHARE MODE', 'SELECT pg_sleep(600)' ]);
my $blocked = q{SELECT %s FROM pg_locks WHERE relation = 'home.model_user'::regclass AND %s};
$node->poll_query_until('postgres', sprintf $blocked, 'count(*) = 1', q{mode = 'ShareLock'})
  or die 'the table is not locked';
$session = start_sql($node, "CALL reco.refresh('home')");
$node->poll_query_until('postgres', sprintf $blocked, 'count(*) = 1', 'NOT granted')
  or die 'the training does not write';
kill_trainer($session, 'home', sql(sprintf $blocked, 'pid', 'NOT granted'));
finish_sql($locker);
is(recommendations($node, 'home'), $served, 'killed while it writes: the old version serves');
is( sql("SELECT string_agg(DISTINCT v.status, ', ') FROM home.model_item JOIN home.versions AS v USING (version)"),
  'ready', 'no rows of the killed version are there');
sql("CALL reco.alter_model('home', algorithm => $small_algorithm)");
sql("CALL reco.refresh('home')");
is(recommendations($node, 'home'), $served, 'and the next refresh works');

# While the algorithm is chosen: readers read, and neither a kill, a cancel nor a DROP leaves
# anything.
my $choosing = q{phase ~ '^choosing'};
sub choose
{
  my $started = start_sql($node, "CALL reco.refresh('home')");
  $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM reco.progress WHERE $choosing") or die 'nothing is chosen';
  return ($started, sql('SELECT pid FROM reco.progress'));
}
sql("CALL reco.alter_model('home', source => '$big', algorithm => reco.auto(candidates => ARRAY[" . big_training() . ', ' . big_training() . ']))');
my $pid;
($session, $pid) = choose();
is(recommendations($node, 'home'), $served, 'while an algorithm is chosen the old version serves');
like(sql('SELECT phase FROM reco.progress'), qr{^choosing \d/4$}, 'and reco.progress says how far that is');
kill_trainer($session, 'home', $pid);
is(recommendations($node, 'home'), $served, 'killed while it chooses: the old version serves');
($session, $pid) = choose();
sql("SELECT pg_cancel_backend($pid)");
($rc, $out, $err) = finish_sql($session);
like($err, qr/canceling statement due to user request/, 'cancelled while it chooses');
is(sql("SELECT status FROM home.versions ORDER BY version DESC LIMIT 1"), 'failed', 'and recorded');
is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND objsubid > 0}), '0', 'no lock stays');
sql("CALL reco.alter_model('home', source => '$small', algorithm => reco.auto(candidates => ARRAY[$small_algorithm, reco.popular()]))");
sql("CALL reco.refresh('home')");
is(sql("SELECT choice ->> 'state' FROM home.versions WHERE active"), 'chosen: none was chosen before', 'the next refresh chooses');
sql("CALL reco.alter_model('home', source => '$big', algorithm => reco.auto(candidates => ARRAY[reco.popular(), reco.svd(), reco.item_knn(), reco.user_knn(), reco.rp3beta()]))");
($session, $pid) = choose();
sql("CALL reco.drop_model('home')");
($rc, $out, $err) = finish_sql($session);
like($err, qr/model "home" was dropped while it was trained/, 'dropped while it chooses');
is(leftovers($node, 'home'), '', 'nothing is left behind');

$node->stop;
done_testing();
