# What a version's tables hold counts against reco.max_memory while it is read, and so does
# what a caller's items and ids take: rows that their owner made large, or that are very many, are an
# error with a hint, and the session does not take much more than the limit before it says so.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

plan skip_all => 'no /proc' unless -r '/proc/self/status';

# pages of shared memory that a session touches count as its own
my $node = new_node('counted', 'autovacuum = off', 'shared_buffers = 4MB', 'max_parallel_maintenance_workers = 1');
my $peak = q{SELECT 'peak ' || substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*([0-9]+)')};
my $refused = qr/ needs an estimated \d+ kB of memory, more than "reco\.max_memory" allows.*HINT:  Raise "reco\.max_memory"/s;

sub sql
{
  return $node->safe_psql('postgres', "SET client_min_messages = warning; $_[0]");
}

# Output, errors, and by how many MB a call raised the peak of its session; other statements before it.
sub call
{
  my ($call, @before) = @_;
  my ($rc, $out, $err) =
    $node->psql('postgres', join(";\n", 'SET client_min_messages = warning', q{LOAD 'reco'}, @before, $peak, $call, $peak), on_error_stop => 0);
  my ($from, $to) = $out =~ /^peak (\d+)$/mg;
  $out =~ s/^peak \d+\n?//mg;
  return ($out, $err, ($to - $from) / 1024);
}

# Refused within the limit and some room; not a word of damage; and served without it.
sub counted
{
  my ($what, $limit, $call, $answer, @before) = @_;
  my ($out, $err, $more) = call($call, @before, "SET reco.max_memory = '${limit}MB'");
  like($err, $refused, "$what: refused");
  note(sprintf '%s: %.0f MB with a limit of %d MB', $what, $more, $limit);
  cmp_ok($more, '<', $limit + 16, "$what: within the limit");
  is(sql($call), $answer, "$what: served with the default");
}

sub forget_images
{
  unlink glob($node->data_dir . '/base/pgsql_tmp/pgsql_tmp_reco*');
}

sql(q{
  CREATE TABLE lines AS SELECT 'u' || lpad(u::text, 4, '0') AS user_id, 'i' || (u * 7 + k * k * 13) % 2000 AS item_id
    FROM generate_series(0, 1999) AS u, generate_series(0, 4) AS k UNION SELECT 'u' || lpad(i::text, 4, '0'), 'i' || i FROM generate_series(0, 1999) AS i;
  CREATE TABLE about AS SELECT 'i' || i AS id, ARRAY['t' || i] AS tags FROM generate_series(0, 1999) AS i;
  CALL reco.create_model('lists', 'lines', reco.item_knn());
  CALL reco.create_model('terms', 'lines', reco.content(), items => 'about');
  CALL reco.create_model('ids', 'lines', reco.ials(factors => 4, iterations => 1));

  UPDATE lists.model_item SET parts = ARRAY[decode(repeat('00', 2000 * 12), 'hex')];
  UPDATE terms.model_item SET features = '\x00d00f' || decode(repeat('00', 2000), 'hex');
});

# 46 MB of lists, 31 MB of terms
counted('lists', 16, q{SELECT count(*) FROM lists.recommend('u0001', 3)}, 3);
counted('terms', 8, q{SELECT count(*) FROM terms.recommend('u0001', 3)}, 3);

# 100 kB an id, of which an index keeps 1 kB
sql(q{UPDATE ids.model_item SET item_id = item_id || repeat('x', 100000) WHERE number % 2 = 0});
counted('ids of items', 32, q{SELECT count(*) FROM ids.recommend('u0001', 3)}, 3);
# and once more in one piece for the image
forget_images();
counted('the image of ids', 140, q{SELECT count(*) FROM ids.recommend('u0001', 3)}, 3);
sql(q{UPDATE ids.model_user SET user_id = user_id || repeat('x', 100000) WHERE number % 2 = 0 AND user_id <> 'u0001'});
counted('ids of users', 32, q{SELECT count(*) FROM ids.similar_users('u0001', 3)}, 3, q{SELECT count(*) FROM ids.recommend('u0001', 3)});

# a value of more than can be is not unpacked
sql(q{
  CALL reco.drop_model('lists');
  ALTER TABLE ids.model_user ALTER history SET STORAGE EXTENDED, ALTER parts SET STORAGE EXTENDED;
  UPDATE ids.model_user SET history = decode(repeat('00', 60000000), 'hex') WHERE user_id = 'u0001';
  UPDATE ids.model_user SET parts = ARRAY[decode(repeat('00', 60000000), 'hex')] WHERE user_id = 'u0003';
});
for my $case ([ 'u0001', qr/A user's history is not readable/ ], [ 'u0003', qr/A row's parts are not those of its algorithm/ ])
{
  my ($user, $message) = @$case;
  my ($out, $err, $more) = call("SELECT count(*) FROM ids.recommend('$user')", 'SELECT count(*) FROM ids.popular(1)');
  like($err, $message, "$user: damaged");
  cmp_ok($more, '<', 24, "$user: and not unpacked");
}
sql(q{
  ALTER TABLE terms.model_version ALTER fields SET STORAGE EXTENDED;
  UPDATE terms.model_version SET fields = jsonb_build_array(repeat('x', 100000000));
});
{
  my ($out, $err, $more) = call(q{SELECT count(*) FROM reco.models; SELECT count(*) FROM terms.recommend('u0001')}, 'SELECT count(*) FROM ids.popular(1)');
  like($err, qr/The fields of its features are not readable/, 'fields: damaged');
  cmp_ok($more, '<', 24, 'fields: and not unpacked');
}

# one term after the other
sql(q{
  CALL reco.refresh('terms');
  UPDATE terms.model_term SET term = number || repeat('x', 20000000) WHERE number IN (
    SELECT number FROM terms.model_term AS t, lines AS l WHERE l.user_id = 'u0001' AND t.term = 't' || substr(l.item_id, 2));
});
my ($out, $err, $more) = call(q{SELECT count(*), max(length(value)) FROM terms.user_profile('u0001') WHERE aspect = 'likes'}, 'SELECT count(*) FROM terms.popular(1)');
like($out, qr/^[4-6]\|2000000[1-4]/m, 'texts of terms') or diag($err);
cmp_ok($more, '<', 90, 'texts of terms: one at a time');
($out, $err, $more) = call(q{SELECT count(*) FROM terms.user_profile('u0001') WHERE aspect = 'likes'}, 'SELECT count(*) FROM terms.popular(1)', q{SET reco.max_memory = '16MB'});
like($err, $refused, 'texts of terms: refused');
cmp_ok($more, '<', 16, 'texts of terms: and not unpacked');

# an item with many long attributes: what the executor takes is seen beforehand
my $items = q{SELECT 'i1' AS id, array_fill(repeat('x', 1000000), ARRAY[100]) AS tags};
($out, $err, $more) = call(qq{CALL reco.create_model('long', 'lines', reco.content(), items => \$\$$items\$\$)}, "SELECT count(*) FROM ($items OFFSET 0) AS s WHERE tags <> '{}'");
is($err, '', 'long attributes');
cmp_ok($more, '<', 64, 'long attributes: their texts do not pile up');

# ids that a caller names
my $named = q{(SELECT array_agg(i || repeat('x', 1000)) FROM generate_series(1, 20000) AS i)};
($out, $err, $more) = call("SELECT count(*) FROM terms.rerank('u0002', $named)", 'SELECT count(*) FROM terms.popular(1)', q{SET reco.max_memory = '8MB'});
like($err, $refused, 'ids of a request');


# a user of whom no row can hold what they have
SKIP:
{
  my ($rc) = $node->psql('postgres', q{LOAD 'reco'; SHOW reco.fault_entries});
  skip 'faults are not built in' if $rc != 0;
  my $set = 'SET reco.fault_entries = 5';
  my $create = q{CALL reco.create_model('most', 'SELECT user_id, item_id FROM lines UNION SELECT $$u9$$, item_id FROM lines', reco.popular()};
  ($rc, $out, $err) = $node->psql('postgres', "LOAD 'reco'; SET reco.fault_entries = 1000; $create)");
  like($err, qr/user "u9" of model "most" has 2000 interactions, more than can be stored.*HINT: .*reco\.options\(max_user_interactions\)/s, 'too many interactions');
  is(leftovers($node, 'most'), '', 'nothing is left');
  ($rc, $out, $err) = $node->psql('postgres', "LOAD 'reco'; SET reco.fault_entries = 1000; $create, options => reco.options(max_user_interactions => 1000))");
  is($rc, 0, 'the hint helps');
  ($rc, $out, $err) = $node->psql('postgres', q{LOAD 'reco'; SET reco.fault_entries = 900; CALL reco.refresh('most')});
  like($err, qr/user "u9" of model "most" has 1000 interactions/, 'a refresh is refused');
  is(sql('SELECT count(*) FROM most.model_user'), 2001, 'and writes nothing');
  ($rc, $out, $err) = $node->psql('postgres', q{LOAD 'reco'; SET reco.fault_entries = 20;
    CALL reco.create_model('wide', 'lines', reco.content(), items => $$SELECT id, tags || ARRAY(SELECT 'w' || k FROM generate_series(1, 20) AS k WHERE id = 'i7') AS tags FROM about$$)});
  like($err, qr/item "i7" of model "wide" has 21 terms, more than can be stored/, 'too many terms');
  ($rc, $out, $err) = $node->psql('postgres', q{LOAD 'reco'; SET reco.fault_entries = 1000;
    CALL reco.create_model('many', 'SELECT user_id, item_id FROM lines UNION SELECT $$u9$$, item_id FROM lines', reco.ials(factors => 2, iterations => 1, engine => 'sql'))});
  like($err, qr/user "u9" of model "many" has 2000 interactions, more than can be stored/, 'too many interactions by SQL');
  is(leftovers($node, 'many'), '', 'nothing is left');
  # numbers of users, items and what else is counted are of 31 bits
  my $few = q{LOAD 'reco'; SET reco.fault_ids = 1000; CALL reco.create_model('many', };
  for my $case (
    ['users', q{'SELECT g, g % 7 FROM generate_series(1, 1001) AS g', reco.popular())}],
    ['users in any order, with long ids', q{'SELECT g || repeat($$x$$, 200), g % 7 FROM generate_series(1001, 1, -1) AS g', reco.ials(factors => 2))}],
    ['items', q{'SELECT g % 7, g FROM generate_series(1, 1001) AS g', reco.item_knn())}],
    ['items that only their features tell of', q{'SELECT g % 7, g % 9 FROM generate_series(1, 100) AS g', reco.content(), items => 'SELECT g AS id, g % 5 AS color FROM generate_series(1, 1001) AS g')}],
    ['items by SQL', q{'SELECT g % 7, g FROM generate_series(1, 1001) AS g', reco.ials(factors => 2, engine => 'sql'))}])
  {
    my ($what, $call) = @$case;
    ($rc, $out, $err) = $node->psql('postgres', "$few$call");
    like($err, qr/too many distinct ids.*DETAIL:  A model holds at most 1000 users or items/s, "too many $what");
    is(leftovers($node, 'many'), '', "too many $what: nothing is left");
  }
  ($rc, $out, $err) = $node->psql('postgres', qq{${few}'SELECT g, g % 7 FROM generate_series(1, 1001) AS g', reco.ials(factors => 2, iterations => 1, engine => 'sql'))});
  like($err, qr/model "many" has more than 1000 users/, 'too many users by SQL');
  is(leftovers($node, 'many'), '', 'too many users by SQL: nothing is left');
  ($rc, $out, $err) = $node->psql('postgres', qq{${few}'SELECT g, g % 7 FROM generate_series(1, 1000) AS g', reco.ials(factors => 2, iterations => 1, engine => 'sql'))});
  is($rc, 0, 'as many as there may be') or diag $err;
  $node->safe_psql('postgres', q{CALL reco.drop_model('many')});
  ($rc, $out, $err) = $node->psql('postgres', q{CALL reco.create_model('many', 'SELECT g, g % 7 FROM generate_series(1, 100) AS g', reco.ials(factors => 2), options => reco.options(live => 'off'));
    ALTER TABLE many.model DISABLE TRIGGER USER; UPDATE many.model SET source = 'SELECT g, g % 7 FROM generate_series(1, 110) AS g';
    LOAD 'reco'; SET reco.fault_ids = 105; CALL reco.fold_in('many', users => 'SELECT generate_series(101, 110)')});
  like($err, qr/model "many" has too many users.*HINT:  Train it again/s, 'too many users who are folded in') or diag $err;
  ($rc, $out, $err) = $node->psql('postgres', q{LOAD 'reco'; SET reco.fault_ids = 110; CALL reco.fold_in('many', users => 'SELECT generate_series(101, 110)')});
  is($rc, 0, 'as many as there may be') or diag $err;
  $node->safe_psql('postgres', q{CALL reco.drop_model('many')});

  # 100 users with 20 events in 11 sessions, which are counted in 31 bits as well
  sql(q{CREATE TABLE events AS SELECT u AS user_id, (u + k) % 9 AS item_id, 1 AS value, '2024-01-01'::timestamptz + make_interval(hours => k / 2, secs => u) AS at
    FROM generate_series(1, 100) AS u, generate_series(1, 20) AS k});
  my $cut = q{options => reco.options(session_gap => '30 minutes', measure => false)};
  my %numbered = (sequence => 1100, session_knn => 1100, session_linear => 3100, 'hybrid(ARRAY[reco.popular(), reco.sequence()])' => 1100);
  for my $algorithm (sort keys %numbered)
  {
    my $call = $algorithm =~ /\)$/ ? "reco.$algorithm" : "reco.$algorithm()";
    my $limited = sub { return $node->psql('postgres', "LOAD 'reco'; SET reco.fault_ids = $_[0]; CALL reco.create_model('cut', 'events', $call, $cut)") };
    ($rc, $out, $err) = $limited->($numbered{$algorithm} - 1);
    like($err, qr/too many (events and )?sessions.*DETAIL:  The algorithm numbers at most \d+ of them.*HINT:  With a later "since"/s, "$algorithm: too many sessions");
    is(leftovers($node, 'cut'), '', "$algorithm: nothing is left");
    ($rc, $out, $err) = $limited->($numbered{$algorithm});
    is($rc, 0, "$algorithm: as many as there may be") or diag $err;
    ($rc, $out, $err) = $node->psql('postgres', "LOAD 'reco'; SET reco.fault_ids = $numbered{$algorithm}; SELECT count(*) FROM cut.recommend_for(ARRAY[1], n => 3)");
    is($out, 3, "$algorithm: and it serves") or diag $err;
    if ($algorithm eq 'session_knn')
    {
      # the sessions are cut again where a version is made ready to serve
      forget_images();
      $node->restart;
      ($rc, $out, $err) = $node->psql('postgres', q{LOAD 'reco'; SET reco.fault_ids = 1099; SELECT count(*) FROM cut.recommend_for(ARRAY[1], n => 3)});
      like($err, qr/too many sessions/, 'session_knn: too many sessions to serve');
      is(sql(q{SELECT count(*) FROM cut.recommend_for(ARRAY[1], n => 3)}), 3, 'session_knn: and serves on');
    }
    sql(q{CALL reco.drop_model('cut')});
  }
  # events of one user, which lie in one value
  my $limited = sub { return $node->psql('postgres', "LOAD 'reco'; SET reco.fault_entries = $_[0]; CALL reco.create_model('cut', 'events', reco.$_[1](), options => reco.options(measure => false))") };
  ($rc, $out, $err) = $limited->(19, 'sequence');
  like($err, qr/user "1" of model "cut" has 20 events, more than can be stored.*DETAIL:  A user may have 19 of them.*HINT:  If that is no person/s, 'too many events');
  is(leftovers($node, 'cut'), '', 'too many events: nothing is left');
  ($rc, $out, $err) = $limited->(20, 'sequence');
  is($rc, 0, 'as many as there may be') or diag $err;
  sql(q{INSERT INTO events SELECT 7, 3, 1, '2024-02-01'});
  ($rc, $out, $err) = $node->psql('postgres', q{LOAD 'reco'; SET reco.fault_entries = 20; CALL reco.fold_in('cut')});
  like($err, qr/user "7" of model "cut" has 21 events/, 'too many events to be folded in');
  sql(q{DELETE FROM events WHERE at = '2024-02-01'; CALL reco.drop_model('cut')});
  ($rc, $out, $err) = $limited->(19, 'item_knn');
  is($rc, 0, 'an algorithm that does not go by them') or diag $err;
  sql(q{CALL reco.drop_model('cut')});
  # and what one has seen
  ($rc, $out, $err) = $node->psql('postgres', q{LOAD 'reco'; SET reco.fault_entries = 7; CALL reco.create_model('cut',
    'SELECT user_id, item_id, value, at, CASE WHEN item_id = user_id % 9 THEN $$buy$$ ELSE $$view$$ END AS kind FROM events', reco.popular(),
    options => reco.options(kind_weights => '{"buy": 1, "view": 0}', seen_kinds => '{view,buy}', measure => false))});
  like($err, qr/user "1" of model "cut" has seen \d+ items, more than can be stored.*HINT:/s, 'too many items that are seen');
  is(leftovers($node, 'cut'), '', 'too many items that are seen: nothing is left');
  my $ask = q{SELECT count(*) FROM reco.evaluate('events', ARRAY[reco.popular()], split => 'next_item')};
  ($rc, $out, $err) = $node->psql('postgres', "LOAD 'reco'; SET reco.fault_ids = 200; $ask");
  like($err, qr/too many times to ask what comes next.*DETAIL:  There are 200 of hidden users; less than 200 are asked for.*HINT:  With a smaller test_fraction/s, 'too many times that are asked for');
  ($rc, $out, $err) = $node->psql('postgres', "LOAD 'reco'; SET reco.fault_ids = 201; $ask");
  is($rc, 0, 'as many as there may be') or diag $err;

  # baskets that an item is counted in
  sql(qq{CALL reco.create_model('baskets', 'events', reco.repeat(), $cut)});
  my $with = q{SELECT count(*) > 0 FROM baskets.bought_together(1)};
  ($rc, $out, $err) = $node->psql('postgres', "LOAD 'reco'; SET reco.fault_ids = 1099; $with");
  like($err, qr/too many baskets.*DETAIL:  At most 1099 are counted.*HINT:  With basket => 'user'/s, 'too many baskets');
  ($rc, $out, $err) = $node->psql('postgres', "LOAD 'reco'; SET reco.fault_ids = 1100; $with");
  is($out, 't', 'as many as there may be') or diag $err;
  # users for campaigns
  my $candidates = q{SELECT count(chosen) FROM (SELECT reco.allocate(g, g % 3, 1::float8, 1) OVER () AS chosen FROM generate_series(1, N) AS g) AS s};
  ($rc, $out, $err) = $node->psql('postgres', q{LOAD 'reco'; SET reco.fault_ids = 1000; } . $candidates =~ s/N/1001/r);
  like($err, qr/too many candidates: the most are 1000.*HINT:  Give each user their best campaigns only/s, 'too many candidates');
  ($rc, $out, $err) = $node->psql('postgres', q{LOAD 'reco'; SET reco.fault_ids = 1000; } . $candidates =~ s/N/1000/r);
  is($out, 1000, 'as many as there may be') or diag $err;
}

$node->stop;
done_testing();
