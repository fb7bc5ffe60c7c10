/* SPDX-License-Identifier: MIT */
/* The little JSON the tool writes (--json) and reads (QEMU's QMP answers). */
#ifndef TOOLS_WEFT_JSON_H
#define TOOLS_WEFT_JSON_H

#include <stdbool.h>

#include "tools/weft/buffer.h"

/* Appends `text` as a JSON string, quotes included; bytes that are not ASCII become '?'. */
void json_string(struct buffer *json, const char *text);

/* The value of a member of the object in `text`: its first character; or NULL. */
const char *json_member(const char *text, const char *name);

/* Appends the decoded JSON string that starts at `value`; false when there is none. */
bool json_decode_string(struct buffer *decoded, const char *value);

#endif
