/* SPDX-License-Identifier: MIT */
/*
 * Random graphs of collected blocks against an oracle that knows every pointer: after a collection
 * exactly what the oracle reaches is there, with its contents. Words that are no pointers never
 * look like one here, so nothing may be kept by chance.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "gc_fake.h"
#include "mem/gc.h"
#include "mem_fake.h"
#include "mem_names.h"

#define NODES 3000
#define LINKS 24

struct node {
    uintptr_t start;
    uint32_t words;
    bool pointer_free, reached;
    uint16_t link[LINKS]; /* node + 1; 0: none */
};

static struct node node[NODES];
static uint16_t root[FAKE_ROOTS];
static uint64_t random_state;
static uint16_t stack[NODES];

static uint32_t below(uint32_t limit)
{
    return (uint32_t)(fake_random(&random_state) % limit);
}

/* An address in the block: its start, or any other. */
static uintptr_t some_address(const struct node *n)
{
    return n->start + (below(2) ? below(n->words * sizeof(uintptr_t)) : 0);
}

/* Mostly small; now and then above the small objects. The first word is the node's number. */
static uint32_t random_words(void)
{
    if (below(100) == 0)
        return 1 + below(3000);
    return 1 + below(below(10) ? 8 : 200);
}

static void node_make(uint16_t number)
{
    struct node *n = &node[number];
    uintptr_t *words;

    memset(n, 0, sizeof *n);
    n->words = random_words();
    n->pointer_free = below(4) == 0;
    words = weft_gc_alloc(n->words * sizeof *words, n->pointer_free ? WEFT_GC_POINTER_FREE : 0);
    cr_assert_not_null(words);
    for (uint32_t i = 0; i < n->words && !n->pointer_free; i++)
        cr_assert_eq(words[i], 0);
    n->start = (uintptr_t)words;
    words[0] = number;
    /* What a pointer-free block holds is nobody's business, above all if it is an address. */
    for (uint32_t i = 1; i < n->words && n->pointer_free; i++)
        words[i] = node[below(NODES)].start;
}

static void node_link(uint16_t from, uint16_t to)
{
    struct node *n = &node[from];
    uint32_t slots = n->words - 1 < LINKS ? n->words - 1 : LINKS, slot;

    if (n->pointer_free || slots == 0)
        return;
    slot = below(slots);
    n->link[slot] = (uint16_t)(to + 1);
    ((uintptr_t *)n->start)[1 + slot] = some_address(&node[to]);
}

static void root_set(uint32_t slot, uint16_t to)
{
    root[slot] = (uint16_t)(to + 1);
    fake_roots[slot] = some_address(&node[to]);
}

static unsigned oracle(void)
{
    unsigned depth = 0, reached = 0;

    for (unsigned i = 0; i < NODES; i++)
        node[i].reached = false;
    for (unsigned i = 0; i < FAKE_ROOTS; i++)
        if (root[i] && !node[root[i] - 1].reached) {
            node[root[i] - 1].reached = true;
            stack[depth++] = (uint16_t)(root[i] - 1);
        }
    while (depth > 0) {
        const struct node *n = &node[stack[--depth]];

        reached++;
        for (unsigned i = 0; i < LINKS; i++)
            if (n->link[i] && !node[n->link[i] - 1].reached) {
                node[n->link[i] - 1].reached = true;
                stack[depth++] = (uint16_t)(n->link[i] - 1);
            }
    }
    return reached;
}

static void compare(unsigned reached)
{
    cr_assert_eq(fake_blocks(), reached, "%u blocks are left, %u are reachable", fake_blocks(),
                 reached);
    for (unsigned i = 0; i < NODES; i++) {
        struct node *n = &node[i];

        if (n->reached) {
            uintptr_t last = n->start + n->words * sizeof(uintptr_t) - 1;

            cr_assert_eq(*(uintptr_t *)n->start, i, "block %u was changed", i);
            cr_assert_eq(weft_gc_block_of((void *)n->start), (void *)n->start);
            cr_assert_eq(weft_gc_block_of((void *)last), (void *)n->start);
        } else if (n->start) {
            n->start = 0;
        }
    }
}

