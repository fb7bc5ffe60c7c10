/* SPDX-License-Identifier: MIT */
/*
 * The demo: a text goes through a pipeline of threads (pipeline.c) once for each pass, while the
 * profiler looks at it. Then the program prints what it found, and weft what it knows about itself.
 *
 * The lines that begin with "demo: " and come before the scavenger's are for scripts; their form is
 * fixed. Everything else is for people.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/dump.h>
#include <weft/error.h>
#include <weft/heap.h>
#include <weft/input.h>
#include <weft/profile.h>
#include <weft/time.h>

#include "lz.h"
#include "pipeline.h"
#include "text.h"

enum {
    EXIT_FAILED = 1, /* the work failed */
    EXIT_USAGE = 2,  /* what we were given is unusable */

    EFFORTS = LZ_EFFORT_MAX - LZ_EFFORT_MIN + 1,
};

struct options {
    unsigned long passes;
    unsigned long rate_hz;
    unsigned long status;
};

/* What the passes have in common, and the best of them. */
struct summary {
    struct pass_result first;
    struct pass_result best; /* the fewest packed bytes; of equals, the lowest effort */
};

/* ---- options ---- */

static bool option_number(const char *text, unsigned long least, unsigned long most,
                          unsigned long *number)
{
    char *end;
    if (*text < '0' || *text > '9') /* strtoul would take blanks and signs */
        return false;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value < least || value > most)
        return false;
    *number = value;
    return true;
}

static bool option_parse(struct options *options, const char *argument)
{
    const struct {
        const char *name;
        unsigned long least, most;
        unsigned long *number;
    } known[] = {
        {"passes=", 1, 100000, &options->passes},
        {"rate=", 10, 20000, &options->rate_hz},
        {"status=", 0, 255, &options->status},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t length = strlen(known[i].name);
        if (strncmp(argument, known[i].name, length) != 0)
            continue;
        if (option_number(argument + length, known[i].least, known[i].most, known[i].number))
            return true;
        fprintf(stderr, "demo: option \"%s\" wants a number from %lu to %lu.\n", argument,
                known[i].least, known[i].most);
        return false;
    }
    fprintf(stderr, "demo: unknown option \"%s\" (known: passes=N rate=HZ status=N).\n", argument);
    return false;
}

static bool options_parse(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!option_parse(options, argv[i]))
            return false;
    }
    return true;
}

/* ---- passes ---- */

static bool pass_is_whole(const struct pass_result *pass)
{
    if (pass->status == BLOCK_NO_MEMORY)
        printf("demo: out of memory at block %zu\n", pass->failed_block);
    else if (pass->status == BLOCK_MISMATCH)
        printf("demo: round trip FAILED at block %zu\n", pass->failed_block);
    return pass->status == BLOCK_OK;
}

/* The effort may change the packed size and nothing else. */
static bool pass_agrees(const struct pass_result *pass, const struct pass_result *first)
{
    bool agrees = memcmp(pass->digest, first->digest, sizeof pass->digest) == 0 &&
                  pass->count.lines == first->count.lines &&
                  pass->count.words == first->count.words &&
                  pass->count.bytes == first->count.bytes;
    if (!agrees)
        printf("demo: a pass at effort %d disagrees with the first pass\n", pass->effort);
    return agrees;
}

static bool pass_better(const struct pass_result *pass, const struct pass_result *best)
{
    if (pass->packed_bytes != best->packed_bytes)
        return pass->packed_bytes < best->packed_bytes;
    return pass->effort < best->effort;
}

static void pass_print(const struct pass_result *pass, uint64_t duration_ns)
{
    double share = pass->count.bytes == 0
                       ? 0.0
                       : 100.0 * (double)pass->packed_bytes / (double)pass->count.bytes;
    printf("  %6d  %10zu bytes  %6.2f %%  %9.3f ms\n", pass->effort, pass->packed_bytes, share,
           (double)duration_ns / 1e6);
}

