/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks with ranks. A lock is taken with interrupts off, so a handler on the same core never
 * waits for the thread it interrupted. Locks are taken in rising rank; a debug build checks every
 * acquire. With one core the lock itself vanishes and only the interrupt state is left.
 *
 * The order, lowest first, is the table below (docs/locking.md explains it). The two chains,
 * scheduler and heap, never nest; the log and the console are leaves.
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/config.h>

#include "arch/irq.h"
#include "kernel/core.h"

enum lock_rank {
    RANK_NONE = 0,
    /* the scheduler's chain has one link */
    RANK_SCHEDULER, /* all queues of all cores (sched/sched.h) */
    /* heap chain */
    RANK_HEAP_GC,      /* the collector's lists of spans */
    RANK_HEAP_CENTRAL, /* one size class's spans */
    RANK_HEAP_PAGES,   /* the page heap */
    /* leaves */
    RANK_BOARD, /* a board's own tables */
    RANK_FILES, /* the table of open files, for a few instructions (kernel/newlib_file.c) */
    RANK_LOG,
    RANK_CONSOLE,
    RANK_COUNT
};

struct spinlock {
    uintptr_t holder; /* the struct core of the core that has taken it; 0: free */
    uint8_t rank;
    const char *name;
    struct spinlock *below; /* taken before this one on the same core */
};

#define SPINLOCK_INITIALIZER(lock_rank_, lock_name_)                                               \
    {                                                                                              \
        .holder = 0, .rank = (lock_rank_), .name = (lock_name_), .below = 0                        \
    }

/* Panics unless a lock of `rank` may be taken on this core now; then notes it. Debug builds only.
 */
void spinlock_rank_acquire(const struct spinlock *lock);
void spinlock_rank_release(const struct spinlock *lock);

/* The lock alone, without noting that the core has it: for a lock that is looked at by itself
 * (spinlock_is_held_by). Interrupts are off. */
static inline void spinlock_take_irqoff(struct spinlock *lock, const struct core *core)
{
    arch_lock_take(&lock->holder, (uintptr_t)core);
}

static inline void spinlock_free_irqoff(struct spinlock *lock)
{
    __atomic_store_n(&lock->holder, 0, __ATOMIC_RELEASE);
}

static inline bool spinlock_is_held_by(const struct spinlock *lock, const struct core *core)
{
    return __atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == (uintptr_t)core;
}

/* Takes the lock, interrupts being off already. What a core holds is known in every build: stopping
 * the world asks (sched/world.c). */
static inline void spinlock_lock_irqoff(struct spinlock *lock)
{
    struct core *core = core_self();

    if (WEFT_CONFIG_DEBUG)
        spinlock_rank_acquire(lock);
    if (WEFT_CONFIG_CORES > 1)
        spinlock_take_irqoff(lock, core);
    lock->below = core->lock_held;
    core->lock_held = lock;
}

/* The latest lock taken is let go of first. */
static inline void spinlock_unlock_irqoff(struct spinlock *lock)
{
    core_self()->lock_held = lock->below;
    if (WEFT_CONFIG_CORES > 1)
        spinlock_free_irqoff(lock);
    if (WEFT_CONFIG_DEBUG)
        spinlock_rank_release(lock);
}

/* Turns interrupts off, takes the lock; returns what unlock needs. */
static inline arch_irq_state spinlock_lock(struct spinlock *lock)
{
    arch_irq_state state = arch_irq_save();

    spinlock_lock_irqoff(lock);
    return state;
}

static inline void spinlock_unlock(struct spinlock *lock, arch_irq_state state)
{
    spinlock_unlock_irqoff(lock);
    arch_irq_restore(state);
}

#endif
