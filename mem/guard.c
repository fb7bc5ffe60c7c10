/* SPDX-License-Identifier: MIT */
/*
 * The full tier of hardening.
 *
 * A block is taken from the heap with room for a record at its very end: who asked for how many
 * bytes, where, who freed it where, and a check word that is made of all of these, the block's
 * address and the boot's secret. What lies between the last byte asked for and the record is filled
 * with a canary. New blocks are filled with junk (GUARD_NEW), freed ones with other junk
 * (GUARD_FREED), and freed ones wait in quarantine, the oldest leaving it first, before the heap
 * gets them back: a write to one of them shows when it leaves, a second free at once, with both
 * call sites.
 *
 * Everything that the default tier checks is still checked, below.
 *
 * The quarantine is one ring for all cores under a lock of its own; filling and comparing blocks is
 * done outside it. At most WEFT_CONFIG_HEAP_QUARANTINE blocks, and 1/16 of the heap, wait there; a
 * request that finds no memory empties it first.
 */
#include "mem/guard.h"

#include <string.h>

#include "mem/account.h"
#include "mem/fast.h"
#include "mem/large.h"
#include "mem/report.h"
#include "mem/watch.h"

#define GUARD_NEW 0xa5
#define GUARD_FREED 0xdf
#define GUARD_CANARY 0xc5
#define JUNK_BYTES ((size_t)WEFT_CONFIG_HEAP_JUNK)

struct guard {
    uintptr_t bytes;
    uintptr_t allocated_at, freed_at;
    uint32_t owner;
    uint32_t account; /* mem/account.h */
    uintptr_t check;
};

struct kept {
    uintptr_t block;
    size_t usable;
};

static struct {
    struct spinlock lock;
    struct kept kept[WEFT_CONFIG_HEAP_QUARANTINE];
    unsigned first, count;
    size_t bytes; /* usable ones, of all */
} quarantine = {.lock = SPINLOCK_INITIALIZER(RANK_HEAP_CENTRAL, "heap quarantine")};

_Static_assert(!WEFT_CONFIG_HEAP_FULL || sizeof(struct guard) + sizeof(uintptr_t) == GUARD_BYTES,
               "the record and a word of canary at least");

static struct guard *guard_of(uintptr_t block, size_t usable)
{
    return (struct guard *)(block + usable - sizeof(struct guard));
}

/* What freed_at changes in the check word; of 0 it is 0. */
static uintptr_t freed_sum(uintptr_t freed_at)
{
    return freed_at * (uintptr_t)0x9e3779b1u;
}

static uintptr_t guard_sum(uintptr_t block, const struct guard *guard)
{
    uintptr_t sum = heap.secret ^ block;

    sum = (sum ^ guard->bytes) * (uintptr_t)0x9e3779b1u + guard->allocated_at;
    sum = (sum ^ sum >> 15) * (uintptr_t)0xc2b2ae3du +
          (guard->owner ^ (uintptr_t)guard->account << 24);
    return sum ^ sum >> 16 ^ freed_sum(guard->freed_at);
}

typedef uintptr_t __attribute__((may_alias)) word;

/* From an address that is aligned to a word. */
static void fill(uint8_t *byte, size_t count, uint8_t value)
{
    const word all = value * (UINTPTR_MAX / 255);
    word *at = (word *)byte, *end = at + count / sizeof(word);

    while (at != end)
        *at++ = all;
    for (byte = (uint8_t *)end; count % sizeof(word); count--)
        *byte++ = value;
}

/* A word at a time between the ends that are not aligned. */
static bool all_are(const uint8_t *byte, size_t count, uint8_t value)
{
    const word expected = value * (UINTPTR_MAX / 255);
    const word *at, *end;

    for (; count && (uintptr_t)byte % sizeof(word); count--)
        if (*byte++ != value)
            return false;
    at = (const word *)byte;
    for (end = at + count / sizeof(word); at != end; at++)
        if (*at != expected)
            return false;
    byte = (const uint8_t *)end;
    for (count %= sizeof(word); count; count--)
        if (*byte++ != value)
            return false;
    return true;
}

/* How much of a block of so many bytes is filled with junk at its start, and from where to its end.
 */
static size_t junk_head(size_t bytes)
{
    return bytes < 2 * JUNK_BYTES ? bytes : JUNK_BYTES;
}

static size_t junk_tail(size_t bytes)
{
    return bytes < 2 * JUNK_BYTES ? bytes : (bytes - JUNK_BYTES) & ~(sizeof(word) - 1);
}

static void junk_fill(uint8_t *block, size_t bytes, uint8_t value)
{
    fill(block, junk_head(bytes), value);
    fill(block + junk_tail(bytes), bytes - junk_tail(bytes), value);
}

static bool junk_is_whole(const uint8_t *block, size_t bytes, uint8_t value)
{
    return all_are(block, junk_head(bytes), value) &&
           all_are(block + junk_tail(bytes), bytes - junk_tail(bytes), value);
}

