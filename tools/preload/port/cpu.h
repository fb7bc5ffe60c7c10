/* SPDX-License-Identifier: MIT */
/* A Linux process as a machine with one core: one thread at a time is in the heap (names.c). */
#ifndef PORT_CPU_H
#define PORT_CPU_H

static inline unsigned arch_core_id(void)
{
    return 0;
}

struct core *arch_core_pointer(void);

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
