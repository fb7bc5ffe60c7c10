/* SPDX-License-Identifier: MIT */
/*
 * PC: everything in RAM above the first megabyte, which belongs to the firmware. Two segments for the
 * loader; the page tables (boards/pc/board.c) then make three of it: text R-X, constants R--, data RW-.
 * In the file the segments lie as far apart as in memory, so that the Multiboot header can give
 * one stretch to load.
 */
#include <weft/config.h>

#define TLS_SEGMENTS :text :tls
#include "linker/sections.ld.h"

OUTPUT_FORMAT(elf64-x86-64)
OUTPUT_ARCH(i386:x86-64)
ENTRY(_start)

PHDRS
{
    text PT_LOAD FLAGS(5); /* R-X */
    data PT_LOAD FLAGS(6); /* RW- */
    tls PT_TLS FLAGS(4);   /* which values are thread-local */
    note PT_NOTE FLAGS(4); /* the PVH entry, for loaders that look for it */
}

SECTIONS
{
    PART_TEXT_IS_THERE PART_DATA_IS_THERE PART_BSS_IS_THERE
    . = 0x100000;
    __image_start = .;
    __text_start = .;
    .text : {
        KEEP(*(.text.start)) /* the Multiboot header, within the file's first 8 KiB */
        *(.text.unlikely .text.unlikely.* .text.hot .text.hot.* .text .text.* .gnu.linkonce.t.*)
        KEEP(*(.init)) KEEP(*(.fini))
        __atomic64_start = .;
        *(.atomic64)
        __atomic64_end = .;
        __restart_start = .;
        *(.restart.*) /* arch/restart.h */
        __restart_end = .;
        __restart_bytes = ABSOLUTE(__restart_end - __restart_start);
        . = ALIGN(8);
        __restart_table = .;
        *(.restart_table.*)
        __restart_table_end = .;
    } :text
    __text_end = .;
    . = ALIGN(4096);
    __rodata_start = .;
    .note.Xen : { KEEP(*(.note.Xen)) } :text :note
    READ_ONLY_SECTIONS
    .gcc_except_table : { *(.gcc_except_table .gcc_except_table.*) } :text
    . = ALIGN(4096);
    __data_start = .;
    .data : { *(.data .data.*) *(.gnu.linkonce.d.*) } :data
    CONSTRUCTOR_SECTIONS
    .tm_clone_table : { *(.tm_clone_table) } :data
    .got : { *(.got.plt) *(.got) } :data
    __data_end = .;
    . = ALIGN(8);
    __load_end = .;
    .bss (NOLOAD) : {
        __bss_start = .;
        *(.bss.system_stacks)
        *(.bss .bss.* .gnu.linkonce.b.*)
        *(COMMON)
        . = ALIGN(8);
        __bss_end = .;
    } :data
    . = ALIGN(4096);
    __image_end = .;
    __system_stack_top = core_system_stacks + WEFT_CONFIG_SYSTEM_STACK_BYTES;

    DEBUG_SECTIONS
    /DISCARD/ : { *(.note.GNU-stack) *(.note.gnu.property) *(.eh_frame_entry) }
}

UNWIND_ASSERT
ASSERT(pc_multiboot_header - __image_start < 4096, "the Multiboot header must lie in the first 8 KiB of the file")
ASSERT(__image_end < 0x40000000, "the image must end below 1 GiB")
