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

struct sweep {
    const char *config, *name;
    unsigned malloc_least,
        free_least;          /* instructions; another compiler than gcc 12 may need fewer */
    unsigned restarts_least; /* sequences that were started again */
};

static void sweep(const struct sweep *what)
{
    struct board_options options = {
        .icount = "shift=3,sleep=off", .limit_s = 120, .config = what->config, .name = what->name};
    struct board_run run;
    char sizes[64];

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("the sweep is for CP0 Count");
    snprintf(sizes, sizeof sizes, "%u %u", size_of("malloc", what->config),
             size_of("free", what->config));
    run = board_boot("heap-every-instruction", sizes, &options);
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.console);
    assert_contains(run.console, "every instruction of the heap");
    cr_assert_geq(number_after(run.console, "malloc: "), what->malloc_least);
    cr_assert_geq(number_after(run.console, "free: "), what->free_least);
    cr_assert_geq(number_after(run.console, "the handler\n"), what->restarts_least);
    printf("%s, %s: %s", board_arch(), what->name, strstr(run.console, "malloc: "));
}

/* The fast paths are 14 and 29 instructions that can be interrupted (a delay slot's tick is at its
 * branch). */
Test(heap, tick_at_every_instruction_of_the_fast_paths_and_of_a_counters_update)
{
    sweep(&(struct sweep){NULL, "fast", 12, 26, 100});
}

Test(heap, tick_at_every_instruction_of_the_deterministic_mode)
{
    sweep(&(struct sweep){"HEAP_DETERMINISTIC=1", "bounded", 12, 26, 100});
}

/* What can be interrupted is less than half of the code: the rest is errors, larger blocks, and
 * what is done with interrupts off. */
Test(heap, tick_at_every_instruction_of_the_full_tier_sees_every_block_whole)
{
    sweep(&(struct sweep){"HEAP_FULL=1", "full-tier", 30, 100, 0});
}