static bool canary_is_whole(uintptr_t block, size_t usable)
{
    const struct guard *guard = guard_of(block, usable);

    return guard->bytes <= usable - sizeof(*guard) &&
           all_are((const uint8_t *)block + guard->bytes, usable - sizeof(*guard) - guard->bytes,
                   GUARD_CANARY);
}

/* Is the end of the block, record and canary, as guard_alloc left it? */
static bool end_is_whole(uintptr_t block, size_t usable)
{
    const struct guard *guard = guard_of(block, usable);

    return guard->check == guard_sum(block, guard) && canary_is_whole(block, usable);
}

static uint32_t owner_now(void)
{
    const struct weft_thread *self = core_in_interrupt() ? NULL : weft_thread_self();

    return self ? weft_thread_id(self) : 0;
}

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

static void record(uintptr_t block, size_t usable, size_t size, uintptr_t site)
{
    struct guard *guard = guard_of(block, usable);
    uintptr_t at = block + size;

    for (; at % sizeof(word); at++)
        *(uint8_t *)at = GUARD_CANARY;
    fill((uint8_t *)at, (uintptr_t)guard - at, GUARD_CANARY);
    *guard = (struct guard){.bytes = size,
                            .allocated_at = site,
                            .owner = owner_now(),
                            .account = WEFT_CONFIG_HEAP_THREADS ? account_charge(size) : 0};
    guard->check = guard_sum(block, guard);
}

/* Allocations under way, whose blocks have no record yet: nobody may look at it. */
static uint32_t dressing;

static void *dress(void *block, size_t size, uintptr_t site)
{
    junk_fill(block, size, GUARD_NEW);
    record((uintptr_t)block, heap_bytes_of((uintptr_t)block), size, site);
    return block;
}

PRIM_RESTARTS(guard_alloc)
void *guard_alloc(enum weft_memory memory, size_t alignment, size_t size, uintptr_t site)
{
    size_t whole;
    void *block;

    if (__builtin_add_overflow(size, GUARD_BYTES, &whole))
        return NULL;
    __atomic_fetch_add(&dressing, 1, __ATOMIC_ACQUIRE);
    block = memory == WEFT_MEMORY_NORMAL && alignment <= GRANULE ? fast_malloc(whole) : NULL;
    if (!block)
        block = heap_alloc(memory, alignment, whole);
    if (block)
        dress(block, size, site);
    __atomic_fetch_sub(&dressing, 1, __ATOMIC_RELEASE);
    if (block)
        watch_allocated(block, size);
    return block;
}

/* ---- quarantine ---- */

/* The oldest block; its address is 0 when there is none. */
static struct kept oldest_take_locked(void)
{
    struct kept kept = quarantine.kept[quarantine.first];

    if (quarantine.count == 0)
        return (struct kept){0, 0};
    quarantine.first = (quarantine.first + 1) % WEFT_CONFIG_HEAP_QUARANTINE;
    quarantine.count--;
    quarantine.bytes -= kept.usable;
    return kept;
}

static struct kept oldest_take(void)
{
    arch_irq_state state = spinlock_lock(&quarantine.lock);
    struct kept kept = oldest_take_locked();

    spinlock_unlock(&quarantine.lock, state);
    return kept;
}

static bool is_untouched(struct kept kept)
{
    const struct guard *guard = guard_of(kept.block, kept.usable);

    return end_is_whole(kept.block, kept.usable) && guard->freed_at &&
           junk_is_whole((const uint8_t *)kept.block, guard->bytes, GUARD_FREED);
}

/* The block leaves quarantine. One that was written to stays out of use for good. */
static PRIM_RESTARTS(release) void release(struct kept kept)
{
    if (!is_untouched(kept))
        report_fault(FAULT_OVERWRITTEN, kept.block);
    else if (!fast_free((void *)kept.block))
        heap_free_slow((void *)kept.block);
}

size_t guard_quarantine_bytes(void)
{
    return quarantine.bytes;
}

/* Those that come in meanwhile may stay. */
bool guard_quarantine_flush(void)
{
    unsigned left = quarantine.count;
    bool any = false;

    for (; left; left--) {
        struct kept kept = oldest_take();

        if (kept.block == 0)
            break;
        release(kept);
        any = true;
    }
    return any;
}

static bool is_full_locked(size_t more)
{
    size_t most = heap.stats.sys_pages * heap.stats.page_bytes / 16;

    return quarantine.count == WEFT_CONFIG_HEAP_QUARANTINE ||
           (quarantine.count && quarantine.bytes + more > most);
}

/* In goes one; out go as many as have no room beside it. */
static void quarantine_put(struct kept kept)
{
    bool put = false;

    while (!put) {
        arch_irq_state state = spinlock_lock(&quarantine.lock);
        struct kept oldest = {0, 0};

        if (is_full_locked(kept.usable)) {
            oldest = oldest_take_locked();
        } else {
            quarantine.kept[(quarantine.first + quarantine.count++) % WEFT_CONFIG_HEAP_QUARANTINE] =
                kept;
            quarantine.bytes += kept.usable;
            put = true;
        }
        spinlock_unlock(&quarantine.lock, state);
        if (oldest.block)
            release(oldest);
    }
}

