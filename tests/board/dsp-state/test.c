/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

Test(dsp_state, accumulators_survive_preemption)
{
    struct board_run run;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("the DSP module is MIPS's");
    run = board_boot("dsp-state", "",
                     &(struct board_options){.extra = "-cpu 34Kf", .config = "SLICE_US=100"});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "accumulators kept");
}
