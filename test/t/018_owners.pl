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

# The same by a procedure, by a role that is a member of both and no superuser: all that is the
# model's changes hands, whatever else is in the schema stays; grants stay.
sql('CREATE ROLE boss LOGIN; GRANT alice, bob TO boss; GRANT CREATE ON DATABASE postgres TO boss, bob; GRANT SELECT ON read_by TO alice');
as_role('alice', q{CALL reco.create_model('her shop', algorithm => reco.ials(factors => 8), options => reco.options(live => 'on'),
  source => 'SELECT customer_id, product_id FROM public.read_by WHERE reader = current_user');
  CALL reco.grant_use('her shop', 'app'); CREATE FUNCTION "her shop".note() RETURNS int LANGUAGE sql AS 'SELECT 1'});
my $owners = q{SELECT string_agg(DISTINCT pg_get_userbyid(o), ' ') FROM (
  SELECT nspowner FROM pg_namespace WHERE nspname = 'her shop'
  UNION ALL SELECT relowner FROM pg_class WHERE relnamespace = '"her shop"'::regnamespace
  UNION ALL SELECT typowner FROM pg_type WHERE typnamespace = '"her shop"'::regnamespace
  UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = '"her shop"'::regnamespace AND proname <> 'note') AS o(o)};
is(sql($owners), 'alice', 'a model of alice');
$session = $node->background_psql('postgres', extra_params => [ '-U', 'app' ]);
my $shown = 'SELECT min(item_id) || $$ to $$ || max(item_id) FROM "her shop".recommend(8, NULL, include_seen => true)';
my $had = 'SELECT count(*) FROM "her shop".explain(8, 8)';
is($session->query_safe($shown), '0 to 49', 'is called');
for my $who ('alice', 'bob', 'app')
{
  ($rc, $out, $err) = $node->psql('postgres', q{CALL reco.change_owner('her shop', 'bob')}, extra_params => [ '-U', $who ]);
  isnt($rc, 0, "$who alone may not give it away: " . ($err =~ /ERROR:  (.*)/)[0]);
}
($rc, $out, $err) = $node->psql('postgres', q{CALL reco.change_owner('her shop', 'nobody there')}, extra_params => [ '-U', 'boss' ]);
like($err, qr/role "nobody there" does not exist/, 'nor to nobody');
is(sql($owners), 'alice', 'which leaves all as it was');
# Nor where somebody could do something as the new owner by it.
as_role('alice', q{CREATE FUNCTION "her shop".popular(n text) RETURNS int LANGUAGE sql SECURITY DEFINER
  BEGIN ATOMIC SELECT count(*)::int FROM reco.serve_popular('"her shop"'::regnamespace, 0, NULL) AS r(rank int, item_id int, score real); END});
