/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static void controlled(const char *config, const char *cores, const char *name)
{
    struct board_run run = board_boot("threads-are-controlled", "",
                                      &(struct board_options){.config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, cores);
}

Test(control, of_threads_on_one_core)
{
    controlled(NULL, "in control of 1 cores", NULL);
}

Test(control, of_threads_on_two_cores)
{
    controlled("CORES=2", "in control of 2 cores", "2");
}

Test(control, of_threads_on_two_cores_in_short_slices_with_ranks_checked)
{
    controlled("CORES=2 DEBUG=1 SLICE_US=100", "in control of 2 cores", "2-debug");
}
