/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

Test(objects, wake_by_priority_time_out_and_are_destroyed)
{
    struct board_run run = board_boot("objects-wake-by-priority", "",
                                      &(struct board_options){.icount = "shift=3,sleep=off"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "all objects in order");
}
