/* SPDX-License-Identifier: MIT */
/*
 * Everything that threads share, from several cores at once: a mutex's counter, a 64-bit atomic, a
 * queue of messages that are allocated by one thread and freed by another, floating point in
 * threads that are moved, short sleeps, threads that come and go. Every result is known beforehand.
 */
#include <string.h>
#include <weft/atomic.h>
#include <weft/weft.h>

#include "../firmware.h"

#define ROUNDS 3000
#define SPAWNS 400
#define SLEEPS 60
#define PAIRS 2
#define CORES_MAX 32
#define BACKS 20
#define LONGEST_US 70

static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);
static volatile unsigned locked_count;
static uint64_t atomic_count;
static volatile unsigned rounds_on_core[CORES_MAX];
static struct weft_queue queue;

static void note_core(void)
{
    weft_preempt_disable();
    rounds_on_core[weft_core_self()]++;
    weft_preempt_enable();
}

static void *locker(void *argument)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        weft_mutex_lock(&mutex);
        locked_count++;
        weft_mutex_unlock(&mutex);
        (void)weft_atomic64_fetch_add(&atomic_count, 0x100000001u);
        note_core();
    }
    return argument;
}

struct message {
    unsigned number;
    size_t bytes;
    unsigned char *body;
};

static void *producer(void *argument)
{
    for (unsigned i = 1; i <= ROUNDS; i++) {
        struct message message = {i, 8 + i % 300, malloc(8 + i % 300)};

        CHECK(message.body != NULL);
        memset(message.body, (int)(i & 0xff), message.bytes);
        CHECK(weft_queue_send(&queue, &message) == 0);
    }
    return argument;
}

static void *consumer(void *argument)
{
    uint64_t *sum = argument;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct message message;

        CHECK(weft_queue_receive(&queue, &message) == 0);
        for (size_t b = 0; b < message.bytes; b++)
            CHECK(message.body[b] == (message.number & 0xff));
        free(message.body);
        *sum += message.number;
        note_core();
    }
    return argument;
}

/* Sums that doubles hold exactly. */
static void *calculator(void *argument)
{
    double step = (double)(uintptr_t)argument, sum = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned j = 0; j < 50; j++)
            sum += step;
        weft_thread_yield();
    }
    CHECK(sum == step * 50 * ROUNDS);
    return argument;
}

static void *ending(void *argument)
{
    note_core();
    return argument;
}

static void *spawner(void *argument)
{
    for (uintptr_t i = 1; i <= SPAWNS; i++) {
        const struct weft_thread_attr attr = {.priority = (int)(i % 31)};
        struct weft_thread *thread;
        void *result;

        CHECK(weft_thread_spawn(&thread, &attr, ending, (void *)i) == 0);
        CHECK(weft_thread_join(thread, &result) == 0);
        CHECK(result == (void *)i);
    }
    return argument;
}

static void *sleeper(void *argument)
{
    for (unsigned i = 0; i < SLEEPS; i++) {
        uint64_t wake = weft_time_ns() + 200000;

        weft_thread_sleep_until_ns(wake);
        CHECK(weft_time_ns() >= wake);
    }
    return argument;
}

/* One that may run on one core only; its priority is everybody's, so it gets its turn. */
static void *settled(void *argument)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        weft_preempt_disable();
        CHECK(weft_core_self() == (uintptr_t)argument);
        weft_preempt_enable();
        note_core();
        weft_thread_yield();
    }
    return argument;
}

#define THREADS (2 + 2 * PAIRS + 3 + 2 + CORES_MAX)

static struct weft_thread *threads[THREADS];
static unsigned thread_count;

static void spawn_on(uint32_t cores, void *(*entry)(void *), void *argument, int priority)
{
    const struct weft_thread_attr attr = {.priority = priority, .cores = cores};

    CHECK(weft_thread_spawn(&threads[thread_count++], &attr, entry, argument) == 0);
}

static void spawn(void *(*entry)(void *), void *argument, int priority)
{
    spawn_on(0, entry, argument, priority);
}

/* ---- there and back ---- */

static struct weft_semaphore there = WEFT_SEMAPHORE_INITIALIZER(there, 0);
static struct weft_semaphore back = WEFT_SEMAPHORE_INITIALIZER(back, 0);

static void *answerer(void *argument)
{
    for (unsigned i = 0; i < BACKS * (LONGEST_US + 1); i++) {
        CHECK(weft_semaphore_wait(&there) == 0);
        CHECK(weft_semaphore_post(&back) == 0);
    }
    return argument;
}

static void work_ns(uint64_t ns)
{
    uint64_t start = weft_time_ns();

    while (weft_time_ns() - start < ns)
        ;
}

/* The other core has been idle for 0, 1, ... LONGEST_US microseconds each time: around the end of
 * its staying awake, where there is one (sched/idle.c). */
static void there_and_back(void)
{
    spawn_on(2, answerer, NULL, 16);
    CHECK(weft_thread_set_cores(weft_thread_self(), 1) == 0);
    for (unsigned us = 0; us <= LONGEST_US; us++) {
        for (unsigned i = 0; i < BACKS; i++) {
            work_ns(1000 * us);
            CHECK(weft_semaphore_post(&there) == 0);
            CHECK(weft_semaphore_wait_until(&back, weft_time_ns() + 20000000000u) == 0);
        }
    }
    CHECK(weft_thread_join(threads[0], NULL) == 0);
    puts("there and back");
}

int main(int argc, char **argv)
{
    static struct message storage[8];
    static uint64_t sums[PAIRS];
    unsigned used = 0;
    uint64_t sum = 0;

    if (argc == 2 && strcmp(argv[1], "back") == 0) {
        there_and_back();
        return 0;
    }
    CHECK(weft_queue_init(&queue, storage, sizeof storage[0], 8) == 0);
    spawn(locker, NULL, 16);
    spawn(locker, NULL, 17);
    for (unsigned i = 0; i < PAIRS; i++) {
        spawn(producer, NULL, 16);
        spawn(consumer, &sums[i], 15 + (int)(2 * i));
    }
    for (uintptr_t i = 1; i <= 3; i++)
        spawn(calculator, (void *)i, 16);
    spawn(spawner, NULL, 20);
    spawn(sleeper, NULL, 25);
    for (unsigned i = 0; i < weft_core_count(); i++)
        spawn_on(1u << i, settled, (void *)(uintptr_t)i, 16);
    for (unsigned i = 0; i < thread_count; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);

    for (unsigned i = 0; i < PAIRS; i++)
        sum += sums[i];
    for (unsigned i = 0; i < CORES_MAX; i++)
        used += rounds_on_core[i] != 0;
    printf("locked %u, atomic %llx, sum %llu, cores %u of %u\n", locked_count,
           (unsigned long long)atomic_count, (unsigned long long)sum, used, weft_core_count());
    CHECK(locked_count == 2 * ROUNDS);
    CHECK(atomic_count == 2 * ROUNDS * 0x100000001u);
    CHECK(sum == (uint64_t)PAIRS * ROUNDS * (ROUNDS + 1) / 2);
    CHECK(used == weft_core_count());
    CHECK(weft_heap_check() == 0);
    puts("all shared");
    return 0;
}
