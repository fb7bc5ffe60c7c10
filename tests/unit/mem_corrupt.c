/* SPDX-License-Identifier: MIT */
/*
 * One byte of the heap's records is changed: weft_heap_check must say so, or the byte must not
 * matter: then the heap goes on working, block by block, and ends whole. A process of its own for
 * each byte; one that crashes or hangs is a failure. All bytes with SOAK=1, else a sample.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem/heap.h"
#include "mem/scavenger.h"
#include "mem_fake.h"
#include "mem_names.h"

#define BLOCKS 160

enum outcome { DETECTED = 40, PANICKED, HARMLESS, DAMAGED };

static struct held {
    uint8_t *start;
    size_t bytes;
} held[BLOCKS];
static uint64_t state = 77;

static bool held_is_whole(const struct held *one, unsigned number)
{
    for (size_t i = 0; i < one->bytes; i++)
        if (one->start[i] != (uint8_t)(number * 7 + i))
            return false;
    return true;
}

/* False: a block changed under the program's hands. */
static bool operate(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        unsigned number = (unsigned)(fake_random(&state) % BLOCKS);
        struct held *one = &held[number];

        if (one->start) {
            if (!held_is_whole(one, number))
                return false;
            w_free(one->start);
            one->start = NULL;
        } else {
            one->bytes = 1 + fake_random(&state) % (8u << fake_random(&state) % 10);
            one->start = w_malloc(one->bytes);
            for (size_t at = 0; one->start && at < one->bytes; at++)
                one->start[at] = (uint8_t)(number * 7 + at);
        }
        if (i % 64 == 0)
            scavenger_step();
    }
    return true;
}

/* What becomes of it in a process of its own. */
static int outcome_of(uint8_t *byte, uint8_t flip)
{
    volatile bool whole = false;
    int status;
    pid_t child = fork();

    cr_assert(child >= 0);
    if (child > 0) {
        cr_assert(waitpid(child, &status, 0) == child);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    alarm(20);
    *byte ^= flip;
    if (weft_heap_check() != 0)
        _exit(DETECTED);
    if (FAKE_PANICS(whole = operate(400)))
        _exit(PANICKED);
    if (!whole)
        _exit(DAMAGED);
    _exit(weft_heap_check() == 0 ? HARMLESS : DETECTED);
}

static unsigned count[256];

static void corrupt(const char *what, void *from, size_t bytes, size_t step)
{
    for (size_t at = 0; at < bytes; at += step) {
        int outcome = outcome_of((uint8_t *)from + at, (uint8_t)(1u << fake_random(&state) % 8));

        cr_assert(outcome >= DETECTED && outcome < DAMAGED, "%s, byte %zu: %s (%d)", what, at,
                  outcome == DAMAGED ? "a block was damaged" : "the heap crashed", outcome);
        count[outcome]++;
    }
}

/* The first two words of free objects: their mark and link. */
static void corrupt_free_objects(size_t step)
{
    for (int round = 0; round < 12; round++) {
        unsigned number = (unsigned)(fake_random(&state) % BLOCKS);
        uint8_t *object = held[number].start;

        if (!object || held[number].bytes > 500)
            continue;
        w_free(object);
        held[number].start = NULL;
        corrupt("free object's mark", object, sizeof(uintptr_t), step > 1 ? 3 : 1);
    }
}

Test(mem_corrupt, every_changed_byte_of_the_records_is_found_or_harmless, .timeout = 1800)
{
    size_t step = getenv("SOAK") ? 1 : 41, records;
    struct region *region;

    fake_boot(64 << 10, 0);
    cr_assert(operate(3000));
    cr_assert(weft_heap_check() == 0, "%s", fake_console);
    region = heap.region[0];
    records = (size_t)((uint8_t *)(region->kinds + region->pages + 1) - (uint8_t *)region);
    corrupt("the region's records", region, records, step);
    corrupt("the heap", &heap, sizeof(heap), step);
    corrupt_free_objects(step);
    printf("%u bytes: %u found by the check, %u by the heap itself, %u harmless\n",
           count[DETECTED] + count[PANICKED] + count[HARMLESS], count[DETECTED], count[PANICKED],
           count[HARMLESS]);
    cr_assert(count[DETECTED] > count[HARMLESS] / 4);
}
