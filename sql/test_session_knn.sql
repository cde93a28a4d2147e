--
-- reco.session_knn(): what came in sessions like this one.
--
SET client_min_messages = warning;
SET reco.threads = 1;  -- what is trained here is tiny

SELECT reco.session_knn();
SELECT reco.describe(reco.session_knn(neighbors => 5, weighting => 'linear', normalized => false, idf => 0));
SELECT reco.session_knn(neighbors => 0);
SELECT reco.session_knn(sample => 100001);
SELECT reco.session_knn(weighting => 'quadratic');
SELECT reco.session_knn(place_decay => -1);
SELECT reco.session_knn(idf => 1001);

CREATE TABLE visits (session int, item int, at timestamptz);
CREATE INDEX ON visits (session);
INSERT INTO visits
SELECT s, (s * 7 + k * (1 + s % 3) + s * s % 5) % 30, '2024-01-01Z'::timestamptz + s * interval '1 hour' + k * interval '1 minute'
  FROM generate_series(1, 120) s, generate_series(0, s % 6) k;
CALL reco.create_model('ses', 'SELECT session, item, 1, at FROM visits',
                       reco.session_knn(neighbors => 20, sample => 40));
SELECT version, users, items, interactions FROM reco.models WHERE model = 'ses';

-- the formula, in SQL: the newest 40 sessions that share an item, the 20 most similar of these, of
-- which none is the user's own
CREATE FUNCTION ses_scores(basket int[], u int) RETURNS TABLE (item int, score float8) LANGUAGE sql AS $$
  WITH placed AS (SELECT session, v.item, row_number() OVER (PARTITION BY session ORDER BY at, v.item) AS p, at FROM visits v),
       lists AS (SELECT session, placed.item, max(p) AS place FROM placed GROUP BY 1, 2),
       sessions AS (SELECT session, count(*) AS size, age - 1 AS age, count(*) OVER () AS n
                      FROM lists JOIN (SELECT session, row_number() OVER (ORDER BY max(at) DESC) AS age FROM visits GROUP BY 1) a USING (session)
                     GROUP BY session, age),
       own AS (SELECT b.item, max(b.p) AS place, cardinality(basket) AS l FROM unnest(basket) WITH ORDINALITY b(item, p) GROUP BY 1),
       near AS (SELECT session, age, n, sum(exp((own.place - l) / 2.5)) / sqrt(size * (SELECT count(*) FROM own)) AS similarity,
                       max(own.place) - max(l) AS back, max(lists.place) AS last
                  FROM own JOIN lists USING (item) JOIN sessions USING (session)
                 WHERE session IS DISTINCT FROM u GROUP BY session, age, n, size ORDER BY age LIMIT 40),
       best AS (SELECT session, similarity * exp(-age::float8 / n) AS similarity, back, last FROM near
                 ORDER BY similarity * exp(-age::float8 / n) DESC, age LIMIT 20),
       rare AS (SELECT lists.item, 1 + 2 * ln(120 / count(*)::float8) AS weight FROM lists GROUP BY 1)
  SELECT lists.item, sum(similarity * exp(back / 10.0) * exp(-abs(lists.place - last) / 6.0) * weight)
    FROM best JOIN lists USING (session) JOIN rare USING (item) GROUP BY 1 $$;
SELECT count(*) > 10 AS many, bool_and(coalesce(abs(r.score - s.score) < 1e-5 * s.score, false)) AS equal
  FROM ses.recommend_for(ARRAY[3, 17, 3, 21], n => 30, include_basket => true, fallback => 'none') r
  FULL JOIN ses_scores(ARRAY[3, 17, 3, 21], NULL) s ON s.item = r.item_id;
-- a stored session without itself
SELECT count(*) > 100 AS many, bool_and(coalesce(abs(r.score - s.score) < 1e-5 * s.score, false)) AS equal
  FROM (SELECT u, item_id, score FROM generate_series(1, 120, 7) u, ses.recommend(u, n => 30, include_seen => true, fallback => 'none')) r
  FULL JOIN (SELECT u, s.item, s.score FROM generate_series(1, 120, 7) u,
                    LATERAL (SELECT array_agg(item ORDER BY at, item) AS items FROM visits WHERE session = u) b,
                    ses_scores(b.items, u) s) s ON s.u = r.u AND s.item = r.item_id;
-- why: parts add up
SELECT bool_and(abs(e.sum - p.score) < 1e-5) AS adds_up
  FROM generate_series(5, 120, 13) u, LATERAL (SELECT item_id, score FROM ses.recommend(u, n => 3, fallback => 'none')) p,
       LATERAL (SELECT sum(contribution) FROM ses.explain(u, p.item_id)) e;
-- the order of a basket counts
SELECT (SELECT array_agg(item_id ORDER BY rank) FROM ses.recommend_for(ARRAY[3, 21], 5))
    <> (SELECT array_agg(item_id ORDER BY rank) FROM ses.recommend_for(ARRAY[21, 3], 5)) AS differ;
SELECT count(*) > 0 AS found, bool_or(item_id = 3) AS itself FROM ses.similar_items(3, 5);
SELECT * FROM ses.recommend_for(ARRAY[999], fallback => 'none');

-- one more click, live, and folded in: that of the basket
BEGIN;
INSERT INTO visits VALUES (7, 28, '2024-02-01Z');
CREATE TEMP TABLE live ON COMMIT DROP AS SELECT * FROM ses.recommend(7, 5, fallback => 'none');
CALL reco.fold_in('ses');
CALL reco.alter_model('ses', options => reco.options(live => 'off'));
SELECT count(*), count(*) FILTER (WHERE l.item_id = f.item_id) AS equal FROM live l JOIN ses.recommend(7, 5, fallback => 'none') f USING (rank);
-- the session is the newest now, for others as well
SELECT count(*) FROM ses.recommend_for(ARRAY[28], 5, fallback => 'none');
ROLLBACK;

-- all lists at once are those of each
CALL reco.materialize('ses', 4);
SELECT count(*) > 100 AS many, bool_and(m.score = r.score AND m.item_id = r.item_id) AS equal
  FROM ses.recommendations m, LATERAL ses.recommend(m.user_id, 4) r WHERE r.rank = m.rank AND r.source = 'model';

-- the last of each session is found more often than by popularity
SELECT metric, over_popular > 0 AS better
  FROM reco.evaluate('SELECT session, item, 1, at FROM visits', reco.session_knn(), split => 'last', test_fraction => NULL)
 WHERE algorithm <> 'popular()' AND metric IN ('recall', 'mrr');
