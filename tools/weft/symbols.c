/* SPDX-License-Identifier: MIT */
#include "tools/weft/symbols.h"

#include <assert.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/weft/map.h"
#include "tools/weft/source_path.h"

#define DIE_DEPTH_MAX 64 /* nested scopes; more is a loop in a damaged file */

struct symbols {
    struct image *image;
    Dwarf *dwarf; /* NULL: built without -g */
    struct map strings;
    struct map pcs;
    struct location **locations; /* one per pc */
    size_t locations_capacity;
};

/* The scopes around a pc, outermost first: a function and what is inlined into it there. */
struct scopes {
    Dwarf_Die unit;
    Dwarf_Die dies[DIE_DEPTH_MAX];
    size_t count;
};

struct symbols *symbols_open(const char *path, struct buffer *error)
{
    struct image *image = image_open(path, error);
    struct symbols *symbols;

    if (image == NULL)
        return NULL;
    symbols = memory_zeroed(sizeof *symbols);
    symbols->image = image;
    symbols->dwarf = dwarf_begin_elf(image->elf, DWARF_C_READ, NULL);
    return symbols;
}

void symbols_close(struct symbols *symbols)
{
    if (symbols == NULL)
        return;
    for (size_t i = 0; i < symbols->pcs.count; i++) {
        free(symbols->locations[i]->frames);
        free(symbols->locations[i]);
    }
    free(symbols->locations);
    map_free(&symbols->pcs);
    map_free(&symbols->strings);
    if (symbols->dwarf != NULL)
        dwarf_end(symbols->dwarf);
    image_close(symbols->image);
    free(symbols);
}

const struct image *symbols_image(const struct symbols *symbols)
{
    return symbols->image;
}

const char *symbols_intern(struct symbols *symbols, const char *text)
{
    return map_intern(&symbols->strings, text);
}

/* The compilation unit around `pc`: by .debug_aranges, else by asking every unit. */
static bool symbols_find_unit(struct symbols *symbols, uint64_t pc, Dwarf_Die *unit)
{
    Dwarf_CU *cu = NULL;
    uint8_t type;

    if (symbols->dwarf == NULL)
        return false;
    if (dwarf_addrdie(symbols->dwarf, pc, unit) != NULL)
        return true;
    while (dwarf_get_units(symbols->dwarf, cu, &cu, NULL, &type, unit, NULL) == 0)
        if (type == DW_UT_compile && dwarf_haspc(unit, pc) > 0)
            return true;
    return false;
}

/* Goes down from scopes->unit through every scope that contains the pc, keeping the functions. */
static void symbols_find_scopes(struct scopes *scopes, uint64_t pc)
{
    Dwarf_Die die = scopes->unit, child;

    scopes->count = 0;
    for (size_t depth = 0; depth < DIE_DEPTH_MAX; depth++) {
        bool found = false;

        if (dwarf_child(&die, &child) != 0)
            return;
        do {
            int tag = dwarf_tag(&child);

            found = (tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine ||
                     tag == DW_TAG_lexical_block) &&
                    dwarf_haspc(&child, pc) > 0;
        } while (!found && dwarf_siblingof(&child, &child) == 0);
        if (!found)
            return;
        if (dwarf_tag(&child) != DW_TAG_lexical_block)
            scopes->dies[scopes->count++] = child;
        die = child;
    }
}

static unsigned symbols_attribute(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value = 0;

    if (dwarf_attr(die, name, &attribute) == NULL || dwarf_formudata(&attribute, &value) != 0)
        return 0;
    return (unsigned)value;
}

static const char *symbols_directory(Dwarf_Die *unit)
{
    Dwarf_Attribute attribute;

    return dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
}

static const char *symbols_path(struct symbols *symbols, Dwarf_Die *unit, const char *path)
{
    struct buffer shown = {0};
    const char *interned;

    if (path == NULL)
        return symbols_intern(symbols, "");
    source_path_shorten(&shown, path, symbols_directory(unit));
    interned = symbols_intern(symbols, buffer_text(&shown));
    buffer_free(&shown);
    return interned;
}

/* Where the line table says `pc` is. */
static void symbols_line(struct symbols *symbols, Dwarf_Die *unit, uint64_t pc, struct frame *frame)
{
    Dwarf_Line *line = dwarf_getsrc_die(unit, pc);
    int number = 0;

    if (line == NULL || dwarf_lineno(line, &number) != 0)
        return;
    frame->line = number > 0 ? (unsigned)number : 0;
    frame->file = symbols_path(symbols, unit, dwarf_linesrc(line, NULL, NULL));
}

