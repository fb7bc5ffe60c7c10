/* SPDX-License-Identifier: MIT */
/* Thread-local variables: initial values, kept across switches and cores, at places of their own.
 */
#include "variables.h"

#include <string.h>
#include <weft/barrier.h>
#include <weft/thread.h>

#include "../firmware.h"

#define THREADS 8
#define ROUNDS 400

static __thread struct {
    char bytes[24];
} __attribute__((aligned(64))) aligned;
static __thread char odd = 'o';
_Thread_local int *own_address;

static struct weft_barrier start = WEFT_BARRIER_INITIALIZER(start, THREADS);
static int *addresses[THREADS];
static const char *constructed_in;

__attribute__((constructor)) static void construct(void)
{
    given++; /* main's */
    constructed_in = weft_thread_name(weft_thread_self());
}

static void check_fresh(void)
{
    CHECK(given == 1234 && zero == 0 && odd == 'o' && own_address == NULL);
    CHECK(last[0] == 0 && last[97] == 0 && last[98] == 98 && last[99] == 99);
    for (unsigned i = 0; i < sizeof aligned.bytes; i++)
        CHECK(aligned.bytes[i] == 0);
    CHECK((uintptr_t)&aligned % 64 == 0);
}

static void set_all(int value)
{
    given = value;
    zero = (uint64_t)value << 33;
    odd = (char)value;
    memset(last, value, 100);
    memset(aligned.bytes, value, sizeof aligned.bytes);
}

static void check_all(int value)
{
    CHECK(given == value && zero == (uint64_t)value << 33 && odd == (char)value);
    for (int i = 0; i < 100; i += 11)
        CHECK(last[i] == value);
    CHECK(aligned.bytes[0] == value && aligned.bytes[23] == value);
}

static void spin(void)
{
    for (volatile int i = 0; i < 500; i++)
        ;
}

static void *use(void *argument)
{
    int self = (int)(intptr_t)argument;

    check_fresh();
    own_address = &given;
    addresses[self] = &given;
    (void)!weft_barrier_wait(&start);
    for (int round = 0; round < ROUNDS; round++) {
        set_all(self + round % 50);
        if (round % 3 == 0)
            weft_thread_yield();
        else
            spin(); /* preemption */
        check_all(self + round % 50);
        CHECK(own_address == &given); /* on linux because it stays on its core */
    }
    return NULL;
}

int main(void)
{
    struct weft_thread *threads[THREADS], *again;

    CHECK(strcmp(constructed_in, "main") == 0 && given == 1235);
    set_all(7);
    for (intptr_t i = 0; i < THREADS; i++)
        CHECK(weft_thread_spawn(&threads[i], NULL, use, (void *)i) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    if (TIME_IS_OWN) /* a process shares the places: docs/c-library.md */
        for (int i = 0; i < THREADS; i++)
            for (int j = 0; j < i; j++)
                CHECK(addresses[i] != addresses[j] && addresses[i] != &given);
    check_all(7);
    /* Memory that a thread has left is made new for the next. */
    CHECK(weft_barrier_init(&start, 1) == 0);
    CHECK(weft_thread_spawn(&again, NULL, use, (void *)(intptr_t)1) == 0);
    CHECK(weft_thread_join(again, NULL) == 0);
    check_all(7);
    puts("thread-local variables are");
    return 0;
}
