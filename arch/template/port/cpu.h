/* SPDX-License-Identifier: MIT */
#ifndef PORT_CPU_H
#define PORT_CPU_H

/* With one core the compiler must see the constant. */
static inline unsigned arch_core_id(void)
{
    return 0;
}

/* A register that no compiled code uses and that is each core's own. */
static inline struct core *arch_core_pointer(void)
{
    return NULL;
}

/* Another such register, or a word that one instruction reads relative to the first. */
static inline void arch_current_set(struct weft_thread *thread)
{
    (void)thread;
}

static inline struct weft_thread *arch_current(void)
{
    return NULL;
}

/* The CPU's hint for a spin loop, or nothing. */
static inline void arch_cpu_relax(void)
{
}

#endif