($rc, $out, $err) = $node->psql('postgres', q{CALL reco.change_owner('her shop', 'bob')}, extra_params => [ '-U', 'boss' ]);
like($err, qr/ERROR:  FUNCTION "her shop"\.popular\(.*text\) of model "her shop" is SECURITY DEFINER\n/, 'a function that would run as the new owner is told');
sql('ALTER FUNCTION "her shop".popular(text) SECURITY INVOKER; ALTER FUNCTION "her shop".popular(text) OWNER TO app');
($rc, $out, $err) = $node->psql('postgres', q{CALL reco.change_owner('her shop', 'bob')});
like($err, qr/ERROR:  FUNCTION "her shop"\.popular\(.*text\) is of another owner than model "her shop"\n/, 'and one of somebody else');
sql('DROP FUNCTION "her shop".popular(text)');
is(sql($owners), 'alice', 'which leaves all as it was, too');
as_role('boss', q{CALL reco.change_owner('her shop', 'bob')});
is(sql($owners), 'bob', 'who is a member of both may: all of it is the new owner\'s');
is(sql(q{SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'note'}), 'alice', 'but what is not the model\'s');
is($session->query_safe($shown), '0 to 49', 'an old session goes on');
cmp_ok($session->query_safe($had), '==', 0, 'and reads live as the new owner');
($rc, $out, $err) = $node->psql('postgres', q{CALL reco.refresh('her shop')}, extra_params => [ '-U', 'alice' ]);
isnt($rc, 0, 'the old owner may not refresh it');
as_role('bob', q{CALL reco.refresh('her shop')});
is($session->query_safe($shown), '7 to 99', 'the new owner may');
as_role('bob', q{CALL reco.upgrade_model('her shop'); CALL reco.revoke_use('her shop', 'app'); CALL reco.grant_use('her shop', 'app')});
is($session->query_safe($shown), '7 to 99', 'makes its functions anew, and grants');
$session->quit;
($rc, $out, $err) = $node->psql('postgres', q{CALL reco.drop_model('her shop')}, extra_params => [ '-U', 'bob' ]);
like($err, qr/DETAIL:  function "her shop"\.note\(\) depends on schema "?her shop/, 'and does not drop what is another role\'s');
sql('DROP FUNCTION "her shop".note');
as_role('bob', q{CALL reco.drop_model('her shop')});

# What others see of an owner's query, with every means of a session to see more: no text,
# no value, no parse tree.
sql(q{CREATE TABLE cards (u int, i int, card text); INSERT INTO cards VALUES (1, 1, '4929secret'), (1, 2, '7'), (2, 1, '8');
  CREATE FUNCTION tell(text) RETURNS text STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN RAISE NOTICE 'card %', $1; RAISE LOG 'card %', $1; RETURN $1; END $$;
  CALL reco.create_model('carded', 'SELECT u, i FROM cards', reco.popular());
  CALL reco.grant_use('carded', 'app')});
my $curious = q{SET client_min_messages = debug5; SET debug_print_parse = on; SET debug_print_rewritten = on; SET debug_print_plan = on;};
for my $live ('auto', 'on')
{
  for my $query (q{SELECT u, i, public.tell(card)::int FROM cards}, q{SELECT u, i, missing_card FROM cards_gone},
    q{SELECT u, i, CASE WHEN public.tell(card) < '5' THEN pg_sleep(100)::text::int END FROM cards})
  {
    sql(q{CREATE TABLE cards_gone (u int, i int, missing_card int)}) if $query =~ /gone/;
    sql(qq{CALL reco.alter_model('carded', source => \$s\$$query\$s\$, options => reco.options(live => '$live'))});
    sql('DROP TABLE cards_gone') if $query =~ /gone/;
    for my $call ('recommend(1, 2)', 'rerank(1, ARRAY[1])', 'explain(1, 1)', 'predict(1, 1)')
    {
      ($rc, $out, $err) = $node->psql('postgres', "$curious SET statement_timeout = '500ms'; SELECT * FROM carded.$call",
        extra_params => [ '-U', 'app' ]);
      # with 'auto' what is not there, or volatile, is served from the training
      like($err, qr/the source of model "carded" could not be read|canceling statement due to statement timeout|serve_/,
        "live => '$live', $query: $call is asked") if $live eq 'on';
      unlike("$out $err", qr/secret|card(?!ed)|missing/, "live => '$live', $query: $call tells nothing of it");
    }
  }
}
like(slurp_file($node->logfile), qr/could not be read: invalid input syntax for type integer: "4929secret"/, 'the log has it');

# A source on another server: explain_source() asks it, so it knows whether that is there.
SKIP:
{
  skip 'no postgres_fdw', 4 if !sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'});
  my ($host, $port) = ($node->host, $node->port);
  sql(qq{CREATE EXTENSION postgres_fdw;
    CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres', fdw_startup_cost '1');
    CREATE USER MAPPING FOR CURRENT_USER SERVER far;
    CREATE FOREIGN TABLE far_lines (customer_id int, product_id int) SERVER far OPTIONS (table_name 'lines');
    CALL reco.create_model('far', 'far_lines', reco.popular(), items => 'SELECT product_id AS id, true AS available FROM far_lines GROUP BY 1')});
  my $explained = q{SELECT string_agg(substring(line FROM '^[a-z].*? (?:source|training|shown|known)'), ', ') FROM reco.explain_source('far') AS line};
  my $read = q{live => 'auto': what users have is read from the};
  is(sql($explained), "$read source, items that are not available now are not shown", 'a source on another server that is there');
  sql(q{ALTER SERVER far OPTIONS (SET port '1')});
  is(sql($explained), "$read training, what is available is not known", 'and that is not');
  is(sql(q{SELECT count(*) FROM far.recommend(7)}), '10', 'where the training serves');
  sql(q{CALL reco.alter_model('far', options => reco.options(live => 'on'))});
  like(sql($explained), qr/calls fail, since the source/, 'or calls fail');
}

# A caller's temporary view in place of a table that the check of an id's domain looks for:
# in rerank(), which checks ids that the model does not know, and where a source makes values
# of such a type out of json.
sql(q{CREATE ROLE trapper LOGIN; CREATE ROLE keeper LOGIN; CREATE SCHEMA kept AUTHORIZATION keeper; GRANT USAGE ON SCHEMA kept TO PUBLIC;
  GRANT CREATE ON DATABASE postgres TO keeper, trapper});
as_role('keeper', q{CREATE TABLE kept.allowed (u text);
  CREATE FUNCTION kept.ok(text) RETURNS bool LANGUAGE plpgsql SET search_path = kept AS $$ BEGIN PERFORM * FROM allowed WHERE u = $1; RETURN true; END $$;
  CREATE FUNCTION kept.who() RETURNS bool IMMUTABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN RAISE LOG 'checks as %', current_user; RETURN true; END $$;
  CREATE DOMAIN kept.okid AS text CHECK (kept.ok(VALUE)) CHECK (kept.who()); CREATE TYPE kept.pair AS (u int, i kept.okid);
  CREATE TABLE kept.t (u int, i kept.okid); INSERT INTO kept.t SELECT a, 'i' || b FROM generate_series(1, 9) a, generate_series(1, 9) b WHERE (a * b) % 4 > 0;
  CREATE TABLE kept.j AS SELECT to_jsonb(t) AS j FROM kept.t;
  CALL reco.create_model('dm', 'kept.t', reco.popular());
  CALL reco.create_model('jm', 'SELECT (r).u, (r).i FROM (SELECT jsonb_populate_record(NULL::kept.pair, j) AS r FROM kept.j) AS q', reco.popular(), options => reco.options(live => 'on'));
  CALL reco.create_model('jr', 'SELECT r.u, r.i FROM kept.j, jsonb_to_record(j) AS r(u int, i kept.okid)', reco.popular(), options => reco.options(live => 'on'));
  CALL reco.grant_use('dm', 'trapper'); CALL reco.grant_use('jm', 'trapper'); CALL reco.grant_use('jr', 'trapper')});
my $trap = q{CREATE FUNCTION pg_temp.steal() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'trapped %', current_user; RETURN 'x'; END $$;
  GRANT ALL ON FUNCTION pg_temp.steal TO PUBLIC; CREATE TEMP VIEW allowed AS SELECT pg_temp.steal() AS u; GRANT SELECT ON allowed TO PUBLIC;};
for my $call (q{dm.rerank(1, ARRAY['new', 'i2'])}, 'jm.recommend(4)', 'jr.recommend(4)')
{
  ($rc, $out, $err) = $node->psql('postgres', "SELECT count(*) FROM $call", extra_params => [ '-U', 'trapper' ]);
  is($rc, 0, "$call in a clean session") or diag($err);
  ($rc, $out, $err) = $node->psql('postgres', "$trap SELECT count(*) FROM $call", on_error_stop => 1, extra_params => [ '-U', 'trapper' ]);
  like($err, qr/domain kept\.okid calls functions, which is not done|could not be read\n.*SQLSTATE 0A000/, "$call where there is a temporary view: refused");
}

like(slurp_file($node->logfile), qr/LOG:  checks as keeper/, 'what a check calls');
unlike(slurp_file($node->logfile), qr/LOG:  checks as trapper/, '... is called as the owner, planning included');

# The cast of an embedding is not in the query, and is called all the same: by whoever has the
# model refreshed, which may be a function of the owner's.
as_role('keeper', q{CREATE TYPE kept.vec AS (a real); CREATE TABLE kept.about (i text, v kept.vec); INSERT INTO kept.about SELECT 'i' || b, ROW(b::real)::kept.vec FROM generate_series(1, 9) b;
  CREATE FUNCTION kept.reals(kept.vec) RETURNS real[] LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT ARRAY[$1.a] FROM allowed); EXCEPTION WHEN undefined_table THEN RETURN ARRAY[$1.a]; END $$;
  CREATE CAST (kept.vec AS real[]) WITH FUNCTION kept.reals(kept.vec);
  CALL reco.create_model('vm', 'kept.t', reco.content(), items => 'kept.about');
  CREATE FUNCTION kept.renew() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN CALL reco.refresh('vm'); RETURN 1; END $$});
