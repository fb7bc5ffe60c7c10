/* SPDX-License-Identifier: MIT */
/* Profiles by place (prof/sites.c): read from their records, one of each kind at most; a later one
 * of a kind replaces an earlier one. */
#ifndef TOOLS_WEFT_SITE_PROFILES_H
#define TOOLS_WEFT_SITE_PROFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prof/log_format.h"
#include "tools/weft/buffer.h"
#include "tools/weft/log_reader.h"

#define SITE_PROFILES 5
#define SITE_VALUES LOG_SITE_VALUES

struct site_entry {
    uint64_t value[SITE_VALUES];
    char *tag;
    size_t depth;
    uint64_t *pcs; /* innermost first */
};

struct site_profile {
    bool seen, complete;
    uint16_t sequence; /* of the last record */
    unsigned values;   /* 1 .. SITE_VALUES */
    uint64_t period;   /* one of so many units of the last value was recorded */
    char *type[SITE_VALUES], *unit[SITE_VALUES];
    struct site_entry *entries;
    size_t count, capacity;
};

struct site_profiles {
    const struct log_image *image;
    struct site_profile profile[SITE_PROFILES];
    struct buffer problems; /* clauses, separated by "; " */
};

/* "contention", and "contention.pb.gz". */
const char *site_profiles_name(unsigned number);
const char *site_profiles_file(unsigned number);

void site_profiles_init(struct site_profiles *profiles, const struct log_image *image);
void site_profiles_free(struct site_profiles *profiles);

/* Is it one of theirs? Otherwise it is the sample log's. */
bool site_profiles_is_record(const uint8_t *record, size_t length);
void site_profiles_record(struct site_profiles *profiles, const uint8_t *record, size_t length,
                          uint64_t offset);

/* The stream has ended. */
void site_profiles_finish(struct site_profiles *profiles);

/* Are there any? */
bool site_profiles_any(const struct site_profiles *profiles);

#endif
