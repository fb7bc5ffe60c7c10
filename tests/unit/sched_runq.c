/* SPDX-License-Identifier: MIT */
/* The run queue against a naive model: who is best, and first come first served among equals. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "sched/runq.h"

#define THREADS 40
#define CORE (WEFT_CONFIG_CORES - 1) /* whose queue it is */

struct core cores[WEFT_CONFIG_CORES];

struct core *fake_core_pointer(void)
{
    return &cores[0];
}

static struct weft_thread threads[THREADS];
static struct run_queue queue;
static long order[THREADS]; /* 0: not queued; otherwise its place among all pushes */
static long newest, oldest;

/* The model's answer: highest priority, then lowest place. */
static int model_best(void)
{
    int best = -1;

    for (int i = 0; i < THREADS; i++)
        if (order[i] != 0 &&
            (best < 0 || threads[i].priority > threads[best].priority ||
             (threads[i].priority == threads[best].priority && order[i] < order[best])))
            best = i;
    return best;
}

/* `movable` may say too much, of a priority of which somebody is there, and never too little. */
static void check_bitmaps(void)
{
    uint32_t bitmap = 0, movable = 0;

    for (int i = 0; i < THREADS; i++) {
        if (order[i] == 0)
            continue;
        bitmap |= 1u << threads[i].priority;
        if (WEFT_CONFIG_CORES > 1 && threads[i].affinity != 1u << CORE)
            movable |= 1u << threads[i].priority;
    }
    cr_assert_eq(queue.bitmap, bitmap);
    cr_assert_eq(movable & ~queue.movable, 0);
    cr_assert_eq(queue.movable & ~bitmap, 0);
}

static void push(int i)
{
    thread_priority_set(&threads[i], (uint8_t)(rand() % RUNQ_PRIORITIES));
    threads[i].affinity = rand() % 4 == 0 ? 3u : 1u << CORE;
    if (rand() % 4 == 0) {
        runq_push_front(&queue, &threads[i]);
        order[i] = --oldest;
    } else {
        runq_push_back(&queue, &threads[i]);
        order[i] = ++newest;
    }
}

/* Somebody as good as the best takes his place and waits behind his equals. */
static bool rotate(int i, int best)
{
    if (best < 0 || order[i] != 0)
        return false;
    thread_priority_set(&threads[i], threads[best].priority);
    threads[i].affinity = rand() % 4 == 0 ? 3u : 1u << CORE;
    cr_assert_eq(runq_rotate(&queue, &threads[i]), &threads[best]);
    runq_note_movable(&queue, &threads[i]);
    order[i] = ++newest;
    order[best] = 0;
    return true;
}

static void step(void)
{
    int i = rand() % THREADS, best = model_best();
    struct weft_thread *popped;

    if (rand() % 3 == 0) {
        popped = runq_pop(&queue);
        cr_assert_eq(popped, best < 0 ? NULL : &threads[best]);
        if (best >= 0)
            order[best] = 0;
    } else if (rand() % 8 == 0 && rotate(i, best)) {
        return;
    } else if (order[i] == 0) {
        push(i);
    } else if (rand() % 3 == 0) {
        runq_remove(&queue, &threads[i]);
        order[i] = 0;
    }
}

Test(runq, equals_a_naive_model_over_a_million_operations)
{
    srand(1);
    newest = 2000000;
    oldest = 2000000;
    runq_init(&queue, CORE);
    for (long n = 0; n < 1000000; n++) {
        step();
        if (n % 16 == 0)
            check_bitmaps();
    }
}

Test(runq, has_at_least_counts_equals)
{
    runq_init(&queue, CORE);
    cr_assert_not(runq_at_least(queue.bitmap, 0));
    thread_priority_set(&threads[0], 7);
    runq_push_back(&queue, &threads[0]);
    cr_assert(runq_at_least(queue.bitmap, 7));
    cr_assert_not(runq_at_least(queue.bitmap, 8));
    cr_assert_eq(runq_pop(&queue), &threads[0]);
    cr_assert_null(runq_pop(&queue));
}
