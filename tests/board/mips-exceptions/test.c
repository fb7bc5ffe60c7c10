/* SPDX-License-Identifier: MIT */
/* Every MIPS exception that a program can raise, in a delay slot too, ends in a report that names
 * it, the thread, the function and the address. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/harness.h"

static const char *cpu; /* NULL: the board's own */

/* The unit's registers are in the report when they are the thread's. */
static void check_unit(const char *console, bool is_the_threads)
{
    if (!is_the_threads) {
        cr_assert_null(strstr(console, "\nfcsr "), "%s", console);
        return;
    }
    assert_contains(console, "\nfcsr 00008400\n"); /* division by zero: enabled, and raised */
    assert_contains(console, " 3ff0000000000000"); /* 1 */
}

static void check(const char *way, const char *words, const char *function, const char *sentence)
{
    struct board_run run;
    char name[64];

    if (strncmp(board_arch(), "mips", 4) != 0)
        cr_skip_test("these are MIPS's");
    snprintf(name, sizeof name, "%s", words);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == ' ' ? '-' : *c;
    run = board_boot("mips-exceptions", words, &(struct board_options){.name = name, .extra = cpu});
    cr_assert_eq(run.status, 70, "%s: status %d\n%s", way, run.status, run.terminal);
    assert_contains(run.console, sentence);
    assert_contains(run.console, "on core 0, thread \"victim\"");
    assert_contains(run.console, function);
    assert_contains(run.console, "\nvictim\n");
    assert_contains(run.console, "thread 1 \"main\" [join");
    check_unit(run.console, strcmp(way, "floating-point") == 0);
    if (strstr(words, " slot") != NULL)
        assert_contains(run.console, "(in a branch's delay slot)");
}

static void expect(const char *way, const char *function, const char *sentence)
{
    check(way, way, function, sentence);
}

static void expect_both(const char *way, const char *function, const char *sentence)
{
    char words[64], slot[64];

    snprintf(words, sizeof words, "%s slot", way);
    snprintf(slot, sizeof slot, "%s_slot\n", function);
    check(way, words, slot, sentence);
    snprintf(slot, sizeof slot, "%s\n", function);
    check(way, way, slot, sentence);
}

Test(mips_exceptions, misaligned_load)
{
    expect_both("misaligned-load", "misaligned_load", "panic: address error on load or fetch");
}

Test(mips_exceptions, misaligned_store)
{
    expect_both("misaligned-store", "misaligned_store", "panic: address error on store");
}

Test(mips_exceptions, misaligned_fetch)
{
    expect("misaligned-fetch", "misaligned_fetch\n", "panic: address error on load or fetch");
}

Test(mips_exceptions, unmapped_load)
{
    expect_both("unmapped-load", "unmapped_load", "panic: load or fetch from an unmapped address");
}

Test(mips_exceptions, unmapped_store)
{
    expect_both("unmapped-store", "unmapped_store", "panic: store to an unmapped address");
}

Test(mips_exceptions, unmapped_fetch)
{
    expect("unmapped-fetch", "unmapped_fetch\n", "panic: load or fetch from an unmapped address");
}

Test(mips_exceptions, bus_error_on_fetch)
{
    expect("bus-fetch", "bus_fetch\n", "panic: bus error on fetch");
}

Test(mips_exceptions, bus_error)
{
    expect_both("bus-load", "bus_load", "panic: bus error on load or store");
}

Test(mips_exceptions, store_to_a_read_only_page)
{
    expect_both("read-only", "read_only", "panic: store to a read-only page");
}

Test(mips_exceptions, reserved_instruction)
{
    expect_both("reserved", "reserved", "panic: reserved instruction");
}

Test(mips_exceptions, overflow)
{
    expect_both("overflow", "overflow", "panic: arithmetic overflow");
}

Test(mips_exceptions, trap_instruction)
{
    expect_both("trap", "trap", "panic: trap instruction");
}

Test(mips_exceptions, breakpoint)
{
    expect_both("breakpoint", "breakpoint", "panic: breakpoint");
}

Test(mips_exceptions, system_call)
{
    expect_both("system-call", "system_call", "panic: system call");
}

Test(mips_exceptions, coprocessor_2)
{
    expect_both("coprocessor", "coprocessor", "panic: coprocessor unusable");
}

Test(mips_exceptions, floating_point_division)
{
    expect_both("floating-point", "floating_point", "panic: floating-point exception");
}

Test(mips_exceptions, cache_error)
{
    expect("cache-error", "cache_error\n", "panic: cache error");
}

/* The P5600 has vector registers, the port does not keep them: nobody gets them switched on. */
Test(mips_exceptions, vector_instruction)
{
    cpu = "-cpu P5600";
    expect_both("vector", "vector",
                "panic: MSA instruction, whose registers this port does not keep");
}
