/* SPDX-License-Identifier: MIT */
/*
 * What each thread has cost: time on a core, switches, waits. Left out of the switch, and of the
 * control block, unless WEFT_CONFIG_THREAD_STATS is 1.
 *
 * Time is charged when a thread leaves its core and at each tick, in 32-bit differences of the
 * cycle counter, which a tick is always shorter than. The idle thread, whose tick may stop, is not
 * charged. What interrupts take is charged to the thread that they interrupt.
 */
#ifndef SCHED_ACCOUNT_H
#define SCHED_ACCOUNT_H

#include "arch/clock.h"
#include "sched/sched.h"

#if WEFT_CONFIG_THREAD_STATS

/* A new thread, perhaps in the memory of an ended one. */
static inline void account_clear(struct weft_thread *thread)
{
    thread->run_cycles = 0;
    thread->switches = thread->waits = 0;
}

/* `thread` has had `core` since it was charged last. */
static inline void account_charge_locked(struct core *core, struct weft_thread *thread)
{
    struct scheduler *scheduler = sched_of(core);
    uint32_t now = arch_clock_cycles();

    thread->run_cycles += (uint32_t)(now - scheduler->charged_at);
    scheduler->charged_at = now;
}

/* Boot: this core's first thread. */
static inline void account_begin_irqoff(const struct core *core)
{
    sched_of(core)->charged_at = arch_clock_cycles();
}

/* The core goes from one thread to another. */
static inline void account_switch_locked(struct core *core, struct weft_thread *previous,
                                         struct weft_thread *next)
{
    account_charge_locked(core, previous);
    next->switches++;
}

/* The current thread blocks. */
static inline void account_wait_locked(struct weft_thread *thread)
{
    thread->waits++;
}

static inline void account_tick_irqoff(struct core *core)
{
    sched_lock_irqoff();
    account_charge_locked(core, core->current);
    sched_unlock_irqoff();
}

#else

static inline void account_clear(struct weft_thread *thread)
{
    (void)thread;
}

static inline void account_begin_irqoff(const struct core *core)
{
    (void)core;
}

static inline void account_switch_locked(struct core *core, struct weft_thread *previous,
                                         struct weft_thread *next)
{
    (void)core, (void)previous, (void)next;
}

static inline void account_wait_locked(struct weft_thread *thread)
{
    (void)thread;
}

static inline void account_tick_irqoff(struct core *core)
{
    (void)core;
}

#endif

#endif
