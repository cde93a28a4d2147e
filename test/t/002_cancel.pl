# A training that would take many minutes ends at once, whoever asks: a timeout,
# a cancel, a terminate or a shutdown. Nothing half-made stays, the old version
# serves, and the next call works. While it computes, a trainer holds back
# neither vacuum nor anything else. Case C38.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use Time::HiRes qw(sleep time);

# What is asserted; on an idle machine the end comes within a second.
my $patience = 5;

my $node = new_node('cancel', 'autovacuum = off', 'max_parallel_maintenance_workers = 2');
make_lines($node, 'big', 20000, 5000, 2000000);
make_lines($node, 'small', 200, 100, 4000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

my $big = 'SELECT customer_id, product_id, qty FROM big';
my $small = 'SELECT customer_id, product_id, qty FROM small';
my $create = "CALL reco.create_model('home', source => '$big', algorithm => " . big_training() . ')';
my $create_small =
  "CALL reco.create_model('home', source => '$small', algorithm => reco.ials(factors => 16))";
my $refresh = "CALL reco.refresh('home')";

# Waits for the end of a session that was asked to end at a moment.
sub ends
{
  my ($session, $asked, $sqlstate, $what) = @_;
  my ($rc, $out, $err) = finish_sql($session);
  my $seconds = seconds_of($session, $asked);
  diag(sprintf '%s: ended after %.2f s', $what, $seconds);
  cmp_ok($seconds, '<', $patience, "$what: ends soon");
  isnt($rc, 0, "$what: fails");
  like($err, qr/\b$sqlstate\b/, "$what: with SQLSTATE $sqlstate");
  return $err;
}

sub next_call_works
{
  my ($what) = @_;
  is(leftovers($node, 'home'), '', "$what: nothing half-made stays");
  my ($rc, $out, $err) = $node->psql('postgres', $create_small);
  is($rc, 0, "$what: a second call works") or diag($err);
  sql("CALL reco.drop_model('home')") if $rc == 0;
}

# The first training.
{
  my $session = start_sql($node, $create, statement_timeout => '4s');
  ends($session, $session->{begin} + 4, '57014', 'create, statement_timeout');
  next_call_works('create, statement_timeout');

  $session = start_sql($node, $create);
  my $pid = wait_for_training($node, 'home');
  my $asked = time;
  sql("SELECT pg_cancel_backend($pid)");
  ends($session, $asked, '57014', 'create, pg_cancel_backend');
  next_call_works('create, pg_cancel_backend');

  $session = start_sql($node, [ 'BEGIN', $create ]);
  # in a block nothing is committed, so nobody sees when it computes
  sleep 4;
  $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE query ~ '^CALL reco.create_model'});
  $asked = time;
  sql("SELECT pg_cancel_backend($pid)");
  ends($session, $asked, '57014', 'create in a block, pg_cancel_backend');
  next_call_works('create in a block, pg_cancel_backend');

  $session = start_sql($node, $create);
  $pid = wait_for_training($node, 'home');
  $asked = time;
  sql("SELECT pg_terminate_backend($pid)");
  ends($session, $asked, '57P01', 'create, pg_terminate_backend');
  # Nothing runs in a backend that is told to die, so its schema stays: it is
  # reported as what it is, and the next call replaces it.
  is(sql("SELECT model, version, status ~ 'training' FROM reco.models"), 'home||f',
    'create, pg_terminate_backend: the half-made model is reported');
  is(sql("SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND objsubid > 0"), '0',
    'create, pg_terminate_backend: no lock stays');
  my ($rc, $out, $err) = $node->psql('postgres', $create_small);
  is($rc, 0, 'create, pg_terminate_backend: a second call works') or diag($err);
  sql("CALL reco.drop_model('home')");
}

# A new version of a model that serves.
sql($create_small);
my $served = recommendations($node, 'home');
sql("CALL reco.alter_model('home', source => '$big', algorithm => " . big_training() . ')');

sub old_version_serves
{
  my ($what) = @_;
  is(recommendations($node, 'home'), $served, "$what: the old version serves");
  is(sql("SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND objsubid > 0"), '0', "$what: no lock stays");
}

sub last_version
{
  return sql('SELECT status, message FROM home.versions ORDER BY version DESC LIMIT 1');
}

