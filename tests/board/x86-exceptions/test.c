/* SPDX-License-Identifier: MIT */
/* Every exception that a program can raise ends in a report that names it, the thread and the
 * place. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

/* Two of these are what UndefinedBehaviorSanitizer looks for. */
static void skip_if_undefined(void)
{
    if (strcmp(board_sanitizer(), "undefined") == 0)
        cr_skip_test("the sanitizer stops it first");
}

/* Returns the console. */
static const char *expect(const char *way, const char *sentence, const char *function)
{
    struct board_run run;

    if (strcmp(board_arch(), "amd64") != 0)
        cr_skip_test("these are x86's");
    run = board_boot("x86-exceptions", way, &(struct board_options){.name = way});
    cr_assert_eq(run.status, 70, "%s: status %d\n%s", way, run.status, run.terminal);
    assert_contains(run.console, sentence);
    assert_contains(run.console, "on core 0, thread \"victim\"");
    assert_contains(run.console, "cr2 ");
    if (function != NULL)
        assert_contains(run.console, function);
    assert_contains(run.console, "thread 1 \"main\" [join");
    return run.console;
}

Test(x86_exceptions, division)
{
    skip_if_undefined();
    expect("divide", "panic: division by zero", "divide\n");
}

Test(x86_exceptions, invalid_instruction)
{
    expect("invalid", "panic: invalid instruction", "invalid\n");
}

Test(x86_exceptions, null_pointer)
{
    skip_if_undefined();
    expect("null", "panic: store to an unmapped address", "null\n");
}

Test(x86_exceptions, text_cannot_be_written)
{
    if (strcmp(board_sanitizer(), "thread") == 0)
        cr_skip_test("the sanitizer has memory of its own there");
    expect("text", "panic: store to a read-only page", "text\n");
}

Test(x86_exceptions, constants_cannot_be_written)
{
    expect("rodata", "panic: store to a read-only page", "rodata\n");
}

Test(x86_exceptions, data_cannot_be_executed)
{
    expect("execute", "panic: execution of data", "victim\n");
}

Test(x86_exceptions, general_protection)
{
    expect("general", "panic: general protection fault", "general\n");
}

Test(x86_exceptions, address_that_is_not_canonical)
{
    expect("noncanonical", "panic: general protection fault", "noncanonical\n");
}

Test(x86_exceptions, stack_pointer_that_points_nowhere)
{
    expect("stack", "panic: store to an unmapped address", NULL);
}

Test(x86_exceptions, interrupt_without_a_gate)
{
    /* The vector, times eight, and two (Intel SDM volume 3, 6.13); QEMU takes it times sixteen. */
    expect("gate", strcmp(board_name(), "linux") == 0 ? "error code 0x2aa" : "error code 0x552",
           "gate\n");
}

Test(x86_exceptions, x87_division)
{
    const char *report = expect("x87", "panic: x87 floating-point exception", "x87\n");

    assert_contains(report, "  x87 control 0340  status "); /* as the program has set it */
    assert_contains(report, " 3fff8000000000000000");       /* 1 */
}

Test(x86_exceptions, breakpoint)
{
    expect("breakpoint", "panic: breakpoint", "breakpoint\n");
}

Test(x86_exceptions, simd_division)
{
    const char *report;

    if (strcmp(board_name(), "pc") == 0)
        cr_skip_test("QEMU's translator does not raise it");
    report = expect("simd", "panic: vector floating-point exception", "simd\n");
    assert_contains(report, "\nmxcsr 00001d84 "); /* division by zero: enabled, and raised */
    assert_contains(report, "xmm1  0000000000000000000000003f800000\n"); /* 1 */
}

/* On the stack that nothing else uses. */
Test(x86_exceptions, double_fault)
{
    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process has no interrupt table");
    expect("double", "panic: double fault", "double_fault\n");
}

/* When the program runs, QEMU makes its CPU claim to have found an error of the memory, and to
 * have lost its context (bank 1: valid, uncorrected, enabled, with an address). */
Test(x86_exceptions, machine_check)
{
    const char *folder = "build/tests/run/pc-amd64/x86-exceptions-machine-check";
    pid_t sender;

    if (strcmp(board_name(), "pc") != 0)
        cr_skip_test("nobody breaks a real machine");
    sender = board_command_when(folder, "waiting ", "mce 0 1 0xb600000000000135 0x5 0x12345000 0");
    expect("machine-check", "panic: machine check (a hardware error)", "machine_check\n");
    board_command_sent(sender);
    assert_contains(file_text("build/tests/run/pc-amd64/x86-exceptions-machine-check/console.log"),
                    "error bank 1  status b600000000000135  address 0000000012345000");
}
