#!/bin/bash
# SPDX-License-Identifier: MIT
# hosted.sh ONLY IMAGE CORES: weft's rows on board linux beside those of other libraries, in one run: every program in
# turn, RUNS times (7); each row's median, and what the peers take in multiples of weft's. With one core all are on one
# processor; with two the programs and rows are others (hosted_cores.c). A peer that is not installed is left out by
# name; EXTRAS=1 make bench BOARD=linux installs all.
set -eu
only=$1 image=$2 cores=$3
runs=${RUNS:-7}
here=$(cd "$(dirname "$0")" && pwd)
out=build/bench/linux-amd64
mkdir -p "$out"
rm -f "$out"/*.rows

programs=(weft) columns=(weft)
add() { # NAME COMMAND-THAT-BUILDS-IT...
    local name=$1
    shift
    if "$@" >"$out/$name.log" 2>&1; then
        programs+=("$out/$name") columns+=("$name")
    else
        echo "  $name does not build (see $out/$name.log)" >&2
        exit 1
    fi
}
missing() { echo "  $1 is left out: it is not installed ($2; EXTRAS=1 installs it)"; }
has_header() { command -v g++ >/dev/null && echo "#include <$1>" | g++ -E -x c++ - >/dev/null 2>&1; }

one_core_peers() {
    add Linux gcc -std=gnu11 -O2 -pthread -o "$out/Linux" "$here/peers/linux.c"
    if has_header boost/context/detail/fcontext.hpp; then
        add Boost.Context g++ -O2 -o "$out/Boost.Context" "$here/peers/boost_context.cpp" -lboost_context
    else
        missing Boost.Context "g++ libboost-context-dev"
    fi
    if has_header boost/fiber/all.hpp; then
        add Boost.Fiber g++ -O2 -pthread -o "$out/Boost.Fiber" "$here/peers/boost_fiber.cpp" -lboost_fiber -lboost_context
    else
        missing Boost.Fiber "g++ libboost-fiber-dev"
    fi
    if has_header st.h; then
        add State-Threads gcc -std=gnu11 -O2 -o "$out/State-Threads" "$here/peers/state_threads.c" -lst
    else
        missing State-Threads libst-dev
    fi
}

if [ "$cores" -gt 1 ]; then
    add Linux gcc -std=gnu11 -O2 -pthread -o "$out/Linux" "$here/peers/linux_cores.c"
    add Spinning gcc -std=gnu11 -O2 -pthread -DSPINNING -o "$out/Spinning" "$here/peers/linux_cores.c"
else
    one_core_peers
fi
if has_header tbb/task_group.h; then
    add TBB g++ -O2 -o "$out/TBB" "$here/peers/tbb.cpp" -ltbb
else
    missing TBB "g++ libtbb-dev"
fi
if command -v go >/dev/null; then
    add Go env GO111MODULE=off GOCACHE="$PWD/$out/go-cache" go build -o "$out/Go" "$here"/peers/go{,_waits,_cores}.go
else
    missing Go golang-go
fi

pinned=()
if [ "$cores" -eq 1 ] && taskset -c 0 true 2>/dev/null; then
    pinned=(taskset -c 0)
elif [ "$cores" -gt "$(nproc)" ]; then
    echo "  $cores cores want as many processors, and there are $(nproc): nothing is measured"
    exit 0
fi
for ((run = 0; run < runs; run++)); do
    for i in "${!programs[@]}"; do
        program=${programs[i]}
        [ "$program" != weft ] || program=$image
        CORES=$cores GOMAXPROCS=$cores "${pinned[@]}" "$program" | sed -n 's/^row: //p' >>"$out/${columns[i]}.rows"
    done
done

echo "Nanoseconds per operation, medians of $runs interleaved runs; in brackets, multiples of weft's:"
median() { # FILE ROW
    sed -n "s/^$2 //p" "$1" | sort -n | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'
}
printf '  %-26s %8s' '' weft
printf '%18s' "${columns[@]:1}"
echo
awk '!seen[$1]++ { print $1 }' "$out/weft.rows" | while read -r name; do
    [[ $name == *"$only"* ]] || continue
    own=$(median "$out/weft.rows" "$name")
    printf '  %-26s %8s' "$name" "$own"
    for column in "${columns[@]:1}"; do
        value=$(median "$out/$column.rows" "$name")
        [ -z "$value" ] || value=$(awk -v a="$value" -v b="$own" 'BEGIN { printf "%s (%.2f)", a, a / b }')
        printf '%18s' "$value"
    done
    echo
done
