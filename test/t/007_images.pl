# Versions are served from files that all sessions map: made once, never
# believed when they are damaged, gone with the model.

use strict;
use warnings;

use Fcntl qw(SEEK_SET);
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('main');
my $folder = $node->data_dir . '/base/pgsql_tmp';
make_lines($node, 'lines', 500, 400, 20000);

sub images
{
  my @names = sort map { s{.*/}{}r } glob("$folder/pgsql_tmp_reco*");
  return @names;
}

sub create
{
  my ($name) = @_;
  $node->safe_psql('postgres',
    "CALL reco.create_model('$name', source => 'SELECT customer_id, product_id, qty FROM lines',
     algorithm => reco.ials(factors => 32))");
}

my $list = q{SELECT string_agg(item_id || ':' || score, ',' ORDER BY rank) FROM home.recommend(7)};
create('home');
is(scalar images(), 0, 'training writes no image');
my $expected = $node->safe_psql('postgres', $list);
my ($image) = images();
like($image, qr/\.items$/, 'the first to ask writes one');
is($node->safe_psql('postgres', $list), $expected, 'another session serves the same from it');
is($node->safe_psql('postgres', "BEGIN READ ONLY; $list; COMMIT"), $expected,
  'and in a read-only transaction');
$node->safe_psql('postgres', 'SELECT count(*) FROM home.audience(5)');
like(join(' ', images()), qr/\.users/, 'users get an image of their own when all are asked for');

# Damage: every kind is noticed when the file is mapped, and the image is made anew.
sub damage
{
  my ($how, $code) = @_;
  my $path = "$folder/$image";
  my $whole = slurp_file($path);
  $code->($path);
  is($node->safe_psql('postgres', $list), $expected, "$how: served all the same");
  is(slurp_file($path), $whole, '... and made anew');
}

sub write_at
{
  my ($path, $place, $bytes) = @_;
  open(my $file, '+<:raw', $path) or die $!;
  seek($file, $place, SEEK_SET);
  print $file $bytes;
  close $file;
}
damage('a truncated file', sub { truncate($_[0], 5000) });
damage('an empty file', sub { truncate($_[0], 0) });
damage('a file shorter than its head', sub { truncate($_[0], 100) });
damage('another magic number', sub { write_at($_[0], 0, 'nonsense') });
damage('another nonce', sub { write_at($_[0], 24, 'nonsense') });
damage('another place of a section', sub { write_at($_[0], 80, "\xff" x 8) });
damage('a longer file', sub { append_to_file($_[0], 'more') });

# Anywhere: scores may be wrong then, but nothing outside is touched.
{
  my $seed = $ENV{RECO_SEED} // int(time);
  srand $seed;
  note("RECO_SEED=$seed");
  $node->safe_psql('postgres', q{
    CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7] AS tags, i % 9 AS price FROM generate_series(0, 399) AS i;
    CALL reco.create_model('near', source => 'SELECT customer_id, product_id FROM lines', algorithm => reco.item_knn(), items => 'about')});
  for (1 .. 60)
  {
    $node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM home.audience(5)), (SELECT count(*) FROM near.audience(5))');
    my @names = images();
    my $path = "$folder/$names[rand @names]";
    my $bytes = rand() < 0.5 ? "\x7e" x 256 : join '', map { chr rand 256 } 1 .. 256;
    write_at($path, 600 + int(rand((-s $path) - 900)), $bytes);
    $node->psql('postgres', join ';', map { "SELECT count(*) FROM $_" } 'home.recommend(7)', 'home.recommend(9, NULL, explore => 0.5)',
      'home.recommend(99999)', 'home.similar_items(5)', 'home.similar_users(5)', 'home.audience(5)', 'near.recommend(7, NULL)',
      'near.recommend(99999, NULL)', 'near.similar_items(5)', 'near.audience(5)', 'near.user_profile(7)', 'near.popular(NULL)');
  }
  unlike(slurp_file($node->logfile), qr/terminated by signal/, 'damaged anywhere: no session crashes');
  unlink "$folder/$_" for images();
  $node->safe_psql('postgres', "CALL reco.drop_model('near')");
  is($node->safe_psql('postgres', $list), $expected, 'and made anew all is well');
}

