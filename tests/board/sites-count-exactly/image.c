/* SPDX-License-Identifier: MIT */
/* Profiles by place against what the program knows it did; and the stacks of all threads into
 * buffers of every size, against the threads that there are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/weft.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            weft_panic("%s is not true", #condition);                                              \
    } while (0)

#define LOCKS 40
#define MESSAGES 30
#define SLEEP_NS 2000000

static volatile uint32_t sink;
static struct weft_mutex mutex;
static struct weft_queue queue;

/* ---- creation ---- */

static void *ends(void *argument)
{
    return argument;
}

static __attribute__((noinline)) void spawn_here(unsigned count)
{
    struct weft_thread *thread;

    for (unsigned i = 0; i < count; i++) {
        CHECK(weft_thread_spawn(&thread, NULL, ends, NULL) == 0);
        CHECK(weft_thread_join(thread, NULL) == 0);
    }
    sink++;
}

static __attribute__((noinline)) void spawn_there(unsigned count)
{
    spawn_here(count);
    sink += 2;
}

static void creation(void)
{
    CHECK(weft_sites_start(WEFT_SITES_CREATION, 0) == WEFT_EINVAL);
    CHECK(weft_sites_stop(WEFT_SITES_CREATION) == WEFT_ESTATE);
    CHECK(weft_sites_start(WEFT_SITES_CREATION, 1) == 0);
    CHECK(weft_sites_start(WEFT_SITES_CREATION, 1) == WEFT_ESTATE);
    spawn_here(5);
    spawn_there(12);
    CHECK(weft_sites_stop(WEFT_SITES_CREATION) == 0);
    spawn_here(3);
    weft_sites_print(WEFT_SITES_CREATION);
    weft_sites_send(WEFT_SITES_CREATION);
}

/* ---- contention ---- */

static __attribute__((noinline)) void wait_for_mutex(void)
{
    CHECK(weft_mutex_lock(&mutex) == 0);
    CHECK(weft_mutex_unlock(&mutex) == 0);
    sink++;
}

static void *locker(void *argument)
{
    for (unsigned i = 0; i < LOCKS; i++) {
        wait_for_mutex();
        weft_thread_sleep_ns(SLEEP_NS / 2); /* main has it again by then */
    }
    return argument;
}

static __attribute__((noinline)) void wait_for_message(void)
{
    uint32_t message;

    CHECK(weft_queue_receive(&queue, &message) == 0);
    sink += message;
}

static void *receiver(void *argument)
{
    for (unsigned i = 0; i < MESSAGES; i++)
        wait_for_message();
    return argument;
}

/* main holds the mutex nearly all the time: the other waits for it in each of its turns, about a
 * millisecond. */
static void contention(void)
{
    static uint32_t storage[1];
    struct weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;
    struct weft_thread *threads[2];

    attr.priority = 20;
    CHECK(weft_queue_init(&queue, storage, sizeof storage[0], 1) == 0);
    CHECK(weft_mutex_init(&mutex, WEFT_MUTEX_NORMAL) == 0);
    CHECK(weft_sites_start(WEFT_SITES_CONTENTION, 1) == 0);
    CHECK(weft_mutex_lock(&mutex) == 0);
    CHECK(weft_thread_spawn(&threads[0], &attr, locker, NULL) == 0);
    for (unsigned i = 0; i < LOCKS; i++) {
        weft_thread_sleep_ns(SLEEP_NS);
        CHECK(weft_mutex_unlock(&mutex) == 0); /* handed over, and soon given back */
        CHECK(weft_mutex_lock(&mutex) == 0);
    }
    CHECK(weft_mutex_unlock(&mutex) == 0);
    CHECK(weft_thread_join(threads[0], NULL) == 0);
    CHECK(weft_thread_spawn(&threads[1], &attr, receiver, NULL) == 0);
    for (uint32_t i = 0; i < MESSAGES; i++)
        CHECK(weft_queue_send(&queue, &i) == 0);
    CHECK(weft_thread_join(threads[1], NULL) == 0);
    CHECK(weft_sites_stop(WEFT_SITES_CONTENTION) == 0);
    weft_sites_print(WEFT_SITES_CONTENTION);
    weft_sites_send(WEFT_SITES_CONTENTION);
}

/* ---- interrupts ---- */

