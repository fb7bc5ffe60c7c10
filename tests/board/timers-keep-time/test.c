/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

Test(timers, keep_time_for_hours)
{
    bool soak = getenv("SOAK") != NULL, real = strcmp(board_name(), "linux") == 0;
    const char *hours = real ? "0" : soak ? "24" : "1"; /* 24: in some minutes */
    struct board_run run = board_boot(
        "timers-keep-time", hours,
        &(struct board_options){.icount = "shift=3,sleep=off", .limit_s = soak ? 900 : 60});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "kept time");
}
