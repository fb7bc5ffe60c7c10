/* SPDX-License-Identifier: MIT */
/* A cycle: stop, mark from the roots, unsweep, start; when it is due; what it says. gc.h has the
 * essay. */
#include <weft/thread.h>
#include <weft/time.h>
#include <weft/world.h>

#include "mem/gc.h"
#include "mem/watch.h"

#define NS_PER_US 1000u

/* Writable memory of the image (linker scripts); in .bss, the stacks of cores and idle threads hold
 * no words of a program's while the world is stopped. */
extern char __data_start[], __data_end[], __bss_start[], __bss_end[];
extern unsigned char core_system_stacks[WEFT_CONFIG_CORES][WEFT_CONFIG_SYSTEM_STACK_BYTES];

/* What the trace line says. */
struct report {
    uint32_t cycle;
    uint64_t pause_ns;
    size_t before, after, goal;
    bool forced;
};

/* ---- roots ---- */

struct hole {
    uintptr_t lo, hi;
};

/* Memory but for the holes in it, which are in order. */
static void visit_around(struct hole memory, const struct hole *holes, unsigned count,
                         void (*visit)(void *context, uintptr_t lo, uintptr_t hi), void *context)
{
    for (unsigned i = 0; i < count; i++) {
        if (holes[i].lo < memory.lo || holes[i].hi > memory.hi)
            continue;
        visit(context, memory.lo, holes[i].lo);
        memory.lo = holes[i].hi;
    }
    visit(context, memory.lo, memory.hi);
}

static void holes_sort(struct hole *holes, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        struct hole hole = holes[i];
        unsigned at = i;

        for (; at > 0 && holes[at - 1].lo > hole.lo; at--)
            holes[at] = holes[at - 1];
        holes[at] = hole;
    }
}

static void visit_bss(void (*visit)(void *context, uintptr_t lo, uintptr_t hi), void *context)
{
    const struct hole memory = {(uintptr_t)__bss_start, (uintptr_t)__bss_end};
    struct hole holes[2 + WEFT_CONFIG_CORES] = {
        {(uintptr_t)core_system_stacks, (uintptr_t)(&core_system_stacks + 1)},
        {(uintptr_t)upcall_idle_stacks, (uintptr_t)(&upcall_idle_stacks + 1)}};

    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++)
        upcall_world_idle(id, &holes[2 + id].lo, &holes[2 + id].hi);
    holes_sort(holes, 2 + WEFT_CONFIG_CORES);
    visit_around(memory, holes, 2 + WEFT_CONFIG_CORES, visit, context);
}

void gc_visit_roots(void (*visit)(void *context, uintptr_t lo, uintptr_t hi), void *context)
{
    visit(context, (uintptr_t)__data_start, (uintptr_t)__data_end);
    visit_bss(visit, context);
    upcall_world_roots(visit, context);
    for (const struct weft_gc_root *root = gc_roots.next; root; root = root->next)
        visit(context, root->lo, root->hi);
}

static void mark_root(void *context, uintptr_t lo, uintptr_t hi)
{
    gc_mark_range(context, lo, hi);
}

static void mark_roots(struct gc_marker *marker)
{
    gc_visit_roots(mark_root, marker);
    gc_finalizers_mark_roots(marker);
    gc_mark_finish(marker);
}

/* ---- the goal ---- */

static size_t goal_after(size_t live)
{
    size_t more;

    if (gc.growth_percent <= 0)
        return SIZE_MAX;
    more = live / 100 * (size_t)gc.growth_percent + live % 100 * (size_t)gc.growth_percent / 100;
    if (live + more < live)
        return SIZE_MAX - 1;
    return live + more < GC_GOAL_MINIMUM_BYTES ? GC_GOAL_MINIMUM_BYTES : live + more;
}

int weft_gc_set_growth(int percent)
{
    int before = gc.growth_percent;

    gc.growth_percent = percent > 0 ? percent : 0;
    SHARED_STORE(gc.goal_bytes, goal_after(gc.live_bytes));
    return before;
}

/* ---- the cycle ---- */

static void markers_give(struct gc_piece *stack)
{
    for (unsigned id = 1; id < WEFT_CONFIG_CORES; id++)
        gc.marker[id].stack = stack + id * WEFT_CONFIG_GC_MARK_ENTRIES;
    gc_share_memory(stack + WEFT_CONFIG_CORES * WEFT_CONFIG_GC_MARK_ENTRIES);
    SHARED_STORE(gc.marker[0].stack, stack);
}

/* The mark stacks, once: their words would be roots anywhere but in ordinary memory. */
bool gc_marker_make(void)
{
    size_t entries = (size_t)WEFT_CONFIG_CORES * WEFT_CONFIG_GC_MARK_ENTRIES;
    struct gc_piece *stack = gc_own_alloc(entries * sizeof(*stack) + gc_share_bytes());
    arch_irq_state state;
    bool mine;

    if (!stack)
        return SHARED_LOAD(gc.marker[0].stack) != NULL;
    state = spinlock_lock(&gc_lock);
    mine = gc.marker[0].stack == NULL;
    if (mine)
        markers_give(stack);
    spinlock_unlock(&gc_lock, state);
    if (!mine)
        gc_own_free(stack);
    return true;
}

