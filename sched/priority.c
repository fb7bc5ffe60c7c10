/* SPDX-License-Identifier: MIT */
#include "kernel/assert.h"
#include "sched/sched.h"
#include "sched/select.h"

static void change_ready_locked(struct weft_thread *thread, uint8_t priority)
{
    runq_remove(&schedulers[WEFT_CONFIG_CORES == 1 ? 0 : thread->core].ready, thread);
    thread_priority_set(thread, priority);
    place_locked(thread);
}

void priority_set_locked(struct weft_thread *thread, uint8_t priority)
{
    uint8_t before = thread->priority;

    DEBUG_ASSERT(priority < RUNQ_PRIORITIES);
    if (before == priority)
        return;
    switch (thread_state(thread)) {
    case THREAD_READY:
        change_ready_locked(thread, priority);
        break;
    case THREAD_BLOCKED:
        thread_priority_set(thread, priority);
        if (select_is_waiting(thread))
            select_sort_locked(thread);
        if (thread->wait_queue == NULL)
            break; /* only asleep, or in several queues */
        runq_unlink(&thread->link);
        wait_insert_locked(thread->wait_queue, thread);
        if (thread->wait_reason == WAIT_RWLOCK_READ || thread->wait_reason == WAIT_RWLOCK_WRITE)
            rwlock_hand_on_locked(thread->wait_object);
        break;
    default: /* it may run on another core, whose tick looks */
        thread_priority_set(thread, priority);
        if (priority < before)
            place_priority_dropped_locked(thread);
    }
}
