/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static void expect(const char *config, const char *name, const char *line)
{
    struct board_run run = board_boot(
        "cooperative-keeps-the-core", "",
        &(struct board_options){.icount = "shift=3,sleep=off", .config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, line);
}

Test(cooperative, a_spinning_thread_keeps_the_core)
{
    expect("PREEMPTION=0", "cooperative", "equal ran 0 times, higher 0 times");
}

Test(cooperative, the_default_preempts_it)
{
    expect(NULL, "preemptive", "equal ran 1 times, higher 1 times");
}
