/* SPDX-License-Identifier: MIT */
/*
 * The profile of allocations by place (weft/heap_profile.h).
 *
 * mem/watch.h tells of every malloc and free, with no lock held. Whether an allocation is recorded
 * is decided by bytes (heap_sampling.h), from numbers of the running core's own. If it is, its
 * stack is walked, by the thread itself, with interrupts as they were; then the place is looked up,
 * and the block noted in a table, so that its free finds the place again (heap_sites.h). A free
 * that finds nothing ends there: it makes no place. Nothing is allocated on these ways; the table
 * of places is static, that of blocks is taken from the heap at the start. (In ordinary memory the
 * collector does not look for pointers: in .bss the table would keep every block alive.)
 *
 * Publishing. Somewhere in a program there are always blocks that are dead but not freed yet, so
 * that the difference of allocations and frees at any moment says little when a collector frees
 * them. So time is cut into cycles, each beginning when a collection has marked. What the program
 * allocates and frees in cycle n is published when cycle n + 2 begins; what the sweep of cycle n
 * frees, which was allocated before it, when n + 1 begins. So the profile shows the blocks that
 * were alive when the cycle before began. Without collections there is nothing to wait for, and the
 * scavenger's rounds (about one a second) or the program publish all there is, by going two cycles
 * on. (The scheme is that of Go's runtime/mprof.go.)
 *
 * The lock is a leaf and held for a search at most, so that handlers may allocate.
 */
#include <stdlib.h>
#include <string.h>
#include <weft/heap_profile.h>

#include "arch/clock.h"
#include "kernel/assert.h"
#include "kernel/cores.h"
#include "kernel/print.h"
#include "mem/watch.h"
#include "prof/heap_sampling.h"
#include "prof/heap_sites.h"
#include "prof/sites.h"
#include "sched/thread.h"

#define BLOCKS_MAX ((size_t)1 << 24)
#define OWN_FRAMES 1 /* note_allocated */

_Static_assert(WEFT_HEAP_PROFILE_DEPTH <= SITES_DEPTH, "sites_message has room for it");

enum state { IDLE, STARTING, RUNNING };

static struct heap_table table = {.lock = SPINLOCK_INITIALIZER(RANK_LOG, "allocation profile")};
static struct heap_sampling sampling[WEFT_CONFIG_CORES];
static size_t period;     /* constant while it runs */
static uint32_t state;    /* enum state */
static uint32_t running;  /* under the table's lock: are blocks followed? */
static uint32_t collects; /* a collection has ended: rounds publish no more */

/* ---- events ---- */

static bool wants(size_t bytes)
{
    arch_irq_state irq;
    bool wanted;

    if (period == 1)
        return true;
    irq = arch_irq_save();
    wanted = heap_sampling_wants_irqoff(&sampling[core_self()->id], bytes, period);
    arch_irq_restore(irq);
    return wanted;
}

/* The caller's stack: a thread's, or what a handler has of the system stack. */
static unsigned walk(struct arch_unwind *registers, unwind_pc *pcs, unsigned capacity)
{
    uintptr_t sp = registers->value[ARCH_UNWIND_SP], lo, hi;
    arch_irq_state irq = core_pin();
    const struct core *core = core_self();

    if ((sp > core->system_stack_lo && sp <= core->system_stack_hi) || core->current == NULL) {
        lo = core->system_stack_lo;
        hi = core->system_stack_hi;
    } else {
        lo = core->current->stack_lo;
        hi = core->current->stack_hi;
    }
    core_unpin(irq);
    return unwind_walk(NULL, registers, true, lo, hi, pcs, capacity).depth;
}

static __attribute__((noinline)) void note_allocated(void *block, size_t bytes)
{
    struct arch_unwind registers;
    unwind_pc pcs[WEFT_HEAP_PROFILE_DEPTH + OWN_FRAMES];
    unsigned depth;
    arch_irq_state irq;

    if (period != 1 && bytes == 0)
        bytes = 1;
    if (!wants(bytes))
        return;
    arch_unwind_here(&registers);
    depth = walk(&registers, pcs, WEFT_HEAP_PROFILE_DEPTH + OWN_FRAMES);
    irq = spinlock_lock(&table.lock);
    if (running)
        heap_table_allocated_locked(&table, (uintptr_t)block, bytes,
                                    heap_sampling_weight(bytes, period), pcs + OWN_FRAMES,
                                    depth > OWN_FRAMES ? depth - OWN_FRAMES : 0);
    spinlock_unlock(&table.lock, irq);
}

static void freed(void *block, bool collected)
{
    arch_irq_state irq = spinlock_lock(&table.lock);

    if (running)
        heap_table_freed_locked(&table, (uintptr_t)block, collected);
    spinlock_unlock(&table.lock, irq);
}

static void note_freed(void *block)
{
    freed(block, false);
}

static void note_collected(void *block)
{
    freed(block, true);
}