/* A node of the graph that exists, or a new one. */
static uint16_t pick(void)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        uint16_t number = (uint16_t)below(NODES);

        if (node[number].start)
            return number;
    }
    return 0;
}

static void mutate(unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        uint32_t slot = below(FAKE_ROOTS), what = below(10);
        uint16_t number = (uint16_t)below(NODES);

        if (WEFT_CONFIG_CORES > 1)
            fake_core_id = below(WEFT_CONFIG_CORES);
        if (what < 5 && !node[number].start) {
            node_make(number);
            root_set(slot, number);
        } else if (what < 9) {
            node_link(pick(), pick());
        } else if (below(2)) {
            root[slot] = 0;
            fake_roots[slot] = below(1000);
        }
    }
    fake_core_id = 0;
}

static void collect(void)
{
    struct weft_gc_stats stats;
    unsigned reached = oracle();

    weft_gc();
    cr_assert_not(weft_gc_sweep_step(), "weft_gc leaves nothing to sweep");
    compare(reached);
    weft_gc_stats(&stats);
    cr_assert_eq(stats.live_bytes, stats.allocated_bytes);
    cr_assert(stats.heap_bytes >= stats.live_bytes);
    fake_check_quiescent();
}

static void graph_test(size_t arena, uint64_t seed, unsigned rounds)
{
    struct weft_mstats stats;

    fake_boot(arena, seed % 2 ? 300 << 10 : 0);
    random_state = seed;
    node_make(0); /* what pick() falls back to */
    root_set(0, 0);
    for (unsigned round = 0; round < rounds; round++) {
        mutate(200 + below(3000));
        root_set(0, 0);
        collect();
    }
    memset(root, 0, sizeof root);
    memset(fake_roots, 0, sizeof fake_roots);
    collect();
    cr_assert_eq(gc.heap_bytes, 0);
    weft_heap_stats(&stats);
    cr_assert_leq(stats.inuse_pages * stats.page_bytes, 16384, "only the mark stack is left");
}

Test(gc_graph, after_every_collection_in_4_mib_exactly_the_reachable_blocks_are_left)
{
    graph_test(8 << 20, 1, 60);
}

Test(gc_graph, after_every_collection_in_40_mib_exactly_the_reachable_blocks_are_left)
{
    graph_test(40 << 20, 2, 40);
}

#ifdef FAKE_HELPERS
static uintptr_t tree_make(unsigned blocks)
{
    uintptr_t *top;

    if (blocks == 0)
        return 0;
    top = weft_gc_alloc(2 * sizeof *top, 0);
    cr_assert_not_null(top);
    top[0] = tree_make((blocks - 1) / 2);
    top[1] = tree_make(blocks - 1 - (blocks - 1) / 2);
    return (uintptr_t)top;
}

/* A helper may come too late for one cycle. */
Test(gc_graph, other_cores_take_part_in_marking)
{
    struct weft_gc_stats stats;

    fake_boot(8 << 20, 0);
    fake_roots[5] = tree_make(30000);
    do {
        weft_gc();
        cr_assert_eq(fake_blocks(), 30000);
        weft_gc_stats(&stats);
        cr_assert_eq(stats.live_bytes, 30000 * 2 * sizeof(uintptr_t));
    } while (stats.chunks_shared == 0 && stats.cycles < 1000);
    cr_assert_gt(stats.chunks_shared, 0);
}

#define WIDE (WEFT_CONFIG_GC_MARK_ENTRIES + 20)

/* A block that leads to more than a mark stack holds, each of which leads to one more. */
static uintptr_t wide_make(void)
{
    uintptr_t **wide = weft_gc_alloc(WIDE * sizeof *wide, 0);

    for (unsigned i = 0; i < WIDE; i++) {
        wide[i] = weft_gc_alloc(2 * sizeof(uintptr_t), 0);
        wide[i][0] = (uintptr_t)weft_gc_alloc(2 * sizeof(uintptr_t), 0);
    }
    return (uintptr_t)wide;
}

