#!/usr/bin/env bash
#
# Runs the suites of tests, side by side, and counts what passed.
#
#   test/check-all.sh            all: on a copy of the tree, built anew with
#                                warnings as errors (`make check-all`)
#   test/check-all.sh --shipped  what depends on the server and the compiler: the same without
#                                layers, and what is compiled with sanitizers
#   test/check-all.sh SUITE...   some of layers unit fuzz regress isolation docs tap, or
#                                citus, which is not part of all, on the tree as `make`
#                                builds it (`make check-SUITE`)
#
# Installs the packages that are missing and the extension, as root or through
# sudo. Whatever is tested runs as an ordinary user in a folder under /tmp, for
# PostgreSQL refuses root. When something fails, the logs are left in log/.
#
# The last line is "N passed, N failed", with ", N skipped" when any were. Fails
# when a test failed, or when a suite that must have tests ran none.
# shellcheck disable=SC2016,SC2119
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
. test/cluster.sh

# No suite may take longer; one that hangs has failed.
SUITE_SECONDS=1200

# Tests that take long, the longest first; to miss one here costs time only.
long_tests='033_faults 032_claims 034_altered_tables 012_cancel_points 002_cancel 017_tamper 009_cron
  061_applications 045_coupons 035_barriers 022_knn_memory 051_report_browser 034_serving_memory 064_moments
  010_demo_tastes 037_counted_memory 014_replication 011_kill_points 048_engine_sql
  test_neighbors test_als test_split test_shape test_csr test_pairs test_als_values test_vector'
