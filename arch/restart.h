/* SPDX-License-Identifier: MIT */
/*
 * Arch contract: restartable sequences, after B. N. Bershad, D. D. Redell, J. R. Ellis, "Fast
 * Mutual Exclusion for Uniprocessors", ASPLOS 1992: a few instructions, of which the last one, a
 * store, is the only one that others see. An interrupt that lands inside, before that store, starts
 * them again; so with one core they need neither interrupts off nor an atomic exchange, in threads
 * and handlers alike. ARCH_RESTARTABLE: the port has them, in a build for one core. A function that
 * has one inlined must be ARCH_RESTARTS(its name).
 */
#ifndef ARCH_RESTART_H
#define ARCH_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>

#if defined(__mips__) && WEFT_CONFIG_CORES == 1
#define ARCH_RESTARTABLE 1
#include "port/restart.h"
#else
#define ARCH_RESTARTABLE 0
#define ARCH_RESTARTS(name)

/* Never called: `if (ARCH_RESTARTABLE)` is before each. */
static inline bool arch_restart_swap(uint32_t *word, uint32_t expected, uint32_t desired)
{
    (void)word, (void)expected, (void)desired;
    return false;
}

/* *count less 1, unless as a signed number it is not above 0. */
static inline bool arch_restart_take(uint32_t *count)
{
    (void)count;
    return false;
}

/* *count and 1, if it is below `limit`. */
static inline bool arch_restart_put(uint32_t *count, uint32_t limit)
{
    (void)count, (void)limit;
    return false;
}

/* The first of a list whose members begin with the next one's address; NULL: it is empty. */
static inline void *arch_restart_pop(void **list)
{
    (void)list;
    return NULL;
}

/* `member` becomes the first of the list, if `number` is below *limit. */
static inline bool arch_restart_push(void **list, void *member, uint32_t number,
                                     const uint32_t *limit)
{
    (void)list, (void)member, (void)number, (void)limit;
    return false;
}
#endif

#endif
