/* SPDX-License-Identifier: MIT */
/* Random operations on the heap against a model of what the program holds. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "mem/scavenger.h"
#include "mem/stack.h"
#include "mem_fake.h"
#include "mem_names.h"

#define BLOCKS 2048

struct model_block {
    uint8_t *start;
    size_t bytes; /* asked for */
    uint32_t seed;
    bool stack;
    size_t usable;
};

static struct model_block block[BLOCKS];
static uint64_t random_state;
static uint32_t seeds;

static uint64_t random_below(uint64_t limit)
{
    return fake_random(&random_state) % limit;
}

/* Mostly small, as log-uniform sizes are, and now and then up to a quarter of the arena. */
static size_t random_size(size_t arena)
{
    if (random_below(200) == 0)
        return random_below(arena / 4) + 1;
    return (size_t)random_below((uint64_t)8 << random_below(11)) + (random_below(50) != 0);
}

static void fill(struct model_block *b)
{
    b->seed = ++seeds;
    for (size_t i = 0; i < b->bytes; i++)
        b->start[i] = (uint8_t)(b->seed * 31 + i * 7);
}

static void verify(const struct model_block *b, size_t bytes, const uint8_t *start)
{
    for (size_t i = 0; i < bytes; i++)
        cr_assert(start[i] == (uint8_t)(b->seed * 31 + i * 7), "block %p of %zu changed at %zu",
                  (void *)b->start, b->bytes, i);
}

static void model_alloc(struct model_block *b, size_t arena)
{
    size_t size = random_size(arena), alignment = 2 * sizeof(void *);

    switch (random_below(8)) {
    case 0:
        b->start = w_calloc(1, size);
        for (size_t i = 0; b->start && i < size; i++)
            cr_assert(b->start[i] == 0);
        break;
    case 1:
        alignment = (size_t)8 << random_below(10);
        b->start = w_memalign(alignment, size);
        break;
    case 2:
        if (random_below(16) == 0) {
            b->start = stack_alloc(size, &b->usable);
            b->stack = b->start != NULL;
            cr_assert(!b->start || b->usable >= size);
            break;
        }
        /* fall through */
    default:
        b->start = w_malloc(size);
    }
    if (!b->start)
        return;
    cr_assert((uintptr_t)b->start % alignment == 0);
    cr_assert(b->stack || w_malloc_usable_size(b->start) >= size);
    b->bytes = size;
    fill(b);
}

static void model_free(struct model_block *b)
{
    bool interrupt = random_below(10) == 0, busy = random_below(2) == 0;

    verify(b, b->bytes, b->start);
    memset(b->start, 0x5a, b->bytes);
    if (b->stack) {
        stack_free(b->start, b->usable);
    } else if (interrupt) {
        fake_interrupt_enter(busy);
        w_free(b->start);
        fake_interrupt_leave(busy);
    } else {
        w_free(b->start);
    }
    memset(b, 0, sizeof(*b));
}

static void model_realloc(struct model_block *b, size_t arena)
{
    size_t size = random_below(3) ? b->bytes + random_below(b->bytes / 2 + 16) : random_size(arena);
    uint8_t *moved;

    if (b->stack || size == 0)
        return;
    moved = w_realloc(b->start, size);
    if (!moved) {
        verify(b, b->bytes, b->start);
        return;
    }
    verify(b, b->bytes < size ? b->bytes : size, moved);
    b->start = moved;
    b->bytes = size;
    fill(b);
}

static void model_run(size_t arena, unsigned operations, unsigned check_every)
{
    for (unsigned i = 0; i < operations; i++) {
        struct model_block *b = &block[random_below(BLOCKS)];

        if (WEFT_CONFIG_CORES > 1)
            fake_core_id = (unsigned)random_below(WEFT_CONFIG_CORES);
        if (!b->start)
            model_alloc(b, arena);
        else if (random_below(4) == 0)
            model_realloc(b, arena);
        else
            model_free(b);
        if (random_below(500) == 0)
            scavenger_step();
        if (random_below(20000) == 0)
            weft_heap_scavenge();
        if (i % check_every == 0)
            fake_check_quiescent();
    }
}

static void model_end(size_t largest_at_start)
{
    struct weft_mstats stats;

    for (unsigned i = 0; i < BLOCKS; i++)
        if (block[i].start)
            model_free(&block[i]);
    /* A request that cannot be met makes every core give its cache back. */
    for (fake_core_id = 0; fake_core_id < WEFT_CONFIG_CORES; fake_core_id++)
        cr_assert(w_malloc(SIZE_MAX / 2) == NULL);
    fake_core_id = 0;
    fake_check_quiescent();
    weft_heap_stats(&stats);
    cr_assert(stats.inuse_pages == 0 && stats.stack_pages == 0);
    cr_assert(weft_heap_live_bytes() == 0);
    cr_assert(weft_heap_largest_free() == largest_at_start, "free runs did not merge");
}

static void model_test(size_t arena, unsigned operations, uint64_t seed)
{
    size_t largest;

    fake_boot(arena, 0);
    largest = weft_heap_largest_free();
    random_state = seed;
    model_run(arena, operations, operations / 500);
    model_end(largest);
    cr_assert(operations < 100000 || (fake_releases > 0 && fake_commits > 0));
}

#ifndef MODEL_OPERATIONS
#define MODEL_OPERATIONS (getenv("SOAK") ? 10000000 / 3 : 300000) /* for each of four arenas */
#endif

Test(mem_model, random_operations_in_256_kib_keep_every_block_and_record_intact)
{
    model_test(256 << 10, MODEL_OPERATIONS, 1);
}

Test(mem_model, random_operations_in_1_mib_keep_every_block_and_record_intact)
{
    model_test(1 << 20, MODEL_OPERATIONS, 2);
}

Test(mem_model, random_operations_in_4_mib_keep_every_block_and_record_intact)
{
    model_test(4 << 20, MODEL_OPERATIONS, 3);
}

Test(mem_model, random_operations_in_20_mib_keep_every_block_and_record_intact)
{
    model_test(20 << 20, MODEL_OPERATIONS / 3, 4);
}

Test(mem_model, two_regions_serve_together)
{
    size_t largest;

    fake_boot(200 << 10, 300 << 10);
    largest = weft_heap_largest_free();
    random_state = 5;
    model_run(400 << 10, MODEL_OPERATIONS / 3, 1000);
    model_end(largest);
}
