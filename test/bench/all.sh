#!/usr/bin/env bash
# Every algorithm with its defaults on the same rows, those of MovieLens 1M: seconds of training,
# ndcg at 10 with a random fifth of each user's interactions hidden, and milliseconds of a list.
#
# usage: all.sh
#
# The algorithms are those whose constructor needs no argument, as the server has them; reco.auto()
# is left out, since it takes another's place.  What cannot be trained on these rows, for lack of
# times or of what is known about items, is told with its error.  With PGHOST set that server is
# used, and tables ml_1m.ratings and model bench are made there; else a private one: see lib.sh.
#
# Environment:
#   ALGORITHMS names of algorithms, some of these: a part of the table at a time
#   RECO_DATA  where the data is (../shared/data beside the project's folder)
#   SOURCE     other rows: a query of user, item and whatever else a source may have
#   CALLS      of recommend, for each model (300)
#
# It prints and judges nothing; run it on an otherwise idle machine.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}
SOURCE=${SOURCE:-SELECT user_id, item_id FROM ml_1m.ratings}
CALLS=${CALLS:-300}
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"

# A row: seconds of training on all rows, ndcg of the evaluation, the median of a call.
measure() {
  local name=$1 train ndcg ms
  sql -c 'DROP SCHEMA IF EXISTS bench CASCADE' \
    -c "CALL reco.create_model('bench', source => \$source\$$SOURCE\$source\$,
          algorithm => reco.$name(), options => reco.options(measure => false))" 2>"$tmp/log" || {
    printf '%-18s%s\n' "$name" "$(sed -n 's/.*ERROR: *//p' "$tmp/log")"
    return 0
  }
  train=$(sql -c "SELECT round((timings ->> 'train')::numeric, 3) FROM bench.versions")
  ndcg=$(sql -c "SELECT to_char(value, '0.9999') FROM reco.evaluate(\$source\$$SOURCE\$source\$, reco.$name())
    WHERE metric = 'ndcg' ORDER BY algorithm = 'popular()' LIMIT 1")
  ms=$(sql <<EOF
CREATE TEMPORARY TABLE took (ms float8);
DO \$\$
DECLARE
  begun timestamptz;
  u record;
BEGIN
  FOR u IN SELECT user_id FROM bench.model_user ORDER BY hashtext(user_id::text) LIMIT $CALLS + 20 LOOP
    begun := clock_timestamp();
    PERFORM * FROM bench.recommend(u.user_id);
    INSERT INTO took VALUES (extract(epoch FROM clock_timestamp() - begun) * 1000);
  END LOOP;
END
\$\$;
SELECT to_char(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), '9990.000') FROM took;
EOF
  )
  printf '%-18s%10s%10s%12s\n' "$name" "$train" "$ndcg" "$ms"
}

bench_setup
bench_reco || die 'extension reco is not installed'
movielens_load || die "no MovieLens 1M in $RECO_DATA"
sql -c 'CREATE INDEX IF NOT EXISTS bench_user ON ml_1m.ratings (user_id) INCLUDE (item_id)' -c 'VACUUM ml_1m.ratings'
printf '%-18s%10s%10s%12s\n' algorithm 'train s' 'ndcg@10' 'list ms'
only=${ALGORITHMS:-}
sql -c "SELECT proname FROM pg_proc WHERE pronamespace = 'reco'::regnamespace
    AND prorettype = 'reco.algorithm'::regtype AND pronargs = pronargdefaults
    AND proname <> 'auto' AND ('$only' = '' OR proname = ANY (string_to_array('$only', ' '))) ORDER BY 1" | while read -r name; do
  measure "$name"
done
