--
-- Numbers, times and lengths of time at the ends of their types: an answer, or an error that says
-- what is wrong.
--
SET client_min_messages = warning;
SET reco.threads = 1;
SET TimeZone = 'America/New_York';

CREATE TABLE end_rows (user_id int, item_id int, qty int, at timestamptz);
INSERT INTO end_rows SELECT u, (u * 7 + k * k * 13) % 30, 1 + (u + k) % 3, timestamptz '2024-06-01' - (u * k) % 100 * interval '1 day'
  FROM generate_series(1, 60) AS u, generate_series(1, 4 + u % 9) AS k;
CREATE TABLE end_days AS SELECT user_id, item_id, qty, at::date AS at FROM end_rows;
INSERT INTO end_days VALUES (1, 1, 1, '5874897-12-31'), (2, 2, 1, 'infinity'), (3, 3, 1, '-infinity'), (4, 4, 1, '4714-11-24 BC'), (5, 5, 1, '294276-12-31'), (6, 6, 1, NULL);
CREATE TABLE end_clock AS SELECT user_id, item_id, qty, at::timestamp AS at FROM end_rows;
INSERT INTO end_clock VALUES (1, 1, 1, '294276-12-31 23:59:59.999999'), (2, 2, 1, 'infinity'), (3, 3, 1, '-infinity'), (4, 4, 1, '4714-11-24 BC'), (6, 6, 1, NULL);

CREATE PROCEDURE end_try(VARIADIC calls text[]) LANGUAGE plpgsql AS $$
DECLARE call text; m text; d text; h text; n int;
BEGIN
  FOREACH call IN ARRAY calls LOOP
    BEGIN
      IF call ~ '^CALL' THEN EXECUTE call; ELSE EXECUTE format('SELECT count(*) FROM (%s) AS q WHERE q::text <> ''x''', call) INTO n; END IF;
      RAISE INFO '%: %', call, CASE WHEN call ~ '^CALL' OR n > 0 THEN 'done' ELSE 'no rows' END;
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
      RAISE INFO E'%\n  %', call, concat_ws(E'\n  ', m, nullif(d, ''), nullif(h, ''));
    END;
  END LOOP;
END
$$;

-- Trainings, and all that goes by times.
CALL end_try($$CALL reco.create_model('end_d', 'end_days', reco.ials(factors => 2, iterations => 1), options => reco.options(measure => false))$$,
  $$CALL reco.create_model('end_c', 'end_clock', reco.ials(factors => 2, iterations => 1), options => reco.options(measure => false))$$,
  $$CALL reco.create_model('end_r', 'end_clock', reco.repeat(), options => reco.options(measure => false, half_life => '10 days', max_age => '10000 days'))$$,
  $$CALL reco.create_model('end_s', 'end_days', reco.session_knn(), options => reco.options(measure => false, session_gap => '1 day'))$$);
CALL end_try($$SELECT * FROM end_d.demand()$$, $$SELECT * FROM end_c.demand('7 days')$$, $$SELECT * FROM end_c.demand('1 microsecond')$$, $$SELECT * FROM end_c.demand('106751991 days')$$,
  $$SELECT * FROM end_d.demand('106751991 days')$$, $$SELECT * FROM end_d.demand('2147483647 days')$$, $$SELECT * FROM end_c.demand('-1 day')$$, $$SELECT * FROM end_c.demand('178000000 years')$$,
  $$SELECT * FROM end_c.demand(coverage => 'NaN')$$, $$SELECT * FROM end_c.demand(coverage => 'infinity')$$, $$SELECT * FROM end_c.demand(NULL)$$,
  $$SELECT * FROM reco.demand('end_days', '1 day')$$, $$SELECT * FROM reco.demand('end_clock', '1 microsecond')$$, $$SELECT * FROM reco.demand('end_clock', '106751991 days')$$,
  $$SELECT * FROM reco.demand('SELECT user_id, item_id, 1e400, at FROM end_rows', '7 days')$$);
