/* SPDX-License-Identifier: MIT */
/* Ticks, and where the profile says they went (requirements C3). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

#define ICOUNT "shift=3,sleep=off"

static void conserved(const char *arguments, const struct board_options *options)
{
    struct board_run run = board_boot("ticks-add-up", arguments, options);

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "every tick is accounted for");
}

Test(ticks, add_up_over_10000_stops_with_one_pending)
{
    conserved("stop 10000", &(struct board_options){.icount = ICOUNT, .name = "stop"});
}

/* The core that does not stop the profile itself counts some ticks as suppressed. */
Test(ticks, add_up_on_two_cores)
{
    conserved("stop 100", &(struct board_options){.config = "CORES=2", .name = "cores"});
}

Test(ticks, show_30_percent_for_a_thread_that_spends_them_in_atomics)
{
    struct board_run run;
    unsigned instructions, inside, ticks, lost, recorded;
    double share, shown, variance;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("this CPU has 64-bit atomics");
    run = board_boot("ticks-add-up", "share 5000",
                     &(struct board_options){.icount = ICOUNT, .name = "share"});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    cr_assert_not_null(strstr(run.console, "instructions="), "%s", run.console);
    cr_assert_eq(sscanf(strstr(run.console, "instructions="),
                        "instructions=%u inside=%u ticks=%u lost_atomic64=%u recorded=%u",
                        &instructions, &inside, &ticks, &lost, &recorded),
                 5, "%s", run.console);
    share = (double)inside / instructions;
    shown = (double)lost / ticks;
    variance = share * (1 - share) / ticks;
    fprintf(stderr, "atomics: %.4f of the instructions, %.4f of %u ticks\n", share, shown, ticks);
    cr_assert(share > 0.28 && share < 0.32, "the program spends %.3f in atomics", share);
    cr_assert_eq(lost + recorded, ticks);
    cr_assert_lt((shown - share) * (shown - share), 9 * variance,
                 "%.4f of %u ticks, %.4f of the instructions: more than 3 sigma", shown, ticks,
                 share);
}
