/* SPDX-License-Identifier: MIT */
/* The heap on the board, preempted at every tick. */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

Test(heap, threads_that_preempt_each_other_keep_their_blocks)
{
    struct board_run run = board_boot("heap", "stress", &(struct board_options){.limit_s = 120});

    cr_assert_eq(run.status, 0, "%s", run.console);
    assert_contains(run.console, "heap stress done");
}
