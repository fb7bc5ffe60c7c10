/* SPDX-License-Identifier: MIT */
/*
 * The scavenger.
 *
 * A step looks at a few runs under the pages lock, takes at most 64 KiB of one that has been free
 * long enough off the heap, lets the lock go, asks the board to release it, and puts it back among
 * the free runs, as released. Nothing is waited for or allocated on the way, and the trace line is
 * printed from the raw counters at the end, without a lock. The thread that drives it is
 * sched/scavenger.c's.
 *
 * Time is counted in rounds: a run remembers the round in which something was last added to it. A
 * round begins by asking every core for what its cache holds, so that pages whose last objects lie
 * in the cache of a core that sleeps come free too.
 *
 * When the thread is at work it has a goal: what the heap keeps idle and unreleased is at most
 * keep_percent of what is in use. A request that brings pages back from the board and so goes above
 * the goal gives as many others back at once (scavenger_grown): a growing heap does not have to
 * wait for the next round.
 */
#include "mem/scavenger.h"

#include <string.h>

#include "mem/cache.h"
#include "mem/page.h"
#include "mem/watch.h"

#define STEP_RUNS 32
#define GROWN_RUNS 8
#define STEP_BYTES 65536u
#define AGE_ROUNDS 2 /* freed in round n: a whole round has passed when n + 2 begins */

static struct {
    uint32_t busy;      /* core + 1 while a step is under way there */
    unsigned region;    /* the round is in this one */
    bool lapped;        /* a step of scavenger_grown came to this region's end */
    bool begun;         /* the round has asked the caches */
    size_t round_pages; /* released so far in this round */
} scavenger;

static bool claim(const struct core *core)
{
    uint32_t nobody = 0;

    return __atomic_compare_exchange_n(&scavenger.busy, &nobody, core->id + 1, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void unclaim(void)
{
    __atomic_store_n(&scavenger.busy, 0, __ATOMIC_RELEASE);
}

bool scavenger_is_at_work(const struct core *core)
{
    return __atomic_load_n(&scavenger.busy, __ATOMIC_RELAXED) == core->id + 1;
}

/* A scavenge has ended: it gets its number, and its line. `round`: pages age with it. */
static void scavenge_end(size_t pages, bool round)
{
    size_t number;
    arch_irq_state state = spinlock_lock(&heap_pages_lock);

    if (round)
        heap.epoch += 2;
    number = ++heap.stats.scavenges;
    heap.round_released = pages;
    spinlock_unlock(&heap_pages_lock, state);
    if (round)
        watch_round();
    if (heap.trace)
        stats_print(number, pages);
}

static void round_end(void)
{
    size_t pages = scavenger.round_pages;

    scavenger.round_pages = 0;
    scavenger.region = 0;
    scavenger.lapped = false;
    scavenger.begun = false;
    scavenge_end(pages, true);
}

static size_t pages_most(void)
{
    size_t most = STEP_BYTES >> heap.page_shift;

    return most ? most : 1;
}

/* Up to `most` pages of the region go to the board: how many. */
static page_index release_some(struct region *region, unsigned age, unsigned runs, size_t most,
                               bool *wrapped)
{
    page_index first, count;
    void *start;

    count = page_scavenge_get(region, age, runs, (page_index)most, &first, wrapped);
    if (count == 0)
        return 0;
    start = (void *)region_page_address(region, first);
    if (WEFT_CONFIG_HEAP_FULL)
        memset(start, 0xdb, (size_t)count << heap.page_shift);
    if (heap.release_hook)
        heap.release_hook(start, (size_t)count << heap.page_shift, true);
    board_pages_release(start, (size_t)count << heap.page_shift);
    page_scavenge_put(region, first, count);
    return count;
}

/* True while the round goes on. */
static bool scavenge_some(unsigned age, bool to_goal)
{
    size_t most = pages_most(), excess = to_goal && heap.goal ? page_excess() : most;
    bool wrapped = scavenger.lapped;

    if (excess == 0) {
        round_end();
        return false;
    }
    most = excess < most ? excess : most;
    scavenger.lapped = false;
    scavenger.round_pages +=
        release_some(heap.region[scavenger.region], age, STEP_RUNS, most, &wrapped);
    if (!wrapped || ++scavenger.region < heap.regions)
        return true;
    round_end();
    return false;
}

/* The round's first step: the caches. What they give back has the round's age. */
static void round_begin(struct core *core)
{
    scavenger.begun = true;
    cache_flush_ask(core);
    cache_drain(core);
}

bool scavenger_step(void)
{
    struct core *core = prim_enter();
    bool more = true;

    ASSERT(core->interrupt_depth == 0);
    if (claim(core)) {
        if (heap.goal && !scavenger.begun)
            round_begin(core);
        more = heap.regions != 0 && scavenge_some(AGE_ROUNDS, true);
        unclaim();
    }
    prim_leave(core);
    return more;
}

void scavenger_grown(size_t pages)
{
    const struct core *core = core_self();
    size_t excess = heap.goal ? page_excess() : 0, most;
    page_index count = 0;

    if (excess == 0 || !claim(core))
        return;
    most = pages < excess ? pages : excess;
    most = most < pages_most() ? most : pages_most();
    for (unsigned i = 0; i < heap.regions && count == 0; i++) {
        bool wrapped = false;

        count = release_some(heap.region[i], 0, GROWN_RUNS, most, &wrapped);
        if (wrapped && i == scavenger.region)
            scavenger.lapped = true;
    }
    if (count)
        scavenge_end(count, false);
    unclaim();
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
        if (claim(core)) {
            if (fresh) {
                scavenger.region = 0;
                scavenger.lapped = false;
                for (unsigned i = 0; i < heap.regions; i++)
                    heap.region[i]->cursor = heap.region[i]->scan = 0;
                fresh = false;
            }
            more = heap.regions != 0 && scavenge_some(0, false);
            pages = heap.round_released;
            unclaim();
        }
        prim_leave(core);
    } while (more);
    return pages << heap.page_shift;
}

void weft_heap_set_release_hook(void (*hook)(void *start, size_t bytes, bool released))
{
    heap.release_hook = hook;
    heap_seal();
}

void weft_heap_set_trace(bool on)
{
    heap.trace = on;
    heap_seal();
}

void scavenger_set_goal(bool on, unsigned keep_percent)
{
    heap.keep_percent = (uint8_t)keep_percent;
    heap.goal = on;
    heap.grown = on && !WEFT_CONFIG_HEAP_DETERMINISTIC ? scavenger_grown : NULL;
    heap_seal();
}
