/* SPDX-License-Identifier: MIT */
/*
 * Senders and receivers of several channels, some plain, some in selects with deadlines and
 * defaults, at several priorities. Every value that was sent is received exactly once, values of
 * one sender on one channel in their order. The channels are closed when all was sent; receivers
 * end when all channels are closed and drained. Then: of cases that are ready at once each is
 * chosen about equally often.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

#define CHANNELS 4
#define SENDERS 6
#define RECEIVERS 5
#define VALUES 600 /* of each sender */

static struct weft_channel channels[CHANNELS];
static uint32_t storage[CHANNELS][8];
static const uint32_t capacities[CHANNELS] = {0, 1, 8, 0};
static uint8_t received[SENDERS][VALUES];
static unsigned timeouts, defaults;
static struct weft_group senders = WEFT_GROUP_INITIALIZER(senders);

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* One way or another, until it is sent. */
static void send(uint32_t value, uint32_t *seed)
{
    uint32_t first = random_next(seed) % CHANNELS, second = random_next(seed) % CHANNELS;
    struct weft_select_case cases[2] = {
        {.kind = WEFT_SELECT_SEND, .channel = &channels[first], .element = &value},
        {.kind = WEFT_SELECT_SEND, .channel = &channels[second], .element = &value}};
    size_t chosen;
    int result;

    switch (random_next(seed) % 4) {
    case 0:
        CHECK(weft_channel_send(&channels[first], &value) == 0);
        return;
    case 1:
        while ((result = weft_select_until(cases, 2, &chosen,
                                           weft_time_ns() + random_next(seed) % 20000)) ==
               WEFT_ETIMEDOUT)
            __atomic_fetch_add(&timeouts, 1, __ATOMIC_RELAXED);
        CHECK(result == 0);
        return;
    case 2:
        while ((result = weft_select_try(cases, 2, &chosen)) == WEFT_EAGAIN) {
            __atomic_fetch_add(&defaults, 1, __ATOMIC_RELAXED);
            weft_thread_sleep_ns(5000);
        }
        CHECK(result == 0);
        return;
    default:
        CHECK(weft_select(cases, 2, &chosen) == 0);
    }
}

static void *sender_main(void *argument)
{
    uint32_t number = (uint32_t)(uintptr_t)argument, seed = number + 1;

    for (uint32_t i = 0; i < VALUES; i++)
        send(number << 16 | i, &seed);
    weft_group_done(&senders);
    return NULL;
}

static void note(uint32_t value)
{
    CHECK(value >> 16 < SENDERS && (value & 0xffff) < VALUES);
    CHECK(__atomic_fetch_add(&received[value >> 16][value & 0xffff], 1, __ATOMIC_RELAXED) == 0);
}

/* Receives from all channels that are not closed and empty, until there is none. */
static void *receiver_main(void *argument)
{
    uint32_t seed = 77 + (uint32_t)(uintptr_t)argument, values[CHANNELS];
    struct weft_select_case cases[CHANNELS];
    unsigned open = CHANNELS;
    size_t chosen;

    for (unsigned i = 0; i < CHANNELS; i++)
        cases[i] = (struct weft_select_case){
            .kind = WEFT_SELECT_RECEIVE, .channel = &channels[i], .element = &values[i]};
    while (open > 0) {
        uint64_t deadline = weft_time_ns() + random_next(&seed) % 30000;
        int result = random_next(&seed) % 2 ? weft_select(cases, CHANNELS, &chosen)
                                            : weft_select_until(cases, CHANNELS, &chosen, deadline);

        if (result == WEFT_ETIMEDOUT) {
            __atomic_fetch_add(&timeouts, 1, __ATOMIC_RELAXED);
        } else if (result == WEFT_ECLOSED) {
            CHECK(cases[chosen].channel != NULL);
            cases[chosen].channel = NULL;
            open--;
        } else {
            CHECK(result == 0);
            note(values[chosen]);
        }
    }
    return NULL;
}

static void exchange(void)
{
    struct weft_thread *threads[SENDERS + RECEIVERS];

    for (unsigned i = 0; i < CHANNELS; i++)
        CHECK(weft_channel_init(&channels[i], capacities[i] != 0 ? storage[i] : NULL,
                                sizeof(uint32_t), capacities[i]) == 0);
    weft_group_add(&senders, SENDERS);
    for (uintptr_t i = 0; i < SENDERS + RECEIVERS; i++) {
        const struct weft_thread_attr attr = {.priority = 10 + (int)(i % 3) * 5};

        CHECK(weft_thread_spawn(&threads[i], &attr, i < SENDERS ? sender_main : receiver_main,
                                (void *)i) == 0);
    }
    CHECK(weft_group_wait(&senders) == 0);
    for (unsigned i = 0; i < CHANNELS; i++)
        weft_channel_close(&channels[i]);
    for (unsigned i = 0; i < SENDERS + RECEIVERS; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    for (unsigned s = 0; s < SENDERS; s++)
        for (unsigned v = 0; v < VALUES; v++)
            CHECK(received[s][v] == 1);
    printf("%u values once each, %u timeouts, %u defaults\n", SENDERS * VALUES, timeouts, defaults);
    CHECK(timeouts > 10);
}

/* Three of four cases are ready, always; nobody is starved and nobody preferred. */
static void choose(void)
{
    unsigned chosen_how_often[4] = {0};
    uint32_t values[4] = {0};
    struct weft_select_case cases[4];
    size_t chosen;

    for (unsigned i = 0; i < CHANNELS; i++) {
        CHECK(weft_channel_init(&channels[i], storage[i], sizeof(uint32_t), 8) == 0);
        cases[i] = (struct weft_select_case){
            .kind = WEFT_SELECT_RECEIVE, .channel = &channels[i], .element = &values[i]};
        if (i != 1)
            CHECK(weft_channel_send(&channels[i], &values[i]) == 0);
    }
    for (unsigned n = 0; n < 3000; n++) {
        CHECK(weft_select(cases, 4, &chosen) == 0);
        chosen_how_often[chosen]++;
        CHECK(weft_channel_send(&channels[chosen], &values[chosen]) == 0);
    }
    printf("chosen %u %u %u %u times\n", chosen_how_often[0], chosen_how_often[1],
           chosen_how_often[2], chosen_how_often[3]);
    for (unsigned i = 0; i < 4; i++)
        CHECK(i == 1 ? chosen_how_often[i] == 0
                     : chosen_how_often[i] > 900 && chosen_how_often[i] < 1100);
}

int main(void)
{
    exchange();
    choose();
    puts("delivered");
    return 0;
}
