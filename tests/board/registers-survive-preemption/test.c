/* SPDX-License-Identifier: MIT */
/* No register of a thread changes while other threads and interrupts have the core. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

/* 8 ns for an instruction: a 20 kHz tick leaves the threads most of the core, also with debug
 * checks. */
#define ICOUNT "shift=3,sleep=off"

static struct board_run expect_intact(const char *arguments, const char *config, const char *name)
{
    struct board_run run;

    if (strcmp(board_sanitizer(), "thread") == 0)
        cr_skip_test(
            "a switch under ThreadSanitizer takes longer than there is between preemptions");
    run = board_boot("registers-survive-preemption", arguments,
                     &(struct board_options){.icount = ICOUNT, .config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    return run;
}

static void expect_preemptions(const char *arguments, const char *config, const char *name)
{
    struct board_run run = expect_intact(arguments, config, name);

    assert_contains(run.console, "12000 preemptions, every register intact");
}

Test(registers, survive_preemption_by_higher_priority)
{
    expect_preemptions("", NULL, "priority");
}

Test(registers, survive_time_slices_of_100_us)
{
    expect_preemptions("", "SLICE_US=100 DEBUG=1", "slice");
}

/* MIPS: 32 doubles. amd64: AVX or AVX-512, where the machine has them. */
Test(registers, survive_when_they_are_wide)
{
    struct board_run run = expect_intact("wide", "SLICE_US=100 DEBUG=1", "wide");

    if (strstr(run.console, "one register model only") != NULL) {
        cr_assert_str_eq(board_name(), "linux", "the emulated CPU has two");
        cr_skip_test("this machine's CPU has no AVX");
    }
    assert_contains(run.console, "12000 preemptions, every register intact");
    if (strcmp(board_name(), "pc") == 0)
        assert_contains(run.console, "vector registers of 32 bytes");
}

/* By FXSAVE: amd64 without XSAVE. */
Test(registers, survive_on_a_cpu_without_xsave)
{
    if (strcmp(board_name(), "pc") != 0)
        cr_skip_test("for boards whose CPU can be an old x86");
    setenv("CPU", "qemu64", 1);
    expect_preemptions("", NULL, "fxsave");
}

/* Their stacks behind the TLB, which has fewer entries than they have pages. */
Test(registers, survive_on_mapped_stacks)
{
    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("mapped stacks are for CPUs whose TLB software fills");
    expect_preemptions("", "SLICE_US=100 STACK_MAPPED=1", "mapped");
}
