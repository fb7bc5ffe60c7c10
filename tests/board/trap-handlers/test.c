/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

Test(trap_handlers, repair_and_resume)
{
    struct board_run run = board_boot("trap-handlers", "", NULL);

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "all resumed");
}

static void report(const char *way, const char *sentence)
{
    struct board_run run = board_boot("trap-handlers", way, &(struct board_options){.name = way});

    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, sentence);
    assert_contains(run.console, "load_from\n");
}

Test(trap_handlers, declining_leads_to_the_report)
{
    report("decline", "declined: ");
    report("decline", "from an unmapped address");
}

Test(trap_handlers, exception_in_a_handler_is_reported)
{
    report("nested", "in the trap handler for: load ");
    report("nested", "in an interrupt of thread \"main\"");
}

Test(trap_handlers, handler_that_blocks_is_told_not_to)
{
    report("blocks", "was called in an interrupt handler, where nothing may block");
}
