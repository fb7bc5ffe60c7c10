/* SPDX-License-Identifier: MIT */
/*
 * Requirements A on the board. First argument:
 *   log        one thread; every operation is written down, every scavenge prints its trace; the
 *              host recomputes the trace from the log
 *   storm N US M   threads in a heap with next to nothing left, a timer with a period of US that
 * reads the counters, the scavenger's thread, the trace on; N operations, and M scavenges at least
 *   asleep     what core 1 cached before it went to sleep goes back
 *   real       what happens to a released page: WORD says what the board does
 *   lock, hook, handler   consistent statistics asked for where they may not be
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"
#include "../random.h"
#include "kernel/spinlock.h"
#include "mem/heap.h"

#define ROOM_BYTES ((size_t)160 << 10) /* what is left of the heap */

/* All memory but about ROOM_BYTES, for good. */
static void heap_shrink(void)
{
    void *room = malloc(ROOM_BYTES);
    size_t free_bytes;

    CHECK(room != NULL);
    while ((free_bytes = weft_heap_largest_free()) > 4096)
        CHECK(malloc(free_bytes) != NULL);
    free(room);
}

static void scavenger(uint64_t period_ns, uint8_t keep_percent, int priority)
{
    const struct weft_scavenger how = {
        .period_ns = period_ns, .keep_percent = keep_percent, .priority = priority};

    CHECK(weft_heap_scavenger_start(&how) == 0);
}

/* ---- log ---- */

static void hook_log(void *start, size_t bytes, bool released)
{
    (void)start;
    weft_print("op %s %u\n", released ? "release" : "commit", (unsigned)bytes);
}

static void log_round(void)
{
    weft_print("op round\n");
    (void)weft_heap_scavenge();
}

static void operations_log(void)
{
    enum { COUNT = 32 };
    static void *block[COUNT];
    static size_t bytes[COUNT];
    struct weft_mstats stats;
    uint32_t state = 4711;

    heap_shrink();
    (void)weft_heap_scavenge();
    scavenger(3600000000000u, 10, 16); /* the goal; its rounds are ours */
    weft_thread_sleep_ns(1000000);     /* but for the first */
    weft_heap_stats_consistent(&stats);
    weft_print("op start page %u sys %u meta %u stacks %u inuse %u released %u scavenges %u\n",
               (unsigned)stats.page_bytes, (unsigned)stats.sys_pages, (unsigned)stats.meta_pages,
               (unsigned)stats.stack_pages, (unsigned)stats.inuse_pages,
               (unsigned)stats.released_pages, (unsigned)stats.scavenges);
    weft_heap_set_release_hook(hook_log);
    weft_heap_set_trace(true);
    for (unsigned i = 0; i < 600; i++) {
        unsigned which = next_random(&state) % COUNT;

        if (block[which] != NULL) {
            weft_print("op free %u\n", (unsigned)bytes[which]);
            free(block[which]);
            block[which] = NULL;
        } else {
            bytes[which] = heap.small_max + 1 + next_random(&state) % 6000;
            weft_print("op alloc %u\n", (unsigned)bytes[which]);
            block[which] = malloc(bytes[which]);
            if (block[which] == NULL)
                weft_print("op failed %u\n", (unsigned)bytes[which]);
        }
        if (next_random(&state) % 16 == 0)
            log_round();
    }
    weft_print("op end\n");
    weft_heap_set_trace(false);
}

/* ---- storm ---- */

#define WORKERS 6

static struct weft_timer timer;
static volatile uint32_t readings;

/* Each word of a raw reading is one that stood there: none is larger than the heap. */
static void read_counters(struct weft_timer *unused, void *argument)
{
    struct weft_mstats stats;
    void *block = malloc(48);

    (void)unused;
    (void)argument;
    weft_heap_stats(&stats);
    if (stats.inuse_pages > stats.sys_pages || stats.idle_pages > stats.sys_pages ||
        stats.stack_pages > stats.sys_pages || stats.released_pages > stats.sys_pages)
        weft_panic("torn: inuse %zu idle %zu stacks %zu released %zu of %zu", stats.inuse_pages,
                   stats.idle_pages, stats.stack_pages, stats.released_pages, stats.sys_pages);
    if (readings++ % 256 == 0)
        weft_heap_trace();
    free(block);
}

