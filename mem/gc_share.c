/* SPDX-License-Identifier: MIT */
/*
 * Several cores mark (tests/models/mark.pml is the protocol's model).
 *
 * Who. The core that stopped the world, the *owner*, and *helpers*: other cores, parked by the
 * stop, whose idle threads are asked in (sched/help.c). Each has a mark stack of its own, which
 * nobody else touches, and takes a block by clearing its white bit atomically.
 *
 * Handing over. Whoever runs empty says so (`waiting`). Whoever has at least two pieces looks for
 * that now and then (`wanted`) and gives every other one of its lowest pieces away, as a *chunk*:
 * the lowest are the nearest to the roots, so what is given and what is kept are about as large. A
 * long piece that is alone is cut in two. There are CHUNKS chunks; none free: nothing is given.
 *
 * Until the owner gives something away in a round nobody else can be marking, and bits are taken by
 * plain stores.
 *
 * The end of a round: the owner has nothing, no chunk is full, no helper is busy. All three are
 * under one lock, and a helper that takes a chunk becomes busy in the same step, so there is no
 * moment when work is in nobody's hands. The owner then goes on alone (rescans, finalizers); what
 * it gives away begins another round. Helpers wait until it closes.
 */
#include "arch/cpu.h"
#include "kernel/shared.h"
#include "mem/gc.h"

#if WEFT_CONFIG_CORES > 1

#define CHUNKS (2 * WEFT_CONFIG_CORES)
#define CHUNK_PIECES (WEFT_CONFIG_GC_MARK_ENTRIES < 32 ? WEFT_CONFIG_GC_MARK_ENTRIES : 32)

/* Fewer bytes in blocks than that are marked before another core has woken up. */
#define HELP_BYTES 8192u

/* Pieces that are not worth cutting. */
#define CUT_BYTES (256 * sizeof(uintptr_t))

struct chunk {
    uint32_t pieces;
    struct gc_piece piece[CHUNK_PIECES];
};

static struct spinlock share_lock = SPINLOCK_INITIALIZER(RANK_HEAP_GC, "collector's work");

/* Under share_lock; `full`, `busy` and `open` are also looked at without it by those that wait,
 * `shared` by those that mark: whoever gave a piece, or took one, had the lock and has seen it. */
static struct {
    struct chunk *chunk; /* CHUNKS of them, the first `full` ones in use */
    uint32_t full, waiting, busy;
    bool open;
    bool shared; /* a piece was given: cleared by the owner while nobody else marks */
} share;

uint32_t gc_share_wanted;

static void wanted_update_locked(void)
{
    __atomic_store_n(&gc_share_wanted, share.waiting > share.full, __ATOMIC_RELAXED);
}

static void count_locked(uint32_t *counter, int change)
{
    __atomic_store_n(counter, *counter + (uint32_t)change, __ATOMIC_RELAXED);
}

/* ---- giving ---- */

/* The lowest piece, which is the only one, in two: the upper half goes. */
static uint32_t cut(struct chunk *chunk, struct gc_piece *piece)
{
    uintptr_t middle;

    if (piece->hi - piece->lo < CUT_BYTES)
        return 0;
    middle = piece->lo + ((piece->hi - piece->lo) / 2 & ~(uintptr_t)(GRANULE - 1));
    chunk->piece[0] = (struct gc_piece){middle, piece->hi};
    piece->hi = middle;
    return 1;
}

/* Every other piece from the bottom on, as far as the chunk goes. */
static uint32_t deal(struct chunk *chunk, struct gc_piece *stack, uint32_t *depth)
{
    uint32_t given = 0, kept = 0;

    for (uint32_t i = 0; i < *depth; i++) {
        if (i % 2 == 0 && given < CHUNK_PIECES)
            chunk->piece[given++] = stack[i];
        else
            stack[kept++] = stack[i];
    }
    *depth = kept;
    return given;
}

void gc_share_give(struct gc_marker *marker)
{
    arch_irq_state state = spinlock_lock(&share_lock);
    struct chunk *chunk = &share.chunk[share.full];

    if (share.full < CHUNKS && share.waiting > share.full && marker->depth != 0) {
        if (marker->depth == 1)
            chunk->pieces = cut(chunk, &marker->stack[0]);
        else
            chunk->pieces = deal(chunk, marker->stack, &marker->depth);
        if (chunk->pieces != 0) {
            count_locked(&share.full, 1);
            SHARED_STORE(share.shared, true);
        }
        wanted_update_locked();
    }
    spinlock_unlock(&share_lock, state);
}