/* Returns with the world stopped and every span swept. */
static void stop_swept(void)
{
    for (;;) {
        weft_world_stop("collection");
        if (SHARED_LOAD(gc.unswept_spans) == 0)
            return;
        weft_world_start();
        while (weft_gc_sweep_step())
            ;
    }
}

/* What all markers have done. */
static size_t markers_sum(void)
{
    size_t marked_bytes = 0;

    gc.overflows = 0;
    gc.helped = 0;
    for (unsigned id = 0; id < WEFT_CONFIG_CORES; id++) {
        marked_bytes += gc.marker[id].marked_bytes;
        gc.overflows += gc.marker[id].overflows;
        gc.helped += gc.marker[id].chunks;
        gc.marker[id].marked_bytes = 0;
    }
    return marked_bytes;
}

static void mark_all(struct report *report, unsigned core)
{
    struct gc_marker *marker = &gc.marker[WEFT_CONFIG_CORES == 1 ? 0 : core];

    cores[core].collecting = 1;
    report->before = gc_spans_whiten();
    gc_share_open();
    mark_roots(marker);
    gc_finalizers_mark(marker);
    gc_share_close();
    report->after = gc.live_bytes = gc.allocated_bytes = markers_sum();
    watch_cycle();
    gc_spans_unsweep();
    cores[core].collecting = 0;
    report->goal = gc.goal_bytes = goal_after(gc.live_bytes);
}

static void count_cycle(struct report *report, uint64_t began_ns)
{
    gc.cycles++;
    gc.forced += report->forced;
    report->cycle = gc.cycles;
    report->pause_ns = gc.last_pause_ns = weft_time_ns() - began_ns;
    if (gc.last_pause_ns > gc.longest_pause_ns)
        gc.longest_pause_ns = gc.last_pause_ns;
}

static size_t kib(size_t bytes)
{
    return bytes / 1024 + (bytes % 1024 != 0);
}

/* In one piece, so that other threads' output keeps out. */
static void trace(const struct report *report)
{
    unsigned number = (unsigned)report->cycle;
    unsigned long us = (unsigned long)(report->pause_ns / NS_PER_US);
    const char *forced = report->forced ? " (forced)" : "";

    if (report->goal == SIZE_MAX)
        print_console("gc%u: %lu us, %zu -> %zu KiB, no goal, %zu threads%s\n", number, us,
                      kib(report->before), kib(report->after), weft_thread_count(), forced);
    else
        print_console("gc%u: %lu us, %zu -> %zu KiB, goal %zu KiB, %zu threads%s\n", number, us,
                      kib(report->before), kib(report->after), kib(report->goal),
                      weft_thread_count(), forced);
}

size_t gc_collect(enum gc_reason reason)
{
    struct report report = {.forced = reason == GC_FORCED};
    const struct core *core;
    bool trace_on = gc.trace;
    uint64_t began_ns;

    stop_swept();
    core = core_self();
    if (reason == GC_GOAL && SHARED_LOAD(gc.allocated_bytes) < gc.goal_bytes) {
        weft_world_start();
        return 0;
    }
    ASSERT(gc.marker[0].stack || !gc.all);
    began_ns = weft_time_ns();
    mark_all(&report, core->id);
    count_cycle(&report, began_ns);
    if (core != core_self())
        weft_panic("collection: the collecting thread was moved while the world was stopped");
    weft_world_start();
    if (trace_on)
        trace(&report);
    return report.before - report.after;
}

void weft_gc(void)
{
    (void)gc_collect(GC_FORCED);
    while (weft_gc_sweep_step())
        ;
}

void weft_gc_set_trace(bool on)
{
    gc.trace = on;
}

void weft_gc_stats(struct weft_gc_stats *stats)
{
    arch_irq_state state = spinlock_lock(&gc_lock);

    *stats = (struct weft_gc_stats){.cycles = gc.cycles,
                                    .forced = gc.forced,
                                    .live_bytes = gc.live_bytes,
                                    .allocated_bytes = SHARED_LOAD(gc.allocated_bytes),
                                    .heap_bytes = gc.heap_bytes,
                                    .goal_bytes = gc.goal_bytes == SIZE_MAX ? 0 : gc.goal_bytes,
                                    .overflows = gc.overflows,
                                    .chunks_shared = gc.helped,
                                    .last_pause_ns = gc.last_pause_ns,
                                    .longest_pause_ns = gc.longest_pause_ns};
    gc_finalizers_count(stats);
    spinlock_unlock(&gc_lock, state);
}
