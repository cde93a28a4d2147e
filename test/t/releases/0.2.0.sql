-- Models that reco 0.2.0 made, with the lists that they served: pg_dump of a database, without comments.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA alike;

CREATE SCHEMA factors;

CREATE SCHEMA near;

CREATE FUNCTION alike.audience(for_items bigint[], n integer DEFAULT 100, exclude_buyers boolean DEFAULT true) RETURNS TABLE(rank integer, user_id integer, score real)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.user_id,
     r.score
    FROM reco.serve_audience('alike'::regnamespace, audience.for_items, jsonb_build_object('n', audience.n, 'exclude_buyers', audience.exclude_buyers)) r(rank integer, user_id integer, score real);
END;

COMMENT ON FUNCTION alike.audience(for_items bigint[], n integer, exclude_buyers boolean) IS 'the users to whom a group of items is best recommended';

CREATE FUNCTION alike.audience(for_item bigint, n integer DEFAULT 100, exclude_buyers boolean DEFAULT true) RETURNS TABLE(rank integer, user_id integer, score real)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.user_id,
     r.score
    FROM reco.serve_audience('alike'::regnamespace, audience.for_item, jsonb_build_object('n', audience.n, 'exclude_buyers', audience.exclude_buyers)) r(rank integer, user_id integer, score real);
END;

COMMENT ON FUNCTION alike.audience(for_item bigint, n integer, exclude_buyers boolean) IS 'the users to whom an item is best recommended';

CREATE FUNCTION alike.explain(for_user bigint, for_item bigint) RETURNS TABLE(because_item integer, contribution real, share real)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.because_item,
     r.contribution,
     r.share
    FROM reco.serve_explain('alike'::regnamespace, explain.for_user, jsonb_build_object('item', explain.for_item)) r(because_item integer, contribution real, share real);
END;

COMMENT ON FUNCTION alike.explain(for_user bigint, for_item bigint) IS 'what a user''s score of an item is made of; the contributions add up to it';

CREATE FUNCTION alike.popular(n integer DEFAULT 10) RETURNS TABLE(rank integer, item_id integer, score real)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score
    FROM reco.serve_popular('alike'::regnamespace, 0, jsonb_build_object('n', popular.n)) r(rank integer, item_id integer, score real);
END;

COMMENT ON FUNCTION alike.popular(n integer) IS 'the items that most users have; the score is how many';

CREATE FUNCTION alike.predict(for_user bigint, for_item bigint) RETURNS real
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.score
    FROM reco.serve_predict('alike'::regnamespace, predict.for_user, jsonb_build_object('item', predict.for_item)) r(score real);
END;

COMMENT ON FUNCTION alike.predict(for_user bigint, for_item bigint) IS 'the score of one item for one user; NULL when either is unknown';

CREATE FUNCTION alike.recommend(for_user bigint, n integer DEFAULT 10, among bigint[] DEFAULT NULL::bigint[], exclude bigint[] DEFAULT NULL::bigint[], include_seen boolean DEFAULT false, diversity double precision DEFAULT 0, fallback text DEFAULT 'auto'::text, explore double precision DEFAULT 0, explore_seed bigint DEFAULT 0, boost bigint[] DEFAULT NULL::bigint[], boost_by real[] DEFAULT NULL::real[]) RETURNS TABLE(rank integer, item_id integer, score real, source text)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score,
     r.source
    FROM reco.serve_recommend('alike'::regnamespace, recommend.for_user, jsonb_build_object('n', recommend.n, 'among', recommend.among, 'exclude', recommend.exclude, 'include_seen', recommend.include_seen, 'diversity', recommend.diversity, 'fallback', recommend.fallback, 'explore', recommend.explore, 'explore_seed', recommend.explore_seed, 'boost', recommend.boost, 'boost_by', recommend.boost_by)) r(rank integer, item_id integer, score real, source text);
END;

COMMENT ON FUNCTION alike.recommend(for_user bigint, n integer, among bigint[], exclude bigint[], include_seen boolean, diversity double precision, fallback text, explore double precision, explore_seed bigint, boost bigint[], boost_by real[]) IS 'the best items for a user, best first, without those the user already has';

CREATE FUNCTION alike.recommend_for(basket bigint[], weights real[] DEFAULT NULL::real[], n integer DEFAULT 10, among bigint[] DEFAULT NULL::bigint[], exclude bigint[] DEFAULT NULL::bigint[], diversity double precision DEFAULT 0) RETURNS TABLE(rank integer, item_id integer, score real, source text)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score,
     r.source
    FROM reco.serve_recommend_for('alike'::regnamespace, recommend_for.basket, jsonb_build_object('weights', recommend_for.weights, 'n', recommend_for.n, 'among', recommend_for.among, 'exclude', recommend_for.exclude, 'diversity', recommend_for.diversity)) r(rank integer, item_id integer, score real, source text);
END;

COMMENT ON FUNCTION alike.recommend_for(basket bigint[], weights real[], n integer, among bigint[], exclude bigint[], diversity double precision) IS 'the best items for an anonymous basket: what goes with these';

CREATE FUNCTION alike.rerank(for_user bigint, items bigint[]) RETURNS TABLE(rank integer, item_id integer, score real)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score
    FROM reco.serve_rerank('alike'::regnamespace, rerank.for_user, jsonb_build_object('items', rerank.items)) r(rank integer, item_id integer, score real);
END;

COMMENT ON FUNCTION alike.rerank(for_user bigint, items bigint[]) IS 'given items in the order of a user''s taste; unknown items last, without a score';

CREATE FUNCTION alike.similar_items(for_item bigint, n integer DEFAULT 10) RETURNS TABLE(rank integer, item_id integer, similarity double precision)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.similarity
    FROM reco.serve_similar_items('alike'::regnamespace, similar_items.for_item, jsonb_build_object('n', similar_items.n)) r(rank integer, item_id integer, similarity double precision);
END;

COMMENT ON FUNCTION alike.similar_items(for_item bigint, n integer) IS 'the items most like one, by the algorithm''s lists or the cosine of their factors';

CREATE FUNCTION alike.similar_users(for_user bigint, n integer DEFAULT 10) RETURNS TABLE(rank integer, user_id integer, similarity double precision)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.user_id,
     r.similarity
    FROM reco.serve_similar_users('alike'::regnamespace, similar_users.for_user, jsonb_build_object('n', similar_users.n)) r(rank integer, user_id integer, similarity double precision);
END;

COMMENT ON FUNCTION alike.similar_users(for_user bigint, n integer) IS 'the users most like one, by the algorithm''s lists or the cosine of their factors';

CREATE FUNCTION alike.trending(n integer DEFAULT 10) RETURNS TABLE(rank integer, item_id integer, score real)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score
    FROM reco.serve_trending('alike'::regnamespace, 0, jsonb_build_object('n', trending.n)) r(rank integer, item_id integer, score real);
END;

COMMENT ON FUNCTION alike.trending(n integer) IS 'the items that grew most from the week before to the last one; the score is in standard deviations';

CREATE FUNCTION alike.user_profile(for_user bigint) RETURNS TABLE(feature text, value text, weight double precision)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.feature,
     r.value,
     r.weight
    FROM reco.serve_user_profile('alike'::regnamespace, user_profile.for_user, NULL::jsonb) r(feature text, value text, weight double precision);
END;

COMMENT ON FUNCTION alike.user_profile(for_user bigint) IS 'what a user likes, by what is known about the items they have';

CREATE FUNCTION factors.audience(for_items bigint[], n integer DEFAULT 100, exclude_buyers boolean DEFAULT true) RETURNS TABLE(rank integer, user_id integer, score real)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.user_id,
     r.score
    FROM reco.serve_audience('factors'::regnamespace, audience.for_items, jsonb_build_object('n', audience.n, 'exclude_buyers', audience.exclude_buyers)) r(rank integer, user_id integer, score real);
END;

COMMENT ON FUNCTION factors.audience(for_items bigint[], n integer, exclude_buyers boolean) IS 'the users to whom a group of items is best recommended';

CREATE FUNCTION factors.audience(for_item bigint, n integer DEFAULT 100, exclude_buyers boolean DEFAULT true) RETURNS TABLE(rank integer, user_id integer, score real)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.user_id,
     r.score
    FROM reco.serve_audience('factors'::regnamespace, audience.for_item, jsonb_build_object('n', audience.n, 'exclude_buyers', audience.exclude_buyers)) r(rank integer, user_id integer, score real);
END;

COMMENT ON FUNCTION factors.audience(for_item bigint, n integer, exclude_buyers boolean) IS 'the users to whom an item is best recommended';

CREATE FUNCTION factors.explain(for_user bigint, for_item bigint) RETURNS TABLE(because_item integer, contribution real, share real)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.because_item,
     r.contribution,
     r.share
    FROM reco.serve_explain('factors'::regnamespace, explain.for_user, jsonb_build_object('item', explain.for_item)) r(because_item integer, contribution real, share real);
END;

COMMENT ON FUNCTION factors.explain(for_user bigint, for_item bigint) IS 'what a user''s score of an item is made of; the contributions add up to it';

CREATE FUNCTION factors.popular(n integer DEFAULT 10) RETURNS TABLE(rank integer, item_id integer, score real)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score
    FROM reco.serve_popular('factors'::regnamespace, 0, jsonb_build_object('n', popular.n)) r(rank integer, item_id integer, score real);
END;

COMMENT ON FUNCTION factors.popular(n integer) IS 'the items that most users have; the score is how many';

CREATE FUNCTION factors.predict(for_user bigint, for_item bigint) RETURNS real
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.score
    FROM reco.serve_predict('factors'::regnamespace, predict.for_user, jsonb_build_object('item', predict.for_item)) r(score real);
END;

COMMENT ON FUNCTION factors.predict(for_user bigint, for_item bigint) IS 'the score of one item for one user; NULL when either is unknown';

