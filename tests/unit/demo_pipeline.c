/* SPDX-License-Identifier: MIT */
/*
 * The demo's whole pipeline on the host, over pthreads (shim_weft_pthread.c): results against
 * direct calls, blocks that overtake each other, failure of every single allocation and spawn,
 * damage.
 *
 * pipeline.c and lz.c are compiled into this file with malloc and a few calls diverted, so that the
 * tests can fail, delay or damage exactly one of them.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../examples/demo/lz.h"
#include "../../examples/demo/sha256.h"
#include "shim_weft_pthread.h"

/* ---- what is diverted ---- */

static atomic_long test_allocations;   /* so far */
static atomic_long test_alive;         /* of them, not yet freed */
static long test_fail_allocation = -1; /* this one fails, and those after it if... */
static bool test_fail_later_too;       /* ... this is set */

static bool test_allocation_fails(void)
{
    long number = atomic_fetch_add(&test_allocations, 1);
    if (test_fail_allocation < 0)
        return false;
    return number == test_fail_allocation || (test_fail_later_too && number > test_fail_allocation);
}

static void *test_malloc(size_t bytes)
{
    void *memory = test_allocation_fails() ? NULL : malloc(bytes);
    atomic_fetch_add(&test_alive, memory != NULL);
    return memory;
}

static void *test_calloc(size_t count, size_t bytes)
{
    void *memory = test_allocation_fails() ? NULL : calloc(count, bytes);
    atomic_fetch_add(&test_alive, memory != NULL);
    return memory;
}

static void test_free(void *memory)
{
    atomic_fetch_sub(&test_alive, memory != NULL);
    free(memory);
}

/* Called by workers after a block was unpacked. `block` begins with its number (see input_make). */
static void (*test_unpacked)(unsigned char *block, size_t bytes);

static long test_lz_unpack(const unsigned char *packed, size_t packed_bytes, unsigned char *block,
                           size_t room)
{
    long bytes = lz_unpack(packed, packed_bytes, block, room);
    if (test_unpacked != NULL && bytes > 0)
        test_unpacked(block, (size_t)bytes);
    return bytes;
}

/* Called by whoever makes a digest of a block in one call, with its number. */
static void (*test_digested)(unsigned number, unsigned char *digest);

static void test_sha256_digest(const void *bytes, size_t count, unsigned char *digest)
{
    sha256_digest(bytes, count, digest);
    if (test_digested != NULL && count >= 2)
        test_digested(((const unsigned char *)bytes)[0] * 256u + ((const unsigned char *)bytes)[1],
                      digest);
}

#define malloc test_malloc
#define calloc test_calloc
#define free test_free
#include "../../examples/demo/lz.c"
#define lz_unpack test_lz_unpack
#define sha256_digest test_sha256_digest
#include "../../examples/demo/pipeline.c"
#undef malloc
#undef calloc
#undef free
#undef lz_unpack
#undef sha256_digest

/* ---- inputs ---- */

/* A text in which each block begins with its number, in two bytes. */
static unsigned char *input_make(size_t bytes)
{
    static const char filler[] = "so the words of one block go on in the next, and\nlines do too. ";
    unsigned char *input = malloc(bytes + 1);
    for (size_t i = 0; i < bytes; i++) {
        size_t number = i / PIPELINE_BLOCK_BYTES, at = i % PIPELINE_BLOCK_BYTES;
        if (at < 2)
            input[i] = (unsigned char)(at == 0 ? number >> 8 : number);
        else
            input[i] = (unsigned char)filler[(i * 7 + number) % 61];
    }
    return input;
}

static unsigned block_number(const unsigned char *block)
{
    return block[0] * 256u + block[1];
}

static void expect_pass(const struct pass_result *pass, const unsigned char *input, size_t bytes,
                        int effort)
{
    struct text_count count = text_count(input, bytes);
    unsigned char digest[SHA256_DIGEST_BYTES];
    sha256_digest(input, bytes, digest);
    cr_assert_eq(pass->status, BLOCK_OK);
    cr_assert_eq(pass->effort, effort);
    cr_assert_eq(pass->count.lines, count.lines);
    cr_assert_eq(pass->count.words, count.words);
    cr_assert_eq(pass->count.bytes, bytes);
    cr_assert_arr_eq(pass->digest, digest, sizeof digest);
}

