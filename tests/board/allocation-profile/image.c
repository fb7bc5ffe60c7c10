/* SPDX-License-Identifier: MIT */
/*
 * Allocations by place, beside the program's own books: each mode prints what every place really
 * did ("oracle: PLACE allocs alloc_bytes inuse inuse_bytes"), and sends the profile.
 */
#include <malloc.h>
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

enum place { SMALL, LARGE, CLEARED, GROWN, ALIGNED, COLLECTED, IN_HANDLER, PLACES };

struct books {
    uint64_t allocs, alloc_bytes, frees, free_bytes;
};

static const char *const place_names[PLACES] = {"take_small",     "take_large",   "take_cleared",
                                                "take_grown",     "take_aligned", "take_collected",
                                                "take_in_handler"};

static struct books books[PLACES];
static volatile uint32_t sink;

static void add(struct books *to, size_t bytes)
{
    to->allocs++;
    to->alloc_bytes += bytes;
}

static void take_off(struct books *from, size_t bytes)
{
    from->frees++;
    from->free_bytes += bytes;
}

/* ---- the places ---- */

static __attribute__((noinline)) void *take_small(size_t bytes)
{
    void *block = malloc(bytes);

    sink++; /* no tail call */
    return block;
}

static __attribute__((noinline)) void *take_large(size_t bytes)
{
    void *block = malloc(bytes);

    sink += 2;
    return block;
}

static __attribute__((noinline)) void *take_cleared(size_t count, size_t bytes)
{
    void *block = calloc(count, bytes);

    sink += 3;
    return block;
}

static __attribute__((noinline)) void *take_grown(void *block, size_t bytes)
{
    void *other = realloc(block, bytes);

    sink += 4;
    return other;
}

static __attribute__((noinline)) void *take_aligned(size_t bytes)
{
    void *block = memalign(256, bytes);

    sink += 5;
    return block;
}

static __attribute__((noinline)) void *take_collected(size_t bytes)
{
    void *block = weft_gc_alloc(bytes, 0);

    sink += 6;
    return block;
}

static __attribute__((noinline)) void *take_in_handler(size_t bytes)
{
    void *block = malloc(bytes);

    sink += 7;
    return block;
}

static void print_books(void)
{
    for (unsigned i = 0; i < PLACES; i++)
        if (books[i].allocs != 0)
            printf("oracle: %s %llu %llu %llu %llu\n", place_names[i],
                   (unsigned long long)books[i].allocs, (unsigned long long)books[i].alloc_bytes,
                   (unsigned long long)(books[i].allocs - books[i].frees),
                   (unsigned long long)(books[i].alloc_bytes - books[i].free_bytes));
    fflush(stdout);
}

static void start(size_t sample_bytes, size_t blocks)
{
    const struct weft_heap_profile_options options = {sample_bytes, blocks};

    CHECK(weft_heap_profile_start(&options) == 0);
    CHECK(weft_heap_profile_start(&options) == WEFT_ESTATE);
}

static void finish(void)
{
    struct weft_heap_profile_totals totals;

    CHECK(weft_heap_profile_stop() == 0);
    CHECK(weft_heap_profile_stop() == WEFT_ESTATE);
    weft_heap_profile_totals(&totals);
    CHECK(totals.unfollowed == 0 && totals.other == 0);
    print_books();
    weft_heap_profile_send();
}

/* ---- every allocation, by one thread and by a handler ---- */

static void *handed[4];

static void in_handler(struct weft_timer *timer, void *argument)
{
    (void)timer, (void)argument;
    for (unsigned i = 0; i < 4; i++)
        if (handed[i] == NULL && (handed[i] = take_in_handler(40)) != NULL)
            add(&books[IN_HANDLER], 40);
}

static void handler(void)
{
    struct weft_timer timer;

    for (unsigned i = 0; i < 8; i++) { /* something in the cache: a handler gets nothing else */
        void *block = malloc(40);

        free(block);
    }
    CHECK(weft_timer_init(&timer, in_handler, NULL) == 0);
    CHECK(weft_timer_start(&timer, weft_time_ns() + 1000000, 0) == 0);
    CHECK(weft_timer_wait(&timer) == 1);
    (void)weft_timer_cancel(&timer);
    CHECK(books[IN_HANDLER].allocs > 0);
    if (handed[0] != NULL) {
        free(handed[0]);
        take_off(&books[IN_HANDLER], 40);
    }
}

static uint64_t totals_allocs(void)
{
    struct weft_heap_profile_totals totals;

    weft_heap_profile_totals(&totals);
    return totals.allocs;
}

