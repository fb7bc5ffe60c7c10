/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static void end_well(const char *config, const char *name)
{
    struct board_run run =
        board_boot("threads-end-well", "", &(struct board_options){.config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "ended well");
}

Test(end, well_on_one_core)
{
    end_well(NULL, NULL);
}

Test(end, well_on_two_cores)
{
    end_well("CORES=2", "2");
}

Test(end, well_on_two_cores_in_short_slices_with_ranks_checked)
{
    end_well("CORES=2 DEBUG=1 SLICE_US=100", "2-debug");
}
