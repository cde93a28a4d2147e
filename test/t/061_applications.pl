# doc/applications.md: the programs on that page, run as an application's role.
#
# Each needs its driver: node-postgres from npm, which is fetched where npm can reach its
# registry, the others as Debian has them. Skipped, with a message, where there is none.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use RecoTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);

my $page = slurp_file("$FindBin::RealBin/../../doc/applications.md");
my $folder = tempdir(CLEANUP => 1);

# The first block of a language below a heading, as a file.
sub program
{
	my ($heading, $language, $name, $edit) = @_;
	my ($text) = $page =~ /^## \Q$heading\E\n(?:(?!^## ).)*?^```$language\n(.*?)^```$/ms or die "no block of $language under $heading";
	$text = $edit->($text) if $edit;
	append_to_file("$folder/$name", $text);
	return "$folder/$name";
}

my $node = PostgreSQL::Test::Cluster->new('shop');
$node->init;
# JDBC knows no Unix sockets
$node->append_conf('postgresql.conf', "listen_addresses = '127.0.0.1'");
$node->start;
my ($setup) = $page =~ /^```sql\n(CREATE EXTENSION.*?)^```$/ms;
$node->safe_psql('postgres', $setup);

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
my $titles = "SELECT string_agg(p.title, ', ' ORDER BY r.rank) FROM %s AS r JOIN shop.products AS p ON p.id = r.item_id";
my $customer = $node->safe_psql('postgres', sprintf $titles, 'home.recommend(42, n => 5)');
my $cart = $node->safe_psql('postgres', sprintf $titles, "home.recommend_for('{11, 14}', n => 5)");
is(scalar(split /, /, $customer), 5, 'there are five to be shown');
my $owner = $node->safe_psql('postgres', 'SELECT current_user');
local $ENV{PGUSER} = 'shop_app';

SKIP:
{
	skip 'no node', 2 if system('node --version >/dev/null 2>&1') != 0;
	skip 'node-postgres is not to be had from npm', 2
	  if system("cd '$folder' && HOME='$folder' timeout 60 npm install --no-audit --no-fund pg >npm.log 2>&1") != 0;
	my ($out, $err) = run_command([ 'node', program('node-postgres', 'js', 'shop.js') ]);
	my $shown = eval { decode_json($out) } // {};
	is(join(', ', map { $_->{title} } @{ $shown->{customer} // [] }), $customer, "node-postgres: a customer's list") or diag $err;
	is(join(', ', map { $_->{title} } @{ $shown->{cart} // [] }), $cart, "node-postgres: a cart's");
}

SKIP:
{
	my ($python) = grep { system("$_ -c 'import psycopg' >/dev/null 2>&1") == 0 } qw(python3 /usr/bin/python3);
	skip 'no psycopg', 3 unless $python;
	my ($out, $err) = run_command([ $python, program('psycopg', 'python', 'shop.py') ]);
	my @lines = split /\n/, $out;
	is(join(', ', $lines[0] =~ /'title': '([^']*)'/g), $customer, "psycopg: a customer's list") or diag $err;
	is(join(', ', $lines[1] =~ /'title': '([^']*)'/g), $cart, "psycopg: a cart's");
	# as the model's owner
	local $ENV{PGUSER} = $owner;
	$node->safe_psql('postgres', q{CALL reco.materialize('home', n => 5)});
	($out, $err) = run_command([ $python, program('A batch of mails', 'python', 'mails.py') ]);
	is($out, $node->safe_psql('postgres', q{SELECT concat_ws(E'\\t', c.email, string_agg(p.title, E'\\t' ORDER BY r.rank)) FROM home.recommendations AS r
	  JOIN shop.customers AS c ON c.id = r.user_id JOIN shop.products AS p ON p.id = r.item_id GROUP BY c.id ORDER BY c.id}), 'psycopg: mails for everybody') or diag $err;
}

SKIP:
{
	my ($driver) = glob '/usr/share/java/postgresql.jar';
	skip 'no Java, or no JDBC', 1 if !$driver || system('java --version >/dev/null 2>&1') != 0;
	my $url = sprintf 'jdbc:postgresql://127.0.0.1:%d/postgres?user=shop_app', $node->port;
	my ($out, $err) = run_command([ 'java', '-cp', $driver, program('JDBC', 'java', 'Shop.java'), $url ]);
	is(join(', ', $out =~ /^\d+ (.*)$/mg), "$customer, $cart", "JDBC: both lists") or diag $err;
}

SKIP:
{
	# that of GOPATH where it has one, else Debian's
	my ($path) = grep { -d "$_/src/github.com/jackc/pgx" } split(/:/, $ENV{GOPATH} // ''), '/usr/share/gocode';
	my ($version) = grep { $path && -d "$path/src/github.com/jackc/pgx/$_/pgxpool" } qw(v5 v4);
	skip 'no Go, or no pgx', 1 if !$version || system('go version >/dev/null 2>&1') != 0;
	note "pgx $version of $path";
	# what the page says of version 4
	my $edit = sub { $version eq 'v5' ? $_[0] : $_[0] =~ s{/pgx/v5/}{/pgx/v4/}r =~ s{pgxpool\.New\(}{pgxpool.Connect(}r };
	local @ENV{qw(GO111MODULE GOPATH GOCACHE GOFLAGS CGO_ENABLED)} = ('off', $path, "$folder/go", '', 0);
	my ($out, $err) = run_command([ 'go', 'run', program('Go: pgx', 'go', 'shop.go', $edit) ]);
	is(join(', ', $out =~ /^\d+ (.*)$/mg), "$customer, $cart", "pgx: both lists") or diag $err;
}

SKIP:
{
	skip 'no ActiveRecord, or no pg for Ruby', 2 if system("ruby -e 'require %q(active_record); require %q(pg)' >/dev/null 2>&1") != 0;
	my ($out, $err) = run_command([ 'ruby', program('Rails', 'ruby', 'shop.rb') ]);
	my @lines = split /\n/, $out;
	my $in_stock = $node->safe_psql('postgres', 'SELECT count(*) FROM home.recommend(42, n => 5) AS r JOIN shop.products AS p ON p.id = r.item_id WHERE p.in_stock');
	is(join(', ', @lines[0 .. $#lines - 1]), "$customer, $cart", 'Rails: both lists') or diag $err;
	is($lines[-1], $in_stock, 'Rails: a condition on a list');
}

SKIP:
{
	my ($python) = grep { system("$_ -c 'import django; import django.db.backends.postgresql.base' >/dev/null 2>&1") == 0 } qw(python3 /usr/bin/python3);
	skip 'no Django, or no psycopg for it', 1 unless $python;
	my ($out, $err) = run_command([ $python, program('Django', 'python', 'shop_django.py') ]);
	is(join(', ', split /\n/, $out), "$customer, $cart", 'Django: both lists') or diag $err;
}

$node->stop;
done_testing();
