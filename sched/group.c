/* SPDX-License-Identifier: MIT */
#include <weft/console.h>
#include <weft/group.h>

#include "kernel/tick.h"
#include "sched/object.h"

int weft_group_init(struct weft_group *group)
{
    if (group == NULL)
        return WEFT_EINVAL;
    *group = (struct weft_group){.magic = WEFT_GROUP_MAGIC};
    wait_queue_init(&group->waiters);
    return 0;
}

void weft_group_add(struct weft_group *group, uint32_t more)
{
    arch_irq_state state;

    object_check(group, WEFT_GROUP_MAGIC, "weft_group_add", "wait group");
    state = sched_enter();
    if (more > UINT32_MAX - group->count)
        weft_panic("weft_group_add: %p counts %u already, and %u more do not fit", (void *)group,
                   (unsigned)group->count, (unsigned)more);
    group->count += more;
    sched_exit(state);
}

void weft_group_done(struct weft_group *group)
{
    arch_irq_state state;

    object_check(group, WEFT_GROUP_MAGIC, "weft_group_done", "wait group");
    state = sched_enter();
    if (group->count == 0)
        weft_panic("weft_group_done: %p counts 0: call weft_group_add first", (void *)group);
    if (--group->count == 0)
        wait_wake_all_locked(&group->waiters, 0);
    sched_leave(state);
}

static int wait_until_cycles(struct weft_group *group, uint64_t deadline, const char *function)
{
    arch_irq_state state;
    int result = 0;

    object_check_blocking(group, WEFT_GROUP_MAGIC, function, "wait group");
    state = sched_enter();
    if (group->count != 0) {
        sched_assert_may_block_irqoff(function);
        result = wait_locked(&group->waiters, WAIT_GROUP, group, deadline);
    }
    sched_exit(state);
    return result;
}

int weft_group_wait(struct weft_group *group)
{
    return wait_until_cycles(group, UINT64_MAX, "weft_group_wait");
}

int weft_group_wait_until(struct weft_group *group, uint64_t deadline_ns)
{
    return wait_until_cycles(group, tick_ns_to_cycles(deadline_ns), "weft_group_wait_until");
}

void weft_group_destroy(struct weft_group *group)
{
    arch_irq_state state;

    object_check_blocking(group, WEFT_GROUP_MAGIC, "weft_group_destroy", "wait group");
    state = sched_enter();
    group->magic = OBJECT_DESTROYED;
    wait_wake_all_locked(&group->waiters, WEFT_ECLOSED);
    sched_leave(state);
}
