/* SPDX-License-Identifier: MIT */
#include "tools/weft/site_profiles.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tools/weft/log_record.h"

#define TEXT_BYTES_MAX 96u
#define DEPTH_MAX 256u

const char *site_profiles_name(unsigned number)
{
    static const char *const names[SITE_PROFILES] = {"creation", "contention", "interrupts",
                                                     "threads", "allocations"};

    return number < SITE_PROFILES ? names[number] : "?";
}

const char *site_profiles_file(unsigned number)
{
    static const char *const files[SITE_PROFILES] = {"creation.pb.gz", "contention.pb.gz",
                                                     "interrupts.pb.gz", "threads.pb.gz",
                                                     "allocations.pb.gz"};

    return number < SITE_PROFILES ? files[number] : "?";
}

void site_profiles_init(struct site_profiles *profiles, const struct log_image *image)
{
    memset(profiles, 0, sizeof *profiles);
    profiles->image = image;
}

static void profile_clear(struct site_profile *profile)
{
    for (size_t i = 0; i < profile->count; i++) {
        free(profile->entries[i].tag);
        free(profile->entries[i].pcs);
    }
    for (unsigned i = 0; i < SITE_VALUES; i++) {
        free(profile->type[i]);
        free(profile->unit[i]);
    }
    free(profile->entries);
    memset(profile, 0, sizeof *profile);
}

void site_profiles_free(struct site_profiles *profiles)
{
    for (unsigned i = 0; i < SITE_PROFILES; i++)
        profile_clear(&profiles->profile[i]);
    buffer_free(&profiles->problems);
}

static void problem(struct site_profiles *profiles, unsigned number, const char *what,
                    uint64_t offset)
{
    buffer_printf(&profiles->problems, "%sthe %s profile: %s at offset %" PRIu64,
                  profiles->problems.length > 0 ? "; " : "", site_profiles_name(number), what,
                  offset);
}

static char *text_of(const uint8_t *bytes, size_t count)
{
    char *text = memory_zeroed(count + 1);

    memcpy(text, bytes, count);
    return text;
}

static size_t padded(size_t bytes)
{
    return (bytes + 3) & ~(size_t)3;
}

/* "contentions/count,delay/nanoseconds" */
static bool take_types(struct site_profile *profile, const char *types)
{
    while (types[0] != '\0') {
        unsigned i = profile->values;
        size_t type = strcspn(types, "/,"), unit;

        if (i == SITE_VALUES || types[type] != '/')
            return false;
        unit = strcspn(types + type + 1, ",");
        profile->type[i] = text_of((const uint8_t *)types, type);
        profile->unit[i] = text_of((const uint8_t *)types + type + 1, unit);
        profile->values++;
        types += type + 1 + unit;
        types += *types == ',';
    }
    return profile->values > 0;
}

static const char *take_head(struct site_profiles *profiles, unsigned number,
                             const struct log_item *record)
{
    struct site_profile *profile = &profiles->profile[number];
    const struct log_image *image = profiles->image;
    const uint8_t *text = record->payload + sizeof(struct log_sites);
    size_t name_bytes, types_bytes, id_bytes;
    bool good;
    char *types;

    profile_clear(profile);
    if (record->payload_bytes < sizeof(struct log_sites))
        return "a head that is too short";
    name_bytes = log_record_32(record, 4);
    types_bytes = log_record_32(record, 5);
    id_bytes = log_record_32(record, 6);
    if (log_record_32(record, 0) != LOG_VERSION || log_record_32(record, 1) != image->word_bytes)
        return "it is of another version or image";
    if (name_bytes > TEXT_BYTES_MAX || types_bytes > TEXT_BYTES_MAX || id_bytes > TEXT_BYTES_MAX ||
        record->payload_bytes != sizeof(struct log_sites) + padded(name_bytes) +
                                     padded(types_bytes) + padded(id_bytes) ||
        strlen(site_profiles_name(number)) != name_bytes ||
        memcmp(text, site_profiles_name(number), name_bytes) != 0)
        return "a head that contradicts itself";
    text += padded(name_bytes);
    if (id_bytes != image->build_id_bytes ||
        memcmp(text + padded(types_bytes), image->build_id, id_bytes) != 0)
        return "it is another image's";
    types = text_of(text, types_bytes);
    good = take_types(profile, types);
    free(types);
    profile->seen = good;
    profile->period = log_record_64(record, 2);
    return good ? NULL : "types that make no sense";
}

