# engine => 'sql' on tables of Citus: a coordinator and two others, of one machine.  The result is
# that of a training in memory with equal beginnings and exact solutions; users' factors and items'
# sums are made where the rows are, which the plans of the statements that ran show.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../t";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

# What one of the servers needs to be found by the others.
sub citus_node
{
  my ($name, @conf) = @_;
  my $node = PostgreSQL::Test::Cluster->new($name);
  $node->init;
  $node->append_conf('postgresql.conf',
    join("\n", q{shared_preload_libraries = 'citus, auto_explain'}, q{listen_addresses = 'localhost'}, 'fsync = off', 'max_connections = 100',
      q{citus.node_conninfo = 'sslmode=prefer'}, 'citus.shard_count = 4', 'max_wal_size = 2GB', @conf));
  $node->start;
  $node->safe_psql('postgres', 'CREATE EXTENSION citus');
  return $node;
}

# A statement on the coordinator that is to fail, and what it says.
my $node;
sub fails
{
  my ($sql, $pattern, $what) = @_;
  my ($rc, $out, $err) = $node->psql('postgres', $sql);
  like($err, $pattern, $what);
}

my @explain = ('auto_explain.log_min_duration = 0', 'auto_explain.log_verbose = on', 'auto_explain.log_nested_statements = on');
# explained on the coordinator as well: a statement with parameters would break its sessions
$node = citus_node('coordinator', @explain);
my @worker = (citus_node('worker_1', @explain), citus_node('worker_2', @explain));
$node->safe_psql('postgres', join ';', "SELECT citus_set_coordinator_host('localhost', " . $node->port . ')',
  map { "SELECT citus_add_node('localhost', " . $_->port . ')' } @worker);
$node->safe_psql('postgres', 'CREATE EXTENSION reco');
is(join(',', map { $_->safe_psql('postgres', q{SELECT count(*) FROM pg_extension WHERE extname = 'reco'}) } @worker), '1,1', 'the extension comes to all of them');

# A log that is distributed by customer, and rows by shard: one value of each.
make_lines($node, 'lines', 400, 80, 8000);
$node->safe_psql('postgres', q{
  CREATE TABLE orders (customer_id int, product_id int, qty int);
  SELECT create_distributed_table('orders', 'customer_id');
  INSERT INTO orders SELECT customer_id, product_id, qty FROM lines;
  CREATE SCHEMA work;
  CREATE TABLE work.rows (shard int, user_id int, item_id int, value float8);
  CREATE TABLE work.user_factors (shard int, user_id int, factors real[], bias real);
  CREATE TABLE work.item_sums (item_id int, sums bytea);
  SELECT create_distributed_table('work.rows', 'shard', colocate_with => 'none');
  SELECT create_distributed_table('work.user_factors', 'shard', colocate_with => 'work.rows');
  SELECT create_distributed_table('work.item_sums', 'item_id', colocate_with => 'none');
  CREATE TABLE work.shards AS SELECT row_number() OVER () - 1 AS number, min(v) AS shard
    FROM generate_series(1, 1000) AS v GROUP BY get_shard_id_for_distribution_column('work.rows', v);
  SELECT create_reference_table('work.shards');
  INSERT INTO work.rows SELECT s.shard, o.user_id, o.item_id, o.value
    FROM (SELECT customer_id AS user_id, product_id AS item_id, sum(qty) AS value FROM orders GROUP BY 1, 2) AS o
    JOIN work.shards AS s ON s.number = o.user_id % 4;});
is($node->safe_psql('postgres', q{SELECT count(DISTINCT shard), min(n) > 0 FROM (SELECT shard, count(*) AS n FROM work.rows GROUP BY 1) AS s}), '4|t', 'rows lie in all shards');

my $raw = q{options => reco.options(value => 'raw', measure => false, live => 'off')};
my $source = q{'SELECT user_id, item_id, value FROM work.rows'};
my %asked = (ials => 'factors => 8, iterations => 4, alpha => 2, regularization => 1', als => 'factors => 8, iterations => 4',
  weighted => 'factors => 8, iterations => 3, alpha => 1, regularization => 0.01, weighted_regularization => true');

sub loss_of
{
  return $node->safe_psql('postgres', "SELECT loss[array_upper(loss, 1)] FROM $_[0].versions WHERE active");
}

