#!/bin/bash
# SPDX-License-Identifier: MIT
# disk.sh ELF OUT [WORD...]: a raw disk image (for a disk, a USB stick, a virtual machine) that boots by BIOS: GRUB in
# front, one FAT partition with ELF, GRUB's configuration and the INPUT file. The WORDs are the program's arguments.
# The same input gives the same bytes.
#
#   sector 0      GRUB's boot.img, with the partition table
#   from 1        GRUB's core.img; its first sector says how long it is (grub-mkimage), so nothing has to be patched
#   from 2048     the partition
# Sources: GRUB manual 2.06, "Images"; Microsoft's FAT specification (1.03) for the partition's type.
set -eu
fail() {
    echo "disk.sh: $1" >&2
    exit 1
}

[ $# -ge 2 ] || fail "usage: disk.sh ELF OUT [WORD...]"
elf=$1 out=$2
shift 2
[ -r "$elf" ] || fail "the image $elf is missing"
[ "$(head -c 4 "$elf" | tail -c 3)" = ELF ] || fail "$elf is not an ELF file"
[ -z "${INPUT:-}" ] || { [ -f "$INPUT" ] && [ -r "$INPUT" ]; } || fail "INPUT $INPUT is not a file that can be read"
for tool in grub-mkimage mformat mcopy; do
    command -v $tool >/dev/null || fail "$tool is missing (packages grub-common grub-pc-bin mtools)"
done
modules=/usr/lib/grub/i386-pc
[ -r $modules/boot.img ] || fail "GRUB for PCs is missing (package grub-pc-bin)"
case "$*" in *[\;\{\}\'\"\$\\]*) fail "GRUB would not hand these arguments over as they are: $*" ;; esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=315532800 MTOOLS_SKIP_CHECK=1 # FAT's time starts in 1980

# le32 NUMBER: its four bytes, lowest first.
le32() {
    printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24)))"
}

cat >"$work/grub.cfg" <<END
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
multiboot (hd0,msdos1)/boot/weft.elf $*
${INPUT:+module (hd0,msdos1)/boot/input}
boot
END
grub-mkimage -d $modules -O i386-pc -p '(hd0,msdos1)/boot/grub' -c "$work/grub.cfg" -o "$work/core.img" \
    biosdisk part_msdos fat multiboot boot serial terminal || fail "grub-mkimage failed"
first=2048
[ "$(stat -c %s "$work/core.img")" -le $(((first - 1) * 512)) ] || fail "GRUB does not fit in front of the partition"

# The partition: FAT16, whose least size is 4085 clusters; room for the files and some more.
bytes=$(cat "$elf" ${INPUT:+"$INPUT"} | wc -c)
sectors=$((bytes / 512 + 16384))
truncate -s $((sectors * 512)) "$work/fat"
mformat -i "$work/fat" -T $sectors -h 16 -s 63 -H $first -c 2 -N 57454654 -v WEFT :: || fail "mformat failed"
mmd -i "$work/fat" ::/boot
mcopy -i "$work/fat" "$elf" ::/boot/weft.elf
[ -z "${INPUT:-}" ] || mcopy -i "$work/fat" "$INPUT" ::/boot/input

# Partition table entry: active, cylinder addresses unused (0xffffff), type 0x0e (FAT16, linear addresses).
{
    head -c 446 $modules/boot.img
    printf '\200\376\377\377\016\376\377\377'
    le32 $first
    le32 $sectors
    head -c 48 /dev/zero
    printf '\125\252'
    cat "$work/core.img"
} >"$work/disk"
truncate -s $((first * 512)) "$work/disk"
cat "$work/fat" >>"$work/disk"
mv "$work/disk" "$out"
