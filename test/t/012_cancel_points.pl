# Every algorithm is cancelled at random moments of a training: it ends soon, the old
# version serves, no lock stays, and the next refresh works.

use strict;
use warnings;

use FindBin;
use List::Util qw(min);
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use Time::HiRes qw(time);

# How many cancels of an algorithm, and seconds of trainings that are cancelled: fewer of long ones.
my ($points, $seconds) = (15, 5);

# How many more there are at most until one comes in time.
my $more = 100;

# What is asserted; on an idle machine the end comes within a second.
my $patience = 5;

my $seed = $ENV{RECO_SEED} // int(time);
srand $seed;
note("RECO_SEED=$seed");

my $node = new_node('cancels', 'autovacuum = off', 'max_parallel_maintenance_workers = 2');
make_lines($node, 'big', 3000, 1500, 75000);
make_lines($node, 'small', 200, 100, 4000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sql(q{CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7, 'b' || i % 50] AS tags,
       to_tsvector('simple', 'word' || i % 100 || ' word' || i % 13) AS words, i % 10 AS price,
       ARRAY(SELECT sin(i * k)::real FROM generate_series(1, 32) AS k) AS place FROM generate_series(0, 1499) AS i});

my %algorithms = (
  # all that there are, some of them with other arguments
  algorithms($node),
  ials => 'reco.ials(factors => 64, iterations => 8)',
  'ials, cholesky' => "reco.ials(factors => 64, iterations => 3, solver => 'cholesky')",
  als => 'reco.als(factors => 64, iterations => 8)',
  svd => 'reco.svd()',
  item_knn => 'reco.item_knn()',
  'item_knn, biases' => 'reco.item_knn(biases => true)',
  user_knn => 'reco.user_knn()',
  rp3beta => 'reco.rp3beta()',
  content => 'reco.content()',
  popular => 'reco.popular()',
  auto => 'reco.auto(candidates => ARRAY[reco.ials(factors => 16, iterations => 3), reco.item_knn(), reco.user_knn()])',
);

for my $name (sort keys %algorithms)
{
  sql("CALL reco.create_model('home', source => 'small', algorithm => $algorithms{$name}, items => 'about')");
  my $served = recommendations($node, 'home');
  sql("CALL reco.alter_model('home', source => 'big')");
  my $begin = time;
  sql("CALL reco.refresh('home')");
  my $length = time - $begin;
  sql("CALL reco.activate('home', 1)");
  my ($cancelled, $longest, $strange, $tries) = (0, 0, '', 0);
  my $enough = min($points, 3 + int($seconds / $length));
  # what was measured may be more than a training takes: one that ends before its limit tells
  my $most = 1000 * $length;
  while ($tries < $enough || $cancelled == 0 && $tries < $enough + $more)
  {
    my $limit = int(1 + rand $most);
    $tries++;
    my $asked = time + $limit / 1000;
    my ($rc, $out, $err) = $node->psql('postgres', "SET statement_timeout = $limit; CALL reco.refresh('home')");
    if ($rc == 0)
    {
      $most = $limit;
      sql("CALL reco.activate('home', 1)") if sql("SELECT count(*) FROM home.versions WHERE version = 1 AND status = 'ready'");
      next;
    }
    my $late = time - $asked;
    $longest = $late if $late > $longest;
    $strange = $err if $err !~ /canceling statement due to statement timeout/;
    $cancelled++;
  }
  cmp_ok($cancelled, '>', 0, "$name: cancelled") or next;
  diag(sprintf '%s: %d cancels in a training of %.2f s, the last ended %.2f s late', $name, $cancelled, $length, $longest);
  cmp_ok($longest, '<', $patience, "$name: each ended soon");
  is($strange, '', "$name: with its own error");
  is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND objsubid > 0}), '0', "$name: no lock stays");
  is(sql(q{SELECT count(*) FROM reco.progress}), '0', "$name: nothing trains");
  is(recommendations($node, 'home'), $served, "$name: the old version serves")
    if sql("SELECT active FROM home.versions WHERE version = 1") eq 't';
  sql("CALL reco.alter_model('home', source => 'small')");
  sql("CALL reco.refresh('home')");
  is(comparable($name, recommendations($node, 'home')), comparable($name, $served), "$name: the next refresh works");
  is(sql(q{SELECT count(*) FROM home.versions WHERE status = 'running'}), '0', "$name: no version runs");
  sql("CALL reco.drop_model('home')");
}

$node->stop;
done_testing();
