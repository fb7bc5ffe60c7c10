/* SPDX-License-Identifier: MIT */
/*
 * The page heap.
 *
 * A region is cut into pages. A *run* is a stretch of pages with one owner; free runs never touch
 * each other, because a run that is given back grows over its free neighbours at once. Nothing is
 * written into free pages (the board may have taken them): a run's length and links stand in the
 * record of its first page, the length again in that of its last page, where the following run's
 * owner finds it.
 *
 * Free runs of similar length form a group, a doubly linked list; a bit per group and a bit per
 * word of those bits find the next group that is not empty in two steps. Groups have one length
 * each below 8 pages, and an eighth of a power of two above, so a run from the next group up always
 * fits and only the group that the wish itself falls into has to be looked through, LOOK_MAX runs
 * deep. That is the bound on the time; when it fails to find a run that exists, a second pass looks
 * through everything before the answer is "none".
 *
 * One lock guards it all. It is dropped before the board is asked to bring released pages back: the
 * run is ours by then. Kinds of pages inside a run that changes hands are written by its owner
 * without the lock; only the two pages at its ends, which neighbours look at, are written with it.
 */
#include "mem/page.h"

#include <string.h>

#include "mem/report.h"

#define LOOK_MAX 4

struct spinlock heap_pages_lock = SPINLOCK_INITIALIZER(RANK_HEAP_PAGES, "heap pages");

static unsigned log2_floor(uint32_t value)
{
    return 31 - (unsigned)__builtin_clz(value);
}

unsigned page_bin_of(page_index pages)
{
    if (pages < 8)
        return pages;
    unsigned log = log2_floor(pages);
    return (log - 2) * 8 + ((pages >> (log - 3)) & 7);
}

/* The first group from `bin` on that is not empty, or RUN_BINS. */
static unsigned bin_occupied(const struct region *region, unsigned bin)
{
    unsigned word = bin / 32;
    uint32_t bits = bin < RUN_BINS ? region->occupied[word] & (~0u << (bin % 32)) : 0;

    if (bits == 0) {
        uint32_t words = word + 1 < RUN_WORDS ? region->summary & (~0u << (word + 1)) : 0;

        if (words == 0)
            return RUN_BINS;
        word = (unsigned)__builtin_ctz(words);
        bits = region->occupied[word];
    }
    return word * 32 + (unsigned)__builtin_ctz(bits);
}

static void run_remove(struct region *region, page_index first)
{
    struct page *run = &region->page[first];
    unsigned bin = page_bin_of(run->run.pages);

    if (run->next)
        region->page[run->next].previous = run->previous;
    if (run->previous) {
        region->page[run->previous].next = run->next;
        return;
    }
    region->bin[bin] = run->next;
    if (run->next)
        return;
    region->occupied[bin / 32] &= ~(1u << (bin % 32));
    if (region->occupied[bin / 32] == 0)
        region->summary &= ~(1u << (bin / 32));
}

/* Do the records of the free run at `first` and those that they name agree? Looked at whenever a
 * run is taken or grown over, so that overwritten records are not followed. */
static bool run_is_whole(const struct region *region, page_index first)
{
    const struct page *page = region->page, *run = &page[first];
    uintptr_t length = run->run.pages;

    return first < region->pages && length && first + length <= region->pages &&
           page[first + length - 1].run.pages == length && page_kind_free(region->kinds[first]) &&
           page_kind_free(region->kinds[first + length - 1]) && run->next < region->pages &&
           run->previous < region->pages && (!run->next || page[run->next].previous == first) &&
           (run->previous ? page[run->previous].next
                          : region->bin[page_bin_of((page_index)length)]) == first;
}

/* A free neighbour's run that starts at `first`. False, after a report: it is none. */
static bool run_joins(const struct region *region, page_index first)
{
    bool whole = first && run_is_whole(region, first);

    if (!whole)
        report_fault(FAULT_RECORDS, region_page_address(region, first));
    return whole;
}

/* Pages [first, first + pages) become a free run; the kinds of its ends are right already. */
static void run_insert(struct region *region, page_index first, page_index pages, unsigned stamp,
                       bool dirty)
{
    struct page *run = &region->page[first];
    unsigned bin = page_bin_of(pages);

    if (region->cursor > first && region->cursor < first + pages)
        region->cursor = first;
    region->page[first + pages - 1].run.pages = pages;
    run->run.pages = pages;
    run->run.stamp = stamp & 0x7fff;
    run->run.dirty = dirty;
    run->previous = 0;
    run->next = region->bin[bin];
    if (run->next)
        region->page[run->next].previous = first;
    region->bin[bin] = first;
    region->occupied[bin / 32] |= 1u << (bin % 32);
    region->summary |= 1u << (bin / 32);
}

