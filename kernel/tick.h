/* SPDX-License-Identifier: MIT */
/*
 * Time. Each core has one one-shot timer, armed for whatever comes first: the next periodic tick,
 * or the earliest sleeper's deadline. A periodic tick is what the profiler samples and what ends
 * time slices; its deadlines are multiples of the period from its start, so that lateness never
 * adds up.
 *
 * An idle core needs no tick: the first timer interrupt that finds it idle stops it, and it starts
 * anew, a period ahead, when there is a thread to run. So being idle for less than a period costs
 * nothing, and for longer one write to the timer. The tick goes on while the profiler runs, and
 * while this core's tick watches another core (upcall_sched_needs_tick).
 */
#ifndef KERNEL_TICK_H
#define KERNEL_TICK_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/core.h"

/* Asks the board for the clock's rate and starts core 0's scheduler tick. Boot; interrupts are off.
 */
void tick_init(void);

/* Starts the calling core's scheduler tick. Its boot; interrupts are off. */
void tick_core_init(void);

/* The calling core ticks at `rate_hz` (rounded to a whole number of cycles) from now on, idle or
 * not; returns the exact rate in thousandths of a hertz. Interrupts are off. */
uint64_t tick_start_irqoff(uint32_t rate_hz);

/* Back to WEFT_CONFIG_TICK_HZ. Interrupts are off. */
void tick_restore_irqoff(void);

/* sched: the earliest deadline of this core's sleepers is now `deadline` (cycles, or UINT64_MAX).
 */
void tick_wake_at_irqoff(uint64_t deadline);

/* A switch had to wait for some instructions: interrupts this core again in a few microseconds.
 * Interrupts are off. */
void tick_retry_soon_irqoff(void);

/* The core is about to run a thread, or was asked for a tick. Interrupts are off. */
void tick_start_anew_irqoff(struct core *core);

static inline void tick_go_on_irqoff(struct core *core)
{
    if (core->tick_deadline == UINT64_MAX)
        tick_start_anew_irqoff(core);
}

/* Every other core ticks at least once more, soon: for requests that a tick looks at. More than one
 * core; interrupts are off. */
void tick_ask_others_irqoff(void);

static inline bool tick_is_asked(const struct core *core)
{
    return WEFT_CONFIG_CORES > 1 && __atomic_load_n(&core->tick_asked, __ATOMIC_RELAXED) != 0;
}
/* Ticks of this core that are due at `now` (cycles) and were not taken yet. Interrupts are off. */
uint32_t tick_due_irqoff(const struct core *core, uint64_t now);

/* Between the counter's cycles and nanoseconds, without drift: exact to a cycle for 584 years. */
uint64_t tick_cycles_to_ns(uint64_t cycles);
uint64_t tick_ns_to_cycles(uint64_t ns); /* rounded up; the last second there is, UINT64_MAX in it,
                                            becomes UINT64_MAX: for ever */

/* Now, in cycles. Context: any. */
uint64_t tick_now(void);

#endif
