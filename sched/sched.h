/* SPDX-License-Identifier: MIT */
/*
 * The scheduler, inside.
 *
 * Nouns. Each core has a `struct scheduler`: a run queue (a bitmap and 32 circular lists, highest
 * priority first, round robin inside one), its sleepers in order of deadline, its idle thread. A
 * thread is in exactly one place: running (core->current), ready (a run queue), blocked (an
 * object's wait queue, the sleepers' list, or both), or exited.
 *
 * Steps. An operation turns interrupts off, changes queues, and ends with sched_leave(), which
 * switches if a thread of higher priority became ready, and turns interrupts on again. A blocking
 * operation parks the current thread with wait_irqoff(). The switch itself is in one function,
 * sched_switch_irqoff(); preemption reaches it from the trap exit (preempt.c), everything else by a
 * plain call.
 *
 * Who owns what. A blocked thread belongs to the queue it waits in, and whoever takes it out of
 * there makes it ready and tells it why (wait_result). Ownership of a mutex or a message is handed
 * over by the waker: a woken thread never has to try again, so nobody overtakes it.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/config.h>
#include <weft/wait.h>

#include "arch/irq.h"
#include "kernel/core.h"
#include "sched/runq.h"
#include "sched/thread.h"

struct scheduler {
    struct run_queue ready;
    struct weft_wait_link sleepers; /* timer_link, earliest deadline first */
    struct weft_thread idle;
    struct weft_thread *dead; /* detached threads that have ended, by link.next; freed at leisure */
    uint32_t switches, preemptions;
};

extern struct scheduler schedulers[WEFT_CONFIG_CORES];

static inline struct scheduler *sched_of(const struct core *core)
{
    return &schedulers[WEFT_CONFIG_CORES == 1 ? 0 : core->id];
}

/* Gives the core to the best ready thread, or the idle one. The current thread has been put where
 * it belongs (or is to be forgotten). Returns when it runs again; at once when it is itself the
 * best. */
void sched_switch_irqoff(struct core *core);

/* A thread that was blocked or new may run. Asks for a switch when it beats the current one. */
void sched_ready_irqoff(struct weft_thread *thread);

/* The current thread stays ready but lets others go first: behind its equals (`to_back`) or before
 * them. */
void sched_requeue_current_irqoff(struct core *core, bool to_back);

/* Slow half of sched_leave. */
void sched_leave_switch_irqoff(struct core *core, arch_irq_state state);

/* Ends an operation on queues: switches if that was asked for and is allowed here. */
static inline void sched_leave(arch_irq_state state)
{
    struct core *core = core_self();

    if (__builtin_expect(core->reschedule, 0))
        sched_leave_switch_irqoff(core, state);
    arch_irq_restore(state);
}

/* Panics with `function`'s name unless the caller may block: a thread, preemption on. */
void sched_assert_may_block(const char *function);

/* Blocks the current thread: in `queue` (may be NULL), until woken or `deadline` (cycles,
 * UINT64_MAX: for ever). Returns the waker's result, or WEFT_ETIMEDOUT. */
int wait_irqoff(struct weft_wait_queue *queue, enum thread_wait reason, const void *object,
                uint64_t deadline);

/* The first waiter, out of the queue and ready with `result`; NULL when nobody waits. */
struct weft_thread *wait_wake_first_irqoff(struct weft_wait_queue *queue, int result);
void wait_wake_irqoff(struct weft_thread *thread, int result);
void wait_wake_all_irqoff(struct weft_wait_queue *queue, int result);

/* Puts `thread` into a wait queue at its place: by priority, behind its equals. */
void wait_insert_irqoff(struct weft_wait_queue *queue, struct weft_thread *thread);

static inline bool wait_queue_empty(const struct weft_wait_queue *queue)
{
    return queue->head.next == &queue->head;
}

static inline struct weft_thread *wait_queue_first(const struct weft_wait_queue *queue)
{
    return wait_queue_empty(queue) ? NULL : runq_thread_of(queue->head.next);
}

void wait_queue_init(struct weft_wait_queue *queue);

/* sleep.c: the timer of a blocked thread. */
void sleep_arm_irqoff(struct weft_thread *thread, uint64_t deadline);
void sleep_disarm_irqoff(struct weft_thread *thread);

/* mutex.c: a thread that waited for `mutex` gave up: its owner may have inherited too much. */
void mutex_waiter_left_irqoff(const void *mutex);

/* priority.c: changes the effective priority of a thread in any state, keeping queues in order. */
void priority_set_irqoff(struct weft_thread *thread, uint8_t priority);

/* thread.c */
void thread_reap(void);
_Noreturn void idle_entry(void *argument);

/* newlib.c: frees the thread's reent. Thread context. */
void newlib_thread_end(struct weft_thread *thread);

#endif
