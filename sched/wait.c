/* SPDX-License-Identifier: MIT */
/* Blocking and waking: the two halves every blocking object is made of. */
#include <weft/barrier.h>

#include "kernel/assert.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "sched/sched.h"
#include "sched/select.h"
#include "sched/wait_fast.h"

uint32_t wait_watchers, spawn_watchers;

void wait_queue_init(struct weft_wait_queue *queue)
{
    queue->head.next = queue->head.prev = &queue->head;
}

void wait_insert_locked(struct weft_wait_queue *queue, struct weft_thread *thread)
{
    struct weft_wait_link *at = queue->head.prev;

    /* From the back: the usual newcomer is no better than those who wait already. */
    while (at != &queue->head && runq_thread_of(at)->priority < thread->priority)
        at = at->prev;
    runq_link_after(at, &thread->link);
}

int wait_locked(struct weft_wait_queue *queue, enum thread_wait reason, const void *object,
                uint64_t deadline)
{
    struct core *core = core_self();
    struct weft_thread *current = wait_enter_locked(core, queue, reason, object);

    if (deadline != UINT64_MAX) {
        current->timed = 1;
        sleep_arm_locked(&current->alarm, deadline);
    }
    sched_switch_locked(core);
    current->timed = 0;
    return wait_over_locked(current, reason);
}

/* Those who watch were there before they asked to be told. */
int wait_tell_locked(struct weft_thread *current, enum thread_wait reason)
{
    if (SHARED_LOAD(upcall_profiler) != NULL)
        SHARED_LOAD(upcall_profiler)->waited(current, (unsigned)reason);
    if (SHARED_LOAD(upcall_sites) != NULL)
        SHARED_LOAD(upcall_sites)->waited(current, (unsigned)reason);
    return current->wait_result;
}

void wait_wake_with_alarm_locked(struct weft_thread *thread, int result)
{
    alarm_remove(&thread->alarm);
    wait_wake_unarmed_locked(thread, result);
}

void wait_wake_locked(struct weft_thread *thread, int result)
{
    if (__builtin_expect(alarm_is_armed(&thread->alarm), 0))
        wait_wake_with_alarm_locked(thread, result);
    else
        wait_wake_unarmed_locked(thread, result);
}

void wait_move_locked(struct weft_thread *thread, struct weft_wait_queue *queue,
                      enum thread_wait reason, const void *object)
{
    DEBUG_ASSERT(thread->state == THREAD_BLOCKED && thread->wait_queue != NULL);
    runq_unlink(&thread->link);
    if (alarm_is_armed(&thread->alarm))
        alarm_remove(&thread->alarm);
    thread->wait_queue = queue;
    thread->wait_reason = (uint8_t)reason;
    thread->wait_object = object;
    wait_insert_locked(queue, thread);
}

void wait_give_up_locked(struct weft_thread *thread, int result)
{
    enum thread_wait reason = (enum thread_wait)thread->wait_reason;
    const void *object = thread->wait_object;

    wait_wake_locked(thread, result);
    switch (reason) {
    case WAIT_MUTEX:
        mutex_waiter_left_locked(object);
        break;
    case WAIT_BARRIER:
        ((struct weft_barrier *)object)->arrived--;
        break;
    case WAIT_RWLOCK_WRITE:
        rwlock_hand_on_locked(object);
        break;
    case WAIT_CHANNEL_SEND:
    case WAIT_CHANNEL_RECEIVE:
    case WAIT_SELECT:
        select_leave_locked(thread);
        break;
    default:
        break;
    }
}

struct weft_thread *wait_wake_first_locked(struct weft_wait_queue *queue, int result)
{
    struct weft_thread *first = wait_queue_first(queue);

    if (first != NULL)
        wait_wake_locked(first, result);
    return first;
}

void wait_wake_all_locked(struct weft_wait_queue *queue, int result)
{
    while (wait_wake_first_locked(queue, result) != NULL)
        ;
}
