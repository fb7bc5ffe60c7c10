/* SPDX-License-Identifier: MIT */
/*
 * Requirements D3: whatever the timer's handler can reach, by calls and jumps of the linked image,
 * is weft's own code or an integer helper of the compiler: no libc, no heap, no mutex, no output.
 * Panics end the search: they do not return to the handler.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/harness.h"

#define FUNCTIONS_MAX 4096
#define CALLS_MAX 16384
#define NAME_BYTES 64

static struct {
    char name[NAME_BYTES];
    bool reached, followed;
    int caller; /* through which it was reached first */
} functions[FUNCTIONS_MAX];
static struct {
    int from, to;
} calls[CALLS_MAX];
static int function_count, call_count;

static int function_number(const char *name, size_t length)
{
    cr_assert_lt(length, NAME_BYTES);
    for (int i = 0; i < function_count; i++)
        if (strlen(functions[i].name) == length && strncmp(functions[i].name, name, length) == 0)
            return i;
    cr_assert_lt(function_count, FUNCTIONS_MAX);
    memcpy(functions[function_count].name, name, length);
    return function_count++;
}

/* "  address:\tmnemonic\toperands": mips has b..., j..., amd64 call and j...; others name data. */
static bool is_transfer(const char *line)
{
    const char *mnemonic = strchr(line, '\t');

    return mnemonic != NULL &&
           (mnemonic[1] == 'j' || mnemonic[1] == 'b' || strncmp(mnemonic + 1, "call", 4) == 0);
}

/* The interpreter of call frame information is a weak symbol (prof/image.c): in an image without it
 * the call, which is never done, goes to address 0 (of the region, on MIPS), whatever absolute
 * symbol is near. `open` is behind the address. */
static bool is_nowhere(const char *line, const char *open)
{
    const char *digits = open - 1;
    unsigned long long address;

    while (digits > line && strchr("0123456789abcdef", digits[-1]) != NULL)
        digits--;
    address = strtoull(digits, NULL, 16);
    return address == 0 || (address & 0xffffffff) == 0x80000000;
}

/* A line of objdump -d: a function's start, or an instruction that may name a target. */
static void take_line(const char *line, int *current)
{
    const char *open = strchr(line, '<');
    size_t length = open != NULL ? strcspn(open + 1, "+>") : 0;
    const char *end = open != NULL ? strchr(open, '>') : NULL;
    int target;

    if (length == 0 || end == NULL ||
        (end[1] != ':' && (!is_transfer(line) || is_nowhere(line, open))))
        return;
    target = function_number(open + 1, length);
    if (end[1] == ':') {
        *current = target;
        return;
    }
    if (*current < 0 || target == *current)
        return;
    cr_assert_lt(call_count, CALLS_MAX);
    calls[call_count].from = *current;
    calls[call_count++].to = target;
}

static void read_image(const char *elf)
{
    const char *arch = board_arch();
    int current = -1;
    char *output, *rest = NULL;

    cr_assert_eq(host_run(&output, "%s%s -d --no-show-raw-insn %s | grep '<'",
                          strncmp(arch, "mips", 4) == 0 ? arch : "",
                          strncmp(arch, "mips", 4) == 0 ? "-linux-gnu-objdump" : "objdump", elf),
                 0);
    for (char *line = strtok_r(output, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        take_line(line, &current);
}

static bool ends_search(const char *name)
{
    /* hosted_irq_take: interrupts are off in the handler, and stay so. watchdog_report: what stays
     * away for too long is told, at most once for each stay. */
    return strcmp(name, "weft_panic") == 0 || strcmp(name, "assert_failed") == 0 ||
           strcmp(name, "hosted_irq_take") == 0 || strncmp(name, "stack_overflow", 14) == 0 ||
           strncmp(name, "watchdog_report", 15) == 0 || strcmp(name, "deadlock_panic") == 0;
}

static void follow(void)
{
    bool more = true;

    while (more) {
        more = false;
        for (int i = 0; i < call_count; i++) {
            if (!functions[calls[i].from].reached || functions[calls[i].to].reached ||
                ends_search(functions[calls[i].from].name))
                continue;
            functions[calls[i].to].reached = true;
            functions[calls[i].to].caller = calls[i].from;
            more = true;
        }
    }
}

/* libgcc's integer helpers keep no state: 64-bit division and counting of zeros. */
static bool is_integer_helper(const char *name)
{
    static const char *const helpers[] = {"__udivdi3", "__umoddi3", "__divdi3",    "__moddi3",
                                          "__clzsi2",  "__clzdi2",  "__udivmoddi4"};

    for (size_t i = 0; i < sizeof helpers / sizeof helpers[0]; i++)
        if (strstr(name, helpers[i]) != NULL) /* MIPS has .pic.__udivdi3 too */
            return true;
    return false;
}

/* The kernel's own clock, where a process cannot trust the CPU's: it needs no lock. The linkage
 * table's head stands behind _init. */
static bool is_kernel_clock(const char *name)
{
    return strcmp(board_name(), "linux") == 0 &&
           (strncmp(name, "clock_gettime@", 14) == 0 || strcmp(name, "_init") == 0);
}

static bool is_forbidden(const char *name)
{
    static const char *const parts[] = {"malloc",     "calloc",  "realloc", "free",  "heap_",
                                        "mutex_lock", "console", "print_",  "reent", "retarget"};

    if (strcmp(name, "heap_gate_set") == 0)
        return false; /* one word: that nobody may allocate meanwhile (mem/gate.h) */
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(name, parts[i]) != NULL)
            return true;
    return false;
}

static bool is_named(const char *symbols, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = symbols; (at = strstr(at, name)) != NULL; at += length)
        if (at > symbols && at[-1] == '\n' && at[length] == '\n')
            return true;
    return false;
}

Test(tick, reaches_nothing_of_libc_heap_or_locks)
{
    char elf[256], *symbols;
    int reached = 0, root;

    if (board_sanitizer()[0] != '\0')
        cr_skip_test("the sanitizer's functions are everywhere");
    board_image_path(elf, sizeof elf, "demo", NULL);
    cr_assert_eq(
        host_run(&symbols,
                 "echo; nm --defined-only $(dirname %s)/libweft.a | awk 'NF == 3 { print $3 }'",
                 elf),
        0);
    read_image(elf);
    root = function_number("upcall_timer", strlen("upcall_timer"));
    functions[root].reached = true;
    /* Called through a pointer that weft_profile_start sets (kernel/upcall.h). */
    functions[function_number("upcall_sample", strlen("upcall_sample"))].reached = true;
    follow();
    for (int i = 0; i < function_count; i++) {
        const char *name = functions[i].name;
        const char *caller = functions[functions[i].caller].name;

        if (!functions[i].reached || ends_search(name))
            continue;
        reached++;
        cr_expect(is_named(symbols, name) || is_integer_helper(name) || is_kernel_clock(name),
                  "%s is reached from the tick, by %s, and is not weft's", name, caller);
        cr_expect(!is_forbidden(name), "%s is reached from the tick, by %s", name, caller);
    }
    /* The walk is in there, so the search has really gone somewhere. */
    cr_expect(functions[function_number("unwind_walk", strlen("unwind_walk"))].reached);
    cr_expect_gt(reached, 15, "only %d functions are reached", reached);
    printf("%d functions are reached from the tick\n", reached);
}