CREATE FUNCTION factors.recommend(for_user bigint, n integer DEFAULT 10, among bigint[] DEFAULT NULL::bigint[], exclude bigint[] DEFAULT NULL::bigint[], include_seen boolean DEFAULT false, diversity double precision DEFAULT 0, fallback text DEFAULT 'auto'::text, explore double precision DEFAULT 0, explore_seed bigint DEFAULT 0, boost bigint[] DEFAULT NULL::bigint[], boost_by real[] DEFAULT NULL::real[]) RETURNS TABLE(rank integer, item_id integer, score real, source text)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score,
     r.source
    FROM reco.serve_recommend('factors'::regnamespace, recommend.for_user, jsonb_build_object('n', recommend.n, 'among', recommend.among, 'exclude', recommend.exclude, 'include_seen', recommend.include_seen, 'diversity', recommend.diversity, 'fallback', recommend.fallback, 'explore', recommend.explore, 'explore_seed', recommend.explore_seed, 'boost', recommend.boost, 'boost_by', recommend.boost_by)) r(rank integer, item_id integer, score real, source text);
END;

COMMENT ON FUNCTION factors.recommend(for_user bigint, n integer, among bigint[], exclude bigint[], include_seen boolean, diversity double precision, fallback text, explore double precision, explore_seed bigint, boost bigint[], boost_by real[]) IS 'the best items for a user, best first, without those the user already has';

CREATE FUNCTION factors.recommend_for(basket bigint[], weights real[] DEFAULT NULL::real[], n integer DEFAULT 10, among bigint[] DEFAULT NULL::bigint[], exclude bigint[] DEFAULT NULL::bigint[], diversity double precision DEFAULT 0) RETURNS TABLE(rank integer, item_id integer, score real, source text)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score,
     r.source
    FROM reco.serve_recommend_for('factors'::regnamespace, recommend_for.basket, jsonb_build_object('weights', recommend_for.weights, 'n', recommend_for.n, 'among', recommend_for.among, 'exclude', recommend_for.exclude, 'diversity', recommend_for.diversity)) r(rank integer, item_id integer, score real, source text);
END;

COMMENT ON FUNCTION factors.recommend_for(basket bigint[], weights real[], n integer, among bigint[], exclude bigint[], diversity double precision) IS 'the best items for an anonymous basket: what goes with these';

CREATE FUNCTION factors.rerank(for_user bigint, items bigint[]) RETURNS TABLE(rank integer, item_id integer, score real)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score
    FROM reco.serve_rerank('factors'::regnamespace, rerank.for_user, jsonb_build_object('items', rerank.items)) r(rank integer, item_id integer, score real);
END;

COMMENT ON FUNCTION factors.rerank(for_user bigint, items bigint[]) IS 'given items in the order of a user''s taste; unknown items last, without a score';

CREATE FUNCTION factors.similar_items(for_item bigint, n integer DEFAULT 10) RETURNS TABLE(rank integer, item_id integer, similarity double precision)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.similarity
    FROM reco.serve_similar_items('factors'::regnamespace, similar_items.for_item, jsonb_build_object('n', similar_items.n)) r(rank integer, item_id integer, similarity double precision);
END;

COMMENT ON FUNCTION factors.similar_items(for_item bigint, n integer) IS 'the items most like one, by the algorithm''s lists or the cosine of their factors';

CREATE FUNCTION factors.similar_users(for_user bigint, n integer DEFAULT 10) RETURNS TABLE(rank integer, user_id integer, similarity double precision)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.user_id,
     r.similarity
    FROM reco.serve_similar_users('factors'::regnamespace, similar_users.for_user, jsonb_build_object('n', similar_users.n)) r(rank integer, user_id integer, similarity double precision);
END;

COMMENT ON FUNCTION factors.similar_users(for_user bigint, n integer) IS 'the users most like one, by the algorithm''s lists or the cosine of their factors';

CREATE FUNCTION factors.trending(n integer DEFAULT 10) RETURNS TABLE(rank integer, item_id integer, score real)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score
    FROM reco.serve_trending('factors'::regnamespace, 0, jsonb_build_object('n', trending.n)) r(rank integer, item_id integer, score real);
END;

COMMENT ON FUNCTION factors.trending(n integer) IS 'the items that grew most from the week before to the last one; the score is in standard deviations';

CREATE FUNCTION factors.user_profile(for_user bigint) RETURNS TABLE(feature text, value text, weight double precision)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.feature,
     r.value,
     r.weight
    FROM reco.serve_user_profile('factors'::regnamespace, user_profile.for_user, NULL::jsonb) r(feature text, value text, weight double precision);
END;

COMMENT ON FUNCTION factors.user_profile(for_user bigint) IS 'what a user likes, by what is known about the items they have';

CREATE FUNCTION near.audience(for_items bigint[], n integer DEFAULT 100, exclude_buyers boolean DEFAULT true) RETURNS TABLE(rank integer, user_id integer, score real)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.user_id,
     r.score
    FROM reco.serve_audience('near'::regnamespace, audience.for_items, jsonb_build_object('n', audience.n, 'exclude_buyers', audience.exclude_buyers)) r(rank integer, user_id integer, score real);
END;

COMMENT ON FUNCTION near.audience(for_items bigint[], n integer, exclude_buyers boolean) IS 'the users to whom a group of items is best recommended';

CREATE FUNCTION near.audience(for_item bigint, n integer DEFAULT 100, exclude_buyers boolean DEFAULT true) RETURNS TABLE(rank integer, user_id integer, score real)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.user_id,
     r.score
    FROM reco.serve_audience('near'::regnamespace, audience.for_item, jsonb_build_object('n', audience.n, 'exclude_buyers', audience.exclude_buyers)) r(rank integer, user_id integer, score real);
END;

COMMENT ON FUNCTION near.audience(for_item bigint, n integer, exclude_buyers boolean) IS 'the users to whom an item is best recommended';

CREATE FUNCTION near.explain(for_user bigint, for_item bigint) RETURNS TABLE(because_item integer, contribution real, share real)
    LANGUAGE sql STABLE ROWS 20 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.because_item,
     r.contribution,
     r.share
    FROM reco.serve_explain('near'::regnamespace, explain.for_user, jsonb_build_object('item', explain.for_item)) r(because_item integer, contribution real, share real);
END;

COMMENT ON FUNCTION near.explain(for_user bigint, for_item bigint) IS 'what a user''s score of an item is made of; the contributions add up to it';

CREATE FUNCTION near.popular(n integer DEFAULT 10) RETURNS TABLE(rank integer, item_id integer, score real)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score
    FROM reco.serve_popular('near'::regnamespace, 0, jsonb_build_object('n', popular.n)) r(rank integer, item_id integer, score real);
END;

COMMENT ON FUNCTION near.popular(n integer) IS 'the items that most users have; the score is how many';

CREATE FUNCTION near.predict(for_user bigint, for_item bigint) RETURNS real
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.score
    FROM reco.serve_predict('near'::regnamespace, predict.for_user, jsonb_build_object('item', predict.for_item)) r(score real);
END;

COMMENT ON FUNCTION near.predict(for_user bigint, for_item bigint) IS 'the score of one item for one user; NULL when either is unknown';

CREATE FUNCTION near.recommend(for_user bigint, n integer DEFAULT 10, among bigint[] DEFAULT NULL::bigint[], exclude bigint[] DEFAULT NULL::bigint[], include_seen boolean DEFAULT false, diversity double precision DEFAULT 0, fallback text DEFAULT 'auto'::text, explore double precision DEFAULT 0, explore_seed bigint DEFAULT 0, boost bigint[] DEFAULT NULL::bigint[], boost_by real[] DEFAULT NULL::real[]) RETURNS TABLE(rank integer, item_id integer, score real, source text)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score,
     r.source
    FROM reco.serve_recommend('near'::regnamespace, recommend.for_user, jsonb_build_object('n', recommend.n, 'among', recommend.among, 'exclude', recommend.exclude, 'include_seen', recommend.include_seen, 'diversity', recommend.diversity, 'fallback', recommend.fallback, 'explore', recommend.explore, 'explore_seed', recommend.explore_seed, 'boost', recommend.boost, 'boost_by', recommend.boost_by)) r(rank integer, item_id integer, score real, source text);
END;

COMMENT ON FUNCTION near.recommend(for_user bigint, n integer, among bigint[], exclude bigint[], include_seen boolean, diversity double precision, fallback text, explore double precision, explore_seed bigint, boost bigint[], boost_by real[]) IS 'the best items for a user, best first, without those the user already has';

CREATE FUNCTION near.recommend_for(basket bigint[], weights real[] DEFAULT NULL::real[], n integer DEFAULT 10, among bigint[] DEFAULT NULL::bigint[], exclude bigint[] DEFAULT NULL::bigint[], diversity double precision DEFAULT 0) RETURNS TABLE(rank integer, item_id integer, score real, source text)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score,
     r.source
    FROM reco.serve_recommend_for('near'::regnamespace, recommend_for.basket, jsonb_build_object('weights', recommend_for.weights, 'n', recommend_for.n, 'among', recommend_for.among, 'exclude', recommend_for.exclude, 'diversity', recommend_for.diversity)) r(rank integer, item_id integer, score real, source text);
END;

COMMENT ON FUNCTION near.recommend_for(basket bigint[], weights real[], n integer, among bigint[], exclude bigint[], diversity double precision) IS 'the best items for an anonymous basket: what goes with these';

CREATE FUNCTION near.rerank(for_user bigint, items bigint[]) RETURNS TABLE(rank integer, item_id integer, score real)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score
    FROM reco.serve_rerank('near'::regnamespace, rerank.for_user, jsonb_build_object('items', rerank.items)) r(rank integer, item_id integer, score real);
END;

COMMENT ON FUNCTION near.rerank(for_user bigint, items bigint[]) IS 'given items in the order of a user''s taste; unknown items last, without a score';

CREATE FUNCTION near.similar_items(for_item bigint, n integer DEFAULT 10) RETURNS TABLE(rank integer, item_id integer, similarity double precision)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.similarity
    FROM reco.serve_similar_items('near'::regnamespace, similar_items.for_item, jsonb_build_object('n', similar_items.n)) r(rank integer, item_id integer, similarity double precision);
