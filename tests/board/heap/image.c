/* SPDX-License-Identifier: MIT */
/*
 * The heap on the board. First argument:
 *   stress [N]  threads allocate, fill, check, resize and free while the tick preempts them
 *   pipe N  two threads on two cores, each of which frees what the other allocates
 *   twice   frees a block twice: with the full tier the report names both places
 *   beyond  writes past a block's end and frees it (full tier)
 *   cost    instructions per malloc + free pair, and of the worst single call; needs -icount
 *           shift=0, under which a nanosecond is an instruction
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/channel.h>
#include <weft/heap.h>
#include <weft/thread.h>
#include <weft/time.h>

#include "../firmware.h"
#include "../random.h"

#define SLOTS 256
#define STEPS 4096

/* ---- stress ---- */

#define WORKERS 6

struct worker {
    struct weft_thread *thread;
    uint32_t state;
    uint32_t number;
};

struct held {
    uint8_t *block;
    size_t bytes;
    uint8_t fill;
};

static void held_free(struct held *held)
{
    for (size_t i = 0; i < held->bytes; i++)
        CHECK(held->block[i] == held->fill);
    free(held->block);
    held->block = NULL;
}

static uint8_t other_memory[2][512 << 10] __attribute__((aligned(4096)));

/* From the region of the first or the second other kind. */
static uint8_t *other_alloc(size_t bytes, uint32_t which)
{
    uint8_t *block = weft_heap_alloc(bytes, 0, which ? WEFT_MEMORY_FAST : WEFT_MEMORY_DMA);

    CHECK((size_t)(block - other_memory[which]) < sizeof other_memory[which]);
    return block;
}

static void held_alloc(struct held *held, struct worker *worker)
{
    size_t bytes = 1 + next_random(&worker->state) % (8u << next_random(&worker->state) % 11);
    uint32_t kind = next_random(&worker->state) % 8;

    held->block = kind < 2 ? other_alloc(bytes, kind) : malloc(bytes);
    CHECK(held->block != NULL);
    held->bytes = bytes;
    held->fill = (uint8_t)(next_random(&worker->state) | 1);
    memset(held->block, held->fill, bytes);
}

static void held_resize(struct held *held, struct worker *worker)
{
    size_t bytes = 1 + next_random(&worker->state) % 3000;
    uint8_t *block = realloc(held->block, bytes);

    CHECK(block != NULL);
    for (size_t i = 0; i < bytes && i < held->bytes; i++)
        CHECK(block[i] == held->fill);
    held->block = block;
    held->bytes = bytes;
    memset(block, held->fill, bytes);
}

static int worker_steps = 20000;

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    static struct held held[WORKERS][64];

    for (int i = 0; i < worker_steps; i++) {
        struct held *one = &held[worker->number][next_random(&worker->state) % 64];

        if (!one->block)
            held_alloc(one, worker);
        else if (next_random(&worker->state) % 4 == 0)
            held_resize(one, worker);
        else
            held_free(one);
    }
    for (int i = 0; i < 64; i++)
        if (held[worker->number][i].block)
            held_free(&held[worker->number][i]);
    return NULL;
}

/* Wakes at odd moments, takes the core away from a worker wherever it is, and uses its caches. */
static volatile bool disturbing;

static void *disturber_main(void *argument)
{
    uint32_t state = 77;
    uint32_t rounds = 0;
    void *block[8] = {NULL};

    (void)argument;
    /* Takes in one round and gives in another, so that it leaves the caches fuller or emptier. */
    while (disturbing || rounds % 2) {
        weft_thread_sleep_ns(20000 + next_random(&state) % 40000);
        for (int i = 0; i < 8; i++) {
            if (rounds % 2 == 0)
                CHECK((block[i] = malloc(8u << i)) != NULL);
            memset(block[i], 0xee, 8);
            if (rounds % 2)
                free(block[i]);
        }
        rounds++;
    }
    printf("disturbed %u times\n", (unsigned)rounds);
    return NULL;
}

/* The full tier's quarantine is emptied by a request that finds no memory. */
static void other_memory_is_free(void)
{
    CHECK(weft_heap_alloc(sizeof other_memory, 0, WEFT_MEMORY_DMA) == NULL);
    for (int kind = WEFT_MEMORY_DMA; kind <= WEFT_MEMORY_FAST; kind++) {
        struct weft_mstats stats;

        weft_heap_stats_of((enum weft_memory)kind, &stats);
        CHECK(stats.sys_pages && stats.idle_pages == stats.sys_pages - stats.meta_pages);
    }
}