static void exact(void)
{
    static void *blocks[300];
    void *before = malloc(123), *grown = NULL;
    size_t grown_bytes = 0;
    uint64_t shown;

    start(1, 4096);
    for (unsigned i = 0; i < 300; i++) {
        blocks[i] = take_small(i);
        CHECK(blocks[i] != NULL);
        add(&books[SMALL], i);
    }
    shown = totals_allocs();
    weft_heap_profile_publish();
    CHECK(totals_allocs() >= shown + 300);
    free(before); /* was there before: in nobody's books */
    for (unsigned i = 0; i < 300; i += 3) {
        free(blocks[i]);
        take_off(&books[SMALL], i);
    }
    for (size_t bytes = 5000; bytes < 60000; bytes += 5000) {
        void *block = take_large(bytes);

        CHECK(block != NULL);
        add(&books[LARGE], bytes);
        if (bytes % 10000 == 0) {
            free(block);
            take_off(&books[LARGE], bytes);
        }
    }
    for (size_t bytes = 10; bytes < 20000; bytes += bytes / 3) { /* in place, and elsewhere */
        void *other = take_grown(grown, bytes);

        CHECK(other != NULL);
        if (grown != NULL)
            take_off(&books[GROWN], grown_bytes);
        grown = other;
        grown_bytes = bytes;
        add(&books[GROWN], bytes);
    }
    CHECK(take_cleared(7, 9) != NULL);
    add(&books[CLEARED], 63);
    CHECK(take_aligned(77) != NULL);
    add(&books[ALIGNED], 77);
    handler();
    shown = totals_allocs();
    (void)weft_heap_scavenge(); /* a round publishes, as long as nothing is collected */
    CHECK(totals_allocs() > shown);
    weft_heap_profile_print();
    finish();
}

/* ---- churn, against an oracle ---- */

struct message {
    void *block;
    uint32_t place;
    uint32_t bytes;
};

#define CHURN_MESSAGES 3000

static struct weft_queue queue[2];

static struct churn {
    unsigned number;
    struct books books[2];
} churns[2];

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 16;
}

/* Sends blocks to the other core, and frees what comes from there. */
static void *churn_thread(void *argument)
{
    struct churn *churn = argument;
    uint32_t random = 99 + churn->number;

    for (unsigned i = 0; i < CHURN_MESSAGES; i++) {
        struct message message = {.place = random_next(&random) % 2};

        message.bytes = 1 + random_next(&random) % (message.place == SMALL ? 200 : 3000);
        message.block =
            message.place == SMALL ? take_small(message.bytes) : take_large(message.bytes);
        CHECK(message.block != NULL);
        add(&churn->books[message.place], message.bytes);
        CHECK(weft_queue_send(&queue[churn->number], &message) == 0);
        CHECK(weft_queue_receive(&queue[!churn->number], &message) == 0);
        if (i % 5 == 0)
            continue; /* stays in use */
        free(message.block);
        take_off(&churn->books[message.place], message.bytes);
        if (i % 100 == 0)
            weft_heap_profile_publish();
    }
    return NULL;
}

