/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

Test(mutex, chain_inherits_and_timeouts_race_with_unlock)
{
    struct board_run run = board_boot("mutex-chain-inherits", "",
                                      &(struct board_options){.icount = "shift=3,sleep=off"});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "inherited");
}
