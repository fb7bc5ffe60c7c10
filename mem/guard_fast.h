/* SPDX-License-Identifier: MIT */
/*
 * The full tier's usual allocation and free, of a small object: they are part of malloc and free
 * themselves, and all that is not usual leaves by a call at the end, so that little has to be
 * saved.
 */
#ifndef MEM_GUARD_FAST_H
#define MEM_GUARD_FAST_H

#include "mem/account.h"
#include "mem/fast.h"
#include "mem/quarantine.h"

/* mem/guard.c: allocations and frees that are not the usual ones, and reports. */
void *guard_alloc_slow(enum weft_memory memory, size_t alignment, size_t size, uintptr_t site);
void guard_free_slow(uintptr_t block, uintptr_t site);
void guard_free_overwritten(uintptr_t block);

/* Who allocates, and on which account. */
void guard_own(struct guard *made);

static inline void guard_dressing_begin(void)
{
    __atomic_fetch_add(&guard_dressing, 1, __ATOMIC_ACQUIRE);
}

static inline void guard_dressing_end(void)
{
    __atomic_fetch_sub(&guard_dressing, 1, __ATOMIC_RELEASE);
}

/* Up to here there are few words between a block's end and its record. */
#define GUARD_FEW_MAX TABLE_MAX

/* Everything but whole words of junk. With one core: interrupts off. */
static inline __attribute__((always_inline)) void guard_record(uintptr_t block, size_t usable,
                                                               struct guard made, bool few)
{
    struct guard *guard = guard_of(block, usable);
    guard_word *edge = guard_edge(block, made.bytes);

    made.check = guard_sum(block, &made);
    *edge = guard_mix(GUARD_NEW, GUARD_CANARY, made.bytes);
    few ? guard_fill_few(edge + 1, (guard_word *)guard, GUARD_CANARY)
        : guard_fill(edge + 1, (guard_word *)guard, GUARD_CANARY);
    *guard = made;
}

/* One core: the object, if the account is the thread's own; interrupts off. */
static inline __attribute__((always_inline)) void *guard_fast_take_irqoff(const struct guard *made,
                                                                          unsigned class)
{
    void *block;

    if (WEFT_CONFIG_HEAP_THREADS && !account_is_own(made->account, made->owner))
        return NULL;
    block = fast_pop_irqoff(class);
    if (WEFT_CONFIG_HEAP_THREADS && __builtin_expect(block != NULL, 1))
        account_add_locked(made->account, made->bytes);
    return block;
}

/* Several cores: while this is counted (guard_dressing) nobody looks at the block. */
static inline void *guard_fast_take_shared(struct guard *made, unsigned class)
{
    void *block = fast_pop(class);

    if (block)
        guard_own(made);
    return block;
}

/* NULL: not the usual case. While somebody watches, the class is 0. */
static inline __attribute__((always_inline)) void *guard_fast_malloc(size_t size, uintptr_t site)
{
    struct guard made = {.bytes = size, .allocated_at = site};
    arch_irq_state state = 0;
    unsigned class;
    void *block;

    if (__builtin_expect(size > TABLE_MAX - GUARD_BYTES, 0))
        return NULL;
    if (WEFT_CONFIG_CORES == 1) {
        made.owner = upcall_thread_number();
        made.account = account_guess(made.owner);
    }
    class = fast_heap()->class_of[(size + GUARD_BYTES + 7) / 8];
    if (WEFT_CONFIG_CORES == 1) {
        state = arch_irq_save();
        block = guard_fast_take_irqoff(&made, class);
    } else {
        guard_dressing_begin();
        block = guard_fast_take_shared(&made, class);
    }
    if (__builtin_expect(block != NULL, 1))
        guard_record((uintptr_t)block, heap.class[class].size, made, true);
    if (WEFT_CONFIG_CORES == 1)
        arch_irq_restore(state);
    else
        guard_dressing_end();
    if (__builtin_expect(block != NULL, 1))
        guard_junk_fill((uintptr_t)block, size, GUARD_NEW);
    return block;
}

/* The end of a block that goes into quarantine; the words before it are junk by now. */
static inline __attribute__((always_inline)) void guard_end_freed(uintptr_t block,
                                                                  struct guard *guard,
                                                                  uintptr_t site, bool few)
{
    guard_word *edge = guard_edge(block, guard->bytes), *end = (guard_word *)guard;

    few ? guard_fill_few(edge, end, GUARD_FREED) : guard_fill(edge, end, GUARD_FREED);
    guard->freed_at = site | 1; /* never 0 */
    guard->check ^= guard->freed_at;
}

/* Who looks at all blocks finds the block's end live, or freed, and nothing between. */
static inline __attribute__((always_inline)) struct kept guard_fast_quarantine(struct kept kept,
                                                                               uintptr_t site)
{
    struct guard *guard = guard_of(kept.block, kept.usable);
    arch_irq_state state = arch_irq_save();

    if (WEFT_CONFIG_HEAP_THREADS)
        account_credit_locked(guard->account, guard->bytes);
    guard_end_freed(kept.block, guard, site, true);
    kept = quarantine_swap_locked(kept);
    arch_irq_restore(state);
    return kept;
}

/* May the object be freed, with so many usable bytes? */
static inline __attribute__((always_inline)) bool guard_fast_may_free(struct kept kept)
{
    const struct guard *guard = guard_of(kept.block, kept.usable);

    return kept.usable <= GUARD_FEW_MAX && guard_is_live(kept.block, guard) &&
           guard_canary_is_whole(kept.block, guard, true);
}

/* Into the cache. False: it is not of the window, or the cache has no room. */
static inline __attribute__((always_inline)) bool guard_fast_push(uintptr_t block)
{
    const struct heap *of = fast_heap();
    uintptr_t offset = block - of->window_base;
    int class = offset < of->window_bytes ? of->window_kinds[offset >> of->page_shift] : 0;

    return class > 0 && fast_push((unsigned)class, (uintptr_t *)block);
}

static inline __attribute__((always_inline)) void guard_fast_free(void *pointer, uintptr_t site)
{
    int class = WEFT_CONFIG_CORES == 1 ? fast_live_class(pointer) : 0;
    struct kept kept = {(uintptr_t)pointer, class > 0 ? heap.class[class].size : 0};

    if (__builtin_expect(class <= 0 || !guard_fast_may_free(kept), 0))
        return guard_free_slow(kept.block, site);
    guard_junk_fill(kept.block, guard_of(kept.block, kept.usable)->bytes, GUARD_FREED);
    kept = guard_fast_quarantine(kept, site);
    if (__builtin_expect(!kept.block || quarantine.bytes > quarantine.most, 0))
        return quarantine_release(kept.block, kept.usable);
    if (__builtin_expect(!quarantine_is_untouched(kept.block, kept.usable), 0))
        return guard_free_overwritten(kept.block);
    if (__builtin_expect(!guard_fast_push(kept.block), 0))
        heap_free_slow((void *)kept.block);
}

#endif