/* Does the wish fit into the free run? Then *at is where. */
static bool run_fits(const struct region *region, page_index first, const struct page_wish *wish,
                     page_index *at)
{
    uintptr_t length = region->page[first].run.pages, mask = (uintptr_t)wish->align - 1;
    uintptr_t phase = wish->absolute ? region->base >> heap.page_shift & mask : 0, start;

    if (length < wish->pages)
        return false;
    if (wish->high)
        start = ((first + length - wish->pages + phase) & ~mask) - phase;
    else
        start = ((first + phase + mask) & ~mask) - phase;
    if (start < first || start > PAGE_INDEX_MAX || start + wish->pages > first + length)
        return false;
    *at = (page_index)start;
    return true;
}

/* The smallest group first, `look` runs of each. */
static page_index run_find(const struct region *region, const struct page_wish *wish, unsigned look,
                           page_index *at)
{
    unsigned bin = page_bin_of(wish->pages);

    while ((bin = bin_occupied(region, bin)) < RUN_BINS) {
        unsigned left = look;

        for (page_index run = region->bin[bin]; run && left; run = region->page[run].next, left--)
            if (run_fits(region, run, wish, at))
                return run;
        bin++;
    }
    return 0;
}

/* Its pages still look free to whoever walks a run's inside; its neighbours see that it is
 * taken. */
static void ends_take(struct region *region, page_index first, page_index pages)
{
    int8_t *kinds = region->kinds, *last = &kinds[first + pages - 1];

    kinds[first] = kinds[first] == PAGE_FREE ? PAGE_TAKEN : PAGE_TAKEN_RELEASED;
    if (pages > 1)
        *last = *last == PAGE_FREE ? PAGE_TAKEN : PAGE_TAKEN_RELEASED;
}

/* Cuts [at, at + pages) out of the free run. */
static void run_carve(struct region *region, page_index run, page_index at, page_index pages)
{
    page_index length = region->page[run].run.pages;
    unsigned stamp = region->page[run].run.stamp;
    bool dirty = region->page[run].run.dirty;

    run_remove(region, run);
    if (at > run)
        run_insert(region, run, at - run, stamp, dirty);
    if (at + pages < run + length)
        run_insert(region, at + pages, run + length - at - pages, stamp, dirty);
    ends_take(region, at, pages);
    region->page[at].run.pages = pages;
    if (region->cursor >= at && region->cursor < at + pages)
        region->cursor = at + pages < region->pages ? at + pages : 0;
}

static void account_take_locked(enum page_owner owner, page_index pages)
{
    struct weft_mstats *stats = &heap.stats;
    size_t held;

    stats->idle_pages -= pages;
    if (owner == PAGE_OWNER_STACK)
        stats->stack_pages += pages;
    else
        stats->inuse_pages += pages;
    held = stats->inuse_pages + stats->stack_pages;
    if (held > stats->peak_pages)
        stats->peak_pages = held;
}

static bool kind_released(int kind)
{
    return kind == PAGE_RELEASED || kind == PAGE_TAKEN_RELEASED;
}

/* The board first, then the program's hook, which may use the memory. */
static void pages_commit(void *start, size_t bytes)
{
    board_pages_commit(start, bytes);
    if (heap.release_hook)
        heap.release_hook(start, bytes, false);
}

/* The run is ours; what the board has of it comes back. Commits stretch by stretch, and answers how
 * many pages those were. */
static page_index run_commit(struct region *region, page_index first, page_index pages)
{
    const int8_t *kinds = region->kinds;
    uintptr_t page = first, end = (uintptr_t)first + pages;
    page_index count = 0;

    while (page < end) {
        uintptr_t start = page;

        while (page < end && kind_released(kinds[page]))
            page++;
        if (page > start) {
            pages_commit((void *)region_page_address(region, (page_index)start),
                         (page - start) << heap.page_shift);
            count += (page_index)(page - start);
        } else {
            page++;
        }
    }
    if (count) {
        arch_irq_state state = spinlock_lock(&heap_pages_lock);

        ASSERT(heap.stats.released_pages >= count);
        heap.stats.released_pages -= count;
        spinlock_unlock(&heap_pages_lock, state);
    }
    return count;
}

size_t page_excess(void)
{
    const struct weft_mstats *stats = &heap.stats;
    size_t held = stats->inuse_pages + stats->stack_pages, released = stats->released_pages;
    size_t kept = stats->idle_pages > released ? stats->idle_pages - released : 0;
    size_t keep = held / 100 * heap.keep_percent + held % 100 * heap.keep_percent / 100;

    return kept > keep ? kept - keep : 0;
}

