#!/bin/bash
# SPDX-License-Identifier: MIT
# counts.sh: writes tests/bench/counts from the consoles of `make bench`, one folder per target in build/bench.
# counts.sh tools TARGET: the compiler and emulator that the counts depend on, in one line.
set -eu
cd "$(dirname "$0")/../.."

tools() { # TARGET
    case $1 in
        malta-mips) compiler=mips-linux-gnu-gcc emulator=qemu-system-mips ;;
        malta-mipsel) compiler=mipsel-linux-gnu-gcc emulator=qemu-system-mipsel ;;
        *) compiler=x86_64-linux-gnu-gcc emulator=qemu-system-x86_64 ;;
    esac
    echo "gcc $($compiler -dumpfullversion), QEMU $($emulator --version | sed -n 's/.*version \([0-9]*\.[0-9]*\).*/\1/p')"
}

if [ "${1:-}" = tools ]; then
    tools "$2"
    exit
fi
targets="malta-mips malta-mipsel pc-amd64 malta-mips-2cores pc-amd64-2cores"
rows=$(sed -n 's/^bench: \([^ ]*\) .*/\1/p' build/bench/malta-mips/all.log)
{
    echo '# SPDX-License-Identifier: MIT'
    echo '# Instructions per operation, one core or two, default options: `make bench-counts` writes this file,'
    echo '# tests/board/costs-do-not-grow compares with it.'
    echo "# made with: $(tools malta-mips)"
    echo "row $targets"
    for row in $rows; do
        line=$row
        for target in $targets; do
            line+=" $(sed -n "s/^bench: $row //p" "build/bench/$target/all.log")"
        done
        echo "$line"
    done
} >tests/bench/counts.new
mv tests/bench/counts.new tests/bench/counts
