/* SPDX-License-Identifier: MIT */
/* Any bytes as an image of memory behind a header record whose directory says what the input says.
 */
#include <stdlib.h>
#include <string.h>

#include "prof/log_format.h"
#include "tests/fuzz/fuzz.h"
#include "tools/weft/capture.h"
#include "tools/weft/ram_image.h"

static void ignore(void *context, const char *text, size_t length)
{
    (void)context, (void)text, (void)length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct symbols *symbols;
    struct {
        struct log_record record;
        struct log_header header;
        uint32_t id[16];
    } head = {.record = {LOG_MAGIC, LOG_HEADER, 0, 0, 0}};
    uint32_t words[sizeof head / 4 + 1];
    const struct image *image;
    struct capture *capture;
    uint8_t *memory;
    size_t length;

    if (symbols == NULL)
        symbols = fuzz_symbols();
    image = symbols_image(symbols);
    if (size < sizeof head.header.directory || image->build_id_bytes > sizeof head.id)
        return 0;
    memcpy(&head.header.directory, bytes, sizeof head.header.directory);
    head.header.version = LOG_VERSION;
    head.header.word_bytes = image->word_bytes;
    head.header.rate_millihertz_low = 1;
    head.header.cores = 1;
    head.header.build_id_bytes = (uint32_t)image->build_id_bytes;
    memcpy(head.id, image->build_id, image->build_id_bytes);
    length = sizeof head.record + sizeof head.header + ((image->build_id_bytes + 3) & ~(size_t)3);
    head.record.length = (uint16_t)(length + 4);
    memcpy(words, &head, length);
    words[length / 4] = log_check(words, length / 4);
    memory = malloc(length + 4 + size);
    memcpy(memory, words, length + 4);
    memcpy(memory + length + 4, bytes, size);
    capture = capture_open(symbols, ignore, NULL);
    ram_image_read(&capture->reader, memory, length + 4 + size);
    capture_finish(capture);
    capture_close(capture);
    free(memory);
    return 0;
}
