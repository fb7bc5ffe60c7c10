/* SPDX-License-Identifier: MIT */
#ifndef PORT_CPU_H
#define PORT_CPU_H

static inline unsigned arch_core_id(void)
{
    unsigned ebase;

    if (WEFT_CONFIG_CORES == 1)
        return 0;
    __asm__("mfc0 %0, $15, 1" : "=r"(ebase));
    return ebase & 0x3ff; /* EBase.CPUNum */
}

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

#endif
