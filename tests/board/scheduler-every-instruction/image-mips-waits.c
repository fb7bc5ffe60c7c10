/* SPDX-License-Identifier: MIT */
/* Waiting for each other: blocking and waking, handing over, timing out, selecting. */
#include <weft/weft.h>

#include "../firmware.h"
#include "scenario.h"

#define TIMEOUT_NS 6000u

/* ---- blocking and waking ---- */

static struct weft_semaphore own = WEFT_SEMAPHORE_INITIALIZER(own, 0);

static void *answer(void *argument)
{
    for (;;) {
        CHECK(weft_semaphore_wait(&ping) == 0);
        if (stop)
            return argument;
        CHECK(weft_semaphore_post(&pong) == 0);
        answered = answered + 1;
    }
}

static struct weft_mutex guard = WEFT_MUTEX_INITIALIZER(guard);
static volatile uint32_t guarded;
static uint32_t pool_storage[8];
static struct weft_pool pool;
static uint32_t *volatile mine; /* main's block; then that which the disturber keeps */
static uint32_t *kept;

static void block_begin(void)
{
    CHECK(weft_pool_init(&pool, pool_storage, sizeof pool_storage, 16) == 0);
    kept = NULL;
}

static void count_guarded(void)
{
    uint32_t before;

    weft_mutex_lock(&guard);
    before = guarded;
    __asm__ volatile("nop; nop; nop");
    guarded = before + 1;
    weft_mutex_unlock(&guard);
}

static void block_run(void)
{
    uint32_t *block = weft_pool_try_alloc(&pool);

    CHECK(block != NULL);
    mine = block;
    *block = 7;
    count_guarded();
    CHECK(weft_semaphore_post(&own) == 0);
    CHECK(weft_semaphore_wait(&own) == 0);
    CHECK(*block == 7);
    mine = NULL;
    weft_pool_free(&pool, block);
    pinged = pinged + 1;
    CHECK(weft_semaphore_post(&ping) == 0);
    CHECK(weft_semaphore_wait(&pong) == 0);
    taken = taken + 1;
}

/* Leaves the pool with a block more or less. */
static void take_or_give(void)
{
    if (kept != NULL) {
        CHECK(*kept == 8);
        weft_pool_free(&pool, kept);
        kept = NULL;
    } else {
        kept = weft_pool_try_alloc(&pool);
        CHECK(kept != NULL && kept != mine);
        *kept = 8;
    }
}

static void block_disturb(void)
{
    take_or_give();
    count_guarded();
    extra = extra + 1;
    CHECK(weft_semaphore_post(&pong) == 0);
    CHECK(weft_semaphore_post(&own) == 0); /* between main's look at the count and its change */
}

static void block_check(void)
{
    uint32_t left = 0;

    while (answered != pinged)
        weft_thread_yield();
    CHECK(weft_semaphore_count(&ping) == 0);
    CHECK(weft_pool_used(&pool) == (kept != NULL));
    CHECK(guarded == disturbances + 1);
    guarded = 0;
    while (weft_semaphore_try(&own) == 0)
        left++;
    CHECK(left == disturbances);
    disturbances = 0;
    CHECK(weft_semaphore_count(&pong) == answered + extra - taken);
    while (weft_semaphore_try(&pong) == 0)
        taken = taken + 1;
    CHECK(taken == answered + extra);
}

/* ---- handing over: to a receiver that waits, from a condition variable to its mutex ---- */

static struct weft_channel there = WEFT_CHANNEL_INITIALIZER(there, NULL, sizeof(uint32_t), 0);
static struct weft_condition came = WEFT_CONDITION_INITIALIZER(came);
static volatile uint32_t handed, disturbed;
static uint32_t handing;

static void *hand_on(void *argument)
{
    uint32_t value;

    for (;;) {
        CHECK(weft_channel_receive(&there, &value) == 0);
        if (stop)
            return argument;
        weft_mutex_lock(&guard);
        CHECK(value == handed + 1);
        handed = value;
        weft_condition_signal(&came);
        weft_mutex_unlock(&guard);
    }
}

static void hand_begin(void)
{
    handed = handing = 0;
}

static void hand_run(void)
{
    handing++;
    CHECK(weft_channel_send(&there, &handing) == 0);
    weft_mutex_lock(&guard);
    while (handed != handing)
        CHECK(weft_condition_wait(&came, &guard) == 0);
    weft_mutex_unlock(&guard);
}

