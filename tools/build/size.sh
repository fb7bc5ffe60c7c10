#!/bin/bash
# SPDX-License-Identifier: MIT
# size.sh CROSS NAME FOLDER IMAGE COST: one line of `make size`, and the same image by folder. COST is an object whose
# symbols cost_NAME are as large as what they are named after (tests/bench/thread_cost.c).
set -eu
cross=$1 name=$2 folder=$3 image=$4 cost=$5
elf=$folder/$image.elf map=$folder/$image.map
declare -A bytes folders

# Code, constants, tables; initial values; RAM beyond those. Sections, not segments: alignment is nobody's.
read -r text data bss _ < <("${cross}size" "$elf" | tail -1)
printf '%-36s flash %7d  RAM %7d\n' "$name" $((text + data)) $((data + bss))

while read -r object; do
    folders[${object##*/}]=${object%%/*}
done < <(cd "$folder" && find arch boards kernel sched mem prof -name '*.o')

# Flash by folder: the input sections that were kept, in the output sections that are in the image. A line of
# the map is " .section 0xaddress 0xsize file", with a line break after a long name.
while read -r size file; do
    case $file in
    *.table.o) where=unwind\ table ;;
    *libgcc*) where=libgcc ;;
    *newlib/*/lib/*) where=newlib ;;
    *libweft.a*) where=${file##*libweft.a(} where=${folders[${where%)}]} ;;
    *) where=program ;;
    esac
    bytes[$where]=$((${bytes[$where]:-0} + size))
done < <(awk '
    /^Linker script and memory map/ { inside = 1 }
    !inside { next }
    /^\/DISCARD\// { wanted = 0 }
    /^[.w][a-z_]/ { wanted = $1 ~ /^(\.(text|rodata|data|sdata|init_array|fini_array|tdata|note)|weft_unwind_table)/ || ($1 ~ /^\.eh_frame/ && $2 !~ /^0x0*$/) }
    /^ [.A-Zw]/ && NF == 1 { line = $0; getline; $0 = line $0 }
    wanted && /^ [.A-Zw]/ && NF >= 4 && $2 ~ /^0x/ && $2 !~ /^0x0*$/ && $3 ~ /^0x/ { print $3, $4 }' "$map")
for where in "${!bytes[@]}"; do
    [ "${bytes[$where]}" = 0 ] || printf '    %-10s %7d\n' "$where" "${bytes[$where]}"
done | sort -k2 -n -r

line=
while read -r _ size _ symbol; do
    case $symbol in cost_*) symbol=${symbol#cost_} line+="${line:+, }${symbol//_/ } $((0x$size))" ;; esac
done < <("${cross}nm" -S "$cost")
echo "    a thread: $line"
if [ -n "$("${cross}readelf" -SW "$elf" | grep weft_unwind_table)" ]; then
    build/bin/weft-unwind-table size "$elf" |
        awk '{ printf "    unwind table: %d, %.1f %% of the text (%d)\n", $1, 100 * $1 / $2, $2 }'
fi
