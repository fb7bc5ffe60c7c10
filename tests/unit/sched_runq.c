/* SPDX-License-Identifier: MIT */
/* The run queue against a naive model: who is best, and first come first served among equals. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "sched/runq.h"

#define THREADS 40

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

static void check_bitmap(void)
{
    uint32_t bitmap = 0;

    for (int i = 0; i < THREADS; i++)
        if (order[i] != 0)
            bitmap |= 1u << threads[i].priority;
    cr_assert_eq(queue.bitmap, bitmap);
}

static void push(int i)
{
    threads[i].priority = (uint8_t)(rand() % RUNQ_PRIORITIES);
    if (rand() % 4 == 0) {
        runq_push_front(&queue, &threads[i]);
        order[i] = --oldest;
    } else {
        runq_push_back(&queue, &threads[i]);
        order[i] = ++newest;
    }
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
    runq_init(&queue);
    for (long n = 0; n < 1000000; n++) {
        step();
        if (n % 16 == 0)
            check_bitmap();
    }
}

Test(runq, has_at_least_counts_equals)
{
    runq_init(&queue);
    cr_assert_not(runq_has_at_least(&queue, 0));
    threads[0].priority = 7;
    runq_push_back(&queue, &threads[0]);
    cr_assert(runq_has_at_least(&queue, 7));
    cr_assert_not(runq_has_at_least(&queue, 8));
    cr_assert_eq(runq_pop(&queue), &threads[0]);
    cr_assert_null(runq_pop(&queue));
}
