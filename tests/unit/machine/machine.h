/* SPDX-License-Identifier: MIT */
/*
 * A machine of one core that is played by the host: the whole scheduler and the tick run on it as
 * they are, with contexts of the host's own, a clock that moves only when a thread spends time or
 * the core idles, and a timer interrupt that comes exactly when it was armed for. So every run is
 * the same, to the cycle.
 */
#ifndef TESTS_UNIT_MACHINE_H
#define TESTS_UNIT_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_HZ 100000000u /* 10 ns a cycle */
#define US 1000ull            /* ns */
#define MS 1000000ull

/* Runs `main_thread` as thread 1 until it returns. False: something panicked; machine_said is what.
 */
bool machine_run(void (*main_thread)(void));
extern char machine_said[1024];

/* The calling thread computes for that long, interrupts and preemption aside. */
void machine_spend(uint64_t ns);

/* Ticks and timer interrupts that came so far. */
extern unsigned machine_ticks, machine_interrupts;

#endif