static void race(void)
{
    static struct message storage[2][16];
    struct weft_thread *threads[2];

    start(1, 4096);
    for (unsigned i = 0; i < 2; i++)
        CHECK(weft_queue_init(&queue[i], storage[i], sizeof storage[i][0], 16) == 0);
    for (unsigned i = 0; i < 2; i++) {
        const struct weft_thread_attr attr = {.priority = 20, .cores = 1u << i};

        churns[i].number = i;
        CHECK(weft_thread_spawn(&threads[i], &attr, churn_thread, &churns[i]) == 0);
    }
    for (unsigned i = 0; i < 2; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    for (unsigned i = 0; i < 4; i++) {
        const struct books *from = &churns[i / 2].books[i % 2];

        books[i % 2].allocs += from->allocs;
        books[i % 2].alloc_bytes += from->alloc_bytes;
        books[i % 2].frees += from->frees;
        books[i % 2].free_bytes += from->free_bytes;
    }
    finish();
}

/* 1,000 threads, all alive together, that allocate and free in turns. */
#define THREADS 1000

static struct weft_barrier everybody;
static struct weft_mutex books_mutex;

static void *one_of_many(void *argument)
{
    uint32_t random = (uint32_t)(uintptr_t)argument;
    struct books mine = {0};
    void *kept = NULL;

    (void)!weft_barrier_wait(&everybody);
    for (unsigned i = 0; i < 4; i++) {
        size_t bytes = random_next(&random) % 300;
        void *block = take_small(bytes);

        CHECK(block != NULL);
        add(&mine, bytes);
        weft_thread_yield();
        if (kept == NULL) {
            kept = block;
        } else {
            free(block);
            take_off(&mine, bytes);
        }
    }
    CHECK(weft_mutex_lock(&books_mutex) == 0);
    books[SMALL].allocs += mine.allocs;
    books[SMALL].alloc_bytes += mine.alloc_bytes;
    books[SMALL].frees += mine.frees;
    books[SMALL].free_bytes += mine.free_bytes;
    CHECK(weft_mutex_unlock(&books_mutex) == 0);
    return NULL;
}

static void threads(void)
{
    static struct weft_thread *made[THREADS];

    CHECK(weft_barrier_init(&everybody, THREADS) == 0);
    CHECK(weft_mutex_init(&books_mutex, WEFT_MUTEX_NORMAL) == 0);
    start(1, 8192);
    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(weft_thread_spawn(&made[i], NULL, one_of_many, (void *)i) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(weft_thread_join(made[i], NULL) == 0);
    finish();
}

/* ---- a sample ---- */

/* In expectation the truth: 3,000 KiB in 96,000 blocks, and 3,000 KiB in 500. */
static void sampled(void)
{
    start(16384, 4096);
    for (unsigned i = 0; i < 96000; i++) {
        free(take_small(32));
        add(&books[SMALL], 32);
        take_off(&books[SMALL], 32);
        if (i % 192 == 0) {
            free(take_large(6144));
            add(&books[LARGE], 6144);
            take_off(&books[LARGE], 6144);
        }
    }
    finish();
}

/* ---- with the collector ---- */

#define KEPT 100
#define DROPPED 900

static void *volatile kept_blocks[KEPT];

static __attribute__((noinline)) void make_garbage(void)
{
    for (unsigned i = 0; i < DROPPED; i++)
        CHECK(take_collected(48) != NULL);
}

/* Overwrites what the last calls have left on the stack. */
static __attribute__((noinline)) void wipe_stack(void)
{
    volatile char bytes[1024];

    memset((void *)bytes, 0, sizeof bytes);
}

static void shown_in_use(uint64_t *allocs, uint64_t *in_use)
{
    struct weft_heap_profile_totals totals;

    weft_heap_profile_totals(&totals);
    *allocs = totals.allocs;
    *in_use = totals.allocs - totals.frees;
}

/* What the first collection finds alive is shown when the second has ended: no garbage, and nothing
 * of what came after. */
static void collect(void)
{
    uint64_t allocs, in_use;

    (void)weft_gc_set_growth(0);
    start(1, 8192);
    for (unsigned i = 0; i < KEPT; i++) {
        kept_blocks[i] = take_collected(48);
        CHECK(kept_blocks[i] != NULL);
    }
    make_garbage();
    wipe_stack();
    weft_gc();
    shown_in_use(&allocs, &in_use);
    CHECK(allocs == 0); /* not comparable yet */
    make_garbage();
    wipe_stack();
    weft_gc();
    shown_in_use(&allocs, &in_use);
    printf("collect: %u %u\n", (unsigned)allocs, (unsigned)in_use);
    CHECK(allocs >= KEPT + DROPPED && allocs < KEPT + DROPPED + 20); /* and the mark stack */
    CHECK(in_use >= KEPT && in_use < KEPT + 40);
    weft_gc();
    shown_in_use(&allocs, &in_use);
    CHECK(allocs >= KEPT + 2 * DROPPED && in_use < KEPT + 60);
    CHECK(weft_heap_profile_stop() == 0);
    weft_heap_profile_send();
}

/* ---- core 0 samples core 1 through a million allocations ---- */

#define MILLION 1000000
#define PROFILED 50000 /* of these */

static volatile uint32_t allocations;
static volatile bool over;

static __attribute__((noinline)) void *a_million(void *argument)
{
    for (allocations = 0; allocations < MILLION; allocations++) {
        void *block;

        if (allocations == MILLION - PROFILED)
            start(4096, 1024);
        block = take_small(allocations & 255);
        CHECK(block != NULL);
        free(block);
    }
    over = true;
    return argument;
}

static void million(void)
{
    const struct weft_profile_options options = {
        .rate_hz = 1000, .remote = true, .log = WEFT_PROFILE_LOG_NEWEST};
    const struct weft_thread_attr there = {.name = "allocates", .priority = 20, .cores = 2};
    struct weft_heap_profile_totals totals;
    struct weft_thread *thread;

    CHECK(weft_profile_start_with(&options) == 0);
    CHECK(weft_thread_spawn(&thread, &there, a_million, NULL) == 0);
    while (!over)
        sink++;
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(weft_profile_stop() == 0);
    CHECK(weft_heap_profile_stop() == 0);
    weft_heap_profile_totals(&totals);
    CHECK(allocations == MILLION && totals.allocs == totals.frees);
    CHECK(totals.allocs > PROFILED / 2 && totals.allocs < PROFILED * 2);
    CHECK(weft_profile_send() == 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } modes[] = {{"exact", exact},     {"race", race},       {"threads", threads},
                 {"sampled", sampled}, {"collect", collect}, {"million", million}};

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (argc == 2 && strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run();
            printf("allocation-profile: %s done\n", modes[i].name);
            return 0;
        }
    return 64;
}
