-- What `make demo RATINGS=ratings.csv` shows: explicit ratings, MovieLens' or of
-- the same form. demo.sh has loaded the tables ratings_csv and movies_csv, all
-- text. Read by psql from its standard input, so that notices come without a
-- file name.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off

-- Ids that are whole numbers become bigint; times are seconds or timestamps.
SELECT CASE WHEN bool_and(user_id ~ '^-?\d{1,18}$') THEN 'bigint' ELSE 'text' END AS user_type,
       CASE WHEN bool_and(movie_id ~ '^-?\d{1,18}$') THEN 'bigint' ELSE 'text' END AS movie_type,
       CASE WHEN bool_and(rated_at IS NULL) THEN 'NULL::timestamptz'
            WHEN bool_and(rated_at ~ '^\d+(\.\d+)?$') THEN 'to_timestamp(rated_at::float8)'
            ELSE 'rated_at::timestamptz' END AS rated_at,
       CASE WHEN bool_and(rated_at IS NULL) THEN 'SELECT user_id, movie_id, rating FROM ratings'
            ELSE 'SELECT user_id, movie_id, rating, rated_at FROM ratings' END AS source
FROM ratings_csv \gset
CREATE TABLE ratings AS
  SELECT user_id:: :user_type, movie_id:: :movie_type, rating::real, :rated_at AS rated_at FROM ratings_csv;
CREATE INDEX ON ratings (user_id);
CREATE TABLE movies AS
  SELECT DISTINCT ON (r.movie_id) r.movie_id, coalesce(m.title, 'item ' || r.movie_id) AS title
  FROM ratings AS r LEFT JOIN movies_csv AS m ON m.movie_id = r.movie_id::text
  ORDER BY r.movie_id;
ALTER TABLE movies ADD PRIMARY KEY (movie_id);
ANALYZE ratings, movies;

-- Items that a handful rated teach little, unless there are no others. A user who
-- has rated neither little nor nearly everything; the item that most people rated.
SELECT CASE WHEN count(*) > 10000 THEN 5 ELSE 1 END AS min_item_interactions FROM ratings \gset
SELECT user_id AS who, count(*) AS who_rated FROM ratings
GROUP BY user_id
ORDER BY 2 * count(*) > (SELECT count(*) FROM movies), abs(count(*) - 40), user_id LIMIT 1 \gset
SELECT movie_id AS favourite, m.title AS favourite_title FROM ratings JOIN movies AS m USING (movie_id)
GROUP BY movie_id, m.title ORDER BY count(*) DESC, movie_id LIMIT 1 \gset

SELECT count(*) || ' ratings of ' || count(DISTINCT movie_id) || ' items by ' || count(DISTINCT user_id)
       || ' users. User ' || :'who' || ' rated ' || :'who_rated' || ' of them; best, and worst:' AS line
FROM ratings \gset
\echo
\echo :line
\echo
WITH own AS (
  SELECT rating, title, row_number() OVER (ORDER BY rating DESC, title) AS n,
         row_number() OVER (ORDER BY rating, title) AS last
  FROM ratings JOIN movies USING (movie_id) WHERE user_id = :'who'
)
SELECT rating, title FROM own WHERE n <= 5 OR last <= 3 ORDER BY n;

\echo '1. Train: one statement, next to the rows'
\echo
\set ECHO queries
CALL reco.create_model('films',
       source    => :'source',
       algorithm => reco.als(factors => 32),
       items     => 'movies',
       options   => reco.options(min_item_interactions => :min_item_interactions));
\set ECHO none
SET client_min_messages = warning;

\echo
\echo '2. Recommend, with the rating that is expected'
\echo
\set ECHO queries
SELECT r.rank, m.title, round(films.predict(:'who', r.item_id)::numeric, 2) AS expected_rating, r.source
FROM films.recommend(:'who') AS r
JOIN movies AS m ON m.movie_id = r.item_id
ORDER BY r.rank;
\set ECHO none

SELECT item_id AS best, title AS best_title FROM films.recommend(:'who', n => 1)
JOIN movies ON movie_id = item_id \gset
\echo '3. Why' :best_title'?'
\echo '   The baseline is the mean and the item''s own bias; the rest comes from the user''s ratings.'
\echo
\set ECHO queries
SELECT coalesce(m.title, '(baseline)') AS because_of, r.rating AS rated,
       round(e.contribution::numeric, 3) AS contribution
FROM films.explain(:'who', :'best') AS e
LEFT JOIN movies AS m ON m.movie_id = e.because_item
LEFT JOIN ratings AS r ON r.movie_id = e.because_item AND r.user_id = :'who'
ORDER BY e.because_item IS NOT NULL, abs(e.contribution) DESC
LIMIT 7;
\set ECHO none

\echo '4. Similar to' :favourite_title
\echo
\set ECHO queries
SELECT s.rank, m.title, round(s.similarity::numeric, 3) AS similarity
FROM films.similar_items(:'favourite', n => 6) AS s
JOIN movies AS m ON m.movie_id = s.item_id
ORDER BY s.rank;
\set ECHO none

\echo '5. Is it any good? A fifth of the rows held back, and predicted from the others.'
\echo '   als says how much somebody will like an item; ials says what they will take next.'
\echo
\set ECHO queries
SELECT regexp_replace(algorithm, ', (iterations|alpha).*', ', ...)') AS algorithm,
       round(max(value) FILTER (WHERE metric = 'rmse')::numeric, 3)      AS rmse,
       round(max(value) FILTER (WHERE metric = 'precision')::numeric, 3) AS "precision@10",
       round(max(value) FILTER (WHERE metric = 'recall')::numeric, 3)    AS "recall@10",
       round(max(value) FILTER (WHERE metric = 'ndcg')::numeric, 3)      AS "ndcg@10"
FROM reco.evaluate(:'source',
                   ARRAY[reco.als(factors => 32), reco.als(factors => 8),
                         reco.ials(factors => 32, regularization => 30)],
                   options => reco.options(min_item_interactions => :min_item_interactions))
GROUP BY 1
ORDER BY rmse, "ndcg@10" DESC;
\set ECHO none