static void interrupts(void)
{
    CHECK(weft_sites_start(WEFT_SITES_INTERRUPTS, 1) == 0);
    for (int i = 0; i < 20; i++)
        weft_thread_sleep_ns(SLEEP_NS);
    CHECK(weft_sites_stop(WEFT_SITES_INTERRUPTS) == 0);
    weft_sites_print(WEFT_SITES_INTERRUPTS);
    weft_sites_send(WEFT_SITES_INTERRUPTS);
}

/* ---- threads ---- */

#define THREADS 60
#define CANARY 0x5a

static struct weft_semaphore gate;

static __attribute__((noinline)) void stand(unsigned depth)
{
    if (depth > 0)
        stand(depth - 1);
    else
        CHECK(weft_semaphore_wait(&gate) == 0);
    sink++;
}

static void *standing(void *argument)
{
    stand((unsigned)(uintptr_t)argument);
    return NULL;
}

static bool all_bytes(const void *bytes, size_t count, unsigned char value)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < count; i++)
        if (at[i] != value)
            return false;
    return true;
}

/* A buffer for `capacity` records and one more, which must stay as it is. */
static void try_capacity(size_t capacity, size_t expected)
{
    size_t bytes = (capacity + 1) * sizeof(struct weft_stack_record), count = 12345;
    struct weft_stack_record *records = malloc(bytes);
    bool fits;

    CHECK(records != NULL);
    memset(records, CANARY, bytes);
    fits = weft_thread_stacks(records, capacity, &count);
    CHECK(count == expected);
    CHECK(fits == (capacity >= expected));
    if (!fits) {
        CHECK(all_bytes(records, bytes, CANARY));
    } else {
        CHECK(all_bytes(&records[count], bytes - count * sizeof *records, CANARY));
        /* The caller comes first: its innermost place is in here. */
        CHECK(records[0].pcs[0] - (uintptr_t)try_capacity < 4096);
        for (size_t i = 0; i < count; i++) {
            bool ended = false;

            CHECK(records[i].pcs[0] != 0);
            for (unsigned at = 0; at < WEFT_STACK_RECORD_DEPTH && !ended; at++) {
                ended = records[i].pcs[at] == 0;
                CHECK(ended || (unsigned char)(records[i].pcs[at] >> 16) != CANARY);
            }
        }
    }
    free(records);
}

static void threads(void)
{
    static struct weft_thread *made[THREADS];
    size_t others = weft_thread_count();

    CHECK(weft_semaphore_init(&gate, 0, 1000) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK(weft_thread_spawn(&made[i], NULL, standing, (void *)(uintptr_t)(i % 3 + 1)) == 0);
        if (i % 7 == 0)
            try_capacity(others + i + 1, others + i + 1);
    }
    weft_thread_sleep_ns(SLEEP_NS * 5); /* all of them wait by now, whatever they stand in */
    try_capacity(0, others + THREADS);
    try_capacity(others + THREADS - 1, others + THREADS);
    try_capacity(others + THREADS, others + THREADS);
    try_capacity(others + THREADS + 1, others + THREADS);
    weft_thread_stacks_print();
    weft_thread_stacks_send();
    for (unsigned i = 0; i < THREADS; i++)
        CHECK(weft_semaphore_post(&gate) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        weft_thread_sleep_ns(SLEEP_NS / 100);
        CHECK(weft_thread_join(made[i], NULL) == 0);
    }
    try_capacity(others, others); /* those that have ended are absent */
}

/* ---- a thousand threads that come and go (requirements E1) ---- */

#define SLOTS 1000
#define SNAPSHOTS 60
#define CHURN_STACK_BYTES 3072

/* Each counts one step of all children together, so the differences say how many can be where. */
static struct {
    uint32_t announced, spawned;          /* before and after weft_thread_spawn */
    uint32_t entering, inside, out, left; /* around the waiting function, and within it */
    uint32_t exiting, joined;
} steps;

static struct slot {
    struct weft_thread *thread;
    struct weft_semaphore gate;
} slots[SLOTS];

static volatile bool churning;

static void step(uint32_t *count)
{
    __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
}

/* Alone in its 256 bytes, so that a pc tells. */
#define DWELL_BYTES 256
static __attribute__((noinline, aligned(DWELL_BYTES))) void dwell(struct slot *slot)
{
    step(&steps.inside);
    CHECK(weft_semaphore_wait(&slot->gate) == 0);
    step(&steps.out);
}

static __attribute__((aligned(DWELL_BYTES))) void *dweller(void *slot)
{
    step(&steps.entering);
    dwell(slot);
    step(&steps.left);
    step(&steps.exiting);
    return slot;
}

