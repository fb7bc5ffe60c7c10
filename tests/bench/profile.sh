#!/bin/bash
# SPDX-License-Identifier: MIT
# profile.sh ONLY IMAGE: what being profiled costs on board linux, beside Go's runtime/pprof, in one run: each program
# does the same work with its profiler and without, in turns. The median of the pairs' ratios of CPU time, and the
# samples for each second of it. Go is left out by name when it is not there; EXTRAS=1 installs it.
set -eu
only=$1 image=$2
here=$(cd "$(dirname "$0")" && pwd)
out=build/bench/linux-amd64
case profiler in *"$only"*) ;; *) exit 0 ;; esac
mkdir -p "$out"
pinned=()
! taskset -c 0 true 2>/dev/null || pinned=(taskset -c 0)
programs=("$image") names=(weft)
if command -v go >/dev/null; then
    env GO111MODULE=off GOCACHE="$PWD/$out/go-cache" go build -o "$out/go_profile" "$here/peers/go_profile.go"
    programs+=("$out/go_profile") names+=(Go)
else
    echo "  Go's profiler is left out: it is not installed (golang-go; EXTRAS=1 installs it)"
fi
for i in "${!programs[@]}"; do
    GOMAXPROCS=1 "${pinned[@]}" "${programs[i]}" 2>"$out/${names[i]}-profile.log" | sed -n 's/^pair: //p' >"$out/${names[i]}.pairs"
done
echo "Profiled work, CPU time in multiples of the same work's without (medians of pairs), and samples a second:"
printf '  %-12s' rate
printf '%22s' "${names[@]}"
echo
for hz in 100 1000 10000; do
    printf '  %-12s' "$hz Hz"
    for name in "${names[@]}"; do
        printf '%22s' "$(awk -v hz=$hz '$1 == hz { print $3 / $2, $4 / ($3 / 1e9) }' "$out/$name.pairs" | sort -n |
            awk '{ ratio[NR] = $1; sum += $2 } END { printf "%.4f (%d)", ratio[int((NR + 1) / 2)], sum / NR }')"
    done
    echo
done
