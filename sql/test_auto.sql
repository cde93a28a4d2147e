-- reco.auto(): choices on data where the right answer is known, what is recorded of them, and how
-- long they are kept; and what every version says it is worth.
SET client_min_messages = warning;
SET datestyle = 'ISO';

CREATE FUNCTION aut_rnd(a bigint, b bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT (hashint8(a * 1000003 + b)::bigint + 2147483648) / 4294967296.0 $$;

-- some items are taken by many, and nothing else tells who takes what
CREATE TABLE aut_popular AS
SELECT DISTINCT u, floor(exp(aut_rnd(u, k) * ln(80)))::int AS i
  FROM generate_series(1, 400) AS u, generate_series(1, 12) AS k;
-- ten circles, each with its own dozen of items, and now and then any
CREATE TABLE aut_circles AS
SELECT u, i, 1 AS value, min(at) AS at
  FROM (SELECT u, CASE WHEN k < 8 THEN u % 10 * 12 + floor(aut_rnd(u, k) * 12)::int ELSE floor(aut_rnd(u, k) * 120)::int END AS i,
               timestamp '2026-01-01' + floor(aut_rnd(k, u) * 1000) * interval '1 hour' AS at
          FROM generate_series(1, 400) AS u, generate_series(1, 9) AS k) AS lines
 GROUP BY u, i;
-- what there is to say about an item: its circle
CREATE TABLE aut_items AS SELECT i AS id, ARRAY['circle ' || i / 12] AS tags FROM generate_series(0, 119) AS i;

-- What a model's active version chose, without what differs from machine to machine.
CREATE FUNCTION aut_choice(model text, OUT chosen text, OUT metric text, OUT split text, OUT users int, OUT tried int, OUT state text)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT split_part(algorithm, ''('', 1), c ->> ''metric'', c ->> ''split'', (c -> ''users'')::int,
                         jsonb_array_length(c -> ''tried''), choice ->> ''state''
                    FROM %I.versions, jsonb_array_elements(choice -> ''choices'') AS c WHERE active', model)
     INTO chosen, metric, split, users, tried, state;
END $$;

-- popularity is all there is
SET client_min_messages = notice;
\set VERBOSITY terse
CALL reco.create_model('aut_p', 'aut_popular');
SET client_min_messages = warning;
SELECT * FROM aut_choice('aut_p');
SELECT choice -> 'choices' -> 0 ->> 'why' AS why FROM aut_p.versions;

-- circles: by time, and without a time at random
CALL reco.create_model('aut_c', 'aut_circles');
CALL reco.create_model('aut_r', 'SELECT u, i FROM aut_circles');
SELECT chosen <> 'popular' AS personal, metric, split, users, tried, state FROM aut_choice('aut_c');
SELECT chosen <> 'popular' AS personal, metric, split, users, tried, state FROM aut_choice('aut_r');
-- what was tried: popularity first, each with what it came to, and the best was taken
SELECT t ->> 'algorithm' AS algorithm, t ? 'value' AS value, t ? 'error' AS error, t ? 'gain' AS gain, t ? 'gain_error' AS gain_error,
       (t -> 'seconds')::float8 >= 0 AS seconds
  FROM aut_c.versions, jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') WITH ORDINALITY AS e(t, n) ORDER BY n LIMIT 2;
SELECT (metrics ->> 'ndcg@10')::float8 >= (SELECT max((t ->> 'value')::float8) FROM jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') AS t
                                            WHERE t ->> 'algorithm' NOT LIKE 'reco.hybrid%') AS best,
       (metrics -> 'popular' ->> 'ndcg@10')::float8 = (choice -> 'choices' -> 0 -> 'tried' -> 0 ->> 'value')::float8 AS popular,
       metrics ->> 'split' AS split, metrics ? 'ndcg@10_error' AS error, (metrics ->> 'users')::int >= 20 AS users
  FROM aut_c.versions;

-- a call of those is what was tried, to be pasted: on the same split it comes to the same
CREATE TABLE aut_many AS SELECT u + 400 * k AS u, i FROM aut_circles, generate_series(0, 1) AS k;
CALL reco.create_model('aut_p2', 'aut_many', reco.auto(candidates => ARRAY[reco.ials(factors => 8), reco.item_knn(), reco.user_knn(), reco.rp3beta()]));
CREATE FUNCTION aut_again(call text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
  again float8;
BEGIN
  EXECUTE format('SELECT value FROM reco.evaluate(''aut_many'', %s, cutoffs => ''{10}'') WHERE metric = ''ndcg'' ORDER BY algorithm = ''popular()'' LIMIT 1', call) INTO again;
  RETURN again;
END $$;
SELECT t ->> 'algorithm' AS call, aut_again(t ->> 'algorithm') = (t -> 'value')::float8 AS same
  FROM aut_p2.versions, jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') AS t WHERE t ->> 'algorithm' NOT LIKE 'reco.hybrid%';
SELECT bool_and(aut_again(t ->> 'algorithm') = (t -> 'value')::float8) AS same
  FROM aut_p2.versions, jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') AS t WHERE t ->> 'algorithm' LIKE 'reco.hybrid%';
-- of few users what is found is told from three splits, of many from one
SELECT aut_c.choice #>> '{choices,0,split}' AS few, aut_p2.choice #>> '{choices,0,split}' AS many FROM aut_c.versions AS aut_c, aut_p2.versions AS aut_p2;

-- the same whatever the order of rows and the number of threads
CREATE TABLE aut_shuffled AS SELECT * FROM aut_circles ORDER BY md5(u::text || i);
SET reco.threads = 2;
CALL reco.create_model('aut_s', 'aut_shuffled');
RESET reco.threads;
SELECT count(DISTINCT r - 'seconds') = count(*) / 2 AS same
  FROM (SELECT n, t AS r FROM aut_c.versions, jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') WITH ORDINALITY AS e(t, n)
        UNION ALL SELECT n, t FROM aut_s.versions, jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') WITH ORDINALITY AS e(t, n)) AS both_models;
SELECT c.metrics = s.metrics AS same_metrics, c.algorithm = s.algorithm AS same_algorithm FROM aut_c.versions AS c, aut_s.versions AS s;

-- candidates that are given, another metric, another split; without fusing
CALL reco.create_model('aut_g', 'aut_circles', reco.auto(metric => 'recall@5', split => 'last', fuse => false,
                       candidates => ARRAY[reco.popular(), reco.item_knn(neighbors => 20), reco.svd(factors => 10)]));
SELECT chosen <> 'popular' AS personal, metric, split, users, tried FROM aut_choice('aut_g');
-- of equal ones the first
CALL reco.create_model('aut_e', 'aut_circles', reco.auto(fuse => false, candidates => ARRAY[reco.item_knn(neighbors => 50), reco.item_knn(neighbors => 51),
                       reco.item_knn(neighbors => 50)]));
SELECT algorithm LIKE '%neighbors => 50,%' OR (metrics ->> 'ndcg@10')::float8 > (choice #>> '{choices,0,tried,1,value}')::float8 AS first_or_better FROM aut_e.versions;
-- what is known about items is a candidate where it is given
CALL reco.create_model('aut_i', 'aut_circles', reco.auto(candidates => ARRAY[reco.popular(), reco.content()]), items => 'aut_items');
SELECT chosen FROM aut_choice('aut_i');
-- one that the data is nothing for is passed over, with its error
CALL reco.create_model('aut_n', 'aut_circles', reco.auto(candidates => ARRAY[reco.content(), reco.item_knn()]));
SELECT chosen, tried FROM aut_choice('aut_n');
SELECT t ->> 'algorithm' AS algorithm, t ->> 'message' AS message
  FROM aut_n.versions, jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') AS t WHERE t ? 'message';
-- so is one that there is no memory for
SET reco.max_memory = '8MB';
CALL reco.create_model('aut_m', 'aut_circles', reco.auto(candidates => ARRAY[reco.ials(factors => 1024), reco.item_knn(neighbors => 20)]));
SELECT chosen, tried FROM aut_choice('aut_m');
SELECT split_part(t ->> 'algorithm', '(', 1) AS algorithm, regexp_replace(t ->> 'message', '[0-9]+', 'N') AS message
  FROM aut_m.versions, jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') AS t WHERE t ? 'message';
RESET reco.max_memory;
-- values are predicted
CALL reco.create_model('aut_v', 'SELECT u, i, CASE WHEN i / 12 = u % 10 THEN 5 ELSE 1 + (u + i) % 3 END FROM aut_circles', reco.auto(metric => 'rmse',
                       candidates => ARRAY[reco.als(factors => 2), reco.als(factors => 16)]));
SELECT chosen, metric, tried FROM aut_choice('aut_v');

-- too few users
SET client_min_messages = notice;
CALL reco.create_model('aut_f', 'SELECT * FROM aut_circles WHERE u <= 15');
CALL reco.create_model('aut_f2', 'SELECT * FROM aut_circles WHERE u <= 15', reco.auto(candidates => ARRAY[reco.svd(factors => 4), reco.ials()]));
SET client_min_messages = warning;
SELECT algorithm LIKE 'item_knn(%' AS item_knn, metrics, choice -> 'choices' -> 0 ->> 'why' AS why FROM aut_f.versions;
SELECT algorithm LIKE 'svd(%' AS svd FROM aut_f2.versions;

-- kept, and chosen again for each reason
CREATE TABLE aut_lines AS SELECT * FROM aut_circles WHERE u <= 200;
CREATE TABLE aut_about AS SELECT * FROM aut_items;
CALL reco.create_model('aut_k', 'aut_lines', reco.auto(candidates => ARRAY[reco.item_knn(), reco.svd(factors => 10)]), items => 'aut_about');
CREATE FUNCTION aut_refresh() RETURNS TABLE (version int, algorithm text, state text) LANGUAGE plpgsql AS $$
BEGIN
  CALL reco.refresh('aut_k');
  RETURN QUERY SELECT v.version, split_part(v.algorithm, '(', 1), v.choice ->> 'state' FROM aut_k.versions AS v WHERE active;
END $$;
SELECT * FROM aut_refresh();
SELECT metrics ? 'ndcg@10' AS measured, choice ->> 'version' AS chosen_for FROM aut_k.versions WHERE active;
-- a few rows more
INSERT INTO aut_lines SELECT * FROM aut_circles WHERE u BETWEEN 201 AND 210;
SELECT * FROM aut_refresh();
-- many more
INSERT INTO aut_lines SELECT * FROM aut_circles WHERE u > 210;
SELECT * FROM aut_refresh();
SELECT * FROM aut_refresh();
-- the definition
CALL reco.alter_model('aut_k', algorithm => reco.auto(candidates => ARRAY[reco.svd(factors => 10), reco.item_knn()]));
SELECT * FROM aut_refresh();
CALL reco.alter_model('aut_k', items => 'SELECT id, tags FROM aut_about');
SELECT * FROM aut_refresh();
-- its worth: everybody takes anything
UPDATE aut_lines SET i = floor(aut_rnd(u, i + 1000) * 100000)::int % 120;
SELECT version, state LIKE 'chosen: ndcg@10 of what was chosen fell to %' AS fell FROM aut_refresh();
-- time
CALL reco.alter_model('aut_k', options => reco.options(retune => '1 hour'));
SELECT * FROM aut_refresh();
SELECT version, choice ->> 'at' ~ '^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-]\d\d$' AS iso FROM aut_k.versions WHERE active;
CREATE FUNCTION aut_chosen(at text) RETURNS TABLE (version int, algorithm text, state text) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE aut_k.model_version SET choice = choice || jsonb_build_object('at', at);
  RETURN QUERY SELECT * FROM aut_refresh();
END $$;
SELECT * FROM aut_chosen(to_char(now() AT TIME ZONE 'UTC' - interval '50 minutes' - interval '3 hours 30 minutes', 'YYYY-MM-DD HH24:MI:SS.US-03:30'));
SELECT * FROM aut_chosen(to_char(now() AT TIME ZONE 'UTC' - interval '2 hours', 'YYYY-MM-DD HH24:MI:SS.US+00'));
-- no time at all, and one without a later one
SELECT * FROM aut_chosen('yesterday or so');
SELECT * FROM aut_chosen('2026-99-01 00:00:00+00');
SELECT * FROM aut_chosen('999999-01-01 00:00:00+00');
SELECT * FROM aut_chosen('294276-12-31 23:59:59+00');
-- what is recorded was tampered with
UPDATE aut_k.model_version SET choice = '[1]';
SELECT * FROM aut_refresh();
UPDATE aut_k.model_version SET choice = choice || '{"shape": 7, "choices": {"a": "b"}}';
SELECT version, state LIKE 'chosen:%' AS chosen FROM aut_refresh();
-- given by name it is no choice any more
CALL reco.alter_model('aut_k', algorithm => reco.item_knn());
CALL reco.refresh('aut_k');
SELECT choice FROM aut_k.versions WHERE active;

-- what was chosen is worth less than popularity by now
CALL reco.create_model('aut_b', 'aut_popular', reco.auto(candidates => ARRAY[reco.rp3beta(alpha => 1, beta => 1)]));
UPDATE aut_b.model_version SET algorithm = reco.rp3beta(alpha => 1, beta => 1, neighbors => 100, normalized => true), choice = choice - 'worth';
CALL reco.refresh('aut_b');
SELECT version, algorithm, choice ->> 'state' AS state FROM aut_b.versions ORDER BY version;

-- what a model is, in words
CALL reco.create_model('aut_d', 'SELECT u, i FROM aut_circles', reco.auto(candidates => ARRAY[reco.popular(), reco.item_knn(neighbors => 30)]));
SELECT regexp_replace(regexp_replace(regexp_replace(reco.describe('aut_d'), '20\d\d-\d\d-\d\d [0-9:.+-]+', 'T', 'g'), '-?\+?\d+\.\d+(e-\d+)?', 'N', 'g'), ' +', ' ', 'g') AS described;
SELECT reco.describe('aut_f') ~ 'asked for +reco\.auto\(\)\nalgorithm +reco\.item_knn\(' AS fallback;
SELECT reco.describe('aut_none');
CREATE ROLE aut_stranger;
SET ROLE aut_stranger;
SELECT reco.describe('aut_d');
RESET ROLE;
CALL reco.grant_use('aut_d', 'aut_stranger', tables => true);
SET ROLE aut_stranger;
SELECT reco.describe('aut_d') ~ '^model +aut_d\n' AS described;
RESET ROLE;
-- the tables without the schema, and the schema without one of the tables
REVOKE USAGE ON SCHEMA aut_d FROM aut_stranger;
SET ROLE aut_stranger;
SELECT reco.describe('aut_d');
RESET ROLE;
GRANT USAGE ON SCHEMA aut_d TO aut_stranger;
REVOKE SELECT ON aut_d.model_version FROM aut_stranger;
SET ROLE aut_stranger;
SELECT reco.describe('aut_d');
RESET ROLE;

-- a member of a hybrid, whose other members are as given
CALL reco.create_model('aut_h', 'aut_circles', reco.hybrid(ARRAY[reco.auto(candidates => ARRAY[reco.svd(factors => 10), reco.item_knn()]), reco.content()]),
                       items => 'aut_items');
SELECT algorithm ~ '^hybrid\(members => ARRAY\[reco\.(svd|item_knn|hybrid)\(.*, reco\.content\(' AS hybrid, algorithm ~ 'auto' AS auto,
       metrics ? 'ndcg@10' AS measured, jsonb_array_length(choice -> 'choices') AS choices
  FROM aut_h.versions;
CALL reco.refresh('aut_h');
SELECT choice ->> 'state' AS state FROM aut_h.versions WHERE active;
-- two of them: one looks at what is known about items
CALL reco.create_model('aut_h2', 'aut_circles', reco.hybrid(ARRAY[reco.auto(candidates => ARRAY[reco.content()]), reco.auto(candidates => ARRAY[reco.svd(factors => 10)])]),
                       items => 'aut_items');
SELECT algorithm ~ '^hybrid\(members => ARRAY\[reco\.content\(.*, reco\.svd\(' AS hybrid FROM aut_h2.versions;

-- evaluated: chosen within the training part
SELECT algorithm, metric, value > 0.2 AS good FROM reco.evaluate('aut_circles', reco.auto(candidates => ARRAY[reco.svd(factors => 10), reco.item_knn()])) WHERE metric = 'ndcg' ORDER BY value DESC;

-- values of 0 and below
CALL reco.create_model('aut_neg', 'SELECT u, i, CASE WHEN (u + i) % 7 = 0 THEN -1 WHEN (u + i) % 5 = 0 THEN 0 ELSE 1 END FROM aut_circles',
                       reco.auto(candidates => ARRAY[reco.item_knn(), reco.user_knn(), reco.ials(factors => 8), reco.rp3beta()]));
SELECT chosen <> 'popular' AS personal, tried FROM aut_choice('aut_neg');

-- ids of every type
DO $$
DECLARE
  kind text;
BEGIN
  FOREACH kind IN ARRAY ARRAY['u::smallint, i::smallint', 'u::bigint, i::numeric', 'u::text, i::text', 'md5(u::text)::uuid, md5(i::text)::uuid',
                              'date ''2026-01-01'' + u, timestamp ''2026-01-01'' + i * interval ''1 day'''] LOOP
    EXECUTE format('CALL reco.create_model(''aut_t'', ''SELECT %s FROM aut_circles'', reco.auto(candidates => ARRAY[reco.item_knn()]))', replace(kind, '''', ''''''));
    IF (SELECT chosen FROM aut_choice('aut_t')) <> 'item_knn' THEN
      RAISE WARNING '%: %', kind, aut_choice('aut_t');
    END IF;
    CALL reco.drop_model('aut_t');
  END LOOP;
END $$;

-- what every version says of its worth
SET client_min_messages = notice;
\set VERBOSITY default
CALL reco.create_model('aut_w', 'aut_circles', reco.item_knn());
CALL reco.create_model('aut_w2', 'aut_circles', reco.item_knn(), options => reco.options(measure => false));
-- just enough memory to train, and not to measure
\set VERBOSITY terse
DO $$
BEGIN
  FOR limits IN 64..512 LOOP
    PERFORM set_config('reco.max_memory', limits * 128 || 'kB', true);
    BEGIN
      CALL reco.create_model('aut_w5', 'SELECT u, i FROM generate_series(1, 150) AS u, generate_series(1, 200) AS i WHERE (u * i) % 7 < 2', reco.ials(factors => 256, iterations => 1));
      EXIT;
    EXCEPTION WHEN program_limit_exceeded THEN
    END;
  END LOOP;
END $$;
SELECT active, metrics, algorithm IS NOT NULL AS trained FROM aut_w5.versions;
\set VERBOSITY default
-- below popularity
CALL reco.create_model('aut_w3', 'aut_popular', reco.rp3beta(alpha => 1, beta => 1));
-- values, beside their mean with biases
CALL reco.create_model('aut_w4', 'SELECT u, i, CASE WHEN i / 12 = u % 10 THEN 5 ELSE 1 + (u + i) % 3 END FROM aut_circles', reco.als(factors => 8));
-- a guard compares what was measured on one kind of split
CALL reco.alter_model('aut_w4', source => 'SELECT u, i, CASE WHEN i / 12 = u % 10 THEN 5 ELSE 1 + (u + i) % 3 END, at FROM aut_circles');
\set VERBOSITY terse
CALL reco.refresh('aut_w4', guard => 'rmse <= 0.5 * current');
CALL reco.refresh('aut_w4', guard => 'rmse <= 1.05 * current');
SELECT metrics -> 'biases' ? 'rmse' AS biases, metrics ? 'rmse_error' AS error, metrics ->> 'split' AS split FROM aut_w4.versions ORDER BY version;
SET client_min_messages = warning;
SELECT metrics FROM aut_w2.versions;
SELECT metrics ->> 'metric' AS metric, metrics ->> 'split' AS split FROM aut_w.versions;

-- Portfolios go by the data, and may be empty for all rows that are trained on in the end, where on
-- trial they were not, or the other way round.  Of more than 2048 items ease is none: here some of
-- those that one user alone has are hidden.  Each even item brings the next one, which no other
-- finds so well.
CREATE TABLE aut_wide AS SELECT DISTINCT u, 2 * floor(150 * aut_rnd(u, s) ^ 2)::int + k AS i
  FROM generate_series(1, 300) AS u, generate_series(1, 30) AS s, generate_series(0, 1) AS k WHERE k = 0 OR aut_rnd(u * 31 + s, k) < 0.8;
INSERT INTO aut_wide SELECT u, 1000 + u * 20 + k FROM generate_series(1, 100) AS u, generate_series(0, 19) AS k;
CALL reco.create_model('aut_wide_m', 'aut_wide', reco.auto(fuse => false));
SELECT split_part(algorithm, '(', 1) AS algorithm, items > 2048 AS wide, algorithm ~ 'regularization => [0-9]' AS closed FROM aut_wide_m.versions;
SELECT count(*) FROM aut_wide_m.recommend(1);
-- slim is one where an interaction's user has 32 items at most, in the mean: not the first ones alone, who have more
CREATE TABLE aut_early AS SELECT u, i, 1 AS value, timestamp '2026-01-01' + u * interval '1 minute' AS at FROM aut_wide WHERE i < 1000
  UNION ALL SELECT 300 + u, i, 1, timestamp '2026-02-01' + u * interval '1 minute' FROM generate_series(1, 1000) AS u, generate_series(u % 30, u % 30 + 11) AS i
  UNION ALL SELECT u, 40 + u % 10 * 6, 1, timestamp '2026-03-01' FROM generate_series(1, 300) AS u;
SELECT sum(n * n) FILTER (WHERE u <= 300) > 32 * sum(n) FILTER (WHERE u <= 300) AS many, sum(n * n) <= 32 * sum(n) AS few FROM (SELECT u, count(*) AS n FROM aut_early GROUP BY u) AS users;
CALL reco.create_model('aut_early_m', 'aut_early', reco.auto(fuse => false));
SELECT chosen <> 'slim' AS other, split FROM aut_choice('aut_early_m');
SELECT count(*) FROM aut_early_m.versions, jsonb_array_elements(choice -> 'choices' -> 0 -> 'tried') AS t WHERE t ->> 'algorithm' ~ 'slim';
DROP TABLE aut_wide, aut_early;

-- what is refused
SELECT reco.auto(metric => 'luck');
SELECT reco.auto(metric => 'coverage@10');
SELECT reco.auto(split => 'odd');
SELECT reco.auto(candidates => '{}');
SELECT reco.auto(candidates => ARRAY[reco.popular(), reco.hybrid(ARRAY[reco.auto()])]);
SELECT reco.options(retune => '-1 day');
SELECT reco.options(retune => '293000 years');
SELECT reco.options(retune => '10000 years -3600000 days 1 hour');
SELECT reco.options(retune => '1000 years');
SELECT reco.options(retune => '1 mon 2 days 3 hours');
SELECT reco.describe(reco.auto());
SELECT reco.als_agg(ARRAY[1, 2]::real[], 1, ARRAY[1, 0, 0, 1]::real[], reco.auto());

-- candidates that cannot be trained: passed over, or an error where none is left
CALL reco.create_model('aut_m4', 'SELECT 1, 2, 3', reco.auto(candidates => ARRAY[reco.content()]));
CALL reco.create_model('aut_m4', 'SELECT 1, 2, 3', reco.auto(candidates => ARRAY[reco.content(), reco.popular()]));
CALL reco.create_model('aut_m5', 'SELECT u, i, 1 + i % 5 FROM aut_circles', reco.auto(metric => 'rmse', candidates => ARRAY[reco.content(), reco.ials()]));
SELECT count(*) FROM reco.evaluate('SELECT u, i, 1 + i % 5 FROM aut_circles', reco.auto(metric => 'rmse', candidates => ARRAY[reco.hybrid(ARRAY[reco.ials(), reco.content()])]));
-- a kept choice is measured as it was chosen, so that guards compare what can be compared
CALL reco.create_model('aut_m1', 'SELECT u, i, 1, timestamp ''2026-01-01'' + make_interval(hours => (u * 7 + i * 13) % 2000) FROM aut_circles',
  reco.auto(metric => 'recall@20', split => 'last', candidates => ARRAY[reco.svd(factors => 10)]));
SET client_min_messages = error;
CALL reco.refresh('aut_m1', guard => 'recall@20 >= 5 * current');
SET client_min_messages = warning;
SELECT version, active, metrics ->> 'metric' AS metric, metrics ->> 'split' AS split FROM aut_m1.versions ORDER BY version;
-- where values are none, graded gains are plain ones
CALL reco.create_model('aut_m2', 'SELECT u, i FROM aut_circles', reco.auto(metric => 'ndcg_graded@10', candidates => ARRAY[reco.svd(factors => 10)]));
SELECT metrics ->> 'metric' AS metric, choice ->> 'state' AS state FROM aut_m2.versions;
-- users who have nothing to be found do not count
SET client_min_messages = notice;
CALL reco.create_model('aut_m3', 'SELECT u, i, CASE WHEN u = 1 THEN 1 ELSE 0 END FROM aut_circles', options => reco.options(value => 'raw'));
SET client_min_messages = warning;
-- within an evaluation, of values that repeat
SELECT count(*) FROM reco.evaluate('SELECT u, i, 1 + i % 5, timestamp ''2026-01-01'' + make_interval(hours => u) FROM aut_circles, generate_series(1, 2)', reco.auto(metric => 'rmse', split => 'time'));
-- pairs that repeat begin with their first row there as elsewhere: so it chooses what a model of the training part does
CREATE TABLE aut_twice AS
SELECT u, i, 1 AS value, at + r * interval '200 hours' AS at FROM aut_circles, generate_series(0, (u + i) % 3) AS r;
CREATE TABLE aut_before AS SELECT * FROM aut_twice WHERE at < '2026-02-05';
SET client_min_messages = notice;
SELECT count(*) FROM reco.evaluate('aut_twice', reco.auto(candidates => ARRAY[reco.item_knn(), reco.svd(factors => 4)]), cut => '2026-02-05 00:00', cutoffs => '{10}');
CALL reco.create_model('aut_m6', 'aut_before', reco.auto(candidates => ARRAY[reco.item_knn(), reco.svd(factors => 4)]));
SET client_min_messages = warning;
-- what is no trained algorithm is damage
UPDATE aut_m2.model_version SET algorithm = '{"algorithm": "auto"}';
SELECT * FROM aut_m2.recommend(1);
UPDATE aut_m2.model_version SET algorithm = '{"algorithm": "hybrid", "members": [{"algorithm": "auto"}]}';
SELECT * FROM aut_m2.similar_items(1);
CALL reco.fold_in('aut_m2');
UPDATE aut_m2.model_version SET algorithm = '{"algorithm": "content"}';
CALL reco.refresh('aut_m2');
SELECT choice ->> 'state' AS state FROM aut_m2.versions WHERE active;
SELECT reco.part_vector('{}', '{"algorithm": "auto"}', 'users', 'factors');
SELECT reco.part_vector('{"\\x00"}', '{"algorithm": "hybrid", "members": [{"algorithm": "auto"}]}', 'users', '1.factors');
SELECT * FROM reco.part_list('{"\\x00"}', '{"algorithm": "auto"}', 'users', 'neighbors');

DROP TABLE aut_many, aut_twice, aut_before, aut_popular, aut_circles, aut_items, aut_shuffled, aut_lines, aut_about;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP SCHEMA %I CASCADE', model), '; ') FROM reco.models WHERE model LIKE 'aut\_%'); END $$;
DROP ROLE aut_stranger;
DROP FUNCTION aut_again, aut_refresh, aut_chosen, aut_choice, aut_rnd;
