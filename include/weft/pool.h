/* SPDX-License-Identifier: MIT */
/* Pool of blocks of one size, cut from the caller's memory: allocation and freeing in constant
 * time, also in interrupt handlers; threads may wait for a block. */
#ifndef WEFT_POOL_H
#define WEFT_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>
#include <weft/wait.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fields are private. Lifetime: the caller's; it must not move while in use. */
struct weft_pool {
    uint32_t magic;
    uint32_t block_bytes;
    void *free; /* blocks, each pointing to the next */
    struct weft_wait_queue waiters;
    unsigned char *storage;
    uint32_t blocks;         /* storage is cut into so many */
    uint32_t open;           /* the same, or 0: somebody may wait */
    uint32_t inverse, shift; /* what tells a block's number from its address */
};

/* Cuts `storage_bytes` bytes into blocks of `block_bytes`, rounded up to a multiple of a pointer's
 * size; what is left over is not used. `storage` is aligned for a pointer and stays the caller's.
 * Errors: WEFT_EINVAL (NULL, not aligned, a size of 0, no room for a block, 2 GiB or more).
 * Context: any. Cost: per block. */
WEFT_MUST_CHECK int weft_pool_init(struct weft_pool *pool, void *storage, size_t storage_bytes,
                                   size_t block_bytes);

/* A block, its contents undefined; NULL when there is none. Does not wait. Context: any. */
WEFT_MUST_CHECK void *weft_pool_try_alloc(struct weft_pool *pool);

/* The same, waiting until one is freed: *block. Errors: WEFT_EINVAL (`block` is NULL), WEFT_ECLOSED
 * (destroyed while waiting). Context: thread; panics in an interrupt handler. Blocks. */
WEFT_MUST_CHECK int weft_pool_alloc(struct weft_pool *pool, void **block);

/* The same until weft_time_ns() reaches `deadline_ns`. Errors also: WEFT_ETIMEDOUT. */
WEFT_MUST_CHECK int weft_pool_alloc_until(struct weft_pool *pool, void **block,
                                          uint64_t deadline_ns);

/* Gives a block back, or to the first waiter. Panics on what is no block of this pool; a debug
 * build also on a block that is free. Context: any. */
void weft_pool_free(struct weft_pool *pool, void *block);

/* Blocks handed out now. Panics when the list of free ones has no end, because a block was freed
 * twice. Cost: per free block. Context: any. */
size_t weft_pool_used(const struct weft_pool *pool);

/* Ends the object: waiters get WEFT_ECLOSED, later use panics. Context: thread. */
void weft_pool_destroy(struct weft_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
