/* SPDX-License-Identifier: MIT */
#ifndef PORT_IRQ_H
#define PORT_IRQ_H

extern bool machine_irq_on;
void machine_deliver(void); /* interrupts that waited until they were let in */

static inline arch_irq_state arch_irq_save(void)
{
    arch_irq_state state = machine_irq_on;

    machine_irq_on = false;
    __asm__ volatile("" ::: "memory");
    return state;
}

static inline void arch_irq_restore(arch_irq_state state)
{
    __asm__ volatile("" ::: "memory");
    machine_irq_on = state;
    if (state)
        machine_deliver();
}

static inline void arch_irq_enable(void)
{
    arch_irq_restore(true);
}

static inline bool arch_irq_enabled(void)
{
    return machine_irq_on;
}

#endif
