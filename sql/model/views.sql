-- The views of a model.
--
-- {schema}             the model's schema
-- {security_invoker}   WITH (security_invoker = true), from PostgreSQL 15 on
--
-- An empty line ends a block; blocks are executed one by one, when a model is created and
-- by reco.upgrade_model().  Columns may be added at the end of a view.

CREATE OR REPLACE VIEW {schema}.versions {security_invoker} AS
  SELECT v.version, v.status, v.version OPERATOR(pg_catalog.=) m.active_version AS active,
         v.started_at, v.finished_at, v.rows_read, v.rows_skipped, v.rows_merged, v.users,
         v.items, v.interactions, reco.describe(v.algorithm) AS algorithm, v.options,
         v.metrics, v.loss, v.bytes, v.timings, v.trained_by, v.message, v.row_security,
         v.reference_time, v.folded_in_at, v.folded_in_users, v.member_loss,
         v.choice, v.cold_items, v.cold_users, v.priors,
         v.forgotten_users, v.forgotten_at, v.epsilon, v.delta,
         v.folded_in_interactions, v.drift, v.calibration, v.made_of
    FROM {schema}.model_version AS v
    LEFT JOIN {schema}.model AS m ON true;
COMMENT ON VIEW {schema}.versions IS
  'every training of this model, with what it read and made';

CREATE OR REPLACE VIEW {schema}.user_factors {security_invoker} AS
  SELECT u.user_id, reco.part_vector(u.parts, v.algorithm, 'users', 'factors') AS factors,
         coalesce((reco.part_vector(u.parts, v.algorithm, 'users', 'bias'))[1], 0::real) AS bias, u.interactions
    FROM (SELECT t.version, t.user_id, t.interactions, t.parts
           FROM {schema}.model_user AS t
          WHERE NOT EXISTS (SELECT FROM {schema}.model_user_layer AS l
                             WHERE l.version OPERATOR(pg_catalog.=) t.version
                               AND l.number OPERATOR(pg_catalog.=) t.number)
          UNION ALL
          SELECT l.version, l.user_id, l.interactions, l.parts
           FROM {schema}.model_user_layer AS l
          WHERE l.interactions OPERATOR(pg_catalog.>) 0) AS u
    JOIN {schema}.model AS m ON u.version OPERATOR(pg_catalog.=) m.active_version
    JOIN {schema}.model_version AS v ON v.version OPERATOR(pg_catalog.=) m.active_version;
COMMENT ON VIEW {schema}.user_factors IS 'users of the active version';

CREATE OR REPLACE VIEW {schema}.item_factors {security_invoker} AS
  SELECT i.item_id, reco.part_vector(i.parts, v.algorithm, 'items', 'factors') AS factors,
         coalesce((reco.part_vector(i.parts, v.algorithm, 'items', 'bias'))[1], 0::real) AS bias, i.interactions
    FROM {schema}.model_item AS i
    JOIN {schema}.model AS m ON i.version OPERATOR(pg_catalog.=) m.active_version
    JOIN {schema}.model_version AS v ON v.version OPERATOR(pg_catalog.=) m.active_version
   WHERE i.interactions OPERATOR(pg_catalog.>=)
         coalesce((v.options OPERATOR(pg_catalog.->>) 'min_users_per_item')::integer, 0);
COMMENT ON VIEW {schema}.item_factors IS 'items of the active version';

CREATE OR REPLACE VIEW {schema}.item_neighbors {security_invoker} AS
  SELECT i.item_id, o.item_id AS neighbor_id, l.similarity, l.rank::integer AS rank
    FROM {schema}.model_item AS i
    JOIN {schema}.model AS m ON i.version OPERATOR(pg_catalog.=) m.active_version
    JOIN {schema}.model_version AS v ON v.version OPERATOR(pg_catalog.=) m.active_version
   CROSS JOIN LATERAL reco.part_list(i.parts, v.algorithm, 'items', 'neighbors')
         WITH ORDINALITY AS l(number, similarity, rank)
    JOIN {schema}.model_item AS o ON o.version OPERATOR(pg_catalog.=) i.version
                                 AND o.number OPERATOR(pg_catalog.=) l.number
   WHERE least(i.interactions, o.interactions) OPERATOR(pg_catalog.>=)
         coalesce((v.options OPERATOR(pg_catalog.->>) 'min_users_per_item')::integer, 0);
COMMENT ON VIEW {schema}.item_neighbors IS
  'lists of similar items of the active version, as the algorithm keeps them';

