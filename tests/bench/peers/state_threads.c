/* SPDX-License-Identifier: MIT */
/* State Threads (libst): cooperative, one thread of the system. It yields by sleeping for no time.
 */
#include <st.h>
#include <stdlib.h>

#include "row.h"

static int finished;

#define YIELDING(n)                                                                                \
    static void *yielding_##n(void *argument)                                                      \
    {                                                                                              \
        while (!finished)                                                                          \
            st_usleep(0);                                                                          \
        return argument;                                                                           \
    }
YIELDING(0)
YIELDING(1)
YIELDING(2)
YIELDING(3)
YIELDING(4)
YIELDING(5)
YIELDING(6)
YIELDING(7)
static void *(*const yielding[SITES])(void *) = {yielding_0, yielding_1, yielding_2, yielding_3,
                                                 yielding_4, yielding_5, yielding_6, yielding_7};

static st_thread_t start(void *(*entry)(void *), int joinable)
{
    st_thread_t thread = st_thread_create(entry, NULL, joinable, 0);

    if (thread == NULL)
        exit(1);
    return thread;
}

static void yield(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        st_usleep(0);
}

static void yield_among(const char *name, unsigned others)
{
    st_thread_t threads[MANY];

    finished = 0;
    for (unsigned i = 0; i < others; i++)
        threads[i] = start(yielding[i % SITES], 1);
    row(name, yield, others + 1);
    finished = 1;
    for (unsigned i = 0; i < others; i++)
        st_thread_join(threads[i], NULL);
}

static void *nothing(void *argument)
{
    return argument;
}

static void spawn_join(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        st_thread_join(start(nothing, 1), NULL);
}

/* ---- two threads that wait for their turn ---- */

static st_cond_t turned[2];
static int turn;

static void take_turn(int mine)
{
    while (turn != mine)
        st_cond_wait(turned[mine]);
    turn = 1 - mine;
    st_cond_signal(turned[1 - mine]);
}

static void *answering(void *argument)
{
    for (;;)
        take_turn(1);
    return argument;
}

static void condition_round_trip(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++)
        take_turn(0);
}

static void mutex_pair(unsigned rounds)
{
    st_mutex_t mutex = st_mutex_new();

    for (unsigned i = 0; i < rounds; i++) {
        st_mutex_lock(mutex);
        st_mutex_unlock(mutex);
    }
    st_mutex_destroy(mutex);
}

int main(void)
{
    if (st_init() != 0)
        return 1;
    yield_among("yield_between_two", 1);
    yield_among("yield_among_64", MANY - 1);
    row("spawn_join", spawn_join, 1);
    turned[0] = st_cond_new();
    turned[1] = st_cond_new();
    start(answering, 0);
    row("condition_round_trip", condition_round_trip, 1);
    row("mutex_pair", mutex_pair, 1);
    return 0;
}
