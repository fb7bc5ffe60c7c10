/* SPDX-License-Identifier: MIT */
/*
 * The heap. Its allocation API is newlib's own (malloc, calloc, realloc, free, memalign,
 * aligned_alloc, posix_memalign, malloc_usable_size, mallinfo): weft defines those functions. What
 * stands here is what newlib has no name for.
 *
 * Contexts of newlib's names:
 *   - thread: everything.
 *   - interrupt handler: free and malloc_usable_size always. When the interrupted code was itself
 *     in the heap, free only notes the block, and the next heap operation of that core gives it
 *     back. malloc answers from the core's cache, and with NULL when that is empty or in use.
 *   - inside the profiler's tick: nothing; it panics ("allocation in profiler").
 * None of them blocks or yields. NULL (and errno ENOMEM) is the only sign of exhaustion.
 */
#ifndef WEFT_HEAP_H
#define WEFT_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a region's memory is good for. malloc uses NORMAL only. */
enum weft_memory {
    WEFT_MEMORY_NORMAL,
    WEFT_MEMORY_DMA,  /* reachable by devices, or uncached: asked for by name */
    WEFT_MEMORY_FAST, /* scratchpad and the like: asked for by name */
};

/* Hands bytes [start, start + bytes) to the heap for good. The part of it that the heap's
 * records take is about 2 % of a small region. Errors: WEFT_EINVAL (NULL, overlap with a region,
 * wraps round the address space, too small for a page and its records), WEFT_ENOMEM (region
 * table full, 8). Context: thread. Does not block. Cost: linear in the region's records (a byte
 * or so per page). */
WEFT_MUST_CHECK int weft_heap_add_region(void *start, size_t bytes, enum weft_memory kind);

/* At least `bytes` bytes from a region of `kind`, aligned to `alignment` (a power of two; 0: as
 * malloc). Given back with free; realloc keeps the kind. NULL: no memory of that kind (another kind
 * never stands in for it), or not a power of two. Small objects share pages as malloc's do, but no
 * core caches them. An aligned object has a multiple of the alignment for its size: with a cache
 * line's, no other object is in its lines. Context: thread. Does not block. Cost: about 250
 * instructions for a small object. */
WEFT_MUST_CHECK void *weft_heap_alloc(size_t bytes, size_t alignment, enum weft_memory kind);

/* Raw counters, each a word that is written in one place, in pages of page_bytes bytes. At every
 * quiescent point sys = inuse + idle + stacks + meta, released <= idle; consumed memory is
 * sys - released. A reading taken while another core or the interrupted code is in the heap may be
 * off by the operation in flight. */
struct weft_mstats {
    size_t page_bytes;
    size_t sys_pages;      /* owned by the heap, over all regions */
    size_t inuse_pages;    /* hold objects, or parts of objects that are free or cached */
    size_t idle_pages;     /* free page runs */
    size_t stack_pages;    /* thread stacks */
    size_t meta_pages;     /* the heap's own records */
    size_t released_pages; /* part of idle: handed to the board, contents gone */
    size_t peak_pages;     /* most inuse + stacks since boot or weft_heap_peak_reset */
    size_t failures;       /* requests answered with NULL */
    size_t deferred;       /* frees that an interrupt handler had to leave for later, ever */
    size_t scavenges;      /* rounds of the scavenger, and its steps on heap growth, ever */
};

/* Copies the counters while the world is stopped (weft/world.h): no operation is in flight, so the
 * identities hold. Panics where the world can't be stopped: under a runtime lock, in an interrupt
 * handler, with preemption off, and in the scavenger (a release hook). Context: thread. Blocks
 * while another thread has stopped the world. */
void weft_heap_stats_consistent(struct weft_mstats *stats);

/* Copies the raw counters. Context: any, the profiler's tick included. No lock, no allocation.
 * Cost: about 30 instructions. */
void weft_heap_stats(struct weft_mstats *stats);

/* The pages of one kind of memory: sys, inuse, idle, stack, meta and released; the other counters
 * are 0. Counted when asked: exact while no other core is in the heap. Context: thread, preemption
 * is off meanwhile. Cost: linear in the number of pages. */
void weft_heap_stats_of(enum weft_memory kind, struct weft_mstats *stats);

/* Bytes in objects that the program holds: what it could use, not what it asked for. Walks the
 * spans. Context: thread. Cost: linear in the number of pages. */
size_t weft_heap_live_bytes(void);

/* Blocks, and bytes as asked for, that the thread with this number (weft_thread_id) has allocated
 * and nobody has freed; 0: handlers and boot. Built with WEFT_CONFIG_HEAP_FULL=1, or with
 * WEFT_CONFIG_HEAP_THREADS (for threads that have an account, see below): else WEFT_ENOTSUP.
 * Context: thread. Cost: with the full tier linear in the heap, with preemption off meanwhile. */
WEFT_MUST_CHECK int weft_heap_owned(uint32_t thread_id, size_t *blocks, size_t *bytes);

/* What a thread has allocated since it began to, and what of that anybody has freed: live is the
 * difference. Bytes are as asked for; a realloc is a free and an allocation. The sums are words
 * that wrap; the differences are right all the same. */
