# Readers while a model is refreshed over and over: no error, no wait, and every
# list is one version's from its first row to its last.
#
# The source swings between two states, so all versions serve one of two lists;
# a list that is mixed from both, short or empty would be a third.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

# Transactions of each reader; and how many refreshes there are at least meanwhile.
my $reads = 500;
my $least = 5;

my $node = new_node('readers', 'autovacuum_naptime = 1s');
make_lines($node, 'even', 300, 100, 6000);
make_lines($node, 'odd', 300, 100, 6000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sql('UPDATE odd SET product_id = 99 - product_id');
sql('CREATE TABLE swing (which text)');
sql("INSERT INTO swing VALUES ('even')");
sql("CREATE VIEW lines AS
     SELECT e.customer_id, e.product_id, e.qty FROM even e, swing WHERE which = 'even'
     UNION ALL SELECT o.customer_id, o.product_id, o.qty FROM odd o, swing WHERE which = 'odd'");
# what users have is that of the version, too: live rows would be a third state
sql("CALL reco.create_model('home', source => 'lines', algorithm => reco.ials(factors => 16, iterations => 3),
     options => reco.options(live => 'off'))");

# What a reader may see of users 0 to 19, for each state of the source.
my $digest = "SELECT md5(string_agg(r::text, ',' ORDER BY rank)) FROM home.recommend(u.n, n => 20) AS r";
sql("CREATE TABLE wanted AS SELECT 'even' AS which, u.n, ($digest) AS list FROM generate_series(0, 19) AS u(n)");
sql("UPDATE swing SET which = 'odd'");
sql("CALL reco.refresh('home')");
sql("INSERT INTO wanted SELECT 'odd', u.n, ($digest) FROM generate_series(0, 19) AS u(n)");
is(sql('SELECT count(DISTINCT list) FROM wanted'), '40', 'the two states serve different lists');
sql('CREATE TABLE unwanted (n int, list text, at timestamptz DEFAULT clock_timestamp())');

# pgbench: in one statement the list and whether it is a wanted one; and two
# lists under one snapshot, which must be of one state.
my $script = $node->basedir . '/read.sql';
append_to_file(
  $script, qq{
\\set user random(0, 19)
SELECT 1 / (EXISTS (SELECT FROM wanted w WHERE w.n = u.n AND w.list = ($digest)))::int
  FROM (VALUES (:user)) AS u(n);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT (which = 'odd')::int AS one FROM wanted w, (VALUES (:user)) AS u(n) WHERE w.n = u.n AND w.list = ($digest) \\gset
SELECT (which = 'odd')::int AS two FROM wanted w, (VALUES (19 - :user)) AS u(n) WHERE w.n = u.n AND w.list = ($digest) \\gset
COMMIT;
SELECT 1 / (:one = :two)::int;
});
my ($out, $err) = ('', '');
my $readers = { run => IPC::Run::start(
  [
    'pgbench', '-n', '-t', $reads, '-c', '4', '-j', '1', '-f', $script,
    '-h', $node->host, '-p', $node->port, 'postgres'
  ],
  '<', \undef, '>', \$out, '2>', \$err,
  IPC::Run::timer($PostgreSQL::Test::Utils::timeout_default)) };

my $refreshes = 0;
while (running_sql($readers) || $refreshes < $least)
{
  sql("UPDATE swing SET which = CASE which WHEN 'odd' THEN 'even' ELSE 'odd' END");
  sql("CALL reco.refresh('home')");
  $refreshes++;
}
$readers->{run}->finish;
is($readers->{run}->result(0), 0, 'pgbench ends well') or diag($err);
unlike($err, qr/ERROR|abort/i, 'no reader met an error');
like($out, qr/number of failed transactions: 0/, 'nor did a transaction fail');
my ($read) = $out =~ /number of transactions actually processed: (\d+)/;
note("$refreshes refreshes, $read reads");
is($read, 4 * $reads, 'all reads were done');

is(sql("SELECT string_agg(DISTINCT status, ', ') FROM home.versions"), 'expired, ready', 'every refresh succeeded');
is(sql('SELECT count(DISTINCT version) FROM home.model_user'), '2', 'two versions are kept');
is(sql("SELECT count(*) FROM home.versions WHERE status = 'ready'"), '2', 'as the option says');

# Old versions go by vacuum: the tables do not grow with the number of refreshes.
# An autovacuum's own snapshot may keep a version or two a round longer, so it is
# off; 24 versions that stayed would make the table some seven times as large.
sql('ALTER SYSTEM SET autovacuum = off');
sql('SELECT pg_reload_conf()');
sub size_after
{
  my ($count) = @_;
  for (1 .. $count)
  {
    sql("CALL reco.refresh('home')");
    sql('VACUUM home.model_user');
  }
  return sql(q{SELECT pg_relation_size('home.model_user')});
}
my $size = size_after(4);
my $later = size_after(24);
cmp_ok($later, '<=', $size * 2, "refreshed and vacuumed, a table does not grow ($size, then $later bytes)");

$node->stop;
done_testing();