static const char *take_site(struct site_profiles *profiles, unsigned number,
                             const struct log_item *record)
{
    struct site_profile *profile = &profiles->profile[number];
    uint32_t word_bytes = profiles->image->word_bytes, depth, tag_bytes;
    struct site_entry *entry;

    if (record->payload_bytes < sizeof(struct log_site))
        return "a place that is too short";
    depth = log_record_32(record, 2 * SITE_VALUES);
    tag_bytes = log_record_32(record, 2 * SITE_VALUES + 1);
    if (depth > DEPTH_MAX || tag_bytes > TEXT_BYTES_MAX ||
        record->payload_bytes !=
            sizeof(struct log_site) + padded(depth * word_bytes) + padded(tag_bytes))
        return "a place that contradicts itself";
    profile->entries = array_reserve(profile->entries, &profile->capacity, profile->count + 1,
                                     sizeof profile->entries[0]);
    entry = &profile->entries[profile->count++];
    for (unsigned i = 0; i < SITE_VALUES; i++)
        entry->value[i] = log_record_64(record, 2 * i);
    entry->depth = depth;
    entry->pcs = memory_zeroed((depth + 1) * sizeof entry->pcs[0]);
    for (uint32_t i = 0; i < depth; i++)
        entry->pcs[i] = log_record_word(record, sizeof(struct log_site), i, word_bytes);
    entry->tag = text_of(record->payload + sizeof(struct log_site) + depth * word_bytes, tag_bytes);
    return NULL;
}

static const char *take_end(struct site_profile *profile, const struct log_item *record)
{
    if (record->payload_bytes != sizeof(struct log_sites_end) ||
        log_record_32(record, 0) != profile->count)
        return "its end counts other places than came";
    profile->complete = true;
    return NULL;
}

bool site_profiles_is_record(const uint8_t *record, size_t length)
{
    return length > 4 && record[3] >= LOG_SITES_CORE;
}

void site_profiles_record(struct site_profiles *profiles, const uint8_t *bytes, size_t length,
                          uint64_t offset)
{
    unsigned number = bytes[3] - LOG_SITES_CORE;
    struct site_profile *profile;
    struct log_item record;
    const char *wrong;

    if (!log_record_open(&record, bytes, length, offset) || number >= SITE_PROFILES) {
        problem(profiles, SITE_PROFILES, "a record whose check is wrong", offset);
        return;
    }
    profile = &profiles->profile[number];
    if (record.type == LOG_SITES)
        wrong = take_head(profiles, number, &record);
    else if (!profile->seen || profile->complete)
        wrong = "a record outside of it";
    else if (record.sequence != (uint16_t)(profile->sequence + 1))
        wrong = "records are missing";
    else if (record.type == LOG_SITE)
        wrong = take_site(profiles, number, &record);
    else if (record.type == LOG_SITES_END)
        wrong = take_end(profile, &record);
    else
        wrong = "a record of unknown type";
    if (wrong != NULL) {
        problem(profiles, number, wrong, offset);
        profile_clear(profile);
    }
    profile->sequence = record.sequence;
}

void site_profiles_finish(struct site_profiles *profiles)
{
    for (unsigned i = 0; i < SITE_PROFILES; i++)
        if (profiles->profile[i].seen && !profiles->profile[i].complete) {
            buffer_printf(&profiles->problems, "%sthe %s profile: its end is missing",
                          profiles->problems.length > 0 ? "; " : "", site_profiles_name(i));
            profile_clear(&profiles->profile[i]);
        }
}

bool site_profiles_any(const struct site_profiles *profiles)
{
    for (unsigned i = 0; i < SITE_PROFILES; i++)
        if (profiles->profile[i].complete)
            return true;
    return false;
}