# Where no file can be written, each session keeps a copy.
my $log = -s $node->logfile;
unlink "$folder/$_" for images();
rmdir $folder;
append_to_file($folder, 'in the way');
is($node->safe_psql('postgres', $list), $expected, 'served where no image can be written');
like(slurp_file($node->logfile, $log), qr/could not write file "base\/pgsql_tmp/, 'the log says so');
unlink $folder;
is($node->safe_psql('postgres', $list), $expected, 'and again when one can');
is(scalar images(), 1, '... with an image');

# A refresh: sessions that had the old version serve the new one; files of older
# versions go.
my $session = $node->background_psql('postgres');
my $old = $node->background_psql('postgres');
$session->query_safe('SET client_min_messages = warning');
is($session->query_safe($list), $expected, 'a session has the image');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($old->query_safe($list), $expected, 'so has one with a snapshot');
$node->safe_psql('postgres', 'UPDATE lines SET product_id = (product_id + 1) % 400');
$node->safe_psql('postgres', "CALL reco.refresh('home')");
my $new = $node->safe_psql('postgres', $list);
isnt($new, $expected, 'the refresh changed the list');
is($session->query_safe($list), $new, 'the session follows');
is($old->query_safe($list), $expected, 'the snapshot keeps its version');
$old->query_safe('COMMIT');
is($old->query_safe($list), $new, '... until it ends');
is((grep { /\.items$/ } images()), 1, 'one image is left');

# Dropping: at commit, and not before.
$session->query_safe('BEGIN');
$session->query_safe('DROP SCHEMA home CASCADE');
is((grep { /\.items$/ } images()), 1, 'an image outlives a drop that is not committed');
$session->query_safe('ROLLBACK');
is($session->query_safe($list), $new, 'the model is there after the rollback');
for my $drop ('SAVEPOINT a; %s; ROLLBACK TO a', 'SAVEPOINT a; SAVEPOINT b; %s; RELEASE b; ROLLBACK TO a', 'SAVEPOINT a; %s; ROLLBACK TO a; RELEASE a; CREATE SCHEMA other; DROP SCHEMA other')
{
  $session->query_safe('BEGIN; ' . sprintf($drop, $_) . '; COMMIT') for 'DROP SCHEMA home CASCADE', "CALL reco.drop_model('home')";
  is((grep { /\.items$/ } images()), 1, "the image of a model that stays stays: $drop");
}
is($session->query_safe($list), $new, '... with the model');
$session->query_safe('BEGIN; CREATE SCHEMA kept; SAVEPOINT a; DROP SCHEMA kept; RELEASE a; COMMIT');
$session->query_safe("CALL reco.drop_model('home')");
is(scalar images(), 0, 'a drop takes the image with it');

# A training that is rolled back leaves nothing that could be served.
$session->query_safe('BEGIN');
$session->query_safe(
  "CALL reco.create_model('home', source => 'SELECT customer_id, product_id, qty FROM lines',
   algorithm => reco.ials(factors => 32))");
my $own = $session->query_safe($list);
ok(length $own, 'a model serves in the transaction that makes it');
$session->query_safe('ROLLBACK');
my ($rc) = $node->psql('postgres', $list);
isnt($rc, 0, 'and is gone with it');
create('home');
is($node->safe_psql('postgres', $list), $own, 'the next model of that name serves its own lists');

# A restart leaves no image; nor does a crash.
ok(scalar images() > 0, 'there is an image');
$node->restart;
is(scalar images(), 0, 'the server removes it when it starts');
is($node->safe_psql('postgres', $list), $own, 'and it is made anew');
$node->stop('immediate');
$node->start;
is(scalar images(), 0, 'the same after a crash');
is($node->safe_psql('postgres', $list), $own, '... and it serves');

# Many sessions share one copy.
SKIP:
{
  skip 'no /proc/PID/smaps', 1 unless -r '/proc/self/smaps';
  my @sessions = map { $node->background_psql('postgres') } 1 .. 8;
  my @pids;
  for my $one (@sessions)
  {
    $one->query_safe($list);
    push @pids, $one->query_safe('SELECT pg_backend_pid()');
  }
  my ($rss, $pss, $private) = (0, 0, 0);
  for my $pid (@pids)
  {
    my $in = 0;
    for my $line (split /\n/, slurp_file("/proc/$pid/smaps"))
    {
      $in = $line =~ /pgsql_tmp_reco/ if $line =~ /^[0-9a-f]+-[0-9a-f]+ /;
      next unless $in;
      $rss += $1 if $line =~ /^Rss:\s+(\d+)/;
      $pss += $1 if $line =~ /^Pss:\s+(\d+)/;
      $private += $1 if $line =~ /^Private_\w+:\s+(\d+)/;
    }
  }
  note("8 sessions: $rss kB mapped, $pss kB of memory, $private kB private");
  ok($rss > 0 && $private == 0, 'no session has a page of its own');
  $_->quit for @sessions;
}

done_testing();
