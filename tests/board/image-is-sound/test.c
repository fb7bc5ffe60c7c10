/* SPDX-License-Identifier: MIT */
/* What can be said of an image without running it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

Test(image, no_segment_is_writable_and_executable)
{
    char elf[256], *output;

    board_image_path(elf, sizeof elf, "demo", NULL);
    cr_assert_eq(host_run(&output, "LC_ALL=C readelf -lW %s | awk '$1 == \"LOAD\"' ", elf), 0);
    assert_contains(output, "R E");
    assert_contains(output, "RW ");
    cr_assert_null(strstr(output, "RWE"), "%s", output);
}

/* Requirements D3: the handlers are compiled without floating point. The runtime's own objects hold
 * no such instruction. */
Test(image, runtime_has_no_floating_point_instruction)
{
    char elf[256], *output;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("amd64's runtime is compiled with -mgeneral-regs-only, which refuses them");
    board_image_path(elf, sizeof elf, "demo", NULL);
    /* Function by function, those whose source is in a runtime folder; the FPU's own save and load
     * excepted. */
    cr_assert_eq(
        host_run(
            &output,
            "for folder in kernel sched mem prof boards; do "
            "find $(dirname %s)/$folder -name '*.o' | xargs -n 1 %s-linux-gnu-objdump -d; done | "
            "grep -cE '\\$f[0-9]+|[^a-z](l|s)[dw]c1[^a-z]|c1_'",
            elf, board_arch()),
        1, "%s", output);
    cr_assert_str_eq(output, "0\n");
}

Test(image, names_its_build)
{
    char elf[256], *output;

    board_image_path(elf, sizeof elf, "demo", NULL);
    cr_assert_eq(host_run(&output, "LC_ALL=C readelf -n %s", elf), 0);
    assert_contains(output, "Build ID: ");
}

Test(house, empty_port_compiles_with_everything_above_it)
{
    char *output;

    cr_assert_eq(host_run(&output, "tools/build/check-template.sh 2>&1"), 0, "%s", output);
}

Test(house, include_directions_hold)
{
    char *output;

    cr_assert_eq(host_run(&output, "tools/build/check-includes.sh"), 0, "%s", output);
}

/* The link step has compared the table with the call frame information, pc by pc, newlib included
 * (tools/unwind); here that it did, that the image has the one and not the other, and how large it
 * is. */
Test(image, compact_unwind_table_is_right_and_small)
{
    char elf[256], *output;
    unsigned table, text;

    board_image_path(elf, sizeof elf, "demo", NULL);
    cr_assert_eq(host_run(&output, "build/bin/weft-unwind-table check %s", elf), 0, "%s", output);
    cr_assert_eq(host_run(&output, "build/bin/weft-unwind-table size %s", elf), 0, "%s", output);
    cr_assert_eq(sscanf(output, "%u %u", &table, &text), 2, "%s", output);
    cr_assert(table > 0 && table * 10 <= text, "%u bytes for %u of text", table, text);
    if (strcmp(board_name(), "linux") == 0)
        return; /* the libc's own unwinder wants the other */
    cr_assert_eq(host_run(&output, "LC_ALL=C readelf -SW %s | grep -c 'eh_frame .* A '", elf), 1,
                 "%s", output);
    cr_assert_eq(host_run(&output, "nm %s | grep -w cfi_find", elf), 1,
                 "the interpreter is linked");
}
