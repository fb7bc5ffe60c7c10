/* SPDX-License-Identifier: MIT */
/*
 * Semaphore: a count of permits, up to a limit. A binary one has the limit 1. Waiters are served
 * highest priority first, FIFO among equals; a permit that is posted while somebody waits goes
 * straight to the first waiter, so nobody overtakes it.
 */
#ifndef WEFT_SEMAPHORE_H
#define WEFT_SEMAPHORE_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_semaphore {
    uint32_t magic;
    uint32_t count; /* permits; all ones: none, and threads may be waiting */
    uint32_t limit;
    struct weft_wait_queue waiters;
};

#define WEFT_SEMAPHORE_LIMIT 0x7fffffffu
#define WEFT_SEMAPHORE_MAGIC 0x73650000u /* "se" */
#define WEFT_SEMAPHORE_INITIALIZER(name, count)                                                    \
    {                                                                                              \
        WEFT_SEMAPHORE_MAGIC, count, WEFT_SEMAPHORE_LIMIT,                                         \
            WEFT_WAIT_QUEUE_INITIALIZER(name.waiters)                                              \
    }
#define WEFT_SEMAPHORE_BINARY_INITIALIZER(name, count)                                             \
    {                                                                                              \
        WEFT_SEMAPHORE_MAGIC, count, 1, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters)                  \
    }

/* Errors: WEFT_EINVAL (NULL, a limit of 0 or above WEFT_SEMAPHORE_LIMIT, a count above the limit).
 * Context: any. */
WEFT_MUST_CHECK int weft_semaphore_init(struct weft_semaphore *semaphore, uint32_t count,
                                        uint32_t limit);

/* Takes a permit; waits while there is none. Errors: WEFT_ECLOSED (destroyed while waiting).
 * Context: thread; panics in an interrupt handler. Blocks. */
WEFT_MUST_CHECK int weft_semaphore_wait(struct weft_semaphore *semaphore);

/* The same until weft_time_ns() reaches `deadline_ns`. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_semaphore_wait_until(struct weft_semaphore *semaphore,
                                              uint64_t deadline_ns);

/* The same without waiting: WEFT_EAGAIN. Context: any. */
WEFT_MUST_CHECK int weft_semaphore_try(struct weft_semaphore *semaphore);

/* Adds a permit, or gives it to the first waiter, which may run before this returns. Errors:
 * WEFT_ESTATE (the count is at its limit and stays there; for a binary semaphore that is used as a
 * signal this is no error, so the result may be ignored). Context: any. */
int weft_semaphore_post(struct weft_semaphore *semaphore);

/* Permits now. Context: any. */
uint32_t weft_semaphore_count(const struct weft_semaphore *semaphore);

/* Ends the object: waiters get WEFT_ECLOSED, later use panics. Context: thread. */
void weft_semaphore_destroy(struct weft_semaphore *semaphore);

#ifdef __cplusplus
}
#endif

#endif
