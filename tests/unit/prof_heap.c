/* SPDX-License-Identifier: MIT */
/* The profile of allocations: the sampling is unbiased, the tables add up against an oracle
 * whatever fits, and what is published is of one moment. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/heap_profile.h>

#include "mem/watch.h"
#include "prof/heap_sampling.h"
#include "prof/heap_sites.h"
#include "prof_check.h"
#include "prof_fake.h"

TestSuite(prof_heap, .init = fake_reset);

/* ---- sampling ---- */

Test(prof_heap, the_logarithm_is_that_of_libm)
{
    double worst = 0;

    for (uint64_t number = 1; number < (uint64_t)1 << 32; number += 1 + number / 50) {
        double truth = -log((double)number / 4294967296.0);
        double error = fabs((double)heap_sampling_log((uint32_t)number) / (1 << 24) - truth);

        worst = error > worst ? error : worst;
    }
    cr_assert(worst < 32.0 / (1 << 24), "%g", worst);
    cr_assert(heap_sampling_log(UINT32_MAX) <= 1);
}

Test(prof_heap, a_block_stands_for_its_size_by_its_probability)
{
    double worst = 0;

    for (size_t period = 2; period <= HEAP_SAMPLING_PERIOD_MAX; period *= 2)
        for (size_t bytes = 1; bytes < period * 64; bytes += 1 + bytes / 4) {
            double truth = (double)bytes / -expm1(-(double)bytes / (double)period);
            double error = fabs((double)heap_sampling_weight(bytes, period) - truth);

            error = error <= 1 ? 0 : (error - 1) / truth; /* integers */
            worst = error > worst ? error : worst;
        }
    cr_assert(worst < 1.0 / (1 << 20), "%g", worst);
    for (size_t bytes = 1; bytes < 100000; bytes += 77)
        CHECK(heap_sampling_weight(bytes, 1) == bytes);
}

/* Many allocations of a few sizes, some above the period: the estimates of bytes and of blocks are
 * within 4 standard deviations of the truth, for each size (one of 16,000 such tests would be
 * wrong; the seed is fixed). */
Test(prof_heap, the_estimates_are_unbiased)
{
    static const size_t sizes[] = {1, 16, 24, 100, 1000, 4096, 10000, 70000};
    enum { SIZES = sizeof sizes / sizeof sizes[0], PERIOD = 4096, ROUNDS = 200000 };
    double bytes[SIZES] = {0}, blocks[SIZES] = {0};
    struct heap_sampling sampling;

    heap_sampling_init(&sampling, 12345, PERIOD);
    for (unsigned i = 0; i < ROUNDS * SIZES; i++) {
        size_t size = sizes[i % SIZES], weight;

        if (!heap_sampling_wants_irqoff(&sampling, size, PERIOD))
            continue;
        weight = heap_sampling_weight(size, PERIOD);
        bytes[i % SIZES] += (double)weight;
        blocks[i % SIZES] += (double)heap_sampling_blocks(size, weight) / HEAP_SAMPLING_ONE;
    }
    for (unsigned i = 0; i < SIZES; i++) {
        double p = -expm1(-(double)sizes[i] / PERIOD);
        double deviation = sqrt(ROUNDS * (1 - p) / p);

        cr_expect(fabs(blocks[i] - ROUNDS) < 4 * deviation + 1, "%zu: %g, %g", sizes[i], blocks[i],
                  deviation);
        cr_expect(fabs(bytes[i] - (double)sizes[i] * ROUNDS) <
                      (4 * deviation + 1) * (double)sizes[i],
                  "%zu: %g", sizes[i], bytes[i]);
    }
}

/* ---- the tables, against an oracle ---- */

static struct heap_table table = {.lock = SPINLOCK_INITIALIZER(RANK_LOG, "table")};

enum { BLOCKS = 4000, PLACES = 40 };

static struct block {
    bool used, dead; /* dead: the collector has found it so */
    unsigned place;
    size_t bytes;
    uint32_t cycle; /* of its allocation */
} model[BLOCKS];

/* Events by the cycle that they are published with. */
static struct oracle {
    int64_t allocs, frees, alloc_bytes, free_bytes;
} oracle[PLACES][64];

