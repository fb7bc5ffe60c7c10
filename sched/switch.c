/* SPDX-License-Identifier: MIT */
/* Giving the core from one thread to another. sched.h has the essay. */
#include <weft/console.h>

#include "arch/context.h"
#include "arch/fpu.h"
#include "arch/tls.h"
#include "kernel/assert.h"
#include "kernel/upcall.h"
#include "sched/account.h"
#include "sched/sched.h"
#include "sched/world.h"

struct scheduler schedulers[WEFT_CONFIG_CORES];

struct spinlock sched_lock = SPINLOCK_INITIALIZER(RANK_SCHEDULER, "scheduler");

/* The next thread for this core, taken out of its queue; the idle one when there is none. */
static inline struct weft_thread *pick_locked(struct core *core)
{
    struct scheduler *scheduler = sched_of(core);
    struct weft_thread *next;

    if (WEFT_CONFIG_CORES == 1) {
        next = runq_pop(&scheduler->ready);
    } else {
        next = place_take_locked(core, 0);
        if (next == NULL)
            place.idle |= 1u << core->id;
        else
            place.idle &= ~(1u << core->id);
        place_share_locked(core);
        if (world_core_stopped_locked(core))
            world_core_parked_locked(core);
    }
    return next != NULL ? next : &scheduler->idle;
}

/* Thread-local variables follow their thread; the idle one has none. */
void sched_switch_tls(const struct core *core, const struct weft_thread *from,
                      struct weft_thread *to)
{
    const struct weft_thread *idle = &sched_of(core)->idle;

    if (WEFT_CONFIG_CORES > 1 && core->tls_used == ARCH_TLS_OF_CORES)
        to->affinity = 1u << core->id;
    arch_tls_switch(from == idle ? 0 : (uintptr_t)from, to == idle ? 0 : (uintptr_t)to);
}

/* From `previous`, which has been put where it belongs, to `next`, which is out of its queue:
 * everything but the registers. */
static inline void switch_begin_locked(struct core *core, struct weft_thread *previous,
                                       struct weft_thread *next)
{
    next->state = THREAD_RUNNING;
    SHARED_STORE(sched_of(core)->switches, sched_of(core)->switches + 1);
    account_switch_locked(core, previous, next);
    SHARED_STORE(core->current, next);
    core->current_fpu_area = next->fpu_area;
}

/* A switch with which more than registers must follow, or none, since the stack has overflowed.
 * Apart, so that the usual case keeps nothing across a call. */
static __attribute__((noinline)) void switch_more_locked(struct core *core,
                                                         struct weft_thread *previous,
                                                         struct weft_thread *next)
{
    if (WEFT_CONFIG_STACK_CANARY && *(const uint32_t *)previous->stack_lo != THREAD_CANARY)
        stack_canary_died(previous);
    switch_begin_locked(core, previous, next);
    if (WEFT_CONFIG_TLS && core->tls_used != 0)
        sched_switch_tls(core, previous, next);
    if (core->fpu_owner != NULL)
        arch_fpu_switch(core, next->fpu_area);
    arch_switch(&previous->saved_sp, next->saved_sp);
}

static inline __attribute__((always_inline)) void switch_to_locked(struct core *core,
                                                                   struct weft_thread *previous,
                                                                   struct weft_thread *next)
{
    uintptr_t more = (WEFT_CONFIG_TLS ? core->tls_used : 0) | (uintptr_t)core->fpu_owner;

    DEBUG_ASSERT(!arch_irq_enabled());
    if (WEFT_CONFIG_STACK_CANARY)
        more |= *(const uint32_t *)previous->stack_lo ^ THREAD_CANARY;
    if (__builtin_expect(more != 0, 0)) {
        switch_more_locked(core, previous, next);
        return;
    }
    switch_begin_locked(core, previous, next);
    arch_switch(&previous->saved_sp, next->saved_sp);
}

void sched_switch_locked(struct core *core)
{
    struct weft_thread *previous = core->current;
    struct weft_thread *next = pick_locked(core);

    core_reschedule_clear(core);
    if (__builtin_expect(next == previous, 0))
        next->state = THREAD_RUNNING;
    else
        switch_to_locked(core, previous, next);
}

void sched_block_locked(void)
{
    struct core *core = core_self();
    struct weft_thread *previous = core->current;

    DEBUG_ASSERT(previous->state != THREAD_RUNNING);
    core_reschedule_clear(core);
    switch_to_locked(core, previous, pick_locked(core));
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
    current->state = THREAD_READY;
    if (to_back)
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

/* Changes places with the best of the others, if one is as good. One core; interrupts are on. */
static __attribute__((noinline)) void yield_to_best(struct core *core)
{
    struct run_queue *ready = &sched_of(core)->ready;
    struct weft_thread *current = core->current;
    uint32_t rivals;

    (void)arch_irq_save();
    sched_lock_irqoff();
    rivals = ready->bitmap >> current->priority;
    if (__builtin_expect(rivals == 1, 1)) {
        current->state = THREAD_READY;
        switch_to_locked(core, current, runq_rotate(ready, current));
    } else if (rivals != 0) {
        sched_yield_locked(core);
    }
    sched_unlock_irqoff();
    arch_irq_enable();
}

/* What an interrupt has asked for, and could not have at once, is left to yield_to_anybody. */
void weft_thread_yield(void)
{
    struct core *core = core_self();

    if (WEFT_CONFIG_CORES > 1 ||
        __builtin_expect((core->interrupt_depth | core->preempt_off | core->reschedule) != 0, 0))
        yield_to_anybody();
    else if (runq_has_at_least(&sched_of(core)->ready, core->current->priority))
        yield_to_best(core);
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
    const struct core *core = core_self();
    bool may = core->interrupt_depth == 0 && core->preempt_off == 0;

    core_unpin(state);
    if (!may)
        sched_may_not_block(function);
}