static page_index region_take(struct region *region, const struct page_wish *wish,
                              enum page_owner owner, page_index *grown)
{
    page_index run, at = 0;
    bool released, broken;
    arch_irq_state state = spinlock_lock(&heap_pages_lock);

    run = run_find(region, wish, LOOK_MAX, &at);
    if (!run && !WEFT_CONFIG_HEAP_DETERMINISTIC)
        run = run_find(region, wish, UINT_MAX, &at);
    broken = run && !run_is_whole(region, run);
    if (run && !broken) {
        run_carve(region, run, at, wish->pages);
        account_take_locked(owner, wish->pages);
    }
    released = heap.stats.released_pages != 0;
    spinlock_unlock(&heap_pages_lock, state);
    if (broken) {
        report_fault(FAULT_RECORDS, region_page_address(region, run));
        return 0;
    }
    if (run && released)
        *grown = run_commit(region, at, wish->pages);
    return run ? at : 0;
}

/* The ends of a run that has an owner are written by the owner, without the lock, and read under it
 * by whoever frees the run beside: PAGE_TAKEN or what the owner makes of it, never free. */
static void end_set(struct region *region, page_index page, int kind)
{
    __atomic_store_n(&region->kinds[page], (int8_t)kind, __ATOMIC_RELAXED);
}

static bool end_is_free(const struct region *region, page_index page)
{
    return page_kind_free(__atomic_load_n(&region->kinds[page], __ATOMIC_RELAXED));
}

/* Kinds of the pages between the ends. */
static void inside_set(struct region *region, page_index first, page_index pages, int kind)
{
    if (pages > 2)
        memset(&region->kinds[first + 1], kind, pages - 2u);
}

struct region *page_take(enum weft_memory memory, const struct page_wish *wish,
                         enum page_owner owner, int first_kind, int body_kind, page_index *first)
{
    page_index grown = 0;

    ASSERT(core_self()->preempt_off && wish->pages != 0);
    for (unsigned i = 0; i < heap.regions; i++) {
        struct region *region = heap.region[i];

        if (region->memory != memory || wish->pages >= region->pages)
            continue;
        *first = region_take(region, wish, owner, &grown);
        if (*first == 0)
            continue;
        end_set(region, *first, first_kind);
        inside_set(region, *first, wish->pages, body_kind);
        if (wish->pages > 1)
            end_set(region, *first + wish->pages - 1, body_kind);
        if (grown && heap.grown)
            heap.grown(grown);
        return region;
    }
    return NULL;
}

/* The run becomes free and grows over free neighbours. A neighbour keeps its age when what joins it
 * is released already: there is nothing new to give back. */
static void run_give_locked(struct region *region, page_index first, page_index pages, int kind)
{
    struct page *page = region->page;
    page_index start = first, length = pages, next = first + pages;
    unsigned stamp = heap.epoch;
    bool dirty = kind == PAGE_FREE;

    region->kinds[first] = region->kinds[next - 1] = (int8_t)kind;
    if (end_is_free(region, first - 1) &&
        run_joins(region, first - (page[first - 1].run.pages < first ? page[first - 1].run.pages
                                                                     : first))) {
        start = first - page[first - 1].run.pages;
        length += first - start;
        if (!dirty)
            stamp = page[start].run.stamp;
        dirty |= page[start].run.dirty;
        run_remove(region, start);
    }
    if (end_is_free(region, next) && run_joins(region, next)) {
        length += page[next].run.pages;
        if (!dirty)
            stamp = page[next].run.stamp;
        dirty |= page[next].run.dirty;
        run_remove(region, next);
    }
    run_insert(region, start, length, stamp, dirty);
}

void page_give(struct region *region, page_index first, page_index pages, enum page_owner owner)
{
    arch_irq_state state;

    ASSERT(first != 0 && pages != 0 && (uintptr_t)first + pages <= region->pages);
    inside_set(region, first, pages, PAGE_FREE);
    state = spinlock_lock(&heap_pages_lock);
    run_give_locked(region, first, pages, PAGE_FREE);
    if (owner == PAGE_OWNER_STACK)
        heap.stats.stack_pages -= pages;
    else
        heap.stats.inuse_pages -= pages;
    heap.stats.idle_pages += pages;
    spinlock_unlock(&heap_pages_lock, state);
}

bool page_extend(struct region *region, page_index first, page_index pages, page_index wanted,
                 enum page_owner owner, int body_kind)
{
    page_index next = first + pages, more = wanted - pages, grown;
    bool fits;
    arch_irq_state state;

