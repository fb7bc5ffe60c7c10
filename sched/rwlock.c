/* SPDX-License-Identifier: MIT */
/*
 * Read-write locks. What is let go of is handed on at once: to the writer that is first in the
 * queue, or to all readers before the first writer.
 *
 * A writer that gives up may have kept readers waiting, and so may a place in the queue that a new
 * priority has taken from it: then, too, the queue's first are looked at (rwlock_hand_on_locked).
 */
#include <weft/console.h>
#include <weft/rwlock.h>

#include "kernel/tick.h"
#include "sched/object.h"

int weft_rwlock_init(struct weft_rwlock *lock)
{
    if (lock == NULL)
        return WEFT_EINVAL;
    *lock = (struct weft_rwlock){.magic = WEFT_RWLOCK_MAGIC};
    wait_queue_init(&lock->waiters);
    return 0;
}

static int try_read_locked(struct weft_rwlock *lock)
{
    const struct weft_thread *current = thread_current();
    const struct weft_thread *first = wait_queue_first(&lock->waiters);

    if (lock->writer == current)
        return WEFT_EDEADLK;
    if (lock->writer != NULL || (first != NULL && first->priority >= current->priority))
        return WEFT_EAGAIN;
    lock->readers++;
    return 0;
}

static int try_write_locked(struct weft_rwlock *lock)
{
    if (lock->writer == thread_current())
        return WEFT_EDEADLK;
    if (lock->writer != NULL || lock->readers != 0)
        return WEFT_EAGAIN;
    lock->writer = thread_current();
    lock->writer->mutexes++; /* so that it may not end with it */
    return 0;
}

static void check(const struct weft_rwlock *lock, const char *function)
{
    object_check_blocking(lock, WEFT_RWLOCK_MAGIC, function, "read-write lock");
}

static int read_until_cycles(struct weft_rwlock *lock, uint64_t deadline, const char *function)
{
    arch_irq_state state;
    int result;

    check(lock, function);
    state = sched_enter();
    result = try_read_locked(lock);
    if (result == WEFT_EAGAIN) {
        sched_assert_may_block_irqoff(function);
        result = wait_locked(&lock->waiters, WAIT_RWLOCK_READ, lock, deadline);
    }
    sched_exit(state);
    return result;
}

static int write_until_cycles(struct weft_rwlock *lock, uint64_t deadline, const char *function)
{
    arch_irq_state state;
    int result;

    check(lock, function);
    state = sched_enter();
    result = try_write_locked(lock);
    if (result == WEFT_EAGAIN) {
        sched_assert_may_block_irqoff(function);
        result = wait_locked(&lock->waiters, WAIT_RWLOCK_WRITE, lock, deadline);
    }
    sched_exit(state);
    return result;
}

int weft_rwlock_read(struct weft_rwlock *lock)
{
    return read_until_cycles(lock, UINT64_MAX, "weft_rwlock_read");
}

int weft_rwlock_write(struct weft_rwlock *lock)
{
    return write_until_cycles(lock, UINT64_MAX, "weft_rwlock_write");
}

int weft_rwlock_read_until(struct weft_rwlock *lock, uint64_t deadline_ns)
{
    return read_until_cycles(lock, tick_ns_to_cycles(deadline_ns), "weft_rwlock_read_until");
}

int weft_rwlock_write_until(struct weft_rwlock *lock, uint64_t deadline_ns)
{
    return write_until_cycles(lock, tick_ns_to_cycles(deadline_ns), "weft_rwlock_write_until");
}

int weft_rwlock_try_read(struct weft_rwlock *lock)
{
    arch_irq_state state;
    int result;

    check(lock, "weft_rwlock_try_read");
    state = sched_enter();
    result = try_read_locked(lock);
    sched_exit(state);
    return result == WEFT_EDEADLK ? WEFT_EAGAIN : result;
}

int weft_rwlock_try_write(struct weft_rwlock *lock)
{
    arch_irq_state state;
    int result;

    check(lock, "weft_rwlock_try_write");
    state = sched_enter();
    result = try_write_locked(lock);
    sched_exit(state);
    return result == WEFT_EDEADLK ? WEFT_EAGAIN : result;
}

void weft_rwlock_read_unlock(struct weft_rwlock *lock)
{
    arch_irq_state state;

    check(lock, "weft_rwlock_read_unlock");
    state = sched_enter();
    if (lock->readers == 0)
        weft_panic("weft_rwlock_read_unlock: nobody reads under %p", (void *)lock);
    lock->readers--;
    rwlock_hand_on_locked(lock);
    sched_leave(state);
}

void weft_rwlock_write_unlock(struct weft_rwlock *lock)
{
    arch_irq_state state;

    check(lock, "weft_rwlock_write_unlock");
    state = sched_enter();
    if (lock->writer != thread_current())
        weft_panic("weft_rwlock_write_unlock: thread \"%s\" is not the writer of %p; the writer "
                   "must unlock it",
                   thread_current()->name, (void *)lock);
    lock->writer->mutexes--;
    lock->writer = NULL;
    rwlock_hand_on_locked(lock);
    sched_leave(state);
}

int weft_rwlock_destroy(struct weft_rwlock *lock)
{
    arch_irq_state state;
    bool busy;

    check(lock, "weft_rwlock_destroy");
    state = sched_enter();
    busy = lock->readers != 0 || (lock->writer != NULL && lock->writer != thread_current());
    if (!busy) {
        lock->magic = OBJECT_DESTROYED;
        if (lock->writer != NULL)
            lock->writer->mutexes--;
        lock->writer = NULL;
        wait_wake_all_locked(&lock->waiters, WEFT_ECLOSED);
    }
    sched_leave(state);
    return busy ? WEFT_EBUSY : 0;
}
