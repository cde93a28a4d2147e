# reco.report() in a browser, headless Chromium: no errors, text that stands out by WCAG's AA in
# both color schemes, nothing wider than a phone of 360 pixels, pictures with words within their
# frames; screenshots are left in the log's folder. Skipped where there is no Chromium.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my ($browser) = grep { -x } map { my $dir = $_; map { "$dir/$_" } qw(chromium chromium-browser google-chrome) } split /:/, $ENV{PATH};
plan skip_all => 'there is no Chromium here (apt-get install chromium)' if !$browser;

my $node = new_node('browser');
$node->safe_psql('postgres', 'CALL reco.sample_shop(); ALTER DATABASE postgres SET search_path = shop, public');
$node->safe_psql('postgres', $_) for
  q{CALL reco.create_model('home', 'SELECT customer_id, product_id, qty, ordered_at FROM order_lines WHERE customer_id IS NOT NULL AND product_id IS NOT NULL',
      items => 'SELECT id, title, department, theme FROM products', options => reco.options(min_item_interactions => 5))},
  q{CALL reco.create_model('stars', 'SELECT customer_id, product_id, stars FROM reviews', reco.als(factors => 4), 'SELECT id, title, department FROM products')},
  q{CALL reco.alter_model('stars', algorithm => reco.als(factors => 8))}, q{CALL reco.refresh('stars')},
  q{CREATE TABLE strange AS SELECT i AS id, repeat('W', 5000) AS title, repeat('m', 300) || i % 3 AS category FROM generate_series(1, 50) AS i},
  q{CALL reco.create_model('unbroken_name_of_a_model_that_is_as_long_as_one_can_be_in_here', 'SELECT u, (u * u + k) % 50 + 1 FROM generate_series(1, 200) u, generate_series(1, 12) k', reco.ials(factors => 8), 'strange')};

my $folder = $PostgreSQL::Test::Utils::tmp_check . '/log/report';
mkdir $folder;

