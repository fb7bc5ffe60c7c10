/* SPDX-License-Identifier: MIT */
/*
 * The collector's parts that run while others can run: allocation from spans that are swept for it,
 * sweeping in steps, finalizers.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "mem/gc.h"
#include "scenario.h"

/* A block knows which one it is: one that was handed out twice is found. */
struct cell {
    uint32_t number, check;
};

static uint32_t numbers;

static struct cell *cell_make(size_t bytes, unsigned flags)
{
    struct cell *cell = weft_gc_alloc(bytes, flags);

    CHECK(cell != NULL);
    cell->number = __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED);
    cell->check = ~cell->number;
    return cell;
}

static void cell_check(const struct cell *cell)
{
    CHECK(cell == NULL || cell->check == ~cell->number);
}

/* ---- allocation and sweeping ---- */

#define SMALL_BYTES 48u
#define LARGE_BYTES 5000u
#define KEPT 24

static struct cell *kept[KEPT], *mine[4], *others[2], *stays[2];
static uint32_t disturbed;

static void collect_run(void)
{
    mine[0] = cell_make(SMALL_BYTES, 0); /* from a span that is swept for it, */
    mine[1] = cell_make(SMALL_BYTES, 0); /* from that span, */
    mine[2] = cell_make(SMALL_BYTES * 2, WEFT_GC_POINTER_FREE); /* from a new one, */
    mine[3] = cell_make(LARGE_BYTES, WEFT_GC_POINTER_FREE);     /* of its own */
    while (weft_gc_sweep_step())
        ;
}

/* The thread that comes in between has the same to do, and now and then a whole cycle. */
static void collect_disturb(void)
{
    others[0] = cell_make(SMALL_BYTES, 0);
    if (++disturbed % 4 == 0)
        weft_gc();
    else if (disturbed % 4 == 1)
        (void)weft_gc_sweep_step();
    else if (disturbed % 4 == 2)
        others[1] = cell_make(LARGE_BYTES, WEFT_GC_POINTER_FREE);
}

static void all_check(struct cell **cells, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        cell_check(cells[i]);
}

static void all_differ(struct cell **cells, unsigned count, struct cell **from,
                       unsigned others_count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < others_count; k++)
            CHECK(cells[i] == NULL || cells[i] != from[k]);
}

/* For the next run: spans that are to be swept, with dead blocks and living ones in them. */
static void collect_check(void)
{
    static uint32_t runs;

    stays[0] = cell_make(SMALL_BYTES * 4, 0); /* in spans that no run asks for: swept in steps */
    stays[1] = cell_make(SMALL_BYTES * 8, 0);
    all_check(kept, KEPT);
    all_check(mine, 4);
    all_check(others, 2);
    all_differ(others, 2, mine, 4);
    all_differ(others, 2, kept, KEPT);
    all_differ(mine, 4, kept, KEPT);
    kept[runs % KEPT] = mine[runs % 2];
    memset(mine, 0, sizeof mine);
    memset(others, 0, sizeof others);
    if (runs++ % 256 == 0)
        CHECK(weft_heap_check() == 0);
    gc_collect(GC_FORCED);
}

/* Until each run finds what the one before found. */
static void collect_begin(void)
{
    for (unsigned i = 0; i < 2 * KEPT; i++) {
        collect_run();
        collect_check();
    }
}

static void collect_end(void)
{
    memset(kept, 0, sizeof kept);
    memset(stays, 0, sizeof stays);
    weft_gc();
    CHECK(weft_heap_check() == 0);
}

/* ---- finalizers ---- */

#define FINALIZED_MAX 65536u

static uint8_t *ran_of; /* by number: how often */
static volatile uint32_t set, ran, ready;

static void finalize(void *block, void *argument)
{
    const struct cell *cell = block;

    CHECK(argument == &ran);
    cell_check(cell);
    CHECK(cell->number < FINALIZED_MAX && ran_of[cell->number] == 0);
    ran_of[cell->number]++;
    ran = ran + 1;
}

static void must_not_run(void *block, void *argument)
{
    CHECK(block == argument && block == NULL);
}

/* Not inlined: no register keeps the block's address. */
static __attribute__((noinline)) void finalized_make(void)
{
    CHECK(weft_gc_finalizer_set(cell_make(SMALL_BYTES, 0), finalize, (void *)&ran) == 0);
    set = set + 1;
}

/* Sets one, and lets those run that the cycle before has found. */
static void finalizer_run(void)
{
    finalized_make();
    while (ran < ready)
        weft_thread_yield();
}

static void finalizer_disturb(void)
{
    struct cell *cell = weft_gc_alloc(SMALL_BYTES, 0);

    CHECK(cell != NULL);
    CHECK(weft_gc_finalizer_set(cell, must_not_run, cell) == 0);
    CHECK(weft_gc_finalizer_set(cell, must_not_run, NULL) == 0);
    if (++disturbed % 4 == 0)
        weft_gc(); /* more of them are ready */
    CHECK(weft_gc_finalizer_set(cell, NULL, NULL) == 0);
}

static void finalizer_check(void)
{
    struct weft_gc_stats stats;

    gc_collect(GC_FORCED);
    weft_gc_stats(&stats);
    ready = set - stats.finalizers;
    CHECK(ran <= ready && ready <= set);
}

static void finalizer_begin(void)
{
    ran_of = calloc(1, FINALIZED_MAX);
    CHECK(ran_of != NULL);
    numbers = set = ran = ready = 0;
    for (unsigned i = 0; i < 2 * KEPT; i++) {
        finalizer_run();
        finalizer_check();
    }
}

static void finalizer_end(void)
{
    for (unsigned i = 0; i < 4; i++) {
        finalizer_check();
        while (ran < ready)
            weft_thread_yield();
    }
    CHECK(set - ran <= 4); /* kept by chance */
    free(ran_of);
    collect_end();
}

const struct scenario collector_scenarios[COLLECTOR_SCENARIOS] = {
    {"sweeping", 1, collect_begin, NULL, 0, collect_run, collect_disturb, collect_check,
     collect_end},
    {"finalizers", 1, finalizer_begin, NULL, 0, finalizer_run, finalizer_disturb, finalizer_check,
     finalizer_end},
};
