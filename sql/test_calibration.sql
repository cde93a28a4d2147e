--
-- What a version records of whether what it says comes true: the same as a model of what was not
-- hidden says, counted by hand; and when there is nothing.
--
SET client_min_messages = warning;

-- The users of a group like the same ten items. Whoever is at most 15 has all items, most of them late.
CREATE TABLE cal AS
SELECT u, i, CASE WHEN i / 10 = u % 6 THEN 4 ELSE 1 END + abs(hashint4(u * 100 + i)) % 2 AS stars, timestamp '2024-01-01' + at * interval '1 minute' AS at
  FROM (SELECT u, i, min(at) AS at
          FROM (SELECT u, CASE WHEN k <= 9 THEN u % 6 * 10 + abs(hashint4(u * 37 + k)) % 10 ELSE abs(hashint4(u * 41 + k)) % 60 END AS i,
                       abs(hashint4(u * 1000 + k)) % 80000 AS at
                  FROM generate_series(16, 900) AS u, generate_series(1, 14) AS k) AS drawn
         GROUP BY u, i
        UNION ALL
        SELECT u, i, CASE WHEN i % 3 = 0 THEN 100 * i + u ELSE 70000 + (i * 15 + u) % 10000 END FROM generate_series(1, 15) AS u, generate_series(0, 59) AS i) AS rows;

-- What a version records, and the same by the definition from pairs of what was said and what was seen.
CREATE FUNCTION cal_recorded(model text) RETURNS TABLE (bin bigint, said float8, seen float8, pairs bigint) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format($q$SELECT b.n, (b.bin ->> 'said')::float8, (b.bin ->> 'seen')::float8, (b.bin ->> 'count')::bigint
    FROM %I.versions AS v, jsonb_array_elements(v.calibration -> 'bins') WITH ORDINALITY AS b(bin, n) WHERE v.active$q$, model);
END $$;
CREATE FUNCTION cal_by_hand(said float8[], seen float8[]) RETURNS TABLE (bin bigint, said float8, seen float8, pairs bigint) LANGUAGE sql AS $$
  WITH ordered AS (SELECT p.said, p.seen, rank() OVER (ORDER BY p.said) - 1 AS before, count(*) OVER () AS n FROM unnest($1, $2) AS p(said, seen)),
       binned AS (SELECT *, (SELECT count(*) FROM generate_series(1, least(10, n / 20)) AS k WHERE n * k / least(10, n / 20) <= before) AS b FROM ordered)
  SELECT b + 1, avg(said), avg(seen), count(*) FROM binned GROUP BY b ORDER BY b;
$$;
CREATE FUNCTION cal_differs(a float8, b float8) RETURNS bool LANGUAGE sql AS 'SELECT abs(a - b) > 1e-5 * (1 + abs(b))';

-- A fifth of the rows is hidden, the latest ones, with all of the time of the first of these.
CREATE TABLE cal_cut AS SELECT at FROM cal ORDER BY at DESC OFFSET (SELECT count(*) / 5 FROM cal) LIMIT 1;
CREATE TABLE cal_known AS SELECT * FROM cal WHERE at < (SELECT at FROM cal_cut);
CREATE TABLE cal_hidden AS SELECT * FROM cal WHERE at >= (SELECT at FROM cal_cut);
SELECT count(DISTINCT u) >= 500 AS one_part FROM cal_hidden WHERE u IN (SELECT u FROM cal_known);

-- Scores of lists
CALL reco.create_model('cal_l', 'SELECT u, i, 1, at FROM cal', reco.ials(factors => 8, iterations => 5));
CALL reco.create_model('cal_kl', 'SELECT u, i, 1, at FROM cal_known', reco.ials(factors => 8, iterations => 5), options => reco.options(measure => false));
CREATE TABLE cal_lists AS
SELECT r.score AS said, (h.u IS NOT NULL)::int AS seen
  FROM (SELECT DISTINCT u FROM cal_hidden WHERE u IN (SELECT u FROM cal_known)) AS who CROSS JOIN LATERAL cal_kl.recommend(who.u, 10, fallback => 'none') AS r
  LEFT JOIN cal_hidden AS h ON h.u = who.u AND h.i = r.item_id;
