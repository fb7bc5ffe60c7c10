/* SPDX-License-Identifier: MIT */
/*
 * Pools of blocks: a list of free ones, the latest freed first.
 *
 * Whether an address is a block's is told by an exact division: with block_bytes = odd * 2^shift
 * and odd * inverse = 1 modulo 2^32, offset * inverse, rotated right by shift, is the block's
 * number for a multiple of block_bytes, and larger than any number for the others (T. Granlund, P.
 * Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994, section 9). `open`
 * is the number of blocks, or 0 once somebody has had to wait: one comparison then tells that
 * freeing is nothing more than putting the block into the list.
 */
#include <weft/console.h>
#include <weft/pool.h>

#include "arch/restart.h"
#include "kernel/assert.h"
#include "kernel/tick.h"
#include "sched/object.h"

#define POOL_MAGIC 0x706f0000u /* "po" */

static inline void check(const struct weft_pool *pool, const char *function)
{
    object_check(pool, POOL_MAGIC, function, "pool");
}

/* Newton's iteration: an inverse of 5 bits is right (x = 3 * odd xor 2), each step doubles them. */
static uint32_t inverse_of(uint32_t odd)
{
    uint32_t inverse = (3 * odd) ^ 2;

    for (unsigned bits = 5; bits < 32; bits *= 2)
        inverse *= 2 - odd * inverse;
    return inverse;
}

/* Below pool->blocks exactly when it is one of them. */
static inline uint32_t number_of(const struct weft_pool *pool, const void *block)
{
    uintptr_t offset = (uintptr_t)block - (uintptr_t)pool->storage;
    uint32_t number = (uint32_t)offset * pool->inverse;

    number = number >> (pool->shift & 31) | number << (-pool->shift & 31);
    return (uint32_t)offset == offset ? number : UINT32_MAX;
}

