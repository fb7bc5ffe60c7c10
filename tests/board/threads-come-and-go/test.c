/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

Test(threads, come_and_go_without_a_leak)
{
    struct board_run run = board_boot("threads-come-and-go", "", NULL);

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "all gone");
}
