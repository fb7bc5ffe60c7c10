/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "tests/board/harness.h"

static void boots(const char *config, const char *name)
{
    struct board_run run =
        board_boot("thread-local", "", &(struct board_options){.config = config, .name = name});

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "thread-local variables are");
}

/* malta: 24Kf, a CPU without UserLocal */
Test(thread_local, variables_on_one_core)
{
    boots(NULL, "one");
}

/* malta: P5600, which has it */
Test(thread_local, variables_on_two_cores)
{
    boots("CORES=2", "two");
}

Test(thread_local, variables_in_short_slices_on_two_cores)
{
    boots("CORES=2 DEBUG=1 SLICE_US=100", "two-debug");
}

/* A loader, and readers of the image, find the initial values. */
Test(thread_local, image_has_a_tls_segment)
{
    char path[256], *output;

    board_image_path(path, sizeof path, "thread-local", NULL);
    cr_assert_eq(host_run(&output, "readelf -lW %s | grep -c '^  TLS .* R '", path), 0);
    cr_assert_eq(output[0], '1');
}
