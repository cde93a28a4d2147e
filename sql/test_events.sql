-- From the rows of a source to what is trained on.
SET client_min_messages = warning;
SET timezone = 'UTC';

-- The reference time, that ages are counted from: the latest in the source that is not after now.
CREATE FUNCTION ev_reference(source text) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  reference timestamptz;
BEGIN
  CALL reco.create_model('ev_model', source, reco.popular(), options => reco.options(measure => false));
  EXECUTE 'SELECT reference_time FROM ev_model.versions' INTO reference;
  CALL reco.drop_model('ev_model');
  RETURN reference;
END
$$;
SELECT rows, ev_reference(format('SELECT * FROM (VALUES %s) AS v(u, i, w, t)', rows)) FROM unnest(ARRAY[
  $$(1, 1, 1, timestamptz '2021-03-04 05:06:07.123456+00'), (2, 1, 1, '2021-03-01 00:00:00+00'), (3, 1, 1, NULL)$$,
  -- what is later than now is none, and what says nothing is none
  $$(1, 1, 1, timestamptz '2021-03-04 12:00:00+00'), (2, 1, 1, '2999-01-01'), (3, 1, 1, 'infinity'), (4, 1, 1, '-infinity')$$,
  $$(1, 1, 1, timestamptz '2999-01-01'), (2, 1, 1, 'infinity')$$,
  $$(1, 1, 1, timestamptz '-infinity'), (2, 1, 1, NULL)$$, $$(1, 1, 1, timestamp '-infinity')$$, $$(1, 1, 1, date '-infinity'), (2, 1, 1, 'infinity')$$,
  $$(1, 1, 1, NULL::timestamptz)$$,
  -- rows that are skipped do not count
  $$(1, 1, 1, timestamptz '2020-01-01 00:00:00+00'), (1, 2, NULL, '2021-01-01 00:00:00+00'), (NULL, 2, 1, '2021-01-01 00:00:00+00')$$,
  -- far away
  $$(1, 1, 1, timestamptz '4713-01-01 00:00:00+00 BC')$$, $$(1, 1, 1, date '4713-01-01 BC'), (1, 2, 1, '-infinity')$$,
  -- without a zone as if in UTC
  $$(1, 1, 1, timestamp '2021-03-04 05:06:07')$$, $$(1, 1, 1, date '2021-03-04')$$,
  -- a number says nothing of when it was
  $$(1, 1, 1, 1614834367)$$]) AS v(rows);
SELECT ev_reference('SELECT 1 AS u, 1 AS i, 1 AS w');
-- neither the session's zone nor when it is read matters
SET timezone = 'Pacific/Kiritimati';
SELECT rows, ev_reference(format('SELECT * FROM (VALUES %s) AS v(u, i, w, t)', rows)) AT TIME ZONE 'UTC' AS utc FROM unnest(ARRAY[
  $$(1, 1, 1, timestamptz '2021-03-04 05:06:07+00')$$, $$(1, 1, 1, timestamp '2021-03-04 05:06:07')$$, $$(1, 1, 1, date '2021-03-04')$$]) AS v(rows);
SET timezone = 'UTC';
CREATE TABLE ev_rows (u int, i int, w real, t timestamptz);
INSERT INTO ev_rows SELECT u, i, 1, timestamptz '2020-01-01 00:00:00+00' + u * interval '1 day' FROM generate_series(1, 10) AS u, generate_series(1, 5) AS i WHERE i <> u;
CALL reco.create_model('ev_model', 'ev_rows', reco.popular(), options => reco.options(measure => false));
CALL reco.refresh('ev_model');
INSERT INTO ev_rows VALUES (1, 1, 1, '2020-06-01 00:00:00+00');
CALL reco.refresh('ev_model');
SELECT version, reference_time FROM ev_model.versions ORDER BY version;
-- it is what the later of the periods ends with that growth is counted in
SELECT item_id, score FROM ev_model.trending();
-- an owner may write anything into it
UPDATE ev_model.model_version SET reference_time = 'infinity' WHERE version = 3;
SELECT count(*) FROM ev_model.recommend(1);
UPDATE ev_model.model_version SET reference_time = NULL;
SELECT count(*) FROM ev_model.recommend(1);
CALL reco.drop_model('ev_model');

