/* SPDX-License-Identifier: MIT */
/*
 * What it costs to be profiled, on board linux: the same work with the profiler and without, in
 * turns, in the process's CPU time. tests/bench/peers/go_profile.go does the same with Go's.
 * Prints "pair: HZ OFF_NS ON_NS SAMPLES" for each pair.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <weft/weft.h>

#define PAIRS 5
#define ROUNDS 40000 /* about a fifth of a second */
#define DEPTH 8
#define BYTES 4096

static unsigned char bytes[BYTES];
static volatile uint32_t sink;

static __attribute__((noinline)) uint32_t work(unsigned depth)
{
    uint32_t hash = 0x811c9dc5u;

    if (depth > 0)
        return work(depth - 1) ^ 1;
    for (unsigned i = 0; i < BYTES; i++)
        hash = (hash ^ bytes[i]) * 0x01000193u; /* FNV-1a: one byte waits for the one before */
    return hash;
}

static uint64_t cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t timed(void)
{
    uint64_t began = cpu_ns();

    for (unsigned i = 0; i < ROUNDS; i++) {
        sink += work(DEPTH);
        bytes[i % BYTES]++;
    }
    return cpu_ns() - began;
}

static int pair(uint32_t rate_hz)
{
    const struct weft_profile_options options = {.rate_hz = rate_hz,
                                                 .log = WEFT_PROFILE_LOG_NEWEST};
    struct weft_profile_totals totals;
    uint64_t off = timed(), on;
    int error = weft_profile_start_with(&options);

    if (error != 0)
        return error;
    on = timed();
    error = weft_profile_stop();
    weft_profile_totals(&totals);
    printf("pair: %u %llu %llu %u\n", (unsigned)rate_hz, (unsigned long long)off,
           (unsigned long long)on, (unsigned)totals.ticks);
    fflush(stdout);
    return error;
}

int main(void)
{
    static const uint32_t rates_hz[] = {100, 1000, 10000};

    (void)timed(); /* warm */
    for (unsigned i = 0; i < PAIRS; i++)
        for (unsigned rate = 0; rate < sizeof rates_hz / sizeof rates_hz[0]; rate++)
            if (pair(rates_hz[rate]) != 0)
                return 1;
    return 0;
}
