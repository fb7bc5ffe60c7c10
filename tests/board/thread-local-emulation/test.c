/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

Test(thread_local, read_of_the_pointer_is_emulated)
{
    struct board_run run;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("a MIPS instruction");
    run = board_boot("thread-local-emulation", "", &(struct board_options){.limit_s = 20});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "emulated");
}
