# Refreshes by pg_cron, in a server that has it: the job runs, skips beside another
# training, goes with its model however that goes, and follows it when it is renamed; a
# model has one job, of a role that may log in; reco.health tells of it. Case C46.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $plain = new_node('plain');
make_lines($plain, 'small', 200, 100, 4000);
$plain->safe_psql('postgres', "CALL reco.create_model('home', source => 'small', algorithm => reco.popular())");
my ($rc, $out, $err) = $plain->psql('postgres', "CALL reco.schedule('home', '15 3 * * *')");
isnt($rc, 0, 'without pg_cron there is no schedule');
like($err, qr/extension "pg_cron" is not installed in this database.*\n?HINT:.*shared_preload_libraries/s, 'the error says what to do');
is($plain->psql('postgres', "CALL reco.run_scheduled('home')"), 0, 'the job itself needs none');
is($plain->psql('postgres', "CALL reco.run_scheduled('gone')"), 0, 'without a model either');
is($plain->psql('postgres', "CALL reco.drop_model('home')"), 0, 'nor does dropping');
my $has_cron = $plain->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'");
$plain->stop;
if (!$has_cron)
{
  note('the server has no pg_cron: the rest is skipped');
  done_testing();
  exit;
}

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init;
$node->append_conf('postgresql.conf', join "\n", 'fsync = off',
  q{shared_preload_libraries = 'pg_cron'}, q{cron.database_name = 'postgres'},
  q{cron.use_background_workers = on}, 'max_worker_processes = 20');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION reco; CREATE EXTENSION pg_cron');
