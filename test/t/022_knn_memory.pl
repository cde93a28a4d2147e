# Neighbors among many users take memory in proportion to users times neighbors,
# not to the square of the users: 60,000 of them train within a modest limit, and
# a limit that is too low is refused up front, with the estimate. A long search
# ends at once when it is told to.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $patience = 5;    # what is asserted; on an idle machine the end comes within a second
my $node = new_node('knn', 'autovacuum = off', 'max_parallel_maintenance_workers = 1');

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

# Creates a model, with settings before it; returns exit code, output and errors.
sub train
{
  my ($model, $source, $algorithm, @settings) = @_;
  return $node->psql('postgres',
    join('', map { "SET $_;\n" } @settings)
      . "CALL reco.create_model('$model', source => '$source', algorithm => $algorithm);\n"
      . "SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\\s*([0-9]+)');",
    on_error_stop => 1);
}

# C37: each user has 5 of 20,000 items; a full matrix of doubles would be 26.8 GiB.
sql(
  q{CREATE TABLE wide AS
    SELECT u AS user_id, ((u * 37 + j * 1009) % 20000)::int AS item_id
      FROM generate_series(0, 59999) AS u, generate_series(0, 4) AS j});
my $wide = 'SELECT user_id, item_id FROM wide';
my $has_proc = -r '/proc/self/status';

for my $case (
  [ 'user_knn', 'reco.user_knn(neighbors => 20)', 'user', 60000 ],
  [ 'item_knn', q{reco.item_knn(similarity => 'jaccard', neighbors => 20)}, 'item', 20000 ],
  [ 'centered', q{reco.user_knn(similarity => 'pearson', neighbors => 20)}, 'user', 60000 ],
  [ 'rp3beta',  'reco.rp3beta(neighbors => 20)', 'item', 20000 ])
{
  my ($name, $algorithm, $side, $rows) = @$case;
  my $source = $name eq 'centered' ? 'SELECT user_id, item_id, 1 + (user_id + item_id) % 5 FROM wide' : $wide;

  my $begin = time;
  my ($rc, $out, $err) = train('home', $source, $algorithm, q{reco.max_memory = '1GB'});
  is($rc, 0, "$name: trains") or diag($err);
  note(sprintf '%s: %.1f s, at most %s kB resident', $name, time - $begin, $out);
  cmp_ok($out, '<', 1024 * 1024, "$name: the whole process stays below 1 GB") if $has_proc;
  my $count = sql("SELECT count(*) FROM home.${side}_neighbors");
  cmp_ok($count, '<=', $rows * 20, "$name: at most 20 neighbors each");
  cmp_ok($count, '>=', $rows, "$name: and some");
  is( sql("SELECT count(*) FROM (SELECT count(*) AS n FROM home.${side}_neighbors GROUP BY ${side}_id) AS s WHERE n > 20"),
    '0', "$name: nobody has more");
  my $served = sql(q{SELECT count(*) FROM generate_series(0, 59999, 6000) AS u, home.recommend(u, fallback => 'none')});
  cmp_ok($served, '>=', 10, "$name: it serves") if $name ne 'centered';
  sql(q{CALL reco.drop_model('home')});

  # Refused before it begins, and what the refusal says is enough is enough.
  ($rc, $out, $err) = train('home', $source, $algorithm, q{reco.max_memory = '20MB'});
  isnt($rc, 0, "$name: 20 MB are refused");
  like($err, qr/training needs an estimated (\d+) kB of memory, more than "reco\.max_memory" allows/,
    "$name: with the estimate");
  like($err, qr/HINT:  Raise "reco\.max_memory"/, "$name: and a hint");
  is(leftovers($node, 'home'), '', "$name: nothing half-made stays");
  my ($estimate) = $err =~ /estimated (\d+) kB/;
  ($rc, $out, $err) = train('home', $source, $algorithm, "reco.max_memory = '${estimate}kB'");
  is($rc, 0, "$name: the estimate of $estimate kB suffices") or diag($err);
  sql(q{CALL reco.drop_model('home')});
}

