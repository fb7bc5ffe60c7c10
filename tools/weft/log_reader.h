/* SPDX-License-Identifier: MIT */
/*
 * Reads records (prof/log_format.h) into a profile: per core the totals, over all cores the
 * distinct stacks with their counts. It believes nothing: every length is checked, every sequence
 * number is followed, every total compared. What is wrong becomes a clause of one sentence, with
 * the offset where it was seen; a log with any such clause is not complete.
 *
 * One log may hold several profiles after one another (start, stop, start): each has its header and
 * end per core and must add up by itself; the reader sums them.
 */
#ifndef TOOLS_WEFT_LOG_READER_H
#define TOOLS_WEFT_LOG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/weft/buffer.h"
#include "tools/weft/map.h"

#define LOG_CORES_MAX 256 /* the record's core is one byte */

/* What the log must agree with: the image that is said to have run. */
struct log_image {
    const char *path;
    bool big_endian;
    uint32_t word_bytes;
    const uint8_t *build_id;
    size_t build_id_bytes;
};

struct log_totals {
    uint64_t ticks, recorded, lost_atomic64, lost_full, lost_nolock, suppressed, waited,
        waited_lost;
};

struct log_core {
    bool seen;
    bool open;       /* between LOG_HEADER and LOG_END */
    bool headerless; /* the lack of a header was already reported */
    unsigned headers;
    uint16_t sequence; /* of the last record */
    bool gap_allowed;  /* the last record was the header of a log that keeps the newest */
    uint32_t recorded; /* since LOG_HEADER, modulo 2^32 as the target counts */
    uint32_t lost_atomic64, lost_nolock, waited;
    uint64_t rate_millihertz; /* the present one */
    uint64_t first_rate_millihertz;
    uint64_t duration_ns; /* of all profiles in the log */
    uint64_t text_start, text_end;
    struct log_totals totals;
};

/* A distinct stack. `lost` is set for LOG_LOST: `reason` says for what, and there are no pcs. */
struct log_stack {
    uint8_t core, context, reason;
    bool lost;
    uint8_t on, wait;
    uint16_t labels;
    uint32_t thread;
    uint64_t rate_millihertz; /* at which it was sampled */
    uint32_t depth;
    const uint64_t *pcs; /* innermost first */
    uint64_t count;
};

struct log_reader {
    const struct log_image *image;
    uint64_t records; /* whose check was right */
    unsigned problem_count;
    struct buffer problems; /* the first few, as clauses separated by "; " */
    struct buffer refusal;  /* not empty: this log is another image's; one clause */
    uint32_t cores_expected;
    struct log_core cores[LOG_CORES_MAX];
    struct map stacks; /* keys: log_reader.c's struct stack_key */
    uint64_t *counts;  /* one per stack */
    size_t counts_capacity;
    struct map threads; /* keys: uint32_t thread ids */
    char **names;       /* one per thread id */
    size_t names_capacity;
    char *waits[256];         /* names of reasons for waiting */
    struct map label_numbers; /* keys: uint32_t */
    struct log_reader_label *labels;
    size_t labels_capacity;
    uint32_t flags; /* enum log_flag, of all headers */
};

struct log_reader_label {
    uint32_t parent;
    char *key, *value;
};

void log_reader_init(struct log_reader *reader, const struct log_image *image);
void log_reader_free(struct log_reader *reader);

/* One record as it came out of its frame. */
void log_reader_record(struct log_reader *reader, const uint8_t *record, size_t length,
                       uint64_t offset);

/* What a reader of memory finds outside of records. */
void log_reader_name(struct log_reader *reader, uint32_t thread, const uint8_t *name, size_t bytes);
void log_reader_label(struct log_reader *reader, uint32_t label, uint32_t parent,
                      const uint8_t *key, size_t key_bytes, const uint8_t *value,
                      size_t value_bytes);

/* The totals of a core whose profile still ran; what is counted there and not in the log yet is
 * added. */
struct log_end;
void log_reader_live(struct log_reader *reader, unsigned core, const struct log_end *live,
                     uint64_t offset);

/* Something was lost before it could become a record. */
void log_reader_damage(struct log_reader *reader, uint64_t offset, const char *what);

/* The log has ended: what is still missing? */
void log_reader_finish(struct log_reader *reader);

/* True when the log is one whole: right image, nothing missing, all totals exact. */
bool log_reader_complete(const struct log_reader *reader);

size_t log_reader_stack_count(const struct log_reader *reader);
struct log_stack log_reader_stack(const struct log_reader *reader, size_t number);

/* The thread's name, or NULL when the log does not say. */
const char *log_reader_thread_name(const struct log_reader *reader, uint32_t thread);

/* The label, or NULL; then its parent's, and so on. */
const struct log_reader_label *log_reader_label_find(const struct log_reader *reader,
                                                     uint32_t label);

/* What a blocked thread waited for: "mutex", or a number when the log does not say. */
const char *log_reader_wait_name(const struct log_reader *reader, uint8_t wait);

struct log_totals log_reader_totals(const struct log_reader *reader);
unsigned log_reader_core_count(const struct log_reader *reader);
uint64_t log_reader_duration_ns(const struct log_reader *reader);     /* the longest core's */
uint64_t log_reader_rate_millihertz(const struct log_reader *reader); /* the first core's */

#endif