int weft_pool_init(struct weft_pool *pool, void *storage, size_t storage_bytes, size_t block_bytes)
{
    unsigned char *block;

    if (pool == NULL || storage == NULL || (uintptr_t)storage % sizeof(void *) != 0 ||
        block_bytes == 0 || block_bytes > storage_bytes || storage_bytes > INT32_MAX)
        return WEFT_EINVAL;
    block_bytes = (block_bytes + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    if (block_bytes > storage_bytes)
        return WEFT_EINVAL;
    *pool = (struct weft_pool){.magic = POOL_MAGIC,
                               .block_bytes = (uint32_t)block_bytes,
                               .storage = storage,
                               .blocks = (uint32_t)(storage_bytes / block_bytes),
                               .shift = (uint32_t)__builtin_ctzl(block_bytes)};
    pool->open = pool->blocks;
    pool->inverse = inverse_of((uint32_t)block_bytes >> pool->shift);
    wait_queue_init(&pool->waiters);
    for (block = pool->storage + pool->blocks * block_bytes; block > pool->storage;) {
        block -= block_bytes;
        *(void **)block = pool->free;
        pool->free = block;
    }
    return 0;
}

static inline void *take_locked(struct weft_pool *pool)
{
    void *block = pool->free;

    if (__builtin_expect(block != NULL, 1))
        pool->free = *(void **)block;
    return block;
}

ARCH_RESTARTS_WORDS(weft_pool_try_alloc) void *weft_pool_try_alloc(struct weft_pool *pool)
{
    arch_irq_state state;
    void *block;

    check(pool, "weft_pool_try_alloc");
    if (ARCH_RESTARTABLE_WORDS)
        return arch_restart_pop(&pool->free);
    state = sched_enter();
    block = take_locked(pool);
    sched_exit_unswitched(state);
    return block;
}

static int alloc_until_cycles(struct weft_pool *pool, void **block, uint64_t deadline,
                              const char *function)
{
    arch_irq_state state;
    int result = 0;

    object_check_blocking(pool, POOL_MAGIC, function, "pool");
    if (block == NULL)
        return WEFT_EINVAL;
    state = sched_enter();
    *block = take_locked(pool);
    if (*block == NULL) {
        sched_assert_may_block_irqoff(function);
        pool->open = 0;
        thread_current()->wait_data = block;
        result = wait_locked(&pool->waiters, WAIT_POOL, pool, deadline);
    }
    sched_exit(state);
    return result;
}

int weft_pool_alloc(struct weft_pool *pool, void **block)
{
    return alloc_until_cycles(pool, block, UINT64_MAX, "weft_pool_alloc");
}

int weft_pool_alloc_until(struct weft_pool *pool, void **block, uint64_t deadline_ns)
{
    return alloc_until_cycles(pool, block, tick_ns_to_cycles(deadline_ns), "weft_pool_alloc_until");
}

static _Noreturn __attribute__((noinline)) void bad_block(const struct weft_pool *pool,
                                                          const void *block, const char *why)
{
    check(pool, "weft_pool_free");
    weft_panic("weft_pool_free: %p %s of pool %p", block, why, (const void *)pool);
}

static void check_not_free_locked(const struct weft_pool *pool, const void *block)
{
    for (const void *at = pool->free; at != NULL; at = *(void *const *)at)
        if (at == block)
            bad_block(pool, block, "is a free block already");
}

static inline void put_locked(struct weft_pool *pool, void *block)
{
    *(void **)block = pool->free;
    pool->free = block;
}

/* Somebody may wait, and gets the block then; or it is none. */
static __attribute__((noinline)) void free_slowly_locked(struct weft_pool *pool, void *block,
                                                         uint32_t number, arch_irq_state state)
{
    struct weft_thread *first = wait_queue_first(&pool->waiters);

    if (number >= pool->blocks)
        bad_block(pool, block, "is no block");
    if (first != NULL) {
        *(void **)first->wait_data = block;
        wait_wake_locked(first, 0);
    } else {
        pool->open = pool->blocks;
        put_locked(pool, block);
    }
    sched_leave(state);
}

static __attribute__((noinline)) void free_slowly(struct weft_pool *pool, void *block,
                                                  uint32_t number)
{
    free_slowly_locked(pool, block, number, sched_enter());
}

ARCH_RESTARTS_WORDS(weft_pool_free) void weft_pool_free(struct weft_pool *pool, void *block)
{
    arch_irq_state state;
    uint32_t number;

    if (__builtin_expect(pool == NULL || pool->magic != POOL_MAGIC, 0))
        bad_block(pool, block, "is no block");
    number = number_of(pool, block);
    if (ARCH_RESTARTABLE_WORDS && !WEFT_CONFIG_DEBUG) {
        if (__builtin_expect(!arch_restart_push(&pool->free, block, number, &pool->open), 0))
            free_slowly(pool, block, number);
        return;
    }
    state = sched_enter();
    if (WEFT_CONFIG_DEBUG)
        check_not_free_locked(pool, block);
    if (__builtin_expect(number >= pool->open, 0)) {
        free_slowly_locked(pool, block, number, state);
        return;
    }
    put_locked(pool, block);
    sched_exit_unswitched(state);
}

size_t weft_pool_used(const struct weft_pool *pool)
{
    arch_irq_state state;
    size_t used;

    check(pool, "weft_pool_used");
    state = sched_enter();
    used = pool->blocks;
    for (const void *at = pool->free; at != NULL; at = *(void *const *)at)
        if (used-- == 0)
            weft_panic("weft_pool_used: more blocks are free in pool %p than it has: one was freed "
                       "twice (a debug build says which)",
                       (const void *)pool);
    sched_exit(state);
    return used;
}

void weft_pool_destroy(struct weft_pool *pool)
{
    arch_irq_state state;

    object_check_blocking(pool, POOL_MAGIC, "weft_pool_destroy", "pool");
    state = sched_enter();
    pool->magic = OBJECT_DESTROYED;
    wait_wake_all_locked(&pool->waiters, WEFT_ECLOSED);
    sched_leave(state);
}
