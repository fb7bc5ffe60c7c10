/* SPDX-License-Identifier: MIT */
#include "mem/watch.h"

#include "mem/heap.h"

void watch_allocated(void *block, size_t bytes)
{
    const struct heap_watcher *watcher = __atomic_load_n(&heap.watcher, __ATOMIC_ACQUIRE);

    if (watcher)
        watcher->allocated(block, bytes);
}

void watch_freed(void *block)
{
    const struct heap_watcher *watcher = __atomic_load_n(&heap.watcher, __ATOMIC_ACQUIRE);

    if (watcher)
        watcher->freed(block);
}

void watch_collected(void *block)
{
    const struct heap_watcher *watcher = __atomic_load_n(&heap.watcher, __ATOMIC_ACQUIRE);

    if (watcher && watcher->collected)
        watcher->collected(block);
}

void watch_cycle(void)
{
    const struct heap_watcher *watcher = __atomic_load_n(&heap.watcher, __ATOMIC_ACQUIRE);

    if (watcher && watcher->cycle)
        watcher->cycle();
}

void watch_round(void)
{
    const struct heap_watcher *watcher = __atomic_load_n(&heap.watcher, __ATOMIC_ACQUIRE);

    if (watcher && watcher->round)
        watcher->round();
}

/* Class 0 for every size, and a window that no address is in: the fast paths find nothing. */
static void slow_only(bool slow)
{
    heap.slow_only = slow;
    heap.window_bytes = slow ? 0 : heap.region[0]->bytes;
    for (unsigned i = 0; i <= TABLE_MAX / 8; i++)
        heap.class_of[i] = slow ? 0 : heap.table[i];
    heap_seal();
}

void heap_watch(const struct heap_watcher *watcher)
{
    struct core *core = prim_enter();

    ASSERT(core->interrupt_depth == 0);
    __atomic_store_n(&heap.watcher, watcher, __ATOMIC_RELEASE);
    slow_only(watcher || heap.fail_at);
    prim_leave(core);
}

bool heap_fail_at(uint32_t index)
{
    struct core *core = prim_enter();
    bool reached = heap.fail_at == 0;

    ASSERT(core->interrupt_depth == 0);
    heap.fail_at = index;
    slow_only(heap.watcher || index);
    prim_leave(core);
    return reached;
}

bool heap_fails_now(void)
{
    uint32_t left = __atomic_load_n(&heap.fail_at, __ATOMIC_RELAXED);

    while (left && !__atomic_compare_exchange_n(&heap.fail_at, &left, left - 1, false,
                                                __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return left == 1;
}
