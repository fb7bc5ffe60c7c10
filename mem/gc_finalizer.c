/* SPDX-License-Identifier: MIT */
/*
 * Finalizers.
 *
 * A record per finalizer, in ordinary memory, which the collector does not look into: so the record
 * does not keep its block. All records are in one list, in the order of setting, and in a hash
 * table by block. After marking from the roots, whatever is not marked and has a finalizer is
 * *dead*. For each dead block, in order, what it leads to is marked, but not the block itself; a
 * dead block that another one leads to is marked by that, and waits for a later cycle. Those still
 * not marked are ready: they leave the table, join the queue of the finalizer thread and are
 * marked, being its business now. ("Go 1.4", runtime/mgc0.c, markroot's special records, and Boehm
 * and Weiser's collector order them the same way.)
 *
 * The thread is made when the first finalizer is set, so that a cycle never needs memory.
 */
#include <weft/console.h>
#include <weft/semaphore.h>
#include <weft/thread.h>

#include "mem/gc.h"

#define BUCKETS_MIN 16u

struct record {
    struct record *next, **previous; /* all that wait, in order of setting; or the queue */
    struct record *hash_next;
    uintptr_t block;
    void (*finalizer)(void *block, void *argument);
    void *argument;
};

/* Under gc_lock. */
static struct {
    struct record *first, **last; /* waiting for their blocks to die */
    struct record *ready, **ready_last;
    struct record **bucket;
    uint32_t buckets; /* a power of two, or 0 */
    uint32_t count, run;
    bool has_thread;
} finalizers = {.last = &finalizers.first, .ready_last = &finalizers.ready};

static struct weft_semaphore ready_count = WEFT_SEMAPHORE_INITIALIZER(ready_count, 0);

static struct record **bucket_of(uintptr_t block)
{
    uint32_t hash = (uint32_t)(block / GRANULE) * 2654435769u; /* Knuth, 6.4: 2^32 / golden ratio */

    return &finalizers.bucket[(hash >> 8) & (finalizers.buckets - 1)];
}

static struct record **find_locked(uintptr_t block)
{
    struct record **at = bucket_of(block);

    while (*at && (*at)->block != block)
        at = &(*at)->hash_next;
    return at;
}

static void append(struct record *record, struct record ***last)
{
    record->next = NULL;
    record->previous = *last;
    **last = record;
    *last = &record->next;
}

/* Out of the list of those that wait, and out of the table. */
static void unlink_locked(struct record *record)
{
    *find_locked(record->block) = record->hash_next;
    *record->previous = record->next;
    if (record->next)
        record->next->previous = record->previous;
    else
        finalizers.last = record->previous;
    finalizers.count--;
}

static void insert_locked(struct record *record)
{
    struct record **bucket = bucket_of(record->block);

    append(record, &finalizers.last);
    record->hash_next = *bucket;
    *bucket = record;
    finalizers.count++;
}

/* ---- the table grows: memory is asked for without the lock ---- */

static void table_swap_locked(struct record **bucket, uint32_t buckets)
{
    finalizers.bucket = bucket;
    finalizers.buckets = buckets;
    for (uint32_t i = 0; i < buckets; i++)
        bucket[i] = NULL;
    for (struct record *record = finalizers.first; record; record = record->next) {
        struct record **at = bucket_of(record->block);

        record->hash_next = *at;
        *at = record;
    }
}

static bool table_grow(void)
{
    uint32_t old = finalizers.buckets, buckets = old ? old * 2 : BUCKETS_MIN;
    struct record **bucket = gc_own_alloc(buckets * sizeof(*bucket));
    struct record **unused = bucket;
    arch_irq_state state;

    if (!bucket)
        return old != 0; /* a crowded table is a table */
    state = spinlock_lock(&gc_lock);
    if (finalizers.buckets == old) {
        unused = finalizers.bucket;
        table_swap_locked(bucket, buckets);
    }
    spinlock_unlock(&gc_lock, state);
    if (unused)
        gc_own_free(unused);
    return true;
}

/* ---- the thread ---- */

static struct record *ready_take(void)
{
    arch_irq_state state = spinlock_lock(&gc_lock);
    struct record *record = finalizers.ready;

    finalizers.ready = record->next;
    if (record->next)
        record->next->previous = &finalizers.ready;
    else
        finalizers.ready_last = &finalizers.ready;
    spinlock_unlock(&gc_lock, state);
    return record;
}