static uintptr_t list_make(unsigned blocks)
{
    uintptr_t *head = NULL;

    while (blocks--) {
        uintptr_t *cell = weft_gc_alloc(2 * sizeof *cell, 0);

        cell[0] = (uintptr_t)head;
        head = cell;
    }
    return (uintptr_t)head;
}

/* A cycle in which only helpers' stacks were full. */
static bool collect_with_helpers_full(void)
{
    uint32_t all = gc.overflows, own = gc.marker[0].overflows;

    weft_gc();
    cr_assert_eq(fake_blocks(), 1 + 1 + 2 * WIDE + 20000);
    return gc.marker[0].overflows == own && gc.overflows != all;
}

/* The core that collects has the list to do; the wide block goes, if somebody comes meanwhile. */
Test(gc_graph, what_only_a_helper_s_stack_had_no_room_for_is_found_again)
{
    unsigned cycles = 0;
    uintptr_t *top;

    fake_boot(8 << 20, 0);
    top = weft_gc_alloc(4 * sizeof *top, 0);
    fake_roots[0] = (uintptr_t)top;
    top[0] = list_make(1); /* on the stack from below: the other roots, this, */
    top[1] = wide_make();  /* this, every other one of which goes */
    top[2] = list_make(19999);
    while (!collect_with_helpers_full())
        cr_assert_lt(++cycles, 1000);
}
#endif

/* A list as long as the heap, an array of pointers wider than any stack, and a tree. */
Test(gc_graph, long_lists_wide_arrays_and_deep_trees_are_followed_to_their_ends)
{
    uintptr_t **array, *list = NULL;

    fake_boot(8 << 20, 0);
    array = weft_gc_alloc(5000 * sizeof *array, 0);
    fake_roots[3] = (uintptr_t)array;
    for (unsigned i = 0; i < 5000; i++) {
        array[i] = weft_gc_alloc(2 * sizeof(uintptr_t), 0);
        array[i][0] = (uintptr_t)weft_gc_alloc(1, 0);
        array[i][1] = (uintptr_t)weft_gc_alloc(1, WEFT_GC_POINTER_FREE);
    }
    for (unsigned i = 0; i < 30000; i++) {
        uintptr_t *head = weft_gc_alloc(2 * sizeof(uintptr_t), 0);

        head[0] = (uintptr_t)list;
        list = head;
    }
    fake_roots[4] = (uintptr_t)list;
    weft_gc();
    cr_assert_eq(fake_blocks(), 1 + 3 * 5000 + 30000);
    fake_roots[3] = 0;
    weft_gc();
    cr_assert_eq(fake_blocks(), 30000);
    fake_roots[4] = 0;
    weft_gc();
    cr_assert_eq(fake_blocks(), 0);
}

/* The largest region is full, so most of the list lies in the other one. */
Test(gc_graph, blocks_in_a_second_region_are_followed_too)
{
    uintptr_t *list = NULL, *head;
    unsigned blocks = 0;

    fake_boot(500 << 10, 400 << 10);
    while ((head = weft_gc_alloc(1000, 0)) != NULL) {
        head[0] = (uintptr_t)list;
        list = head;
        fake_roots[7] = (uintptr_t)list;
        blocks++;
    }
    cr_assert_gt(blocks, 700);
    weft_gc();
    cr_assert_eq(fake_blocks(), blocks);
    fake_roots[7] = *list;
    weft_gc();
    cr_assert_eq(fake_blocks(), blocks - 1);
}

Test(gc_graph, ranges_and_root_blocks_are_looked_into_until_they_are_taken_away)
{
    uintptr_t range[4] = {0}, *rooted;
    struct weft_gc_root root_of_range;

    fake_boot(1 << 20, 0);
    rooted = weft_gc_root_alloc(100);
    cr_assert_not_null(rooted);
    for (unsigned i = 0; i < 100 / sizeof *rooted; i++)
        cr_assert_eq(rooted[i], 0);
    range[3] = (uintptr_t)weft_gc_alloc(10, 0);
    rooted[2] = (uintptr_t)weft_gc_alloc(10, 0) + 9;
    weft_gc_root_add(&root_of_range, range, sizeof range);
    weft_gc();
    cr_assert_eq(fake_blocks(), 2);
    weft_gc_root_remove(&root_of_range);
    weft_gc();
    cr_assert_eq(fake_blocks(), 1);
    cr_assert(FAKE_PANICS(weft_gc_root_remove(&root_of_range)));
    weft_gc_root_free(rooted);
    weft_gc_root_free(NULL);
    weft_gc();
    cr_assert_eq(fake_blocks(), 0);
}

