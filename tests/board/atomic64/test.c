/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

Test(atomic64, every_operation_is_applied_once_under_ticks_and_preemption)
{
    struct board_options options = {
        .icount = "shift=3,sleep=off", .name = "atomic64", .limit_s = 120};
    struct board_run run = board_boot("atomic64", "", &options);

    cr_assert_eq(run.status, 0, "%s", run.console);
    assert_contains(run.console, "atomic64 done");
}
