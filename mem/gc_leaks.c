/* SPDX-License-Identifier: MIT */
/*
 * The leak finder: a mark phase over everything, malloc's blocks too.
 *
 * Two bits for every granule of every region stand in a block made for the purpose: a living block
 * starts here; and it has been reached. First all living blocks get the first bit (census.c knows
 * those of malloc, their allocated bits those of the collector), then whatever the roots lead to
 * the second. There is no hurry: blocks wait on a small stack, and when that is full, all reached
 * blocks are looked into once more until nothing new turns up.
 */
#include <weft/heap_dump.h>

#include <string.h>
#include <weft/world.h>

#include "mem/census.h"
#include "mem/central.h"
#include "mem/gc.h"
#include "mem/large.h"

#define WAITING 256
#define SITES 64
#define BLOCKS_SHOWN 16

#define UNCHECKED __attribute__((no_sanitize("address", "thread")))

struct site {
    uintptr_t pc; /* 0: not known */
    size_t blocks, bytes;
};

struct shown {
    uintptr_t block;
    size_t bytes;
};

/* The stopper's: one search at a time. */
static struct search {
    uint32_t *alive[8], *reached[8]; /* by region */
    uintptr_t waiting[WAITING];
    unsigned depth;
    bool again; /* the stack was full */
    struct weft_leaks leaks;
    struct site site[SITES + 1]; /* the last one: elsewhere */
    unsigned sites;
    struct shown shown[BLOCKS_SHOWN];
    unsigned shown_count;
} search;

/* ---- bits ---- */

static size_t region_words(const struct region *region)
{
    return (region->bytes / GRANULE + 31) / 32;
}

static size_t search_bytes(void)
{
    size_t words = 0;

    for (unsigned i = 0; i < heap.regions; i++)
        words += 2 * region_words(heap.region[i]);
    return words * sizeof(uint32_t);
}

static unsigned region_number(uintptr_t address)
{
    unsigned i = 0;

    while (address - heap.region[i]->base >= heap.region[i]->bytes)
        i++;
    return i;
}

static bool bit_test(uint32_t *const *bits, uintptr_t block)
{
    unsigned region = region_number(block);
    size_t granule = (block - heap.region[region]->base) / GRANULE;

    return bits[region][granule / 32] >> (granule % 32) & 1;
}

static void bit_set(uint32_t *const *bits, uintptr_t block)
{
    unsigned region = region_number(block);
    size_t granule = (block - heap.region[region]->base) / GRANULE;

    bits[region][granule / 32] |= 1u << (granule % 32);
}

/* ---- blocks ---- */

/* Calls `visit` for the living blocks of all sorts; `ordinary`: malloc's. */
typedef void block_visitor(uintptr_t block, size_t bytes, bool ordinary);

static void visit_bits(uintptr_t first, size_t bytes, uint32_t count, const uint32_t *bits,
                       bool ordinary, block_visitor *visit)
{
    for (uint32_t i = 0; i < count; i++)
        if (bits[i / 32] >> (i % 32) & 1)
            visit(first + i * bytes, bytes, ordinary);
}

static void visit_collected(const struct gc_span *span, block_visitor *visit)
{
    for (uint32_t i = 0; i < span->blocks; i++) {
        const struct gc_bits *bits = &span->bits[i / 32];
        uint32_t dead = span->unswept ? bits->white : 0;

        if ((bits->allocated & ~dead) >> (i % 32) & 1)
            visit(span->first + i * span->block_bytes, span->block_bytes, false);
    }
}

static void visit_run(const struct region *region, page_index page, block_visitor *visit)
{
    int kind = region->kinds[page];
    uintptr_t address = region_page_address(region, page);
    uint32_t bits[CENSUS_WORDS];

    if (kind > 0) {
        census_span(region, page, bits);
        visit_bits(address, heap.class[kind].size, heap.class[kind].objects, bits, true, visit);
    } else if (kind == PAGE_GC) {
        visit_collected((const struct gc_span *)address, visit);
    } else if (kind == PAGE_LARGE && census_large(region, page)) {
        visit(address, large_usable(address), true);
    }
}

static void visit_all(block_visitor *visit)
{
    for (unsigned i = 0; i < heap.regions; i++)
        for (size_t page = 0; page < heap.region[i]->pages;
             page += census_run_pages(heap.region[i], (page_index)page))
            visit_run(heap.region[i], (page_index)page, visit);
}

/* The start of the block, alive or not, that the address lies in, and its bytes; 0: none. */
static uintptr_t block_around(uintptr_t address, size_t *bytes)
{
    const struct region *region = heap_region_of(address);
    page_index page;
    int kind;

    if (!region)
        return 0;
    page = (page_index)((address - region->base) >> heap.page_shift);
    kind = region->kinds[page];
    if (kind > 0) {
        uintptr_t first =
            region_page_address(region, central_span(region, (unsigned)kind, address));

        *bytes = heap.class[kind].size;
        return address - (address - first) % *bytes;
    }
    if (kind == PAGE_GC || kind == PAGE_GC_BODY) {
        const struct gc_span *span = gc_span_of(address);
        int32_t block = gc_block_at(span, address);

        *bytes = span->block_bytes;
        return block < 0 ? 0 : span->first + (uint32_t)block * span->block_bytes;
    }
    page = heap_large_around(region, page);
    if (page == 0)
        return 0;
    *bytes = large_usable(region_page_address(region, page));
    return region_page_address(region, page);
}

/* ---- reaching ---- */