/* Ordinary blocks are no roots: what only they point to goes. */
Test(gc_graph, an_ordinary_block_keeps_nothing_and_is_kept)
{
    uintptr_t *ordinary;

    fake_boot(1 << 20, 0);
    ordinary = w_malloc(64);
    ordinary[0] = (uintptr_t)weft_gc_alloc(10, 0);
    ordinary[1] = 77;
    weft_gc();
    cr_assert_eq(fake_blocks(), 0);
    cr_assert_eq(ordinary[1], 77);
    w_free(ordinary);
    fake_check_quiescent();
}

Test(gc_graph, one_past_the_end_and_the_span_s_records_are_no_pointers)
{
    uintptr_t block;

    fake_boot(1 << 20, 0);
    block = (uintptr_t)weft_gc_alloc(5000, 0);
    fake_roots[0] = (uintptr_t)gc_span_of(block);
    fake_roots[1] = block + gc_span_of(block)->block_bytes;
    weft_gc();
    cr_assert_eq(fake_blocks(), 0);
}

Test(gc_graph, a_collected_block_given_to_free_or_realloc_panics)
{
    void *block;

    fake_boot(1 << 20, 0);
    block = weft_gc_alloc(40, 0);
    cr_assert(FAKE_PANICS(w_free(block)));
    cr_assert(FAKE_PANICS(w_realloc(block, 80)));
}

/* ---- growth and exhaustion ---- */

Test(gc_graph, without_a_growth_goal_nothing_is_collected_unasked)
{
    struct weft_gc_stats stats;
    void *block;
    unsigned blocks = 0;

    fake_boot(512 << 10, 0);
    while ((block = weft_gc_alloc(1000, 0)) != NULL)
        blocks++;
    cr_assert(blocks > 350);
    weft_gc_stats(&stats);
    cr_assert_eq(stats.cycles, 0);
    weft_gc(); /* needs no memory */
    cr_assert_eq(fake_blocks(), 0);
    cr_assert_not_null(weft_gc_alloc(400 << 10, 0));
    fake_check_quiescent();
}

Test(gc_graph, with_a_goal_the_heap_stays_below_it)
{
    struct weft_gc_stats stats;

    fake_boot(4 << 20, 0);
    cr_assert_eq(weft_gc_set_growth(100), 0);
    for (unsigned i = 0; i < 100000; i++) {
        uintptr_t *head = weft_gc_alloc(32, 0);

        cr_assert_not_null(head);
        head[0] = fake_roots[0];
        fake_roots[0] = i % 1000 ? (uintptr_t)head : 0;
        cr_assert_leq(gc.heap_bytes, 160 << 10);
    }
    weft_gc_stats(&stats);
    cr_assert(stats.cycles > 20 && stats.forced == 0);
    cr_assert_geq(stats.goal_bytes, 65536);
    cr_assert_eq(weft_gc_set_growth(0), 100);
    fake_check_quiescent();
}

Test(gc_graph, with_a_goal_an_exhausted_heap_is_collected_if_the_world_may_be_stopped)
{
    void *block;

    fake_boot(512 << 10, 0);
    weft_gc_set_growth(100000);
    for (unsigned i = 0; i < 5000; i++)
        cr_assert_not_null(weft_gc_alloc(1000, 0));
    fake_may_stop = false;
    while ((block = weft_gc_alloc(1000, 0)) != NULL)
        ;
    fake_may_stop = true;
    cr_assert_not_null(weft_gc_alloc(1000, 0));
}