# A visitor is compared with those who share an item, which takes little.
sql(qq{CALL reco.create_model('home', source => '$wide', algorithm => reco.user_knn(neighbors => 20))});
is(sql('SELECT count(*) FROM home.recommend_for(ARRAY[0, 1009, 2018])'), '10', 'a basket has neighbors');
{
  my $many = '(SELECT array_agg(i) FROM generate_series(0, 59999) AS i)';
  my ($rc, $out, $err) =
    $node->psql('postgres', qq{SET reco.max_memory = '2MB'; SELECT count(*) FROM home.recommend_for(ARRAY[0, 1009])});
  is("$rc $out", '0 10', 'a basket takes a few hundred kilobytes') or diag($err);
  ($rc, $out, $err) = $node->psql('postgres', qq{SET reco.max_memory = '256kB'; SELECT count(*) FROM home.recommend_for($many)});
  isnt($rc, 0, 'a basket does not go over the limit');
  like($err, qr/"reco\.max_memory"/, 'and says which');
  is(sql('SELECT count(*) FROM home.recommend_for(ARRAY[0, 1009])'), '10', 'the next call works');
}
sql(q{CALL reco.drop_model('home')});

# A search that takes minutes: everybody shares half of the columns with anybody.
sql(
  q{CREATE TABLE dense AS
    SELECT a, b, 1 + (a + b) % 5 AS value FROM generate_series(1, 16000) AS a, generate_series(1, 600) AS b
     WHERE hashint4(a * 1000 + b) % 3 = 0;
    CREATE TABLE small AS SELECT a, b, value FROM dense WHERE a <= 200 AND b <= 50});
for my $case (
  [ 'item_knn', 'SELECT b, a, value FROM dense', 'reco.item_knn()' ],
  [ 'user_knn', 'SELECT a, b, value FROM dense', q{reco.user_knn(similarity => 'pearson')} ],
  [ 'llr',      'SELECT a, b FROM dense',        q{reco.user_knn(similarity => 'llr')} ],
  [ 'rp3beta',  'SELECT b, a, value FROM dense', 'reco.rp3beta()' ])
{
  my ($name, $source, $algorithm) = @$case;
  my $session = start_sql($node,
    "CALL reco.create_model('home', source => '$source', algorithm => $algorithm)", 'reco.threads' => 2);
  my $pid = wait_for_training($node, 'home');
  ok(running_sql($session), "$name: still trains");
  my $asked = time;
  sql("SELECT pg_cancel_backend($pid)");
  my ($rc, $out, $err) = finish_sql($session);
  my $seconds = seconds_of($session, $asked);
  diag(sprintf '%s: ended %.2f s after the cancel', $name, $seconds);
  cmp_ok($seconds, '<', $patience, "$name: a cancel ends it soon");
  isnt($rc, 0, "$name: it fails");
  like($err, qr/\b57014\b/, "$name: with SQLSTATE 57014");
  is(leftovers($node, 'home'), '', "$name: nothing half-made stays");
  ($rc, $out, $err) = train('home', 'SELECT a, b, value FROM small', $algorithm);
  is($rc, 0, "$name: a second call works") or diag($err);
  sql(q{CALL reco.drop_model('home')});
}

# C37 (b): the factors of 600,000 items at rank 256 pass 1 GB.
sql(
  q{CREATE TABLE many AS
    SELECT (i * 7 + k * 13) % 20000 AS user_id, i AS item_id
      FROM generate_series(1, 600000) AS i, generate_series(1, 2) AS k});
my ($rc, $out, $err) = train('home', 'many', 'reco.ials(factors => 256, iterations => 1)', q{reco.max_memory = '1GB'});
isnt($rc, 0, 'many items: 1 GB is refused');
like(
  $err,
  qr/training needs an estimated \d+ kB of memory, more than "reco\.max_memory" allows.*HINT:  Raise "reco\.max_memory"/s,
  'many items: with the estimate and the setting');
is(leftovers($node, 'home'), '', 'many items: and nothing stays');

$node->stop;
done_testing();
