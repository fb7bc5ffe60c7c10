/* SPDX-License-Identifier: MIT */
/* Pools of blocks: a list of free ones, the latest freed first. */
#include <weft/console.h>
#include <weft/pool.h>

#include "kernel/assert.h"
#include "kernel/tick.h"
#include "sched/object.h"

#define POOL_MAGIC 0x706f0000u /* "po" */

static inline void check(const struct weft_pool *pool, const char *function)
{
    object_check(pool, POOL_MAGIC, function, "pool");
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
                               .bytes = (uint32_t)(storage_bytes - storage_bytes % block_bytes)};
    wait_queue_init(&pool->waiters);
    for (block = pool->storage + pool->bytes; block > pool->storage;) {
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

void *weft_pool_try_alloc(struct weft_pool *pool)
{
    arch_irq_state state;
    void *block;

    check(pool, "weft_pool_try_alloc");
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

/* The block goes straight to the first waiter. */
static __attribute__((noinline)) void hand_over(struct weft_pool *pool, void *block,
                                                arch_irq_state state)
{
    struct weft_thread *first = wait_queue_first(&pool->waiters);

    *(void **)first->wait_data = block;
    wait_wake_locked(first, 0);
    sched_leave(state);
}

void weft_pool_free(struct weft_pool *pool, void *block)
{
    arch_irq_state state;
    uintptr_t offset;

    if (__builtin_expect(pool == NULL || pool->magic != POOL_MAGIC, 0))
        bad_block(pool, block, "is no block");
    if (pool->block_bytes == 0)
        __builtin_unreachable(); /* the compiler need not look for a division by 0 */
    offset = (uintptr_t)block - (uintptr_t)pool->storage;
    if (__builtin_expect(offset >= pool->bytes || (uint32_t)offset % pool->block_bytes != 0, 0))
        bad_block(pool, block, "is no block");
    state = sched_enter();
    if (WEFT_CONFIG_DEBUG)
        check_not_free_locked(pool, block);
    if (__builtin_expect(!wait_queue_empty(&pool->waiters), 0)) {
        hand_over(pool, block, state);
        return;
    }
    *(void **)block = pool->free;
    pool->free = block;
    sched_exit_unswitched(state);
}

size_t weft_pool_used(const struct weft_pool *pool)
{
    arch_irq_state state;
    size_t used;

    check(pool, "weft_pool_used");
    state = sched_enter();
    used = pool->bytes / pool->block_bytes;
    for (const void *at = pool->free; at != NULL; at = *(void *const *)at)
        used--;
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
