/* SPDX-License-Identifier: MIT */
/*
 * Arch contract: this core's interrupts. "Off" means that no interrupt handler of weft runs on this
 * core; a port may do it in hardware or with a flag that its handler looks at.
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <stdbool.h>
#include <stdint.h>

/* Opaque: what arch_irq_restore needs to put things back. */
typedef uintptr_t arch_irq_state;

/* Turns interrupts off and returns how they were. Nests. A compiler barrier. */
static inline arch_irq_state arch_irq_save(void);

/* Puts back what the matching arch_irq_save found. A compiler barrier. */
static inline void arch_irq_restore(arch_irq_state state);

/* The same where no other thread has run in between: a port that keeps more in the state than
 * whether interrupts were on may put all of it back. */
static inline void arch_irq_restore_unswitched(arch_irq_state state);

/* Unconditionally on; only where they are known to be off (thread start, boot). */
static inline void arch_irq_enable(void);

static inline bool arch_irq_enabled(void);

#include "port/irq.h"

#ifndef ARCH_IRQ_RESTORE_UNSWITCHED
static inline void arch_irq_restore_unswitched(arch_irq_state state)
{
    arch_irq_restore(state);
}
#endif

#endif
