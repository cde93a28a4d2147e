# A trainer is killed (SIGKILL) at random moments of a refresh, twenty times, while
# readers read: whatever was committed serves, and every list that anybody gets is
# that of a whole version.
#
# The source swings between two states, so a version serves one of two lists.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $kills = 20;
my $calls = 8000;

my $seed = $ENV{RECO_SEED} // int(time);
srand $seed;
note("RECO_SEED=$seed");

my $node = new_node('kills', 'restart_after_crash = on');
make_lines($node, 'even', 2000, 500, 100000);
make_lines($node, 'odd', 2000, 500, 100000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sql('UPDATE odd SET product_id = 499 - product_id');
sql('CREATE TABLE swing AS SELECT false AS odd');
sql('CREATE VIEW lines AS SELECT e.customer_id, e.product_id, e.qty FROM even e, swing s WHERE NOT s.odd
     UNION ALL SELECT o.customer_id, o.product_id, o.qty FROM odd o, swing s WHERE s.odd');
sql("CALL reco.create_model('home', source => 'lines', algorithm => reco.ials(factors => 64, iterations => 40),
     options => reco.options(live => 'off'))");
my $digest = "SELECT md5(string_agg(r::text, ',' ORDER BY rank)) FROM home.recommend(u.n, n => 20) AS r";
sql("CREATE TABLE wanted AS SELECT 'even' AS which, u.n, ($digest) AS list FROM generate_series(0, 49) AS u(n)");
sql('UPDATE swing SET odd = true');
my $begin = time;
sql("CALL reco.refresh('home')");
my $length = time - $begin;
note(sprintf 'a refresh takes %.2f s', $length);
sql("INSERT INTO wanted SELECT 'odd', u.n, ($digest) FROM generate_series(0, 49) AS u(n)");
is(sql('SELECT count(DISTINCT list) FROM wanted'), '100', 'the two states serve different lists');
sql('CREATE TABLE reads (calls int, wrong int)');

# Each reader reads fifty users at a time, and connects anew when it was thrown out.
my $read = qq{
  INSERT INTO reads SELECT count(*), count(*) FILTER (WHERE NOT EXISTS
      (SELECT FROM wanted w WHERE w.n = l.n AND w.list = l.list))
    FROM (SELECT u.n, ($digest) AS list FROM generate_series(0, 49) AS u(n)) AS l};
my $stop = $node->basedir . '/stop';
my $script = $node->basedir . '/read.sql';
append_to_file($script, "$read\n\\watch 0.05\n");
my @readers = map {
  my $command = join ' ', 'while ! [ -e', $stop, ']; do PGAPPNAME=reader psql -XAtq -v ON_ERROR_STOP=1 -d',
    q{'} . $node->connstr('postgres') . q{'}, '-f', $script, '>/dev/null 2>&1; sleep 0.1; done';
  my ($out, $err) = ('', '');
  { run => IPC::Run::start([ 'bash', '-c', $command ], '<', \undef, '>', \$out, '2>', \$err) };
} 1 .. 4;

my ($killed, $missed) = (0, 0);
while ($killed < $kills && $missed < 3 * $kills)
{
  sql('UPDATE swing SET odd = NOT odd');
  my $session = start_sql($node, "CALL reco.refresh('home')");
  my $pid;
  for (1 .. 200)
  {
    $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE query ~ '^CALL reco.refresh' AND state = 'active'});
    last if $pid;
    sleep 0.01;
  }
  my $wait = rand $length;
  sleep $wait;
  my $still = $pid && sql("SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND query ~ '^CALL reco.refresh' AND state = 'active'");
  if ($still && kill_session($node, $pid))
  {
    $killed++;
    finish_sql($session);
  }
  else
  {
    # what was measured may be more than a refresh takes
    $length = $wait if $wait < $length && $wait > $length / 2;
    $missed++;
    finish_sql($session);
  }
}
is($killed, $kills, "$kills kills ($missed came too late)");
for (1 .. 600)
{
  last if sql('SELECT coalesce(sum(calls), 0) FROM reads') >= $calls;
  sleep 0.1;
}
append_to_file($stop, 'stop');
# one that has just looked for the file may still connect
for my $reader (@readers)
{
  while ($reader->{run}->pumpable)
  {
    sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reader'});
    $reader->{run}->pump_nb;
    sleep 0.1;
  }
  $reader->{run}->finish;
}

my ($read_calls, $wrong) = split /\|/, sql('SELECT sum(calls), sum(wrong) FROM reads');
cmp_ok($read_calls, '>=', $calls, 'the readers read');
is($wrong, '0', 'every list was a whole version\'s');
note("$read_calls lists");
is(sql(q{SELECT count(*) FROM home.versions WHERE status NOT IN ('ready', 'expired', 'failed', 'running')}), '0', 'versions are in order');

sql("CALL reco.refresh('home')");
is(sql(q{SELECT string_agg(DISTINCT status, ', ' ORDER BY status) FROM home.versions WHERE status <> 'expired'}),
  'failed, ready', 'the next refresh works and cleans up');
sql('VACUUM home.model_user');
is(sql(q{SELECT count(DISTINCT version) FROM home.model_user}), '2', 'two versions are kept');
is(sql(q{SELECT count(*) FROM home.model_user WHERE version NOT IN (SELECT version FROM home.versions WHERE status = 'ready')}),
  '0', 'and no rows of others');
is(sql(q{SELECT count(*) FROM pg_ls_tmpdir() WHERE name !~ '_reco\.'}), '0', 'no file of others is left');

$node->stop;
done_testing();