SELECT calibration ->> 'of' AS of, jsonb_array_length(calibration -> 'bins') AS bins, calibration -> 'bins' -> 0 ? 'said' AS said FROM cal_l.versions;
SELECT count(*) AS bins, sum(r.pairs) = (SELECT count(*) FROM cal_lists) AS all_places, count(*) FILTER (WHERE r.pairs IS DISTINCT FROM h.pairs OR cal_differs(r.said, h.said) OR cal_differs(r.seen, h.seen)) AS differ
  FROM cal_recorded('cal_l') AS r FULL JOIN (SELECT (cal_by_hand(array_agg(said), array_agg(seen))).* FROM cal_lists) AS h USING (bin);
-- the best scores find more than the lowest
SELECT max(seen) FILTER (WHERE bin = 10) > 3 * max(seen) FILTER (WHERE bin = 1) AS rises FROM cal_recorded('cal_l');

-- Values: up to ten of a user, evenly by their items
CALL reco.create_model('cal_v', 'SELECT u, i, stars, at FROM cal', reco.als(factors => 4, iterations => 5));
CALL reco.create_model('cal_kv', 'SELECT u, i, stars, at FROM cal_known', reco.als(factors => 4, iterations => 5), options => reco.options(measure => false));
CREATE TABLE cal_values AS
SELECT p.predicted AS said, h.stars AS seen
  FROM (SELECT *, row_number() OVER (PARTITION BY u ORDER BY i) - 1 AS k, count(*) OVER (PARTITION BY u) AS n FROM cal_hidden
         WHERE u IN (SELECT u FROM cal_known) AND i IN (SELECT i FROM cal_known)) AS h,
       LATERAL (SELECT cal_kv.predict(h.u, h.i) AS predicted) AS p
 WHERE n <= 10 OR k IN (SELECT j * n / 10 FROM generate_series(0, 9) AS j);
SELECT max(n) > 10 AS some_have_more FROM (SELECT count(*) AS n FROM cal_hidden GROUP BY u) AS hidden;
SELECT count(*) AS bins, sum(r.pairs) = (SELECT count(*) FROM cal_values) AS all_pairs,
       count(*) FILTER (WHERE r.pairs IS DISTINCT FROM h.pairs OR cal_differs(r.said, h.said) OR cal_differs(r.seen, h.seen)) AS differ
  FROM cal_recorded('cal_v') AS r FULL JOIN (SELECT (cal_by_hand(array_agg(said), array_agg(seen))).* FROM cal_values) AS h USING (bin);
SELECT calibration ->> 'of' AS of FROM cal_v.versions;
SELECT corr(said, seen) > 0.8 AS together FROM cal_recorded('cal_v');

-- The same bits in any order of the rows, by any number of threads, and again
CREATE TABLE cal_shuffled AS SELECT * FROM cal ORDER BY hashint4(u * 60 + i);
SET reco.threads = 1;
CALL reco.create_model('cal_s', 'SELECT u, i, 1, at FROM cal_shuffled', reco.ials(factors => 8, iterations => 5));
RESET reco.threads;
SELECT l.calibration = s.calibration AS same FROM cal_l.versions AS l, cal_s.versions AS s;
CALL reco.refresh('cal_s');
SELECT count(DISTINCT calibration) AS different, count(calibration) AS versions FROM cal_s.versions;

-- What is chosen has the record of what it is measured by
CALL reco.create_model('cal_a', 'SELECT u, i, 1, at FROM cal', reco.auto(candidates => ARRAY[reco.popular(), reco.ials(factors => 8, iterations => 5)]));
SELECT a.algorithm LIKE 'ials%' AS ials, a.calibration = l.calibration AS same FROM cal_a.versions AS a, cal_l.versions AS l;
-- several parts
CALL reco.create_model('cal_p', 'SELECT u, i, 1, at FROM cal WHERE u <= 300', reco.item_knn());
SELECT sum(pairs) > 300 * 10 AS of_all_parts, count(*) AS bins, bool_and(seen BETWEEN 0 AND 1) AS shares FROM cal_recorded('cal_p');
-- all scores of a tie are in one bin
CALL reco.create_model('cal_t', 'SELECT u, i, 1, at FROM cal', reco.popular());
SELECT bool_and(pairs >= 20) AS enough, bool_and(bin = 1 OR said > before) AS rising FROM (SELECT *, lag(said) OVER (ORDER BY bin) AS before FROM cal_recorded('cal_t')) AS b;
-- no lists are made for this metric
CALL reco.alter_model('cal_t', algorithm => reco.auto(metric => 'auc', candidates => ARRAY[reco.popular(), reco.item_knn()]));
CALL reco.refresh('cal_t');
SELECT metrics ? 'auc' AS measured, calibration FROM cal_t.versions WHERE active;

