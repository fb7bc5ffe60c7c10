/* SPDX-License-Identifier: MIT */
#include "arch/amd64/asm.h"

        .text

/*
 * void arch_cpu_idle_irqoff(void)
 *
 * Waits for an interrupt. sti takes effect behind the instruction that follows it, so nothing can
 * come between the two and be slept through.
 */
        .balign 16
FUNCTION(arch_cpu_idle_irqoff)
        sti
        hlt
        retq
END(arch_cpu_idle_irqoff)

        .section .note.GNU-stack, "", @progbits
