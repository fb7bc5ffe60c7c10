/* SPDX-License-Identifier: MIT */
/* The leak finder against an oracle: random graphs of malloc's and collected blocks. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/heap_dump.h>

#include "gc_fake.h"
#include "mem_fake.h"
#include "mem_names.h"

#define NODES 2000
#define LINKS 6

struct node {
    uintptr_t *block;
    uint16_t link[LINKS]; /* node + 1; 0: none */
    bool collected, raw, reached;
};

static struct node node[NODES];
static uint16_t root[FAKE_ROOTS];
static uint64_t random_state;

static uint32_t below(uint32_t limit)
{
    return (uint32_t)(fake_random(&random_state) % limit);
}

static void node_make(struct node *n)
{
    size_t bytes = (LINKS + below(below(20) ? 60 : 2000)) * sizeof(uintptr_t);

    n->collected = below(4) == 0;
    n->raw = n->collected && below(2);
    n->block =
        n->collected ? weft_gc_alloc(bytes, n->raw ? WEFT_GC_POINTER_FREE : 0) : w_malloc(bytes);
    cr_assert_not_null(n->block);
    memset(n->block, 0, bytes);
}

static void node_link(struct node *n)
{
    unsigned slot = below(LINKS), to = below(NODES);

    if (!n->block || !node[to].block)
        return;
    n->link[slot] = (uint16_t)(to + 1);
    n->block[slot] = (uintptr_t)node[to].block + below(LINKS * sizeof(uintptr_t));
}

static void reach(unsigned number)
{
    struct node *n = &node[number];

    if (n->reached)
        return;
    n->reached = true;
    for (unsigned i = 0; i < LINKS && !n->raw; i++)
        if (n->link[i])
            reach(n->link[i] - 1u);
}

static void compare(void)
{
    struct weft_leaks leaks;
    size_t unreached = 0, ordinary = 0, bytes = 0;
    unsigned long printed_leaks, printed_all;

    for (unsigned i = 0; i < NODES; i++)
        node[i].reached = false;
    for (unsigned i = 0; i < FAKE_ROOTS; i++)
        if (root[i])
            reach(root[i] - 1u);
    for (unsigned i = 0; i < NODES; i++)
        if (node[i].block && !node[i].collected) {
            ordinary++;
            if (!node[i].reached) {
                unreached++;
                bytes += w_malloc_usable_size(node[i].block);
            }
        }
    fake_console_clear();
    cr_assert_eq(weft_heap_leaks(&leaks), 0);
    /* The collector's mark stack, once it is there, is reached from nowhere but its own record. */
    cr_assert_eq(leaks.live_blocks, ordinary + 1, "%zu alive, %zu expected", leaks.live_blocks,
                 ordinary);
    cr_assert_eq(leaks.blocks, unreached + 1, "%zu leaks, %zu expected", leaks.blocks, unreached);
    cr_assert_geq(leaks.bytes, bytes);
    const char *last = strstr(fake_console, "leaks: ");

    cr_assert(last && sscanf(last, "leaks: %lu of %lu blocks", &printed_leaks, &printed_all) == 2);
    cr_assert(printed_leaks == leaks.blocks && printed_all == leaks.live_blocks);
    fake_check_quiescent();
}

static void leak_test(size_t arena, uint64_t seed)
{
    fake_boot(arena, seed % 2 ? 200 << 10 : 0);
    random_state = seed;
    cr_assert_not_null(weft_gc_alloc(8, 0));
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 3000; i++) {
            struct node *n = &node[below(NODES)];
            unsigned slot = below(FAKE_ROOTS), to = below(NODES);

            if (!n->block && below(3) == 0) {
                node_make(n);
            } else if (below(8) && n->block) {
                node_link(n);
            } else if (node[to].block && below(4) == 0) {
                root[slot] = (uint16_t)(to + 1);
                fake_roots[slot] = (uintptr_t)node[to].block;
            } else {
                root[slot] = 0;
                fake_roots[slot] = 0;
            }
        }
        compare();
    }
}

Test(gc_leaks, exactly_the_unreachable_blocks_of_malloc_are_found_in_16_mib)
{
    leak_test(16 << 20, 1);
}

Test(gc_leaks, exactly_the_unreachable_blocks_of_malloc_are_found_in_60_mib)
{
    leak_test(60 << 20, 2);
}

/* Freed blocks wait in caches and on lists; none of them is a leak, and the search frees nothing.
 */
Test(gc_leaks, free_blocks_are_no_leaks)
{
    struct weft_leaks leaks;
    static void *block[500];

    fake_boot(4 << 20, 0);
    for (unsigned i = 0; i < 500; i++)
        block[i] = w_malloc(40);
    for (unsigned i = 0; i < 500; i += 2)
        w_free(block[i]);
    fake_roots[0] = (uintptr_t)block[1];
    cr_assert_eq(weft_heap_leaks(&leaks), 0);
    cr_assert(leaks.blocks == 249 && leaks.live_blocks == 250);
    cr_assert_not_null(strstr(fake_console, "leak: 249 blocks, "));
    cr_assert_not_null(strstr(fake_console, "allocated at an unknown place\n"));
    for (unsigned i = 1; i < 500; i += 2)
        w_free(block[i]);
    fake_roots[0] = 0;
    cr_assert_eq(weft_heap_leaks(&leaks), 0);
    cr_assert(leaks.blocks == 0 && leaks.live_blocks == 0);
}

Test(gc_leaks, a_long_list_is_followed_to_its_end)
{
    struct weft_leaks leaks;
    uintptr_t *list = NULL, **array;

    fake_boot(8 << 20, 0);
    array = w_malloc(4000 * sizeof *array);
    for (unsigned i = 0; i < 4000; i++) {
        array[i] = w_malloc(32);
        array[i][0] = (uintptr_t)w_malloc(16);
        array[i][1] = 0;
    }
    for (unsigned i = 0; i < 20000; i++) {
        uintptr_t *head = w_malloc(32);

        head[0] = (uintptr_t)list;
        list = head;
    }
    fake_roots[0] = (uintptr_t)list;
    fake_roots[1] = (uintptr_t)array;
    cr_assert_eq(weft_heap_leaks(&leaks), 0);
    cr_assert(leaks.live_blocks == 28001 && leaks.blocks <= 4000, "%zu", leaks.blocks);
    cr_assert_eq(leaks.blocks, 0);
}

/* A section may begin anywhere; words are looked at where words are. */
Test(gc_leaks, a_root_that_begins_between_two_words_is_looked_at_whole)
{
    static struct {
        uintptr_t before, words[200];
    } data;
    struct weft_leaks leaks;

    fake_boot(4 << 20, 0);
    for (unsigned i = 0; i < 200; i++)
        data.words[i] = (uintptr_t)w_malloc(40);
    data.before = (uintptr_t)w_malloc(40);
    fake_root_hi = (uintptr_t)(data.words + 200);
    for (unsigned bytes = 1; bytes < sizeof(uintptr_t); bytes++) {
        fake_root_lo = (uintptr_t)data.words - bytes;
        cr_assert_eq(weft_heap_leaks(&leaks), 0);
        cr_assert(leaks.blocks == 1 && leaks.live_blocks == 201, "%zu leaks", leaks.blocks);
    }
}

Test(gc_leaks, without_memory_for_its_bits_it_says_so)
{
    fake_boot(256 << 10, 0);
    while (w_malloc(500))
        ;
    cr_assert_eq(weft_heap_leaks(NULL), WEFT_ENOMEM);
}
