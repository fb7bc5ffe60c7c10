/* SPDX-License-Identifier: MIT */
/* The heap on the board: threads that take the core from each other at any instruction, and its
 * cost. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

/* 16 ns an instruction: the disturbing thread wakes every 1,000 to 4,000 instructions, 160,000
 * times. It has caught a push into a cache that could be interrupted between its store and its
 * commit. */
Test(heap, threads_that_interrupt_each_other_inside_malloc_and_free_keep_their_blocks)
{
    struct board_options options = {.icount = "shift=4", .name = "heap-stress", .limit_s = 120};
    struct board_run run;

    board_needs_weft_malloc();
    run = board_boot("heap", "stress", &options);
    cr_assert_eq(run.status, 0, "%s", run.console);
    assert_contains(run.console, "heap stress done");
}

Test(heap, full_tier_threads_that_interrupt_each_other_keep_their_blocks)
{
    struct board_options options = {
        .icount = "shift=4", .config = "HEAP_FULL=1", .name = "heap-full", .limit_s = 120};
    struct board_run run;

    board_needs_weft_malloc();
    run = board_boot("heap", "stress 4000", &options);
    cr_assert_eq(run.status, 0, "%s", run.console);
    assert_contains(run.console, "heap stress done");
}

Test(heap, two_cores_free_what_the_other_allocated)
{
    struct board_options options = {
        .config = "CORES=2", .name = "pipe", .limit_s = getenv("SOAK") ? 1800 : 120};
    struct board_run run =
        board_boot("heap", getenv("SOAK") ? "pipe 1000000" : "pipe 20000", &options);

    cr_assert_eq(run.status, 0, "%s", run.terminal);
    assert_contains(run.console, "parcels each way on 2 cores");
}

Test(heap, what_the_other_thread_freed_leaves_the_account_of_the_one_that_allocated_it)
{
    struct board_run run;

    board_needs_weft_malloc();
    run = board_boot(
        "heap", "pipe 2000",
        &(struct board_options){.config = "HEAP_FULL=1", .name = "accounts", .limit_s = 120});
    cr_assert_eq(run.status, 0, "%s", run.terminal);
    assert_contains(run.console, "live 0 bytes in 0 blocks; allocated ");
    assert_contains(run.console, " in 2000, freed ");
    assert_contains(run.console, "2000 parcels each way");
}

static void reported(const char *way, const char *config, const char *sentence, const char *freed)
{
    struct board_run run;

    board_needs_weft_malloc();
    run = board_boot("heap", way, &(struct board_options){.config = config, .name = way});
    cr_assert_eq(run.status, 70, "%s", run.terminal);
    assert_contains(run.console, sentence);
    if (config == NULL)
        return;
    assert_contains(run.console, "100 bytes asked for, allocated by thread 1 at");
    assert_contains(run.console, "allocates");
    if (freed)
        assert_contains(run.console, freed);
}

Test(heap, double_free_is_reported_with_both_places)
{
    reported("twice", NULL, "panic: heap: double free: ", NULL);
    reported("twice", "HEAP_FULL=1", "panic: heap: double free: ", "freed at");
}

Test(heap, write_past_the_end_is_reported_with_the_place_that_allocated)
{
    reported("beyond", "HEAP_FULL=1", "panic: heap: a block was written to past its end: ", NULL);
}

static long figure(const char *console, const char *what)
{
    const char *at = strstr(console, what);

    cr_assert(at, "the image did not report: %s", what);
    return strtol(at + strlen(what), NULL, 10);
}

/* Counts are exact under icount; these are for -O2 on mips32r2 with one core. */
Test(heap, a_hot_pair_and_the_mean_pair_cost_what_the_documentation_says)
{
    struct board_options options = {.icount = "shift=0", .name = "heap-cost", .limit_s = 120};
    struct board_run run = board_boot("heap", "cost", &options);

    cr_assert_eq(run.status, 0, "%s", run.console);
    if (strncmp(board_arch(), "mips", 4) != 0)
        return;
    cr_assert_leq(figure(run.console, "hot pair: "), 72);
    cr_assert_leq(figure(run.console, "mean of 8 to 256 bytes: "), 75);
    cr_assert_leq(figure(run.console, "mean of 8 bytes to 8 KiB: "), 125);
}
