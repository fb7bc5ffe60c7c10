/* SPDX-License-Identifier: MIT */
/* Any text as a console with dumps of threads: what weft dump finds is JSON with all its brackets.
 */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tools/weft/thread_text.h"

static void check_json(const char *json)
{
    int depth = 0;
    bool in_string = false;

    for (; *json != '\0'; json++) {
        if (in_string && *json == '\\')
            json++;
        else if (*json == '"')
            in_string = !in_string;
        else if (!in_string)
            depth += (*json == '{' || *json == '[') - (*json == '}' || *json == ']');
    }
    if (depth != 0 || in_string)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct thread_text text = {0};
    size_t half = size / 2;

    thread_text_feed(&text, (const char *)bytes, half);
    thread_text_feed(&text, (const char *)bytes + half, size - half);
    (void)thread_text_finish(&text);
    check_json(buffer_text(&text.json));
    thread_text_free(&text);
    return 0;
}