make_lines($node, 'small', 200, 100, 4000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

# Commands without what the model is known by.
my $jobs = q{SELECT string_agg(jobname || '|' || schedule || '|' || regexp_replace(command, ', identity => \d{12,}', '') || '|' || username, ', ' ORDER BY jobname) FROM cron.job};

sql("CALL reco.create_model('home', source => 'small', algorithm => reco.ials(factors => 8))");
sql(qq{CALL reco.create_model('it''s "it"', source => 'small', algorithm => reco.popular())});
my $user = sql('SELECT current_user');
(undef, undef, $err) = $node->psql('postgres', "CALL reco.schedule('home', '15 3 * * *')");
like($err, qr/NOTICE:  model "home" is refreshed at "15 3 \* \* \*" by job \d+/, 'the schedule is told');
is(sql($jobs), "reco.refresh home|15 3 * * *|CALL reco.run_scheduled('home')|$user", 'and is a job');
sql("CALL reco.schedule('home', '30 4 * * 0')");
is(sql($jobs), "reco.refresh home|30 4 * * 0|CALL reco.run_scheduled('home')|$user", 'another schedule replaces it');
sql(q{CALL reco.schedule('home', '30 4 * * 0', guard => 'ndcg@10 >= 0.9 * current')});
is(sql($jobs), "reco.refresh home|30 4 * * 0|CALL reco.run_scheduled('home', guard => 'ndcg\@10 >= 0.9 * current')|$user", 'a guard goes with it');
sql("CALL reco.schedule('home', '30 4 * * 0')");
sql(qq{CALL reco.schedule('it''s "it"', '* * * * *')});
like(sql(q{SELECT command FROM cron.job WHERE jobname ~ 'it'}), qr/^CALL reco.run_scheduled\('it''s "it"', identity => \d+\)$/, 'names are quoted');

for ([ q{'home', 'now and then'}, qr/invalid schedule/ ], [ q{'small', '* * * * *'}, qr/model "small" does not exist/ ],
  [ q{'home', NULL}, qr/schedule must not be null/ ], [ q{'home', '* * * * *', 'good'}, qr/invalid guard "good"/ ], [ q{NULL, '* * * * *'}, qr/model name must not be null/ ])
{
  ($rc, undef, $err) = $node->psql('postgres', "CALL reco.schedule($_->[0])");
  isnt($rc, 0, "schedule($_->[0]) fails");
  like($err, $_->[1], 'and says why');
}

# Who may.
sql('CREATE ROLE carol LOGIN');
($rc, undef, $err) = $node->psql('postgres', "SET ROLE carol; CALL reco.schedule('home', '* * * * *')");
like($err, qr/permission denied|must be owner/, 'not of the models of others');
sql('GRANT CREATE ON DATABASE postgres TO carol; GRANT SELECT ON small TO carol');
sql(q{SET ROLE carol; CALL reco.create_model('hers', source => 'public.small', algorithm => reco.popular())});
($rc, undef, $err) = $node->psql('postgres', "SET ROLE carol; CALL reco.schedule('hers', '* * * * *')");
like($err, qr/permission denied for schema cron.*HINT/s, 'not without the right to schema cron');
sql('GRANT USAGE ON SCHEMA cron TO carol');
sql(q{SET ROLE carol; CALL reco.schedule('hers', '* * * * *')});

# One job a model, of a role that can log in.
($rc, undef, $err) = $node->psql('postgres', "CALL reco.schedule('hers', '0 0 1 1 *')");
is($rc, 0, 'a superuser may schedule what another has scheduled');
like($err, qr/NOTICE:  job \d+ of role "carol" is replaced/, 'and is told');
is(sql(q{SELECT string_agg(username || ' ' || schedule, ', ') FROM cron.job WHERE jobname ~ 'hers'}), "$user 0 0 1 1 *", 'there is one job');
for my $call (q{schedule('hers', '* * * * *')}, q{unschedule('hers')})
{
  ($rc, undef, $err) = $node->psql('postgres', "SET ROLE carol; CALL reco.$call");
  like($err, qr/job \d+ of role "\Q$user\E"/, "$call by another role is an error that names it");
}
sql("CALL reco.unschedule('hers')");
sql(q{SET ROLE carol; CALL reco.schedule('hers', '* * * * *')});
sql('CREATE ROLE team NOLOGIN; GRANT USAGE ON SCHEMA cron TO team; GRANT SELECT ON small TO team; GRANT CREATE ON DATABASE postgres TO team; GRANT team TO carol');
sql(q{SET ROLE team; CALL reco.create_model('ours', source => 'public.small', algorithm => reco.popular())});
($rc, undef, $err) = $node->psql('postgres', "SET ROLE team; CALL reco.schedule('ours', '* * * * *')");
like($err, qr/role "team" is not permitted to log in, so its jobs would fail.*HINT:  Schedule the refresh as a role that may log in/s, 'a role that cannot log in has no jobs');
sql(q{SET ROLE carol; CALL reco.schedule('ours', '0 0 1 1 *')});
is(sql(q{SELECT scheduled_by, schedule, problem, to_char(next_run AT TIME ZONE 'UTC', 'MM-DD HH24:MI') FROM reco.health WHERE model = 'ours'}),
  'carol|0 0 1 1 *||01-01 00:00', 'a member has, and reco.health tells when it runs');
sql('ALTER ROLE carol NOLOGIN');
like(sql(q{SELECT problem, next_run IS NULL FROM reco.health WHERE model = 'ours'}), qr/role "carol" of job \d+ is not permitted to log in\|t/, '... or that it cannot');
sql('ALTER ROLE carol LOGIN; REVOKE team FROM carol');
like(sql(q{SELECT problem FROM reco.health WHERE model = 'ours'}), qr/role "carol" of job \d+ does not own the model/, '... or may not');
sql("CALL reco.drop_model('ours')");
is(sql(q{SELECT count(*) FROM cron.job WHERE jobname ~ 'ours'}), '0', 'dropped by a superuser, the model takes the job of another role along');

# A job follows its model, which is due when it is told so: a minute may end at any moment.
sql(q{CALL reco.create_model('first', source => 'small', algorithm => reco.popular())});
sql(q{CALL reco.schedule('first', '0 0 1 2 *', guard => 'ndcg@10 >= 0.9 * current')});
sql('ALTER SCHEMA first RENAME TO second');
sql(q{CALL reco.create_model('first', source => 'small', algorithm => reco.popular())});
is(sql(q{SELECT string_agg(model || ' ' || coalesce(schedule, 'none'), ', ' ORDER BY model) FROM reco.health WHERE model IN ('first', 'second')}),
  'first none, second 0 0 1 2 *', 'a renamed model keeps its job, and another of its name has none');
sql(q{CALL reco.schedule('first', '0 0 1 1 *')});
is(sql(q{SELECT string_agg(jobname || ' ' || schedule, ', ' ORDER BY jobname) FROM cron.job WHERE jobname ~ 'first|second'}),
  'reco.refresh first 0 0 1 1 *, reco.refresh second 0 0 1 2 *', 'until that gets its own');
like(sql(q{SELECT command FROM cron.job WHERE jobname ~ 'second'}), qr/^CALL reco.run_scheduled\('second', guard => 'ndcg\@10 >= 0.9 \* current', identity => \d+\)$/,
  'the guard stays');
sql("CALL reco.drop_model('first')");
sql('ALTER SCHEMA second RENAME TO third');
sql(q{SELECT cron.alter_job(jobid, schedule => '* * * * *') FROM cron.job WHERE jobname = 'reco.refresh second'});

# The server does it, on its own; and the job of a schema that went takes itself away.
sql(q{CALL reco.create_model('brief', source => 'small', algorithm => reco.popular())});
sql("CALL reco.schedule('brief', '* * * * *')");
sql('DROP SCHEMA brief CASCADE');
is(sql(q{SELECT count(*) FROM cron.job WHERE jobname ~ 'brief'}), '1', 'dropped as a schema: the job is there still');
$node->poll_query_until('postgres', q{SELECT max(version) >= 2 FROM "it's ""it""".versions WHERE status = 'ready'})
  or die 'the job did not run';
ok(1, 'the job ran');
is(sql(q{SELECT DISTINCT trained_by FROM "it's ""it""".versions}), $user, 'as its owner');
$node->poll_query_until('postgres', q{SELECT max(version) >= 2 FROM hers.versions}) or die 'nor did hers';
$node->poll_query_until('postgres', q{SELECT max(version) >= 2 FROM third.versions WHERE status = 'ready'}) or die 'nor that of the renamed model';
is(sql(q{SELECT string_agg(jobname, ', ') FROM cron.job WHERE jobname ~ 'second|third'}), 'reco.refresh third', 'a run takes the new name into the job');
is(sql(q{SELECT status, failures FROM reco.health WHERE model = 'third'}), 'ready|0', 'and is a success');
sql("CALL reco.drop_model('third')");
is(sql(q{SELECT count(*) FROM cron.job WHERE jobname ~ 'third'}), '0', 'with it the job goes');
is(sql(q{SELECT trained_by FROM hers.versions WHERE version = 2}), 'carol', 'each as its own');
$node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM cron.job WHERE jobname ~ 'brief')});
is(sql(q{SELECT count(*) FROM cron.job WHERE jobname ~ 'brief'}), '0', 'and the one without a model went');

