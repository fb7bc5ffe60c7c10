/* SPDX-License-Identifier: MIT */
/*
 * Mutex: owned by one thread at a time; waiters are served highest priority first, FIFO among
 * equals; the owner inherits the priority of its highest waiter while it holds the mutex.
 */
#ifndef WEFT_MUTEX_H
#define WEFT_MUTEX_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

enum weft_mutex_kind {
    WEFT_MUTEX_NORMAL,    /* locking it twice panics */
    WEFT_MUTEX_RECURSIVE, /* the owner may lock it again; unlock as often */
};

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_mutex {
    uint32_t magic;
    struct weft_thread *owner;
    uint16_t kind;
    uint16_t depth; /* extra locks by the owner (recursive) */
    struct weft_wait_queue waiters;
    struct weft_mutex *next_held; /* the owner's list of mutexes that others wait for */
};

#define WEFT_MUTEX_MAGIC 0x6d757478u /* "mutx" */
#define WEFT_MUTEX_INITIALIZER(name)                                                               \
    {                                                                                              \
        WEFT_MUTEX_MAGIC, 0, WEFT_MUTEX_NORMAL, 0, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters), 0    \
    }
#define WEFT_MUTEX_RECURSIVE_INITIALIZER(name)                                                     \
    {                                                                                              \
        WEFT_MUTEX_MAGIC, 0, WEFT_MUTEX_RECURSIVE, 0, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters), 0 \
    }

/* Errors: WEFT_EINVAL (NULL or unknown kind). Context: any. */
WEFT_MUST_CHECK int weft_mutex_init(struct weft_mutex *mutex, enum weft_mutex_kind kind);

/* Waits for the mutex, for ever. Blocks. Panics in an interrupt handler, on an object that is no
 * mutex, and when a normal mutex is locked twice by its owner. */
void weft_mutex_lock(struct weft_mutex *mutex);

/* Takes the mutex if it is free. Errors: WEFT_EAGAIN. Never blocks. Context: thread. */
WEFT_MUST_CHECK int weft_mutex_trylock(struct weft_mutex *mutex);

/* Gives up waiting when weft_time_ns() reaches `deadline_ns`. Errors: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_mutex_lock_until(struct weft_mutex *mutex, uint64_t deadline_ns);

/* Hands the mutex to its first waiter, or frees it. Panics when the caller is not the owner. */
void weft_mutex_unlock(struct weft_mutex *mutex);

#endif
