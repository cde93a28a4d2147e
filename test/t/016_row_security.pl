# Row-level security. On a source: what the model's owner sees is what is trained and
# looked up live, whoever refreshes and whoever asks. On a model's own tables: nobody is
# shown what a policy hides from them, also not from what is cached or mapped.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('rows');
make_lines($node, 'lines', 200, 100, 4000);

# As a role (the superuser: undef): the output, '' on an error, and the error.
sub ask
{
  my ($role, $query, @settings) = @_;
  my ($rc, $out, $err) = $node->psql('postgres', join('', map { "SET $_;" } @settings) . $query,
    extra_params => [ $role ? ('-U', $role) : () ], on_error_stop => 1);
  return wantarray ? ($out, $err) : $out;
}

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sub as_alice
{
  return $node->safe_psql('postgres', $_[0], extra_params => [ '-U', 'alice' ]);
}

# A source in which each role sees the lines of one shop, with items of its own, and
# what is known of the items likewise.
sql(q{CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE carol LOGIN;
  GRANT CREATE ON DATABASE postgres TO alice;
  CREATE TABLE orders AS SELECT customer_id, product_id, qty,
      CASE WHEN product_id < 50 THEN 'alice' ELSE 'bob' END::name AS shop FROM lines;
  CREATE INDEX ON orders (customer_id); ANALYZE orders;
  CREATE TABLE goods (id int PRIMARY KEY, kind text, available bool, shop name);
  INSERT INTO goods SELECT i, 'k' || i % 7, true, CASE WHEN i < 45 THEN 'alice' ELSE 'bob' END FROM generate_series(0, 99) AS i;
  ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON orders USING (shop = current_user);
  ALTER TABLE goods ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON goods USING (shop = current_user);
  GRANT SELECT ON orders, goods TO alice, bob, carol});
as_alice(q{CALL reco.create_model('home', source => 'SELECT customer_id, product_id, qty FROM public.orders',
  items => 'SELECT id, kind, available FROM public.goods', algorithm => reco.ials(factors => 8), options => reco.options(live => 'on'));
  CALL reco.grant_use('home', 'bob'); CALL reco.grant_use('home', 'carol')});

my $trained = 'SELECT min(item_id) || $$ to $$ || max(item_id) FROM home.item_factors';
my $shown = 'SELECT min(item_id) || $$ to $$ || max(item_id) FROM home.recommend(7, NULL, include_seen => true)';
my $has = 'SELECT string_agg(because_item::text, $$ $$ ORDER BY because_item) FROM home.explain(7, 7)';
my $alices = sql(q{SELECT string_agg(DISTINCT lpad(product_id::text, 2), ' ') FROM orders WHERE customer_id = 7 AND shop = 'alice'})
  =~ s/ +/ /gr =~ s/^ //r;
is(sql($trained), '0 to 49', 'trained is what the owner sees');
sql("CALL reco.refresh('home')");
is(sql($trained), '0 to 49', 'also when a superuser refreshes');
for my $caller (undef, qw(alice bob carol))
{
  my $name = $caller // 'a superuser';
  is(ask($caller, $has), $alices, "live for $name: what the owner sees");
  is(ask($caller, $shown), '0 to 44', "available for $name: what the owner sees");
}

# One session, several roles: the plan of the look-up is the owner's.
my $session = $node->background_psql('postgres');
for my $caller (qw(bob alice none))
{
  $session->query_safe("SET ROLE $caller");
  is($session->query_safe($has), $alices, "the same in one session, as $caller");
}
sql(q{INSERT INTO orders VALUES (7, 48, 1, 'bob')});
is($session->query_safe($has), $alices, 'a row that the owner does not see changes nothing');
sql(q{INSERT INTO orders SELECT 9999, product_id, 1, 'bob' FROM orders WHERE product_id < 50 LIMIT 5});
is($session->query_safe('SELECT DISTINCT source FROM home.recommend(9999)'), 'popular', 'and is no history of a new user');
sql(q{ALTER POLICY own ON orders USING (shop = current_user OR customer_id = 7)});
like($session->query_safe($has), qr/(^| )48( |$)/, 'a policy that is changed counts at once');
sql(q{ALTER POLICY own ON orders USING (shop = current_user)});
is($session->query_safe($has), $alices, '... and so when it is changed back');
$session->quit;

# What is read does not depend on row_security of the session that calls.
for my $caller (undef, 'alice')
{
  my ($out, $err) = ask($caller, q{CALL reco.refresh('home')}, 'row_security = off');
  unlike($err, qr/ERROR/, 'a refresh with row_security = off');
  ($out, $err) = ask($caller, $has, 'row_security = off');
  unlike($err, qr/ERROR/, 'and a look-up');
}
is(sql($trained), '0 to 49', 'see what the owner sees');

# Who owns the table is above its policies unless they are forced.
sql('ALTER TABLE orders OWNER TO alice');
sql(q{CALL reco.refresh('home')});
is(sql($trained), '0 to 99', 'the owner of the source sees all');
sql('ALTER TABLE orders FORCE ROW LEVEL SECURITY');
sql(q{CALL reco.refresh('home')});
is(sql($trained), '0 to 49', '... unless forced');

