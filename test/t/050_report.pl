# reco.report(): for every algorithm a page that is well-formed by the strict rules of XML, the
# same each time, of bounded size, with what it should show and nothing that anybody's text adds to
# its markup; what the caller may not read is not in it; and the model's owner is who runs its
# queries. reco.summary() while a training runs.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('report');
make_lines($node, 'lines', 60, 40, 1200);

sub sql
{
  my ($query, $database) = @_;
  return $node->safe_psql($database // 'postgres', $query);
}

# A page, but for when it was made.
sub page
{
  my ($model, $role, $database) = @_;
  my $set = $role ? "SET ROLE $role;" : '';
  my $page = sql("$set SELECT reco.report('$model')", $database);
  $page =~ s/Made <time.*?<\/time>/Made/;
  return $page;
}

# What is wrong with a text as XML, by hand: characters, references, tags that nest, attributes in
# quotes and each once. Undef: nothing is.
sub malformed
{
  my ($text) = @_;
  my (@open, $roots);
  return 'a character beyond ASCII' if $text =~ /[^\x20-\x7e\n\t]/;
  $text =~ s/^<!DOCTYPE html>\n// or return 'no doctype';
  while (length $text)
  {
    if ($text =~ s/^([^<&]+)//)
    {
      return "text outside of the document: $1" if !@open && $1 =~ /\S/;
      return 'text with ]]>' if $1 =~ /\]\]>/;
    }
    elsif ($text =~ s/^&(?:amp|lt|gt|quot|#(\d+));//)
    {
      my $c = $1 // 32;
      return "a reference to no character: $c"
        if ($c < 32 && $c !~ /^(9|10|13)$/) || ($c >= 0x7f && $c < 0xa0) || ($c >= 0xd800 && $c < 0xe000)
        || ($c & 0xfffe) == 0xfffe || $c > 0x10ffff;
    }
    elsif ($text =~ s{^</([a-z][a-z0-9]*)>}{})
    {
      my $last = pop @open // '';
      return "</$1> where $last is open" if $last ne $1;
    }
    elsif ($text =~ s{^<([a-z][a-z0-9]*)((?:\s+[a-zA-Z:-]+="[^"<]*")*)(/?)>}{})
    {
      my ($tag, $attributes, $empty) = ($1, $2, $3);
      my %seen;
      return 'a second root' if !@open && $roots++;
      return "$tag has an attribute twice" if grep { $seen{$_}++ } $attributes =~ /\s([a-zA-Z:-]+)="/g;
      return "a bare & in $tag" if $attributes =~ /&(?!(?:amp|lt|gt|quot|#\d+);)/;
      push @open, $tag unless $empty;
    }
    else
    {
      return 'no markup: ' . substr($text, 0, 60);
    }
  }
  return @open ? "open at the end: @open" : undef;
}

sub is_page
{
  my ($page, $what) = @_;
  is(malformed($page), undef, "$what: well-formed");
  my %count;
  $count{$_}++ for $page =~ /\sid="([^"]+)"/g;
  is(join(' ', grep { $count{$_} > 1 } sort keys %count), '', "$what: no id twice");
  is(join(' ', grep { !$count{$_} } map { split / / } $page =~ /aria-labelledby="([^"]+)"/g), '',
    "$what: what labels refer to is there");
  ok($page !~ qr/<script|<link|<img|<iframe|href=|src=|url\(|\@import|\son[a-z]+="/i, "$what: nothing from elsewhere, and no code");
  my $pictures = () = $page =~ /<svg/g;
  my $titles = () = $page =~ /<svg [^>]*role="img"[^>]*>\s*<title [^>]*>[^<]+<\/title><desc [^>]*>[^<]+<\/desc>/g;
  is($titles, $pictures, "$what: pictures say what they show");
  my $tables = () = $page =~ /<\/svg>\s*<details><summary>As a table<\/summary>\s*<div [^>]*><table>/g;
  is($tables, $pictures, "$what: with a table behind each");
}

# The checker itself.
is(malformed("<!DOCTYPE html>\n<a b=\"c\">d&#233;<e/></a>\n"), undef, 'what is well-formed passes');
like(malformed("<!DOCTYPE html>\n$_"), qr/\w/, "what is not fails: $_")
  for '<a><b></a></b>', '<a b=c></a>', '<a>&nbsp;</a>', '<a>&#1;</a>', '<a/><a/>', '<a b="1" b="2"/>', '<a>', "<a>\x01</a>";

# Every algorithm.
sql('CREATE TABLE things AS SELECT i AS id, format($$Thing %s$$, i) AS title, (ARRAY[$$red$$, $$green$$, $$blue$$])[1 + i % 3] AS color FROM generate_series(0, 39) AS i');
my %algorithm = algorithms($node);
for my $name (sort keys %algorithm)
{
  my $model = "by_$name";
  next if $name eq 'ials_prior';
  sql("CALL reco.create_model('$model', 'SELECT customer_id, product_id, qty, timestamptz ''2024-01-01'' + qty * interval ''1 day'' FROM lines',
       algorithm => $algorithm{$name}, items => 'things')");
  my $page = page($model);
  is_page($page, $name);
  is(page($model), $page, "$name: the same again");
  ok($page =~ qr/<h1><bdi>$model</, "$name: its name");
  ok($page =~ qr/>Thing \d+</, "$name: titles");
  ok($page =~ qr/>green</, "$name: categories");
  cmp_ok(length $page, '<', 200000, "$name: of bounded size");
  cmp_ok(scalar(() = $page =~ /<circle/g), '>=', 40, "$name: a map");
  my ($of, $bins) = split /\|/, sql("SELECT calibration ->> 'of', jsonb_array_length(calibration -> 'bins') FROM $model.versions");
  if ($name =~ /^private/)
  {
    is($of, '', "$name: nothing is recorded of what was hidden");
    next;
  }
  is($of, $page =~ /<h3>rmse/ ? 'values' : 'scores', "$name: what it says, beside what came of it");
  my ($table) = $page =~ /<caption>(?:Values that were predicted|How many of the items in lists).*?<tbody>(.*?)<\/tbody>/s;
  is(scalar(() = ($table // '') =~ /<tr>/g), $bins, "$name: in as many rows as are recorded");
}

# Texts that are no friends.
my $evil = q{'<script>alert(1)</script> & "quoted" ''quoted'' ' || chr(1) || chr(8238) || 'right to left' || chr(65535) || chr(133) || chr(128512)};
sql(q{CREATE SCHEMA hostile});
sql(qq{CREATE TABLE hostile.items AS SELECT i AS id,
         CASE i % 4 WHEN 0 THEN repeat('long ', 2000) WHEN 1 THEN $evil || i WHEN 2 THEN '</title></svg>]]>' || i ELSE '' END AS title,
         CASE WHEN i % 2 = 0 THEN '<b onload="x">&amp;' ELSE repeat('x', 3000) || '|y' END AS category
       FROM generate_series(0, 39) AS i});
sql(q{CALL reco.create_model('x</h1><script>"''&', 'SELECT ''<u>'' || customer_id, product_id FROM lines -- </code>', reco.ials(factors => 4), 'hostile.items')});
my $page = page(q{x</h1><script>"''&});
is_page($page, 'hostile texts');
ok($page =~ qr/&#60;script&#62;alert\(1\)/, 'they are shown as texts');
ok($page =~ qr/&#65533;&#8238;right to left&#65533;&#65533;&#128512;/, 'without what is no character');
cmp_ok(length $page, '<', 200000, 'and long ones are cut');
ok($page =~ qr/User <bdi>&#60;u&#62;\d/, 'ids too');

# What the owner's query does is done by the owner.
sql(q{CREATE ROLE keeper; GRANT CREATE ON DATABASE postgres TO keeper; GRANT SELECT ON lines TO keeper; SET ROLE keeper;
  CALL reco.create_model('kept', 'SELECT customer_id, product_id FROM lines', reco.popular(), 'SELECT g AS id, ''of '' || current_user AS title FROM generate_series(0, 39) AS g')});
$page = page('kept');
ok($page =~ qr/of keeper/, 'titles are read as the owner');
ok($page !~ qr/of postgres/, 'not as who asks');
sql(q{DROP TABLE things});
$page = page('by_als');
is_page($page, 'a query of items that fails');
ok($page !~ qr/Thing/, 'leaves no titles');

# Who may read less sees less.
sql(q{CREATE ROLE app; CALL reco.grant_use('by_ials', 'app'); CREATE ROLE analyst; CALL reco.grant_use('by_ials', 'analyst', tables => true)});
for my $function ("report('by_ials')", "summary('by_ials')")
{
  my ($code, $out, $err) = $node->psql('postgres', "SET ROLE app; SELECT reco.$function");
  like($err, qr/permission denied for table model/, "reco.$function needs SELECT on the model's tables");
}
ok(page('by_ials', 'analyst') =~ qr/User <bdi>\d/, 'with the tables users are shown');
sql(q{REVOKE SELECT ON by_ials.model_user FROM analyst});
$page = page('by_ials', 'analyst');
is_page($page, 'without the table of users');
ok($page !~ qr/User <bdi>|class="card"/, 'no user is shown');
ok($page =~ qr/no right to read the users/, 'and the page says so');
ok($page =~ qr/The long tail/, 'items are');
sql(q{REVOKE SELECT ON by_ials.model_item FROM analyst});
$page = page('by_ials', 'analyst');
is_page($page, 'without the table of items');
ok($page !~ qr/<svg class="map"|The long tail/, 'nor items');
ok($page =~ qr/no right to read the items/, 'and the page says so');
sql(q{GRANT SELECT ON by_ials.model_item, by_ials.model_user TO analyst; REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA by_ials FROM analyst});
ok(page('by_ials', 'analyst') !~ qr/User <bdi>/, 'who may not call recommend() sees no lists');

# What became of the rows of a source from which everything has to be left out: the page's counts
# add up, and name each reason.
sql(q{CREATE TABLE dirty AS
  SELECT u, (u * k + k) % 20 AS i, 1.0::float8 AS v, timestamp '2024-06-01' + (u + k) * interval '1 hour' AS at, 'buy' AS kind FROM generate_series(1, 40) AS u, generate_series(1, 6) AS k
  UNION ALL SELECT NULL, 1, 1, '2024-06-01', 'buy' UNION ALL SELECT 1, NULL, 1, '2024-06-01', 'buy' UNION ALL SELECT 1, 1, NULL, '2024-06-01', 'buy'
  UNION ALL SELECT 1, 1, 1, '2024-06-01', NULL UNION ALL SELECT 1, 1, 'NaN', '2024-06-01', 'buy' UNION ALL SELECT 1, 99, 1, '2024-06-01', 'buy'
  UNION ALL SELECT 1, 1, 1, '2024-06-01', 'strange' UNION ALL SELECT 1, 1, 1, '2024-06-01', 'look' UNION ALL SELECT 1, 1, 1, '2020-06-01', 'buy'
  UNION ALL SELECT 60, 3, 5, '2024-06-02', 'buy' UNION ALL SELECT 60, 3, 9, '2024-06-03', 'return' UNION ALL SELECT 61, 4, 5, '2024-06-02', 'buy' UNION ALL SELECT 61, 4, 2, '2024-06-03', 'return'
  UNION ALL SELECT 62, g % 20, 1, '2024-06-02', 'buy' FROM generate_series(1, 19) AS g UNION ALL SELECT 63, 5, 1, '2024-06-02', 'buy' UNION ALL SELECT 60, 70, 1, '2024-06-02', 'buy';
  CALL reco.create_model('dirty_rows', 'dirty', reco.item_knn(), options => reco.options(on_invalid => 'skip', kind_weights => '{"buy": 1, "look": 0}',
    exclude_items => '{99}', since => '2024-01-01', cancel_kinds => '{return}', min_user_interactions => 2, min_item_interactions => 2, max_user_interactions => 10))});
$page = page('dirty_rows');
is_page($page, 'a dirty source');
my ($rows) = $page =~ /<caption>What became of the rows of the source.*?<tbody>(.*?)<\/tbody>/s;
my @rows = map { s/,//gr } $rows =~ /<td class="n">([\d,]+)</g;
cmp_ok(scalar @rows, '>=', 16, 'each reason has a row') or diag $rows;
is($rows[0], eval { my $sum = 0; $sum += $_ for @rows[1 .. $#rows]; $sum }, 'and they add up to what was read') or diag $rows;
ok($rows !~ /other reasons/, '... with nothing left') or diag $rows;
my ($rules) = $page =~ /<caption>Rules that this version.*?<tbody>(.*?)<\/tbody>/s;
my $reasons = sql(q{SELECT count(*) FROM dirty_rows.versions, jsonb_each(rows_skipped) AS s WHERE s.value::int > 0});
my $left_out = () = $rules =~ /<th scope="row">(?:Without|Invalid|Excluded items<.*?exclude_items names them|Unknown|Kinds of|Outside|Cancelled|That cancel|Users|Items dropped|Dropped|Interactions over)/g;
is($left_out, $reasons, 'the rules name each reason that the version records') or diag $rules;

# Small ones, and those without a version.
sql(q{CALL reco.create_model('one', 'SELECT 1, 1', reco.popular()); CALL reco.create_model('two', 'SELECT g, g FROM generate_series(1, 2) g', reco.ials(factors => 2))});
is_page(page($_), "model $_") for 'one', 'two';
sql(q{UPDATE one.model SET active_version = 0; DELETE FROM one.model_version});
$page = page('one');
is_page($page, 'never trained');
ok($page =~ qr/No version of this model serves yet/, 'which the page says');
is(sql(q{SELECT count(*) FROM reco.summary('one')}), '1', 'and the summary');

# Other encodings.
for my $encoding ('LATIN1', 'SQL_ASCII')
{
  my $name = lc $encoding;
  sql("CREATE DATABASE $name ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
  sql('CREATE EXTENSION reco', $name);
  sql(q{SET client_encoding = 'SQL_ASCII'; CREATE TABLE t AS SELECT g % 20 AS u, (g * g) % 17 AS i FROM generate_series(1, 300) AS g;
        CREATE TABLE items AS SELECT g AS id, chr(233) || 't' || chr(233) || ' ' || g AS title FROM generate_series(0, 16) AS g;
        CALL reco.create_model('home', 'SELECT u, i FROM t', reco.item_knn(), 'items')}, $name);
  $page = page('home', undef, $name);
  is_page($page, $encoding);
  ok($page =~ ($encoding eq 'LATIN1' ? qr/&#233;t&#233; \d/ : qr/&#65533;t&#65533; \d/), "$encoding: titles");
  like(sql(q{SELECT string_agg(bar, '') FROM reco.summary('home')}, $name), qr/#/, "$encoding: bars");
}

# A training that runs.
make_lines($node, 'big', 20000, 5000, 1000000);
my $session = start_sql($node, "CALL reco.create_model('slow', 'big', " . big_training() . ')');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM reco.progress WHERE iteration > 0}), 'a training runs');
like(sql(q{SELECT string_agg(concat_ws(' ', topic, name, value, bar), chr(10)) FROM reco.summary('slow')}),
  qr/^training version 1 training, for \d.*\n(?:training rows .*\n)?training iteration \d+ of 1,?000 .*left/m, 'and the summary tells how far it is');
is_page(page('slow'), 'while it runs');
sql(q{SELECT pg_cancel_backend(pid) FROM reco.progress});
finish_sql($session);

$node->stop;
done_testing();
