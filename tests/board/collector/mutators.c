/* SPDX-License-Identifier: MIT */
/* Threads build and drop lists while collections come; threads that exhaust the heap together. */
#include <string.h>

#include "../random.h"
#include "image.h"

#define WORKERS 5
#define LISTS 8

struct worker {
    struct weft_thread *thread;
    uint32_t state, number;
    uint32_t cells;
};

static _Atomic bool done;
static struct cell *shared[WORKERS]; /* in .bss */
uint32_t mutators_cells = 4000;      /* fewer when every cycle is printed */

/* Lists whose heads are on this stack only, and one whose head is in .bss. */
static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct cell *list[LISTS] = {NULL};

    for (unsigned i = 0; i < worker->cells; i++) {
        uint32_t what = next_random(&worker->state);
        struct cell **head = what % 16 ? &list[what / 16 % LISTS] : &shared[worker->number];

        *head = cell_make(what, *head);
        if (what / 1024 % 128 == 0) {
            for (struct cell *cell = *head; cell; cell = cell->next)
                cell_check(cell);
            *head = NULL;
        }
    }
    for (unsigned i = 0; i < LISTS; i++)
        for (struct cell *cell = list[i]; cell; cell = cell->next)
            cell_check(cell);
    return NULL;
}

static void *collector_main(void *argument)
{
    uint32_t *cycles = argument, state = 99;

    while (!done) {
        weft_thread_sleep_ns(100000 + next_random(&state) % 900000);
        weft_gc();
        ++*cycles;
    }
    return NULL;
}

void mutators(void)
{
    static struct worker worker[WORKERS];
    static uint32_t cycles;
    const struct weft_thread_attr high = {.name = "collector", .priority = WEFT_PRIORITY_HIGHEST};
    struct weft_thread *collector;
    struct weft_gc_stats stats;

    weft_gc_set_growth(100);
    CHECK(weft_thread_spawn(&collector, &high, collector_main, &cycles) == 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        worker[i].state = 1000 + i;
        worker[i].number = i;
        worker[i].cells = mutators_cells;
        CHECK(weft_thread_spawn(&worker[i].thread, NULL, worker_main, &worker[i]) == 0);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        CHECK(weft_thread_join(worker[i].thread, NULL) == 0);
    done = true;
    CHECK(weft_thread_join(collector, NULL) == 0);
    for (unsigned i = 0; i < WORKERS; i++)
        for (struct cell *cell = shared[i]; cell; cell = cell->next)
            cell_check(cell);
    memset(shared, 0, sizeof shared);
    weft_gc();
    weft_gc_stats(&stats);
    CHECK(weft_heap_check() == 0);
    CHECK(stats.cycles > cycles && cycles > 0 && stats.forced == cycles + 1);
    printf("mutators done: %u cycles, %u by hand, %u bytes left, %u overflows\n",
           (unsigned)stats.cycles, (unsigned)stats.forced, (unsigned)stats.live_bytes,
           (unsigned)stats.overflows);
}

/* ---- exhaustion: all threads run out of memory at once, and collect ---- */

static _Atomic bool gluttons_eat;

static void *glutton_main(void *argument)
{
    struct cell *list = NULL;

    while (!gluttons_eat) /* the others, too, need memory to be there */
        weft_thread_yield();
    for (unsigned i = 0; i < 400; i++) {
        struct cell *cell = weft_gc_alloc(20000, 0);

        CHECK(cell != NULL);
        cell->next = i % 4 ? list : NULL;
        cell->value = i;
        list = cell;
        for (; cell->next; cell = cell->next)
            CHECK(cell->value == cell->next->value + 1);
    }
    return argument;
}

/* Leaves the heap `bytes` in one piece, more or less. */
static void heap_fill(size_t bytes)
{
    while (weft_heap_largest_free() > bytes + 65536)
        CHECK(malloc(weft_heap_largest_free() / 2 > 65536 ? 65536 : 16384) != NULL);
}

void exhaustion(void)
{
    struct weft_thread *thread[3];
    struct weft_gc_stats stats;

    CHECK(weft_gc_alloc(8, 0) != NULL);
    heap_fill(1u << 20);
    weft_gc_set_growth(1000000); /* the goal is never reached */
    for (unsigned i = 0; i < 3; i++)
        CHECK(weft_thread_spawn(&thread[i], NULL, glutton_main, NULL) == 0);
    gluttons_eat = true;
    for (unsigned i = 0; i < 3; i++)
        CHECK(weft_thread_join(thread[i], NULL) == 0);
    weft_gc_stats(&stats);
    CHECK(stats.cycles >= 3 && stats.forced == 0);
    CHECK(weft_heap_check() == 0);
    printf("exhaustion done: %u cycles\n", (unsigned)stats.cycles);
}
