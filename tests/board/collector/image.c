/* SPDX-License-Identifier: MIT */
/*
 * The collector with threads at work. The first argument is one of `cases`:
 *
 *   mutators: threads build and drop lists while collections come, by growth, by hand, and from a
 *   thread that takes the core at odd moments; every block that is reachable must be whole
 *
 *   exhaustion: threads run out of memory at once, and collect (mutators.c)
 *
 *   help: other cores mark; meanwhile no thread runs there
 *
 *   profile: a profile of cycles (help.c)
 *
 *   places: a block that only one place knows survives: registers of a preempted thread, messages
 *   and arguments on their way, results nobody has asked for yet
 *
 *   garbage: how much is kept by words that only look like pointers
 *
 *   finalize: the finalizer thread, resurrection included
 *
 *   cost: instructions per live block; needs -icount shift=0
 *
 * and what is refused (refusals.c).
 */
#include "image.h"

#include <string.h>

/* ---- what the cases share ---- */

struct cell *cell_make(uint32_t value, struct cell *next)
{
    struct cell *cell = weft_gc_alloc(sizeof *cell, 0);
    size_t bytes = value % 200;

    CHECK(cell != NULL && cell->next == NULL && cell->payload == NULL);
    cell->value = value;
    cell->check = ~value;
    cell->next = next;
    cell->payload = weft_gc_alloc(bytes, WEFT_GC_POINTER_FREE);
    CHECK(cell->payload != NULL);
    memset(cell->payload, (int)(value & 0xff), bytes);
    return cell;
}

void cell_check(const struct cell *cell)
{
    const uint8_t *bytes = cell->payload;

    CHECK(cell->check == ~cell->value);
    for (uint32_t i = 0; i < cell->value % 200; i++)
        CHECK(bytes[i] == (uint8_t)cell->value);
}

void thread_run(void *(*entry)(void *argument), void *argument)
{
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, NULL, entry, argument) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
}

struct cell32 *volatile tree;

struct cell32 *tree_make(unsigned objects)
{
    struct cell32 *top;

    if (objects == 0)
        return NULL;
    top = weft_gc_alloc(32, 0);
    CHECK(top != NULL);
    top->left = tree_make((objects - 1) / 2);
    top->right = tree_make(objects - 1 - (objects - 1) / 2);
    return top;
}

/* ---- garbage ---- */

#define GARBAGE 2000

static void *make_garbage(void *argument)
{
    struct cell *list = NULL;

    for (unsigned i = 0; i < GARBAGE; i++) {
        list = weft_gc_alloc(64, 0);
        CHECK(list != NULL);
        list->next = argument; /* not a list: each by itself */
    }
    return NULL;
}

static void garbage(void)
{
    struct weft_gc_stats stats;

    for (unsigned i = 0; i < 3; i++)
        thread_run(make_garbage, NULL);
    weft_gc();
    weft_gc_stats(&stats);
    printf("garbage kept: %u of %u blocks\n", (unsigned)(stats.live_bytes / 64), 3 * GARBAGE);
    CHECK(stats.live_bytes / 64 <= 3 * GARBAGE / 100);
}

/* ---- finalizers ---- */

static _Atomic uint32_t finalized;
static struct cell *resurrected;

static void finalize(void *block, void *argument)
{
    cell_check(block);
    if (argument) {
        *(struct cell **)argument = block;
    } else {
        weft_thread_sleep_ns(1000); /* it may block, */
        CHECK(weft_gc_alloc(16, 0) != NULL);
        weft_gc(); /* and even collect */
    }
    finalized++;
}

static void *make_finalized(void *argument)
{
    for (uint32_t i = 0; i < 10; i++)
        CHECK(weft_gc_finalizer_set(cell_make(1000 + i, NULL), finalize, i ? NULL : argument) == 0);
    return NULL;
}

static void finalize_all(void)
{
    thread_run(make_finalized, &resurrected);
    CHECK(finalized == 0);
    for (unsigned i = 0; i < 100 && finalized < 10; i++) {
        weft_gc();
        weft_thread_sleep_ns(1000000);
    }
    CHECK(finalized == 10 && resurrected != NULL);
    weft_gc();
    cell_check(resurrected);
    CHECK(weft_heap_check() == 0);
    printf("finalized %u, kept block %u\n", (unsigned)finalized, (unsigned)resurrected->value);
}

/* ---- cost ---- */

#define OBJECTS 20000

static void cost(void)
{
    struct weft_gc_stats empty, full;
    uint64_t began, allocated;

    weft_gc();
    weft_gc_stats(&empty);
    began = weft_time_ns();
    tree = tree_make(OBJECTS);
    allocated = weft_time_ns() - began;
    weft_gc();
    weft_gc_stats(&full);
    CHECK(full.live_bytes >= OBJECTS * 32);
    printf("allocated: %u instructions a block\n", (unsigned)(allocated / OBJECTS));
    printf("marked: %u instructions a block, %u us for %u blocks on %u cores\n",
           (unsigned)((full.last_pause_ns - empty.last_pause_ns) / OBJECTS),
           (unsigned)(full.last_pause_ns / 1000), OBJECTS, weft_core_count());
    printf("empty cycle: %u us\n", (unsigned)(empty.last_pause_ns / 1000));
    printf("overhead: %u percent\n", (unsigned)(full.heap_bytes * 100 / full.live_bytes));
    tree = NULL;
    began = weft_time_ns();
    weft_gc();
    printf("swept: %u instructions a dead block\n",
           (unsigned)((weft_time_ns() - began - empty.last_pause_ns) / OBJECTS));
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"mutators", mutators},
    {"exhaustion", exhaustion},
    {"help", helping},
    {"profile", profile},
    {"places", places},
    {"garbage", garbage},
    {"finalize", finalize_all},
    {"cost", cost},
    {"pinned", allocation_pinned},
    {"lock", under_lock},
    {"interrupt", in_interrupt},
    {"alloc-interrupt", alloc_in_interrupt},
    {"root-twice", root_twice},
    {"root-wraps", root_wraps},
    {"finalizer-ends", finalizer_ends},
    {"preemption", preemption_off},
    {"stopped", world_stopped},
    {"system-stack", on_system_stack},
};

int main(int argc, char **argv)
{
    if (argc > 2) {
        weft_gc_set_trace(true);
        mutators_cells = 300;
    }
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0] && argc > 1; i++)
        if (strcmp(argv[1], cases[i].name) == 0)
            cases[i].run();
    return 0;
}
