#!/bin/bash
# What a model's demand and growth cost: seconds beside a training, of made-up purchases.
#
#   test/bench/demand.sh [users [items [rows]]]
#
# PG_CONFIG chooses the server.

set -euo pipefail
cd "$(dirname "$0")/../.."
users=${1:-100000} items=${2:-20000} rows=${3:-4000000}

. test/cluster.sh
install_extension
cluster_start "jit = off" "reco.max_memory = '4GB'" "max_wal_size = '4GB'"

psql -X -q -v ON_ERROR_STOP=1 -v users="$users" -v items="$items" -v rows="$rows" <<'SQL'
CREATE EXTENSION reco;
-- some customers come often, some products sell often; half a year
CREATE TABLE purchases AS
SELECT (1 + (:users - 1) * power(random(), 2))::int AS user_id, (1 + (:items - 1) * power(random(), 3))::int AS item_id,
       1 AS qty, timestamptz '2024-01-01 00:00+00' + random() * interval '182 days' AS at
  FROM generate_series(1, :rows), setseed(.5);
SET client_min_messages = warning;
\timing on
\echo a training
CALL reco.create_model('home', 'purchases', reco.ials(), options => reco.options(measure => false));
\echo reco.demand
SELECT count(*), round(sum(expected)) FROM reco.demand('purchases', '7 days');
\echo home.demand
SELECT count(*), round(sum(expected)), round(sum(by_model)) FROM home.demand('7 days');
\echo home.growth
SELECT count(*) FROM home.growth(n => NULL);
SQL
