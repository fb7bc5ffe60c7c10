/* SPDX-License-Identifier: MIT */
/* Once: a function that is run by the first thread that asks, while the others wait for its end. */
#ifndef WEFT_ONCE_H
#define WEFT_ONCE_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_once {
    uint32_t magic;
    uint32_t done;
    struct weft_thread *runner;
    struct weft_wait_queue waiters;
};

#define WEFT_ONCE_MAGIC 0x6f6e6365u /* "once" */
#define WEFT_ONCE_INITIALIZER(name)                                                                \
    {                                                                                              \
        WEFT_ONCE_MAGIC, 0, 0, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters)                           \
    }

/* Errors: WEFT_EINVAL (NULL). Context: any. */
WEFT_MUST_CHECK int weft_once_init(struct weft_once *once);

/* Runs function(argument) unless a call with this object already did; returns when it has run, and
 * what it did is visible then. Panics when `function` asks for itself, or ends its thread. Context:
 * thread; panics in an interrupt handler. Blocks while another thread runs it. Cost afterwards: a
 * few instructions.
 */
void weft_once_run(struct weft_once *once, void (*function)(void *argument), void *argument);

#ifdef __cplusplus
}
#endif

#endif
