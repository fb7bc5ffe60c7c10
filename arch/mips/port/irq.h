/* SPDX-License-Identifier: MIT */
/* Interrupts off and on: Status.IE, by MIPS32 release 2's di and ei. */
#ifndef PORT_IRQ_H
#define PORT_IRQ_H

static inline arch_irq_state arch_irq_save(void)
{
    uintptr_t status;

    __asm__ volatile("di %0\n\tehb" : "=r"(status)::"memory");
    return status;
}

static inline void arch_irq_restore(arch_irq_state state)
{
    /* Only IE comes back: the other bits of Status may have changed across a switch (CU1). */
    if (__builtin_expect(state & 1, 1))
        __asm__ volatile("ei" ::: "memory");
    else
        __asm__ volatile("" ::: "memory");
}

/* No hazard to wait for: interrupts may as well come a few instructions later. */
#define ARCH_IRQ_RESTORE_UNSWITCHED
static inline void arch_irq_restore_unswitched(arch_irq_state state)
{
    __asm__ volatile("mtc0 %0, $12" ::"r"(state) : "memory");
}

static inline void arch_irq_enable(void)
{
    __asm__ volatile("ei" ::: "memory");
}

static inline bool arch_irq_enabled(void)
{
    uintptr_t status;

    __asm__ volatile("mfc0 %0, $12" : "=r"(status));
    return (status & 1) != 0;
}

#endif
