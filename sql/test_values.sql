--
-- Values of a source: not finite, zero, negative, repeated, huge; clipping.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

-- C08: a value that is not finite stops the training and is named
CREATE TABLE val_bad (u int, i int, w float8);
INSERT INTO val_bad VALUES (1, 1, 5), (1, 2, 3), (2, 1, 4), (2, 2, 1);
CALL reco.create_model('val_good', 'val_bad', reco.ials(factors => 2, regularization => 0.1, iterations => 50, alpha => 1), options => reco.options(value => 'raw'));
CALL reco.create_model('val_model', 'TABLE val_bad UNION ALL VALUES (3, 1, float8 ''NaN'')');
CALL reco.create_model('val_model', 'TABLE val_bad UNION ALL VALUES (3, 2, float8 ''Infinity'')');
CALL reco.create_model('val_model', 'TABLE val_bad UNION ALL VALUES (3, 3, float4 ''-Infinity'')');
CALL reco.create_model('val_model', 'SELECT u, i, w::numeric FROM val_bad UNION ALL VALUES (3, 1, numeric ''NaN'')');
CALL reco.create_model('val_model', 'SELECT u, i, w::numeric FROM val_bad UNION ALL VALUES (3, 1, numeric ''-Infinity'')');
-- or is skipped and counted; nothing else changes
INSERT INTO val_bad VALUES (3, 1, 'NaN'), (3, 2, 'Infinity'), (3, 3, '-Infinity');
SET client_min_messages = notice;
CALL reco.create_model('val_model', 'val_bad', reco.ials(factors => 2, regularization => 0.1, iterations => 50, alpha => 1),
  options => reco.options(on_invalid => 'skip', value => 'raw'));
SET client_min_messages = warning;
SELECT rows_read, rows_skipped, users, items, interactions FROM val_model.versions;
SELECT user_id FROM val_model.user_factors ORDER BY user_id;
SELECT item_id FROM val_model.item_factors ORDER BY item_id;
SELECT count(*) AS cells, count(*) FILTER (WHERE val_good.predict(u, i) = val_model.predict(u, i)) AS same
  FROM generate_series(1, 2) u, generate_series(1, 2) i;
CALL reco.drop_model('val_model');
-- -0 is 0
CALL reco.create_model('val_minus', 'VALUES (1, 1, 5::float8), (1, 2, 3), (2, 1, 4), (2, 2, 1), (4, 1, ''-0'')',
  reco.ials(factors => 2, regularization => 0.1, iterations => 50, alpha => 1), options => reco.options(value => 'raw'));
CALL reco.create_model('val_plus', 'VALUES (1, 1, 5::float8), (1, 2, 3), (2, 1, 4), (2, 2, 1), (4, 1, 0)',
  reco.ials(factors => 2, regularization => 0.1, iterations => 50, alpha => 1), options => reco.options(value => 'raw'));
SELECT (SELECT array_agg(t ORDER BY t.user_id) FROM val_minus.model_user t)::text =
       (SELECT array_agg(t ORDER BY t.user_id) FROM val_plus.model_user t)::text AS same;
SELECT rank, item_id, source FROM val_minus.recommend(4);
CALL reco.drop_model('val_minus');
CALL reco.drop_model('val_plus');
CALL reco.drop_model('val_good');

-- C11: an explicit 0 is a rating
CREATE TABLE val_zero (u int, i int, w int);
INSERT INTO val_zero VALUES (1, 1, 0), (1, 2, 4), (2, 1, 0), (2, 2, 0), (3, 1, 2);
CALL reco.create_model('val_ratings', 'val_zero', reco.als(factors => 2, iterations => 200));
SELECT user_id, interactions FROM val_ratings.user_factors ORDER BY user_id;
SELECT min_value, max_value FROM val_ratings.model_version;
-- the mean is 6/5 with the zeros, 3 without; user 2 knows zeros only
SELECT val_ratings.predict(2, 1) < 0.6 AND val_ratings.predict(2, 2) < 0.6 AS low,
       val_ratings.predict(1, 2) > 2 AS high;
SELECT * FROM val_ratings.recommend(2);
-- implicit: seen, without confidence: the factors are those without the rows
CALL reco.create_model('val_counts', 'val_zero',
  reco.ials(factors => 2, regularization => 0.1, iterations => 1000, alpha => 1));
CALL reco.create_model('val_nonzero', 'SELECT * FROM val_zero WHERE w <> 0',
  reco.ials(factors => 2, regularization => 0.1, iterations => 1000, alpha => 1));
SELECT u, i, abs(val_counts.predict(u, i) - val_nonzero.predict(u, i)) < 1e-5 AS same
  FROM (VALUES (1, 1), (1, 2), (3, 1), (3, 2)) AS v(u, i);
SELECT item_id, source FROM val_counts.recommend(1);
SELECT item_id, source FROM val_nonzero.recommend(1);
-- user 2 has taken nothing: the fallback, without what was seen
SELECT rank, item_id, source FROM val_counts.recommend(2);
SELECT rank, item_id, source FROM val_counts.recommend(2, include_seen => true);
SELECT val_counts.predict(2, 1);

