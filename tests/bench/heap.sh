#!/bin/bash
# SPDX-License-Identifier: MIT
# heap.sh BOARD ARCH BUILD CORES: the heap's figures (make bench-heap).
set -eu
board=$1 arch=$2 build=$3 cores=$4
out=build/bench/$board-$arch
mkdir -p "$out"

if [ "$board" != linux ]; then
    echo "Instructions, $board-$arch, $cores core(s), -icount shift=0:"
    ICOUNT=shift=0 LIMIT=120 tools/build/run-image.sh "$board" "$arch" "$cores" "$build/bench-heap.elf" "$out" >"$out/log" 2>&1 ||
        { tail -20 "$out/log" >&2; exit 1; }
    sed -n 's/^bench: \([^ ]*\) \(.*\)/  \1 \2/p' "$out/console.log"
    exit
fi

library=$PWD/build/host/libweft-malloc.so
mimalloc=$(ldconfig -p | sed -n 's/.*libmimalloc\.so.* => //p' | head -1)
echo "Nanoseconds per malloc and free, one thread:"
echo "  weft (with its mutex):$(LD_PRELOAD=$library build/host/heap-time)"
echo "  glibc:$(build/host/heap-time)"
if [ -n "$mimalloc" ]; then
    echo "  mimalloc:$(LD_PRELOAD=$mimalloc build/host/heap-time)"
else
    echo "  mimalloc is left out: it is not installed (libmimalloc-dev; EXTRAS=1 installs it)"
fi

echo "Smallest arena for a recorded trace:"
record() { # NAME COMMAND...
    local name=$1
    shift
    command -v "$1" >/dev/null || { echo "  $name is left out: it is not installed"; return; }
    rm -f "$out/$name.trace"
    WEFT_MALLOC_TRACE=$out/$name.trace LD_PRELOAD=$library "$@" >/dev/null 2>&1
    echo "  $name: $(build/host/heap-replay "$out/$name.trace")"
}
gcc -E -Iinclude -I. -Itests/unit mem/page.c -o "$out/page.i"
record cc1 "$(gcc -print-prog-name=cc1)" -fpreprocessed -quiet -w -O1 "$out/page.i" -o /dev/null
record sqlite3 sqlite3 :memory: 'create table t(a integer, b text);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000)
    insert into t select i, printf("row %d", i * 7919 % 5003) from n;
    create index tb on t(b); delete from t where a % 3 = 0; select count(*) from t where b > "row 3";'
record python3 "$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null || echo python3)" -S -c '
import json; d = {str(i): [i] * (i % 9) for i in range(5000)}
for _ in range(3): d = json.loads(json.dumps(d))'
