/* SPDX-License-Identifier: MIT */
/* Rows of the hosted benchmarks: the best of many short stretches. The peers' are timed the same
 * way (tests/bench/peers/row.h). */
#ifndef TESTS_BENCH_HOSTED_H
#define TESTS_BENCH_HOSTED_H

#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

#define STRETCHES 40
#define ROUNDS 2000u
#define MANY 64

#define CHECKED(call)                                                                              \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            exit(1);                                                                               \
    } while (0)

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
        uint64_t start = weft_time_ns(), took;

        stretch(ROUNDS);
        took = weft_time_ns() - start;
        best = took < best ? took : best;
    }
    row_print(name, best * 100 / ROUNDS / operations);
}

/* hosted_waits.c */
void hosted_waits(void);
void hosted_fork_join(unsigned rounds);

#endif