-- a confidence beyond float4 is held, one beyond reason is refused
CALL reco.create_model('val_huge', 'VALUES (1, 1, 1e18), (1, 2, 1), (2, 1, 1), (2, 3, 1), (3, 2, 2), (3, 3, 1)',
  reco.ials(factors => 3, regularization => 0.1, alpha => 1e6, iterations => 50));
SELECT u, i, abs(val_huge.predict(u, i) - 1) < 0.01 AS one
  FROM (VALUES (1, 1), (1, 2), (2, 1), (2, 3), (3, 2), (3, 3)) AS v(u, i);
CALL reco.drop_model('val_huge');
CALL reco.create_model('val_huge', 'VALUES (1, 1, 1e38::float8), (2, 2, 1)', reco.ials(alpha => 40, regularization => 0.01));
CALL reco.create_model('val_huge', 'VALUES (1, 1, -1.5e18::float8), (2, 2, 1)', reco.als());

-- C13: predict is clipped to the scale, the order is that of the raw scores
CREATE TABLE val_scale (u int, i int, w int);
INSERT INTO val_scale VALUES (1, 3, 5), (2, 1, 5), (2, 2, 1), (3, 1, 1);
CALL reco.create_model('val_clip', 'val_scale', reco.als(factors => 1));
CALL reco.create_model('val_raw', 'val_scale', reco.als(factors => 1, clip => false));
-- numbers as rows have them, in the machine's order
CREATE OR REPLACE FUNCTION packed(numbers real[]) RETURNS bytea LANGUAGE sql AS $$
  SELECT coalesce(string_agg(substr(b, 4, 1) || substr(b, 3, 1) || substr(b, 2, 1) || substr(b, 1, 1), '' ORDER BY n), '')
    FROM (SELECT n, float4send(x) AS b FROM unnest(numbers) WITH ORDINALITY AS u(x, n)) AS s
$$;
UPDATE val_clip.model_version SET nonce = 1;
UPDATE val_clip.model_part SET content = decode(repeat('00', 8), 'hex');
UPDATE val_clip.model SET active_nonce = 1;
UPDATE val_clip.model_item SET parts = ARRAY[packed(CASE item_id WHEN 1 THEN '{2.2}' WHEN 2 THEN '{2.4}' ELSE '{-2}' END::real[]), packed('{0}')];
UPDATE val_clip.model_user SET parts = ARRAY[packed('{2.5}'), packed('{0}')];
UPDATE val_raw.model_version SET nonce = 1;
UPDATE val_raw.model_part SET content = decode(repeat('00', 8), 'hex');
UPDATE val_raw.model SET active_nonce = 1;
UPDATE val_raw.model_item SET parts = ARRAY[packed(CASE item_id WHEN 1 THEN '{2.2}' WHEN 2 THEN '{2.4}' ELSE '{-2}' END::real[]), packed('{0}')];
UPDATE val_raw.model_user SET parts = ARRAY[packed('{2.5}'), packed('{0}')];
SELECT val_clip.predict(1, 1), val_clip.predict(1, 2), val_clip.predict(1, 3);
SELECT val_raw.predict(1, 1), val_raw.predict(1, 2), val_raw.predict(1, 3);
SELECT rank, item_id, score FROM val_clip.recommend(1);
SELECT rank, item_id, score FROM val_clip.rerank(1, ARRAY[1, 2, 3]);

-- repeated pairs
CREATE TABLE val_repeats (u int, i int, w int, t timestamptz);
INSERT INTO val_repeats VALUES
  (1, 1, 2, '2024-01-02'), (1, 1, 5, '2024-01-03'), (1, 1, 1, '2024-01-01'),
  (1, 2, 3, '2024-01-01'), (2, 1, 4, NULL), (2, 1, 2, '2024-01-01'), (2, 2, 3, NULL), (2, 2, 4, NULL);
CREATE FUNCTION val_same(source text, as_if text, algorithm reco.algorithm) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE same bool;
BEGIN
  CALL reco.create_model('val_a', source, algorithm, options => reco.options(value => 'raw'));
  CALL reco.create_model('val_b', as_if, algorithm, options => reco.options(value => 'raw'));
  EXECUTE 'SELECT (SELECT array_agg(t ORDER BY t.user_id) FROM val_a.model_user t)::text =
                  (SELECT array_agg(t ORDER BY t.user_id) FROM val_b.model_user t)::text' INTO same;
  CALL reco.drop_model('val_a');
  CALL reco.drop_model('val_b');
  RETURN same;
END
$$;
SELECT val_same('SELECT u, i, w FROM val_repeats', 'VALUES (1, 1, 8), (1, 2, 3), (2, 1, 6), (2, 2, 7)',
                reco.ials(factors => 2, regularization => 0.01, alpha => 1)) AS implicit,
       val_same('SELECT u, i, w, t FROM val_repeats', 'VALUES (1, 1, 8), (1, 2, 3), (2, 1, 6), (2, 2, 7)',
                reco.ials(factors => 2, regularization => 0.01, alpha => 1)) AS implicit_with_times,
       val_same('SELECT u, i FROM val_repeats', 'VALUES (1, 1, 3), (1, 2, 1), (2, 1, 2), (2, 2, 2)',
                reco.ials(factors => 2, regularization => 0.01, alpha => 1)) AS implicit_rows;