/* The record is on no list any more, but its block in this thread's hands. */
static __attribute__((noinline)) void run_one(void)
{
    struct record *record = ready_take();
    void *block = (void *)record->block, *argument = record->argument;
    void (*finalizer)(void *block, void *argument) = record->finalizer;

    gc_own_free(record);
    finalizer(block, argument);
    __asm__ volatile("" ::"r"(block) : "memory"); /* kept until it has run */
    finalizers.run++;
}

static void ended_inside(void *argument)
{
    (void)argument;
    weft_panic("a finalizer has ended its thread, in which the others are to run: it must return");
}

static void *finalizer_thread(void *argument)
{
    struct weft_exit_hook hook;

    weft_thread_hook_add(&hook, ended_inside, argument);
    while (weft_semaphore_wait(&ready_count) == 0)
        run_one();
    return NULL;
}

static int thread_make(void)
{
    const struct weft_thread_attr attr = {
        .name = "finalizer", .priority = WEFT_PRIORITY_DEFAULT, .detached = true};
    arch_irq_state state;
    bool has;
    int result;

    state = spinlock_lock(&gc_lock);
    has = finalizers.has_thread;
    finalizers.has_thread = true;
    spinlock_unlock(&gc_lock, state);
    if (has)
        return 0;
    result = weft_thread_spawn(NULL, &attr, finalizer_thread, NULL);
    if (result != 0)
        finalizers.has_thread = false;
    return result;
}

/* ---- setting ---- */

static void finalizer_remove(uintptr_t block)
{
    struct record *record = NULL;
    arch_irq_state state = spinlock_lock(&gc_lock);

    if (finalizers.buckets != 0 && (record = *find_locked(block)) != NULL)
        unlink_locked(record);
    spinlock_unlock(&gc_lock, state);
    if (record)
        gc_own_free(record);
}

static int finalizer_add(struct record *record)
{
    arch_irq_state state;

    if (finalizers.count >= finalizers.buckets && !table_grow())
        return WEFT_ENOMEM;
    finalizer_remove(record->block);
    state = spinlock_lock(&gc_lock);
    insert_locked(record);
    spinlock_unlock(&gc_lock, state);
    return 0;
}

int weft_gc_finalizer_set(void *block, void (*finalizer)(void *block, void *argument),
                          void *argument)
{
    struct record *record;
    int result;

    if (!block || weft_gc_block_of(block) != block)
        return WEFT_EINVAL;
    if (!finalizer) {
        finalizer_remove((uintptr_t)block);
        return 0;
    }
    result = thread_make();
    if (result != 0)
        return result;
    record = gc_own_alloc(sizeof(*record));
    if (!record)
        return WEFT_ENOMEM;
    *record =
        (struct record){.block = (uintptr_t)block, .finalizer = finalizer, .argument = argument};
    result = finalizer_add(record);
    if (result != 0)
        gc_own_free(record);
    return result;
}

/* ---- a cycle, the world stopped ---- */

void gc_finalizers_mark_roots(struct gc_marker *marker)
{
    for (const struct record *record = finalizers.ready; record; record = record->next) {
        gc_mark_word(marker, record->block);
        gc_mark_word(marker, (uintptr_t)record->argument);
    }
    for (const struct record *record = finalizers.first; record; record = record->next)
        gc_mark_word(marker, (uintptr_t)record->argument);
}

/* What the block leads to, but for itself. */
static void mark_from(struct gc_marker *marker, uintptr_t block)
{
    const struct gc_span *span = gc_span_of(block);
    uintptr_t end = block + span->block_bytes;

    for (uintptr_t at = block; at < end && !span->pointer_free; at += sizeof(uintptr_t)) {
        uintptr_t word = *(const uintptr_t *)at;

        if (word - block >= span->block_bytes)
            gc_mark_word(marker, word);
        gc_mark_drain(marker);
    }
    gc_mark_finish(marker);
}

void gc_finalizers_mark(struct gc_marker *marker)
{
    struct record *next;
    bool any = false;

    for (struct record *record = finalizers.first; record; record = record->next)
        if (!gc_is_marked(record->block))
            mark_from(marker, record->block);
    for (struct record *record = finalizers.first; record; record = next) {
        next = record->next;
        if (gc_is_marked(record->block))
            continue;
        unlink_locked(record);
        append(record, &finalizers.ready_last);
        (void)weft_semaphore_post(&ready_count);
        any = true;
    }
    if (any)
        gc_finalizers_mark_roots(marker);
    gc_mark_finish(marker);
}

void gc_finalizers_count(struct weft_gc_stats *stats)
{
    stats->finalizers = finalizers.count;
    stats->finalizers_run = finalizers.run;
}
