--
-- reco.fold_in(): users whose interactions have changed, in a layer over the active version.
--
\set SHOW_CONTEXT never
SET reco.threads = 1;  -- what is trained here is tiny

-- All that is served of a user, as text.
CREATE FUNCTION fol_answers(who text, whose text, item text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answers text;
BEGIN
  EXECUTE format(
    'SELECT string_agg(a, E''\n'' ORDER BY a) FROM (
       SELECT ''recommend '' || r AS a FROM fol.recommend(%1$s, NULL) r
       UNION ALL SELECT ''seen '' || r FROM fol.recommend(%1$s, NULL, include_seen => true) r
       UNION ALL SELECT ''diverse '' || r FROM fol.recommend(%1$s, 4, diversity => 0.5) r
       UNION ALL SELECT ''rerank '' || r FROM fol.rerank(%1$s, ARRAY(SELECT item_id FROM fol.item_factors)) r
       UNION ALL SELECT ''predict '' || item_id || '' '' || fol.predict(%1$s, item_id) FROM fol.item_factors
       UNION ALL SELECT ''explain '' || r FROM fol.explain(%1$s, %2$s) r) AS all_of_them',
    format('%L::%s', who, whose), format('%L::%s', item, whose)) INTO answers;
  RETURN answers;
END
$$;
CREATE FUNCTION fol_id(number int, type text) RETURNS text IMMUTABLE RETURN
  CASE type WHEN 'uuid' THEN lpad(number::text, 32, '0')::uuid::text WHEN 'text' THEN 'id ' || number ELSE number::text END;

-- Each algorithm with each type of ids: what is served of a user after fold_in is, to the bit,
-- what a live look-up gave before; users who did not change keep their bits, but with user_knn,
-- where they have what their neighbors have; a refresh has no layer, and the older version has its own again.
CREATE TABLE fol_results (algorithm text, type text, finding text);
CREATE PROCEDURE fol_try(algorithm reco.algorithm, type text) LANGUAGE plpgsql AS $$
DECLARE
  others constant boolean := algorithm->>'algorithm' = 'user_knn';
  -- in user_knn only one, since they may be neighbors
  changed constant int[] := CASE WHEN others THEN '{3}' ELSE '{3,4,5,21,22}'::int[] END;
  untouched constant int[] := '{1,2,9,10}';
  live text[] := '{}';
  were text[] := '{}';
  u int;
  finding text;
  again text;