static void hand_disturb(void)
{
    weft_mutex_lock(&guard);
    disturbed = disturbed + 1;
    weft_condition_signal(&came);
    weft_mutex_unlock(&guard);
}

static void hand_check(void)
{
    CHECK(handed == handing && disturbed == disturbances);
    weft_thread_yield(); /* the partner waits again */
}

static void hand_end(void) /* `stop` is set */
{
    CHECK(weft_channel_send(&there, &handing) == 0);
}

/* ---- timing out ---- */

static struct weft_semaphore late = WEFT_SEMAPHORE_INITIALIZER(late, 0);

static void timeout_run(void)
{
    uint64_t deadline = weft_time_ns() + TIMEOUT_NS;
    int result = weft_semaphore_wait_until(&late, deadline);

    if (result == 0)
        taken = taken + 1;
    else
        CHECK(result == WEFT_ETIMEDOUT && weft_time_ns() >= deadline);
    deadline = weft_time_ns() + TIMEOUT_NS;
    weft_thread_sleep_until_ns(deadline);
    CHECK(weft_time_ns() >= deadline);
}

static void timeout_disturb(void)
{
    extra = extra + 1;
    CHECK(weft_semaphore_post(&late) == 0);
}

static void timeout_check(void)
{
    while (weft_semaphore_try(&late) == 0)
        taken = taken + 1;
    CHECK(taken == extra);
}

/* ---- selecting ---- */

static uint32_t storage[1];
static struct weft_channel buffered =
    WEFT_CHANNEL_INITIALIZER(buffered, storage, sizeof storage[0], 1);
static struct weft_channel direct = WEFT_CHANNEL_INITIALIZER(direct, NULL, sizeof storage[0], 0);

static void *send_direct(void *argument)
{
    for (uint32_t value = 1;; value++) {
        CHECK(weft_semaphore_wait(&ping) == 0);
        if (stop)
            return argument;
        CHECK(weft_channel_send(&direct, &value) == 0);
    }
}

static volatile uint32_t sent, received;
static uint32_t expected = 1;

static void select_run(void)
{
    uint32_t value = 7, got = 0;
    struct weft_select_case send[] = {
        {.kind = WEFT_SELECT_SEND, .channel = &buffered, .element = &value},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &direct, .element = &got}};
    struct weft_select_case receive[] = {
        {.kind = WEFT_SELECT_RECEIVE, .channel = &buffered, .element = &value},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &direct, .element = &got}};
    size_t chosen = 1;

    if (weft_select_until(send, 2, &chosen, weft_time_ns() + TIMEOUT_NS) == 0) {
        CHECK(chosen == 0);
        sent = sent + 1;
    }
    CHECK(weft_semaphore_post(&ping) == 0);
    do {
        CHECK(weft_select_until(receive, 2, &chosen, WEFT_FOREVER) == 0);
        if (chosen == 0) {
            CHECK(value == 7);
            received = received + 1;
        }
    } while (chosen != 1);
    CHECK(got == expected);
    expected++;
}

static void select_disturb(void)
{
    uint32_t value = 7;

    if (weft_channel_try_send(&buffered, &value) == 0)
        sent = sent + 1;
    else if (weft_channel_try_receive(&buffered, &value) == 0)
        received = received + 1;
}

static void select_check(void)
{
    uint32_t value;

    weft_thread_yield(); /* the partner waits again, so that the next run wakes it */
    while (weft_channel_try_receive(&buffered, &value) == 0)
        received = received + 1;
    CHECK(sent == received);
    CHECK(weft_channel_try_receive(&direct, &value) == WEFT_EAGAIN);
    let_partner_wait();
}

const struct scenario wait_scenarios[WAIT_SCENARIOS] = {
    {"block", 1, block_begin, answer, WEFT_PRIORITY_DEFAULT, block_run, block_disturb, block_check,
     let_partner_end},
    {"hand", 1, hand_begin, hand_on, WEFT_PRIORITY_DEFAULT, hand_run, hand_disturb, hand_check,
     hand_end},
    {"timeout", 1, nothing, NULL, 0, timeout_run, timeout_disturb, timeout_check, nothing},
    {"select", 1, nothing, send_direct, WEFT_PRIORITY_DEFAULT, select_run, select_disturb,
     select_check, let_partner_end},
};