CREATE OR REPLACE VIEW {schema}.user_neighbors {security_invoker} AS
  SELECT u.user_id, o.user_id AS neighbor_id, l.similarity, l.rank::integer AS rank
    FROM (SELECT t.version, t.user_id, t.parts
           FROM {schema}.model_user AS t
          WHERE NOT EXISTS (SELECT FROM {schema}.model_user_layer AS l
                             WHERE l.version OPERATOR(pg_catalog.=) t.version
                               AND l.number OPERATOR(pg_catalog.=) t.number)
          UNION ALL
          SELECT l.version, l.user_id, l.parts
           FROM {schema}.model_user_layer AS l
          WHERE l.interactions OPERATOR(pg_catalog.>) 0) AS u
    JOIN {schema}.model AS m ON u.version OPERATOR(pg_catalog.=) m.active_version
    JOIN {schema}.model_version AS v ON v.version OPERATOR(pg_catalog.=) m.active_version
   CROSS JOIN LATERAL reco.part_list(u.parts, v.algorithm, 'users', 'neighbors')
         WITH ORDINALITY AS l(number, similarity, rank)
    JOIN (SELECT t.version, t.user_id, t.number
           FROM {schema}.model_user AS t
          WHERE NOT EXISTS (SELECT FROM {schema}.model_user_layer AS l
                             WHERE l.version OPERATOR(pg_catalog.=) t.version
                               AND l.number OPERATOR(pg_catalog.=) t.number)
          UNION ALL
          SELECT l.version, l.user_id, l.number
           FROM {schema}.model_user_layer AS l
          WHERE l.interactions OPERATOR(pg_catalog.>) 0) AS o
      ON o.version OPERATOR(pg_catalog.=) u.version AND o.number OPERATOR(pg_catalog.=) l.number;
COMMENT ON VIEW {schema}.user_neighbors IS
  'lists of similar users of the active version, as the algorithm keeps them';

CREATE OR REPLACE VIEW {schema}.recommendations {security_invoker} AS
  SELECT l.user_id, i.rank::integer AS rank, i.item_id, i.score,
         CASE WHEN i.rank OPERATOR(pg_catalog.<=) l.by_model THEN l.source ELSE 'popular' END AS source
    FROM {schema}.model_list AS l
    JOIN {schema}.model AS m ON l.list OPERATOR(pg_catalog.=) m.active_list
   CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(l.items), pg_catalog.unnest(l.scores))
         WITH ORDINALITY AS i(item_id, score, rank);
COMMENT ON VIEW {schema}.recommendations IS 'the lists that reco.materialize() made';

CREATE OR REPLACE VIEW {schema}.segments {security_invoker} AS
  SELECT s.user_id, s.segment, s.distance,
         CASE WHEN s.r OPERATOR(pg_catalog.>) 0 THEN s.recency END AS recency,
         CASE WHEN s.r OPERATOR(pg_catalog.>) 0 THEN s.frequency END AS frequency,
         CASE WHEN s.r OPERATOR(pg_catalog.>) 0 THEN s.monetary END AS monetary,
         nullif(s.r, 0) AS r, nullif(s.f, 0) AS f, nullif(s.m, 0) AS m
    FROM {schema}.model_segment AS s;
COMMENT ON VIEW {schema}.segments IS
  'the segments of users that reco.segment() made, with recency, frequency and monetary value';

CREATE OR REPLACE VIEW {schema}.segment_profile {security_invoker} AS
  SELECT p.segment, p.name, p.users AS size, p.share, p.items, p.item_lifts, p.keywords,
         p.keyword_lifts, CASE WHEN p.means OPERATOR(pg_catalog.<>) '{}' THEN p.means END AS means,
         CASE WHEN p.silhouette OPERATOR(pg_catalog.<>) 'NaN' THEN p.silhouette END AS silhouette,
         p.made_of, p.version, p.made_at, u.recency, u.frequency, u.monetary
    FROM {schema}.model_segment_profile AS p
    LEFT JOIN (SELECT s.segment, pg_catalog.avg(s.recency) AS recency,
                      pg_catalog.avg(s.frequency)::double precision AS frequency,
                      pg_catalog.avg(s.monetary) AS monetary
                 FROM {schema}.model_segment AS s
                WHERE s.r OPERATOR(pg_catalog.>) 0
                GROUP BY s.segment) AS u ON u.segment OPERATOR(pg_catalog.=) p.segment;
COMMENT ON VIEW {schema}.segment_profile IS
  'what each segment is like, and what its users have more of than all';

CREATE OR REPLACE VIEW {schema}.segment_items {security_invoker} AS
  SELECT p.segment, i.rank::integer AS rank, i.item_id, i.share, i.lift
    FROM {schema}.model_segment_profile AS p
   CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(p.items), pg_catalog.unnest(p.item_shares),
                                 pg_catalog.unnest(p.item_lifts))
         WITH ORDINALITY AS i(item_id, share, lift, rank);
COMMENT ON VIEW {schema}.segment_items IS
  'the items of each segment that stand out: what share of its users have one, over that of all';

CREATE OR REPLACE VIEW {schema}.segment_keywords {security_invoker} AS
  SELECT p.segment, i.rank::integer AS rank, i.keyword, i.share, i.lift
    FROM {schema}.model_segment_profile AS p
   CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(p.keywords), pg_catalog.unnest(p.keyword_shares),
                                 pg_catalog.unnest(p.keyword_lifts))
         WITH ORDINALITY AS i(keyword, share, lift, rank);
COMMENT ON VIEW {schema}.segment_keywords IS
  'the keywords of each segment that stand out: their share of what its users have, over that of all';
