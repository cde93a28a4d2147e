#!/usr/bin/env bash
# Training time, memory and loss on 20 million made-up interactions: reco beside the
# implicit library, on the same rows and threads, in one run.
#
# usage: train.sh
#
# With PGHOST set it uses that server (and table ratings and model bench there, which it
# makes, and leaves), else a private one; see lib.sh for this and for the size of the data.
#
# Environment:
#   BENCH_THREADS    numbers of threads to try ("1 2")
#   FACTORS, ITERATIONS, ALPHA, REGULARIZATION    of the algorithm (64, 15, 1, 0.01)
#   BENCH_CURVE      no: without the curve of implicit's losses, for which it trains once more ("yes")
#   PYTHON           a Python 3 with numpy, to check losses ("python3"; skipped without)
#   PEER_PYTHONPATH  where that Python finds implicit, with scipy (skipped without)
#   PGOPTIONS        further settings for the server
#
# It prints and judges nothing; run it on an otherwise idle machine, and look at the load
# it shows.  Processor seconds are those of the backend and of the Python process, without
# psql and the backend it talks to.  Ratios are implicit's number over reco's.  Seconds to
# implicit's loss are training time only, within an iteration by interpolation.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

export FACTORS=${FACTORS:-64} ITERATIONS=${ITERATIONS:-15}
export ALPHA=${ALPHA:-1} REGULARIZATION=${REGULARIZATION:-0.01}
BENCH_THREADS=${BENCH_THREADS:-1 2}
PYTHON=${PYTHON:-python3}
PGOPTIONS=${PGOPTIONS:-}

# Every number goes into $tmp/results as: who, threads, key, values
note() {
  printf '%s\n' "$*" >>"$tmp/results"
}

# One BLAS thread, as implicit itself advises.
train_py() {
  OPENBLAS_NUM_THREADS=1 PYTHONPATH=${PEER_PYTHONPATH:-} "$PYTHON" "$bench_dir/train.py" "$@"
}

load() {
  local minute
  if read -r minute _ 2>/dev/null </proc/loadavg; then
    echo ", load $minute"
  fi
}

measure_sum() {
  for _ in 1 2 3 4; do
    sql -c 'SET max_parallel_workers_per_gather = 0' -c '\timing on' \
      -c 'SELECT sum(user_id), sum(item_id) FROM ratings'
  done | awk '/^Time:/ { print $2 / 1000 }' | tail -n 3 | sort -n | sed -n 2p
}

# Watches backend $1 (by application_name), and writes to file $2 the peak of what it holds
# besides shared memory, in MB, and the processor seconds it has used (its parallel workers
# not included).  Nothing if the server is on another machine.
watch_backend() {
  local pid='' rss=0 shared=0 peak=0 ticks key value stat
  ticks=$(getconf CLK_TCK)
  until [ -n "$pid" ]; do
    pid=$(sql -c "SELECT pid FROM pg_stat_activity
                  WHERE application_name = '$1' AND backend_type = 'client backend'")
    sleep 0.1
  done
  while read -r stat <"/proc/$pid/stat"; do
    while read -r key value _; do
      case $key in
        VmRSS:) rss=$value ;;
        RssShmem:) shared=$value ;;
      esac
    done <"/proc/$pid/status" || break
    if [ $((rss - shared)) -gt "$peak" ]; then
      peak=$((rss - shared))
    fi
    # what follows the name in parentheses begins with field 3; 14 and 15 are wanted
    read -r -a stat <<<"${stat##*) }"
    echo $((peak / 1024)) $(((stat[11] + stat[12]) / ticks)) >"$2"
    sleep 0.1
  done 2>/dev/null
}

