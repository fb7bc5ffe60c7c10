#!/bin/bash
# SPDX-License-Identifier: MIT
# collector.sh ONLY IMAGE: on board linux, what a collection takes per living 32-byte block, in nanoseconds, beside bdwgc.
set -eu
only=$1 image=$2
[ -z "$only" ] || [[ collector == *"$only"* ]] || [[ $only == collector* ]] || exit 0
here=$(cd "$(dirname "$0")" && pwd)
out=build/bench/linux-amd64
mkdir -p "$out"

median() { # ROW COMMAND: of 7 runs
    for _ in 1 2 3 4 5 6 7; do $2 | sed -n "s/^bench: $1 //p"; done | sort -n | sed -n 4p
}
rows='collector_mark_32_bytes collector_memory_percent'
for row in $rows; do printf '  %-28s weft %s\n' "$row" "$(median "$row" "$image")"; done
if echo '#include <gc.h>' | gcc -E - >/dev/null 2>&1; then
    gcc -std=gnu11 -O2 -o "$out/bdwgc" "$here/peers/bdwgc.c" -lgc
    for row in $rows; do printf '  %-28s bdwgc %s\n' "$row" "$(median "$row" "$out/bdwgc")"; done
else
    echo "  bdwgc is left out: it is not installed (libgc-dev; EXTRAS=1 installs it)"
fi
