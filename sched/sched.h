/* SPDX-License-Identifier: MIT */
/*
 * The scheduler, inside.
 *
 * Nouns. Each core has a `struct scheduler`: a run queue (a bitmap and 32 circular lists, highest
 * priority first, round robin inside one), a heap of deadlines, its idle thread. A
 * thread is in exactly one place: running (core->current), ready (a run queue), blocked (an
 * object's wait queue, the heap of deadlines, or both), or exited.
 *
 * Steps. An operation enters (sched_enter: interrupts off, the scheduler's lock), changes queues,
 * and ends with sched_leave(), which switches if a thread of higher priority became ready, and lets
 * go again. A blocking operation parks the current thread with wait_locked(). The switch itself is
 * in one function, sched_switch_locked(); preemption reaches it from the trap exit (preempt.c),
 * everything else by a plain call.
 *
 * One lock. All queues of all cores are guarded by sched_lock. It is held across the switch: the
 * thread that switches away takes it, the thread that is switched to lets go of it, so nobody can
 * run a thread before its registers are in memory. With one core the lock is gone and interrupts
 * being off is enough (docs/decisions/0008-one-scheduler-lock.md).
 *
 * Cores. A ready thread is in the queue of one core (thread->core), chosen in place.c when it
 * became ready; a core that looks for its next thread also looks at the others' queues, so no
 * core runs a thread while a better one waits that may run there.
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
#include "kernel/shared.h"
#include "kernel/spinlock.h"
#include "sched/alarm.h"
#include "sched/runq.h"
#include "sched/thread.h"

struct weft_mutex;

struct scheduler {
    struct run_queue ready;
    struct alarm_heap alarms; /* the deadlines of threads that blocked here, and of timers */
    struct weft_thread idle;
    struct weft_thread *dead; /* detached threads that have ended, by link.next; freed at leisure */
    uint32_t switches, preemptions, steals;
    bool idle_works; /* the idle thread is in the heap: stopping the world waits for it */
#if WEFT_CONFIG_THREAD_STATS
    uint32_t charged_at; /* cycles: up to here the current thread has been charged */
#endif
};

extern ARCH_NEAR struct scheduler schedulers[WEFT_CONFIG_CORES];

static inline struct scheduler *sched_of(const struct core *core)
{
    return WEFT_CONFIG_CORES == 1 ? &schedulers[0] : core->scheduler;
}

/* The core has no thread to run (or has one again): the idle thread itself is not in any queue. */
static inline bool sched_is_idle(const struct core *core)
{
    return SHARED_LOAD(core->current) == &sched_of(core)->idle;
}

extern ARCH_NEAR_DATA struct spinlock sched_lock;

/* With interrupts off already: takes the scheduler's lock, lets go of it. */
static inline void sched_lock_core_irqoff(const struct core *core)
{
    if (WEFT_CONFIG_DEBUG)
        spinlock_lock_irqoff(&sched_lock);
    else if (WEFT_CONFIG_CORES > 1)
        spinlock_take_irqoff(&sched_lock, core);
}

static inline void sched_lock_irqoff(void)
{
    sched_lock_core_irqoff(core_self());
}

static inline void sched_unlock_irqoff(void)
{
    if (WEFT_CONFIG_DEBUG)
        spinlock_unlock_irqoff(&sched_lock);
    else if (WEFT_CONFIG_CORES > 1)
        spinlock_free_irqoff(&sched_lock);
}

/* Begins an operation on queues: interrupts off, the lock taken. */
static inline arch_irq_state sched_enter(void)
{
    arch_irq_state state = arch_irq_save();

    sched_lock_irqoff();
    return state;
}

/* Ends it without looking for a switch: nobody was made ready. */
static inline void sched_exit(arch_irq_state state)
{
    sched_unlock_irqoff();
    arch_irq_restore(state);
}

/* The same where the operation has not switched either. */
static inline void sched_exit_unswitched(arch_irq_state state)
{
    sched_unlock_irqoff();
    arch_irq_restore_unswitched(state);
}

/* The same where only a thread comes to, whose interrupts were on. */
static inline void sched_exit_thread(void)
{
    sched_unlock_irqoff();
    arch_irq_enable();
}

