/* SPDX-License-Identifier: MIT */
/*
 * Interrupts off and on: a word per core, at which the signal handler looks. No system call. A
 * signal that finds it set leaves a bit in `pending`, and whoever clears the word looks there.
 * Each access is one instruction, relative to GS with several cores: a thread that is moved between
 * two of them has interrupts on, on both cores.
 */
#ifndef PORT_IRQ_H
#define PORT_IRQ_H

#include "arch/amd64/hosted/hosted.h"

static inline uint32_t hosted_irq_off(void)
{
    uint32_t off;

    if (WEFT_CONFIG_CORES == 1)
        return hosted_cores[0].irq_off;
    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(off) : "i"(HOSTED_IRQ_OFF) : "memory");
    return off;
}

static inline void hosted_irq_set_off(uint32_t off)
{
    __asm__ volatile("" ::: "memory");
    if (WEFT_CONFIG_CORES == 1)
        hosted_cores[0].irq_off = off;
    else
        __asm__ volatile("movl %0, %%gs:%c1" ::"ri"(off), "i"(HOSTED_IRQ_OFF) : "memory");
    __asm__ volatile("" ::: "memory");
}

static inline uint32_t hosted_irq_pending(void)
{
    uint32_t pending;

    if (WEFT_CONFIG_CORES == 1)
        return hosted_cores[0].pending;
    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(pending) : "i"(HOSTED_PENDING) : "memory");
    return pending;
}

static inline arch_irq_state arch_irq_save(void)
{
    uint32_t off = hosted_irq_off();

    hosted_irq_set_off(1);
    return off;
}

static inline void arch_irq_enable(void)
{
    hosted_irq_set_off(0);
    if (__builtin_expect(hosted_irq_pending() != 0, 0))
        hosted_irq_take();
}

static inline void arch_irq_restore(arch_irq_state state)
{
    __asm__ volatile("" ::: "memory");
    if (state == 0)
        arch_irq_enable();
}

static inline bool arch_irq_enabled(void)
{
    return hosted_irq_off() == 0;
}

#endif
