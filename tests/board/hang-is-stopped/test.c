/* SPDX-License-Identifier: MIT */
/* A firmware that hangs is stopped at the limit; the run shows where every thread was. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

Test(hang, is_stopped_and_every_thread_is_shown)
{
    struct board_run run = board_boot("hang-is-stopped", "", &(struct board_options){.limit_s = 2});

    cr_assert_eq(run.status, 124);
    assert_contains(run.terminal, "hanging now");
    assert_contains(run.terminal, "break: stacks of all threads");
    assert_contains(run.terminal, "spin_for_ever\n");
    assert_contains(run.terminal, "thread 3 \"blocked\" [mutex");
    assert_contains(run.terminal, "blocked_thread\n");
}

Test(hang, with_interrupts_off_shows_where_the_core_is)
{
    struct board_run run;

    run = board_boot("hang-is-stopped", "deaf",
                     &(struct board_options){.limit_s = 2, .name = "deaf"});
    cr_assert_eq(run.status, 124);
    assert_contains(run.terminal, "spin_for_ever");
    if (strcmp(board_name(), "malta") != 0) { /* an NMI, or a signal, reaches it all the same */
        assert_contains(run.terminal, "break: stacks of all threads");
        assert_contains(run.terminal, "spin_for_ever\n");
        assert_contains(run.terminal, "thread 3 \"blocked\" [mutex");
        assert_contains(run.terminal, "blocked_thread\n");
    } else {
        assert_contains(run.terminal, "the image did not answer; its registers:");
    }
}

/* The dump of a program that runs; and that it goes on behind it. */
static void expect_dump_and_life(const char *terminal)
{
    const char *dump = strstr(terminal, "break: stacks of all threads"), *blocked;

    cr_assert_not_null(dump, "no dump in\n%s", terminal);
    blocked = strstr(dump, "thread 3 \"blocked\" [mutex");
    cr_assert_not_null(blocked, "no thread 3 in\n%s", dump);
    assert_contains(dump, "stay_alive\n");
    assert_contains(blocked, "\nalive ");
}

/* At the limit weft asks a machine for its stacks by a break, a process by SIGQUIT. */
Test(hang, running_program_is_shown_by_a_break_and_goes_on)
{
    struct board_run run = board_boot("hang-is-stopped", "alive",
                                      &(struct board_options){.limit_s = 2, .name = "alive"});

    cr_assert_eq(run.status, 124);
    expect_dump_and_life(run.terminal);
}

/* Nobody says then where the I/O APIC is, nor on which of its inputs COM1. */
Test(hang, break_reaches_a_pc_without_acpi)
{
    struct board_run run;

    if (strcmp(board_name(), "pc") != 0)
        cr_skip_test("the PC's");
    setenv("MACHINE", "pc,acpi=off", 1);
    run = board_boot("hang-is-stopped", "alive",
                     &(struct board_options){.limit_s = 2, .name = "no-acpi"});
    cr_assert_eq(run.status, 124);
    expect_dump_and_life(run.terminal);
}

Test(hang, running_program_is_shown_by_an_nmi_and_goes_on)
{
    const char *folder = "build/tests/run/pc-amd64/hang-is-stopped-nmi";
    struct board_run run;
    pid_t sender;

    if (strcmp(board_name(), "pc") != 0)
        cr_skip_test("for boards with an NMI");
    sender = board_command_when(folder, "alive ", "nmi");
    run = board_boot("hang-is-stopped", "alive",
                     &(struct board_options){.limit_s = 2, .name = "nmi"});
    board_command_sent(sender);
    cr_assert_str_eq(run.folder, folder);
    cr_assert_eq(run.status, 124);
    expect_dump_and_life(run.terminal);
    /* That was the NMI's dump, because the break's came later. */
    assert_contains(strstr(run.terminal, "break: stacks") + 1, "break: stacks");
}

/* The report faults, and the report of that: what is left is the exit status. */
Test(hang, report_that_cannot_be_finished_ends_all_the_same)
{
    struct board_run run = board_boot("hang-is-stopped", "hopeless",
                                      &(struct board_options){.name = "hopeless", .limit_s = 20});

    cr_assert_eq(run.status, 70, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "panic: the first of many");
    assert_contains(run.console, "panic: store to an unmapped address");
}
