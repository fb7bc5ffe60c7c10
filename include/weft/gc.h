/* SPDX-License-Identifier: MIT */
/*
 * Collected memory, for programs that ask for it: blocks from weft_gc_alloc need no free; a
 * collection finds those that nothing points to any more. malloc's blocks are never collected.
 * docs/collector.md explains what counts as a pointer and what a collection costs.
 *
 * A block lives as long as a word that is an address inside it can be found in: a register or the
 * stack of a thread, .data or .bss, a range from weft_gc_root_add, a block from weft_gc_root_alloc,
 * or a living collected block that is not pointer-free. Words are looked at where a pointer is
 * aligned. Not looked at: malloc's blocks, pointer-free blocks, and what is not a plain address
 * (one past the end, compressed, xored).
 *
 * Interrupt handlers may read and write collected blocks, but not move the last pointer to one.
 */
#ifndef WEFT_GC_H
#define WEFT_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The block will hold no pointers to collected blocks: it is not looked into. */
#define WEFT_GC_POINTER_FREE 1u

/*
 * At least `bytes` bytes, aligned as malloc's; 0 gives a block of its own. All bytes are 0, but
 * with WEFT_GC_POINTER_FREE anything. The block may not be given to free or realloc (that panics).
 * NULL: no memory. With a growth goal (weft_gc_set_growth) it may collect first, where the caller
 * may stop the world; it never does without one. Context: thread. Blocks only to collect. Cost:
 * some 180 instructions for a small block, its clearing included (make bench ONLY=collector).
 */
WEFT_MUST_CHECK void *weft_gc_alloc(size_t bytes, unsigned flags);

/* An ordinary block, never collected, that is looked into: `bytes` bytes, all 0. Given back with
 * weft_gc_root_free (NULL is nothing), not with free. NULL: no memory. Context: thread. Does not
 * block. */
WEFT_MUST_CHECK void *weft_gc_root_alloc(size_t bytes);
void weft_gc_root_free(void *block);

/* A range that is looked into, until it is removed. The record is the caller's and must stay; its
 * fields are weft's. For malloc's blocks, memory of drivers, and the like. Context: thread. Does
 * not block. Panics: removing one that is not there; a range that wraps round the address space;
 * adding one twice, if nothing was added between, or in a debug build. */
struct weft_gc_root {
    struct weft_gc_root *next, **previous;
    uintptr_t lo, hi;
};
void weft_gc_root_add(struct weft_gc_root *root, const void *start, size_t bytes);
void weft_gc_root_remove(struct weft_gc_root *root);

/*
 * Collects now: stops the world, finds what is reachable, starts the world, and gives back the rest
 * in steps. Panics where weft_world_stop does, with its words: under one of weft's locks, in an
 * interrupt handler, on a system stack, with preemption off or the world stopped. Needs no memory.
 * Context: thread. Blocks. Cost: with the world stopped, at most 100 instructions per living
 * 32-byte block, plus a few per word of .data, .bss and stacks.
 */
void weft_gc(void);

/* Collect by itself when the collected heap has grown by `percent` since the last collection (and
 * to at least 64 KiB), or has no memory left; 0 or less: never, which is what it starts with. The
 * thread whose weft_gc_alloc gets there does it. Returns the percentage until now. Context:
 * thread. */
int weft_gc_set_growth(int percent);

/* Gives back some of what the last collection left, at most 16 spans of blocks; weft_gc_alloc does
 * that for itself as far as it needs memory. True: there is more. Context: thread. Does not block.
 */
bool weft_gc_sweep_step(void);

/*
 * Has `finalizer(block, argument)` called once, some time after a collection has found that nothing
 * points to `block`, the start of a collected block. It runs in a thread of its own, "finalizer",
 * with the world going on, and may do all that threads may, but for ending it (which panics, since
 * no other would ever run). The block is intact until then, with
 * all that it points to; a finalizer that stores its address somewhere keeps it (and may set a
 * finalizer again). A block that another such block leads to waits until that one's finalizer has
 * run; blocks in a ring that leads back to one of them by way of others are therefore never
 * finalized (a block's pointer to itself does not count). Independent ones go in the order of
 * setting. `argument` is looked at as a root. NULL as finalizer takes it away. Errors: WEFT_EINVAL
 * (not the start of a collected block), WEFT_ENOMEM. Context: thread. Does not block.
 */
WEFT_MUST_CHECK int weft_gc_finalizer_set(void *block,
                                          void (*finalizer)(void *block, void *argument),
                                          void *argument);

/* The start of the collected block that `address` lies in; NULL: in none. Context: thread. */
void *weft_gc_block_of(const void *address);

/*
 * One line per collection, after the world was started, on (true) or off, as it is at first:
 *   gcN: P us, B -> A KiB, goal G KiB, T threads (forced)
 * N counts collections; P microseconds were spent with the world stopped; B and A are the bytes in
 * collected blocks before and after, as KiB, rounded up; at G the next one is due ("no goal"
 * without a growth goal); T threads exist; "(forced)" when weft_gc asked for it. Context: any.
 */
void weft_gc_set_trace(bool on);

struct weft_gc_stats {
    uint32_t cycles;         /* collections so far */
    uint32_t forced;         /* by weft_gc */
    size_t live_bytes;       /* in blocks that the last one kept */
    size_t allocated_bytes;  /* in blocks now, or about to be handed out by a core */
    size_t heap_bytes;       /* pages that hold blocks, with their records */
    size_t goal_bytes;       /* 0: no goal */
    uint32_t overflows;      /* times that the mark stack was full */
    uint32_t chunks_shared;  /* pieces of marking work that cores took from each other */
    uint32_t finalizers;     /* that are set */
    uint32_t finalizers_run; /* so far */
    uint64_t last_pause_ns, longest_pause_ns;
};

/* Context: thread. Does not block. */
void weft_gc_stats(struct weft_gc_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
