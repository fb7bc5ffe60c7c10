/* SPDX-License-Identifier: MIT */
/* The same tree as tests/bench/collector.c, with the Boehm-Demers-Weiser collector (libgc-dev), one
 * marking thread: nanoseconds of a collection per living 32-byte block, and its heap. */
#include <gc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BLOCKS 20000u

struct node {
    struct node *left, *right;
    unsigned char data[32 - 2 * sizeof(void *)];
};

static struct node *volatile tree;

static struct node *tree_make(unsigned blocks)
{
    struct node *top;

    if (blocks == 0)
        return NULL;
    top = GC_MALLOC(sizeof *top);
    if (top == NULL)
        exit(1);
    top->left = tree_make((blocks - 1) / 2);
    top->right = tree_make(blocks - 1 - (blocks - 1) / 2);
    return top;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t collect_ns(void)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < 20; i++) {
        uint64_t start = now_ns(), took;

        GC_gcollect();
        took = now_ns() - start;
        best = took < best ? took : best;
    }
    return best;
}

int main(void)
{
    uint64_t empty, full;

    setenv("GC_MARKERS", "1", 1);
    GC_INIT();
    empty = collect_ns();
    tree = tree_make(BLOCKS);
    full = collect_ns();
    printf("bench: collector_mark_32_bytes %.2f\n", (double)(full - empty) / BLOCKS);
    printf("bench: collector_memory_percent %u\n",
           (unsigned)(GC_get_heap_size() * 100 / (BLOCKS * 32)));
    return 0;
}
