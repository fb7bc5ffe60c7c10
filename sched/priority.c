/* SPDX-License-Identifier: MIT */
#include "kernel/assert.h"
#include "sched/sched.h"

void priority_set_irqoff(struct weft_thread *thread, uint8_t priority)
{
    struct core *core = core_self();
    struct run_queue *ready = &sched_of(core)->ready;

    DEBUG_ASSERT(priority < RUNQ_PRIORITIES);
    if (thread->priority == priority)
        return;
    switch (thread->state) {
    case THREAD_READY:
        runq_remove(ready, thread);
        thread->priority = priority;
        runq_push_back(ready, thread);
        if (WEFT_CONFIG_PREEMPTION && priority > core->current->priority)
            core->reschedule = 1;
        break;
    case THREAD_BLOCKED:
        thread->priority = priority;
        if (thread->wait_queue == NULL)
            break; /* only asleep */
        runq_unlink(&thread->link);
        wait_insert_irqoff(thread->wait_queue, thread);
        break;
    default:
        thread->priority = priority;
        if (WEFT_CONFIG_PREEMPTION && runq_has_at_least(ready, priority + 1u))
            core->reschedule = 1;
    }
}
