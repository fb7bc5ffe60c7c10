/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

Test(heapless, malloc_says_that_there_is_no_memory)
{
    struct board_run run;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process has its libc anyway");
    run = board_boot("heapless", "",
                     &(struct board_options){.config = "HEAP=0 UNWIND=0 TLS=0 WATCHDOG=0 SMALL=1"});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "heapless: told\n");
}
