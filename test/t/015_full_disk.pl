# A disk that gets full: a refresh fails as a whole, the old version serves on, whatever
# can be written is not half there, and with space again the next refresh works.
#
# A limit on the size of files (prlimit) needs no root and stops the very calls that a
# full disk stops: the extension of a table, the write of an image. Where the
# environment variable RECO_SMALL_DISK names an empty folder on a file system of about
# 300 MB, its disk is made full in earnest as well, also that of the whole server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $small = $ENV{RECO_SMALL_DISK};
my $has_prlimit = !system('prlimit --version >/dev/null 2>&1');
plan skip_all => 'needs prlimit, or a small file system in RECO_SMALL_DISK' unless $has_prlimit || $small;

my $source = 'SELECT customer_id, product_id, qty FROM lines';
my $algorithm = 'reco.ials(factors => 64, iterations => 1)';
my $no_space = qr/No space left on device|File too large|wrote only \d+ of \d+ bytes/;
my $list = q{SELECT string_agg(item_id || ':' || score, ',' ORDER BY rank) FROM home.recommend(7)};

END
{
  unlink "$small/filler" if $small;
}

# Segments of the log that are smaller than any limit here.
sub make_node
{
  my ($name, $folder) = @_;
  my $node = PostgreSQL::Test::Cluster->new($name);
  $node->init(extra => ['--wal-segsize=1']);
  $node->append_conf('postgresql.conf', join "\n", 'fsync = off', 'autovacuum = off', 'max_wal_size = 32MB');
  if ($folder)
  {
    system_or_bail('mv', $node->data_dir, "$folder/data");
    symlink "$folder/data", $node->data_dir or die $!;
  }
  $node->start;
  $node->safe_psql('postgres', 'CREATE EXTENSION reco');
  make_lines($node, 'lines', 20000, 20000, 150000);
  $node->safe_psql('postgres', 'VACUUM FREEZE lines');
  return $node;
}

# Two versions are made, then no third and no other model; $take leaves little space,
# $give gives it back.
sub without_space
{
  my ($node, $what, $take, $give) = @_;
  my $sql = sub { return $node->safe_psql('postgres', $_[0]) };
  my $tables = q{SELECT sum(pg_total_relation_size('home.' || t)) FROM unnest('{model_user,model_item,model_list}'::text[]) AS t};
  my $rows = q{SELECT string_agg(DISTINCT version::text, ',') FROM (SELECT version FROM home.model_item UNION ALL SELECT version FROM home.model_user) AS v};

  $sql->("CALL reco.create_model('home', source => '$source', algorithm => $algorithm)");
  my $served = $sql->($list);
  my $session = $node->background_psql('postgres');
  $session->query_safe($list);
  $sql->('CHECKPOINT');
  my $size = $sql->($tables);
  $take->($size);

  my ($rc, $out, $err) = $node->psql('postgres', "CALL reco.refresh('home')");
  isnt($rc, 0, "$what: a refresh fails");
  like($err, qr/ERROR:  could not (extend|write).*$no_space/, "$what: and says why");
  is($sql->($list), $served, "$what: the old version serves");
  is($session->query_safe($list), $served, "$what: in old sessions, too");
  like($sql->('SELECT status, message FROM home.versions WHERE version = 2'), qr/^failed\|.*$no_space/, "$what: that is on record");
  is($sql->($rows), '1', "$what: nothing of the failed version is seen");
  is($sql->(q{SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND objsubid > 0}), '0', "$what: no lock stays");
  ($rc, $out, $err) = $node->psql('postgres', "CALL reco.create_model('other', source => '$source', algorithm => reco.ials(factors => 256, iterations => 1))");
  like($err, qr/$no_space/, "$what: nor is there space for another model");
  is(leftovers($node, 'other'), '', "$what: of which nothing stays");
  ($rc, $out, $err) = $node->psql('postgres', q{CALL reco.materialize('home', 200)});
  like($err, qr/$no_space/, "$what: lists of all users fail as well");
  is($sql->('SELECT count(*) FROM home.model_list'), '0', "$what: and are not there");

  # what failed takes no space any more once vacuum was there, which needs a little
  $give->();
  $sql->('VACUUM home.model_user, home.model_item, home.model_list');
  cmp_ok($sql->($tables), '<=', $size * 1.2, "$what: vacuum gives back what the failed ones took");

  $sql->("CALL reco.refresh('home')");
  is($sql->('SELECT version FROM home.versions WHERE active'), '3', "$what: with space again a refresh works");
  is($sql->($list), $served, "$what: and serves the same");
  is($session->query_safe($list), $served, "$what: also where the old one was served");
  $sql->(q{CALL reco.materialize('home', 20)});
  is($sql->('SELECT count(*) FROM home.model_list'), $sql->('SELECT count(*) FROM home.user_factors'), "$what: lists are made");
  $session->quit;
}

