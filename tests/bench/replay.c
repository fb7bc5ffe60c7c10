/* SPDX-License-Identifier: MIT */
/*
 * replay TRACE: the smallest arena, to 1 KiB, in which a recorded trace (tools/preload/names.c)
 * completes, its peak of live bytes as asked for, and the one divided by the other. On a 64-bit
 * host, whose records are twice those of a 32-bit board.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem/heap.h"
#include "mem_fake.h"
#include "mem_names.h"

/* Blocks are numbered in the order of their making: "+": bytes; "-": of; "~": of, bytes. */
struct operation {
    char what;
    uint32_t block;
    size_t bytes;
};

static struct operation *operation;
static size_t operations, blocks;

/* Live blocks by address: an open hash, never emptied of keys. */
#define TABLE (1u << 22)
static struct entry {
    uint64_t address;
    uint32_t block;
} * table;

static struct entry *entry_of(uint64_t address)
{
    uint32_t at = (uint32_t)((address >> 4) * 2654435761u) % TABLE;

    while (table[at].address && table[at].address != address)
        at = (at + 1) % TABLE;
    return &table[at];
}

static void add(char what, uint32_t block, size_t bytes)
{
    operation = realloc(operation, (operations + 1) * sizeof *operation);
    operation[operations++] = (struct operation){what, block, bytes};
}

/* A block that the record does not know was there before it began. */
static void load(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[128];
    void *one, *other;
    size_t bytes;

    table = calloc(TABLE, sizeof *table);
    while (file && fgets(line, sizeof line, file)) {
        if (sscanf(line, "+ %p %p %zu", &one, &other, &bytes) == 3 && one) {
            *entry_of((uintptr_t)one) = (struct entry){(uintptr_t)one, (uint32_t)++blocks};
            add('+', (uint32_t)blocks, bytes);
        } else if (sscanf(line, "- %p", &one) == 1 && entry_of((uintptr_t)one)->block) {
            add('-', entry_of((uintptr_t)one)->block, 0);
            entry_of((uintptr_t)one)->block = 0;
        } else if (sscanf(line, "~ %p %p %zu", &one, &other, &bytes) == 3) {
            uint32_t block = entry_of((uintptr_t)one)->block;

            if (!block)
                continue;
            entry_of((uintptr_t)one)->block = 0;
            *entry_of((uintptr_t)other) = (struct entry){(uintptr_t)other, block};
            add('~', block, bytes);
        }
    }
}

static size_t peak_live(void)
{
    size_t *bytes = calloc(blocks + 1, sizeof *bytes), live = 0, peak = 0;

    for (size_t i = 0; i < operations; i++) {
        live += operation[i].bytes - bytes[operation[i].block];
        bytes[operation[i].block] = operation[i].bytes;
        peak = live > peak ? live : peak;
    }
    free(bytes);
    return peak;
}

static bool completes(size_t arena)
{
    void **block = calloc(blocks + 1, sizeof *block);
    bool fits = true;

    fake_reset();
    fake_boot(arena, 0);
    for (size_t i = 0; i < operations && fits; i++) {
        const struct operation *o = &operation[i];
        void *answer = NULL;

        if (o->what == '-')
            w_free(block[o->block]);
        else
            answer = o->what == '+' ? w_malloc(o->bytes) : w_realloc(block[o->block], o->bytes);
        fits = o->what == '-' || answer;
        block[o->block] = answer;
    }
    free(block);
    return fits;
}

int main(int argc, char **argv)
{
    size_t peak, least, most;

    if (argc != 2)
        return 2;
    load(argv[1]);
    peak = peak_live();
    least = peak;
    most = peak * 4 + 65536;
    while (most - least > 1024) {
        size_t middle = (least + most) / 2;

        *(completes(middle) ? &most : &least) = middle;
    }
    printf("%zu calls, peak %zu KiB live, smallest arena %zu KiB: %.2f\n", operations, peak / 1024,
           most / 1024, (double)most / (double)peak);
    return 0;
}
