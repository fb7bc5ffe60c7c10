/* SPDX-License-Identifier: MIT */
/*
 * Read-write lock: many readers, or one writer. All waiters stand in one queue, highest priority
 * first, FIFO among equals, and nobody overtakes: a reader waits when a thread of its priority or a
 * higher one already waits, even while others read. So a writer is never starved by readers of its
 * own priority or below, and a reader of higher priority goes before a waiting writer. A thread
 * must not end while it holds the lock: a writer that does panics.
 *
 * There is no priority inheritance, since readers are not recorded; where a low-priority holder
 * must not be held up by others, use a mutex.
 */
#ifndef WEFT_RWLOCK_H
#define WEFT_RWLOCK_H

#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_rwlock {
    uint32_t magic;
    uint32_t readers;
    struct weft_thread *writer;
    struct weft_wait_queue waiters;
};

#define WEFT_RWLOCK_MAGIC 0x72776c6bu /* "rwlk" */
#define WEFT_RWLOCK_INITIALIZER(name)                                                              \
    {                                                                                              \
        WEFT_RWLOCK_MAGIC, 0, 0, WEFT_WAIT_QUEUE_INITIALIZER(name.waiters)                         \
    }

/* Errors: WEFT_EINVAL (NULL). Context: any. */
WEFT_MUST_CHECK int weft_rwlock_init(struct weft_rwlock *lock);

/* Take the lock for reading, or for writing; wait as long as it takes. Not recursive: a thread that
 * holds it for writing gets WEFT_EDEADLK; one that reads must not ask again, nor end. Errors:
 * WEFT_EDEADLK, WEFT_ECLOSED (destroyed while waiting). Context: thread; panic in an interrupt
 * handler. Block. */
WEFT_MUST_CHECK int weft_rwlock_read(struct weft_rwlock *lock);
WEFT_MUST_CHECK int weft_rwlock_write(struct weft_rwlock *lock);

/* The same until weft_time_ns() reaches `deadline_ns`. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_rwlock_read_until(struct weft_rwlock *lock, uint64_t deadline_ns);
WEFT_MUST_CHECK int weft_rwlock_write_until(struct weft_rwlock *lock, uint64_t deadline_ns);

/* The same without waiting: WEFT_EAGAIN. Context: thread; panic in an interrupt handler. */
WEFT_MUST_CHECK int weft_rwlock_try_read(struct weft_rwlock *lock);
WEFT_MUST_CHECK int weft_rwlock_try_write(struct weft_rwlock *lock);

/* Let go of it. Panic when nobody reads, or the caller is not the writer. Context: thread. */
void weft_rwlock_read_unlock(struct weft_rwlock *lock);
void weft_rwlock_write_unlock(struct weft_rwlock *lock);

/* Ends the object: waiters get WEFT_ECLOSED, later use panics. The caller may hold it for writing.
 * Errors: WEFT_EBUSY (others hold it; nothing was done). Context: thread. */
WEFT_MUST_CHECK int weft_rwlock_destroy(struct weft_rwlock *lock);

#ifdef __cplusplus
}
#endif

#endif
