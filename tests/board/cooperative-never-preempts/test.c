/* SPDX-License-Identifier: MIT */
/* In a cooperative build a thread keeps the core until it blocks or yields; in a preemptive one it
 * does not. */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static void expect(const char *config, const char *sentence, const char *name)
{
    struct board_run run = board_boot(
        "cooperative-never-preempts", "",
        &(struct board_options){.icount = "shift=3,sleep=off", .config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, sentence);
}

Test(cooperative, spinning_thread_keeps_the_core)
{
    expect("PREEMPTION=0", "nobody preempted", "cooperative");
}

Test(cooperative, preemptive_build_does_not_let_it)
{
    expect(NULL, "the sleeper preempted", "preemptive");
}
