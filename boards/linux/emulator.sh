# SPDX-License-Identifier: MIT
# This board is a process: the image runs as it is. Read by tools/build/run-image.sh.
memory_mib=128 # the heap, unless heap=MIB says otherwise
input_max_mib=1048576

emulator_command() {
    command=("$elf" ${INPUT:+"input=$INPUT"} "$@")
    # ThreadSanitizer copes with some of the kernel's random addresses only. A container may forbid to have others.
    [[ $elf != *-thread[-/]* ]] || ! setarch -R true 2>/dev/null || command=(setarch -R "${command[@]}")
    break_spec=signal
    [ -z "$ICOUNT" ] || fail "board linux counts no instructions: ICOUNT is for the emulated boards"
}