static unsigned stack_of(unsigned number, unwind_pc *pcs)
{
    unsigned depth = 1 + number % 20;

    for (unsigned i = 0; i < depth; i++)
        pcs[i] = 0x400000 + number * 64 + i * 4;
    return depth;
}

static unsigned place_of(const struct heap_site *site)
{
    return (unsigned)(site->pcs[0] - 0x400000) / 64;
}

static void model_alloc(unsigned i, uint32_t cycle)
{
    struct block *block = &model[i];
    unwind_pc pcs[WEFT_HEAP_PROFILE_DEPTH];
    unsigned depth;

    *block = (struct block){true, false, (unsigned)rand() % PLACES, (size_t)rand() % 5000, cycle};
    depth = stack_of(block->place, pcs);
    heap_table_allocated_locked(&table, 0x1000 + i * 16, block->bytes, block->bytes, pcs, depth);
    oracle[block->place][cycle + 2].allocs++;
    oracle[block->place][cycle + 2].alloc_bytes += (int64_t)block->bytes;
}

static void model_free(unsigned i, uint32_t cycle)
{
    struct block *block = &model[i];
    unsigned due = cycle + (block->dead ? 1 : 2);

    heap_table_freed_locked(&table, 0x1000 + i * 16, block->dead);
    oracle[block->place][due].frees++;
    oracle[block->place][due].free_bytes += (int64_t)block->bytes;
    block->used = false;
}

static void compare(uint32_t cycle)
{
    int64_t sum[PLACES][4] = {0};

    for (unsigned at = 0; at < PLACES; at++)
        for (unsigned i = 0; i <= cycle; i++) {
            sum[at][0] += oracle[at][i].allocs;
            sum[at][1] += oracle[at][i].frees;
            sum[at][2] += oracle[at][i].alloc_bytes;
            sum[at][3] += oracle[at][i].free_bytes;
        }
    for (unsigned i = 0; i < HEAP_SITE_COUNT; i++) {
        const struct heap_site *site = heap_table_site_locked(&table, i);
        int64_t *of;

        if (site == NULL)
            continue;
        CHECK(site->depth > 0, "nothing is other here");
        of = sum[place_of(site)];
        CHECK(site->published.allocs == (uint64_t)of[0] * HEAP_SAMPLING_ONE);
        CHECK(site->published.frees == (uint64_t)of[1] * HEAP_SAMPLING_ONE);
        CHECK(site->published.alloc_bytes == (uint64_t)of[2]);
        CHECK(site->published.free_bytes == (uint64_t)of[3]);
        CHECK(of[0] >= of[1], "frees of blocks whose allocation is not shown");
        of[0] = 0;
    }
    for (unsigned at = 0; at < PLACES; at++)
        CHECK(sum[at][0] == 0, "a place is missing");
}

/* Cycles in which blocks die, are swept, are freed by the program, and others made. */
Test(prof_heap, allocs_frees_and_bytes_equal_an_oracles_after_publish)
{
    struct heap_block *blocks = calloc(16384, sizeof *blocks);

    srand(7);
    table.cycle = 0;
    heap_table_clear_locked(&table, blocks, 16384 / HEAP_BUCKET_BLOCKS);
    for (uint32_t cycle = 0; cycle < 60; cycle++) {
        CHECK(table.cycle == cycle);
        compare(cycle);
        for (unsigned event = 0; event < 3 * BLOCKS; event++) {
            unsigned i = (unsigned)rand() % BLOCKS;

            if (!model[i].used)
                model_alloc(i, cycle);
            else if (model[i].dead || rand() % 2 == 0)
                model_free(i, cycle);
        }
        for (unsigned i = 0; i < BLOCKS; i++)
            if (model[i].used && model[i].dead)
                model_free(i, cycle); /* the sweep is over before the next collection */
        for (unsigned i = 0; i < BLOCKS; i++)
            if (model[i].used && rand() % 3 == 0)
                model[i].dead = true;
        table.cycle++;
    }
    CHECK(table.unfollowed == 0);
    free(blocks);
}

