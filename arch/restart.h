/* SPDX-License-Identifier: MIT */
/*
 * Arch contract, optional: stacks of words that threads and handlers of the only core may push to
 * and pop from without a lock and with interrupts on.
 *
 * ARCH_RESTARTABLE: the port has them (port/restart.h). They are *restartable sequences*: a few
 * instructions, the last of which, the commit, is a store, and which change no register and no
 * memory that they read before it. A thread or handler that was interrupted before the commit goes
 * back to the first of them: the port's way into an interrupt asks arch_restart_pc. After B. N.
 * Bershad, D. D. Redell, J. R. Ellis, "Fast Mutual Exclusion for Uniprocessors", ASPLOS 1992.
 *
 * Functions that have one inlined are ARCH_RESTARTS: they are in sections .restart.*, which the
 * linker puts together between __restart_start (MIPS: __atomic64_start) and __restart_end, so that
 * one comparison tells an interrupt that it has nothing to do. The sections .restart_table.* have
 * the addresses of each sequence's first instruction and commit. Each sequence's entry has a
 * section of its own, and the code refers to it by a relocation that changes nothing, so that the
 * linker takes both or neither. Boot calls arch_restart_init.
 */
#ifndef ARCH_RESTART_H
#define ARCH_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/config.h>
#include <weft/console.h>

#if WEFT_CONFIG_CORES == 1 && __has_include("port/restart.h")
#include "port/restart.h"
#define ARCH_RESTARTABLE 1
#define ARCH_RESTARTS(name) __attribute__((section(".restart." #name), noinline, noclone))
#else
#define ARCH_RESTARTABLE 0
#define ARCH_RESTARTS(name)

/* *top is one past the last word of a stack that has a 0 below its first. 0: empty. */
static inline uintptr_t arch_stack_pop(uintptr_t **top)
{
    (void)top;
    return 0;
}

/* Pushes unless *top == *limit; the word there is scratch. False: full. */
static inline bool arch_stack_push(uintptr_t **top, uintptr_t *const *limit, uintptr_t word)
{
    (void)top;
    (void)limit;
    (void)word;
    return false;
}

/* `word`, or 0 unless `keep_if` is not 0. */
static inline uintptr_t arch_clear_unless(uintptr_t word, uintptr_t keep_if)
{
    return keep_if ? word : 0;
}
#endif

/*
 * ARCH_RESTARTABLE_WORDS: the port has such sequences also for words and lists, where it has no
 * instruction that does the same. Functions that have one inlined are ARCH_RESTARTS_WORDS.
 */
#if ARCH_RESTARTABLE && defined(ARCH_RESTARTABLE_WORDS)
#define ARCH_RESTARTS_WORDS ARCH_RESTARTS
#else
#undef ARCH_RESTARTABLE_WORDS
#define ARCH_RESTARTABLE_WORDS 0
#define ARCH_RESTARTS_WORDS(name)

/* Never called: `if (ARCH_RESTARTABLE_WORDS)` is before each. */
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

struct arch_restart {
    uintptr_t first, commit;
};
extern const struct arch_restart __restart_table[], __restart_table_end[];

/* Where the interrupted code, which is in a function ARCH_RESTARTS, goes on. */
static inline uintptr_t arch_restart_pc(uintptr_t pc)
{
    for (const struct arch_restart *each = __restart_table; each < __restart_table_end; each++)
        if (pc - each->first <= each->commit - each->first)
            return each->first;
    return pc;
}

/* Every sequence is where interrupts look for it. Boot. */
static inline void arch_restart_init(const char *start, const char *end)
{
    for (const struct arch_restart *each = __restart_table; each < __restart_table_end; each++)
        if (each->first < (uintptr_t)start || each->commit >= (uintptr_t)end)
            weft_panic("a restartable sequence at %p is not in a section .restart.*: declare its "
                       "function PRIM_RESTARTS",
                       (void *)each->first);
}

#endif
