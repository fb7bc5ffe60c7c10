/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static void shared(const char *config, const char *cores, const char *name)
{
    struct board_run run = board_boot("cores-share-everything", "",
                                      &(struct board_options){.config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "all shared");
    assert_contains(run.console, cores);
}

Test(cores, one_shares_everything)
{
    shared(NULL, "cores 1 of 1", NULL);
}

Test(cores, two_share_everything)
{
    shared("CORES=2", "cores 2 of 2", "2");
}

Test(cores, two_share_everything_in_short_slices_with_ranks_checked)
{
    shared("CORES=2 DEBUG=1 SLICE_US=100", "cores 2 of 2", "2-debug");
}

/* A thread made ready as a core stops looking for one, and is about to sleep, is not forgotten. */
Test(cores, idle_one_runs_what_comes_as_it_stops_polling)
{
    struct board_run run = board_boot("cores-share-everything", "back",
                                      &(struct board_options){.config = "CORES=2", .name = "back"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "there and back");
}

Test(cores, four_share_everything)
{
    shared("CORES=4", "cores 4 of 4", "4");
}
