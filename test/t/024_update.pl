# Models and the version of the extension: reco.upgrade_model() makes of views and functions
# that were dropped or changed by hand what a model made now has, for each family of
# algorithms, and the model serves as before.  Where the library and the extension's SQL are
# of different versions, models serve and nothing is made or trained.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('update');

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

# All that lies in a model's schema, whoever it is of: what, its comment, definition and columns.
sub surface
{
  my ($model) = @_;
  (my $query = q{
    SET search_path = '';
    SELECT pg_catalog.regexp_replace(pg_catalog.pg_describe_object(d.classid, d.objid, 0), '\m%1$s(?=\.|''::)', 'M', 'g'),
           pg_catalog.obj_description(d.objid, d.classid::pg_catalog.regclass::pg_catalog.text::pg_catalog.name),
           pg_catalog.regexp_replace(pg_catalog.pg_get_functiondef(p.oid), '\m%1$s(?=\.|''::)', 'M', 'g'), p.proacl,
           pg_catalog.regexp_replace(pg_catalog.pg_get_viewdef(c.oid), '\m%1$s(?=\.|''::)', 'M', 'g'), c.reloptions,
           (SELECT pg_catalog.jsonb_agg(ARRAY[a.attname::pg_catalog.text, a.atttypid::pg_catalog.regtype::pg_catalog.text] ORDER BY a.attnum)
              FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
      FROM pg_catalog.pg_depend AS d
      LEFT JOIN pg_catalog.pg_proc AS p ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
      LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
     WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = '%1$s'::pg_catalog.regnamespace AND d.deptype = 'n'
     ORDER BY pg_catalog.regexp_replace(pg_catalog.pg_describe_object(d.classid, d.objid, 0), '\m%1$s(?=\.|''::)', 'M', 'g') COLLATE "C"}) =~ s/%1\$s/$model/g;
  return sql($query);
}

make_lines($node, 'lines', 60, 40, 900);
sql(q{
  CREATE INDEX ON lines (customer_id);
  CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7, 'b' || i % 5] AS tags FROM generate_series(0, 39) AS i;
});

my %algorithms = (latent => 'reco.ials(factors => 4, iterations => 2)', near => 'reco.user_knn(neighbors => 5)', tags => 'reco.content()');
for my $model (sort keys %algorithms)
{
  my $arguments = "'lines', $algorithms{$model}, items => 'about'";
  sql("CALL reco.create_model('$model', $arguments)");
  my $served = recommendations($node, $model);
  my $made = surface($model);
  cmp_ok(scalar(split /\n/, $made), '>', 20, "$model: has functions and views");
  sql(qq{
    DO \$\$
    DECLARE this text; k int := 0;
    BEGIN
      FOR this IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = '$model'::regnamespace ORDER BY oid LOOP
        k := k + 1;
        IF k % 3 = 0 THEN EXECUTE 'DROP FUNCTION ' || this;
        ELSIF k % 3 = 1 THEN EXECUTE format('ALTER FUNCTION %s COST 7', this); EXECUTE format('COMMENT ON FUNCTION %s IS \$c\$mine\$c\$', this);
        ELSE EXECUTE format('ALTER FUNCTION %s SET work_mem = \$c\$1MB\$c\$', this);
        END IF;
      END LOOP;
    END \$\$;
    DROP VIEW $model.user_neighbors;
    CREATE OR REPLACE VIEW $model.user_factors AS SELECT u.user_id, '{}'::real[] AS factors, 0::real AS bias, 0 AS interactions FROM $model.model_user AS u;
    COMMENT ON VIEW $model.item_factors IS NULL;
  });
  isnt(surface($model), $made, "$model: changed by hand");
  sql("CALL reco.upgrade_model('$model')");
  is(surface($model), $made, "$model: reco.upgrade_model() makes it what it was");
  sql("CALL reco.create_model('anew', $arguments)");
  is(surface('anew'), $made, "$model: which is what a model made now has");
  sql("CALL reco.drop_model('anew')");
  is(recommendations($node, $model), $served, "$model: serves as before");
  sql("CALL reco.refresh('$model')");
  is(recommendations($node, $model), $served, "$model: and after a refresh");
}

# An extension that is older, and one that is newer: a session keeps the library it has loaded.
my $version = sql(q{SELECT extversion FROM pg_extension WHERE extname = 'reco'});
my $served = recommendations($node, 'near');
my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query(q{SELECT count(*) FROM near.recommend(7)});
for my $other ('0.0.1', '99.0')
{
  sql("UPDATE pg_extension SET extversion = '$other' WHERE extname = 'reco'");
  is(recommendations($node, 'near'), $served, "$other: models serve");
  for my $call ("reco.refresh('near')", "reco.create_model('anew', 'lines', reco.popular())", "reco.upgrade_model('near')",
    "reco.alter_model('near', options => reco.options(live => 'off'))", "reco.change_owner('near', current_user)")
  {
    my (undef, undef, $err) = $node->psql('postgres', "CALL $call");
    like($err, qr/library of extension "reco" is version \Q$version\E, but the extension in this database is version \Q$other\E/, "$other: $call is refused");
    like($err, qr/HINT:  ALTER EXTENSION reco UPDATE, and connect anew/, "$other: ... and says what to do");
  }
  $session->{stderr} = '';
  $session->query("CALL reco.refresh('near')");
  like($session->{stderr}, qr/is version \Q$other\E/, "$other: nor in a session that has the library loaded");
}
sql("UPDATE pg_extension SET extversion = '$version' WHERE extname = 'reco'");
$session->quit;
sql("CALL reco.refresh('near')");
is(recommendations($node, 'near'), $served, 'of one version again');
my $attributes = sql(q{SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'near.model'::regclass AND attnum > 0});

# What a later version adds to the type of a model's tables does not disturb this one.
sql('ALTER TYPE reco.model ADD ATTRIBUTE later int CASCADE; ALTER TYPE reco.version ADD ATTRIBUTE later int CASCADE');
isnt(sql(q{SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'near.model'::regclass AND attnum > 0}), $attributes, 'attributes are added');
is(recommendations($node, 'near'), $served, 'models with more attributes serve');
sql("CALL reco.refresh('near')");
is(recommendations($node, 'near'), $served, '... and are refreshed');
# nor is one served that lacks what this one has
sql('ALTER TYPE reco.model DROP ATTRIBUTE later CASCADE; ALTER TYPE reco.model DROP ATTRIBUTE resolved CASCADE');
my (undef, undef, $err) = $node->psql('postgres', 'SELECT * FROM near.recommend(7)');
like($err, qr/model "near" is damaged\nDETAIL:  The columns of its table "model" were altered/, 'one that lacks a column is damaged');

$node->stop;
done_testing();
