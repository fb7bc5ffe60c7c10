/* SPDX-License-Identifier: MIT */
/* Nanoseconds per malloc and free with whatever malloc the process has: the best of 15 runs. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SLOTS 256
#define STEPS 65536

static void *slot[SLOTS];
static uint16_t bytes_of[STEPS];
static uint8_t slot_of[STEPS];

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void steps_make(uint32_t least, uint32_t most)
{
    uint32_t x = 12345;

    for (unsigned i = 0; i < STEPS; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        bytes_of[i] = (uint16_t)(least + x % (most - least + 1));
        slot_of[i] = (uint8_t)(x >> 24);
    }
}

static void hot(void)
{
    for (unsigned i = 0; i < STEPS; i++)
        free(malloc(32));
}

static void churn(void)
{
    for (unsigned i = 0; i < STEPS; i++) {
        free(slot[slot_of[i]]);
        slot[slot_of[i]] = malloc(bytes_of[i]);
    }
}

static void row(const char *name, void (*run)(void))
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < 15; i++) {
        uint64_t start = now_ns(), took;

        run();
        took = now_ns() - start;
        best = took < best ? took : best;
    }
    printf(" %s %.1f", name, (double)best / STEPS);
}

int main(void)
{
    row("hot", hot);
    steps_make(8, 256);
    row("8-256", churn);
    steps_make(8, 8192);
    row("8-8192", churn);
    printf("\n");
    return 0;
}
