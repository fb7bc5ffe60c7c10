/* SPDX-License-Identifier: MIT */
/*
 * Spans of small objects.
 *
 * A span is a run of pages cut into objects of one class, aligned to its own size in the region, so
 * that an object's address gives its span by masking. Its record counts the objects in use (with
 * the program, or in some core's cache), those that were ever handed out, and names the first free
 * one; a new span costs no more than its record, since objects beyond `fresh` are free without
 * being written to. Spans that have a free object are listed by class and region (a
 * region has one kind of memory, so these are the lists by kind and class as well); the others are
 * found by their objects only.
 *
 * A free object's first word is the mark (every free object has it, in a span or a cache; free
 * looks for it), its second the number of the next free object, hidden with the boot's secret and
 * the object's address. A number that is out of range, or a missing mark, means that somebody wrote
 * to freed memory: it is found before the link is followed.
 *
 * One lock per class (a single one with one core, where it only keeps interrupts off). The pages
 * lock may be taken inside it, for giving a span back; taking a new span is done with no lock held,
 * since the board may have to be asked.
 */
#include "mem/central.h"

#include "mem/page.h"
#include "mem/report.h"
#include "mem/span.h"

/* The deterministic mode does all with the pages lock (bounded.c). */
#define LOCKS (WEFT_CONFIG_CORES > 1 && !WEFT_CONFIG_HEAP_DETERMINISTIC ? CLASS_MAX : 1)

static struct spinlock central_lock[LOCKS] = {
    [0 ... LOCKS - 1] = SPINLOCK_INITIALIZER(RANK_HEAP_CENTRAL, "heap class"),
};

static struct spinlock *lock_of(unsigned class)
{
    if (WEFT_CONFIG_HEAP_DETERMINISTIC)
        return &heap_pages_lock;
    return &central_lock[LOCKS > 1 ? class : 0];
}

static bool span_new(enum weft_memory memory, unsigned class)
{
    const struct class_info *info = &heap.class[class];
    struct page_wish wish = {.pages = info->pages, .align = info->pages};
    struct region *region;
    page_index first;
    arch_irq_state state;

    region = page_take(memory, &wish, PAGE_OWNER_HEAP, (int)class, (int)class, &first);
    if (!region)
        return false;
    span_begin(region, class, first);
    state = spinlock_lock(lock_of(class));
    span_partial_insert(region, class, first);
    spinlock_unlock(lock_of(class), state);
    return true;
}

/* The object that broke is the head of the first span of the class. */
static void report_broken(const struct region *region, unsigned class, page_index first)
{
    uintptr_t base = region_page_address(region, first);

    report_fault(FAULT_OVERWRITTEN,
                 base + (region->page[first].span.head - 1u) * heap.class[class].size);
}

static unsigned region_get(struct region *region, unsigned class, uintptr_t *slot, unsigned most)
{
    unsigned count = 0;
    page_index broken = 0;
    arch_irq_state state = spinlock_lock(lock_of(class));

    while (count < most && region->partial[class]) {
        page_index first = region->partial[class];

        slot[count] = span_pop(region, class, first);
        if (slot[count] == 0) {
            /* Nothing more is ever taken from it. */
            span_partial_remove(region, class, first);
            broken = first;
            break;
        }
        count++;
    }
    spinlock_unlock(lock_of(class), state);
    if (broken)
        report_broken(region, class, broken);
    return count;
}

static unsigned existing_get(enum weft_memory memory, unsigned class, uintptr_t *slot,
                             unsigned most)
{
    unsigned count = 0;

    for (unsigned i = 0; i < heap.regions && count < most; i++)
        if (heap.region[i]->memory == memory)
            count += region_get(heap.region[i], class, slot + count, most - count);
    return count;
}

unsigned central_get(enum weft_memory memory, unsigned class, uintptr_t *slot, unsigned most)
{
    unsigned count;

    ASSERT(class >= 1 && class <= heap.classes && most > 0);
    while ((count = existing_get(memory, class, slot, most)) == 0)
        if (!span_new(memory, class))
            return 0;
    return count;
}

void *central_get_existing(enum weft_memory memory, unsigned class)
{
    uintptr_t object;

    return existing_get(memory, class, &object, 1) ? (void *)object : NULL;
}

