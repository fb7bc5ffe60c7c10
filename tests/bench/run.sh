#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh ONLY BOARD ARCH CORES BUILD: prints the figures of docs/benchmarks.md.
set -eu
only=$1 board=$2 arch=$3 cores=$4 build=$5
out=build/bench/$board-$arch
[ "$cores" = 1 ] || out+=-${cores}cores
mkdir -p "$out"
rm -f "$out/all.log"

wanted() { [ -z "$only" ] || [[ $1 == *"$only"* ]]; }
show() { ! wanted "$1" || printf '  %-28s %s\n' "$1" "$2"; }

echo "Instructions per operation, $board-$arch, $cores core(s), -icount shift=0:"
for image in bench bench-objects bench-traps bench-libc bench-classics; do
    ICOUNT=shift=0 LIMIT=120 tools/build/run-image.sh "$board" "$arch" "$cores" "$build/$image.elf" "$out" >"$out/log" 2>&1 ||
        { tail -20 "$out/log" >&2; exit 1; }
    # The C library's rows are no part of tests/bench/counts: booting measures the clock, and stacks' depths count.
    [ $image = bench-libc ] || grep '^bench: ' "$out/console.log" >>"$out/all.log"
    sed -n 's/^bench: //p' "$out/console.log" | while read -r name value; do show "$name" "$value"; done
done

# The collector's rows are no part of tests/bench/counts: they depend on the image's data.
if [ -z "$only" ] || [[ collector == *"$only"* ]] || [[ $only == collector* ]]; then
    ICOUNT=shift=0 LIMIT=120 tools/build/run-image.sh "$board" "$arch" "$cores" "$build/bench-collector.elf" "$out" >"$out/log" 2>&1 ||
        { tail -20 "$out/log" >&2; exit 1; }
    sed -n 's/^bench: //p' "$out/console.log" | while read -r name value; do show "$name" "$value"; done
fi

# What one timer interrupt executes before C code that is the same on every CPU: counted in a trace of every instruction.
# With one core: it is the same with several, whose traces are ten times as long.
if [ "$cores" = 1 ] && wanted interrupt_to_handler; then
    trace=$out/trace
    # As the trace has them: "[.../ADDRESS/...".
    address() { "${CROSS:-}nm" "$build/bench.elf" | awk -v name="$1" '$3 == name { print tolower($1) }'; }
    last=$(address upcall_timer)
    if [ "$board" = malta ]; then
        first=$(address arch_vector_interrupt)
        first=${first: -8} last=${last: -8} filter=
    else
        first=$(address amd64_timer_entry)
        # Not the BIOS: all that runs between the two.
        filter=" -dfilter 0x$(address arch_trap_begin)..0x$(address arch_trap_end),0x$(address amd64_timer)+0x20,0x$last+1"
    fi
    ICOUNT=shift=0 LIMIT=120 EXTRA="-singlestep -d exec,nochain -D $trace$filter" \
        tools/build/run-image.sh "$board" "$arch" "$cores" "$build/bench.elf" "$out" interrupt >"$out/log" 2>&1 ||
        { tail -20 "$out/log" >&2; exit 1; }
    count=$(awk -v first="/$first/" -v last="/$last/" '!/^Trace/ { next }
        index($0, first) { inside = 1; count = 0 }
        inside && index($0, last) { print count; exit }
        inside { count++ }' "$trace")
    show interrupt_to_handler "$count"
    rm -f "$trace"
fi

echo "Bytes, by size:"
for image in bench-minimal demo; do
    read -r text data bss _ < <("${CROSS:-}size" "$build/$image.elf" | tail -1)
    show "${image}_text" "$text"
    show "${image}_data" "$data"
    show "${image}_bss" "$bss"
done
