# shellcheck shell=bash
#
# A private PostgreSQL server for a script: to be sourced by bash.
#
#   . test/cluster.sh
#   cluster_start ["line of postgresql.conf"]...
#   psql -X ...                 # PGHOST, PGPORT, PGUSER, PGDATABASE are set
#   cluster_stop                # or simply exit
#
# The server lives in a folder of its own under /tmp, listens on a Unix socket
# in there and nowhere else, and is gone with the folder however the script
# ends. PostgreSQL refuses to run as root, so root starts it as another user
# (unprivileged_user); clients stay the caller, and the superuser of the
# database is always "postgres".
#
# PG_CONFIG chooses the server; it is set and exported for make when it is not.

# Threads that wait sleep, whatever else the machine does: see doc/operations.md.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

# Commands for the end of the script, last one first, however it ends.
cluster_at_exit=()
at_exit() {
  cluster_at_exit+=("$1")
}
cluster_run_at_exit() {
  local status=$? i
  trap '' INT TERM HUP
  trap - EXIT
  for ((i = ${#cluster_at_exit[@]} - 1; i >= 0; i--)); do
    eval "${cluster_at_exit[i]}" || true
  done
  exit "$status"
}
trap cluster_run_at_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Who runs the server and the tests when the caller is root.
unprivileged_user() {
  if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

as_unprivileged() {
  if [ "$(id -u)" = 0 ]; then
    runuser -u "$(unprivileged_user)" -- "$@"
  else
    "$@"
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "neither root nor sudo for: $*" >&2
    return 1
  fi
}

# Sets PG_CONFIG to one that belongs to an installed server.
find_server() {
  local candidate
  # shellcheck disable=SC2045
  for candidate in ${PG_CONFIG:-} "$(command -v pg_config)" \
    $(ls -drv /usr/lib/postgresql/*/bin/pg_config 2>/dev/null); do
    if [ -x "$("$candidate" --bindir 2>/dev/null)/initdb" ]; then
      export PG_CONFIG=$candidate
      return
    fi
  done
  echo "no PostgreSQL server found; PG_CONFIG=/path/to/pg_config chooses one" >&2
  return 1
}

# Installs what `make` has built, unless exactly that is installed already.
install_extension() {
  local version library extension file same=yes
  version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" reco.control)
  library=$("$PG_CONFIG" --pkglibdir)/reco.so
  extension=$("$PG_CONFIG" --sharedir)/extension
  for file in reco.control "sql/reco--$version.sql"; do
    cmp -s "$file" "$extension/${file##*/}" || same=no
  done
  if [ "$same" = yes ] && cmp -s reco.so "$library"; then
    return 0
  fi
  as_root "${MAKE:-make}" install PG_CONFIG="$PG_CONFIG"
}

# A new folder that the server's user owns and everybody may look into. Not
# under TMPDIR, which may be closed to that user and too long for a socket.
private_folder() {
  local dir
  dir=$(mktemp -d /tmp/reco.XXXXXX)
  chmod 755 "$dir"
  [ "$(id -u)" != 0 ] || chown "$(unprivileged_user)" "$dir"
  echo "$dir"
}

cluster_start() {
  local bin locale=C.UTF-8
  find_server
  bin=$("$PG_CONFIG" --bindir)
  locale -a 2>/dev/null | grep -qi '^c\.utf-\?8$' || locale=C
  cluster_dir=$(private_folder)
  at_exit cluster_stop
  (
    cd /
    as_unprivileged "$bin/initdb" -D "$cluster_dir/data" -U postgres -A trust -E UTF8 \
      --locale="$locale" --no-sync
  ) >"$cluster_dir/initdb.log" 2>&1 || {
    cat "$cluster_dir/initdb.log" >&2
    return 1
  }
  {
    echo "listen_addresses = ''"
    echo "unix_socket_directories = '$cluster_dir'"
    echo "port = 5432"
    echo "fsync = off"
    echo "max_wal_size = '4GB'"
    echo "timezone = 'UTC'"
    echo "max_locks_per_transaction = 256" # sweeps make many models in one transaction
    printf '%s\n' "$@"
  } >>"$cluster_dir/data/postgresql.conf"
  (
    cd /
    as_unprivileged "$bin/pg_ctl" -D "$cluster_dir/data" -l "$cluster_dir/server.log" -w -s start
  ) >/dev/null || {
    tail -n 20 "$cluster_dir/server.log" >&2
    return 1
  }
  unset PGSERVICE PGSERVICEFILE PGPASSWORD PGOPTIONS PGSSLMODE PGHOSTADDR PGTZ PGCLIENTENCODING
  export PGHOST=$cluster_dir PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
  PATH=$bin:$PATH
}

cluster_stop() {
  [ -n "${cluster_dir:-}" ] || return 0
  if [ -e "$cluster_dir/data/postmaster.pid" ]; then
    (cd / && as_unprivileged "$("$PG_CONFIG" --bindir)/pg_ctl" -D "$cluster_dir/data" \
      -m immediate -w -s stop) || true
  fi
  rm -rf "$cluster_dir"
  cluster_dir=
}
