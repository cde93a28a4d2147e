--
-- reco.fold_in of some users: the same rows as when all are looked at, of those alone.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET reco.threads = 1;

CREATE TABLE fiu_rows AS
SELECT u AS user_id, (u * 7 + k * k * 13) % 60 AS item_id, 1 + (u + k) % 3 AS qty, timestamp '2024-01-01' + (u * 31 + k * 17) % 500 * interval '1 hour' AS at
  FROM generate_series(1, 300) AS u, generate_series(1, 4 + u % 9) AS k;
CREATE INDEX ON fiu_rows (user_id);
ANALYZE fiu_rows;
CREATE FUNCTION fiu_change() RETURNS void BEGIN ATOMIC
  INSERT INTO fiu_rows SELECT u, (u * 11 + k) % 60, 2, '2024-06-01' FROM generate_series(10, 290, 20) AS u, generate_series(1, 3) AS k;  -- more
  DELETE FROM fiu_rows WHERE user_id IN (40, 60);                                                 -- nothing any more
  INSERT INTO fiu_rows SELECT u, (u + k) % 60, 1, '2024-06-02' FROM generate_series(400, 404) AS u, generate_series(1, 5) AS k;  -- new
  INSERT INTO fiu_rows VALUES (500, 9999, 1, '2024-06-02');                                       -- new, of an item that is not known
END;

-- Every algorithm, with the source asked by user and read as a whole.
CREATE PROCEDURE fiu_compare(algorithm text, indexed boolean) LANGUAGE plpgsql AS $$
DECLARE
  source text := CASE WHEN indexed THEN 'SELECT user_id, item_id, qty, at FROM fiu_rows'
                 ELSE 'SELECT user_id, item_id, qty, at FROM fiu_rows ORDER BY at OFFSET 0' END;
  same int;
  rows int;
  others int;
BEGIN
  EXECUTE format('CALL reco.create_model(''fiu_all'', %L, reco.%s, options => reco.options(measure => false))', source, algorithm);
  EXECUTE format('CALL reco.create_model(''fiu_some'', %L, reco.%s, options => reco.options(measure => false))', source, algorithm);
  PERFORM fiu_change();
  CALL reco.fold_in('fiu_all');
  CALL reco.fold_in('fiu_some', users => 'SELECT generate_series(1, 150) UNION ALL SELECT generate_series(400, 402) UNION ALL SELECT NULL UNION ALL SELECT 10 UNION ALL SELECT 77777');
  SELECT count(*) FILTER (WHERE a.history = s.history AND a.parts = s.parts), count(*),
         count(*) FILTER (WHERE s.user_id NOT BETWEEN 1 AND 150 AND s.user_id NOT BETWEEN 400 AND 402)
    INTO same, rows, others
    FROM fiu_some.model_user_layer AS s LEFT JOIN fiu_all.model_user_layer AS a USING (user_id);
  RAISE INFO '%, %: % rows, % the same, % of others', algorithm, CASE WHEN indexed THEN 'by user' ELSE 'whole' END, rows, same, others;
  -- the rest, and then nobody
  CALL reco.fold_in('fiu_some');
  SELECT count(*) FILTER (WHERE a.history = s.history AND a.parts = s.parts), count(*) INTO same, rows
    FROM fiu_some.model_user_layer AS s FULL JOIN fiu_all.model_user_layer AS a USING (user_id);
  IF same <> rows THEN
    RAISE INFO 'after the rest % of % are the same', same, rows;
  END IF;
END
$$;
BEGIN; CALL fiu_compare('ials(factors => 8, iterations => 3)', true); ROLLBACK;
BEGIN; CALL fiu_compare('ials(factors => 8, iterations => 3)', false); ROLLBACK;
BEGIN; CALL fiu_compare('als(factors => 8, iterations => 3)', true); ROLLBACK;
BEGIN; CALL fiu_compare('item_knn(neighbors => 10)', true); ROLLBACK;
-- (whose neighbors were folded in before, or not yet)
BEGIN; CALL fiu_compare('user_knn(neighbors => 10)', true); ROLLBACK;
BEGIN; CALL fiu_compare('repeat()', true); ROLLBACK;
BEGIN; CALL fiu_compare('repeat()', false); ROLLBACK;
BEGIN; CALL fiu_compare('session_knn()', true); ROLLBACK;
BEGIN; CALL fiu_compare('hybrid(ARRAY[reco.ials(factors => 8, iterations => 3), reco.item_knn()])', true); ROLLBACK;
-- Many users, on threads: the same bits.
CREATE PROCEDURE fiu_threads(algorithm text) LANGUAGE plpgsql AS $$
DECLARE
  told text;
