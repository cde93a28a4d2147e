# Everything in a model's schema gets another owner (REASSIGN OWNED): from then on the
# source is read as that role, by refreshes and by look-ups of sessions that had asked
# before, and who had the model may not train it any more.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('owners');
make_lines($node, 'lines', 200, 100, 4000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sub as_role
{
  my ($role, $query) = @_;
  return $node->safe_psql('postgres', $query, extra_params => [ '-U', $role ]);
}

# The source is whose it was, and shows each reader rows of their own, so that it is
# seen who reads.
sql(q{CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE app LOGIN;
  GRANT CREATE ON DATABASE postgres TO alice;
  CREATE TABLE read_by (customer_id int, product_id int, reader name);
  INSERT INTO read_by SELECT customer_id, product_id % 50, 'alice' FROM lines
    UNION ALL SELECT customer_id, 50 + product_id % 50, 'bob' FROM lines;
  CREATE INDEX ON read_by (customer_id); ANALYZE read_by; GRANT SELECT ON read_by TO alice, bob});
as_role('alice', q{CALL reco.create_model('hers', algorithm => reco.ials(factors => 8), options => reco.options(live => 'on'),
  source => 'SELECT customer_id, product_id FROM public.read_by WHERE reader = current_user');
  CALL reco.grant_use('hers', 'app', tables => true)});
my $session = $node->background_psql('postgres', extra_params => [ '-U', 'app' ]);
my $items = 'SELECT min(item_id) || $$ to $$ || max(item_id) FROM hers.recommend(7, NULL, include_seen => true)';
my $has = 'SELECT string_agg(because_item::text, $$,$$ ORDER BY because_item) FROM hers.explain(7, 7)';
is($session->query_safe($items), '0 to 49', 'trained by alice it is of what alice sees');
isnt($session->query_safe($has), '', 'and so is what a customer has');

sql('REASSIGN OWNED BY alice TO bob');
sql(q{REVOKE SELECT ON read_by FROM alice});
is($session->query_safe($has), '', 'look-ups in an old session run as the new owner, who sees no item of the training');
sql(q{INSERT INTO read_by SELECT 7, 7, 'bob'});
is($session->query_safe($has), '7', 'but what comes for the new owner');
is(sql(q{SELECT owner FROM reco.models WHERE model = 'hers'}), 'bob', 'reco.models says whose it is');
my ($rc, $out, $err) = $node->psql('postgres', "CALL reco.refresh('hers')", extra_params => [ '-U', 'alice' ]);
like($err, qr/permission denied for (table|schema)|must be owner of model "hers"/, 'who had it may not refresh it');
as_role('bob', q{CALL reco.refresh('hers')});
is($session->query_safe($items), '7 to 99', 'the new owner trains on what the new owner sees');
is(sql('SELECT trained_by FROM hers.versions WHERE active'), 'bob', 'and it is on record');
as_role('bob', q{CALL reco.materialize('hers', 2)});
is($session->query_safe('SELECT max(rank) FROM hers.recommendations'), '2', 'makes lists that are read by who could read before');
as_role('bob', q{CALL reco.activate('hers', 1)});
is($session->query_safe($items), '0 to 49', 'makes an older version active');
as_role('bob', q{CALL reco.drop_model('hers')});
is(sql(q{SELECT count(*) FROM pg_namespace WHERE nspname = 'hers'}), '0', 'and drops it');
$session->quit;

$node->stop;
done_testing();