long_tests=${long_tests//$'\n'/ }

# Of the servers that suites share. Compiling what the planner takes for a large query takes
# longer than any query of theirs; what is to be compiled says so (test_engine_sql).
server=("jit = off")

passed_all=0 failed_all=0 skipped_all=0 bad_suites=()

section() { printf '%-10s ' "$1"; }

# Places of what runs at the same time, one more than there are processors, for much of what
# servers are tested with is to wait: each test that is started takes one, whatever its suite,
# and gives it back.  So no processor waits for the longest test of a suite while another suite
# has tests left.
make_places() {
  local i
  mkfifo "$work/places"
  exec 8<>"$work/places"
  for ((i = $(nproc) + 1; i > 0; i--)); do leave_place; done
}

# The time of a suite begins with its first place.
take_place() {
  read -r -u 8
  [ -n "$begin" ] || begin=$SECONDS
}

leave_place() { echo >&8; }

# For a suite that is one test: its place is free when it ends.
take_place_for_all() {
  take_place
  at_exit leave_place
}

# in_place COMMAND...: begins it, in the background, as soon as there is a place.
in_place() {
  take_place
  {
    "$@" 8>&- || true
    leave_place
  } &
}

# Runs a command as an ordinary user in the folder that is tested.
in_tree() {
  (
    cd "$tree"
    as_unprivileged env HOME="$work" "$@"
  )
}

make_tree() {
  in_tree timeout -k 10 "$SUITE_SECONDS" "${MAKE:-make}" -s --no-print-directory -j"$(nproc)" \
    PG_CONFIG="$PG_CONFIG" "$@"
}

# count REGEX FILE
count() {
  grep -cE -- "$1" "$2" || true
}

# verdict SUITE STATUS PASSED FAILED SKIPPED WHAT: one line for a suite.
# STATUS is what its command returned: a crash counts as a failure of its own.
verdict() {
  local suite=$1 status=$2 passed=$3 failed=$4 skipped=$5 what=$6
  [ "$status" = 0 ] || [ "$failed" != 0 ] || failed=1
  printf '%s passed, %s failed, %s skipped (%s), %s s\n' \
    "$passed" "$failed" "$skipped" "$what" "$((SECONDS - ${begin:-$SECONDS}))"
  passed_all=$((passed_all + passed))
  failed_all=$((failed_all + failed))
  skipped_all=$((skipped_all + skipped))
  if [ "$failed" != 0 ]; then
    bad_suites+=("$suite")
  elif [ "$((passed + skipped))" = 0 ]; then
    echo "           no test ran: that is a failure"
    bad_suites+=("$suite")
  fi
}

# excerpt LINES FILE: what a log says last
excerpt() {
  echo "--- ${2##*/}"
  tail -n "$1" "$2"
  echo '---'
}

# cmocka_tests WORD LOG: how many tests were FAILED or SKIPPED. cmocka lists them
# once more at the end of a group, after their number.
cmocka_tests() {
  grep -E "^\[ +$1 +\] " "$2" | grep -vE '\] [0-9]+ test\(s\)' | sort -u | wc -l || true
}

# What went wrong in a program: cmocka's word on it, and a sanitizer's first.
sanitizer_excerpt() {
  echo "--- ${1##*/}"
  grep -E '^\[ +(ERROR|LINE|FAILED) +\] ' "$1" | head -n 40 || true
  sed -n '/ERROR: [A-Z][A-Za-z]*Sanitizer\|runtime error:/,$p' "$1" | head -n 30
  echo '---'
}

# unit_program NAME FOLDER [VARIABLE=VALUE...]: one program, its output in log NAME.
unit_program() {
  local log=$logs/$1.log program=$2/${1%%.*}
  shift 2
  # waiting threads sleep: the teams of many programs share the processors
  in_tree timeout -k 10 "$SUITE_SECONDS" env ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
    CMOCKA_MESSAGE_OUTPUT=STDOUT OMP_WAIT_POLICY=passive "$@" "$program" >"$log" 2>&1 && return
  # A program that ends early has no line for the test that ended it.
  grep -qE '^\[  FAILED  \] ' "$log" || echo "[  FAILED  ] ${log##*/}" >>"$log"
  sanitizer_excerpt "$log" >>"$logs/unit.failed"
}

# Whether files lie and include each other as doc/design.md says.
suite_layers() {
  local log=$logs/layers.log status=0
  take_place_for_all
  in_tree perl test/layers.pl >"$log" 2>&1 || status=$?
  verdict layers "$status" "$(sed -n 's/^\([0-9]*\) passed, .*/\1/p' "$log")" \
    "$(sed -n 's/^.* passed, \([0-9]*\) failed$/\1/p' "$log")" 0 'files'
  [ "$status" = 0 ] || head -n 100 "$log"
}

# Each program under sanitizers, and with the kernels as they are shipped, at the best
# instruction set level of the machine; those whose tests do not go through the levels
# by themselves at the lower ones too.  As many at a time as there are processors.
suite_unit() {
  local name log programs=0 passed=0 failed=0 skipped=0 status=0
  local what='under ASan and UBSan, and as shipped'
  local levels=' test_als test_als_normal test_als_values test_neighbors test_pruned '
  [ "$sanitized" = yes ] || what='as shipped'
  if [ -e "$logs/unit.broken" ]; then
    verdict unit 1 0 1 0 'does not build'
    excerpt 30 "$logs/unit.log"
    return
  fi
  for name in $(longest_first "$tree"/test/unit/test_*.c); do
    programs=$((programs + 1))
    [ "$sanitized" = no ] || in_place unit_program "$name.sanitized" build/unit
    in_place unit_program "$name.shipped" build/shipped
    case $levels in
      *" $name "*)
        in_place unit_program "$name.base" build/shipped RECO_ISA=base
        in_place unit_program "$name.v3" build/shipped RECO_ISA=v3
        ;;
    esac
  done
  wait
  for log in "$logs"/test_*.log; do
    [ -e "$log" ] || continue
    passed=$((passed + $(count '^\[       OK \] ' "$log")))
    failed=$((failed + $(cmocka_tests FAILED "$log")))
    skipped=$((skipped + $(cmocka_tests SKIPPED "$log")))
  done
  [ ! -s "$logs/unit.failed" ] || status=1
  verdict unit "$status" "$passed" "$failed" "$skipped" \
    "$programs programs $what"
  [ "$status" = 0 ] || cat "$logs/unit.failed"
}

