/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

static void all_run(const char *arguments, const char *count, const char *name)
{
    struct board_run run =
        board_boot("threads-by-the-thousand", arguments, &(struct board_options){.name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, count);
    assert_contains(run.console, "all ran");
}

Test(thousands, ten_of_threads)
{
    if (strcmp(board_sanitizer(), "thread") == 0)
        cr_skip_test("ThreadSanitizer takes 8,128 threads at most");
    all_run("threads=10000 heap=256", "10000 threads wait", NULL);
}

/* Where the memory is the machine's: 2.3 GB. */
Test(thousands, a_thousand_of_threads_on_linux)
{
    if (getenv("SOAK") == NULL || strcmp(board_name(), "linux") != 0)
        cr_skip_test("a million threads take some seconds, and the memory of a large machine: "
                     "make soak BOARD=linux");
    all_run("small=1000000 heap=4096", "1000000 threads wait", "million");
}
