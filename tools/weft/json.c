/* SPDX-License-Identifier: MIT */
#include "tools/weft/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void json_string(struct buffer *json, const char *text)
{
    buffer_byte(json, '"');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            buffer_printf(json, "\\%c", byte);
        else if (byte == '\n')
            buffer_string(json, "\\n");
        else if (byte == '\t')
            buffer_string(json, "\\t");
        else if (byte < 0x20)
            buffer_printf(json, "\\u%04x", byte);
        else
            buffer_byte(json, byte < 0x7f ? byte : '?');
    }
    buffer_byte(json, '"');
}

static const char *json_blank(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Behind the string that starts at `at`; NULL when it does not end. */
static const char *json_skip_string(const char *at)
{
    for (at++; *at != '"'; at++)
        if (*at == '\0' || (*at == '\\' && *++at == '\0'))
            return NULL;
    return at + 1;
}

/* Behind the value that starts at `at`, by counting brackets; NULL when it does not end. */
static const char *json_skip_value(const char *at)
{
    int depth = 0;

    for (;;) {
        if (*at == '\0')
            return NULL;
        if (depth == 0 && (*at == ',' || *at == '}' || *at == ']'))
            return at;
        if (*at == '"') {
            at = json_skip_string(at);
            if (at == NULL)
                return NULL;
            continue;
        }
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        at++;
    }
}

const char *json_member(const char *text, const char *name)
{
    size_t length = strlen(name);
    const char *at = json_blank(text);

    if (*at != '{')
        return NULL;
    do {
        const char *key = json_blank(at + 1), *end;

        if (*key != '"' || (end = json_skip_string(key)) == NULL)
            return NULL;
        at = json_blank(end);
        if (*at != ':')
            return NULL;
        at = json_blank(at + 1);
        if ((size_t)(end - key) == length + 2 && memcmp(key + 1, name, length) == 0)
            return at;
        at = json_skip_value(at);
    } while (at != NULL && *at == ',');
    return NULL;
}

static int json_escape(const char **at)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *found = strchr(from, **at);
    char digits[5] = "";

    if (**at == 'u') {
        for (int i = 0; i < 4; i++) {
            if (!isxdigit((unsigned char)(*at)[1]))
                return -1;
            digits[i] = *++*at;
        }
        unsigned long value = strtoul(digits, NULL, 16);
        return value < 0x80 ? (int)value : '?';
    }
    return found != NULL && *found != '\0' ? to[found - from] : (unsigned char)**at;
}

bool json_decode_string(struct buffer *decoded, const char *value)
{
    if (*value != '"')
        return false;
    for (value++; *value != '"'; value++) {
        int byte = (unsigned char)*value;

        if (byte == '\\') {
            value++;
            byte = *value == '\0' ? -1 : json_escape(&value);
        }
        if (byte <= 0)
            return false;
        buffer_byte(decoded, byte);
    }
    return true;
}
