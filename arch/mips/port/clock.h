/* SPDX-License-Identifier: MIT */
/* CP0 Count, 32 bits, extended to 64 by whoever looks at it: at least twice per wrap (clock.c). */
#ifndef PORT_CLOCK_H
#define PORT_CLOCK_H

#include "kernel/core.h"

static inline uint32_t arch_clock_cycles(void)
{
    uint32_t count;

    __asm__ volatile("mfc0 %0, $9" : "=r"(count));
    return count;
}

static inline uint64_t arch_clock_now_irqoff(void)
{
    struct core *core = core_self();
    uint32_t count = arch_clock_cycles();

    if (count < core->clock_last)
        core->clock_high++;
    core->clock_last = count;
    return (uint64_t)core->clock_high << 32 | count;
}

#endif
