/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <weft/barrier.h>
#include <weft/heap.h>
#include <weft/thread.h>

#include "../firmware.h"
#include "image.h"

#define THREADS 8
#define ROUNDS 300
#define LINES 60

static struct weft_barrier start = WEFT_BARRIER_INITIALIZER(start, THREADS);

static void run_all(void *(*entry)(void *))
{
    struct weft_thread *threads[THREADS];

    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(weft_thread_spawn(&threads[i], NULL, entry, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
}

/* What rand() gives for this seed, by a thread that is alone. */
static int expected[THREADS][16];

static void *rand_alone(void *argument)
{
    int seed = (int)(intptr_t)argument;

    srand((unsigned)seed);
    for (int i = 0; i < 16; i++)
        expected[seed][i] = rand();
    return NULL;
}

/* Each of these is changed, others get the core, and it must be as it was. */
static void *keep_own(void *argument)
{
    int self = (int)(intptr_t)argument;
    char words[] = "one two three four", own[16], *word;

    (void)!weft_barrier_wait(&start);
    for (int round = 0; round < ROUNDS; round++) {
        char text[sizeof words];

        memcpy(text, words, sizeof words);
        srand((unsigned)self);
        errno = 1000 + self;
        word = strtok(text, " ");
        for (int i = 0; i < 16; i++) {
            CHECK(rand() == expected[self][i]);
            if (i % 5 == 0)
                weft_thread_yield();
            CHECK(errno == 1000 + self);
            if (word != NULL)
                word = strtok(NULL, " ");
        }
        CHECK(word == NULL);
        snprintf(own, sizeof own, "%d", self);
        CHECK(atoi(own) == self);
    }
    return NULL;
}

void threads_have_their_own(void)
{
    struct weft_thread *thread;

    for (intptr_t i = 0; i < THREADS; i++) {
        CHECK(weft_thread_spawn(&thread, NULL, rand_alone, (void *)i) == 0);
        CHECK(weft_thread_join(thread, NULL) == 0);
    }
    for (int i = 1; i < THREADS; i++)
        CHECK(memcmp(expected[i], expected[0], sizeof expected[0]) != 0);
    run_all(keep_own);
}

/* In pieces, so that only stdio can keep them together. */
static void *print_lines(void *argument)
{
    int self = (int)(intptr_t)argument;

    (void)!weft_barrier_wait(&start);
    for (int i = 0; i < LINES; i++) {
        printf("thread %d ", self);
        weft_thread_yield();
        printf("line %d ", i);
        for (int j = 0; j < 5; j++)
            putchar('a' + self);
        printf(" %s %d\n", "end", LINES - i);
    }
    return NULL;
}

void threads_print_lines(void)
{
    run_all(print_lines);
}

static void *use_streams(void *argument)
{
    printf("said by thread %d, without an end", (int)(intptr_t)argument);
    CHECK(fprintf(stderr, "%d\n", (int)(intptr_t)argument) > 0);
    CHECK(strtok((char[]){"a b"}, " ") != NULL && rand() >= 0);
    printf(": ended\n");
    printf("thread %d's last words\n", (int)(intptr_t)argument);
    printf("not flushed by thread %d;", (int)(intptr_t)argument);
    return NULL;
}

void threads_leave_nothing(void)
{
    size_t before, after;

    printf("main's own stream\n"); /* what newlib keeps for ever is there after these */
    run_all(use_streams);
    before = weft_heap_live_bytes();
    for (int i = 0; i < 20; i++)
        run_all(use_streams);
    after = weft_heap_live_bytes();
    printf("leak: %d bytes\n", (int)(after - before));
}