struct weft_heap_account {
    uint32_t thread_id; /* weft_thread_id; 0: handlers and boot */
    size_t allocated_blocks, allocated_bytes;
    size_t freed_blocks, freed_bytes;
};
#define WEFT_HEAP_OTHER_THREADS UINT32_MAX

/* Accounts are kept in a library built with WEFT_CONFIG_HEAP_THREADS=N (or the full tier, where N
 * is 32): for N threads at a time. When more allocate, the account of one all of whose blocks were
 * freed goes to the next and its sums to that of WEFT_HEAP_OTHER_THREADS, as do the blocks of
 * threads that find all accounts in use; the sum of all accounts is everything. A thread without an
 * account reads as zeros. 0, or WEFT_ENOTSUP. Context: any. Cost: about 50 instructions. */
WEFT_MUST_CHECK int weft_heap_account_read(uint32_t thread_id, struct weft_heap_account *account);

/* All accounts on which there ever was a block: how many there are, of which the first `capacity`
 * are written to accounts[], at one moment; or WEFT_ENOTSUP. Context: any; interrupts are off for
 * N rows. */
WEFT_MUST_CHECK int weft_heap_accounts_read(struct weft_heap_account *accounts, size_t capacity);

/* Prints them, a line each: "heap: thread 3: live 120 bytes in 4 blocks; allocated 400 in 10, freed
 * 280 in 6". From the raw counters: no lock, no waiting, no allocation. Context: any. */
void weft_heap_accounts_print(void);

/* Bytes of the largest block that one malloc could get from free pages now. Context: thread. Cost:
 * bounded by the number of free runs of one size group. */
size_t weft_heap_largest_free(void);

/* Starts the high-water mark afresh from what is in use now. Context: any. */
void weft_heap_peak_reset(void);

/* Called when a request for `bytes` is about to fail, with no lock held; may free memory, must not
 * allocate. True: something was freed, try again; false: give up. NULL removes the hook. At most 8
 * retries for one request. Context of the call: the allocating thread. */
void weft_heap_set_oom_hook(bool (*hook)(size_t bytes));

/* Prints the scavenger's trace from the raw counters, in KiB:
 *   scvgN: K KiB released                                       only when scavenge N released any
 *   scvgN: inuse: I, idle: D, sys: S, released: R, consumed: C (KiB)
 * N counts scavenges; inuse is pages that hold objects, idle free pages, sys everything the heap
 * owns (so sys - inuse - idle is thread stacks and the heap's records), released the part of idle
 * that the board has back, consumed = sys - released. Each figure is rounded down to KiB.
 * Context: any. No lock, no waiting, no allocation. */
void weft_heap_trace(void);

/* True: the trace is printed at the end of each scavenge (a round, or a step on heap growth that
 * released something). At the start: false. Context: any. */
void weft_heap_set_trace(bool on);

/* Gives every idle page back to the board now, whatever its age, and returns the number of bytes it
 * gave back. Counts as a round of the scavenger. Context: thread. Does not block; the heap's lock
 * is held for a bounded time only, and never while the board works. */
size_t weft_heap_scavenge(void);

/* The scavenger's thread. */
struct weft_scavenger {
    uint64_t period_ns;   /* between rounds: a page goes back one to two periods after it came free;
                             at least 1,000,000 */
    uint8_t keep_percent; /* the goal: idle pages that stay, in percent of pages in use, 0 to 100 */
    int priority;         /* of the thread: WEFT_PRIORITY_LOWEST is a good one */
};

/* Starts the thread, or gives the one that runs its new period and goal. With each round every core
 * gives back what its cache holds; a core that sleeps is woken for it. From now on a request that
 * brings pages back and goes above the goal gives others back in the same call (not with
 * WEFT_CONFIG_HEAP_DETERMINISTIC). Errors: WEFT_EINVAL, WEFT_ENOMEM. Context: thread. */
WEFT_MUST_CHECK int weft_heap_scavenger_start(const struct weft_scavenger *how);

/* Ends the thread and waits for it; the goal is gone. Without a thread: nothing. Context: thread.
 * Blocks. */
void weft_heap_scavenger_stop(void);

/* Called when whole pages go out of use (released: true; just before the board takes them, the
 * contents may be overwritten) and when they come back (false; contents undefined), for a program
 * that can do something with them, such as turning a memory bank off or poisoning them. NULL
 * removes it. Context of the call: a thread with preemption off and no lock held; it must not
 * allocate, block or stop the world. */
void weft_heap_set_release_hook(void (*hook)(void *start, size_t bytes, bool released));

/* Walks everything: page runs, spans, free lists, caches, counters. 0, or WEFT_ESTATE after
 * printing what is wrong. With several cores it stops the world; where the caller may not do
 * that (with preemption off, or the world stopped already), the others must leave the heap alone.
 * Context: thread; preemption is off for the time of the walk. Cost: linear in pages and free
 * objects. */
WEFT_MUST_CHECK int weft_heap_check(void);

#ifdef __cplusplus
}
#endif

#endif
