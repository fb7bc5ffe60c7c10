/* SPDX-License-Identifier: MIT */
/*
 * Watching threads and cores: what each waits for, and what to do when all wait, or one core never
 * lets go.
 *
 * When every thread waits and nothing is left that could wake one (no deadline, no timer, no
 * interrupt that was announced), the program ends like a panic: "all threads are asleep: deadlock",
 * what each waits for, all stacks, exit status 70. Nothing needs to be asked for.
 */
#ifndef WEFT_WATCH_H
#define WEFT_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/error.h>

/*
 * An interrupt that weft does not know of may wake a thread, from weft_wakeup_expect on until
 * weft_wakeup_forget: as long as one is expected, sleeping threads are no deadlock. Calls are
 * counted. For drivers: a board whose own interrupts wake threads says so for good (board_wakes in
 * kernel/board.h). Timers and deadlines are known. Context: any. Does not block.
 */
void weft_wakeup_expect(void);
void weft_wakeup_forget(void);

/* What a watchdog does about a core that is late. */
enum weft_watchdog_action {
    WEFT_WATCHDOG_REPORT, /* says so with the core's stack, once until it moves again */
    WEFT_WATCHDOG_PANIC   /* the same as a panic, with all stacks: the program ends with 70 */
};

#define WEFT_WATCHDOG_MAX_NS 600000000000u /* ten minutes */

/*
 * Watches `core`: when for longer than `limit_ns` it has neither switched from one thread to
 * another, nor been idle, nor called weft_watchdog_feed, its thread is reported. It is looked at by
 * its own tick, and by those of the other cores in case that does not come: a report is late by up
 * to three ticks. A core with its interrupts off is reported without its stack, which nobody can
 * read (docs/watching.md). limit_ns 0: no longer watched. Errors: WEFT_EINVAL (no such core or
 * action, a limit above WEFT_WATCHDOG_MAX_NS), WEFT_ENOTSUP (WEFT_CONFIG_WATCHDOG is 0).
 * Context: thread. Does not block. Cost: some 20 instructions a tick for each core.
 */
WEFT_MUST_CHECK int weft_watchdog_set(unsigned core, uint64_t limit_ns,
                                      enum weft_watchdog_action action);

/* The calling core is well: a thread that computes for long, alone, says so now and then.
 * Context: any. Cost: a few instructions. */
void weft_watchdog_feed(void);

/* How often a core was reported since boot. Context: any. */
uint32_t weft_watchdog_reports(void);

#endif
