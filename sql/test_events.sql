-- From the rows of a source to what is trained on.
SET client_min_messages = warning;
SET timezone = 'UTC';

-- The reference time, that ages are counted from: the latest in the source that is not after now.
CREATE FUNCTION ev_reference(source text) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  reference timestamptz;
BEGIN
  CALL reco.create_model('ev_model', source, reco.popular());
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
CALL reco.create_model('ev_model', 'ev_rows', reco.popular());
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

DROP TABLE ev_rows;
DROP FUNCTION ev_reference;
