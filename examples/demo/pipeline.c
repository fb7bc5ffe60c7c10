/* SPDX-License-Identifier: MIT */
/*
 * The demo's pipeline. One pass sends the whole input through it, at one effort:
 *
 *          orders         work            finished           ordered         reports
 *    main -------> reader ----> worker ×3 --------> collector -------> hasher -------> main
 *                    ^                                  |
 *                    +----------- credits --------------+
 *
 *   reader     cuts the input into blocks of 4 KiB, each copied into memory of its own
 *   worker     fingerprints a block (SHA-256), counts its words, packs it, unpacks it, compares
 *   collector  gets blocks in the order in which workers finish, hands them on in the file's order,
 *              and sums what the workers found
 *   hasher     hashes what was UNPACKED, in order: the digest it reports can only be the file's if
 *              every block survived the round trip and came through whole and in its place. The
 *              worker's fingerprint tells which block did not.
 *
 * The threads live from pipeline_new to pipeline_delete and wait in their queues between passes.
 *
 * OWNERSHIP. A queue carries pointers; whoever received a block last owns it, and the hasher frees
 * it. The copy of the input is freed by the worker as soon as it was compared, so memory is taken
 * and given back by different threads. The end of a pass is a block too (pipeline->end, not from
 * the heap), numbered like the others, so that the collector sees it last; it is there even when
 * the input is empty or memory ran out. pipeline->result belongs to the collector until it has
 * handed on the end block, then to the hasher.
 *
 * ORDER. Workers may overtake each other, so the collector keeps what came too early in a ring. A
 * block takes a credit before it sets out and gives it back when its turn has come; there are as
 * many credits as the ring has places. So of the blocks on their way no two have numbers that fall
 * on the same place, however unfairly the workers are scheduled, and memory in use is bounded.
 * Nobody upstream of the collector is needed to return a credit, so the loop can't lock up.
 *
 * FAILURE. A block that failed still travels to the end, with its status: nothing is lost or
 * leaked, and the pass is reported in full. When the reader itself has no memory for a block the
 * pass ends there, with the end block carrying the status.
 *
 * pipeline_delete closes the queues from front to back and joins each stage before it closes the
 * next one's queue. No pass runs at that time, so the queues are empty.
 */
#include "pipeline.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <weft/mutex.h>
#include <weft/queue.h>
#include <weft/thread.h>

#include "lz.h"

enum {
    WORK_CAPACITY = 8,
    FINISHED_CAPACITY = 4,
    ORDERED_CAPACITY = 4,

    /* The largest frame is that of sha256_block (304 bytes on MIPS at -O2, 256 of them the
     * schedule), the deepest chain a worker's: lz_choose's look-ahead, six calls of 56 bytes at
     * effort 9. */
    READER_STACK_BYTES = 4096,
    WORKER_STACK_BYTES = 8192,
    COLLECTOR_STACK_BYTES = 4096,
    HASHER_STACK_BYTES = 4096,

    /* The later stages go first when they have something to do: they free memory and credits. */
    FRONT_PRIORITY = WEFT_PRIORITY_DEFAULT,
    BACK_PRIORITY = WEFT_PRIORITY_DEFAULT + 1,
};

struct block {
    size_t index;
    int effort;
    bool is_end; /* pipeline->end: no data */
    enum block_status status;
    size_t bytes;
    size_t packed_bytes;
    struct text_count count;
    unsigned char fingerprint[SHA256_DIGEST_BYTES]; /* of data */
    unsigned char *data;                            /* until it was compared */
    unsigned char *unpacked;                        /* from then on */
};

struct worker {
    struct pipeline *pipeline;
    struct weft_thread *thread;
    struct lz_workspace *workspace;
    size_t number;
};

/* The hasher's view of the running pass. */
struct hasher {
    struct sha256 sha;
    enum block_status status;
    size_t failed_block;
};

struct pipeline {
    const unsigned char *input;
    size_t input_bytes;

    struct weft_thread *reader, *collector, *hasher;
    struct worker workers[PIPELINE_WORKERS];

    struct weft_queue orders, credits, work, finished, ordered, reports;
    int orders_storage[1];
    unsigned char credits_storage[PIPELINE_WINDOW];
    struct block *work_storage[WORK_CAPACITY];
    struct block *finished_storage[FINISHED_CAPACITY];
    struct block *ordered_storage[ORDERED_CAPACITY];
    struct pass_result reports_storage[1];

    struct block end; /* whoever received it last */
    struct pass_result result;

    /* the collector */
    size_t next_index;
    struct block *early[PIPELINE_WINDOW]; /* place index % PIPELINE_WINDOW */

    /* meter_lock */
    struct weft_mutex meter_lock;
    struct pipeline_meter meter;
};

