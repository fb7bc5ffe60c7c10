/* SPDX-License-Identifier: MIT */
/*
 * CP0 Count, 32 bits, extended to 64: core->clock_halves counts Count's half wraps, of which its
 * lowest bit knows whether Count has begun another one since. Who asks for the time brings it up to
 * date, the timer interrupt in each half wrap at the latest (clock.c).
 */
#ifndef PORT_CLOCK_H
#define PORT_CLOCK_H

#include "kernel/core.h"

static inline uint32_t arch_clock_cycles(void)
{
    uint32_t count;

    __asm__ volatile("mfc0 %0, $9" : "=r"(count));
    return count;
}

/* A stamp is Count below core->clock_halves, which may be one behind. */
#define ARCH_CLOCK_STAMPS
static inline uint64_t arch_clock_stamp_irqoff(void)
{
    uint32_t count = arch_clock_cycles();

    return (uint64_t)core_self()->clock_halves << 32 | count;
}

static inline uint64_t arch_clock_of_stamp(uint64_t stamp)
{
    uint32_t count = (uint32_t)stamp, halves = (uint32_t)(stamp >> 32);

    halves += (halves ^ count >> 31) & 1;
    return (uint64_t)(halves >> 1) << 32 | count;
}

static inline uint64_t arch_clock_now_irqoff(void)
{
    uint64_t now = arch_clock_of_stamp(arch_clock_stamp_irqoff());

    core_self()->clock_halves = (uint32_t)(now >> 31);
    return now;
}

#endif
