#!/bin/sh
# SPDX-License-Identifier: MIT
# uimage.sh ELF OUT: makes OUT, a U-Boot image of the program ELF, compressed; with INPUT=FILE also
# OUT with -input before its suffix, a RAM disk of FILE. OBJCOPY is the target's objcopy.
set -eu
fail() {
    echo "uimage.sh: $1" >&2
    exit 1
}

[ $# = 2 ] || fail "usage: uimage.sh ELF OUT"
elf=$1 out=$2
[ -r "$elf" ] || fail "the image $elf is missing"
command -v mkimage >/dev/null || fail "mkimage is missing (package u-boot-tools)"
# The build is reproducible: the header's time is the last commit's, or nothing.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0}
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# $1: type   $2: compression   $3: address   $4: entry   $5: data   $6: result
make_image() {
    mkimage -A mips -O linux -T "$1" -C "$2" -a "$3" -e "$4" -n weft -d "$5" "$work/image" >"$work/log" 2>&1 ||
        { cat "$work/log" >&2; fail "mkimage failed"; }
    mv "$work/image" "$6"
}

# The lowest address that is loaded, and the entry; readelf sign-extends neither in 32-bit files.
load=$(LC_ALL=C readelf -lW "$elf" | awk '$1 == "LOAD" && $5 != "0x00000" { print $4 }' | sort | head -1)
entry=$(LC_ALL=C readelf -hW "$elf" | awk '/Entry point/ { print $4 }')
[ -n "$load" ] || fail "$elf has nothing to load"
"$OBJCOPY" -O binary "$elf" "$work/program"
gzip -9 -n "$work/program"
make_image kernel gzip "$load" "$entry" "$work/program.gz" "$out"
if [ -n "${INPUT:-}" ]; then
    [ -f "$INPUT" ] && [ -r "$INPUT" ] || fail "INPUT $INPUT is not a file that can be read"
    make_image ramdisk none 0 0 "$INPUT" "${out%.uimage}-input.uimage"
fi
