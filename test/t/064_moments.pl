# What a model meets that is not its own doing: prepared transactions around each procedure, also
# over a restart; event triggers that fail or alter what is made; two trainings by SQL at once; a
# dump that is restored before the extension is there.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('moments', 'max_prepared_transactions = 5');
make_lines($node, 'lines', 80, 40, 1200);

sub sql { return $node->safe_psql('postgres', @_) }

# Message and SQLSTATE of a call that fails, or nothing.
sub failure
{
  my ($rc, $out, $err) = $node->psql('postgres', $_[0], extra_params => [ '-v', 'VERBOSITY=verbose' ]);
  return $err =~ /ERROR:  (\w+: .*)/ ? $1 : $rc ? "psql: $err" : '';
}

my $ials = 'reco.ials(factors => 2, iterations => 1)';
my $options = 'options => reco.options(measure => false)';
sql("CALL reco.create_model('home', 'SELECT customer_id, product_id FROM lines', $ials, $options)");
sql(q{CREATE INDEX ON lines (customer_id); CALL reco.track('home')});
my $lists = recommendations($node, 'home');

# 1. Prepared, and looked at by others; then rolled back, or kept over a restart and committed.
my @calls = (
  [ refresh => q{CALL reco.refresh('home')} ], [ fold_in => q{INSERT INTO lines VALUES (1, 7); CALL reco.fold_in('home')} ],
  [ noted => 'INSERT INTO lines VALUES (2, 7), (3, 7)' ], [ track => q{CALL reco.untrack('home'); CALL reco.track('home')} ],
  [ segment => q{CALL reco.segment('home', 3)} ], [ materialize => q{CALL reco.materialize('home')} ],
  [ create_model => "CALL reco.create_model('other', 'lines', $ials, $options)" ],
  [ drop_model => q{CALL reco.drop_model('other')} ], [ serves => q{SELECT * FROM home.recommend(4); SELECT * FROM home.popular()} ]);
for (@calls)
{
  my ($name, $call) = @$_;
  my @wrong;
  push @wrong, failure("BEGIN; $call; PREPARE TRANSACTION 'one'");
  # who makes triggers, or drops them, has the table of the source, which is read live
  my $read = $name eq 'track' ? 'SELECT * FROM home.popular()' : 'SELECT * FROM home.recommend(1)';
  push @wrong, failure($read), failure('SELECT * FROM reco.health, reco.models, reco.progress');
  # what holds the lock of a training until it is over is not waited for by who asks for that
  push @wrong, failure(q{SET statement_timeout = '60s'; CALL reco.refresh('home', if_running => 'skip')}) if $name =~ /refresh|fold_in/;
  push @wrong, failure(q{ROLLBACK PREPARED 'one'});
  push @wrong, failure("BEGIN; $call; PREPARE TRANSACTION 'two'");
  $node->stop('immediate');
  $node->start;
  push @wrong, failure($read);
  push @wrong, failure(q{COMMIT PREPARED 'two'});
  push @wrong, failure('SELECT * FROM home.recommend(1)');
  is(join("\n", grep { $_ } @wrong), '', "$name, prepared");
  is(sql(q{SELECT string_agg(user_id::text, ' ' ORDER BY user_id) FROM home.model_change WHERE user_id IN (2, 3)}), '2 3', 'what was noted is')
    if $name eq 'noted';
}
# files that have the user go when it commits, of which whoever commits it later knows nothing
like(failure(q{BEGIN; CALL reco.forget_user('home', 5); PREPARE TRANSACTION 'three'}), qr/^0A000: cannot PREPARE/, 'forget_user is not prepared');
is(failure('SELECT * FROM home.recommend(5)'), '', 'and nothing has come of it');
is(sql(q{SELECT count(*) FROM pg_prepared_xacts}), '0', 'none is left');
is(sql(q{SELECT status || training::text FROM reco.health WHERE model = 'home'}), 'readyfalse', 'nobody trains');
is(failure(q{CALL reco.refresh('home')}), '', 'and one can');

# 2. Event triggers.
sql(q{
  CREATE ROLE stranger;
  CREATE FUNCTION meddle() RETURNS event_trigger LANGUAGE plpgsql AS $$
  DECLARE
    made record;
    how text := current_setting('meddle.how', true);
  BEGIN
    IF how = tg_event || ' ' || tg_tag THEN RAISE EXCEPTION 'no %', tg_tag; END IF;
    IF tg_event <> 'ddl_command_end' OR coalesce(how, '') = '' OR current_setting('meddle.now', true) = 'on' THEN RETURN; END IF;
    PERFORM set_config('meddle.now', 'on', true);
    FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
      BEGIN
        IF made.object_type = split_part(how, ':', 1) THEN EXECUTE format(split_part(how, ':', 2), made.object_identity); END IF;
      EXCEPTION WHEN OTHERS THEN NULL;
      END;
    END LOOP;
    PERFORM set_config('meddle.now', 'off', true);
  END $$;
  CREATE EVENT TRIGGER one ON ddl_command_start EXECUTE FUNCTION meddle();
  CREATE EVENT TRIGGER two ON ddl_command_end EXECUTE FUNCTION meddle();
  CREATE EVENT TRIGGER three ON sql_drop EXECUTE FUNCTION meddle();});
my @steps = ("CALL reco.create_model('m', 'lines', $ials, $options)", q{CALL reco.refresh('m')}, q{CALL reco.track('m')},
  'INSERT INTO lines VALUES (1, 1, 1)', q{CALL reco.fold_in('m')}, q{CALL reco.segment('m', 2)}, q{CALL reco.upgrade_model('m')},
  q{CALL reco.grant_use('m', 'stranger')}, q{CALL reco.untrack('m')}, q{CALL reco.drop_model('m')});
