/* SPDX-License-Identifier: MIT */
/* From the first line of C to main, and what a line of printf costs: alone, and from eight threads
 * that print at once, so that each waits for the console most of the time. */
#include <stdlib.h>

#include "arch/clock.h"
#include "kernel/upcall.h"
#include "tests/bench/measure.h"

#define THREADS 8
#define LINES 200

static struct weft_barrier start = WEFT_BARRIER_INITIALIZER(start, THREADS + 1);

/* Before main's first stdio, which sets up its streams. */
static unsigned boot_instructions(void)
{
    uint32_t cycles = arch_clock_cycles() - boot_cycles;

    return (unsigned)(tick_cycles_to_ns(cycles) / NS_PER_INSTRUCTION);
}

static void print_line(unsigned number)
{
    printf("line: %4u of %s, 32 bytes\n", number, "many"); /* 32 with the newline */
}

static void *print_lines(void *argument)
{
    print_line(0);
    (void)!weft_barrier_wait(&start);
    for (unsigned i = 0; i < LINES / THREADS; i++)
        print_line(i);
    return argument;
}

static void eight_threads(void)
{
    struct weft_thread *threads[THREADS];
    uint64_t began;

    for (unsigned i = 0; i < THREADS; i++)
        if (weft_thread_spawn(&threads[i], NULL, print_lines, NULL) != 0)
            exit(1);
    (void)!weft_barrier_wait(&start);
    began = tick_now();
    for (unsigned i = 0; i < THREADS; i++)
        if (weft_thread_join(threads[i], NULL) != 0)
            exit(1);
    report("printf_line_8_threads", hundredths(began, tick_now(), LINES), 0);
}

/* What the profile of allocations costs while it runs: malloc and free of a block that is not
 * recorded, and of one whose stack is walked. */
static void profiled_allocations(void)
{
    static const struct {
        const char *name;
        size_t sample_bytes;
    } kinds[] = {{"malloc_free_profiled_unsampled", (size_t)1 << 30},
                 {"malloc_free_profiled_recorded", 1}};
    void *volatile block;

    for (unsigned i = 0; i < 2; i++) {
        const struct weft_heap_profile_options options = {kinds[i].sample_bytes, 64};

        if (weft_heap_profile_start(&options) != 0)
            exit(1);
        free(malloc(32));
        report(kinds[i].name, MEASURE(LINES, (block = malloc(32), free(block))), 0);
        if (weft_heap_profile_stop() != 0)
            exit(1);
    }
}

int main(void)
{
    unsigned boot = boot_instructions(), one;

    print_line(0);
    one = MEASURE(LINES, print_line(round_));
    printf("bench: boot_to_main %u\n", boot);
    report("printf_line_1_thread", one, 0);
    eight_threads();
    profiled_allocations();
    return 0;
}
