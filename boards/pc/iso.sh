#!/bin/bash
# SPDX-License-Identifier: MIT
# iso.sh ELF OUT [WORD...]: a bootable CD or USB image with GRUB, which starts ELF by Multiboot 2 with the WORDs as its
# arguments: from a BIOS, and from UEFI if GRUB for that is installed (package grub-efi-amd64-bin). INPUT names the file to
# hand over. GRUB talks to the screen and to COM1.
set -eu
fail() {
    echo "iso.sh: $1" >&2
    exit 1
}

[ $# -ge 2 ] || fail "usage: iso.sh ELF OUT [WORD...]"
elf=$1 out=$2
shift 2
[ -r "$elf" ] || fail "the image $elf is missing"
[ "$(head -c 4 "$elf" | tail -c 3)" = ELF ] || fail "$elf is not an ELF file"
[ -z "${INPUT:-}" ] || { [ -f "$INPUT" ] && [ -r "$INPUT" ]; } || fail "INPUT $INPUT is not a file that can be read"
for tool in grub-mkrescue xorriso mformat; do
    command -v $tool >/dev/null || fail "$tool is missing (packages grub-common grub-pc-bin xorriso mtools)"
done
[ -d /usr/lib/grub/i386-pc ] || fail "GRUB for PCs is missing (package grub-pc-bin)"
case "$*" in *[\;\{\}\'\"\$\\]*) fail "GRUB would not hand these arguments over as they are: $*" ;; esac

work=$(mktemp -d)
tree=$work/tree # what goes into the image, and nothing else
trap 'rm -rf "$work"' EXIT
mkdir -p "$tree/boot/grub"
cp "$elf" "$tree/boot/weft.elf"
module=
if [ -n "${INPUT:-}" ]; then
    cp "$INPUT" "$tree/boot/input"
    module='    module2 /boot/input'
fi
cat >"$tree/boot/grub/grub.cfg" <<END
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=0
set default=0
menuentry "weft" {
    multiboot2 /boot/weft.elf $*
$module
}
END
grubs=(-d /usr/lib/grub/i386-pc)
[ ! -d /usr/lib/grub/x86_64-efi ] || grubs=() # all that there are
grub-mkrescue ${grubs[@]+"${grubs[@]}"} --locales= --fonts= --themes= --compress=xz -o "$out" "$tree" >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; fail "grub-mkrescue failed"; }