    ASSERT(wanted > pages);
    state = spinlock_lock(&heap_pages_lock);
    fits = page_kind_free(region->kinds[next]) && region->page[next].run.pages >= more &&
           run_joins(region, next);
    if (fits) {
        run_carve(region, next, next, more);
        region->page[first].run.pages = wanted;
        account_take_locked(owner, more);
    }
    spinlock_unlock(&heap_pages_lock, state);
    if (!fits)
        return false;
    grown = run_commit(region, next, more);
    memset(&region->kinds[next], body_kind, more);
    if (grown && heap.grown)
        heap.grown(grown);
    return true;
}

void page_region_init(struct region *region, page_index meta_pages)
{
    page_index free_pages = region->pages - meta_pages;
    arch_irq_state state;

    memset(region->kinds, PAGE_META, meta_pages);
    memset(&region->kinds[meta_pages], PAGE_FREE, free_pages);
    region->kinds[region->pages] = PAGE_META;
    region->cursor = 0;
    region->page[0].run.pages = meta_pages;
    state = spinlock_lock(&heap_pages_lock);
    heap.stats.sys_pages += region->pages;
    heap.stats.meta_pages += meta_pages;
    heap.stats.idle_pages += free_pages;
    run_insert(region, meta_pages, free_pages, heap.epoch, true);
    spinlock_unlock(&heap_pages_lock, state);
}

page_index page_longest(struct region *region)
{
    page_index longest = 0;
    arch_irq_state state = spinlock_lock(&heap_pages_lock);

    if (region->summary) {
        unsigned word = log2_floor(region->summary);
        unsigned bin = word * 32 + log2_floor(region->occupied[word]);

        for (page_index run = region->bin[bin]; run; run = region->page[run].next)
            if (region->page[run].run.pages > longest)
                longest = region->page[run].run.pages;
    }
    spinlock_unlock(&heap_pages_lock, state);
    return longest;
}

/* Where the run, or the span, that starts at `page` ends; 0 while it changes hands. */
static uintptr_t run_end(const struct region *region, page_index page)
{
    int kind = region->kinds[page];

    if (kind > 0)
        return (uintptr_t)page + heap.class[kind].pages;
    if (page_kind_free(kind) || kind == PAGE_LARGE || kind == PAGE_STACK || kind == PAGE_META ||
        kind == PAGE_GC)
        return (uintptr_t)page + region->page[page].run.pages;
    return 0;
}

#define SCAN_PAGES 512

/* A stretch of unreleased pages in a free run, looked for where the last look ended. */
static page_index run_unreleased(struct region *region, page_index run, page_index most,
                                 page_index *first)
{
    uintptr_t end = (uintptr_t)run + region->page[run].run.pages, stop;
    page_index from = region->scan > run && region->scan < end ? region->scan : run;
    const int8_t *found;
    page_index count = 0;

    stop = end - from > SCAN_PAGES ? (uintptr_t)from + SCAN_PAGES : end;
    found = memchr(&region->kinds[from], (uint8_t)PAGE_FREE, stop - from);
    if (!found) {
        if (from == run && stop == end)
            region->page[run].run.dirty = 0;
        region->scan = stop == end ? 0 : (page_index)stop;
        return 0;
    }
    *first = (page_index)(found - region->kinds);
    while (count < most && *first + count < end && found[count] == PAGE_FREE)
        count++;
    region->scan = *first + count;
    return count;
}

page_index page_scavenge_get(struct region *region, unsigned age, unsigned budget, page_index most,
                             page_index *first, bool *wrapped)
{
    page_index count = 0;
    arch_irq_state state = spinlock_lock(&heap_pages_lock);

    while (budget-- && count == 0 && !*wrapped) {
        page_index page = region->cursor;
        const struct page *run = &region->page[page];
        uintptr_t end = run_end(region, page);

        if (end == 0)
            break;
        if (page_kind_free(region->kinds[page]) && run->run.dirty &&
            ((heap.epoch - run->run.stamp) & 0x7fffu) >= age) {
            count = run_unreleased(region, page, most, first);
            if (count) {
                run_carve(region, page, *first, count);
                heap.lent++;
                break;
            }
            if (region->scan)
                continue;
        }
        *wrapped = end >= region->pages;
        region->cursor = *wrapped ? 0 : (page_index)end;
    }
    spinlock_unlock(&heap_pages_lock, state);
    return count;
}

void page_scavenge_put(struct region *region, page_index first, page_index pages)
{
    arch_irq_state state;

    inside_set(region, first, pages, PAGE_RELEASED);
    state = spinlock_lock(&heap_pages_lock);
    run_give_locked(region, first, pages, PAGE_RELEASED);
    heap.stats.released_pages += pages;
    heap.lent--;
    spinlock_unlock(&heap_pages_lock, state);
}
