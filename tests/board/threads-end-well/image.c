/* SPDX-License-Identifier: MIT */
/* What happens when a thread ends: exit hooks, destructors of slots, detaching at any time, memory
 * that is the caller's own. */
#include <string.h>
#include <weft/weft.h>

#include "../firmware.h"

static struct weft_thread *start(void *(*entry)(void *argument), void *argument)
{
    struct weft_thread *thread;

    CHECK(weft_thread_spawn(&thread, NULL, entry, argument) == 0);
    return thread;
}

static void run(void *(*entry)(void *argument), void *argument)
{
    CHECK(weft_thread_join(start(entry, argument), NULL) == 0);
}

/* ---- exit hooks ---- */

static char log_text[16];
static unsigned log_length;

static void note(void *argument)
{
    log_text[log_length++] = *(const char *)argument;
}

static void note_later(void *argument)
{
    weft_thread_sleep_ns(1000); /* a hook may block */
    note(argument);
}

static void *with_hooks(void *argument)
{
    struct weft_exit_hook a, b, c;

    weft_thread_hook_add(&a, note, "a");
    weft_thread_hook_add(&b, note, "b");
    weft_thread_hook_add(&c, note_later, "c");
    CHECK(weft_thread_hook_remove(&b) == 0);
    CHECK(weft_thread_hook_remove(&b) == WEFT_EINVAL);
    if (argument != NULL)
        weft_thread_exit(NULL); /* the hooks' structures are still on the stack */
    weft_thread_hook_add(&b, note, "B");
    weft_thread_exit(NULL);
}

static void hooks(void)
{
    run(with_hooks, "early");
    run(with_hooks, NULL);
    CHECK(strcmp(log_text, "caBca") == 0);
}

/* ---- slots ---- */

static unsigned one, two;
static _Atomic unsigned destroyed;
static unsigned rounds;

static void count_destroyed(void *value)
{
    CHECK(value == weft_thread_self());
    CHECK(weft_slot_get(one) == NULL);
    destroyed++;
}

/* A destructor that makes work for itself is asked four times. */
static void again(void *value)
{
    rounds++;
    CHECK(weft_slot_set(two, value) == 0);
}

static void *with_slots(void *argument)
{
    struct weft_thread *self = weft_thread_self();

    CHECK(weft_slot_get(one) == NULL && weft_slot_get(two) == NULL);
    CHECK(weft_slot_set(two, NULL) == 0);
    CHECK(weft_slot_set(one, self) == 0);
    CHECK(weft_slot_get(one) == self);
    weft_thread_yield();
    CHECK(weft_slot_get(one) == self);
    if (argument != NULL)
        CHECK(weft_slot_set(two, argument) == 0);
    return NULL;
}

static void *with_deleted_slot(void *argument)
{
    unsigned slot, same;

    CHECK(weft_slot_create(&slot, again) == 0);
    CHECK(weft_slot_set(slot, argument) == 0);
    CHECK(weft_slot_delete(slot) == 0);
    CHECK(weft_slot_delete(slot) == WEFT_EINVAL);
    CHECK(weft_slot_get(slot) == NULL);
    CHECK(weft_slot_set(slot, argument) == WEFT_EINVAL);
    CHECK(weft_slot_create(&same, again) == 0 && same == slot);
    CHECK(weft_slot_get(same) == NULL); /* the old value stays behind */
    CHECK(weft_slot_delete(same) == 0);
    return NULL;
}

static void all_slots(void)
{
    unsigned made[WEFT_CONFIG_SLOTS], count = 0;

    while (weft_slot_create(&made[count], NULL) == 0)
        CHECK(++count < WEFT_CONFIG_SLOTS); /* one and two are there */
    CHECK(count == WEFT_CONFIG_SLOTS - 2);
    while (count > 0)
        CHECK(weft_slot_delete(made[--count]) == 0);
    CHECK(weft_slot_get(WEFT_CONFIG_SLOTS) == NULL);
    CHECK(weft_slot_set(WEFT_CONFIG_SLOTS, &count) == WEFT_EINVAL);
    CHECK(weft_slot_create(NULL, NULL) == WEFT_EINVAL);
}

#define THREADS 8

