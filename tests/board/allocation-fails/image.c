/* SPDX-License-Identifier: MIT */
/*
 * Each thing that a program can ask of weft and that needs memory, with the first, the second, ...
 * of its allocations failing, until all succeed: it must answer with the right error, undo what it
 * had done, and leave no block behind.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* asprintf */
#endif
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <weft/slot.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "mem/watch.h"

#define INDEX_MAX 200

/* True: it succeeded. False: it failed for want of memory, and said so. */
typedef bool (*scenario)(void);

static void *thread_main(void *argument)
{
    return argument;
}

static bool spawn(void)
{
    struct weft_thread *thread;
    void *result = NULL;
    int error = weft_thread_spawn(&thread, NULL, thread_main, &thread);

    if (error == 0) {
        CHECK(weft_thread_join(thread, &result) == 0 && result == &thread);
        return true;
    }
    CHECK(error == WEFT_ENOMEM);
    return false;
}

static bool spawn_many(void)
{
    struct weft_thread *thread[4];
    unsigned made = 0;
    int error = 0;

    while (made < 4 && error == 0) {
        error = weft_thread_spawn(&thread[made], NULL, thread_main, NULL);
        made += error == 0;
    }
    for (unsigned i = 0; i < made; i++)
        CHECK(weft_thread_join(thread[i], NULL) == 0);
    CHECK(error == 0 || error == WEFT_ENOMEM);
    return error == 0;
}

static void *detached_main(void *argument)
{
    weft_semaphore_post(argument);
    return NULL;
}

static bool spawn_detached(void)
{
    static struct weft_semaphore done = WEFT_SEMAPHORE_INITIALIZER(done, 0);
    const struct weft_thread_attr attr = {.priority = 20, .detached = true};
    int error = weft_thread_spawn(NULL, &attr, detached_main, &done);

    if (error == 0)
        CHECK(weft_semaphore_wait(&done) == 0);
    CHECK(error == 0 || error == WEFT_ENOMEM);
    return error == 0;
}

static bool scavenger(void)
{
    const struct weft_scavenger how = {.period_ns = 1000000, .keep_percent = 10, .priority = 20};
    int error = weft_heap_scavenger_start(&how);

    weft_heap_scavenger_stop();
    CHECK(error == 0 || error == WEFT_ENOMEM);
    return error == 0;
}

/* A thread's first value in a slot takes memory until the thread ends. */
static void *slot_main(void *argument)
{
    int error = weft_slot_set(*(unsigned *)argument, argument);

    CHECK(error == 0 || error == WEFT_ENOMEM);
    CHECK(weft_slot_get(*(unsigned *)argument) == (error == 0 ? argument : NULL));
    return error == 0 ? argument : NULL;
}

static bool slots(void)
{
    struct weft_thread *thread;
    unsigned slot;
    void *result;
    int error;

    CHECK(weft_slot_create(&slot, NULL) == 0);
    error = weft_thread_spawn(&thread, NULL, slot_main, &slot);
    if (error == 0)
        CHECK(weft_thread_join(thread, &result) == 0);
    CHECK(error == 0 || error == WEFT_ENOMEM);
    CHECK(weft_slot_delete(slot) == 0);
    return error == 0 && result != NULL;
}

static bool names(void)
{
    char *a, *b, *c, *d;
    void *e = NULL;
    int error;

    errno = 0;
    a = malloc(40);
    b = calloc(10, 10);
    c = memalign(256, 40);
    d = strdup("some text that is copied");
    error = posix_memalign(&e, 64, 5000);
    CHECK(error == 0 || error == ENOMEM);
    CHECK((a && b && c && d) || errno == ENOMEM);
    free(a);
    free(b);
    free(c);
    free(d);
    free(e);
    return a && b && c && d && error == 0;
}

/* The old block stays when there is no new one. */
static bool resizing(void)
{
    char *block = malloc(40), *other;

    if (!block)
        return false;
    strcpy(block, "kept");
    other = realloc(block, 9000);
    if (!other)
        CHECK(errno == ENOMEM && strcmp(block, "kept") == 0);
    else
        CHECK(strcmp(other, "kept") == 0);
    free(other ? other : block);
    return other != NULL;
}

static bool printing(void)
{
    char *text = NULL;
    int length = asprintf(&text, "%.17g and %d", 3.141592653589793, 42);

    CHECK(length < 0 || strcmp(text, "3.1415926535897931 and 42") == 0);
    if (length >= 0)
        free(text);
    return length >= 0;
}

static bool kinds(void)
{
    static unsigned char memory[32768] __attribute__((aligned(4096)));
    static bool added;
    void *block;

    if (!added)
        CHECK(weft_heap_add_region(memory, sizeof memory, WEFT_MEMORY_DMA) == 0);
    added = true;
    block = weft_heap_alloc(1000, 64, WEFT_MEMORY_DMA);
    free(block);
    return block != NULL;
}

/* Objects are the caller's memory: none of this asks for any. */
static bool objects(void)
{
    static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);
    struct weft_semaphore semaphore;
    struct weft_timer timer;

    CHECK(weft_semaphore_init(&semaphore, 1, 1) == 0);
    CHECK(weft_timer_init(&timer, NULL, NULL) == 0);
    CHECK(weft_timer_start(&timer, weft_time_ns() + 100000, 0) == 0);
    CHECK(weft_timer_wait(&timer) == 1);
    weft_mutex_lock(&mutex);
    CHECK(weft_semaphore_wait(&semaphore) == 0);
    weft_mutex_unlock(&mutex);
    weft_heap_trace();
    return true;
}

static const struct {
    const char *name;
    scenario run;
    bool asks; /* for memory */
} scenarios[] = {
    {"spawn", spawn, true},
    {"spawn_many", spawn_many, true},
    {"spawn_detached", spawn_detached, true},
    {"scavenger", scavenger, true},
    {"slots", slots, true},
    {"names", names, true},
    {"resizing", resizing, true},
    {"printing", printing, true},
    {"kinds", kinds, true},
    {"objects", objects, false},
};

/* A request that can't be met: what is kept for quick reuse, stacks for one, goes back first. */
static void caches_give_back(void)
{
    volatile size_t impossible = SIZE_MAX / 4;

    CHECK(malloc(impossible) == NULL);
}

static void run(unsigned which)
{
    size_t live;
    uint32_t index = 1, failed = 0;
    bool reached;

    CHECK(scenarios[which].run());
    CHECK(scenarios[which].run()); /* what is kept for the next time is there now */
    live = weft_heap_live_bytes();
    do {
        bool succeeded;

        caches_give_back();
        (void)heap_fail_at(index);
        succeeded = scenarios[which].run();
        reached = heap_fail_at(0);
        CHECK(succeeded || reached);
        failed += !succeeded;
        CHECK(scenarios[which].run());
        if (weft_heap_live_bytes() != live) {
            printf("%s, allocation %u: %u bytes live before, %u after\n", scenarios[which].name,
                   (unsigned)index, (unsigned)live, (unsigned)weft_heap_live_bytes());
            exit(1);
        }
    } while (reached && ++index < INDEX_MAX);
    printf("%s: %u allocations, %u times the answer was \"no memory\"\n", scenarios[which].name,
           (unsigned)index - 1, (unsigned)failed);
    CHECK(!reached && (index > 1) == scenarios[which].asks);
}

int main(void)
{
    for (unsigned i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        run(i);
    CHECK(weft_heap_check() == 0);
    puts("every allocation has failed");
    return 0;
}
