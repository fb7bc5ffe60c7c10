/* SPDX-License-Identifier: MIT */
/*
 * A thread waits with a deadline and is woken at about that time. The deadline sweeps over all the
 * instructions of waiting and of waking, a few at a time, for every object. Each time, exactly one
 * of two things has happened: the waiter got what it waited for, or it timed out and what was given
 * is still there. With the argument "exact" (time is instructions) both must be seen often.
 */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

#define STEPS 600u
#define STEP_NS 7u
#define FIRST_NS 0u

static struct weft_semaphore semaphore = WEFT_SEMAPHORE_INITIALIZER(semaphore, 0);
static struct weft_flags flags = WEFT_FLAGS_INITIALIZER(flags, 0);
static struct weft_mutex mutex = WEFT_MUTEX_INITIALIZER(mutex);
static struct weft_queue queue;
static struct weft_pool pool;
static struct weft_rwlock rwlock = WEFT_RWLOCK_INITIALIZER(rwlock);
static struct weft_group group = WEFT_GROUP_INITIALIZER(group);
static uint32_t storage[1], value = 5, got;
static struct weft_channel channel = WEFT_CHANNEL_INITIALIZER(channel, storage, sizeof value, 1);
static struct weft_channel never = WEFT_CHANNEL_INITIALIZER(never, NULL, sizeof value, 0);
static void *pool_storage[1], *block, *taken;

/* What is waited for is not there before; given by `give`; `left` says whether it is there
 * afterwards, and takes it away; `end` is the waiter's, when it got it. */
struct race {
    const char *name;
    void (*begin)(void);
    int (*wait)(uint64_t deadline_ns);
    void (*give)(void);
    bool (*left)(void);
    void (*end)(void);
};

static void nothing(void)
{
}

static int semaphore_wait(uint64_t deadline_ns)
{
    return weft_semaphore_wait_until(&semaphore, deadline_ns);
}

static void semaphore_give(void)
{
    CHECK(weft_semaphore_post(&semaphore) == 0);
}

static bool semaphore_left(void)
{
    return weft_semaphore_try(&semaphore) == 0;
}

static int flags_wait(uint64_t deadline_ns)
{
    return weft_flags_wait_until(&flags, 1, WEFT_FLAGS_CLEAR, NULL, deadline_ns);
}

static void flags_give(void)
{
    weft_flags_set(&flags, 1);
}

static bool flags_left(void)
{
    return weft_flags_try(&flags, 1, WEFT_FLAGS_CLEAR, NULL) == 0;
}

static void mutex_begin(void)
{
    weft_mutex_lock(&mutex);
}

static int mutex_wait(uint64_t deadline_ns)
{
    return weft_mutex_lock_until(&mutex, deadline_ns);
}

static void mutex_unlock(void)
{
    weft_mutex_unlock(&mutex);
}

static bool mutex_left(void)
{
    int result = weft_mutex_trylock(&mutex);

    if (result == 0)
        weft_mutex_unlock(&mutex);
    CHECK(weft_thread_priority(weft_thread_self()) == 16);
    return result == 0;
}

static int queue_wait(uint64_t deadline_ns)
{
    return weft_queue_receive_until(&queue, &got, deadline_ns);
}

static void queue_give(void)
{
    CHECK(weft_queue_try_send(&queue, &value) == 0);
}

static bool queue_left(void)
{
    return weft_queue_try_receive(&queue, &got) == 0;
}

static void pool_begin(void)
{
    block = weft_pool_try_alloc(&pool);
    CHECK(block != NULL);
}

static int pool_wait(uint64_t deadline_ns)
{
    return weft_pool_alloc_until(&pool, &taken, deadline_ns);
}

static void pool_give(void)
{
    weft_pool_free(&pool, block);
}

static void pool_end(void)
{
    weft_pool_free(&pool, taken);
}

static bool pool_left(void)
{
    return weft_pool_used(&pool) == 0;
}

static void rwlock_begin(void)
{
    CHECK(weft_rwlock_read(&rwlock) == 0);
}

static int rwlock_wait(uint64_t deadline_ns)
{
    return weft_rwlock_write_until(&rwlock, deadline_ns);
}

static void rwlock_give(void)
{
    weft_rwlock_read_unlock(&rwlock);
}

static void rwlock_end(void)
{
    weft_rwlock_write_unlock(&rwlock);
}

