/* SPDX-License-Identifier: MIT */
/*
 * The sieve of Eratosthenes as a row of threads with channels between them (C. A. R. Hoare,
 * "Communicating Sequential Processes", 1978, after D. McIlroy). The first thread counts; each of
 * the others holds a prime and lets pass what it does not divide. The counter selects: it sends its
 * number, or it is told to stop, whichever can be done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <weft/weft.h>

#define PRIMES 20

/* A thread of the row: takes from `in` (the counter: nothing), gives to `out`. */
struct stage {
    struct weft_channel out; /* unbuffered */
    struct weft_channel *in;
    unsigned prime;
    struct weft_thread *thread;
};

static struct stage counter, filters[PRIMES];
static struct weft_channel stop;

static void *counter_main(void *argument)
{
    unsigned number = 2, unused;
    struct weft_select_case cases[] = {
        {.kind = WEFT_SELECT_SEND, .channel = &counter.out, .element = &number},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &stop, .element = &unused},
    };
    size_t chosen;

    (void)argument;
    while (weft_select(cases, 2, &chosen) == 0 && chosen == 0)
        number++;
    weft_channel_close(&counter.out);
    return NULL;
}

static void *filter_main(void *argument)
{
    struct stage *self = argument;
    unsigned number;

    while (weft_channel_receive(self->in, &number) == 0)
        if (number % self->prime != 0 && weft_channel_send(&self->out, &number) != 0)
            break;
    weft_channel_close(&self->out);
    return NULL;
}

static void stage_start(struct stage *stage, void *(*main)(void *))
{
    if (weft_channel_init(&stage->out, NULL, sizeof(unsigned), 0) != 0 ||
        weft_thread_spawn(&stage->thread, NULL, main, stage) != 0)
        exit(EXIT_FAILURE);
}

/* The end of the row gives the next prime, which gets a thread of its own. */
static struct weft_channel *row_extend(struct weft_channel *end, struct stage *filter)
{
    if (weft_channel_receive(end, &filter->prime) != 0)
        exit(EXIT_FAILURE);
    printf(" %u", filter->prime);
    filter->in = end;
    stage_start(filter, filter_main);
    return &filter->out;
}

/* From the counter on, each thread sees that no more comes, and ends. */
static void row_stop(struct weft_channel *end)
{
    unsigned number = 0;

    if (weft_channel_send(&stop, &number) != 0)
        exit(EXIT_FAILURE);
    while (weft_channel_receive(end, &number) == 0)
        ; /* what was still under way */
    if (weft_thread_join(counter.thread, NULL) != 0)
        exit(EXIT_FAILURE);
    for (unsigned i = 0; i < PRIMES; i++)
        if (weft_thread_join(filters[i].thread, NULL) != 0)
            exit(EXIT_FAILURE);
}

int main(void)
{
    struct weft_channel *end = &counter.out;

    if (weft_channel_init(&stop, NULL, sizeof(unsigned), 0) != 0)
        return EXIT_FAILURE;
    stage_start(&counter, counter_main);
    printf("channels:");
    for (unsigned i = 0; i < PRIMES; i++)
        end = row_extend(end, &filters[i]);
    printf("\n");
    row_stop(end);
    puts("channels: done");
    return EXIT_SUCCESS;
}
