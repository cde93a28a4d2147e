--
-- reco.fold_in(new_items => true): a version made of the active one, with the items that are new.
--
\set SHOW_CONTEXT never
SET reco.threads = 1;  -- what is trained here is tiny

CREATE FUNCTION nit_id(number int, type text) RETURNS text IMMUTABLE RETURN
  CASE type WHEN 'uuid' THEN lpad(number::text, 32, '0')::uuid::text WHEN 'text' THEN 'id ' || number ELSE number::text END;

-- All that is served of some users and of items, as text.
CREATE FUNCTION nit_answers(type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  answers text;
BEGIN
  EXECUTE format(
    'SELECT string_agg(a, E''\n'' ORDER BY a COLLATE "C") FROM (
       SELECT ''recommend '' || u || r AS a FROM generate_series(1, 25) u, nit.recommend(nit_id(u, %1$L)::%1$s, NULL, include_seen => true) r
       UNION ALL SELECT ''similar '' || i || s FROM generate_series(1, 14) i, nit.similar_items(nit_id(i, %1$L)::%1$s, 20) s
       UNION ALL SELECT ''popular '' || p FROM nit.popular(20) p
       UNION ALL SELECT ''users '' || f FROM nit.user_factors f
       UNION ALL SELECT ''items '' || f FROM nit.item_factors f) AS all_of_them', type) INTO answers;
  RETURN answers;
END
$$;

-- Each algorithm with each type of ids.  Items 13 and 14 are new, and so is user 25.
CREATE TABLE nit_results (algorithm text, type text, finding text);
CREATE PROCEDURE nit_rows(type text, backwards boolean) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TABLE nit_rows (u %1$s, i %1$s, v real, at timestamp)', type);
  EXECUTE format('INSERT INTO nit_rows SELECT nit_id(u, $1)::%1$s, nit_id(i, $1)::%1$s, 1 + (u * i) %% 4, ''2026-01-01''::timestamp + (u * 7 + i * 5) %% 31 * interval ''1 day''
      FROM generate_series(1, 24) u, generate_series(1, 12) i WHERE (u * 5 + i * 3) %% 4 > 1 ORDER BY CASE WHEN $2 THEN -u ELSE i END, i', type) USING type, backwards;
  EXECUTE format('CREATE TABLE nit_items AS SELECT nit_id(n, $1)::%s AS i, ARRAY[''t'' || n %% 3, ''s'' || n / 4] AS tags FROM generate_series(1, 12) n', type) USING type;
END
$$;
CREATE PROCEDURE nit_more(type text, backwards boolean) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO nit_rows SELECT nit_id(u, $1)::%1$s, nit_id(i, $1)::%1$s, 1 + (u * i) %% 4, ''2026-02-10''::timestamp + (u + i) * interval ''1 hour''
      FROM (VALUES (1, 13), (2, 13), (5, 13), (6, 13), (9, 13), (25, 13), (25, 3), (25, 4), (3, 14), (4, 14), (7, 14), (8, 14), (25, 14), (2, 1)) AS n (u, i)
      ORDER BY CASE WHEN $2 THEN -u ELSE u END, i', type) USING type, backwards;
  EXECUTE format('INSERT INTO nit_items SELECT nit_id(n, $1)::%s, ARRAY[''t'' || n %% 3, ''s'' || n / 4] FROM generate_series(13, 14) n', type) USING type;
END
$$;
CREATE PROCEDURE nit_try(algorithm reco.algorithm, type text) LANGUAGE plpgsql AS $$
DECLARE
  -- of others making a version is training one
  by_factors constant boolean := algorithm->>'algorithm' IN ('ials', 'als', 'svd', 'bpr') OR algorithm::text ~ '"(ials|als|svd|bpr)"';
  items constant text := CASE WHEN algorithm::text ~ '"content"' OR algorithm ? 'features' THEN 'nit_items' END;
  finding text;
  answers text;
  again text;
  old text;
  parts text[];
BEGIN
  CALL nit_rows(type, false);
  CALL reco.create_model('nit', 'SELECT u, i, v, at FROM nit_rows', algorithm, options => reco.options(live => 'off', measure => false), items => items);
  SELECT array_agg(i.item_id::text || i.parts::text ORDER BY i.item_id::text COLLATE "C") INTO parts FROM nit.model_item AS i WHERE version = 1;
  old := nit_answers(type);
  CALL nit_more(type, false);
  CALL reco.fold_in('nit', new_items => true);
  SELECT concat_ws(', ', CASE WHEN v.version <> 2 OR v.made_of <> 1 THEN 'version ' || v.version || ' of ' || v.made_of END,
      CASE WHEN (v.users, v.items, v.interactions, v.folded_in_interactions) <> (25, 14, w.interactions + 14, 14) THEN 'counts ' || v::text END,
      CASE WHEN v.algorithm <> w.algorithm THEN 'algorithm ' || v.algorithm END) INTO finding
    FROM nit.versions AS v JOIN nit.versions AS w ON w.version = 1 WHERE v.active;
  answers := nit_answers(type);
  IF by_factors AND algorithm->>'algorithm' <> 'hybrid' AND parts <> (SELECT array_agg(i.item_id::text || i.parts::text ORDER BY i.item_id::text COLLATE "C")
      FROM nit.model_item AS i WHERE version = 2 AND item_id::text <> ALL (ARRAY[nit_id(13, type), nit_id(14, type)])) AND NOT algorithm ? 'popularity' THEN
    finding := concat_ws(', ', finding, 'known items have other factors');
  END IF;
  EXECUTE format('SELECT concat_ws('', '', $1,
      (SELECT ''in no list: '' || i FROM unnest(ARRAY[13, 14]) i WHERE NOT EXISTS (SELECT FROM generate_series(1, 24) u, nit.recommend(nit_id(u, $2)::%1$s, NULL) r
          WHERE r.item_id = nit_id(i, $2)::%1$s AND (r.source <> ''popular'' OR $4)) LIMIT 1),
      (SELECT ''nothing is similar to '' || i FROM unnest(ARRAY[13, 14]) i WHERE NOT EXISTS (SELECT FROM nit.similar_items(nit_id(i, $2)::%1$s, 20)) AND $3 LIMIT 1),
      (SELECT ''no list of who is new'' WHERE NOT EXISTS (SELECT FROM nit.recommend(nit_id(25, $2)::%1$s) WHERE source <> ''popular'' OR $4)))', type)
    INTO finding USING nullif(finding, ''), type, by_factors, algorithm->>'algorithm' = 'popular';
  CALL reco.activate('nit', 1);
  IF nit_answers(type) IS DISTINCT FROM old THEN
    finding := concat_ws(', ', finding, 'version 1 is another');
  END IF;
  IF NOT by_factors THEN
    CALL reco.refresh('nit');
    IF nit_answers(type) IS DISTINCT FROM answers THEN
      finding := concat_ws(', ', finding, 'it is not what a training makes');
    END IF;
  END IF;
  CALL reco.drop_model('nit');
  DROP TABLE nit_rows, nit_items;
  -- the same of other threads and rows in another order
  SET LOCAL reco.threads = 2;
  CALL nit_rows(type, true);
  CALL reco.create_model('nit', 'SELECT u, i, v, at FROM nit_rows', algorithm, options => reco.options(live => 'off', measure => false), items => items);
  CALL nit_more(type, true);
  CALL reco.fold_in('nit', new_items => true);
  again := nit_answers(type);
  IF again IS DISTINCT FROM answers THEN
    finding := concat_ws(', ', finding, 'another order makes another version');
  END IF;
  INSERT INTO nit_results VALUES (reco.describe(algorithm), type, nullif(finding, ''));
  CALL reco.drop_model('nit');
  DROP TABLE nit_rows, nit_items;
END
$$;
SET client_min_messages = warning;
DO $$
DECLARE
  algorithm reco.algorithm;
  type text;
BEGIN
  FOREACH algorithm IN ARRAY ARRAY[reco.ials(factors => 3), reco.als(factors => 3), reco.svd(factors => 3), reco.bpr(factors => 3, iterations => 20)]::reco.algorithm[] LOOP
    FOREACH type IN ARRAY '{int,text,uuid}'::text[] LOOP
      CALL nit_try(algorithm, type);
    END LOOP;
  END LOOP;
  FOREACH algorithm IN ARRAY ARRAY[reco.ials(factors => 3, weighted_regularization => true, solver => 'cg'), reco.ials(factors => 3, features => 'ridge'),
      reco.als(factors => 3, biases => false), reco.als(factors => 3, solver => 'cg'),
      reco.bpr(factors => 3, iterations => 20, loss => 'warp', biases => false), reco.bpr(factors => 3, iterations => 20, popularity => 0.5),
      reco.hybrid(ARRAY[reco.ials(factors => 3), reco.item_knn()]), reco.hybrid(ARRAY[reco.ials(factors => 3), reco.hybrid(ARRAY[reco.svd(factors => 2), reco.content()])], combine => 'cascade'),
      reco.item_knn(), reco.item_knn(similarity => 'pearson', normalized => true), reco.user_knn(neighbors => 4), reco.ease(regularization => 10, neighbors => 5), reco.slim(l1 => 0.01, l2 => 0.1, neighbors => 5), reco.rp3beta(), reco.content(), reco.popular(),
      reco.sequence(), reco.session_knn(), reco.repeat(popularity => 0.1)]::reco.algorithm[] LOOP
    CALL nit_try(algorithm, 'int');
  END LOOP;
END
$$;
SELECT count(*), count(DISTINCT algorithm) AS algorithms FROM nit_results;
SELECT * FROM nit_results WHERE finding IS NOT NULL ORDER BY 1, 2;

-- What it tells, and what is recorded.
CREATE TABLE nit_rows (u text, i text, v real);
INSERT INTO nit_rows SELECT 'u' || lpad(u::text, 2, '0'), 'i' || lpad(i::text, 2, '0'), 1 FROM generate_series(1, 20) u, generate_series(1, 10) i WHERE (u + i) % 3 > 0;
CREATE TABLE nit_items AS SELECT DISTINCT i, ARRAY['t' || right(i, 1)::int % 3] AS tags FROM nit_rows;
CALL reco.create_model('nit', 'SELECT u, i, v FROM nit_rows', reco.ials(factors => 3), items => 'nit_items', options => reco.options(live => 'off'));
SELECT metrics FROM nit.versions \gset
RESET client_min_messages;
INSERT INTO nit_rows SELECT 'u' || lpad(u::text, 2, '0'), 'x', 1 FROM generate_series(1, 6) u;
INSERT INTO nit_rows SELECT 'new', i, 1 FROM unnest('{i01,i02,x}'::text[]) i;
INSERT INTO nit_items VALUES ('x', '{t1}'), ('cold', '{t2}');
-- without the option it says how many rows it skips, and what takes them
CALL reco.fold_in('nit');
CALL reco.fold_in('nit', new_items => true);
SELECT version, status, active, made_of, users, items, interactions, folded_in_interactions, folded_in_users, cold_items, loss IS NULL AS no_loss,
       drift > 0 AS drift, metrics = :'metrics' AS metrics FROM nit.versions ORDER BY version;
SELECT item_id, interactions, (SELECT sum(f ^ 2) > 0 FROM unnest(factors) f) AS factors FROM nit.item_factors WHERE item_id IN ('x', 'cold') ORDER BY 1;
SELECT count(*) > 0 AS cold_in_lists FROM nit.user_factors, nit.recommend(user_id, NULL) WHERE item_id = 'cold' AND source = 'model';
-- how far they are from where the version before had them, its layer among them, by hand
SELECT abs(n.drift - (SELECT sqrt(sum((a - b)::float8 ^ 2) / sum(b::float8 ^ 2)) FROM nit.user_factors AS f
    JOIN (SELECT user_id, reco.part_vector(parts, m.algorithm, 'users', 'factors') AS was FROM nit.model_version AS m,
            LATERAL (SELECT user_id, parts FROM nit.model_user_layer WHERE version = 1
               UNION ALL SELECT user_id, parts FROM nit.model_user AS t WHERE version = 1 AND NOT EXISTS (SELECT FROM nit.model_user_layer AS l WHERE l.version = 1 AND l.user_id = t.user_id)) AS u
          WHERE m.version = 1) AS o USING (user_id), unnest(f.factors, o.was) AS x (a, b))) < 1e-6 AS by_hand FROM nit.versions AS n WHERE active;
-- the item that only features told of has been had: it is new once more
INSERT INTO nit_rows SELECT 'u' || lpad(u::text, 2, '0'), 'cold', 1 FROM generate_series(3, 9) u;
CALL reco.fold_in('nit', new_items => true);
SELECT version, made_of, items, folded_in_interactions, cold_items FROM nit.versions WHERE active;
-- nothing is new: users alone
INSERT INTO nit_rows VALUES ('u01', 'i01', 1), ('u20', 'cold', 1);
CALL reco.fold_in('nit', new_items => true);
SELECT version, made_of, folded_in_users, folded_in_interactions FROM nit.versions WHERE active;
CALL reco.fold_in('nit', new_items => true);
-- an item goes with its rows and features
DELETE FROM nit_rows WHERE i = 'i10';
DELETE FROM nit_items WHERE i = 'i10';
INSERT INTO nit_rows VALUES ('u02', 'y', 1), ('u03', 'y', 1);
CALL reco.fold_in('nit', new_items => true);
SELECT count(*) FROM nit.item_factors WHERE item_id = 'i10';
-- a refresh is due all the same, and is made of none
UPDATE nit.model_version SET finished_at = finished_at - interval '1 day' WHERE made_of IS NULL;
SET client_min_messages = warning;
CALL reco.refresh('nit', min_interval => '1 hour');
RESET client_min_messages;
CALL reco.refresh('nit', min_interval => '1 hour');
SELECT version, made_of, folded_in_interactions, drift FROM nit.versions WHERE active;

-- In a block: seen at once, and gone with it.
BEGIN;
INSERT INTO nit_rows VALUES ('u04', 'z', 1), ('u05', 'z', 1);
CALL reco.fold_in('nit', new_items => true);
SELECT count(*) FROM nit.item_factors WHERE item_id = 'z';
ROLLBACK;
SELECT count(*) FROM nit.item_factors WHERE item_id = 'z';
SELECT max(version) AS version FROM nit.versions;

-- Minimums and excluded items are no new ones; a person who is forgotten stays so, and a version's options go on.
CALL reco.alter_model('nit', options => reco.options(live => 'off', measure => false, min_item_interactions => 2, exclude_items => '{postage}', min_users_per_item => 3));
CALL reco.refresh('nit');
CALL reco.forget_user('nit', 'u06');
DELETE FROM nit_rows WHERE u = 'u06';
INSERT INTO nit_rows VALUES ('u01', 'once', 1);
INSERT INTO nit_rows SELECT 'u' || lpad(u::text, 2, '0'), i, 1 FROM unnest('{postage,twice}'::text[]) AS i, generate_series(1, CASE i WHEN 'twice' THEN 2 ELSE 9 END) u;
CALL reco.fold_in('nit', new_items => true);
INSERT INTO nit_rows SELECT 'u' || lpad(u::text, 2, '0'), 'thrice', 1 FROM generate_series(1, 3) u;
CALL reco.fold_in('nit', new_items => true);
SELECT item_id FROM nit.item_factors WHERE item_id !~ '^i' ORDER BY 1;
SELECT count(*) FROM nit.user_factors WHERE user_id = 'u06';
SELECT made_of, options ->> 'min_users_per_item' AS least FROM nit.versions WHERE active;
-- the version's algorithm, whatever the definition asks for now
CALL reco.alter_model('nit', algorithm => reco.popular());
INSERT INTO nit_rows SELECT 'u' || lpad(u::text, 2, '0'), 'four', 1 FROM generate_series(1, 4) u;
CALL reco.fold_in('nit', new_items => true);
SELECT algorithm ~ '^ials' AS ials FROM nit.versions WHERE active;
-- notes of changes are done with
CALL reco.track('nit');
CALL reco.fold_in('nit', new_items => true);
INSERT INTO nit_rows SELECT 'u' || lpad(u::text, 2, '0'), 'five', 1 FROM generate_series(1, 5) u;
CALL reco.fold_in('nit', new_items => true);
CALL reco.fold_in('nit');
CALL reco.untrack('nit');

-- Errors.
CALL reco.fold_in('nit', users => 'SELECT ''u01''', new_items => true);
CALL reco.fold_in('nowhere', new_items => true);
UPDATE nit_rows SET i = 'other ' || i;
CALL reco.fold_in('nit', new_items => true);
SELECT max(version) = max(version) FILTER (WHERE active) AS none_more FROM nit.versions;
TRUNCATE nit_rows;
CALL reco.fold_in('nit', new_items => true);
CALL reco.drop_model('nit');
INSERT INTO nit_rows SELECT 'u' || u, 'i' || i, 1 FROM generate_series(1, 12) u, generate_series(1, 8) i WHERE (u + i) % 3 > 0;
SET client_min_messages = warning;
CALL reco.create_model('nit', 'nit_rows', reco.private(reco.item_knn(), epsilon => 2), options => reco.options(live => 'off'));
CALL reco.fold_in('nit', new_items => true);
CALL reco.drop_model('nit');
CALL reco.create_model('nit', 'nit_rows', reco.ials(factors => 2, engine => 'sql'), options => reco.options(live => 'off', value => 'binary'));
CALL reco.fold_in('nit', new_items => true);
CALL reco.drop_model('nit');

-- What was chosen stays: by reco.auto(), and of a hybrid's weights; a later refresh knows how.
CALL reco.create_model('nit', 'nit_rows', reco.auto(), options => reco.options(live => 'off', retune => '30 days'));
SELECT choice AS chosen, algorithm AS was FROM nit.versions \gset
INSERT INTO nit_rows SELECT 'u' || u, 'new', 1 FROM generate_series(1, 8) u;
CALL reco.fold_in('nit', new_items => true);
SELECT made_of, choice = :'chosen' AS choice, algorithm = :'was' AS algorithm FROM nit.versions WHERE active;
CALL reco.drop_model('nit');
CALL reco.create_model('nit', 'nit_rows', reco.hybrid(ARRAY[reco.ials(factors => 2), reco.popular()]), options => reco.options(live => 'off'));
SELECT choice AS chosen, algorithm AS was FROM nit.versions \gset
INSERT INTO nit_rows SELECT 'u' || u, 'newer', 1 FROM generate_series(1, 8) u;
CALL reco.fold_in('nit', new_items => true);
SELECT made_of, choice = :'chosen' AS choice, algorithm = :'was' AS algorithm FROM nit.versions WHERE active;
CALL reco.drop_model('nit');

-- Users as another model knows them: as long as that is the same.
CREATE TABLE nit_books AS SELECT 'u' || u AS u, 'b' || b AS b FROM generate_series(1, 14) u, generate_series(1, 6) b WHERE (u * b) % 4 < 2;
CALL reco.create_model('books', 'nit_books', reco.ials(factors => 2), options => reco.options(live => 'off', measure => false));
CALL reco.create_model('nit', 'nit_rows', reco.ials(factors => 2, prior => 'books'), options => reco.options(live => 'off', measure => false));
INSERT INTO nit_rows VALUES ('u13', 'newest', 1), ('u1', 'newest', 1), ('u2', 'newest', 1);
CALL reco.fold_in('nit', new_items => true);
SELECT made_of, priors FROM nit.versions WHERE active;
SELECT count(*) FROM nit.recommend('u13') WHERE source = 'model';
CALL reco.refresh('books');
INSERT INTO nit_rows VALUES ('u13', 'last', 1);
CALL reco.fold_in('nit', new_items => true);
CALL reco.drop_model('nit');
CALL reco.drop_model('books');
DROP TABLE nit_rows, nit_items, nit_books, nit_results;
DROP PROCEDURE nit_try, nit_rows, nit_more;
DROP FUNCTION nit_answers, nit_id;
