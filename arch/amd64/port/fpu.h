/* SPDX-License-Identifier: MIT */
/*
 * Vector and x87 state: arch/amd64/fpu.c has the essay. A thread's area holds its control words and
 * whether it has ever used the unit; the registers themselves are on its stack while it is
 * preempted.
 */
#ifndef PORT_FPU_H
#define PORT_FPU_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/amd64/amd64.h"
#include "arch/amd64/x87.h"
#include "kernel/core.h"

struct amd64_fpu {
    uint32_t
        used; /* the thread has touched the unit: from then on it is never switched off for it */
    uint32_t mxcsr;   /* valid while the unit holds another thread's */
    uint16_t control; /* x87 control word, likewise */
};

#define ARCH_FPU_BYTES sizeof(struct amd64_fpu)

/* CR0.TS, mirrored: the next vector instruction on that core raises #NM. */
extern bool amd64_fpu_off[WEFT_CONFIG_CORES];

/* Stands for "nobody" after the owner has ended. */
extern struct amd64_fpu amd64_fpu_nobody[WEFT_CONFIG_CORES];

static inline void amd64_fpu_turn_off(const struct core *core)
{
    amd64_write_cr0(amd64_read_cr0() | CR0_TS);
    amd64_fpu_off[WEFT_CONFIG_CORES == 1 ? 0 : core->id] = true;
}

static inline void amd64_fpu_turn_on(const struct core *core)
{
    __asm__ volatile("clts" ::: "memory");
    amd64_fpu_off[WEFT_CONFIG_CORES == 1 ? 0 : core->id] = false;
}

static inline bool amd64_fpu_is_on(void)
{
    return (amd64_read_cr0() & CR0_TS) == 0;
}

/* The unit's control words become those of `next`. */
static inline void amd64_fpu_adopt(struct core *core, struct amd64_fpu *next)
{
    struct amd64_fpu *owner = core->fpu_owner;

    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(owner->mxcsr), "=m"(owner->control));
    if (owner->mxcsr != next->mxcsr)
        __asm__ volatile("ldmxcsr %0" ::"m"(next->mxcsr));
    if (amd64_x87_differs(owner->control, next->control))
        __asm__ volatile("fnclex\n\tfldcw %0" ::"m"(next->control));
    core->fpu_owner = next;
}

static inline struct amd64_fpu *amd64_fpu_nobody_of(const struct core *core)
{
    return &amd64_fpu_nobody[WEFT_CONFIG_CORES == 1 ? 0 : core->id];
}

/* With more than one core the owner may run elsewhere next: its control words are put away at
 * once, and nobody owns the unit until a user runs. */
static inline void amd64_fpu_put_away(struct core *core)
{
    struct amd64_fpu *owner = core->fpu_owner;

    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(owner->mxcsr), "=m"(owner->control));
    core->fpu_owner = amd64_fpu_nobody_of(core);
}

static inline void arch_fpu_switch(struct core *core, void *next_area)
{
    struct amd64_fpu *next = next_area;
    bool off = amd64_fpu_off[WEFT_CONFIG_CORES == 1 ? 0 : core->id];

    if (WEFT_CONFIG_CORES > 1 && !off)
        amd64_fpu_put_away(core);

    if (next == NULL)
        return; /* the idle thread is weft's own code, which has no vector instruction */
    if (__builtin_expect(!next->used, 0)) {
        if (!off)
            amd64_fpu_turn_off(core);
        return;
    }
    if (__builtin_expect(off, 0))
        amd64_fpu_turn_on(core);
    if (core->fpu_owner != next)
        amd64_fpu_adopt(core, next);
}

static inline bool arch_fpu_hide(void)
{
    bool was_on = amd64_fpu_is_on();

    amd64_write_cr0(amd64_read_cr0() | CR0_TS);
    return was_on;
}

static inline void arch_fpu_show(bool was_on)
{
    if (was_on)
        __asm__ volatile("clts" ::: "memory");
}

static inline void arch_fpu_forget(struct core *core, void *area)
{
    /* Not NULL: the switch to the next thread has to look at that thread's area. */
    if (core->fpu_owner == area)
        core->fpu_owner = amd64_fpu_nobody_of(core);
}

static inline bool arch_fpu_is_reset(const void *area)
{
    return !((const struct amd64_fpu *)area)->used;
}

static inline void arch_fpu_reset(void *area)
{
    ((struct amd64_fpu *)area)->used = 0; /* the rest is valid only when it is set */
}

#endif
