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

/*
 * Stops the world and writes the dump, as framed bytes, by calling `write` many times, in pieces of
 * at most 256 bytes; NULL: to the console's line, between its text. `write` runs with the world
 * stopped: it may not block or wait for anything that another thread holds, so it writes to a
 * device or by a plain system call. Panics where weft_world_stop does. Needs no memory. Context:
 * thread. Blocks. Cost: as long as the line takes for .data, .bss, stacks and all living blocks.
 */
void weft_heap_dump(void (*write)(void *context, const void *bytes, size_t count), void *context);

#endif
