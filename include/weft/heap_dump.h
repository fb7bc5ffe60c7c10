/* SPDX-License-Identifier: MIT */
/*
 * The heap dump: everything about the heap and the threads, with the contents of all that is alive,
 * for `weft heap` on the host (docs/heap-dump.md); and the leak finder.
 */
#ifndef WEFT_HEAP_DUMP_H
#define WEFT_HEAP_DUMP_H

#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Stops the world and writes the dump, as framed bytes, by calling `write` many times, in pieces of
 * at most 256 bytes; NULL: to the console's line, between its text. `write` runs with the world
 * stopped: it may not block or wait for anything that another thread holds, so it writes to a
 * device or by a plain system call. Panics where weft_world_stop does. Needs no memory. Context:
 * thread. Blocks. Cost: as long as the line takes for .data, .bss, stacks and all living blocks.
 */
void weft_heap_dump(void (*write)(void *context, const void *bytes, size_t count), void *context);

/* What weft_heap_leaks found. */
struct weft_leaks {
    size_t blocks, bytes;           /* that nothing leads to */
    size_t live_blocks, live_bytes; /* all that malloc's callers hold, those included */
};

/*
 * Looks for malloc's blocks that nobody can free any more: those to which no word leads that is an
 * address inside them, from where the collector looks for roots (weft/gc.h) through living blocks
 * of all sorts, malloc's included. Nothing is freed. Prints for each site, the most bytes first,
 * "leak: 3 blocks, 144 bytes, allocated at pc=0x80101234", and last "leaks: 3 of 57 blocks, 144 of
 * 10240 bytes". With WEFT_CONFIG_HEAP_FULL=1 sites are known; else "allocated at an unknown place",
 * and the first 16 blocks follow, each as "leak: block 0x80123456, 48 bytes". More than 64 sites:
 * the rest is added up under "elsewhere". A block may be missed because some word happens to look
 * like its address; never the other way round, unless its only address is kept in a form that is
 * none. Stops the world meanwhile, and panics where weft_world_stop does. `leaks` may be NULL.
 * Errors: WEFT_ENOMEM (it needs 1/32 of the heap's size on 32-bit CPUs, 1/64 on 64-bit ones).
 * Context: thread. Blocks. Cost: some 100 instructions per living block, and a few per word in
 * them.
 */
WEFT_MUST_CHECK int weft_heap_leaks(struct weft_leaks *leaks);

#ifdef __cplusplus
}
#endif

#endif