/* ---- taking ---- */

static void chunk_take_locked(struct gc_marker *marker)
{
    const struct chunk *chunk = &share.chunk[share.full - 1];

    ASSERT(marker->depth == 0 && chunk->pieces != 0);
    for (uint32_t i = 0; i < chunk->pieces; i++)
        marker->stack[i] = chunk->piece[i];
    marker->depth = chunk->pieces;
    marker->chunks++;
    count_locked(&share.full, -1);
    share.waiting--;
    wanted_update_locked();
}

static bool nothing_and_busy(void)
{
    return __atomic_load_n(&share.full, __ATOMIC_RELAXED) == 0 &&
           __atomic_load_n(&share.busy, __ATOMIC_RELAXED) != 0;
}

bool gc_share_take(struct gc_marker *marker)
{
    arch_irq_state state = spinlock_lock(&share_lock);
    bool taken;

    share.waiting++;
    wanted_update_locked();
    while (share.full == 0 && share.busy != 0) {
        spinlock_unlock(&share_lock, state);
        while (nothing_and_busy())
            arch_cpu_relax();
        state = spinlock_lock(&share_lock);
    }
    taken = share.full != 0;
    if (taken) {
        chunk_take_locked(marker);
    } else {
        share.shared = false;
        share.waiting--;
        wanted_update_locked();
    }
    spinlock_unlock(&share_lock, state);
    return taken;
}

/* ---- helpers ---- */

static bool nothing_and_open(void)
{
    return __atomic_load_n(&share.full, __ATOMIC_RELAXED) == 0 &&
           __atomic_load_n(&share.open, __ATOMIC_RELAXED);
}

/* False: it is over. The helper counts as waiting before, as busy after. */
static bool helper_take(struct gc_marker *marker)
{
    bool taken = false, open = true;

    while (open && !taken) {
        arch_irq_state state;

        while (nothing_and_open())
            arch_cpu_relax();
        state = spinlock_lock(&share_lock);
        open = share.open;
        taken = open && share.full != 0;
        if (taken) {
            chunk_take_locked(marker);
            count_locked(&share.busy, 1);
        }
        spinlock_unlock(&share_lock, state);
    }
    return taken;
}

static void helper_ran_empty(void)
{
    arch_irq_state state = spinlock_lock(&share_lock);

    count_locked(&share.busy, -1);
    share.waiting++;
    wanted_update_locked();
    spinlock_unlock(&share_lock, state);
}

static bool helper_come_in(void)
{
    arch_irq_state state = spinlock_lock(&share_lock);
    bool open = share.open;

    share.waiting += open;
    wanted_update_locked();
    spinlock_unlock(&share_lock, state);
    return open;
}

/* In the idle thread of a parked core. */
static void help(unsigned core)
{
    struct gc_marker *marker = &gc.marker[core];

    if (!helper_come_in())
        return;
    cores[core].collecting = 1;
    while (helper_take(marker)) {
        gc_mark_drain(marker);
        helper_ran_empty();
    }
    cores[core].collecting = 0;
}

/* ---- the owner ---- */

size_t gc_share_bytes(void)
{
    return CHUNKS * sizeof(struct chunk);
}

void gc_share_memory(void *memory)
{
    share.chunk = memory;
}

/* Nobody else is here: the last helpers have left. */
void gc_share_open(void)
{
    ASSERT(!share.open && share.full == 0 && share.busy == 0);
    share.waiting = 0;
    gc_share_wanted = 0;
    if (gc.allocated_bytes < HELP_BYTES || (cores_online() & (cores_online() - 1)) == 0)
        return;
    share.open = true;
    upcall_world_help_begin(help);
}

void gc_share_close(void)
{
    arch_irq_state state;

    if (!share.open)
        return;
    state = spinlock_lock(&share_lock);
    ASSERT(share.full == 0 && share.busy == 0);
    __atomic_store_n(&share.open, false, __ATOMIC_RELAXED);
    spinlock_unlock(&share_lock, state);
    upcall_world_help_end();
}

bool gc_share_is_shared(void)
{
    return SHARED_LOAD(share.shared);
}

bool gc_share_is_open(void)
{
    return share.open;
}

#endif
