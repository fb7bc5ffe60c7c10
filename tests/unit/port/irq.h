/* SPDX-License-Identifier: MIT */
#ifndef PORT_IRQ_H
#define PORT_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#ifndef FAKE_LOCAL
#define FAKE_LOCAL
#endif

extern FAKE_LOCAL bool fake_irq_on;

static inline arch_irq_state arch_irq_save(void)
{
    arch_irq_state state = fake_irq_on;

    fake_irq_on = false;
    __asm__ volatile("" ::: "memory");
    return state;
}

static inline void arch_irq_restore(arch_irq_state state)
{
    __asm__ volatile("" ::: "memory");
    fake_irq_on = state;
}

static inline void arch_irq_enable(void)
{
    fake_irq_on = true;
}

static inline bool arch_irq_enabled(void)
{
    return fake_irq_on;
}

#endif
