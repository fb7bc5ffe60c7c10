/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

Test(sleepers, wake_in_order_and_on_time)
{
    struct board_run run = board_boot("sleepers-wake-in-order", "",
                                      &(struct board_options){.icount = "shift=3,sleep=off"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "in order");
}
