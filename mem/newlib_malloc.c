/* SPDX-License-Identifier: MIT */
/*
 * newlib's names for the heap: the only allocation API there is. All of newlib's own malloc objects
 * are replaced, so none of them is linked and nobody asks _sbrk for memory.
 */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>

#include "mem/fast.h"
#include "mem/tier.h"

#define CALLER ((uintptr_t)__builtin_return_address(0))

static void *malloc_slow_r(struct _reent *reent, size_t size)
{
    void *block = heap_malloc_slow(size);

    if (!block)
        reent->_errno = ENOMEM;
    return block;
}

/* Asks for the thread's reent, which may have to be allocated, only when there is something to
 * say. */
static __attribute__((noinline)) void *malloc_failed(void)
{
    _REENT->_errno = ENOMEM;
    return NULL;
}

static PRIM_RESTARTS(malloc_slow) __attribute__((noinline)) void *malloc_slow(size_t size)
{
    void *block = WEFT_CONFIG_HEAP_DETERMINISTIC ? NULL : fast_malloc_medium(size);

    if (block)
        return block;
    block = heap_malloc_slow(size);
    return block ? block : malloc_failed();
}

/* A tier's answer, as malloc's. */
static void *guarded(struct _reent *reent, void *block)
{
    if (!block)
        (reent ? reent : _REENT)->_errno = ENOMEM;
    return block;
}

static __attribute__((noinline)) void *malloc_dressed(size_t size, uintptr_t site)
{
    return guarded(NULL, tier_alloc(WEFT_MEMORY_NORMAL, GRANULE, size, site));
}

PRIM_RESTARTS(malloc) void *malloc(size_t size)
{
    void *block;

    if (TIER_DRESSED) {
        block = tier_fast_malloc(size, CALLER);
        return __builtin_expect(block != NULL, 1) ? block : malloc_dressed(size, CALLER);
    }
    block = fast_malloc(size);
    return __builtin_expect(block != NULL, 1) ? block : malloc_slow(size);
}

PRIM_RESTARTS(_malloc_r) void *_malloc_r(struct _reent *reent, size_t size)
{
    void *block;

    if (TIER_DRESSED)
        return guarded(reent, tier_alloc(WEFT_MEMORY_NORMAL, GRANULE, size, CALLER));
    block = fast_malloc(size);
    return __builtin_expect(block != NULL, 1) ? block : malloc_slow_r(reent, size);
}

PRIM_RESTARTS(free) void free(void *block)
{
    if (TIER_DRESSED)
        tier_fast_free(block, CALLER);
    else if (!fast_free(block))
        heap_free_slow(block);
}

void _free_r(struct _reent *reent, void *block)
{
    (void)reent;
    if (TIER_DRESSED)
        tier_free(block, CALLER);
    else
        free(block);
}

void cfree(void *block)
{
    free(block);
}

static void *calloc_from(struct _reent *reent, size_t count, size_t size, uintptr_t site)
{
    size_t bytes;
    void *block;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        reent->_errno = ENOMEM;
        return NULL;
    }
    block = TIER_DRESSED ? guarded(reent, tier_alloc(WEFT_MEMORY_NORMAL, GRANULE, bytes, site))
                         : _malloc_r(reent, bytes);
    return block ? memset(block, 0, bytes) : NULL;
}

void *_calloc_r(struct _reent *reent, size_t count, size_t size)
{
    return calloc_from(reent, count, size, CALLER);
}

void *calloc(size_t count, size_t size)
{
    return calloc_from(_REENT, count, size, CALLER);
}

/* realloc(p, 0) frees and returns NULL, as on Linux. */
static void *realloc_from(struct _reent *reent, void *block, size_t size, uintptr_t site)
{
    void *result;

    if (!block)
        return TIER_DRESSED ? guarded(reent, tier_alloc(WEFT_MEMORY_NORMAL, GRANULE, size, site))
                            : _malloc_r(reent, size);
    if (size == 0) {
        TIER_DRESSED ? tier_free(block, site) : free(block);
        return NULL;
    }
    result = TIER_DRESSED ? tier_realloc(block, size, site) : heap_realloc(block, size);
    if (!result)
        reent->_errno = ENOMEM;
    return result;
}

void *_realloc_r(struct _reent *reent, void *block, size_t size)
{
    return realloc_from(reent, block, size, CALLER);
}

void *realloc(void *block, size_t size)
{
    return realloc_from(_REENT, block, size, CALLER);
}

