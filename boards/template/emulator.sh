# SPDX-License-Identifier: MIT
# How an emulator plays this board; for `make run` and the tests. Without this file the board can't be run here.
memory_mib=64  # RAM, and
input_max_mib=0 # how much of it a file may have that is handed over; 0: the board takes none

# Sets `command`, the emulator's, with the image "$elf" and the console on standard input and output.
emulator_command() {
    fail "boards/template has no emulator: it is for copying"
}
