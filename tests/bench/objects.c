/* SPDX-License-Identifier: MIT */
/* What blocking objects cost: alone, where nobody waits, and between two threads that wait for each
 * other, where a round trip is two blocks and two wakes. */
#include <stdlib.h>

#include "tests/bench/measure.h"

static unsigned empty_loop;

#define CHECKED(call)                                                                              \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            exit(1);                                                                               \
    } while (0)

static struct weft_semaphore ping = WEFT_SEMAPHORE_INITIALIZER(ping, 0);
static struct weft_semaphore pong = WEFT_SEMAPHORE_INITIALIZER(pong, 0);
static struct weft_channel there = WEFT_CHANNEL_INITIALIZER(there, NULL, 4, 0);
static struct weft_channel back = WEFT_CHANNEL_INITIALIZER(back, NULL, 4, 0);
static uint32_t buffer[16], element;
static struct weft_channel buffered = WEFT_CHANNEL_INITIALIZER(buffered, buffer, 4, 16);
static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);
static struct weft_condition condition = WEFT_CONDITION_INITIALIZER(condition);
static unsigned turn;

static _Noreturn void *semaphore_partner(void *argument)
{
    (void)argument;
    for (;;) {
        (void)!weft_semaphore_wait(&ping);
        (void)!weft_semaphore_post(&pong);
    }
}

static _Noreturn void *channel_partner(void *argument)
{
    uint32_t value;

    (void)argument;
    for (;;) {
        (void)!weft_channel_receive(&there, &value);
        (void)!weft_channel_send(&back, &value);
    }
}

static void condition_turn(unsigned mine)
{
    weft_mutex_lock(&mutex);
    while (turn != mine)
        CHECKED(weft_condition_wait(&condition, &mutex));
    turn = 1 - mine;
    weft_condition_signal(&condition);
    weft_mutex_unlock(&mutex);
}

static _Noreturn void *condition_partner(void *argument)
{
    (void)argument;
    for (;;)
        condition_turn(1);
}

/* The thread that answers stays, waiting for the next round. */
static void spawn_partner(void *(*entry)(void *argument))
{
    const struct weft_thread_attr attr = {
        .priority = WEFT_PRIORITY_DEFAULT, .cores = 1, .detached = true};

    CHECKED(weft_thread_spawn(NULL, &attr, entry, NULL));
}

static void bench_round_trips(void)
{
    spawn_partner(semaphore_partner);
    report("semaphore_round_trip",
           MEASURE(ROUNDS, ((void)!weft_semaphore_post(&ping), (void)!weft_semaphore_wait(&pong))),
           empty_loop);
    spawn_partner(channel_partner);
    report("channel_round_trip",
           MEASURE(ROUNDS, ((void)!weft_channel_send(&there, &element),
                            (void)!weft_channel_receive(&back, &element))),
           empty_loop);
    spawn_partner(condition_partner);
    report("condition_round_trip", MEASURE(ROUNDS, condition_turn(0)), empty_loop);
}

static void bench_alone(void)
{
    static struct weft_semaphore semaphore = WEFT_SEMAPHORE_INITIALIZER(semaphore, 1);
    static struct weft_rwlock rwlock = WEFT_RWLOCK_INITIALIZER(rwlock);
    static struct weft_flags flags = WEFT_FLAGS_INITIALIZER(flags, 0);
    static struct weft_pool pool;
    static uint64_t storage[64];
    void *block;

    report("mutex_pair", MEASURE(ROUNDS, (weft_mutex_lock(&mutex), weft_mutex_unlock(&mutex))),
           empty_loop);
    report("semaphore_pair",
           MEASURE(ROUNDS, ((void)!weft_semaphore_wait(&semaphore),
                            (void)!weft_semaphore_post(&semaphore))),
           empty_loop);
    CHECKED(weft_pool_init(&pool, storage, sizeof storage, 32));
    report("preempt_disable_enable",
           MEASURE(ROUNDS, (weft_preempt_disable(), weft_preempt_enable())), empty_loop);
    report("pool_pair",
           MEASURE(ROUNDS, (block = weft_pool_try_alloc(&pool), weft_pool_free(&pool, block))),
           empty_loop);
    report("read_lock_pair",
           MEASURE(ROUNDS, ((void)!weft_rwlock_read(&rwlock), weft_rwlock_read_unlock(&rwlock))),
           empty_loop);
    report("flags_set_and_take",
           MEASURE(ROUNDS, (weft_flags_set(&flags, 1),
                            (void)!weft_flags_wait(&flags, 1, WEFT_FLAGS_CLEAR, NULL))),
           empty_loop);
    report("channel_buffered_message",
           MEASURE(ROUNDS, ((void)!weft_channel_send(&buffered, &element),
                            (void)!weft_channel_receive(&buffered, &element))),
           empty_loop);
}

static void bench_select(void)
{
    static struct weft_channel other = WEFT_CHANNEL_INITIALIZER(other, NULL, 4, 0);
    struct weft_select_case cases[] = {
        {.kind = WEFT_SELECT_RECEIVE, .channel = &other, .element = &element},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &buffered, .element = &element}};
    size_t chosen;

    report("select_of_two_and_send",
           MEASURE(ROUNDS, ((void)!weft_channel_send(&buffered, &element),
                            (void)!weft_select(cases, 2, &chosen))),
           empty_loop);
}

#define PENDING 10000u

static void bench_timer(void)
{
    struct weft_timer *timers = calloc(PENDING, sizeof *timers);
    static struct weft_timer timer;
    uint64_t far = weft_time_ns() + 1000000000000;

    if (timers == NULL)
        exit(1);
    CHECKED(weft_timer_init(&timer, NULL, NULL));
    for (unsigned i = 0; i < PENDING; i++) {
        CHECKED(weft_timer_init(&timers[i], NULL, NULL));
        CHECKED(weft_timer_start(&timers[i], far + i * 7919 % PENDING, 0));
    }
    report("timer_start_cancel_10000_pending",
           MEASURE(ROUNDS, ((void)!weft_timer_start(&timer, far + round_, 0),
                            (void)weft_timer_cancel(&timer))),
           empty_loop);
    for (unsigned i = 0; i < PENDING; i++)
        (void)weft_timer_cancel(&timers[i]);
}

int main(void)
{
    stay_here();
    empty_loop = MEASURE(ROUNDS, (void)0);
    bench_alone();
    bench_round_trips();
    bench_select();
    bench_timer();
    return 0;
}