static void cycles_pass(uint32_t count)
{
    arch_irq_state irq = spinlock_lock(&table.lock);

    table.cycle += count;
    spinlock_unlock(&table.lock, irq);
}

static void note_cycle(void)
{
    collects = 1;
    cycles_pass(1);
}

void weft_heap_profile_publish(void)
{
    cycles_pass(2);
}

static void note_round(void)
{
    if (!collects)
        weft_heap_profile_publish();
}

static const struct heap_watcher watcher = {.allocated = note_allocated,
                                            .freed = note_freed,
                                            .collected = note_collected,
                                            .cycle = note_cycle,
                                            .round = note_round};

/* ---- starting and stopping ---- */

static bool state_change(uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&state, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

/* Returns the old table of blocks. */
static struct heap_block *table_set(bool runs, struct heap_block *blocks, size_t buckets)
{
    arch_irq_state irq = spinlock_lock(&table.lock);
    struct heap_block *old = table.blocks;

    running = runs;
    if (runs) {
        heap_table_clear_locked(&table, blocks, buckets);
    } else {
        table.blocks = NULL;
        table.buckets = 0;
    }
    spinlock_unlock(&table.lock, irq);
    return old;
}

static size_t buckets_for(size_t blocks)
{
    size_t buckets = blocks != 0;

    while (buckets * HEAP_BUCKET_BLOCKS < blocks)
        buckets *= 2;
    return buckets;
}

int weft_heap_profile_start(const struct weft_heap_profile_options *options)
{
    static const struct weft_heap_profile_options standard = WEFT_HEAP_PROFILE_OPTIONS_DEFAULT;
    struct heap_block *blocks = NULL;
    size_t buckets;

    ASSERT(!core_in_interrupt());
    options = options != NULL ? options : &standard;
    if (options->sample_bytes == 0 || options->sample_bytes > HEAP_SAMPLING_PERIOD_MAX ||
        options->blocks > BLOCKS_MAX)
        return WEFT_EINVAL;
    if (!state_change(IDLE, STARTING))
        return WEFT_ESTATE;
    buckets = buckets_for(options->blocks);
    if (buckets != 0 && (blocks = calloc(buckets, HEAP_BUCKET_BLOCKS * sizeof *blocks)) == NULL) {
        state = IDLE;
        return WEFT_ENOMEM;
    }
    period = options->sample_bytes;
    collects = 0;
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        heap_sampling_init(&sampling[id], arch_clock_cycles() + id * 0x9e3779b9u, period);
    (void)table_set(true, blocks, buckets);
    heap_watch(&watcher);
    __atomic_store_n(&state, RUNNING, __ATOMIC_RELEASE);
    return 0;
}

int weft_heap_profile_stop(void)
{
    ASSERT(!core_in_interrupt());
    if (!state_change(RUNNING, STARTING))
        return WEFT_ESTATE;
    heap_watch(NULL);
    weft_heap_profile_publish();
    free(table_set(false, NULL, 0));
    __atomic_store_n(&state, IDLE, __ATOMIC_RELEASE);
    return 0;
}

/* ---- reading: a place at a time, so that events go on meanwhile ---- */

static uint64_t rounded(uint64_t blocks)
{
    return (blocks + HEAP_SAMPLING_ONE / 2) / HEAP_SAMPLING_ONE;
}

/* A copy of place `index` as published; false: there is nothing in it. */
static bool site_read(unsigned index, struct weft_heap_profile_record *record, uint32_t *cycle)
{
    arch_irq_state irq = spinlock_lock(&table.lock);
    const struct heap_site *site = heap_table_site_locked(&table, index);
    bool any = site != NULL;

    *cycle = table.cycle;
    if (any) {
        *record = (struct weft_heap_profile_record){.allocs = rounded(site->published.allocs),
                                                    .frees = rounded(site->published.frees),
                                                    .alloc_bytes = site->published.alloc_bytes,
                                                    .free_bytes = site->published.free_bytes};
        memcpy(record->pcs, site->pcs, site->depth * sizeof site->pcs[0]);
    }
    spinlock_unlock(&table.lock, irq);
    return any;
}

static bool site_exists(unsigned index)
{
    arch_irq_state irq = spinlock_lock(&table.lock);
    bool exists = heap_table_site_locked(&table, index) != NULL;

    spinlock_unlock(&table.lock, irq);
    return exists;
}

/* Starts over when a cycle ends in between, so that all records are of one. */
bool weft_heap_profile_read(struct weft_heap_profile_record *records, size_t capacity,
                            size_t *count)
{
    uint32_t cycle = 0, first = 0;
    bool moved;

    ASSERT(!core_in_interrupt() && count != NULL && (records != NULL || capacity == 0));
    do {
        size_t needed = 0;

        for (unsigned i = 0; i < HEAP_SITE_COUNT; i++)
            needed += site_exists(i);
        *count = needed;
        if (needed > capacity)
            return false;
        *count = 0;
        moved = false;
        for (unsigned i = 0; i < HEAP_SITE_COUNT && !moved && *count < capacity; i++) {
            *count += site_read(i, &records[*count], &cycle);
            first = i == 0 ? cycle : first;
            moved = cycle != first;
        }
    } while (moved);
    return true;
}

void weft_heap_profile_totals(struct weft_heap_profile_totals *totals)
{
    struct weft_heap_profile_record record;
    uint32_t cycle;
    arch_irq_state irq;

    ASSERT(!core_in_interrupt());
    *totals = (struct weft_heap_profile_totals){0};
    for (unsigned i = 0; i < HEAP_SITE_COUNT; i++) {
        if (!site_read(i, &record, &cycle))
            continue;
        totals->allocs += record.allocs;
        totals->frees += record.frees;
        totals->alloc_bytes += record.alloc_bytes;
        totals->free_bytes += record.free_bytes;
        if (i == HEAP_SITE_OTHER)
            totals->other = record.allocs;
        else
            totals->sites++;
    }
    irq = spinlock_lock(&table.lock);
    totals->unfollowed = rounded(table.unfollowed);
    spinlock_unlock(&table.lock, irq);
}

static unsigned depth_of(const struct weft_heap_profile_record *record)
{
    unsigned depth = 0;

    while (depth < WEFT_HEAP_PROFILE_DEPTH && record->pcs[depth] != 0)
        depth++;
    return depth;
}

/* What a place is sorted by: bytes in use, then bytes allocated, then where it stands. */
struct rank {
    uint64_t in_use, allocated;
    unsigned index;
};

static bool is_heavier(const struct rank *one, const struct rank *other)
{
    if (one->in_use != other->in_use)
        return one->in_use > other->in_use;
    if (one->allocated != other->allocated)
        return one->allocated > other->allocated;
    return one->index < other->index;
}

/* The heaviest place that is lighter than *last, which it becomes; false: there is none. */
static bool heaviest_below(struct rank *last)
{
    struct rank best = {.index = HEAP_SITE_COUNT};

    for (unsigned i = 0; i < HEAP_SITE_COUNT; i++) {
        arch_irq_state irq = spinlock_lock(&table.lock);
        const struct heap_site *site = heap_table_site_locked(&table, i);
        struct rank rank = {.index = i};

        if (site != NULL) {
            rank.in_use = site->published.alloc_bytes - site->published.free_bytes;
            rank.allocated = site->published.alloc_bytes;
        }
        spinlock_unlock(&table.lock, irq);
        if (site != NULL && is_heavier(last, &rank) &&
            (best.index == HEAP_SITE_COUNT || is_heavier(&rank, &best)))
            best = rank;
    }
    *last = best;
    return best.index != HEAP_SITE_COUNT;
}

static void print_counts(uint64_t allocs, uint64_t frees, uint64_t alloc_bytes, uint64_t free_bytes)
{
    print_console("%llu: %llu [%llu: %llu]", (unsigned long long)(allocs - frees),
                  (unsigned long long)(alloc_bytes - free_bytes), (unsigned long long)allocs,
                  (unsigned long long)alloc_bytes);
}

void weft_heap_profile_print(void)
{
    struct weft_heap_profile_totals totals;
    struct weft_heap_profile_record record;
    struct rank last = {.in_use = UINT64_MAX, .allocated = UINT64_MAX};
    uint32_t cycle;

    weft_heap_profile_totals(&totals);
    print_console("allocations: ");
    print_counts(totals.allocs, totals.frees, totals.alloc_bytes, totals.free_bytes);
    print_console(", one of %zu bytes, %llu blocks not followed\n\n", period,
                  (unsigned long long)totals.unfollowed);
    while (heaviest_below(&last)) {
        if (!site_read(last.index, &record, &cycle))
            continue;
        print_counts(record.allocs, record.frees, record.alloc_bytes, record.free_bytes);
        print_console("%s\n", last.index == HEAP_SITE_OTHER ? " [other]" : "");
        sites_print_stack(record.pcs, depth_of(&record));
    }
}

void weft_heap_profile_send(void)
{
    struct weft_heap_profile_record record;
    struct sites_message message;
    uint32_t cycle;

    ASSERT(!core_in_interrupt());
    sites_message_begin(
        &message, "allocations",
        "alloc_objects/count,alloc_space/bytes,inuse_objects/count,inuse_space/bytes",
        SITES_NUMBER_ALLOCATIONS, period);
    for (unsigned i = 0; i < HEAP_SITE_COUNT; i++) {
        if (!site_read(i, &record, &cycle))
            continue;
        sites_message_place(&message,
                            (const uint64_t[LOG_SITE_VALUES]){
                                record.allocs, record.alloc_bytes, record.allocs - record.frees,
                                record.alloc_bytes - record.free_bytes},
                            record.pcs, depth_of(&record), i == HEAP_SITE_OTHER ? "[other]" : "");
    }
    sites_message_end(&message);
}