/* ---- the meter ---- */

static void meter_block_made(struct pipeline *pipeline)
{
    weft_mutex_lock(&pipeline->meter_lock);
    struct pipeline_meter *meter = &pipeline->meter;
    meter->blocks_alive++;
    if (meter->blocks_alive > meter->blocks_alive_most)
        meter->blocks_alive_most = meter->blocks_alive;
    weft_mutex_unlock(&pipeline->meter_lock);
}

static void meter_block_freed(struct pipeline *pipeline)
{
    weft_mutex_lock(&pipeline->meter_lock);
    assert(pipeline->meter.blocks_alive > 0);
    pipeline->meter.blocks_alive--;
    weft_mutex_unlock(&pipeline->meter_lock);
}

static void meter_block_worked(struct pipeline *pipeline, size_t worker)
{
    weft_mutex_lock(&pipeline->meter_lock);
    pipeline->meter.blocks_by_worker[worker]++;
    weft_mutex_unlock(&pipeline->meter_lock);
}

void pipeline_read_meter(struct pipeline *pipeline, struct pipeline_meter *meter)
{
    weft_mutex_lock(&pipeline->meter_lock);
    *meter = pipeline->meter;
    weft_mutex_unlock(&pipeline->meter_lock);
}

/* ---- blocks ---- */

static struct block *block_new(struct pipeline *pipeline, size_t bytes)
{
    struct block *block = calloc(1, sizeof *block);
    if (block == NULL)
        return NULL;
    block->data = malloc(bytes);
    if (block->data == NULL) {
        free(block);
        return NULL;
    }
    block->bytes = bytes;
    meter_block_made(pipeline);
    return block;
}

static void block_delete(struct pipeline *pipeline, struct block *block)
{
    if (block->is_end)
        return;
    free(block->data);
    free(block->unpacked);
    free(block);
    meter_block_freed(pipeline);
}

/* Hands the block on. When the queue is closed, the pipeline is being deleted: it ends here. */
static void block_send(struct pipeline *pipeline, struct weft_queue *queue, struct block *block)
{
    if (weft_queue_send(queue, &block) != 0)
        block_delete(pipeline, block);
}

/* ---- reader ---- */

static void reader_send(struct pipeline *pipeline, struct block *block)
{
    unsigned char credit;
    if (weft_queue_receive(&pipeline->credits, &credit) != 0) {
        block_delete(pipeline, block);
        return;
    }
    block_send(pipeline, &pipeline->work, block);
}

static struct block *reader_block_at(struct pipeline *pipeline, size_t offset)
{
    size_t left = pipeline->input_bytes - offset;
    size_t bytes = left < PIPELINE_BLOCK_BYTES ? left : PIPELINE_BLOCK_BYTES;
    struct block *block = block_new(pipeline, bytes);
    if (block != NULL)
        memcpy(block->data, pipeline->input + offset, bytes);
    return block;
}

static void reader_cut(struct pipeline *pipeline, int effort)
{
    enum block_status status = BLOCK_OK;
    size_t index = 0;
    size_t offset = 0;
    while (offset < pipeline->input_bytes) {
        struct block *block = reader_block_at(pipeline, offset);
        if (block == NULL) {
            status = BLOCK_NO_MEMORY;
            break;
        }
        offset += block->bytes;
        block->index = index++;
        block->effort = effort;
        reader_send(pipeline, block);
    }
    pipeline->end =
        (struct block){.index = index, .effort = effort, .is_end = true, .status = status};
    reader_send(pipeline, &pipeline->end);
}

static void *reader_main(void *argument)
{
    struct pipeline *pipeline = argument;
    int effort;
    while (weft_queue_receive(&pipeline->orders, &effort) == 0)
        reader_cut(pipeline, effort);
    return NULL;
}

/* ---- workers ---- */

static enum block_status worker_pack_and_compare(struct worker *worker, struct block *block,
                                                 unsigned char *packed, size_t room)
{
    long packed_bytes =
        lz_pack(worker->workspace, block->effort, block->data, block->bytes, packed, room);
    if (packed_bytes < 0)
        return BLOCK_MISMATCH;
    block->packed_bytes = (size_t)packed_bytes;

    long unpacked_bytes = lz_unpack(packed, block->packed_bytes, block->unpacked, block->bytes);
    if (unpacked_bytes < 0 || (size_t)unpacked_bytes != block->bytes)
        return BLOCK_MISMATCH;
    return memcmp(block->data, block->unpacked, block->bytes) == 0 ? BLOCK_OK : BLOCK_MISMATCH;
}

