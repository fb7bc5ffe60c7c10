#!/bin/sh
# SPDX-License-Identifier: MIT
# link.sh COMMAND... -o OUT...: runs a link. Every warning is an error but one: Debian's MIPS libgcc is compiled
# position-independent, which the linker remarks on and handles (its stubs load $t9). After an error OUT is gone.
messages=$("$@" 2>&1)
status=$?
rest=$(printf '%s\n' "$messages" | grep -v 'linking abicalls files with non-abicalls files$' | grep .)
[ -z "$rest" ] || printf '%s\n' "$rest" >&2
[ $status != 0 ] || [ -z "$rest" ] || status=1
while [ $status != 0 ] && [ $# -gt 1 ]; do
    [ "$1" != -o ] || rm -f "$2"
    shift
done
exit $status
