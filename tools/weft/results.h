/* SPDX-License-Identifier: MIT */
/* What comes out of a captured profile: the files in DIR, the table on stdout, or one sentence of
 * complaint. */
#ifndef TOOLS_WEFT_RESULTS_H
#define TOOLS_WEFT_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/weft/capture.h"
#include "tools/weft/out_dir.h"

enum results_verdict {
    RESULTS_NONE,    /* no sample log at all */
    RESULTS_WHOLE,   /* all of it, and every total is exact */
    RESULTS_DAMAGED, /* something is missing */
    RESULTS_REFUSED, /* it is not this image's log */
};

struct results_request {
    const struct capture *capture;
    struct symbols *symbols;
    const char *source; /* the log's name in complaints */
    int64_t time_ns;    /* when the profile was taken, since 1970 */
    bool is_partial;    /* write what is left of a damaged log, too */
    bool is_json;
};

/* Every file that results_write() may make; for removing the previous run's. */
#define RESULTS_FILES                                                                              \
    "cpu.pb.gz", "flame.svg", "folded.txt", "summary.txt", "creation.pb.gz", "contention.pb.gz",   \
        "interrupts.pb.gz", "threads.pb.gz", "allocations.pb.gz"

enum results_verdict results_verdict(const struct capture *capture);

/* One sentence about a log that is not whole. */
void results_complain(struct buffer *sentence, const struct results_request *request);

/*
 * Adds the profile's files to `out` (not for a refused or empty log; for a damaged one only when
 * asked for), and appends what is to be printed. False with an error when a file cannot be written.
 */
bool results_write(const struct results_request *request, struct out_dir *out,
                   struct buffer *printed, struct buffer *error);

#endif