run_reco() {
  local threads=$1 name="reco_bench_$$_$1" workers='' failed=no start watcher memory cpu
  say "reco, $threads thread(s)$(load)"
  if bench_has_model bench; then
    sql -c "CALL reco.drop_model('bench')"
  fi
  # One thread means one: no helpers for the scan either.
  if [ "$threads" -eq 1 ]; then
    workers='-c max_parallel_workers_per_gather=0'
  fi
  rm -f "$tmp/backend"
  watch_backend "$name" "$tmp/backend" &
  watcher=$!
  start=$EPOCHREALTIME
  PGAPPNAME=$name PGOPTIONS="$PGOPTIONS -c reco.threads=$threads $workers" \
    sql -c "CALL reco.create_model('bench',
              source => 'SELECT user_id, item_id, value FROM ratings',
              algorithm => reco.ials(factors => $FACTORS, iterations => $ITERATIONS,
                                     alpha => $ALPHA, regularization => $REGULARIZATION),
              options => reco.options(value => 'raw', measure => false))" \
    || failed=yes
  note reco "$threads" total "$(since "$start")"
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" || true
  [ "$failed" = no ] || die 'reco could not train'
  if read -r memory cpu 2>/dev/null <"$tmp/backend"; then
    note reco "$threads" memory "$memory"
    note reco "$threads" cpu "$cpu"
  fi

  local last='FROM bench.versions v ORDER BY version DESC LIMIT 1'
  sql -F ' ' -c "SELECT 'reco', $threads, t.key, t.value
                 FROM (SELECT to_jsonb(v) AS v $last) AS s,
                      jsonb_each_text(coalesce(s.v -> 'timings',
                                               s.v -> 'metrics' -> 'timings')) AS t
                 WHERE t.key IN ('read', 'train', 'write')" >>"$tmp/results"
  note reco "$threads" rows "$(sql -c "SELECT rows_read $last")"
  note reco "$threads" curve "$(sql -c "SELECT array_to_string(loss, ' ') $last")"
  if "$PYTHON" -c 'import numpy' 2>/dev/null; then
    train_py loss '(SELECT user_id, factors FROM bench.user_factors)' \
      '(SELECT item_id, factors FROM bench.item_factors)' \
      | sed "s/^loss/reco $threads checked/; s/^bits/reco $threads bits/" >>"$tmp/results"
  fi
}

run_peer() {
  local threads=$1
  say "implicit, $threads thread(s)$(load)"
  train_py fit "$threads" | sed "s/^/implicit $threads /" >>"$tmp/results"
  train_py loss '(SELECT * FROM bench_peer_user)' '(SELECT * FROM bench_peer_item)' \
    | sed "s/^loss/implicit $threads checked/; s/^bits/implicit $threads bits/" >>"$tmp/results"
  sql -c 'DROP TABLE bench_peer_user, bench_peer_item'
}

# implicit's result does not depend on the number of threads, nor does its curve.
run_curve() {
  local threads
  say 'implicit, loss after each iteration (not timed)'
  train_py curve "$(nproc)" >"$tmp/curve"
  for threads in $BENCH_THREADS; do
    sed "s/^loss/implicit $threads curve/" "$tmp/curve" >>"$tmp/results"
  done
}

