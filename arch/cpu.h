/* SPDX-License-Identifier: MIT */
/* Arch contract: the core itself. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>

struct core;
struct weft_thread;

/* This core's number, 0 .. WEFT_CONFIG_CORES - 1. Constant when there is one core. */
static inline unsigned arch_core_id(void);

/* This core's struct core. Used by builds for more than one core only; a volatile read, since a
 * thread may be on another core after any switch. */
static inline struct core *arch_core_pointer(void);

/* The running thread, kept by this core where one instruction finds it, so that a thread may ask
 * with interrupts on. The switch sets it. Used by builds for more than one core only. */
static inline void arch_current_set(struct weft_thread *thread);
static inline struct weft_thread *arch_current(void);

/* A hint in a spin loop. */
static inline void arch_cpu_relax(void);

/* Waits for an interrupt. Called with interrupts off, returns with them on. An interrupt that comes
 * at any point after they are on ends the wait: none is slept through (see arch_cpu_idle_resume).
 */
void arch_cpu_idle_irqoff(void);

/* Stops this core for good. */
_Noreturn void arch_cpu_halt(void);

/* What the CPU lacks for this build, as a sentence, or NULL. Called before anything else works. */
const char *arch_cpu_missing(void);

/* ARCH_NEAR is an attribute, in declarations, of variables that the shortest paths look at, and
 * ARCH_NEAR_DATA of those with initial values: a port that reaches part of its memory with less
 * code than the rest defines them. */

/* Replaces *word by `desired` if it is `expected`, and says so: atomic against this core's
 * interrupts only. A compiler barrier. A port that beats the compiler's code has its own, and
 * defines ARCH_SWAP_32. */
static inline bool arch_swap_32(uint32_t *word, uint32_t expected, uint32_t desired);

/* The same for a word as wide as a pointer: ARCH_SWAP_WORD. */
static inline bool arch_swap_word(uintptr_t *word, uintptr_t expected, uintptr_t desired);

/* Waits until *word is 0, and makes it `owner`; what follows is not done before. Used by builds for
 * more than one core only. A port that beats the compiler's code defines ARCH_LOCK_TAKE. */
static inline void arch_lock_take(uintptr_t *word, uintptr_t owner);

#include "port/cpu.h"

#ifndef ARCH_LOCK_TAKE
static inline void arch_lock_take(uintptr_t *word, uintptr_t owner)
{
    uintptr_t nobody = 0;

    while (__builtin_expect(!__atomic_compare_exchange_n(word, &nobody, owner, false,
                                                         __ATOMIC_ACQUIRE, __ATOMIC_RELAXED),
                            0)) {
        while (__atomic_load_n(word, __ATOMIC_RELAXED) != 0)
            arch_cpu_relax();
        nobody = 0;
    }
}
#endif

#ifndef ARCH_NEAR
#define ARCH_NEAR
#define ARCH_NEAR_DATA
#endif

#ifndef ARCH_SWAP_32
static inline bool arch_swap_32(uint32_t *word, uint32_t expected, uint32_t desired)
{
    bool swapped;

    __asm__ volatile("" ::: "memory");
    swapped = __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED);
    __asm__ volatile("" ::: "memory");
    return swapped;
}
#endif

#ifndef ARCH_SWAP_WORD
static inline __attribute__((always_inline)) bool arch_swap_word(uintptr_t *word,
                                                                 uintptr_t expected,
                                                                 uintptr_t desired)
{
    if (sizeof *word == sizeof(uint32_t))
        return arch_swap_32((uint32_t *)word, (uint32_t)expected, (uint32_t)desired);
    return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}
#endif

#endif
