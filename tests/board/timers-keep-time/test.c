/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

Test(timers, keep_time_for_a_day)
{
    struct board_run run = board_boot("timers-keep-time", "",
                                      &(struct board_options){.icount = "shift=3,sleep=off"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "kept time");
}
