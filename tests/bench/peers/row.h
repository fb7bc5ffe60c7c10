/* SPDX-License-Identifier: MIT */
/* The peers' rows, timed as weft's (tests/bench/hosted.c). C and C++. */
#ifndef TESTS_BENCH_PEERS_ROW_H
#define TESTS_BENCH_PEERS_ROW_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define STRETCHES 40
#define ROUNDS 2000u
#define MANY 64
#define SITES 8

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void row(const char *name, void (*stretch)(unsigned rounds), unsigned operations)
{
    uint64_t best = UINT64_MAX;

    stretch(ROUNDS / 10);
    for (unsigned i = 0; i < STRETCHES; i++) {
        uint64_t start = now_ns(), took;

        stretch(ROUNDS);
        took = now_ns() - start;
        best = took < best ? took : best;
    }
    best = best * 100 / ROUNDS / operations;
    printf("row: %s %u.%02u\n", name, (unsigned)(best / 100), (unsigned)(best % 100));
}

#endif
