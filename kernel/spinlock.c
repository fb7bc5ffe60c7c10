/* SPDX-License-Identifier: MIT */
/* The halves of the spinlock that a one-core release build leaves out: spinning, and rank checks.
 */
#include "kernel/spinlock.h"

#include <weft/console.h>

#include "arch/cpu.h"
#include "kernel/panic.h"

void spinlock_spin(struct spinlock *lock)
{
    while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) != 0)
        while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED) != 0)
            arch_cpu_relax();
    lock->holder = (int32_t)arch_core_id();
}

void spinlock_free(struct spinlock *lock)
{
    lock->holder = -1;
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

void spinlock_rank_acquire(const struct spinlock *lock)
{
    struct core *core = core_self();

    if (panic_begun())
        return;
    if (core->ranks_held >> lock->rank != 0)
        weft_panic("lock \"%s\" (rank %u) taken while a lock of the same or a higher rank is held "
                   "(ranks held: 0x%x); see docs/locking.md for the order",
                   lock->name, lock->rank, (unsigned)core->ranks_held);
    core->ranks_held |= 1u << lock->rank;
}

void spinlock_rank_release(const struct spinlock *lock)
{
    struct core *core = core_self();

    if (!panic_begun() && (core->ranks_held & 1u << lock->rank) == 0)
        weft_panic("lock \"%s\" released without being held", lock->name);
    core->ranks_held &= ~(1u << lock->rank);
}
