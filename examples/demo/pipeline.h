/* SPDX-License-Identifier: MIT */
/* The demo's threads and what flows between them. pipeline.c describes both. */
#ifndef DEMO_PIPELINE_H
#define DEMO_PIPELINE_H

#include <stddef.h>

#include <weft/error.h>

#include "sha256.h"
#include "text_count.h"

enum {
    PIPELINE_BLOCK_BYTES = 4096,
    PIPELINE_WORKERS = 3,
    PIPELINE_WINDOW = 16, /* most blocks between the reader and the collector */
};

enum block_status {
    BLOCK_OK,
    BLOCK_NO_MEMORY, /* malloc returned NULL */
    BLOCK_MISMATCH,  /* what was unpacked is not what was packed, or did not arrive intact */
};

/* What one pass over the whole input found. */
struct pass_result {
    int effort;
    enum block_status status; /* of the first block, in the file's order, that is not BLOCK_OK */
    size_t failed_block;      /* its number, from 0 */
    size_t packed_bytes;
    struct text_count count;
    unsigned char digest[SHA256_DIGEST_BYTES]; /* of the unpacked blocks in the file's order */
};

/* Who did how much since the start. */
struct pipeline_meter {
    size_t blocks_by_worker[PIPELINE_WORKERS];
    size_t blocks_alive;
    size_t blocks_alive_most;
};

struct pipeline;

/* Makes the pipeline with all its threads, which wait for a pass. `input` must stay readable until
 * pipeline_delete. Errors: WEFT_ENOMEM; others only as weft_thread_spawn and weft_queue_init give
 * them. *pipeline is NULL after an error. */
WEFT_MUST_CHECK int pipeline_new(struct pipeline **pipeline, const void *input, size_t bytes);

/* Sends the input through once, at an effort of lz.h, and waits for the result. A pass that failed
 * is no error: result->status says so. Errors: WEFT_ECLOSED, which only a bug can bring. */
WEFT_MUST_CHECK int pipeline_run(struct pipeline *pipeline, int effort, struct pass_result *result);

void pipeline_read_meter(struct pipeline *pipeline, struct pipeline_meter *meter);

/* Ends and joins every thread and frees everything. NULL is allowed. */
void pipeline_delete(struct pipeline *pipeline);

#endif