static enum block_status worker_round_trip(struct worker *worker, struct block *block)
{
    size_t room = lz_bound(block->bytes);
    unsigned char *packed = malloc(room);
    block->unpacked = malloc(block->bytes);
    enum block_status status = BLOCK_NO_MEMORY;
    if (packed != NULL && block->unpacked != NULL)
        status = worker_pack_and_compare(worker, block, packed, room);
    free(packed);
    return status;
}

static void worker_process(struct worker *worker, struct block *block)
{
    sha256_digest(block->data, block->bytes, block->fingerprint);
    block->count = text_count(block->data, block->bytes);
    block->status = worker_round_trip(worker, block);
    free(block->data);
    block->data = NULL;
    meter_block_worked(worker->pipeline, worker->number);
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct pipeline *pipeline = worker->pipeline;
    struct block *block;
    while (weft_queue_receive(&pipeline->work, &block) == 0) {
        if (!block->is_end)
            worker_process(worker, block);
        block_send(pipeline, &pipeline->finished, block);
    }
    return NULL;
}

/* ---- collector ---- */

static void collector_add(struct pass_result *result, const struct block *block)
{
    if (block->index == 0)
        *result = (struct pass_result){.effort = block->effort};
    result->packed_bytes += block->packed_bytes;
    result->count = text_count_join(result->count, block->count);
    if (block->status != BLOCK_OK && result->status == BLOCK_OK) {
        result->status = block->status;
        result->failed_block = block->index;
    }
}

/* The block whose turn it is, taken out of the ring, or NULL while it has not come. */
static struct block *collector_next(struct pipeline *pipeline)
{
    struct block **place = &pipeline->early[pipeline->next_index % PIPELINE_WINDOW];
    struct block *block = *place;
    if (block == NULL)
        return NULL;
    assert(block->index == pipeline->next_index);
    *place = NULL;
    pipeline->next_index = block->is_end ? 0 : pipeline->next_index + 1;
    return block;
}

static void collector_hand_on(struct pipeline *pipeline, struct block *block)
{
    const unsigned char credit = 1;
    collector_add(&pipeline->result, block);
    block_send(pipeline, &pipeline->ordered, block);
    /* Never waits, there is room for every credit; fails only when the reader is gone already. */
    (void)!weft_queue_send(&pipeline->credits, &credit);
}

static void *collector_main(void *argument)
{
    struct pipeline *pipeline = argument;
    struct block *block;
    while (weft_queue_receive(&pipeline->finished, &block) == 0) {
        struct block **place = &pipeline->early[block->index % PIPELINE_WINDOW];
        assert(*place == NULL);
        *place = block;
        while ((block = collector_next(pipeline)) != NULL)
            collector_hand_on(pipeline, block);
    }
    return NULL;
}

/* ---- hasher ---- */

static bool hasher_arrived_intact(const struct block *block)
{
    unsigned char digest[SHA256_DIGEST_BYTES];
    sha256_digest(block->unpacked, block->bytes, digest);
    return memcmp(digest, block->fingerprint, sizeof digest) == 0;
}

static void hasher_add(struct hasher *hasher, const struct block *block)
{
    if (block->index == 0) {
        hasher->status = BLOCK_OK;
        sha256_start(&hasher->sha);
    }
    if (block->is_end || block->status != BLOCK_OK)
        return;
    if (hasher->status == BLOCK_OK && !hasher_arrived_intact(block)) {
        hasher->status = BLOCK_MISMATCH;
        hasher->failed_block = block->index;
    }
    sha256_update(&hasher->sha, block->unpacked, block->bytes);
}

/* Completes the collector's result; of two failures the earlier block counts. */
static void hasher_report(struct pipeline *pipeline, struct hasher *hasher)
{
    struct pass_result *result = &pipeline->result;
    sha256_finish(&hasher->sha, result->digest);
    if (hasher->status != BLOCK_OK &&
        (result->status == BLOCK_OK || hasher->failed_block < result->failed_block)) {
        result->status = hasher->status;
        result->failed_block = hasher->failed_block;
    }
    (void)!weft_queue_send(&pipeline->reports, result); /* main waits for it */
}

static void *hasher_main(void *argument)
{
    struct pipeline *pipeline = argument;
    struct hasher hasher;
    struct block *block;
    while (weft_queue_receive(&pipeline->ordered, &block) == 0) {
        bool is_end = block->is_end;
        hasher_add(&hasher, block);
        block_delete(pipeline, block);
        if (is_end)
            hasher_report(pipeline, &hasher);
    }
    return NULL;
}

/* ---- the whole ---- */

int pipeline_run(struct pipeline *pipeline, int effort, struct pass_result *result)
{
    assert(effort >= LZ_EFFORT_MIN && effort <= LZ_EFFORT_MAX);
    int error = weft_queue_send(&pipeline->orders, &effort);
    if (error == 0)
        error = weft_queue_receive(&pipeline->reports, result);
    return error;
}