static bool rwlock_left(void)
{
    CHECK(weft_rwlock_try_write(&rwlock) == 0);
    weft_rwlock_write_unlock(&rwlock);
    return true;
}

static int channel_wait(uint64_t deadline_ns)
{
    return weft_channel_receive_until(&channel, &got, deadline_ns);
}

static void channel_give(void)
{
    CHECK(weft_channel_try_send(&channel, &value) == 0);
}

static bool channel_left(void)
{
    return weft_channel_try_receive(&channel, &got) == 0;
}

static int select_wait(uint64_t deadline_ns)
{
    struct weft_select_case cases[] = {
        {.kind = WEFT_SELECT_RECEIVE, .channel = &never, .element = &got},
        {.kind = WEFT_SELECT_RECEIVE, .channel = &channel, .element = &got},
        {.kind = WEFT_SELECT_SEND, .channel = &never, .element = &value},
    };
    size_t chosen = 9;
    int result = weft_select_until(cases, 3, &chosen, deadline_ns);

    CHECK(result != 0 || chosen == 1);
    return result;
}

static void group_begin(void)
{
    weft_group_add(&group, 1);
}

static int group_wait(uint64_t deadline_ns)
{
    return weft_group_wait_until(&group, deadline_ns);
}

static void group_give(void)
{
    weft_group_done(&group);
}

static const struct race races[] = {
    {"semaphore", nothing, semaphore_wait, semaphore_give, semaphore_left, nothing},
    {"flags", nothing, flags_wait, flags_give, flags_left, nothing},
    {"mutex", mutex_begin, mutex_wait, mutex_unlock, mutex_left, mutex_unlock},
    {"queue", nothing, queue_wait, queue_give, queue_left, nothing},
    {"pool", pool_begin, pool_wait, pool_give, pool_left, pool_end},
    {"rwlock", rwlock_begin, rwlock_wait, rwlock_give, rwlock_left, rwlock_end},
    {"channel", nothing, channel_wait, channel_give, channel_left, nothing},
    {"select", nothing, select_wait, channel_give, channel_left, nothing},
    {"group", group_begin, group_wait, group_give, NULL, nothing},
};

static const struct race *race;
static uint64_t after_ns;
static struct weft_semaphore start = WEFT_SEMAPHORE_INITIALIZER(start, 0);
static struct weft_semaphore over = WEFT_SEMAPHORE_INITIALIZER(over, 0);
static int result;

static void *waiter_main(void *argument)
{
    for (;;) {
        CHECK(weft_semaphore_wait(&start) == 0);
        result = race->wait(weft_time_ns() + after_ns);
        if (result == 0)
            race->end();
        CHECK(weft_semaphore_post(&over) == 0);
    }
    return argument;
}

static unsigned run(bool hurry)
{
    unsigned successes = 0;

    for (unsigned step = 0; step < STEPS; step++) {
        bool left;

        after_ns = FIRST_NS + step * STEP_NS * (hurry ? 1 : 20);
        race->begin();
        CHECK(weft_semaphore_post(&start) == 0); /* it runs, and waits, before this returns */
        race->give();
        CHECK(weft_semaphore_wait(&over) == 0);
        CHECK(result == 0 || result == WEFT_ETIMEDOUT);
        left = race->left == NULL || race->left();
        if (race->left != NULL && race->left != pool_left && race->left != rwlock_left &&
            race->left != mutex_left)
            CHECK(left == (result != 0));
        else
            CHECK(left); /* what is given back is there in any case */
        successes += result == 0;
    }
    return successes;
}

int main(int argc, char **argv)
{
    const struct weft_thread_attr attr = {.priority = 20, .detached = true, .cores = 1};
    bool exact = argc > 1 && strcmp(argv[1], "exact") == 0;

    CHECK(weft_queue_init(&queue, storage, sizeof storage[0], 1) == 0);
    CHECK(weft_pool_init(&pool, pool_storage, sizeof pool_storage, sizeof pool_storage) == 0);
    CHECK(weft_thread_spawn(NULL, &attr, waiter_main, NULL) == 0);
    for (size_t i = 0; i < sizeof races / sizeof races[0]; i++) {
        unsigned successes;

        race = &races[i];
        successes = run(exact);
        printf("%s: %u in time, %u too late\n", race->name, successes, STEPS - successes);
        CHECK(!exact || (successes > 20 && successes < STEPS - 20));
    }
    puts("all races decided");
    return 0;
}
