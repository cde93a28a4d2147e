# engine => 'sql' where it is meant for: parallel workers over a partitioned table, and rows on two
# other servers, which add up their own.  Plans are those that ran, as auto_explain logs them; the
# result is that of a training in memory with equal beginnings and exact solutions.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('center', q{session_preload_libraries = 'auto_explain'}, 'auto_explain.log_min_duration = 0',
  'auto_explain.log_nested_statements = on', 'auto_explain.log_verbose = on', 'auto_explain.log_analyze = on');
plan skip_all => 'postgres_fdw is not there'
  if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'}) ne '1';

# The plan of the last statement in the log that matches.
sub plan_of
{
  my ($from, $pattern) = @_;
  my @plans = split /^[^\t].*?LOG:  duration: .*? plan:\n/m, slurp_file($node->logfile, $from);
  my @fit = grep { (split /\n/, $_)[0] =~ $pattern } @plans;
  return @fit ? $fit[-1] : '';
}

# Whether a plan over both shards has their rows come here.
sub fetches
{
  my ($plan) = @_;
  my @scans = $plan =~ /Foreign Scan/g;
  my @pushed = $plan =~ /Relations: Aggregate on/g;
  return @scans < 2 || @scans != @pushed;
}

sub loss_of
{
  return $node->safe_psql('postgres', "SELECT loss[array_upper(loss, 1)] FROM $_[0].versions WHERE active");
}

sub same_loss
{
  my ($model, $memory, $what) = @_;
  my ($is, $want) = (loss_of($model), loss_of($memory));
  ok(abs($is / $want - 1) < 1e-5, "$what: a loss of $is, in memory $want");
}

# 1. A partitioned table, and workers.
make_lines($node, 'lines', 400, 80, 8000);
$node->safe_psql('postgres', q{
  CREATE TABLE parts (customer_id int, product_id int, qty int) PARTITION BY HASH (customer_id);
  CREATE TABLE part_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
  CREATE TABLE part_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
  INSERT INTO parts SELECT customer_id, product_id, sum(qty) FROM lines GROUP BY 1, 2;
  ANALYZE parts;});
my $parallel = 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;';
my $ials = q{factors => 8, iterations => 4, alpha => 2, regularization => 1};
my $raw = q{options => reco.options(value => 'raw', measure => false, live => 'off')};
$node->safe_psql('postgres', "CALL reco.create_model('memory', 'parts', reco.ials($ials, solver => 'cholesky'), $raw)");
my $log = -s $node->logfile;
$node->safe_psql('postgres', "$parallel CALL reco.create_model('workers', 'parts', reco.ials($ials, engine => 'sql'), $raw)");
same_loss('workers', 'memory', 'by parallel workers');
is(recommendations($node, 'workers') eq '', '', 'there are lists');
my $plan = plan_of($log, qr/^\tQuery Text: SELECT r\.item_id, reco\.als_agg/);
like($plan, qr/Finalize.*Workers Launched: [12].*Partial/s, 'items are solved from sums of workers');
like(plan_of($log, qr/^\tQuery Text: SELECT r\.user_id, reco\.als_agg/), qr/Finalize.*Workers Launched: [12].*Partial/s, 'and users');
like(plan_of($log, qr/^\tQuery Text: CREATE UNLOGGED TABLE workers\.model_work_rows/), qr/part_0.*part_1/s, 'rows are read from partitions');

# 2. Rows on two servers, factors of users beside them.
my @shard = (new_node('shard_1'), new_node('shard_2'));
my $setup = q{CREATE EXTENSION postgres_fdw; CREATE SCHEMA work;
  CREATE TABLE work.rows (shard int, user_id int, item_id int, value float8) PARTITION BY LIST (shard);
  CREATE TABLE work.user_factors (shard int, user_id int, factors real[], bias real) PARTITION BY LIST (shard);
  CREATE TABLE work.item_factors (shard int, item_id int, number int, factors real[], bias real) PARTITION BY LIST (shard);};