END;

COMMENT ON FUNCTION near.similar_items(for_item bigint, n integer) IS 'the items most like one, by the algorithm''s lists or the cosine of their factors';

CREATE FUNCTION near.similar_users(for_user bigint, n integer DEFAULT 10) RETURNS TABLE(rank integer, user_id integer, similarity double precision)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.user_id,
     r.similarity
    FROM reco.serve_similar_users('near'::regnamespace, similar_users.for_user, jsonb_build_object('n', similar_users.n)) r(rank integer, user_id integer, similarity double precision);
END;

COMMENT ON FUNCTION near.similar_users(for_user bigint, n integer) IS 'the users most like one, by the algorithm''s lists or the cosine of their factors';

CREATE FUNCTION near.trending(n integer DEFAULT 10) RETURNS TABLE(rank integer, item_id integer, score real)
    LANGUAGE sql STABLE ROWS 10 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.rank,
     r.item_id,
     r.score
    FROM reco.serve_trending('near'::regnamespace, 0, jsonb_build_object('n', trending.n)) r(rank integer, item_id integer, score real);
END;

COMMENT ON FUNCTION near.trending(n integer) IS 'the items that grew most from the week before to the last one; the score is in standard deviations';

CREATE FUNCTION near.user_profile(for_user bigint) RETURNS TABLE(feature text, value text, weight double precision)
    LANGUAGE sql STABLE ROWS 100 PARALLEL SAFE
    BEGIN ATOMIC
 SELECT r.feature,
     r.value,
     r.weight
    FROM reco.serve_user_profile('near'::regnamespace, user_profile.for_user, NULL::jsonb) r(feature text, value text, weight double precision);
END;

COMMENT ON FUNCTION near.user_profile(for_user bigint) IS 'what a user likes, by what is known about the items they have';

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE alike.model OF reco.model (
    definition NOT NULL
);

COMMENT ON TABLE alike.model IS 'reco: the definition of this model';

CREATE TABLE alike.model_item (
    version integer NOT NULL,
    item_id integer NOT NULL,
    factors real[] NOT NULL,
    bias real NOT NULL,
    interactions integer NOT NULL,
    number integer NOT NULL,
    neighbors integer[] NOT NULL,
    similarities double precision[] NOT NULL,
    features bytea NOT NULL,
    trend real NOT NULL,
    numbers real[] NOT NULL
);
ALTER TABLE ONLY alike.model_item ALTER COLUMN factors SET STORAGE PLAIN;
ALTER TABLE ONLY alike.model_item ALTER COLUMN neighbors SET STORAGE EXTERNAL;
ALTER TABLE ONLY alike.model_item ALTER COLUMN similarities SET STORAGE EXTERNAL;
ALTER TABLE ONLY alike.model_item ALTER COLUMN features SET STORAGE EXTERNAL;
ALTER TABLE ONLY alike.model_item ALTER COLUMN numbers SET STORAGE EXTERNAL;

COMMENT ON TABLE alike.model_item IS 'reco: items by version';

CREATE VIEW alike.item_factors WITH (security_invoker='true') AS
 SELECT i.item_id,
    i.factors,
    i.bias,
    i.interactions
   FROM (alike.model_item i
     JOIN alike.model m ON ((i.version = m.active_version)));

COMMENT ON VIEW alike.item_factors IS 'items of the active version';

CREATE VIEW alike.item_neighbors WITH (security_invoker='true') AS
 SELECT i.item_id,
    o.item_id AS neighbor_id,
    l.similarity,
    (l.rank)::integer AS rank
   FROM (((alike.model_item i
     JOIN alike.model m ON ((i.version = m.active_version)))
     CROSS JOIN LATERAL UNNEST(i.neighbors, i.similarities) WITH ORDINALITY l(number, similarity, rank))
     JOIN alike.model_item o ON (((o.version = i.version) AND (o.number = l.number))));

COMMENT ON VIEW alike.item_neighbors IS 'lists of similar items of the active version, as the algorithm keeps them';

CREATE TABLE alike.model_list (
    list integer NOT NULL,
    user_id integer NOT NULL,
    items integer[] NOT NULL,
    scores real[] NOT NULL,
    by_model integer NOT NULL,
    source text NOT NULL
);
ALTER TABLE ONLY alike.model_list ALTER COLUMN items SET STORAGE EXTERNAL;
ALTER TABLE ONLY alike.model_list ALTER COLUMN scores SET STORAGE EXTERNAL;

COMMENT ON TABLE alike.model_list IS 'reco: lists made by reco.materialize()';

CREATE TABLE alike.model_term OF reco.term (
    version NOT NULL,
    number NOT NULL
);

COMMENT ON TABLE alike.model_term IS 'reco: keywords and attributes by version';

CREATE TABLE alike.model_user (
    version integer NOT NULL,
    user_id integer NOT NULL,
    factors real[] NOT NULL,
    bias real NOT NULL,
    interactions integer NOT NULL,
    number integer NOT NULL,
    neighbors integer[] NOT NULL,
    similarities double precision[] NOT NULL,
    history bytea NOT NULL
);
ALTER TABLE ONLY alike.model_user ALTER COLUMN factors SET STORAGE PLAIN;
ALTER TABLE ONLY alike.model_user ALTER COLUMN neighbors SET STORAGE EXTERNAL;
ALTER TABLE ONLY alike.model_user ALTER COLUMN similarities SET STORAGE EXTERNAL;
ALTER TABLE ONLY alike.model_user ALTER COLUMN history SET STORAGE EXTERNAL;

COMMENT ON TABLE alike.model_user IS 'reco: users by version';

CREATE TABLE alike.model_version OF reco.version (
    version NOT NULL
);

COMMENT ON TABLE alike.model_version IS 'reco: one row a training';

CREATE VIEW alike.recommendations WITH (security_invoker='true') AS
 SELECT l.user_id,
    (i.rank)::integer AS rank,
    i.item_id,
    i.score,
        CASE
            WHEN (i.rank <= l.by_model) THEN l.source
            ELSE 'popular'::text
        END AS source
   FROM ((alike.model_list l
     JOIN alike.model m ON ((l.list = m.active_list)))
     CROSS JOIN LATERAL UNNEST(l.items, l.scores) WITH ORDINALITY i(item_id, score, rank));

COMMENT ON VIEW alike.recommendations IS 'the lists that reco.materialize() made';

CREATE VIEW alike.user_factors WITH (security_invoker='true') AS
 SELECT u.user_id,
    u.factors,
    u.bias,
    u.interactions
   FROM (alike.model_user u
     JOIN alike.model m ON ((u.version = m.active_version)));

COMMENT ON VIEW alike.user_factors IS 'users of the active version';

CREATE VIEW alike.user_neighbors WITH (security_invoker='true') AS
 SELECT u.user_id,
    o.user_id AS neighbor_id,
    l.similarity,
    (l.rank)::integer AS rank
   FROM (((alike.model_user u
     JOIN alike.model m ON ((u.version = m.active_version)))
     CROSS JOIN LATERAL UNNEST(u.neighbors, u.similarities) WITH ORDINALITY l(number, similarity, rank))
     JOIN alike.model_user o ON (((o.version = u.version) AND (o.number = l.number))));

COMMENT ON VIEW alike.user_neighbors IS 'lists of similar users of the active version, as the algorithm keeps them';

CREATE VIEW alike.versions WITH (security_invoker='true') AS
 SELECT v.version,
    v.status,
    (v.version = m.active_version) AS active,
    v.started_at,
    v.finished_at,
    v.rows_read,
    v.rows_skipped,
    v.rows_merged,
    v.users,
    v.items,
    v.interactions,
    reco.describe(v.algorithm) AS algorithm,
    v.options,
    v.metrics,
    v.loss,
    v.bytes,
    v.timings,
    v.trained_by,
    v.message,
    v.row_security
   FROM (alike.model_version v
     LEFT JOIN alike.model m ON (true));

COMMENT ON VIEW alike.versions IS 'every training of this model, with what it read and made';

CREATE TABLE factors.model OF reco.model (
    definition NOT NULL
);

COMMENT ON TABLE factors.model IS 'reco: the definition of this model';

CREATE TABLE factors.model_item (
    version integer NOT NULL,
    item_id integer NOT NULL,
    factors real[] NOT NULL,
    bias real NOT NULL,
    interactions integer NOT NULL,
    number integer NOT NULL,
    neighbors integer[] NOT NULL,
    similarities double precision[] NOT NULL,
    features bytea NOT NULL,
    trend real NOT NULL,
    numbers real[] NOT NULL
);
ALTER TABLE ONLY factors.model_item ALTER COLUMN factors SET STORAGE PLAIN;
ALTER TABLE ONLY factors.model_item ALTER COLUMN neighbors SET STORAGE EXTERNAL;
ALTER TABLE ONLY factors.model_item ALTER COLUMN similarities SET STORAGE EXTERNAL;
ALTER TABLE ONLY factors.model_item ALTER COLUMN features SET STORAGE EXTERNAL;
ALTER TABLE ONLY factors.model_item ALTER COLUMN numbers SET STORAGE EXTERNAL;

COMMENT ON TABLE factors.model_item IS 'reco: items by version';

CREATE VIEW factors.item_factors WITH (security_invoker='true') AS
 SELECT i.item_id,
    i.factors,
    i.bias,
    i.interactions
   FROM (factors.model_item i
     JOIN factors.model m ON ((i.version = m.active_version)));

COMMENT ON VIEW factors.item_factors IS 'items of the active version';

CREATE VIEW factors.item_neighbors WITH (security_invoker='true') AS
 SELECT i.item_id,
    o.item_id AS neighbor_id,
    l.similarity,
    (l.rank)::integer AS rank
   FROM (((factors.model_item i
     JOIN factors.model m ON ((i.version = m.active_version)))
     CROSS JOIN LATERAL UNNEST(i.neighbors, i.similarities) WITH ORDINALITY l(number, similarity, rank))
     JOIN factors.model_item o ON (((o.version = i.version) AND (o.number = l.number))));

