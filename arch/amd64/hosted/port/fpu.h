/* SPDX-License-Identifier: MIT */
/*
 * What is a thread's own and neither on its stack nor in a register that a call keeps: the control
 * words of the vector and x87 units, and libc's errno, of which there is one per pthread. They
 * follow at each switch: stored always, loaded when they differ. The registers themselves are on
 * the stack of a preempted thread (interrupt.S).
 */
#ifndef PORT_FPU_H
#define PORT_FPU_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/amd64/hosted/hosted.h"
#include "arch/amd64/x87.h"
#include "kernel/core.h"

struct hosted_area {
    uint32_t used; /* 0: new, everything is at its initial value */
    uint32_t mxcsr;
    uint16_t control;
    int32_t error; /* errno */
};

#define ARCH_FPU_BYTES sizeof(struct hosted_area)

/* Stands for "nobody" after the owner has ended. */
extern struct hosted_area hosted_nobody[WEFT_CONFIG_CORES];

static inline struct hosted_area *hosted_nobody_of(const struct core *core)
{
    return &hosted_nobody[WEFT_CONFIG_CORES == 1 ? 0 : core->id];
}

/* All exceptions masked, round to nearest: what the ABI starts a program with. */
#define HOSTED_MXCSR 0x1f80u
#define HOSTED_CONTROL X87_INITIAL

static inline void arch_fpu_switch(struct core *core, void *next_area)
{
    struct hosted_area *owner = core->fpu_owner, *next = next_area;
    int *error = hosted_cores[WEFT_CONFIG_CORES == 1 ? 0 : core->id].errno_at;

    if (WEFT_CONFIG_CORES == 1 && (next == NULL || next == owner))
        return; /* the idle thread changes none of this */
    if (next == NULL)
        next = hosted_nobody_of(core); /* the owner may go on elsewhere: its words leave now */
    if (__builtin_expect(!next->used, 0))
        *next = (struct hosted_area){1, HOSTED_MXCSR, HOSTED_CONTROL, 0};
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(owner->mxcsr), "=m"(owner->control));
    owner->error = *error;
    *error = next->error;
    if (owner->mxcsr != next->mxcsr)
        __asm__ volatile("ldmxcsr %0" ::"m"(next->mxcsr));
    if (amd64_x87_differs(owner->control, next->control))
        __asm__ volatile("fnclex\n\tfldcw %0" ::"m"(next->control));
    core->fpu_owner = next;
}

/* Handlers run in a signal's, whose frame keeps every register of what it interrupted. */
static inline bool arch_fpu_hide(void)
{
    return false;
}

static inline void arch_fpu_show(bool was_on)
{
    (void)was_on;
}

static inline void arch_fpu_forget(struct core *core, void *area)
{
    if (core->fpu_owner == area)
        core->fpu_owner = hosted_nobody_of(core);
}

static inline bool arch_fpu_is_reset(const void *area)
{
    return !((const struct hosted_area *)area)->used;
}

static inline void arch_fpu_reset(void *area)
{
    ((struct hosted_area *)area)->used = 0;
}

#endif
