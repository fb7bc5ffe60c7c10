/* SPDX-License-Identifier: MIT */
#ifndef PORT_CLOCK_H
#define PORT_CLOCK_H

extern uint64_t fake_cycles; /* one per nanosecond */

static inline uint64_t arch_clock_now_irqoff(void)
{
    return fake_cycles;
}

static inline uint32_t arch_clock_cycles(void)
{
    return (uint32_t)fake_cycles;
}

#endif
