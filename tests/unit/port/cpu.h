/* SPDX-License-Identifier: MIT */
/* The host, as a port for unit tests: one thread, cores by a variable that the test sets. */
#ifndef PORT_CPU_H
#define PORT_CPU_H

extern unsigned fake_core_id;

static inline unsigned arch_core_id(void)
{
    return fake_core_id;
}

/* The array of struct core is complete only later. */
struct core *fake_core_pointer(void);

static inline struct core *arch_core_pointer(void)
{
    return fake_core_pointer();
}

static inline void arch_cpu_relax(void)
{
}

#endif
