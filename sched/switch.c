/* SPDX-License-Identifier: MIT */
/* Giving the core from one thread to another. sched.h has the essay. */
#include <weft/console.h>

#include "arch/context.h"
#include "arch/fpu.h"
#include "kernel/assert.h"
#include "kernel/upcall.h"
#include "sched/sched.h"

struct scheduler schedulers[WEFT_CONFIG_CORES];

/* The body of sched_switch_irqoff, in line also where every instruction counts. */
static inline __attribute__((always_inline)) void switch_irqoff(struct core *core)
{
    struct scheduler *scheduler = sched_of(core);
    struct weft_thread *previous = core->current;
    struct weft_thread *next = runq_pop(&scheduler->ready);

    DEBUG_ASSERT(!arch_irq_enabled());
    core->reschedule = 0;
    if (next == NULL)
        next = &scheduler->idle;
    next->state = THREAD_RUNNING;
    if (next == previous)
        return;
    scheduler->switches++;
    core->current = next;
    core->current_fpu_area = next->fpu_area;
    if (__builtin_expect(core->fpu_owner != NULL, 0))
        arch_fpu_switch(core, next->fpu_area);
    arch_switch(&previous->saved_sp, next->saved_sp);
}

void sched_switch_irqoff(struct core *core)
{
    switch_irqoff(core);
}

void sched_ready_irqoff(struct weft_thread *thread)
{
    struct core *core = core_self();

    DEBUG_ASSERT(thread->magic == THREAD_MAGIC);
    thread->state = THREAD_READY;
    runq_push_back(&sched_of(core)->ready, thread);
    if (WEFT_CONFIG_PREEMPTION && thread->priority > core->current->priority)
        core->reschedule = 1;
}

void sched_requeue_current_irqoff(struct core *core, bool to_back)
{
    struct weft_thread *current = core->current;
    struct run_queue *ready = &sched_of(core)->ready;

    DEBUG_ASSERT(current != &sched_of(core)->idle);
    current->state = THREAD_READY;
    if (to_back)
        runq_push_back(ready, current);
    else
        runq_push_front(ready, current);
}

void weft_thread_yield(void)
{
    struct core *core = core_self();
    arch_irq_state state;

    /* A thread that becomes ready after this look, by an interrupt, preempts by itself. */
    if (!runq_has_at_least(&sched_of(core)->ready, core->current->priority))
        return;
    if (__builtin_expect((core->interrupt_depth | core->preempt_off) != 0, 0))
        sched_assert_may_block("weft_thread_yield");
    state = arch_irq_save();
    core = core_self();
    core->current->state = THREAD_READY;
    runq_push_back(&sched_of(core)->ready, core->current);
    switch_irqoff(core);
    arch_irq_restore(state);
}

void sched_assert_may_block(const char *function)
{
    const struct core *core = core_self();

    if (core->interrupt_depth != 0)
        weft_panic(
            "%s was called in an interrupt handler, where nothing may block: use a try-form, or "
            "wake a thread that does it",
            function);
    if (core->preempt_off != 0)
        weft_panic("%s was called with preemption disabled, where nothing may block: call "
                   "weft_preempt_enable first",
                   function);
}