for my $how ('', 'ddl_command_start CREATE TRIGGER', 'ddl_command_end CREATE TABLE', 'ddl_command_end CREATE VIEW', 'ddl_command_end GRANT',
  'sql_drop DROP TRIGGER', 'sql_drop DROP SCHEMA', 'table:ALTER TABLE %s ADD more int', 'table:DROP TABLE %s CASCADE', 'table:ALTER TABLE %s OWNER TO stranger',
  'table:ALTER TABLE %s ENABLE ROW LEVEL SECURITY', 'table:CREATE INDEX ON %s ((1))', 'table:CREATE TABLE kid () INHERITS (%s)', 'view:DROP VIEW %s CASCADE',
  'schema:DROP SCHEMA %s CASCADE', 'schema:ALTER SCHEMA %s RENAME TO elsewhere', 'schema:ALTER SCHEMA %s OWNER TO stranger')
{
  my @wrong;
  for my $step (@steps)
  {
    my $failed = failure("SET meddle.how = '$how'; $step");
    push @wrong, "$step: $failed" if $failed =~ /^(XX|psql)/ || ($how eq '' && $failed) || ($step =~ /INSERT/ && $failed);
  }
  is(join("\n", @wrong), '', $how ? "meddled: $how" : 'not meddled');
  sql('DROP SCHEMA IF EXISTS m, elsewhere CASCADE; DROP TABLE IF EXISTS kid CASCADE');
  sql(q{SELECT count(*) FROM home.recommend(1)});
}
sql('DROP EVENT TRIGGER one; DROP EVENT TRIGGER two; DROP EVENT TRIGGER three');
is(leftovers($node, 'm'), '', 'nothing is left');

# 3. Two trainings by SQL at once: of two models, and of one.
my $by_sql = q{reco.ials(factors => 4, iterations => 4, regularization => 1, alpha => 1, engine => 'sql')};
my $raw = q{options => reco.options(value => 'raw', measure => false)};
sql("CALL reco.create_model('$_', 'lines', $by_sql, $raw)") for 'sql_1', 'sql_2';
my $right = recommendations($node, 'sql_1');
is(recommendations($node, 'sql_2'), $right, 'both have the same lists');
my @sessions = map { start_sql($node, [ ("CALL reco.refresh('$_')") x 3 ]) } 'sql_1', 'sql_2', 'sql_1', 'sql_2';
is(join('', map { (finish_sql($_))[0] } @sessions), '0000', 'twelve trainings, two at a time of one model');
is(recommendations($node, $_), $right, "$_ has the lists that it had") for 'sql_1', 'sql_2';
is(sql(q{SELECT string_agg(version || status, ' ' ORDER BY version) FROM sql_1.versions WHERE status <> 'expired'}), '6ready 7ready', 'each made a version');
is(sql(q{SELECT count(*) FROM pg_class WHERE relname LIKE 'model_work%'}), '0', 'no table of work is left');

# Of two models on the same tables of work one waits for the other.
sql(q{CREATE SCHEMA work; CREATE TABLE work.rows AS SELECT customer_id % 2 AS shard, customer_id AS user_id, product_id AS item_id, coalesce(sum(qty), 1)::float8 AS value FROM lines GROUP BY 1, 2, 3;
  CREATE TABLE work.user_factors (shard int, user_id int, factors real[], bias real); CREATE TABLE work.item_factors (shard int, item_id int, number int, factors real[], bias real)});
my $on_work = $by_sql =~ s/engine/work => 'work', engine/r;
sql("CALL reco.create_model('work_$_', 'SELECT user_id, item_id, value FROM work.rows', $on_work, $raw)") for 1, 2;
$right = recommendations($node, 'work_1');
@sessions = map { start_sql($node, [ ("CALL reco.refresh('$_')") x 3 ]) } 'work_1', 'work_2';
is(join(' ', map { my ($rc, $out, $err) = finish_sql($_); $rc . ($err =~ /ERROR: *(.*)/ ? $1 : '') } @sessions), '0 0', 'six trainings on the same tables');
is(recommendations($node, $_), $right, "$_ has its lists") for 'work_1', 'work_2';
sql('DROP SCHEMA work_1, work_2, work CASCADE');

# 4. A dump, into a database that has no extension yet: psql takes the rows of a COPY that fails for statements.
sql(q{DELETE FROM home.model_change});
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '--inserts', '-d', $node->connstr('postgres'), '-f', $dump ], 'pg_dump');
my $text = slurp_file($dump);
$text =~ s/^(CREATE|COMMENT ON) (EXTENSION|SCHEMA) .*\breco\b.*;$//mg;
append_to_file("$dump.bare", $text);
sql('CREATE DATABASE bare');
sql('CREATE DATABASE later');
my $bare = sub { return $node->safe_psql('bare', $_[0]) };
run_log([ 'psql', '-X', '-q', '-d', $node->connstr('bare'), '-f', "$dump.bare" ]);
is($bare->('SELECT count(*) FROM lines'), sql('SELECT count(*) FROM lines'), 'the source is there');
is($bare->('INSERT INTO lines VALUES (1, 1, 1) RETURNING 1'), '1', 'and taken into');
is($bare->(q{SELECT to_regclass('home.model') IS NULL}), 't', 'the model is not');
$node->safe_psql('later', 'CREATE EXTENSION reco');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('later'), '-f', "$dump.bare" ], 'with the extension all of it');
is($node->safe_psql('later', 'SELECT u, r.* FROM generate_series(0, 50, 5) AS u, home.recommend(u) AS r ORDER BY u, rank'), recommendations($node, 'home'), 'serves as it did');
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP:|PANIC/, 'no session crashes');
$node->stop;
done_testing();