/* Gives the core to the best ready thread, or the idle one. The current thread has been put where
 * it belongs (or is to be forgotten). Returns when it runs again; at once when it is itself the
 * best. */
void sched_switch_locked(struct core *core);

/* The same for a thread that has been blocked, and so cannot be the best. */
void sched_block_locked(void);

/* The current thread stays ready but lets others go first: behind its equals (`to_back`) or before
 * them. */
void sched_requeue_current_locked(struct core *core, bool to_back);

/* The current thread goes behind its equals; somebody of at least its priority is ready. */
void sched_yield_locked(struct core *core);

/* A switch was asked for, and is allowed: the current thread keeps its turn unless it is its
 * equals'. The first is short when it is simply that a better thread is in this core's queue.
 */
void sched_preempt_locked(struct core *core);
void sched_give_way_locked(struct core *core);

/* The current thread is preempted for the benefit of `next`, blocked so far and in no queue, at the
 * end of an operation of the current thread. False: it may not be, or not as simply. */
bool sched_hand_over_locked(struct core *core, struct weft_thread *next);

/* Slow half of sched_leave: switches if that is allowed here. */
void sched_leave_switch_locked(struct core *core);

/* Slow half of sched_leave_with. */
int sched_leave_switching(arch_irq_state state, int result);

/* Ends an operation on queues: switches if that was asked for and is allowed here. */
static inline void sched_leave(arch_irq_state state)
{
    struct core *core = core_self();

    if (core_reschedule_asked(core))
        sched_leave_switch_locked(core);
    sched_exit(state);
}

/* The last words of an operation that has not switched yet and whose result is `result`. Nothing is
 * kept across a switch here, so such an operation needs no frame. */
static inline int sched_leave_with(arch_irq_state state, int result)
{
    if (core_reschedule_asked(core_self()))
        return sched_leave_switching(state, result);
    sched_exit_unswitched(state);
    return result;
}

/* Panics with `function`'s name unless the caller may block: a thread, preemption on. */
void sched_assert_may_block(const char *function);

/* Panics: it may not. */
_Noreturn void sched_may_not_block(const char *function);

/* The same with interrupts off, where the usual answer is worth being short. */
static inline void sched_assert_may_block_irqoff(const char *function)
{
    const struct core *core = core_self();

    if (__builtin_expect(core_occupied(core) != 0, 0) && !core_may_switch(core))
        sched_may_not_block(function);
}

/* The same with interrupts on. */
static inline void sched_assert_may_block_here(const char *function)
{
    if (__builtin_expect(core_occupied(core_self()) != 0, 0))
        sched_assert_may_block(function);
}

/* The same where it has been seen that this is a thread, with interrupts off. */
static inline void sched_assert_preemption_irqoff(const char *function)
{
    if (__builtin_expect(core_self()->preempt_off != 0, 0))
        sched_may_not_block(function);
}

/* Blocks the current thread: in `queue` (may be NULL), until woken or `deadline` (cycles,
 * UINT64_MAX: for ever). Returns the waker's result, or WEFT_ETIMEDOUT. */
int wait_locked(struct weft_wait_queue *queue, enum thread_wait reason, const void *object,
                uint64_t deadline);

/* The first waiter, out of the queue and ready with `result`; NULL when nobody waits. */
struct weft_thread *wait_wake_first_locked(struct weft_wait_queue *queue, int result);
void wait_wake_locked(struct weft_thread *thread, int result);
/* The same when nobody served it: its deadline came, or it is taken away. What waiting did to the
 * object is undone. */
void wait_give_up_locked(struct weft_thread *thread, int result);
void wait_wake_all_locked(struct weft_wait_queue *queue, int result);

/* Puts `thread` into a wait queue at its place: by priority, behind its equals. */
void wait_insert_locked(struct weft_wait_queue *queue, struct weft_thread *thread);

static inline bool wait_queue_empty(const struct weft_wait_queue *queue)
{
    return queue->head.next == &queue->head;
}

static inline struct weft_thread *wait_queue_first(const struct weft_wait_queue *queue)
{
    return wait_queue_empty(queue) ? NULL : runq_thread_of(queue->head.next);
}

void wait_queue_init(struct weft_wait_queue *queue);

/* sleep.c: puts an alarm among this core's, to go off at `deadline` (cycles). alarm_remove takes it
 * out again: the core's timer stays armed, as an early interrupt costs less than arming again. */
