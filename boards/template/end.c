/* SPDX-License-Identifier: MIT */
/* The end of the program; randomness. */
#include "kernel/board.h"

#include "arch/cpu.h"
#include "arch/irq.h"
#include "kernel/print.h"

/*
 * Ends the program with a status, 0 to 255: tell an emulator, power off, reset, or stop. Any
 * context, a panic's too, so it takes no lock and waits for nothing but its own device. Does not
 * return.
 */
_Noreturn void board_exit(int status)
{
    arch_irq_save();
    print_console("weft: exit status %d\n", status);
    arch_cpu_halt();
}

/*
 * 32 bytes that nobody can foresee, from the best source there is (a hardware generator, the boot
 * loader's seed); false: there is none, and the stack canary and the heap's secrets are only as
 * good as the cycle counter. Boot.
 */
bool board_random_seed(uint8_t seed[32])
{
    (void)seed;
    return false;
}

/* A device of files that the board has of its own, for open() (weft/file.h); NULL: none. */
struct weft_file_device *board_file_device(void)
{
    return NULL;
}
