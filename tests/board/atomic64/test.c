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

/* In real time, since an emulator that counts instructions runs one core after the other. */
Test(atomic64, handlers_and_threads_of_two_cores_use_one_word)
{
    struct board_run run =
        board_boot("atomic64", "",
                   &(struct board_options){.name = "two", .config = "CORES=2", .limit_s = 120});

    cr_assert_eq(run.status, 0, "%s", run.console);
    assert_contains(run.console, "core 1: ");
    assert_contains(run.console, "atomic64 done");
}
