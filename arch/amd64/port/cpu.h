/* SPDX-License-Identifier: MIT */
#ifndef PORT_CPU_H
#define PORT_CPU_H

#include "arch/amd64/frame.h"
#include "arch/amd64/swap.h"

/* With more than one core, GS points at the core's own block, whose first word is its number. There
 * is no user mode, so GS is never swapped. */
static inline unsigned arch_core_id(void)
{
    unsigned id;

    if (WEFT_CONFIG_CORES == 1)
        return 0;
    __asm__("movl %%gs:0, %0" : "=r"(id));
    return id;
}

static inline struct core *arch_core_pointer(void)
{
    struct core *core;

    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(core) : "i"(GS_CORE));
    return core;
}

static inline void arch_current_set(struct weft_thread *thread)
{
    __asm__ volatile("movq %0, %%gs:%c1" ::"r"(thread), "i"(GS_CURRENT) : "memory");
}

static inline struct weft_thread *arch_current(void)
{
    struct weft_thread *thread;

    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(thread) : "i"(GS_CURRENT) : "memory");
    return thread;
}

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

#endif
