#!/bin/bash
# SPDX-License-Identifier: MIT
# run-image.sh BOARD ARCH CORES ELF OUT [WORD...]: boots an image on a board's emulator under the
# host tool's supervision. WORDs are the firmware's arguments. The firmware's exit status is ours.
#   INPUT    file handed to the firmware (optional)       LIMIT    seconds until a hang is called one (60)
#   BOARD_FOLDER  the board's folder (boards/BOARD)
#   ICOUNT   QEMU's -icount value, for exact counting     EXTRA    more emulator options
set -eu
board=$1 arch=$2 cores=$3 elf=$4 out=$5
shift 5
here=$(dirname "$0")/../..
LIMIT=${LIMIT:-60} INPUT=${INPUT:-} ICOUNT=${ICOUNT:-} EXTRA=${EXTRA:-}

fail() {
    echo "weft: $1" >&2
    exit 2
}

[ -r "$elf" ] || fail "the image $elf is missing; make builds it"
folder=${BOARD_FOLDER:-$here/boards/$board}
[ -r "$folder/emulator.sh" ] || fail "board $board has no emulator ($folder/emulator.sh is missing)"
. "$folder/emulator.sh" # sets memory_mib, input_max_mib; defines emulator_command

if [ -n "$INPUT" ]; then
    [ -e "$INPUT" ] || fail "INPUT $INPUT does not exist"
    [ -f "$INPUT" ] || fail "INPUT $INPUT is not a regular file"
    [ -r "$INPUT" ] || fail "INPUT $INPUT cannot be read"
    size=$(stat -c %s -L "$INPUT")
    [ "$size" -le $((input_max_mib * 1024 * 1024)) ] ||
        fail "INPUT $INPUT has $size bytes; board $board takes at most $input_max_mib MiB of its $memory_mib MiB"
fi

mkdir -p "$out"
emulator_command "$@" # sets command and break_spec
exec "$here/build/bin/weft" run --elf "$elf" --out "$out" --limit "$LIMIT" ${break_spec:+--break "$break_spec"} -- "${command[@]}"
