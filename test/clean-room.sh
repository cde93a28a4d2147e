#!/usr/bin/env bash
#
# The first hour on somebody else's machine: a bare Debian system in a folder,
# with nothing but make, in which `make demo` and `make check-all` have to work;
# as root, then as an ordinary user with sudo.
#
#   test/clean-room.sh [--tree] [--keep] [--once] [--setup] [--held] [--suite NAME]
#                      [--give FOLDER] [--take FOLDER] [COMMAND...]
#
#   --tree        the working tree as it is, instead of the last commit
#   --keep        leave the folder, and say where it is
#   --once        as root only
#   --setup       install what test/setup.sh does before the commands
#   --held        make the system, but begin with the commands at the end of the input
#   --suite NAME  the release of Debian (bookworm)
#   --give FOLDER that folder of the tree, though it was built, goes with it
#   --take FOLDER what the commands leave in that folder of the tree comes back from there
#   COMMAND...    instead of both commands, e.g. "make demo"
#
# Needs root, debootstrap and about 3 GB under /tmp. The proxies, mirrors and
# keys that this machine's apt uses are used inside, too. Ends with 3 when the
# system, or what --setup installs, is not to be had.
set -euo pipefail
cd "$(dirname "$0")/.."

from=commit keep='' once='' setup='' held='' suite=bookworm give='' take=''
while [ $# -gt 0 ]; do
  case $1 in
    --tree) from=tree ;;
    --keep) keep=yes ;;
    --once) once=yes ;;
    --setup) setup=yes ;;
    --held) held=yes ;;
    --suite) suite=$2; shift ;;
    --give) give=$2; shift ;;
    --take) take=$2; shift ;;
    --*) sed -n '3,23s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) break ;;
  esac
  shift
done
[ $# -gt 0 ] || set -- 'make demo' 'make check-all'
[ -z "$held" ] || exec 6<&0 </dev/null

if [ "$(id -u)" != 0 ]; then
  echo 'clean-room: needs root, to make a system in a folder' >&2
  exit 1
fi
command -v debootstrap >/dev/null || {
  apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends debootstrap
} >/dev/null || exit 3

room=$(mktemp -d /tmp/reco-room.XXXXXX)
chmod 755 "$room"

leave() {
  local status=$? mounted
  trap '' INT TERM HUP
  trap - EXIT
  for mounted in dev/pts dev/shm proc; do
    ! mountpoint -q "$room/$mounted" || umount "$room/$mounted" || umount -l "$room/$mounted"
  done
  if [ -n "$keep" ]; then
    echo "clean-room: left in $room"
  elif ! grep -q " $room/" /proc/mounts; then
    rm -rf --one-file-system "$room"
  fi
  exit "$status"
}
trap leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# inside USER COMMAND: in the room, with a clean environment
inside() {
  chroot "$room" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 runuser -u "$1" -- bash -c "$2"
}

# quietly COMMAND...: shows what it said only when it fails
quietly() {
  "$@" >"$room.log" 2>&1 || {
    tail -n 40 "$room.log"
    rm -f "$room.log"
    return 1
  }
  rm -f "$room.log"
}

# False when a step fails: `set -e` is off inside a condition.
make_room() {
  local package=$1 mirror
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $suite" 2>/dev/null | head -n 1)
  quietly debootstrap --variant=minbase "$suite" "$room" ${mirror:+"$mirror"} || return 1
  # what is thrown away need not survive a crash
  echo force-unsafe-io >"$room/etc/dpkg/dpkg.cfg.d/clean-room" || return 1
  mount -t proc proc "$room/proc" || return 1
  mountpoint -q "$room/dev/pts" || mount -t devpts -o newinstance,ptmxmode=0666 devpts "$room/dev/pts" || return 1
  mount -t tmpfs -o mode=1777 tmpfs "$room/dev/shm" || return 1
  cp /etc/resolv.conf /etc/hosts "$room/etc/" || return 1
  cp -r /etc/apt/apt.conf.d/. "$room/etc/apt/apt.conf.d/" || return 1
  [ ! -e /etc/apt/apt.conf ] || cp /etc/apt/apt.conf "$room/etc/apt/"
  if ! inside root 'apt-get -q update' >/dev/null 2>&1; then
    rm -rf "$room/etc/apt/sources.list" "$room/etc/apt/sources.list.d"
    cp -r /etc/apt/sources.list* "$room/etc/apt/"
    cp -r /etc/apt/trusted.gpg.d/. "$room/etc/apt/trusted.gpg.d/"
    cp -r /usr/share/keyrings/. "$room/usr/share/keyrings/"
    quietly inside root 'apt-get -q update' || return 1
  fi
  quietly inside root "DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $package"
}

# put FOLDER OWNER: the project, as somebody would have cloned it
put() {
  mkdir -p "$room/$1"
  if [ "$from" = commit ]; then
    git archive HEAD | tar -C "$room/$1" -xf -
  else
    tar --exclude=./.git --exclude=./build --exclude=./log --exclude='*.o' --exclude='*.d' \
      --exclude='*.so' -cf - . | tar -C "$room/$1" -xf - --no-same-owner
  fi
  [ -z "$give" ] || tar -cf - "$give" | tar -C "$room/$1" -xf - --no-same-owner
  chroot "$room" chown -R "$2:" "$1"
}

try() {
  local user=$1 folder=$2 command begin
  shift 2
  put "$folder" "$user"
  for command in "$@"; do
    printf '\n=== %s as %s\n' "$command" "$user"
    begin=$SECONDS
    inside "$user" "cd $folder && $command"
    printf '=== %s s\n' "$((SECONDS - begin))"
  done
}

begin=$SECONDS
make_room make || {
  echo "clean-room: cannot make a system of $suite" >&2
  exit 3
}
if [ -n "$setup" ]; then
  put /root/reco root
  quietly inside root 'cd /root/reco && test/setup.sh' || {
    echo 'clean-room: cannot install what the tests need' >&2
    exit 3
  }
fi
echo "clean-room: $suite, made in $((SECONDS - begin)) s"
[ -z "$held" ] || cat <&6 >/dev/null
try root /root/reco "$@"
if [ -n "$take" ]; then
  rm -rf "$take"
  mkdir -p "$take"
  tar -C "$room/root/reco/$take" -cf - . | tar -C "$take" -xf - --no-same-owner
fi
if [ -n "$once" ]; then
  echo
  echo 'clean-room: all well'
  exit 0
fi

# Nothing of the first try may help the second.
rm -rf "$room/root/reco"
leftovers=$(find "$room/tmp" "$room/dev/shm" -mindepth 1 -name '*reco*' -o -name '*postgres*' | head -n 5)
processes=$(for pid in /proc/[0-9]*; do
  [ "$(readlink "$pid/root" 2>/dev/null)" != "$room" ] || tr '\0' ' ' <"$pid/cmdline"
done)
if [ -n "$leftovers$processes" ]; then
  echo "clean-room: left behind: $leftovers $processes" >&2
  exit 1
fi

quietly inside root 'useradd -m -s /bin/bash visitor'
quietly inside root 'DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends sudo'
echo 'visitor ALL=(ALL) NOPASSWD: ALL' >"$room/etc/sudoers.d/visitor"
inside root 'rm -f /usr/lib/postgresql/*/lib/reco.so /usr/share/postgresql/*/extension/reco*
  DEBIAN_FRONTEND=noninteractive apt-get -q -y purge libcmocka-dev libopenblas-serial-dev' >/dev/null 2>&1
try visitor /home/visitor/reco "$@"
echo
echo 'clean-room: all well'
