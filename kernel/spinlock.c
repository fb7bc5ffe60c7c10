/* SPDX-License-Identifier: MIT */
/* The halves of the spinlock that a one-core release build leaves out: spinning, and rank checks.
 */
#include "kernel/spinlock.h"

#include <weft/console.h>

#include "arch/cpu.h"
#include "kernel/panic.h"

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
