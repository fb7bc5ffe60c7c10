/* SPDX-License-Identifier: MIT */
/* Barrier: a fixed number of threads meet; all go on when the last has arrived. */
#ifndef WEFT_BARRIER_H
#define WEFT_BARRIER_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_barrier {
    uint32_t magic;
    uint32_t parties;
    uint32_t arrived;
    struct weft_wait_queue waiters;
};

#define WEFT_BARRIER_MAGIC 0x62617272u /* "barr" */
/* No parties count as one here, which never waits. */
#define WEFT_BARRIER_INITIALIZER(name, parties)                                                    \
    {                                                                                              \
        WEFT_BARRIER_MAGIC, parties, 0, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters)                  \
    }

/* Errors: WEFT_EINVAL (NULL, no parties). Context: any. */
WEFT_MUST_CHECK int weft_barrier_init(struct weft_barrier *barrier, uint32_t parties);

/* Waits for the others. Returns how many meetings this call completed: 1 for the last to arrive, 0
 * for the others; the barrier is then ready for the next meeting. Errors: WEFT_ECLOSED (destroyed
 * while waiting). Context: thread; panics in an interrupt handler. Blocks. */
WEFT_MUST_CHECK int weft_barrier_wait(struct weft_barrier *barrier);

/* The same until weft_time_ns() reaches `deadline_ns`; who gives up has not arrived. Errors also:
 * WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_barrier_wait_until(struct weft_barrier *barrier, uint64_t deadline_ns);

/* Ends the object: waiters get WEFT_ECLOSED, later use panics. Context: thread. */
void weft_barrier_destroy(struct weft_barrier *barrier);

#ifdef __cplusplus
}
#endif

#endif
