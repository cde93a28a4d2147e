#!/usr/bin/env bash
#
# Installs the Debian packages that are missing; does nothing when all is there.
#
#   test/setup.sh           everything that `make check-all` needs
#   test/setup.sh demo      only what building and `make demo` need
#   test/setup.sh test      demo, and what the tests need
#   test/setup.sh pages     what looks at the report, and drivers for applications.md, but for
#                           node and for Go, which is large (golang-go,
#                           golang-github-jackc-pgx-v4-dev)
#   test/setup.sh fuzz      demo, and clang's fuzzer for `make fuzz`
#
# Runs as root, or as a user with sudo. PG_CONFIG chooses a server of one's own:
# then no package of PostgreSQL is asked for.
set -euo pipefail

# The server to build for: one that is installed, preferably with its headers,
# the newest of several; else the distribution's own.
server_version() {
  local dir version='' complete=''
  # shellcheck disable=SC2045
  for dir in $(ls -dv /usr/lib/postgresql/* 2>/dev/null); do
    [ -x "$dir/bin/postgres" ] || continue
    version=${dir##*/}
    [ ! -e "$dir/lib/pgxs/src/makefiles/pgxs.mk" ] || complete=$version
  done
  if [ -z "$version" ]; then
    version=$(apt-cache depends postgresql 2>/dev/null |
      sed -n 's/^ *Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | tail -n 1)
  fi
  echo "${complete:-${version:-15}}"
}

# The Fortran run-time library's link that belongs to the C compiler.
fortran_version() {
  local version
  version=$(gcc -dumpversion 2>/dev/null | cut -d. -f1) || version=''
  if [ -z "$version" ]; then
    version=$(apt-cache depends gcc 2>/dev/null |
      sed -n 's/^ *Depends: gcc-\([0-9][0-9]*\)$/\1/p' | tail -n 1)
  fi
  echo "${version:-12}"
}

own_server() {
  [ -n "${PG_CONFIG:-}" ] && [ "$PG_CONFIG" != pg_config ] &&
    [ -x "$("$PG_CONFIG" --bindir)/postgres" ] && [ -e "$("$PG_CONFIG" --pgxs)" ]
}

packages() {
  local topic version
  for topic in "$@"; do
    case $topic in
      demo)
        echo gcc libc6-dev make libopenblas-serial-dev "libgfortran-$(fortran_version)-dev"
        if ! own_server; then
          version=$(server_version)
          echo "postgresql-$version" "postgresql-server-dev-$version"
        fi ;;
      test)
        echo libcmocka-dev perl libipc-run-perl
        own_server || echo "postgresql-$(server_version)-cron" ;;
      pages)
        echo chromium python3-psycopg libpostgresql-jdbc-java
        echo python3-django python3-psycopg2 ruby-activerecord ruby-pg ;;
      fuzz) echo clang libclang-rt-dev ;;
      *) echo "usage: test/setup.sh [demo|test|pages|fuzz]..." >&2; return 2 ;;
    esac
  done
}

# What of the list is not installed.
missing() {
  local installed package
  installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p' | tr '\n' ' ' || true) "
  for package in "$@"; do
    [[ $installed == *" $package "* ]] || printf '%s ' "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Debian's postgresql package makes a cluster and starts it. None is needed here,
# so it is told not to, for the time of this installation.
hold=/etc/postgresql-common/createcluster.d/reco-setup.conf
without_main_cluster() {
  as_root mkdir -p "${hold%/*}"
  echo 'create_main_cluster = false' | as_root tee "$hold" >/dev/null
  trap 'as_root rm -f "$hold"' EXIT
}

install_packages() {
  [[ " $* " != *" postgresql-"* ]] || without_main_cluster
  as_root apt-get -q -o DPkg::Lock::Timeout=300 update ||
    echo "setup: apt-get update failed; trying with the package lists that are there" >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "$@"
}

main() {
  local wanted lacking
  case ${1:-all} in
    all) set -- demo test ;;
    test | fuzz) set -- demo "$@" ;;
  esac
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "setup: not a Debian system, so nothing is installed here; needed are gcc, make," \
      "OpenBLAS, PostgreSQL 14 or later with its server headers (PG_CONFIG=...)," \
      "and for the tests cmocka and Perl's IPC::Run" >&2
    return 0
  fi
  wanted=$(packages "$@")
  # shellcheck disable=SC2086
  lacking=$(missing $wanted)
  [ -n "$lacking" ] || return 0
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "setup: missing packages, and neither root nor sudo to install them. As root, run" >&2
    echo "  apt-get install --no-install-recommends $lacking" >&2
    return 1
  fi
  echo "setup: installing $lacking"
  # shellcheck disable=SC2086
  install_packages $lacking
}

main "$@"