static void *aligned(size_t alignment, size_t size, uintptr_t site)
{
    return TIER_DRESSED ? tier_alloc(WEFT_MEMORY_NORMAL, alignment, size, site)
                        : heap_memalign(alignment, size);
}

void *_memalign_r(struct _reent *reent, size_t alignment, size_t size)
{
    void *block;

    if (alignment == 0 || alignment & (alignment - 1)) {
        reent->_errno = EINVAL;
        return NULL;
    }
    block = aligned(alignment, size, CALLER);
    if (!block)
        reent->_errno = ENOMEM;
    return block;
}

void *memalign(size_t alignment, size_t size)
{
    return _memalign_r(_REENT, alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return _memalign_r(_REENT, alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
    void *block;

    if (alignment < sizeof(void *) || alignment & (alignment - 1))
        return EINVAL;
    block = aligned(alignment, size, CALLER);
    if (!block)
        return ENOMEM;
    *result = block;
    return 0;
}

/* The page of these two is the heap's. */
void *_valloc_r(struct _reent *reent, size_t size)
{
    return _memalign_r(reent, heap.stats.page_bytes, size);
}

void *valloc(size_t size)
{
    return _valloc_r(_REENT, size);
}

void *_pvalloc_r(struct _reent *reent, size_t size)
{
    size_t page = heap.stats.page_bytes;

    if (size > (size_t)-1 - page) {
        reent->_errno = ENOMEM;
        return NULL;
    }
    return _memalign_r(reent, page, (size + page - 1) & ~(page - 1));
}

void *pvalloc(size_t size)
{
    return _pvalloc_r(_REENT, size);
}

size_t malloc_usable_size(void *block)
{
    return TIER_DRESSED ? tier_usable_size(block) : heap_usable_size(block);
}

size_t _malloc_usable_size_r(struct _reent *reent, void *block)
{
    (void)reent;
    return TIER_DRESSED ? tier_usable_size(block) : heap_usable_size(block);
}

/* In newlib's words: arena is all, uordblks held by the program, fordblks the rest of what is not
 * records or stacks, keepcost what malloc_trim could give back. */
struct mallinfo mallinfo(void)
{
    struct mallinfo info = {0};
    struct weft_mstats stats;

    weft_heap_stats(&stats);
    info.arena = stats.sys_pages * stats.page_bytes;
    info.uordblks = weft_heap_live_bytes();
    info.fordblks = (stats.inuse_pages + stats.idle_pages) * stats.page_bytes - info.uordblks;
    info.usmblks = stats.peak_pages * stats.page_bytes;
    info.keepcost = (stats.idle_pages - stats.released_pages) * stats.page_bytes;
    return info;
}

struct mallinfo _mallinfo_r(struct _reent *reent)
{
    (void)reent;
    return mallinfo();
}

void malloc_stats(void)
{
    weft_heap_trace();
}

void _malloc_stats_r(struct _reent *reent)
{
    (void)reent;
    weft_heap_trace();
}

/* 1 when something was given back. What the program wants to keep in reserve is not asked about. */
int malloc_trim(size_t reserve)
{
    (void)reserve;
    return weft_heap_scavenge() != 0;
}

int _malloc_trim_r(struct _reent *reent, size_t reserve)
{
    (void)reent;
    return malloc_trim(reserve);
}

/* No parameter of the old malloc means anything here. */
int mallopt(int parameter, int value)
{
    (void)parameter;
    (void)value;
    return 0;
}

int _mallopt_r(struct _reent *reent, int parameter, int value)
{
    (void)reent;
    return mallopt(parameter, value);
}

/* The heap has its own locks; what is left is the check that the tick does not get here. */
void __malloc_lock(struct _reent *reent)
{
    (void)reent;
    if (core_self()->allocation_forbidden)
        prim_panic_forbidden();
}

void __malloc_unlock(struct _reent *reent)
{
    (void)reent;
}

/* Nothing takes memory past the heap. */
void *_sbrk_r(struct _reent *reent, ptrdiff_t increment)
{
    (void)increment;
    __malloc_lock(reent);
    reent->_errno = ENOMEM;
    return (void *)-1;
}

void *_sbrk(ptrdiff_t increment);
void *_sbrk(ptrdiff_t increment)
{
    return _sbrk_r(_REENT, increment);
}

void *sbrk(ptrdiff_t increment);
void *sbrk(ptrdiff_t increment)
{
    return _sbrk_r(_REENT, increment);
}