# Beside another training it skips.
sql(q{CALL reco.alter_model('home', source => 'SELECT s.*, 1 AS x FROM (SELECT pg_sleep(60)) AS z(p), LATERAL (SELECT 1 AS u, 2 AS i) AS s')});
my $session = start_sql($node, "CALL reco.refresh('home')");
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM reco.progress}) or die 'no training began';
($rc, undef, $err) = $node->psql('postgres', "CALL reco.run_scheduled('home')");
is($rc, 0, 'a run beside a training is no error');
like($err, qr/NOTICE:  model "home" is being trained by another session/, 'it skips');
sql('SELECT pg_cancel_backend(pid) FROM reco.progress');
finish_sql($session);

# Going.
sql("CALL reco.drop_model('home')");
is(sql(q{SELECT count(*) FROM cron.job WHERE jobname ~ 'home'}), '0', 'dropping the model removes its job');
sql(qq{CALL reco.unschedule('it''s "it"')});
is(sql(q{SELECT string_agg(jobname, ', ') FROM cron.job}), 'reco.refresh hers', 'unschedule removes one');
($rc, undef, $err) = $node->psql('postgres', qq{CALL reco.unschedule('it''s "it"')});
like($err, qr/has no scheduled refresh/, 'and only once');

# A model that changes hands takes its job along, where the new owner may have one.
sql(q{CREATE ROLE giver LOGIN; CREATE ROLE taker LOGIN; CREATE ROLE poor LOGIN; CREATE ROLE broker LOGIN; GRANT giver, taker, poor TO broker;
  GRANT CREATE ON DATABASE postgres TO giver, broker; GRANT USAGE ON SCHEMA cron TO giver, taker; GRANT SELECT ON small TO giver, taker});
