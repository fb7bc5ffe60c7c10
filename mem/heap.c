/* SPDX-License-Identifier: MIT */
/*
 * The heap.
 *
 * Nouns. A *region* is a stretch of RAM that the board, or the program, gave; its records stand at
 * its start. It is cut into *pages* of 512 bytes, in heaps above 16 MiB of 1 KiB and above 32 MiB
 * of 4 KiB: in a small heap a span of 4 KiB for each of thirty sizes would be all of it. A *run* is
 * a stretch of pages with one owner: free, a large object, a thread stack, or a *span*, cut into
 * small objects of one *class* (class.c). No object has a header: a byte per page, its *kind*, says
 * what the page is part of, and a record per page (the first page's) holds a run's length or a
 * span's counts.
 *
 * An allocation of up to TABLE_MAX bytes: size -> class (a table) -> the running core's cache of
 * that class, a stack of pointers (fast.h; preemption off, no lock). When that is empty, a batch
 * comes from spans that have free objects (central.c, the class's lock), else from a new span
 * (page.c, the pages lock). Sizes up to small_max do the same without the table; larger ones are
 * runs (large.c). free: address -> kind -> the core's cache; a full cache gives a batch back to the
 * spans, and a span whose last object came back gives its pages back, which merge with free
 * neighbours. The scavenger (scavenger.c) hands pages that stayed free for a while to the board.
 *
 * Who owns what: a core's cache belongs to that core while its preemption is off; a span's record
 * and free list to the class's lock; free runs and the counters to the pages lock; a run's record
 * to the run's owner. Locks are taken in that order and none is held while the board works.
 *
 * Files: fast.h (hot), malloc.c (slow malloc and free, exhaustion), bounded.c (both, in the
 * deterministic mode), cache.c, central.c and span.h, page.c and run.h, page_scavenge.c, large.c,
 * stack.c, scavenger.c, stats.c, check.c, report.c, class.c; newlib_malloc.c gives newlib its
 * names; prim.h is the outside; guard.c is the full tier of hardening, watch.h lets a profile see
 * every call.
 *
 * What may be lost: nothing that the program owns. Free memory sits in caches (at most 1/2048 of
 * the heap per core and class), in spans that still hold objects, and in objects' rounding.
 */
#include "mem/heap.h"

#include <string.h>

#include "mem/cache.h"
#include "mem/gate.h"
#include "mem/page.h"

struct heap heap;
struct heap *heap_gate = &heap;

/* As much of a heap as the fast paths look at: no size has a class, and class 0 has no object. */
static uintptr_t closed[offsetof(struct heap, cache[0].bin[1]) / sizeof(uintptr_t)];
static uintptr_t closed_slots[2];

void heap_gate_set(bool is_closed)
{
    heap_gate = is_closed ? (struct heap *)closed : &heap;
}

static void gate_init(void)
{
    struct heap *empty = (struct heap *)closed;

    __asm__("" : "+r"(empty)); /* as far as the compiler knows, a whole one */
    empty->cache[0].bin[0].top = closed_slots + 1;
}

struct region *heap_region_of(uintptr_t address)
{
    for (unsigned i = 0; i < heap.regions; i++)
        if (address - heap.region[i]->base < heap.region[i]->bytes)
            return heap.region[i];
    return NULL;
}

page_index heap_large_around(const struct region *region, page_index page)
{
    page_index first = page;

    while (region->kinds[first] == PAGE_LARGE_BODY ||
           (WEFT_CONFIG_HEAP_DETERMINISTIC && page_kind_free(region->kinds[first])))
        first--; /* page 0 is PAGE_META */
    return region->kinds[first] == PAGE_LARGE &&
                   (uintptr_t)page < (uintptr_t)first + region->page[first].run.pages
               ? first
               : 0;
}

static uintptr_t sum_bytes(uintptr_t sum, const void *from, const void *to)
{
    for (const uint8_t *byte = from; byte != to; byte++)
        sum = (sum ^ *byte) * 16777619u + (sum >> (sizeof(sum) * 8 - 13)); /* after FNV-1a */
    return sum;
}

static uintptr_t heap_sum(void)
{
    uintptr_t sum = sum_bytes(heap.secret, &heap.window_base, &heap.cache);

    return sum_bytes(sum, &heap.secret, &heap.seal);
}

static uintptr_t region_sum(const struct region *region)
{
    return sum_bytes(heap.secret, region, &region->seal);
}

void heap_seal(void)
{
    for (unsigned i = 0; i < heap.regions; i++)
        heap.region[i]->seal = region_sum(heap.region[i]);
    heap.seal = heap_sum();
}

bool heap_is_sealed(void)
{
    bool sealed = heap.seal == heap_sum(); /* the regions' addresses are part of that */

    for (unsigned i = 0; sealed && i < heap.regions; i++)
        sealed = heap.region[i]->seal == region_sum(heap.region[i]);
    return sealed;
}