static void slot_turn(struct slot *slot)
{
    static const struct weft_thread_attr attr = {.priority = WEFT_PRIORITY_DEFAULT,
                                                 .stack_bytes = CHURN_STACK_BYTES};

    if (slot->thread == NULL) {
        step(&steps.announced);
        CHECK(weft_thread_spawn(&slot->thread, &attr, dweller, slot) == 0);
        step(&steps.spawned);
    } else {
        CHECK(weft_semaphore_post(&slot->gate) == 0);
        CHECK(weft_thread_join(slot->thread, NULL) == 0);
        slot->thread = NULL;
        step(&steps.joined);
    }
}

/* Fills all slots, then empties and fills some again, as a generator of numbers says, until it is
 * told to end. */
static void *churner(void *argument)
{
    uint32_t number = 1;

    for (unsigned i = 0; i < SLOTS; i++)
        slot_turn(&slots[i]);
    churning = true;
    while (churning) {
        number = number * 1664525 + 1013904223;
        slot_turn(&slots[number >> 16 & 1 ? (number >> 17) % SLOTS : SLOTS / 2]);
    }
    for (unsigned i = 0; i < SLOTS; i++)
        if (slots[i].thread != NULL)
            slot_turn(&slots[i]);
    return argument;
}

/* How many of the records have a pc of this function. */
static unsigned standing_in(const struct weft_stack_record *records, size_t count, uintptr_t start,
                            uintptr_t bytes)
{
    unsigned found = 0;

    for (size_t i = 0; i < count; i++)
        for (unsigned at = 0; at < WEFT_STACK_RECORD_DEPTH && records[i].pcs[at] != 0; at++)
            if (records[i].pcs[at] - start < bytes) {
                found++;
                break;
            }
    return found;
}

/* Main is the most urgent thread there is: between its two readings of the steps and the stop there
 * is nothing but a preempted churner, whose position the steps bound. Returns how far the bounds
 * are apart. */
static unsigned snapshot(struct weft_stack_record *records, size_t room, size_t others)
{
    size_t count = 0, least, most;
    unsigned dwelling;

    if (!weft_thread_stacks(records, room, &count)) {
        CHECK(room < count && all_bytes(records, room * sizeof *records, CANARY));
        return 0;
    }
    least = others + steps.spawned - steps.exiting;
    most = others + steps.announced - steps.joined;
    CHECK(count >= least && count <= most);
    dwelling = standing_in(records, count, (uintptr_t)dwell, DWELL_BYTES);
    CHECK(dwelling >= steps.inside - steps.out && dwelling <= steps.entering - steps.left);
    for (size_t i = 0; i < count; i++)
        CHECK(records[i].pcs[0] != 0);
    return (unsigned)(most - least);
}

static void churn(void)
{
    size_t room = SLOTS + 64, others = weft_thread_count() + 1;
    struct weft_stack_record *records = malloc(room * sizeof *records);
    struct weft_thread *thread;
    unsigned exact = 0, slack;

    CHECK(records != NULL);
    for (unsigned i = 0; i < SLOTS; i++)
        CHECK(weft_semaphore_init(&slots[i].gate, 0, 1) == 0);
    CHECK(weft_thread_set_priority(weft_thread_self(), WEFT_PRIORITY_DEFAULT + 4) == 0);
    CHECK(weft_thread_spawn(&thread, NULL, churner, NULL) == 0);
    while (!churning)
        weft_thread_sleep_ns(SLEEP_NS);
    for (unsigned i = 0; i < SNAPSHOTS; i++) {
        weft_thread_sleep_ns(100000 + i * 7919); /* somewhere else in the churner each time */
        memset(records, CANARY, 8 * sizeof *records);
        slack = snapshot(records, i % 8 == 7 ? 8 : room, others);
        CHECK(slack <= 2); /* one thread comes, or goes */
        exact += slack == 0;
    }
    churning = false;
    CHECK(weft_thread_join(thread, NULL) == 0);
    CHECK(steps.joined == steps.announced && weft_thread_count() + 1 == others);
    printf("churn: %u threads, %u of %u snapshots without slack\n", (unsigned)steps.joined, exact,
           SNAPSHOTS);
    CHECK(exact > SNAPSHOTS / 8 && steps.joined > SLOTS + 20);
    free(records);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "churn") == 0) {
        churn();
        return 0;
    }
    creation();
    contention();
    interrupts();
    threads();
    puts("sites-count-exactly: done");
    return 0;
}
