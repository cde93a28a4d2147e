#!/usr/bin/env bash
#
# `make demo`: from a fresh machine to a recommendation. Installs what is
# missing, builds and installs the extension, starts a private server that ends
# with this script, and shows a sample shop in it.
#
#   make demo                          the sample shop
#   make demo RATINGS=ratings.csv      MovieLens' ratings.csv or one like it:
#                                      userId,movieId,rating[,timestamp] under a
#                                      header line, .gz or not; a movies.csv
#                                      (movieId,title,...) beside it gives titles
#   make demo STAY=1                   then stay in psql, until it is left
set -euo pipefail
start_folder=$PWD
cd "$(dirname "$0")/../.."
. test/cluster.sh

log=$(mktemp /tmp/reco-demo.XXXXXX)
exec 3>&1
step_running=
forget_log() {
  if [ -n "$step_running" ]; then
    printf 'failed\n\n' >&3
    tail -n 30 "$log" >&3
  fi
  rm -f "$log"
}
at_exit forget_log

# step TEXT COMMAND...: runs it quietly, says how long it took if that is worth it
step() {
  local begin=$SECONDS
  step_running=$1
  printf '%s ... ' "$1"
  shift
  "$@" >>"$log" 2>&1
  step_running=
  if ((SECONDS - begin > 1)); then echo "$((SECONDS - begin)) s"; else echo 'done'; fi
}

build() {
  find_server
  "${MAKE:-make}" -s -j"$(nproc)" PG_CONFIG="$PG_CONFIG"
}

run_sql() {
  psql -X -q -v ON_ERROR_STOP=1 "$@"
}

load_shop() {
  run_sql -c 'CREATE EXTENSION reco' -c 'CALL reco.sample_shop()'
}

read_csv() {
  case $1 in *.gz) gzip -dc -- "$1" ;; *) cat -- "$1" ;; esac | tr -d '\r' | sed '1s/^\xef\xbb\xbf//'
}

load_ratings() {
  local ratings=$1 movies folder columns
  columns=$(read_csv "$ratings" | awk -F, 'NR == 1 { print NF }')
  case $columns in
    3) columns='user_id, movie_id, rating' ;;
    4) columns='user_id, movie_id, rating, rated_at' ;;
    *) echo "$ratings: expected the header userId,movieId,rating[,timestamp]"; return 1 ;;
  esac
  run_sql -c 'CREATE EXTENSION reco' \
    -c 'CREATE TABLE ratings_csv (user_id text, movie_id text, rating text, rated_at text)' \
    -c 'CREATE TABLE movies_csv (movie_id text, title text, genres text)'
  read_csv "$ratings" |
    run_sql -c "\\copy ratings_csv ($columns) from pstdin with (format csv, header)"
  folder=$(dirname "$ratings")
  for movies in "$folder/movies.csv" "$folder/movies.csv.gz"; do
    if [ -r "$movies" ]; then
      read_csv "$movies" | run_sql -c '\copy movies_csv from pstdin with (format csv, header)'
      break
    fi
  done
}

show() {
  # One stream, in order, whether it goes to a terminal or a file.
  stdbuf -oL psql -X <"$1" 2>&1 || exit 1
}

ratings=${RATINGS:-}
case $ratings in
  '' | /*) ;;
  *) ratings=$start_folder/$ratings ;;
esac
if [ -n "$ratings" ] && [ ! -r "$ratings" ]; then
  echo "make demo: cannot read $ratings" >&2
  exit 1
fi

step 'Installing what is missing' test/setup.sh demo
step 'Building' build
step 'Installing reco' install_extension
step 'Starting a private PostgreSQL' cluster_start
if [ -n "$ratings" ]; then
  step "Loading ${RATINGS##*/}" load_ratings "$ratings"
  show test/demo/ratings.sql
  model=films
else
  step 'Stocking a sample shop' load_shop
  show test/demo/demo.sql
  model=home
fi

# A page of the model that outlives the server.
report=$(mktemp /tmp/reco-report.XXXXXX.html)
run_sql -At -o "$report" -v model="$model" <<<"SELECT reco.report(:'model');"
echo "A page to look at, of this model: file://$report"

if [ -n "${STAY:-}" ]; then
  echo 'The server stays up until you leave psql (\q). Try \df home.*'
  psql -X
else
  cat <<'END'

The server of this demo is stopped, and nothing of it is left but that page. To go on:
  make demo STAY=1                 look around in psql
  make demo RATINGS=ratings.csv    ratings instead of purchases: MovieLens', or your own
  CREATE EXTENSION reco;           in a database of your own; doc/tutorial.md leads on
END
fi
