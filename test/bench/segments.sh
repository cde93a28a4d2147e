#!/usr/bin/env bash
# Segments of two shops' users, as a marketing analyst sees them, how well they are apart, and
# k-means beside scikit-learn's.
#
# usage: segments.sh [segments|kmeans]...        (both)
#
# segments: models of the online retailer's and the grocer's purchases, reco.segment() of each, the
#   profiles, and the silhouette of the segments beside those of segments by the count of
#   purchases alone, in the space of the vectors that were clustered.
# kmeans: seconds and inertia of one run from k-means++ on, means of five seeds, on the online
#   retailer's factors and on 138,493 made-up rows of 64 numbers.  scikit-learn stops where centers
#   move little (its tol), reco where nothing changes any more.
#
# Environment:
#   BENCH_THREADS  numbers of threads to try ("1 2")
#   PYTHON         a Python 3 with numpy and scikit-learn ("python3")
#   RECO_DATA      where online-retail and completejourney are (../shared/data beside the project's
#                  folder)
#
# With PGHOST set it uses that server (and schemas bench_retail and bench_grocer there, which it
# makes anew), else a private one; see lib.sh.  It prints and judges nothing; run it after make and
# an installation, on an otherwise idle machine.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

root=$(cd "$bench_dir/../.." && pwd)
RECO_DATA=${RECO_DATA:-$root/../shared/data}
PYTHON=${PYTHON:-python3}

load() {
  sql <<SQL
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS bench_retail, bench_grocer, retail, grocer CASCADE;
CREATE SCHEMA bench_retail;
CREATE SCHEMA bench_grocer;
CREATE TABLE bench_retail.raw (invoice text, stock_code text, description text, quantity int,
  at timestamp, price float8, customer float8, country text);
\copy bench_retail.raw FROM PROGRAM 'zcat $RECO_DATA/online-retail/online_retail.csv.gz' (FORMAT csv, HEADER)
CREATE TABLE bench_retail.lines AS
  SELECT DISTINCT customer::int AS customer, stock_code, description, quantity, price, at, invoice
  FROM bench_retail.raw WHERE customer IS NOT NULL AND invoice NOT LIKE 'C%' AND quantity > 0
  AND price > 0 AND stock_code ~ '^[0-9]{5}';
CREATE TABLE bench_retail.products AS
  SELECT DISTINCT ON (stock_code) stock_code, description
  FROM (SELECT stock_code, description, count(*) AS n FROM bench_retail.lines GROUP BY 1, 2) d
  ORDER BY stock_code, n DESC, description;
CREATE TABLE bench_grocer.raw (household int, store int, basket float8, product float8,
  quantity float8, sales float8, d1 float8, d2 float8, d3 float8, week int, at timestamp);
\copy bench_grocer.raw FROM PROGRAM 'zcat $RECO_DATA/completejourney/transactions_sample.csv.gz' (FORMAT csv, HEADER)
CREATE TABLE bench_grocer.lines AS
  SELECT household, product::int AS product, basket, quantity, sales, at FROM bench_grocer.raw;
CREATE TABLE bench_grocer.products_raw (product float8, manufacturer float8, department text,
  brand text, category text, type text, size text);
\copy bench_grocer.products_raw FROM PROGRAM 'zcat $RECO_DATA/completejourney/products.csv.gz' (FORMAT csv, HEADER, NULL 'NA')
CREATE TABLE bench_grocer.products AS
  SELECT product::int AS product, department, category, type FROM bench_grocer.products_raw;
ANALYZE;
CALL reco.create_model('retail',
  'SELECT customer, stock_code, quantity, at FROM bench_retail.lines', reco.ials(),
  items => \$\$SELECT stock_code, to_tsvector('english', description) FROM bench_retail.products\$\$,
  options => reco.options(measure => false));
CALL reco.create_model('grocer',
  'SELECT household, product, quantity, at FROM bench_grocer.lines', reco.ials(),
  items => 'SELECT product, ARRAY[category] FROM bench_grocer.products',
  options => reco.options(measure => false));
SQL
}

# What is known about the segments of model $1, whose items are called by $2.
show() {
  PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=notice" sql -c "CALL reco.segment('$1', 8)"
  psql -Xq <<SQL
\pset border 1
SELECT s.segment, s.name, s.size, round(s.share::numeric, 3) AS share,
  (SELECT string_agg(left(p.name, 30) || ' ' || round(i.lift::numeric, 1), ', ' ORDER BY i.rank)
   FROM $1.segment_items i JOIN ($2) AS p(id, name) ON p.id = i.item_id
   WHERE i.segment = s.segment AND i.rank <= 3) AS items_and_lift,
  (SELECT string_agg(k.keyword || ' ' || round(k.lift::numeric, 1), ', ' ORDER BY k.rank)
   FROM $1.segment_keywords k WHERE k.segment = s.segment AND k.rank <= 5) AS keywords_and_lift
FROM $1.segment_profile s ORDER BY 1;
SQL
}

# A line a user of model $1: segment, items, vector of length 1.
export_rows() {
  sql >"$tmp/$1" -c "SELECT s.segment || ' ' || f.interactions || ' ' || array_to_string(ARRAY(
    SELECT x / sqrt(reco.dot_product(f.factors, f.factors)) FROM unnest(f.factors) x), ' ')
    FROM $1.segments s JOIN $1.user_factors f USING (user_id)
    WHERE reco.dot_product(f.factors, f.factors) > 0 ORDER BY s.user_id"
}

bench_setup
bench_reco
load
if [ "$#" = 0 ] || [[ " $* " = *' segments '* ]]; then
  show retail 'SELECT stock_code, description FROM bench_retail.products'
  show grocer 'SELECT product, type FROM bench_grocer.products'
  for model in retail grocer; do
    export_rows "$model"
    printf '%s: ' "$model"
    "$PYTHON" "$bench_dir/segments.py" silhouette "$tmp/$model"
  done
fi
if [ "$#" = 0 ] || [[ " $* " = *' kmeans '* ]]; then
  [ -e "$tmp/retail" ] || { sql -c "CALL reco.segment('retail', 8)"; export_rows retail; }
  blas=/usr/lib/$(gcc -print-multiarch)/openblas-serial/libopenblas.a
  [ -e "$blas" ] || blas=-lopenblas
  cc -O2 -Wall -I"$root/src" -o "$tmp/kmeans" "$bench_dir/kmeans.c" "$root/build/libreco_core.a" \
    "$blas" "$root/build/libreco_core.a" -fopenmp -lgfortran -lpthread -lm
  for threads in ${BENCH_THREADS:-1 2}; do
    "$PYTHON" "$bench_dir/segments.py" kmeans "$tmp/kmeans" "$tmp/retail" "$threads" 8 32
    "$PYTHON" "$bench_dir/segments.py" kmeans "$tmp/kmeans" made-up "$threads" 8 32 100
  done
fi
