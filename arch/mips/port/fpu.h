/* SPDX-License-Identifier: MIT */
/*
 * Lazy FPU. The unit holds one thread's state, core->fpu_owner's. Status.CU1 is on exactly while
 * that thread runs, and not in a handler that interrupts it; anybody else's first FPU instruction
 * traps (coprocessor unusable), and the trap stores the owner's state, loads the thread's and makes
 * it the owner.
 *
 * The DSP module's accumulators and control word, on CPUs that have it, go along: Status.MX is on
 * exactly when CU1 is, and either unit's first use takes both.
 */
#ifndef PORT_FPU_H
#define PORT_FPU_H

#include "arch/mips/frame.h"
#include "kernel/core.h"

/* 32 doubles (FR = 1; with FR = 0 the first 16 are used), FCSR; then ac1 to ac3 and DSPControl;
 * then whether its thread has ever had the unit. */
#define ARCH_FPU_BYTES 296
#define MIPS_FPU_DSP 264
#define MIPS_FPU_USED 292

#define MIPS_UNITS_ON 0x21000000u /* Status.CU1 and MX; a CPU without DSP ignores MX */

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
        status |= MIPS_UNITS_ON;
    else
        status &= ~MIPS_UNITS_ON;
    __asm__ volatile("mtc0 %0, $12\n\tehb" ::"r"(status) : "memory");
}

static inline void mips_fpu_enable(void)
{
    uint32_t status;

    __asm__ volatile("mfc0 %0, $12" : "=r"(status));
    status |= MIPS_UNITS_ON;
    __asm__ volatile("mtc0 %0, $12\n\tehb" ::"r"(status) : "memory");
}

static inline void mips_fpu_disable(void)
{
    uint32_t status;

    __asm__ volatile("mfc0 %0, $12" : "=r"(status));
    status &= ~MIPS_UNITS_ON;
    __asm__ volatile("mtc0 %0, $12\n\tehb" ::"r"(status) : "memory");
}

/* The trap entry has switched the FPU off, and the frame's Status brings it back. The DSP module is
 * left on but in debug builds: no compiler uses it unasked. */
static inline bool arch_fpu_hide(void)
{
    if (WEFT_CONFIG_DEBUG)
        mips_fpu_disable();
    return false;
}

static inline void arch_fpu_show(bool was_on)
{
    (void)was_on;
}

static inline void arch_fpu_forget(struct core *core, void *area)
{
    if (core->fpu_owner != area)
        return;
    core_fpu_owner_set(core, NULL);
    mips_fpu_disable();
}

/* Most threads never touch the unit. */
static inline bool arch_fpu_is_reset(const void *area)
{
    return __builtin_expect(*(const uint32_t *)((const char *)area + MIPS_FPU_USED) == 0, 1);
}

static inline void arch_fpu_reset(void *area)
{
    if (!arch_fpu_is_reset(area))
        __builtin_memset(area, 0, ARCH_FPU_BYTES);
}

#endif
