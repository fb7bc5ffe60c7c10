/* SPDX-License-Identifier: MIT */
/*
 * The heap's records. mem/heap.c starts with the essay that explains them.
 */
#ifndef MEM_HEAP_H
#define MEM_HEAP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/error.h>
#include <weft/heap.h>

#include "mem/prim.h"
#include "mem/report.h"

/* Number of a page in its region. 0 is the region's own records, so 0 also means "none". */
#if UINTPTR_MAX > 0xffffffffu
typedef uint32_t page_index;
#else
typedef uint16_t page_index;
#endif
#define PAGE_INDEX_MAX ((page_index)~0)

/*
 * A page's kind, one signed byte per page: the class number (from 1) of the small objects it holds,
 * or one of these.
 */
enum {
    PAGE_FREE = -1,
    PAGE_RELEASED = -2, /* free, and the board has it */
    PAGE_TAKEN = -3,    /* end of a run that is changing hands */
    PAGE_TAKEN_RELEASED = -4,
    PAGE_LARGE = -5, /* first page of a large object */
    PAGE_LARGE_BODY = -6,
    PAGE_STACK = -7, /* first page of a thread stack */
    PAGE_STACK_BODY = -8,
    PAGE_META = -9,
    PAGE_GC = -10, /* first page of a span of collected blocks; every page's record names it */
    PAGE_GC_BODY = -11,
};

/* On whose account pages are taken. */
enum page_owner { PAGE_OWNER_HEAP, PAGE_OWNER_STACK };

/*
 * One record per page; the first page's speaks for the whole run or span. The last page of a free
 * run repeats its length.
 */
struct page {
    /* Free runs of one size group, or spans of one class that have free objects. */
    page_index next, previous;
    union {
        struct {
            page_index pages;
            uint16_t age; /* free run: heap.epoch when it was last added to, but for the lowest bit,
                             which is 1 when it may hold pages that are not released */
        } run;
        struct {
            unsigned used : 10;  /* objects in caches or with the program */
            unsigned fresh : 11; /* objects that were ever handed out; the rest was never touched */
            unsigned head : 11;  /* first free object + 1; 0: none */
        } span;
    };
};

_Static_assert(sizeof(void *) != 4 || sizeof(struct page) == 8, "page record has grown");

#define SPAN_OBJECTS_MAX 1023

/* Size groups of free runs: one per length below 8, then 8 per power of two. */
#define RUN_BINS (((int)sizeof(page_index) * 8 - 3) * 8 + 8)
#define RUN_WORDS ((RUN_BINS + sizeof(uintptr_t) * 8 - 1) / (sizeof(uintptr_t) * 8))

/* Numbers above those of pages say which group a run is the first of (run.h). */
#define RUN_PAGES_MAX ((size_t)PAGE_INDEX_MAX - RUN_BINS)

#define CACHE_BATCH_MAX 8

#define CLASS_MAX 72 /* classes are 1 .. CLASS_MAX - 1 */

/* Stands at the start of the memory it describes. */
struct region {
    /* Constant once the region is added. */
    uintptr_t base; /* address of page 0 */
    size_t bytes;
    page_index pages;
    uint8_t memory; /* enum weft_memory */
    int8_t *kinds;  /* one per page and one more, PAGE_META, at the end */
    struct page *page;
    uintptr_t seal; /* a sum over these */

    /* Guarded by the pages lock. */
    uintptr_t occupied[RUN_WORDS]; /* bit per group of free runs */
    page_index bin[RUN_BINS];
    page_index cursor; /* the run at which the scavenger looks next */
    page_index scan;   /* inside a long run: how far it has looked */

    /* Each guarded by the class's central lock. */
    page_index partial[CLASS_MAX]; /* spans with free objects */
};

struct class_info {
    uint16_t size;    /* bytes of an object */
    uint16_t objects; /* in a span */
    uint8_t pages;    /* of a span: a power of two; spans are aligned to their size in the region */
    uint8_t depth;    /* most objects in a core's cache */
    uint8_t batch;    /* moved at a time between cache and spans */
};

/*
 * A core's cache of one class: a stack of pointers to free objects, in memory of its own. The word
 * below the first slot is 0, so that popping an empty stack gives NULL; the one above the last is
 * scratch, for a push that finds out late that the stack is full.
 */
struct cache_bin {
    uintptr_t *top;      /* first unused slot */
    uintptr_t *limit;    /* == top: full */
    uint32_t reciprocal; /* ceil(2^32 / object size): is an offset a multiple of it? */
    uint32_t mask;       /* bytes of a span - 1 */
};

/* A block that a handler could not free: links lie in the blocks. */
struct deferred_block {
    uintptr_t mark;
    struct deferred_block *next;
};

struct cache {
    struct cache_bin bin[CLASS_MAX];
    struct deferred_block *deferred; /* interrupts off */
    uint32_t flush_wanted; /* by the scavenger: give everything back at the next occasion */
};

/* The smallest object, and the alignment of all: room for the mark and a link. */
#define GRANULE (2 * sizeof(void *))

#define TABLE_MAX 1024 /* sizes up to this are looked up by the fast path */
#define MEDIUM_STEP 128
#define MEDIUM_MAX 8192

/* Constant after upcall_heap_init, but for the caches. What the fast paths read stands first, up to
 * the cache of class 0. */