-- Nothing is recorded where nothing is measured, or of too few, or of a model that hides everybody.
SELECT calibration FROM cal_kl.versions;
CALL reco.create_model('cal_few', 'SELECT u, i, 1, at FROM cal WHERE u BETWEEN 20 AND 35', reco.item_knn());
SELECT metrics, calibration FROM cal_few.versions;
CALL reco.create_model('cal_private', 'SELECT u, i, 1, at FROM cal', reco.private(reco.popular(), epsilon => 1));
SELECT metrics, calibration FROM cal_private.versions;

-- The report and the summary show the record, and say where there is none.
SELECT count(*) AS rows, count(*) FILTER (WHERE value LIKE '%\%') AS shares, count(DISTINCT topic) AS topics FROM reco.summary('cal_l') WHERE topic = 'found' AND name LIKE 'score %';
SELECT count(*) AS rows FROM reco.summary('cal_v') WHERE topic = 'predicted' AND name LIKE 'value %';
SELECT count(*) AS rows FROM reco.summary('cal_kl') WHERE topic IN ('found', 'predicted');
CREATE FUNCTION cal_page(model text) RETURNS TABLE (picture bool, cells bigint, missing bool) LANGUAGE sql AS $$
  SELECT page LIKE '%id="calibration-title"%', (SELECT count(*) FROM regexp_matches(split_part(page, 'id="calibration-title"', 2), '<th scope="row" class="n">', 'g')),
         page LIKE '%comes true was not measured%'
    FROM (SELECT regexp_replace(reco.report(model), '</figure>\n</section>.*', '') AS page) AS p $$;
SELECT * FROM cal_page('cal_l');
SELECT * FROM cal_page('cal_v');
UPDATE cal_l.model_version SET calibration = NULL;
SELECT * FROM cal_page('cal_l');
-- whatever stands there
CREATE TABLE cal_strange (record jsonb);
INSERT INTO cal_strange VALUES ('[]'), ('{"of": "values"}'), ('{"of": 3, "bins": {}}'), ('{"of": "values", "bins": [1, "a", null, {"said": "x"}]}'),
  ('{"of": "values", "bins": [{"said": 1e308, "seen": -1e308, "count": 1}]}'), ('{"of": "scores", "bins": [{"said": 1, "seen": 7, "count": 1}, {"said": 1, "seen": 0, "count": -4}]}'),
  ('{"of": "scores", "bins": [{"said": 0, "seen": 0, "count": 1e300}, {"said": 0, "seen": 0, "count": 0}]}'),
  ('{"of": "values", "bins": [{"said": 1e999, "seen": 2, "count": 3}]}');
INSERT INTO cal_strange SELECT jsonb_build_object('of', 'values', 'bins', jsonb_agg(jsonb_build_object('said', n, 'seen', n, 'count', 1))) FROM generate_series(1, 100) AS n;
DO $$
DECLARE
  strange jsonb;
  page record;
BEGIN
  FOR strange IN SELECT record FROM cal_strange LOOP
    UPDATE cal_l.model_version SET calibration = strange;
    SELECT * FROM cal_page('cal_l') INTO page;
    IF page.picture = page.missing OR page.cells > 12 OR (SELECT count(*) FROM reco.summary('cal_l') WHERE topic IN ('found', 'predicted')) <> page.cells THEN
      RAISE WARNING '% gives %', strange, page;
    END IF;
  END LOOP;
END $$;

DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP SCHEMA %I CASCADE', model), '; ') FROM reco.models WHERE model LIKE 'cal\_%'); END $$;
DROP FUNCTION cal_recorded, cal_by_hand, cal_differs, cal_page;
DROP TABLE cal, cal_cut, cal_known, cal_hidden, cal_lists, cal_values, cal_shuffled, cal_strange;
