/* SPDX-License-Identifier: MIT */
/* Barriers. Who gives up is taken off the count by wait_give_up_locked. */
#include <weft/barrier.h>

#include "kernel/tick.h"
#include "sched/object.h"

int weft_barrier_init(struct weft_barrier *barrier, uint32_t parties)
{
    if (barrier == NULL || parties == 0)
        return WEFT_EINVAL;
    *barrier = (struct weft_barrier){.magic = WEFT_BARRIER_MAGIC, .parties = parties};
    wait_queue_init(&barrier->waiters);
    return 0;
}

static int wait_until_cycles(struct weft_barrier *barrier, uint64_t deadline, const char *function)
{
    arch_irq_state state;
    int result;

    object_check_blocking(barrier, WEFT_BARRIER_MAGIC, function, "barrier");
    state = sched_enter();
    if (barrier->arrived + 1 >= barrier->parties) {
        barrier->arrived = 0;
        wait_wake_all_locked(&barrier->waiters, 0);
        result = 1;
    } else {
        sched_assert_may_block_irqoff(function);
        barrier->arrived++;
        result = wait_locked(&barrier->waiters, WAIT_BARRIER, barrier, deadline);
    }
    sched_leave(state);
    return result;
}

int weft_barrier_wait(struct weft_barrier *barrier)
{
    return wait_until_cycles(barrier, UINT64_MAX, "weft_barrier_wait");
}

int weft_barrier_wait_until(struct weft_barrier *barrier, uint64_t deadline_ns)
{
    return wait_until_cycles(barrier, tick_ns_to_cycles(deadline_ns), "weft_barrier_wait_until");
}

void weft_barrier_destroy(struct weft_barrier *barrier)
{
    arch_irq_state state;

    object_check_blocking(barrier, WEFT_BARRIER_MAGIC, "weft_barrier_destroy", "barrier");
    state = sched_enter();
    barrier->magic = OBJECT_DESTROYED;
    wait_wake_all_locked(&barrier->waiters, WEFT_ECLOSED);
    sched_leave(state);
}
