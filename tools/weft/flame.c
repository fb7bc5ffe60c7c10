/* SPDX-License-Identifier: MIT */
/*
 * The flame graph. Stacks merge into a tree by name, root at the bottom; a frame's width is its
 * ticks. The file is complete without its script: every frame is placed, coloured and titled here.
 * The script (flame.js) then moves the same rectangles about; it finds ticks and depth in their
 * data attributes. The layout's constants stand here and go to the script as attributes of the root
 * element.
 */
#include "tools/weft/flame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/weft/flame_text.h"

#define WIDTH 1200.0
#define MARGIN 12.0
#define ROW 19.0       /* height of one level */
#define HEAD 74.0      /* title and search field */
#define FOOT 36.0      /* details */
#define CHARACTER 7.25 /* width of one character of the 12 px monospace font */
#define TEXT_INSET 4.0

struct flame_node {
    const char *name;
    uint64_t total, self;
    struct flame_node **children;
    size_t count, capacity;
};

static struct flame_node *flame_child(struct flame_node *parent, const char *name)
{
    struct flame_node *child;

    for (size_t i = 0; i < parent->count; i++)
        if (parent->children[i]->name == name)
            return parent->children[i];
    child = memory_zeroed(sizeof *child);
    child->name = name;
    parent->children = array_reserve(parent->children, &parent->capacity, parent->count + 1,
                                     sizeof parent->children[0]);
    parent->children[parent->count++] = child;
    return child;
}

static size_t flame_insert(struct flame_node *root, const struct named_stack *stack)
{
    struct flame_node *node = root;

    root->total += stack->count;
    for (size_t i = 0; i < stack->depth; i++) {
        node = flame_child(node, stack->functions[i]);
        node->total += stack->count;
    }
    node->self += stack->count;
    return stack->depth;
}

static int flame_compare(const void *left, const void *right)
{
    return strcmp((*(struct flame_node *const *)left)->name,
                  (*(struct flame_node *const *)right)->name);
}

static void flame_free(struct flame_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        flame_free(node->children[i]);
    free(node->children);
    free(node);
}

/* An XML 1.0 text may hold no control characters, and what is no UTF-8 would end the whole file. */
void flame_escape(struct buffer *svg, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '<')
            buffer_string(svg, "&lt;");
        else if (byte == '>')
            buffer_string(svg, "&gt;");
        else if (byte == '&')
            buffer_string(svg, "&amp;");
        else if (byte == '"')
            buffer_string(svg, "&quot;");
        else
            buffer_byte(svg, byte < 0x20 || byte >= 0x7f ? '?' : byte);
    }
}

/*
 * The colour depends on the name alone, so that two graphs can be compared: runtime pseudo
 * functions in grey-blue, everything else between red and yellow.
 */
static void flame_colour(struct buffer *svg, const char *name)
{
    uint64_t hash = map_hash(name, strlen(name));
    unsigned spread = (unsigned)(hash >> 40) & 0xff, light = (unsigned)(hash >> 20) & 0xff;

    if (name[0] == '_' && name[1] >= 'A' && name[1] <= 'Z')
        buffer_printf(svg, "hsl(%u,28%%,%u%%)", 205 + spread * 20 / 255, 70 + light * 6 / 255);
    else
        buffer_printf(svg, "hsl(%u,82%%,%u%%)", 14 + spread * 36 / 255, 62 + light * 8 / 255);
}

struct flame_drawing {
    struct buffer *svg;
    uint64_t total;
    double height;
};

static void flame_draw_label(const struct flame_drawing *drawing, const char *name, double width)
{
    struct buffer label = {0};
    double room = (width - 2 * TEXT_INSET) / CHARACTER;
    size_t length = strlen(name), fits = room > 0 ? (size_t)room : 0;

    if (fits >= length) {
        buffer_string(&label, name);
    } else if (fits >= 3) {
        buffer_append(&label, name, fits - 2);
        buffer_string(&label, "..");
    }
    flame_escape(drawing->svg, buffer_text(&label));
    buffer_free(&label);
}

