/* SPDX-License-Identifier: MIT */
/*
 * Semaphores.
 *
 * While nobody waits, the count alone is the semaphore, and taking or posting a permit is one
 * atomic exchange without the scheduler. A thread that has to wait first exchanges 0 for WAITERS,
 * under the scheduler's lock: from then on every other operation comes to the lock too, until a
 * post finds nobody waiting.
 */
#include <weft/console.h>
#include <weft/semaphore.h>

#include "arch/restart.h"
#include "kernel/tick.h"
#include "sched/object.h"
#include "sched/wait_fast.h"

#define WAITERS UINT32_MAX

static inline void check(const struct weft_semaphore *semaphore, const char *function)
{
    object_check(semaphore, WEFT_SEMAPHORE_MAGIC, function, "semaphore");
}

int weft_semaphore_init(struct weft_semaphore *semaphore, uint32_t count, uint32_t limit)
{
    if (semaphore == NULL || limit == 0 || limit > WEFT_SEMAPHORE_LIMIT || count > limit)
        return WEFT_EINVAL;
    *semaphore =
        (struct weft_semaphore){.magic = WEFT_SEMAPHORE_MAGIC, .count = count, .limit = limit};
    wait_queue_init(&semaphore->waiters);
    return 0;
}

/* Takes a permit if there is one. */
static inline bool take(struct weft_semaphore *semaphore)
{
    uint32_t count = object_load(&semaphore->count);

    while (count - 1 < WEFT_SEMAPHORE_LIMIT) { /* neither 0 nor WAITERS */
        if (__builtin_expect(object_swap_acquire(&semaphore->count, count, count - 1), 1))
            return true;
        count = object_load(&semaphore->count);
    }
    return false;
}

/* The same where it is the whole of an operation. */
static inline __attribute__((always_inline)) bool take_quickly(struct weft_semaphore *semaphore)
{
    return ARCH_RESTARTABLE_WORDS ? arch_restart_take(&semaphore->count) : take(semaphore);
}

/* Takes a permit if there is one; otherwise the count says from here on that somebody waits. */
static inline bool take_or_mark_locked(struct weft_semaphore *semaphore)
{
    uint32_t count;

    while ((count = object_load(&semaphore->count)) != WAITERS)
        if (object_swap_locked(&semaphore->count, count, count - 1)) /* 0 becomes WAITERS */
            return count != 0;
    return false;
}

_Static_assert((uint32_t)(0 - 1) == WAITERS, "what take_or_mark_locked makes of 0");

/* There was no permit, by the short way. */
static __attribute__((noinline)) int wait_for_permit(struct weft_semaphore *semaphore)
{
    int result = 0;

    (void)sched_enter();
    sched_assert_preemption_irqoff("weft_semaphore_wait");
    if (!take_or_mark_locked(semaphore))
        result = wait_for_ever_locked(&semaphore->waiters, WAIT_SEMAPHORE, semaphore);
    sched_exit_thread();
    return result;
}

/* Misuse, which does not return; or nothing is wrong after all. */
static __attribute__((noinline)) int wait_checked(struct weft_semaphore *semaphore)
{
    object_check_blocking(semaphore, WEFT_SEMAPHORE_MAGIC, "weft_semaphore_wait", "semaphore");
    return take(semaphore) ? 0 : wait_for_permit(semaphore);
}

ARCH_RESTARTS_WORDS(weft_semaphore_wait) int weft_semaphore_wait(struct weft_semaphore *semaphore)
{
    if (__builtin_expect(semaphore == NULL || semaphore->magic != WEFT_SEMAPHORE_MAGIC ||
                             core_in_interrupt(),
                         0))
        return wait_checked(semaphore);
    return __builtin_expect(take_quickly(semaphore), 1) ? 0 : wait_for_permit(semaphore);
}

