/* SPDX-License-Identifier: MIT */
/* Dumps: the layout, every state's text, the stacks of threads that are really parked, and what
 * fits into a buffer of any size. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/dump.h>

#include "kernel/print.h"
#include "kernel/upcall.h"
#include "prof_fake.h"

#define MS 1000000ull

static struct weft_thread main_thread, parked[5];
static uintptr_t parked_stack[5][1024];
static void *main_sp, *parked_sp;
static char expected[4096];

static __attribute__((noinline)) void park_here(void)
{
    for (;;)
        fake_switch(&parked_sp, main_sp);
}

static __attribute__((noinline)) void parked_inner(int n)
{
    volatile int keep = n;

    park_here();
    keep++;
}

static void parked_entry(void)
{
    parked_inner(1);
    abort();
}

/* Runs a thread until it parks inside park_here. */
static void make_parked(struct weft_thread *thread, unsigned slot, uint32_t id, const char *name)
{
    uintptr_t *lo = parked_stack[slot], *hi = lo + 1024;
    void *sp = fake_context(hi, parked_entry);

    fake_thread_add(thread, id, name, (uintptr_t)lo, (uintptr_t)hi);
    fake_switch(&main_sp, sp);
    thread->saved_sp = parked_sp;
}

static void setup(void)
{
    uintptr_t lo, hi;

    fake_reset();
    memset(parked_stack, 0, sizeof parked_stack);
    fake_host_stack(&lo, &hi);
    fake_thread_add(&main_thread, 1, "main", lo, hi);
    fake_thread_run(&main_thread);
    fake_cycles = 1000 * 60000 * MS;
}

TestSuite(prof_dump, .init = setup);

static const char *printed(void)
{
    fake_console[fake_console_bytes] = 0;
    return (const char *)fake_console;
}

static bool blocked_text(uint64_t ns, const char *text)
{
    static uintptr_t stack[8];

    fake_reset();
    fake_cycles = 1000 * 60000 * MS;
    fake_thread_add(&parked[0], 18, "name", (uintptr_t)stack, (uintptr_t)(stack + 8));
    parked[0].state = THREAD_BLOCKED;
    parked[0].wait_reason = WAIT_QUEUE_RECEIVE;
    parked[0].wait_stamp = fake_cycles - ns;
    parked[0].stack_busy = 1;
    upcall_dump_threads();
    snprintf(expected, sizeof expected,
             "thread 18 \"name\" [queue receive, %s]:\n(stack ends here: no lock)\n\n", text);
    return strcmp(printed(), expected) == 0;
}

Test(prof_dump, how_long_a_thread_has_waited_is_said_in_the_largest_unit)
{
    cr_assert(blocked_text(0, "0 us"));
    cr_assert(blocked_text(999999, "999 us"));
    cr_assert(blocked_text(3 * MS, "3 ms"));
    cr_assert(blocked_text(1000 * MS - 1, "999 ms"));
    cr_assert(blocked_text(1000 * MS, "1 s"));
    cr_assert(blocked_text(60000 * MS - 1, "59 s"));
    cr_assert(blocked_text(60000 * MS, "1 minute"));
    cr_assert(blocked_text(3 * 60000 * MS, "3 minutes"));
    cr_assert(blocked_text(600 * 60000 * MS, "600 minutes"));
}

/* Splits the n-th line off. */
static const char *line(const char *text, unsigned n)
{
    static char copy[256];
    size_t bytes;

    for (; n > 0 && text != NULL; n--) {
        text = strchr(text, '\n');
        text = text != NULL ? text + 1 : NULL;
    }
    cr_assert(text != NULL, "no such line");
    bytes = strcspn(text, "\n");
    cr_assert(bytes < sizeof copy);
    memcpy(copy, text, bytes);
    copy[bytes] = 0;
    return copy;
}

static uintptr_t line_pc(const char *text, unsigned n)
{
    unsigned long pc = 0;
    const char *one = line(text, n);

    cr_assert(strncmp(one, "pc=0x", 5) == 0 && strlen(one) == 21, "line %u: %s", n, one);
    cr_assert(strpbrk(one + 5, "ABCDEF") == NULL, "hex is lower case");
    cr_assert(sscanf(one, "pc=0x%lx", &pc) == 1);
    return pc;
}

static bool inside(uintptr_t pc, const void *function)
{
    return pc - (uintptr_t)function < 200;
}

Test(prof_dump, a_parked_thread_is_walked_to_its_first_frame)
{
    extern const char fake_first_frame[];
    const char *text;

    make_parked(&parked[0], 0, 18, "worker");
    parked[0].state = THREAD_READY;
    parked[0].created_by = 0xabcdef12;
    cores[0].current = NULL;
    upcall_dump_threads();
    text = printed();
    text = strstr(text, "thread 18");
    cr_assert(text != NULL);
    cr_assert(strcmp(line(text, 0), "thread 18 \"worker\" [ready]:") == 0);
    cr_assert(inside(line_pc(text, 1), (const void *)park_here));
    cr_assert(inside(line_pc(text, 2), (const void *)parked_inner));
    cr_assert(inside(line_pc(text, 3), (const void *)parked_entry));
    cr_assert(line_pc(text, 4) == (uintptr_t)fake_first_frame + 2, "the call's last byte");
    cr_assert(strcmp(line(text, 5), "created by pc=0x00000000abcdef12") == 0);
    cr_assert(strcmp(line(text, 6), "") == 0);
    cr_assert(parked[0].stack_busy == 0, "the lock was not given back");
}

static __attribute__((noinline)) size_t call_stack(char *buffer, size_t bytes, bool all)
{
    size_t used = weft_stack(buffer, bytes, all);

    __asm__ volatile("");
    return used;
}