# The image does not fit: every session serves from a copy of its own.
sub without_image
{
  my ($node, $what, $take, $give) = @_;
  my $folder = $node->data_dir . '/base/pgsql_tmp';
  my $served = $node->safe_psql('postgres', $list);
  my $log = -s $node->logfile;
  unlink glob("$folder/pgsql_tmp_reco*");
  $take->();
  is($node->safe_psql('postgres', $list), $served, "$what: without space for an image it is served");
  like(slurp_file($node->logfile, $log), qr/could not write file "base\/pgsql_tmp.*$no_space/, "$what: the log says so");
  is(join(' ', glob("$folder/*")), '', "$what: no part of an image stays");
  $give->();
  is($node->safe_psql('postgres', $list), $served, "$what: with space again it is served");
  is(scalar(() = glob("$folder/pgsql_tmp_reco*.items")), 1, "$what: from an image");
}

my $node = make_node('main');

SKIP:
{
  skip 'no prlimit', 1 unless $has_prlimit;

  # of sessions to come; a file that has its size already may be written as before
  my $limit = sub {
    my ($bytes) = @_;
    my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
    system_or_bail('prlimit', '--pid', $pid, "--fsize=$bytes:");
  };
  my $no_limit = sub { $limit->('unlimited') };
  without_space($node, 'limit', sub { $limit->(int($_[0] * 0.6 / 8192) * 8192) }, $no_limit);
  without_image($node, 'limit', sub { $limit->(2_000_000) }, $no_limit);
}

SKIP:
{
  skip 'RECO_SMALL_DISK names no folder on a small file system', 1 unless $small;

  # All but so many bytes of the disk.
  my $filler = "$small/filler";
  my $fill = sub {
    my ($leave) = @_;
    my ($free) = `df --output=avail -B1 $small` =~ /(\d+)\s*$/;
    die "$small is not small" if $free > 2_000_000_000;
    system_or_bail('fallocate', '-l', $free - $leave, $filler) if $free > $leave;
  };
  my $empty = sub { unlink $filler };
  $empty->();

  # The model's tables and the images are on it; the log and the source are not.
  $node->safe_psql('postgres', q{DROP SCHEMA IF EXISTS home CASCADE});
  mkdir "$small/$_" for 'tables', 'images';
  $node->safe_psql('postgres', "CREATE TABLESPACE small LOCATION '$small/tables'");
  $node->safe_psql('postgres', "ALTER DATABASE postgres SET default_tablespace = 'small'");
  my $folder = $node->data_dir . '/base/pgsql_tmp';
  system_or_bail('rm', '-rf', $folder);
  symlink "$small/images", $folder or die $!;
  without_space($node, 'disk', sub { $fill->(2_000_000) }, $empty);
  without_image($node, 'disk', sub { $fill->(500_000) }, $empty);
  $node->stop;
  system_or_bail('rm', '-rf', "$small/tables", "$small/images");

  # Everything is on it. PostgreSQL itself goes down when its log cannot be written.
  my $whole = make_node('whole', $small);
  $whole->safe_psql('postgres', "CALL reco.create_model('home', source => '$source', algorithm => $algorithm)");
  my $served = $whole->safe_psql('postgres', $list);
  $fill->(4_000_000);
  my ($rc, $out, $err) = $whole->psql('postgres', "CALL reco.refresh('home')");
  isnt($rc, 0, 'all: a refresh fails');
  $empty->();
  $whole->_update_pid(-1);
  $whole->stop('immediate', fail_ok => 1);
  $whole->start;
  is($whole->safe_psql('postgres', $list), $served, 'all: the old version serves');
  $whole->safe_psql('postgres', "CALL reco.refresh('home')");
  is($whole->safe_psql('postgres', q{SELECT string_agg(status, ',' ORDER BY version) FROM home.versions}),
    'ready,failed,ready', 'all: with space again a refresh works');
  is($whole->safe_psql('postgres', $list), $served, 'all: and serves the same');
  $whole->stop;
  system_or_bail('rm', '-rf', "$small/data");
}

done_testing();