# What a browser makes of a page, told line by line to the page around it: a window has not less
# than 500 pixels, a frame may.
my $look = <<'END';
const lines = [];
const parse = c => (c.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
const over = (a, b) => { const k = a[3] === undefined ? 1 : a[3]; return [0, 1, 2].map(i => a[i] * k + b[i] * (1 - k)); };
const ground = e => { const all = []; for (; e; e = e.parentElement) all.push(parse(getComputedStyle(e).backgroundColor));
  return all.reverse().reduce((b, a) => over(a, b), [255, 255, 255]); };
const light = c => { const v = c.map(x => { x /= 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
const ratio = (a, b) => { const x = light(a), y = light(b); return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
document.querySelectorAll('details').forEach(d => d.open = true);
let texts = 0, worst = 99;
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const e = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || ['SCRIPT', 'STYLE', 'title', 'desc'].includes(e.tagName)) continue;
  const style = getComputedStyle(e), back = ground(e);
  const r = ratio(over(parse(e.ownerSVGElement ? style.fill : style.color), back), back);
  texts++;
  worst = Math.min(worst, r);
  if (r < 4.5) lines.push('faint ' + r.toFixed(2) + ': ' + walk.currentNode.data.slice(0, 40));
}
const marks = document.querySelectorAll('svg .bar, svg .dot, svg .first, svg .second, svg circle.g0, svg circle.g1, svg circle.g2, svg circle.g3, svg circle.g4, svg circle.g5, svg circle.g6');
marks.forEach(e => { const s = getComputedStyle(e), back = ground(e.closest('figure'));
  const paint = e.tagName === 'path' || e.classList.contains('ring') ? s.stroke : s.fill;
  const r = ratio(over(parse(paint), back), back);
  if (r < 3) lines.push('faint mark ' + r.toFixed(2) + ': ' + e.getAttribute('class')); });
document.querySelectorAll('svg.chart, svg.map').forEach(svg => { const box = svg.closest('figure').getBoundingClientRect();
  svg.querySelectorAll('text').forEach(t => { const b = t.getBoundingClientRect();
    if (b.width && (b.left < box.left - 1 || b.right > box.right + 1)) lines.push('out of its frame: ' + t.textContent); }); });
document.querySelectorAll('body *').forEach(e => { if (e.ownerSVGElement || e.closest('.scroll')) return;
  const b = e.getBoundingClientRect(); if (b.right > innerWidth + 0.5) lines.push('too wide: ' + e.tagName + ' ' + e.className); });
lines.push('width ' + innerWidth + ' of ' + document.documentElement.scrollWidth, 'texts ' + texts, 'worst ' + worst.toFixed(2), 'ground ' + ground(document.body).join(','));
parent.postMessage(lines.join('\n'), '*');
END

my @common = ($browser, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', "--user-data-dir=$folder/profile");

sub browse
{
  my (@arguments) = @_;
  local $ENV{HOME} = $folder;
  my ($out, $err) = ('', '');
  IPC::Run::run([ @common, @arguments ], '<', \undef, '>', \$out, '2>', \$err,
    IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
  return ($out, $err);
}

sub frames
{
  my ($page, @width) = @_;
  return qq{<!DOCTYPE html><meta charset="utf-8"><body><script>onmessage = e => {
    const pre = document.createElement('pre'); pre.textContent = '\\n' + e.data + '\\n'; document.body.appendChild(pre); };</script>}
    . join('', map { qq{<iframe src="$page" style="width:${_}px;height:800px;border:0"></iframe>} } @width) . '</body>';
}

sub scheme { return '--blink-settings=preferredColorScheme=' . ($_[0] eq 'dark' ? 0 : 1); }

for my $model ('home', 'stars', 'unbroken_name_of_a_model_that_is_as_long_as_one_can_be_in_here')
{
  my $name = substr $model, 0, 8;
  my $page = $node->safe_psql('postgres', "SELECT reco.report('$model')");
  my $file = "$folder/$name.html";
  my @widths = (360, 1200);
  append_to_file($file, $page);
  (my $looked = $page) =~ s{</body>}{<script>//<![CDATA[\n$look//]]></script></body>};
  append_to_file("$folder/$name-look.html", $looked);
  append_to_file("$folder/$name-frames.html", frames("$name-look.html", @widths));
  for my $scheme ('light', 'dark')
  {
    my ($out, $err) = browse('--enable-logging=stderr', scheme($scheme), '--window-size=1300,1000', '--virtual-time-budget=10000',
      '--dump-dom', "file://$folder/$name-frames.html");
    my @found = $out =~ m{<pre>\n?(.*?)</pre>}sg;
    is(join("\n", grep { /CONSOLE|Uncaught/ } split /\n/, $err), '', "$name, $scheme: nothing in the console");
    for my $width (@widths)
    {
      my $what = "$name, $scheme, $width pixels";
      my ($found) = grep { /^width $width of/m } @found;
      $found //= "nothing was found: @found";
      like($found, qr/^width $width of $width$/m, "$what: no overflow");
      is(join("\n", $found =~ /^(?:faint|out|too) .*/mg), '', "$what: words and marks stand out, and are within their frames");
      like($found, qr/^texts [1-9]\d\d/m, "$what: there are words");
      my ($red) = $found =~ /^ground (\d+)/m;
      cmp_ok($red // 128, $scheme eq 'dark' ? '<' : '>', 127, "$what: in these colors");
    }
  }
  next if $model ne 'home';
  browse(scheme($_), '--window-size=1200,5200', "--screenshot=$folder/$name-$_.png", "file://$file") for 'light', 'dark';
  browse(scheme('light'), '--window-size=360,8200', "--screenshot=$folder/$name-phone.png", "file://$file");
  browse("--print-to-pdf=$folder/$name.pdf", '--no-pdf-header-footer', "file://$file");
  cmp_ok(-s "$folder/$name$_" // 0, '>', 10000, "$name: a picture of it, $_") for '-light.png', '-dark.png', '-phone.png', '.pdf';
}

$node->stop;
done_testing();
