/* SPDX-License-Identifier: MIT */
#include "tools/weft/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Rows while they are collected; `stack` is the last stack that counted for `cumulative`. */
struct collection {
    struct map names;
    struct table_row *rows;
    size_t *stack;
    size_t row_capacity, stack_capacity;
};

static struct table_row *collection_row(struct collection *all, const char *name, size_t stack,
                                        bool *is_first)
{
    bool is_new;
    size_t number = map_number(&all->names, &name, sizeof name, &is_new);

    all->rows = array_reserve(all->rows, &all->row_capacity, number + 1, sizeof all->rows[0]);
    all->stack = array_reserve(all->stack, &all->stack_capacity, number + 1, sizeof all->stack[0]);
    if (is_new)
        all->rows[number] = (struct table_row){.function = name};
    *is_first = is_new || all->stack[number] != stack;
    all->stack[number] = stack;
    return &all->rows[number];
}

static void collection_add(struct collection *all, const struct named_stack *stack, size_t number)
{
    for (size_t i = 0; i < stack->depth; i++) {
        bool is_first;
        struct table_row *row = collection_row(all, stack->functions[i], number, &is_first);

        if (is_first) /* a recursive function counts once */
            row->cumulative += stack->count;
        if (i + 1 == stack->depth)
            row->flat += stack->count;
    }
}

static int table_compare(const void *left, const void *right)
{
    const struct table_row *a = left, *b = right;

    if (a->flat != b->flat)
        return a->flat > b->flat ? -1 : 1;
    if (a->cumulative != b->cumulative)
        return a->cumulative > b->cumulative ? -1 : 1;
    return strcmp(a->function, b->function);
}

void table_build(struct table *table, const struct stacks *stacks)
{
    struct collection all = {0};

    for (size_t i = 0; i < stacks->keys.count; i++) {
        struct named_stack stack = stacks_get(stacks, i);

        collection_add(&all, &stack, i);
    }
    *table = (struct table){stacks->total, all.names.count, all.rows};
    if (table->count > 0)
        qsort(table->rows, table->count, sizeof table->rows[0], table_compare);
    free(all.stack);
    map_free(&all.names);
}

void table_free(struct table *table)
{
    free(table->rows);
    *table = (struct table){0};
}

static double table_percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

void table_print(struct buffer *text, const struct table *table, size_t limit)
{
    buffer_string(text, "      flat   flat%        cum    cum%  function\n");
    for (size_t i = 0; i < table->count && i < limit; i++) {
        const struct table_row *row = &table->rows[i];

        buffer_printf(text, "%10" PRIu64 "  %5.1f%% %10" PRIu64 "  %5.1f%%  %s\n", row->flat,
                      table_percent(row->flat, table->total), row->cumulative,
                      table_percent(row->cumulative, table->total), row->function);
    }
}

static int fold_compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static char *fold_stack(const struct named_stack *stack)
{
    struct buffer line = {0};

    for (size_t i = 0; i < stack->depth; i++)
        buffer_printf(&line, "%s%s", i > 0 ? ";" : "", stack->functions[i]);
    buffer_printf(&line, " %" PRIu64 "\n", stack->count);
    return line.data;
}

void table_fold(struct buffer *text, const struct stacks *stacks)
{
    size_t count = stacks->keys.count;
    char **lines = memory_zeroed(count * sizeof lines[0]);

    for (size_t i = 0; i < count; i++) {
        struct named_stack stack = stacks_get(stacks, i);

        lines[i] = fold_stack(&stack);
    }
    qsort(lines, count, sizeof lines[0], fold_compare);
    for (size_t i = 0; i < count; i++) {
        buffer_string(text, lines[i]);
        free(lines[i]);
    }
    free(lines);
}
