# reco.track() beyond one transaction: a crash, sessions that are killed, dumps, another cluster
# whose transactions have other numbers, owners, wider ids.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('track', 'restart_after_crash = on');
make_lines($node, 'lines', 60, 40, 1200);

sub sql
{
  my ($query, $of, $database) = @_;
  return ($of // $node)->safe_psql($database // 'postgres', $query);
}

# SQL that gives a user an item more.
sub more
{
  my ($user) = @_;
  return "INSERT INTO lines SELECT $user, min(i), 1 FROM generate_series(0, 39) AS i WHERE NOT EXISTS (SELECT FROM lines WHERE customer_id = $user AND product_id = i)";
}

sub noted
{
  return sql(q{SELECT string_agg(DISTINCT coalesce(user_id::text, 'all'), ' ' ORDER BY coalesce(user_id::text, 'all')) FROM home.model_change}, @_);
}

sub folded
{
  my ($of, $database) = @_;
  my ($rc, $out, $err) = ($of // $node)->psql($database // 'postgres', q{CALL reco.fold_in('home')});
  return $err =~ /version \d+: (.*)/ ? $1 : $err;
}

sql(q{CALL reco.create_model('home', 'lines', reco.ials(factors => 8), options => reco.options(live => 'off')); CALL reco.track('home')});
is(folded(), 'nobody has changed', 'all are looked at');

# A crash, and a transaction that it ended.
sql('INSERT INTO lines VALUES (61, 1, 1), (61, 5, 2)');
my $open = $node->background_psql('postgres', on_error_stop => 0);
$open->query_safe('BEGIN');
$open->query_safe('INSERT INTO lines VALUES (62, 1, 1), (62, 5, 2)');
$node->stop('immediate');
eval { $open->quit };
$node->start;
is(noted(), '61', 'after a crash what was committed is noted');
is(folded(), '1 user folded in, 1 of them new, and 0 left without interactions', 'and folded in');
is(sql('SELECT count(*) > 0 FROM home.recommend(61)'), 't', 'it is served');

# A fold-in that is killed when it writes.
sql('DELETE FROM lines WHERE customer_id = 9; ' . more(7));
my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN');
$holder->query_safe('SELECT FROM home.model FOR UPDATE');
my $session = start_sql($node, q{CALL reco.fold_in('home')});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^CALL reco.fold_in' AND wait_event_type = 'Lock'})
  or die 'it does not come to the lock';
my $pid = sql('SELECT pid FROM reco.progress');
sql(more(11));
ok(kill_session($node, $pid), 'it is killed');
finish_sql($session);
eval { $holder->quit };
is(noted(), '11 7 9', 'nobody is forgotten');
is(folded(), '2 users folded in, 0 of them new, and 1 left without interactions', 'the next one has them all');

# A prepared transaction is one that is not over.
sql(q{ALTER SYSTEM SET max_prepared_transactions = 2});
$node->restart;
sql('BEGIN; ' . more(12) . q{; PREPARE TRANSACTION 'later'});
sql(more(13));
is(folded(), '1 user folded in, 0 of them new, and 0 left without interactions', 'what is prepared is not there yet');
sql(q{COMMIT PREPARED 'later'});
is(noted(), '12', 'and is noted when it is committed');

# A dump, into a cluster where no transaction has so high a number.
sql('SELECT pg_current_xact_id()') for 1 .. 3;
$node->stop;
command_ok([ 'pg_resetwal', '-x', 100000000, $node->data_dir ], 'many transactions later');
{
  # the file of the status of that transaction
  my $clog = sprintf('%s/pg_xact/%04X', $node->data_dir, 100000000 / (8192 * 4 * 32));
  open my $file, '>', $clog or die "$clog: $!";
  binmode $file;
  print {$file} "\0" x 262144;
  close $file;
}
$node->start;
sql(more(14));
is(noted(), '12 14', 'two are noted');
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->start;
$other->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $other->connstr('postgres'), '-f', $dump ], 'it is restored');
is(noted($other), '12 14', 'with its notes');
cmp_ok(sql('SELECT min(xid::text::bigint) - pg_current_xact_id()::text::bigint FROM home.model_change WHERE user_id = 14', $other), '>', 0, 'of transactions that are not reached');
sql(more(15), $other);
is(folded($other), '3 users folded in, 0 of them new, and 0 left without interactions', 'and its triggers');
is(noted($other), '', 'nothing stays');
is(folded($other), 'nobody has changed', 'for good');
# of the model alone: without the triggers, which are the table's, everybody is looked at
$node->command_ok([ 'pg_dump', '-n', 'home', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump of the model');
sql('CREATE DATABASE alone', $other);
sql('CREATE EXTENSION reco; CREATE TABLE lines (customer_id int, product_id int, qty int); INSERT INTO lines VALUES (1, 1, 1)', $other, 'alone');
$other->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $other->connstr('alone'), '-f', $dump ], 'it is restored');
like(folded($other, 'alone'), qr/^1 user folded in, 0 of them new, and \d\d left without/, 'it looks at all');
sql(q{CALL reco.track('home')}, $other, 'alone');
sql('INSERT INTO lines VALUES (2, 1, 1)', $other, 'alone');
like(folded($other, 'alone'), qr/^1 user folded in/, 'and is tracked again');
$other->stop;

# Another owner, and wider ids.
sql(q{CREATE ROLE keeper LOGIN; GRANT CREATE ON DATABASE postgres TO keeper; GRANT SELECT ON lines TO keeper; CALL reco.change_owner('home', 'keeper')});
sql(more(16));
is(noted(), '12 14 16', 'a superuser\'s table notes for another owner');
sql('CREATE ROLE shop; ALTER TABLE lines OWNER TO shop');
my ($rc, $out, $err) = $node->psql('postgres', more(17));
like($err, qr/WARNING:  changes of table "lines" are not noted for model "home"/, 'one who may not is told');
($rc, $out, $err) = $node->psql('postgres', q{CALL reco.untrack('home'); CALL reco.track('home')}, extra_params => [ '-U', 'keeper' ]);
like($err, qr/permission denied for table lines/, 'who may not make triggers there cannot');
sql('GRANT TRIGGER ON lines TO keeper');
is(($node->psql('postgres', q{CALL reco.track('home')}, extra_params => [ '-U', 'keeper' ]))[0], 0, 'who may can');
sql(more(18));
is(noted(), '18 all', 'and it is noted');
sql('ALTER TABLE lines ALTER customer_id TYPE bigint');
sql('INSERT INTO lines VALUES (10000000000, 1, 1), (10000000000, 5, 2)');
is(noted(), '18 all', 'an id that no user of the model can have is of nobody');
sql(q{CALL reco.upgrade_model('home')});
sql('INSERT INTO lines VALUES (10000000000, 2, 1)');
is(noted(), '10000000000 18 all', 'once the model has wider ids it is');
is(($node->psql('postgres', q{CALL reco.drop_model('home')}, extra_params => [ '-U', 'keeper' ]))[0], 0, 'the model is dropped');
is(sql(q{SELECT count(*) FROM pg_trigger WHERE tgrelid = 'lines'::regclass}), 0, 'and its triggers with it');
is(leftovers($node, 'home'), '', 'nothing is left of the model');

$node->stop;
done_testing();
