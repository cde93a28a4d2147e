# What the server asks of all its processes, a training takes in while it computes: a
# database is dropped beside each kind of training, and of evaluation, while these go on.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('barriers', 'autovacuum = off', 'max_parallel_maintenance_workers = 1');

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

# Some 1e10 products of pairs, and a factorization without an end.
sql(q{CREATE TABLE wide AS SELECT u AS user_id, (u * 7 + j * 2) % 60 AS item_id, 1 + (u + j) % 5 AS value
        FROM generate_series(0, 39999) AS u, generate_series(0, 29) AS j});
make_lines($node, 'lines', 2000, 500, 40000);

my $by_user = 'SELECT user_id, item_id, value::real FROM wide';
my $by_item = 'SELECT item_id, user_id, value::real FROM wide';
my $factors = 'factors => 256, iterations => 10000';
my %trainings = (
  user_knn => [ $by_user, q{reco.user_knn(similarity => 'pearson')} ],
  item_knn => [ $by_item, q{reco.item_knn(similarity => 'pearson')} ],
  rp3beta => [ $by_item, 'reco.rp3beta()' ],
  ials => [ 'lines', "reco.ials($factors)" ],
  'ials, cholesky' => [ 'lines', "reco.ials($factors, solver => 'cholesky')" ],
  als => [ 'lines', "reco.als($factors)" ]);

sub drop_databases
{
  my ($session, $name) = @_;
  for (1 .. 2)
  {
    sql('CREATE DATABASE other');
    sql('DROP DATABASE other');
  }
  ok(running_sql($session), "$name goes on when the databases are gone");
}

for my $name (sort keys %trainings)
{
  my ($source, $algorithm) = @{ $trainings{$name} };
  my $session = start_sql($node, "CALL reco.create_model('home', \$\$$source\$\$, $algorithm)");
  my $pid = wait_for_training($node, 'home');
  drop_databases($session, $name);
  is(sql(q{SELECT phase FROM reco.progress}), 'training', '... with what it did');
  sql("SELECT pg_cancel_backend($pid)");
  finish_sql($session);
  is(leftovers($node, 'home'), '', '... and ends when it is told to');

  next unless $name =~ /^(user_knn|als)$/;
  $session = start_sql($node, "SELECT count(*) FROM reco.evaluate(\$\$$source\$\$, ARRAY[$algorithm])");
  $node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query ~ 'FROM reco.evaluate' AND state = 'active'})
    or die 'no evaluation began';
  sleep 4;
  drop_databases($session, "evaluation of $name");
  sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query ~ 'FROM reco.evaluate'});
  finish_sql($session);
}

$node->stop;
done_testing();
