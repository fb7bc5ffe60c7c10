/* SPDX-License-Identifier: MIT */
/* Interrupts are a flag that the fake tick looks at (prof_fake.c). */
#ifndef PORT_IRQ_H
#define PORT_IRQ_H

extern bool fake_irq_on;

static inline arch_irq_state arch_irq_save(void)
{
    arch_irq_state state = fake_irq_on;

    fake_irq_on = false;
    return state;
}

static inline void arch_irq_restore(arch_irq_state state)
{
    fake_irq_on = state != 0;
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
