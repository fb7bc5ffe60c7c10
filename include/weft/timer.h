/* SPDX-License-Identifier: MIT */
/*
 * Timers: once, or periodically without drift; they call a function, or wake threads that wait.
 *
 * A function is called in an interrupt handler, on the core that started the timer, within the
 * latency of an interrupt and needing no thread or stack of its own; it may use everything whose
 * context is "any", should be short, and has no floating point (WEFT_HANDLER, weft/interrupt.h).
 * Work that is long or blocks belongs to a thread that waits for the timer, at a priority of its
 * own.
 */
#ifndef WEFT_TIMER_H
#define WEFT_TIMER_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_timer;

/* Context: interrupt. */
typedef void (*weft_timer_function)(struct weft_timer *timer, void *argument);

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_timer {
    uint32_t magic;
    uint32_t expired; /* expiries that no thread has been told of */
    struct weft_alarm alarm;
    void (*expire_locked)(struct weft_alarm *alarm, uint64_t now_cycles);
    uint64_t due_ns, period_ns;
    weft_timer_function function;
    void *argument;
    uint32_t running; /* calls of `function` that are going on */
    struct weft_wait_queue waiters;
};

/* `function` may be NULL: then the timer only counts and wakes. Not while it runs, which breaks the
 * list of all deadlines: a debug build panics. Errors: WEFT_EINVAL (`timer` is NULL). Context: any.
 */
WEFT_MUST_CHECK int weft_timer_init(struct weft_timer *timer, weft_timer_function function,
                                    void *argument);

/* Starts it, or starts it anew: it expires when weft_time_ns() reaches `deadline_ns` (at once if
 * that has passed), then every `period_ns` after that; 0: once. Expiries are at deadline_ns + n *
 * period_ns exactly, however late one of them is served; those that pass while interrupts are off
 * are counted, and served as one. None comes after 2^64 ns: a deadline or a period of WEFT_FOREVER
 * is never reached, and does not keep a deadlock from being reported. Errors: WEFT_EINVAL (a period
 * below 1 us). Cost: one comparison, however many timers there are, and the conversion to cycles.
 * Context: any. */
WEFT_MUST_CHECK int weft_timer_start(struct weft_timer *timer, uint64_t deadline_ns,
                                     uint64_t period_ns);

/* Stops it; threads that wait for it get WEFT_ESTATE. 0: it was running, and will not expire again.
 * Errors: WEFT_ESTATE (it was not running: never started, or a single expiry has come already),
 * WEFT_EBUSY (it will not expire again, but its function is being called at this moment, by another
 * core or by this very call). Cost: O(log n) amortised. Context: any. */
int weft_timer_cancel(struct weft_timer *timer);

/* Waits for the next expiry since the last wait; returns how many there were, 1 or more (INT32_MAX:
 * that many or more). One thread is woken by each expiry. Errors: WEFT_ESTATE (it does not run, was
 * cancelled, or has expired for the last time and another thread was told), WEFT_ECLOSED (destroyed
 * while waiting). Context: thread; panics in an interrupt handler. Blocks. */
WEFT_MUST_CHECK int weft_timer_wait(struct weft_timer *timer);

/* The same until weft_time_ns() reaches `deadline_ns`. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_timer_wait_until(struct weft_timer *timer, uint64_t deadline_ns);

/* Ends the object: stops it, waiters get WEFT_ECLOSED, later use panics. Errors: WEFT_EBUSY (its
 * function is being called; it was stopped, waiters got WEFT_ESTATE, but it is not ended). Context:
 * thread. */
WEFT_MUST_CHECK int weft_timer_destroy(struct weft_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
