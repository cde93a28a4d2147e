# A fault at every interrupt check and every allocation: the n-th of a call fails, for
# every n, and the same call without the fault gives the rows of an undisturbed session.
# For every serving function, from a version that the session has, one that it reads from
# the tables, and one that it maps; for training, evaluate, materialize and reports at points
# that are spread over all their phases.
#
# RECO_FAULT_POINTS says how many of a training; all: every one.
# Needs a build for a server with assertions, or with -DRECO_FAULTS.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use Time::HiRes qw(time);

my $points = $ENV{RECO_FAULT_POINTS} // 10;
my $seed = $ENV{RECO_SEED} // int(time);
srand $seed;
note("RECO_SEED=$seed");

my $node = new_node('faults', 'log_statement = none', 'log_min_messages = panic', 'log_min_error_statement = panic',
  'max_parallel_maintenance_workers = 1');
my ($rc) = $node->psql('postgres', 'LOAD $$reco$$; SHOW reco.fault_at');
if ($rc != 0)
{
  $node->stop;
  plan skip_all => 'faults are not built in';
}
make_lines($node, 'lines', 30, 20, 300);
my $folder = $node->data_dir . '/base/pgsql_tmp';

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sql(q{
  ALTER TABLE lines ADD at timestamp;
  UPDATE lines SET at = timestamp '2026-01-01' + (customer_id * 7 + product_id) % 14 * interval '1 day';
  CREATE INDEX ON lines (customer_id);
  CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7, 'b' || i % 5] AS tags, i % 10 AS price, ARRAY[i, 1, 2]::real[] AS place,
    i % 9 > 0 AS available FROM generate_series(0, 22) AS i;
  CREATE TABLE people AS SELECT i AS id, 'c' || i % 3 AS club, i % 10 AS age FROM generate_series(0, 33) AS i;
  CREATE FUNCTION answer(call text) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE rows text;
  BEGIN
    EXECUTE format('SELECT count(*) || '' '' || coalesce(md5(string_agg(t::text, '','')), '''') FROM (SELECT %s) AS t', call) INTO rows;
    RETURN rows;
  END $$;

  -- Every fault of a call, or some. before: what makes the session forget what it has of the model.
  CREATE PROCEDURE sweep(call text, before text, INOUT faults int, first int DEFAULT 1, step int DEFAULT 1) LANGUAGE plpgsql AS $$
  DECLARE
    expected text := answer(call);
    got text;
    held bigint;
  BEGIN
    FOR n IN first .. 100000 BY step LOOP
      IF before <> '' THEN
        EXECUTE format(before, n);
      END IF;
      PERFORM set_config('reco.fault_at', n::text, false);
      got := NULL;
      BEGIN
        got := answer(call);
      EXCEPTION WHEN query_canceled OR OTHERS THEN
        IF sqlstate = 'XX000' THEN
          RAISE WARNING 'fault % of %: %', n, call, sqlerrm;
        END IF;
      END;
      EXIT WHEN current_setting('reco.fault_at')::int > 0;
      PERFORM set_config('reco.fault_at', '0', false);
      faults := faults + 1;
      IF got <> expected THEN
        RAISE WARNING 'fault % of % went unnoticed', n, call;
      END IF;
      got := answer(call);
      IF got <> expected THEN
        RAISE WARNING 'after fault % of %: % in place of %', n, call, got, expected;
      END IF;
    END LOOP;
    PERFORM set_config('reco.fault_at', '0', false);
  END $$;
});

my %algorithms = (
  algorithms($node, ials => 'factors => 4, iterations => 2', als => 'factors => 4, iterations => 2', svd => 'factors => 4',
    item_knn => 'neighbors => 5', user_knn => 'neighbors => 5', rp3beta => 'neighbors => 5', repeat => 'neighbors => 5'),
  asymmetric => q{reco.item_knn(similarity => 'conditional', biases => true)},
  prior => q{reco.als(factors => 4, iterations => 2, prior => 'p')});
sql(q{CALL reco.create_model('p', 'SELECT * FROM lines WHERE product_id < 12', reco.als(factors => 4, iterations => 2))});
# what they answer from is of no algorithm
my $common = qr/popular|trending|reco\.recommend/;
my @calls = ('m.recommend(7, 5)', 'm.recommend(3, 5, diversity => 0.5, explore => 0.4, boost => ARRAY[1, 2])', 'm.recommend(99999, 5)', 'm.expose(7, 5, explore => 0.4, explore_seed => 1)',
  'm.recommend_for(ARRAY[1, 2, 3], n => 5)', 'm.rerank(5, ARRAY[1, 2, 99])', 'm.predict(7, 3)', 'm.explain(7, 3)', 'm.similar_items(3, 5)',
  'm.similar_users(7, 5)', 'm.audience(ARRAY[3, 4], 5)', 'm.popular(5)', 'm.trending(5)', 'm.user_profile(7)', q{reco.recommend('m', 7, 5)});
my $cold = q{UPDATE m.model SET active_nonce = %s};
my $memory = q{SELECT coalesce(sum(total_bytes), 0) FROM pg_backend_memory_contexts WHERE name LIKE 'reco%' OR ident LIKE 'reco%'};
my ($served_faults, $read_faults, $mapped_faults, $trained_faults, $reported_faults) = (0, 0, 0, 0, 0);

for my $name (sort keys %algorithms)
{
  sql("CALL reco.create_model('m', 'lines', $algorithms{$name}, items => 'about', users => 'people')");

  my @served = grep { $name eq 'popular' || !/$common/ } @calls;

  # the version is there, or is read from the tables and written to its image
  for my $before ('', $cold)
  {
    my @of = $before ? grep { /recommend\(7|audience|similar_users|recommend_for/ } @served : @served;
    my ($rc, $out, $err) = $node->psql('postgres', join("\n", 'SET client_min_messages = warning;', $memory . ';',
      (map { my $call = s/'/''/gr; "CALL sweep('$call', '$before', 0);" } @of), $memory . ';'));
    is($rc, 0, "$name: the server lives") or BAIL_OUT($err);
    is($err, '', "$name: each call after a fault gives the right rows" . ($before && ', of a version that is read'));
    my ($begin, @counts) = split /\n/, $out;
    my $end = pop @counts;
    my $all = eval join '+', @counts;
    cmp_ok($all, '>', 20 * @of, "$name: there were faults");
    $before ? $read_faults += $all : ($served_faults += $all);
    cmp_ok($end, '<', 3000000, "$name: and what they leave behind is little");
  }
  sql('UPDATE m.model SET active_nonce = (SELECT nonce FROM m.model_version)');

  # the version is mapped: each time by a session that has nothing yet
  my $call = $name eq 'user_knn' ? 'm.similar_users(7, 5)' : $name eq 'content' ? 'm.recommend_for(ARRAY[3], n => 5)' : 'm.audience(3, 5)';
  my $expected = sql("SELECT answer('$call')");
  # one fault more than there are checks and allocations
  my $mapped = 1 + 1000000 - sql("LOAD 'reco'; SET reco.fault_at = 1000000; SELECT 'call ' || answer('$call'); SHOW reco.fault_at") =~ s/.*\n//sr;
  my $each = join "\n", map {
    "\\c\nLOAD 'reco'; SET reco.fault_at = $_; SELECT 'call ' || answer('$call'); SHOW reco.fault_at; SET reco.fault_at = 0;"
    . " SELECT 'again ' || answer('$call');" } 1 .. $mapped;
  my ($rc, $out) = $node->psql('postgres', $each, on_error_stop => 0);
  my @again = $out =~ /^again (.*)$/mg;
  my @first = $out =~ /^call (.*)$/mg;
  is(join(' ', grep { $_ ne $expected } @first, @again), '', "$name: a session whose first call failed gives the right rows");
  is(scalar @again, $mapped, '... each');
  $mapped_faults += grep { $_ eq '0' } $out =~ /^(\d+)$/mg;
  cmp_ok((scalar grep { $_ ne '0' } $out =~ /^(\d+)$/mg), '>', 0, '... and the last have no fault');

  # trainings and the like: each leaves the model as it was
  my $served = recommendations($node, 'm');
  my %jobs = (
    refresh => q{CALL reco.refresh('m')}, materialize => q{CALL reco.materialize('m', 5)}, segment => q{CALL reco.segment('m', 3)},
    fold_in => q{BEGIN; UPDATE lines SET qty = qty + 5 WHERE customer_id IN (5, 7); DELETE FROM lines WHERE customer_id = 3; CALL reco.fold_in('m'); ROLLBACK},
    demand => q{SELECT count(*) FROM m.demand('2 days')}, growth => q{SELECT count(*) FROM m.growth('2 days', '6 days')},
    report => q{SELECT length(reco.report('m')) + count(*) FROM reco.summary('m')},
    evaluate => "SELECT count(*) FROM reco.evaluate('lines', ARRAY[$algorithms{$name}], items => 'about')",
    create => "CALL reco.create_model('n', 'lines', $algorithms{$name}, items => 'about', users => 'people')");
  for my $job (sort keys %jobs)
  {
    # a version, and all users, are read once a session: before, so that what follows is the same each time
    my $ready = $job eq 'segment' ? 'SELECT count(*) FROM m.audience(1);' : $job =~ /demand|growth/ ? 'SELECT count(*) FROM m.growth();' : '';
    # how many there are
    my $of = 1000000 - sql("SET client_min_messages = warning; $ready SET reco.fault_at = 1000000; $jobs{$job}; SHOW reco.fault_at") =~ s/.*\n//sr;
    sql(q{CALL reco.drop_model('n')}) if $job eq 'create';
    my $step = $points eq 'all' ? 1 : 1 + int($of / $points);
    my @at = grep { $_ <= $of } map { 1 + int(rand($step)) + $_ * $step } 0 .. $of / $step;
    # some checks are made once a session, so the last points may not be reached; and what is short of
    # memory is not measured, which is no error
    my $each = join "\n", $ready, map { "SET reco.fault_at = $_; $jobs{$job};\n" . q{SELECT current_setting('reco.fault_at')::int > 0 AS missed \gset
      SET reco.fault_at = 0;
      SELECT 'missed ' || :'missed';
      SELECT :'missed' OR EXISTS (SELECT FROM reco.models WHERE model = 'n' AND status = 'ready') AS made \gset
      \if :made
      DROP SCHEMA IF EXISTS n CASCADE;
      \endif
      SELECT 'left ' || count(*) FROM pg_locks WHERE locktype = 'advisory' OR (locktype = 'object' AND objsubid > 0);} } @at;
    my ($rc, $out, $err) = $node->psql('postgres', $each, on_error_stop => 0);
    is($rc, 0, "$name: $job: the server lives") or BAIL_OUT($err);
    is((scalar grep { $_ ne '0' } $out =~ /^left (\d+)$/mg), 0, "$name: $job: no lock stays");
    cmp_ok((scalar grep { $_ eq 't' } $out =~ /^missed (\w)$/mg), '<=', 1 + @at / 4, '... the faults happened');
    unlike($err, qr/ERROR:  (?!injected fault|out of memory|canceling statement)/, '... and was told') if $job ne 'create';
    is(sql(q{SELECT count(*) FROM pg_namespace WHERE nspname = 'n'}), 0, "$name: $job leaves no schema");
    is(sql(q{SELECT count(*) FROM m.versions WHERE status = 'running'}), 0, "$name: $job: no version runs");
    is(comparable($name, recommendations($node, 'm')), comparable($name, $served), "$name: $job: the model serves as before");
    $trained_faults += @at;
  }
  # what people look at; a page says when it was made
  if ($name eq 'als' || $name eq 'item_knn')
  {
    my $step = $points eq 'all' ? 1 : 29;
    for my $call (q{regexp_replace(reco.report('m'), 'Made <time.*?</time>', '')}, q{reco.summary('m')})
    {
      my $each = $call =~ /summary/ ? 1 : $step;
      my $first = 1 + int(rand($each));
      my ($rc, $out, $err) = $node->psql('postgres', "SET client_min_messages = warning; CALL sweep(\$call\$$call\$call\$, '', 0, $first, $each)");
      is($rc, 0, "$name: $call: the server lives") or BAIL_OUT($err);
      is($err, '', "$name: $call: after a fault it is the same");
      cmp_ok($out, '>', 20, "$name: $call: there were faults");
      $reported_faults += $out;
    }
  }
  is(leftovers($node, 'n'), '', "$name: nothing is left behind");
  sql("CALL reco.drop_model('m')");
}
note("$trained_faults faults in trainings, evaluations and materializations");
note("$reported_faults faults in reports and summaries");
note("$served_faults faults while serving, $read_faults while reading a version, $mapped_faults while mapping one");

$node->stop;
done_testing();