Test(prof_heap, a_free_finds_its_place_and_never_makes_one)
{
    struct heap_block blocks[16] = {{0}};
    unsigned places = 0;

    heap_table_clear_locked(&table, blocks, 2);
    for (uintptr_t address = 16; address < 160000; address += 16)
        heap_table_freed_locked(&table, address, address & 16);
    table.cycle += 2;
    for (unsigned i = 0; i < HEAP_SITE_COUNT; i++)
        places += table.site[i].hash != 0;
    cr_assert(places == 1, "%u: only `other` is always there", places);
    cr_assert(table.site[HEAP_SITE_OTHER].published.frees == 0);
}

Test(prof_heap, places_without_room_are_other_and_sums_are_right)
{
    enum { MANY = 20 * WEFT_CONFIG_HEAP_PROFILE_SITES };
    struct heap_block *blocks = calloc(8192, sizeof *blocks);
    uint64_t allocs = 0, frees = 0, bytes = 0;
    const struct heap_site *other;

    heap_table_clear_locked(&table, blocks, 8192 / HEAP_BUCKET_BLOCKS);
    for (unsigned i = 0; i < MANY; i++) {
        unwind_pc pcs[2] = {0x400000 + i * 8, 0x500000};

        heap_table_allocated_locked(&table, 0x1000 + i * 32, i, i, pcs, 2);
    }
    for (unsigned i = 0; i < MANY; i += 2)
        heap_table_freed_locked(&table, 0x1000 + i * 32, false);
    table.cycle += 2;
    for (unsigned i = 0; i < HEAP_SITE_COUNT; i++) {
        const struct heap_site *site = heap_table_site_locked(&table, i);

        if (site == NULL)
            continue;
        allocs += site->published.allocs / HEAP_SAMPLING_ONE;
        frees += site->published.frees / HEAP_SAMPLING_ONE;
        bytes += site->published.alloc_bytes;
    }
    other = heap_table_site_locked(&table, HEAP_SITE_OTHER);
    cr_assert(allocs == MANY && bytes == (uint64_t)MANY * (MANY - 1) / 2);
    cr_assert(other != NULL && other->published.allocs / HEAP_SAMPLING_ONE > MANY / 2);
    cr_assert(frees == MANY / 2 && table.unfollowed == 0, "%u", (unsigned)frees);
    free(blocks);
}

/* Blocks without room are allocated, counted, and never shown as in use. */
Test(prof_heap, blocks_without_room_are_counted_and_not_in_use)
{
    struct heap_block blocks[32] = {{0}};
    const unwind_pc pcs[1] = {0x400000};
    uint64_t followed = 0, in_use = 0, blocks_in_use = 0;

    heap_table_clear_locked(&table, blocks, 4);
    for (unsigned i = 0; i < 1000; i++)
        heap_table_allocated_locked(&table, 0x1000 + i * 16, 10, 10, pcs, 1);
    for (unsigned i = 0; i < 32; i++)
        followed += blocks[i].address != 0;
    table.cycle += 2;
    for (unsigned i = 0; i < HEAP_SITE_COUNT; i++) {
        const struct heap_site *site = heap_table_site_locked(&table, i);

        if (site != NULL) {
            cr_assert(site->published.allocs == 1000 * HEAP_SAMPLING_ONE);
            in_use += site->published.alloc_bytes - site->published.free_bytes;
            blocks_in_use += site->published.allocs - site->published.frees;
        }
    }
    cr_assert(followed > 16 && in_use == followed * 10);
    cr_assert(blocks_in_use == followed * HEAP_SAMPLING_ONE);
    cr_assert(table.unfollowed == (1000 - followed) * HEAP_SAMPLING_ONE);
    for (unsigned i = 0; i < 1000; i++)
        heap_table_freed_locked(&table, 0x1000 + i * 16, false);
    for (unsigned i = 0; i < 32; i++)
        cr_assert(blocks[i].address == 0);
}

Test(prof_heap, no_table_of_blocks_at_all)
{
    const unwind_pc pcs[1] = {0x400000};

    heap_table_clear_locked(&table, NULL, 0);
    heap_table_allocated_locked(&table, 0x1000, 10, 10, pcs, 1);
    heap_table_freed_locked(&table, 0x1000, false);
    cr_assert(table.unfollowed == HEAP_SAMPLING_ONE);
}

/* ---- the interface ---- */

static uint64_t published_allocs(void)
{
    struct weft_heap_profile_totals totals;

    weft_heap_profile_totals(&totals);
    return totals.allocs;
}

