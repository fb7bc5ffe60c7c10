/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

Test(waits, race_with_deadlines)
{
    bool exact = strcmp(board_name(), "malta") == 0;
    struct board_run run = board_boot("waits-race-with-deadlines", exact ? "exact" : "",
                                      &(struct board_options){.icount = "shift=0,sleep=off"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "all races decided");
}