static enum heap_fault put_locked(struct region *region, unsigned class, page_index first,
                                  uintptr_t object)
{
    unsigned index;
    bool empty = false;
    page_index pages = heap.class[class].pages;
    enum heap_fault fault = span_index(region, class, first, object, &index);

    if (fault == FAULT_NONE)
        fault = span_put(region, class, first, object, index, &empty);
    if (fault != FAULT_NONE || !empty)
        return fault;
    if (WEFT_CONFIG_HEAP_DETERMINISTIC)
        page_give_locked(region, first, pages, PAGE_OWNER_HEAP);
    else
        page_give(region, first, pages, PAGE_OWNER_HEAP);
    return FAULT_NONE;
}

static enum heap_fault put_one_locked(unsigned class, uintptr_t object)
{
    struct region *region = heap_region_of(object);

    if (region->kinds[(object - region->base) >> heap.page_shift] != (int)class)
        return FAULT_FREE;
    return put_locked(region, class, central_span(region, class, object), object);
}

void central_put(unsigned class, const uintptr_t *object, unsigned count)
{
    uintptr_t wrong = 0;
    enum heap_fault fault = FAULT_NONE;
    arch_irq_state state = spinlock_lock(lock_of(class));

    for (unsigned i = 0; i < count; i++) {
        enum heap_fault found = put_one_locked(class, object[i]);

        if (found != FAULT_NONE) {
            fault = found;
            wrong = object[i];
        }
    }
    spinlock_unlock(lock_of(class), state);
    if (fault != FAULT_NONE)
        report_fault(fault, wrong);
}

enum heap_fault central_locate(const struct region *region, unsigned class, uintptr_t object)
{
    unsigned index;

    return span_index(region, class, central_span(region, class, object), object, &index);
}

/* Is the object on its span's list of free ones? */
static bool listed_locked(const struct region *region, unsigned class, page_index first,
                          unsigned index)
{
    const struct page *span = &region->page[first];
    uintptr_t base = region_page_address(region, first), number = span->span.head;

    for (unsigned left = span->span.fresh; number && left; left--) {
        uintptr_t *object;

        if (number == index + 1)
            return true;
        if (number > span->span.fresh)
            return false;
        object = (uintptr_t *)(base + (number - 1) * heap.class[class].size);
        number = span_link_code((uintptr_t)object, object[1]);
    }
    return false;
}

bool central_holds(uintptr_t object)
{
    const struct region *region = heap_region_of(object);
    unsigned class = (unsigned)region->kinds[(object - region->base) >> heap.page_shift], index;
    page_index first = central_span(region, class, object);
    arch_irq_state state = spinlock_lock(lock_of(class));
    bool holds = span_index(region, class, first, object, &index) == FAULT_NONE &&
                 listed_locked(region, class, first, index);

    spinlock_unlock(lock_of(class), state);
    return holds;
}

int central_check_span(struct region *region, page_index first)
{
    unsigned class = (unsigned)region->kinds[first], listed = 0;
    const struct class_info *info = &heap.class[class];
    const struct page *span = &region->page[first];
    uintptr_t base = region_page_address(region, first), number = span->span.head;

    if (first & (info->pages - 1u) || span->span.fresh > info->objects ||
        span->span.used > span->span.fresh)
        return report_state("span record", base);
    for (page_index page = first; page < first + info->pages; page++)
        if (region->kinds[page] != (int)class)
            return report_state("span's page kinds", base);
    for (; number && listed <= span->span.fresh; listed++) {
        uintptr_t *object = (uintptr_t *)(base + (number - 1) * info->size);

        if (number > span->span.fresh || object[0] != heap.mark)
            return report_state("free object", (uintptr_t)object);
        number = span_link_code((uintptr_t)object, object[1]);
    }
    if (listed != (unsigned)(span->span.fresh - span->span.used))
        return report_state("span's free list length", base);
    return 0;
}

uintptr_t central_next_free(const struct region *region, page_index first, uintptr_t object)
{
    unsigned class = (unsigned)region->kinds[first];
    const struct page *span = &region->page[first];
    uintptr_t number = span->span.head;

    if (object)
        number = span_link_code(object, ((const uintptr_t *)object)[1]);
    if (number == 0 || number > span->span.fresh)
        return 0;
    return region_page_address(region, first) + (number - 1) * heap.class[class].size;
}
