/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

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

/* The interrupted thread's registers are not the handler's to use. */
static void calculates(const char *way, const char *config)
{
    struct board_run run;

    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a signal's frame keeps the registers");
    run = board_boot("trap-handlers", way, &(struct board_options){.name = way, .config = config});
    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, strcmp(board_name(), "malta") == 0
                                     ? "panic: floating-point instruction in a handler"
                                     : "panic: vector or x87 instruction in a handler");
    assert_contains(run.console, "in an interrupt of thread \"interrupted\"");
    assert_contains(run.console, "calculate\n");
}

Test(trap_handlers, floating_point_in_a_handler_is_reported)
{
    calculates("calculates", NULL);
    calculates("line", NULL);
}

Test(trap_handlers, floating_point_in_a_handler_is_reported_though_the_thread_has_the_unit)
{
    calculates("calculates-owner", NULL);
    /* The pc leaves that to debug builds. */
    calculates("line-owner", strcmp(board_name(), "pc") == 0 ? "SLICE_US=100 DEBUG=1" : NULL);
}