sub as_role
{
  return $node->psql('postgres', $_[1], extra_params => [ '-U', $_[0] ]);
}
as_role('giver', q{CALL reco.create_model('given', source => 'small', algorithm => reco.popular()); CALL reco.schedule('given', '5 5 * * *')});
my $given = q{SELECT string_agg(username || ' ' || schedule || ' ' || regexp_replace(command, ', identity => \d{12,}', ''), ', ') FROM cron.job WHERE jobname = 'reco.refresh given'};
is(sql($given), q{giver 5 5 * * * CALL reco.run_scheduled('given')}, 'a scheduled model');
($rc, $out, $err) = as_role('broker', q{CALL reco.change_owner('given', 'taker')});
is($rc, 0, 'is given away') or diag($err);
is(sql($given), q{taker 5 5 * * * CALL reco.run_scheduled('given')}, 'and its job is the new owner\'s');
($rc, $out, $err) = as_role('broker', q{CALL reco.change_owner('given', 'poor')});
like($err, qr/WARNING:  the scheduled refresh of model "given" was removed\nDETAIL:  Role "poor" may not use pg_cron/, 'who may have no job is told');
is(sql($given), '', 'and there is none');

# The old owner's job may say more than the model's refresh: only that goes to the new one.
as_role('giver', q{CALL reco.create_model('trap', source => 'small', algorithm => reco.popular()); CALL reco.schedule('trap', '5 5 * * *', guard => 'ndcg@10 >= 0.9 * current')});
sql(q{UPDATE cron.job SET command = regexp_replace(command, '^(.*)(, identity.*)$', '\1); GRANT taker TO giver; CALL reco.run_scheduled(''trap''\2') WHERE jobname = 'reco.refresh trap'});
my $trap = q{SELECT username || ' ' || regexp_replace(command, ', identity => \d{12,}', '') FROM cron.job WHERE jobname = 'reco.refresh trap'};
like(sql($trap), qr/GRANT taker TO giver/, 'a job that does more');
($rc, $out, $err) = as_role('broker', q{CALL reco.change_owner('trap', 'taker')});
like($err, qr/WARNING:  the scheduled refresh of model "trap" was removed\nDETAIL:  Its guard/, 'of which nothing that was not understood goes along');
is(sql($trap), '', 'and no job is left');
as_role('taker', q{CALL reco.schedule('trap', '5 5 * * *', guard => 'ndcg@10 >= 0.9 * current')});
sql(q{UPDATE cron.job SET command = regexp_replace(command, '^(.*)(, identity.*)$', 'CALL reco.run_scheduled(''trap''); GRANT giver TO taker; CALL reco.run_scheduled(''trap''\2') WHERE jobname = 'reco.refresh trap'});
as_role('broker', q{CALL reco.change_owner('trap', 'giver')});
is(sql($trap), q{giver CALL reco.run_scheduled('trap')}, 'what follows the call does not go along either');

$node->stop;
done_testing();
