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
 *   board_heap_region, board_random_seed
 *                      at upcall_heap_init only.
 *   board_pages_release, board_pages_commit
 *                      no lock held, preemption off: whole pages of one region that nobody else can
 *                      reach meanwhile.
 *   board_ipi_send, cores_online
 *                      more than one core: wakes those that sleep. Interrupts off.
 *   weft_world_stop, weft_world_start
 *                      a thread with no lock held and preemption on: weft_heap_stats_consistent.
 *   upcall_thread_number
 *                      the full tier and accounts only: whose block it is.
 *   print_console      no allocation; no lock and no waiting either when preemption is off, as it
 *                      always is here (requirements A1). Any context.
 *   weft_panic         does not return.
 */
#ifndef MEM_PRIM_H
#define MEM_PRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>
#include <weft/console.h>
#include <weft/thread.h>
#include <weft/world.h>

#include "arch/clock.h"
#include "arch/context.h"
#include "arch/restart.h"
#include "kernel/assert.h"
#include "kernel/board.h"
#include "kernel/core.h"
#include "kernel/cores.h"
#include "kernel/print.h"
#include "kernel/spinlock.h"
#include "kernel/upcall.h"

/* The caller is the profiler's tick, which must not allocate (requirements D1). */
_Noreturn void prim_panic_forbidden(void);

/* A switch was wanted while the heap was at work. A handler leaves it to the end of the trap.
 * Returns `block`, so that the fast paths can end in a jump here. */
void *prim_switch_pending(struct core *core, void *block) __attribute__((returns_nonnull));

/* For a few instructions on something that handlers change as well. With one core it is no lock:
 * interrupts are off, and that is all. */
static inline arch_irq_state prim_lock_briefly(struct spinlock *lock)
{
    return WEFT_CONFIG_CORES == 1 ? arch_irq_save() : spinlock_lock(lock);
}

static inline void prim_unlock_briefly(struct spinlock *lock, arch_irq_state state)
{
    WEFT_CONFIG_CORES == 1 ? arch_irq_restore(state) : spinlock_unlock(lock, state);
}

/* Keeps the caller on its core, in any context; nests. */
static inline struct core *prim_enter(void)
{
    core_preempt_disable();
    return core_self();
}

static inline void prim_leave(struct core *core)
{
    if (core_preempt_leave(core))
        prim_switch_pending(core, core);
}

/*
 * Makes the running core's cache ours, or answers false: then the caller is the profiler's tick, a
 * handler that may have interrupted the heap, or a thread that had switched preemption off already;
 * the slow path tells them apart.
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

/* True when a switch is pending and prim_switch_pending must be called (or another slow
 * operation of the heap follows, which does it). */
static inline bool prim_cache_leave(struct core *core)
{
    __asm__ volatile("" ::: "memory");
    core->preempt_off = 0;
    __asm__ volatile("" ::: "memory"); /* an interrupt before this has left the switch to us */
    return core_reschedule_asked(core);
}

/* Where stacks are popped and pushed by restartable sequences (arch/restart.h), the caches' need
 * neither a lock nor preemption off, in threads and handlers alike. Functions that have them
 * inlined must be PRIM_RESTARTS. */
#define PRIM_RESTARTABLE ARCH_RESTARTABLE
#define PRIM_RESTARTS ARCH_RESTARTS

#endif
