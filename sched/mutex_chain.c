/* SPDX-License-Identifier: MIT */
/* Chains of mutexes and their owners: what is inherited along them, and cycles. mutex.c has the
 * essay. */
#include <weft/console.h>

#include "kernel/panic.h"
#include "kernel/print.h"
#include "sched/mutex.h"

void mutex_held_remove(struct weft_thread *owner, struct weft_mutex *mutex)
{
    struct weft_mutex **at = &owner->held;

    while (*at != NULL && *at != mutex)
        at = &(*at)->next_held;
    if (*at == mutex)
        *at = mutex->next_held;
    mutex->next_held = NULL;
}

static uint8_t raised_to(const struct weft_mutex *mutex, uint8_t priority)
{
    const struct weft_thread *first = wait_queue_first(&mutex->waiters);

    if (mutex_has_ceiling(mutex) && mutex->ceiling > priority)
        priority = mutex->ceiling;
    if (first != NULL && first->priority > priority)
        priority = first->priority;
    return priority;
}

/* What `thread` should run at. */
static uint8_t priority_due(const struct weft_thread *thread)
{
    uint8_t due = thread->base_priority;

    for (const struct weft_mutex *mutex = thread->held; mutex != NULL; mutex = mutex->next_held)
        due = raised_to(mutex, due);
    return due;
}

/* Gives `thread` the priority that is due to it, and follows the chain of owners it waits for. The
 * chain has no cycle: mutex_lock refuses to close one. */
void mutex_priority_changed_locked(struct weft_thread *thread)
{
    while (thread != NULL) {
        uint8_t due = priority_due(thread);

        if (due == thread->priority)
            return;
        priority_set_locked(thread, due);
        if (thread->state != THREAD_BLOCKED || thread->wait_reason != WAIT_MUTEX)
            return;
        thread = mutex_owner_now(thread->wait_object);
    }
}

void mutex_waiter_left_locked(const void *object)
{
    struct weft_mutex *mutex = (struct weft_mutex *)object;
    struct weft_thread *owner = mutex_owner_now(mutex);

    if (!mutex_raises(mutex))
        mutex_held_remove(owner, mutex);
    mutex_priority_changed_locked(owner);
}

/* The mutex that a thread is blocked on, or NULL. */
static const struct weft_mutex *mutex_waited_for(const struct weft_thread *thread)
{
    return thread->state == THREAD_BLOCKED && thread->wait_reason == WAIT_MUTEX
               ? thread->wait_object
               : NULL;
}

const struct weft_thread *mutex_owner(const struct weft_mutex *mutex)
{
    return mutex_owner_now(mutex);
}

bool mutex_closes_cycle(const struct weft_mutex *mutex, const struct weft_thread *thread)
{
    const struct weft_thread *owner = mutex_owner_now(mutex);

    while (owner != thread) {
        mutex = mutex_waited_for(owner);
        if (mutex == NULL)
            return false;
        owner = mutex_owner_now(mutex);
    }
    return true;
}

void mutex_inherit_locked(struct weft_mutex *mutex, const struct weft_thread *thread)
{
    struct weft_thread *owner = mutex_owner_now(mutex);

    if (!mutex_raises(mutex))
        mutex_held_add(owner, mutex);
    if (thread->priority > owner->priority) {
        priority_set_locked(owner, thread->priority);
        if (owner->state == THREAD_BLOCKED && owner->wait_reason == WAIT_MUTEX)
            mutex_priority_changed_locked(mutex_owner_now(owner->wait_object));
    }
}

/* Every thread of the cycle, beginning with the one whose call would close it, and what it waits
 * for. */
_Noreturn void mutex_cycle_report(const struct weft_mutex *mutex, const struct weft_thread *closer)
{
    const struct weft_thread *owner;

    (void)sched_enter(); /* for good: nobody gives up his part of it meanwhile */
    owner = mutex_owner_now(mutex);
    panic_open();
    print_console("deadlock: a cycle of threads that wait for each other: thread %u \"%s\" locks "
                  "mutex %p",
                  (unsigned)closer->id, closer->name, (const void *)mutex);
    while (owner != NULL && owner != closer) {
        print_console(", held by thread %u \"%s\"", (unsigned)owner->id, owner->name);
        mutex = mutex_waited_for(owner);
        if (mutex == NULL)
            break;
        print_console(", which waits for mutex %p", (const void *)mutex);
        owner = mutex_owner_now(mutex);
    }
    print_console(", held by thread %u; lock them in the same order everywhere",
                  (unsigned)(owner != NULL ? owner->id : 0));
    panic_close();
}
