--
-- What is no number, too large, too small or of another type, in all that shops ask for.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;

CREATE TABLE mv_lines AS SELECT u, i, (u + i)::float8 AS v, timestamptz '2024-01-01 00:00+00' + (u * i) * interval '1 hour' AS t
  FROM generate_series(1, 20) u, generate_series(1, 9) i WHERE (u * 7 + i * i) % 11 < 5;
CREATE TABLE mv_shown AS SELECT u AS user_id, 'm' || u % 2 AS model, 1 AS version, i AS item_id, t AS shown_at FROM mv_lines;
CREATE TABLE mv_log AS SELECT u AS user_id, 0.5::float8 AS propensity, (i % 2)::float8 AS target, (u % 2)::float8 AS reward FROM mv_lines;
CALL reco.create_model('mv', 'mv_lines', reco.ials(factors => 4), options => reco.options(measure => false));

-- how many rows, or the error
CREATE FUNCTION mv_try(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  message text;
  state text;
  n text;
BEGIN
  IF query ~ '^CALL' THEN
    EXECUTE query;
    RETURN 'called';
  END IF;
  EXECUTE 'SELECT count(q::text) || '' rows'' FROM (' || query || ') AS q' INTO n;
  RETURN n;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE;
  -- which of several users is met first is the plan's
  RETURN state || ' ' || left(regexp_replace(message, 'user "\d+"', 'user "?"'), 90);
END $$;
CREATE TABLE mv_values (place serial, v text);
INSERT INTO mv_values (v) VALUES ('NULL::float8'), ('''NaN''::float8'), ('''-infinity''::float8'), ('1e300::float8'), ('1e19::float4'), ('1e-300::float8'), ('-1e-300::numeric'),
  ('1e400::numeric'), ('''NaN''::numeric'), ('9223372036854775807'), ('-0.0::float8'), ('7::int2'), ('''5''::money'), ('true'), ('''x''::text'), ('ROW(1, 2)'), ('ARRAY[1]');
SELECT v, mv_try(format('SELECT * FROM reco.rfm(%L)', format('SELECT u, i, CASE WHEN i < 5 THEN %s END AS v, t FROM mv_lines', v))) AS rfm FROM mv_values ORDER BY place;
SELECT v, mv_try(format('SELECT * FROM reco.ab_report(''mv_shown'', %L)', format('SELECT u, i, %s, t FROM mv_lines', v))) AS ab_report FROM mv_values ORDER BY place;
SELECT v, mv_try(format('SELECT * FROM reco.off_policy(%L)', format('SELECT user_id, propensity, target, %s AS reward FROM mv_log', v))) AS reward,
       mv_try(format('SELECT * FROM reco.off_policy(%L)', format('SELECT user_id, %s AS propensity, target, reward FROM mv_log', v))) AS propensity
  FROM mv_values ORDER BY place;
SELECT v, mv_try(format('SELECT reco.allocate(u, i, %s, 3) OVER () FROM mv_lines', v)) AS allocate,
       mv_try(format('CALL reco.segment(''mv'', 2, %L)', format('SELECT DISTINCT u, %s AS x, u AS y FROM mv_lines', v))) AS segment
  FROM mv_values ORDER BY place;
-- what is right stays so: sums of money do not depend on the order of rows, nor on small change
SELECT m.monetary, mv_try('SELECT * FROM reco.rfm(''SELECT u, i, 1e17, t FROM mv_lines'')') AS large
  FROM reco.rfm('SELECT u, i, v, t FROM (VALUES (1, 1, 1e17::float8, now()), (1, 2, 0.125, now()), (1, 3, -1e17, now())) AS x(u, i, v, t)') AS m;
SELECT bool_and(a.value = b.value AND a.low = b.low AND a.high = b.high) AS same
  FROM reco.ab_report('mv_shown', 'SELECT u, i, v, t FROM mv_lines') AS a
  JOIN reco.ab_report('mv_shown', 'SELECT u, i, v::numeric(12, 2), t FROM mv_lines ORDER BY i DESC') AS b USING (outcome, metric, model);
-- ids
CREATE TABLE mv_ids (place serial, v text);
INSERT INTO mv_ids (v) VALUES ('NULL::int'), ('u::bigint'), ('u::text'), ('u::numeric'), ('md5(u::text)::uuid'), ('1.5::float8'), ('true'), ('ROW(u, 2)'), ('ARRAY[u]'), ('point ''1,1'''), ('date ''infinity''');
SELECT v, mv_try(format('SELECT * FROM reco.rfm(%L)', format('SELECT %s, i, v, t FROM mv_lines', v))) AS rfm,
       mv_try(format('CALL reco.segment(''mv'', 2, %L)', format('SELECT %s, u FROM mv_lines WHERE i = 1', v))) AS segment
  FROM mv_ids ORDER BY place;
SELECT v, mv_try(format('SELECT * FROM reco.ab_report(''mv_shown'', %L)', format('SELECT %s, i FROM mv_lines', v))) AS ab_report,
       mv_try(format('SELECT * FROM mv.audience(2, exposures => %L)', format('SELECT %s AS user_id FROM mv_lines WHERE u < 3', v))) ~ 'rows' AS audience
  FROM mv_ids ORDER BY place;
SELECT v, mv_try(format('SELECT * FROM reco.off_policy(%L)', format('SELECT %s AS user_id, propensity, target, reward FROM mv_log', regexp_replace(v, '\mu\M', 'user_id', 'g')))) AS off_policy,
       mv_try(format('SELECT reco.assign(''x'', %s, ''{a,b}'') FROM mv_lines', v)) AS assign, mv_try(format('SELECT reco.allocate(%s, i, v, 3) OVER () FROM mv_lines', v)) AS allocate
  FROM mv_ids ORDER BY place;
-- versions, times
SELECT v, mv_try(format('SELECT * FROM reco.ab_report(%L, ''SELECT u, i FROM mv_lines'', by_version => true)', format('SELECT user_id, model, %s AS version FROM mv_shown', v))) AS version
  FROM (VALUES ('NULL::int'), ('1::int2'), ('1.0'), ('''NaN''::float8'), ('true'), ('''1''::text')) AS t(v);
SELECT v, mv_try(format('SELECT * FROM reco.ab_report(''mv_shown'', ''SELECT u, i, v, t FROM mv_lines'', within => %L)', v)) AS within
  FROM (VALUES ('0'), ('1 day'), ('-1 day'), ('-1 day 25 hours'), ('300000 years')) AS t(v);
SELECT v, mv_try(format('SELECT * FROM reco.ab_report(%L, ''SELECT u, i, 1, timestamptz ''''294276-01-01'''' FROM mv_lines'', within => ''1 year'')', format('SELECT user_id, model, %s AS shown_at FROM mv_shown', v))) AS shown
  FROM (VALUES ('timestamptz ''infinity'''), ('timestamptz ''-infinity'''), ('timestamptz ''294276-01-01'''), ('date ''4713-01-01 BC''')) AS t(v);

-- rules would have statements do something else
CREATE RULE mv_rule AS ON DELETE TO mv.model_segment DO INSTEAD NOTHING;
CALL reco.segment('mv', 2);
DROP RULE mv_rule ON mv.model_segment;
CREATE RULE mv_rule AS ON INSERT TO mv.model_user DO ALSO SELECT 1;
CALL reco.refresh('mv');
SELECT count(*) > 0 AS serves FROM mv.recommend(1);
DROP RULE mv_rule ON mv.model_user;
CALL reco.segment('mv', 2);
SELECT count(DISTINCT segment) FROM mv.segments;

CALL reco.drop_model('mv');
DROP FUNCTION mv_try;
DROP TABLE mv_lines, mv_shown, mv_log, mv_values, mv_ids;
