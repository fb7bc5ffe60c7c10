/* SPDX-License-Identifier: MIT */
/*
 * How much of an arena a program gets before malloc fails for the first time: random sizes, three
 * allocations to two frees, the bytes asked for and not freed divided by the arena.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "mem_fake.h"
#include "mem_names.h"

/* 2^log2_from <= size < 2^log2_to, every octave as likely as the next. */
struct mix {
    unsigned log2_from, log2_to;
};

static double share_of(size_t arena, struct mix mix, uint64_t seed)
{
    size_t capacity = arena / 16, count = 0, live = 0;
    void **block = malloc(capacity * sizeof(*block));
    size_t *bytes = malloc(capacity * sizeof(*bytes));
    uint64_t state = seed;

    for (;;) {
        size_t size =
            (size_t)1 << (mix.log2_from + fake_random(&state) % (mix.log2_to - mix.log2_from));

        if (count && fake_random(&state) % 5 < 2) {
            size_t which = fake_random(&state) % count--;

            w_free(block[which]);
            live -= bytes[which];
            block[which] = block[count];
            bytes[which] = bytes[count];
            continue;
        }
        size += fake_random(&state) % size;
        block[count] = w_malloc(size);
        if (!block[count])
            break;
        bytes[count++] = size;
        live += size;
    }
    for (size_t i = 0; i < count; i++)
        w_free(block[i]);
    free(block);
    free(bytes);
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
    return (double)live / (double)arena;
}

static double share_mean(size_t arena, struct mix mix, unsigned runs)
{
    double sum = 0;

    fake_boot(arena, 0);
    for (unsigned run = 1; run <= runs; run++)
        sum += share_of(arena, mix, run);
    return sum / runs;
}

/* The floors are numbers.md's, for 32 bits; the host's records are twice as large. */
static void share_test(size_t arena, struct mix mix, unsigned runs, double floor)
{
    double share = share_mean(arena, mix, runs);

    printf("usable share: %zu KiB, sizes 2^%u to 2^%u: %.3f\n", arena / 1024, mix.log2_from,
           mix.log2_to, share);
    cr_assert(share >= floor, "%.3f of the arena, not %.3f", share, floor);
}

Test(mem_share, small_sizes_fill_256_kib)
{
    share_test(256 << 10, (struct mix){3, 8}, 20, 0.72);
}

Test(mem_share, sizes_to_8_kib_fill_256_kib)
{
    share_test(256 << 10, (struct mix){3, 13}, 40, 0.72);
}

Test(mem_share, small_sizes_fill_1_mib)
{
    share_test(1 << 20, (struct mix){3, 8}, 5, 0.79);
}

Test(mem_share, sizes_to_8_kib_fill_1_mib)
{
    share_test(1 << 20, (struct mix){3, 13}, 20, 0.79);
}

Test(mem_share, sizes_to_64_kib_fill_1_mib)
{
    share_test(1 << 20, (struct mix){3, 16}, 40, 0.79);
}

Test(mem_share, sizes_to_64_kib_fill_16_mib)
{
    share_test(16 << 20, (struct mix){3, 16}, 2, 0.91);
}
