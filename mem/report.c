/* SPDX-License-Identifier: MIT */
#include "mem/report.h"

#include "mem/account.h"
#include "mem/central.h"
#include "mem/guard.h"

static const char *const sentence[] = {
    [FAULT_FOREIGN] = "free of a pointer that malloc never returned",
    [FAULT_MISALIGNED] = "free of a pointer into a block, not to its start",
    [FAULT_NEVER_USED] = "free of a block that was never allocated",
    [FAULT_FREE] = "double free",
    [FAULT_OVERWRITTEN] = "a free block was written to (use after free, or an overflow)",
    [FAULT_OVERRUN] = "a block was written to past its end",
    [FAULT_RECORDS] = "the records of free pages were overwritten",
};

/* Start and size of the block that the address lies in, as far as that is known. */
static uintptr_t block_around(uintptr_t address, size_t *bytes)
{
    const struct region *region = heap_region_of(address);
    page_index page, span;
    int kind;

    *bytes = 0;
    if (!region)
        return address;
    page = (page_index)((address - region->base) >> heap.page_shift);
    kind = region->kinds[page];
    if (kind > 0) {
        uintptr_t base;

        span = central_span(region, (unsigned)kind, address);
        base = region_page_address(region, span);
        *bytes = heap.class[kind].size;
        return base + (address - base) / *bytes * *bytes;
    }
    page = heap_large_around(region, page);
    if (page == 0)
        return address;
    *bytes = (size_t)region->page[page].run.pages << heap.page_shift;
    return region_page_address(region, page);
}

/* Who had it, as far as that is recorded (the full tier, or accounts); pc=0x... is what the host
 * tool turns into names. */
static void print_history(uintptr_t block, size_t usable)
{
    struct guard_history history;
    uint32_t thread;

    if (ACCOUNT_BYTES && account_of(block, usable, &thread, &usable))
        print_console("heap: block %p: %zu bytes asked for, allocated by thread %u\n",
                      (void *)block, usable, (unsigned)thread);
    if (!WEFT_CONFIG_HEAP_FULL || !guard_history(block, &history))
        return;
    print_console("heap: block %p: %zu bytes asked for, allocated by thread %u at pc=0x%zx\n",
                  (void *)block, history.bytes, (unsigned)history.owner, history.allocated_at);
    if (history.freed_at)
        print_console("heap: block %p: freed at pc=0x%zx\n", (void *)block, history.freed_at);
}

void report_fault(enum heap_fault fault, uintptr_t address)
{
    size_t bytes;
    uintptr_t block = block_around(address, &bytes);

    print_history(block, bytes);
    if (WEFT_CONFIG_HEAP_REPORT_RETURNS)
        print_console("heap: %s: %p (block %p of %zu bytes)\n", sentence[fault], (void *)address,
                      (void *)block, bytes);
    else
        weft_panic("heap: %s: %p (block %p of %zu bytes)", sentence[fault], (void *)address,
                   (void *)block, bytes);
}

int report_state(const char *what, uintptr_t address)
{
    print_console("heap check: wrong %s at %p\n", what, (void *)address);
    return WEFT_ESTATE;
}
