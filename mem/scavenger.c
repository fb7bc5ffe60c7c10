/* SPDX-License-Identifier: MIT */
/*
 * The scavenger.
 *
 * A step looks at a few runs under the pages lock, takes at most 64 KiB of one that has been free
 * long enough off the heap, lets the lock go, asks the board to release it, and puts it back among
 * the free runs, as released. Nothing is printed, waited for or allocated on the way. The thread
 * that drives it is made elsewhere.
 *
 * Time is counted in rounds: a run remembers the round in which something was last added to it.
 */
#include "mem/scavenger.h"

#include "mem/page.h"

#define STEP_RUNS 32
#define STEP_BYTES 65536u
#define AGE_ROUNDS 2 /* freed in round n: a whole round has passed when n + 2 begins */

static struct {
    uint32_t busy;      /* a step is under way */
    unsigned region;    /* the round is in this one */
    size_t round_pages; /* released so far in this round */
} scavenger;

static bool claim(void)
{
    return __atomic_exchange_n(&scavenger.busy, 1, __ATOMIC_ACQUIRE) == 0;
}

static void unclaim(void)
{
    __atomic_store_n(&scavenger.busy, 0, __ATOMIC_RELEASE);
}

static void round_end(void)
{
    arch_irq_state state = spinlock_lock(&heap_pages_lock);

    heap.epoch++;
    heap.stats.scavenges++;
    heap.round_released = scavenger.round_pages;
    spinlock_unlock(&heap_pages_lock, state);
    scavenger.round_pages = 0;
    scavenger.region = 0;
}

/* True while the round goes on. */
static bool scavenge_some(unsigned age)
{
    page_index most = (page_index)(STEP_BYTES >> heap.page_shift), first, count;
    struct region *region = heap.region[scavenger.region];
    bool wrapped = false;

    count = page_scavenge_get(region, age, STEP_RUNS, most ? most : 1, &first, &wrapped);
    if (count) {
        board_pages_release((void *)region_page_address(region, first),
                            (size_t)count << heap.page_shift);
        page_scavenge_put(region, first, count);
        scavenger.round_pages += count;
    }
    if (!wrapped)
        return true;
    if (++scavenger.region < heap.regions)
        return true;
    round_end();
    return false;
}

bool scavenger_step(void)
{
    struct core *core = prim_enter();
    bool more = true;

    ASSERT(core->interrupt_depth == 0);
    if (claim()) {
        more = heap.regions != 0 && scavenge_some(AGE_ROUNDS);
        unclaim();
    }
    prim_leave(core);
    return more;
}

/* A round from the start, whatever the background round has done so far. */
size_t weft_heap_scavenge(void)
{
    size_t pages;
    bool more = true, fresh = true;

    (void)upcall_memory_pressure();
    do {
        struct core *core = prim_enter();

        ASSERT(core->interrupt_depth == 0);
        if (claim()) {
            if (fresh) {
                scavenger.region = 0;
                for (unsigned i = 0; i < heap.regions; i++)
                    heap.region[i]->cursor = heap.region[i]->scan = 0;
                fresh = false;
            }
            more = heap.regions != 0 && scavenge_some(0);
            pages = heap.round_released;
            unclaim();
        }
        prim_leave(core);
    } while (more);
    return pages << heap.page_shift;
}
