/* SPDX-License-Identifier: MIT */
#include "boards/devices/command_line.h"

#include <string.h>

#include "kernel/print.h"

#define COMMAND_LINE_MAX 1024

static char collected[COMMAND_LINE_MAX];

const char *command_line_value(const char *word, const char *name)
{
    size_t length = strlen(name);

    return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

bool command_line_is(const char *word, size_t length, const char *text)
{
    return strlen(text) == length && strncmp(word, text, length) == 0;
}

static void add(const char *word, size_t length)
{
    size_t used = strlen(collected);

    if (used + length + 2 > sizeof collected) {
        print_console("weft: the command line is longer than %d bytes; the rest is dropped\n",
                      COMMAND_LINE_MAX - 2);
        return;
    }
    if (used != 0)
        collected[used++] = ' ';
    memcpy(collected + used, word, length);
    collected[used + length] = '\0';
}

void command_line_take(const char *text, bool (*own)(const char *word, size_t length))
{
    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        if (length != 0 && !own(text, length))
            add(text, length);
        text += length + strspn(text + length, " ");
    }
}

const char *command_line(void)
{
    return collected;
}
