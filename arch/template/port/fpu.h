/* SPDX-License-Identifier: MIT */
#ifndef PORT_FPU_H
#define PORT_FPU_H

#define ARCH_FPU_BYTES 0 /* no floating-point state, or kept elsewhere */

/* Make the unit trap unless it holds next_area's state. */
static inline void arch_fpu_switch(struct core *core, void *next_area)
{
    (void)core;
    (void)next_area;
}

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
    (void)core;
    (void)area;
}

static inline bool arch_fpu_is_reset(const void *area)
{
    (void)area;
    return true;
}

static inline void arch_fpu_reset(void *area)
{
    (void)area;
}

#endif
