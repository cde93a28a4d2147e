# What the TAP tests share: servers, interactions, and sessions that run beside
# the test.

package RecoTest;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(
  new_node make_lines big_training start_sql finish_sql running_sql
  wait_for_training kill_session recommendations seconds_of leftovers algorithms comparable
);

# A started server with the extension in database postgres.  Backends end some time after
# their sessions, so on a busy machine a test meets more of them than it has sessions: the
# ten connections that a test's server has by default are not enough.
sub new_node
{
  my ($name, @conf) = @_;
  my $node = PostgreSQL::Test::Cluster->new($name);
  $node->init(allows_streaming => 1);
  $node->append_conf('postgresql.conf', join("\n", 'fsync = off', 'max_wal_size = 2GB', 'max_connections = 60', @conf));
  $node->start;
  $node->safe_psql('postgres', 'CREATE EXTENSION reco');
  return $node;
}

# A table of interactions, the same on every machine: each user has bought what
# others of the same residue class buy, and now and then something else.
sub make_lines
{
  my ($node, $table, $users, $items, $rows) = @_;
  $node->safe_psql(
    'postgres', qq{
      CREATE TABLE $table AS
      SELECT u AS customer_id,
             CASE WHEN h % 10 < 7 THEN (h / 10) % ($items / 4) * 4 + u % 4 ELSE (h / 10) % $items END
               AS product_id,
             1 + (h % 3)::int AS qty
        FROM (SELECT (g % $users)::int AS u, hashint4(g)::bigint + 2147483648 AS h
                FROM generate_series(1, $rows) AS g) AS s;
      ALTER TABLE $table ALTER product_id TYPE int;
      ANALYZE $table;});
}

# An algorithm that trains for many minutes on what make_lines makes.
sub big_training
{
  return 'reco.ials(factors => 256, iterations => 1000)';
}

# Starts psql on a statement, or on a reference to some that are sent one by one;
# the rest are settings of the session.
sub start_sql
{
  my ($node, $sql, %settings) = @_;
  my $session = { out => '', err => '', begin => time };
  local $ENV{PGOPTIONS} = join ' ', map { "-c $_=$settings{$_}" } sort keys %settings;
  $session->{run} = IPC::Run::start(
    [
      'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose',
      '-d', $node->connstr('postgres'), map { ('-c', $_) } ref $sql ? @$sql : $sql
    ],
    '<', \undef, '>', \$session->{out}, '2>', \$session->{err},
    IPC::Run::timer($PostgreSQL::Test::Utils::timeout_default));
  return $session;
}

# Waits for the end; returns exit code, output and errors.
sub finish_sql
{
  my ($session) = @_;
  $session->{run}->finish;
  $session->{end} = time;
  return ($session->{run}->result(0), $session->{out}, $session->{err});
}

sub running_sql
{
  my ($session) = @_;
  # that it has ended is noticed by reading from it
  for (1 .. 2)
  {
    $session->{run}->pump_nb if $session->{run}->pumpable;
  }
  return $session->{run}->pumpable;
}

# How long a session took to end after a moment.
sub seconds_of
{
  my ($session, $since) = @_;
  return $session->{end} - $since;
}

# Waits until a model's training has committed its announcement and computes;
# returns the process id of the trainer.
sub wait_for_training
{
  my ($node, $model) = @_;
  $node->poll_query_until('postgres',
    "SELECT count(*) = 1 FROM reco.models WHERE model = '$model' AND status ~ 'training'")
    or die "no training of $model began";
  sleep 1;
  return $node->safe_psql('postgres',
    q{SELECT pid FROM pg_stat_activity WHERE query ~ '^CALL reco.(create_model|refresh)' AND state = 'active'});
}

# Kills a session (SIGKILL) and waits until the server, which restarts itself, is there
# again: another checkpointer tells it from the moment before it noticed. False when there
# is no such session any more, or it was ending by itself: then the server's log does not
# say that a signal ended it.
sub kill_session
{
  my ($node, $pid) = @_;
  my $checkpointer = q{(SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer')};
  my $before = $node->safe_psql('postgres', "SELECT $checkpointer");
  my $offset = -s $node->logfile;
  my $gone = 0;
  return 0 if !kill 'KILL', $pid;
  # a psql that cannot connect is gone before it has read its query
  local $SIG{PIPE} = 'IGNORE';
  for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
  {
    my $out = eval { ($node->psql('postgres', "SELECT $checkpointer <> $before"))[1] };
    return 1 if defined $out && $out eq 't';
    # the server writes to its log after it has collected the process
    $gone++ if !kill 0, $pid;
    return 0 if $gone > 10 && slurp_file($node->logfile, $offset) !~ /PID $pid\) was terminated/;
    sleep 0.1;
  }
  die 'the server did not come back';
}

# Lists of some users, as one text.
sub recommendations
{
  my ($node, $model) = @_;
  return $node->safe_psql('postgres',
    "SELECT u, r.* FROM generate_series(0, 50, 5) AS u, $model.recommend(u) AS r ORDER BY u, rank");
}

# Calls of all constructors of algorithms, by name; the rest are arguments of some of them.
sub algorithms
{
  my ($node, %arguments) = @_;
  # what has no default
  $arguments{hybrid} //= 'ARRAY[reco.ials(factors => 4, iterations => 2), reco.item_knn(neighbors => 5)]';
  # (trained often)
  $arguments{private} //= 'reco.popular(), budget => 1000000';
  return map { $_ => "reco.$_(" . ($arguments{$_} // '') . ')' } split /\n/, $node->safe_psql('postgres',
    q{SELECT proname FROM pg_proc WHERE pronamespace = 'reco'::regnamespace AND prosrc = 'reco_make_algorithm' ORDER BY 1});
}

# Of lists of an algorithm what another training on the same rows makes again: of noise that hides
# people nothing but how many there are.
sub comparable
{
  my ($name, $lists) = @_;
  return $name eq 'private' ? scalar(() = $lists =~ /^/mg) : $lists;
}

# Schemas and files that a model left behind.
sub leftovers
{
  my ($node, $model) = @_;
  return $node->safe_psql(
    'postgres', qq{
      SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = '$model'
      UNION ALL SELECT 'lock ' || pid FROM pg_locks WHERE locktype = 'object' AND objsubid > 0
      UNION ALL SELECT 'file ' || name FROM pg_ls_tmpdir()
        -- an image of another model that is there is none
       WHERE name !~ '_reco\\.' OR NOT EXISTS (
             SELECT FROM pg_namespace WHERE oid::text = split_part(name, '.', 3))});
}

1;