int weft_semaphore_wait_until(struct weft_semaphore *semaphore, uint64_t deadline_ns)
{
    uint64_t deadline = tick_ns_to_cycles(deadline_ns);
    arch_irq_state state;
    int result = 0;

    object_check_blocking(semaphore, WEFT_SEMAPHORE_MAGIC, "weft_semaphore_wait_until",
                          "semaphore");
    state = sched_enter();
    if (!take_or_mark_locked(semaphore)) {
        sched_assert_may_block_irqoff("weft_semaphore_wait_until");
        result = wait_locked(&semaphore->waiters, WAIT_SEMAPHORE, semaphore, deadline);
    }
    sched_exit(state);
    return result;
}

int weft_semaphore_try(struct weft_semaphore *semaphore)
{
    check(semaphore, "weft_semaphore_try");
    return take(semaphore) ? 0 : WEFT_EAGAIN;
}

static inline bool post_one(struct weft_semaphore *semaphore)
{
    uint32_t count = object_load(&semaphore->count);

    return count < semaphore->limit && object_swap_release(&semaphore->count, count, count + 1);
}

static inline __attribute__((always_inline)) bool post_quickly(struct weft_semaphore *semaphore)
{
    return ARCH_RESTARTABLE_WORDS ? arch_restart_put(&semaphore->count, semaphore->limit)
                                  : post_one(semaphore);
}

/* The count is WAITERS, which only holders of the lock change: the permit goes to the first who
 * waits, or into the count when nobody does any more. */
static void hand_over_locked(struct weft_semaphore *semaphore)
{
    if (wait_wake_first_locked(&semaphore->waiters, 0) == NULL)
        object_store(&semaphore->count, 1);
}

static int post_locked(struct weft_semaphore *semaphore)
{
    while (object_load(&semaphore->count) != WAITERS) {
        if (post_one(semaphore))
            return 0;
        if (object_load(&semaphore->count) >= semaphore->limit)
            return WEFT_ESTATE;
    }
    hand_over_locked(semaphore);
    return 0;
}

/* Everything but the usual cases. */
static __attribute__((noinline)) int post_any_locked(struct weft_semaphore *semaphore,
                                                     arch_irq_state state)
{
    return sched_leave_with(state, post_locked(semaphore));
}

/* Misuse, which does not return. */
static __attribute__((noinline)) int post_checked(struct weft_semaphore *semaphore)
{
    check(semaphore, "weft_semaphore_post");
    return post_any_locked(semaphore, sched_enter());
}

/* The count is full, or says that somebody waits. Whoever is in the queue has made it say so. */
static inline int post_to_waiter(struct weft_semaphore *semaphore)
{
    arch_irq_state state = sched_enter();
    struct weft_wait_link *first = semaphore->waiters.head.next;

    if (first == &semaphore->waiters.head || !wait_is_plain_locked(runq_thread_of(first)))
        return post_any_locked(semaphore, state);
    return wait_wake_first_and_leave(&semaphore->waiters, first, state);
}

ARCH_RESTARTS_WORDS(weft_semaphore_post) int weft_semaphore_post(struct weft_semaphore *semaphore)
{
    if (__builtin_expect(semaphore == NULL || semaphore->magic != WEFT_SEMAPHORE_MAGIC, 0))
        return post_checked(semaphore);
    return __builtin_expect(post_quickly(semaphore), 1) ? 0 : post_to_waiter(semaphore);
}

uint32_t weft_semaphore_count(const struct weft_semaphore *semaphore)
{
    uint32_t count;

    check(semaphore, "weft_semaphore_count");
    count = object_load(&semaphore->count);
    return count == WAITERS ? 0 : count;
}

void weft_semaphore_destroy(struct weft_semaphore *semaphore)
{
    arch_irq_state state;

    object_check_blocking(semaphore, WEFT_SEMAPHORE_MAGIC, "weft_semaphore_destroy", "semaphore");
    state = sched_enter();
    semaphore->magic = OBJECT_DESTROYED;
    wait_wake_all_locked(&semaphore->waiters, WEFT_ECLOSED);
    sched_leave(state);
}