/* ---- free and realloc ---- */

/* What is wrong with freeing (or resizing) the block now. */
static enum heap_fault examine(uintptr_t block, size_t usable)
{
    const struct guard *guard = guard_of(block, usable);

    if (guard->check != guard_sum(block, guard))
        return FAULT_OVERRUN;
    if (guard->freed_at)
        return FAULT_FREE;
    return canary_is_whole(block, usable) ? FAULT_NONE : FAULT_OVERRUN;
}

static bool refused(uintptr_t block, size_t usable)
{
    enum heap_fault fault = examine(block, usable);

    if (fault != FAULT_NONE)
        report_fault(fault, block);
    return fault != FAULT_NONE;
}

void guard_free(void *pointer, uintptr_t site)
{
    uintptr_t block = (uintptr_t)pointer;
    size_t usable;
    struct guard *guard;

    if (core_self()->allocation_forbidden)
        prim_panic_forbidden();
    if (!block)
        return;
    usable = usable_of(block);
    if (!usable || refused(block, usable))
        return;
    watch_freed(pointer);
    guard = guard_of(block, usable);
    junk_fill(pointer, guard->bytes, GUARD_FREED);
    if (WEFT_CONFIG_HEAP_THREADS)
        account_credit(guard->account, guard->bytes);
    guard->freed_at = site | 1; /* never 0 */
    guard->check ^= freed_sum(guard->freed_at);
    quarantine_put((struct kept){block, usable});
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

/* ---- reports and checks ---- */

bool guard_history(uintptr_t block, struct guard_history *history)
{
    int kind = 0;
    const struct guard *guard;

    if (heap_examine(block, &kind) != FAULT_NONE)
        return false;
    guard = guard_of(block, heap_usable_size((void *)block));
    if (guard->check != guard_sum(block, guard))
        return false;
    *history = (struct guard_history){.bytes = guard->bytes,
                                      .owner = guard->owner,
                                      .allocated_at = guard->allocated_at,
                                      .freed_at = guard->freed_at};
    return true;
}

/* ---- every live block ---- */

typedef int (*visitor)(uintptr_t block, size_t usable, void *argument);

static int visit_span(struct region *region, page_index first, visitor visit, void *argument)
{
    const struct class_info *info = &heap.class[region->kinds[first]];
    uintptr_t object = region_page_address(region, first);
    int result = 0;

    for (unsigned i = 0; i < region->page[first].span.fresh && result == 0; i++) {
        if (*(const uintptr_t *)object != heap.mark)
            result = visit(object, info->size, argument);
        object += info->size;
    }
    return result;
}

/* Blocks in quarantine are among them, those that a handler left to be freed are not: they have the
 * mark. Preemption off. */
static int visit_all(visitor visit, void *argument)
{
    int result = 0;

    for (unsigned i = 0; i < heap.regions; i++) {
        struct region *region = heap.region[i];

        for (uintptr_t page = 1; page < region->pages && result == 0;) {
            int kind = region->kinds[page];

            uintptr_t address = region_page_address(region, (page_index)page);

            if (kind > 0)
                result = visit_span(region, (page_index)page, visit, argument);
            else if (kind == PAGE_LARGE && *(const uintptr_t *)address != heap.mark)
                result = visit(address, (size_t)region->page[page].run.pages << heap.page_shift,
                               argument);
            page += kind > 0 ? heap.class[kind].pages : 1u;
        }
    }
    return result;
}

static int check_block(uintptr_t block, size_t usable, void *argument)
{
    const struct guard *guard = guard_of(block, usable);

    (void)argument;
    if (!end_is_whole(block, usable))
        return report_state("end of a block", block);
    if (guard->freed_at && !is_untouched((struct kept){block, usable}))
        return report_state("block in quarantine", block);
    return 0;
}

int guard_check(void)
{
    return __atomic_load_n(&dressing, __ATOMIC_ACQUIRE) ? 0 : visit_all(check_block, NULL);
}

struct owned {
    uint32_t owner;
    size_t blocks, bytes;
};

static int add_owned(uintptr_t block, size_t usable, void *argument)
{
    const struct guard *guard = guard_of(block, usable);
    struct owned *owned = argument;

    if (guard->freed_at == 0 && guard->owner == owned->owner) {
        owned->blocks++;
        owned->bytes += guard->bytes;
    }
    return 0;
}

int weft_heap_owned(uint32_t thread_id, size_t *blocks, size_t *bytes)
{
    struct owned owned = {.owner = thread_id};
    struct core *core;

    if (!WEFT_CONFIG_HEAP_FULL)
        return account_owned(thread_id, blocks, bytes);
    core = prim_enter();
    ASSERT(core->interrupt_depth == 0);
    (void)visit_all(add_owned, &owned);
    prim_leave(core);
    *blocks = owned.blocks;
    *bytes = owned.bytes;
    return 0;
}
