/* SPDX-License-Identifier: MIT */
#ifndef PORT_CLOCK_H
#define PORT_CLOCK_H

static inline uint64_t arch_clock_now_irqoff(void)
{
    return __builtin_ia32_rdtsc();
}

static inline uint32_t arch_clock_cycles(void)
{
    return (uint32_t)__builtin_ia32_rdtsc();
}

#endif
