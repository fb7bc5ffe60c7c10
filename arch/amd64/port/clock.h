/* SPDX-License-Identifier: MIT */
/* The time stamp counter: 64 bits, never wraps, the same on all cores of a machine that says
 * "invariant". */
#ifndef PORT_CLOCK_H
#define PORT_CLOCK_H

static inline uint64_t arch_clock_now_irqoff(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline uint32_t arch_clock_cycles(void)
{
    uint32_t low;

    __asm__ volatile("rdtsc" : "=a"(low)::"edx");
    return low;
}

#endif