CALL end_try($$SELECT * FROM end_d.growth()$$, $$SELECT * FROM end_c.growth('1 microsecond', '1 microsecond')$$, $$SELECT * FROM end_c.growth('106751991 days', '106751991 days')$$, $$SELECT * FROM end_c.growth('0', '0')$$,
  $$SELECT * FROM end_c.growth(coverage => 1e-320)$$, $$SELECT * FROM end_c.growth(n => -1)$$, $$SELECT * FROM end_d.trending()$$, $$SELECT * FROM end_c.trending()$$);
CALL end_try($$SELECT * FROM end_d.user_profile(1)$$, $$SELECT * FROM end_c.user_profile(3)$$, $$SELECT * FROM end_r.buy_again(1)$$, $$SELECT * FROM end_r.buy_again(4)$$, $$SELECT * FROM end_r.buy_again(1, at => 'infinity')$$,
  $$SELECT * FROM end_r.buy_again(1, at => '-infinity')$$, $$SELECT * FROM end_r.buy_again(1, at => '4713-01-01 BC')$$, $$CALL reco.segment('end_d', 3, rfm => true)$$, $$CALL reco.segment('end_c', 3, rfm => true)$$,
  $$SELECT * FROM end_s.recommend_for('{1, 2}')$$, $$SELECT * FROM reco.report('end_d')$$, $$SELECT * FROM reco.summary('end_c')$$, $$SELECT * FROM end_d.versions$$);
CALL end_try($$CALL reco.refresh('end_s', min_interval => '178000000 years')$$, $$CALL reco.refresh('end_s', min_interval => '-178000000 years')$$, $$CALL reco.refresh('end_s', min_interval => '-2147483648 days')$$,
  $$CALL reco.refresh('end_s', min_interval => '178000000 years -2147483648 days')$$);
-- dates and clocks that no timestamp with a zone can be: as infinite ones
CALL end_try($$SELECT * FROM reco.rfm('end_days')$$, $$SELECT * FROM reco.rfm('end_clock')$$, $$SELECT * FROM reco.rfm('end_rows', '4713-01-01 BC')$$, $$SELECT * FROM reco.rfm('end_rows', '294276-12-31')$$,
  $$SELECT * FROM reco.rfm('end_rows', 'infinity')$$,
  $$SELECT * FROM reco.ab_report('SELECT user_id, ''a'' AS model, at AS shown_at, item_id FROM end_days', 'end_days')$$,
  $$SELECT * FROM reco.ab_report('SELECT user_id, ''a'' AS model, at AS shown_at, item_id FROM end_clock', 'end_clock', within => '3 days')$$,
  $$SELECT * FROM end_d.audience(1, exposures => 'SELECT user_id, at AS shown_at FROM end_days')$$,
  $$SELECT * FROM end_d.audience(1, exposures => 'SELECT user_id, at AS shown_at FROM end_clock', within => '178000000 years')$$,
  $$SELECT * FROM end_d.audience(1, exposures => 'end_rows_that_are_not')$$);
SELECT count(*), sum(frequency) = (SELECT count(DISTINCT (user_id, at)) FROM end_rows) AS but_for_these FROM reco.rfm('end_days', '294276-01-01');
-- two columns of a name
CALL end_try($$SELECT * FROM reco.ab_report('SELECT user_id, user_id, ''a'' AS model FROM end_rows', 'end_rows')$$, $$SELECT * FROM reco.ab_report('SELECT user_id, ''a'' AS model, 1 AS model FROM end_rows', 'end_rows')$$,
  $$SELECT * FROM reco.ab_report('SELECT user_id, ''a'' AS model, at AS shown_at, at AS shown_at FROM end_rows', 'end_rows')$$,
  $$SELECT * FROM end_d.audience(1, exposures => 'SELECT user_id, user_id FROM end_rows')$$);