void sleep_arm_locked(struct weft_alarm *alarm, uint64_t deadline);

/* > 0: upcall_waited is told of each wait that is over. Changed by prof, atomically. */
extern ARCH_NEAR uint32_t wait_watchers;

/* > 0: upcall_spawning is told of each thread that is made. Changed by prof, atomically. */
extern ARCH_NEAR uint32_t spawn_watchers;

/* Moves a blocked thread to another queue, where it waits without a deadline. */
void wait_move_locked(struct weft_thread *thread, struct weft_wait_queue *queue,
                      enum thread_wait reason, const void *object);

/* mutex.c, for condition variables: panics unless it is a mutex and this a thread; is it owned by
 * the calling thread; its owner lets go of it; a blocked thread gets it, or waits for it, or wakes
 * with WEFT_EDEADLK because its waiting would close a cycle. */
void mutex_check(const struct weft_mutex *mutex, const char *function);
bool mutex_is_mine(const struct weft_mutex *mutex);
void mutex_set_depth(struct weft_mutex *mutex, uint16_t depth);
void mutex_release_locked(struct weft_mutex *mutex);
void mutex_pass_to_locked(struct weft_mutex *mutex, struct weft_thread *thread);

/* mutex.c: a thread's own priority has changed: what it runs at, and those it waits for. */
void mutex_priority_changed_locked(struct weft_thread *thread);

/* mutex.c: a thread that waited for `mutex` gave up: its owner may have inherited too much. */
void mutex_waiter_left_locked(const void *mutex);

/* rwlock_queue.c: the lock goes to whoever is first in its queue and may have it: something was let
 * go of, or the queue has changed. */
void rwlock_hand_on_locked(const void *lock);

/* mutex.c, for reports: who owns it now; NULL: nobody. */
const struct weft_thread *mutex_owner(const struct weft_mutex *mutex);

/* place.c: which core runs what. With one core all of it folds into runq.h. */

/* Puts a ready thread into the queue of the core that should run it, and wakes or interrupts that
 * core when it must look. */
void place_locked(struct weft_thread *thread);

/* The same when that is `core`, the calling one, which is not idle, and no other. True: it should
 * have the core. */
static inline __attribute__((warn_unused_result)) bool place_here_locked(struct core *core,
                                                                         struct weft_thread *thread)
{
    if (WEFT_CONFIG_CORES > 1)
        thread->core = (uint8_t)core->id; /* new, or kept here since it was last on another one */
    runq_push_back_pinned(&sched_of(core)->ready, thread);
    return WEFT_CONFIG_PREEMPTION && thread->priority_bit > core->current->priority_bit;
}

/* Is this the only core that `thread` may run on? */
static inline bool place_is_pinned(const struct core *core, const struct weft_thread *thread)
{
    return (thread->affinity & sched_of(core)->ready.away) == 0;
}

/* Priorities of threads that wait in some queue and may run on another core than that one's; a few
 * too many, never one too few. Without the lock: of a moment ago. */
static inline uint32_t place_movable(void)
{
    uint32_t movable = 0;

    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        movable |= SHARED_LOAD(schedulers[id].ready.movable);
    return movable;
}

/* control.c: a suspended thread stops here: it is in no queue. */
void sched_park_locked(struct weft_thread *thread);

/* Does whatever happens to `thread`, woken by this core, concern no other? */
static inline bool sched_is_ours_locked(const struct core *core, const struct weft_thread *thread)
{
    return WEFT_CONFIG_CORES == 1 || (place_is_pinned(core, thread) && !sched_is_idle(core));
}

/* A thread that was blocked or new, and is not suspended, may run. Asks for a switch when it beats
 * the current one. */
static inline void sched_ready_plain_locked(struct weft_thread *thread)
{
    struct core *core = core_self();

    thread->state = THREAD_READY;
    if (!sched_is_ours_locked(core, thread))
        place_locked(thread);
    else if (place_here_locked(core, thread))
        core_reschedule_ask(core);
}

/* The same as the last thing of an operation that has not switched. A switch that was wanted before
 * is left to whoever put it off: it was not allowed, and still is not. */
