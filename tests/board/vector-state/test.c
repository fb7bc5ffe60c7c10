/* SPDX-License-Identifier: MIT */
/* Floating-point and vector registers, and rounding modes, belong to the thread. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

static void kept(const char *arguments, const char *name)
{
    struct board_run run =
        board_boot("vector-state", arguments, &(struct board_options){.name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "thread 5: ran");
    assert_contains(run.console, "wrong: 0");
}

Test(vector_state, survives_preemption)
{
    kept("", "plain");
}

Test(vector_state, upper_halves_survive_preemption)
{
    char *output;

    if (strcmp(board_name(), "pc") != 0 && (strcmp(board_name(), "linux") != 0 ||
                                            host_run(&output, "grep -qw avx /proc/cpuinfo") != 0))
        cr_skip_test("there is no AVX on this board");
    kept("avx", "avx");
}

/* Without XSAVE the registers go by FXSAVE. */
Test(vector_state, survives_preemption_on_a_cpu_without_xsave)
{
    if (strcmp(board_name(), "pc") != 0)
        cr_skip_test("there is no XSAVE on this board");
    setenv("CPU", "qemu64", 1);
    kept("", "fxsave");
}