static void reach(uintptr_t word)
{
    size_t bytes;
    uintptr_t block = block_around(word, &bytes);

    if (!block || !bit_test(search.alive, block) || bit_test(search.reached, block))
        return;
    bit_set(search.reached, block);
    if (search.depth < WAITING)
        search.waiting[search.depth++] = block;
    else
        search.again = true;
}

UNCHECKED static void look_at(uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t at = (lo + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
         at < hi && hi - at >= sizeof(uintptr_t); at += sizeof(uintptr_t))
        reach(*(const uintptr_t *)at);
}

/* Pointer-free blocks hold no pointers. */
static bool is_looked_into(uintptr_t block)
{
    const struct gc_span *span = gc_span_of(block);

    return !span || !span->pointer_free;
}

static void drain(void)
{
    while (search.depth > 0) {
        uintptr_t block = search.waiting[--search.depth];
        size_t bytes;

        if (is_looked_into(block) && block_around(block, &bytes) == block)
            look_at(block, block + bytes);
    }
}

/* In pieces, so that the stack does; a root may begin anywhere, a piece only where a word does. */
static void look_at_root(void *context, uintptr_t lo, uintptr_t hi)
{
    (void)context;
    for (uintptr_t at = lo & ~(sizeof(uintptr_t) - 1); at < hi; at += WAITING) {
        look_at(at < lo ? lo : at, hi - at < WAITING ? hi : at + WAITING);
        drain();
    }
}

static void look_again(uintptr_t block, size_t bytes, bool ordinary)
{
    (void)ordinary;
    if (bit_test(search.reached, block) && is_looked_into(block)) {
        look_at(block, block + bytes);
        drain();
    }
}

static void note_alive(uintptr_t block, size_t bytes, bool ordinary)
{
    bit_set(search.alive, block);
    search.leaks.live_blocks += ordinary;
    search.leaks.live_bytes += ordinary ? bytes : 0;
}

/* ---- what was not reached ---- */

static struct site *site_of(uintptr_t pc)
{
    for (unsigned i = 0; i < search.sites; i++)
        if (search.site[i].pc == pc)
            return &search.site[i];
    if (search.sites == SITES)
        return &search.site[SITES];
    search.site[search.sites].pc = pc;
    return &search.site[search.sites++];
}

static void note_leak(uintptr_t block, size_t bytes, bool ordinary)
{
    struct site *site;
    uintptr_t pc;

    if (!ordinary || bit_test(search.reached, block))
        return;
    pc = census_site(block);
    site = site_of(pc);
    site->blocks++;
    site->bytes += bytes;
    search.leaks.blocks++;
    search.leaks.bytes += bytes;
    if (pc == 0 && search.shown_count < BLOCKS_SHOWN)
        search.shown[search.shown_count++] = (struct shown){block, bytes};
}

/* The bits' own block is nobody's leak, but what it holds are no pointers. */
static void search_all(uint32_t *bits)
{
    memset(&search, 0, sizeof(search));
    for (unsigned i = 0; i < heap.regions; i++) {
        search.alive[i] = bits;
        search.reached[i] = bits + region_words(heap.region[i]);
        bits += 2 * region_words(heap.region[i]);
    }
    visit_all(note_alive);
    bit_set(search.reached, (uintptr_t)search.alive[0]);
    search.leaks.live_blocks--;
    search.leaks.live_bytes -= large_usable((uintptr_t)search.alive[0]);
    gc_visit_roots(look_at_root, NULL);
    drain();
    while (search.again) {
        search.again = false;
        visit_all(look_again);
    }
    visit_all(note_leak);
}

/* ---- printing, with the world still stopped: nobody else prints meanwhile ---- */

static void print_site(const struct site *site, bool elsewhere)
{
    if (elsewhere)
        print_console("leak: %zu blocks, %zu bytes, allocated elsewhere\n", site->blocks,
                      site->bytes);
    else if (site->pc == 0)
        print_console("leak: %zu blocks, %zu bytes, allocated at an unknown place\n", site->blocks,
                      site->bytes);
    else
        print_console("leak: %zu blocks, %zu bytes, allocated at pc=0x%zx\n", site->blocks,
                      site->bytes, (size_t)(site->pc - 1)); /* in the call */
}

static struct site *heaviest(void)
{
    struct site *most = NULL;

    for (unsigned i = 0; i < search.sites; i++)
        if (search.site[i].bytes && (!most || search.site[i].bytes > most->bytes))
            most = &search.site[i];
    return most;
}

static void print_leaks(void)
{
    struct site *site;

    while ((site = heaviest()) != NULL) {
        print_site(site, false);
        site->bytes = 0;
    }
    if (search.site[SITES].blocks)
        print_site(&search.site[SITES], true);
    for (unsigned i = 0; i < search.shown_count; i++)
        print_console("leak: block 0x%lx, %zu bytes\n", (unsigned long)search.shown[i].block,
                      search.shown[i].bytes);
    print_console("leaks: %zu of %zu blocks, %zu of %zu bytes\n", search.leaks.blocks,
                  search.leaks.live_blocks, search.leaks.bytes, search.leaks.live_bytes);
}

int weft_heap_leaks(struct weft_leaks *leaks)
{
    size_t bytes = search_bytes();
    struct core *core = prim_enter();
    uint32_t *bits = large_alloc(WEFT_MEMORY_NORMAL, bytes, 1);

    prim_leave(core);
    if (!bits)
        return WEFT_ENOMEM;
    memset(bits, 0, bytes);
    weft_world_stop("leak search");
    search_all(bits);
    print_leaks();
    if (leaks)
        *leaks = search.leaks;
    weft_world_start();
    core = prim_enter();
    large_free((uintptr_t)bits);
    prim_leave(core);
    return 0;
}
