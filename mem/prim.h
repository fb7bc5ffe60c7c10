/* SPDX-License-Identifier: MIT */
/*
 * Everything that the allocator needs from outside, with what must hold when it is called. No other
 * file of mem includes kernel/ or arch/, so this page is the whole list for whoever puts the heap
 * somewhere else.
 *
 *   spinlocks          kernel/spinlock.h: taken with interrupts off. RANK_HEAP_CENTRAL, then
 *                      RANK_HEAP_PAGES; never with a scheduler lock held.
 *   preemption off     makes the running core's cache ours against threads; handlers are kept out
 *                      by prim_cache_enter.
 *   board_heap_region, board_random_seed    at upcall_heap_init only.
 *   board_pages_release, board_pages_commit no lock held, preemption off: whole pages of one region that
 *                      nobody else can reach meanwhile.
 *   print_console      no lock, no allocation (requirements A1). Any context.
 *   weft_panic         does not return.
 */
#ifndef MEM_PRIM_H
#define MEM_PRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>
#include <weft/console.h>

#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/core.h"
#include "kernel/print.h"
#include "kernel/spinlock.h"
#include "kernel/upcall.h"
#include "arch/clock.h"
#include "arch/context.h"

/* The caller is the profiler's tick, which must not allocate (requirements D1). */
_Noreturn void prim_panic_forbidden(void);

/* A switch was wanted while the heap was at work. A handler leaves it to the end of the trap. */
void prim_switch_pending(struct core *core);

/* Keeps the caller on its core, in any context; nests. */
static inline struct core *prim_enter(void)
{
    core_preempt_disable();
    return core_self();
}

static inline void prim_leave(struct core *core)
{
    __asm__ volatile("" ::: "memory");
    if (--core->preempt_off == 0 && __builtin_expect(*(volatile uint32_t *)&core->reschedule, 0))
        prim_switch_pending(core);
}

/*
 * Makes the running core's cache ours, or answers false: then the caller is the profiler's tick,
 * a handler that may have interrupted the heap, or a thread that had switched preemption off already; the
 * slow path tells them apart.
 *
 * With one core this is a test and a store: preemption that was on is on again afterwards, so there
 * is nothing to count. A handler that finds preemption on has not interrupted the heap, and may use
 * the cache like a thread.
 */
static inline bool prim_cache_enter(struct core **self)
{
    struct core *core;

    if (WEFT_CONFIG_CORES == 1) {
        core = *self = core_self();
        if (__builtin_expect(core->preempt_off | core->allocation_forbidden, 0))
            return false;
        core->preempt_off = 1;
        __asm__ volatile("" ::: "memory");
        return true;
    }
    core_preempt_disable();
    core = *self = core_self();
    if (__builtin_expect(core->preempt_off == 1 && !core->allocation_forbidden, 1))
        return true;
    core->preempt_off--;
    return false;
}

static inline void prim_cache_leave(struct core *core)
{
    __asm__ volatile("" ::: "memory");
    core->preempt_off = 0;
    if (__builtin_expect(*(volatile uint32_t *)&core->reschedule, 0))
        prim_switch_pending(core);
}

#endif
