/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

static void interrupted(const char *words, const char *config, const char *name)
{
    struct board_options options = {
        .icount = "shift=3,sleep=off", .name = name, .config = config, .limit_s = 120};
    struct board_run run;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("this CPU has 64-bit atomics");
    if (config != NULL) /* built with the locks, run on one core */
        options.extra = "-cpu P5600 -smp 1";
    run = board_boot("atomic64-every-instruction", words, &options);
    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.console);
    assert_contains(run.console, "every instruction");
    assert_contains(run.console, "; 0 missed");
    printf("%s %s: %s", board_arch(), name, strstr(run.console, "atomic64: "));
}

Test(atomic64, tick_at_every_instruction)
{
    interrupted("once 4", NULL, "once");
}

Test(atomic64, two_ticks_at_every_instruction)
{
    interrupted("twice 4", NULL, "twice");
}

Test(atomic64, a_thousand_ticks_in_a_row)
{
    interrupted("thousand 2", NULL, "thousand");
}

Test(atomic64, handler_that_uses_the_same_word_at_every_instruction)
{
    interrupted("handler 4", NULL, "handler");
}

Test(atomic64, tick_at_every_instruction_with_locks)
{
    interrupted("once 4", "CORES=2", "locks");
}

Test(atomic64, two_ticks_at_every_instruction_with_locks)
{
    interrupted("twice 4", "CORES=2", "locks-twice");
}

Test(atomic64, a_thousand_ticks_in_a_row_with_locks)
{
    interrupted("thousand 2", "CORES=2", "locks-thousand");
}

Test(atomic64, handler_that_uses_the_same_word_at_every_instruction_with_locks)
{
    interrupted("handler 4", "CORES=2", "locks-handler");
}

/* The same image without any symbol: nothing at run time goes by a function's name. */
Test(atomic64, tick_at_every_instruction_of_functions_without_names)
{
    char elf[256], *output;

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("this CPU has 64-bit atomics");
    board_image_path(elf, sizeof elf, "atomic64-every-instruction", NULL);
    cr_assert_eq(host_run(&output,
                          "d=build/tests/run/%s-nameless; mkdir -p $d && "
                          "%s-linux-gnu-objcopy --strip-all %s $d/image.elf && "
                          "LIMIT=120 ICOUNT=shift=3,sleep=off tools/build/run-image.sh %s %s 1 "
                          "$d/image.elf $d/run handler 4 2>&1 </dev/null",
                          board_arch(), board_arch(), elf, board_name(), board_arch()),
                 0, "%s", output);
    assert_contains(output, "; 0 missed");
}

/* ---- the build ---- */

/* A build of its own in `folder`, with other settings of make; its status, and what it said. */
static int build(char **output, const char *folder, const char *settings, const char *target)
{
    return host_run(output,
                    "env -u MAKEFLAGS -u MAKELEVEL make -j2 BOARD=%s ARCH=%s B=%s %s %s/%s 2>&1",
                    board_name(), board_arch(), folder, settings, folder, target);
}

Test(atomic64, operation_moved_out_of_its_section_does_not_link)
{
    char *output;

    if (strcmp(board_arch(), "mips") != 0)
        cr_skip_test("mips32's section, in one endianness");
    host_run(&output, "mkdir -p build/tests/moved && "
                      "sed 's/^        operation __atomic_fetch_or_8/        .text\\n&/; "
                      "/^END(__atomic_fetch_or_8)/a .section .atomic64' "
                      "arch/mips/atomic64.S >build/tests/moved/atomic64.S");
    cr_assert_neq(build(&output, "build/tests/moved/out",
                        "arch_SRCS='$(filter-out arch/mips/atomic64.S,$(wildcard arch/mips/*.c "
                        "arch/mips/*.S)) build/tests/moved/atomic64.S'",
                        "demo.elf"),
                  0);
    assert_contains(output, "a 64-bit atomic is outside .atomic64");
}

/* Whatever the compiler does to the C code around it, section and predicate hold. */
static void built_with(const char *optimise, const char *name, const char *image,
                       const char *arguments, const char *says)
{
    char *output, folder[64], settings[160], target[64];
    int status;

    if (strcmp(board_arch(), "mips") != 0)
        cr_skip_test("mips32's section, in one endianness");
    if (getenv("SOAK") == NULL)
        cr_skip_test("a build of its own: make soak");
    snprintf(folder, sizeof folder, "build/tests/atomic64-%s", name);
    /* Objects have weft's memset, and the compiler an idea of its own: the link would not do. */
    snprintf(settings, sizeof settings,
             "OPTIMISE='%s' CC='mips-linux-gnu-gcc -Wno-lto-type-mismatch'", optimise);
    snprintf(target, sizeof target, "tests/%s.elf", image);
    status = build(&output, folder, settings, target);
    cr_assert_eq(status, 0, "%s", output);
    status = host_run(&output,
                      "LIMIT=120 ICOUNT=shift=3,sleep=off tools/build/run-image.sh %s %s 1 "
                      "%s/%s %s/run %s 2>&1 </dev/null",
                      board_name(), board_arch(), folder, target, folder, arguments);
    cr_assert_eq(status, 0, "%s", output);
    assert_contains(output, says);
}

Test(atomic64, every_operation_is_applied_once_without_optimisation)
{
    built_with("-O0", "O0", "atomic64", "", "atomic64 done");
}

Test(atomic64, tick_at_every_instruction_at_o3)
{
    built_with("-O3", "O3", "atomic64-every-instruction", "handler 4", "; 0 missed");
}

/* The linker's --wrap, by which that image sees ticks, does not reach into such a link. */
Test(atomic64, every_operation_is_applied_once_with_link_time_optimisation)
{
    built_with("-O2 -flto=2 -ffat-lto-objects", "lto", "atomic64", "", "atomic64 done");
}
