/* SPDX-License-Identifier: MIT */
/* Wait group: a count of things to be done; threads wait until it is 0. */
#ifndef WEFT_GROUP_H
#define WEFT_GROUP_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_group {
    uint32_t magic;
    uint32_t count;
    struct weft_wait_queue waiters;
};

#define WEFT_GROUP_MAGIC 0x67726f75u /* "grou" */
#define WEFT_GROUP_INITIALIZER(name)                                                               \
    {                                                                                              \
        WEFT_GROUP_MAGIC, 0, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters)                             \
    }

/* Errors: WEFT_EINVAL (NULL). Context: any. */
WEFT_MUST_CHECK int weft_group_init(struct weft_group *group);

/* `more` things are to be done; call it before whoever does them can be done. Panics when the count
 * overflows. Context: any. */
void weft_group_add(struct weft_group *group, uint32_t more);

/* One is done; the last wakes everybody who waits. Panics when there was none. Context: any. */
void weft_group_done(struct weft_group *group);

/* Waits until the count is 0. Errors: WEFT_ECLOSED (destroyed while waiting). Context: thread;
 * panics in an interrupt handler. Blocks. */
WEFT_MUST_CHECK int weft_group_wait(struct weft_group *group);

/* The same until weft_time_ns() reaches `deadline_ns`. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_group_wait_until(struct weft_group *group, uint64_t deadline_ns);

/* Ends the object: waiters get WEFT_ECLOSED, later use panics. Context: thread. */
void weft_group_destroy(struct weft_group *group);

#ifdef __cplusplus
}
#endif

#endif
