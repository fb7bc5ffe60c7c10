/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/board/harness.h"

Test(timers, keep_time_for_hours)
{
    bool soak = getenv("SOAK") != NULL; /* then 24, in some minutes */
    struct board_run run = board_boot("timers-keep-time", soak ? "24" : "1",
                                      &(struct board_options){.icount = "shift=3,sleep=off",
                                                              .config = "TICK_HZ=10",
                                                              .limit_s = soak ? 600 : 60});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "kept time");
}
