# A streaming standby serves what the primary serves, before and after a
# refresh, and goes on with the model when it is promoted. Case C42.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $primary = new_node('primary');
make_lines($primary, 'lines', 200, 100, 4000);
$primary->safe_psql('postgres',
  "CALL reco.create_model('home', source => 'SELECT customer_id, product_id, qty FROM lines',
   algorithm => reco.ials(factors => 16))");

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub caught_up
{
  $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
}

caught_up();
my $first = recommendations($primary, 'home');
is(recommendations($standby, 'home'), $first, 'the standby serves what the primary serves');
is( $standby->safe_psql('postgres', 'SELECT model, version, status FROM reco.models'),
  'home|1|ready', 'reco.models works there');
is( $standby->safe_psql('postgres', 'SELECT count(*) FROM home.similar_users(5)'),
  '10', 'so do similar users');

my $session = $standby->background_psql('postgres');
my $top = 'SELECT string_agg(item_id::text, $$,$$ ORDER BY rank) FROM home.recommend(7)';
my $before = $session->query_safe($top);

$primary->safe_psql('postgres',
  'DELETE FROM lines WHERE customer_id = 7;
   INSERT INTO lines SELECT 7, p * 4 + 1, 5 FROM generate_series(0, 12) AS p');
$primary->safe_psql('postgres', "CALL reco.refresh('home')");
caught_up();
is(recommendations($standby, 'home'), recommendations($primary, 'home'), 'after a refresh the same');
isnt($session->query_safe($top), $before, 'a session that served the old version serves the new one');

# What was bought since the training is not shown there either, and a user who came
# since is served.
$primary->safe_psql('postgres',
  "CREATE INDEX ON lines (customer_id);
   INSERT INTO lines SELECT 7, item_id, 1 FROM home.recommend(7, 3);
   INSERT INTO lines SELECT 9999, item_id, 1 FROM home.recommend(7, 3);");
caught_up();
for my $user (7, 9999)
{
  my $list = "SELECT string_agg(item_id || ' ' || score || source, ',' ORDER BY rank) FROM home.recommend($user)";
  is( $standby->safe_psql('postgres', $list),
    $primary->safe_psql('postgres', $list), "live rows of user $user are seen on the standby");
  is( $standby->safe_psql('postgres',
      "SELECT count(*) FROM home.recommend($user, NULL) JOIN lines ON item_id = product_id AND customer_id = $user"),
    '0', "and nothing that user $user has is shown");
}
is( $standby->safe_psql('postgres', "SELECT line ~ 'read from the source' FROM reco.explain_source('home') LIMIT 1"),
  't', 'explain_source() works there');
$session->query_safe($top);

# While the primary trains the standby serves, whichever engine trains; tables of work are not there.
for my $engine ('memory', 'sql')
{
  my $training = start_sql($primary, "CALL reco.create_model('long_$engine', 'SELECT customer_id, product_id FROM lines',
    reco.ials(factors => 256, iterations => 1000, engine => '$engine'), options => reco.options(value => 'binary'))");
  $primary->poll_query_until('postgres', "SELECT count(*) = 1 FROM reco.progress WHERE model = 'long_$engine' AND iteration > 0");
  isnt($session->query_safe($top), '', "the standby serves while the primary trains, by $engine");
  is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname LIKE 'model_work%'"), '0', 'and has no table of work');
  $primary->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ '^CALL reco.create_model'");
  finish_sql($training);
}
$primary->safe_psql('postgres', "CALL reco.create_model('by_sql', 'SELECT customer_id, product_id FROM lines', reco.ials(factors => 8, iterations => 3, engine => 'sql'))");
caught_up();
is(recommendations($standby, 'by_sql'), recommendations($primary, 'by_sql'), 'a model that was trained by SQL is served there');

# What writes is refused as PostgreSQL refuses it.
for my $call (
  "reco.refresh('home')",
  "reco.create_model('other', source => 'lines')",
  "reco.alter_model('home', algorithm => reco.popular())",
  "reco.drop_model('home')")
{
  my ($rc, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY sqlstate\nCALL $call");
  like($err, qr/ERROR:  25006/, "CALL $call fails on a standby with 25006");
}
is( $standby->safe_psql('postgres', "SELECT count(*) FROM reco.recommend('home', 7)"),
  '10', 'and it goes on serving');

# The same in a read-only transaction on the primary.
my ($rc, $out, $err) = $primary->psql('postgres',
  "\\set VERBOSITY sqlstate\nBEGIN READ ONLY;\nCALL reco.refresh('home');\n");
like($err, qr/ERROR:  25006/, 'a refresh in a read-only transaction fails with 25006');
is( $primary->safe_psql('postgres', 'BEGIN READ ONLY; SELECT count(*) FROM home.recommend(7); COMMIT'),
  '10', 'serving does not');

# Promoted, it trains itself, and versions of the same number do not meet.
my $old_version = $session->query_safe($top);
$standby->promote;
$standby->safe_psql('postgres', 'DELETE FROM lines WHERE customer_id BETWEEN 0 AND 80');
$standby->safe_psql('postgres', "CALL reco.refresh('home')");
is( $standby->safe_psql('postgres', 'SELECT version FROM home.versions WHERE active'),
  '3', 'after promotion a refresh works');
is($session->query_safe($top), $standby->safe_psql('postgres', $top), 'and sessions see it');
$session->quit;

$standby->stop;
$primary->stop;
done_testing();