BEGIN
  FOR threads IN 1 .. 4 BY 3 LOOP
    EXECUTE format('CALL reco.create_model(%L, ''SELECT user_id, item_id, qty, at FROM fiu_rows'', reco.%s, options => reco.options(measure => false))', 'fiu_' || threads, algorithm);
  END LOOP;
  INSERT INTO fiu_rows SELECT u, (u * 11 + k) % 60, 2, '2024-06-01' FROM generate_series(1, 250) AS u, generate_series(1, 3) AS k;
  DELETE FROM fiu_rows WHERE user_id % 25 = 0;
  INSERT INTO fiu_rows SELECT u, (u + k) % 60, 1, '2024-06-02' FROM generate_series(400, 420) AS u, generate_series(1, 5) AS k;
  FOR threads IN 1 .. 4 BY 3 LOOP
    PERFORM set_config('reco.threads', threads::text, true);
    EXECUTE format('CALL reco.fold_in(%L)', 'fiu_' || threads);
  END LOOP;
  SELECT format('%s rows, %s empty, %s the same, %s else than before', count(*), count(*) FILTER (WHERE a.interactions = 0),
                count(*) FILTER (WHERE a.history = b.history AND a.parts = b.parts AND a.number = b.number),
                count(*) FILTER (WHERE a.interactions > 0 AND a.parts IS DISTINCT FROM u.parts)) INTO told
    FROM fiu_1.model_user_layer AS a FULL JOIN fiu_4.model_user_layer AS b USING (user_id)
    LEFT JOIN fiu_4.model_user AS u ON u.user_id = a.user_id;
  RAISE INFO '%: %', algorithm, told;
END
$$;
BEGIN; CALL fiu_threads('ials(factors => 8, iterations => 3)'); ROLLBACK;
BEGIN; CALL fiu_threads('als(factors => 8, iterations => 3)'); ROLLBACK;
BEGIN; CALL fiu_threads('item_knn(neighbors => 10)'); ROLLBACK;
BEGIN; CALL fiu_threads('user_knn(neighbors => 10)'); ROLLBACK;
BEGIN; CALL fiu_threads('bpr(factors => 8, iterations => 3)'); ROLLBACK;
BEGIN; CALL fiu_threads('svd(factors => 8)'); ROLLBACK;
BEGIN; CALL fiu_threads('repeat()'); ROLLBACK;
BEGIN; CALL fiu_threads('hybrid(ARRAY[reco.ials(factors => 8, iterations => 3), reco.user_knn(neighbors => 10)])'); ROLLBACK;
SET client_min_messages = notice;

-- What is told, and what is wrong.
SET client_min_messages = warning;
CALL reco.create_model('fiu', 'SELECT user_id, item_id, qty, at FROM fiu_rows', reco.ials(factors => 4, iterations => 2), options => reco.options(measure => false));
SET client_min_messages = notice;
CALL reco.fold_in('fiu', users => 'SELECT 1');
CALL reco.fold_in('fiu', users => 'SELECT 1 WHERE false');
INSERT INTO fiu_rows SELECT u, i, 1, '2024-07-01' FROM generate_series(1, 2) AS u, generate_series(40, 49) AS i;
CALL reco.fold_in('fiu', users => 'SELECT ''1''::text');
CALL reco.fold_in('fiu', users => 'SELECT 12345');
SELECT user_id FROM fiu.model_user_layer ORDER BY 1;
CALL reco.fold_in('fiu', users => 'SELECT 2, 3');
CALL reco.fold_in('fiu', users => 'DELETE FROM fiu_rows RETURNING user_id');
CALL reco.fold_in('fiu', users => 'SELECT ''one''::text');
CALL reco.fold_in('fiu', users => 'no such query');
-- all rows are gone: nobody but those who are named loses anything
BEGIN;
DELETE FROM fiu_rows;
CALL reco.fold_in('fiu', users => 'SELECT 2');
SELECT user_id, interactions FROM fiu.model_user_layer ORDER BY 1;
ROLLBACK;

DROP PROCEDURE fiu_compare, fiu_threads;
SET client_min_messages = warning;
CALL reco.drop_model('fiu');
DROP FUNCTION fiu_change;
DROP TABLE fiu_rows;