static void flame_draw_node(const struct flame_drawing *drawing, const struct flame_node *node,
                            uint64_t at, size_t depth)
{
    double scale = drawing->total > 0 ? (WIDTH - 2 * MARGIN) / (double)drawing->total : 0;
    double x = MARGIN + (double)at * scale, width = (double)node->total * scale;
    double y = drawing->height - FOOT - (double)(depth + 1) * ROW;
    double percent = drawing->total > 0 ? 100.0 * (double)node->total / (double)drawing->total : 0;
    struct buffer *svg = drawing->svg;

    buffer_printf(svg,
                  "<g class=\"f\" tabindex=\"0\" role=\"img\" data-x=\"%" PRIu64
                  "\" data-w=\"%" PRIu64 "\" data-d=\"%zu\" data-n=\"",
                  at, node->total, depth);
    flame_escape(svg, node->name);
    buffer_string(svg, "\"><title>");
    flame_escape(svg, node->name);
    buffer_printf(svg, ": %" PRIu64 " ticks, %.2f%% (itself %" PRIu64 ")</title>", node->total,
                  percent, node->self);
    buffer_printf(svg,
                  "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" rx=\"2\" fill=\"", x,
                  y, width, ROW - 1);
    flame_colour(svg, node->name);
    buffer_printf(svg, "\"/><text x=\"%.2f\" y=\"%.1f\">", x + TEXT_INSET, y + 13);
    flame_draw_label(drawing, node->name, width);
    buffer_string(svg, "</text></g>\n");
}

static void flame_draw(const struct flame_drawing *drawing, struct flame_node *node, uint64_t at,
                       size_t depth)
{
    flame_draw_node(drawing, node, at, depth);
    if (node->count > 0)
        qsort(node->children, node->count, sizeof node->children[0], flame_compare);
    for (size_t i = 0; i < node->count; i++) {
        flame_draw(drawing, node->children[i], at, depth + 1);
        at += node->children[i]->total;
    }
}

static void flame_draw_head(const struct flame_drawing *drawing, const char *title,
                            const char *subtitle)
{
    struct buffer *svg = drawing->svg;

    buffer_printf(svg,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
                  "data-width=\"%.0f\" data-margin=\"%.0f\" data-character=\"%.2f\" "
                  "data-inset=\"%.0f\" data-total=\"%" PRIu64 "\">\n<title>",
                  WIDTH, drawing->height, WIDTH, MARGIN, CHARACTER, TEXT_INSET, drawing->total);
    flame_escape(svg, title);
    buffer_string(svg, "</title>\n<style><![CDATA[\n");
    buffer_string(svg, flame_css);
    buffer_string(svg, "]]></style>\n");
    buffer_printf(svg,
                  "<rect class=\"page\" width=\"%.0f\" height=\"%.0f\"/>\n"
                  "<text class=\"title\" x=\"%.0f\" y=\"30\">",
                  WIDTH, drawing->height, MARGIN);
    flame_escape(svg, title);
    buffer_printf(svg, "</text>\n<text class=\"subtitle\" x=\"%.0f\" y=\"52\">", MARGIN);
    flame_escape(svg, subtitle);
    buffer_string(svg, "</text>\n");
}

static void flame_draw_controls(const struct flame_drawing *drawing)
{
    struct buffer *svg = drawing->svg;
    double right = WIDTH - MARGIN, foot = drawing->height - 13;

    buffer_printf(svg,
                  "<text id=\"reset\" class=\"button\" tabindex=\"0\" role=\"button\" x=\"%.0f\" "
                  "y=\"30\" visibility=\"hidden\">reset zoom</text>\n",
                  right - 340);
    buffer_printf(svg,
                  "<foreignObject x=\"%.0f\" y=\"12\" width=\"240\" height=\"30\">"
                  "<input xmlns=\"http://www.w3.org/1999/xhtml\" id=\"search\" type=\"search\" "
                  "placeholder=\"search (regular expression)\" aria-label=\"search functions\"/>"
                  "</foreignObject>\n",
                  right - 240);
    buffer_printf(svg,
                  "<text id=\"details\" class=\"subtitle\" x=\"%.0f\" y=\"%.0f\" "
                  "aria-live=\"polite\"></text>\n"
                  "<text id=\"matched\" class=\"subtitle end\" x=\"%.0f\" y=\"%.0f\"></text>\n",
                  MARGIN, foot, right, foot);
}

void flame_print(struct buffer *svg, const struct stacks *stacks, const char *title,
                 const char *subtitle)
{
    struct flame_node *root = memory_zeroed(sizeof *root);
    struct flame_drawing drawing = {.svg = svg};
    size_t deepest = 0;

    root->name = "all";
    for (size_t i = 0; i < stacks->keys.count; i++) {
        struct named_stack stack = stacks_get(stacks, i);
        size_t depth = flame_insert(root, &stack);

        deepest = depth > deepest ? depth : deepest;
    }
    drawing.total = root->total;
    drawing.height = HEAD + (double)(deepest + 1) * ROW + FOOT;
    buffer_string(svg, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    flame_draw_head(&drawing, title, subtitle);
    flame_draw(&drawing, root, 0, 0);
    flame_draw_controls(&drawing);
    buffer_string(svg, "<script><![CDATA[\n");
    buffer_string(svg, flame_js);
    buffer_string(svg, "]]></script>\n</svg>\n");
    flame_free(root);
}
