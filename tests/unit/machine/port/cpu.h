/* SPDX-License-Identifier: MIT */
#ifndef PORT_CPU_H
#define PORT_CPU_H

/* One core. */
static inline unsigned arch_core_id(void)
{
    return 0;
}

static inline struct core *arch_core_pointer(void)
{
    return NULL;
}

static inline void arch_current_set(struct weft_thread *thread)
{
    (void)thread;
}

static inline struct weft_thread *arch_current(void)
{
    return NULL;
}

static inline void arch_cpu_relax(void)
{
}

#endif
