/* SPDX-License-Identifier: MIT */
/* Every exception that a program can raise ends in a report that names it, the thread and the
 * place. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/board/harness.h"
#include "tools/weft/qmp.h"

/* Two of these are what UndefinedBehaviorSanitizer looks for. */
static void skip_if_undefined(void)
{
    if (strcmp(board_sanitizer(), "undefined") == 0)
        cr_skip_test("the sanitizer stops it first");
}

static void expect(const char *way, const char *sentence, const char *function)
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
    expect("x87", "panic: x87 floating-point exception", "x87\n");
}

Test(x86_exceptions, breakpoint)
{
    expect("breakpoint", "panic: breakpoint", "breakpoint\n");
}

Test(x86_exceptions, simd_division)
{
    if (strcmp(board_name(), "pc") == 0)
        cr_skip_test("QEMU's translator does not raise it");
    expect("simd", "panic: vector floating-point exception", "simd\n");
}

/* On the stack that nothing else uses. */
Test(x86_exceptions, double_fault)
{
    if (strcmp(board_name(), "linux") == 0)
        cr_skip_test("a process has no interrupt table");
    expect("double", "panic: double fault", "double_fault\n");
}

/* In a process of its own: when the program runs, an error of the memory that QEMU's CPU claims to
 * have found (bank 1: valid, uncorrected, enabled, with an address, context lost). */
static void break_machine_when_alive(const char *folder)
{
    struct buffer error = {0}, answer = {0};
    char path[300], socket[300];
    struct qmp qmp;

    snprintf(path, sizeof path, "%s/.serial.raw.part", folder); /* until the run is over */
    snprintf(socket, sizeof socket, "%s/qmp.sock", folder);
    for (unsigned tries = 0; tries < 1000; tries++) {
        if (strstr(file_text(path), "waiting ") != NULL)
            break;
        usleep(20000);
    }
    _exit(qmp_open(&qmp, socket, &error) &&
                  qmp_human(&qmp, "mce 0 1 0xb600000000000135 0x5 0x12345000 0", &answer, &error)
              ? 0
              : 1);
}

Test(x86_exceptions, machine_check)
{
    const char *folder = "build/tests/run/pc-amd64/x86-exceptions-machine-check";
    char *output;
    pid_t child;
    int status;

    if (strcmp(board_name(), "pc") != 0)
        cr_skip_test("nobody breaks a real machine");
    host_run(&output, "rm -rf %s", folder); /* nothing of an earlier run */
    child = fork();
    if (child == 0)
        break_machine_when_alive(folder);
    expect("machine-check", "panic: machine check (a hardware error)", "machine_check\n");
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0, "the machine was not broken");
    assert_contains(file_text("build/tests/run/pc-amd64/x86-exceptions-machine-check/console.log"),
                    "error bank 1  status b600000000000135  address 0000000012345000");
}
