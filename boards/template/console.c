/* SPDX-License-Identifier: MIT */
/* The console: the first thing that works, so that the rest can say what is wrong. */
#include "kernel/board.h"

/*
 * The very first call, on core 0's system stack, interrupts off; .bss is clear, nothing else is
 * ready: no heap, no clock, no traps. The four words are the boot loader's, as the reset code found
 * them (MIPS: a0-a3; amd64: the loader's magic number and the address of its information).
 *
 * Set up the console's device; afterwards board_console_write must work, and every mistake below
 * can be reported. Note what the loader has to say: how much RAM, which file, which arguments.
 */
void board_early_init(uintptr_t a0, uintptr_t a1, uintptr_t a2, uintptr_t a3)
{
    (void)a0;
    (void)a1;
    (void)a2;
    (void)a3;
    board_needs_linker_script();
}

/*
 * Sends `count` bytes as they are and returns when the device has accepted them; waiting is by
 * polling, because this is called from everywhere: threads, interrupt handlers, a panic with
 * interrupts off. Callers see to it that two threads' bytes do not mix.
 */
void board_console_write(const char *bytes, size_t count)
{
    (void)bytes;
    (void)count;
}

/*
 * The next byte that the device has received and that board_interrupt has not taken yet, or -1.
 * Any context. A board without console input returns -1 always. With input by interrupt,
 * board_interrupt calls console_received(byte) (kernel/console.h) for each byte, and
 * console_break() for a break, which prints all threads' stacks.
 */
int board_console_read(void)
{
    return -1;
}
