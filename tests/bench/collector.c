/* SPDX-License-Identifier: MIT */
/* The collector: a binary tree of 32-byte blocks that all live, then none of them. */
#include <stdlib.h>

#include "tests/bench/measure.h"

#define BLOCKS 20000u /* or as many as the argument says */
#define CYCLES 20u

struct node {
    struct node *left, *right;
    unsigned char data[32 - 2 * sizeof(void *)];
};

static struct node *volatile tree; /* in .bss */

static struct node *tree_make(unsigned blocks)
{
    struct node *top;

    if (blocks == 0)
        return NULL;
    top = weft_gc_alloc(sizeof *top, 0);
    if (top == NULL)
        exit(1);
    top->left = tree_make((blocks - 1) / 2);
    top->right = tree_make(blocks - 1 - (blocks - 1) / 2);
    return top;
}

/* The shortest of some: a process may be disturbed. */
static uint64_t pause_now(void)
{
    struct weft_gc_stats stats;
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i < CYCLES; i++) {
        weft_gc();
        weft_gc_stats(&stats);
        best = stats.last_pause_ns < best ? stats.last_pause_ns : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    unsigned blocks = argc > 1 ? (unsigned)atoi(argv[1]) : BLOCKS;
    struct weft_gc_stats stats;
    uint64_t empty, full;
    unsigned cost;

    empty = pause_now();
    cost = MEASURE(1, tree = tree_make(blocks));
    report("collector_alloc_32_bytes", cost / blocks, 0);
    full = pause_now();
    report("collector_mark_32_bytes", (unsigned)((full - empty) * 100 / blocks), 0);
    weft_gc_stats(&stats);
    printf("bench: collector_memory_percent %u\n",
           (unsigned)(stats.heap_bytes * 100 / stats.live_bytes));
    printf("bench: collector_longest_stop_us %u\n", (unsigned)(stats.longest_pause_ns / 1000));
    return 0;
}
