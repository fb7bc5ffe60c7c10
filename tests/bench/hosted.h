/* SPDX-License-Identifier: MIT */
/* What weft's hosted benchmarks share; their rows are timed as the peers'. */
#ifndef TESTS_BENCH_HOSTED_H
#define TESTS_BENCH_HOSTED_H

#include <stdlib.h>
#include <weft/weft.h>

#include "peers/row.h"

#define CHECKED(call)                                                                              \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            exit(1);                                                                               \
    } while (0)

/* hosted_waits.c */
void hosted_waits(void);
void hosted_fork_join(unsigned rounds);
_Noreturn void *hosted_answer(void *argument); /* a thread's, for the next */
void hosted_semaphore_round_trip(unsigned rounds);

#endif
