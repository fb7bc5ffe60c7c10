/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

static long number_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);

    cr_assert_not_null(at);
    return strtol(at + strlen(word), NULL, 10);
}

static unsigned size_of(const char *function)
{
    char path[512], *output;

    board_image_path(path, sizeof path, "heap-every-step", NULL);
    cr_assert_eq(host_run(&output, "nm -S %s | awk '$4 == \"%s\" { print $2 }'", path, function),
                 0);
    return (unsigned)strtoul(output, NULL, 16);
}

/* With gcc 12 the fast paths are 16 and 25 instructions, and free's return leads through some of
 * the test's. On linux libc's names are small functions that call weft's. */
Test(heap, step_at_every_instruction_of_the_fast_paths)
{
    bool hosted = strcmp(board_name(), "linux") == 0;
    struct board_run run;
    char sizes[64];

    if (strcmp(board_arch(), "amd64") != 0)
        cr_skip_test("x86's single-step trap");
    board_needs_weft_malloc();
    snprintf(sizes, sizeof sizes, "%u %u", size_of("malloc"), size_of("free"));
    run = board_boot("heap-every-step", sizes, &(struct board_options){.limit_s = 120});
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.console);
    assert_contains(run.console, "every instruction of the heap");
    cr_assert_geq(number_after(run.console, "for the handler\n"), 100); /* started again */
    if (hosted)
        return;
    cr_assert_geq(number_after(run.console, "malloc: "), 14);
    cr_assert_geq(number_after(run.console, "free: "), 22);
}
