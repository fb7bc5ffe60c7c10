/* SPDX-License-Identifier: MIT */
/* Giving the core from one thread to another. sched.h has the essay. */
#include <weft/console.h>

#include "arch/context.h"
#include "arch/fpu.h"
#include "arch/tls.h"
#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/upcall.h"
#include "sched/account.h"
#include "sched/sched.h"
#include "sched/switch_fast.h"

struct scheduler schedulers[WEFT_CONFIG_CORES];

struct spinlock sched_lock = SPINLOCK_INITIALIZER(RANK_SCHEDULER, "scheduler");

/* Thread-local variables follow their thread; the idle one has none. */
void sched_switch_tls(const struct core *core, const struct weft_thread *from,
                      struct weft_thread *to)
{
    const struct weft_thread *idle = &sched_of(core)->idle;

    if (WEFT_CONFIG_CORES > 1 && core->tls_used == ARCH_TLS_OF_CORES)
        to->affinity = 1u << core->id;
    arch_tls_switch(from == idle ? 0 : (uintptr_t)from, to == idle ? 0 : (uintptr_t)to);
}

/* Thread-local variables too. Apart, so that what follows keeps nothing across a call. */
static __attribute__((noinline)) void switch_with_tls_locked(struct core *core,
                                                             struct weft_thread *previous,
                                                             struct weft_thread *next)
{
    switch_begin_locked(core, previous, next);
    sched_switch_tls(core, previous, next);
    if (core->fpu_owner != NULL)
        arch_fpu_switch(core, next->fpu_area);
    arch_switch(&previous->saved_sp, next->saved_sp);
}

void switch_more_locked(struct core *core, struct weft_thread *previous, struct weft_thread *next)
{
    if (WEFT_CONFIG_STACK_CANARY && !thread_canary_lives(previous))
        stack_canary_died(previous);
    if (WEFT_CONFIG_TLS && core->tls_used != 0) {
        switch_with_tls_locked(core, previous, next);
        return;
    }
    switch_begin_locked(core, previous, next);
    if (core->fpu_owner != NULL)
        arch_fpu_switch(core, next->fpu_area);
    arch_switch(&previous->saved_sp, next->saved_sp);
}

static inline __attribute__((always_inline)) void switch_if_other_locked(struct core *core,
                                                                         struct weft_thread *next)
{
    struct weft_thread *previous = core->current;

    core_reschedule_clear(core);
    if (__builtin_expect(next != previous, 1))
        switch_to_locked(core, previous, next);
}

void switch_among_cores_locked(struct core *core)
{
    struct weft_thread *next = place_pick_locked(core);

    switch_if_other_locked(core, next != NULL ? next : &sched_of(core)->idle);
}

void sched_switch_locked(struct core *core)
{
    if (pick_is_here_locked())
        switch_if_other_locked(core, pick_here_locked(core));
    else
        switch_among_cores_locked(core);
}

void sched_block_locked(void)
{
    block_locked(core_self());
}

/* May `current`, which runs on `core`, simply be preempted by a better thread of this core's? It is
 * not suspended or cooperative, and nobody who waits elsewhere, or has to go elsewhere, matters. */
static inline bool gives_way_here_locked(const struct core *core, const struct weft_thread *current)
{
    return WEFT_CONFIG_PREEMPTION && (current->suspended | current->cooperative) == 0 &&
           (WEFT_CONFIG_CORES == 1 ||
            ((current->affinity & sched_of(core)->ready.away) == 0 && pick_is_here_locked()));
}

static inline __attribute__((always_inline)) void preempt_locked(struct core *core)
{
    struct weft_thread *current = core->current, *next;
    struct scheduler *scheduler = sched_of(core);

    if (__builtin_expect(!gives_way_here_locked(core, current) ||
                             scheduler->ready.bitmap >> 1 <
                                 current->priority_bit, /* nobody above */
                         0)) {
        sched_give_way_locked(core);
        return;
    }
    core_reschedule_clear(core);
    scheduler->preemptions++;
    next = runq_pop(&scheduler->ready);
    runq_push_front(&scheduler->ready, current);
    switch_to_locked(core, current, next);
}

void sched_preempt_locked(struct core *core)
{
    preempt_locked(core);
}

void upcall_preempt(void)
{
    sched_lock_irqoff();
    preempt_locked(core_self());
    sched_unlock_irqoff();
}

bool sched_hand_over_locked(struct core *core, struct weft_thread *next)
{
    struct weft_thread *current = core->current;
    struct scheduler *scheduler = sched_of(core);

    if (core_occupied(core) != 0 || next->priority_bit <= current->priority_bit ||
        !gives_way_here_locked(core, current))
        return false;
    scheduler->preemptions++;
    next->state = THREAD_READY;
    runq_push_front(&scheduler->ready, current);
    switch_to_locked(core, current, next);
    return true;
}

