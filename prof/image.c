/* SPDX-License-Identifier: MIT */
/* The linker script's symbols, as C sees them. */
#include "prof/image.h"

#include <stddef.h>

#include "arch/atomic64.h"
#include "arch/unwind.h"
#include "prof/unwind_table.h"

extern const unsigned char __eh_frame_hdr_start[], __eh_frame_hdr_end[];
extern const unsigned char __eh_frame_start[], __eh_frame_end[];
extern const unsigned char __build_id_start[], __build_id_end[];
extern const char __text_start[], __text_end[];

#define NOTE_GNU_BUILD_ID 3

/* An ELF note: name and descriptor follow, each padded to 4 bytes. */
struct note {
    uint32_t name_bytes, descriptor_bytes, type;
};

/* The compact unwind table; both NULL in an image that was linked without one. */
extern const unsigned char __start_weft_unwind_table[] __attribute__((weak));
extern const unsigned char __stop_weft_unwind_table[] __attribute__((weak));

static const struct cfi_tables tables = {
    .index = {__eh_frame_hdr_start, __eh_frame_hdr_end, 0},
    .frames = {__eh_frame_start, __eh_frame_end, 0},
};

/* The interpreter is in the image only if something asks the linker for it: what has the table, and
 * no call frame information, goes without. */
extern __typeof__(cfi_find) cfi_find __attribute__((weak));

static bool image_interpret(const struct cfi_tables *from, uintptr_t pc, struct cfi_row *row)
{
    return cfi_find != NULL && cfi_find(from, pc, row);
}

/* What comes with the image itself: the table, and where that does not answer, call frame
 * information, if it was left in. */
static bool image_own_row(uintptr_t pc, struct cfi_row *row, struct cfi_section *blocks)
{
    const struct cfi_section table = {__start_weft_unwind_table, __stop_weft_unwind_table, 0};

    if (table.start != NULL) {
        enum table_answer answer = unwind_table_find(&table, pc, row);

        *blocks = table;
        if (answer != TABLE_ELSE)
            return answer == TABLE_ROW;
    }
    *blocks = tables.frames;
    return image_interpret(&tables, pc, row);
}

bool image_row(uintptr_t pc, struct cfi_row *row, struct cfi_section *blocks)
{
    const struct arch_foreign_code *foreign = arch_foreign_code(pc);

    if (__builtin_expect(foreign == NULL, 1))
        return image_own_row(pc, row, blocks);
    struct cfi_tables theirs = {.index = {foreign->index_start, foreign->index_end, 0},
                                .frames = {foreign->frames_start, foreign->frames_end, 0}};

    *blocks = theirs.frames;
    return image_interpret(&theirs, pc, row);
}

uintptr_t image_text_start(void)
{
    return (uintptr_t)__text_start;
}

uintptr_t image_text_end(void)
{
    return (uintptr_t)__text_end;
}

bool image_in_atomic64(uintptr_t pc)
{
    return arch_in_atomic64(pc);
}

const unsigned char *image_build_id(uint32_t *bytes)
{
    size_t size = (size_t)(__build_id_end - __build_id_start);
    const struct note *note = (const struct note *)(const void *)__build_id_start;

    *bytes = 0;
    if (size < sizeof *note || note->type != NOTE_GNU_BUILD_ID || note->name_bytes != 4 ||
        note->descriptor_bytes > size - sizeof *note - 4)
        return NULL;
    *bytes = note->descriptor_bytes;
    return __build_id_start + sizeof *note + 4;
}
