/* SPDX-License-Identifier: MIT */
/*
 * Reads a heap dump (prof/heap_format.h) out of a serial stream or a file. A dump is whole or it is
 * refused: any record that is lost, damaged, out of place or makes no sense, and a missing end,
 * give one sentence with the offset in the stream.
 */
#ifndef TOOLS_WEFT_HEAP_READER_H
#define TOOLS_WEFT_HEAP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prof/heap_format.h"
#include "tools/weft/buffer.h"
#include "tools/weft/demux.h"

#define HEAP_REGISTERS_MAX 64u

struct heap_region {
    uint64_t base, bytes, memory, page_bytes;
};

struct heap_run_info {
    uint64_t address, bytes, first, block_bytes, blocks;
    enum heap_run kind;
    uint8_t *live; /* a bit per block, the lowest first */
};

struct heap_thread_info {
    uint64_t number[HEAP_THREAD_NUMBERS];
    uint64_t registers[HEAP_REGISTERS_MAX];
    char *name;
};

struct heap_root_info {
    uint64_t lo, hi;
    enum heap_root kind;
};

struct heap_memory {
    uint64_t address, bytes;
    uint8_t *data; /* NULL: zeros */
};

struct heap_site {
    uint64_t block, pc;
};

struct heap_dump {
    bool big_endian, ended;
    uint32_t word_bytes, machine, cores, registers;
    uint8_t build_id[64];
    size_t build_id_bytes;
    struct heap_region *regions;
    struct heap_run_info *runs;
    struct heap_thread_info *threads;
    struct heap_root_info *roots;
    struct heap_memory *memory; /* by address once the dump is whole, without overlaps */
    struct heap_site *sites;    /* likewise */
    size_t region_count, region_capacity, run_count, run_capacity, thread_count, thread_capacity,
        root_count, root_capacity, memory_count, memory_capacity, site_count, site_capacity;
};

struct heap_reader {
    struct heap_dump dump;
    struct demux demux;
    uint32_t records; /* of the current dump */
    bool begun;
    struct buffer refusal; /* not empty: the dump is not to be used */
};

void heap_reader_init(struct heap_reader *reader);
void heap_reader_free(struct heap_reader *reader);
void heap_reader_feed(struct heap_reader *reader, const uint8_t *bytes, size_t length);

/* The stream has ended. False: see `refusal`. Of several dumps in a stream the last one counts. */
bool heap_reader_finish(struct heap_reader *reader);

/* ---- what is in it ---- */

static inline bool heap_block_lives(const struct heap_run_info *run, uint64_t block)
{
    return run->live[block / 8] >> (block % 8) & 1;
}

/* Blocks of malloc or weft_gc_alloc, as opposed to free pages, stacks and records. */
static inline bool heap_run_has_blocks(const struct heap_run_info *run)
{
    return run->blocks != 0;
}

/* The living block that `address` lies in. False: none. */
bool heap_block_at(const struct heap_dump *dump, uint64_t address, const struct heap_run_info **run,
                   uint64_t *start);

/* A word of the target's memory; false: the dump does not have it. */
bool heap_word(const struct heap_dump *dump, uint64_t address, uint64_t *word);

/* The pc that allocated the block; 0: not known. */
uint64_t heap_block_site(const struct heap_dump *dump, uint64_t block);

#endif
