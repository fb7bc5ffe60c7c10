/* SPDX-License-Identifier: MIT */
/*
 * glibc's names for the heap, in place of mem/newlib_malloc.c. The definitions here take the place
 * of libc's for the whole process, libc itself included: it calls malloc with locks of its own
 * held, that of a FILE for one. Such a call must not lose the core, neither to the end of a time
 * slice (the port preempts only code in .text, and what follows is elsewhere) nor in the heap,
 * which hands over when a switch is pending at its end: preemption is off around it, and the switch
 * stays wanted until the next tick.
 *
 * Calls from the image's own code go the usual way.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "mem/fast.h"
#include "mem/tier.h"

#define SHIELDED __attribute__((section("hosted_shield"), noinline))

/* What libc and the dynamic linker ask for before there is a heap; never given back. */
#define EARLY_BYTES 65536

extern const char __text_start[], __text_end[]; /* linker script */

static struct {
    size_t used;
    unsigned char bytes[EARLY_BYTES] __attribute__((aligned(64)));
} early;

static bool early_has(const void *block)
{
    return (uintptr_t)block - (uintptr_t)early.bytes < sizeof early.bytes;
}

static void *early_alloc(size_t alignment, size_t size)
{
    size_t at = (early.used + alignment - 1) & ~(alignment - 1);

    if (alignment > 64 || size > sizeof early.bytes - at)
        return NULL;
    early.used = at + size;
    return early.bytes + at;
}

/* ---- the image's own calls ------------------------------------------------------------------- */

static void *checked(void *block)
{
    if (!block)
        errno = ENOMEM;
    return block;
}

static PRIM_RESTARTS(malloc_slow) __attribute__((noinline)) void *malloc_slow(size_t size)
{
    void *block = fast_malloc_medium(size);

    return block ? block : checked(heap_malloc_slow(size));
}

/* Whoever called libc's name: for the full tier. */
#define SITE (WEFT_CONFIG_HEAP_FULL ? (uintptr_t)__builtin_return_address(0) : 0)

static PRIM_RESTARTS(own_malloc)
    __attribute__((noinline)) void *own_malloc(size_t size, uintptr_t site)
{
    if (TIER_DRESSED)
        return checked(tier_alloc(WEFT_MEMORY_NORMAL, GRANULE, size, site));
    void *block = fast_malloc(size);

    return __builtin_expect(block != NULL, 1) ? block : malloc_slow(size);
}

static PRIM_RESTARTS(own_free) __attribute__((noinline)) void own_free(void *block, uintptr_t site)
{
    if (TIER_DRESSED && !early_has(block))
        tier_free(block, site);
    else if (!fast_free(block) && !early_has(block))
        heap_free_slow(block);
}

static __attribute__((noinline)) void *own_calloc(size_t count, size_t size, uintptr_t site)
{
    size_t bytes;
    void *block;

    if (__builtin_mul_overflow(count, size, &bytes))
        return checked(NULL);
    block = own_malloc(bytes, site);
    return block ? memset(block, 0, bytes) : NULL;
}

/* realloc(p, 0) frees and returns NULL, as in glibc. */
static __attribute__((noinline)) void *own_realloc(void *block, size_t size, uintptr_t site)
{
    if (!block)
        return own_malloc(size, site);
    if (size == 0) {
        own_free(block, site);
        return NULL;
    }
    if (early_has(block)) {
        void *other = own_malloc(size, site);
        size_t room = (size_t)(early.bytes + sizeof early.bytes - (unsigned char *)block);

        return other ? memcpy(other, block, size < room ? size : room) : NULL;
    }
    return checked(TIER_DRESSED ? tier_realloc(block, size, site) : heap_realloc(block, size));
}

static __attribute__((noinline)) void *own_memalign(size_t alignment, size_t size, uintptr_t site)
{
    if (alignment == 0 || alignment & (alignment - 1)) {
        errno = EINVAL;
        return NULL;
    }
    return checked(TIER_DRESSED ? tier_alloc(WEFT_MEMORY_NORMAL, alignment, size, site)
                                : heap_memalign(alignment, size));
}

/* ---- libc's names ---------------------------------------------------------------------------- */

