/* SPDX-License-Identifier: MIT */
/*
 * The log's stacks with names instead of addresses: what the table, the folded text and the flame
 * graph show. Stacks that differ only in thread, core or address within a line become one. Ticks
 * without a thread's stack are rooted at a pseudo function that says what the core was doing.
 */
#ifndef TOOLS_WEFT_STACKS_H
#define TOOLS_WEFT_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "prof/log_format.h"
#include "tools/weft/log_reader.h"
#include "tools/weft/map.h"
#include "tools/weft/symbols.h"

struct named_stack {
    uint64_t count;
    size_t depth;
    const char *const *functions; /* interned; outermost first */
};

struct stacks {
    struct map keys;  /* arrays of interned names */
    uint64_t *counts; /* one per key */
    size_t counts_capacity;
    uint64_t total;
};

/* Outermost pseudo function of a stack; NULL when its own outermost frame is the root. */
const char *stacks_root(const struct log_stack *stack);

/* The pseudo function that a loss is attributed to, under _System; NULL when it is no loss. */
const char *stacks_loss(const struct log_stack *stack);

/* The innermost pseudo function of a blocked thread's stack, "_Blocked: mutex"; NULL when it ran.
 */
const char *stacks_blocked(const struct log_stack *stack, const struct log_reader *reader,
                           struct symbols *symbols);

/* A word for enum log_reason, as the "truncated" label says it. */
const char *stacks_reason(uint8_t reason);
const char *stacks_context(uint8_t context);

void stacks_build(struct stacks *stacks, const struct log_reader *reader, struct symbols *symbols);
void stacks_free(struct stacks *stacks);
struct named_stack stacks_get(const struct stacks *stacks, size_t number);

#endif
