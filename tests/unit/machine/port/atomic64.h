/* SPDX-License-Identifier: MIT */
#ifndef PORT_ATOMIC64_H
#define PORT_ATOMIC64_H

/* With native 64-bit atomics: never, and nothing to settle. Otherwise see
 * arch/mips/port/atomic64.h. */
static inline bool arch_in_atomic64(uintptr_t pc)
{
    (void)pc;
    return false;
}

static inline void arch_atomic64_settle_irqoff(struct arch_frame *frame)
{
    (void)frame;
}

#endif
