/* SPDX-License-Identifier: MIT */
/*
 * Mutex: owned by one thread at a time; waiters are served highest priority first, FIFO among
 * equals; the owner inherits the priority of its highest waiter while it holds the mutex. A mutex
 * with a ceiling also gives its owner the ceiling's priority at once, so that no thread that uses
 * it ever waits for it on the owner's core.
 */
#ifndef WEFT_MUTEX_H
#define WEFT_MUTEX_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_mutex_kind {
    WEFT_MUTEX_NORMAL,     /* misuse panics: locking it twice, unlocking another's */
    WEFT_MUTEX_RECURSIVE,  /* the owner may lock it again, 65,535 times (then it panics); unlock as
                              often */
    WEFT_MUTEX_ERRORCHECK, /* misuse is an error: WEFT_EDEADLK, WEFT_EPERM */
};

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_mutex {
    uint32_t magic;
    struct weft_thread *owner; /* lowest bit set: not by the short way (sched/mutex.c) */
    uint16_t kind;
    uint16_t depth; /* extra locks by the owner (recursive) */
    struct weft_wait_queue waiters;
    struct weft_mutex *next_held; /* the owner's list of mutexes that raise its priority */
    uint8_t ceiling;
};

#define WEFT_MUTEX_MAGIC 0x6d750000u         /* "mu" */
#define WEFT_MUTEX_CEILING_MAGIC 0x6d750063u /* one with a ceiling */
#define WEFT_MUTEX_INITIALIZER_KIND(name, kind)                                                    \
    {                                                                                              \
        WEFT_MUTEX_MAGIC, 0, kind, 0, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters), 0, 0              \
    }
#define WEFT_MUTEX_INITIALIZER(name) WEFT_MUTEX_INITIALIZER_KIND(name, WEFT_MUTEX_NORMAL)
#define WEFT_MUTEX_RECURSIVE_INITIALIZER(name)                                                     \
    WEFT_MUTEX_INITIALIZER_KIND(name, WEFT_MUTEX_RECURSIVE)
#define WEFT_MUTEX_ERRORCHECK_INITIALIZER(name)                                                    \
    WEFT_MUTEX_INITIALIZER_KIND(name, WEFT_MUTEX_ERRORCHECK)

/* Errors: WEFT_EINVAL (NULL or unknown kind). Context: any. */
WEFT_MUST_CHECK int weft_mutex_init(struct weft_mutex *mutex, enum weft_mutex_kind kind);

/* The same with a priority ceiling: the highest priority of all threads that lock it. Errors:
 * WEFT_EINVAL. Context: any. */
WEFT_MUST_CHECK int weft_mutex_init_ceiling(struct weft_mutex *mutex, enum weft_mutex_kind kind,
                                            int ceiling);

/* Waits for the mutex, for ever. The result is always 0 unless the kind is ERRORCHECK: then
 * WEFT_EDEADLK (waiting would never end), WEFT_ECLOSED (destroyed while waiting), WEFT_EPERM (the
 * caller's own priority is above the ceiling); other kinds panic instead. Context: thread; panics
 * in an interrupt handler. Blocks. Cost: without waiting, a few instructions. */
int weft_mutex_lock(struct weft_mutex *mutex);

/* Takes the mutex if it is free, or its owner may lock it again. Errors: WEFT_EAGAIN, WEFT_EPERM
 * (ceiling). Never blocks. Context: thread; panics in an interrupt handler. */
WEFT_MUST_CHECK int weft_mutex_trylock(struct weft_mutex *mutex);

/* Gives up waiting when weft_time_ns() reaches `deadline_ns`. Errors, of all kinds: WEFT_ETIMEDOUT,
 * WEFT_EDEADLK, WEFT_ECLOSED, WEFT_EPERM. Context: thread; panics in an interrupt handler. */
WEFT_MUST_CHECK int weft_mutex_lock_until(struct weft_mutex *mutex, uint64_t deadline_ns);

/* Hands the mutex to its first waiter, or frees it. The result is always 0 unless the kind is
 * ERRORCHECK: then WEFT_EPERM when the caller is not the owner; other kinds panic. Context: thread;
 * panics in an interrupt handler. */
int weft_mutex_unlock(struct weft_mutex *mutex);

/* Ends the object: waiters get WEFT_ECLOSED (or panic, see lock), later use panics. The caller may
 * own it. Errors: WEFT_EBUSY (another thread owns it; nothing was done). Context: thread. */
WEFT_MUST_CHECK int weft_mutex_destroy(struct weft_mutex *mutex);

#ifdef __cplusplus
}
#endif

#endif
