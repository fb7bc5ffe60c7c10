/* SPDX-License-Identifier: MIT */
#include "tools/weft/heap_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const run_names[RUN_KINDS] = {
    [RUN_FREE] = "free",           [RUN_RELEASED] = "released",
    [RUN_SPAN] = "small blocks",   [RUN_LARGE] = "large blocks",
    [RUN_STACK] = "stacks",        [RUN_META] = "records",
    [RUN_COLLECTED] = "collected", [RUN_COLLECTED_RAW] = "collected, pointer-free",
};

static const char *const state_names[] = {"ready", "running", "blocked", "exited"};

const char *heap_run_name(enum heap_run kind)
{
    return (unsigned)kind < RUN_KINDS ? run_names[kind] : "?";
}

static uint64_t run_living(const struct heap_run_info *run)
{
    uint64_t living = 0;

    for (uint64_t block = 0; block < run->blocks; block++)
        living += heap_block_lives(run, block);
    return living;
}

/* ---- by kind ---- */

static void report_kinds(struct buffer *text, const struct heap_dump *dump)
{
    struct {
        uint64_t runs, bytes, living, living_bytes;
    } sum[RUN_KINDS] = {0};

    for (size_t i = 0; i < dump->run_count; i++) {
        const struct heap_run_info *run = &dump->runs[i];
        uint64_t living = run_living(run);

        sum[run->kind].runs++;
        sum[run->kind].bytes += run->bytes;
        sum[run->kind].living += living;
        sum[run->kind].living_bytes += living * run->block_bytes;
    }
    buffer_printf(text, "%-24s %8s %12s %10s %12s\n", "pages", "runs", "bytes", "blocks",
                  "in blocks");
    for (unsigned kind = 0; kind < RUN_KINDS; kind++)
        if (sum[kind].runs > 0)
            buffer_printf(text, "%-24s %8" PRIu64 " %12" PRIu64 " %10" PRIu64 " %12" PRIu64 "\n",
                          run_names[kind], sum[kind].runs, sum[kind].bytes, sum[kind].living,
                          sum[kind].living_bytes);
}

/* ---- by size ---- */

struct size_row {
    uint64_t bytes, living, places;
    enum heap_run kind;
};

static int by_size(const void *left, const void *right)
{
    const struct size_row *a = left, *b = right;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return a->bytes < b->bytes ? -1 : a->bytes > b->bytes;
}

static void report_sizes(struct buffer *text, const struct heap_dump *dump)
{
    struct size_row *rows = memory_zeroed((dump->run_count + 1) * sizeof *rows);
    size_t count = 0;

    for (size_t i = 0; i < dump->run_count; i++)
        if (heap_run_has_blocks(&dump->runs[i]))
            rows[count++] = (struct size_row){dump->runs[i].block_bytes, run_living(&dump->runs[i]),
                                              dump->runs[i].blocks, dump->runs[i].kind};
    qsort(rows, count, sizeof *rows, by_size);
    buffer_printf(text, "\n%-24s %10s %10s %10s %12s\n", "blocks by size", "size", "alive",
                  "places", "bytes alive");
    for (size_t i = 0, next; i < count; i = next) {
        struct size_row sum = rows[i];

        for (next = i + 1; next < count && by_size(&rows[i], &rows[next]) == 0; next++) {
            sum.living += rows[next].living;
            sum.places += rows[next].places;
        }
        buffer_printf(text, "%-24s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %12" PRIu64 "\n",
                      run_names[sum.kind], sum.bytes, sum.living, sum.places,
                      sum.living * sum.bytes);
    }
    free(rows);
}

/* ---- blocks one by one ---- */

struct block_row {
    uint64_t address, bytes, site;
    enum heap_run kind;
};

static struct block_row *all_blocks(const struct heap_dump *dump, size_t *count)
{
    struct block_row *rows = NULL;
    size_t capacity = 0;

    *count = 0;
    for (size_t i = 0; i < dump->run_count; i++) {
        const struct heap_run_info *run = &dump->runs[i];

        for (uint64_t block = 0; block < run->blocks; block++) {
            uint64_t address = run->first + block * run->block_bytes;

            if (!heap_block_lives(run, block))
                continue;
            rows = array_reserve(rows, &capacity, *count + 1, sizeof *rows);
            rows[(*count)++] = (struct block_row){address, run->block_bytes,
                                                  heap_block_site(dump, address), run->kind};
        }
    }
    return rows;
}

static int largest_first(const void *left, const void *right)
{
    const struct block_row *a = left, *b = right;

    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return a->address < b->address ? -1 : a->address > b->address;
}

static int by_site(const void *left, const void *right)
{
    const struct block_row *a = left, *b = right;

    return a->site < b->site ? -1 : a->site > b->site;
}

static void put_place(struct buffer *text, struct symbols *symbols, uint64_t pc)
{
    const struct location *location = symbols != NULL ? symbols_find(symbols, pc) : NULL;

    if (pc == 0)
        buffer_string(text, "unknown");
    else if (location == NULL || !location->is_known)
        buffer_printf(text, "pc=0x%" PRIx64, pc);
    else
        buffer_printf(text, "%s %s:%u", location->frames[0].function, location->frames[0].file,
                      location->frames[0].line);
}

static void report_largest(struct buffer *text, struct block_row *rows, size_t count, unsigned top)
{
    if (count > 0)
        qsort(rows, count, sizeof *rows, largest_first);
    buffer_printf(text, "\nlargest blocks\n");
    for (size_t i = 0; i < count && i < top; i++)
        buffer_printf(text, "0x%08" PRIx64 " %12" PRIu64 " bytes, %s\n", rows[i].address,
                      rows[i].bytes, run_names[rows[i].kind]);
}

