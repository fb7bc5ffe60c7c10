/* SPDX-License-Identifier: MIT */
/* Freed blocks of the full tier that wait. mem/quarantine.c explains them. */
#ifndef MEM_QUARANTINE_H
#define MEM_QUARANTINE_H

#include "mem/guard.h"
#include "mem/guard_record.h"

#define QUARANTINE_PLACES WEFT_CONFIG_HEAP_QUARANTINE

struct kept {
    uintptr_t block; /* 0: none */
    size_t usable;
};

/* Guarded by its lock, which is held for some ten instructions; with one core it is interrupts off
 * and nothing else. */
struct quarantine {
    struct kept kept[QUARANTINE_PLACES];
    unsigned next;   /* the place of the block that comes next */
    unsigned oldest; /* where that is which leaves next, or a free place before it */
    size_t bytes;    /* usable ones, of all */
    size_t most;     /* of these */
};
extern struct quarantine quarantine;
extern struct spinlock quarantine_lock;

/* In goes a block, and out comes the one whose place it needs, if there is one. The lock is held.
 */
static inline struct kept quarantine_swap_locked(struct kept kept)
{
    struct kept *place = &quarantine.kept[quarantine.next], out = *place;

    *place = kept;
    quarantine.next = quarantine.next == QUARANTINE_PLACES - 1 ? 0 : quarantine.next + 1;
    if (out.block)
        quarantine.oldest = quarantine.next;
    quarantine.bytes += kept.usable - out.usable;
    return out;
}

/* Is the freed block as it was left? */
static inline __attribute__((always_inline)) bool quarantine_is_untouched(uintptr_t block,
                                                                          size_t usable)
{
    const struct guard *guard = guard_of(block, usable);

    return guard_is_whole(block, guard) &&
           guard_junk_is_whole(block, guard->bytes, guard, GUARD_FREED);
}

/* The block, if there is one, which came out, goes back to the heap; one that was written to stays
 * out of use for good, and is reported. Then others, while they hold more than they may. */
void quarantine_release(uintptr_t block, size_t usable);

#endif
