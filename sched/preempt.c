/* SPDX-License-Identifier: MIT */
/*
 * Preemption: the four ways in which a thread loses the core without asking.
 *
 *   trap exit            upcall_sched_may_preempt, then upcall_preempt (switch.c) on the thread's
 * own stack end of an operation  sched_leave: the thread itself made a better one ready preemption
 * enabled   upcall_preempt_pending: a switch was wanted while it was off end of a time slice
 * upcall_sched_slice, which asks for the first of these
 */
#include <weft/console.h>

#include "arch/atomic64.h"
#include "arch/irq.h"
#include "arch/trap.h"
#include "arch/upcall.h"
#include "kernel/assert.h"
#include "kernel/tick.h"
#include "kernel/upcall.h"
#include "sched/account.h"
#include "sched/sched.h"
#include "sched/watchdog.h"
#include "sched/world.h"

/* The current thread goes behind its equals and the best one gets the core. With more than one core
 * an equal may wait in another core's queue only: the two change places, so that all get their
 * turn. */
void sched_yield_locked(struct core *core)
{
    struct weft_thread *current = core->current;
    struct weft_thread *next;

    if (WEFT_CONFIG_CORES > 1 && current->suspended == 0 &&
        !runq_at_least(sched_of(core)->ready.bitmap, current->priority)) {
        next = place_take_locked(core, current->priority);
        DEBUG_ASSERT(next != NULL);
        sched_requeue_current_locked(core, true);
        runq_push_front(&sched_of(core)->ready, next);
    } else {
        sched_requeue_current_locked(core, true);
    }
    sched_switch_locked(core);
}

/* Its core set was changed under it. In this core's queue it is found by those that may run it. */
static bool must_move(const struct core *core)
{
    return WEFT_CONFIG_CORES > 1 && (core->current->affinity >> core->id & 1) == 0;
}

void sched_give_way_locked(struct core *core)
{
    struct weft_thread *current = core->current;

    core_reschedule_clear(core);
    if (world_core_stopped_locked(core) || current->suspended != 0 || must_move(core)) {
        sched_requeue_current_locked(core, false);
        sched_switch_locked(core);
        return;
    }
    if (!WEFT_CONFIG_PREEMPTION || current->cooperative ||
        !place_waits_locked(core, current->priority))
        return; /* who asked for it has been taken away again (priority change, timeout) */
    sched_of(core)->preemptions++;
    if (place_waits_above_locked(core, current->priority)) {
        sched_requeue_current_locked(core, false);
        sched_switch_locked(core);
    } else {
        sched_yield_locked(core);
    }
}

static _Noreturn void stack_overflow(const struct weft_thread *thread, uintptr_t sp)
{
    weft_panic("thread \"%s\" has overflowed its stack: stack pointer 0x%08lx, stack 0x%08lx to "
               "0x%08lx; give it a larger stack_bytes",
               thread->name, (unsigned long)sp, (unsigned long)thread->stack_lo,
               (unsigned long)thread->stack_hi);
}

/* The slow answers, apart, so that the usual one needs no frame. */
static __attribute__((noinline)) bool preempt_idle(struct arch_frame *frame)
{
    arch_cpu_idle_resume(frame); /* its loop looks at the run queue as soon as we return */
    return false;
}

static __attribute__((noinline)) bool preempt_without_room(const struct weft_thread *current,
                                                           uintptr_t sp)
{
    if (sp < current->stack_lo || sp > current->stack_hi)
        return false; /* foreign code is using the register: it keeps the core for now */
    if (!current->cooperative)
        stack_overflow(current, sp);
    return false; /* its stack need not have room for this: it gives way by itself */
}

static __attribute__((noinline)) bool preempt_dead(const struct weft_thread *current)
{
    stack_canary_died(current);
}

static __attribute__((noinline)) bool preempt_soon(void)
{
    tick_retry_soon_irqoff();
    return false;
}

bool upcall_sched_may_preempt(struct core *core, struct arch_frame *frame)
{
    const struct weft_thread *current = core->current;
    uintptr_t sp = arch_frame_sp(frame);

    if (core->preempt_off != 0)
        return false;
    if (current == &sched_of(core)->idle)
        return preempt_idle(frame);
    if (WEFT_CONFIG_STACK_CANARY && !thread_canary_lives(current))
        return preempt_dead(current);
    if (sp < current->stack_lo + ARCH_PREEMPT_STACK_BYTES || sp > current->stack_hi)
        return preempt_without_room(current, sp);
    if (arch_in_atomic64(arch_frame_pc(frame)))
        return preempt_soon();
    return true;
}

void sched_leave_switch_locked(struct core *core)
{
    if (core_may_switch(core) && !sched_is_idle(core))
        sched_give_way_locked(core);
}

static __attribute__((noinline)) int leave_switching(arch_irq_state state, int result)
{
    sched_preempt_locked(core_self());
    sched_exit(state);
    return result;
}

int sched_leave_switching(arch_irq_state state, int result)
{
    const struct core *core = core_self();

    /* In a handler it is usual: the handler's end is what looks. */
    if (core_may_switch(core) && !sched_is_idle(core))
        return leave_switching(state, result);
    sched_exit_unswitched(state);
    return result;
}

void upcall_preempt_pending(void)
{
    arch_irq_state state = sched_enter();
    struct core *core = core_self();

    if (core_reschedule_asked(core))
        sched_leave_switch_locked(core);
    sched_exit(state);
}

void weft_preempt_disable(void)
{
    if (WEFT_CONFIG_DEBUG && core_self()->preempt_off == UINT16_MAX)
        weft_panic("weft_preempt_disable for the 65,536th time without weft_preempt_enable");
    core_preempt_disable();
}

void weft_preempt_enable(void)
{
    if (core_self()->preempt_off == 0) /* off: the core stays ours */
        weft_panic("weft_preempt_enable without a matching weft_preempt_disable");
    core_preempt_enable();
}

uint32_t watchdog_cores;
void (*watchdog_look_irqoff)(const struct core *core);

void upcall_sched_slice(struct core *core)
{
    struct weft_thread *current = core->current;
    uint32_t slice;

    if (WEFT_CONFIG_STACK_CANARY && !thread_canary_lives(current))
        stack_canary_died(current); /* at each tick too: it may never leave the core */
    watchdog_tick_irqoff(core);
    account_tick_irqoff(core);
    if (!WEFT_CONFIG_PREEMPTION || current == &sched_of(core)->idle || current->cooperative)
        return;
    slice = __atomic_load_n(&slice_cycles[SHARED_LOAD(current->priority)], __ATOMIC_RELAXED);
    if (slice == SLICE_NONE)
        return;
    if (current->slice_left > slice)
        current->slice_left = slice; /* it was made shorter, or the thread had none */
    if (current->slice_left > core->tick_period) {
        current->slice_left -= core->tick_period;
        return;
    }
    current->slice_left = slice;
    sched_lock_irqoff();
    if (place_waits_locked(core, current->priority))
        core_reschedule_ask(core);
    sched_unlock_irqoff();
}
