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
#include <weft/config.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_thread;

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

/* What a thread is doing. */
enum weft_thread_activity {
    WEFT_THREAD_READY, /* it waits for a core */
    WEFT_THREAD_RUNNING,
    WEFT_THREAD_BLOCKED,
    WEFT_THREAD_EXITED /* it waits to be joined */
};

struct weft_thread_info {
    uint32_t id;
    const char *name;
    enum weft_thread_activity activity;
    uint8_t priority, base_priority; /* what it runs at, with inheritance; what was asked for */
    uint8_t core;                    /* it runs there, or ran there last */

    /* While WEFT_THREAD_BLOCKED; else NULL, NULL, 0. */
    const char *wait_reason; /* "mutex", "sleep", ...: the word in a dump */
    const void *wait_object; /* the mutex, the queue, the thread to be joined; NULL: none */
    uint64_t wait_since_ns;  /* weft_time_ns() when it blocked */

    /* With WEFT_CONFIG_THREAD_STATS, else 0. Since it was made: time on a core, interrupts that
     * came meanwhile included; how often it was given a core; how often it blocked. The time of a
     * thread that runs on another core is as of that core's last tick. */
    bool accounted;
    uint64_t run_ns;
    uint32_t switches;
    uint32_t waits;
};

/* Fills *info, all of one moment. Errors: WEFT_EINVAL (NULL, or not a thread that exists).
 * Context: any, while the thread exists. Does not block. Cost: some 100 instructions. */
WEFT_MUST_CHECK int weft_thread_info(const struct weft_thread *thread,
                                     struct weft_thread_info *info);

/* What the scheduler has done since boot, all of one moment. threads = running + ready + blocked,
 * and ready is the sum of queue[]; weft's own threads are not counted. */
struct weft_sched_stats {
    uint64_t time_ns;
    uint32_t cores; /* that run threads; `idle` of them have none to run */
    uint32_t idle;
    uint32_t threads, running, ready, blocked;
    uint32_t queue[WEFT_CONFIG_CORES]; /* ready threads in each core's run queue */
    uint32_t switches;                 /* from one thread to another, the idle ones included */
    uint32_t preemptions;              /* of which the thread had not asked for */
    uint32_t steals;                   /* threads that a core took from another's queue */
    uint32_t ticks;
};

/* Context: any. Does not block. Cost: linear in the number of ready threads, with interrupts off.
 */
void weft_sched_stats(struct weft_sched_stats *stats);

/* Prints the same as one line (docs/watching.md has the format). Context: any; in an interrupt
 * handler it may land inside another line. */
void weft_sched_trace(void);

/* Prints it every `period_ns`, from a timer interrupt of this core; 0: no longer. Errors:
 * WEFT_EINVAL (less than WEFT_SCHED_TRACE_MIN_NS: the line itself takes time). Context: thread. */
#define WEFT_SCHED_TRACE_MIN_NS 1000000u
WEFT_MUST_CHECK int weft_sched_trace_every(uint64_t period_ns);

#ifdef __cplusplus
}
#endif

#endif
