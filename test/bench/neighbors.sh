#!/usr/bin/env bash
# The nearest neighbors of every item by cosine: reco beside the implicit library on 20
# million made-up interactions, and beside the self-join in SQL on MovieLens 1M, in one run.
#
# usage: neighbors.sh
#
# With PGHOST set it uses that server (and tables ratings, ml_1m.ratings and model bench
# there, which it makes, and leaves), else a private one; see lib.sh for this and for the
# size of the data.
#
# Environment:
#   BENCH_THREADS    numbers of threads to try ("1 2")
#   TOP              neighbors of each item (100)
#   RUNS             how often each is measured; the median is told (3)
#   PYTHON           a Python 3 with numpy and scipy ("python3")
#   PEER_PYTHONPATH  where that Python finds implicit (skipped without)
#   RECO_DATA        where ml-1m/ratings.csv.gz is (../shared/data beside the project's
#                    folder; without it there is no comparison with SQL)
#   PGOPTIONS        further settings for the server
#
# It prints and judges nothing; run it on an otherwise idle machine, and look at the load it
# shows.  "binary" is a source without the value column, "valued" one with it.  reco's lists
# end in tables, implicit's in memory.  Ratios are the other's number over reco's.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

export TOP=${TOP:-100}
BENCH_THREADS=${BENCH_THREADS:-1 2}
RUNS=${RUNS:-3}
PYTHON=${PYTHON:-python3}
PGOPTIONS=${PGOPTIONS:-}
RECO_DATA=${RECO_DATA:-$bench_dir/../../../shared/data}

# Every number goes into $tmp/results as: who, kind, threads, key, value
note() {
  printf '%s\n' "$*" >>"$tmp/results"
}

load() {
  local minute
  if read -r minute _ 2>/dev/null </proc/loadavg; then
    echo ", load $minute"
  fi
}

# The columns of a source of that kind.
columns() {
  if [ "$1" = valued ]; then
    echo 'user_id, item_id, value'
  else
    echo 'user_id, item_id'
  fi
}

# train KIND THREADS SOURCE WHO: one training, noted as WHO's.
train() {
  local kind=$1 threads=$2 source=$3 who=$4 workers='' start
  if bench_has_model bench; then
    sql -c "CALL reco.drop_model('bench')"
  fi
  # One thread means one: no helpers for the scan either.
  if [ "$threads" -eq 1 ]; then
    workers='-c max_parallel_workers_per_gather=0'
  fi
  start=$EPOCHREALTIME
  PGOPTIONS="$PGOPTIONS -c reco.threads=$threads $workers -c client_min_messages=warning" \
    sql -c "CALL reco.create_model('bench', source => '$source',
              algorithm => reco.item_knn(similarity => 'cosine', neighbors => $TOP, shrinkage => 0),
              options => reco.options(value => 'raw', measure => false))" \
    || die 'reco could not train'
  note "$who" "$kind" "$threads" total "$(since "$start")"
  sql -F ' ' -c "SELECT '$who', '$kind', $threads, t.key, t.value
                 FROM bench.versions AS v, jsonb_each_text(v.timings) AS t
                 ORDER BY t.key" >>"$tmp/results"
}

run_reco() {
  local kind=$1 threads=$2 run
  say "reco, $kind, $threads thread(s)$(load)"
  for ((run = 0; run < RUNS; run++)); do
    train "$kind" "$threads" "SELECT $(columns "$kind") FROM ratings" reco
  done
  note reco "$kind" "$threads" lists "$(sql -c 'SELECT count(*) FROM bench.item_neighbors')"
  note reco "$kind" "$threads" bits "$(sql -c "SELECT md5(string_agg(parts::text, '' ORDER BY item_id))
    FROM bench.model_item")"
  sql -c 'DROP TABLE IF EXISTS bench_sample' \
    -c 'CREATE TABLE bench_sample AS SELECT item_id, rank, similarity FROM bench.item_neighbors
        WHERE item_id % 97 = 1' 2>/dev/null
}

run_peer() {
  local kind=$1 threads=$2 run
  say "implicit, $kind, $threads thread(s)$(load)"
  for ((run = 0; run < RUNS; run++)); do
    OPENBLAS_NUM_THREADS=1 PYTHONPATH=$PEER_PYTHONPATH \
      "$PYTHON" -W ignore "$bench_dir/neighbors.py" "$kind" "$threads" bench_sample \
      | sed "s/^/implicit $kind $threads /" >>"$tmp/results"
  done
}

# What an analyst would write.
self_join() {
  local threads=$1 start
  start=$EPOCHREALTIME
  PGOPTIONS="$PGOPTIONS -c max_parallel_workers_per_gather=$((threads - 1)) -c work_mem=256MB" sql \
    -c 'DROP TABLE IF EXISTS bench_self_join' \
    -c "CREATE TABLE bench_self_join AS
        WITH item AS (
          SELECT item_id, sqrt(sum(rating * rating)) AS norm FROM ml_1m.ratings GROUP BY item_id
        ), pair AS (
          SELECT a.item_id, b.item_id AS neighbor_id, sum(a.rating * b.rating) AS dot
            FROM ml_1m.ratings AS a JOIN ml_1m.ratings AS b USING (user_id)
           WHERE a.item_id <> b.item_id GROUP BY 1, 2
        ), ranked AS (
          SELECT p.item_id, p.neighbor_id, p.dot / (i.norm * n.norm) AS similarity,
                 row_number() OVER (PARTITION BY p.item_id
                                    ORDER BY p.dot / (i.norm * n.norm) DESC, p.neighbor_id) AS rank
            FROM pair AS p JOIN item AS i ON i.item_id = p.item_id
            JOIN item AS n ON n.item_id = p.neighbor_id
        )
        SELECT * FROM ranked WHERE rank <= $TOP" 2>/dev/null
  note sql movielens "$threads" total "$(since "$start")"
}