void sched_requeue_current_locked(struct core *core, bool to_back)
{
    struct weft_thread *current = core->current;
    struct run_queue *ready = &sched_of(core)->ready;

    DEBUG_ASSERT(current != &sched_of(core)->idle);
    if (current->suspended != 0) {
        sched_park_locked(current);
        return;
    }
    if (WEFT_CONFIG_CORES > 1 && (current->affinity & ~ready->away) == 0)
        place_locked(current); /* its core set was changed under it */
    else if (to_back)
        runq_push_back(ready, current);
    else
        runq_push_front(ready, current);
}

/* Everything but the usual case. With more than one core, other queues are looked at too. */
static __attribute__((noinline)) void yield_to_anybody(void)
{
    arch_irq_state state;
    struct core *core;

    sched_assert_may_block("weft_thread_yield");
    state = sched_enter();
    core = core_self();
    if (core->current->suspended != 0 || place_waits_locked(core, core->current->priority))
        sched_yield_locked(core);
    sched_exit(state);
}

/* May the best of this core's queue, an equal of the current thread, simply change places with it?
 * Not if another core has a better one for this core, or if a switch was asked for, as it is when
 * the thread is suspended, must move or is in a world that is being stopped. */
static inline bool may_rotate_locked(struct core *core)
{
    unsigned priority = core->current->priority;

    return sched_of(core)->ready.bitmap >> priority == 1 &&
           !runq_above(place_movable(), priority) && !core_reschedule_asked(core);
}

/* What is less usual than changing places with one's like. Apart, so that the usual case keeps
 * nothing across a call. */
static __attribute__((noinline)) void yield_long_way_locked(struct core *core)
{
    struct weft_thread *current = core->current, *next;
    struct run_queue *ready = &sched_of(core)->ready;

    if (WEFT_CONFIG_CORES > 1 && may_rotate_locked(core)) {
        next = runq_rotate(ready, current);
        runq_note_movable(ready, current);
        place_share_locked(core);
        switch_to_locked(core, current, next);
    } else if (current->suspended != 0 || place_waits_locked(core, current->priority)) {
        sched_yield_locked(core);
    }
}

/* Does what happens on `core` concern no other one? Its thread and those that wait there have
 * nowhere else to go, nobody wants to come, no switch was asked for. */
static inline bool is_by_itself_locked(const struct core *core, const struct weft_thread *current)
{
    return WEFT_CONFIG_CORES == 1 || ((current->affinity & sched_of(core)->ready.away) |
                                      place_movable() | SHARED_LOAD(core->occupied)) == 0;
}

/* `current`, the calling thread, changes places with the best of the others, if one is as good.
 * Interrupts are on. */
static inline void yield_to_best(struct weft_thread *current)
{
    struct weft_thread *sole;
    struct run_queue *ready;
    struct core *core;

    (void)arch_irq_save();
    core = core_self();
    sched_lock_core_irqoff(core);
    ready = &sched_of(core)->ready;
    sole = ready->sole;
    if (__builtin_expect(sole != NULL && sole->priority == current->priority, 1) &&
        is_by_itself_locked(core, current)) {
        ready->sole = current;
        switch_to_locked(core, current, sole);
    } else if (ready->bitmap >> current->priority == 1 && is_by_itself_locked(core, current)) {
        switch_to_locked(core, current, runq_rotate(ready, current));
    } else {
        yield_long_way_locked(core);
    }
    sched_unlock_irqoff();
    arch_irq_enable();
}

/* Who is ready, a bit per priority, as far as can be seen without the lock. With more than one core
 * the thread may have been moved since it found its core; then others have had their turn. */
static inline uint32_t ready_glance(const struct core *core)
{
    uint32_t ready = core_glance(&sched_of(core)->ready.bitmap);

    return WEFT_CONFIG_CORES == 1 ? ready : ready | place_movable();
}

/* What an interrupt has asked for, and could not have at once, is left to yield_to_anybody. */
void weft_thread_yield(void)
{
    const struct core *core = core_self();
    uint32_t unusual = core_occupied(core);
    uint32_t ready = ready_glance(core);
    struct weft_thread *current = thread_current();

    if (__builtin_expect(unusual != 0, 0))
        yield_to_anybody();
    else if (runq_at_least(ready, current->priority))
        yield_to_best(current);
    /* A thread that becomes ready after this look, by an interrupt, preempts by itself. */
}

void sched_may_not_block(const char *function)
{
    (void)arch_irq_save();
    if (core_self()->interrupt_depth != 0)
        weft_panic(
            "%s was called in an interrupt handler, where nothing may block: use a try-form, or "
            "wake a thread that does it",
            function);
    weft_panic("%s was called with preemption disabled, where nothing may block: call "
               "weft_preempt_enable first",
               function);
}

void sched_assert_may_block(const char *function)
{
    arch_irq_state state = core_pin();
    bool may = core_may_switch(core_self());

    core_unpin(state);
    if (!may)
        sched_may_not_block(function);
}
