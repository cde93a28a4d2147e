# A model's owner may write another algorithm into the row of a version, whose image lies
# there for the one that it was trained with. Whichever claims to be which: a new session
# serves what the tables say, or gives an error, with the image as without one; a session
# that has the version keeps serving it; and no session crashes.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecoTest;
use Test::More;

my $node = new_node('claims', 'log_statement = none', 'log_min_error_statement = panic');
my $folder = $node->data_dir . '/base/pgsql_tmp';
make_lines($node, 'lines', 60, 40, 900);

# Nothing is left open: a version's row that leaves something is damaged, which would end every claim.
my $factors = 'factors => 4, iterations => 2';
my $given = 'regularization => 0.01, alpha => 1';
my $near = q{neighbors => 5, weighting => 'none', shrinkage => 0};
my %algorithms = algorithms($node, ials => "$factors, $given", als => $factors, item_knn => $near, user_knn => $near,
  rp3beta => 'neighbors => 5, alpha => 1, beta => 0.6, normalized => true',
  hybrid => "ARRAY[reco.ials($factors, $given), reco.item_knn($near)], weights => ARRAY[1, 1]");
my @algorithms = map { $algorithms{$_} } sort keys %algorithms;
my @claims = (
  @algorithms, "reco.ials(factors => 5, $given)", "reco.item_knn(similarity => 'conditional', $near)", "reco.item_knn(biases => true, $near)",
  "reco.user_knn(biases => true, $near)", q{reco.content('{"price": 3}')}, "reco.als(factors => 4, biases => false)");

sub sql
{
  return $node->safe_psql('postgres', $_[0]);
}

sql(q{
  ALTER TABLE lines ADD at timestamp;
  UPDATE lines SET at = timestamp '2026-01-01' + (customer_id * 7 + product_id) % 14 * interval '1 day';
  CREATE INDEX ON lines (customer_id);
  CREATE TABLE about AS SELECT i AS id, ARRAY['a' || i % 7, 'b' || i % 5] AS tags, i % 10 AS price, ARRAY[i, 1, 2]::real[] AS place
    FROM generate_series(0, 39) AS i;
  CREATE FUNCTION attempt(call text) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE answer text;
  BEGIN
    EXECUTE format('SELECT count(*) || '' '' || coalesce(md5(string_agg(t::text, '','')), '''') FROM (SELECT %s) AS t', call) INTO answer;
    RETURN answer;
  EXCEPTION WHEN OTHERS THEN
    RETURN 'ERROR ' || sqlerrm;
  END $$;
  CREATE FUNCTION everything(model text) RETURNS SETOF text LANGUAGE sql SET client_min_messages = warning AS $$
    SELECT attempt(format(call, model)) FROM unnest(ARRAY['%I.recommend(7)', '%I.recommend(3, NULL, diversity => 0.5, explore => 0.2)', '%I.recommend(99999)',
      '%I.recommend_for(ARRAY[1, 2, 3])', '%I.rerank(5, ARRAY[1, 2, 99])', '%I.predict(7, 3)', '%I.explain(7, 3)', '%I.similar_items(3)',
      '%I.similar_users(7)', '%I.audience(3)', '%I.audience(ARRAY[3, 4], 5, exclude_buyers => false)', '%I.popular()', '%I.trending()',
      '%I.user_profile(7)', 'reco.recommend(%L, 7)', '%I.growth()', '%I.demand(''1 day'')', '%I.bought_together(3)', '%I.buy_again(7)',
      '%I.expose(7, explore => 0.2, explore_seed => 1)', '(SELECT count(*) > 0 FROM reco.summary(%L))', 'reco.report(%L) IS NOT NULL']) AS call $$;
});

my $everything = q{SELECT string_agg(line, E'\n' ORDER BY number) FROM everything('m') WITH ORDINALITY AS t(line, number)};
my ($pairs, $turn) = (0, 0);
for my $with_items (1, 0)
{
  for my $trained (@algorithms)
  {
    next if !$with_items && $trained =~ /content/;
    my $items = $with_items ? ", items => 'about'" : '';
    sql("CALL reco.create_model('m', 'lines', $trained$items)");
    my $right = sql($everything);
    my $chosen = sql('SELECT quote_literal(algorithm::text) FROM m.model_version');
    unlike($right, qr/^ERROR(?!.*(knows nothing|does not know what is bought again))/m, "$trained: serves");
    # without items a share of them, in turns
    $turn++;
    my @of = $with_items ? @claims : @claims[ grep { ($_ + $turn) % 3 == 0 } 0 .. $#claims ];
    $pairs += @of;
    # One program for all sessions; what is wrong it tells. In the end what was written under the
    # claim is not believed either.
    my $wrong = sql(join "\n", "SELECT ($everything) AS right \\gset", map {
        my $claim = $_ =~ s/'/''/gr;
        "\\c\nSELECT '$claim: the first session' WHERE ($everything) IS DISTINCT FROM :'right';
        UPDATE m.model_version SET algorithm = $_;
        SELECT '$claim: the same session' WHERE ($everything) IS DISTINCT FROM :'right';
        \\c\nSELECT ($everything) AS mapped \\gset
        \\! rm -f '$folder'/pgsql_tmp_reco*
        \\c\nSELECT '$claim: with the image ' || :'mapped' || ', without ' || s FROM (SELECT ($everything) AS s) AS t WHERE s <> :'mapped';
        UPDATE m.model_version SET algorithm = $chosen;
        \\c\nSELECT '$claim: taken back' WHERE ($everything) IS DISTINCT FROM :'right';" } @of);
    is($wrong, '', "$trained, " . ($with_items ? 'with' : 'without') . ' items: whatever is claimed');
    sql("CALL reco.drop_model('m')");
  }
}
unlike(slurp_file($node->logfile), qr/terminated by signal|TRAP:|PANIC/, 'no session crashes');
note("$pairs pairs, 22 calls in each of 5 sessions");

$node->stop;
done_testing();
