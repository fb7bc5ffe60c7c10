/* SPDX-License-Identifier: MIT */
/*
 * Event flags: 32 bits that threads wait for, any of a set or all of it. When bits are set, waiters
 * are looked at by priority, FIFO among equals; one that clears takes the bits it waited for away
 * from those behind it.
 */
#ifndef WEFT_FLAGS_H
#define WEFT_FLAGS_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_flags {
    uint32_t magic;
    uint32_t bits;
    struct weft_wait_queue waiters;
};

#define WEFT_FLAGS_MAGIC 0x666c6167u /* "flag" */
#define WEFT_FLAGS_INITIALIZER(name, bits)                                                         \
    {                                                                                              \
        WEFT_FLAGS_MAGIC, bits, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters)                          \
    }

/* How to wait: one of the first two, and perhaps the third. */
#define WEFT_FLAGS_ANY 0u
#define WEFT_FLAGS_ALL 1u
#define WEFT_FLAGS_CLEAR 2u /* the bits of the set are cleared when the wait succeeds */

/* Errors: WEFT_EINVAL (NULL). Context: any. */
WEFT_MUST_CHECK int weft_flags_init(struct weft_flags *flags, uint32_t bits);

/* Waits until any (or all) bits of `set` are there. *got, which may be NULL, receives all bits as
 * they were then, before clearing. Errors: WEFT_EINVAL (an empty set, an unknown mode),
 * WEFT_ECLOSED (destroyed while waiting). Context: thread; panics in an interrupt handler. Blocks.
 */
WEFT_MUST_CHECK int weft_flags_wait(struct weft_flags *flags, uint32_t set, unsigned mode,
                                    uint32_t *got);

/* The same until weft_time_ns() reaches `deadline_ns`. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_flags_wait_until(struct weft_flags *flags, uint32_t set, unsigned mode,
                                          uint32_t *got, uint64_t deadline_ns);

/* The same without waiting: WEFT_EAGAIN. Context: any. */
WEFT_MUST_CHECK int weft_flags_try(struct weft_flags *flags, uint32_t set, unsigned mode,
                                   uint32_t *got);

/* Sets bits and wakes whom they satisfy. Cost: a look at each waiter. Context: any. */
void weft_flags_set(struct weft_flags *flags, uint32_t bits);

/* Clears bits. Context: any. */
void weft_flags_clear(struct weft_flags *flags, uint32_t bits);

/* The bits now. Context: any. */
uint32_t weft_flags_get(const struct weft_flags *flags);

/* Ends the object: waiters get WEFT_ECLOSED, later use panics. Context: thread. */
void weft_flags_destroy(struct weft_flags *flags);

#ifdef __cplusplus
}
#endif

#endif
