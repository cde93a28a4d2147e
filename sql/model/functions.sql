-- The functions of a model.
--
-- {schema}         the model's schema
-- {model}          the same as a constant, which follows ALTER SCHEMA RENAME and a dump:
--                  'home'::pg_catalog.regnamespace
-- {user_type}      the exact type of the model's ids of users, in results
-- {item_type}      of items
-- {user_arg}       the type of an argument that is a user, as the source has it: see
--                  src/lifecycle/functions.c for which fits calls of every kind.  Where it
--                  takes two, one of them text, a function is made for each.
-- {item_arg}       of an item
-- {items_arg}      of an array of items
-- {items_passed}   the type of the array that is passed on
-- {users_arg}, {users_passed}   the same of users
-- {function}       the function above, with the types of its arguments
--
-- An empty line ends a block, and there is one between a function and what is said of it.
-- Blocks are executed one by one, when a model is created and by reco.upgrade_model(): a
-- function whose result or names of arguments have changed is dropped before; what a model
-- of an older version has under the names that are here, with arguments that are not, is
-- dropped after.  A function whose name and types of arguments are those of one above is
-- passed over: ids that are arrays cannot be told from arrays of ids.
--
-- Each is one of reco's functions in FROM, so that the planner inlines it: not STRICT, not
-- SECURITY DEFINER, without SET.  That function finds an item or a user in its second
-- argument, everything else by name in the third.  Making that takes a good part of a call, so
-- where recommend() is asked for a list and nothing else it is a constant, once it is planned.
--
-- What may ask a query of the definition catches its errors in a subtransaction, which a
-- parallel plan cannot have before PostgreSQL 17, not even in its leader: it is PARALLEL
-- UNSAFE.

CREATE OR REPLACE FUNCTION {schema}.recommend(
  for_user {user_arg},
  n integer DEFAULT 10,
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL,
  include_seen boolean DEFAULT false,
  diversity double precision DEFAULT 0,
  fallback pg_catalog.text DEFAULT 'auto',
  explore double precision DEFAULT 0,
  explore_seed bigint DEFAULT 0,
  boost {items_arg} DEFAULT NULL,
  boost_by real[] DEFAULT NULL)
RETURNS TABLE (rank integer, item_id {item_type}, score real, source pg_catalog.text)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
  SELECT r.rank, r.item_id, r.score, r.source
    FROM reco.serve_recommend({model}, for_user, CASE
           WHEN among IS NULL AND exclude IS NULL AND NOT include_seen
                AND diversity OPERATOR(pg_catalog.=) 0 AND fallback OPERATOR(pg_catalog.=) 'auto'
                AND explore OPERATOR(pg_catalog.=) 0 AND boost IS NULL AND boost_by IS NULL
           THEN CASE WHEN n OPERATOR(pg_catalog.=) 10 THEN '{"n": 10}'::pg_catalog.jsonb
                     ELSE pg_catalog.jsonb_build_object('n', n) END
           ELSE pg_catalog.jsonb_build_object(
             'n', n, 'among', among::{items_passed}, 'exclude', exclude::{items_passed},
             'include_seen', include_seen, 'diversity', diversity, 'fallback', fallback,
             'explore', explore, 'explore_seed', explore_seed,
             'boost', boost::{items_passed}, 'boost_by', boost_by) END)
         AS r(rank integer, item_id {item_type}, score real, source pg_catalog.text);
END;

COMMENT ON FUNCTION {function} IS
  'the best items for a user, best first, without those the user already has';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.expose(
  for_user {user_arg},
  n integer DEFAULT 10,
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL,
  include_seen boolean DEFAULT false,
  diversity double precision DEFAULT 0,
  fallback pg_catalog.text DEFAULT 'auto',
  explore double precision DEFAULT 0,
  explore_seed bigint DEFAULT (pg_catalog.random() OPERATOR(pg_catalog.*) 9e15)::bigint,
  boost {items_arg} DEFAULT NULL,
  boost_by real[] DEFAULT NULL)