static inline int sched_ready_and_leave(struct weft_thread *thread, arch_irq_state state)
{
    struct core *core = core_self();

    thread->state = THREAD_READY;
    if (!sched_is_ours_locked(core, thread)) {
        place_locked(thread);
        return sched_leave_with(state, 0);
    }
    if (__builtin_expect(place_here_locked(core, thread), 0)) {
        core_reschedule_ask(core);
        return sched_leave_switching(state, 0);
    }
    sched_exit_unswitched(state);
    return 0;
}

/* The same for one that may be suspended. */
static inline void sched_ready_locked(struct weft_thread *thread)
{
    if (__builtin_expect(thread->suspended != 0, 0))
        sched_park_locked(thread);
    else
        sched_ready_plain_locked(thread);
}

/* The best thread that `core` may run, out of its queue, if its priority is at least `priority`;
 * else NULL. */
struct weft_thread *place_take_locked(struct core *core, unsigned priority);

/* `core` has chosen its next thread: what is left in its queue goes to cores that run worse ones.
 */
void place_share_locked(const struct core *core);

/* For a core that gives up its thread: the next one, taken out; NULL: none, and the core is in the
 * idle set. Also shares, and parks the core when the world is stopped. */
struct weft_thread *place_pick_locked(struct core *core);

/* A running thread's priority was lowered: its core must look whether a better one waits. */
void place_priority_dropped_locked(struct weft_thread *thread);

/* Something has happened to what this core runs: it comes to give_way_locked. */
void place_look_again_locked(struct core *core);

/* A bit for each core. */
struct place_state {
    uint32_t idle;    /* idle and not yet promised to a thread */
    uint32_t polling; /* idle, and looks at its `reschedule`: needs no interrupt (idle.c) */
};
extern struct place_state place;

/* Does a ready thread of at least `priority` wait that `core` may run? One above it? */
bool place_waits_locked(const struct core *core, unsigned priority);
bool place_waits_above_locked(const struct core *core, unsigned priority);

/* priority.c: changes the effective priority of a thread in any state, keeping queues in order. */
void priority_set_locked(struct weft_thread *thread, uint8_t priority);

/* switch.c: thread-local variables, on cores that have core->tls_used. `from` is NULL at first.
 * Where the variables are the core's, `to` stays on it from now on. */
void sched_switch_tls(const struct core *core, const struct weft_thread *from,
                      struct weft_thread *to);

/* stack_guard.c. How much more memory a guarded stack takes; puts the guard below the new thread's
 * stack, or takes it away before the memory is given back; canary and paint of a new stack. */
size_t stack_guard_extra_bytes(void);
void stack_guard_set(struct weft_thread *thread);
void stack_guard_clear(struct weft_thread *thread);
static inline void stack_canary_set(struct weft_thread *thread)
{
    *(uint32_t *)thread->stack_lo = thread_canary(thread);
}
void stack_paint(struct weft_thread *thread);
_Noreturn void stack_canary_died(const struct weft_thread *thread);

/* What the entry function of a thread is called with; lies above its stack. */
struct thread_start {
    void *(*entry)(void *argument);
    void *argument;
};

/* spawn.c: a thread that will start there, not in any list yet (NULL: no memory). The fields that
 * every new thread begins with. An ended thread's memory is given back, or that of a list by
 * link.next, or of what this core has left to be given back. Thread context, but for the one that
 * is _locked. */
struct weft_thread *thread_make(const struct weft_thread_attr *attr, struct thread_start start);
void thread_fill(struct weft_thread *thread, const struct weft_thread_attr *attr);
void thread_free(struct weft_thread *thread);
void thread_free_list(struct weft_thread *dead);
void thread_reap(void);

/* thread.c */
void thread_entry(void *argument); /* a thread_start: first code of every thread */
/* The thread becomes weft's own: not counted, and its deadlines keep no deadlock from being seen.
 */
void thread_make_own(struct weft_thread *thread);
_Noreturn void idle_entry(void *argument);

/* control.c: time slices by priority, in cycles. */
#define SLICE_NONE UINT32_MAX
extern ARCH_NEAR uint32_t slice_cycles[RUNQ_PRIORITIES];
void slices_init(void);

/* newlib.c: frees the thread's reent. Thread context. */
void newlib_thread_end(struct weft_thread *thread);

#endif