Test(prof_dump, the_callers_stack_starts_at_the_caller_of_weft_stack)
{
    static char buffer[8192];
    size_t used = call_stack(buffer, sizeof buffer - 1, false);

    buffer[used] = 0;
    cr_assert(strcmp(line(buffer, 0), "thread 1 \"main\" [running]:") == 0);
    cr_assert(inside(line_pc(buffer, 1), (const void *)call_stack));
    cr_assert(strstr(buffer, "\n(stack ends here: no unwind info)\n\n") != NULL,
              "the test's caller is in a shared library: %s", buffer);
    cr_assert(fake_console_bytes == 0, "it went to the console too");
    cr_assert(cores[0].preempt_off == 0);
}

static void five_threads(void)
{
    static const char *const names[] = {"a", "b", NULL, "d", "a longer name than the others have"};

    for (unsigned i = 0; i < 5; i++) {
        make_parked(&parked[i], i, 10 + i, names[i]);
        parked[i].state = i == 3 ? THREAD_EXITED : i % 2 ? THREAD_READY : THREAD_BLOCKED;
        parked[i].wait_reason = WAIT_SLEEP;
        parked[i].wait_stamp = fake_cycles - i * 7 * MS;
        parked[i].created_by = 0x1000 + i;
    }
}

Test(prof_dump, all_threads_the_caller_first_and_no_exited_one)
{
    static char buffer[8192];

    five_threads();
    buffer[call_stack(buffer, sizeof buffer - 1, true)] = 0;
    cr_assert(strncmp(buffer, "thread 1 ", 9) == 0);
    cr_assert(strstr(buffer, "\n\nthread 10 \"a\" [sleep, 0 us]:\n") != NULL);
    cr_assert(strstr(buffer, "\n\nthread 11 \"b\" [ready]:\n") != NULL);
    cr_assert(strstr(buffer, "\n\nthread 12 \"thread\" [sleep, 14 ms]:\n") != NULL);
    cr_assert(strstr(buffer, "thread 13") == NULL);
    cr_assert(
        strstr(buffer, "\n\nthread 14 \"a longer name than the others have\" [sleep, 28 ms]:\n") !=
        NULL);
    cr_assert(strcmp(buffer + strlen(buffer) - 34, "created by pc=0x0000000000001004\n\n") == 0,
              "%s", buffer);
    weft_threads_dump();
    cr_assert(strstr(printed(), "thread 14") != NULL && strncmp(printed(), "thread 1 ", 9) == 0);
}

/* From the same call each time, so that the text is the same. */
Test(prof_dump, every_buffer_size_gets_a_prefix_of_its_exact_length)
{
    static char whole[8192], cut[8192 + 1];
    size_t total = 0;

    five_threads();
    for (size_t size = sizeof whole;; size = total < size ? total : size - 1) {
        size_t used;

        memset(cut, '#', sizeof cut);
        used = call_stack(cut, size, true);
        if (total == 0) {
            total = used;
            memcpy(whole, cut, used);
            cr_assert(total > 500 && total < sizeof whole);
            continue;
        }
        if (used != size || memcmp(cut, whole, used) != 0 || cut[used] != '#')
            cr_assert_fail("size %zu: %zu bytes, or other ones, or behind the end", size, used);
        if (size == 0)
            break;
    }
    cr_assert(weft_stack(NULL, 0, true) == 0);
}

static struct arch_frame nested_frame;
static unsigned interrupts;

/* An interrupt in the middle of the dump, whose handler prints, and even dumps. */
static void interrupt(void)
{
    fake_now_hook = NULL;
    interrupts++;
    cores[0].interrupt_depth = 1;
    cores[0].frame = &nested_frame;
    print_console("from a handler\n");
    upcall_dump_frame(&nested_frame);
    cores[0].interrupt_depth = 0;
    fake_now_hook = interrupt;
}

Test(prof_dump, what_an_interrupt_prints_never_lands_in_the_buffer)
{
    static char quiet[8192], disturbed[8192];
    size_t used = 0;

    five_threads();
    for (volatile int turn = 0; turn < 2; turn++) { /* volatile: one call, not two */
        fake_now_hook = turn == 0 ? NULL : interrupt;
        used = call_stack(turn == 0 ? quiet : disturbed, sizeof quiet, true);
    }
    cr_assert(interrupts == 3, "one for each thread that sleeps");
    cr_assert(used > 500 && memcmp(quiet, disturbed, used) == 0);
    cr_assert(strncmp(printed(), "from a handler\n(stack ends here: no unwind info)\nfrom", 53) ==
              0);
}

/* The console's break: from a handler, the interrupted thread is shown from where it was
 * interrupted. */
Test(prof_dump, in_a_handler_the_interrupted_thread_comes_first)
{
    static struct arch_frame frame;

    make_parked(&parked[0], 0, 18, "worker");
    frame.value[ARCH_UNWIND_SP] = (uintptr_t)((uintptr_t *)parked[0].saved_sp + 7);
    frame.value[ARCH_UNWIND_RA] = ((uintptr_t *)parked[0].saved_sp)[6];
    frame.value[3] = ((uintptr_t *)parked[0].saved_sp)[0]; /* rbx, rbp: see prof_fake_switch.S */
    frame.value[6] = ((uintptr_t *)parked[0].saved_sp)[1];
    fake_thread_run(&parked[0]);
    cores[0].interrupt_depth = 1;
    cores[0].frame = &frame;
    upcall_dump_threads();
    cr_assert(strcmp(line(printed(), 0), "thread 18 \"worker\" [running]:") == 0);
    cr_assert(line_pc(printed(), 1) == frame.value[ARCH_UNWIND_RA], "exact");
    cr_assert(inside(line_pc(printed(), 2), (const void *)parked_inner));
}
