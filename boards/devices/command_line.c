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

uint64_t command_line_number(const char *text)
{
    bool hexadecimal = text[0] == '0' && (text[1] | 32) == 'x';
    unsigned base = hexadecimal ? 16 : 10, digit;
    uint64_t number = 0;

    for (text += hexadecimal ? 2 : 0;; text++, number = number * base + digit) {
        digit = (unsigned)(*text - '0');
        if (digit > 9 && hexadecimal)
            digit = (unsigned)((*text | 32) - 'a') < 6 ? (unsigned)((*text | 32) - 'a') + 10 : 16;
        if (digit >= base)
            return number;
    }
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
