/* SPDX-License-Identifier: MIT */
/* Any payloads in records whose checks are right: what the log's readers make of them. Of the
 * input, each record takes a type, a core, a number of words, and the words. */
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tests/fuzz/fuzz.h"
#include "tools/weft/capture.h"
#include "tools/weft/profile_proto.h"
#include "tools/weft/stacks.h"
#include "tools/weft/table.h"

#define WORDS_MAX 96u

static void feed(struct capture *capture, const uint32_t *words, size_t length)
{
    const uint8_t *record = (const uint8_t *)words;

    if (site_profiles_is_record(record, length))
        site_profiles_record(&capture->sites, record, length, 0);
    else
        log_reader_record(&capture->reader, record, length, 0);
}

static void make_results(struct capture *capture, struct symbols *symbols)
{
    struct buffer out = {0};
    struct stacks stacks;
    struct table table;

    profile_proto_encode(&out, &capture->reader, symbols, 0, NULL);
    for (unsigned i = 0; i < SITE_PROFILES; i++)
        if (capture->sites.profile[i].complete)
            profile_proto_encode_sites(&out, &capture->sites.profile[i], symbols, 0);
    stacks_build(&stacks, &capture->reader, symbols);
    table_build(&table, &stacks);
    table_free(&table);
    stacks_free(&stacks);
    buffer_free(&out);
}

static void ignore(void *context, const char *text, size_t length)
{
    (void)context, (void)text, (void)length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct symbols *symbols;
    uint32_t words[WORDS_MAX + 3];
    uint16_t sequence = 0;
    struct capture *capture;

    if (symbols == NULL)
        symbols = fuzz_symbols();
    capture = capture_open(symbols, ignore, NULL);
    for (size_t at = 0; at + 3 <= size;) {
        size_t count = bytes[at + 2] % WORDS_MAX;
        struct log_record *record = (struct log_record *)words;

        *record = (struct log_record){LOG_MAGIC, bytes[at], bytes[at + 1],
                                      (uint16_t)(count * 4 + 12), sequence++};
        at += 3;
        if (count * 4 > size - at)
            break;
        memcpy(words + 2, bytes + at, count * 4);
        at += count * 4;
        words[count + 2] = log_check(words, count + 2);
        feed(capture, words, record->length);
    }
    capture_finish(capture);
    make_results(capture, symbols);
    capture_close(capture);
    return 0;
}
