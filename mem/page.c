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
 * Free runs of similar length form a group, a doubly linked list; a bit per group finds the next
 * one that is not empty. Groups have one length each below 16 pages, and an eighth of a power of
 * two above, so a run from the next group up always fits and only the group that the wish itself
 * falls into has to be looked through, LOOK_MAX runs deep. That is the bound on the time; when it
 * fails to find a run that exists, a second pass looks through everything before the answer is
 * "none". run.h has what is done to a run, page_scavenge.c what the scavenger does.
 *
 * One lock guards it all. It is dropped before the board is asked to bring released pages back: the
 * run is ours by then. Kinds of pages inside a run that changes hands are written by its owner
 * without the lock; only the two pages at its ends, which neighbours look at, are written with it.
 */
#include "mem/page.h"

#include <string.h>

#include "mem/run.h"

#define LOOK_MAX 4

struct spinlock heap_pages_lock = SPINLOCK_INITIALIZER(RANK_HEAP_PAGES, "heap pages");

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
    unsigned bin = run_bin_of(wish->pages);

    while ((bin = run_bin_occupied(region, bin)) < RUN_BINS) {
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

bool run_carve(struct region *region, page_index run, page_index at, page_index pages)
{
    uintptr_t length = region->page[run].run.pages, end = (uintptr_t)at + pages;
    unsigned age = region->page[run].run.age;

    if (length > region->pages - (uintptr_t)run || !page_kind_free(region->kinds[run]) ||
        !run_unlink(region, run, length))
        return false;
    if (at > run)
        run_insert(region, run, (uintptr_t)(at - run), age);
    if (end < run + length)
        run_insert(region, end, run + length - end, age);
    ends_take(region, at, pages);
    region->page[at].run.pages = pages;
    if (region->cursor >= at && region->cursor < end)
        region->cursor = end < region->pages ? (page_index)end : 0;
    else if (region->cursor > run && region->cursor < at)
        region->cursor = run;
    return true;
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
    bool released, taken;
    arch_irq_state state = spinlock_lock(&heap_pages_lock);

    run = run_find(region, wish, LOOK_MAX, &at);
    if (!run && !WEFT_CONFIG_HEAP_DETERMINISTIC)
        run = run_find(region, wish, UINT_MAX, &at);
    taken = run && run_carve(region, run, at, wish->pages);
    if (taken)
        run_account_take(owner, wish->pages);
    released = heap.stats.released_pages != 0;
    spinlock_unlock(&heap_pages_lock, state);
    if (run && !taken)
        run_report(region, run);
    if (taken && released)
        *grown = run_commit(region, at, wish->pages);
    return taken ? at : 0;
}

static void end_set(struct region *region, uintptr_t page, int kind)
{
    __atomic_store_n(&region->kinds[page], (int8_t)kind, __ATOMIC_RELAXED);
}

/* Pages between the ends of a large object keep the kind of free ones in the deterministic mode,
 * where no call may take longer for a larger block. */
static bool inside_looks_free(int body_kind)
{
    return WEFT_CONFIG_HEAP_DETERMINISTIC && body_kind == PAGE_LARGE_BODY;
}

/* Kinds of the pages between the ends. */
static void inside_set(struct region *region, uintptr_t first, uintptr_t pages, int kind)
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
        if (!inside_looks_free(body_kind))
            inside_set(region, *first, wish->pages, body_kind);
        else if (grown)
            inside_set(region, *first, wish->pages, PAGE_FREE);
        if (wish->pages > 1)
            end_set(region, *first + wish->pages - 1u, body_kind);
        if (grown && heap.grown)
            heap.grown(grown);
        return region;
    }
    return NULL;
}

void page_give_locked(struct region *region, page_index first, page_index pages,
                      enum page_owner owner)
{
    uintptr_t broken = run_give_now(region, first, pages);

    run_account_give(owner, pages);
    if (broken)
        run_report(region, broken);
}

void page_give(struct region *region, page_index first, page_index pages, enum page_owner owner)
{
    arch_irq_state state;

    ASSERT(first != 0 && pages != 0 && (uintptr_t)first + pages <= region->pages);
    if (!inside_looks_free(region->kinds[first] == PAGE_LARGE ? PAGE_LARGE_BODY : 0))
        inside_set(region, first, pages, PAGE_FREE);
    state = spinlock_lock(&heap_pages_lock);
    page_give_locked(region, first, pages, owner);
    spinlock_unlock(&heap_pages_lock, state);
}

