/* SPDX-License-Identifier: MIT */
/*
 * Mutexes with priority inheritance.
 *
 * The owner runs at the highest priority among its own and those of all threads that wait for any
 * mutex it holds (`held` lists those mutexes), and so does whoever it waits for in turn, along the
 * chain. Unlocking hands the mutex to the first waiter, which finds itself the owner when it wakes.
 * Protocol: L. Sha, R. Rajkumar, J. Lehoczky, "Priority Inheritance Protocols", IEEE Trans.
 * Computers 39(9), 1990.
 */
#include <weft/console.h>
#include <weft/mutex.h>

#include "kernel/assert.h"
#include "kernel/tick.h"
#include "sched/sched.h"

int weft_mutex_init(struct weft_mutex *mutex, enum weft_mutex_kind kind)
{
    if (mutex == NULL || (kind != WEFT_MUTEX_NORMAL && kind != WEFT_MUTEX_RECURSIVE))
        return WEFT_EINVAL;
    *mutex = (struct weft_mutex){.magic = WEFT_MUTEX_MAGIC, .kind = (uint16_t)kind};
    wait_queue_init(&mutex->waiters);
    return 0;
}

static _Noreturn __attribute__((noinline)) void not_a_mutex(const struct weft_mutex *mutex,
                                                            const char *function)
{
    weft_panic("%s: %p is not an initialised mutex", function, (const void *)mutex);
}

static inline void mutex_check(const struct weft_mutex *mutex, const char *function)
{
    if (__builtin_expect(mutex == NULL || mutex->magic != WEFT_MUTEX_MAGIC, 0))
        not_a_mutex(mutex, function);
}

static void held_remove(struct weft_thread *owner, struct weft_mutex *mutex)
{
    struct weft_mutex **at = &owner->held;

    while (*at != NULL && *at != mutex)
        at = &(*at)->next_held;
    if (*at == mutex)
        *at = mutex->next_held;
    mutex->next_held = NULL;
}

/* What `thread` should run at: its own priority or that of its best waiter. */
static uint8_t priority_due(const struct weft_thread *thread)
{
    uint8_t due = thread->base_priority;

    for (const struct weft_mutex *mutex = thread->held; mutex != NULL; mutex = mutex->next_held) {
        const struct weft_thread *first = wait_queue_first(&mutex->waiters);

        if (first != NULL && first->priority > due)
            due = first->priority;
    }
    return due;
}

/* Gives `thread` the priority that is due to it, and follows the chain of owners it waits for. The
 * chain has no cycle: mutex_lock refuses to close one. */
static void chain_update_locked(struct weft_thread *thread)
{
    while (thread != NULL) {
        uint8_t due = priority_due(thread);

        if (due == thread->priority)
            return;
        priority_set_locked(thread, due);
        if (thread->state != THREAD_BLOCKED || thread->wait_reason != WAIT_MUTEX)
            return;
        thread = ((const struct weft_mutex *)thread->wait_object)->owner;
    }
}

void mutex_waiter_left_locked(const void *object)
{
    struct weft_mutex *mutex = (struct weft_mutex *)object;

    if (wait_queue_empty(&mutex->waiters))
        held_remove(mutex->owner, mutex);
    chain_update_locked(mutex->owner);
}

/* Would waiting for `mutex` close a cycle of owners that wait for each other? */
static bool closes_cycle(const struct weft_mutex *mutex, const struct weft_thread *thread)
{
    const struct weft_thread *owner = mutex->owner;

    while (owner != thread) {
        if (owner->state != THREAD_BLOCKED || owner->wait_reason != WAIT_MUTEX)
            return false;
        owner = ((const struct weft_mutex *)owner->wait_object)->owner;
    }
    return true;
}

static void take(struct weft_mutex *mutex, struct weft_thread *thread)
{
    mutex->owner = thread;
    thread->mutexes++;
}

/* The owner of `mutex` gets a waiter more: it inherits from `thread`, before that is queued. */
static void inherit_locked(struct weft_mutex *mutex, const struct weft_thread *thread)
{
    struct weft_thread *owner = mutex->owner;

    if (wait_queue_empty(&mutex->waiters)) {
        mutex->next_held = owner->held;
        owner->held = mutex;
    }
    if (thread->priority > owner->priority) {
        priority_set_locked(owner, thread->priority);
        if (owner->state == THREAD_BLOCKED && owner->wait_reason == WAIT_MUTEX)
            chain_update_locked(((const struct weft_mutex *)owner->wait_object)->owner);
    }
}

/* Queues the current thread for a mutex that somebody owns. */
static int wait_for_locked(struct weft_mutex *mutex, uint64_t deadline)
{
    inherit_locked(mutex, thread_current());
    return wait_locked(&mutex->waiters, WAIT_MUTEX, mutex, deadline);
}

/* The owner locks it again. */
static int relock(struct weft_mutex *mutex)
{
    if (mutex->kind != WEFT_MUTEX_RECURSIVE)
        return WEFT_EDEADLK;
    if (mutex->depth == UINT16_MAX)
        weft_panic("recursive mutex %p was locked 65,536 times by its owner", (void *)mutex);
    mutex->depth++;
    return 0;
}