sub same
{
  my ($model, $memory, $what) = @_;
  my ($is, $want) = (loss_of($model), loss_of($memory));
  ok(abs($is / $want - 1) < 1e-5, "$what: a loss of $is, in memory $want");
  is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT user_id, number, history FROM $model.model_user WHERE version = (SELECT active_version FROM $model.model) EXCEPT SELECT user_id, number, history FROM $memory.model_user) s"), '0', "$what: histories are the same");
  my $lists = 'SELECT user_id, string_agg(item_id::text, $$,$$ ORDER BY item_id) FROM (SELECT user_id FROM MODEL.user_factors ORDER BY 1 LIMIT 50) u, LATERAL MODEL.recommend(user_id, 5) GROUP BY 1 ORDER BY 1';
  my ($a, $b) = map { $node->safe_psql('postgres', $lists =~ s/MODEL/$_/gr) } $model, $memory;
  is($a, $b, "$what: lists are the same");
}

my @log;
for my $name (sort keys %asked)
{
  my $algorithm = $name eq 'weighted' ? 'ials' : $name;
  # (the engine in memory reads a distributed source as it is)
  $node->safe_psql('postgres', "CALL reco.create_model('memory_$name', $source, reco.$algorithm($asked{$name}, solver => 'cholesky'), $raw)");
  @log = map { -s $_->logfile } @worker;
  my ($rc, $out, $err) = $node->psql('postgres', "CALL reco.create_model('citus_$name', $source, reco.$algorithm($asked{$name}, engine => 'sql', work => 'work'), $raw)");
  is($rc, 0, "$name is trained") or diag $err;
  unlike($err, qr/WARNING/, "$name: without a warning of Citus");
  same("citus_$name", "memory_$name", $name);
}

# What ran on the others.
my @ran = map { slurp_file($worker[$_]->logfile, $log[$_]) } (0, 1);
for my $w (0, 1)
{
  # of each shard a plan that adds up its own rows
  my @plans = split /^[^\t].*?LOG:  .*?duration: .*? plan:\n/m, $ran[$w];
  my @sums = grep { /als_state\(/ && /Aggregate/ && /Scan on \S*rows_\d+/ && /Scan on \S*user_factors_\d+/ } @plans;
  my @users = grep { /als_agg\(/ && /Aggregate/ && /Scan on \S*rows_\d+/ && /Function Scan on .*read_intermediate_result/ } @plans;
  ok(scalar @sums, "server $w adds up what its rows say of items");
  ok(scalar @users, "server $w solves its users");
  ok((grep { /als_solve\(/ && /Aggregate/ && /Scan on \S*item_sums_\d+/ } @plans) > 0, "server $w solves its items");
  note substr($sums[0], 0, 3000) if $w == 0 && @sums;
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM work.item_sums'), '0', 'sums of items are gone');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM work.user_factors) = (SELECT count(*) FROM (SELECT DISTINCT shard, user_id FROM work.rows) AS s)'), 't', 'users live where their rows are');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_dist_partition WHERE logicalrelid::text LIKE 'citus%'}), '0', q{a model's tables stay here});
is($worker[0]->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'citus\_%s' OR nspname LIKE 'memory%'}), '0', 'and its schema is nowhere else');

# A half step as one would write it.
my $half = q{SELECT r.item_id, reco.als_state(u.factors, r.value, '{"algorithm": "ials", "alpha": 1, "factors": 8, "regularization": 1}') FROM work.rows AS r
  JOIN work.user_factors AS u ON u.shard = r.shard AND u.user_id = r.user_id GROUP BY r.shard, r.item_id};
like($node->safe_psql('postgres', "EXPLAIN (COSTS OFF) INSERT INTO work.item_sums $half"), qr/INSERT\/SELECT method: repartition.*Task Count: 4.*GroupAggregate|HashAggregate/s, 'items are added up at the shards, and go from server to server');

# A refresh takes what the shards have by then.
$node->safe_psql('postgres', 'INSERT INTO work.rows SELECT shard, 5000, i, 2 FROM work.shards, (VALUES (1), (2)) AS v(i) WHERE number = 0');
$node->safe_psql('postgres', qq{CALL reco.refresh('citus_ials'); CALL reco.refresh('memory_ials')});
same('citus_ials', 'memory_ials', 'after a refresh');
is($node->safe_psql('postgres', 'SELECT count(*) FROM citus_ials.recommend(5000, 5)'), '5', 'a new user is there');
my ($rc, $out, $err) = $node->psql('postgres', q{BEGIN; CALL reco.refresh('citus_ials'); COMMIT});
is($rc, 0, 'in a transaction block') or diag $err;

# What is refused.
fails(q{CALL reco.create_model('refused', 'SELECT user_id, item_id, value FROM work.rows', reco.ials(engine => 'sql', work => 'work'), options => reco.options(value => 'raw', half_life => '1 day'))},
  qr/half_life needs times/, 'a half-life without times');