COMMENT ON VIEW factors.item_neighbors IS 'lists of similar items of the active version, as the algorithm keeps them';

CREATE TABLE factors.model_list (
    list integer NOT NULL,
    user_id integer NOT NULL,
    items integer[] NOT NULL,
    scores real[] NOT NULL,
    by_model integer NOT NULL,
    source text NOT NULL
);
ALTER TABLE ONLY factors.model_list ALTER COLUMN items SET STORAGE EXTERNAL;
ALTER TABLE ONLY factors.model_list ALTER COLUMN scores SET STORAGE EXTERNAL;

COMMENT ON TABLE factors.model_list IS 'reco: lists made by reco.materialize()';

CREATE TABLE factors.model_term OF reco.term (
    version NOT NULL,
    number NOT NULL
);

COMMENT ON TABLE factors.model_term IS 'reco: keywords and attributes by version';

CREATE TABLE factors.model_user (
    version integer NOT NULL,
    user_id integer NOT NULL,
    factors real[] NOT NULL,
    bias real NOT NULL,
    interactions integer NOT NULL,
    number integer NOT NULL,
    neighbors integer[] NOT NULL,
    similarities double precision[] NOT NULL,
    history bytea NOT NULL
);
ALTER TABLE ONLY factors.model_user ALTER COLUMN factors SET STORAGE PLAIN;
ALTER TABLE ONLY factors.model_user ALTER COLUMN neighbors SET STORAGE EXTERNAL;
ALTER TABLE ONLY factors.model_user ALTER COLUMN similarities SET STORAGE EXTERNAL;
ALTER TABLE ONLY factors.model_user ALTER COLUMN history SET STORAGE EXTERNAL;

COMMENT ON TABLE factors.model_user IS 'reco: users by version';

CREATE TABLE factors.model_version OF reco.version (
    version NOT NULL
);

COMMENT ON TABLE factors.model_version IS 'reco: one row a training';

CREATE VIEW factors.recommendations WITH (security_invoker='true') AS
 SELECT l.user_id,
    (i.rank)::integer AS rank,
    i.item_id,
    i.score,
        CASE
            WHEN (i.rank <= l.by_model) THEN l.source
            ELSE 'popular'::text
        END AS source
   FROM ((factors.model_list l
     JOIN factors.model m ON ((l.list = m.active_list)))
     CROSS JOIN LATERAL UNNEST(l.items, l.scores) WITH ORDINALITY i(item_id, score, rank));

COMMENT ON VIEW factors.recommendations IS 'the lists that reco.materialize() made';

CREATE VIEW factors.user_factors WITH (security_invoker='true') AS
 SELECT u.user_id,
    u.factors,
    u.bias,
    u.interactions
   FROM (factors.model_user u
     JOIN factors.model m ON ((u.version = m.active_version)));

COMMENT ON VIEW factors.user_factors IS 'users of the active version';

CREATE VIEW factors.user_neighbors WITH (security_invoker='true') AS
 SELECT u.user_id,
    o.user_id AS neighbor_id,
    l.similarity,
    (l.rank)::integer AS rank
   FROM (((factors.model_user u
     JOIN factors.model m ON ((u.version = m.active_version)))
     CROSS JOIN LATERAL UNNEST(u.neighbors, u.similarities) WITH ORDINALITY l(number, similarity, rank))
     JOIN factors.model_user o ON (((o.version = u.version) AND (o.number = l.number))));

COMMENT ON VIEW factors.user_neighbors IS 'lists of similar users of the active version, as the algorithm keeps them';

CREATE VIEW factors.versions WITH (security_invoker='true') AS
 SELECT v.version,
    v.status,
    (v.version = m.active_version) AS active,
    v.started_at,
    v.finished_at,
    v.rows_read,
    v.rows_skipped,
    v.rows_merged,
    v.users,
    v.items,
    v.interactions,
    reco.describe(v.algorithm) AS algorithm,
    v.options,
    v.metrics,
    v.loss,
    v.bytes,
    v.timings,
    v.trained_by,
    v.message,
    v.row_security
   FROM (factors.model_version v
     LEFT JOIN factors.model m ON (true));

COMMENT ON VIEW factors.versions IS 'every training of this model, with what it read and made';

CREATE TABLE near.model OF reco.model (
    definition NOT NULL
);

COMMENT ON TABLE near.model IS 'reco: the definition of this model';

CREATE TABLE near.model_item (
    version integer NOT NULL,
    item_id integer NOT NULL,
    factors real[] NOT NULL,
    bias real NOT NULL,
    interactions integer NOT NULL,
    number integer NOT NULL,
    neighbors integer[] NOT NULL,
    similarities double precision[] NOT NULL,
    features bytea NOT NULL,
    trend real NOT NULL,
    numbers real[] NOT NULL
);
ALTER TABLE ONLY near.model_item ALTER COLUMN factors SET STORAGE PLAIN;
ALTER TABLE ONLY near.model_item ALTER COLUMN neighbors SET STORAGE EXTERNAL;
ALTER TABLE ONLY near.model_item ALTER COLUMN similarities SET STORAGE EXTERNAL;
ALTER TABLE ONLY near.model_item ALTER COLUMN features SET STORAGE EXTERNAL;
ALTER TABLE ONLY near.model_item ALTER COLUMN numbers SET STORAGE EXTERNAL;

COMMENT ON TABLE near.model_item IS 'reco: items by version';

CREATE VIEW near.item_factors WITH (security_invoker='true') AS
 SELECT i.item_id,
    i.factors,
    i.bias,
    i.interactions
   FROM (near.model_item i
     JOIN near.model m ON ((i.version = m.active_version)));

COMMENT ON VIEW near.item_factors IS 'items of the active version';

CREATE VIEW near.item_neighbors WITH (security_invoker='true') AS
 SELECT i.item_id,
    o.item_id AS neighbor_id,
    l.similarity,
    (l.rank)::integer AS rank
   FROM (((near.model_item i
     JOIN near.model m ON ((i.version = m.active_version)))
     CROSS JOIN LATERAL UNNEST(i.neighbors, i.similarities) WITH ORDINALITY l(number, similarity, rank))
     JOIN near.model_item o ON (((o.version = i.version) AND (o.number = l.number))));

COMMENT ON VIEW near.item_neighbors IS 'lists of similar items of the active version, as the algorithm keeps them';

CREATE TABLE near.model_list (
    list integer NOT NULL,
    user_id integer NOT NULL,
    items integer[] NOT NULL,
    scores real[] NOT NULL,
    by_model integer NOT NULL,
    source text NOT NULL
);
ALTER TABLE ONLY near.model_list ALTER COLUMN items SET STORAGE EXTERNAL;
ALTER TABLE ONLY near.model_list ALTER COLUMN scores SET STORAGE EXTERNAL;

COMMENT ON TABLE near.model_list IS 'reco: lists made by reco.materialize()';

CREATE TABLE near.model_term OF reco.term (
    version NOT NULL,
    number NOT NULL
);

COMMENT ON TABLE near.model_term IS 'reco: keywords and attributes by version';

CREATE TABLE near.model_user (
    version integer NOT NULL,
    user_id integer NOT NULL,
    factors real[] NOT NULL,
    bias real NOT NULL,
    interactions integer NOT NULL,
    number integer NOT NULL,
    neighbors integer[] NOT NULL,
    similarities double precision[] NOT NULL,
    history bytea NOT NULL
);
ALTER TABLE ONLY near.model_user ALTER COLUMN factors SET STORAGE PLAIN;
ALTER TABLE ONLY near.model_user ALTER COLUMN neighbors SET STORAGE EXTERNAL;
ALTER TABLE ONLY near.model_user ALTER COLUMN similarities SET STORAGE EXTERNAL;
ALTER TABLE ONLY near.model_user ALTER COLUMN history SET STORAGE EXTERNAL;

COMMENT ON TABLE near.model_user IS 'reco: users by version';

CREATE TABLE near.model_version OF reco.version (
    version NOT NULL
);

COMMENT ON TABLE near.model_version IS 'reco: one row a training';

CREATE VIEW near.recommendations WITH (security_invoker='true') AS
 SELECT l.user_id,
    (i.rank)::integer AS rank,
    i.item_id,
    i.score,
        CASE
            WHEN (i.rank <= l.by_model) THEN l.source
            ELSE 'popular'::text
        END AS source
   FROM ((near.model_list l
     JOIN near.model m ON ((l.list = m.active_list)))
     CROSS JOIN LATERAL UNNEST(l.items, l.scores) WITH ORDINALITY i(item_id, score, rank));

COMMENT ON VIEW near.recommendations IS 'the lists that reco.materialize() made';

CREATE VIEW near.user_factors WITH (security_invoker='true') AS
 SELECT u.user_id,
    u.factors,
    u.bias,
    u.interactions
   FROM (near.model_user u
     JOIN near.model m ON ((u.version = m.active_version)));

COMMENT ON VIEW near.user_factors IS 'users of the active version';

CREATE VIEW near.user_neighbors WITH (security_invoker='true') AS
 SELECT u.user_id,
    o.user_id AS neighbor_id,
    l.similarity,
    (l.rank)::integer AS rank
   FROM (((near.model_user u
     JOIN near.model m ON ((u.version = m.active_version)))
     CROSS JOIN LATERAL UNNEST(u.neighbors, u.similarities) WITH ORDINALITY l(number, similarity, rank))
     JOIN near.model_user o ON (((o.version = u.version) AND (o.number = l.number))));

COMMENT ON VIEW near.user_neighbors IS 'lists of similar users of the active version, as the algorithm keeps them';

CREATE VIEW near.versions WITH (security_invoker='true') AS
 SELECT v.version,
    v.status,
    (v.version = m.active_version) AS active,
    v.started_at,
    v.finished_at,
    v.rows_read,
    v.rows_skipped,
    v.rows_merged,
    v.users,
    v.items,
    v.interactions,
    reco.describe(v.algorithm) AS algorithm,
    v.options,
    v.metrics,
    v.loss,
    v.bytes,
    v.timings,
    v.trained_by,
    v.message,
    v.row_security
   FROM (near.model_version v
     LEFT JOIN near.model m ON (true));

