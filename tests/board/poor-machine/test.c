/* SPDX-License-Identifier: MIT */
/* A machine that lacks something weft needs is refused with a sentence, on the earliest console
 * there is, and status 78. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/board/harness.h"

static void refused(const char *name, const char *options, const char *sentence)
{
    struct board_run run = board_boot(
        "poor-machine", "", &(struct board_options){.name = name, .extra = options, .limit_s = 20});

    cr_assert_eq(run.status, 78, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, sentence);
    assert_contains(run.console, "; stopped\n");
    cr_assert_null(strstr(run.console, "there was room"));
}

static void need(const char *board)
{
    if (strcmp(board_name(), board) != 0)
        cr_skip_test("another board's");
}

Test(poor_machine, is_well_enough_off_otherwise)
{
    struct board_run run = board_boot("poor-machine", "", NULL);

    cr_assert_eq(run.status, 0, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "there was room");
}

Test(poor_machine, malta_with_too_little_ram)
{
    need("malta");
    refused("ram", "-m 4", "there is too little RAM");
}

/* Release 1: without the instructions that everything is compiled to. */
Test(poor_machine, malta_cpu_that_is_too_old)
{
    need("malta");
    refused("4Km", "-cpu 4Km", "this CPU is no MIPS32 release 2 to 5");
    refused("4Kc", "-cpu 4Kc", "this CPU is no MIPS32 release 2 to 5");
}

/* Release 6 has dropped some of them. */
Test(poor_machine, malta_cpu_that_is_too_new)
{
    need("malta");
    if (strcmp(board_arch(), "mips") != 0)
        cr_skip_test("once is enough");
    refused("r6", "-cpu mips32r6-generic", "this CPU is no MIPS32 release 2 to 5");
}

Test(poor_machine, malta_cpu_without_floating_point)
{
    need("malta");
    refused("24Kc", "-cpu 24Kc", "this CPU has no floating-point unit");
    refused("M14K", "-cpu M14K", "this CPU has no floating-point unit");
}

Test(poor_machine, pc_with_too_little_ram)
{
    struct board_run run;

    need("pc");
    /* QEMU's Multiboot information, and with it exit=isa, would lie behind the image: it halts. */
    run = board_boot("poor-machine", "",
                     &(struct board_options){.name = "ram", .extra = "-m 4", .limit_s = 2});
    cr_assert_eq(run.status, 124, "status %d\n%s", run.status, run.terminal);
    assert_contains(run.console, "there is too little RAM");
    assert_contains(run.console, "weft: exit status 78");
}

Test(poor_machine, pc_without_a_timer)
{
    need("pc");
    refused("timer", "-cpu qemu64 -M pc,pit=off,hpet=off,acpi=off", "there is no timer");
}

/* A process whose user may not have what it needs: `limit` is an option of prlimit. */
static void process_refused(const char *limit, int expected, const char *sentence)
{
    char elf[256], *output;
    int status;

    need("linux");
    board_image_path(elf, sizeof elf, "poor-machine", NULL);
    status = host_run(&output, "prlimit %s %s </dev/null 2>&1", limit, elf);
    cr_assert_eq(status, expected, "status %d\n%s", status, output);
    assert_contains(output, sentence);
    cr_assert_null(strstr(output, "there was room"));
}

Test(poor_machine, process_with_too_little_memory)
{
    if (strcmp(board_sanitizer(), "address") == 0 || strcmp(board_sanitizer(), "thread") == 0)
        cr_skip_test("the sanitizer needs address space without a limit");
    process_refused("--as=51200000", 71,
                    "weft: no memory for the heap: Cannot allocate memory; stopped");
}

/* A POSIX timer takes one of the signals that may be queued. */
Test(poor_machine, process_without_a_timer)
{
    process_refused("--sigpending=0", 70,
                    "panic: the kernel has no timer for core 0 (error 11): there is no "
                    "usable timer");
}