static bool hook(size_t bytes)
{
    (void)bytes;
    if (fake_blocks() == 0)
        return false;
    weft_gc();
    return true;
}

Test(gc_graph, malloc_s_hook_may_collect)
{
    fake_boot(512 << 10, 0);
    while (weft_gc_alloc(1000, 0) != NULL)
        ;
    cr_assert_null(w_malloc(200000));
    weft_heap_set_oom_hook(hook);
    cr_assert_not_null(w_malloc(200000));
    cr_assert_null(w_malloc(2000000));
}

Test(gc_graph, requests_that_no_region_could_meet_fail_without_harm)
{
    fake_boot(512 << 10, 0);
    cr_assert_null(weft_gc_alloc(SIZE_MAX, 0));
    cr_assert_null(weft_gc_alloc(SIZE_MAX / 2, 0));
    cr_assert_null(weft_gc_alloc(600 << 10, 0));
    cr_assert_null(weft_gc_root_alloc(SIZE_MAX));
    cr_assert_not_null(weft_gc_alloc(0, 0));
    cr_assert_neq(weft_gc_alloc(0, 0), weft_gc_alloc(0, 0));
    fake_check_quiescent();
}

Test(gc_graph, allocation_in_a_handler_panics_with_what_to_do)
{
    fake_boot(512 << 10, 0);
    fake_interrupt_enter(false);
    cr_assert(FAKE_PANICS((void)!weft_gc_alloc(8, 0)));
    cr_assert_str_eq(fake_panic_text,
                     "weft_gc_alloc was called in an interrupt handler: allocate in a thread");
}

/* ---- overhead ---- */

Test(gc_graph, live_32_byte_blocks_cost_at_most_15_percent_more_than_themselves)
{
    uintptr_t *list = NULL;

    fake_boot(8 << 20, 0);
    for (unsigned i = 0; i < 50000; i++) {
        uintptr_t *head = weft_gc_alloc(32, 0);

        head[0] = (uintptr_t)list;
        list = head;
        fake_roots[0] = (uintptr_t)list;
    }
    weft_gc();
    cr_assert_eq(gc.live_bytes, 50000 * 32);
    cr_assert_leq(gc.heap_bytes * 100, gc.live_bytes * 115, "%zu bytes for %zu", gc.heap_bytes,
                  gc.live_bytes);
}

/* ---- the trace line ---- */

Test(gc_graph, each_cycle_prints_one_line_whose_fields_are_true)
{
    unsigned number, threads;
    unsigned long us, before, after, goal;
    int end = 0;

    fake_boot(4 << 20, 0);
    weft_gc_set_trace(true);
    fake_roots[0] = (uintptr_t)weft_gc_alloc(100 * 1024, 0);
    cr_assert_not_null(weft_gc_alloc(50 * 1024, 0));
    fake_console_clear();
    weft_gc();
    cr_assert_eq(sscanf(fake_console,
                        "gc%u: %lu us, %lu -> %lu KiB, no goal, %u threads (forced)\n%n", &number,
                        &us, &before, &after, &threads, &end),
                 5, "%s", fake_console);
    cr_assert_eq(fake_console[end], 0);
    cr_assert(number == 1 && us == 1 && before == 150 && after == 100 && threads == 3, "%s",
              fake_console);
    weft_gc_set_growth(50);
    fake_console_clear();
    cr_assert_not_null(weft_gc_alloc(60 * 1024, 0));
    cr_assert_str_eq(fake_console, "");
    cr_assert_not_null(weft_gc_alloc(8, 0));
    end = 0;
    cr_assert_eq(sscanf(fake_console, "gc%u: %lu us, %lu -> %lu KiB, goal %lu KiB, %u threads\n%n",
                        &number, &us, &before, &after, &goal, &threads, &end),
                 6, "%s", fake_console);
    cr_assert(end && fake_console[end] == 0, "%s", fake_console);
    cr_assert(number == 2 && before == 160 && after == 100 && goal == 150, "%s", fake_console);
    weft_gc_set_trace(false);
    fake_console_clear();
    weft_gc();
    cr_assert_str_eq(fake_console, "");
}
