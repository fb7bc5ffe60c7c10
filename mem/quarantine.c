/* SPDX-License-Identifier: MIT */
/*
 * The full tier's quarantine: one ring for all cores. A block that comes in when the ring is full
 * takes the place of the oldest, which leaves: so the usual free does one exchange, under a lock
 * that with one core is no more than interrupts off, and looks at the block that left with nothing
 * held.
 *
 * At most WEFT_CONFIG_HEAP_QUARANTINE blocks wait, and 1/16 of the heap: what is above that leaves
 * at once, the oldest first, but for the last block. A request that finds no memory empties it.
 */
#include "mem/quarantine.h"

#include "mem/guard_fast.h"
#include "mem/report.h"

struct quarantine quarantine;
struct spinlock quarantine_lock = SPINLOCK_INITIALIZER(RANK_HEAP_CENTRAL, "heap quarantine");

/* The oldest block, if there is one. */
static struct kept take_locked(void)
{
    struct kept kept = {0, 0};

    for (unsigned looked = 0; looked < QUARANTINE_PLACES && !kept.block; looked++) {
        kept = quarantine.kept[quarantine.oldest];
        quarantine.kept[quarantine.oldest] = (struct kept){0, 0};
        quarantine.oldest = quarantine.oldest == QUARANTINE_PLACES - 1 ? 0 : quarantine.oldest + 1;
    }
    quarantine.bytes -= kept.usable;
    return kept;
}

/* The oldest block, while they have more than `most` bytes. */
static struct kept take_above(size_t most)
{
    struct kept kept = {0, 0};
    arch_irq_state state = prim_lock_briefly(&quarantine_lock);

    if (quarantine.bytes > most)
        kept = take_locked();
    prim_unlock_briefly(&quarantine_lock, state);
    return kept;
}

static PRIM_RESTARTS(quarantine_leave) void leave(struct kept kept)
{
    if (!quarantine_is_untouched(kept.block, kept.usable))
        report_fault(FAULT_OVERWRITTEN, kept.block);
    else if (!guard_fast_push(kept.block))
        heap_free_slow((void *)kept.block);
}

void quarantine_release(uintptr_t block, size_t usable)
{
    struct kept kept = {block, usable};

    if (kept.block)
        leave(kept);
    quarantine.most = heap.stats.sys_pages << heap.page_shift >> 4;
    while ((kept = take_above(quarantine.most)).block)
        leave(kept);
}

size_t guard_quarantine_bytes(void)
{
    return quarantine.bytes;
}

/* Those that come in meanwhile may stay. */
bool guard_quarantine_flush(void)
{
    bool any = false;

    for (unsigned left = QUARANTINE_PLACES; left; left--) {
        struct kept kept = take_above(0);

        if (!kept.block)
            break;
        leave(kept);
        any = true;
    }
    return any;
}