static size_t packed_bytes_of(const unsigned char *input, size_t bytes, int effort)
{
    struct lz_workspace *workspace = lz_workspace_new(PIPELINE_BLOCK_BYTES);
    unsigned char packed[PIPELINE_BLOCK_BYTES + 100];
    size_t sum = 0;
    for (size_t at = 0; at < bytes; at += PIPELINE_BLOCK_BYTES) {
        size_t left = bytes - at < PIPELINE_BLOCK_BYTES ? bytes - at : PIPELINE_BLOCK_BYTES;
        sum += (size_t)lz_pack(workspace, effort, input + at, left, packed, sizeof packed);
    }
    lz_workspace_delete(workspace);
    return sum;
}

static void expect_nothing_left(void)
{
    cr_assert_eq(shim_threads_alive(), 0);
    cr_assert_eq(atomic_load(&test_alive), 0, "%ld allocations leaked", atomic_load(&test_alive));
}

/* ---- tests ---- */

Test(demo_pipeline, results_equal_direct_calls_for_every_size_and_effort)
{
    static const size_t sizes[] = {0,    1,     2,         4095,          4096,
                                   4097, 35149, 16 * 4096, 17 * 4096 + 1, 400000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *input = input_make(sizes[i]);
        struct pipeline *pipeline;
        cr_assert_eq(pipeline_new(&pipeline, input, sizes[i]), 0);
        for (int effort = LZ_EFFORT_MIN; effort <= LZ_EFFORT_MAX; effort++) {
            struct pass_result pass;
            cr_assert_eq(pipeline_run(pipeline, effort, &pass), 0);
            expect_pass(&pass, input, sizes[i], effort);
            cr_assert_eq(pass.packed_bytes, packed_bytes_of(input, sizes[i], effort));
        }
        pipeline_delete(pipeline);
        expect_nothing_left();
        free(input);
    }
}

static void delay_every_fifth(unsigned char *block, size_t bytes)
{
    (void)bytes;
    if (block_number(block) % 5 == 0)
        usleep(3000);
}

static void delay_the_first(unsigned char *block, size_t bytes)
{
    (void)bytes;
    if (block_number(block) == 0)
        usleep(100000); /* all others wait for it, and the credits run out */
}

static void run_delayed(void (*delay)(unsigned char *, size_t), struct pipeline_meter *meter)
{
    enum { BYTES = 80 * PIPELINE_BLOCK_BYTES - 5 };
    unsigned char *input = input_make(BYTES);
    struct pipeline *pipeline;
    struct pass_result pass;
    test_unpacked = delay;
    cr_assert_eq(pipeline_new(&pipeline, input, BYTES), 0);
    cr_assert_eq(pipeline_run(pipeline, 2, &pass), 0);
    expect_pass(&pass, input, BYTES, 2);
    pipeline_read_meter(pipeline, meter);
    pipeline_delete(pipeline);
    expect_nothing_left();
    free(input);
}

Test(demo_pipeline, blocks_that_overtake_each_other_come_out_in_order)
{
    struct pipeline_meter meter;
    run_delayed(delay_every_fifth, &meter);
    cr_expect_eq(meter.blocks_by_worker[0] + meter.blocks_by_worker[1] + meter.blocks_by_worker[2],
                 80);
}

Test(demo_pipeline, a_worker_that_stands_still_fills_the_window_and_no_more)
{
    struct pipeline_meter meter;
    run_delayed(delay_the_first, &meter);
    cr_expect_eq(meter.blocks_alive, 0);
    cr_expect_geq(meter.blocks_alive_most, PIPELINE_WINDOW);
    /* Beyond the window: one waiting for its credit, those in order already. */
    cr_expect_leq(meter.blocks_alive_most, PIPELINE_WINDOW + 1 + ORDERED_CAPACITY + 2);
}

