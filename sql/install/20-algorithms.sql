--
-- Constructors.  One C function serves them all: the algorithm is the name of
-- the SQL function, its options are the names of the arguments, and their
-- types, ranges and meaning stand in the algorithm's own table in src/model.
-- NULL as default: left open, and chosen by the data when it is trained.
--

CREATE FUNCTION reco.ials(
  factors pg_catalog.int4 DEFAULT 64,
  regularization pg_catalog.float8 DEFAULT NULL,
  alpha pg_catalog.float8 DEFAULT NULL,
  iterations pg_catalog.int4 DEFAULT 15,
  weighted_regularization pg_catalog.bool DEFAULT false,
  solver pg_catalog.text DEFAULT 'auto',
  seed pg_catalog.int8 DEFAULT 42,
  features pg_catalog.text DEFAULT 'auto',
  prior pg_catalog.text DEFAULT NULL,
  engine pg_catalog.text DEFAULT 'memory',
  work pg_catalog.text DEFAULT NULL
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.ials IS
'implicit alternating least squares: factors from counts, clicks and purchases';

CREATE FUNCTION reco.als(
  factors pg_catalog.int4 DEFAULT 64,
  regularization pg_catalog.float8 DEFAULT 0.1,
  iterations pg_catalog.int4 DEFAULT 15,
  biases pg_catalog.bool DEFAULT true,
  clip pg_catalog.bool DEFAULT true,
  solver pg_catalog.text DEFAULT 'auto',
  seed pg_catalog.int8 DEFAULT 42,
  features pg_catalog.text DEFAULT 'auto',
  prior pg_catalog.text DEFAULT NULL,
  engine pg_catalog.text DEFAULT 'memory',
  work pg_catalog.text DEFAULT NULL
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.als IS
'alternating least squares on ratings, with user and item biases solved jointly with the factors';

CREATE FUNCTION reco.svd(
  factors pg_catalog.int4 DEFAULT 100,
  oversampling pg_catalog.int4 DEFAULT 10,
  power_iterations pg_catalog.int4 DEFAULT 4,
  seed pg_catalog.int8 DEFAULT 42
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.svd IS
'lists by a truncated singular value decomposition of users and items (PureSVD)';

CREATE FUNCTION reco.bpr(
  loss pg_catalog.text DEFAULT 'bpr',
  factors pg_catalog.int4 DEFAULT 64,
  iterations pg_catalog.int4 DEFAULT 100,
  learning_rate pg_catalog.float8 DEFAULT NULL,
  regularization pg_catalog.float8 DEFAULT 0.01,
  max_sampled pg_catalog.int4 DEFAULT 10,
  popularity pg_catalog.float8 DEFAULT 0,
  biases pg_catalog.bool DEFAULT true,
  seed pg_catalog.int8 DEFAULT 42
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.bpr IS
'factors that rank what users have before what they have not: Bayesian personalized ranking and WARP';

CREATE FUNCTION reco.item_knn(
  similarity pg_catalog.text DEFAULT 'cosine',
  weighting pg_catalog.text DEFAULT NULL,
  neighbors pg_catalog.int4 DEFAULT NULL,
  shrinkage pg_catalog.float8 DEFAULT NULL,
  min_support pg_catalog.int4 DEFAULT 1,
  normalized pg_catalog.bool DEFAULT false,
  k1 pg_catalog.float8 DEFAULT 1.2,
  b pg_catalog.float8 DEFAULT 0.75,
  exponent pg_catalog.float8 DEFAULT 0.5,
  tversky_alpha pg_catalog.float8 DEFAULT 1,
  tversky_beta pg_catalog.float8 DEFAULT 1,
  biases pg_catalog.bool DEFAULT false
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.item_knn IS
'item-based collaborative filtering: items like those that a user has';

CREATE FUNCTION reco.user_knn(
  similarity pg_catalog.text DEFAULT 'cosine',
  weighting pg_catalog.text DEFAULT NULL,
  neighbors pg_catalog.int4 DEFAULT NULL,
  shrinkage pg_catalog.float8 DEFAULT NULL,
  min_support pg_catalog.int4 DEFAULT 1,
  normalized pg_catalog.bool DEFAULT false,
  k1 pg_catalog.float8 DEFAULT 1.2,
  b pg_catalog.float8 DEFAULT 0.75,
  exponent pg_catalog.float8 DEFAULT 0.5,
  tversky_alpha pg_catalog.float8 DEFAULT 1,
  tversky_beta pg_catalog.float8 DEFAULT 1,
  biases pg_catalog.bool DEFAULT false
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.user_knn IS
'user-based collaborative filtering: what users like this one have';

CREATE FUNCTION reco.rp3beta(
  alpha pg_catalog.float8 DEFAULT NULL,
  beta pg_catalog.float8 DEFAULT NULL,
  neighbors pg_catalog.int4 DEFAULT NULL,
  normalized pg_catalog.bool DEFAULT NULL
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.rp3beta IS
'items by a random walk over users and items, the popular ones held down by beta';

CREATE FUNCTION reco.ease(
  regularization pg_catalog.float8 DEFAULT NULL,
  neighbors pg_catalog.int4 DEFAULT NULL
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.ease IS
'each item as a linear combination of the others, in closed form';

CREATE FUNCTION reco.slim(
  l1 pg_catalog.float8 DEFAULT NULL,
  l2 pg_catalog.float8 DEFAULT NULL,
  neighbors pg_catalog.int4 DEFAULT NULL,
  positive pg_catalog.bool DEFAULT true
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.slim IS
'each item as a sparse linear combination of the others, by an elastic net';

CREATE FUNCTION reco.graph(
  filter pg_catalog.text DEFAULT 'chebyshev',
  factors pg_catalog.int4 DEFAULT 256,
  neighbors pg_catalog.int4 DEFAULT NULL,
  alpha pg_catalog.float8 DEFAULT NULL,
  beta pg_catalog.float8 DEFAULT 0.3,
  degree pg_catalog.int4 DEFAULT 8,
  phi pg_catalog.float8 DEFAULT 1.5,
  power pg_catalog.float8 DEFAULT 0.7,
  residual pg_catalog.float8 DEFAULT 1.5,
  oversampling pg_catalog.int4 DEFAULT 10,
  power_iterations pg_catalog.int4 DEFAULT 4,
  seed pg_catalog.int8 DEFAULT 42
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.graph IS
'lists by filters on the graph of users and items: linear, low-rank or a Chebyshev polynomial';

CREATE FUNCTION reco.content(
  weights pg_catalog.jsonb DEFAULT NULL
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.content IS
'items like those that a user has, by the keywords, attributes, embeddings, categories and numbers of items';

CREATE FUNCTION reco.popular() RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.popular IS
'items by the number of users who have them: the baseline';

CREATE FUNCTION reco.hybrid(
  members reco.algorithm[],
  weights pg_catalog.float8[] DEFAULT NULL,
  combine pg_catalog.text DEFAULT 'weighted',
  normalization pg_catalog.text DEFAULT 'z-score',
  candidates pg_catalog.int4 DEFAULT 100,
  rules pg_catalog.jsonb DEFAULT NULL
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.hybrid IS
'several algorithms: the weighted mean of their scores, one''s candidates ranked by others, or each for the users whom it suits';

CREATE FUNCTION reco.auto(
  metric pg_catalog.text DEFAULT 'ndcg@10',
  split pg_catalog.text DEFAULT 'auto',
  candidates reco.algorithm[] DEFAULT NULL,
  fuse pg_catalog.bool DEFAULT true
) RETURNS reco.algorithm
AS 'MODULE_PATHNAME', 'reco_make_algorithm'
LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.auto IS
'the algorithm that does best on the data, chosen by the training among candidates, popularity and a hybrid of the best';

CREATE FUNCTION reco.options(
  on_invalid pg_catalog.text DEFAULT 'error',
  min_user_interactions pg_catalog.int4 DEFAULT 1,
  min_item_interactions pg_catalog.int4 DEFAULT 1,
  keep_versions pg_catalog.int4 DEFAULT 2,
  live pg_catalog.text DEFAULT 'auto',
  max_user_interactions pg_catalog.int4 DEFAULT NULL,
  value pg_catalog.text DEFAULT 'auto',
  value_cap pg_catalog.float8 DEFAULT NULL,
  measure pg_catalog.bool DEFAULT true,
  retune pg_catalog.interval DEFAULT NULL,
  session_gap pg_catalog.interval DEFAULT NULL,
  basket_by pg_catalog.text DEFAULT NULL,
  kind_weights pg_catalog.jsonb DEFAULT NULL,
  seen_kinds pg_catalog.text[] DEFAULT NULL,
  half_life pg_catalog.interval DEFAULT NULL,
  exclude_items pg_catalog.text[] DEFAULT NULL,
  min_users_per_item pg_catalog.int4 DEFAULT NULL,
  cancel_kinds pg_catalog.text[] DEFAULT NULL,
  cancel_negative pg_catalog.bool DEFAULT false,
  max_age pg_catalog.interval DEFAULT NULL,
  since pg_catalog.timestamptz DEFAULT NULL,
  until pg_catalog.timestamptz DEFAULT NULL,
  pseudonyms pg_catalog.bool DEFAULT NULL
) RETURNS reco.data_options
-- a time is written by the clock of the session
AS 'MODULE_PATHNAME', 'reco_make_options'
LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION reco.options IS
'how a model reads its source, in training and when serving, and how many versions it keeps';