void page_shrink(struct region *region, page_index first, page_index pages, page_index wanted,
                 int body_kind)
{
    ASSERT(wanted > 0 && wanted < pages);
    region->page[first].run.pages = wanted;
    if (wanted > 1)
        end_set(region, first + wanted - 1u, body_kind);
    page_give(region, first + wanted, pages - wanted, PAGE_OWNER_HEAP);
}

bool page_extend(struct region *region, page_index first, page_index pages, page_index wanted,
                 enum page_owner owner, int body_kind)
{
    page_index next = first + pages, more = wanted - pages, grown;
    bool fits;
    arch_irq_state state;

    ASSERT(wanted > pages);
    state = spinlock_lock(&heap_pages_lock);
    fits = run_end_is_free(region, next) && region->page[next].run.pages >= more;
    if (fits && !run_carve(region, next, next, more)) {
        run_report(region, next);
        fits = false;
    }
    if (fits) {
        region->page[first].run.pages = wanted;
        run_account_take(owner, more);
    }
    spinlock_unlock(&heap_pages_lock, state);
    if (!fits)
        return false;
    grown = run_commit(region, next, more);
    if (!inside_looks_free(body_kind))
        memset(&region->kinds[next], body_kind, more);
    else if (pages > 1)
        memset(&region->kinds[next - 1], PAGE_FREE, more);
    else
        memset(&region->kinds[next], PAGE_FREE, more - 1u);
    end_set(region, first + wanted - 1u, body_kind);
    if (grown && heap.grown)
        heap.grown(grown);
    return true;
}

/* Takes the free runs on both sides of a run into it, when that makes `wanted` pages: how many it
 * has then. 0: it does not. */
static page_index run_spread(struct region *region, page_index first, page_index pages,
                             page_index wanted, enum page_owner owner, page_index *start)
{
    uintptr_t end = (uintptr_t)first + pages, before = 0, after = 0, broken = 0;
    bool joins_before = run_end_is_free(region, first - 1u);
    bool joins_after = run_end_is_free(region, end);

    before = joins_before ? region->page[first - 1].run.pages : 0;
    after = joins_after ? region->page[end].run.pages : 0;
    if (!joins_before || before + pages + after < wanted)
        return 0;
    before = run_take_before(region, first, &broken);
    if (joins_after)
        after = run_take_after(region, end, &broken);
    if (broken)
        run_report(region, broken);
    *start = (page_index)(first - before);
    run_cursor_joined(region, *start, before + pages + after);
    region->page[*start].run.pages = (page_index)(before + pages + after);
    ends_take(region, *start, 1);
    if (after)
        ends_take(region, (page_index)(end + after - 1), 1);
    run_account_take(owner, before + after);
    return (page_index)(before + pages + after);
}

page_index page_spread(struct region *region, page_index first, page_index pages, page_index wanted,
                       enum page_owner owner, int body_kind, page_index *start)
{
    int first_kind = region->kinds[first];
    arch_irq_state state = spinlock_lock(&heap_pages_lock);
    page_index has = run_spread(region, first, pages, wanted, owner, start), grown;

    spinlock_unlock(&heap_pages_lock, state);
    if (has == 0)
        return 0;
    grown = run_commit(region, *start, has);
    inside_set(region, *start, has, inside_looks_free(body_kind) ? PAGE_FREE : body_kind);
    end_set(region, *start + has - 1u, body_kind);
    end_set(region, *start, first_kind);
    if (grown && heap.grown)
        heap.grown(grown);
    return has;
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
    run_insert(region, meta_pages, free_pages, heap.epoch);
    spinlock_unlock(&heap_pages_lock, state);
}

page_index page_longest(struct region *region)
{
    page_index longest = 0;
    unsigned bin = RUN_BINS;
    arch_irq_state state = spinlock_lock(&heap_pages_lock);

    while (bin && region->bin[bin - 1] == 0)
        bin--;
    for (page_index run = bin ? region->bin[bin - 1] : 0; run; run = region->page[run].next)
        if (region->page[run].run.pages > longest)
            longest = region->page[run].run.pages;
    spinlock_unlock(&heap_pages_lock, state);
    return longest;
}
