/* SPDX-License-Identifier: MIT */
/* What can be said of an image without running it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Of an image's folder and a port: how many objects the runtime has, of those that `which` names,
 * and how many of their lines are about the FPU. */
#define FPU_INSTRUCTIONS(which)                                                                    \
    "cd $(dirname %s) && find kernel sched mem prof boards arch -name '*.o' " which                \
    " | xargs %s-linux-gnu-objdump -d | awk '/file format/ { objects++ } "                         \
    "/[$]f[0-9]+|[^a-z][ls][dw]c1[^a-z]|c1_|[^a-z]c[tf]c1[^a-z]/ { found++ } "                     \
    "END { printf \"%%u objects, %%u instructions\\n\", objects, found }'"

/* Requirements D3: the handlers are compiled without floating point. The runtime's own objects hold
 * no such instruction. */
Test(image, runtime_has_no_floating_point_instruction)
{
    unsigned objects, instructions;
    char elf[256], *output;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("amd64's runtime is compiled with -mgeneral-regs-only, which refuses them");
    board_image_path(elf, sizeof elf, "demo", NULL);
    /* Object by object of the runtime's folders; the FPU's own save and load excepted. */
    cr_assert_eq(host_run(&output, FPU_INSTRUCTIONS("! -name 'fpu*.o'"), elf, board_arch()), 0);
    cr_assert_eq(sscanf(output, "%u objects, %u instructions", &objects, &instructions), 2);
    cr_assert_gt(objects, 100);
    cr_assert_eq(instructions, 0, "%s", output);
    cr_assert_eq(host_run(&output, FPU_INSTRUCTIONS("-name 'fpu*.o'"), elf, board_arch()), 0);
    cr_assert_eq(sscanf(output, "%u objects, %u instructions", &objects, &instructions), 2);
    cr_assert_gt(instructions, 60, "they would not be seen: %s", output);
}

/* An interrupt's frame goes right below the stack pointer, also in a leaf function. */
Test(image, keeps_nothing_below_its_stack_pointer)
{
    char elf[256], *output;

    if (strcmp(board_name(), "pc") != 0)
        cr_skip_test("only x86-64 code has a red zone, and a process may keep it");
    board_image_path(elf, sizeof elf, "demo", NULL);
    cr_assert_eq(host_run(&output,
                          "objdump -d --no-show-raw-insn %s >build/tests/demo-pc.s && "
                          "grep -c '[0-9](%%rsp)' build/tests/demo-pc.s",
                          elf),
                 0);
    cr_assert_gt(atoi(output), 1000, "nothing is on the stack in this disassembly: %s", output);
    cr_assert_eq(host_run(&output, "grep -v 'lea ' build/tests/demo-pc.s | "
                                   "grep -E -- '-0x[0-9a-f]+\\(%%rsp'"),
                 1, "%s", output);
}

/* What only several cores need, by its names. */
static int code_for_several(char **output, const char *image, const char *config)
{
    char elf[256];

    board_image_path(elf, sizeof elf, image, config);
    return host_run(output,
                    "nm %s | grep -E ' [Tt] (place_share_locked|cores_start|"
                    "board_ipi_send|find_locked|wait_for_the_rest)$'",
                    elf);
}

Test(image, of_one_core_has_no_code_for_several)
{
    char *output;

    if (board_sanitizer()[0] != '\0')
        cr_skip_test("a sanitizer keeps functions that nobody calls");
    cr_assert_eq(code_for_several(&output, "stop-the-world", "CORES=2"), 0);
    assert_contains(output, "place_share_locked");
    assert_contains(output, "board_ipi_send");
    if (strcmp(board_name(), "linux") == 0)
        return; /* its one core is sent interrupts by signals all the same */
    cr_assert_eq(code_for_several(&output, "stop-the-world", NULL), 1, "%s", output);
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