for my $s (0, 1)
{
  my $rows = $node->safe_psql('postgres', "SELECT string_agg(format('(%s, %s, %s, %s)', $s, customer_id, product_id, qty), ',') FROM part_$s");
  $shard[$s]->safe_psql('postgres', qq{
    CREATE TABLE rows (shard int, user_id int, item_id int, value float8, PRIMARY KEY (user_id, item_id));
    CREATE TABLE user_factors (shard int, user_id int, factors real[], bias real);
    CREATE TABLE item_factors (shard int, item_id int, number int, factors real[], bias real);
    INSERT INTO rows VALUES $rows;
    INSERT INTO user_factors SELECT $s, user_id FROM rows GROUP BY user_id;
    INSERT INTO item_factors SELECT $s, item_id FROM rows GROUP BY item_id;
    ANALYZE rows, user_factors, item_factors;});
  my ($host, $port) = ($shard[$s]->host, $shard[$s]->port);
  $setup .= qq{
    CREATE SERVER shard_$s FOREIGN DATA WRAPPER postgres_fdw
      OPTIONS (host '$host', port '$port', dbname 'postgres', extensions 'reco', use_remote_estimate 'true', async_capable 'true', batch_size '1000', fetch_size '1000');
    CREATE USER MAPPING FOR CURRENT_USER SERVER shard_$s;};
  $setup .= qq{
    CREATE FOREIGN TABLE work.${_}_$s PARTITION OF work.$_ FOR VALUES IN ($s) SERVER shard_$s OPTIONS (schema_name 'public', table_name '$_');}
    for qw(rows user_factors item_factors);
}
$node->safe_psql('postgres', $setup);
my $source = q{'SELECT user_id, item_id, value FROM work.rows'};
my %asked = (ials => $ials, als => 'factors => 8, iterations => 4',
  weighted => 'factors => 8, iterations => 3, alpha => 1, regularization => 0.01, weighted_regularization => true');
for my $name (sort keys %asked)
{
  my $algorithm = $name eq 'weighted' ? 'ials' : $name;
  $node->safe_psql('postgres', "CALL reco.create_model('memory_$name', $source, reco.$algorithm($asked{$name}, solver => 'cholesky'), $raw)");
  $log = -s $node->logfile;
  $node->safe_psql('postgres', "CALL reco.create_model('shards_$name', $source, reco.$algorithm($asked{$name}, engine => 'sql', work => 'work'), $raw)");
  same_loss("shards_$name", "memory_$name", "$name by shards");
  is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT user_id, number, history FROM shards_$name.model_user EXCEPT SELECT user_id, number, history FROM memory_$name.model_user) s"), '0', "$name: histories are the same");
  my $lists = 'SELECT user_id, string_agg(item_id::text, $$,$$ ORDER BY item_id) FROM (SELECT user_id FROM MODEL.user_factors LIMIT 50) u, LATERAL MODEL.recommend(user_id, 5) GROUP BY 1 ORDER BY 1';
  my ($a, $b) = map { $node->safe_psql('postgres', $lists =~ s/MODEL/$_/gr) } "shards_$name", "memory_$name";
  is($a, $b, "$name: lists are the same");
}
for my $step (
  ['users become sums of items', qr/^\tQuery Text: SELECT s\.item_id, reco\.als_solve/],
  ['items become users', qr/^\tQuery Text: INSERT INTO work\.user_factors .*reco\.als_agg/],
  ['the last users come with what they have', qr/^\tQuery Text: SELECT s\.user_id, s\.x/],
  ['a Gram matrix is made of two', qr/^\tQuery Text: SELECT reco\.gram_total/],
  ['items are counted', qr/^\tQuery Text: SELECT s\.item_id, sum/])
{
  my ($what, $pattern) = @$step;
  $plan = plan_of($log, $pattern);
  ok(!fetches($plan), "$what: each shard adds up its own");
  note $plan if $what =~ /sums of items/;
}
is($shard[0]->safe_psql('postgres', 'SELECT count(*) = (SELECT count(DISTINCT user_id) FROM rows) FROM user_factors'), 't', 'users live where their rows are');

# Shards add up their own whatever the planner knows: foreign tables have no statistics here, and what
# servers say of costs differs.
sub servers
{
  my ($option, @of) = @_;
  $node->safe_psql('postgres', "ALTER SERVER shard_$_ OPTIONS ($option '$of[$_ % @of]')") for (0, 1);
}

my $half_step = q{SELECT r.shard, r.item_id, reco.als_state(u.factors, r.value, '{"algorithm": "ials", "factors": 8}') FROM work.rows r
  JOIN work.user_factors u ON u.shard = r.shard AND u.user_id = r.user_id GROUP BY 1, 2};
