# Logical replication of a model: a subscriber with the extension and the model's schema
# serves what the publisher serves, before and after a refresh there.
#
# What it takes: the schema by pg_dump -s, and all tables of the model published together
# (a subscription applies whole transactions, so no mixture of versions is seen). Their
# primary keys are the replica identities. Until the first copy of all tables is
# complete, calls on the subscriber may say that the model is damaged.
#
# What does not replicate: the schema, its functions, views and grants, and what ALTER
# changes of them; the source and what the items are, so live => 'off' (with 'auto' what
# a user has is that of the training, too, and the log says why); the images, which
# each server makes from its rows; what is told of a training that runs (reco.progress)
# and the lock that keeps two apart. A subscriber that refreshes itself makes versions
# whose numbers the publisher's will meet: it must not.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my @logical = ('wal_level = logical', 'wal_retrieve_retry_interval = 100ms');
my $publisher = new_node('publisher', @logical);
my $subscriber = new_node('subscriber', @logical);
make_lines($publisher, 'lines', 200, 100, 4000);
$publisher->safe_psql('postgres',
  q{CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7, 'b' || i % 11] AS tags FROM generate_series(0, 99) AS i});
my %algorithms = (home => 'reco.ials(factors => 16)', near => 'reco.user_knn()', tags => 'reco.content()');
for my $name (sort keys %algorithms)
{
  $publisher->safe_psql('postgres',
    "CALL reco.create_model('$name', source => 'SELECT customer_id, product_id, qty FROM lines',
     algorithm => $algorithms{$name}, items => 'about', options => reco.options(live => 'off'))");
}
$publisher->safe_psql('postgres', "CALL reco.materialize('home', 3)");
$publisher->safe_psql('postgres', "CALL reco.segment('$_', 3)") for sort keys %algorithms;

my $schema = $publisher->basedir . '/schema.sql';
$publisher->command_ok(
  [ 'pg_dump', '-s', (map { ('-n', $_) } sort keys %algorithms), '-d', $publisher->connstr('postgres'), '-f', $schema ],
  'the schemas are dumped');
$subscriber->command_ok([ 'psql', '-Xq1', '-v', 'ON_ERROR_STOP=1', '-d', $subscriber->connstr('postgres'), '-f', $schema ],
  'and made on the subscriber');
is($subscriber->safe_psql('postgres', 'SELECT status, count(*) FROM reco.models GROUP BY 1'), 'damaged|' . keys(%algorithms),
  'without rows they are damaged there');
my ($rc, $out, $err) = $subscriber->psql('postgres', 'SELECT * FROM home.recommend(5)');
like($err, qr/model "home" is damaged.*\n?DETAIL:  Its definition is missing/, 'and say what is missing');

my @tables = qw(model model_version model_user model_user_layer model_item model_part model_term model_list model_segment model_segment_profile model_change);
$publisher->safe_psql('postgres',
  'CREATE PUBLICATION models FOR TABLE ' . join(', ', map { my $name = $_; map { "$name.$_" } @tables } sort keys %algorithms));
my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION models CONNECTION '$connection' PUBLICATION models");
$subscriber->wait_for_subscription_sync($publisher, 'models');

# All that reads the tables, the images of both kinds, and the views.
sub same_everywhere
{
  my ($what) = @_;
  for my $name (sort keys %algorithms)
  {
    is(recommendations($subscriber, $name), recommendations($publisher, $name), "$what: lists of $name");
    for my $query ("SELECT * FROM $name.audience(5)", "SELECT * FROM $name.user_profile(7)",
      "SELECT * FROM $name.versions ORDER BY version", "SELECT * FROM $name.recommend_for('{1,2,3}')",
      "SELECT * FROM $name.recommendations ORDER BY user_id, rank",
      "SELECT * FROM $name.segments JOIN $name.segment_profile USING (segment) ORDER BY user_id",
      "SELECT model, version, status, users, items, trained_at FROM reco.models ORDER BY 1")
    {
      is($subscriber->safe_psql('postgres', $query), $publisher->safe_psql('postgres', $query), "$what: $query");
    }
  }
}

