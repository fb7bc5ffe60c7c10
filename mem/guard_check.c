/* SPDX-License-Identifier: MIT */
/* The full tier's look at every block: for weft_heap_check, for reports, and for whoever wants to
 * know what a thread owns. */
#include "mem/account.h"
#include "mem/guard_record.h"
#include "mem/large.h"
#include "mem/quarantine.h"
#include "mem/report.h"

bool guard_history(uintptr_t block, struct guard_history *history)
{
    int kind = 0;
    const struct guard *guard;

    if (heap_examine(block, &kind) != FAULT_NONE)
        return false;
    guard = guard_of(block, heap_usable_size((void *)block));
    if (!guard_is_whole(block, guard))
        return false;
    *history = (struct guard_history){.bytes = guard->bytes,
                                      .owner = guard->owner,
                                      .allocated_at = guard->allocated_at,
                                      .freed_at = guard->freed_at};
    return true;
}

typedef int (*visitor)(uintptr_t block, size_t usable, void *argument);

static int visit_span(struct region *region, page_index first, visitor visit, void *argument)
{
    const struct class_info *info = &heap.class[region->kinds[first]];
    uintptr_t object = region_page_address(region, first);
    int result = 0;

    for (unsigned i = 0; i < region->page[first].span.fresh && result == 0; i++) {
        if (*(const uintptr_t *)object != heap.mark)
            result = visit(object, info->size, argument);
        object += info->size;
    }
    return result;
}

/* Blocks in quarantine are among them, those that a handler left to be freed are not: they have the
 * mark. Preemption off. */
static int visit_all(visitor visit, void *argument)
{
    int result = 0;

    for (unsigned i = 0; i < heap.regions; i++) {
        struct region *region = heap.region[i];

        for (uintptr_t page = 1; page < region->pages && result == 0;) {
            int kind = region->kinds[page];

            uintptr_t address = region_page_address(region, (page_index)page);

            if (kind > 0)
                result = visit_span(region, (page_index)page, visit, argument);
            else if (kind == PAGE_LARGE && *(const uintptr_t *)address != heap.mark)
                result = visit(address, (size_t)region->page[page].run.pages << heap.page_shift,
                               argument);
            page += kind > 0 ? heap.class[kind].pages : 1u;
        }
    }
    return result;
}

static int check_block(uintptr_t block, size_t usable, void *argument)
{
    const struct guard *guard = guard_of(block, usable);

    (void)argument;
    if (!guard_is_whole(block, guard) ||
        (!guard->freed_at && !guard_canary_is_whole(block, guard, false)))
        return report_state("end of a block", block);
    if (guard->freed_at && !quarantine_is_untouched(block, usable))
        return report_state("block in quarantine", block);
    return 0;
}

int guard_check(void)
{
    return __atomic_load_n(&guard_dressing, __ATOMIC_ACQUIRE) ? 0 : visit_all(check_block, NULL);
}

struct owned {
    uint32_t owner;
    size_t blocks, bytes;
};

static int add_owned(uintptr_t block, size_t usable, void *argument)
{
    const struct guard *guard = guard_of(block, usable);
    struct owned *owned = argument;

    if (guard->freed_at == 0 && guard->owner == owned->owner) {
        owned->blocks++;
        owned->bytes += guard->bytes;
    }
    return 0;
}

int weft_heap_owned(uint32_t thread_id, size_t *blocks, size_t *bytes)
{
    struct owned owned = {.owner = thread_id};
    struct core *core;

    if (!WEFT_CONFIG_HEAP_FULL)
        return account_owned(thread_id, blocks, bytes);
    core = prim_enter();
    ASSERT(core->interrupt_depth == 0);
    (void)visit_all(add_owned, &owned);
    prim_leave(core);
    *blocks = owned.blocks;
    *bytes = owned.bytes;
    return 0;
}
