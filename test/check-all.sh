#!/usr/bin/env bash
#
# Runs the suites of tests and counts what passed.
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

passed_all=0 failed_all=0 skipped_all=0 bad_suites=()

section() { printf '%-10s ' "$1"; }

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
    "$passed" "$failed" "$skipped" "$what" "$((SECONDS - begin))"
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

# no_tests SUITE: a suite that has no tests yet
no_tests() {
  printf 'no tests in %s\n' "$1"
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
  in_tree perl test/layers.pl >"$log" 2>&1 || status=$?
  verdict layers "$status" "$(sed -n 's/^\([0-9]*\) passed, .*/\1/p' "$log")" \
    "$(sed -n 's/^.* passed, \([0-9]*\) failed$/\1/p' "$log")" 0 'files'
  [ "$status" = 0 ] || head -n 100 "$log"
}

# Each program under sanitizers, and with the kernels as they are shipped, at the best
# instruction set level of the machine; those whose tests do not go through the levels
# by themselves at the lower ones too.  As many at a time as there are processors.
suite_unit() {
  local test name log=$logs/unit.log programs=0 passed=0 failed=0 skipped=0 status=0
  local target=unit-tests what='under ASan and UBSan, and as shipped'
  local levels=' test_als test_als_normal test_als_values test_neighbors test_pruned '
  if [ "$sanitized" = no ]; then
    target=shipped-tests what='as shipped'
  fi
  if ! make_tree "${strict[@]}" "$target" >"$log" 2>&1; then
    verdict unit 1 0 1 0 'does not build'
    excerpt 30 "$log"
    return
  fi
  # the largest first, so that what takes long does not end alone
  # shellcheck disable=SC2045
  for test in $(ls -S "$tree"/test/unit/test_*.c); do
    name=$(basename "$test" .c)
    programs=$((programs + 1))
    [ "$sanitized" = no ] || unit_start "$name.sanitized" build/unit
    unit_start "$name.shipped" build/shipped
    case $levels in
      *" $name "*)
        unit_start "$name.base" build/shipped RECO_ISA=base
        unit_start "$name.v3" build/shipped RECO_ISA=v3
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

# Waits until fewer jobs run than there are processors.
at_most_processors() {
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
    wait -n || true
  done
}

# Starts unit_program with these arguments as soon as a processor is free.
unit_start() {
  at_most_processors
  unit_program "$@" &
}

suite_fuzz() {
  local target log=$logs/fuzz.log status=0 targets=0 passed=0 failed=0 corpus
  if ! compgen -G "$tree/test/fuzz/corpus/*/*" >/dev/null; then
    no_tests test/fuzz/corpus
    return
  fi
  if ! make_tree "${strict[@]}" fuzz-tests >"$log" 2>&1; then
    verdict fuzz 1 0 1 0 'does not build'
    excerpt 30 "$log"
    return
  fi
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

# The lines of pg_regress, as PostgreSQL 15 and before and as 16 and later write them.
regress_ok='^(test | {5}).* \.\.\. ok |^ok [0-9]+'
regress_failed='^(test | {5}).* \.\.\. FAILED|^not ok [0-9]+'

# pg_regress_suite SUITE FOLDER VARIABLE-TO-EMPTY
pg_regress_suite() {
  local suite=$1 folder=$2 other=$3 log=$logs/$1.log status=0 diffs
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
  cp "$cluster_dir/server.log" "$logs/server.log"
}

suite_regress() {
  [ -n "${cluster_dir:-}" ] || cluster_start
  pg_regress_suite regress . ISOLATION
}

suite_isolation() {
  if ! compgen -G "$tree/test/isolation/specs/*.spec" >/dev/null; then
    no_tests test/isolation/specs
    return
  fi
  [ -n "${cluster_dir:-}" ] || cluster_start
  pg_regress_suite isolation output_iso REGRESS
}

# The documentation, executed. Its server has pg_cron where that is installed.
suite_docs() {
  local log=$logs/docs.log status=0 preload=()
  [ ! -e "$("$PG_CONFIG" --pkglibdir)/pg_cron.so" ] ||
    preload=("shared_preload_libraries = 'pg_cron'" "cron.database_name = 'shop'")
  cluster_stop
  cluster_start "${preload[@]}"
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
  cluster_stop
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

# Much of what they do is to wait, so as many files at a time as there are processors; the
# server of each is its own.
suite_tap() {
  local src bin test
  tap_find_server
  for test in "$tree"/test/t/*.pl; do
    at_most_processors
    tap_file "$(basename "$test" .pl)" &
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
  tap_file training test/citus
  tap_verdict citus
}

# shellcheck disable=SC2030,SC2031,SC2034
# Starts a suite that keeps one processor busy beside others that do, with a server of its own.
beside='' beside_pid=
start_beside() {
  beside=$1
  (
    trap cluster_run_at_exit EXIT
    cluster_at_exit=() cluster_dir='' begin=$SECONDS
    passed_all=0 failed_all=0 skipped_all=0 bad_suites=()
    "suite_$1" >"$logs/beside.log" 2>&1
    echo "$passed_all $failed_all $skipped_all ${bad_suites[*]}" >"$logs/beside.counts"
  ) &
  beside_pid=$!
  at_exit 'kill "$beside_pid" 2>/dev/null; wait'
}

# Waits for its end: its lines and its counts.
end_beside() {
  local passed=0 failed=1 skipped=0 bad=$beside
  wait "$beside_pid" || true
  cat "$logs/beside.log"
  [ ! -e "$logs/beside.counts" ] || read -r passed failed skipped bad <"$logs/beside.counts"
  passed_all=$((passed_all + passed))
  failed_all=$((failed_all + failed))
  skipped_all=$((skipped_all + skipped))
  [ -z "$bad" ] || bad_suites+=("$bad")
}

build_all() {
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
begin=$SECONDS
if [ "$#" = 0 ]; then
  # faults made on purpose are in no other build for a server without assertions
  strict=(EXTRA_CFLAGS='-Werror -DRECO_FAULTS')
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

for suite in "${suites[@]}"; do
  case "$suite ${suites[*]} " in "regress "*" regress "*" docs "*) start_beside docs ;; esac
  section "$suite"
  begin=$SECONDS
  if [ "$suite" = "$beside" ]; then end_beside; else "suite_$suite"; fi
done

keep_logs
echo
if [ "$skipped_all" = 0 ]; then
  echo "$passed_all passed, $failed_all failed"
else
  echo "$passed_all passed, $failed_all failed, $skipped_all skipped"
fi
[ "${#bad_suites[@]}" = 0 ]