Test(prof_heap, events_show_when_they_are_published)
{
    const struct weft_heap_profile_options all = {.sample_bytes = 1, .blocks = 100};
    struct weft_heap_profile_totals totals;
    char blocks[3][16];

    cr_assert(weft_heap_profile_start(&all) == 0);
    fake_heap_watcher->allocated(blocks[0], 10);
    cr_assert(published_allocs() == 0, "recent");
    weft_heap_profile_publish();
    cr_assert(published_allocs() == 1);
    fake_heap_watcher->allocated(blocks[1], 20);
    fake_heap_watcher->round();
    cr_assert(published_allocs() == 2, "a scavenger's round publishes");
    fake_heap_watcher->cycle();
    fake_heap_watcher->allocated(blocks[2], 30);
    fake_heap_watcher->round();
    fake_heap_watcher->cycle();
    cr_assert(published_allocs() == 2, "not once there are collections");
    fake_heap_watcher->collected(blocks[1]);
    fake_heap_watcher->collected(blocks[2]);
    weft_heap_profile_totals(&totals);
    cr_assert(totals.allocs == 2 && totals.frees == 0);
    fake_heap_watcher->cycle();
    weft_heap_profile_totals(&totals);
    cr_assert(totals.allocs == 3 && totals.frees == 2 && totals.alloc_bytes == 60 &&
              totals.free_bytes == 50);
    fake_heap_watcher->freed(blocks[0]);
    cr_assert(weft_heap_profile_stop() == 0);
    weft_heap_profile_totals(&totals);
    cr_assert(totals.frees == 3 && totals.free_bytes == 60, "stopping publishes");
    cr_assert(fake_heap_watcher == NULL);
}

Test(prof_heap, starting_and_stopping_that_does_not_fit_is_refused)
{
    const struct weft_heap_profile_options none = {.sample_bytes = 0, .blocks = 1},
                                           far = {.sample_bytes = HEAP_SAMPLING_PERIOD_MAX + 1},
                                           large = {.sample_bytes = 1, .blocks = SIZE_MAX};

    cr_assert(weft_heap_profile_stop() == WEFT_ESTATE);
    cr_assert(weft_heap_profile_start(&none) == WEFT_EINVAL);
    cr_assert(weft_heap_profile_start(&far) == WEFT_EINVAL);
    cr_assert(weft_heap_profile_start(&large) == WEFT_EINVAL);
    cr_assert(fake_heap_watcher == NULL);
    cr_assert(weft_heap_profile_start(NULL) == 0 && fake_heap_watcher != NULL);
    cr_assert(weft_heap_profile_start(NULL) == WEFT_ESTATE);
    cr_assert(weft_heap_profile_stop() == 0);
    cr_assert(weft_heap_profile_start(NULL) == 0, "again");
    cr_assert(weft_heap_profile_stop() == 0);
}

Test(prof_heap, reading_is_all_or_nothing)
{
    const struct weft_heap_profile_options all = {.sample_bytes = 1, .blocks = 100};
    struct weft_heap_profile_record records[3];
    size_t count = 77;
    char block[16];

    memset(records, 0x5a, sizeof records);
    cr_assert(weft_heap_profile_start(&all) == 0);
    cr_assert(weft_heap_profile_read(NULL, 0, &count) && count == 0);
    fake_heap_watcher->allocated(block, 10);
    weft_heap_profile_publish();
    cr_assert(!weft_heap_profile_read(NULL, 0, &count) && count == 1);
    cr_assert(weft_heap_profile_read(records, 2, &count) && count == 1);
    cr_assert(records[0].allocs == 1 && records[0].alloc_bytes == 10 && records[0].frees == 0);
    cr_assert(records[1].allocs == 0x5a5a5a5a5a5a5a5aull);
    weft_heap_profile_print();
    fake_console[fake_console_bytes] = 0;
    cr_assert(strstr((char *)fake_console,
                     "allocations: 1: 10 [1: 10], one of 1 bytes, 0 blocks not followed\n") !=
              NULL);
    cr_assert(strstr((char *)fake_console, "\n1: 10 [1: 10]\n") != NULL);
    cr_assert(weft_heap_profile_stop() == 0);
}
