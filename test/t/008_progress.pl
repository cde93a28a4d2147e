# reco.progress from another session: it moves at least once a second while a
# training reads, trains and writes, inside a transaction block too; nothing is left
# of one that ended, however it ended; and who may not read a model sees nothing.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('progress');
make_lines($node, 'big', 20000, 5000, 1000000);
make_lines($node, 'small', 200, 100, 4000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sub wait_for
{
  my ($condition, $what) = @_;
  ok($node->poll_query_until('postgres', "SELECT count(*) > 0 FROM reco.progress WHERE $condition"), $what);
}

my $progress = q{SELECT count(*) FROM reco.progress};
my $files = q{SELECT count(*) FROM pg_ls_tmpdir() WHERE name ~ 'progress'};

sql("CALL reco.create_model('home', source => 'small', algorithm => reco.ials(factors => 8))");
is(sql($progress), '0', 'nothing trains');
is(sql($files), '0', 'and no file says so');

# A slow source: the rows that were read so far.
sql('CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql AS
     $$BEGIN IF $1 % 2000 = 0 THEN PERFORM pg_sleep(0.01); END IF; RETURN $1; END$$');
sql(q{CALL reco.alter_model('home', source => 'SELECT slow(g) % 1000, g % 77 FROM generate_series(1, 10000000) AS g')});
my $session = start_sql($node, "CALL reco.refresh('home')");
wait_for(q{phase = 'reading' AND rows > 0 AND version = 2}, 'reading, with rows');
my $rows = sql('SELECT rows FROM reco.progress');
wait_for("rows > $rows", 'more of them later');
is(sql('SELECT iteration IS NULL AND loss IS NULL AND estimate IS NULL FROM reco.progress'),
  't', 'and no iterations yet');
sql('SELECT pg_cancel_backend(pid) FROM reco.progress');
finish_sql($session);
is(sql($progress), '0', 'cancelled: it is gone');
is(sql($files), '0', 'with its file');

# A long training: looked at whenever there are more iterations.
sql("CALL reco.alter_model('home', source => 'big', algorithm => reco.ials(factors => 128, iterations => 1000))");
for my $block (0, 1)
{
  my $where = $block ? 'inside a block' : 'training';
  $session = start_sql($node, $block ? [ 'BEGIN', "CALL reco.refresh('home')" ] : "CALL reco.refresh('home')");
  wait_for(q{phase = 'training' AND iteration > 0}, "$where, with iterations");
  my @seen;
  for my $look (0 .. 3)
  {
    wait_for("iteration > $seen[-1][0]", "$where: there are more iterations") if $look > 0;
    push @seen, [ split /\|/, sql(
      q{SELECT iteration, iterations, loss > 0, rows > 0, extract(epoch FROM elapsed), estimate > '0s',
               pid IN (SELECT pid FROM pg_stat_activity WHERE query ~ 'reco.refresh'), model FROM reco.progress}) ];
  }
  cmp_ok($seen[3][4], '>', $seen[0][4], "$where: and more time has passed");
  is(join('|', @{ $seen[3] }[ 1, 2, 3, 5, 6, 7 ]), '1000|t|t|t|t|home', "$where: the rest is there");
  is(sql(q{SELECT string_agg(status, ' ') FROM reco.models}), 'failing, training', "$where: reco.models says so, too, and that the one before failed");
  sql('CREATE ROLE stranger') if !$block;
  is(sql("SET ROLE stranger; $progress"), '0', "$where: strangers do not see it");
  sql($block ? 'SELECT pg_terminate_backend(pid) FROM reco.progress' : 'SELECT pg_cancel_backend(pid) FROM reco.progress');
  finish_sql($session);
  $node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM reco.progress)");
  is(sql($progress), '0', "$where: ended, it is gone");
}
cmp_ok(sql($files), '<=', 1, 'a session that was terminated leaves a file at most');

# Of an algorithm that is made of others, which of them trains.
sql(q{CALL reco.alter_model('home', algorithm => reco.hybrid(ARRAY[reco.popular(), reco.ials(factors => 128, iterations => 1000)], weights => '{1, 1}'))});
$session = start_sql($node, "CALL reco.refresh('home')");
wait_for(q{phase = 'training 2/2' AND iteration > 0 AND iterations = 1000 AND loss > 0}, 'the second member trains, with iterations');
sql('SELECT pg_cancel_backend(pid) FROM reco.progress');
finish_sql($session);
sql("CALL reco.alter_model('home', source => 'small', algorithm => reco.ials(factors => 8))");
sql("CALL reco.refresh('home')");
is(sql($files), '0', 'which the next training takes away');
sql("CALL reco.materialize('home', 5)");
is(sql($files), '0', 'so does a materialize its own');

# A stale or a strange file says nothing while nobody trains.
my $oid = sql(q{SELECT 'home'::regnamespace::oid});
my $db = sql('SELECT oid FROM pg_database WHERE datname = current_database()');
my $file = $node->data_dir . "/base/pgsql_tmp/pgsql_tmp_reco.$db.$oid.progress";
append_to_file($file, 'x' x 200);
is(sql($progress), '0', 'a strange file is not believed');
sql("CALL reco.drop_model('home')");
ok(!-e $file, 'and goes with the model');

$node->stop;
done_testing();
