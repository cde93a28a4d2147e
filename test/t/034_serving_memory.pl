# What a call takes of memory is bounded, whatever is asked for: at most 64 MB above the
# version's image for every function, on 10,000 users and 10,000 items of whom some have
# everything, and with as many neighbors as there are users. What it takes counts against
# reco.max_memory.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

plan skip_all => 'no /proc' unless -r '/proc/self/status';

my $most = 64 * 1024;
# pages of shared memory that a session touches count as its own
my $node = new_node('memory', 'autovacuum = off', 'shared_buffers = 4MB', 'max_parallel_maintenance_workers = 1');

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sql(q{
  CREATE TABLE lines AS SELECT u AS user_id, ((u::bigint * 7919 + k * k * 104729) % 10000)::int AS item_id, 1 + (u + k) % 5 AS value,
    timestamp '2026-01-01' + (u + k) % 14 * interval '1 day' AS at
    FROM generate_series(0, 9999) AS u, generate_series(0, 5) AS k
    UNION SELECT 0, i, 3, timestamp '2026-01-09' FROM generate_series(0, 9999) AS i
    UNION SELECT u, 3, 4, timestamp '2026-01-10' FROM generate_series(0, 9999) AS u;
  CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 70, 'b' || i % 500] AS tags, to_tsvector('simple', 'w' || i % 900 || ' v' || i % 77) AS words, i % 100 AS price
    FROM generate_series(0, 9999) AS i;
  CREATE TABLE few AS SELECT u AS user_id, i AS item_id FROM generate_series(1, 1000) AS u, generate_series(1, 5) AS i;
});

my $items = '(SELECT array_agg(i) FROM generate_series(0, 9999) AS i)';
my @calls = ('recommend(7, NULL)', 'recommend(0, NULL, include_seen => true)', 'recommend(5, 3000, diversity => 0.1, explore => 0.2)', 'recommend(99999, NULL)', 'expose(5, 3000, explore => 0.9, explore_seed => 1)',
  'recommend_for(ARRAY[1, 2, 3], n => NULL)', "recommend_for($items, n => 10)", "rerank(0, $items)", 'explain(0, 3)', 'similar_items(3, NULL)',
  'similar_users(0, NULL)', 'audience(3, NULL)', "audience($items, 10, exclude_buyers => false)", 'popular(NULL)', 'trending(NULL)', 'user_profile(0)');
my $peak = q{SELECT 'peak ' || substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*([0-9]+)')};

# The most that each call adds to the peak of a session that has mapped the version.
sub measure
{
  my ($model, @what) = @_;
  my ($worst, $of) = (0, '');
  for my $call (@what)
  {
    # 10,000 profiles of one model each are built from 10,000 items each
    next if $model eq 'content' && $call =~ /^audience\(\(/;
    my $run = $call =~ /^CALL/ ? $call : "SELECT count(*) FROM $model.$call";
    my ($rc, $out, $err) = $node->psql('postgres', "SET client_min_messages = warning; SELECT count(*) FROM $model.recommend(1, 1); SELECT count(*) FROM $model.audience(1, 1); $peak;\n$run;\n$peak");
    next if $err =~ /knows nothing about its items/;
    is($rc, 0, "$model: $call") or diag($err);
    my ($before, $after) = $out =~ /^peak (\d+)$/mg;
    ($worst, $of) = ($after - $before, $call) if $after - $before > $worst;
    cmp_ok($after - $before, '<=', $most, "$model: memory of $call");
  }
  note("$model: at most $worst kB, by $of");
}

my %algorithms = (
  ials => 'reco.ials(factors => 8, iterations => 1)', als => 'reco.als(factors => 8, iterations => 1)', item_knn => 'reco.item_knn()',
  conditional => q{reco.item_knn(similarity => 'conditional')}, user_knn => 'reco.user_knn()', content => 'reco.content()', popular => 'reco.popular()');
for my $model (sort keys %algorithms)
{
  sql("CALL reco.create_model('$model', 'lines', $algorithms{$model}" . ($model eq 'content' ? q{, items => 'about'} : '') . ')');
  measure($model, @calls);
  measure($model, "CALL reco.materialize('$model', 10000, users => 'SELECT generate_series(0, 999)')") if $model eq 'ials';
  sql("CALL reco.drop_model('$model')") if $model ne 'popular';
}

sql(q{CALL reco.create_model('few', 'few', reco.user_knn(neighbors => 1000))});
measure('few', 'audience(3, 10, exclude_buyers => false)', 'audience(ARRAY[1, 2, 3, 4, 5], 10, exclude_buyers => false)', 'rerank(7, ARRAY[1, 2, 3, 4, 5])', 'recommend(7, NULL, include_seen => true)',
  'recommend_for(ARRAY[1, 2])', q{CALL reco.materialize('few', 5)});

# a limit that is too low is an error that says so
my ($rc, $out, $err) = $node->psql('postgres', q{SET reco.max_memory = '64kB'; SELECT count(*) FROM popular.recommend(7, NULL)});
like($err, qr/serving needs an estimated \d+ kB of memory, more than "reco.max_memory" allows/, 'a limit that is too low');
like($err, qr/HINT:  Raise "reco.max_memory", or ask for fewer rows/, 'with a hint');

# reading a version counts as well; it is not called damaged for that
unlink glob($node->data_dir . '/base/pgsql_tmp/pgsql_tmp_reco*');
($rc, $out, $err) = $node->psql('postgres', q{SET reco.max_memory = '64kB'; SELECT count(*) FROM popular.recommend(7, 1)});
like($err, qr/serving needs an estimated \d+ kB of memory, more than "reco.max_memory" allows/, 'a limit that is too low for the version');
is(sql('SELECT count(*) FROM popular.recommend(7, 1)'), 1, 'with the default it is served');

$node->stop;
done_testing();
