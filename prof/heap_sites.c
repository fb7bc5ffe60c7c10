/* SPDX-License-Identifier: MIT */
#include "prof/heap_sites.h"

#include "kernel/assert.h"
#include "prof/heap_sampling.h"
#include "prof/sites.h"

#define PROBES 8

/* ---- places ---- */

static void counts_move(struct heap_counts *to, struct heap_counts *from)
{
    to->allocs += from->allocs;
    to->frees += from->frees;
    to->alloc_bytes += from->alloc_bytes;
    to->free_bytes += from->free_bytes;
    *from = (struct heap_counts){0};
}

/* Publishes what is due since the place was last looked at. */
static void site_settle(struct heap_site *site, uint32_t cycle)
{
    uint32_t passed = cycle - site->cycle;

    if (passed == 0)
        return;
    counts_move(&site->published, &site->recent[(site->cycle + 1) & 1]);
    if (passed > 1)
        counts_move(&site->published, &site->recent[site->cycle & 1]);
    site->cycle = cycle;
}

static void site_make(struct heap_site *site, uint32_t hash, uint32_t cycle, const unwind_pc *pcs,
                      unsigned depth)
{
    *site = (struct heap_site){.hash = hash, .cycle = cycle, .depth = depth};
    for (unsigned i = 0; i < depth; i++)
        site->pcs[i] = pcs[i];
}

static bool site_is(const struct heap_site *site, uint32_t hash, const unwind_pc *pcs,
                    unsigned depth)
{
    if (site->hash != hash || site->depth != depth)
        return false;
    for (unsigned i = 0; i < depth; i++)
        if (site->pcs[i] != pcs[i])
            return false;
    return true;
}

static unsigned site_of_locked(struct heap_table *table, const unwind_pc *pcs, unsigned depth)
{
    uint32_t hash = sites_hash(0, pcs, depth);

    for (unsigned probe = 0; probe < PROBES; probe++) {
        unsigned index = (hash + probe) % WEFT_CONFIG_HEAP_PROFILE_SITES;

        if (table->site[index].hash == 0)
            site_make(&table->site[index], hash, table->cycle, pcs, depth);
        if (site_is(&table->site[index], hash, pcs, depth))
            return index;
    }
    return HEAP_SITE_OTHER;
}

const struct heap_site *heap_table_site_locked(struct heap_table *table, unsigned index)
{
    struct heap_site *site = &table->site[index];

    ASSERT(index < HEAP_SITE_COUNT);
    if (site->hash == 0)
        return NULL;
    site_settle(site, table->cycle);
    return site->published.allocs != 0 ? site : NULL;
}

/* ---- blocks ---- */

/* The block's two buckets are neighbours, the last one's the first. */
static struct heap_block *block_slot(const struct heap_table *table, uintptr_t address, unsigned i)
{
    size_t slots = table->buckets * HEAP_BUCKET_BLOCKS;
    uint32_t hash = (uint32_t)(address >> 3) * 0x9e3779b1u; /* 2^32 / the golden ratio */
    size_t bucket = (hash ^ hash >> 15) & (table->buckets - 1);

    return &table->blocks[(bucket * HEAP_BUCKET_BLOCKS + i) & (slots - 1)];
}

/* The slot that holds the address (0: a free one); NULL: none of them. */
static struct heap_block *block_find(const struct heap_table *table, uintptr_t address,
                                     uintptr_t wanted)
{
    if (table->buckets == 0)
        return NULL;
    for (unsigned i = 0; i < 2 * HEAP_BUCKET_BLOCKS; i++)
        if (block_slot(table, address, i)->address == wanted)
            return block_slot(table, address, i);
    return NULL;
}

/* ---- events ---- */

void heap_table_clear_locked(struct heap_table *table, struct heap_block *blocks, size_t buckets)
{
    ASSERT((buckets & (buckets - 1)) == 0);
    for (unsigned i = 0; i < HEAP_SITE_OTHER; i++)
        table->site[i].hash = 0;
    site_make(&table->site[HEAP_SITE_OTHER], 1, table->cycle, NULL, 0);
    table->unfollowed = 0;
    table->blocks = blocks;
    table->buckets = buckets;
}

void heap_table_allocated_locked(struct heap_table *table, uintptr_t address, size_t bytes,
                                 size_t weight, const unwind_pc *pcs, unsigned depth)
{
    unsigned index = site_of_locked(table, pcs, depth);
    struct heap_site *site = &table->site[index];
    struct heap_block *block = block_find(table, address, 0);
    struct heap_counts *recent;
    uint64_t blocks = heap_sampling_blocks(bytes, weight);

    site_settle(site, table->cycle);
    recent = &site->recent[table->cycle & 1]; /* the one after next */
    recent->allocs += blocks;
    recent->alloc_bytes += weight;
    if (block) {
        *block = (struct heap_block){address, index, bytes, weight};
        return;
    }
    recent->frees += blocks; /* so it is never shown as in use */
    recent->free_bytes += weight;
    table->unfollowed += blocks;
}

void heap_table_freed_locked(struct heap_table *table, uintptr_t address, bool collected)
{
    struct heap_block *block = block_find(table, address, address);
    struct heap_site *site;
    struct heap_counts *recent;

    if (!block)
        return;
    site = &table->site[block->site];
    site_settle(site, table->cycle);
    recent = &site->recent[(table->cycle + collected) & 1];
    recent->frees += heap_sampling_blocks(block->bytes, block->weight);
    recent->free_bytes += block->weight;
    block->address = 0;
}