/* Where an inlined function was called from, which is where its caller is. */
static void symbols_call_line(struct symbols *symbols, Dwarf_Die *unit, Dwarf_Die *inlined,
                              struct frame *frame)
{
    Dwarf_Files *files;
    size_t count, number = symbols_attribute(inlined, DW_AT_call_file);

    frame->line = symbols_attribute(inlined, DW_AT_call_line);
    if (dwarf_getsrcfiles(unit, &files, &count) == 0 && number < count)
        frame->file = symbols_path(symbols, unit, dwarf_filesrc(files, number, NULL, NULL));
}

static void symbols_name(struct symbols *symbols, Dwarf_Die *die, const char *other,
                         struct frame *frame)
{
    const char *name = dwarf_diename(die);
    int line = 0;

    frame->function = symbols_intern(symbols, name != NULL ? name : other);
    if (dwarf_decl_line(die, &line) == 0 && line > 0)
        frame->start_line = (unsigned)line;
}

static void symbols_add_scopes(struct symbols *symbols, struct scopes *scopes,
                               struct location *location, const char *symbol)
{
    struct frame *frames = memory_zeroed(scopes->count * sizeof *frames);

    for (size_t i = 0; i < scopes->count; i++) {
        Dwarf_Die *die = &scopes->dies[scopes->count - 1 - i];

        frames[i].file = symbols_intern(symbols, "");
        frames[i].is_inlined = dwarf_tag(die) == DW_TAG_inlined_subroutine;
        symbols_name(symbols, die, symbol, &frames[i]);
        if (i == 0)
            symbols_line(symbols, &scopes->unit, location->pc, &frames[i]);
        else
            symbols_call_line(symbols, &scopes->unit, die + 1, &frames[i]);
        location->count++;
        if (!frames[i].is_inlined)
            break; /* a nested function's parent is not its caller */
    }
    location->frames = frames;
}

/* A function that DWARF does not describe: the symbol table's name, and a line if there is one. */
static void symbols_add_symbol(struct symbols *symbols, struct scopes *scopes, bool has_unit,
                               struct location *location, const char *name)
{
    location->frames = memory_zeroed(sizeof location->frames[0]);
    location->count = 1;
    location->frames[0].function = symbols_intern(symbols, name);
    location->frames[0].file = symbols_intern(symbols, "");
    if (has_unit)
        symbols_line(symbols, &scopes->unit, location->pc, &location->frames[0]);
}

static void symbols_fill(struct symbols *symbols, struct location *location)
{
    const struct image_function *symbol = image_function_at(symbols->image, location->pc);
    struct scopes scopes = {0};
    bool has_unit;
    char address[32];

    snprintf(address, sizeof address, "0x%" PRIx64, location->pc);
    if (!image_is_text(symbols->image, location->pc)) {
        symbols_add_symbol(symbols, &scopes, false, location, address);
        return;
    }
    has_unit = symbols_find_unit(symbols, location->pc, &scopes.unit);
    if (has_unit)
        symbols_find_scopes(&scopes, location->pc);
    if (scopes.count > 0)
        symbols_add_scopes(symbols, &scopes, location, symbol != NULL ? symbol->name : address);
    else
        symbols_add_symbol(symbols, &scopes, has_unit, location,
                           symbol != NULL ? symbol->name : address);
    location->is_known = scopes.count > 0 || symbol != NULL;
    if (symbol != NULL)
        location->offset = location->pc - symbol->start;
}

/* A 32-bit address that was printed sign-extended is still that address. */
static uint64_t symbols_canonical(const struct symbols *symbols, uint64_t pc)
{
    if (symbols->image->word_bytes == 4 && pc >> 32 == UINT32_MAX)
        return pc & UINT32_MAX;
    return pc;
}

const struct location *symbols_find(struct symbols *symbols, uint64_t pc)
{
    struct location *location;
    size_t number;
    bool is_new;

    pc = symbols_canonical(symbols, pc);
    number = map_number(&symbols->pcs, &pc, sizeof pc, &is_new);
    if (!is_new)
        return symbols->locations[number];
    symbols->locations = array_reserve(symbols->locations, &symbols->locations_capacity, number + 1,
                                       sizeof symbols->locations[0]);
    location = memory_zeroed(sizeof *location);
    location->pc = pc;
    symbols_fill(symbols, location);
    assert(location->count > 0);
    symbols->locations[number] = location;
    return location;
}