suite_fuzz() {
  local target status=0 targets=0 passed=0 failed=0 corpus
  if ! compgen -G "$tree/test/fuzz/corpus/*/*" >/dev/null; then
    verdict fuzz 0 0 0 0 'no test/fuzz/corpus'
    return
  fi
  if [ -e "$logs/fuzz.broken" ]; then
    verdict fuzz 1 0 1 0 'does not build'
    excerpt 30 "$logs/fuzz.log"
    return
  fi
  take_place_for_all
  for target in "$tree"/test/fuzz/*.c; do
    target=$(basename "$target" .c)
    [ "$target" != replay ] || continue
    corpus=test/fuzz/corpus/$target
    [ -e "$tree/$corpus" ] || corpus=test/fuzz/corpus/${target#fuzz_}
    targets=$((targets + 1))
    if in_tree timeout -k 10 "$SUITE_SECONDS" env ASAN_OPTIONS=detect_leaks=1 \
      UBSAN_OPTIONS=print_stacktrace=1 "build/fuzz/$target" "$corpus" >"$logs/$target.log" 2>&1; then
      passed=$((passed + $(sed -n 's/^\([0-9]*\) inputs replayed$/\1/p' "$logs/$target.log")))
    else
      status=1
      failed=$((failed + 1))
      {
        sanitizer_excerpt "$logs/$target.log"
        echo "input: $(grep "^test/fuzz/corpus/" "$logs/$target.log" | tail -n 1)"
      } >>"$logs/fuzz.failed"
    fi
  done
  verdict fuzz "$status" "$passed" "$failed" 0 "stored inputs of $targets targets"
  [ "$status" = 0 ] || cat "$logs/fuzz.failed"
}

# longest_first FILE...: their names, and first of all those of tests that take long, so that
# none of them is what everything else waits for in the end.
longest_first() {
  local name all=" "
  for name in "$@"; do
    name=${name##*/}
    all+="${name%.*} "
  done
  for name in $long_tests; do
    [[ $all != *" $name "* ]] || echo "$name"
  done
  for name in $all; do
    [[ " $long_tests " == *" $name "* ]] || echo "$name"
  done
}

# The lines of pg_regress, as PostgreSQL 15 and before and as 16 and later write them.
regress_ok='^(test | {5}).* \.\.\. ok |^ok [0-9]+'
regress_failed='^(test | {5}).* \.\.\. FAILED|^not ok [0-9]+'

# pg_regress_suite SUITE FOLDER VARIABLE-TO-EMPTY
pg_regress_suite() {
  local suite=$1 folder=$2 other=$3 log=$logs/$1.log status=0 diffs
  take_place_for_all
  cluster_start "${server[@]}"
  make_tree -j1 installcheck "$other=" >"$log" 2>&1 || status=$?
  verdict "$suite" "$status" "$(count "$regress_ok" "$log")" "$(count "$regress_failed" "$log")" 0 \
    "$("$PG_CONFIG" --version | cut -d ' ' -f 1,2)"
  [ "$status" != 0 ] || return 0
  diffs=$tree/$folder/regression.diffs
  if [ -s "$diffs" ]; then
    cp "$diffs" "$logs/$suite.diffs"
    cp -r "$tree/$folder/results" "$logs/$suite.results"
    echo "--- $suite.diffs"
    head -n 300 "$diffs"
    echo '---'
  else
    excerpt 30 "$log"
  fi
  grep -E '^[^ ]+ [^ ]+ [^ ]+ .*(PANIC|FATAL|terminated by signal)' "$cluster_dir/server.log" |
    tail -n 20 || true
  cp "$cluster_dir/server.log" "$logs/$suite-server.log"
}

suite_regress() {
  pg_regress_suite regress . ISOLATION
}

suite_isolation() {
  if ! compgen -G "$tree/test/isolation/specs/*.spec" >/dev/null; then
    verdict isolation 0 0 0 0 'no test/isolation/specs'
    return
  fi
  pg_regress_suite isolation output_iso REGRESS
}

# The documentation, executed. Its server has pg_cron where that is installed.
suite_docs() {
  local log=$logs/docs.log status=0 conf=("${server[@]}")
  [ ! -e "$("$PG_CONFIG" --pkglibdir)/pg_cron.so" ] ||
    conf+=("shared_preload_libraries = 'pg_cron'" "cron.database_name = 'shop'")
  take_place_for_all
  cluster_start "${conf[@]}"
  in_tree timeout -k 10 "$SUITE_SECONDS" perl test/docs.pl "$tree"/README*.md "$tree"/doc/*.md >"$log" 2>&1 || status=$?
  sed -i "s|^$tree/||" "$log"
  verdict docs "$status" "$(sed -n 's/^\([0-9]*\) passed, .*/\1/p' "$log")" \
    "$(sed -n 's/^.* passed, \([0-9]*\) failed$/\1/p' "$log")" 0 \
    "blocks; $(tail -n 2 "$log" | head -n 1)"
  if [ "$status" = 0 ]; then
    sed -n 's/^\([^ ]*: [a-z ]*not \(executed\|compared\): .*\)/           \1/p' "$log"
  else
    head -n 300 "$log"
    cp "$cluster_dir/server.log" "$logs/docs-server.log"
  fi
}

