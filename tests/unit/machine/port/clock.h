/* SPDX-License-Identifier: MIT */
#ifndef PORT_CLOCK_H
#define PORT_CLOCK_H

extern uint64_t machine_clock; /* moves only when somebody spends time, or idles */

static inline uint64_t arch_clock_now_irqoff(void)
{
    return machine_clock;
}

static inline uint32_t arch_clock_cycles(void)
{
    return (uint32_t)machine_clock;
}

#endif
