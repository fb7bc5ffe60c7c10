/* SPDX-License-Identifier: MIT */
/* Blocking and waking in line, for the objects in which a wait is measured in instructions. Others
 * call wait.c's functions, which are made of these. */
#ifndef SCHED_WAIT_FAST_H
#define SCHED_WAIT_FAST_H

#include "arch/clock.h"
#include "kernel/assert.h"
#include "sched/account.h"
#include "sched/sched.h"
#include "sched/switch_fast.h"

/* Behind all others. */
static inline void wait_link_last(struct weft_wait_queue *queue, struct weft_wait_link *link)
{
    struct weft_wait_link *last = queue->head.prev;

    link->prev = last;
    link->next = &queue->head;
    last->next = link;
    queue->head.prev = link;
}

/* The first is taken out. */
static inline void wait_unlink_first(struct weft_wait_queue *queue, struct weft_wait_link *first)
{
    struct weft_wait_link *second = first->next;

    queue->head.next = second;
    second->prev = &queue->head;
}

/* A blocked thread waits for `object`: in `queue`, if there is one. */
static inline __attribute__((always_inline)) void wait_enqueue_locked(struct weft_thread *thread,
                                                                      struct weft_wait_queue *queue,
                                                                      enum thread_wait reason,
                                                                      const void *object)
{
    const struct weft_wait_link *last;

    thread->wait_reason = (uint8_t)reason;
    thread->wait_object = object;
    thread->wait_queue = queue;
    if (queue == NULL)
        return;
    last = queue->head.prev;
    if (last == &queue->head || ((const struct weft_thread *)last)->priority >= thread->priority)
        wait_link_last(queue, &thread->link);
    else
        wait_insert_locked(queue, thread);
}

/* The current thread is blocked: in `queue`, if there is one. */
static inline __attribute__((always_inline)) struct weft_thread *wait_enter_locked(
    struct core *core, struct weft_wait_queue *queue, enum thread_wait reason, const void *object)
{
    struct weft_thread *current = core->current;

    DEBUG_ASSERT(!arch_irq_enabled());
    DEBUG_ASSERT(current->state == THREAD_READY);
    DEBUG_ASSERT(current != &sched_of(core)->idle);
    account_wait_locked(current);
    current->wait_stamp = arch_clock_stamp_irqoff();
    current->state = THREAD_BLOCKED;
    wait_enqueue_locked(current, queue, reason, object);
    return current;
}

/* wait.c: the profiler wants to know that a wait has ended. Returns its result. */
int wait_tell_locked(struct weft_thread *current, enum thread_wait reason);

/* The current thread runs again: what its wait has come to. */
static inline int wait_over_locked(struct weft_thread *current, enum thread_wait reason)
{
    int result = current->wait_result;

    if (__builtin_expect(SHARED_LOAD(wait_watchers) != 0, 0))
        return wait_tell_locked(current, reason);
    return result;
}

/* Blocks the current thread in `queue` until it is woken. */
static inline __attribute__((always_inline)) int wait_for_ever_locked(struct weft_wait_queue *queue,
                                                                      enum thread_wait reason,
                                                                      const void *object)
{
    (void)wait_enter_locked(core_self(), queue, reason, object);
    block_locked(core_self());
    /* Who runs is looked up again: kept in a register, it would cost more. */
    return wait_over_locked(core_self()->current, reason);
}

/* A blocked thread without a deadline becomes ready. */
static inline __attribute__((always_inline)) void wait_wake_unarmed_locked(
    struct weft_thread *thread, int result)
{
    DEBUG_ASSERT(thread->magic == THREAD_MAGIC && thread->state == THREAD_BLOCKED);
    if (thread->wait_queue != NULL)
        runq_unlink(&thread->link);
    thread->wait_result = result;
    sched_ready_locked(thread);
}

/* wait.c: apart, so that the usual case needs no frame. */
void wait_wake_with_alarm_locked(struct weft_thread *thread, int result);

/* Can it be woken by the function below? Nothing is to be done about a deadline or a suspension. */
static inline bool wait_is_plain_locked(const struct weft_thread *thread)
{
    return __builtin_expect(thread->wakes_slowly == 0, 1);
}

/* The first waiter, which is plain, is woken with result 0: the last thing of an operation that has
 * not switched. */
static inline __attribute__((always_inline)) int wait_wake_first_and_leave(
    struct weft_wait_queue *queue, struct weft_wait_link *first, arch_irq_state state)
{
    struct weft_thread *thread = runq_thread_of(first);

    DEBUG_ASSERT(thread->magic == THREAD_MAGIC && thread->state == THREAD_BLOCKED);
    wait_unlink_first(queue, first);
    thread->wait_result = 0;
    return sched_ready_and_leave(thread, state);
}

#endif