static uint32_t operations;

/* A permit for each thread, once all have got their stacks out of what little there is. */
static struct weft_semaphore permits = WEFT_SEMAPHORE_INITIALIZER(permits, 0);

static void *worker(void *argument)
{
    uint32_t state = 1 + (uint32_t)(uintptr_t)argument, failures = 0;
    void *block[16] = {NULL};

    CHECK(weft_semaphore_wait(&permits) == 0);
    for (uint32_t i = 0; i < operations; i++) {
        void **one = &block[next_random(&state) % 16];
        size_t bytes = 1 + next_random(&state) % (8u << next_random(&state) % 14);

        free(*one);
        *one = malloc(bytes);
        if (*one != NULL)
            memset(*one, (int)i, bytes);
        failures += *one == NULL;
        if (i % 64 == 0)
            weft_thread_yield();
    }
    for (unsigned i = 0; i < 16; i++)
        free(block[i]);
    return (void *)(uintptr_t)failures;
}

static void *consistent_reader(void *argument)
{
    struct weft_mstats stats;

    CHECK(weft_semaphore_wait(&permits) == 0);
    for (unsigned i = 0; i < 50; i++) {
        weft_heap_stats_consistent(&stats); /* checks the identities itself */
        for (unsigned turns = 0; turns < 10; turns++)
            weft_thread_yield(); /* to the workers */
    }
    return argument;
}

static void storm(unsigned period_us, unsigned scavenges_min)
{
    struct weft_thread *thread[WORKERS + 1];
    struct weft_mstats stats;
    size_t failures = 0;
    void *result;

    heap_shrink();
    weft_heap_set_trace(true);
    scavenger(1000000, 0, 24);
    CHECK(weft_timer_init(&timer, read_counters, NULL) == 0);
    CHECK(weft_timer_start(&timer, weft_time_ns(), period_us * 1000ull) == 0);
    for (uintptr_t i = 0; i <= WORKERS; i++) {
        const struct weft_thread_attr attr = {.priority = 16, .stack_bytes = 4096};

        CHECK(weft_thread_spawn(&thread[i], &attr, i == WORKERS ? consistent_reader : worker,
                                (void *)i) == 0);
    }
    for (unsigned i = 0; i <= WORKERS; i++)
        weft_semaphore_post(&permits);
    for (unsigned i = 0; i <= WORKERS; i++) {
        CHECK(weft_thread_join(thread[i], &result) == 0);
        failures += i < WORKERS ? (uintptr_t)result : 0;
    }
    weft_timer_cancel(&timer);
    weft_heap_scavenger_stop();
    weft_heap_set_trace(false);
    CHECK(weft_heap_check() == 0);
    weft_heap_stats_consistent(&stats);
    printf("storm over: %u scavenges, %u readings, %u requests refused\n",
           (unsigned)stats.scavenges, (unsigned)readings, (unsigned)failures);
    CHECK(stats.scavenges >= scavenges_min && readings >= (scavenges_min > 1));
}

/* ---- asleep ---- */

static void *fill_cache(void *argument)
{
    static void *block[64];

    for (unsigned i = 0; i < 64; i++)
        CHECK((block[i] = malloc(600)) != NULL);
    for (unsigned i = 0; i < 64; i++)
        free(block[i]);
    return argument;
}

