/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

/* Few ticks a second: a wake that is missed is 100 ms late. */
Test(idle, misses_no_interrupt_between_its_look_and_its_wait)
{
    struct board_run run;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process keeps no time to the nanosecond");
    run =
        board_boot("idle-misses-no-interrupt", "",
                   &(struct board_options){.icount = "shift=0,sleep=off", .config = "TICK_HZ=10"});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "4800 sleeps, none slept through its end");
}