static bool pass_do(struct pipeline *pipeline, unsigned long number, struct summary *summary)
{
    struct pass_result pass;
    int effort = LZ_EFFORT_MIN + (int)(number % EFFORTS);
    uint64_t start_ns = weft_time_ns();
    int error = pipeline_run(pipeline, effort, &pass);
    if (error != 0) {
        printf("demo: the pipeline stopped: %s\n", weft_error_name(error));
        return false;
    }
    uint64_t duration_ns = weft_time_ns() - start_ns;

    if (number == 0)
        summary->first = summary->best = pass;
    if (!pass_is_whole(&pass) || !pass_agrees(&pass, &summary->first))
        return false;
    if (pass_better(&pass, &summary->best))
        summary->best = pass;
    if (number < EFFORTS) /* the later rounds would print the same sizes again */
        pass_print(&pass, duration_ns);
    return true;
}

static bool passes_do(struct pipeline *pipeline, const struct options *options,
                      struct summary *summary)
{
    printf("  effort      packed size     share         time\n");
    for (unsigned long number = 0; number < options->passes; number++) {
        if (!pass_do(pipeline, number, summary))
            return false;
    }
    return true;
}

/* ---- the report ---- */

static void report_meter(struct pipeline *pipeline)
{
    struct pipeline_meter meter;
    pipeline_read_meter(pipeline, &meter);
    printf("  blocks by worker:");
    for (int i = 0; i < PIPELINE_WORKERS; i++)
        printf(" %zu", meter.blocks_by_worker[i]);
    printf("; at most %zu alive at a time\n", meter.blocks_alive_most);
}

static void report_results(const struct summary *summary)
{
    const struct text_count *count = &summary->best.count;
    char hex[2 * SHA256_DIGEST_BYTES + 1];
    sha256_hex(summary->best.digest, hex);
    printf("demo: sha256=%s\n", hex);
    printf("demo: lines=%zu words=%zu bytes=%zu\n", count->lines, count->words, count->bytes);
    printf("demo: compressed=%zu effort=%d\n", summary->best.packed_bytes, summary->best.effort);
    printf("demo: round trip ok\n");
}

/* Called while the pipeline's threads wait in their queues: the dump shows them there. */
static bool report_weft(void)
{
    fflush(stdout); /* weft prints past stdio */
    weft_heap_trace();
    weft_threads_dump();
    int error = weft_profile_send();
    if (error != 0)
        printf("demo: the profile was not sent: %s\n", weft_error_name(error));
    return error == 0;
}

/* ---- main ---- */

static bool demo_profiled_passes(struct pipeline *pipeline, const struct options *options,
                                 struct summary *summary)
{
    int error = weft_profile_start((uint32_t)options->rate_hz);
    if (error != 0) {
        printf("demo: the profiler did not start: %s\n", weft_error_name(error));
        return false;
    }
    bool done = passes_do(pipeline, options, summary);
    error = weft_profile_stop();
    if (error != 0)
        printf("demo: the profiler did not stop: %s\n", weft_error_name(error));
    return done && error == 0;
}

static int demo_run(struct pipeline *pipeline, const struct options *options)
{
    static struct summary summary;
    bool done = demo_profiled_passes(pipeline, options, &summary);
    report_meter(pipeline);
    if (done)
        report_results(&summary);
    bool reported = report_weft(); /* after a failure too: that is when one wants to see it */
    return done && reported ? (int)options->status : EXIT_FAILED;
}

int main(int argc, char **argv)
{
    /* Two rounds of all efforts: 290 million MIPS instructions for a text of 35 KB. */
    struct options options = {.passes = 2 * EFFORTS, .rate_hz = 1000, .status = 0};
    if (!options_parse(&options, argc, argv))
        return EXIT_USAGE;

    size_t bytes;
    const void *input = weft_input(&bytes);
    if (input == NULL) {
        /* Said aloud, because the results are then not those of anybody's file. */
        printf("demo: no file was handed over (RAM disk, or make image INPUT=...): using the "
               "built-in text\n");
        input = demo_text;
        bytes = demo_text_bytes;
    }
    printf("weft demo: %zu bytes of input, %lu passes, profiled at %lu Hz\n", bytes, options.passes,
           options.rate_hz);

    struct pipeline *pipeline;
    int error = pipeline_new(&pipeline, input, bytes);
    if (error != 0) {
        printf("demo: the pipeline could not be made: %s\n", weft_error_name(error));
        return EXIT_FAILED;
    }
    int status = demo_run(pipeline, &options);
    pipeline_delete(pipeline);
    return status;
}