my $seen = 0;
servers('ADD fdw_tuple_cost', 0.01);
for my $case (
  ['estimates of the shards, free rows', ['true'], 0],
  ['no estimates of the shards', ['false'], 0.01],
  ['no estimates of the shards, dear rows', ['false'], 1],
  ['estimates of one shard', ['true', 'false'], 0.01],
  ['no statistics at the shards', ['true'], 0.01])
{
  my ($what, $estimates, $cost) = @$case;
  servers('SET use_remote_estimate', @$estimates);
  servers('SET fdw_tuple_cost', $cost);
  $_->safe_psql('postgres', q{DELETE FROM pg_statistic WHERE starelid IN ('rows'::regclass, 'user_factors'::regclass, 'item_factors'::regclass)})
    for $what =~ /no statistics/ ? @shard : ();
  $seen++ if fetches($node->safe_psql('postgres', "SET enable_partitionwise_join = on; SET enable_partitionwise_aggregate = on; EXPLAIN VERBOSE $half_step"));
  $log = -s $node->logfile;
  $node->safe_psql('postgres', "CALL reco.create_model('costs', $source, reco.ials($ials, engine => 'sql', work => 'work'), $raw)");
  same_loss('costs', 'memory_ials', $what);
  my @kinds = (qr/^\tQuery Text: SELECT s\.item_id, reco\.als_solve/, qr/^\tQuery Text: INSERT INTO work\.user_factors .*reco\.als_agg/,
    qr/^\tQuery Text: SELECT s\.user_id, s\.x/, qr/^\tQuery Text: SELECT reco\.gram_total/, qr/^\tQuery Text: SELECT s\.item_id, sum/,
    qr/^\tQuery Text: SELECT sum\(s\.c\)/, qr/^\tQuery Text: INSERT INTO work\.user_factors .*reco\.als_start/);
  is(join(' ', grep { fetches(plan_of($log, $_)) } @kinds), '', "$what: no statement fetches rows");
  $node->safe_psql('postgres', 'DROP SCHEMA costs CASCADE');
}
cmp_ok($seen, '>', 0, 'the planner left to itself would fetch them');
servers('SET use_remote_estimate', 'true');

# A refresh takes what the shards have by then.
$shard[1]->safe_psql('postgres', 'INSERT INTO rows VALUES (1, 5000, 1, 2), (1, 5000, 2, 1)');
$node->safe_psql('postgres', qq{CALL reco.refresh('shards_ials'); CALL reco.refresh('memory_ials')});
same_loss('shards_ials', 'memory_ials', 'after a refresh');
is($node->safe_psql('postgres', 'SELECT count(*) FROM shards_ials.recommend(5000, 5)'), '5', 'a new user is there');

# What is refused: rows that would come here, and a user in two places.
$shard[0]->safe_psql('postgres', 'INSERT INTO rows VALUES (0, 5000, 3, 1)');
my ($rc, $out, $err) = $node->psql('postgres', "CALL reco.refresh('shards_ials')");
like($err, qr/user "5000" has rows in several shards/, 'a user lives in one shard');
$shard[0]->safe_psql('postgres', 'DELETE FROM rows WHERE user_id = 5000');
$node->safe_psql('postgres', "ALTER SERVER shard_1 OPTIONS (DROP extensions)");
($rc, $out, $err) = $node->psql('postgres', "CALL reco.refresh('shards_ials')");
like($err, qr/rows would be fetched from their shards.*HINT:  Name reco in the option "extensions"/s, 'rows are not fetched in each half step');
$node->safe_psql('postgres', "ALTER SERVER shard_1 OPTIONS (ADD extensions 'reco')");
is($node->safe_psql('postgres', q{SELECT string_agg(status, ',' ORDER BY version) FROM shards_ials.versions}), 'ready,ready,failed,failed', 'the versions before serve on');
my $long = start_sql($node, "CALL reco.create_model('long', $source, reco.ials(factors => 64, iterations => 10000, engine => 'sql', work => 'work'), $raw)");
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM reco.progress WHERE model = 'long' AND phase = 'training' AND iteration > 1 AND iterations = 10000}), 'how far it is can be seen');
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ '^CALL reco.create_model' AND pid <> pg_backend_pid()});
like((finish_sql($long))[2], qr/canceling statement due to user request/, 'and it can be canceled');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname LIKE 'model_work%'}), '0', 'nothing is left of it');

$_->stop for @shard, $node;
done_testing();
