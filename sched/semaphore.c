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

/* Takes a permit, or waits for one. */
static int wait_locked_for(struct weft_semaphore *semaphore, uint64_t deadline)
{
    while (!take(semaphore)) {
        if (object_load(&semaphore->count) != WAITERS &&
            !object_swap(&semaphore->count, 0, WAITERS))
            continue; /* a post came between */
        sched_assert_may_block_irqoff("weft_semaphore_wait");
        return wait_locked(&semaphore->waiters, WAIT_SEMAPHORE, semaphore, deadline);
    }
    return 0;
}

/* Everything but the usual case: checks, and waits. */
static __attribute__((noinline)) int wait_the_long_way(struct weft_semaphore *semaphore)
{
    arch_irq_state state;
    int result;

    object_check_blocking(semaphore, WEFT_SEMAPHORE_MAGIC, "weft_semaphore_wait", "semaphore");
    state = sched_enter();
    result = wait_locked_for(semaphore, UINT64_MAX);
    sched_exit(state);
    return result;
}

int weft_semaphore_wait(struct weft_semaphore *semaphore)
{
    if (__builtin_expect(semaphore != NULL && semaphore->magic == WEFT_SEMAPHORE_MAGIC &&
                             !core_in_interrupt() && take(semaphore),
                         1))
        return 0;
    return wait_the_long_way(semaphore);
}

int weft_semaphore_wait_until(struct weft_semaphore *semaphore, uint64_t deadline_ns)
{
    uint64_t deadline = tick_ns_to_cycles(deadline_ns);
    arch_irq_state state;
    int result;

    object_check_blocking(semaphore, WEFT_SEMAPHORE_MAGIC, "weft_semaphore_wait_until",
                          "semaphore");
    state = sched_enter();
    result = wait_locked_for(semaphore, deadline);
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
static void post_locked(struct weft_semaphore *semaphore)
{
    struct weft_thread *first = wait_queue_first(&semaphore->waiters);

    if (first != NULL)
        wait_wake_locked(first, 0);
    if (wait_queue_empty(&semaphore->waiters))
        __atomic_store_n(&semaphore->count, first == NULL, __ATOMIC_RELEASE);
}

static inline bool post_one(struct weft_semaphore *semaphore)
{
    uint32_t count = object_load(&semaphore->count);

    return count < semaphore->limit && object_swap(&semaphore->count, count, count + 1);
}

/* Everything but the usual case. */
static __attribute__((noinline)) int post_the_long_way(struct weft_semaphore *semaphore)
{
    arch_irq_state state;
    int result = 0;

    check(semaphore, "weft_semaphore_post");
    state = sched_enter();
    while (object_load(&semaphore->count) != WAITERS) {
        if (post_one(semaphore))
            goto done;
        if (object_load(&semaphore->count) == semaphore->limit) {
            result = WEFT_ESTATE;
            goto done;
        }
    }
    post_locked(semaphore);
done:
    sched_leave(state);
    return result;
}

int weft_semaphore_post(struct weft_semaphore *semaphore)
{
    if (__builtin_expect(semaphore != NULL && semaphore->magic == WEFT_SEMAPHORE_MAGIC &&
                             post_one(semaphore),
                         1))
        return 0;
    return post_the_long_way(semaphore);
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
