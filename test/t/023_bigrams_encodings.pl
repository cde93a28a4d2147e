# bigrams() in databases of other encodings: the same bigrams as in UTF-8 where the
# characters are known, bytes where they are not, and never a broken character.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('encodings');

sub sql
{
  my ($db, $query) = @_;
  return $node->safe_psql($db, "SET client_encoding = 'UTF8'; $query");
}

# Without a locale, so that the server's own classes know no letter beyond ASCII.
$node->safe_psql('postgres', "CREATE DATABASE utf8 ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('utf8', 'CREATE EXTENSION reco');
my %texts = (
  EUC_JP => '東京タワーの写真、「京都」と 々 ー・ＡＢ１',
  EUC_JIS_2004 => '東京タワーの写真、「京都」と 々 ー・ＡＢ１',
  EUC_CN => '北京烤鸭，《红楼梦》。abc',
  EUC_TW => '臺北市大樓，abc',
  EUC_KR => '서울 타워, 사진 『책』',
  LATIN1 => 'café «naïve» © 10°',
  ISO_8859_5 => 'Москва это, город',
  WIN1251 => 'Москва – это «город»',
  KOI8R => 'Москва город',
  WIN1252 => 'œuvre – “été” €5');
for my $encoding (sort keys %texts)
{
  my $db = lc $encoding;
  $node->safe_psql('postgres', "CREATE DATABASE $db ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
  $node->safe_psql($db, 'CREATE EXTENSION reco');
  # as a tsvector's own order is that of the bytes, compare lexemes with their places
  my $query = "SELECT string_agg(positions::text || lexeme, ' ' ORDER BY positions[1], lexeme COLLATE \"C\") FROM unnest(reco.bigrams('$texts{$encoding}'))";
  my $got = sql($db, $query);
  isnt($got, '', "$encoding: there are bigrams");
  is($got, sql('utf8', $query), "$encoding: those of UTF-8");
  is(sql($db, "SELECT reco.bigrams('$texts{$encoding}')::text::tsvector = reco.bigrams('$texts{$encoding}')"), 't', "$encoding: a well-formed tsvector");
}

# Without an encoding a character is a byte; what is not ASCII counts as a letter.
$node->safe_psql('postgres', "CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('bytes', 'CREATE EXTENSION reco');
is($node->safe_psql('bytes', q{SELECT convert_to(string_agg(lexeme, '' ORDER BY lexeme COLLATE "C"), 'SQL_ASCII') FROM unnest(reco.bigrams(E'A\xE4b c \xFF\xFE'))}),
  '\x61e463e462fffe', 'SQL_ASCII: bytes');
# bytes that mean no character in an encoding are kept
$node->safe_psql('win1252', q{CREATE TABLE odd AS SELECT convert_from('\x61816262', 'WIN1252') AS t});
is(sql('win1252', 'SELECT cardinality(tsvector_to_array(reco.bigrams(t))) FROM odd'), '3', 'WIN1252: a byte without a character is in a word');

$node->stop;
done_testing();
