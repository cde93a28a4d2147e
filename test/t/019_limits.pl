# A server that may start no more threads trains all the same, with those it has, and
# says so; the model is the same.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('limits');
make_lines($node, 'lines', 3000, 500, 100000);

# Runs statements in a session that may have no thread but its own.
sub alone
{
  my ($sql) = @_;
  my ($out, $err) = ('', '');
  my $rc = $node->psql('postgres', qq{
      SELECT pg_backend_pid() AS pid \\gset
      \\setenv PID :pid
      \\! prlimit --pid \$PID --nproc=1:1
      SET reco.max_threads = 8;
      SET reco.threads = 4;
      $sql}, stdout => \$out, stderr => \$err);
  return ($rc, $out, $err);
}

# Threads are limited by user, and only of users without privileges.
plan skip_all => 'no prlimit' if system('prlimit --version >/dev/null 2>&1') != 0;

my $options = q{options => reco.options(measure => false)};
my $model = qq{source => 'lines', algorithm => reco.ials(factors => 64, iterations => 3), $options};
my $warning = qr/WARNING:  only 1 of 4 threads could be started/;
my ($rc, $out, $err) = alone("CALL reco.create_model('few', $model);");
is($rc, 0, 'a model is trained without threads') or diag($err);
like($err, $warning, '... with a warning');
like($err, qr/HINT:  .*"reco\.threads"/, '... that says what to do');

# fewer are not worth the threads (WORK_WORTH_THREADS of src/model/als.c)
cmp_ok($node->safe_psql('postgres', 'SELECT interactions * 64 FROM few.versions'), '>', 4e6, 'there is work for threads');

($rc, $out, $err) = $node->psql('postgres', "SET reco.max_threads = 8; SET reco.threads = 4; CALL reco.create_model('four', $model)");
unlike($err, qr/WARNING/, 'there is no warning where threads may be started');
my $digest = q{SELECT md5(string_agg(u::text, ',' ORDER BY user_id)) FROM %s.user_factors AS u};
is($node->safe_psql('postgres', sprintf($digest, 'few')), $node->safe_psql('postgres', sprintf($digest, 'four')),
  'the model is the same');

# where there is nothing for threads to do none is asked for
($rc, $out, $err) = alone("CALL reco.create_model('chart', 'lines', reco.popular(), $options); CALL reco.create_model('small', 'lines', reco.ials(factors => 2), $options);");
is($rc, 0, 'small trainings') or diag($err);
unlike($err, qr/WARNING/, '... ask for no threads');

# a team that is there is not tried again
($rc, $out, $err) = $node->psql('postgres', qq{
    SELECT pg_backend_pid() AS pid \\gset
    \\setenv PID :pid
    SET reco.max_threads = 8;
    SET reco.threads = 4;
    CALL reco.refresh('few');
    \\! prlimit --pid \$PID --nproc=1:1
    CALL reco.refresh('few');
    SET reco.threads = 6;
    CALL reco.refresh('few');}, stdout => \$out, stderr => \$err);
is($rc, 0, 'trainings by a team of which no more can be started') or diag($err);
is(join(',', $err =~ /only (\d of \d) threads/g), '4 of 6', '... use those that are there');

($rc, $out, $err) = alone("CALL reco.materialize('few'); SELECT count(*) > 0 FROM few.recommendations;");
is($out, 't', 'lists of all users are made') or diag($err);
like($err, $warning, '... with a warning');
($rc, $out, $err) = alone("SELECT count(*) > 0 FROM reco.evaluate('lines', ARRAY[reco.item_knn(), reco.ials(factors => 8)]);");
is($out, 't', 'algorithms are evaluated') or diag($err);

# Ceilings that a role sets for itself, in its session before the library is there or for
# all of its sessions, count for nothing; what a superuser sets for the role does.
$node->safe_psql('postgres', 'CREATE ROLE eager LOGIN');
sub ceilings
{
  my ($sql) = @_;
  my ($out, $err) = ('', '');
  $node->psql('postgres', "$sql SELECT value FROM reco.environment() WHERE name = 'threads of a training'; SHOW reco.max_threads;",
    stdout => \$out, stderr => \$err, extra_params => [ '-U', 'eager' ]);
  return $out;
}
my $most = $node->safe_psql('postgres', q{SELECT value FROM reco.environment() WHERE name = 'processors'});
is(ceilings('SET reco.max_threads = 1024; SET reco.threads = 1024;'), "$most\n0", 'a ceiling set before the library is there');
$node->psql('postgres', 'ALTER ROLE eager SET reco.max_threads = 1024', extra_params => [ '-U', 'eager' ]);
is(ceilings('SET reco.threads = 1024;'), "$most\n0", 'a ceiling set for a role by itself');
$node->safe_psql('postgres', 'ALTER ROLE eager SET reco.max_threads = 3; ALTER ROLE eager SET reco.threads = 5');
is(ceilings(''), "3\n3", 'a ceiling set for a role by a superuser');

$node->stop;
done_testing();