-- C12: sums beyond int4, and beyond what float4 reaches by steps of 1
SELECT val_same('VALUES (1, 1, 2147483647), (1, 1, 1), (2, 2, 5)', 'VALUES (1, 1, 2147483648), (2, 2, 5)',
                reco.ials(factors => 2, regularization => 0.01, alpha => 1)) AS int4,
       val_same('SELECT 1, 1, 16777216::real UNION ALL SELECT 1, 1, 1 FROM generate_series(1, 10) UNION ALL VALUES (2, 2, 5)',
                'VALUES (1, 1, 16777226), (2, 2, 5)', reco.ials(factors => 2, regularization => 0.01, alpha => 1)) AS float4;
-- ratings: the latest by time (a time that is not known is before all others), else the mean
SELECT val_same('SELECT u, i, w, t FROM val_repeats', 'VALUES (1, 1, 5.0), (1, 2, 3), (2, 1, 2), (2, 2, 3.5)',
                reco.als(factors => 2)) AS explicit_with_times,
       val_same('SELECT u, i, w FROM val_repeats', 'VALUES (1, 1, 8/3.0), (1, 2, 3), (2, 1, 3), (2, 2, 3.5)',
                reco.als(factors => 2)) AS explicit;
-- times of every type that is allowed
SELECT type, val_same(format('SELECT u, i, w, t::%s FROM (VALUES (1, 1, 2, 2), (1, 1, 5, 3), (1, 1, 1, 1), (2, 1, 3, 1)) AS v(u, i, w, n), '
                             'LATERAL (SELECT %s) AS s(t)', type, expression),
                      'VALUES (1, 1, 5), (2, 1, 3)', reco.als(factors => 1))
  FROM (VALUES ('int', 'n'), ('bigint', 'n'), ('smallint', 'n'), ('date', $$date '2024-01-01' + n$$),
               ('timestamp', $$timestamp '2024-01-01' + n * interval '1 hour'$$),
               ('timestamptz', $$timestamptz '2024-01-01' + n * interval '1 hour'$$)) AS v(type, expression);
-- infinite times order as they should
SELECT val_same($$VALUES (1, 1, 2, timestamptz 'infinity'), (1, 1, 5, '2024-01-01'), (1, 1, 1, '-infinity'), (2, 1, 3, NULL)$$,
                'VALUES (1, 1, 2), (2, 1, 3)', reco.als(factors => 1));

-- negative values: preference 0 with confidence; they count as seen
CALL reco.create_model('val_negative', 'VALUES (1, 1, 3), (1, 2, -3), (2, 1, 1), (2, 2, 1), (2, 3, 1), (3, 2, -1)',
  reco.ials(factors => 3, regularization => 0.1, iterations => 100, alpha => 1));
SELECT abs(val_negative.predict(1, 2)) < 0.05 AS disliked, val_negative.predict(1, 1) > 0.9 AS liked;
SELECT item_id, source FROM val_negative.recommend(1);
-- user 3 only dislikes: nothing to go by
SELECT rank, item_id, source FROM val_negative.recommend(3);
-- popularity counts users who took an item, not those who disliked it; the same for everybody
CALL reco.create_model('val_popular', 'VALUES (1, 1, -1), (2, 1, -1), (3, 1, -1), (1, 2, 1), (2, 2, 1), (4, 3, 1)', reco.popular());
SELECT rank, item_id, score FROM val_popular.recommend(4);
SELECT rank, item_id, score FROM val_popular.recommend(9);
SELECT rank, item_id, score FROM val_popular.popular();
CALL reco.drop_model('val_popular');
-- a value beside NULL: the row is skipped; without the column every row counts 1
CALL reco.drop_model('val_negative');
SET client_min_messages = notice;
CALL reco.create_model('val_nulls', 'VALUES (1, 1, 2), (1, 2, NULL), (NULL, 1, 1), (2, NULL, 1), (2, 2, 3)', reco.als(factors => 1));
-- a column without a name is told by its place
CALL reco.create_model('val_unnamed', 'SELECT n, n % 2, 1 FROM generate_series(1, 4) AS n', reco.popular());
SET client_min_messages = warning;
SELECT rows_read, rows_skipped, interactions FROM val_nulls.versions;

CALL reco.drop_model('val_nulls');
CALL reco.drop_model('val_unnamed');
CALL reco.drop_model('val_ratings');
CALL reco.drop_model('val_counts');
CALL reco.drop_model('val_nonzero');
CALL reco.drop_model('val_clip');
CALL reco.drop_model('val_raw');
DROP FUNCTION val_same;
DROP TABLE val_bad, val_zero, val_scale, val_repeats;