/* Carves the region's records out of its start. NULL: too small to be of use. */
static struct region *region_make(uintptr_t start, size_t bytes, enum weft_memory memory,
                                  size_t slot_count, uintptr_t **slots)
{
    uintptr_t quantum = (uintptr_t)1 << heap.page_shift;
    uintptr_t base = (start + quantum - 1) & ~(quantum - 1);
    size_t pages = base - start < bytes ? (bytes - (base - start)) >> heap.page_shift : 0;
    size_t records, meta;
    struct region *region = (struct region *)base;

    if (pages > RUN_PAGES_MAX)
        pages = RUN_PAGES_MAX;
    records =
        sizeof(*region) + slot_count * sizeof(uintptr_t) + pages * sizeof(struct page) + pages + 1;
    meta = (records + quantum - 1) >> heap.page_shift;
    if (meta >= pages)
        return NULL;
    memset(region, 0, sizeof(*region));
    region->base = base;
    region->bytes = pages << heap.page_shift;
    region->pages = (page_index)pages;
    region->memory = (uint8_t)memory;
    *slots = (uintptr_t *)(region + 1);
    region->page = (struct page *)(*slots + slot_count);
    region->kinds = (int8_t *)(region->page + pages);
    memset(region->page, 0, pages * sizeof(struct page));
    page_region_init(region, (page_index)meta);
    return region;
}

static bool regions_overlap(uintptr_t start, size_t bytes)
{
    for (unsigned i = 0; i < heap.regions; i++) {
        const struct region *region = heap.region[i];

        if (start < region->base + region->bytes && region->base < start + bytes)
            return true;
    }
    return false;
}

static int region_add(uintptr_t start, size_t bytes, enum weft_memory memory, size_t slot_count,
                      uintptr_t **slots)
{
    struct region *region;

    if (start == 0 || start + bytes < start || regions_overlap(start, bytes))
        return WEFT_EINVAL;
    if (heap.regions == sizeof(heap.region) / sizeof(heap.region[0]))
        return WEFT_ENOMEM;
    region = region_make(start, bytes, memory, slot_count, slots);
    if (!region)
        return WEFT_EINVAL;
    heap.region[heap.regions] = region;
    __atomic_store_n(&heap.regions, heap.regions + 1, __ATOMIC_RELEASE);
    heap_seal();
    return 0;
}

int weft_heap_add_region(void *start, size_t bytes, enum weft_memory kind)
{
    uintptr_t *slots;
    struct core *core = prim_enter();
    int result;

    ASSERT(core->interrupt_depth == 0);
    if (heap.regions == 0 || kind > WEFT_MEMORY_FAST)
        result = WEFT_EINVAL;
    else
        result = region_add((uintptr_t)start, bytes, kind, 0, &slots);
    prim_leave(core);
    return result;
}

/* Small pages waste less behind large objects (half a page each) and cost 9 bytes of records
 * each on a 32-bit machine; above 32 MiB time counts more. In the deterministic mode, where nothing
 * takes longer with more pages, they are as small as their numbers allow. */
static unsigned page_shift_for(size_t bytes)
{
    unsigned shift;

    if (!WEFT_CONFIG_HEAP_DETERMINISTIC && bytes <= (size_t)32 << 20)
        return bytes <= (size_t)16 << 20 ? 9 : 10;
    for (shift = WEFT_CONFIG_HEAP_DETERMINISTIC ? 9 : 12; bytes >> shift >= RUN_PAGES_MAX; shift++)
        ;
    return shift;
}

/* The mark and the links' secret: two words that a program cannot know. */
static void secrets_init(void)
{
    uint8_t seed[32];
    uintptr_t word[2];

    if (board_random_seed(seed)) {
        memcpy(word, seed, sizeof(word));
    } else {
        word[0] = (uintptr_t)arch_clock_cycles() * 2654435761u;
        word[1] = (word[0] ^ (uintptr_t)&heap) * 2246822519u;
    }
    heap.mark = word[0] | 1; /* odd: neither NULL nor an aligned pointer */
    heap.secret = word[1];
    memset(seed, 0, sizeof(seed));
}

/* The board's regions, the largest first: it becomes the fast path's window. */
static size_t board_regions(struct board_region *region, unsigned *count)
{
    size_t bytes = 0;
    unsigned largest = 0;
    struct board_region swap;

    for (*count = 0; *count < 8 && board_heap_region(*count, &region[*count]); (*count)++) {
        bytes += region[*count].bytes;
        if (region[*count].bytes > region[largest].bytes)
            largest = *count;
    }
    if (*count) {
        swap = region[0];
        region[0] = region[largest];
        region[largest] = swap;
    }
    return bytes;
}

void upcall_heap_init(void)
{
    struct board_region found[8];
    unsigned count;
    size_t bytes = board_regions(found, &count), slot_count;
    uintptr_t *slots, *unused;
    const struct region *window;

    ASSERT(count > 0 && heap.regions == 0);
    gate_init();
    secrets_init();
    heap.page_shift = page_shift_for(bytes);
    heap.stats.page_bytes = (size_t)1 << heap.page_shift;
    heap.epoch = 1;
    class_init(bytes);
    slot_count = class_slots();
    if (region_add((uintptr_t)found[0].start, found[0].bytes, WEFT_MEMORY_NORMAL,
                   slot_count * WEFT_CONFIG_CORES, &slots) != 0)
        weft_panic("heap: the board's largest region, %zu bytes, is too small", found[0].bytes);
    for (unsigned core = 0; core < WEFT_CONFIG_CORES; core++)
        cache_init(&heap.cache[core], heap.slots[core] = slots + core * slot_count);
    for (unsigned i = 1; i < count; i++)
        (void)!region_add((uintptr_t)found[i].start, found[i].bytes, WEFT_MEMORY_NORMAL, 0,
                          &unused);
    window = heap.region[0];
    heap.window_kinds = window->kinds;
    heap.window_base = window->base;
    heap.window_bytes = window->bytes;
    heap_seal();
}
