/* SPDX-License-Identifier: MIT */
/* No register of a thread changes while other threads and interrupts have the core. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

/* 8 ns for an instruction: a 20 kHz tick leaves the threads most of the core, also with debug
 * checks. */
#define ICOUNT "shift=3,sleep=off"

static void expect_intact(const char *arguments, const char *config, const char *name)
{
    struct board_run run;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("its assembly is written for mips so far");
    run = board_boot("registers-survive-preemption", arguments,
                     &(struct board_options){.icount = ICOUNT, .config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "12000 preemptions, every register intact");
}

Test(registers, survive_preemption_by_higher_priority)
{
    expect_intact("", NULL, "priority");
}

Test(registers, survive_time_slices_of_100_us)
{
    expect_intact("", "SLICE_US=100 DEBUG=1", "slice");
}

Test(registers, survive_with_32_doubles)
{
    expect_intact("wide", "SLICE_US=100 DEBUG=1", "wide");
}

/* Their stacks behind the TLB, which has fewer entries than they have pages. */
Test(registers, survive_on_mapped_stacks)
{
    expect_intact("", "SLICE_US=100 STACK_MAPPED=1", "mapped");
}
