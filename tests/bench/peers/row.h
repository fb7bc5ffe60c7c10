/* SPDX-License-Identifier: MIT */
/* Rows of the hosted benchmarks, weft's (tests/bench/hosted.h) and the peers' alike: the best of
 * many short stretches. C and C++. */
#ifndef TESTS_BENCH_PEERS_ROW_H
#define TESTS_BENCH_PEERS_ROW_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define STRETCHES 40
#define ROUNDS 2000u
#define MANY 64
#define SITES 8

static inline uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void row_print(const char *name, uint64_t hundredths)
{
    printf("row: %s %u.%02u\n", name, (unsigned)(hundredths / 100), (unsigned)(hundredths % 100));
}

/* Nanoseconds per operation, of which a round has `operations`. */
static inline void row(const char *name, void (*stretch)(unsigned rounds), unsigned operations)
{
    uint64_t best = UINT64_MAX;

    stretch(ROUNDS / 10);
    for (unsigned i = 0; i < STRETCHES; i++) {
        uint64_t start = now_ns(), took;

        stretch(ROUNDS);
        took = now_ns() - start;
        best = took < best ? took : best;
    }
    row_print(name, best * 100 / ROUNDS / operations);
}

#endif
