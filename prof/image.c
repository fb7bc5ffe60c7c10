/* SPDX-License-Identifier: MIT */
/* The linker script's symbols, as C sees them. */
#include "prof/image.h"

#include <stddef.h>

#include "arch/atomic64.h"
#include "arch/unwind.h"

extern const unsigned char __eh_frame_hdr_start[], __eh_frame_hdr_end[];
extern const unsigned char __eh_frame_start[], __eh_frame_end[];
extern const unsigned char __build_id_start[], __build_id_end[];
extern const char __text_start[], __text_end[];

#define NOTE_GNU_BUILD_ID 3

/* An ELF note: name and descriptor follow, each padded to 4 bytes. */
struct note {
    uint32_t name_bytes, descriptor_bytes, type;
};

static const struct cfi_tables tables = {
    .index = {__eh_frame_hdr_start, __eh_frame_hdr_end, 0},
    .frames = {__eh_frame_start, __eh_frame_end, 0},
};

struct cfi_tables image_tables(uintptr_t pc)
{
    const struct arch_foreign_code *foreign = arch_foreign_code(pc);

    if (__builtin_expect(foreign == NULL, 1))
        return tables;
    return (struct cfi_tables){.index = {foreign->index_start, foreign->index_end, 0},
                               .frames = {foreign->frames_start, foreign->frames_end, 0}};
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
