/* SPDX-License-Identifier: MIT */
/* Clock and interrupts. */
#include "kernel/board.h"

/* The cycle counter's frequency (MIPS: Count; amd64: the time stamp counter). */
static uint64_t clock_hz = 100000000;

/*
 * Called once, after board_early_init, with traps installed and interrupts off. Set up the
 * interrupt controllers with every line masked but those that board_interrupt handles, and find out
 * the clock's frequency, where it is not known from the data sheet: measure it against a timer
 * whose frequency is known (boards/devices/i8254.h). The CPU's own timer interrupt is the port's.
 */
void board_init(void)
{
}

/* In Hz, 1 MHz to 8 GHz; the same from board_init on. A wrong one makes all times wrong by that
 * much. */
uint64_t board_clock_hz(void)
{
    return clock_hz;
}

/*
 * An interrupt that is not the CPU timer's. `pending` is the port's (MIPS: Cause, IP2 and up;
 * amd64: the number of the device line). Interrupt context: on the system stack, interrupts off; no
 * floating point, nothing that waits or allocates; weft_queue_try_send and the like wake threads.
 * Handle every source that is raised and remove its cause: what stays raised comes again at once.
 */
void board_interrupt(uintptr_t pending)
{
    (void)pending;
}

/* May one of its handlers wake a thread? False lets weft report threads that all wait for ever. */
bool board_wakes(void)
{
    return true;
}