struct heap {
    /* The largest NORMAL region: the one the fast path of free knows. */
    uintptr_t window_base;
    size_t window_bytes;
    const int8_t *window_kinds;
    uint32_t page_shift;
    uintptr_t mark;                      /* first word of a free small object */
    uint8_t class_of[TABLE_MAX / 8 + 1]; /* by (size + 7) / 8 */

    struct cache cache[WEFT_CONFIG_CORES];

    uintptr_t secret; /* hides the links of free objects */
    uint8_t medium_class_of[MEDIUM_MAX / MEDIUM_STEP];

    const struct heap_watcher *watcher; /* NULL: nobody (mem/watch.h) */
    bool slow_only;                     /* somebody watches, or a failure is to be injected */
    uint8_t table[TABLE_MAX / 8 + 1];   /* what class_of holds while nobody watches */

    size_t small_max; /* larger requests are page runs */
    unsigned classes; /* in use: 1 .. classes */
    struct class_info class[CLASS_MAX];

    struct region *region[8];
    unsigned regions;
    uintptr_t *slots[WEFT_CONFIG_CORES]; /* of each core's cache */
    bool (*oom_hook)(size_t bytes);
    void (*release_hook)(void *start, size_t bytes, bool released);
    bool trace; /* print the line after each scavenge */
    bool goal;  /* the scavenger's thread is at work: pages above the goal go back */
    /* scavenger_grown while there is a goal; called by its address, so that a program without a
     * scavenger does not have its code. */
    void (*grown)(size_t pages);
    uint8_t keep_percent; /* of inuse + stacks, that may stay idle and unreleased */

    uintptr_t seal;   /* a sum over what is constant, for weft_heap_check */
    uint32_t fail_at; /* requests until one fails, that one counted; 0: none does */

    /* Guarded by the pages lock; read by anyone. */
    struct weft_mstats stats;

    /* Guarded by the pages lock. */
    uint16_t epoch;         /* twice the scavenger's round, plus 1 */
    size_t round_released;  /* pages released by the last scavenge; read by anyone */
    volatile unsigned lent; /* > 0: the scavenger has a free run out */
};

extern struct heap heap;
extern struct heap *heap_gate; /* mem/gate.h */
extern struct spinlock heap_pages_lock;

static inline uintptr_t region_page_address(const struct region *region, page_index page)
{
    return region->base + ((uintptr_t)page << heap.page_shift);
}

static inline bool page_kind_free(int kind)
{
    _Static_assert(PAGE_FREE == -1 && PAGE_RELEASED == -2, "the two highest bytes");
    return (uint8_t)kind >= (uint8_t)PAGE_RELEASED;
}

/* The region that owns the address, or NULL. */
struct region *heap_region_of(uintptr_t address);

/* The first page of the large object that the page is part of; 0: it is not. With the deterministic
 * mode the pages between its ends look free. */
page_index heap_large_around(const struct region *region, page_index page);

/* Notes a sum over what is constant, after every change of it; is it still the same? */
void heap_seal(void);
bool heap_is_sealed(void);

/* mem/watch.c: counts a request that is about to be made; must it fail? */
bool heap_fails_now(void);

/* The class that holds `size` bytes, or 0: a page run. */
static inline unsigned heap_class_of(size_t size)
{
    if (size <= TABLE_MAX)
        return heap.table[(size + 7) / 8];
    return size <= heap.small_max ? heap.medium_class_of[(size - 1) / MEDIUM_STEP] : 0;
}

/* mem/malloc.c: what the pointer is: FAULT_NONE with *kind a class or PAGE_LARGE, or what is wrong
 * with it. */
enum heap_fault heap_examine(uintptr_t block, int *kind);

/* Slow halves of the fast paths (mem/fast.h), for any size, pointer and context. In the
 * deterministic mode bounded.c's, which leave to the general ones what they cannot do. */
void *heap_malloc_general(size_t size);
void heap_free_general(void *block);
void *bounded_malloc(size_t size);
void bounded_free(void *block);
void *bounded_alloc(enum weft_memory memory, size_t size); /* NULL: not this way */
void bounded_free_cached(void *block, unsigned class);     /* all is well, but the cache is full */
void bounded_free_large(void *block); /* first page of a large object in the first region */

static inline void *heap_malloc_slow(size_t size)
{
    return WEFT_CONFIG_HEAP_DETERMINISTIC ? bounded_malloc(size) : heap_malloc_general(size);
}

static inline void heap_free_slow(void *block)
{
    WEFT_CONFIG_HEAP_DETERMINISTIC ? bounded_free(block) : heap_free_general(block);
}

/* alignment: a power of two, of any size. */
void *heap_alloc(enum weft_memory memory, size_t alignment, size_t size);
static inline void *heap_memalign(size_t alignment, size_t size)
{
    return heap_alloc(WEFT_MEMORY_NORMAL, alignment, size);
}
enum weft_memory heap_memory_of(const void *block); /* the heap's */
void *heap_realloc(void *block, size_t size);
size_t heap_usable_size(void *block);
size_t heap_bytes_of(uintptr_t block); /* the same of what is known to be the program's */

/* mem/class.c: fills the class tables and the caches' constants for a heap of `bytes`. */
void class_init(size_t bytes);
size_t class_slots(void); /* cache slots that one core needs */

#endif