COMMENT ON VIEW near.versions IS 'every training of this model, with what it read and made';

CREATE TABLE public.lines (
    customer integer,
    product integer,
    qty integer,
    at timestamp with time zone
);

CREATE TABLE public.lists (
    model text,
    customer integer,
    list text
);

CREATE TABLE public.products (
    id integer,
    tags text[],
    price integer,
    available boolean
);

COPY alike.model (definition, source, algorithm, options, search_path, active_version, active_nonce, next_version, created_at, items, items_search_path, active_list) FROM stdin;
1	lines	{"algorithm": "content"}	{"live": "auto", "on_invalid": "error", "keep_versions": 2, "min_item_interactions": 1, "min_user_interactions": 1}	public	1	668710839670142528	2	2026-11-26 13:39:46.021629+00	products	public	1
\.

COPY alike.model_item (version, item_id, factors, bias, interactions, number, neighbors, similarities, features, trend, numbers) FROM stdin;
1	0	{}	0	2	0	{}	{}	\\x00020003	2.6666667	{-1.2730174}
1	1	{}	0	4	1	{}	{}	\\x00020103	1.7888544	{-0.69810635}
1	2	{}	0	4	2	{}	{}	\\x00020203	1.7888544	{-0.12319523}
1	3	{}	0	5	3	{}	{}	\\x00020300	2.6666667	{0.45171586}
1	4	{}	0	9	4	{}	{}	\\x00020004	2.2135944	{1.026627}
1	5	{}	0	5	5	{}	{}	\\x00020104	1.2247449	{1.6015381}
1	6	{}	0	6	6	{}	{}	\\x00020201	2.8460498	{-1.2730174}
1	7	{}	0	10	7	{}	{}	\\x00020301	1.8090681	{-0.69810635}
1	8	{}	0	5	8	{}	{}	\\x00020005	2.0412414	{-0.12319523}
1	9	{}	0	6	9	{}	{}	\\x00020102	2.2135944	{0.45171586}
1	10	{}	0	10	10	{}	{}	\\x00020202	3.0151134	{1.026627}
1	11	{}	0	5	11	{}	{}	\\x00020302	2.0412414	{1.6015381}
1	12	{}	0	5	12	{}	{}	\\x00020003	2.0412414	{-1.2730174}
1	13	{}	0	5	13	{}	{}	\\x00020103	1.2247449	{-0.69810635}
\.

COPY alike.model_list (list, user_id, items, scores, by_model, source) FROM stdin;
1	1	{9,3,2}	{0.51959085,0.48209086,0.46146128}	3	content
1	2	{3,2,4}	{0.48945722,0.43777966,0.42385685}	3	content
1	3	{8,2,1}	{0.5379057,0.5182013,0.44804215}	3	content
1	4	{12,6,8}	{1,0.6666667,0.39924404}	3	content
1	5	{2,8,9}	{0.57074726,0.52205163,0.44364098}	3	content
1	6	{3,2,4}	{0.5182013,0.42525014,0.41900837}	3	content
1	7	{8,2,3}	{0.51959085,0.48209086,0.46146128}	3	content
1	8	{8,9,10}	{0.48449174,0.43635848,0.3713791}	3	content
1	9	{9,7,11}	{0.6666667,0.39924404,0.39924404}	3	content
1	10	{3,2,1}	{0.47888777,0.44146156,0.40680602}	3	content
1	11	{9,3,2}	{0.48945722,0.46791875,0.43777966}	3	content
1	12	{8,13,9}	{0.5182013,0.44362375,0.42525014}	3	content
1	13	{3,9,8}	{0.5058575,0.48881206,0.42615113}	3	content
1	14	{0,12,2}	{0.6666667,0.6666667,0.39924404}	3	content
1	15	{3,9,4}	{0.5379057,0.5182013,0.42525014}	3	content
1	16	{8,9,7}	{0.48209086,0.44210643,0.38303787}	3	content
1	17	{8,2,3}	{0.48945722,0.46791875,0.43777966}	3	content
1	18	{3,2,1}	{0.50391495,0.41955528,0.39850074}	3	content
1	19	{3,1,5}	{0.6666667,0.39924404,0.39924404}	3	content
1	20	{9,8,7}	{0.48449174,0.43635848,0.3713791}	3	content
1	21	{2,8,3}	{0.5379057,0.5182013,0.42525014}	3	content
1	22	{3,2,4}	{0.48209086,0.44210643,0.38303787}	3	content
1	23	{3,9,8}	{0.57074726,0.52205163,0.44364098}	3	content
1	24	{12,6,8}	{1,0.6666667,0.39924404}	3	content
\.

COPY alike.model_term (version, number, field, term, weight) FROM stdin;
1	0	0	a0	1
1	1	0	a1	1
1	2	0	a2	1
1	3	0	a3	1
1	4	0	b0	1
1	5	0	b1	1
1	6	0	b2	1
\.

COPY alike.model_user (version, user_id, factors, bias, interactions, number, neighbors, similarities, history) FROM stdin;
1	1	{}	0	4	0	{}	{}	\\x01040400000002030301
1	2	{}	0	4	1	{}	{}	\\x01040700000002010103
1	3	{}	0	4	2	{}	{}	\\x01040a00000002010302
1	4	{}	0	1	3	{}	{}	\\x01010009
1	5	{}	0	4	4	{}	{}	\\x01040400000001020301
1	6	{}	0	4	5	{}	{}	\\x01040700000001020203
1	7	{}	0	4	6	{}	{}	\\x01040a00000001030302
1	8	{}	0	4	7	{}	{}	\\x01040100000001030201
1	9	{}	0	1	8	{}	{}	\\x01010308
1	10	{}	0	4	9	{}	{}	\\x01040700000003010203
1	11	{}	0	4	10	{}	{}	\\x01040a00000003010102
1	12	{}	0	4	11	{}	{}	\\x01040100000003020201
1	13	{}	0	4	12	{}	{}	\\x01040400000003020103
1	14	{}	0	1	13	{}	{}	\\x01010607
1	15	{}	0	4	14	{}	{}	\\x01040a00000002030102
1	16	{}	0	4	15	{}	{}	\\x01040100000002030301
1	17	{}	0	4	16	{}	{}	\\x01040400000002010103
1	18	{}	0	4	17	{}	{}	\\x01040700000002010302
1	19	{}	0	1	18	{}	{}	\\x01010909
1	20	{}	0	4	19	{}	{}	\\x01040100000001020301
1	21	{}	0	4	20	{}	{}	\\x01040400000001020203
1	22	{}	0	4	21	{}	{}	\\x01040700000001030302
1	23	{}	0	4	22	{}	{}	\\x01040a00000001030201
1	24	{}	0	1	23	{}	{}	\\x01010008
\.

COPY alike.model_version (version, nonce, status, started_at, finished_at, rows_read, rows_skipped, rows_merged, users, items, interactions, algorithm, options, factors, mean, min_value, max_value, metrics, loss, bytes, timings, trained_by, message, fields, row_security, available) FROM stdin;
1	668710839670142528	ready	2026-11-26 13:39:46.02193+00	2026-11-26 13:39:46.022863+00	96	{"null": 0, "invalid": 0, "items_dropped": 0, "users_dropped": 0}	15	24	14	81	{"algorithm": "content"}	{"live": "auto", "on_invalid": "error", "keep_versions": 2, "min_item_interactions": 1, "min_user_interactions": 1}	0	0	1	9	\N	\N	378	{"read": 0.000, "train": 0.000, "write": 0.000}	postgres	\N	[{"to": 7, "from": 0, "kind": "attributes", "mean": 0, "name": "tags", "weight": 1, "deviation": 1}, {"to": 1, "from": 0, "kind": "number", "mean": 3.2142857142857144, "name": "price", "weight": 1, "deviation": 1.7393993802694172}]	f	t
\.

COPY factors.model (definition, source, algorithm, options, search_path, active_version, active_nonce, next_version, created_at, items, items_search_path, active_list) FROM stdin;
1	lines	{"seed": 42, "alpha": 1, "solver": "auto", "factors": 4, "algorithm": "ials", "iterations": 6, "regularization": 0.01, "weighted_regularization": false}	{"live": "auto", "on_invalid": "error", "keep_versions": 2, "min_item_interactions": 1, "min_user_interactions": 1}	public	1	-8431324152437337374	2	2026-11-26 13:39:46.030804+00	products	public	1
\.

COPY factors.model_item (version, item_id, factors, bias, interactions, number, neighbors, similarities, features, trend, numbers) FROM stdin;
1	0	{-1.5311921,0.5413206,5.2386813,0.6583655}	0	2	0	{}	{}	\\x00020003	2.6666667	{-1.2730174}
1	1	{-3.3277628,-2.7486308,4.0276685,-3.0563636}	0	4	1	{}	{}	\\x00020103	1.7888544	{-0.69810635}
1	2	{-3.4216087,-2.8262072,4.140244,-3.1424222}	0	4	2	{}	{}	\\x00020203	1.7888544	{-0.12319523}
1	3	{-3.6851807,-3.0119197,5.188351,-3.4658253}	0	5	3	{}	{}	\\x00020300	2.6666667	{0.45171586}
1	4	{-5.338214,-5.086467,1.0862647,-3.8628142}	0	9	4	{}	{}	\\x00020004	2.2135944	{1.026627}
1	5	{-2.5503948,-2.8380833,-2.7202451,-1.2187599}	0	5	5	{}	{}	\\x00020104	1.2247449	{1.6015381}
1	6	{-2.5868819,-2.8768332,-3.7960043,-1.3015248}	0	6	6	{}	{}	\\x00020201	2.8460498	{-1.2730174}
1	7	{-0.87430584,-4.339331,-1.2974588,0.59240395}	0	10	7	{}	{}	\\x00020301	1.8090681	{-0.69810635}
1	8	{1.5745883,-1.9264573,1.2818382,1.8570766}	0	5	8	{}	{}	\\x00020005	2.0412414	{-0.12319523}
1	9	{1.4424243,-1.5889288,2.0011675,2.3801832}	0	6	9	{}	{}	\\x00020102	2.2135944	{0.45171586}
1	10	{5.940521,-5.3888335,0.7364569,0.4869169}	0	10	10	{}	{}	\\x00020202	3.0151134	{1.026627}
1	11	{4.6600604,-3.7142603,-0.5385094,-1.3941383}	0	5	11	{}	{}	\\x00020302	2.0412414	{1.6015381}
1	12	{4.6470156,-3.7038653,-0.5370513,-1.3902925}	0	5	12	{}	{}	\\x00020003	2.0412414	{-1.2730174}
1	13	{4.6355467,-3.6947289,-0.5358187,-1.3869681}	0	5	13	{}	{}	\\x00020103	1.2247449	{-0.69810635}
\.

