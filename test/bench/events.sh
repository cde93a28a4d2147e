#!/usr/bin/env bash
# Kinds of events and their age: Retailrocket's views, carts and purchases, and the purchase of each
# of 2,174 users that was held out of them.  How often it is among twenty, by a model of purchases
# alone, of all events by what their kinds weigh, and of these as they fade.
#
# usage: events.sh
#
# With PGHOST set it uses that server (and schema events there, made anew), else a private one;
# see lib.sh.
#
# Environment:
#   WEIGHTS     of kinds ({"view": 1, "cart": 3, "buy": 8})
#   HALF_LIVES  of rows, one a row of the table ("180,90,30,7", in days)
#   SEEN        which kinds lists leave out ({view,cart,buy})
#   ALGORITHMS  SQL of algorithms, between semicolons; SEED stands for the seed
#               (reco.ials(seed => SEED);reco.rp3beta())
#   SEEDS       ("1 2 3")
#   RECO_DATA   where retailrocket is (../shared/data beside the project's folder)
#
# It prints and judges nothing: recall@20, the mean over the seeds and the standard deviation of
# these.  Users and items of whom nothing is trained on count as not found; of the held-out items 211
# are in no event.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}
WEIGHTS=${WEIGHTS:-'{"view": 1, "cart": 3, "buy": 8}'}
HALF_LIVES=${HALF_LIVES:-180,90,30,7}
SEEN=${SEEN:-'{view,cart,buy}'}
ALGORITHMS=${ALGORITHMS:-reco.ials(seed => SEED);reco.rp3beta()}
SEEDS=${SEEDS:-1 2 3}

bench_setup
bench_reco || die 'extension reco is not installed'
[ -e "$RECO_DATA/retailrocket/test_mat.tsv.gz" ] || {
  say "no Retailrocket in $RECO_DATA: skipped"
  exit 0
}

copy() { # copy TABLE FILE
  zcat "$RECO_DATA/retailrocket/$2.tsv.gz" | sql -c "\\copy events.$1 FROM STDIN"
}

sql -c 'SET client_min_messages = warning' -c 'DROP SCHEMA IF EXISTS events CASCADE' -c 'CREATE SCHEMA events' \
  -c 'CREATE TABLE events.test (user_id int, item_id int, place int)' \
  -c 'CREATE TABLE events.log (user_id int, item_id int, at bigint, kind text)' \
  -c 'CREATE TABLE events.stage (user_id int, item_id int, at bigint)'
copy test test_mat
for kind in view cart buy; do
  copy stage "train_mat_$kind"
  sql -c "INSERT INTO events.log SELECT *, '$kind' FROM events.stage; TRUNCATE events.stage"
done
sql -c 'ANALYZE events.log'

# Recall of the held-out purchases: recall SOURCE OPTIONS ALGORITHM
recall() {
  sql -c 'SET client_min_messages = warning' \
    -c "SELECT value FROM reco.evaluate('$1', $3, test => 'SELECT user_id, item_id FROM events.test', cutoffs => '{20}',
          unknown => 'miss', options => reco.options($2)) WHERE metric = 'recall' AND algorithm NOT LIKE 'popular%'"
}

row() { # row LABEL ALGORITHM SOURCE OPTIONS
  for seed in $SEEDS; do recall "$3" "$4" "${2//SEED/$seed}"; done |
    awk -v label="$1" -v name="$2" '{ n++; s += $1; q += $1 * $1 }
      END { m = s / n; v = n > 1 ? (q - n * m * m) / (n - 1) : 0; printf "%-28s%-28s%9.4f%9.4f\n", name, label, m, sqrt(v > 0 ? v : 0) }'
}

printf '%-28s%-28s%9s%9s\n' algorithm 'what is learnt from' recall@20 sd
IFS=';' read -ra algorithms <<<"$ALGORITHMS"
IFS=, read -ra half_lives <<<"$HALF_LIVES"
log='SELECT user_id, item_id, 1, to_timestamp(at), kind FROM events.log'
for algorithm in "${algorithms[@]}"; do
  row 'purchases' "$algorithm" "SELECT user_id, item_id FROM events.log WHERE kind = \$\$buy\$\$" ''
  row 'all, counted alike' "$algorithm" "$log" "seen_kinds => '$SEEN'"
  row 'kinds' "$algorithm" "$log" "kind_weights => '$WEIGHTS', seen_kinds => '$SEEN'"
  for days in "${half_lives[@]}"; do
    row "kinds, half life $days days" "$algorithm" "$log" \
      "kind_weights => '$WEIGHTS', seen_kinds => '$SEEN', half_life => '$days days'"
  done
done
