#!/bin/sh
# SPDX-License-Identifier: MIT
# emulator-exit.sh QEMU...: runs QEMU and gives the firmware's exit status as its own. The firmware
# writes its status plus one to isa-debug-exit, and QEMU ends with twice that and one: so neither QEMU's own
# failures (1) nor a processor that was reset (0) can look like a success.
"$@"
status=$?
case $status in
0)
    echo "weft: the machine switched itself off or was reset (a triple fault?), without an exit status" >&2
    exit 125 ;;
1 | *[02468]) exit "$status" ;;
255) exit 255 ;; # a status above 124: the console says which
*) exit $((status / 2 - 1)) ;;
esac
