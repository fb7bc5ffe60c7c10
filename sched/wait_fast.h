/* SPDX-License-Identifier: MIT */
/* Blocking and waking in line, for the objects in which a wait is measured in instructions. Others
 * call wait.c's functions, which are made of these. */
#ifndef SCHED_WAIT_FAST_H
#define SCHED_WAIT_FAST_H

#include "arch/clock.h"
#include "kernel/assert.h"
#include "kernel/upcall.h"
#include "sched/account.h"
#include "sched/sched.h"

/* The current thread is blocked: in `queue`, if there is one. */
static inline __attribute__((always_inline)) struct weft_thread *wait_enter_locked(
    struct core *core, struct weft_wait_queue *queue, enum thread_wait reason, const void *object)
{
    struct weft_thread *current = core->current;

    DEBUG_ASSERT(!arch_irq_enabled());
    DEBUG_ASSERT(current->state == THREAD_RUNNING);
    DEBUG_ASSERT(current != &sched_of(core)->idle);
    account_wait_locked(current);
    current->state = THREAD_BLOCKED;
    current->wait_reason = (uint8_t)reason;
    current->wait_object = object;
    current->wait_since = arch_clock_now_irqoff();
    current->wait_queue = queue;
    if (queue != NULL) {
        struct weft_wait_link *last = queue->head.prev;

        if (last == &queue->head || runq_thread_of(last)->priority >= current->priority)
            runq_link_after(last, &current->link);
        else
            wait_insert_locked(queue, current);
    }
    return current;
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

/* It runs again: the profiler may want to know what for it has waited. */
static inline int wait_over_locked(struct weft_thread *current, enum thread_wait reason)
{
    if (__builtin_expect(__atomic_load_n(&wait_watchers, __ATOMIC_RELAXED) != 0, 0))
        tell_watchers(current, (unsigned)reason);
    return current->wait_result;
}

/* Blocks the current thread in `queue` until it is woken. */
static inline __attribute__((always_inline)) int wait_for_ever_locked(struct weft_wait_queue *queue,
                                                                      enum thread_wait reason,
                                                                      const void *object)
{
    struct core *core = core_self();
    struct weft_thread *current = wait_enter_locked(core, queue, reason, object);

    sched_switch_locked(core);
    return wait_over_locked(current, reason);
}

/* A blocked thread without a deadline becomes ready. */
static inline __attribute__((always_inline)) void wait_wake_unarmed_locked(
    struct weft_thread *thread, int result)
{
    DEBUG_ASSERT(thread->magic == THREAD_MAGIC && thread->state == THREAD_BLOCKED);
    if (thread->wait_queue != NULL)
        runq_unlink(&thread->link);
    thread->wait_result = result;
    thread->wait_reason = WAIT_NONE;
    sched_ready_locked(thread);
}

/* wait.c: apart, so that the usual case needs no frame. */
void wait_wake_with_alarm_locked(struct weft_thread *thread, int result);

/* The same for a thread that is in a queue. */
static inline __attribute__((always_inline)) void wait_wake_queued_locked(
    struct weft_thread *thread, int result)
{
    if (__builtin_expect(alarm_is_armed(&thread->alarm), 0)) {
        wait_wake_with_alarm_locked(thread, result);
        return;
    }
    runq_unlink(&thread->link);
    thread->wait_result = result;
    thread->wait_reason = WAIT_NONE;
    sched_ready_locked(thread);
}

#endif
