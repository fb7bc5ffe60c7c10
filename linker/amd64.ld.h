/* SPDX-License-Identifier: MIT */
/*
 * What weft needs of a linker script for amd64 in somebody's firmware, as preprocessor macros (the PC's own script,
 * linker/pc.ld.S, has page boundaries between its parts besides). Program headers `text` and `data` must be
 * there; the whole image lies below 2 GiB.
 */
#ifndef LINKER_AMD64_LD_H
#define LINKER_AMD64_LD_H

#include <weft/config.h>

#include "linker/sections.ld.h"

#define PARTS_TEXT                                                                                 \
    PART_TEXT_IS_THERE                                                                             \
    .text : {                                                                                      \
        __text_start = .;                                                                          \
        *(.text.unlikely .text.unlikely.* .text.hot .text.hot.* .text .text.* .gnu.linkonce.t.*)   \
        KEEP(*(.init)) KEEP(*(.fini))                                                              \
        __atomic64_start = .;                                                                      \
        *(.atomic64)                                                                               \
        __atomic64_end = .;                                                                        \
        __restart_start = .;                                                                       \
        *(.restart.*) /* arch/restart.h */                                                         \
        __restart_end = .;                                                                         \
        __restart_bytes = ABSOLUTE(__restart_end - __restart_start);                               \
        . = ALIGN(8);                                                                              \
        __restart_table = .;                                                                       \
        *(.restart_table.*)                                                                        \
        __restart_table_end = .;                                                                   \
        __text_end = .;                                                                            \
    } :text

#define PARTS_DATA                                                                                 \
    PART_DATA_IS_THERE                                                                             \
    .data : ALIGN(4096) {                                                                          \
        __data_start = .;                                                                          \
        *(.data .data.*) *(.gnu.linkonce.d.*)                                                      \
    } :data                                                                                        \
    CONSTRUCTOR_SECTIONS                                                                           \
    .tm_clone_table : { *(.tm_clone_table) } :data                                                 \
    .got : { *(.got.plt) *(.got) __data_end = .; } :data

#define PARTS_BSS                                                                                  \
    PART_BSS_IS_THERE                                                                              \
    .bss (NOLOAD) : ALIGN(16) {                                                                    \
        __bss_start = .;                                                                           \
        *(.bss.system_stacks)                                                                      \
        *(.bss .bss.* .gnu.linkonce.b.*)                                                           \
        *(COMMON)                                                                                  \
        . = ALIGN(8);                                                                              \
        __bss_end = .;                                                                             \
        . = ALIGN(16);                                                                             \
        __image_end = .;                                                                           \
    } :data

#define PARTS_OTHER                                                                                \
    DEBUG_SECTIONS                                                                                 \
    /DISCARD/ : { *(.note.GNU-stack) *(.note.gnu.property) *(.eh_frame_entry) *(.gcc_except_table .gcc_except_table.*) }

#define PARTS_ASSERTS                                                                              \
PARTS_THERE_ASSERTS                                                                                \
UNWIND_ASSERT                                                                                      \
ASSERT(__image_end < 0x80000000, "the image must end below 2 GiB")

#endif
