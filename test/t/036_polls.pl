# A loop whose length a caller or an owner chooses looks for interrupts as it goes: looks
# are counted, against what the call is given. (Passes over all users, as of audience(), look
# whether a look is due, which test/unit/test_engine.c counts.) Needs a build for a server with assertions,
# or with -DRECO_FAULTS.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('polls', 'autovacuum = off', 'max_parallel_maintenance_workers = 1');
my ($rc) = $node->psql('postgres', 'LOAD $$reco$$; SHOW reco.polls');
if ($rc != 0)
{
  $node->stop;
  plan skip_all => 'looks are not counted';
}

$node->safe_psql('postgres', q{
  CREATE TABLE lines AS SELECT u AS user_id, (u * 7 + k * 13) % 500 AS item_id FROM generate_series(1, 3000) AS u, generate_series(1, 4) AS k;
  CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7] || CASE WHEN i = 1 THEN (SELECT array_agg('tag' || t) FROM generate_series(1, 5000) AS t) END AS tags
    FROM generate_series(0, 499) AS i;
  INSERT INTO lines VALUES (0, 1);
  CALL reco.create_model('popular', 'lines', reco.popular());
  CALL reco.create_model('content', 'lines', reco.content(), items => 'about');
  CREATE TABLE words AS SELECT jsonb_object_agg('w' || i, i % 7) AS j FROM generate_series(1, 200000) AS i;
  CREATE TABLE numbers AS SELECT array_agg((i % 7)::real) AS x, array_agg(i) AS y FROM generate_series(1, 3200000) AS i;
});

# Looks in a call, of a session that has called it for little before.
sub looks
{
  my ($call, $small) = @_;
  my $what = $call =~ / AS x / ? 'x' : '*';
  my $before = $small ? "SELECT count(*) FROM $small;\n" : '';
  my $out = $node->safe_psql('postgres', "SET client_min_messages = warning; LOAD 'reco';\n${before}SET reco.polls = 0;\nSELECT count($what) FROM $call;\nSHOW reco.polls");
  return (split /\n/, $out)[-1];
}

sub at_least
{
  my ($name, $wanted, $call, $small) = @_;
  my $got = looks($call, $small);
  note("$name: $got");
  cmp_ok($got, '>=', $wanted, $name);
}

my $unknown = '(SELECT array_agg(i) FROM generate_series(1000, 20999) AS i)';
at_least('each id of an option', 20000, "popular.recommend(1, 5, exclude => $unknown)", 'popular.recommend(1, 5)');
at_least('each id of a basket, and each weight', 40000,
  "popular.recommend_for($unknown, n => 5, weights => (SELECT array_agg(1::real) FROM generate_series(1, 20000)))", 'popular.recommend(1, 5)');
at_least('the order of a profile', 5000, 'content.user_profile(0)', 'content.recommend(1, 1)');
at_least('the order of a list that is ranked anew', 500, 'popular.rerank(1, (SELECT array_agg(i) FROM generate_series(0, 499) AS i))', 'popular.recommend(1, 5)');
at_least('each row of a list', 490, 'popular.recommend(1, NULL)', 'popular.recommend(1, 5)');

# what is read and what is compared: some thousands, or a million of the cheapest, at a time
at_least('characters that make no lexeme', 100, q{(SELECT reco.bigrams('ab' || repeat('-', 2000000)) AS x ) AS t});
at_least('keywords of objects, and their comparison', 400012, '(SELECT reco.cosine_similarity(j, j) AS x FROM words) AS t');
at_least('elements of a sum of arrays', 9, '(SELECT reco.vector_sum(x) AS x FROM numbers) AS t');
at_least('elements of sets', 60, '(SELECT reco.jaccard_similarity(y, y) AS x FROM numbers) AS t');

# reports and summaries of what an owner may have written into the row of a version: beside the same without
my @shown = (q{reco.summary('popular')}, q{(SELECT reco.report('popular') AS x ) AS t});
my @before = map { looks($_, $_) } @shown;
# So many numbers of a loss and of a member's, algorithms that were tried, and bins.
sub write_row
{
  my ($loss, $numbers, $objects, $bins) = @_;
  $node->safe_psql('postgres', qq{UPDATE popular.model_version SET loss = (SELECT array_agg(1::real) FROM generate_series(1, $loss)),
    member_loss = jsonb_build_object('1', (SELECT jsonb_agg(1) FROM generate_series(1, $numbers))),
    choice = jsonb_build_object('choices', jsonb_build_array(jsonb_build_object('metric', 'm', 'tried',
      (SELECT jsonb_agg(jsonb_build_object('algorithm', 'a', 'value', i)) FROM generate_series(1, $objects) AS i)))),
    calibration = jsonb_build_object('of', 'scores', 'bins', (SELECT jsonb_agg(jsonb_build_object('said', 1)) FROM generate_series(1, $bins)))});
}

write_row(250000, 80000, 16000, 30000);
my @after = map { looks($_, $_) } @shown;
cmp_ok($after[0] - $before[0], '>=', 30000 / 4096 - 1, 'a summary of a long loss and many bins') or diag "$before[0], $after[0]";
cmp_ok($after[1] - $before[1], '>=', 126000 / 4096 - 3, 'a report of a long loss, of many numbers, objects and bins')
  or diag "$before[1], $after[1]";
# nothing of more than a megabyte is looked at
write_row(8 * 1048576, 300000, 100000, 100000);
@after = map { looks($_, $_) } @shown;
cmp_ok($after[$_] - $before[$_], '<=', 3, "not of $shown[$_] of what is longer") or diag "$before[$_], $after[$_]" for 0, 1;

$node->stop;
done_testing();
