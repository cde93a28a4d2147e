--
-- The formulas of textbooks by SQL functions alone, as doc/similarity.md walks
-- through them; every expected value has been worked out by hand.
--
SET client_min_messages = warning;
CREATE TABLE book_rating (person text, item text, stars int, PRIMARY KEY (person, item));
INSERT INTO book_rating VALUES
  ('ann', 'tea', 4), ('ann', 'cup', 2), ('ann', 'pot', 4),
  ('ben', 'tea', 4), ('ben', 'cup', 2), ('ben', 'pot', 2), ('ben', 'honey', 1),
  ('cat', 'tea', 2), ('cat', 'cup', 4), ('cat', 'pot', 1), ('cat', 'jam', 2),
  ('dan', 'pot', 3), ('dan', 'jam', 4);

-- similar users: the norms are 6, 5, 5, 5
CREATE VIEW book_users AS
SELECT u.person, v.person AS other, reco.cosine_agg(x, y) AS similarity
  FROM (SELECT DISTINCT person FROM book_rating) AS u
  JOIN (SELECT DISTINCT person FROM book_rating) AS v ON v.person <> u.person,
       LATERAL (SELECT a.stars, b.stars
                  FROM (SELECT * FROM book_rating WHERE person = u.person) AS a
                  FULL JOIN (SELECT * FROM book_rating WHERE person = v.person) AS b USING (item))
         AS t(x, y)
 GROUP BY u.person, v.person;
SELECT person, other, similarity = dot / norms AS exact
  FROM book_users
  JOIN (VALUES ('ann', 'ben', 28, 30::float8), ('ann', 'cat', 20, 30), ('ann', 'dan', 12, 30),
               ('ben', 'cat', 18, 25), ('ben', 'dan', 6, 25), ('cat', 'dan', 11, 25)
       ) AS expected(person, other, dot, norms) USING (person, other)
 ORDER BY person, other;
SELECT count(*) AS pairs, bool_and(a.similarity = b.similarity) AS symmetric
  FROM book_users AS a JOIN book_users AS b ON (a.person, a.other) = (b.other, b.person);
-- an inner join compares only what both have
SELECT reco.cosine_agg(a.stars, b.stars)
  FROM book_rating AS a JOIN book_rating AS b USING (item)
 WHERE a.person = 'ann' AND b.person = 'dan';

-- the score from similar users
CREATE VIEW book_score AS
SELECT s.person, r.item, reco.dot_product_agg(r.stars, s.similarity) AS score
  FROM book_users AS s JOIN book_rating AS r ON r.person = s.other
 WHERE NOT EXISTS (SELECT FROM book_rating AS seen
                    WHERE (seen.person, seen.item) = (s.person, r.item))
 GROUP BY s.person, r.item;
SELECT item, round(score::numeric, 12) AS score,
       abs(score - CASE item WHEN 'jam' THEN 44 / 15.0 ELSE 14 / 15.0 END) < 1e-15 AS exact
  FROM book_score WHERE person = 'ann' ORDER BY score DESC;
-- one that a published text works out as 4.28
SELECT reco.dot_product_agg(r, similarity) AS aggregate,
       reco.dot_product(ARRAY[4, 0.6], ARRAY[0.8, 0.6]) AS function
  FROM (VALUES (4, 0.8), (0.6, 0.6)) AS neighbour(r, similarity);

-- similar items: the squared norms are tea 36, cup 24, pot 30, jam 20, honey 1
CREATE VIEW book_items AS
SELECT i.item, j.item AS other, reco.cosine_agg(x, y) AS similarity
  FROM (SELECT DISTINCT item FROM book_rating) AS i
  JOIN (SELECT DISTINCT item FROM book_rating) AS j ON j.item <> i.item,
       LATERAL (SELECT a.stars, b.stars
                  FROM (SELECT * FROM book_rating WHERE item = i.item) AS a
                  FULL JOIN (SELECT * FROM book_rating WHERE item = j.item) AS b USING (person))
         AS t(x, y)
 GROUP BY i.item, j.item;