static void report_sites(struct buffer *text, struct symbols *symbols, struct block_row *rows,
                         size_t count)
{
    if (count > 0)
        qsort(rows, count, sizeof *rows, by_site);
    buffer_printf(text, "\n%-10s %12s  allocated at\n", "blocks", "bytes");
    for (size_t i = 0, next; i < count; i = next) {
        uint64_t bytes = 0;

        for (next = i; next < count && rows[next].site == rows[i].site; next++)
            bytes += rows[next].bytes;
        buffer_printf(text, "%-10zu %12" PRIu64 "  ", next - i, bytes);
        put_place(text, symbols, rows[i].site);
        buffer_string(text, "\n");
    }
}

static void report_threads(struct buffer *text, const struct heap_dump *dump,
                           struct symbols *symbols)
{
    buffer_printf(text, "\n%-6s %-20s %-8s %-10s at\n", "thread", "name", "state", "stack");
    for (size_t i = 0; i < dump->thread_count; i++) {
        const struct heap_thread_info *thread = &dump->threads[i];
        uint64_t state = thread->number[HEAP_THREAD_STATE];

        buffer_printf(text, "%-6" PRIu64 " %-20s %-8s %-10" PRIu64 " ",
                      thread->number[HEAP_THREAD_ID], thread->name,
                      state < 4 ? state_names[state] : "?",
                      thread->number[HEAP_THREAD_STACK_HI] - thread->number[HEAP_THREAD_STACK_LO]);
        put_place(text, symbols, thread->number[HEAP_THREAD_PC]);
        buffer_string(text, "\n");
    }
}

void heap_report(struct buffer *text, const struct heap_dump *dump, struct symbols *symbols,
                 unsigned top)
{
    size_t count;
    struct block_row *rows = all_blocks(dump, &count);

    report_kinds(text, dump);
    report_sizes(text, dump);
    report_largest(text, rows, count, top);
    if (dump->site_count > 0)
        report_sites(text, symbols, rows, count);
    report_threads(text, dump, symbols);
    free(rows);
}

/* ---- who points at a block ---- */

struct target {
    uint64_t start, bytes;
};

static const struct heap_thread_info *thread_of(const struct heap_dump *dump, uint64_t address)
{
    for (size_t i = 0; i < dump->thread_count; i++) {
        const uint64_t *number = dump->threads[i].number;

        if ((address >= number[HEAP_THREAD_STACK_LO] && address < number[HEAP_THREAD_STACK_HI]) ||
            (address >= number[HEAP_THREAD_BLOCK] && address - number[HEAP_THREAD_BLOCK] < 4096))
            return &dump->threads[i];
    }
    return NULL;
}

static void look_in(struct buffer *text, const struct heap_dump *dump, uint64_t lo, uint64_t hi,
                    struct target target, const char *where)
{
    uint64_t step = dump->word_bytes, word;

    lo = (lo + step - 1) / step * step;
    for (uint64_t at = lo; at < hi && hi - at >= step; at += step)
        if (heap_word(dump, at, &word) && word - target.start < target.bytes)
            buffer_printf(text, "0x%08" PRIx64 " in %s -> +%" PRIu64 "\n", at, where,
                          word - target.start);
}

static void look_in_root(struct buffer *text, const struct heap_dump *dump,
                         const struct heap_root_info *root, struct target target)
{
    const struct heap_thread_info *thread =
        root->kind == ROOT_STACK || root->kind == ROOT_CONTROL ? thread_of(dump, root->lo) : NULL;
    static const char *const names[ROOT_KINDS] = {".data", ".bss", "the stack", "the control block",
                                                  "a registered range"};
    struct buffer where = {0};

    buffer_string(&where, names[root->kind]);
    if (thread != NULL)
        buffer_printf(&where, " of thread %" PRIu64 " \"%s\"", thread->number[HEAP_THREAD_ID],
                      thread->name);
    look_in(text, dump, root->lo, root->hi, target, buffer_text(&where));
    buffer_free(&where);
}

static void look_in_run(struct buffer *text, const struct heap_dump *dump,
                        const struct heap_run_info *run, struct target target)
{
    struct buffer where = {0};

    for (uint64_t block = 0; block < run->blocks; block++) {
        uint64_t start = run->first + block * run->block_bytes;

        if (!heap_block_lives(run, block) || start == target.start)
            continue;
        buffer_clear(&where);
        buffer_printf(&where, "the block 0x%08" PRIx64 " of %" PRIu64 " bytes", start,
                      run->block_bytes);
        look_in(text, dump, start, start + run->block_bytes, target, buffer_text(&where));
    }
    buffer_free(&where);
}

void heap_report_pointers(struct buffer *text, const struct heap_dump *dump, uint64_t address)
{
    const struct heap_run_info *run;
    struct target target = {address, 1};

    if (heap_block_at(dump, address, &run, &target.start)) {
        target.bytes = run->block_bytes;
        buffer_printf(text, "pointers to the block 0x%08" PRIx64 " of %" PRIu64 " bytes\n",
                      target.start, target.bytes);
    } else {
        buffer_printf(text, "pointers to 0x%08" PRIx64 ", which is in no living block\n", address);
    }
    for (size_t i = 0; i < dump->root_count; i++)
        look_in_root(text, dump, &dump->roots[i], target);
    for (size_t i = 0; i < dump->run_count; i++)
        if (dump->runs[i].kind != RUN_COLLECTED_RAW)
            look_in_run(text, dump, &dump->runs[i], target);
}
