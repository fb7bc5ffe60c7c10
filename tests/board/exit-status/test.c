/* SPDX-License-Identifier: MIT */
/* The firmware's exit status is the status of the run, however the firmware ends. */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static int status_of(const char *way)
{
    struct board_run run = board_boot("exit-status", way, &(struct board_options){.name = way});

    if (run.status != 70)
        assert_contains(run.console, "atexit handler ran");
    return run.status;
}

Test(exit_status, main_returns_37)
{
    cr_assert_eq(status_of("return"), 37);
}

Test(exit_status, exit_is_called)
{
    cr_assert_eq(status_of("exit"), 38);
}

Test(exit_status, another_thread_exits_while_main_sleeps)
{
    cr_assert_eq(status_of("thread"), 12);
}

Test(exit_status, abort_panics_with_70)
{
    cr_assert_eq(status_of("abort"), 70);
}

Test(exit_status, plain_success)
{
    cr_assert_eq(status_of("success"), 0);
}