SELECT item, other, round(similarity::numeric, 12) AS similarity,
       abs(similarity - dot / sqrt(squares)) < 1e-15 AS exact
  FROM book_items
  JOIN (VALUES ('jam', 'tea', 4, 36 * 20::float8), ('jam', 'cup', 8, 24 * 20),
               ('jam', 'pot', 14, 30 * 20), ('jam', 'honey', 0, 20), ('honey', 'tea', 4, 36),
               ('honey', 'cup', 2, 24), ('honey', 'pot', 2, 30)
       ) AS expected(item, other, dot, squares) USING (item, other)
 ORDER BY item, other;
SELECT s.item, round(reco.dot_product_agg(r.stars, s.similarity)::numeric, 12) AS weighted,
       round(sum(s.similarity)::numeric, 12) AS unweighted
  FROM book_items AS s JOIN book_rating AS r ON r.item = s.other AND r.person = 'ann'
 WHERE s.item IN ('jam', 'honey')
 GROUP BY s.item ORDER BY weighted DESC;

-- keywords: jam 3 4 / (5 5), honey 3 2 / (5 3)
CREATE TABLE book_thing (item text PRIMARY KEY, keywords jsonb, tags text[]);
INSERT INTO book_thing VALUES
  ('jam',   '{"sweet": 4, "fruit": 3}',            '{food, jar, gift}'),
  ('honey', '{"sweet": 2, "bee": 1, "flower": 2}', '{food, jar, breakfast}');
CREATE TABLE book_profile (person text PRIMARY KEY, keywords jsonb, tags text[]);
INSERT INTO book_profile VALUES ('ann', '{"sweet": 3, "hot": 4}', '{food, breakfast}');
SELECT item, reco.cosine_similarity(p.keywords, t.keywords) AS cosine
  FROM book_profile AS p, book_thing AS t ORDER BY item;
-- as printed, with w in place of w^2 in the numerator: depends on the unit
SELECT w AS weight, reco.dot_product_agg(w, 1) / reco.dot_product_agg(w, w) AS printed,
       reco.cosine_agg(w, w) AS cosine
  FROM (VALUES (1), (0.5), (10)) AS t(w), generate_series(1, 2) AS term
 GROUP BY w ORDER BY w;

-- attributes
SELECT item, reco.jaccard_similarity(p.tags, t.tags) = jaccard AS jaccard,
       reco.dice_similarity(p.tags, t.tags) = dice AS dice
  FROM book_profile AS p, book_thing AS t
  JOIN (VALUES ('honey', 2 / 3::float8, 4 / 5::float8), ('jam', 1 / 4::float8, 2 / 5::float8))
       AS expected(item, jaccard, dice) USING (item)
 ORDER BY item;

-- all together: jam 0.5 + 0.3 0.48 + 0.2 / 4, honey 0.5 7/22 + 0.3 0.4 + 0.2 2/3
CREATE TABLE book_list AS
SELECT item, reco.dot_product(ARRAY[users, keywords, attributes], ARRAY[0.5, 0.3, 0.2]::float8[])
         AS score
  FROM (SELECT item, s.score / max(s.score) OVER () AS users,
               reco.cosine_similarity(p.keywords, t.keywords) AS keywords,
               reco.jaccard_similarity(p.tags, t.tags) AS attributes
          FROM book_score AS s JOIN book_profile AS p USING (person)
          JOIN book_thing AS t USING (item)
         WHERE person = 'ann') AS parts;
SELECT item, round(score::numeric, 12) AS score,
       abs(score - CASE item WHEN 'jam' THEN 0.694 ELSE 3.5 / 22 + 0.12 + 0.4 / 3 END) < 1e-15
         AS exact
  FROM book_list ORDER BY score DESC;
SELECT reco.top_n_agg(item, score, 1) AS best, reco.top_n_agg(item, score, 10) AS list FROM book_list;
SELECT person, reco.top_n_agg(item, score, NULL) FROM book_score GROUP BY person ORDER BY person;

DROP TABLE book_rating, book_thing, book_profile, book_list CASCADE;