RETURNS TABLE (model pg_catalog.text, version integer, rank integer, item_id {item_type},
               score real, source pg_catalog.text, propensity double precision)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
  SELECT r.model, r.version, r.rank, r.item_id, r.score, r.source, r.propensity
    FROM reco.serve_expose({model}, for_user, pg_catalog.jsonb_build_object(
           'n', n, 'among', among::{items_passed}, 'exclude', exclude::{items_passed},
           'include_seen', include_seen, 'diversity', diversity, 'fallback', fallback,
           'explore', explore, 'explore_seed', explore_seed,
           'boost', boost::{items_passed}, 'boost_by', boost_by))
         AS r(model pg_catalog.text, version integer, rank integer, item_id {item_type},
              score real, source pg_catalog.text, propensity double precision);
END;

COMMENT ON FUNCTION {function} IS
  'the best items for a user, to be shown and logged: with the model, its version, and how likely each was to be in the list';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.recommend_for(
  basket {items_arg},
  n integer DEFAULT 10,
  weights real[] DEFAULT NULL,
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL,
  diversity double precision DEFAULT 0,
  fallback pg_catalog.text DEFAULT 'auto',
  boost {items_arg} DEFAULT NULL,
  boost_by real[] DEFAULT NULL,
  include_basket boolean DEFAULT false,
  explore double precision DEFAULT 0,
  explore_seed bigint DEFAULT 0)
RETURNS TABLE (rank integer, item_id {item_type}, score real, source pg_catalog.text)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
  SELECT r.rank, r.item_id, r.score, r.source
    FROM reco.serve_recommend_for({model}, basket::{items_passed}, pg_catalog.jsonb_build_object(
           'n', n, 'weights', weights, 'among', among::{items_passed},
           'exclude', exclude::{items_passed}, 'diversity', diversity, 'fallback', fallback,
           'boost', boost::{items_passed}, 'boost_by', boost_by,
           'include_basket', include_basket, 'explore', explore, 'explore_seed', explore_seed))
         AS r(rank integer, item_id {item_type}, score real, source pg_catalog.text);
END;

COMMENT ON FUNCTION {function} IS
  'the best items for an anonymous basket: what goes with these';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.rerank(
  for_user {user_arg},
  items {items_arg},
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL)
RETURNS TABLE (rank integer, item_id {item_type}, score real)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100
BEGIN ATOMIC
  SELECT r.rank, r.item_id, r.score
    FROM reco.serve_rerank({model}, for_user, pg_catalog.jsonb_build_object(
           'items', items::{items_passed}, 'among', among::{items_passed},
           'exclude', exclude::{items_passed}))
         AS r(rank integer, item_id {item_type}, score real);
END;

COMMENT ON FUNCTION {function} IS
  'given items in the order of a user''s taste; unknown items last, without a score';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.predict(
  for_user {user_arg},
  for_item {item_arg})
RETURNS real
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
  SELECT r.score
    FROM reco.serve_predict({model}, for_user, pg_catalog.jsonb_build_object('item', for_item))
         AS r(score real);
END;

COMMENT ON FUNCTION {function} IS
  'the score of one item for one user; NULL when either is unknown';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.explain(
  for_user {user_arg},
  for_item {item_arg})
RETURNS TABLE (because_item {item_type}, contribution real, share real)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 20
BEGIN ATOMIC
  SELECT r.because_item, r.contribution, r.share
    FROM reco.serve_explain({model}, for_user, pg_catalog.jsonb_build_object('item', for_item))
         AS r(because_item {item_type}, contribution real, share real);
END;

COMMENT ON FUNCTION {function} IS
  'what a user''s score of an item is made of; the contributions add up to it';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.similar_items(
  for_item {item_arg},
  n integer DEFAULT 10,
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL)
RETURNS TABLE (rank integer, item_id {item_type}, similarity double precision)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
  SELECT r.rank, r.item_id, r.similarity
    FROM reco.serve_similar_items({model}, for_item, pg_catalog.jsonb_build_object(
           'n', n, 'among', among::{items_passed}, 'exclude', exclude::{items_passed}))
         AS r(rank integer, item_id {item_type}, similarity double precision);
END;

COMMENT ON FUNCTION {function} IS
  'the items most like one, by the algorithm''s lists or the cosine of their factors';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.similar_users(
  for_user {user_arg},
  n integer DEFAULT 10)
