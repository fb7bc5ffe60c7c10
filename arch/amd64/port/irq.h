/* SPDX-License-Identifier: MIT */
/*
 * Interrupts off and on: RFLAGS.IF.
 *
 * Only a push reads RFLAGS, and an interrupt may land between it and the pop: the unwind table has
 * to know about that word. The runtime's functions address their frames from the stack pointer
 * (-fomit-frame-pointer, no variable-length arrays), so the CFA is 8 bytes further away.
 */
#ifndef PORT_IRQ_H
#define PORT_IRQ_H

#define AMD64_RFLAGS_IF 0x200u

#define AMD64_READ_RFLAGS                                                                          \
    "pushfq\n\t.cfi_adjust_cfa_offset 8\n\tpopq %0\n\t.cfi_adjust_cfa_offset -8"

static inline uintptr_t amd64_rflags(void)
{
    uintptr_t flags;

    __asm__ volatile(AMD64_READ_RFLAGS : "=r"(flags)::"memory");
    return flags;
}

static inline arch_irq_state arch_irq_save(void)
{
    uintptr_t flags;

    __asm__ volatile(AMD64_READ_RFLAGS "\n\tcli" : "=r"(flags)::"memory");
    return flags;
}

static inline void arch_irq_restore(arch_irq_state state)
{
    if (state & AMD64_RFLAGS_IF)
        __asm__ volatile("sti" ::: "memory");
    else
        __asm__ volatile("" ::: "memory");
}

static inline void arch_irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline bool arch_irq_enabled(void)
{
    return (amd64_rflags() & AMD64_RFLAGS_IF) != 0;
}

#endif
