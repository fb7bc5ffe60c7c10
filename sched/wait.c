/* SPDX-License-Identifier: MIT */
/* Blocking and waking: the two halves every blocking object is made of. */
#include <weft/barrier.h>

#include "arch/clock.h"
#include "kernel/assert.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "sched/account.h"
#include "sched/sched.h"
#include "sched/select.h"

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

/* They were there before they asked to be told. */
static inline __attribute__((always_inline)) void tell_watchers(struct weft_thread *thread,
                                                                unsigned reason)
{
    if (upcall_profiler != NULL)
        upcall_profiler->waited(thread, reason);
    if (upcall_sites != NULL)
        upcall_sites->waited(thread, reason);
}

int wait_locked(struct weft_wait_queue *queue, enum thread_wait reason, const void *object,
                uint64_t deadline)
{
    struct core *core = core_self();
    struct weft_thread *current = core->current;

    DEBUG_ASSERT(!arch_irq_enabled());
    DEBUG_ASSERT(current->state == THREAD_RUNNING);
    DEBUG_ASSERT(current != &sched_of(core)->idle);
    account_wait_locked(current);
    current->state = THREAD_BLOCKED;
    current->wait_reason = (uint8_t)reason;
    current->wait_object = object;
    current->wait_since = arch_clock_now_irqoff();
    current->wait_result = 0;
    current->wait_queue = queue;
    if (queue != NULL)
        wait_insert_locked(queue, current);
    if (deadline != UINT64_MAX)
        sleep_arm_locked(&current->alarm, deadline);
    sched_switch_locked(core);
    if (__builtin_expect(__atomic_load_n(&wait_watchers, __ATOMIC_RELAXED) != 0, 0))
        tell_watchers(current, (unsigned)reason);
    return current->wait_result;
}

void wait_wake_locked(struct weft_thread *thread, int result)
{
    DEBUG_ASSERT(thread->magic == THREAD_MAGIC && thread->state == THREAD_BLOCKED);
    if (thread->wait_queue != NULL)
        runq_unlink(&thread->link);
    if (alarm_is_armed(&thread->alarm))
        alarm_remove(&thread->alarm);
    thread->wait_result = result;
    thread->wait_reason = WAIT_NONE;
    sched_ready_locked(thread);
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
