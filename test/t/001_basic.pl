# A model from its creation to its end, across sessions: what one session makes,
# others serve; DISCARD ALL, new versions and dropped models are noticed by
# sessions that have served before.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('basic');
make_lines($node, 'lines', 200, 100, 4000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

my $source = 'SELECT customer_id, product_id, qty FROM lines';

my ($rc, $out, $err) = $node->psql('postgres',
  "CALL reco.create_model('home', source => '$source', algorithm => reco.ials(factors => 16))");
is($rc, 0, 'create_model succeeds');
like(
  $err,
  qr/NOTICE:  model "home" version 1: 200 users, 100 items, \d+ interactions/,
  'and says what it made');

is(sql('SELECT model, version, status, users, items FROM reco.models'),
  'home|1|ready|200|100', 'another session sees it in reco.models');
is(sql('SELECT count(*), count(DISTINCT item_id), min(source) FROM home.recommend(42)'),
  '10|10|model', 'and serves ten items by the model');
is( sql('SELECT count(*) FROM home.recommend(42, n => NULL) JOIN lines ON product_id = item_id AND customer_id = 42'),
  '0', 'none of which the user has');
is(sql("SELECT item_id FROM reco.recommend('home', 42) ORDER BY rank"),
  sql('SELECT item_id FROM home.recommend(42) ORDER BY rank'),
  'the untyped function recommends the same');
is(sql('SELECT min(source) FROM home.recommend(99999)'), 'popular', 'an unknown user gets what is popular, said so');

# A session that lives through all that follows.
my $session = $node->background_psql('postgres');
my $top = 'SELECT string_agg(item_id::text, $$,$$ ORDER BY rank) FROM home.recommend(7)';
my $first = $session->query_safe($top);
is($first, sql($top), 'two sessions agree');

$session->query_safe('DISCARD ALL');
is($session->query_safe($top), $first, 'DISCARD ALL changes nothing');
$session->query_safe('SET reco.max_memory = 1024');
is($session->query_safe($top), $first, 'nor does a setting');

# The same rows train to the same version.
sql("CALL reco.refresh('home')");
is(sql('SELECT version FROM home.versions WHERE active'), '2', 'a refresh makes version 2 the active one');
is($session->query_safe($top), $first, 'the same rows give the same list');
is(sql('SELECT count(*) FROM home.model_user GROUP BY version HAVING count(*) <> 200'), '', 'versions are whole');

# Other rows do not: user 7 takes to another class of items.
sql('DELETE FROM lines WHERE customer_id = 7');
sql('INSERT INTO lines SELECT 7, p * 4 + 1, 5 FROM generate_series(0, 12) AS p');
sql("CALL reco.refresh('home')");
my $second = sql($top);
isnt($second, $first, 'other rows give another list');
is($session->query_safe($top), $second, 'which the old session serves too');
is(sql('SELECT string_agg(version || $$ $$ || status, $$, $$ ORDER BY version) FROM home.versions'),
  '1 expired, 2 ready, 3 ready', 'two versions are kept');
is(sql('SELECT string_agg(DISTINCT version::text, $$,$$) FROM home.model_user'),
  '2,3', 'the rows of the first are gone');

# A changed definition takes effect at the next refresh.
sql("CALL reco.alter_model('home', algorithm => reco.popular())");
is($session->query_safe($top), $second, 'alter_model alone changes no list');
sql("CALL reco.refresh('home')");
is(sql('SELECT min(source) FROM home.recommend(7)'), 'popular', 'the refresh does');
isnt($session->query_safe($top), $second, 'in the old session as well');

# Inside a transaction block everything is undone together.
my $before = $session->query_safe($top);
sql("BEGIN; CALL reco.alter_model('home', algorithm => reco.ials(factors => 8));
     CALL reco.refresh('home'); ROLLBACK");
is($session->query_safe($top), $before, 'a refresh that was rolled back leaves no trace');
is(sql('SELECT max(version) FROM home.versions'), '4', 'not even a version');
sql("BEGIN; CALL reco.alter_model('home', algorithm => reco.ials(factors => 8));
     CALL reco.refresh('home'); COMMIT");
is(sql('SELECT min(source) FROM home.recommend(7)'), 'model', 'one that was committed serves');

# Renamed, dropped and made again under the old session's eyes.
sql('ALTER SCHEMA home RENAME TO "My Home"');
(my $renamed = $top) =~ s/home\./"My Home"./;
is($session->query_safe($renamed), sql($renamed), 'a renamed model serves in an old session');
sql(q{CALL reco.refresh('My Home')});
sql('ALTER SCHEMA "My Home" RENAME TO home');
sql("CALL reco.drop_model('home')");
is(leftovers($node, 'home'), '', 'a dropped model leaves nothing');
sql("CALL reco.create_model('home', source => '$source', algorithm => reco.ials(factors => 16))");
is($session->query_safe($top), sql($top), 'an old session serves a model of the same name');

# The session that creates is the session that serves and drops.
my $own = $node->background_psql('postgres');
$own->query_safe('SET client_min_messages = warning');
$own->query_safe("CALL reco.create_model('other', source => '$source', algorithm => reco.ials(factors => 8))");
is($own->query_safe('SELECT count(*) FROM other.recommend(1)'), '10', 'a session serves what it has made');
$own->query_safe('DISCARD ALL');
is($own->query_safe('SELECT count(*) FROM other.recommend(1)'), '10', 'after DISCARD ALL too');
$own->query_safe("CALL reco.drop_model('other')");
is(leftovers($node, 'other'), '', 'and drops it');
$own->quit;
$session->quit;

# A restart loses nothing.
my $served = recommendations($node, 'home');
$node->restart;
is(recommendations($node, 'home'), $served, 'after a restart the model serves the same');

# A training that is between two of its transactions is not one that was interrupted.
sql(q{CALL reco.create_model('often', source => 'lines', algorithm => reco.popular())});
my $trainer = start_sql($node, [ (q{CALL reco.refresh('often')}) x 60 ]);
sql(q{DO $$ DECLARE found record; BEGIN
  WHILE (SELECT max(version) < 60 FROM often.versions) LOOP
    FOR k IN 1..20 LOOP
      SELECT status, last_error INTO found FROM reco.health WHERE model = 'often';
      IF found.status <> 'ready' THEN RAISE EXCEPTION '% while it is trained: %', found.status, found.last_error; END IF;
    END LOOP;
    COMMIT;
  END LOOP; END $$});
is((finish_sql($trainer))[0], 0, 'reco.health tells of no failure while a model is refreshed');
sql(q{CALL reco.drop_model('often')});

# The extension goes only with its models.
($rc, $out, $err) = $node->psql('postgres', 'DROP EXTENSION reco');
isnt($rc, 0, 'DROP EXTENSION is refused while there is a model');
like($err, qr/depend/, 'for models depend on it');
sql('DROP SCHEMA home CASCADE');
is(sql('SELECT count(*) FROM reco.models'), '0', 'DROP SCHEMA removes a model too');
sql('DROP EXTENSION reco');
is(sql("SELECT count(*) FROM pg_proc WHERE probin ~ 'reco'"), '0', 'then its functions go');

$node->stop;
done_testing();
