/* SPDX-License-Identifier: MIT */
#include "tools/weft/stacks.h"

#include <stdlib.h>

#include "tools/weft/buffer.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const char *stacks_root(const struct log_stack *stack)
{
    static const char *const roots[] = {
        [CONTEXT_IDLE] = "_Idle",           [CONTEXT_SYSTEM] = "_System",
        [CONTEXT_INTERRUPT] = "_Interrupt", [CONTEXT_COLLECTOR] = "_Collector",
        [CONTEXT_FOREIGN] = "_ForeignCode",
    };

    if (stack->context < COUNT_OF(roots) && roots[stack->context] != NULL)
        return roots[stack->context];
    return stack->depth == 0 ? "_System" : NULL;
}

const char *stacks_loss(const struct log_stack *stack)
{
    if (!stack->lost)
        return NULL;
    if (stack->reason == REASON_ATOMIC64)
        return "_LostSampleDuringAtomic64";
    return stack->reason == REASON_NO_LOCK ? "_LostSampleNoLock" : "_LostSample";
}

const char *stacks_blocked(const struct log_stack *stack, const struct log_reader *reader,
                           struct symbols *symbols)
{
    struct buffer name = {0};
    const char *interned;

    if (stack->context != CONTEXT_BLOCKED)
        return NULL;
    buffer_printf(&name, "_Blocked: %s", log_reader_wait_name(reader, stack->wait));
    interned = symbols_intern(symbols, buffer_text(&name));
    buffer_free(&name);
    return interned;
}

const char *stacks_reason(uint8_t reason)
{
    static const char *const names[] = {
        [REASON_FULL] = "full",           [REASON_BOUNDS] = "bounds",
        [REASON_NO_INFO] = "no info",     [REASON_DEPTH] = "depth",
        [REASON_NO_LOCK] = "no lock",     [REASON_SWITCHING] = "switching",
        [REASON_ATOMIC64] = "atomic64",   [REASON_LEAF] = "leaf",
        [REASON_NO_ANSWER] = "no answer",
    };

    return reason < COUNT_OF(names) ? names[reason] : "unknown";
}

const char *stacks_context(uint8_t context)
{
    static const char *const names[] = {
        [CONTEXT_THREAD] = "thread",       [CONTEXT_IDLE] = "idle",
        [CONTEXT_SYSTEM] = "system",       [CONTEXT_INTERRUPT] = "interrupt",
        [CONTEXT_COLLECTOR] = "collector", [CONTEXT_FOREIGN] = "foreign",
        [CONTEXT_BLOCKED] = "blocked",
    };

    return context < COUNT_OF(names) ? names[context] : "unknown";
}

/* A list of names under construction, outermost first. */
struct name_list {
    const char **names;
    size_t count, capacity;
};

static void name_list_add(struct name_list *list, const char *name)
{
    list->names = array_reserve(list->names, &list->capacity, list->count + 1, sizeof *list->names);
    list->names[list->count++] = name;
}

static void name_list_fill(struct name_list *list, const struct log_stack *stack,
                           const struct log_reader *reader, struct symbols *symbols)
{
    const char *root = stacks_root(stack), *loss = stacks_loss(stack);
    const char *blocked = stacks_blocked(stack, reader, symbols);

    list->count = 0;
    if (root != NULL)
        name_list_add(list, symbols_intern(symbols, root));
    for (size_t i = stack->depth; i > 0; i--) {
        const struct location *location = symbols_find(symbols, stack->pcs[i - 1]);

        for (size_t level = location->count; level > 0; level--)
            name_list_add(list, location->frames[level - 1].function);
    }
    if (blocked != NULL)
        name_list_add(list, blocked);
    if (loss != NULL)
        name_list_add(list, symbols_intern(symbols, loss));
}

void stacks_build(struct stacks *stacks, const struct log_reader *reader, struct symbols *symbols)
{
    struct name_list list = {0};

    *stacks = (struct stacks){0};
    for (size_t i = 0; i < log_reader_stack_count(reader); i++) {
        struct log_stack stack = log_reader_stack(reader, i);
        size_t number;
        bool is_new;

        name_list_fill(&list, &stack, reader, symbols);
        number = map_number(&stacks->keys, list.names, list.count * sizeof list.names[0], &is_new);
        stacks->counts = array_reserve(stacks->counts, &stacks->counts_capacity, number + 1,
                                       sizeof stacks->counts[0]);
        stacks->counts[number] = (is_new ? 0 : stacks->counts[number]) + stack.count;
        stacks->total += stack.count;
    }
    free(list.names);
}

void stacks_free(struct stacks *stacks)
{
    map_free(&stacks->keys);
    free(stacks->counts);
    *stacks = (struct stacks){0};
}

struct named_stack stacks_get(const struct stacks *stacks, size_t number)
{
    const struct map_entry *entry = &stacks->keys.entries[number];

    return (struct named_stack){stacks->counts[number], entry->length / sizeof(const char *),
                                (const char *const *)entry->key};
}