static void stress(void)
{
    static struct worker worker[WORKERS];
    struct weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;
    struct weft_thread *disturber;
    size_t live = weft_heap_live_bytes();

    CHECK(weft_heap_add_region(other_memory[0], sizeof other_memory[0], WEFT_MEMORY_DMA) == 0);
    CHECK(weft_heap_add_region(other_memory[1], sizeof other_memory[1], WEFT_MEMORY_FAST) == 0);
    attr.priority = WEFT_PRIORITY_HIGHEST;
    disturbing = true;
    CHECK(weft_thread_spawn(&disturber, &attr, disturber_main, NULL) == 0);

    for (uint32_t i = 0; i < WORKERS; i++) {
        worker[i].state = 1000 + i;
        worker[i].number = i;
        CHECK(weft_thread_spawn(&worker[i].thread, NULL, worker_main, &worker[i]) == 0);
    }
    for (unsigned i = 0; i < WORKERS; i++)
        CHECK(weft_thread_join(worker[i].thread, NULL) == 0);
    disturbing = false;
    CHECK(weft_thread_join(disturber, NULL) == 0);
    CHECK(weft_heap_check() == 0);
    printf("live before %zu, after %zu\n", live, weft_heap_live_bytes());
    CHECK(weft_heap_live_bytes() <= live + 8192);
    other_memory_is_free();
    (void)weft_heap_scavenge();
    CHECK(weft_heap_check() == 0);
    weft_heap_trace();
    printf("heap stress done\n");
}

/* ---- pipe ---- */

struct parcel {
    uint32_t bytes, fill;
    uint8_t content[];
};

static struct weft_channel pipes[2];
static uint32_t parcels;

static void parcel_send(struct weft_channel *pipe, uint32_t *state)
{
    uint32_t bytes = next_random(state) % (8u << next_random(state) % 10);
    struct parcel *parcel = malloc(sizeof *parcel + bytes);

    CHECK(parcel != NULL);
    parcel->bytes = bytes;
    parcel->fill = next_random(state);
    memset(parcel->content, (int)parcel->fill, bytes);
    CHECK(weft_channel_send(pipe, &parcel) == 0);
}

static void parcel_receive(struct weft_channel *pipe)
{
    struct parcel *parcel;

    CHECK(weft_channel_receive(pipe, &parcel) == 0);
    for (uint32_t i = 0; i < parcel->bytes; i++)
        CHECK(parcel->content[i] == (uint8_t)parcel->fill);
    free(parcel);
}

static uint32_t piper_id[2];

static void *piper(void *argument)
{
    uintptr_t which = (uintptr_t)argument;
    uint32_t state = 5 + (uint32_t)which;

    piper_id[which] = weft_thread_id(weft_thread_self());

    for (uint32_t sent = 0; sent < parcels; sent += 8) {
        for (unsigned i = 0; i < 8; i++)
            parcel_send(&pipes[which], &state);
        for (unsigned i = 0; i < 8; i++)
            parcel_receive(&pipes[1 - which]);
    }
    return NULL;
}

/* Each allocated its parcels, and the other freed them. */
static void piper_account(uint32_t thread_id)
{
    struct weft_heap_account account;

    if (weft_heap_account_read(thread_id, &account) == WEFT_ENOTSUP)
        return;
    CHECK(account.thread_id == thread_id && account.allocated_blocks == parcels);
    CHECK(account.allocated_bytes >= parcels * sizeof(struct parcel));
    CHECK(account.freed_blocks == parcels && account.freed_bytes == account.allocated_bytes);
}

static void pipe_both(void)
{
    static struct parcel *storage[2][16];
    struct weft_thread *thread[2];
    size_t live = weft_heap_live_bytes();

    for (unsigned i = 0; i < 2; i++)
        CHECK(weft_channel_init(&pipes[i], storage[i], sizeof storage[i][0], 16) == 0);
    for (uintptr_t i = 0; i < 2; i++) {
        const struct weft_thread_attr attr = {.priority = 16,
                                              .cores = weft_core_count() > 1 ? 1u << i : 0};

        CHECK(weft_thread_spawn(&thread[i], &attr, piper, (void *)i) == 0);
    }
    for (unsigned i = 0; i < 2; i++)
        CHECK(weft_thread_join(thread[i], NULL) == 0);
    CHECK(weft_heap_check() == 0);
    CHECK(weft_heap_live_bytes() <= live + 8192);
    for (unsigned i = 0; i < 2; i++)
        piper_account(piper_id[i]);
    weft_heap_accounts_print();
    printf("%u parcels each way on %u cores\n", (unsigned)parcels, weft_core_count());
}

/* ---- cost ---- */

static void *slot[SLOTS];
static uint16_t bytes_of[STEPS];
static uint8_t slot_of[STEPS];

static void steps_make(size_t least, size_t most)
{
    uint32_t state = 12345;

    for (unsigned i = 0; i < STEPS; i++) {
        bytes_of[i] = (uint16_t)(least + next_random(&state) % (most - least + 1));
        slot_of[i] = (uint8_t)(next_random(&state) % SLOTS);
    }
}

static void slots_fill(void)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        free(slot[i]);
        slot[i] = malloc(bytes_of[i]);
        CHECK(slot[i] != NULL);
    }
}

