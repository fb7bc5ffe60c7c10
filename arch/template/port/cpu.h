/* SPDX-License-Identifier: MIT */
#ifndef PORT_CPU_H
#define PORT_CPU_H

/* With one core the compiler must see the constant. */
static inline unsigned arch_core_id(void)
{
    return 0;
}

/* The CPU's hint for a spin loop, or nothing. */
static inline void arch_cpu_relax(void)
{
}

#endif