my $renew = 'SELECT kept.renew()';
for my $with ('', $trap)
{
  ($rc, $out, $err) = $node->psql('postgres', "$with $renew", on_error_stop => 1, extra_params => [ '-U', 'trapper' ]);
  like($err, qr/items calls function kept\.reals\(kept\.vec\), which has no search_path of its own/, 'a cast that has no search_path of its own: refused');
}
is(as_role('keeper', $renew), '1', '... but in a session of the owner');
as_role('keeper', 'ALTER FUNCTION kept.reals SET search_path = pg_catalog, pg_temp');
is(as_role('trapper', $renew), '1', 'and one that has');
($rc, $out, $err) = $node->psql('postgres', "$trap $renew", on_error_stop => 1, extra_params => [ '-U', 'trapper' ]);
like($err, qr/items calls functions, which is not done/, '... not where there is a temporary view');

# An overload that comes while the query is planned, with what makes the plan cache look again.
as_role('keeper', q{CREATE SCHEMA open; GRANT ALL ON SCHEMA open TO PUBLIC; CREATE TABLE kept.x AS SELECT u, i::text FROM kept.t; CREATE TABLE kept.other (); CREATE TABLE kept.slow AS SELECT false AS yes;
  CREATE FUNCTION open.f(anyelement) RETURNS anyelement IMMUTABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN $1; END $$;
  CREATE FUNCTION kept.slow() RETURNS bool IMMUTABLE LANGUAGE plpgsql SET search_path = kept, pg_temp AS $$ BEGIN IF (SELECT yes FROM slow) THEN PERFORM pg_sleep(2); END IF; PERFORM * FROM other; RETURN true; END $$;
  CALL reco.create_model('rm', 'SELECT u, open.f(i) FROM kept.x WHERE kept.slow()', reco.popular()); CALL reco.grant_use('rm', 'trapper'); UPDATE kept.slow SET yes = true});
$session = $node->background_psql('postgres', extra_params => [ '-U', 'trapper' ]);
$session->query_until(qr/begun/, "\\echo begun\nSELECT count(*) FROM rm.recommend(4);\n");
$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
as_role('trapper', q{CREATE FUNCTION open.f(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE LOG 'trapped %', current_user; RETURN $1; END $$; CREATE SCHEMA news});
$session->query('SELECT count(*) FROM rm.recommend(5)');
$session->quit;
unlike(slurp_file($node->logfile), qr/LOG:  trapped/, 'nobody ran a thing of the caller\'s as the owner');

# Who has no right to a model keeps no lock on it.
$session = $node->background_psql('postgres', extra_params => [ '-U', 'trapper' ]);
$session->query(q{BEGIN; CALL reco.run_scheduled('carded', identity => 1)});
is(sql(q{SELECT count(*) FROM pg_locks WHERE relation = 'carded.model'::regclass}), '0', 'a job of a stranger\'s holds no lock on a model');
$session->quit;

$node->stop;
done_testing();