/* What the loops cost without the heap. */
static __attribute__((noinline)) void *nothing_alloc(size_t bytes)
{
    static uint8_t place[8];

    __asm__ volatile("" : : "r"(bytes));
    return place;
}

static __attribute__((noinline)) void nothing_free(void *block)
{
    __asm__ volatile("" : : "r"(block));
}

static __attribute__((noinline)) uint64_t hot_ns(void *(*alloc)(size_t), void (*release)(void *))
{
    uint64_t start = weft_time_ns();

    for (unsigned i = 0; i < STEPS; i++)
        release(alloc(32));
    return weft_time_ns() - start;
}

static __attribute__((noinline)) uint64_t churn_ns(void *(*alloc)(size_t), void (*release)(void *))
{
    uint64_t start = weft_time_ns();

    for (unsigned i = 0; i < STEPS; i++) {
        release(slot[slot_of[i]]);
        slot[slot_of[i]] = alloc(bytes_of[i]);
    }
    return weft_time_ns() - start;
}

static unsigned per_pair(uint64_t whole, uint64_t empty)
{
    /* The empty functions are a call and two instructions each. */
    return (unsigned)((whole - empty + STEPS / 2) / STEPS) + 4;
}

static void churn_report(const char *name, size_t least, size_t most)
{
    uint64_t empty, whole;
    static void *saved[SLOTS];

    steps_make(least, most);
    slots_fill();
    churn_ns(malloc, free);
    memcpy(saved, slot, sizeof(slot));
    empty = churn_ns(nothing_alloc, nothing_free);
    memcpy(slot, saved, sizeof(slot));
    whole = churn_ns(malloc, free);
    printf("heap: %s: %u instructions per pair\n", name, per_pair(whole, empty));
}

/* Keeps ticks out of a single call's measurement. */
static uint32_t ticks_off(void)
{
    uint32_t state = 0;

#ifdef __mips__
    __asm__ volatile("di %0\n\tehb" : "=r"(state) : : "memory");
#endif
    return state;
}

static void ticks_back(uint32_t state)
{
#ifdef __mips__
    __asm__ volatile("mtc0 %0, $12\n\tehb" : : "r"(state) : "memory");
#endif
    (void)state;
}

static void worst_report(const char *name)
{
    uint32_t state;
    uint64_t worst_alloc = 0, worst_free = 0, overhead = UINT64_MAX, start, took;

    for (unsigned i = 0; i < 100; i++) {
        start = weft_time_ns();
        took = weft_time_ns() - start;
        overhead = took < overhead ? took : overhead;
    }
    weft_preempt_disable();
    for (unsigned i = 0; i < STEPS; i++) {
        state = ticks_off();
        start = weft_time_ns();
        free(slot[slot_of[i]]);
        took = weft_time_ns() - start;
        ticks_back(state);
        worst_free = took > worst_free ? took : worst_free;
        state = ticks_off();
        start = weft_time_ns();
        slot[slot_of[i]] = malloc(bytes_of[i]);
        took = weft_time_ns() - start;
        ticks_back(state);
        worst_alloc = took > worst_alloc ? took : worst_alloc;
    }
    weft_preempt_enable();
    printf("heap: %s, worst call: malloc %u, free %u\n", name, (unsigned)(worst_alloc - overhead),
           (unsigned)(worst_free - overhead));
}

static void cost(void)
{
    uint64_t empty, whole;

    hot_ns(malloc, free);
    empty = hot_ns(nothing_alloc, nothing_free);
    whole = hot_ns(malloc, free);
    printf("heap: hot pair: %u instructions\n", per_pair(whole, empty));
    churn_report("mean of 8 to 256 bytes", 8, 256);
    worst_report("8 to 256 bytes");
    churn_report("mean of 8 bytes to 8 KiB", 8, 8192);
    worst_report("8 bytes to 8 KiB");
    CHECK(weft_heap_check() == 0);
}

static __attribute__((noinline)) void *allocates(void)
{
    void *block = malloc(100);

    __asm__ volatile("" : "+r"(block)); /* no tail call: this function is in the report */
    return block;
}

static __attribute__((noinline)) void frees(void *block)
{
    free(block);
    __asm__ volatile("");
}

static void beyond(void)
{
    volatile uint8_t *block = allocates();
    volatile size_t bytes = 100;

    block[bytes] = 1;
    frees((void *)block);
}

static void twice(void)
{
    void *block = allocates();

    __asm__ volatile("" : "+r"(block));
    frees(block);
    __asm__ volatile("" : "+r"(block));
    frees(block);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "twice") == 0)
        twice();
    else if (argc > 2 && strcmp(argv[1], "pipe") == 0) {
        parcels = (uint32_t)atoi(argv[2]);
        pipe_both();
    } else if (argc > 1 && strcmp(argv[1], "beyond") == 0)
        beyond();
    else if (argc > 1 && strcmp(argv[1], "cost") == 0)
        cost();
    else {
        worker_steps = argc > 2 ? atoi(argv[2]) : worker_steps;
        stress();
    }
    return 0;
}