RETURNS TABLE (rank integer, user_id {user_type}, similarity double precision)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
  SELECT r.rank, r.user_id, r.similarity
    FROM reco.serve_similar_users({model}, for_user, pg_catalog.jsonb_build_object('n', n))
         AS r(rank integer, user_id {user_type}, similarity double precision);
END;

COMMENT ON FUNCTION {function} IS
  'the users most like one, by the algorithm''s lists or the cosine of their factors; of a model with pseudonyms, these';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.audience(
  for_item {item_arg},
  n integer DEFAULT 100,
  exclude_buyers boolean DEFAULT true,
  exclude_users {users_arg} DEFAULT NULL,
  exposures pg_catalog.text DEFAULT NULL,
  frequency_cap integer DEFAULT NULL,
  within interval DEFAULT NULL)
RETURNS TABLE (rank integer, user_id {user_type}, score real)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100
BEGIN ATOMIC
  SELECT r.rank, r.user_id, r.score
    FROM reco.serve_audience({model}, for_item, pg_catalog.jsonb_build_object(
           'n', n, 'exclude_buyers', exclude_buyers, 'exposures', exposures,
           'frequency_cap', frequency_cap, 'within', within,
           'exclude_users', exclude_users::{users_passed}))
         AS r(rank integer, user_id {user_type}, score real);
END;

COMMENT ON FUNCTION {function} IS
  'the users to whom an item is best recommended, without those who are not to be told; of a model with pseudonyms, these';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.audience(
  for_items {items_arg},
  n integer DEFAULT 100,
  exclude_buyers boolean DEFAULT true,
  exclude_users {users_arg} DEFAULT NULL,
  exposures pg_catalog.text DEFAULT NULL,
  frequency_cap integer DEFAULT NULL,
  within interval DEFAULT NULL)
RETURNS TABLE (rank integer, user_id {user_type}, score real)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100
BEGIN ATOMIC
  SELECT r.rank, r.user_id, r.score
    FROM reco.serve_audience({model}, for_items::{items_passed}, pg_catalog.jsonb_build_object(
           'n', n, 'exclude_buyers', exclude_buyers, 'exposures', exposures,
           'frequency_cap', frequency_cap, 'within', within,
           'exclude_users', exclude_users::{users_passed}))
         AS r(rank integer, user_id {user_type}, score real);
END;

COMMENT ON FUNCTION {function} IS
  'the users to whom a group of items is best recommended, without those who are not to be told; of a model with pseudonyms, these';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.user_profile(
  for_user {user_arg},
  n integer DEFAULT 10)
RETURNS TABLE (aspect pg_catalog.text, feature pg_catalog.text, value pg_catalog.text, weight double precision,
               because {item_type}[])
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 50
BEGIN ATOMIC
  SELECT r.aspect, r.feature, r.value, r.weight, r.because
    FROM reco.serve_user_profile({model}, for_user, pg_catalog.jsonb_build_object('n', n))
         AS r(aspect pg_catalog.text, feature pg_catalog.text, value pg_catalog.text, weight double precision,
              because {item_type}[]);
END;

COMMENT ON FUNCTION {function} IS
  'what is known about a user, and the items that it comes from: activity, recency, frequency and monetary value, segment, likes, history, freshness';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.popular(
  n integer DEFAULT 10,
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL)
RETURNS TABLE (rank integer, item_id {item_type}, score real)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
  SELECT r.rank, r.item_id, r.score
    FROM reco.serve_popular({model}, 0, pg_catalog.jsonb_build_object(
           'n', n, 'among', among::{items_passed}, 'exclude', exclude::{items_passed}))
         AS r(rank integer, item_id {item_type}, score real);
END;

COMMENT ON FUNCTION {function} IS
  'the items that most users have; the score is how many';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.trending(
  n integer DEFAULT 10,
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL)
RETURNS TABLE (rank integer, item_id {item_type}, score real)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
  SELECT r.rank, r.item_id, r.score
    FROM reco.serve_trending({model}, 0, pg_catalog.jsonb_build_object(
           'n', n, 'among', among::{items_passed}, 'exclude', exclude::{items_passed}))
         AS r(rank integer, item_id {item_type}, score real);
