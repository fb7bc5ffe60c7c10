/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static void delivers(const struct board_options *options)
{
    struct board_run run = board_boot("channels-deliver-exactly-once", "", options);

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "delivered");
}

Test(channels, deliver_exactly_once)
{
    delivers(&(struct board_options){.icount = "shift=3,sleep=off"});
}

Test(channels, deliver_exactly_once_on_two_cores)
{
    delivers(&(struct board_options){.config = "CORES=2", .name = "2"});
}

Test(channels, deliver_exactly_once_on_two_cores_in_short_slices)
{
    delivers(&(struct board_options){.config = "CORES=2 DEBUG=1 SLICE_US=100", .name = "2-debug"});
}
