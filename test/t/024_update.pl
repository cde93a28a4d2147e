# From every released version: ALTER EXTENSION UPDATE makes the catalogs of a fresh
# installation, and models that the release made (dumps in releases/) serve before and
# after it, are brought up to date by reco.upgrade_model() and are refreshed. Case C39.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('update');
my $log = $node->logfile;

sub sql
{
  my ($query, $database) = @_;
  return $node->safe_psql($database, $query);
}

# All that belongs to the extension: what, its definition, comment and rights.
my $members = q{
  SET search_path = '';
  WITH member AS (
    SELECT d.classid, d.objid, pg_catalog.pg_describe_object(d.classid, d.objid, 0) AS what
      FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
     WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e' AND e.extname = 'reco')
  SELECT m.what, pg_catalog.obj_description(m.objid, m.classid::pg_catalog.regclass::pg_catalog.text::pg_catalog.name),
         CASE WHEN p.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(p.oid) END,
         p.proacl, p.procost, p.prorows, p.prosupport,
         (SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(a) - 'aggfnoid' ORDER BY a.aggfnoid) FROM pg_catalog.pg_aggregate AS a WHERE a.aggfnoid = p.oid),
         c.relacl, CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END, c.reloptions,
         t.typtype, t.typnotnull, t.typdefault, t.typacl,
         (SELECT pg_catalog.jsonb_agg(ARRAY[a.attname::pg_catalog.text, a.atttypid::pg_catalog.regtype::pg_catalog.text,
                   pg_catalog.col_description(a.attrelid, a.attnum)] ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = COALESCE(c.oid, t.typrelid) AND a.attnum > 0 AND NOT a.attisdropped),
         (SELECT pg_catalog.string_agg(pg_catalog.pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname) FROM pg_catalog.pg_constraint AS k WHERE k.contypid = t.oid)
    FROM member AS m
    LEFT JOIN pg_catalog.pg_proc AS p ON m.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = m.objid
    LEFT JOIN pg_catalog.pg_class AS c ON m.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = m.objid
    LEFT JOIN pg_catalog.pg_type AS t ON m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = m.objid
   ORDER BY m.what COLLATE "C"};

# The same of a model's schema, whoever it is of.
my $own = q{
  SELECT pg_catalog.regexp_replace(pg_catalog.pg_describe_object(d.classid, d.objid, 0), '\m%1$s(?=\.|''::)', 'M', 'g'),
         pg_catalog.obj_description(d.objid, d.classid::pg_catalog.regclass::pg_catalog.text::pg_catalog.name),
         pg_catalog.regexp_replace(pg_catalog.pg_get_functiondef(p.oid), '\m%1$s(?=\.|''::)', 'M', 'g'), pg_catalog.regexp_replace(pg_catalog.pg_get_viewdef(c.oid), '\m%1$s(?=\.|''::)', 'M', 'g'),
         (SELECT pg_catalog.jsonb_agg(ARRAY[a.attname::pg_catalog.text, a.atttypid::pg_catalog.regtype::pg_catalog.text] ORDER BY a.attnum)
            FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
    FROM pg_catalog.pg_depend AS d
    LEFT JOIN pg_catalog.pg_proc AS p ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
    LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
   WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = '%1$s'::pg_catalog.regnamespace AND d.deptype = 'n'
   ORDER BY pg_catalog.regexp_replace(pg_catalog.pg_describe_object(d.classid, d.objid, 0), '\m%1$s(?=\.|''::)', 'M', 'g') COLLATE "C"};

my $fresh = sql($members, 'postgres');
cmp_ok(scalar(split /\n/, $fresh), '>', 100, 'the extension has members');
my $version = sql(q{SELECT extversion FROM pg_extension WHERE extname = 'reco'}, 'postgres');
my @released = split /\n/, sql(qq{SELECT version FROM pg_available_extension_versions WHERE name = 'reco' AND version <> '$version' ORDER BY 1},
  'postgres');
cmp_ok(scalar @released, '>', 0, 'there are releases before this version');

# Every list of the old library's, and what is served now.
my $different = q{
  SELECT count(*) FILTER (WHERE l.list IS DISTINCT FROM s.list), count(*) > 0, count(DISTINCT l.list) > 3 FROM lists AS l LEFT JOIN LATERAL (
    SELECT string_agg(r.item_id || ':' || r.source, ' ' ORDER BY r.rank) AS list FROM %1$I.recommend(l.customer, n => 5) AS r) AS s ON true
   WHERE l.model = '%1$s'};

# A refresh counts trends by users, where 0.2.0 counted rows: which items are trending is left out.
(my $refreshed = $different) =~ s/l\.list IS DISTINCT FROM s\.list/regexp_replace(l.list, '\\d+:trending', 'trending', 'g') IS DISTINCT FROM regexp_replace(s.list, '\\d+:trending', 'trending', 'g')/;

for my $old (@released)
{
  my $database = "from_$old";
  sql(qq{CREATE DATABASE "$database"}, 'postgres');
  sql("CREATE EXTENSION reco VERSION '$old'", $database);
  my $dump = "$FindBin::RealBin/releases/$old.sql";
  ok(-e $dump, "$old: there are models of it") or next;
  my $sql = slurp_file($dump);
  # there is no such thing before PostgreSQL 15
  $sql =~ s/ WITH \(security_invoker='true'\)//g if sql('SHOW server_version_num', 'postgres') < 150000;
  my $rc = $node->psql($database, $sql, on_error_stop => 1, stdout => \my $out, stderr => \my $err);
  is($rc, 0, "$old: they are restored") or diag($err);
  my @models = split /\n/, sql('SELECT DISTINCT model FROM lists ORDER BY 1', $database);
  my %format = map { my $m = $_; $m => do { (my $q = $different) =~ s/%1\$[Is]/$m/g; $q } } @models;
  is(sql($format{$_}, $database), '0|t|t', "$old: $_ serves with the new library") for @models;

  $rc = $node->psql($database, "CALL reco.refresh('$models[0]')", stderr => \$err);
  isnt($rc, 0, "$old: before the update nothing is trained");
  like($err, qr/library of extension "reco" is version \Q$version\E, but the extension in this database is version \Q$old\E/,
    "$old: ... which the error explains");
  like($err, qr/HINT:  ALTER EXTENSION reco UPDATE/, "$old: ... and says what to do");

  sql('ALTER EXTENSION reco UPDATE', $database);
  is(sql($members, $database), $fresh, "$old: after the update the catalogs are those of a fresh installation");
  is(sql($format{$_}, $database), '0|t|t', "$old: $_ serves after the update") for @models;
  for my $model (@models)
  {
    sql("CALL reco.upgrade_model('$model')", $database);
    is(sql($format{$model}, $database), '0|t|t', "$old: $model serves after reco.upgrade_model()");
    my ($source, $algorithm, $items) = split /\t/,
      sql("SELECT concat_ws(E'\\t', quote_literal(source), reco.describe(algorithm), quote_nullable(items)) FROM $model.model", $database);
    sql("CALL reco.create_model('anew', $source, reco.$algorithm, items => $items)", $database);
    (my $of_model = $own) =~ s/%1\$s/$model/g;
    (my $of_anew = $own) =~ s/%1\$s/anew/g;
    is(sql($of_model, $database), sql($of_anew, $database), "$old: $model has what a model made now has");
    sql("CALL reco.drop_model('anew')", $database);
    sql("CALL reco.refresh('$model')", $database);
    (my $as_before = $refreshed) =~ s/%1\$[Is]/$model/g;
    is(sql($as_before, $database), '0|t|t', "$old: $model is refreshed, to the same");
  }
}

# Downwards there is no way, and a version that is none is an error.
my ($rc, $out, $err) = $node->psql('postgres', "ALTER EXTENSION reco UPDATE TO '$released[0]'");
like($err, qr/extension "reco" has no update path from version "\Q$version\E" to version "\Q$released[0]\E"/, 'no way back');

$node->stop;
done_testing();