COPY factors.model_list (list, user_id, items, scores, by_model, source) FROM stdin;
1	1	{8,2,1}	{0.14356837,0.13195887,0.12821507}	3	model
1	2	{0,5,11}	{0.38321626,0.15054795,0.090092346}	3	model
1	3	{8,3,2}	{0.09485972,0.070209086,0.05506727}	3	model
1	4	{9,3,8}	{0.54099977,0.4355932,0.3857301}	3	model
1	5	{8,2,1}	{0.14480853,0.12810779,0.12447044}	3	model
1	6	{0,5,11}	{0.38551715,0.14694026,0.09074408}	3	model
1	7	{8,3,2}	{0.097606614,0.070299,0.05505389}	3	model
1	8	{0,5,6}	{0.37136787,0.15990707,0.09030694}	3	model
1	9	{2,1,4}	{0.6830405,0.66440296,0.5099444}	3	model
1	10	{0,5,6}	{0.37696084,0.15567304,0.093319654}	3	model
1	11	{8,3,2}	{0.09455469,0.06978291,0.054724365}	3	model
1	12	{0,5,6}	{0.3761909,0.15877354,0.08814463}	3	model
1	13	{8,2,1}	{0.14685151,0.13122743,0.12750253}	3	model
1	14	{5,4,7}	{0.6615759,0.5404213,0.5321735}	3	model
1	15	{8,3,2}	{0.09504011,0.07015458,0.055016488}	3	model
1	16	{0,5,6}	{0.36981863,0.1615547,0.092311874}	3	model
1	17	{8,2,1}	{0.1499258,0.13013753,0.12644383}	3	model
1	18	{0,5,6}	{0.37426198,0.15447013,0.0925733}	3	model
1	19	{8,7,10}	{0.68312037,0.55580795,0.5156919}	3	model
1	20	{0,5,6}	{0.3632787,0.162844,0.094991}	3	model
1	21	{8,2,1}	{0.15087044,0.1258176,0.122241884}	3	model
1	22	{0,5,11}	{0.38638777,0.14799565,0.08766618}	3	model
1	23	{8,3,2}	{0.09849752,0.069952846,0.05473903}	3	model
1	24	{9,3,8}	{0.52973926,0.42652652,0.3777014}	3	model
\.

COPY factors.model_term (version, number, field, term, weight) FROM stdin;
1	0	0	a0	1
1	1	0	a1	1
1	2	0	a2	1
1	3	0	a3	1
1	4	0	b0	1
1	5	0	b1	1
1	6	0	b2	1
\.

COPY factors.model_user (version, user_id, factors, bias, interactions, number, neighbors, similarities, history) FROM stdin;
1	1	{-0.12388773,-0.15493296,-0.10489905,0.0940362}	0	4	0	{}	{}	\\x01040400000002030301
1	2	{-0.03759884,-0.18960313,0.04433888,0.2977131}	0	4	1	{}	{}	\\x01040700000002010103
1	3	{0.13718405,-0.048456877,0.0038907067,-0.118189014}	0	4	2	{}	{}	\\x01040a00000002010302
1	4	{-0.02558803,-0.018298132,0.13395615,0.11795961}	0	1	3	{}	{}	\\x01010009
1	5	{-0.122826,-0.1539326,-0.10408445,0.09427923}	0	4	4	{}	{}	\\x01040400000001020301
1	6	{-0.0371317,-0.18926483,0.044881817,0.29769608}	0	4	5	{}	{}	\\x01040700000001020203
1	7	{0.13767576,-0.049070206,0.0040926905,-0.11790243}	0	4	6	{}	{}	\\x01040a00000001030302
1	8	{-0.04434922,-0.041215036,0.07637235,-0.1128843}	0	4	7	{}	{}	\\x01040100000001030201
1	9	{-0.008589984,-0.005704648,0.08708333,-0.08814226}	0	1	8	{}	{}	\\x01010308
1	10	{-0.0377468,-0.18975165,0.043260526,0.29657027}	0	4	9	{}	{}	\\x01040700000003010203
1	11	{0.13638407,-0.048219632,0.0038873998,-0.117426574}	0	4	10	{}	{}	\\x01040a00000003010102
1	12	{-0.044426683,-0.041226473,0.07742668,-0.11411873}	0	4	11	{}	{}	\\x01040100000003020201
1	13	{-0.1248497,-0.15648542,-0.10574743,0.095594876}	0	4	12	{}	{}	\\x01040400000003020103
1	14	{-0.0705362,-0.072230384,-0.111295655,0.021387765}	0	1	13	{}	{}	\\x01010607
1	15	{0.13710824,-0.048472617,0.003906751,-0.118054986}	0	4	14	{}	{}	\\x01040a00000002030102
1	16	{-0.044494625,-0.04133322,0.07605414,-0.11294644}	0	4	15	{}	{}	\\x01040100000002030301
1	17	{-0.12395691,-0.15587223,-0.10439702,0.096197315}	0	4	16	{}	{}	\\x01040400000002010103
1	18	{-0.037495717,-0.18832156,0.042942166,0.29441223}	0	4	17	{}	{}	\\x01040700000002010302
1	19	{-0.038307443,-0.10685545,0.06613756,0.24382877}	0	1	18	{}	{}	\\x01010909
1	20	{-0.044356696,-0.04129413,0.07462055,-0.111184254}	0	4	19	{}	{}	\\x01040100000001020301
1	21	{-0.12392396,-0.1558624,-0.104814924,0.09697671}	0	4	20	{}	{}	\\x01040400000001020203
1	22	{-0.037678972,-0.18943186,0.044797733,0.298552}	0	4	21	{}	{}	\\x01040700000001030302
1	23	{0.13716282,-0.04911655,0.0041754576,-0.11709298}	0	4	22	{}	{}	\\x01040a00000001030201
1	24	{-0.025055433,-0.01791727,0.13116793,0.11550436}	0	1	23	{}	{}	\\x01010008
\.

COPY factors.model_version (version, nonce, status, started_at, finished_at, rows_read, rows_skipped, rows_merged, users, items, interactions, algorithm, options, factors, mean, min_value, max_value, metrics, loss, bytes, timings, trained_by, message, fields, row_security, available) FROM stdin;
1	-8431324152437337374	ready	2026-11-26 13:39:46.035104+00	2026-11-26 13:39:46.038122+00	96	{"null": 0, "invalid": 0, "items_dropped": 0, "users_dropped": 0}	15	24	14	81	{"seed": 42, "alpha": 1, "solver": "auto", "factors": 4, "algorithm": "ials", "iterations": 6, "regularization": 0.01, "weighted_regularization": false}	{"live": "auto", "on_invalid": "error", "keep_versions": 2, "min_item_interactions": 1, "min_user_interactions": 1}	4	0	1	9	\N	{39.3911,21.399576,20.04454,19.415716,18.954227,18.576313}	986	{"read": 0.000, "train": 0.002, "write": 0.000}	postgres	\N	[{"to": 7, "from": 0, "kind": "attributes", "mean": 0, "name": "tags", "weight": 1, "deviation": 1}, {"to": 1, "from": 0, "kind": "number", "mean": 3.2142857142857144, "name": "price", "weight": 1, "deviation": 1.7393993802694172}]	f	t
\.

COPY near.model (definition, source, algorithm, options, search_path, active_version, active_nonce, next_version, created_at, items, items_search_path, active_list) FROM stdin;
1	lines	{"b": 0.75, "k1": 1.2, "biases": false, "exponent": 0.5, "algorithm": "item_knn", "neighbors": 5, "shrinkage": 0, "weighting": "none", "normalized": false, "similarity": "cosine", "min_support": 1, "tversky_beta": 1, "tversky_alpha": 1}	{"live": "auto", "on_invalid": "error", "keep_versions": 2, "min_item_interactions": 1, "min_user_interactions": 1}	public	1	7957772864518151872	2	2026-11-26 13:39:46.055406+00	\N	public	1
\.