report() {
  awk -v threads="$BENCH_THREADS" '
    { key = $1 " " $2 " " $3; v[key] = $4 }
    $3 == "curve" {
      n[$1 " " $2] = NF - 3
      for (i = 4; i <= NF; i++)
        curve[$1 " " $2 " " i - 3] = $i
    }
    function get(who, t, what) { return (who " " t " " what) in v ? v[who " " t " " what] : "" }
    function sum(a, b) { return a == "" ? b : b == "" ? a : a + b }
    function show(x, form) { return x == "" ? "-" : sprintf(form, x) }
    function ratio(a, b) { return a == "" || b == "" || a + 0 == 0 ? "-" : sprintf("%.2f", b / a) }
    function line(name, form, what, a, b, t, i, text) {
      text = sprintf("%-32s", name)
      for (i = 1; i <= count; i++) {
        t = list[i]
        a = value("reco", t, what)
        b = value("implicit", t, what)
        text = text sprintf("%14s%14s%8s", show(a, form), show(b, form), ratio(a, b))
      }
      print text
    }
    # the training time at which the curve of one passes the final loss of the other
    function reach(t, target, k, part, total) {
      k = "reco " t
      total = get("reco", t, "train")
      if (total == "")
        total = get("reco", t, "total")
      if (target == "" || !(k in n))
        return ""
      for (i = 1; i <= n[k]; i++)
        if (curve[k " " i] + 0 <= target + 0) {
          part = i == 1 ? 1 : (curve[k " " i - 1] - target) / (curve[k " " i - 1] - curve[k " " i])
          return total / n[k] * (i - 1 + part)
        }
      return ""
    }
    function value(who, t, what) {
      if (who == "implicit") {
        if (what == "read")
          return sum(get(who, t, "copy_out"), get(who, t, "csr"))
        if (what == "total" && get(who, t, "train") != "")
          return value(who, t, "read") + get(who, t, "train") + get(who, t, "write")
        if (what == "reach")
          return get(who, t, "train")
      } else if (what == "reach")
        return reach(t, get("implicit", t, "checked"))
      if (what == "all")
      {
        if (who == "implicit")
          return value(who, t, "total")
        if (value(who, t, "reach") == "")
          return ""
        return get(who, t, "read") + value(who, t, "reach") + get(who, t, "write")
      }
      if (what == "told")
        return (who " " t) in n ? curve[who " " t " " n[who " " t]] : ""
      return get(who, t, what)
    }
    END {
      count = split(threads, list, " ")
      text = sprintf("%-32s", "threads: " threads)
      for (i = 1; i <= count; i++)
        text = text sprintf("%14s%14s%8s", "reco " list[i], "implicit " list[i], "ratio")
      print text
      line("read, seconds", "%.2f", "read")
      line("  of it copy out", "%.2f", "copy_out")
      line("  of it ids and CSR", "%.2f", "csr")
      line("train", "%.2f", "train")
      line("write (implicit: binary COPY)", "%.2f", "write")
      line("  as text", "%.2f", "write_text")
      line("total (with binary COPY)", "%.2f", "total")
      line("processor seconds", "%d", "cpu")
      line("peak memory, MB", "%d", "memory")
      line("loss as told", "%.0f", "told")
      line("loss recomputed", "%.0f", "checked")
      line("train, to loss of implicit", "%.2f", "reach")
      line("table to table, to that loss", "%.2f", "all")
      print ""
      printf "sum(user_id), sum(item_id): %s s", get("postgres", 1, "sum")
      if (get("reco", list[1], "rows") != "")
        printf "; rows read by reco: %s", get("reco", list[1], "rows")
      print ""
      for (i = 1; i <= count; i++) {
        who = get("reco", list[i], "bits")
        if (who != "" && get("reco", list[1], "bits") != "" && i > 1)
          print "reco, " list[i] " threads: factors " \
            (who == get("reco", list[1], "bits") ? "have the same bits as" : "DIFFER from those") \
            " with " list[1]
      }
      print ""
      printf "%-10s%16s%16s\n", "iteration", "loss of reco", "of implicit"
      t = list[count]
      last = n["reco " t] > n["implicit " t] ? n["reco " t] : n["implicit " t]
      for (i = 1; i <= last; i++)
        printf "%-10d%16s%16s\n", i, show(curve["reco " t " " i], "%.0f"), \
          show(curve["implicit " t " " i], "%.0f")
    }' "$tmp/results"
}

bench_setup
with_reco=no
with_peer=no
if bench_reco; then
  with_reco=yes
else
  say 'extension reco is not installed: skipped'
fi
if [ -n "${PEER_PYTHONPATH:-}" ]; then
  if PYTHONPATH=$PEER_PYTHONPATH "$PYTHON" -c 'import implicit.cpu.als'; then
    with_peer=yes
  else
    say 'implicit cannot be imported: skipped'
  fi
fi

bench_load
note postgres 1 sum "$(measure_sum)"
for threads in $BENCH_THREADS; do
  if [ "$with_reco" = yes ]; then
    run_reco "$threads"
  fi
  if [ "$with_peer" = yes ]; then
    run_peer "$threads"
  fi
done
if [ "$with_peer" = yes ] && [ "${BENCH_CURVE:-yes}" = yes ]; then
  run_curve
fi
report