{
  my $session = start_sql($node, $refresh, statement_timeout => '4s');
  ends($session, $session->{begin} + 4, '57014', 'refresh, statement_timeout');
  old_version_serves('refresh, statement_timeout');
  is( last_version(), 'failed|canceling statement due to statement timeout',
    'the failed version is there with its message');

  # Meanwhile: no snapshot, no transaction id, and vacuum removes what dies.
  $session = start_sql($node, $refresh);
  my $pid = wait_for_training($node, 'home');
  is(snapshots_held($node, $pid), 0, 'a trainer that computes has neither backend_xmin nor backend_xid');
  sql('CREATE TABLE dying AS SELECT generate_series(1, 1000) AS n');
  sql('DELETE FROM dying');
  my ($rc, $out, $err) = $node->psql('postgres', 'VACUUM (VERBOSE) dying');
  like($err, qr/1000 removed, 0 remain, 0 are dead but not yet removable/,
    'and does not hold back vacuum');
  is( sql("SELECT count(*) FROM pg_locks WHERE pid = $pid AND locktype = 'relation'"),
    '0', 'it holds no lock on a relation');
  is(sql("SELECT status FROM reco.models WHERE model = 'home'"),
    'failing, training', 'reco.models says that it trains, and that those before were cancelled');
  is(sql('SELECT status FROM home.versions ORDER BY version DESC LIMIT 1'),
    'running', 'and the versions that it runs');

  my $asked = time;
  sql("SELECT pg_cancel_backend($pid)");
  ends($session, $asked, '57014', 'refresh, pg_cancel_backend');
  old_version_serves('refresh, pg_cancel_backend');
  is(last_version(), 'failed|canceling statement due to user request', 'the failed version has its message');

  $session = start_sql($node, $refresh);
  $pid = wait_for_training($node, 'home');
  $asked = time;
  sql("SELECT pg_terminate_backend($pid)");
  ends($session, $asked, '57P01', 'refresh, pg_terminate_backend');
  old_version_serves('refresh, pg_terminate_backend');

  # A client that has gone away is noticed too.
  $session = start_sql($node, $refresh, client_connection_check_interval => '500ms');
  $pid = wait_for_training($node, 'home');
  $asked = time;
  $session->{run}->kill_kill(grace => 5);
  ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"),
    'refresh, client killed: ends');
  diag(sprintf 'refresh, client killed: ended after %.2f s', time - $asked);
  old_version_serves('refresh, client killed');

  # Shutdown.
  $session = start_sql($node, $refresh);
  wait_for_training($node, 'home');
  $asked = time;
  $node->stop('fast');
  my $seconds = time - $asked;
  diag(sprintf 'refresh, pg_ctl stop -m fast: stopped after %.2f s', $seconds);
  cmp_ok($seconds, '<', $patience, 'a fast shutdown during a training is fast');
  ends($session, $asked, '57P01', 'refresh, pg_ctl stop -m fast');
  $node->start;
  old_version_serves('refresh, pg_ctl stop -m fast');

  # And on: the definition can still train.
  sql("CALL reco.alter_model('home', source => '$small', algorithm => reco.ials(factors => 16))");
  sql($refresh);
  is(recommendations($node, 'home'), $served, 'the next refresh works');
  is( sql("SELECT count(*) FROM home.versions WHERE status NOT IN ('ready', 'failed', 'expired')"),
    '0', 'no version is said to run any more');
  is( sql('SELECT count(*) FROM home.model_user JOIN home.versions USING (version) WHERE status = $$failed$$'),
    '0', 'no failed version has rows');
  sql("CALL reco.drop_model('home')");
}

# Whenever the end comes - reading, sorting, computing, writing - a model is
# there and whole, or not at all.
{
  my $source = 'SELECT customer_id, product_id FROM big';
  my $algorithm = 'reco.ials(factors => 8, iterations => 1)';
  my %ends;
  my $begin = time;
  sql("CALL reco.create_model('home', source => '$source', algorithm => $algorithm)");
  my $whole = time - $begin;
  sql("CALL reco.drop_model('home')");
  for my $step (0 .. 12)
  {
    my $timeout = int($whole * 1000 * $step / 11) + 1;
    my $session = start_sql($node,
      "CALL reco.create_model('home', source => '$source', algorithm => $algorithm)",
      statement_timeout => "${timeout}ms");
    my ($rc, $out, $err) = finish_sql($session);
    if ($rc == 0)
    {
      $ends{whole}++;
      is( sql("SELECT (SELECT count(*) FROM home.model_user) = users AND (SELECT count(*) FROM home.model_item) = items
               FROM home.versions WHERE active"),
        't', "after a timeout of $timeout ms the model is whole");
      sql("CALL reco.drop_model('home')");
    }
    else
    {
      $ends{none}++;
      like($err, qr/57014/, "a timeout of $timeout ms ends the call");
      is(leftovers($node, 'home'), '', 'and leaves nothing');
    }
  }
  note(join ', ', map { "$_: $ends{$_}" } sort keys %ends);
  cmp_ok($ends{none}, '>', 0, 'some were ended');
}

$node->stop;
done_testing();