-- Live rows go by the options that the version was trained with, whatever the definition says since.
CREATE TABLE ev_live (u int, i int, w real, t timestamptz);
INSERT INTO ev_live SELECT u, (u * 7 + k * k * k) % 12, 1 + (u + k) % 3, timestamptz '2020-01-01 00:00:00+00' + (u * 31 + k * 17) % 40 * interval '1 day' FROM generate_series(1, 30) AS u, generate_series(1, 9) AS k;
CREATE INDEX ON ev_live (u);
CALL reco.create_model('ev_model', 'ev_live', reco.ials(factors => 3), options => reco.options(max_user_interactions => 4, live => 'on', measure => false));
CREATE TABLE ev_lists AS SELECT u, r.* FROM generate_series(1, 30) AS u, ev_model.recommend(u, 20) AS r;
CALL reco.alter_model('ev_model', options => reco.options(max_user_interactions => 2, live => 'on'));
SELECT count(*) AS lists, count(*) FILTER (WHERE l IS DISTINCT FROM n) AS differ FROM ev_lists AS l FULL JOIN (SELECT u, r.* FROM generate_series(1, 30) AS u, ev_model.recommend(u, 20) AS r) AS n USING (u, rank);
CALL reco.refresh('ev_model');
SELECT bool_or(l IS DISTINCT FROM n) AS differ FROM ev_lists AS l FULL JOIN (SELECT u, r.* FROM generate_series(1, 30) AS u, ev_model.recommend(u, 20) AS r) AS n USING (u, rank);
-- to the bit what is stored: what a user has, which is capped, and the scores; sums, and the latest where values are predicted
DO $$
DECLARE
  algorithm reco.algorithm;
  differ int;
BEGIN
  FOREACH algorithm IN ARRAY ARRAY[reco.ials(factors => 3), reco.als(factors => 3), reco.item_knn(), reco.item_knn(biases => true)] LOOP
    CALL reco.drop_model('ev_model');
    CALL reco.create_model('ev_model', 'ev_live', algorithm, options => reco.options(max_user_interactions => 4, live => 'on', measure => false));
    CREATE TEMP TABLE ev_on AS SELECT u, i, ev_model.predict(u, i) AS p FROM generate_series(1, 30) AS u, generate_series(0, 11) AS i;
    CALL reco.alter_model('ev_model', options => reco.options(max_user_interactions => 4, live => 'off'));
    SELECT count(*) INTO differ FROM ev_on WHERE p IS DISTINCT FROM ev_model.predict(u, i);
    IF differ > 0 OR (SELECT count(p) FROM ev_on) = 0 THEN
      RAISE EXCEPTION '%: % differ of %', reco.describe(algorithm), differ, (SELECT count(p) FROM ev_on);
    END IF;
    DROP TABLE ev_on;
  END LOOP;
END
$$;
-- on_invalid takes effect at once, as live does: it says what is an error, not what is trained on
INSERT INTO ev_live VALUES (1, 1, 'NaN', '2020-01-01');
CALL reco.alter_model('ev_model', options => reco.options(live => 'on'));
SELECT count(*) FROM ev_model.recommend(1);
CALL reco.alter_model('ev_model', options => reco.options(live => 'on', on_invalid => 'skip'));
SELECT count(*) > 0 AS shown FROM ev_model.recommend(1);
CALL reco.drop_model('ev_model');

-- Every count at once, where it is told and where it is kept.
CREATE TABLE ev_counts (u int, i int, w float8, t timestamptz);
INSERT INTO ev_counts SELECT u, i, 1, timestamptz '2020-01-01 00:00:00+00' + i * interval '1 day' FROM generate_series(1, 5) AS u, generate_series(1, u) AS i;
INSERT INTO ev_counts VALUES (NULL, 1, 1, NULL), (1, NULL, 1, NULL), (1, 1, NULL, NULL), (1, 1, 'NaN', NULL), (1, 1, 2e18, NULL), (5, 5, 1, NULL), (5, 5, 1, NULL), (6, 6, 1, NULL);
SET client_min_messages = notice;
CALL reco.create_model('ev_model', 'ev_counts', reco.popular(), options => reco.options(on_invalid => 'skip', max_user_interactions => 3, min_user_interactions => 2, min_item_interactions => 2, measure => false));
SET client_min_messages = warning;
SELECT rows_read, rows_skipped, rows_merged, users, items, interactions FROM ev_model.versions;
CALL reco.drop_model('ev_model');

DROP TABLE ev_rows, ev_live, ev_lists, ev_counts;
DROP FUNCTION ev_reference;
