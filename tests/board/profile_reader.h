/* SPDX-License-Identifier: MIT */
/* A run's sample log, read by the host tool's own reader, for tests that look at single stacks. */
#ifndef TESTS_BOARD_PROFILE_READER_H
#define TESTS_BOARD_PROFILE_READER_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "prof/log_format.h"
#include "tests/board/harness.h"
#include "tools/weft/capture.h"
#include "tools/weft/image.h"
#include "tools/weft/ram_image.h"
#include "tools/weft/symbols.h"

struct profile {
    struct symbols *symbols;
    struct capture *capture;
};

static inline void profile_ignore_text(void *context, const char *line, size_t length)
{
    (void)context, (void)line, (void)length;
}

/* Of the image `image` in configuration `config`; fails the test unless the log is whole. With
 * `is_memory` the file is an image of memory. */
static inline struct profile profile_read(const char *image, const char *config, const char *file,
                                          bool is_memory)
{
    struct profile profile;
    struct buffer error = {0}, all = {0};
    static uint8_t bytes[65536];
    char path[300];
    FILE *stream;
    size_t got;

    board_image_path(path, sizeof path, image, config);
    profile.symbols = symbols_open(path, &error);
    cr_assert_not_null(profile.symbols, "%s", buffer_text(&error));
    profile.capture = capture_open(profile.symbols, profile_ignore_text, NULL);
    stream = fopen(file, "rb");
    cr_assert_not_null(stream, "%s", file);
    while ((got = fread(bytes, 1, sizeof bytes, stream)) > 0) {
        if (is_memory)
            buffer_append(&all, (const char *)bytes, got);
        else
            capture_feed(profile.capture, bytes, got);
    }
    fclose(stream);
    if (is_memory)
        ram_image_read(&profile.capture->reader, (const uint8_t *)all.data, all.length);
    buffer_free(&all);
    capture_finish(profile.capture);
    cr_assert(log_reader_complete(&profile.capture->reader), "the log is not whole: %s %s",
              buffer_text(&profile.capture->reader.problems),
              buffer_text(&profile.capture->reader.refusal));
    return profile;
}

static inline struct profile profile_of(const struct board_run *run, const char *image,
                                        const char *config)
{
    char path[300];

    snprintf(path, sizeof path, "%s/serial.raw", run->folder);
    return profile_read(image, config, path, false);
}

static inline void profile_close(struct profile *profile)
{
    capture_close(profile->capture);
    symbols_close(profile->symbols);
}

static inline const struct log_reader *profile_log(const struct profile *profile)
{
    return &profile->capture->reader;
}

/* Is a function of this name on the stack? Inlined ones count. */
static inline bool profile_has(const struct profile *profile, const struct log_stack *stack,
                               const char *function)
{
    for (uint32_t i = 0; i < stack->depth; i++) {
        const struct location *location = symbols_find(profile->symbols, stack->pcs[i]);

        for (size_t level = 0; level < location->count; level++)
            if (strcmp(location->frames[level].function, function) == 0)
                return true;
    }
    return false;
}

/* Ticks of stacks with this function (NULL: any) in this context (-1: any). */
static inline uint64_t profile_ticks(const struct profile *profile, const char *function,
                                     int context)
{
    const struct log_reader *log = profile_log(profile);
    uint64_t ticks = 0;

    for (size_t i = 0; i < log_reader_stack_count(log); i++) {
        struct log_stack stack = log_reader_stack(log, i);

        if (!stack.lost && (context < 0 || stack.context == context) &&
            (function == NULL || profile_has(profile, &stack, function)))
            ticks += stack.count;
    }
    return ticks;
}

#endif