static void slots(void)
{
    struct weft_thread *threads[THREADS];

    CHECK(weft_slot_create(&one, count_destroyed) == 0);
    CHECK(weft_slot_create(&two, again) == 0 && two != one);
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = start(with_slots, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(weft_thread_join(threads[i], NULL) == 0);
    CHECK(destroyed == THREADS && rounds == 0);
    run(with_slots, &one);
    CHECK(destroyed == THREADS + 1 && rounds == 4);
    run(with_deleted_slot, &one);
    CHECK(rounds == 4);
    all_slots();
}

/* ---- detaching ---- */

static struct weft_semaphore go, gone;

static void post(void *argument)
{
    CHECK(weft_semaphore_post(argument) == 0);
}

static void *ending(void *argument)
{
    struct weft_exit_hook last;

    if (argument != NULL)
        CHECK(weft_semaphore_wait(&go) == 0);
    weft_thread_hook_add(&last, post, &gone);
    weft_thread_exit(NULL);
}

static void *joining(void *argument)
{
    CHECK(weft_thread_join(argument, NULL) == 0);
    return NULL;
}

static void wait_for_end_of_all(void)
{
    while (weft_thread_count() > 1)
        weft_thread_sleep_ns(100000);
}

static void detaching(void)
{
    const struct weft_thread_attr above = {.priority = WEFT_PRIORITY_DEFAULT + 1, .cores = 1};
    struct weft_thread *thread, *joiner;

    thread = start(ending, &go); /* blocked, then alone */
    CHECK(weft_thread_detach(thread) == 0);
    CHECK(weft_thread_detach(thread) == WEFT_EINVAL);
    CHECK(weft_thread_join(thread, NULL) == WEFT_EINVAL);
    CHECK(weft_semaphore_post(&go) == 0);
    CHECK(weft_semaphore_wait(&gone) == 0);
    wait_for_end_of_all();

    thread = start(ending, NULL); /* ended already */
    CHECK(weft_semaphore_wait(&gone) == 0);
    wait_for_end_of_all();
    CHECK(weft_thread_detach(thread) == 0);

    /* Being joined: the joiner, above this thread and on its core, runs until it waits. */
    CHECK(weft_thread_set_cores(weft_thread_self(), above.cores) == 0);
    thread = start(ending, &go);
    CHECK(weft_thread_spawn(&joiner, &above, joining, thread) == 0);
    CHECK(weft_thread_detach(thread) == WEFT_EINVAL);
    CHECK(weft_semaphore_post(&go) == 0);
    CHECK(weft_thread_join(joiner, NULL) == 0);
    CHECK(weft_semaphore_wait(&gone) == 0);
}

/* ---- the caller's own memory ---- */

static unsigned char own[32768] __attribute__((aligned(16)));

static void *own_memory_user(void *argument)
{
    CHECK((uintptr_t)&argument >= (uintptr_t)own &&
          (uintptr_t)&argument < (uintptr_t)own + sizeof own);
    return argument;
}

static void own_memory(void)
{
    struct weft_thread_attr attr = {.stack = own, .stack_bytes = sizeof own};
    struct weft_mstats before, after;
    struct weft_thread *thread;

    weft_heap_stats(&before);
    for (unsigned i = 0; i < 20; i++) {
        memset(own, (int)i, sizeof own); /* it is the caller's again after each join */
        CHECK(weft_thread_spawn(&thread, &attr, own_memory_user, &attr) == 0);
        CHECK((uintptr_t)thread >= (uintptr_t)own &&
              (uintptr_t)thread < (uintptr_t)own + sizeof own);
        CHECK(weft_thread_join(thread, NULL) == 0);
    }
    weft_heap_stats(&after);
    CHECK(after.stack_pages == before.stack_pages);
    attr.stack_bytes = 256;
    CHECK(weft_thread_spawn(&thread, &attr, own_memory_user, &attr) == WEFT_EINVAL);
}

int main(void)
{
    CHECK(weft_semaphore_init(&go, 0, 8) == 0);
    CHECK(weft_semaphore_init(&gone, 0, 8) == 0);
    hooks();
    slots();
    detaching();
    own_memory();
    CHECK(weft_heap_check() == 0);
    puts("ended well");
    return 0;
}
