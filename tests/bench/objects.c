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

static void semaphore_round(void)
{
    CHECKED(weft_semaphore_post(&ping));
    CHECKED(weft_semaphore_wait(&pong));
}

static void semaphore_answer(void)
{
    CHECKED(weft_semaphore_wait(&ping));
    CHECKED(weft_semaphore_post(&pong));
}

static void channel_round(void)
{
    CHECKED(weft_channel_send(&there, &element));
    CHECKED(weft_channel_receive(&back, &element));
}

static void channel_answer(void)
{
    uint32_t value;

    CHECKED(weft_channel_receive(&there, &value));
    CHECKED(weft_channel_send(&back, &value));
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

static void condition_round(void)
{
    condition_turn(0);
}

static void condition_answer(void)
{
    condition_turn(1);
}

static _Noreturn void *answering_thread(void *argument)
{
    void (*answer)(void) = *(void (**)(void))argument;

    for (;;)
        answer();
}

static void bench_round_trip(const char *name, void (*go)(void), void (*answer)(void))
{
    const struct weft_thread_attr attr = {
        .priority = WEFT_PRIORITY_DEFAULT, .cores = 1, .detached = true};
    void (**given)(void) = malloc(sizeof *given); /* the thread stays, waiting for the next round */

    if (given == NULL)
        exit(1);
    *given = answer;
    CHECKED(weft_thread_spawn(NULL, &attr, answering_thread, given));
    go();
    report(name, MEASURE(ROUNDS, go()), empty_loop);
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
    bench_round_trip("semaphore_round_trip", semaphore_round, semaphore_answer);
    bench_round_trip("channel_round_trip", channel_round, channel_answer);
    bench_round_trip("condition_round_trip", condition_round, condition_answer);
    bench_select();
    bench_timer();
    return 0;
}