# A model's own tables. Users up to 9 are shown to bob.
as_alice(q{CALL reco.create_model('own', source => 'SELECT customer_id, product_id, qty FROM public.orders',
    items => 'SELECT id, kind FROM public.goods', algorithm => reco.ials(factors => 8), options => reco.options(live => 'off'));
  CALL reco.create_model('near', source => 'SELECT customer_id, product_id, qty FROM public.orders',
    algorithm => reco.user_knn(), options => reco.options(live => 'off'));
  CALL reco.materialize('own', 2);
  CALL reco.grant_use('own', 'bob', tables => true); CALL reco.grant_use('near', 'bob', tables => true)});
my $old = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'bob' ]);
my @of_one = ((map { "SELECT * FROM own.$_" } 'recommend(50)', 'rerank(50, ARRAY[1,2,3])', 'explain(50, 1)', 'similar_users(50)', 'user_profile(50)'),
  'SELECT own.predict(50, 1)', q{SELECT * FROM reco.recommend('own', 50)}, 'SELECT * FROM near.recommend(50)', 'SELECT * FROM near.similar_users(50)');
my @of_all = ('own.audience(5, 1000, false)', 'own.audience(ARRAY[5, 6], 1000)', 'own.similar_users(5, 1000)', 'near.similar_users(5, 1000)');
my @of_views = ('own.user_factors', 'near.user_neighbors', 'own.recommendations');
my @queries = (@of_one, map { "SELECT count(*) FROM $_ WHERE user_id > 9" } @of_all, @of_views);
my %before = map { $_ => scalar $old->query($_) } @queries;
is(scalar(grep { !$_ } values %before), 0, 'without policies all is shown');
for my $table (qw(own.model_user own.model_list near.model_user))
{
  sql("ALTER TABLE $table ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON $table FOR SELECT TO bob USING (user_id <= 9)");
}
for my $query (@queries)
{
  # an error will do, and so will what an unknown user is shown
  my $is_count = $query =~ /^SELECT count/;
  my @outs = (scalar $old->query($query), scalar ask('bob', $query));
  is(scalar(grep { $is_count ? $_ > 0 : $_ eq $before{$query} } map { $_ eq '' ? 0 : $_ } @outs), 0, "hidden, in old and new sessions: $query");
}
is(ask('alice', $of_one[0]), $before{$of_one[0]}, 'the owner is not concerned');
is(ask(undef, $of_one[0]), $before{$of_one[0]}, 'nor is a superuser');
as_alice(q{CALL reco.refresh('own'); CALL reco.materialize('own', 2)});
is(sql('SELECT version FROM own.versions WHERE active'), '2', 'and it is refreshed');
is($old->query('SELECT * FROM own.recommend(5)'), '', 'to whom policies apply, the functions are refused');
sql("ALTER TABLE $_.model_user DISABLE ROW LEVEL SECURITY") for qw(own near);
isnt($old->query('SELECT * FROM own.recommend(50)'), '', 'without policies all is shown again');

# Tables of which a policy shows nothing, in a session that has the version and in one
# that has not.
for my $table (qw(model model_item model_version))
{
  $old->query('SELECT count(*) FROM own.recommend(5)');
  sql("ALTER TABLE own.$table ENABLE ROW LEVEL SECURITY");
  is(ask('bob', 'SELECT * FROM own.recommend(5)'), '', "nothing of $table is shown: no list");
  is($old->query('SELECT * FROM own.recommend(5)'), '', '... nor in an old session');
  sql("ALTER TABLE own.$table DISABLE ROW LEVEL SECURITY");
}
sql('ALTER TABLE own.model_term ENABLE ROW LEVEL SECURITY');
is($old->query('SELECT * FROM own.user_profile(5)'), '', 'nothing of model_term is shown: no profile');
sql('ALTER TABLE own.model_term DISABLE ROW LEVEL SECURITY');
$old->quit;

# Policies that are forced on the owner keep it from writing: that is an error.
{
  sql('ALTER TABLE own.model ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
  my ($rc) = $node->psql('postgres', q{CALL reco.refresh('own')});
  isnt($rc, 0, 'a refresh that cannot be made the active version fails');
  ($rc) = $node->psql('postgres', q{CALL reco.alter_model('own', algorithm => reco.popular())});
  isnt($rc, 0, 'so does a change that is not made');
  sql('ALTER TABLE own.model DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY');
  is(sql('SELECT min(version) FROM own.model_version'), '1', 'and there is no version 0');
  sql('ALTER TABLE own.model_user ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
  $node->psql('postgres', q{CALL reco.refresh('own')}) for 1 .. 3;
  cmp_ok(sql('SELECT count(DISTINCT version) FROM own.model_user'), '<=', 2, 'rows of older versions do not stay');
}

$node->stop;
done_testing();
