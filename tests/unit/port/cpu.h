/* SPDX-License-Identifier: MIT */
/* The host, as a port for unit tests: one thread, cores by a variable that the test sets. Or, with
 * FAKE_LOCAL=__thread, a thread of the host's for each core. */
#ifndef PORT_CPU_H
#define PORT_CPU_H

#ifndef FAKE_LOCAL
#define FAKE_LOCAL
#endif

extern FAKE_LOCAL unsigned fake_core_id;

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

static inline void arch_current_set(struct weft_thread *thread)
{
    (void)thread;
}

static inline struct weft_thread *arch_current(void)
{
    return NULL;
}

void fake_lock_take(uintptr_t *word, uintptr_t owner);

#define ARCH_LOCK_TAKE
static inline void arch_lock_take(uintptr_t *word, uintptr_t owner)
{
    fake_lock_take(word, owner);
}

static inline void arch_cpu_relax(void)
{
    __builtin_ia32_pause();
}

#endif
