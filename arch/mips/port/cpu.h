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

/* KScratch1 holds it (arch/mips/start.S). */
static inline struct core *arch_core_pointer(void)
{
    struct core *core;

    __asm__ volatile("mfc0 %0, $31, 2" : "=r"(core));
    return core;
}

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

#endif
