/* SPDX-License-Identifier: MIT */
/*
 * What the profiler takes of a program: the same work with the scheduler's tick alone and with the
 * profiler at 100 Hz, 1, 10 and 20 kHz, on a stack of 8 frames whose innermost functions change.
 * Under -icount the share is of instructions, exactly; in a process of its CPU time, the best of
 * several turns of each kind, taken in turn. And what a row of unwind information takes to find,
 * and the stacks of many threads to record.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weft/sites.h>
#include <weft/weft.h>

#include "kernel/tick.h"
#include "prof/image.h"
#include "prof/sampler.h"
#include "tests/bench/measure.h"

#if defined(__linux__)
#define TURNS 5
#define WORK_NS 100000000u
#else
#define TURNS 1
#define WORK_NS 20000000u
#endif

/* ---- time ---- */

#if defined(__linux__)
/* This thread's own, signals included: what the machine does meanwhile is not the profiler's. */
static uint64_t cpu_ns(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0)
        exit(1);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#else
static uint64_t cpu_ns(void)
{
    return weft_time_ns();
}
#endif

/* ---- the work ---- */

#define STEP_LOOPS 1000

static __attribute__((noinline)) uint32_t step_add(uint32_t sum)
{
    for (unsigned i = 0; i < STEP_LOOPS; i++)
        __asm__ volatile("" : "+r"(sum));
    return sum + 1;
}

static __attribute__((noinline)) uint32_t step_mix(uint32_t sum)
{
    for (unsigned i = 0; i < STEP_LOOPS; i++)
        sum = (sum ^ i) * 0x01000193u;
    return sum;
}

static __attribute__((noinline)) uint32_t work_at(unsigned depth, uint32_t steps)
{
    uint32_t sum = depth;

    if (depth > 0)
        return work_at(depth - 1, steps) + depth;
    for (uint32_t i = 0; i < steps; i++)
        sum = i % 3 == 0 ? step_add(sum) : step_mix(sum);
    return sum;
}

static uint64_t work_ns(uint32_t steps)
{
    uint64_t start = cpu_ns();
    volatile uint32_t sum = work_at(3, steps);

    (void)sum;
    return cpu_ns() - start;
}

/* As many steps as take so long. */
static uint32_t steps_for(uint64_t ns)
{
    uint32_t steps = 100;

    return (uint32_t)(ns * steps / (work_ns(steps) + 1)) + 1;
}

/* ---- the profiler's share ---- */

struct turn {
    uint64_t ns;
    struct weft_profile_totals totals;
    uint32_t log_bytes;
};

static struct turn profiled_turn(uint32_t rate_hz, uint32_t steps)
{
    const struct weft_profile_options options = {.rate_hz = rate_hz,
                                                 .log = WEFT_PROFILE_LOG_NEWEST};
    struct turn turn;

    if (weft_profile_start_with(&options) != 0)
        exit(1);
    turn.ns = work_ns(steps);
    turn.log_bytes = samplers[0].log.written;
    if (weft_profile_stop() != 0)
        exit(1);
    weft_profile_totals(&turn.totals);
    return turn;
}

static void measure_rate(uint32_t rate_hz, uint64_t ns)
{
    uint32_t steps = steps_for(ns);
    uint64_t quiet = UINT64_MAX, share;
    struct turn best = {.ns = UINT64_MAX};

    work_ns(steps / 10);
    for (unsigned i = 0; i < TURNS; i++) {
        uint64_t without = work_ns(steps);
        struct turn turn = profiled_turn(rate_hz, steps);

        quiet = without < quiet ? without : quiet;
        best = turn.ns < best.ns ? turn : best;
    }
    if (best.totals.ticks == 0)
        exit(1);
    share = best.ns > quiet ? (best.ns - quiet) * 10000 / best.ns : 0;
    printf("bench: profiler_share_%u_hz %u.%02u %%, %u ticks, %u log bytes a tick\n",
           (unsigned)rate_hz, (unsigned)(share / 100), (unsigned)(share % 100),
           (unsigned)best.totals.ticks,
           (unsigned)((best.log_bytes + best.totals.ticks / 2) / best.totals.ticks));
}

/* ---- rows ---- */

#define ROW_STRIDE 148 /* a multiple of each port's alignment, and of no block's size */

static void measure_rows(void)
{
    uintptr_t start = image_text_start(), end = image_text_end();
    unsigned rows = (unsigned)((end - start) / ROW_STRIDE), found = 0, cost;

    cost = MEASURE(rows, ({
                       struct cfi_row row;
                       struct cfi_section blocks;

                       found += image_row(start + round_ * ROW_STRIDE, &row, &blocks);
                   }));
    if (found < rows / 2)
        exit(1);
    report("unwind_row", cost, 0);
}

/* ---- many threads ---- */

#if defined(__linux__)
#define THREADS 100000
#define THREAD_BYTES 2048

static struct weft_semaphore never;

static void *waiting_thread(void *argument)
{
    (void)!weft_semaphore_wait(&never);
    return argument;
}

static void measure_threads(void)
{
    struct weft_stack_record *records = calloc(THREADS + 8, sizeof *records);
    unsigned char *stacks = malloc((size_t)THREADS * THREAD_BYTES);
    uint64_t best = UINT64_MAX;
    size_t count = 0;

    if (records == NULL || stacks == NULL || weft_semaphore_init(&never, 0, 1) != 0)
        exit(1);
    for (size_t i = 0; i < THREADS; i++) {
        struct weft_thread_attr attr = {.priority = WEFT_PRIORITY_DEFAULT,
                                        .stack = stacks + i * THREAD_BYTES,
                                        .stack_bytes = THREAD_BYTES,
                                        .cooperative = true};
        struct weft_thread *thread;

        if (weft_thread_spawn(&thread, &attr, waiting_thread, NULL) != 0)
            exit(1);
        if (i % 64 == 63)
            weft_thread_yield();
    }
    weft_thread_yield();
    for (unsigned i = 0; i < TURNS; i++) {
        uint64_t start = cpu_ns(), took;

        if (!weft_thread_stacks(records, THREADS + 8, &count) || records[count - 1].pcs[1] == 0)
            exit(1);
        took = cpu_ns() - start;
        best = took < best ? took : best;
    }
    printf("bench: stacks_of_%u_threads %u.%02u ms\n", (unsigned)count, (unsigned)(best / 1000000),
           (unsigned)(best / 10000 % 100));
}
#else
static void measure_threads(void)
{
}
#endif

int main(void)
{
    static const uint32_t rates[] = {100, 1000, 10000, 20000};

    stay_here();
    measure_rows();
    /* On the emulators a nanosecond is an instruction: twenty ticks at least. */
    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++)
        measure_rate(rates[i], rates[i] == 100 ? 200000000u : WORK_NS);
    measure_threads();
    return 0;
}
