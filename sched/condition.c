/* SPDX-License-Identifier: MIT */
/*
 * Condition variables.
 *
 * A signal does not wake the waiter to let it collide with the mutex that the signaller still
 * holds: the waiter gets the mutex if it is free, and is moved to its queue if not (with priority
 * inheritance, as if it had called lock). It runs when it owns the mutex. Only after a timeout or a
 * destroy does the thread lock the mutex itself.
 */
#include <weft/condition.h>
#include <weft/console.h>

#include "kernel/tick.h"
#include "sched/mutex.h"

static inline void check(const struct weft_condition *condition, const char *function)
{
    object_check(condition, WEFT_CONDITION_MAGIC, function, "condition variable");
}

int weft_condition_init(struct weft_condition *condition)
{
    if (condition == NULL)
        return WEFT_EINVAL;
    *condition = (struct weft_condition){.magic = WEFT_CONDITION_MAGIC};
    wait_queue_init(&condition->waiters);
    return 0;
}

static void check_wait(const struct weft_condition *condition, const struct weft_mutex *mutex,
                       const char *function)
{
    object_check_blocking(condition, WEFT_CONDITION_MAGIC, function, "condition variable");
    mutex_check(mutex, function);
    if (!mutex_is_mine(mutex))
        weft_panic("%s: thread \"%s\" does not own mutex %p: lock it first", function,
                   thread_current()->name, (const void *)mutex);
    sched_assert_may_block(function);
}

/* After a wait that ended otherwise than by a signal. Waiting for the mutex that would never end is
 * the caller's mistake, which weft_mutex_lock knows how to name. */
static int lock_again(struct weft_mutex *mutex, int result)
{
    int locked = weft_mutex_lock(mutex);

    return locked != 0 ? locked : result;
}

static int wait_until_cycles(struct weft_condition *condition, struct weft_mutex *mutex,
                             uint64_t deadline)
{
    uint16_t depth = mutex->depth;
    arch_irq_state state = sched_enter();
    int result;

    if (!wait_queue_empty(&condition->waiters) && condition->mutex != mutex) {
        sched_exit(state);
        return WEFT_EINVAL;
    }
    condition->mutex = mutex;
    mutex->depth = 0;
    mutex_release_locked(mutex);
    result = wait_locked(&condition->waiters, WAIT_CONDITION, condition, deadline);
    sched_exit(state);
    if (result != 0)
        result = lock_again(mutex, result);
    if (mutex_is_mine(mutex))
        mutex_set_depth(mutex, depth);
    return result;
}

static __attribute__((noinline)) int wait_the_long_way(struct weft_condition *condition,
                                                       struct weft_mutex *mutex)
{
    check_wait(condition, mutex, "weft_condition_wait");
    return wait_until_cycles(condition, mutex, UINT64_MAX);
}

/* Is this a thread that may block and has locked the mutex, once? */
static inline bool may_wait_plainly(const struct weft_condition *condition,
                                    const struct weft_mutex *mutex)
{
    return __builtin_expect(condition != NULL && condition->magic == WEFT_CONDITION_MAGIC &&
                                mutex != NULL && mutex->magic == WEFT_MUTEX_MAGIC &&
                                mutex->depth == 0 && core_occupied(core_self()) == 0 &&
                                mutex_owner_now(mutex) == thread_current(),
                            1);
}

int weft_condition_wait(struct weft_condition *condition, struct weft_mutex *mutex)
{
    arch_irq_state state;
    int result;

    if (!may_wait_plainly(condition, mutex))
        return wait_the_long_way(condition, mutex);
    state = sched_enter();
    if ((condition->mutex != mutex && !wait_queue_empty(&condition->waiters)) ||
        !mutex_release_plainly_locked(mutex, thread_current())) {
        sched_exit_unswitched(state);
        return wait_the_long_way(condition, mutex);
    }
    condition->mutex = mutex;
    result = wait_for_ever_locked(&condition->waiters, WAIT_CONDITION, condition);
    sched_exit_thread();
    return __builtin_expect(result == 0, 1) ? 0 : lock_again(mutex, result);
}

int weft_condition_wait_until(struct weft_condition *condition, struct weft_mutex *mutex,
                              uint64_t deadline_ns)
{
    check_wait(condition, mutex, "weft_condition_wait_until");
    return wait_until_cycles(condition, mutex, tick_ns_to_cycles(deadline_ns));
}

static bool pass_first_locked(struct weft_condition *condition)
{
    struct weft_thread *first = wait_queue_first(&condition->waiters);

    if (first == NULL)
        return false;
    mutex_pass_to_locked(condition->mutex, first);
    return true;
}

/* The first waiter goes on to the mutex, which somebody no worse owns; it keeps no deadline. */
static inline bool move_plainly_locked(struct weft_condition *condition)
{
    struct weft_thread *first = runq_thread_of(condition->waiters.head.next);
    struct weft_mutex *mutex = condition->mutex;

    if (mutex->magic != WEFT_MUTEX_MAGIC || !wait_is_plain_locked(first) ||
        !mutex_waits_plainly_locked(mutex, first))
        return false;
    wait_unlink_first(&condition->waiters, &first->link);
    wait_enqueue_locked(first, &mutex->waiters, WAIT_MUTEX, mutex);
    return true;
}

static __attribute__((noinline)) void signal_the_long_way(struct weft_condition *condition,
                                                          arch_irq_state state)
{
    (void)pass_first_locked(condition);
    sched_leave(state);
}

void weft_condition_signal(struct weft_condition *condition)
{
    arch_irq_state state;

    check(condition, "weft_condition_signal");
    state = sched_enter();
    if (wait_queue_empty(&condition->waiters) || move_plainly_locked(condition))
        sched_exit_unswitched(state);
    else
        signal_the_long_way(condition, state);
}

void weft_condition_broadcast(struct weft_condition *condition)
{
    arch_irq_state state;

    check(condition, "weft_condition_broadcast");
    state = sched_enter();
    while (pass_first_locked(condition))
        ;
    sched_leave(state);
}

void weft_condition_destroy(struct weft_condition *condition)
{
    arch_irq_state state;

    object_check_blocking(condition, WEFT_CONDITION_MAGIC, "weft_condition_destroy",
                          "condition variable");
    state = sched_enter();
    condition->magic = OBJECT_DESTROYED;
    wait_wake_all_locked(&condition->waiters, WEFT_ECLOSED);
    sched_leave(state);
}
