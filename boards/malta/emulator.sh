# SPDX-License-Identifier: MIT
# How QEMU plays this board. Read by tools/build/run-image.sh.
memory_mib=128
input_max_mib=96

emulator_command() {
    local qemu=qemu-system-mips append="exit=semihosting${*:+ $*}"

    [ "$arch" = mipsel ] && qemu=qemu-system-mipsel
    rm -f "$out/qmp.sock"
    # One core: 24Kf, the CPU the image is tuned for. More: P5600, whose coherence manager QEMU plays.
    local cpu=24Kf
    [ "$cores" = 1 ] || cpu=P5600
    command=("$qemu" -M malta -cpu "$cpu" -smp "$cores" -m "$memory_mib" -display none -no-reboot
        -semihosting-config enable=on,target=native
        -chardev stdio,id=console,signal=off -serial chardev:console
        -qmp "unix:$out/qmp.sock,server=on,wait=off" -monitor none
        -kernel "$elf" -append "$append")
    # An empty file cannot be a RAM disk for QEMU: the firmware is told by name.
    if [ -n "$INPUT" ] && [ -s "$INPUT" ]; then
        command+=(-initrd "$INPUT")
    elif [ -n "$INPUT" ]; then
        command[-1]="rd_start=0x80000000 rd_size=0 $append"
    fi
    [ -z "$ICOUNT" ] || command+=(-icount "$ICOUNT")
    [ -z "$EXTRA" ] || command+=($EXTRA)
    break_spec="qmp:$out/qmp.sock"
}