/* Returns whether an allocation failed at all. */
static bool run_with_failure(const unsigned char *input, size_t bytes, long failing, bool later_too)
{
    struct pipeline *pipeline;
    struct pass_result pass = {0};
    atomic_store(&test_allocations, 0);
    test_fail_allocation = failing;
    test_fail_later_too = later_too;
    int error = pipeline_new(&pipeline, input, bytes);
    if (error == 0) {
        cr_assert_eq(pipeline_run(pipeline, 1, &pass), 0);
        bool failed = atomic_load(&test_allocations) > failing;
        cr_assert_eq(pass.status, failed ? BLOCK_NO_MEMORY : BLOCK_OK, "allocation %ld", failing);
        if (!later_too) { /* the pipeline is none the worse for it */
            cr_assert_eq(pipeline_run(pipeline, 1, &pass), 0);
            if (failed)
                expect_pass(&pass, input, bytes, 1);
        }
        pipeline_delete(pipeline);
        expect_nothing_left();
        return failed;
    }
    cr_assert_eq(error, WEFT_ENOMEM);
    cr_assert_null(pipeline);
    expect_nothing_left();
    return true;
}

Test(demo_pipeline, every_allocation_may_fail_once_or_for_ever)
{
    enum { BYTES = 20 * PIPELINE_BLOCK_BYTES + 99 };
    unsigned char *input = input_make(BYTES);
    for (int later_too = 0; later_too <= 1; later_too++) {
        long failing = 0;
        while (run_with_failure(input, BYTES, failing, later_too))
            failing++;
        /* the pipeline, three workspaces, and four for each of 21 blocks */
        cr_expect_eq(failing, 1 + PIPELINE_WORKERS + 4 * 21);
    }
    free(input);
}

Test(demo_pipeline, every_spawn_may_fail)
{
    enum { THREADS = PIPELINE_WORKERS + 3 };
    struct pipeline *pipeline;
    for (int spawns = 0; spawns < THREADS; spawns++) {
        shim_fail_spawn_after(spawns);
        cr_assert_eq(pipeline_new(&pipeline, "text", 4), WEFT_ENOMEM);
        cr_assert_null(pipeline);
        expect_nothing_left();
    }
    shim_fail_spawn_after(THREADS);
    cr_assert_eq(pipeline_new(&pipeline, "text", 4), 0);
    cr_assert_eq(shim_threads_alive(), THREADS);
    pipeline_delete(pipeline);
    expect_nothing_left();
}

static void damage_7_and_11(unsigned char *block, size_t bytes)
{
    unsigned number = block_number(block);
    if (number == 7 || number == 11)
        block[bytes - 1] ^= 1;
}

static void damage_digest_of_7_once(unsigned number, unsigned char *digest)
{
    static atomic_int seen;
    if (number == 7 && atomic_fetch_add(&seen, 1) == 0)
        digest[31] ^= 1;
}

static void expect_mismatch_at_7(void)
{
    enum { BYTES = 20 * PIPELINE_BLOCK_BYTES };
    unsigned char *input = input_make(BYTES);
    struct pipeline *pipeline;
    struct pass_result pass;
    cr_assert_eq(pipeline_new(&pipeline, input, BYTES), 0);
    cr_assert_eq(pipeline_run(pipeline, 1, &pass), 0);
    cr_expect_eq(pass.status, BLOCK_MISMATCH);
    cr_expect_eq(pass.failed_block, 7);

    test_unpacked = NULL;
    test_digested = NULL;
    cr_assert_eq(pipeline_run(pipeline, 1, &pass), 0);
    expect_pass(&pass, input, BYTES, 1);
    pipeline_delete(pipeline);
    expect_nothing_left();
    free(input);
}

Test(demo_pipeline, the_first_block_that_does_not_survive_the_round_trip_is_named)
{
    test_unpacked = damage_7_and_11;
    expect_mismatch_at_7();
}

Test(demo_pipeline, a_block_that_changes_on_its_way_to_the_hasher_is_named)
{
    test_digested = damage_digest_of_7_once;
    expect_mismatch_at_7();
}
