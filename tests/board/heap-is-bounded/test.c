/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

static long number_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);

    cr_assert_not_null(at, "%s", text);
    return strtol(at + strlen(word), NULL, 10);
}

/* Counts are exact under icount, to the 7 instructions that malta's clock ticks in; these are for
 * -O2 of gcc 12. The measured ones are in docs/heap.md. */
Test(heap, no_call_of_the_deterministic_mode_takes_longer_than_documented)
{
    struct board_options options = {
        .icount = "shift=0", .config = "HEAP_DETERMINISTIC=1", .name = "heap-bounded"};
    struct board_run run = board_boot("heap-is-bounded", "", &options);
    bool mips = strncmp(board_arch(), "mips", 4) == 0;

    cr_assert_eq(run.status, 0, "%s", run.terminal);
    printf("%s-%s: %s", board_name(), board_arch(), strstr(run.console, "worst call: "));
    if (strcmp(board_name(), "linux") == 0)
        return;
    cr_assert_leq(number_after(run.console, "malloc "), mips ? 255 : 240);
    cr_assert_leq(number_after(run.console, "free "), mips ? 262 : 280);
}
