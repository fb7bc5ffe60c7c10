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

static unsigned size_of(const char *function, const char *config)
{
    char path[512], *output;

    board_image_path(path, sizeof path, "heap-every-instruction", config);
    cr_assert_eq(host_run(&output, "nm -S %s | awk '$4 == \"%s\" { print $2 }'", path, function),
                 0);
    return (unsigned)strtoul(output, NULL, 16);
}

static void sweep(const char *config)
{
    struct board_options options = {.icount = "shift=3,sleep=off",
                                    .limit_s = 120,
                                    .config = config,
                                    .name = config ? "bounded" : "fast"};
    struct board_run run;
    char sizes[64];

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("the sweep is for CP0 Count");
    snprintf(sizes, sizeof sizes, "%u %u", size_of("malloc", config), size_of("free", config));
    run = board_boot("heap-every-instruction", sizes, &options);
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.console);
    assert_contains(run.console, "every instruction of the heap");
    cr_assert_geq(number_after(run.console, "malloc: "), 12);
    cr_assert_geq(number_after(run.console, "free: "), 26);
    cr_assert_geq(number_after(run.console, "the handler\n"), 100); /* sequences started again */
    printf("%s: %s", board_arch(), strstr(run.console, "malloc: "));
}

/* With gcc 12 the fast paths are 14 and 29 instructions that can be interrupted (a delay slot's
 * tick is at its branch); another compiler may need some fewer. */
Test(heap, tick_at_every_instruction_of_the_fast_paths_and_of_a_counters_update)
{
    sweep(NULL);
}

Test(heap, tick_at_every_instruction_of_the_deterministic_mode)
{
    sweep("HEAP_DETERMINISTIC=1");
}
