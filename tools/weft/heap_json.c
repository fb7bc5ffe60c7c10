/* SPDX-License-Identifier: MIT */
/* What `weft heap --json` says about a dump. */
#include <inttypes.h>
#include <string.h>

#include "tools/weft/heap_report.h"
#include "tools/weft/json.h"

static void put_runs(struct buffer *json, const struct heap_dump *dump)
{
    for (size_t i = 0; i < dump->run_count; i++) {
        const struct heap_run_info *run = &dump->runs[i];
        uint64_t living = 0;

        for (uint64_t block = 0; block < run->blocks; block++)
            living += heap_block_lives(run, block);
        buffer_printf(json, "%s\n  {\"kind\": ", i > 0 ? "," : "");
        json_string(json, heap_run_name(run->kind));
        buffer_printf(json,
                      ", \"address\": %" PRIu64 ", \"bytes\": %" PRIu64
                      ", \"block_bytes\": %" PRIu64 ", \"blocks\": %" PRIu64 "}",
                      run->address, run->bytes, run->block_bytes, living);
    }
}

static void put_threads(struct buffer *json, const struct heap_dump *dump)
{
    for (size_t i = 0; i < dump->thread_count; i++) {
        const struct heap_thread_info *thread = &dump->threads[i];

        buffer_printf(json, "%s\n  {\"id\": %" PRIu64 ", \"name\": ", i > 0 ? "," : "",
                      thread->number[HEAP_THREAD_ID]);
        json_string(json, thread->name);
        buffer_printf(json, ", \"pc\": %" PRIu64 ", \"stack_bytes\": %" PRIu64 "}",
                      thread->number[HEAP_THREAD_PC],
                      thread->number[HEAP_THREAD_STACK_HI] - thread->number[HEAP_THREAD_STACK_LO]);
    }
}

static void put_sites(struct buffer *json, const struct heap_dump *dump, struct symbols *symbols)
{
    for (size_t i = 0; i < dump->site_count; i++) {
        const struct location *location =
            symbols != NULL ? symbols_find(symbols, dump->sites[i].pc) : NULL;

        buffer_printf(json, "%s\n  {\"block\": %" PRIu64 ", \"pc\": %" PRIu64, i > 0 ? "," : "",
                      dump->sites[i].block, dump->sites[i].pc);
        if (location != NULL && location->is_known) {
            buffer_string(json, ", \"function\": ");
            json_string(json, location->frames[0].function);
        }
        buffer_string(json, "}");
    }
}

void heap_report_json(struct buffer *json, const struct heap_dump *dump, struct symbols *symbols)
{
    buffer_printf(json, "{\"word_bytes\": %u, \"cores\": %u,\n \"runs\": [", dump->word_bytes,
                  dump->cores);
    put_runs(json, dump);
    buffer_string(json, "],\n \"threads\": [");
    put_threads(json, dump);
    buffer_string(json, "],\n \"allocated_at\": [");
    put_sites(json, dump, symbols);
    buffer_string(json, "]}\n");
}

void heap_report_pointers_json(struct buffer *json, const struct heap_dump *dump, uint64_t address)
{
    struct buffer text = {0};
    char *line, *rest;

    heap_report_pointers(&text, dump, address);
    rest = text.data;
    line = strsep(&rest, "\n");
    buffer_string(json, "{\"of\": ");
    json_string(json, line != NULL ? line : "");
    buffer_string(json, ",\n \"pointers\": [");
    for (unsigned i = 0; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; i++) {
        buffer_string(json, i > 0 ? ",\n  " : "\n  ");
        json_string(json, line);
    }
    buffer_string(json, "]}\n");
    buffer_free(&text);
}