static int lock_slow_locked(struct weft_mutex *mutex, uint64_t deadline)
{
    if (mutex->owner == thread_current())
        return relock(mutex);
    sched_assert_may_block("weft_mutex_lock");
    if (closes_cycle(mutex, thread_current()))
        return WEFT_EDEADLK;
    return wait_for_locked(mutex, deadline);
}

static __attribute__((noinline)) void lock_for_ever_locked(struct weft_mutex *mutex)
{
    if (lock_slow_locked(mutex, UINT64_MAX) == WEFT_EDEADLK)
        weft_panic("deadlock: thread \"%s\" locks mutex %p, whose owner \"%s\" %s",
                   thread_current()->name, (void *)mutex, mutex->owner->name,
                   mutex->owner == thread_current()
                       ? "is itself: make it recursive, or unlock it first"
                       : "waits for a mutex that this thread holds");
}

void weft_mutex_lock(struct weft_mutex *mutex)
{
    arch_irq_state state;

    mutex_check(mutex, "weft_mutex_lock");
    state = sched_enter();
    if (__builtin_expect(mutex->owner == NULL, 1))
        take(mutex, thread_current());
    else
        lock_for_ever_locked(mutex);
    sched_exit(state);
}

int weft_mutex_lock_until(struct weft_mutex *mutex, uint64_t deadline_ns)
{
    arch_irq_state state;
    int result = 0;

    mutex_check(mutex, "weft_mutex_lock_until");
    state = sched_enter();
    if (mutex->owner == NULL)
        take(mutex, thread_current());
    else
        result = lock_slow_locked(mutex, tick_ns_to_cycles(deadline_ns));
    sched_exit(state);
    return result;
}

int weft_mutex_trylock(struct weft_mutex *mutex)
{
    arch_irq_state state;
    int result = 0;

    mutex_check(mutex, "weft_mutex_trylock");
    if (core_in_interrupt())
        weft_panic("weft_mutex_trylock was called in an interrupt handler, which can own no mutex");
    state = sched_enter();
    if (mutex->owner == NULL)
        take(mutex, thread_current());
    else if (mutex->owner != thread_current() || relock(mutex) != 0)
        result = WEFT_EAGAIN;
    sched_exit(state);
    return result;
}

/* Hands the mutex to its first waiter; both threads' priorities follow from what they hold now. */
static void hand_over_locked(struct weft_mutex *mutex, struct weft_thread *owner)
{
    struct weft_thread *next;

    held_remove(owner, mutex);
    next = wait_wake_first_locked(&mutex->waiters, 0);
    take(mutex, next);
    if (!wait_queue_empty(&mutex->waiters)) {
        mutex->next_held = next->held;
        next->held = mutex;
        chain_update_locked(next);
    }
    chain_update_locked(owner);
}

static _Noreturn __attribute__((noinline)) void not_the_owner(const struct weft_mutex *mutex)
{
    weft_panic("weft_mutex_unlock: thread \"%s\" does not own mutex %p; its owner must unlock it",
               thread_current()->name, (const void *)mutex);
}

static __attribute__((noinline)) void unlock_contended(struct weft_mutex *mutex,
                                                       arch_irq_state state)
{
    hand_over_locked(mutex, thread_current());
    sched_leave(state);
}

void weft_mutex_unlock(struct weft_mutex *mutex)
{
    struct weft_thread *current = thread_current();
    arch_irq_state state;

    mutex_check(mutex, "weft_mutex_unlock");
    if (__builtin_expect(mutex->owner != current || core_in_interrupt(), 0))
        not_the_owner(mutex);
    if (mutex->depth > 0) {
        mutex->depth--;
        return;
    }
    state = sched_enter();
    current->mutexes--;
    if (__builtin_expect(!wait_queue_empty(&mutex->waiters), 0)) {
        unlock_contended(mutex, state);
        return;
    }
    mutex->owner = NULL;
    sched_exit(state);
}

bool mutex_is_mine(const struct weft_mutex *mutex)
{
    return mutex->owner == thread_current() && !core_in_interrupt();
}

void mutex_release_locked(struct weft_mutex *mutex)
{
    struct weft_thread *owner = mutex->owner;

    owner->mutexes--;
    if (wait_queue_empty(&mutex->waiters))
        mutex->owner = NULL;
    else
        hand_over_locked(mutex, owner);
}

void mutex_pass_to_locked(struct weft_mutex *mutex, struct weft_thread *thread)
{
    if (mutex->owner == NULL) {
        take(mutex, thread);
        wait_wake_locked(thread, 0);
    } else if (closes_cycle(mutex, thread)) {
        wait_wake_locked(thread, WEFT_EDEADLK);
    } else {
        inherit_locked(mutex, thread);
        wait_move_locked(thread, &mutex->waiters, WAIT_MUTEX, mutex);
    }
}
