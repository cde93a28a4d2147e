# reco.forget_user(): nothing of a user is left in a dump of the model, in the server's temporary
# files, in what idle sessions have mapped, on a standby, nor, once the tables are rewritten, in any
# file of the tables; others are served as before, and so is what a dump restores.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('forget', 'autovacuum = off');
make_lines($node, 'lines', 60, 40, 1200);
my $who = 'person-of-secret-42';

sub sql
{
  my ($query, $of) = @_;
  return ($of // $node)->safe_psql('postgres', $query);
}

sub files_with
{
  my ($text, @files) = @_;
  return grep { -f $_ && index(slurp_file($_), $text) >= 0 } @files;
}

# Temporary files, and all files of the model's tables with their indexes and long values.
sub temporary { my ($of) = @_; return glob(($of // $node)->data_dir . '/base/pgsql_tmp/*'); }

sub tables
{
  return map { $node->data_dir . "/$_" } split /\n/, sql(q{
    SELECT pg_relation_filepath(c.oid) FROM pg_class c WHERE relkind IN ('r', 'i', 't') AND pg_relation_filepath(c.oid) IS NOT NULL
      AND (c.relnamespace = 'home'::regnamespace OR c.oid IN (
        SELECT unnest(ARRAY[reltoastrelid, (SELECT indexrelid FROM pg_index WHERE indrelid = reltoastrelid)])
          FROM pg_class WHERE relnamespace = 'home'::regnamespace))});
}

sub dump_of
{
  my $file = $node->basedir . '/home.sql';
  $node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-n', 'home', '-f', $file ], 'pg_dump of the schema');
  return $file;
}

sub served
{
  my ($of, $database) = @_;
  return ($of // $node)->safe_psql($database // 'postgres', qq{
    SELECT 'recommend', u, r::text FROM people, home.recommend(u) AS r WHERE u <> '$who'
    UNION ALL SELECT 'audience', user_id, score::text FROM generate_series(0, 40, 10) AS i, home.audience(i, 100, exclude_buyers => false) AS a WHERE user_id <> '$who'
    UNION ALL SELECT 'factors', user_id, f::text FROM home.user_factors AS f WHERE user_id <> '$who' ORDER BY 1, 2, 3});
}

sql(q{ALTER TABLE lines ALTER customer_id TYPE text USING 'person-of-secret-' || customer_id; CREATE INDEX ON lines (customer_id);
  CREATE TABLE people AS SELECT DISTINCT customer_id AS u FROM lines});
sql(q{CALL reco.create_model('home', 'SELECT customer_id, product_id, qty FROM lines', reco.ials(factors => 8), options => reco.options(live => 'off'))});
sql(qq{INSERT INTO lines VALUES ('$who', 1, 1), ('$who', 2, 2), ('person-of-secret-new', 1, 1)});
sql(q{CALL reco.fold_in('home'); CALL reco.refresh('home'); CALL reco.materialize('home', 5); ANALYZE});
sql(q{CALL reco.activate('home', 1)});
my $before = served();

my $backup = 'backup';
$node->backup($backup);
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, $backup, has_streaming => 1);
$standby->start;
is(served($standby), $before, 'a standby serves as well');

# A session that has mapped the users.
my $session = $node->background_psql('postgres');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_safe('SELECT count(*) FROM home.audience(1, 100)');
sub maps { return scalar(() = slurp_file("/proc/$pid/maps") =~ /pgsql_tmp_reco[^\n]*users/g); }
SKIP:
{
  skip 'no /proc', 1 if !-r "/proc/$pid/maps";
  is(maps(), 1, 'a session has mapped the users');
}

# It is there in all these places.
is(scalar(files_with($who, temporary())), 1, 'the user is in a temporary file');
is(scalar(files_with($who, temporary($standby))), 1, 'and in one of the standby');
is(scalar(files_with($who, dump_of())), 1, 'and in the dump');
ok(files_with($who, tables()) > 2, 'and in files of tables and indexes');
is(sql(qq{SELECT string_agg(kept_in || ' ' || coalesce(version, 0), ', ') FROM reco.export_user('home', '$who')}),
  'model_user 1, model_user 2, model_user_layer 1, model_list 0', 'reco.export_user shows it');

# Forgotten, with the rows of the source in the same transaction.
my ($rc, $out, $err) = $node->psql('postgres', qq{BEGIN; DELETE FROM lines WHERE customer_id = '$who'; CALL reco.forget_user('home', '$who'); COMMIT});
like($err, qr/model "home" has forgotten a user/, 'it is told');
unlike($err, qr/$who|WARNING/, 'without the id, and nothing is left to warn of');

is(scalar(files_with($who, temporary())), 0, 'no temporary file has the user');
is(scalar(files_with($who, dump_of())), 0, 'nor has a dump');
is(sql(qq{SELECT count(*) FROM reco.export_user('home', '$who')}), 0, 'nor reco.export_user');
is(served(), $before, 'others are served as before');
is(sql(qq{SELECT count(*) FROM home.recommend('$who') WHERE source = 'model'}), 0, 'the user is served as a stranger');
is(sql(q{SELECT string_agg(version || ' ' || forgotten_users || ' ' || (forgotten_at > finished_at), ', ' ORDER BY version) FROM home.versions}),
  '1 1 true, 2 1 true', 'what is recorded is a number and a time');
SKIP:
{
  skip 'no /proc', 1 if !-r "/proc/$pid/maps";
  $session->query_safe('SELECT 1');
  is(maps(), 0, 'the session has dropped its map with its next transaction');
}
$session->quit;

# Statistics of the tables have copies; so have the deleted rows until the tables are rewritten.
is(sql(qq{SELECT count(*) FROM pg_stats WHERE schemaname = 'home' AND concat(most_common_vals, histogram_bounds) ~ '$who'}), 0, 'statistics are made anew');
for my $table (qw(model_user model_user_layer model_list model_version))
{
  sql("VACUUM FULL home.$table");
}
sql('CHECKPOINT');
is(scalar(files_with($who, tables())), 0, 'no file of a table or an index has the user');
is(served(), $before, 'which serve as before');

# Of the second version, and of the standby, whose first call removes its file.
sql(q{CALL reco.activate('home', 2)});
is(sql(qq{SELECT count(*) FROM home.audience(1, 100, exclude_buyers => false) WHERE user_id = '$who'}), 0, 'the other version has forgotten as well');
sql(q{CALL reco.activate('home', 1)});
$node->wait_for_catchup($standby);
is(sql(q{SELECT count(*) > 0 FROM home.popular(1)}, $standby), 't', 'the standby serves');
is(scalar(files_with($who, temporary($standby))), 0, 'and has no file with the user any more');
is(served($standby), $before, 'others are served there, too');
$standby->stop;

# A dump, a restart, users who come later.
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump of the database');
sql('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], 'it is restored');
is(served($node, 'restored'), $before, 'and serves');
sql('DROP DATABASE restored');
$node->restart;
is(served(), $before, 'as after a restart');
sql(q{INSERT INTO lines VALUES ('person-of-secret-later', 1, 1); CALL reco.fold_in('home')});
is(sql(q{SELECT count(*) FROM home.audience(2, 100, exclude_buyers => false) WHERE user_id = 'person-of-secret-later'}), 1, 'new users are folded in');

# A session that ends while it writes a file leaves it to the next one to clean up.
my $abandoned = $node->data_dir . '/base/pgsql_tmp/pgsql_tmp_reco_new.4194303';
append_to_file($abandoned, $who);
sql(q{CALL reco.forget_user('home', 'person-of-secret-later')});
ok(!-e $abandoned, 'an unfinished file of a process that is gone goes as well');

# An error, and a table that was altered.
($rc, $out, $err) = $node->psql('postgres', q{ALTER TABLE home.model_user RENAME user_id TO person; CALL reco.forget_user('home', 'person-of-secret-1')});
like($err, qr/model "home" is damaged/, 'an altered table is an error');

# With pseudonyms the source's ids are nowhere: not in a dump, nor in any file.
sub people { my ($database) = @_; return $node->safe_psql($database, q{
  SELECT u, r.* FROM generate_series(1, 50, 7) AS u, home.recommend('person-of-secret-' || u) AS r ORDER BY u, rank}); }
my $key = $node->data_dir . '/reco_pseudonym.key';
append_to_file($key, 'no secret of a test');
chmod 0600, $key;
sql(q{CALL reco.drop_model('home')});
$node->restart;
sql(q{CALL reco.create_model('home', 'SELECT customer_id, product_id, qty FROM lines', reco.ials(factors => 8), options => reco.options(pseudonyms => true))});
sql(q{INSERT INTO lines VALUES ('person-of-secret-next', 1, 1); CALL reco.fold_in('home'); CALL reco.materialize('home', 5); CALL reco.segment('home', 3); ANALYZE});
sql(q{SELECT count(*) FROM home.audience(1, 100); CHECKPOINT});
my $people = people('postgres');
like($people, qr/^\d+\|1\|\d+\|[0-9.]+\|model$/m, 'a model with pseudonyms serves by the ids of its source');
is(sql(q{SELECT count(*) FROM reco.export_user('home', 'person-of-secret-next')}), 3, 'and has who was folded in');
my @files = temporary();
ok(@files > 1, 'it has files');
is(scalar(files_with('person-of-secret', temporary())), 0, 'with none of the ids');
$dump = dump_of();
is(scalar(files_with('person-of-secret', $dump)), 0, 'nor does a dump have one');
is(scalar(files_with('person-of-secret', tables())), 0, 'nor a file of a table or an index');
sql('CREATE DATABASE veiled');
$node->safe_psql('veiled', 'CREATE EXTENSION reco');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('veiled'), '-f', $dump ], 'which is restored');
is(people('veiled'), $people, 'and serves the same by the same key');

done_testing();