run_movielens() {
  local threads=$1 run
  say "reco and SQL, MovieLens 1M, $threads thread(s)$(load)"
  for ((run = 0; run < RUNS; run++)); do
    train movielens "$threads" 'SELECT user_id, item_id, rating FROM ml_1m.ratings' reco
  done
  self_join "$threads"
  # the k-th similarities of both: ties and sums of float4 may change who it is
  note sql movielens "$threads" difference "$(sql -c "SELECT max(abs(s.similarity - n.similarity))
    FROM bench_self_join AS s FULL JOIN bench.item_neighbors AS n USING (item_id, rank)")"
  sql -c 'DROP TABLE bench_self_join'
}

report() {
  # awk's arrays hold all values of a key; shown is the median
  awk -v threads="$BENCH_THREADS" -v top="$TOP" '
    { key = $1 " " $2 " " $3 " " $4; v[key, ++n[key]] = $5 }
    function median(key, i, j, x) {
      if (!(key in n))
        return ""
      for (i = 2; i <= n[key]; i++)
        for (j = i; j > 1 && v[key, j] + 0 < v[key, j - 1] + 0; j--) {
          x = v[key, j]
          v[key, j] = v[key, j - 1]
          v[key, j - 1] = x
        }
      return v[key, int((n[key] + 1) / 2)]
    }
    function show(x, form) { return x == "" ? "-" : sprintf(form, x) }
    function ratio(a, b) { return a == "" || b == "" || a + 0 == 0 ? "-" : sprintf("%.1f", b / a) }
    function sum(a, b) { return a == "" || b == "" ? "" : a + b }
    function peer(kind, t, what, k) {
      k = "implicit " kind " " t " "
      if (what == "read")
        return sum(median(k "copy_out"), median(k "csr"))
      if (what == "total")
        return sum(sum(median(k "copy_out"), median(k "csr")), median(k "train"))
      return median(k what)
    }
    function line(name, kind, what, form, i, t, a, b, text) {
      text = sprintf("%-34s", name)
      for (i = 1; i <= count; i++) {
        t = list[i]
        a = median("reco " kind " " t " " what)
        b = peer(kind, t, what)
        text = text sprintf("%12s%12s%8s", show(a, form), show(b, form), ratio(a, b))
      }
      print text
    }
    function block(kind) {
      line(kind ": read, seconds", kind, "read", "%.2f")
      line(kind ": find the neighbors", kind, "train", "%.2f")
      line(kind ": write", kind, "write", "%.2f")
      line(kind ": from table to lists", kind, "total", "%.2f")
      line(kind ": rows of lists", kind, "lists", "%d")
      line(kind ": differ by at most", kind, "difference", "%s")
    }
    END {
      count = split(threads, list, " ")
      text = sprintf("%-34s", "cosine, top " top "; threads: " threads)
      for (i = 1; i <= count; i++)
        text = text sprintf("%12s%12s%8s", "reco " list[i], "implicit " list[i], "ratio")
      print text
      block("binary")
      block("valued")
      for (k = 1; k <= 2; k++) {
        kind = k == 1 ? "binary" : "valued"
        for (i = 2; i <= count; i++)
          print kind ": lists by " list[i] " threads " \
            (median("reco " kind " " list[i] " bits") == median("reco " kind " " list[1] " bits") ? \
              "have the same bits as" : "DIFFER from those") " by " list[1]
      }
      print ""
      text = sprintf("%-34s", "MovieLens 1M; threads: " threads)
      for (i = 1; i <= count; i++)
        text = text sprintf("%12s%12s%8s", "reco " list[i], "SQL " list[i], "ratio")
      print text
      text = sprintf("%-34s", "from table to lists, seconds")
      for (i = 1; i <= count; i++) {
        a = median("reco movielens " list[i] " total")
        b = median("sql movielens " list[i] " total")
        text = text sprintf("%12s%12s%8s", show(a, "%.3f"), show(b, "%.2f"), ratio(a, b))
      }
      print text
      text = sprintf("%-34s", "of it finding the neighbors")
      for (i = 1; i <= count; i++)
        text = text sprintf("%12s%12s%8s", \
          show(median("reco movielens " list[i] " train"), "%.3f"), "", "")
      print text
      print "differ by at most: " show(median("sql movielens " list[1] " difference"), "%s")
    }' "$tmp/results"
}

bench_setup
bench_reco || die 'extension reco is not installed'
with_peer=no
if [ -n "${PEER_PYTHONPATH:-}" ]; then
  if PYTHONPATH=$PEER_PYTHONPATH "$PYTHON" -c 'import implicit.nearest_neighbours'; then
    with_peer=yes
  else
    say 'implicit cannot be imported: skipped'
  fi
fi

bench_load
for kind in binary valued; do
  for threads in $BENCH_THREADS; do
    run_reco "$kind" "$threads"
    if [ "$with_peer" = yes ]; then
      run_peer "$kind" "$threads"
    fi
  done
done
sql -c 'DROP TABLE IF EXISTS bench_sample'
if movielens_load; then
  for threads in $BENCH_THREADS; do
    run_movielens "$threads"
  done
else
  say "no MovieLens 1M in $RECO_DATA: skipped"
fi
report
