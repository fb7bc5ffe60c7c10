/* SPDX-License-Identifier: MIT */
/* Two pthreads on two processors: a line of cache that both look at without pause, which is as fast
 * as it can be, and a word that the kernel wakes for (semaphores of the C library: futex). */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "row.h"

static _Atomic unsigned turn;
static sem_t ping, pong;

static void stay_on(int processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0)
        exit(1);
}

static void *turns(void *argument)
{
    stay_on(1);
    for (;;) {
        while (atomic_load_explicit(&turn, memory_order_acquire) != 1)
            ;
        atomic_store_explicit(&turn, 0, memory_order_release);
    }
    return argument;
}

static void spinning_round_trip(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        atomic_store_explicit(&turn, 1, memory_order_release);
        while (atomic_load_explicit(&turn, memory_order_acquire) != 0)
            ;
    }
}

static void *answers(void *argument)
{
    stay_on(1);
    for (;;) {
        sem_wait(&ping);
        sem_post(&pong);
    }
    return argument;
}

static void sleeping_round_trip(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        sem_post(&ping);
        sem_wait(&pong);
    }
}

int main(void)
{
#ifdef SPINNING
    void *(*const other)(void *) = turns;
    void (*const round_trip)(unsigned) = spinning_round_trip;
#else
    void *(*const other)(void *) = answers;
    void (*const round_trip)(unsigned) = sleeping_round_trip;
#endif
    pthread_t thread;

    stay_on(0);
    sem_init(&ping, 0, 0);
    sem_init(&pong, 0, 0);
    if (pthread_create(&thread, NULL, other, NULL) != 0)
        return 1;
    row("core_round_trip", round_trip, 1);
    return 0;
}
