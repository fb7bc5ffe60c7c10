/* SPDX-License-Identifier: MIT */
/* Makes and joins ROUNDS threads, and lets as many detached ones end: no page of stack stays
 * behind. Ended threads' memory serves new ones of the same size only, is bounded, and is given
 * back when the program scavenges and when memory has run out. */
#include <weft/weft.h>

#include "../firmware.h"

/* ThreadSanitizer takes milliseconds to know a thread. */
#if defined(__SANITIZE_THREAD__)
#define ROUNDS 500
#else
#define ROUNDS 10000
#endif

/* A sanitizer's malloc has a memory of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_MALLOC 1
#else
#define OTHER_MALLOC 0
#endif

static volatile unsigned ended;

static void *ending_thread(void *argument)
{
    ended++;
    return argument;
}

static void storm(void)
{
    const struct weft_thread_attr detached = {.priority = WEFT_PRIORITY_DEFAULT, .detached = true};

    for (uintptr_t i = 1; i <= ROUNDS; i++) {
        struct weft_thread *thread;
        void *result;

        CHECK(weft_thread_spawn(&thread, NULL, ending_thread, (void *)i) == 0);
        CHECK(weft_thread_join(thread, &result) == 0);
        CHECK(result == (void *)i);
        CHECK(weft_thread_spawn(NULL, &detached, ending_thread, NULL) == 0);
    }
    weft_thread_yield();
    weft_thread_sleep_ns(1000000); /* the idle thread frees the last detached ones */
}

static struct weft_thread *come_and_go(size_t stack_bytes)
{
    const struct weft_thread_attr attr = {.priority = 17, .stack_bytes = stack_bytes};
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, &attr, ending_thread, NULL) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    return thread;
}

static size_t stack_pages(void)
{
    struct weft_mstats stats;

    weft_heap_stats(&stats);
    return stats.stack_pages;
}

#define MANY 80 /* more than are kept */

static void *waiting_thread(void *argument)
{
    CHECK(weft_semaphore_wait(argument) == 0);
    return NULL;
}

static void many_at_once(void)
{
    struct weft_semaphore go;
    struct weft_thread *threads[MANY];

    CHECK(weft_semaphore_init(&go, 0, MANY) == 0);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(weft_thread_spawn(&threads[i], NULL, waiting_thread, &go) == 0);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(weft_semaphore_post(&go) == 0);
    for (unsigned i = 0; i < MANY; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    weft_semaphore_destroy(&go);
}

static void used_again(void)
{
    struct weft_thread *first;
    size_t none, one;

    (void)weft_heap_scavenge();
    none = stack_pages();
    (void)come_and_go(0);
    one = stack_pages() - none;
    CHECK(one > 0);
    first = come_and_go(8192);
    CHECK(come_and_go(8192) == first);
    CHECK(come_and_go(8192 + 4096) != first);
    CHECK(come_and_go(8192) == first);
    many_at_once();
    CHECK(stack_pages() - none <= WEFT_CONFIG_STACK_CACHE * one);
    (void)weft_heap_scavenge();
    CHECK(stack_pages() == none);
}

/* Takes all memory there is, less what the list of it needs; the list is given back. */
static void memory_runs_out(void)
{
    struct block {
        struct block *next;
    } *all = NULL, *block;
    size_t none = stack_pages(), bytes = 1 << 20;

    many_at_once();
    CHECK(stack_pages() > none);
    while (bytes >= 4096) {
        block = malloc(bytes);
        if (block == NULL) {
            bytes /= 2;
            continue;
        }
        block->next = all;
        all = block;
    }
    CHECK(stack_pages() == none);
    while (all != NULL) {
        block = all;
        all = all->next;
        free(block);
    }
}

int main(void)
{
    struct weft_mstats before, after;

    storm(); /* fills the caches that stay filled */
    weft_heap_stats(&before);
    storm();
    weft_heap_stats(&after);
    printf("stack pages %u, then %u\n", (unsigned)before.stack_pages, (unsigned)after.stack_pages);
    CHECK(after.stack_pages == before.stack_pages);
    CHECK(after.inuse_pages <= before.inuse_pages);
    CHECK(ended == 4 * ROUNDS);
    CHECK(weft_thread_count() == 1);
    used_again();
    if (!OTHER_MALLOC)
        memory_runs_out();
    CHECK(weft_heap_check() == 0);
    puts("all gone");
    return 0;
}
