/* SPDX-License-Identifier: MIT */
/* The time stamp counter where the CPU says that it is invariant; else CLOCK_MONOTONIC, in
 * nanoseconds (clock.c). */
#ifndef PORT_CLOCK_H
#define PORT_CLOCK_H

#include <stdbool.h>

#define ARCH_CLOCK_STEALS 1

extern bool hosted_clock_by_kernel;
uint64_t hosted_clock_kernel_ns(void);

static inline uint64_t arch_clock_now_irqoff(void)
{
    uint32_t low, high;

    if (__builtin_expect(hosted_clock_by_kernel, 0))
        return hosted_clock_kernel_ns();
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline uint32_t arch_clock_cycles(void)
{
    return (uint32_t)arch_clock_now_irqoff();
}

#endif