BEGIN
  EXECUTE format('CREATE TABLE fol_rows (u %1$s, i %1$s, v real)', type);
  EXECUTE format('INSERT INTO fol_rows SELECT fol_id(u, $1)::%1$s, fol_id(i, $1)::%1$s, 1 + (u * i) %% 4
                    FROM generate_series(1, 20) u, generate_series(1, 12) i WHERE (u * 5 + i * 3) %% 4 > 1', type) USING type;
  CREATE INDEX ON fol_rows (u);
  EXECUTE format('CREATE TABLE fol_items AS SELECT DISTINCT i, ARRAY[(n %% 3)::text, ''t'' || n / 3] AS tags
                    FROM generate_series(1, 12) n, LATERAL (SELECT fol_id(n, $1)::%s AS i) AS s', type) USING type;
  CALL reco.create_model('fol', 'SELECT u, i, v FROM fol_rows', algorithm, options => reco.options(live => 'on', value => 'raw', measure => false),
                         items => CASE WHEN algorithm->>'algorithm' = 'content' THEN 'fol_items' END);
  FOREACH u IN ARRAY untouched LOOP
    were := were || fol_answers(fol_id(u, type), type, fol_id(7, type));
  END LOOP;
  -- 3 buys, 4 returns, 5 thinks again; 21 and 22 are new, and 6 is gone
  EXECUTE format('INSERT INTO fol_rows VALUES (fol_id(3, $1)::%1$s, fol_id(8, $1)::%1$s, 5), (fol_id(3, $1)::%1$s, fol_id(1, $1)::%1$s, 2)', type) USING type;
  IF NOT others THEN
    EXECUTE format('DELETE FROM fol_rows WHERE u = fol_id(4, $1)::%1$s AND i < fol_id(6, $1)::%1$s', type) USING type;
    EXECUTE format('UPDATE fol_rows SET v = 5 - v WHERE u = fol_id(5, $1)::%1$s', type) USING type;
    EXECUTE format('INSERT INTO fol_rows SELECT fol_id(u, $1)::%1$s, fol_id(i, $1)::%1$s, i %% 3 FROM unnest(ARRAY[21, 21, 21, 22], ARRAY[2, 3, 11, 10]) AS n (u, i)', type) USING type;
    EXECUTE format('DELETE FROM fol_rows WHERE u = fol_id(6, $1)::%1$s', type) USING type;
  END IF;
  FOREACH u IN ARRAY changed LOOP
    live := live || fol_answers(fol_id(u, type), type, fol_id(7, type));
  END LOOP;
  CALL reco.fold_in('fol');
  CALL reco.alter_model('fol', options => reco.options(live => 'off'));
  FOR k IN 1 .. cardinality(changed) LOOP
    again := fol_answers(fol_id(changed[k], type), type, fol_id(7, type));
    IF again IS DISTINCT FROM live[k] THEN
      finding := concat_ws(', ', finding, format('user %s is not what was live', changed[k]));
    END IF;
  END LOOP;
  FOR k IN 1 .. cardinality(untouched) LOOP
    IF NOT others AND fol_answers(fol_id(untouched[k], type), type, fol_id(7, type)) IS DISTINCT FROM were[k] THEN
      finding := concat_ws(', ', finding, format('user %s is not what they were', untouched[k]));
    END IF;
  END LOOP;
  IF NOT others THEN
    EXECUTE format('SELECT concat_ws('', '', $3,
        (SELECT ''a list of who is gone'' FROM fol.recommend(fol_id(6, $2)::%1$s) WHERE source <> ''popular'' LIMIT 1),
        (SELECT ''who is gone is told'' FROM fol.audience(fol_id(7, $2)::%1$s, 100, exclude_buyers => false) WHERE user_id = fol_id(6, $2)::%1$s),
        (SELECT ''who is gone is similar'' FROM fol.user_factors f, LATERAL fol.similar_users(f.user_id, n => 100) s WHERE s.user_id = fol_id(6, $2)::%1$s LIMIT 1),
        (SELECT ''who is new is told a score of their own'' FROM fol.audience(fol_id(7, $2)::%1$s, 100, exclude_buyers => false) a
          WHERE a.user_id::text = ANY ($1) AND a.score IS DISTINCT FROM (SELECT score FROM fol.rerank(a.user_id, ARRAY[fol_id(7, $2)::%1$s])) LIMIT 1),
        (SELECT ''user_factors have '' || count(*) FROM fol.user_factors HAVING count(*) <> 21))', type)
      INTO finding USING (SELECT array_agg(fol_id(n, type)) FROM unnest('{3,21,22}'::int[]) n), type, finding;
  END IF;
  EXECUTE format('SELECT string_agg(r::text, E''\n'') FROM fol.recommend(fol_id(3, $1)::%1$s, NULL) r', type) INTO again USING type;
  CALL reco.refresh('fol');
  IF (SELECT active_epoch FROM fol.model) <> 0 THEN
    finding := concat_ws(', ', finding, 'a refresh keeps the layer');
  END IF;
  CALL reco.activate('fol', 1);
  EXECUTE format('SELECT concat_ws('', '', $2, CASE WHEN string_agg(r::text, E''\n'') IS DISTINCT FROM $3 THEN ''version 1 has another layer'' END)
                    FROM fol.recommend(fol_id(3, $1)::%1$s, NULL) r', type) INTO finding USING type, finding, again;
  INSERT INTO fol_results VALUES (reco.describe(algorithm), type, nullif(finding, ''));
  CALL reco.drop_model('fol');
  DROP TABLE fol_rows, fol_items;
END
$$;
SET client_min_messages = warning;
DO $$
DECLARE
  algorithm reco.algorithm;
  type text;
BEGIN
  FOREACH algorithm IN ARRAY ARRAY[reco.ials(factors => 3), reco.als(factors => 3), reco.svd(factors => 3), reco.item_knn(),
      reco.item_knn(similarity => 'pearson', normalized => true), reco.item_knn(biases => true), reco.user_knn(neighbors => 4),
      reco.user_knn(neighbors => 4, biases => true), reco.rp3beta(), reco.content(), reco.popular()]::reco.algorithm[] LOOP
    FOREACH type IN ARRAY '{int,text,uuid}'::text[] LOOP
      CALL fol_try(algorithm, type);
    END LOOP;
  END LOOP;
END
$$;
SELECT count(*), count(DISTINCT algorithm) AS algorithms FROM fol_results;
SELECT * FROM fol_results WHERE finding IS NOT NULL ORDER BY 1, 2;

-- What it tells, and when nothing has changed: no new layer.
RESET client_min_messages;
CREATE TABLE fol_rows (u text, i text, v real, at date);
INSERT INTO fol_rows SELECT 'u' || lpad(u::text, 2, '0'), 'i' || lpad(i::text, 2, '0'), 1, '2026-01-01' FROM generate_series(1, 12) u, generate_series(1, 10) i WHERE u >= i AND (u + i) % 3 > 0;
CALL reco.create_model('fol', 'SELECT u, i, v, at FROM fol_rows', reco.ials(factors => 3),
  options => reco.options(live => 'off', min_user_interactions => 2, max_user_interactions => 6, on_invalid => 'skip', value => 'raw', measure => false));
CALL reco.fold_in('fol');
SELECT active_epoch IS NOT DISTINCT FROM 0 AS none FROM fol.model;
INSERT INTO fol_rows VALUES
  ('u03', 'i09', 2, '2026-01-02'), ('u03', 'other', 1, '2026-01-03'), ('u04', 'other', 1, '2026-01-03'), -- u04: nothing that the version knows
  ('new', 'i01', 1, '2026-01-02'), ('new', 'i02', 1, NULL), ('few', 'i01', 1, '2026-01-02'), ('few', 'another', 1, '2026-01-02'),
  ('u05', 'i01', 'NaN', '2026-01-02'), ('u05', NULL, 1, '2026-01-02');
DELETE FROM fol_rows WHERE u = 'u12';
CALL reco.fold_in('fol');
SELECT version, active, users, folded_in_users, folded_in_at > finished_at AS later FROM fol.versions ORDER BY version;
-- what it has not been trained on, and how far users have moved, of those who are still there
SELECT v.folded_in_interactions, v.folded_in_interactions = (SELECT sum(interactions) FROM fol.user_factors) - v.interactions AS same, round(v.drift::numeric, 3) AS drift,
       abs(v.drift - (SELECT sqrt(sum((n.f - t.f)::float8 ^ 2) / sum(t.f::float8 ^ 2)) FROM fol.model_user_layer AS l JOIN fol.model_user AS u USING (number),
         unnest(reco.part_vector(l.parts, v.algorithm_value, 'users', 'factors'), reco.part_vector(u.parts, v.algorithm_value, 'users', 'factors')) WITH ORDINALITY AS n(f, g, k),
         LATERAL (SELECT n.g AS f) AS t WHERE l.interactions > 0)) < 1e-6 AS by_hand
  FROM (SELECT w.*, m.algorithm AS algorithm_value FROM fol.versions AS w JOIN fol.model_version AS m USING (version)) AS v;
SELECT user_id, number, interactions FROM fol.model_user_layer ORDER BY number;
SELECT model, users FROM reco.models WHERE model = 'fol';
SELECT status, problem, users FROM reco.health WHERE model = 'fol';
SELECT active_epoch AS epoch FROM fol.model \gset
CALL reco.fold_in('fol');
SELECT active_epoch = :epoch AS same FROM fol.model;
-- somebody who is new, somebody again, and the first one gone: numbers stay
INSERT INTO fol_rows SELECT u, i, 1, '2026-01-04' FROM unnest('{u13,u12}'::text[]) u, unnest('{i03,i04,i05}'::text[]) i;
DELETE FROM fol_rows WHERE u = 'new';
CALL reco.fold_in('fol');
SELECT user_id, number, interactions FROM fol.model_user_layer ORDER BY number;
SELECT active_epoch > :epoch AS later FROM fol.model;
SELECT count(*) FROM fol.recommend('new') WHERE source = 'model';
-- of too many only the latest count
INSERT INTO fol_rows SELECT 'u13', 'i' || lpad(i::text, 2, '0'), 1, '2026-02-01'::date + i FROM generate_series(1, 10) i;
CALL reco.fold_in('fol');
SELECT interactions FROM fol.model_user_layer WHERE user_id = 'u13';
-- lists stay until they are made again
CALL reco.materialize('fol', n => 2);
SELECT count(*), count(*) FILTER (WHERE user_id = 'u12') AS u12, count(*) FILTER (WHERE user_id = 'new') AS new FROM fol.model_list;

-- In a block: seen at once, and gone with it; the file of what was rolled back is nobody's.
BEGIN;
INSERT INTO fol_rows VALUES ('u06', 'i09', 1, '2026-01-05');
CALL reco.fold_in('fol');
SELECT count(*) FROM fol.recommend('u06', NULL, include_seen => true) WHERE item_id = 'i09';
SELECT count(*) FROM fol.recommend('u06', NULL) WHERE item_id = 'i09';
SELECT count(*) FROM fol.audience('i09', 100);
ROLLBACK;
SELECT count(*) FROM fol.recommend('u06', NULL) WHERE item_id = 'i09';
SELECT count(*) FROM fol.audience('i09', 100);
INSERT INTO fol_rows VALUES ('u06', 'i09', 1, '2026-01-05'), ('u07', 'i09', 1, '2026-01-05');
CALL reco.fold_in('fol');
SELECT count(*) FROM fol.audience('i09', 100);

-- Another version meanwhile: each has its own layer.
CALL reco.refresh('fol');
SELECT version, active, users, folded_in_users FROM fol.versions ORDER BY version;
SELECT count(*) FROM fol.recommend('u14') WHERE source = 'model';
INSERT INTO fol_rows SELECT 'u14', i, 1, '2026-01-06' FROM unnest('{i03,i04,other}'::text[]) i;
CALL reco.fold_in('fol');
SELECT version, active, users, folded_in_users FROM fol.versions ORDER BY version;
SELECT count(*) > 0 AS knows FROM fol.recommend('u14') WHERE source = 'model';
CALL reco.activate('fol', 1);
SELECT count(*) > 0 AS knows FROM fol.recommend('u14') WHERE source = 'model';
SELECT count(*) > 0 AS knows FROM fol.recommend('u13') WHERE source = 'model';
CALL reco.activate('fol', 2);
SELECT count(*) > 0 AS knows FROM fol.recommend('u14') WHERE source = 'model';
-- and goes with it
CALL reco.refresh('fol');
CALL reco.refresh('fol');
SELECT DISTINCT version FROM fol.model_user_layer;

-- The version's algorithm and options, the definition's source.
CALL reco.alter_model('fol', 'SELECT u, i, v FROM fol_rows WHERE u <> ''u02''', algorithm => reco.popular(), options => reco.options(min_user_interactions => 10, on_invalid => 'skip'));
CALL reco.fold_in('fol');

-- Errors.
CALL reco.fold_in('nowhere');
CALL reco.fold_in(NULL);
CALL reco.fold_in('fol', 'perhaps');
CALL reco.alter_model('fol', 'SELECT u, i, 1 / (v - 1) FROM fol_rows');
CALL reco.fold_in('fol');
CALL reco.alter_model('fol', 'SELECT 1 AS u, i FROM fol_rows');
CALL reco.fold_in('fol');
CALL reco.alter_model('fol', 'SELECT u, i FROM fol_rows WHERE false');
CALL reco.fold_in('fol');
CALL reco.alter_model('fol', 'SELECT u, i FROM fol_rows');
CREATE ROLE regress_fol_other;
SET ROLE regress_fol_other;
CALL reco.fold_in('fol');
RESET ROLE;
DROP ROLE regress_fol_other;
CREATE FUNCTION fol_call() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL reco.fold_in('fol'); END $$;
SELECT fol_call();
SELECT fol_call();

-- What the owner does to the layer is an error or nothing, never a crash.
CREATE FUNCTION fol_broken(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  told text := '';
  query text;
BEGIN
  EXECUTE change;
  FOREACH query IN ARRAY ARRAY['SELECT count(*) FROM fol.recommend(''u03'')', 'SELECT count(*) FROM fol.audience(''i09'', 100)',
      'SELECT count(*) FROM fol.similar_users(''u03'')', 'CALL reco.materialize(''fol'')', 'CALL reco.fold_in(''fol'')'] LOOP
    BEGIN
      EXECUTE query;
    EXCEPTION WHEN OTHERS THEN
      told := told || E'\n  ' || SQLERRM;
      GET STACKED DIAGNOSTICS query = PG_EXCEPTION_DETAIL;
      told := told || ' (' || query || ')';
    END;
  END LOOP;
  RAISE EXCEPTION '%', told;
EXCEPTION WHEN raise_exception THEN
  RETURN SQLERRM;
END
$$;
INSERT INTO fol_rows VALUES ('u03', 'i01', 7, '2026-01-07'), ('u15', 'i01', 7, '2026-01-07'), ('u15', 'i02', 7, '2026-01-07');
SET client_min_messages = warning;
CALL reco.fold_in('fol');
SELECT change, fol_broken(change) FROM (VALUES
  ('SELECT'),
  ('DELETE FROM fol.model_user_layer'),
  ('DELETE FROM fol.model_user_layer WHERE user_id = ''u15'''),
  ('UPDATE fol.model_user_layer SET number = number + 1000'),
  ('UPDATE fol.model_user_layer SET number = -1 - number'),
  ('UPDATE fol.model_user_layer SET number = 0 WHERE user_id = ''u15'''),
  ('UPDATE fol.model_user_layer SET history = ''\x000100ff'''),
  ('UPDATE fol.model_user_layer SET parts = ''{}'''),
  ('UPDATE fol.model_version SET added_users = -1'),
  ('UPDATE fol.model_version SET added_users = 2147483647'),
  ('UPDATE fol.model_version SET added_users = NULL'),
  ('UPDATE fol.model SET active_epoch = NULL'),
  ('UPDATE fol.model SET active_epoch = -1'),
  ('ALTER TABLE fol.model_user_layer ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'),
  ('ALTER TABLE fol.model_user_layer DROP CONSTRAINT model_user_layer_pkey'),
  ('ALTER TABLE fol.model_user_layer ADD x int'),
  ('DROP TABLE fol.model_user_layer CASCADE')) AS v(change);
SELECT count(*) FROM fol.audience('i09', 100);

-- What is an error is for the definition to say, not for the version.
CALL reco.alter_model('fol', 'SELECT u, i, v FROM fol_rows', options => reco.options(on_invalid => 'error'));
CALL reco.fold_in('fol');
CALL reco.alter_model('fol', options => reco.options(on_invalid => 'skip'));
CALL reco.fold_in('fol');
SELECT relname, reloptions FROM pg_class WHERE relname IN ('model_user', 'model_user_layer') AND relnamespace = 'fol'::regnamespace ORDER BY 1;
CALL reco.drop_model('fol');
DROP TABLE fol_rows, fol_results;
DROP PROCEDURE fol_try;
DROP FUNCTION fol_answers, fol_id, fol_call, fol_broken;
