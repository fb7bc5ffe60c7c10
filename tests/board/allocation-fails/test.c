/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

Test(allocation_fails, at_every_index_with_the_right_error_and_no_leak)
{
    struct board_run run;

    board_needs_weft_malloc();
    run = board_boot("allocation-fails", "", &(struct board_options){.icount = "shift=3"});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "every allocation has failed");
}
