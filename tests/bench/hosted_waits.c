/* SPDX-License-Identifier: MIT */
/* Rows of tests/bench/hosted.c in which threads wait for each other, and timers. */
#include "hosted.h"

#define PENDING 100000u

/* ---- two threads that wait for their turn ---- */

static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);
static struct weft_condition turned = WEFT_CONDITION_INITIALIZER(turned);
static unsigned turn;

static void take_turn(unsigned mine)
{
    weft_mutex_lock(&mutex);
    while (turn != mine)
        CHECKED(weft_condition_wait(&turned, &mutex));
    turn = 1 - mine;
    weft_condition_signal(&turned);
    weft_mutex_unlock(&mutex);
}

static _Noreturn void *take_turns(void *argument)
{
    (void)argument;
    for (;;)
        take_turn(1);
}

static void condition_round_trip(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        take_turn(0);
}

static struct weft_semaphore ping = WEFT_SEMAPHORE_INITIALIZER(ping, 0);
static struct weft_semaphore pong = WEFT_SEMAPHORE_INITIALIZER(pong, 0);

_Noreturn void *hosted_answer(void *argument)
{
    (void)argument;
    for (;;) {
        CHECKED(weft_semaphore_wait(&ping));
        CHECKED(weft_semaphore_post(&pong));
    }
}

void hosted_semaphore_round_trip(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        CHECKED(weft_semaphore_post(&ping));
        CHECKED(weft_semaphore_wait(&pong));
    }
}

/* ---- spawning many, then waiting for all ---- */

static volatile unsigned done;

static void *count_done(void *argument)
{
    done = done + 1;
    return argument;
}

void hosted_fork_join(unsigned rounds)
{
    struct weft_thread *threads[MANY];

    for (unsigned i = 0; i < rounds; i += MANY) {
        for (unsigned n = 0; n < MANY; n++)
            CHECKED(weft_thread_spawn(&threads[n], NULL, count_done, NULL));
        for (unsigned n = 0; n < MANY; n++)
            CHECKED(weft_thread_join(threads[n], NULL));
    }
}

/* ---- select, timers ---- */

static uint32_t buffer[16], element;
static struct weft_channel buffered = WEFT_CHANNEL_INITIALIZER(buffered, buffer, 4, 16);
static struct weft_channel other = WEFT_CHANNEL_INITIALIZER(other, NULL, 4, 0);

static void select_of_two_and_send(unsigned rounds)
{
    struct weft_select_case cases[] = {
        {.kind = WEFT_SELECT_RECEIVE, .channel = &other, .element = &element},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &buffered, .element = &element}};
    size_t chosen;

    for (unsigned i = 0; i < rounds; i++) {
        CHECKED(weft_channel_send(&buffered, &element));
        CHECKED(weft_select(cases, 2, &chosen));
    }
}

static uint64_t far_ns;

static void timer_start_cancel(unsigned rounds)
{
    static struct weft_timer timer;

    CHECKED(weft_timer_init(&timer, NULL, NULL));
    for (unsigned i = 0; i < rounds; i++) {
        CHECKED(weft_timer_start(&timer, far_ns + i, 0));
        (void)weft_timer_cancel(&timer);
    }
}

static void with_pending(void)
{
    struct weft_timer *timers = calloc(PENDING, sizeof *timers);

    if (timers == NULL)
        exit(1);
    far_ns = weft_time_ns() + 1000000000000;
    for (unsigned i = 0; i < PENDING; i++) {
        CHECKED(weft_timer_init(&timers[i], NULL, NULL));
        CHECKED(weft_timer_start(&timers[i], far_ns + i * 7919ull % PENDING, 0));
    }
    row("timer_100000_pending", timer_start_cancel, 1);
    for (unsigned i = 0; i < PENDING; i++)
        (void)weft_timer_cancel(&timers[i]);
    free(timers);
}

void hosted_waits(void)
{
    const struct weft_thread_attr detached = {.priority = WEFT_PRIORITY_DEFAULT, .detached = true};

    CHECKED(weft_thread_spawn(NULL, &detached, take_turns, NULL));
    row("condition_round_trip", condition_round_trip, 1);
    CHECKED(weft_thread_spawn(NULL, &detached, hosted_answer, NULL));
    row("semaphore_round_trip", hosted_semaphore_round_trip, 1);
    row("fork_join", hosted_fork_join, 1);
    row("select_of_two_and_send", select_of_two_and_send, 1);
    with_pending();
}
