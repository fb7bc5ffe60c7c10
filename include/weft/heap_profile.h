/* SPDX-License-Identifier: MIT */
/*
 * The heap by allocation stack: how many blocks and bytes each place in the program has allocated,
 * and how many of them are still in use. All allocations, or a sample of them by bytes.
 *
 * What happens is noted as recent, and shown once it is published, so that allocations and frees
 * are comparable: when a collection ends (blocks that it finds dead are not shown as in use: the
 * profile is that of the collection before the last), or in a program that never collects when the
 * scavenger has been through the heap; and at once by weft_heap_profile_publish.
 */
#ifndef WEFT_HEAP_PROFILE_H
#define WEFT_HEAP_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_heap_profile_options {
    /* 1: every allocation. n: of n bytes allocated one is chosen at random (exponential distances,
     * so no pattern of the program's can hide from it), and the block that it lies in is recorded;
     * the numbers are scaled up so that their expectation is the truth. At most 1 GiB. */
    size_t sample_bytes;
    /* How many recorded blocks in use can be followed to their free; the table is taken from the
     * heap, 16 bytes a block (32 on 64-bit CPUs). A recorded block that finds no room is in the
     * allocations, and not among what is in use, and counted as `unfollowed`. */
    size_t blocks;
};

#define WEFT_HEAP_PROFILE_OPTIONS_DEFAULT                                                          \
    {                                                                                              \
        .sample_bytes = 65536, .blocks = 1024                                                      \
    }

/* Starts to count, from nothing; `options` NULL: the default. Blocks that were allocated before are
 * never in it. Cost while it runs: every malloc and free goes the slow way; a recorded one walks
 * the stack, which takes about 1 KiB of it. Errors: WEFT_EINVAL (options), WEFT_ESTATE (it runs),
 * WEFT_ENOMEM. Context: thread. */
WEFT_MUST_CHECK int weft_heap_profile_start(const struct weft_heap_profile_options *options);

/* Publishes and stops; what was counted stays until the next start. Errors: WEFT_ESTATE (it does
 * not run). Context: thread. */
WEFT_MUST_CHECK int weft_heap_profile_stop(void);

/* All that has happened so far is shown from now on. Of blocks that the collector owns, those that
 * it has found dead but not swept yet count as in use: call weft_gc before. Cost: a few
 * instructions. Context: any. */
void weft_heap_profile_publish(void);

struct weft_heap_profile_totals {
    uint64_t allocs, frees;           /* blocks */
    uint64_t alloc_bytes, free_bytes; /* as asked for; 0 bytes count as 1 when sampled */
    uint64_t other;      /* of `allocs`: places that found no room in the table of sites */
    uint64_t unfollowed; /* of `allocs`: blocks that found no room in the table of blocks */
    size_t sites;        /* places */
};

/* The sums of what is published. Context: thread. */
void weft_heap_profile_totals(struct weft_heap_profile_totals *totals);

/* One place. In use are allocs - frees blocks of alloc_bytes - free_bytes. */
#define WEFT_HEAP_PROFILE_DEPTH 24
struct weft_heap_profile_record {
    uint64_t allocs, frees, alloc_bytes, free_bytes;
    uintptr_t pcs[WEFT_HEAP_PROFILE_DEPTH]; /* call sites, innermost (in the heap itself) first;
                                               ends at the first 0; empty: "[other]" */
};

/* What is published, all places at one moment. *count: how many there are. True: they were written
 * to records[0 .. *count); false: `capacity` is smaller, and nothing was written. Context: thread.
 */
WEFT_MUST_CHECK bool weft_heap_profile_read(struct weft_heap_profile_record *records,
                                            size_t capacity, size_t *count);

/* The same as text on the console, what is most in use first: "blocks: bytes [allocations: bytes]",
 * then the stack (the host tool puts names there). Context: thread; also while it runs. */
void weft_heap_profile_print(void);

/* The same over the line, framed, for the host tool, which makes allocations.pb.gz of it, as Go's
 * heap profiles are. Context: thread; also while it runs. */
void weft_heap_profile_send(void);

#ifdef __cplusplus
}
#endif

#endif
