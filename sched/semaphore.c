/* SPDX-License-Identifier: MIT */
/*
 * Semaphores.
 *
 * While nobody waits, the count alone is the semaphore, and taking or posting a permit is one
 * atomic exchange without the scheduler. A thread that has to wait first exchanges 0 for WAITERS,
 * under the scheduler's lock: from then on every other operation comes to the lock too, until a
 * post finds that nobody waits any more.
 */
#include <weft/console.h>
#include <weft/semaphore.h>

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
        if (__builtin_expect(object_swap(&semaphore->count, count, count - 1), 1))
            return true;
        count = object_load(&semaphore->count);
    }
    return false;
}

/* Takes a permit if there is one; otherwise the count says from here on that somebody waits. */
static inline bool take_or_mark_locked(struct weft_semaphore *semaphore)
{
    for (;;) {
        uint32_t count = object_load(&semaphore->count);

        if (count - 1 < WEFT_SEMAPHORE_LIMIT) {
            if (object_swap_locked(&semaphore->count, count, count - 1))
                return true;
        } else if (count == WAITERS || object_swap_locked(&semaphore->count, 0, WAITERS)) {
            return false;
        }
    }
}

/* There was no permit, by the short way. */
static __attribute__((noinline)) int wait_for_permit(struct weft_semaphore *semaphore)
{
    int result = 0;

    sched_assert_may_block_here("weft_semaphore_wait");
    (void)sched_enter();
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

int weft_semaphore_wait(struct weft_semaphore *semaphore)
{
    if (__builtin_expect(semaphore == NULL || semaphore->magic != WEFT_SEMAPHORE_MAGIC ||
                             core_in_interrupt(),
                         0))
        return wait_checked(semaphore);
    return __builtin_expect(take(semaphore), 1) ? 0 : wait_for_permit(semaphore);
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

/* Threads may be waiting: the permit goes to the first of them, or into the count. Only holders of
 * the lock change a count that is WAITERS. */
static inline void hand_over_locked(struct weft_semaphore *semaphore)
{
    struct weft_wait_link *head = &semaphore->waiters.head, *first = head->next;

    if (first->next == head) /* one, or none: then that is the head too */
        object_store(&semaphore->count, first == head);
    if (first != head)
        wait_wake_queued_locked(runq_thread_of(first), 0);
}

static inline bool post_one(struct weft_semaphore *semaphore)
{
    uint32_t count = object_load(&semaphore->count);

    return count < semaphore->limit && object_swap(&semaphore->count, count, count + 1);
}

static int post_locked(struct weft_semaphore *semaphore)
{
    while (object_load(&semaphore->count) != WAITERS) {
        if (post_one(semaphore))
            return 0;
        if (object_load(&semaphore->count) == semaphore->limit)
            return WEFT_ESTATE;
    }
    hand_over_locked(semaphore);
    return 0;
}

/* Everything but the usual cases. */
static __attribute__((noinline)) int post_the_long_way(struct weft_semaphore *semaphore)
{
    arch_irq_state state;
    int result;

    check(semaphore, "weft_semaphore_post");
    state = sched_enter();
    result = post_locked(semaphore);
    sched_leave(state);
    return result;
}

/* The count says that somebody waits. */
static __attribute__((noinline)) int post_to_waiter(struct weft_semaphore *semaphore)
{
    arch_irq_state state = sched_enter();
    int result = 0;

    if (__builtin_expect(object_load(&semaphore->count) == WAITERS, 1))
        hand_over_locked(semaphore);
    else
        result = post_locked(semaphore);
    sched_leave(state);
    return result;
}

int weft_semaphore_post(struct weft_semaphore *semaphore)
{
    if (__builtin_expect(semaphore == NULL || semaphore->magic != WEFT_SEMAPHORE_MAGIC, 0))
        return post_the_long_way(semaphore);
    if (__builtin_expect(post_one(semaphore), 1))
        return 0;
    return object_load(&semaphore->count) == WAITERS ? post_to_waiter(semaphore)
                                                     : post_the_long_way(semaphore);
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
