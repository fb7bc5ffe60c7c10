/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

#define IMAGE "dumps-are-whole"

static struct board_run boot(const char *what)
{
    struct board_run run = board_boot(
        IMAGE, what, &(struct board_options){.icount = "shift=3,sleep=off", .name = what});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    return run;
}

Test(dumps, into_a_buffer_are_prefixes_and_pure, .timeout = 100)
{
    assert_contains(boot("prefixes").console, "interrupts have printed");
}

Test(dumps, to_the_console_let_urgent_threads_run, .timeout = 100)
{
    struct board_run run = boot("console");
    unsigned heads = 0;

    assert_contains(run.console, "turns of the urgent thread");
    for (const char *at = run.console; (at = strstr(at, "[semaphore")) != NULL; at++)
        heads++;
    cr_assert_eq(heads, 300, "%u of 300 threads", heads);
}
