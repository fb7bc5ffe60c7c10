/* SPDX-License-Identifier: MIT */
/* Counting instructions: under QEMU's -icount shift=0 one is one nanosecond of virtual time. */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <stdio.h>
#include <weft/weft.h>

#include "kernel/tick.h"

#define ROUNDS 20000u

/* All threads of a measurement stay on core 0: what the others do is not counted. */
#define HERE ((struct weft_thread_attr){.priority = WEFT_PRIORITY_DEFAULT, .cores = 1})

static inline void stay_here(void)
{
    if (weft_thread_set_cores(weft_thread_self(), 1) != 0)
        weft_panic("core 0 is not there");
}
#define NS_PER_INSTRUCTION 1u

/* Instructions per round since `start_ns`, in hundredths. */
static inline unsigned hundredths(uint64_t start, uint64_t end, unsigned rounds)
{
    return (unsigned)(tick_cycles_to_ns(end - start) * 100 / NS_PER_INSTRUCTION / rounds);
}

static inline void report(const char *name, unsigned cost, unsigned overhead)
{
    unsigned net = cost > overhead ? cost - overhead : 0;

    printf("bench: %s %u.%02u\n", name, net / 100, net % 100);
}

#define MEASURE(rounds, operation)                                                                 \
    ({                                                                                             \
        uint64_t start_ = tick_now();                                                              \
        for (unsigned round_ = 0; round_ < (rounds); round_++) {                                   \
            operation;                                                                             \
            __asm__ volatile("");                                                                  \
        }                                                                                          \
        hundredths(start_, tick_now(), (rounds));                                                  \
    })

#endif