# Servers that a killed test has left behind.
stop_tap_servers() {
  local pid_file
  for pid_file in "$tree"/tmp_check/*/pgdata/postmaster.pid; do
    [ ! -e "$pid_file" ] || (
      cd / && as_unprivileged "$("$PG_CONFIG" --bindir)/pg_ctl" -D "${pid_file%/*}" \
        -m immediate -w -s stop
    ) || true
  done
}

# tap_file NAME [FOLDER]: one file of tests, its output in log tap.NAME
tap_file() {
  local folder=${2:-test/t}
  in_tree timeout -k 10 "$SUITE_SECONDS" env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE \
    PATH="$bin:$PATH" TESTDIR="$tree" TESTDATADIR="$tree/tmp_check" \
    TESTLOGDIR="$tree/tmp_check/log" PG_REGRESS="$src/test/regress/pg_regress" PGPORT=65432 \
    RECO_DATA="${RECO_DATA:-$root/../shared/data}" \
    prove -v --norc -I "$src/test/perl" -I test/t "$folder/$1.pl" \
    >"$logs/tap.$1.log" 2>"$logs/tap.$1.err" || echo "$1" >>"$logs/tap.failed"
}

# tap_find_server: what tap_file needs to know.
tap_find_server() {
  src=$("$PG_CONFIG" --pgxs)
  src=${src%/makefiles/pgxs.mk}
  bin=$("$PG_CONFIG" --bindir)
  at_exit stop_tap_servers
}

# tap_verdict SUITE: of the files that were run.
tap_verdict() {
  local log=$logs/$1.log status=0 name
  cat "$logs"/tap.*.log >"$log"
  [ ! -s "$logs/tap.failed" ] || status=1
  verdict "$1" "$status" \
    "$(grep -E '^ok [0-9]+' "$log" | grep -cvE '# (SKIP|skip)' || true)" \
    "$(grep -E '^not ok [0-9]+' "$log" | grep -cvE '# TODO' || true)" \
    "$(count '^ok [0-9]+ .*# (SKIP|skip)|^1\.\.0 # (SKIP|skip)' "$log")" \
    "$(count '^test/[a-z]+/[^ ]+ \.+ *$' "$log") files"
  [ "$status" != 0 ] || return 0
  # What is said on standard error is about failures; notes are on standard output.
  while read -r name; do
    head -n 150 "$logs/tap.$name.err"
    sed -n '/^Test Summary Report/,$p' "$logs/tap.$name.log"
  done <"$logs/tap.failed"
  cp -r "$tree/tmp_check/log" "$logs/tap" 2>/dev/null || true
}

# The server of each file is its own.
suite_tap() {
  local src bin name
  tap_find_server
  for name in $(longest_first "$tree"/test/t/*.pl); do
    in_place tap_file "$name"
  done
  wait
  tap_verdict tap
}

# Trainings on tables of Citus: a coordinator and two others, where it is installed.
suite_citus() {
  local src bin
  if [ ! -e "$("$PG_CONFIG" --sharedir)/extension/citus.control" ]; then
    verdict citus 0 0 0 1 "Citus is not installed for $("$PG_CONFIG" --version)"
    return
  fi
  tap_find_server
  take_place_for_all
  tap_file training test/citus
  tap_verdict citus
}

# Starts a suite: its lines and its counts go to files.  What it leaves goes when it ends,
# and so does its server.
declare -A pids=()
# shellcheck disable=SC2030,SC2034
start_suite() {
  (
    trap cluster_run_at_exit EXIT
    cluster_at_exit=() cluster_dir='' begin=''
    passed_all=0 failed_all=0 skipped_all=0 bad_suites=()
    "suite_$1" >"$logs/suite.$1" 2>&1
    echo "$passed_all $failed_all $skipped_all ${bad_suites[*]}" >"$logs/counts.$1"
  ) &
  pids[$1]=$!
}

# end_suite SUITE: waits for its end.
# shellcheck disable=SC2031
end_suite() {
  local passed=0 failed=1 skipped=0 bad=$1
  section "$1"
  wait "${pids[$1]}" || true
  cat "$logs/suite.$1"
  [ ! -e "$logs/counts.$1" ] || read -r passed failed skipped bad <"$logs/counts.$1"
  passed_all=$((passed_all + passed))
  failed_all=$((failed_all + failed))
  skipped_all=$((skipped_all + skipped))
  [ -z "$bad" ] || bad_suites+=("$bad")
}

build_all() {
  local begin=$SECONDS suite target
  section build
  if ! make_tree "${strict[@]}" all >"$logs/build.log" 2>&1; then
    echo 'failed'
    tail -n 40 "$logs/build.log"
    exit 1
  fi
  (
    cd "$tree"
    install_extension
  ) >>"$logs/build.log" 2>&1 || {
    echo 'built, but not installed'
    tail -n 20 "$logs/build.log"
    exit 1
  }
  # a suite whose tests do not build says so when its turn comes
  for suite in unit fuzz; do
    target=$suite-tests
    [ "$suite$sanitized" != unitno ] || target=shipped-tests
    case " ${suites[*]} " in
      *" $suite "*) make_tree "${strict[@]}" "$target" >"$logs/$suite.log" 2>&1 || touch "$logs/$suite.broken" ;;
    esac
  done
  echo "built and installed, $((SECONDS - begin)) s"
}

copy_tree() {
  tar -C "$root" --exclude=./.git --exclude=./log --exclude=./tmp_check --exclude=./results \
    "$@" -cf - . | as_unprivileged tar -C "$tree" -xf - --no-same-owner
}

keep_logs() {
  rm -rf "$root/log"
  [ "${#bad_suites[@]}" != 0 ] || return 0
  cp -r "$logs" "$root/log" && echo "failed: ${bad_suites[*]}; the logs are in log/"
}

sanitized=yes
if [ "${1:-}" = --shipped ]; then
  sanitized=no
  shift
fi
suites=("$@")
strict=()
if [ "$#" = 0 ]; then
  suites=(layers unit fuzz regress isolation docs tap)
  [ "$sanitized" = yes ] || suites=(unit regress isolation docs tap)
fi
for suite in "${suites[@]}"; do
  declare -F "suite_$suite" >/dev/null || {
    echo "no suite \"$suite\": layers, unit, fuzz, regress, isolation, docs, tap, citus" >&2
    exit 2
  }
done

setup_log=$(mktemp /tmp/reco-setup.XXXXXX)
at_exit 'rm -f "$setup_log"'
test/setup.sh >"$setup_log" 2>&1 || {
  tail -n 30 "$setup_log"
  exit 1
}
find_server
work=$(private_folder)
at_exit 'rm -rf "$work"'
tree=$work/tree logs=$work/logs
mkdir "$logs"
cp "$setup_log" "$logs/setup.log"
as_unprivileged mkdir "$tree"
if [ "$#" = 0 ]; then
  # faults made on purpose are in no other build for a server without assertions; a stack
  # in a report needs lines only, which takes the compiler a sixth less than variables do
  strict=(EXTRA_CFLAGS='-Werror -DRECO_FAULTS -g1')
  copy_tree --exclude=./build --exclude='*.o' --exclude='*.d' --exclude='*.so'
  build_all
else
  # What make would build in the copy, it builds in the tree, once.
  "${MAKE:-make}" -s --no-print-directory -j"$(nproc)" PG_CONFIG="$PG_CONFIG" all
  case " $* " in *' unit '*) "${MAKE:-make}" -s --no-print-directory -j"$(nproc)" unit-tests ;; esac
  case " $* " in *' fuzz '*) "${MAKE:-make}" -s --no-print-directory -j"$(nproc)" fuzz-tests ;; esac
  copy_tree
  build_all
fi

make_places
# the longest first
for suite in regress docs tap unit fuzz isolation layers citus; do
  case " ${suites[*]} " in *" $suite "*) start_suite "$suite" ;; esac
done
at_exit 'kill "${pids[@]}" 2>/dev/null; wait'
for suite in "${suites[@]}"; do
  end_suite "$suite"
done

keep_logs
echo
if [ "$skipped_all" = 0 ]; then
  echo "$passed_all passed, $failed_all failed"
else
  echo "$passed_all passed, $failed_all failed, $skipped_all skipped"
fi
[ "${#bad_suites[@]}" = 0 ]
