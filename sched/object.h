/* SPDX-License-Identifier: MIT */
/*
 * What all blocking objects share: the checks at their doors, and the word operations of their fast
 * paths.
 *
 * Every object begins with a 32-bit magic word (where speed counts, one whose lower half is 0: one
 * instruction less on MIPS). A function looks at it first and panics with its
 * own name, the address and the noun unless the object is initialised; destroying an object leaves
 * OBJECT_DESTROYED there, so that later use is told apart from memory that never was an object.
 * A function that may block looks also whether this is an interrupt handler, whether or not it
 * would have to wait this time.
 */
#ifndef SCHED_OBJECT_H
#define SCHED_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/config.h>

#include "kernel/core.h"
#include "sched/sched.h"

#define OBJECT_DESTROYED 0x64656164u /* "dead" */

/* Say what is wrong with the object, or the context, and panic. */
_Noreturn void object_bad(const void *object, const char *function, const char *noun);
_Noreturn void object_in_interrupt(const char *function);

static inline void object_check(const void *object, uint32_t magic, const char *function,
                                const char *noun)
{
    if (__builtin_expect(object == NULL || *(const uint32_t *)object != magic, 0))
        object_bad(object, function, noun);
}

/* The same for a function that may block. */
static inline void object_check_blocking(const void *object, uint32_t magic, const char *function,
                                         const char *noun)
{
    object_check(object, magic, function, noun);
    if (__builtin_expect(core_in_interrupt(), 0))
        object_in_interrupt(function);
}

/* Replaces `expected` by `desired`. With one core only an interrupt can come between, which a plain
 * ll/sc pair notices; with more the caller sees (or shows) all that happened before. */
static inline bool object_swap(uint32_t *word, uint32_t expected, uint32_t desired)
{
    if (WEFT_CONFIG_CORES == 1)
        return arch_swap_32(word, expected, desired);
    return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* The same where the caller only sees, or only shows. */
static inline bool object_swap_acquire(uint32_t *word, uint32_t expected, uint32_t desired)
{
    if (WEFT_CONFIG_CORES == 1)
        return arch_swap_32(word, expected, desired);
    return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static inline bool object_swap_release(uint32_t *word, uint32_t expected, uint32_t desired)
{
    if (WEFT_CONFIG_CORES == 1)
        return arch_swap_32(word, expected, desired);
    return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_RELEASE,
                                       __ATOMIC_RELAXED);
}

/* The same under the scheduler's lock: with one core nothing comes between. */
static inline bool object_swap_locked(uint32_t *word, uint32_t expected, uint32_t desired)
{
    if (WEFT_CONFIG_CORES > 1)
        return object_swap(word, expected, desired);
    if (__atomic_load_n(word, __ATOMIC_RELAXED) != expected)
        return false;
    __atomic_store_n(word, desired, __ATOMIC_RELAXED);
    return true;
}

/* What was done before is seen by whoever sees the new value; with one core that is so anyway. */
static inline void object_store(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, WEFT_CONFIG_CORES == 1 ? __ATOMIC_RELAXED : __ATOMIC_RELEASE);
}

static inline uint32_t object_load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

#endif
