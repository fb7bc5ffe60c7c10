/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

#define IMAGE "software-interrupts"

static void all_come(const char *config, const char *name)
{
    struct board_run run =
        board_boot(IMAGE, "", &(struct board_options){.config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "all software interrupts came");
}

Test(software_interrupts, come_once_and_wake_threads)
{
    all_come(NULL, "one");
}

Test(software_interrupts, come_to_the_core_that_raised_them)
{
    all_come("CORES=2", "two");
}

static void refused(const char *way, const char *sentence)
{
    struct board_run run = board_boot(IMAGE, way, &(struct board_options){.name = way});

    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, sentence);
}

Test(software_interrupts, without_a_handler_are_a_panic)
{
    refused("nobody", "software interrupt 1 was raised and nobody handles it: call "
                      "weft_interrupt_handle first");
    refused("taken-away", "software interrupt 0 was raised and nobody handles it");
}

Test(software_interrupts, of_a_line_that_is_not_there_are_a_panic)
{
    refused("no-line", "weft_interrupt_raise: there is no line 2, only 0 and 1");
}