COPY near.model_item (version, item_id, factors, bias, interactions, number, neighbors, similarities, features, trend, numbers) FROM stdin;
1	0	{}	0	2	0	{}	{}	\\x	2.6666667	{}
1	1	{}	0	4	1	{2,3,4}	{0.8608284620211167,0.4626813958590447,0.3768673314407159}	\\x	1.7888544	{}
1	2	{}	0	4	2	{1,3,4}	{0.8608284620211167,0.516811394121702,0.40893041005476544}	\\x	1.7888544	{}
1	3	{}	0	5	3	{2,1,4}	{0.516811394121702,0.4626813958590447,0.219793491131929}	\\x	2.6666667	{}
1	4	{}	0	9	4	{5,7,2,6,1}	{0.8001976040538967,0.6320257287002884,0.40893041005476544,0.3904762596507041,0.3768673314407159}	\\x	2.2135944	{}
1	5	{}	0	5	5	{4,7,6}	{0.8001976040538967,0.6154574548966636,0.5489716413565446}	\\x	1.2247449	{}
1	6	{}	0	6	6	{5,4,7}	{0.5489716413565446,0.3904762596507041,0.3040818202797687}	\\x	2.8460498	{}
1	7	{}	0	10	7	{4,5,10,8,6}	{0.6320257287002884,0.6154574548966636,0.4714045207910317,0.43301270189221935,0.3040818202797687}	\\x	1.8090681	{}
1	8	{}	0	5	8	{10,9,7}	{0.6804138174397717,0.45706896310845374,0.43301270189221935}	\\x	2.0412414	{}
1	9	{}	0	6	9	{8,10,7}	{0.45706896310845374,0.35355339059327373,0.2638888888888889}	\\x	2.2135944	{}
1	10	{}	0	10	10	{8,13,7,12,11}	{0.6804138174397717,0.5610836076867821,0.4714045207910317,0.4444444444444444,0.4295888913613786}	\\x	3.0151134	{}
1	11	{}	0	5	11	{13,12,10}	{0.8557169633109856,0.8339078479367938,0.4295888913613786}	\\x	2.0412414	{}
1	12	{}	0	5	12	{13,11,10}	{0.8911327886790069,0.8339078479367938,0.4444444444444444}	\\x	2.0412414	{}
1	13	{}	0	5	13	{12,11,10}	{0.8911327886790069,0.8557169633109856,0.5610836076867821}	\\x	1.2247449	{}
\.

COPY near.model_list (list, user_id, items, scores, by_model, source) FROM stdin;
1	1	{2,1,10}	{0.81786084,0.75373465,0.47140452}	3	model
1	2	{13,12,11}	{1.6832509,1.3333334,1.2887666}	3	model
1	3	{8,7,9}	{1.3608277,0.94280905,0.70710677}	3	model
1	4	{7,10,4}	{10,10,9}	0	model
1	5	{10,8,2}	{0.47140452,0.4330127,0.40893042}	3	model
1	6	{13,12,11}	{1.6832509,1.3333334,1.2887666}	3	model
1	7	{8,7,9}	{0.68041384,0.47140452,0.35355338}	3	model
1	8	{5,7,6}	{0.8001976,0.6320257,0.39047626}	3	model
1	9	{2,1,7}	{4.134491,3.701451,10}	2	model
1	10	{4,5,13}	{1.8960772,1.8463724,1.6832509}	3	model
1	11	{8,7,9}	{2.0412416,1.4142135,1.0606601}	3	model
1	12	{5,7,6}	{0.8001976,0.6320257,0.39047626}	3	model
1	13	{10,8,2}	{1.4142135,1.299038,1.2267913}	3	model
1	14	{5,4,7}	{3.8428016,2.7333338,2.1285727}	3	model
1	15	{8,7,9}	{1.3608277,0.94280905,0.70710677}	3	model
1	16	{5,7,6}	{0.8001976,0.6320257,0.39047626}	3	model
1	17	{10,8,2}	{1.4142135,1.299038,0.81786084}	3	model
1	18	{4,5,13}	{1.2640514,1.230915,1.1221672}	3	model
1	19	{8,7,10}	{4.1136208,10,10}	1	model
1	20	{5,7,6}	{0.8001976,0.6320257,0.39047626}	3	model
1	21	{10,8,9}	{1.4142135,1.299038,0.7916667}	3	model
1	22	{13,12,11}	{1.1221672,0.8888889,0.85917777}	3	model
1	23	{8,7,9}	{0.68041384,0.47140452,0.35355338}	3	model
1	24	{7,10,4}	{10,10,9}	0	model
\.

COPY near.model_term (version, number, field, term, weight) FROM stdin;
\.

COPY near.model_user (version, user_id, factors, bias, interactions, number, neighbors, similarities, history) FROM stdin;
1	1	{}	0	4	0	{}	{}	\\x01040400000002030301
1	2	{}	0	4	1	{}	{}	\\x01040700000002010103
1	3	{}	0	4	2	{}	{}	\\x01040a00000002010302
1	4	{}	0	1	3	{}	{}	\\x01010009
1	5	{}	0	4	4	{}	{}	\\x01040400000001020301
1	6	{}	0	4	5	{}	{}	\\x01040700000001020203
1	7	{}	0	4	6	{}	{}	\\x01040a00000001030302
1	8	{}	0	4	7	{}	{}	\\x01040100000001030201
1	9	{}	0	1	8	{}	{}	\\x01010308
1	10	{}	0	4	9	{}	{}	\\x01040700000003010203
1	11	{}	0	4	10	{}	{}	\\x01040a00000003010102
1	12	{}	0	4	11	{}	{}	\\x01040100000003020201
1	13	{}	0	4	12	{}	{}	\\x01040400000003020103
1	14	{}	0	1	13	{}	{}	\\x01010607
1	15	{}	0	4	14	{}	{}	\\x01040a00000002030102
1	16	{}	0	4	15	{}	{}	\\x01040100000002030301
1	17	{}	0	4	16	{}	{}	\\x01040400000002010103
1	18	{}	0	4	17	{}	{}	\\x01040700000002010302
1	19	{}	0	1	18	{}	{}	\\x01010909
1	20	{}	0	4	19	{}	{}	\\x01040100000001020301
1	21	{}	0	4	20	{}	{}	\\x01040400000001020203
1	22	{}	0	4	21	{}	{}	\\x01040700000001030302
1	23	{}	0	4	22	{}	{}	\\x01040a00000001030201
1	24	{}	0	1	23	{}	{}	\\x01010008
\.

COPY near.model_version (version, nonce, status, started_at, finished_at, rows_read, rows_skipped, rows_merged, users, items, interactions, algorithm, options, factors, mean, min_value, max_value, metrics, loss, bytes, timings, trained_by, message, fields, row_security, available) FROM stdin;
1	7957772864518151872	ready	2026-11-26 13:39:46.055816+00	2026-11-26 13:39:46.075656+00	96	{"null": 0, "invalid": 0, "items_dropped": 0, "users_dropped": 0}	15	24	14	81	{"b": 0.75, "k1": 1.2, "biases": false, "exponent": 0.5, "algorithm": "item_knn", "neighbors": 5, "shrinkage": 0, "weighting": "none", "normalized": false, "similarity": "cosine", "min_support": 1, "tversky_beta": 1, "tversky_alpha": 1}	{"live": "auto", "on_invalid": "error", "keep_versions": 2, "min_item_interactions": 1, "min_user_interactions": 1}	0	0	1	9	\N	\N	806	{"read": 0.001, "train": 0.019, "write": 0.000}	postgres	\N	\N	f	f
\.

COPY public.lines (customer, product, qty, at) FROM stdin;
1	5	3	2026-01-01 14:00:00+00
2	9	1	2026-01-01 21:00:00+00
3	13	2	2026-01-02 04:00:00+00
4	0	3	2026-01-02 11:00:00+00
5	4	1	2026-01-02 18:00:00+00
6	8	2	2026-01-03 01:00:00+00
7	12	3	2026-01-03 08:00:00+00
8	4	1	2026-01-03 15:00:00+00
9	3	2	2026-01-03 22:00:00+00
10	7	3	2026-01-04 05:00:00+00
11	11	1	2026-01-04 12:00:00+00
12	3	2	2026-01-04 19:00:00+00
13	7	3	2026-01-05 02:00:00+00
14	6	1	2026-01-05 09:00:00+00
15	10	2	2026-01-05 16:00:00+00
16	2	3	2026-01-05 23:00:00+00
17	6	1	2026-01-06 06:00:00+00
18	10	2	2026-01-06 13:00:00+00
19	9	3	2026-01-06 20:00:00+00
20	1	1	2026-01-07 03:00:00+00
21	5	2	2026-01-07 10:00:00+00
22	9	3	2026-01-07 17:00:00+00
23	13	1	2026-01-08 00:00:00+00
24	0	2	2026-01-08 07:00:00+00
1	7	1	2026-01-01 21:00:00+00
2	7	2	2026-01-02 04:00:00+00
3	12	3	2026-01-02 11:00:00+00
4	0	1	2026-01-02 18:00:00+00
5	5	2	2026-01-03 01:00:00+00
6	10	3	2026-01-03 08:00:00+00
7	10	1	2026-01-03 15:00:00+00
8	3	2	2026-01-03 22:00:00+00
9	3	3	2026-01-04 05:00:00+00
10	8	1	2026-01-04 12:00:00+00
11	13	2	2026-01-04 19:00:00+00
12	1	3	2026-01-05 02:00:00+00
13	6	1	2026-01-05 09:00:00+00
14	6	2	2026-01-05 16:00:00+00
15	11	3	2026-01-05 23:00:00+00
16	4	1	2026-01-06 06:00:00+00
17	4	2	2026-01-06 13:00:00+00
18	9	3	2026-01-06 20:00:00+00
19	9	1	2026-01-07 03:00:00+00
20	2	2	2026-01-07 10:00:00+00
21	7	3	2026-01-07 17:00:00+00
22	7	1	2026-01-08 00:00:00+00
23	12	2	2026-01-08 07:00:00+00
24	0	3	2026-01-08 14:00:00+00
1	4	2	2026-01-02 04:00:00+00
2	10	3	2026-01-02 11:00:00+00
3	11	1	2026-01-02 18:00:00+00
4	0	2	2026-01-03 01:00:00+00
5	6	3	2026-01-03 08:00:00+00
6	7	1	2026-01-03 15:00:00+00
7	13	2	2026-01-03 22:00:00+00
8	2	3	2026-01-04 05:00:00+00
9	3	1	2026-01-04 12:00:00+00
10	9	2	2026-01-04 19:00:00+00
11	10	3	2026-01-05 02:00:00+00
12	4	1	2026-01-05 09:00:00+00
13	5	2	2026-01-05 16:00:00+00
14	6	3	2026-01-05 23:00:00+00
15	12	1	2026-01-06 06:00:00+00
16	1	2	2026-01-06 13:00:00+00
17	7	3	2026-01-06 20:00:00+00
18	8	1	2026-01-07 03:00:00+00
19	9	2	2026-01-07 10:00:00+00
20	3	3	2026-01-07 17:00:00+00
21	4	1	2026-01-08 00:00:00+00
22	10	2	2026-01-08 07:00:00+00
23	11	3	2026-01-08 14:00:00+00
24	0	1	2026-01-08 21:00:00+00
1	6	3	2026-01-02 11:00:00+00
2	8	1	2026-01-02 18:00:00+00
3	10	2	2026-01-03 01:00:00+00
4	0	3	2026-01-03 08:00:00+00
5	7	1	2026-01-03 15:00:00+00
6	9	2	2026-01-03 22:00:00+00
7	11	3	2026-01-04 05:00:00+00
8	1	1	2026-01-04 12:00:00+00
9	3	2	2026-01-04 19:00:00+00
10	10	3	2026-01-05 02:00:00+00
11	12	1	2026-01-05 09:00:00+00
12	2	2	2026-01-05 16:00:00+00
13	4	3	2026-01-05 23:00:00+00
14	6	1	2026-01-06 06:00:00+00
15	13	2	2026-01-06 13:00:00+00
16	3	3	2026-01-06 20:00:00+00
17	5	1	2026-01-07 03:00:00+00
18	7	2	2026-01-07 10:00:00+00
19	9	3	2026-01-07 17:00:00+00
20	4	1	2026-01-08 00:00:00+00
21	6	2	2026-01-08 07:00:00+00
22	8	3	2026-01-08 14:00:00+00
23	10	1	2026-01-08 21:00:00+00
24	0	2	2026-01-09 04:00:00+00
\.

