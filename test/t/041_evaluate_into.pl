# An evaluation into a table: while it computes it holds back neither vacuum nor anything else,
# and when it is cancelled nothing half-written stays.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('into', 'autovacuum = off');
make_lines($node, 'big', 4000, 2000, 200000);
make_lines($node, 'small', 200, 100, 4000);

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

my $session = start_sql($node,
  "CALL reco.evaluate_into('results', 'SELECT customer_id, product_id FROM big', " . big_training() . ')');

# The table is there once the source has been read.
$node->poll_query_until('postgres', q{SELECT to_regclass('results') IS NOT NULL})
  or die 'there is no table of results';
my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE query ~ '^CALL reco.evaluate_into'});
is(snapshots_held($node, $pid), 0, 'an evaluation that computes has neither backend_xmin nor backend_xid');
is(sql("SELECT count(*) FROM pg_locks WHERE pid = $pid AND locktype = 'relation'"),
  '0', 'it holds no lock on a relation');

sql("SELECT pg_cancel_backend($pid)");
my ($rc, $out, $err) = finish_sql($session);
like($err, qr/\b57014\b/, 'it is cancelled');
is(sql('SELECT count(*) FROM results'), '0', 'no row stays');

($rc, $out, $err) = $node->psql('postgres',
  "CALL reco.evaluate_into('results', 'SELECT customer_id, product_id FROM small', reco.popular())");
is($rc, 0, 'a second call works') or diag($err);
is(sql('SELECT count(*) > 0 AND count(DISTINCT algorithm) = 1 FROM results'), 't', 'its rows are there');

done_testing();
