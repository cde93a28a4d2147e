#!/usr/bin/env bash
# The inverse that reco.ease() rests on beside Cholesky and inverse of the OpenBLAS that the
# extension links: seconds, and how far they are apart.
#
# usage: ease.sh [ITEMS [THREADS...]]        (20000 1)
#
# Run it after make, on an otherwise idle machine.  The serial OpenBLAS has one thread: compare
# with reco on one, or name an OpenBLAS with threads in PEER_BLAS (a libopenblas.so, as Debian's
# libopenblas0-pthread has it), which then gets as many.  ITEMS^2 x 10 bytes of memory are needed;
# with DOUBLE=1, which also compares with float8, ITEMS^2 x 18.
set -euo pipefail
cd "$(dirname "$0")/../.."

items=${1:-20000}
shift || true
serial=/usr/lib/$(gcc -print-multiarch)/openblas-serial/libopenblas.a
[ -e "$serial" ] || serial=-lopenblas
blas=${PEER_BLAS:-$serial}
cc -O2 -Wall -Isrc -o build/ease test/bench/ease.c build/libreco_core.a "$blas" \
  build/libreco_core.a -fopenmp -lgfortran -lpthread -lm
for threads in "${@:-1}"; do
  OPENBLAS_NUM_THREADS=$threads build/ease "$items" "$threads" ${DOUBLE:+double}
done