same_everywhere('at first');
isnt(recommendations($subscriber, 'home'), '', 'there is something to serve');
my $session = $subscriber->background_psql('postgres');
my $top = 'SELECT string_agg(item_id || $$:$$ || score, $$,$$ ORDER BY rank) FROM home.recommend(7)';
my $before = $session->query_safe($top);
is($before, $publisher->safe_psql('postgres', $top), 'a session of the subscriber serves');

# While the publisher trains, by either engine, it serves what it has.
for my $engine ('memory', 'sql')
{
  my $training = start_sql($publisher, "CALL reco.create_model('long_$engine', 'SELECT customer_id, product_id FROM lines',
    reco.ials(factors => 256, iterations => 1000, engine => '$engine'))");
  $publisher->poll_query_until('postgres', "SELECT count(*) = 1 FROM reco.progress WHERE model = 'long_$engine' AND iteration > 0");
  is($session->query_safe($top), $before, "it serves while the publisher trains, by $engine");
  $publisher->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ '^CALL reco.create_model'");
  finish_sql($training);
}

$publisher->safe_psql('postgres',
  'DELETE FROM lines WHERE customer_id = 7; INSERT INTO lines SELECT 7, p * 4 + 1, 5 FROM generate_series(0, 12) AS p;
   UPDATE about SET tags = tags || ARRAY[$$c$$ || id % 3]');
for my $round (2 .. 4)
{
  # two versions are kept, so that from the third on rows are deleted, too
  $publisher->safe_psql('postgres', "CALL reco.refresh('$_')") for sort keys %algorithms;
}
$publisher->safe_psql('postgres', "CALL reco.materialize('home', 5)");
$publisher->safe_psql('postgres', "CALL reco.segment('home', 4)");
$publisher->wait_for_catchup('models');
same_everywhere('after refreshes');
isnt($session->query_safe($top), $before, 'a session that served the old version serves the new one');
is($session->query_safe($top), $publisher->safe_psql('postgres', $top), 'as the publisher does');
is($subscriber->safe_psql('postgres', "SELECT count(DISTINCT version) FROM $_.model_user"), '2',
  "$_: rows of older versions are gone there") for sort keys %algorithms;

# Users who have changed, and one who is new, without a training.
$publisher->safe_psql('postgres', 'DELETE FROM lines WHERE customer_id IN (10, 15); INSERT INTO lines SELECT c, p * 3 + 1, 2 FROM unnest(ARRAY[10, 90]) AS c, generate_series(0, 9) AS p');
$publisher->safe_psql('postgres', "CALL reco.fold_in('$_')") for sort keys %algorithms;
$publisher->wait_for_catchup('models');
same_everywhere('after users were folded in');

$publisher->safe_psql('postgres', "CALL reco.activate('home', 3)");
$publisher->safe_psql('postgres', "CALL reco.alter_model('near', algorithm => reco.popular())");
$publisher->safe_psql('postgres', "BEGIN; CALL reco.refresh('near'); ROLLBACK");
$publisher->wait_for_catchup('models');
same_everywhere('after a rollback and a change of definition');

# With live => 'auto' the missing source is no error.
$publisher->safe_psql('postgres', "CALL reco.alter_model('home', options => reco.options())");
$publisher->wait_for_catchup('models');
is($session->query_safe($top), $publisher->safe_psql('postgres', $top), 'without a source the training is served');
$session->quit;

# When the publisher is gone, the subscriber goes on by itself.
$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION models DISABLE;
  ALTER SUBSCRIPTION models SET (slot_name = NONE)');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION models');
$subscriber->safe_psql('postgres', 'CREATE TABLE lines (customer_id int, product_id int, qty int);
  INSERT INTO lines SELECT g % 20, g % 7, 1 FROM generate_series(1, 100) AS g;
  CREATE TABLE about AS SELECT i AS id, $$a$$ || i % 3 AS tag FROM generate_series(0, 6) AS i');
$subscriber->safe_psql('postgres', "CALL reco.refresh('home')");
is($subscriber->safe_psql('postgres', 'SELECT version, users FROM home.versions WHERE active'), '5|20',
  'it is refreshed from a source of its own');

$subscriber->stop;
$publisher->stop;
done_testing();
