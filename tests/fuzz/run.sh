#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh SECONDS INPUT-ELF PROGRAM...: each fuzz target for SECONDS, from a few seeds. What broke one stays
# under build/tests/fuzz/.
set -u
seconds=$1 elf=$2 failed=0
shift 2
for program in "$@"; do
    name=$(basename "$program") folder=build/tests/fuzz/$(basename "$program")
    mkdir -p "$folder/corpus"
    case $name in
    fuzz-elf) cp "$elf" "$folder/corpus/seed" ;;
    fuzz-serial) find build/tests/run -name serial.raw -size -64k 2>/dev/null | head -20 | while read -r file; do
        cp "$file" "$folder/corpus/$(echo "$file" | tr / -)"; done ;;
    fuzz-threads) printf 'break: all\n\nthread 7 "a" [ready, 3 ms]:\nf\n\tx.c:1 +0x4\npc=0x12\ncreated by g\n\ty.c:2 +0x8\n\n' \
        >"$folder/corpus/seed" ;;
    esac
    if "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$folder/" \
        "$folder/corpus" >"$folder/log" 2>&1; then
        echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/log") inputs, nothing found"
    else
        echo "$name: found something; the end of $folder/log:"
        tail -30 "$folder/log"
        failed=1
    fi
done
exit $failed