/* Was the shielded function called by the image's own code? */
#define CALLER_IS_OWN                                                                              \
    ((uintptr_t)__builtin_return_address(0) - (uintptr_t)__text_start <                            \
     (uintptr_t)__text_end - (uintptr_t)__text_start)

/* The value of `call`, with preemption off unless the image itself calls; `early` before there is a
 * heap, or a core. */
#define SHIELD(call, early_call)                                                                   \
    do {                                                                                           \
        if (__builtin_expect(CALLER_IS_OWN, 1))                                                    \
            return call;                                                                           \
        if (heap.regions == 0)                                                                     \
            return early_call;                                                                     \
        core_preempt_disable();                                                                    \
        __typeof__(call) result_ = call;                                                           \
        __asm__ volatile("" ::: "memory");                                                         \
        core_self()->preempt_off--;                                                                \
        return result_;                                                                            \
    } while (0)

SHIELDED void *malloc(size_t size)
{
    SHIELD(own_malloc(size, SITE), early_alloc(16, size));
}

SHIELDED void free(void *block)
{
    if (__builtin_expect(CALLER_IS_OWN, 1)) {
        own_free(block, SITE);
        return;
    }
    if (block == NULL || early_has(block))
        return;
    core_preempt_disable();
    own_free(block, SITE);
    __asm__ volatile("" ::: "memory");
    core_self()->preempt_off--;
}

SHIELDED void *calloc(size_t count, size_t size)
{
    SHIELD(own_calloc(count, size, SITE), early_alloc(16, count * size));
}

SHIELDED void *realloc(void *block, size_t size)
{
    SHIELD(own_realloc(block, size, SITE), NULL);
}

SHIELDED void *memalign(size_t alignment, size_t size)
{
    SHIELD(own_memalign(alignment, size, SITE), early_alloc(alignment, size));
}

SHIELDED void *aligned_alloc(size_t alignment, size_t size)
{
    SHIELD(own_memalign(alignment, size, SITE), early_alloc(alignment, size));
}

SHIELDED void *valloc(size_t size)
{
    SHIELD(own_memalign(4096, size, SITE), NULL);
}

SHIELDED void *pvalloc(size_t size)
{
    SHIELD(own_memalign(4096, (size + 4095) & ~(size_t)4095, SITE), NULL);
}

SHIELDED int posix_memalign(void **result, size_t alignment, size_t size)
{
    void *block;

    if (alignment < sizeof(void *) || alignment & (alignment - 1))
        return EINVAL;
    block = memalign(alignment, size);
    if (!block)
        return ENOMEM;
    *result = block;
    return 0;
}

SHIELDED size_t malloc_usable_size(void *block)
{
    SHIELD(early_has(block) ? 0
           : TIER_DRESSED   ? tier_usable_size(block)
                            : heap_usable_size(block),
           0);
}

/* mem/newlib_malloc.c says which figure is which. */
struct mallinfo2 mallinfo2(void)
{
    struct mallinfo2 info = {0};
    struct weft_mstats stats;

    weft_heap_stats(&stats);
    info.arena = stats.sys_pages * stats.page_bytes;
    info.uordblks = weft_heap_live_bytes();
    info.fordblks = (stats.inuse_pages + stats.idle_pages) * stats.page_bytes - info.uordblks;
    info.usmblks = stats.peak_pages * stats.page_bytes;
    info.keepcost = (stats.idle_pages - stats.released_pages) * stats.page_bytes;
    return info;
}

struct mallinfo mallinfo(void)
{
    struct mallinfo2 wide = mallinfo2();

    return (struct mallinfo){.arena = (int)wide.arena,
                             .uordblks = (int)wide.uordblks,
                             .fordblks = (int)wide.fordblks,
                             .usmblks = (int)wide.usmblks,
                             .keepcost = (int)wide.keepcost};
}

void malloc_stats(void)
{
    weft_heap_trace();
}

/* 1 when something was given back. What the program wants to keep in reserve is not asked about. */
int malloc_trim(size_t reserve)
{
    (void)reserve;
    return weft_heap_scavenge() != 0;
}

/* No parameter of glibc's malloc means anything here. */
int mallopt(int parameter, int value)
{
    (void)parameter;
    (void)value;
    return 0;
}
