/* SPDX-License-Identifier: MIT */
/* The stack protector: an overflow is found before the function returns, and its word differs from
 * boot to boot. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

Test(stack_smash, is_found_before_the_function_returns)
{
    struct board_run run;

    if (strcmp(board_sanitizer(), "address") == 0)
        cr_skip_test("the sanitizer finds it first");
    run = board_boot("stack-smash", "smash", &(struct board_options){.name = "smash"});
    cr_assert_eq(run.status, 70, "%s", run.terminal);
    assert_contains(run.console, "panic: stack smashed: the function below wrote past the end");
    assert_contains(run.console, "copy_out_of_bounds");
    cr_assert_null(strstr(run.console, "returned"), "%s", run.console);
}

static unsigned long long guard(const char *name)
{
    struct board_run run = board_boot("stack-smash", "", &(struct board_options){.name = name});
    const char *text = strstr(run.console, "guard=");

    cr_assert_eq(run.status, 0, "%s", run.terminal);
    cr_assert_not_null(text, "%s", run.console);
    return strtoull(text + 6, NULL, 16);
}

/* Both boards have a source of randomness under QEMU. */
Test(stack_smash, guard_is_another_one_at_each_boot)
{
    unsigned long long first = guard("first"), second = guard("second"), third = guard("third");

    cr_assert_neq(first, 0);
    cr_assert_neq(first, second);
    cr_assert_neq(second, third);
    if (strcmp(board_arch(), "amd64") == 0)
        cr_assert_eq(first & 0xff, 0, "strings should stop at its first byte");
}

/* The protector is in weft's own code, too. */
Test(stack_smash, weft_is_compiled_with_it)
{
    char elf[256], *output;

    board_image_path(elf, sizeof elf, "demo", NULL);
    cr_assert_eq(host_run(&output,
                          "for o in prof/dump mem/heap kernel/console; do nm "
                          "$(dirname %s)/$o.o | grep -q '__stack_chk_fail' && echo $o; done",
                          elf),
                 0, "%s", output);
    assert_contains(output, "prof/dump\n");
    assert_contains(output, "mem/heap\n");
    assert_contains(output, "kernel/console\n");
}
