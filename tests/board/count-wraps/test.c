/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

/* Few ticks a second: each wrap is half a minute that the tick has to count. */
Test(count, may_wrap_at_any_instruction)
{
    struct board_run run;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("the clock has 64 bits");
    run =
        board_boot("count-wraps", "",
                   &(struct board_options){.icount = "shift=0,sleep=off", .config = "TICK_HZ=10"});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "wrapped 1001 times");
}
