/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static void ticks(const char *config, const char *name)
{
    struct board_run run = board_boot(
        "idle-core-stops-its-tick", "",
        &(struct board_options){.config = config, .name = name, .icount = "shift=3,sleep=off"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "ticked when needed");
}

Test(tickless, idle_core_stops_its_tick)
{
    ticks(NULL, NULL);
}

Test(tickless, each_of_two_cores_does)
{
    ticks("CORES=2", "2");
}
