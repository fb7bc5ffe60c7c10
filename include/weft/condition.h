/* SPDX-License-Identifier: MIT */
/*
 * Condition variable: threads wait, without holding a mutex, until somebody who changed what the
 * mutex guards says so. A wait never wakes for no reason, but what the thread waited for may have
 * changed again before it has the mutex: test it in a loop.
 */
#ifndef WEFT_CONDITION_H
#define WEFT_CONDITION_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/mutex.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_condition {
    uint32_t magic;
    struct weft_mutex *mutex; /* of those who wait now */
    struct weft_wait_queue waiters;
};

#define WEFT_CONDITION_MAGIC 0x636f0000u /* "co" */
#define WEFT_CONDITION_INITIALIZER(name)                                                           \
    {                                                                                              \
        WEFT_CONDITION_MAGIC, 0, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters)                         \
    }

/* Errors: WEFT_EINVAL (NULL). Context: any. */
WEFT_MUST_CHECK int weft_condition_init(struct weft_condition *condition);

/* Lets go of the mutex and waits, in one step; returns with the mutex locked again, as deep as it
 * was, whatever the result. Errors: WEFT_ECLOSED (destroyed while waiting), WEFT_EINVAL (others
 * wait with another mutex; nothing was done). Only with a mutex of kind ERRORCHECK that can't be
 * locked again: what weft_mutex_lock says, and it is not locked. Panics unless the caller owns the
 * mutex. Context: thread; panics in an interrupt handler. Blocks. */
WEFT_MUST_CHECK int weft_condition_wait(struct weft_condition *condition, struct weft_mutex *mutex);

/* The same until weft_time_ns() reaches `deadline_ns`; the mutex is then waited for as long as it
 * takes. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_condition_wait_until(struct weft_condition *condition,
                                              struct weft_mutex *mutex, uint64_t deadline_ns);

/* Wakes the first waiter (highest priority, FIFO among equals), or all. A woken thread that can't
 * have the mutex yet goes straight to the mutex's queue, without running. Holding the mutex is not
 * required. Cost: signal, bounded; broadcast, per waiter. Context: any. */
void weft_condition_signal(struct weft_condition *condition);
void weft_condition_broadcast(struct weft_condition *condition);

/* Ends the object: waiters get WEFT_ECLOSED (with the mutex), later use panics. Context: thread. */
void weft_condition_destroy(struct weft_condition *condition);

#ifdef __cplusplus
}
#endif

#endif
