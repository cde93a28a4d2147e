#!/usr/bin/env bash
#
# What is handed out: an archive for PGXN, Debian packages, an image.
#
#   test/package.sh dist VERSION       build/reco-VERSION.zip, of the last commit
#   test/package.sh deb VERSION        build/deb/*.deb, of the tree as it is
#   test/package.sh check VERSION      all of it, tried on bare Debian systems
#
# For the check, on such systems:
#   test/package.sh build VERSION      packages, twice from two folders, and lintian
#   test/package.sh first-page         the tutorial's first page, with the package installed
#   test/package.sh dockerfile         what the Dockerfile says, without a builder of images
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "$@"
}

dist() {
  local name=reco-$1 meta
  meta=$(mktemp -d)
  sed "s/@VERSION@/$1/g" META.json.in >"$meta/META.json"
  touch -d "@$(git log -1 --format=%ct)" "$meta/META.json"
  mkdir -p build
  git archive --format=zip --prefix="$name/" --add-file="$meta/META.json" -o "build/$name.zip" HEAD
  rm -rf "$meta"
  echo "build/$name.zip"
}

# copy_to FOLDER: the tree, without what was built in it
copy_to() {
  mkdir -p "$1"
  tar --exclude=./.git --exclude=./build --exclude=./log --exclude='*.o' --exclude='*.d' \
    --exclude='*.so' -cf - . | tar -C "$1" -xf - --no-same-owner
}

# packages_into FOLDER VERSION: built in FOLDER/reco-VERSION
packages_into() {
  copy_to "$1/reco-$2"
  (
    cd "$1/reco-$2"
    pg_buildext updatecontrol
    env -u MAKEFLAGS -u MAKELEVEL -u PG_CONFIG dpkg-buildpackage -us -uc -b -j"$(nproc)"
  )
}

deb() {
  local folder
  command -v pg_buildext >/dev/null && command -v dh >/dev/null ||
    install_packages build-essential debhelper fakeroot gfortran libopenblas-serial-dev postgresql-server-dev-all
  folder=$(mktemp -d /tmp/reco-deb.XXXXXX)
  packages_into "$folder" "$1" >"$folder/log" 2>&1 || {
    tail -n 40 "$folder/log"
    rm -rf "$folder"
    return 1
  }
  rm -rf build/deb
  mkdir -p build/deb
  mv "$folder"/*.deb "$folder"/*.changes "$folder"/*.buildinfo build/deb
  rm -rf "$folder"
  ls build/deb/*.deb
}

build() {
  local first second
  install_packages lintian
  deb "$1"
  lintian --allow-root --fail-on error build/deb/*.changes
  first=$(sha256sum build/deb/postgresql-*-reco_*.deb)
  TMPDIR=/var/tmp deb "$1"
  second=$(sha256sum build/deb/postgresql-*-reco_*.deb)
  [ "$first" = "$second" ] || {
    echo "package: two builds differ:" "$first" "$second"
    return 1
  }
  echo 'package: the same, byte by byte, when it is built again elsewhere'
}

# with_server COMMAND...: beside a server of the package's, which goes with it
with_server() {
  local version status=0
  version=$(ls /usr/lib/postgresql)
  pg_lsclusters -h | grep -q . || pg_createcluster "$version" main >/dev/null
  pg_ctlcluster "$version" main start
  runuser -u postgres -- "$@" || status=$?
  pg_ctlcluster "$version" main stop
  return "$status"
}

# The tutorial up to the first list that it shows.
first_page() {
  local page
  page=$(mktemp --suffix=.md)
  sed '/^Join the ids/,$d' doc/tutorial.md >"$page"
  chmod 644 "$page"
  cp test/docs.pl /tmp
  (cd /tmp && with_server perl /tmp/docs.pl "$page")
}

# dockerfile: the steps of all stages one after the other, here.
dockerfile() {
  local line step='' from
  export PG_MAJOR
  PG_MAJOR=$(ls /usr/lib/postgresql)
  while IFS= read -r line; do
    case $line in '#'* | '') continue ;; esac
    step+=$line
    if [[ $step == *\\ ]]; then step=${step%\\}; continue; fi
    case $step in
      ARG* | FROM*) ;;
      WORKDIR*) mkdir -p "${step#WORKDIR }" && cd "${step#WORKDIR }" ;;
      'COPY . '*) copy_to "${step#COPY . }" ;;
      'COPY --from='*) read -r _ _ from line <<<"$step"; cp -a "$from." "$line" ;;
      RUN*) bash -euc "${step#RUN }" ;;
      *) echo "dockerfile: what is this? $step"; return 1 ;;
    esac
    step=
  done <"$OLDPWD/Dockerfile"
}

check() {
  local room=(test/clean-room.sh --tree --once)
  dist "$1"
  "${room[@]}" --take build/deb "test/package.sh build $1"
  "${room[@]}" --give build/deb 'DEBIAN_FRONTEND=noninteractive apt-get -q -y install ./build/deb/postgresql-15-reco_*.deb' \
    'test/package.sh first-page'
  # what the image begins with, then the steps
  "${room[@]}" 'DEBIAN_FRONTEND=noninteractive apt-get -q -y install postgresql' 'test/package.sh dockerfile' \
    'test/package.sh first-page'
}

case ${1:-} in
  dist | deb | build | check | dockerfile) "$@" ;;
  first-page) first_page ;;
  *) sed -n '3,15s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