#define QUEUE_INIT(queue, storage)                                                                 \
    weft_queue_init(queue, storage, sizeof(storage)[0], sizeof(storage) / sizeof(storage)[0])

static int pipeline_init_objects(struct pipeline *pipeline)
{
    int error = weft_mutex_init(&pipeline->meter_lock, WEFT_MUTEX_NORMAL);
    if (error == 0)
        error = QUEUE_INIT(&pipeline->orders, pipeline->orders_storage);
    if (error == 0)
        error = QUEUE_INIT(&pipeline->credits, pipeline->credits_storage);
    if (error == 0)
        error = QUEUE_INIT(&pipeline->work, pipeline->work_storage);
    if (error == 0)
        error = QUEUE_INIT(&pipeline->finished, pipeline->finished_storage);
    if (error == 0)
        error = QUEUE_INIT(&pipeline->ordered, pipeline->ordered_storage);
    if (error == 0)
        error = QUEUE_INIT(&pipeline->reports, pipeline->reports_storage);
    for (int i = 0; i < PIPELINE_WINDOW && error == 0; i++)
        error = weft_queue_send(&pipeline->credits, &(unsigned char){1});
    return error;
}

static int pipeline_spawn(struct weft_thread **thread, const char *name, int priority,
                          size_t stack_bytes, void *(*entry)(void *), void *argument)
{
    struct weft_thread_attr attr = WEFT_THREAD_ATTR_DEFAULT;
    attr.name = name;
    attr.priority = priority;
    attr.stack_bytes = stack_bytes;
    int error = weft_thread_spawn(thread, &attr, entry, argument);
    if (error != 0)
        *thread = NULL;
    return error;
}

static int pipeline_spawn_worker(struct pipeline *pipeline, size_t number)
{
    static const char *const names[PIPELINE_WORKERS] = {"worker 0", "worker 1", "worker 2"};
    struct worker *worker = &pipeline->workers[number];
    worker->pipeline = pipeline;
    worker->number = number;
    worker->workspace = lz_workspace_new(PIPELINE_BLOCK_BYTES);
    if (worker->workspace == NULL)
        return WEFT_ENOMEM;
    return pipeline_spawn(&worker->thread, names[number], FRONT_PRIORITY, WORKER_STACK_BYTES,
                          worker_main, worker);
}

static int pipeline_spawn_all(struct pipeline *pipeline)
{
    int error = pipeline_spawn(&pipeline->reader, "reader", FRONT_PRIORITY, READER_STACK_BYTES,
                               reader_main, pipeline);
    for (size_t i = 0; i < PIPELINE_WORKERS && error == 0; i++)
        error = pipeline_spawn_worker(pipeline, i);
    if (error == 0)
        error = pipeline_spawn(&pipeline->collector, "collector", BACK_PRIORITY,
                               COLLECTOR_STACK_BYTES, collector_main, pipeline);
    if (error == 0)
        error = pipeline_spawn(&pipeline->hasher, "hasher", BACK_PRIORITY, HASHER_STACK_BYTES,
                               hasher_main, pipeline);
    return error;
}

int pipeline_new(struct pipeline **made, const void *input, size_t bytes)
{
    assert(input != NULL);
    *made = NULL;
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL)
        return WEFT_ENOMEM;
    pipeline->input = input;
    pipeline->input_bytes = bytes;

    int error = pipeline_init_objects(pipeline);
    if (error != 0) {
        free(pipeline);
        return error;
    }
    error = pipeline_spawn_all(pipeline);
    if (error != 0) {
        pipeline_delete(pipeline);
        return error;
    }
    *made = pipeline;
    return 0;
}

/* A thread that was never spawned is NULL. */
static void pipeline_join(struct weft_thread *thread)
{
    if (thread == NULL)
        return;
    int error = weft_thread_join(thread, NULL);
    assert(error == 0);
    (void)error;
}

void pipeline_delete(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    weft_queue_close(&pipeline->orders);
    weft_queue_close(&pipeline->credits);
    pipeline_join(pipeline->reader);
    weft_queue_close(&pipeline->work);
    for (size_t i = 0; i < PIPELINE_WORKERS; i++)
        pipeline_join(pipeline->workers[i].thread);
    weft_queue_close(&pipeline->finished);
    pipeline_join(pipeline->collector);
    weft_queue_close(&pipeline->ordered);
    pipeline_join(pipeline->hasher);

    assert(pipeline->meter.blocks_alive == 0);
    for (size_t i = 0; i < PIPELINE_WORKERS; i++)
        lz_workspace_delete(pipeline->workers[i].workspace);
    free(pipeline);
}