COPY public.lists (model, customer, list) FROM stdin;
alike	0	10:trending 6:trending 0:trending 3:trending 4:trending
alike	1	9:content 3:content 2:content 8:content 10:content
alike	2	3:content 2:content 4:content 1:content 13:content
alike	3	8:content 2:content 1:content 7:content 9:content
alike	4	12:content 6:content 8:content 3:content 9:content
alike	5	2:content 8:content 9:content 3:content 1:content
alike	6	3:content 2:content 4:content 1:content 13:content
alike	7	8:content 2:content 3:content 9:content 7:content
alike	8	8:content 9:content 10:content 7:content 13:content
alike	9	9:content 7:content 11:content 0:content 6:content
alike	10	3:content 2:content 1:content 13:content 4:content
alike	11	9:content 3:content 2:content 4:content 1:content
alike	12	8:content 13:content 9:content 7:content 10:content
alike	13	3:content 9:content 8:content 10:content 2:content
alike	14	0:content 12:content 2:content 3:content 9:content
alike	15	3:content 9:content 4:content 2:content 8:content
factors	0	10:trending 6:trending 0:trending 3:trending 4:trending
factors	1	8:model 2:model 1:model 9:model 10:model
factors	2	0:model 11:model 12:model 13:model 6:model
factors	3	8:model 3:model 2:model 1:model 7:model
factors	4	9:model 3:model 8:model 2:model 1:model
factors	5	8:model 2:model 1:model 9:model 10:model
factors	6	0:model 11:model 12:model 13:model 6:model
factors	7	8:model 3:model 2:model 1:model 7:model
factors	8	0:model 6:model 11:model 12:model 13:model
factors	9	2:model 1:model 4:model 0:model 11:model
factors	10	0:model 6:model 11:model 12:model 13:model
factors	11	8:model 3:model 2:model 1:model 7:model
factors	12	0:model 6:model 11:model 12:model 13:model
factors	13	8:model 2:model 1:model 9:model 10:model
factors	14	4:model 7:model 13:model 12:model 11:model
factors	15	8:model 3:model 2:model 1:model 7:model
factors	16	0:model 6:model 11:model 12:model 13:model
factors	17	8:model 2:model 1:model 9:model 10:model
factors	18	0:model 6:model 11:model 12:model 13:model
factors	19	8:model 7:model 10:model 0:model 3:model
factors	20	0:model 6:model 11:model 12:model 13:model
factors	21	8:model 2:model 1:model 9:model 10:model
factors	22	0:model 11:model 12:model 13:model 6:model
factors	23	8:model 3:model 2:model 1:model 7:model
factors	24	9:model 3:model 8:model 2:model 1:model
near	0	10:trending 6:trending 0:trending 3:trending 4:trending
near	1	2:model 1:model 10:model 3:model 8:model
near	2	13:model 12:model 11:model 4:model 5:model
near	3	8:model 7:model 9:model 6:trending 0:trending
near	4	10:trending 6:trending 3:trending 4:trending 9:trending
near	5	10:model 8:model 2:model 1:model 9:model
near	6	13:model 12:model 11:model 4:model 5:model
near	7	8:model 7:model 9:model 6:trending 0:trending
near	8	5:model 7:model 6:model 10:trending 0:trending
near	9	2:model 1:model 10:trending 6:trending 0:trending
near	10	4:model 5:model 13:model 12:model 11:model
near	11	8:model 7:model 9:model 6:trending 0:trending
near	12	5:model 7:model 6:model 10:trending 0:trending
near	13	10:model 8:model 2:model 1:model 9:model
near	14	5:model 4:model 7:model 10:trending 0:trending
near	15	8:model 7:model 9:model 6:trending 0:trending
near	16	5:model 7:model 6:model 10:trending 0:trending
near	17	10:model 8:model 2:model 9:model 1:model
near	18	4:model 5:model 13:model 12:model 11:model
near	19	8:model 10:trending 6:trending 0:trending 3:trending
near	20	5:model 7:model 6:model 10:trending 0:trending
near	21	10:model 8:model 9:model 2:model 1:model
near	22	13:model 12:model 11:model 4:model 5:model
alike	16	8:content 9:content 7:content 13:content 10:content
alike	17	8:content 2:content 3:content 1:content 13:content
alike	18	3:content 2:content 1:content 13:content 4:content
alike	19	3:content 1:content 13:content 0:content 6:content
alike	20	9:content 8:content 7:content 10:content 13:content
alike	21	2:content 8:content 3:content 1:content 13:content
alike	22	3:content 2:content 4:content 1:content 13:content
alike	23	3:content 9:content 8:content 2:content 4:content
alike	24	12:content 6:content 8:content 3:content 9:content
near	23	8:model 7:model 9:model 6:trending 0:trending
near	24	10:trending 6:trending 3:trending 4:trending 9:trending
\.

COPY public.products (id, tags, price, available) FROM stdin;
0	{a0,b0}	1	t
1	{a1,b1}	2	t
2	{a2,b2}	3	t
3	{a3,b0}	4	t
4	{a0,b1}	5	t
5	{a1,b2}	6	f
6	{a2,b0}	1	t
7	{a3,b1}	2	t
8	{a0,b2}	3	t
9	{a1,b0}	4	t
10	{a2,b1}	5	t
11	{a3,b2}	6	t
12	{a0,b0}	1	t
13	{a1,b1}	2	t
\.

ALTER TABLE ONLY alike.model_item
    ADD CONSTRAINT model_item_pkey PRIMARY KEY (version, item_id);

ALTER TABLE ONLY alike.model_item
    ADD CONSTRAINT model_item_version_number_key UNIQUE (version, number);

ALTER TABLE ONLY alike.model_list
    ADD CONSTRAINT model_list_pkey PRIMARY KEY (list, user_id);

ALTER TABLE ONLY alike.model
    ADD CONSTRAINT model_pkey PRIMARY KEY (definition);

ALTER TABLE ONLY alike.model_term
    ADD CONSTRAINT model_term_pkey PRIMARY KEY (version, number);

ALTER TABLE ONLY alike.model_user
    ADD CONSTRAINT model_user_pkey PRIMARY KEY (version, user_id);

ALTER TABLE ONLY alike.model_user
    ADD CONSTRAINT model_user_version_number_key UNIQUE (version, number);

ALTER TABLE ONLY alike.model_version
    ADD CONSTRAINT model_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY factors.model_item
    ADD CONSTRAINT model_item_pkey PRIMARY KEY (version, item_id);

ALTER TABLE ONLY factors.model_item
    ADD CONSTRAINT model_item_version_number_key UNIQUE (version, number);

ALTER TABLE ONLY factors.model_list
    ADD CONSTRAINT model_list_pkey PRIMARY KEY (list, user_id);

ALTER TABLE ONLY factors.model
    ADD CONSTRAINT model_pkey PRIMARY KEY (definition);

ALTER TABLE ONLY factors.model_term
    ADD CONSTRAINT model_term_pkey PRIMARY KEY (version, number);

ALTER TABLE ONLY factors.model_user
    ADD CONSTRAINT model_user_pkey PRIMARY KEY (version, user_id);

ALTER TABLE ONLY factors.model_user
    ADD CONSTRAINT model_user_version_number_key UNIQUE (version, number);

ALTER TABLE ONLY factors.model_version
    ADD CONSTRAINT model_version_pkey PRIMARY KEY (version);

ALTER TABLE ONLY near.model_item
    ADD CONSTRAINT model_item_pkey PRIMARY KEY (version, item_id);

ALTER TABLE ONLY near.model_item
    ADD CONSTRAINT model_item_version_number_key UNIQUE (version, number);

ALTER TABLE ONLY near.model_list
    ADD CONSTRAINT model_list_pkey PRIMARY KEY (list, user_id);

ALTER TABLE ONLY near.model
    ADD CONSTRAINT model_pkey PRIMARY KEY (definition);

ALTER TABLE ONLY near.model_term
    ADD CONSTRAINT model_term_pkey PRIMARY KEY (version, number);

ALTER TABLE ONLY near.model_user
    ADD CONSTRAINT model_user_pkey PRIMARY KEY (version, user_id);

ALTER TABLE ONLY near.model_user
    ADD CONSTRAINT model_user_version_number_key UNIQUE (version, number);

ALTER TABLE ONLY near.model_version
    ADD CONSTRAINT model_version_pkey PRIMARY KEY (version);

CREATE INDEX lines_customer_idx ON public.lines USING btree (customer);

CREATE INDEX products_id_idx ON public.products USING btree (id);

