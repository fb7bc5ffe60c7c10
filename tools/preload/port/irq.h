/* SPDX-License-Identifier: MIT */
/* Nothing interrupts the heap: signal handlers must not allocate, as with every malloc. */
#ifndef PORT_IRQ_H
#define PORT_IRQ_H

#include <stdbool.h>
#include <stdint.h>

static inline arch_irq_state arch_irq_save(void)
{
    return 0;
}

static inline void arch_irq_restore(arch_irq_state state)
{
    (void)state;
    __asm__ volatile("" ::: "memory");
}

static inline void arch_irq_enable(void)
{
}

static inline bool arch_irq_enabled(void)
{
    return true;
}

#endif