END;

COMMENT ON FUNCTION {function} IS
  'the items that grew most from the week before to the last one; the score is in standard deviations';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.growth(
  recent interval DEFAULT '7 days',
  baseline interval DEFAULT '28 days',
  n integer DEFAULT 10,
  coverage double precision DEFAULT 0.95,
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL)
RETURNS TABLE (rank integer, item_id {item_type}, recent_users integer, baseline_users integer,
               growth double precision, low double precision, high double precision)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
  SELECT r.rank, r.item_id, r.recent_users, r.baseline_users, r.growth, r.low, r.high
    FROM reco.serve_growth({model}, 0, pg_catalog.jsonb_build_object(
           'recent', recent, 'baseline', baseline, 'n', n, 'coverage', coverage,
           'among', among::{items_passed}, 'exclude', exclude::{items_passed}))
         AS r(rank integer, item_id {item_type}, recent_users integer, baseline_users integer,
              growth double precision, low double precision, high double precision);
END;

COMMENT ON FUNCTION {function} IS
  'the items that grew most from a baseline to a recent time, by the lower end of an interval of the ratio';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.demand(
  horizon interval DEFAULT '7 days',
  coverage double precision DEFAULT 0.8)
RETURNS TABLE (item_id {item_type}, expected double precision, median integer, low integer, high integer,
               probability double precision, latest integer, total integer, by_model double precision)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 1000
BEGIN ATOMIC
  SELECT r.item_id, r.expected, r.median, r.low, r.high, r.probability, r.latest, r.total, r.by_model
    FROM reco.serve_demand({model}, 0, pg_catalog.jsonb_build_object('horizon', horizon, 'coverage', coverage))
         AS r(item_id {item_type}, expected double precision, median integer, low integer, high integer,
              probability double precision, latest integer, total integer, by_model double precision);
END;

COMMENT ON FUNCTION {function} IS
  'how many users will have each item within a time to come, from their purchase probabilities and from what was';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.bought_together(
  for_item {item_arg},
  n integer DEFAULT 10,
  measure pg_catalog.text DEFAULT 'lift',
  min_support integer DEFAULT NULL,
  basket pg_catalog.text DEFAULT NULL,
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL)
RETURNS TABLE (rank integer, item_id {item_type}, count_for integer, count_item integer, count integer,
               support double precision, confidence double precision, confidence_back double precision,
               lift double precision, llr double precision)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
  SELECT r.rank, r.item_id, r.count_for, r.count_item, r.count, r.support, r.confidence, r.confidence_back, r.lift, r.llr
    FROM reco.serve_bought_together({model}, for_item, pg_catalog.jsonb_build_object(
           'n', n, 'measure', measure, 'min_support', min_support, 'basket', basket,
           'among', among::{items_passed}, 'exclude', exclude::{items_passed}))
         AS r(rank integer, item_id {item_type}, count_for integer, count_item integer, count integer,
              support double precision, confidence double precision, confidence_back double precision,
              lift double precision, llr double precision);
END;

COMMENT ON FUNCTION {function} IS
  'what is bought with an item: how many baskets have it, and both, with support, confidence, lift and log-likelihood ratio';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;

CREATE OR REPLACE FUNCTION {schema}.buy_again(
  for_user {user_arg},
  n integer DEFAULT 10,
  at timestamptz DEFAULT NULL,
  among {items_arg} DEFAULT NULL,
  exclude {items_arg} DEFAULT NULL)
RETURNS TABLE (rank integer, item_id {item_type}, score real, times integer, last_at timestamptz, due_at timestamptz)
LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 10
BEGIN ATOMIC
  SELECT r.rank, r.item_id, r.score, r.times, r.last_at, r.due_at
    FROM reco.serve_buy_again({model}, for_user, pg_catalog.jsonb_build_object(
           'n', n, 'at', at, 'among', among::{items_passed}, 'exclude', exclude::{items_passed}))
         AS r(rank integer, item_id {item_type}, score real, times integer, last_at timestamptz, due_at timestamptz);
END;

COMMENT ON FUNCTION {function} IS
  'what a user is due to buy again, most likely first: how often they had it, when last, and when it is expected';
REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
