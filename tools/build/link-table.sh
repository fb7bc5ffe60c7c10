#!/bin/sh
# SPDX-License-Identifier: MIT
# link-table.sh COMMAND... -o OUT...: runs a link twice (link.sh), the second time with the compact unwind table that
# weft-unwind-table (WEFT_UNWIND_TABLE says where it is) has made of the first one's OUT, and checks that it is right.
# The table lies behind the code, so that the second link moves no code. docs/unwinding.md.
folder=$(dirname "$0")
tool=${WEFT_UNWIND_TABLE:-$folder/../../bin/weft-unwind-table}
out= previous= flags=
for word in "$@"; do
    [ "$previous" != -o ] || out=$word
    case $word in -m*|-EB|-EL) flags="$flags $word" ;; esac
    previous=$word
done
[ -n "$out" ] || { echo "link-table.sh: the command has no -o OUT" >&2; exit 2; }

end() {
    rm -f "$out.table" "$out.table.o"
    [ "$1" = 0 ] || rm -f "$out"
    exit "$1"
}
"$folder/link.sh" "$@" && "$tool" make "$out" "$out.table" || end 1
# shellcheck disable=SC2086
printf '.section weft_unwind_table, "a"\n.balign 4\n.incbin "%s"\n.section .note.GNU-stack, ""\n' "$out.table" |
    "$1" $flags -x assembler -c -o "$out.table.o" - || end 1
"$folder/link.sh" "$@" "$out.table.o" && "$tool" check "$out" || end 1
end 0
