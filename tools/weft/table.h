/* SPDX-License-Identifier: MIT */
/* Ticks per function: flat (it was running) and cumulative (it was on the stack). */
#ifndef TOOLS_WEFT_TABLE_H
#define TOOLS_WEFT_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "tools/weft/buffer.h"
#include "tools/weft/stacks.h"

struct table_row {
    const char *function;
    uint64_t flat, cumulative;
};

struct table {
    uint64_t total;
    size_t count;
    struct table_row *rows; /* the heaviest first: by flat, then cumulative, then name */
};

void table_build(struct table *table, const struct stacks *stacks);
void table_free(struct table *table);

/* The first `limit` rows as text with a heading. */
void table_print(struct buffer *text, const struct table *table, size_t limit);

/* The stacks as "outermost;...;innermost count" lines, sorted. */
void table_fold(struct buffer *text, const struct stacks *stacks);

#endif