-- Options.
CALL end_try($$CALL reco.alter_model('end_d', options => reco.options(measure => false, since => '4713-01-01 BC'))$$, $$CALL reco.refresh('end_d')$$,
  $$CALL reco.alter_model('end_d', options => reco.options(measure => false, until => '294276-12-31'))$$, $$CALL reco.refresh('end_d')$$,
  $$CALL reco.alter_model('end_c', options => reco.options(measure => false, until => '4714-11-24 12:00 BC'))$$, $$CALL reco.refresh('end_c')$$,
  $$SELECT reco.options(since => '-infinity')$$, $$SELECT reco.options(until => 'infinity')$$, $$SELECT reco.options(half_life => '178000000 years')$$, $$SELECT reco.options(max_age => '-178000000 years')$$,
  $$SELECT reco.options(max_age => '2562047788:00:54.775807')$$, $$SELECT reco.options(session_gap => '106751991 days')$$, $$SELECT reco.options(session_gap => '178000000 years')$$, $$SELECT reco.options(retune => '-1 day')$$,
  $$SELECT reco.options(value_cap => 'NaN')$$, $$SELECT reco.options(kind_weights => '{"a": 1e400}')$$, $$SELECT '{"max_user_interactions": 1e400}'::reco.data_options$$);

-- Numbers.
CALL end_try($$SELECT reco.allocate(user_id, item_id, 1e400, 5) OVER () FROM end_rows$$, $$SELECT reco.allocate(user_id, item_id, 'NaN'::numeric, 5) OVER () FROM end_rows$$,
  $$SELECT reco.allocate(user_id, item_id, 'infinity'::float8, 5) OVER () FROM end_rows$$, $$SELECT reco.allocate(user_id, item_id, qty, 9223372036854775807) OVER () FROM end_rows$$,
  $$SELECT reco.cosine_similarity(ARRAY[1e400, 1], ARRAY[1, 2])$$, $$SELECT reco.cosine_similarity('{"a": 1e400}'::jsonb, '{"a": 1}')$$,
  $$SELECT * FROM end_d.recommend(1, diversity => 'NaN')$$, $$SELECT * FROM end_d.recommend(1, explore => 'infinity')$$, $$SELECT * FROM end_d.recommend(1, boost => '{1}', boost_by => '{NaN}')$$,
  $$SELECT * FROM end_d.recommend(1, boost => '{1}', boost_by => '{infinity}')$$, $$SELECT * FROM end_d.recommend_for('{1}', weights => '{-infinity}')$$, $$SELECT * FROM end_d.recommend(9223372036854775807)$$,
  $$SELECT reco.users_needed(0.1, 'NaN')$$, $$SELECT reco.users_needed(1e-300, 1e-300)$$, $$SELECT reco.assign('x', 1, ARRAY['a', 'b'], ARRAY['NaN', 1]::float8[])$$,
  $$SELECT reco.ials(factors => 2147483647)$$, $$SELECT reco.ials(regularization => 'NaN')$$, $$SELECT '{"algorithm": "ials", "alpha": 1e400}'::reco.algorithm$$);
SELECT count(*) FILTER (WHERE of_numeric) AS chosen, count(*) FILTER (WHERE of_numeric <> of_float) AS differing
  FROM (SELECT reco.allocate(user_id, item_id, qty / 3.0, 2) OVER w AS of_numeric, reco.allocate(user_id, item_id, (qty / 3.0)::float8, 2) OVER w AS of_float FROM end_rows WINDOW w AS ()) AS s;

-- What an application writes by hand into the options of the internal functions.
CREATE FUNCTION end_ask(options jsonb) RETURNS SETOF int LANGUAGE plpgsql AS $$
BEGIN RETURN QUERY SELECT r.rank FROM reco.serve_recommend('end_d'::regnamespace, 1, options) AS r(rank int, item_id int, score real, source text); END
$$;
CALL end_try($$SELECT end_ask('{"among": [{"a": 1}]}')$$, $$SELECT end_ask('{"among": [true]}')$$, $$SELECT end_ask('{"among": {"a": 1}}')$$, $$SELECT end_ask('{"among": [[1]]}')$$, $$SELECT end_ask('{"among": [1e400, 1.5, 1e18, 1, "2"], "include_seen": true}')$$,
  $$SELECT end_ask('{"n": 1e400}')$$, $$SELECT end_ask('{"n": 3000000000}')$$, $$SELECT end_ask('{"explore_seed": 1e19, "explore": 1}')$$, $$SELECT end_ask('{"boost": [1], "boost_by": [1e400]}')$$);

DROP PROCEDURE end_try;
DROP FUNCTION end_ask;
DROP SCHEMA end_d, end_c, end_r, end_s CASCADE;
DROP TABLE end_rows, end_days, end_clock;
