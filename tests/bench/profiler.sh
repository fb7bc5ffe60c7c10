#!/bin/bash
# SPDX-License-Identifier: MIT
# profiler.sh ONLY BOARD ARCH CORES BUILD: what the profiler takes (tests/bench/profiler.c). No part of tests/bench/counts:
# the log's bytes and the rows depend on the image.
set -eu
only=$1 board=$2 arch=$3 cores=$4 build=$5
[ -z "$only" ] || [[ profiler == *"$only"* ]] || [[ $only == profiler* ]] || exit 0
[ "$cores" = 1 ] || { echo "  profiler: skipped, it is measured with one core (emulated cores take turns, so waiting for one takes minutes)"; exit 0; }
out=build/bench/$board-$arch/profiler
mkdir -p "$out"
ICOUNT=$([ "$board" = linux ] || echo shift=0) LIMIT=300 \
    tools/build/run-image.sh "$board" "$arch" "$cores" "$build/bench-profiler.elf" "$out" $([ "$board" != linux ] || echo heap=512) >"$out/log" 2>&1 ||
    { tail -20 "$out/log" >&2; exit 1; }
sed -n 's/^bench: //p' "$out/console.log" | while read -r name value; do printf '  %-28s %s\n' "$name" "$value"; done
