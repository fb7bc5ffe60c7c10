/* SPDX-License-Identifier: MIT */
/*
 * What mutex.c, mutex_chain.c and condition.c share: the owner word, and the plain cases of waiting
 * for a mutex and of handing it over, in which nobody's priority changes and no chain of owners is
 * followed. Who finds that a case is not plain takes the general way.
 */
#ifndef SCHED_MUTEX_H
#define SCHED_MUTEX_H

#include <weft/mutex.h>

#include "sched/object.h"
#include "sched/wait_fast.h"

/* In the owner word: not by the short way. */
#define MUTEX_CONTENDED ((uintptr_t)1)

/* ---- the owner word ---- */

static inline uintptr_t mutex_word(const struct weft_mutex *mutex)
{
    return (uintptr_t)__atomic_load_n(&mutex->owner, __ATOMIC_RELAXED);
}

static inline struct weft_thread *mutex_owner_now(const struct weft_mutex *mutex)
{
    return (struct weft_thread *)(mutex_word(mutex) & ~MUTEX_CONTENDED);
}

static inline void mutex_word_set(struct weft_mutex *mutex, uintptr_t word)
{
    __atomic_store_n(&mutex->owner, (struct weft_thread *)word, __ATOMIC_RELEASE);
}

static inline bool mutex_word_swap(struct weft_mutex *mutex, uintptr_t expected, uintptr_t desired)
{
    struct weft_thread *before = (struct weft_thread *)expected;

    if (WEFT_CONFIG_CORES == 1)
        return arch_swap_word((uintptr_t *)&mutex->owner, expected, desired);
    return __atomic_compare_exchange_n(&mutex->owner, &before, (struct weft_thread *)desired, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static inline bool mutex_has_ceiling(const struct weft_mutex *mutex)
{
    return mutex->magic == WEFT_MUTEX_CEILING_MAGIC;
}

/* ---- inheritance: mutex_chain.c ---- */

/* In its owner's list stands each mutex that may raise the owner's priority. */
void mutex_held_remove(struct weft_thread *owner, struct weft_mutex *mutex);

static inline void mutex_held_add(struct weft_thread *owner, struct weft_mutex *mutex)
{
    mutex->next_held = owner->held;
    owner->held = mutex;
}

/* Must a mutex be in its owner's list? */
static inline bool mutex_raises(const struct weft_mutex *mutex)
{
    return mutex_has_ceiling(mutex) || !wait_queue_empty(&mutex->waiters);
}

/* Would `thread`, waiting for `mutex`, close a cycle of owners that wait for each other? */
bool mutex_closes_cycle(const struct weft_mutex *mutex, const struct weft_thread *thread);

/* `mutex`, MUTEX_CONTENDED, gets a waiter more: its owner inherits, before `thread` is queued. */
void mutex_inherit_locked(struct weft_mutex *mutex, const struct weft_thread *thread);

/* Panics with the cycle that `closer`, locking `mutex`, would close. */
_Noreturn void mutex_cycle_report(const struct weft_mutex *mutex, const struct weft_thread *closer);

/* ---- plain cases ---- */

/* From here on the owner word, which was `word`, stands still. */
static inline bool mutex_mark_locked(struct weft_mutex *mutex, uintptr_t word)
{
    if ((word & MUTEX_CONTENDED) != 0)
        return true;
    if (WEFT_CONFIG_CORES > 1)
        return mutex_word_swap(mutex, word, word | MUTEX_CONTENDED);
    mutex_word_set(mutex, word | MUTEX_CONTENDED);
    return true;
}

/* `thread` may wait for the mutex just so: its owner is no worse, and waits for no other. Then the
 * mutex is marked, and in its owner's list. */
static inline bool mutex_waits_plainly_locked(struct weft_mutex *mutex,
                                              const struct weft_thread *thread)
{
    uintptr_t word = mutex_word(mutex);
    struct weft_thread *owner = (struct weft_thread *)(word & ~MUTEX_CONTENDED);

    if (owner == NULL || owner == thread || owner->state == THREAD_BLOCKED ||
        owner->priority < thread->priority || !mutex_mark_locked(mutex, word))
        return false;
    if (wait_queue_empty(&mutex->waiters))
        mutex_held_add(owner, mutex);
    return true;
}

/* The first waiter, if `owner` may hand it the mutex just so: no other mutex concerns the owner's
 * priority, which it has not inherited, and the waiter wakes plainly. NULL: it may not. */
static inline struct weft_thread *mutex_plain_heir_locked(const struct weft_mutex *mutex,
                                                          const struct weft_thread *owner)
{
    struct weft_thread *first = runq_thread_of(mutex->waiters.head.next);

    if (owner->held != mutex || mutex->next_held != NULL ||
        owner->priority != owner->base_priority || &first->link == &mutex->waiters.head ||
        !wait_is_plain_locked(first))
        return NULL;
    return first;
}

/* It gets the mutex, and is out of the queue: it is to be made ready. While others wait, the word
 * stays marked. */
static inline void mutex_hand_over_plainly_locked(struct weft_mutex *mutex,
                                                  struct weft_thread *owner,
                                                  struct weft_thread *heir)
{
    uintptr_t word = (uintptr_t)heir;

    owner->held = NULL;
    owner->mutexes--;
    wait_unlink_first(&mutex->waiters, &heir->link);
    heir->wait_result = 0;
    heir->mutexes++;
    if (!wait_queue_empty(&mutex->waiters)) {
        mutex_held_add(heir, mutex);
        word |= MUTEX_CONTENDED;
    }
    mutex_word_set(mutex, word);
}

/* Its owner, which has locked it once, lets go of it. False: not just so. */
static inline bool mutex_release_plainly_locked(struct weft_mutex *mutex, struct weft_thread *owner)
{
    struct weft_thread *heir;

    if (mutex_word(mutex) == (uintptr_t)owner) {
        owner->mutexes--;
        mutex_word_set(mutex, 0);
        return true;
    }
    heir = mutex_plain_heir_locked(mutex, owner);
    if (heir == NULL)
        return false;
    mutex_hand_over_plainly_locked(mutex, owner, heir);
    sched_ready_plain_locked(heir);
    return true;
}

#endif
