# shellcheck shell=bash
# The machine and the commit that figures are of, what the machine can do at most, and what
# a backend holds. To be sourced after lib.sh.

machine() {
  local commit
  commit=$(git -C "$bench_dir" describe --always --dirty --abbrev=10 2>/dev/null || echo 'no commit')
  printf '%s, %s × %s, %s GB, PostgreSQL %s, load %s\n' "$commit" "$(nproc)" \
    "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | sed -n 1p)" \
    "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)" \
    "$(sql -c 'SHOW server_version' | cut -d' ' -f1)" "$(cut -d' ' -f1 /proc/loadavg)"
}

# limits SECONDS "ROWS USERS": of one iteration of a factorization of 64 factors. What it
# computes at least, three steps of conjugate gradients, is 64 × 4 × 4 operations a row and
# side; what it reads at least is 64 factors of 4 bytes, likewise.
limits() {
  local threads rate bandwidth rows
  threads=$(nproc)
  read -r rows _ <<<"$2"
  make -s -C "$bench_dir/../.." build/bench/limits >&2 || return 0
  read -r rate bandwidth _ <<<"$(OPENBLAS_NUM_THREADS=1 "$bench_dir/../../build/bench/limits" "$threads")"
  awk -v s="$1" -v rows="$rows" -v rate="$rate" -v bandwidth="$bandwidth" -v threads="$threads" 'BEGIN {
    flop = rows * 2 * 64 * 16; bytes = rows * 2 * 64 * 4
    printf "On %d threads sgemm does %.0f GFLOP/s, and the memory gives %.1f GB/s. An iteration of %.2f s on %.1f M rows is %.0f GFLOP/s (%.0f %%), and fetches %.1f GB/s of factors, from caches where they are there.\n",
      threads, rate, bandwidth, s, rows / 1e6, flop / s / 1e9, 100 * flop / s / 1e9 / rate, bytes / s / 1e9
  }'
}

# Peak of what the backend of that application_name holds beside shared memory, in MB,
# printed whenever it has grown.
backend_peak() {
  local pid='' rss=0 shared=0 peak=0 key value
  until [ -n "$pid" ]; do
    pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = '$1' AND backend_type = 'client backend'")
    sleep 0.05
  done
  while [ -r "/proc/$pid/status" ]; do
    while read -r key value _; do
      case $key in
        VmRSS:) rss=$value ;;
        RssShmem:) shared=$value ;;
      esac
    done <"/proc/$pid/status" 2>/dev/null || break
    if [ $((rss - shared)) -gt "$peak" ]; then
      peak=$((rss - shared))
      echo $((peak / 1024)) >"$tmp/peak"
    fi
    sleep 0.05
  done
}
