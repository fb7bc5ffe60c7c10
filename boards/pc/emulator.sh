# SPDX-License-Identifier: MIT
# How QEMU plays this board. Read by tools/build/run-image.sh.
#   CPU      QEMU's -cpu (max)        MACHINE   QEMU's -M (q35)
memory_mib=128
input_max_mib=96

emulator_command() {
    local append="exit=isa${*:+ $*}"

    rm -f "$out/qmp.sock"
    # An empty file cannot be a module for QEMU: the firmware is told by name.
    [ -z "$INPUT" ] || [ -s "$INPUT" ] || append="rd_start=0x100000 rd_size=0 $append"
    command=("$here/boards/pc/emulator-exit.sh" qemu-system-x86_64 -M "${MACHINE:-q35}" -cpu "${CPU:-max}" -smp "$cores"
        -m "$memory_mib" -display none -vga none -nic none -no-reboot -no-user-config -nodefaults
        -device isa-debug-exit,iobase=0xf4,iosize=4
        -chardev stdio,id=console,signal=off -serial chardev:console
        -qmp "unix:$out/qmp.sock,server=on,wait=off" -monitor none
        -kernel "$elf" -append "$append")
    [ -z "$INPUT" ] || [ ! -s "$INPUT" ] || command+=(-initrd "$INPUT")
    [ -z "$ICOUNT" ] || command+=(-icount "$ICOUNT")
    [ -z "$EXTRA" ] || command+=($EXTRA)
    break_spec="qmp:$out/qmp.sock"
}
