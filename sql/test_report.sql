--
-- reco.report() and reco.summary(): what they have of a small model, whatever there is to show.
-- That pages are well-formed, for every algorithm, is checked in test/t/050_report.pl.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- Three tastes: users of one have items of one, all but the one whose number theirs gives.
CREATE TABLE rep_lines AS
  SELECT u AS user_id, i AS item_id, 1 AS value
  FROM generate_series(1, 30) AS u, generate_series(1, 18) AS i
  WHERE u % 3 = i % 3 AND u % 7 <> i % 7;
CREATE TABLE rep_items AS
  SELECT i AS id, 'Thing ' || i AS title, (ARRAY['red', 'green', 'blue'])[1 + i % 3] AS color, i <> 18 AS available
  FROM generate_series(1, 18) AS i;
INSERT INTO rep_lines SELECT user_id, item_id, 1 FROM rep_lines WHERE user_id <= 3;
CALL reco.create_model('rep', 'rep_lines', reco.item_knn(shrinkage => 0), 'rep_items', reco.options(measure => false));
CREATE FUNCTION rep_find(page text, pattern text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT array_to_string(m, ' ') FROM regexp_matches(page, pattern, 'g') AS m $$;
SELECT reco.report('rep') AS page \gset

-- what is in it
SELECT rep_find(:'page', '<h2[^>]*>([^<]+)<') AS sections;
SELECT rep_find(:'page', '<h3>([^<]+)<') AS pictures;
SELECT rep_find(:'page', '<dt>(Users|Items|Interactions)</dt><dd>([^<]+)') AS figures;
SELECT rep_find(:'page', '<th scope="row"><bdi>([^<]+)</bdi></th><td class="n">([^<]+)</td><td class="words">') AS groups;
-- what was read: 18 rows came twice
SELECT (SELECT count(*) FROM rep_lines), (SELECT count(*) FROM (SELECT DISTINCT user_id, item_id FROM rep_lines) AS d);
SELECT rep_find(:'page', 'class="strong">([0-9,]+)<') AS rows_read;
SELECT rep_find(:'page', '<tr><th scope="row">([^<]+)</th><td class="words">[^<]+</td><td class="n">([^<]*)<') AS rules;
-- lists of three users: nothing that they have, of their own color, and nothing that is not available
SELECT count(*) AS users FROM rep_find(:'page', '<h3>User <bdi>(\d+)');
SELECT count(*) FILTER (WHERE i.item_id % 3 <> c.user_id % 3 OR i.item_id = 18) AS wrong, count(*) > 0 AS some
FROM (SELECT (regexp_match(card, '^(\d+)'))[1]::int AS user_id, card
      FROM regexp_split_to_table(:'page', '<h3>User <bdi>') WITH ORDINALITY AS s(card, n) WHERE n > 1) AS c,
     LATERAL (SELECT m[1]::int AS item_id FROM regexp_matches(regexp_replace(c.card, '</article>.*', ''), '<li><bdi>Thing (\d+)</bdi><span class="why">', 'g') AS m) AS i;
-- a point for each item, and what the texts behind pictures are
SELECT count(*) AS points FROM rep_find(:'page', '<circle class="point');
SELECT rep_find(:'page', '<desc id="map-desc">([^<]+)') AS map;
-- the same again but for when it was made
SELECT regexp_replace(reco.report('rep'), 'Made <time.*?</time>', '') = regexp_replace(:'page', 'Made <time.*?</time>', '') AS same;

-- versions that were measured, in rows and bars
CALL reco.alter_model('rep', options => reco.options(measure => true), algorithm => reco.ials(factors => 2, iterations => 3));
CALL reco.refresh('rep');
UPDATE rep.model_version SET metrics = '{"metric": "ndcg@10", "ndcg@10": 0.5, "baseline": "popular", "popular": {"ndcg@10": 0.125}, "users": 30, "split": "time"}',
  calibration = '{"of": "scores", "bins": [{"said": 0.125, "seen": 0.0625, "count": 40}, {"said": 0.5, "seen": 0.25, "count": 44}]}',
  loss = '{4, 2, 1.5, 1}', finished_at = '2024-05-01 12:00+00' WHERE version = 2;
SET timezone = 'UTC';
SELECT * FROM reco.summary('rep');
SELECT reco.report('rep') AS page \gset
SELECT rep_find(:'page', '<div class="main"><dt>([^<]+)</dt><dd>([^<]+)<small>([^<]+)') AS worth;
SELECT rep_find(:'page', '<desc id="loss1-desc">([^<]+)') AS loss;
-- metrics, loss and the like that somebody else wrote
UPDATE rep.model_version SET metrics = '{"metric": "<b>", "<b>": 1e300, "baseline": 3, "users": "x"}', loss = '{NaN, Infinity, NULL, 1e38}',
  member_loss = '{"1": [null, 1, "x", {}], "2": 3}', timings = '{"read": "x", "train": -1}', choice = '{"choices": [{"tried": [{"algorithm": "&", "value": 1}, 3]}]}',
  rows_skipped = '{"null": 1e300}', message = E'<i>\x01', started_at = 'infinity', finished_at = '-infinity' WHERE version = 2;
SELECT length(reco.report('rep')) > 1000 AS page, reco.report('rep') ~ '<dt><b>|<i>' AS markup, reco.report('rep') ~ '<dt>&#60;b&#62;</dt>' AS text;
SELECT count(*) > 0 AS rows FROM reco.summary('rep');

-- what is longer than anything that is written there is not looked at
UPDATE rep.model_version SET message = repeat('long', 500000), metrics = jsonb_build_object('metric', repeat('long', 500000)), status = repeat('long', 500000) WHERE version = 2;
SELECT length(reco.report('rep')) BETWEEN 1000 AND 1000000 AS page, (SELECT sum(length(s::text)) < 100000 FROM reco.summary('rep') AS s) AS summary;

-- nothing of nothing
SELECT reco.report(NULL), (SELECT count(*) FROM reco.summary(NULL));
SELECT reco.report('rep_no_such_model');
SELECT * FROM reco.summary('public');

CALL reco.drop_model('rep');
DROP TABLE rep_lines, rep_items;
DROP FUNCTION rep_find;
