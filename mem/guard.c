/* SPDX-License-Identifier: MIT */
/*
 * The full tier of hardening.
 *
 * A block is taken from the heap with room for a record at its very end: who asked for how many
 * bytes, where, who freed it where, and a check word that is made of all of these, the block's
 * address and the boot's secret (mem/guard_record.h). What lies between the last byte asked for and
 * the record is filled with a canary. New blocks are filled with junk (GUARD_NEW), freed ones with
 * other junk (GUARD_FREED), and freed ones wait in quarantine (mem/quarantine.c), the oldest
 * leaving it first, before the heap gets them back: a write to one of them shows when it leaves, a
 * second free at once, with both call sites. A place is one return address, the caller's.
 *
 * Everything that the default tier checks is still checked: guard_free looks the pointer up as free
 * does. A block that leaves quarantine is not looked up again, since nobody can have given it away
 * meanwhile and its record is checked.
 *
 * The usual allocation and free of a small object (mem/guard_fast.h) change what others look at
 * (the cache, the record, the thread's account, the ring) in one stretch each; with one core
 * interrupts are off for it, and no lock is needed. Filling and comparing is done outside, but for
 * the canary.
 */
#include "mem/guard.h"

#include <string.h>

#include "mem/account.h"
#include "mem/guard_fast.h"
#include "mem/large.h"
#include "mem/report.h"
#include "mem/watch.h"

_Static_assert(!WEFT_CONFIG_HEAP_FULL || sizeof(struct guard) + sizeof(uintptr_t) == GUARD_BYTES,
               "the record and a word of canary at least");

uint32_t guard_dressing;

/* ---- allocation ---- */

void guard_own(struct guard *made)
{
    arch_irq_state state = prim_lock_briefly(&account_lock);

    made->owner = upcall_thread_number();
    if (WEFT_CONFIG_HEAP_THREADS)
        made->account = account_charge_locked(made->owner, made->bytes);
    prim_unlock_briefly(&account_lock, state);
}

static void dress(uintptr_t block, size_t size, uintptr_t site)
{
    struct guard made = {.bytes = size, .allocated_at = site};

    guard_own(&made);
    guard_record(block, heap_bytes_of(block), made, false);
    guard_junk_fill(block, size, GUARD_NEW);
}

PRIM_RESTARTS(guard_alloc_slow)
void *guard_alloc_slow(enum weft_memory memory, size_t alignment, size_t size, uintptr_t site)
{
    size_t whole;
    void *block;

    if (__builtin_add_overflow(size, GUARD_BYTES, &whole))
        return NULL;
    guard_dressing_begin();
    block = memory == WEFT_MEMORY_NORMAL && alignment <= GRANULE ? fast_malloc_medium(whole) : NULL;
    if (!block)
        block = heap_alloc(memory, alignment, whole);
    if (block)
        dress((uintptr_t)block, size, site);
    guard_dressing_end();
    if (block)
        watch_allocated(block, size);
    return block;
}

PRIM_RESTARTS(guard_alloc)
void *guard_alloc(enum weft_memory memory, size_t alignment, size_t size, uintptr_t site)
{
    void *block = NULL;

    if (memory == WEFT_MEMORY_NORMAL && alignment <= GRANULE)
        block = guard_fast_malloc(size, site);
    return block ? block : guard_alloc_slow(memory, alignment, size, site);
}

/* ---- free and realloc ---- */

/* Usable bytes of the heap's block that starts here; 0 after a report. */
static size_t usable_of(uintptr_t block)
{
    int kind = 0;
    enum heap_fault fault;

    if (fast_is_live((void *)block))
        return heap_bytes_of(block);
    fault = heap_examine(block, &kind);
    if (fault == FAULT_NONE)
        return heap_bytes_of(block);
    report_fault(fault, block);
    return 0;
}

/* What is wrong with freeing (or resizing) the block now. */
static enum heap_fault examine(uintptr_t block, size_t usable)
{
    const struct guard *guard = guard_of(block, usable);

    if (!guard_is_whole(block, guard))
        return FAULT_OVERRUN;
    if (guard->freed_at)
        return FAULT_FREE;
    return guard_canary_is_whole(block, guard, false) ? FAULT_NONE : FAULT_OVERRUN;
}

static bool refused(uintptr_t block, size_t usable)
{
    enum heap_fault fault = examine(block, usable);

    if (fault != FAULT_NONE)
        report_fault(fault, block);
    return fault != FAULT_NONE;
}

/* The block, which is whole, into quarantine; the one that comes out. */
static struct kept undress(struct kept kept, uintptr_t site)
{
    struct guard *guard = guard_of(kept.block, kept.usable);
    arch_irq_state state;

    guard_junk_fill(kept.block, guard->bytes, GUARD_FREED);
    if (WEFT_CONFIG_HEAP_THREADS)
        account_credit(guard->account, guard->bytes);
    guard_dressing_begin();
    guard_end_freed(kept.block, guard, site, false);
    guard_dressing_end();
    state = prim_lock_briefly(&quarantine_lock);
    kept = quarantine_swap_locked(kept);
    prim_unlock_briefly(&quarantine_lock, state);
    return kept;
}

void guard_free_slow(uintptr_t block, uintptr_t site)
{
    struct kept kept = {block, 0};

    if (core_self()->allocation_forbidden)
        prim_panic_forbidden();
    if (!block)
        return;
    kept.usable = usable_of(block);
    if (!kept.usable || refused(block, kept.usable))
        return;
    watch_freed((void *)block);
    kept = undress(kept, site);
    quarantine_release(kept.block, kept.usable);
}

void guard_free_overwritten(uintptr_t block)
{
    report_fault(FAULT_OVERWRITTEN, block);
}

PRIM_RESTARTS(guard_free) void guard_free(void *pointer, uintptr_t site)
{
    guard_fast_free(pointer, site);
}

/* Always moves: whoever keeps the old pointer finds out. */
void *guard_realloc(void *block, size_t size, uintptr_t site)
{
    size_t usable = usable_of((uintptr_t)block), bytes;
    void *other;

    if (!usable || refused((uintptr_t)block, usable))
        return NULL;
    bytes = guard_of((uintptr_t)block, usable)->bytes;
    other = guard_alloc(heap_memory_of(block), GRANULE, size, site);
    if (!other)
        return NULL;
    memcpy(other, block, bytes < size ? bytes : size);
    guard_free(block, site);
    return other;
}

size_t guard_usable_size(void *block)
{
    size_t usable = block ? usable_of((uintptr_t)block) : 0;

    if (!usable || refused((uintptr_t)block, usable))
        return 0;
    return guard_of((uintptr_t)block, usable)->bytes;
}