fails(q{CALL reco.create_model('refused', 'SELECT user_id, item_id, value FROM work.rows', reco.ials(engine => 'sql', work => 'work'), options => reco.options(value => 'raw', min_user_interactions => 2))},
  qr/min_user_interactions.* does not go with tables of work.*HINT:  Do it where that table is filled/s, 'rules over rows that are there');
my $refresh = q{CALL reco.refresh('citus_ials')};
my $restore = q{SELECT undistribute_table('work.user_factors'); SELECT create_distributed_table('work.user_factors', 'shard', colocate_with => 'work.rows');};
$node->safe_psql('postgres', q{SELECT undistribute_table('work.user_factors'); TRUNCATE work.user_factors; SELECT create_distributed_table('work.user_factors', 'user_id')});
fails($refresh, qr/table work\.user_factors must be distributed by column "shard".*HINT:  Make it so with SELECT create_distributed_table\('work\.user_factors', 'shard', colocate_with => 'work\.rows'\)/s, 'factors of users lie with their rows: by column');
$node->safe_psql('postgres', q{SELECT undistribute_table('work.user_factors'); SELECT create_distributed_table('work.user_factors', 'shard', colocate_with => 'none')});
fails($refresh, qr/table work\.user_factors must be colocated with table work\.rows.*HINT:  Make it so with SELECT alter_distributed_table/s, 'factors of users lie with their rows: alike');
$node->safe_psql('postgres', $restore);
$node->safe_psql('postgres', 'ALTER TABLE work.item_sums RENAME TO sums');
fails($refresh, qr/table work\.item_sums must be distributed by column "item_id".*HINT:  .*create_distributed_table\('work\.item_sums', 'item_id'\)/s, 'there is a table of sums');
$node->safe_psql('postgres', 'ALTER TABLE work.sums RENAME TO item_sums');
$node->safe_psql('postgres', 'ALTER TABLE work.rows RENAME TO lines; CREATE VIEW work.rows AS SELECT * FROM work.lines');
fails($refresh, qr/table work\.rows must be distributed by column "shard"/, 'rows are a table');
$node->safe_psql('postgres', 'DROP VIEW work.rows; ALTER TABLE work.lines RENAME TO rows');
$node->safe_psql('postgres', 'INSERT INTO work.rows SELECT shard, 5000, 3, 2 FROM work.shards WHERE number = 1');
fails($refresh, qr/user "5000" has rows in several shards/, 'a user lives in one shard');
$node->safe_psql('postgres', 'DELETE FROM work.rows WHERE user_id = 5000');
$node->safe_psql('postgres', $refresh);

# A model's own tables that became distributed are refused, by whoever reads or writes them.
my $list = $node->safe_psql('postgres', 'SELECT * FROM citus_als.recommend(5, 3)');
$node->safe_psql('postgres', q{SELECT create_reference_table('citus_als.model_item')});
for my $call ('SELECT * FROM citus_als.recommend(5, 3)', q{CALL reco.refresh('citus_als')})
{
  fails($call, qr/model "citus_als" is damaged.*DETAIL:  Its table "model_item" is a distributed table of Citus, which undistribute_table\(\) makes an ordinary one again.*HINT/s, "refused: $call");
}
$node->safe_psql('postgres', q{SELECT undistribute_table('citus_als.model_item')});
is($node->safe_psql('postgres', 'SELECT * FROM citus_als.recommend(5, 3)'), $list, 'undistributed, it serves as before');
$node->safe_psql('postgres', q{CALL reco.refresh('citus_als')});

# A server that is away ends the training; versions that are there serve on; and so does a cancel.
$worker[1]->stop('immediate');
($rc, $out, $err) = $node->psql('postgres', $refresh);
isnt($rc, 0, 'a server that is away ends the training');
is($node->safe_psql('postgres', 'SELECT count(*) FROM citus_ials.recommend(5, 5)'), '5', 'and the version before serves');
$worker[1]->start;
$node->safe_psql('postgres', $refresh);
my $long = start_sql($node, "CALL reco.create_model('long', $source, reco.ials(factors => 64, iterations => 10000, engine => 'sql', work => 'work'), $raw)");
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM reco.progress WHERE model = 'long' AND phase = 'training' AND iteration > 1 AND iterations = 10000}), 'how far it is can be seen');
$node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ '^CALL reco.create_model' AND pid <> pg_backend_pid()});
like((finish_sql($long))[2], qr/canceling statement due to user request/, 'it can be canceled');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname LIKE 'model_work%'}), '0', 'nothing is left of it');

$_->stop for $node, @worker;
done_testing();