static void asleep(void)
{
    const struct weft_thread_attr attr = {.cores = 2, .priority = 16};
    struct weft_thread *thread;
    struct weft_mstats before, cached, after;
    uint64_t until;

    CHECK(weft_core_count() == 2);
    (void)weft_heap_scavenge();
    weft_heap_stats_consistent(&before);
    CHECK(weft_thread_spawn(&thread, &attr, fill_cache, NULL) == 0);
    CHECK(weft_thread_join(thread, NULL) == 0);
    weft_heap_stats_consistent(&cached);
    CHECK(cached.inuse_pages > before.inuse_pages);
    scavenger(2000000, 0, 0);
    until = weft_time_ns() + 20000000ull * TIME_SCALE * 10;
    do {
        weft_thread_sleep_ns(1000000); /* core 1 has nothing to do at all */
        weft_heap_stats_consistent(&after);
        CHECK(weft_time_ns() < until);
    } while (after.inuse_pages > before.inuse_pages + 1 ||
             after.released_pages + 1 < after.idle_pages);
    printf("cached %u pages, %u are left\n", (unsigned)(cached.inuse_pages - before.inuse_pages),
           (unsigned)(after.inuse_pages - before.inuse_pages));
}

/* ---- real ---- */

#define BLOCK_BYTES 262144

static void hook_poison(void *start, size_t bytes, bool released)
{
    if (released)
        memset(start, 0xdb, bytes);
}

static void real(const char *does)
{
    volatile uint8_t *block = malloc(BLOCK_BYTES), *again;
    uintptr_t address = (uintptr_t)block; /* looked at after the free: that is the test */

    CHECK(block != NULL);
    memset((void *)block, 0x11, BLOCK_BYTES);
    if (strcmp(does, "poison") == 0)
        weft_heap_set_release_hook(hook_poison);
    free((void *)block);
    __asm__("" : "+r"(address));
    block = (volatile uint8_t *)address;
    CHECK(weft_heap_scavenge() >= BLOCK_BYTES);
    if (strcmp(does, "unmap") == 0)
        (void)block[BLOCK_BYTES / 2]; /* does not return */
    if (strcmp(does, "again") != 0)
        CHECK(block[BLOCK_BYTES / 2] == (strcmp(does, "poison") == 0 ? 0xdb : 0));
    weft_heap_set_release_hook(NULL);
    again = malloc(BLOCK_BYTES);
    CHECK(again != NULL);
    memset((void *)again, 0x22, BLOCK_BYTES);
    puts("released for real");
}

/* ---- refusals ---- */

static struct weft_mstats answer;

static void hook_asks(void *start, size_t bytes, bool released)
{
    (void)start;
    (void)bytes;
    (void)released;
    weft_heap_stats_consistent(&answer);
}

static void handler_asks(struct weft_timer *unused, void *argument)
{
    (void)unused;
    (void)argument;
    weft_heap_stats_consistent(&answer);
}

static void refused(const char *where)
{
    if (strcmp(where, "lock") == 0) {
        (void)spinlock_lock(&heap_pages_lock);
        weft_heap_stats_consistent(&answer);
    } else if (strcmp(where, "hook") == 0) {
        weft_heap_set_release_hook(hook_asks);
        scavenger(1000000, 0, 0);
        weft_thread_sleep_ns(1000000000);
    } else if (strcmp(where, "handler") == 0) {
        CHECK(weft_timer_init(&timer, handler_asks, NULL) == 0);
        CHECK(weft_timer_start(&timer, weft_time_ns(), 0) == 0);
        weft_thread_sleep_ns(1000000000);
    }
    CHECK(false);
}

int main(int argc, char **argv)
{
    CHECK(argc > 1);
    if (strcmp(argv[1], "log") == 0) {
        operations_log();
    } else if (strcmp(argv[1], "storm") == 0) {
        operations = (uint32_t)atoi(argv[2]) / WORKERS;
        CHECK(argc == 5);
        storm((unsigned)atoi(argv[3]), (unsigned)atoi(argv[4]));
    } else if (strcmp(argv[1], "asleep") == 0) {
        asleep();
    } else if (strcmp(argv[1], "real") == 0) {
        real(argv[2]);
    } else {
        refused(argv[1]);
    }
    puts("scavenger done");
    return 0;
}
