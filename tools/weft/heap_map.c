/* SPDX-License-Identifier: MIT */
/*
 * The fragmentation map: a cell per page, or per group of pages where there are too many, row by
 * row in order of address. The colour says what the page is, and for pages of small blocks its
 * strength says how many of their places are alive. Hovering shows address and numbers.
 */
#include <inttypes.h>

#include "tools/weft/heap_report.h"

#define COLUMNS 64u
#define CELL 10u
#define ROWS_MAX 256u

static const char *const colours[RUN_KINDS] = {
    [RUN_FREE] = "#eeeeee",      [RUN_RELEASED] = "#ffffff",      [RUN_SPAN] = "#1f6fb4",
    [RUN_LARGE] = "#2ca02c",     [RUN_STACK] = "#ff7f0e",         [RUN_META] = "#7f7f7f",
    [RUN_COLLECTED] = "#9467bd", [RUN_COLLECTED_RAW] = "#c5a6dd",
};

static const char *const legends[RUN_KINDS] = {
    [RUN_FREE] = "free",           [RUN_RELEASED] = "released",
    [RUN_SPAN] = "small blocks",   [RUN_LARGE] = "large",
    [RUN_STACK] = "stacks",        [RUN_META] = "records",
    [RUN_COLLECTED] = "collected", [RUN_COLLECTED_RAW] = "pointer-free",
};

static const struct heap_run_info *run_at(const struct heap_dump *dump, uint64_t address)
{
    for (size_t i = 0; i < dump->run_count; i++)
        if (address - dump->runs[i].address < dump->runs[i].bytes)
            return &dump->runs[i];
    return NULL;
}

/* From a quarter, for pages with next to nothing in them, to 100. */
static unsigned strength_percent(const struct heap_run_info *run)
{
    uint64_t living = 0;

    if (run->blocks == 0)
        return 100;
    for (uint64_t block = 0; block < run->blocks; block++)
        living += heap_block_lives(run, block);
    return (unsigned)(25 + 75 * living / run->blocks);
}

static void put_cell(struct buffer *svg, const struct heap_dump *dump, uint64_t address,
                     uint64_t index, unsigned top)
{
    const struct heap_run_info *run = run_at(dump, address);

    if (run == NULL)
        return;
    buffer_printf(svg,
                  "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\" "
                  "fill-opacity=\"%u%%\"><title>0x%" PRIx64 ": %s",
                  (unsigned)(index % COLUMNS) * CELL, top + (unsigned)(index / COLUMNS) * CELL,
                  CELL - 1, CELL - 1, colours[run->kind], strength_percent(run), address,
                  legends[run->kind]);
    if (run->blocks > 0)
        buffer_printf(svg, " of %" PRIu64 " bytes", run->block_bytes);
    buffer_string(svg, "</title></rect>\n");
}

/* Returns the y below it. */
static unsigned put_region(struct buffer *svg, const struct heap_dump *dump,
                           const struct heap_region *region, unsigned top)
{
    uint64_t pages = region->bytes / region->page_bytes, group = 1, cells;

    while (pages / group > (uint64_t)COLUMNS * ROWS_MAX)
        group *= 2;
    cells = pages / group;
    buffer_printf(svg,
                  "<text x=\"0\" y=\"%u\">0x%" PRIx64 ", %" PRIu64 " KiB, a cell is %" PRIu64
                  " bytes</text>\n",
                  top + 14, region->base, region->bytes / 1024, group * region->page_bytes);
    for (uint64_t i = 0; i < cells; i++)
        put_cell(svg, dump, region->base + i * group * region->page_bytes, i, top + 20);
    return top + 30 + (unsigned)((cells + COLUMNS - 1) / COLUMNS) * CELL;
}

static unsigned put_legend(struct buffer *svg)
{
    for (unsigned kind = 0; kind < RUN_KINDS; kind++)
        buffer_printf(svg,
                      "<rect x=\"%u\" y=\"2\" width=\"9\" height=\"9\" fill=\"%s\" "
                      "stroke=\"#999\"/><text x=\"%u\" y=\"11\">%s</text>\n",
                      kind * 80, colours[kind], kind * 80 + 12, legends[kind]);
    return 20;
}

void heap_map_svg(struct buffer *svg, const struct heap_dump *dump)
{
    struct buffer body = {0};
    unsigned y = put_legend(&body);

    for (size_t i = 0; i < dump->region_count; i++)
        y = put_region(&body, dump, &dump->regions[i], y);
    buffer_printf(svg,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
                  "font-family=\"sans-serif\" font-size=\"11\">\n",
                  COLUMNS * CELL, y);
    buffer_append(svg, body.data, body.length);
    buffer_string(svg, "</svg>\n");
    buffer_free(&body);
}
