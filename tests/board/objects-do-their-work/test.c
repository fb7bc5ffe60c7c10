/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

/* Two cores in real time: with -icount QEMU 7.2 lets one that spins starve the other
 * (boards/malta/README.md). */
static void all_work(const char *config)
{
    struct board_run run =
        board_boot("objects-do-their-work", "",
                   &(struct board_options){.icount = config != NULL ? NULL : "shift=3,sleep=off",
                                           .config = config,
                                           .name = config != NULL ? "2" : NULL});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "all work");
}

Test(objects, do_their_work)
{
    all_work(NULL);
}

Test(objects, do_their_work_on_two_cores)
{
    all_work("CORES=2");
}
