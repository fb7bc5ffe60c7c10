/* SPDX-License-Identifier: MIT */
/*
 * Lazy FPU. The unit holds one thread's state, core->fpu_owner's. Status.CU1 is on exactly while
 * that thread runs; anybody else's first FPU instruction traps (coprocessor unusable), and the trap
 * stores the owner's state, loads the thread's and makes it the owner.
 */
#ifndef PORT_FPU_H
#define PORT_FPU_H

#include "kernel/core.h"

/* 32 doubles (FR = 1; with FR = 0 the first 16 are used), then FCSR. */
#define ARCH_FPU_BYTES 264

/* From arch/mips/fpu.c: the owner's state goes to its save area, and nobody owns the unit. */
void mips_fpu_put_away(struct core *core);

/* With more than one core the thread may run elsewhere next, so its state can't stay behind in the
 * unit: it is saved here, and loaded when the thread traps for it again. */
static inline void arch_fpu_switch(struct core *core, void *next_area)
{
    uint32_t status;

    if (WEFT_CONFIG_CORES > 1) {
        mips_fpu_put_away(core);
        return;
    }
    __asm__ volatile("mfc0 %0, $12" : "=r"(status));
    if (core->fpu_owner == next_area)
        status |= 0x20000000u; /* CU1 */
    else
        status &= ~0x20000000u;
    __asm__ volatile("mtc0 %0, $12\n\tehb" ::"r"(status) : "memory");
}

static inline void mips_fpu_disable(void)
{
    uint32_t status;

    __asm__ volatile("mfc0 %0, $12" : "=r"(status));
    status &= ~0x20000000u; /* CU1 */
    __asm__ volatile("mtc0 %0, $12\n\tehb" ::"r"(status) : "memory");
}

static inline void arch_fpu_forget(struct core *core, void *area)
{
    if (core->fpu_owner != area)
        return;
    core->fpu_owner = NULL;
    mips_fpu_disable();
}

#endif
