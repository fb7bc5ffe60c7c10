/* SPDX-License-Identifier: MIT */
/*
 * What weft needs of a linker script for MIPS, as preprocessor macros: linker/malta.ld.S is made of them, and so
 * are the fragments that are installed for scripts of other people's firmware (linker/fragments). Program
 * headers `text` and `data` must be there. The location counter is only touched inside sections: a script with
 * a MEMORY command places sections by region, and assignments to it between sections then have no effect.
 */
#ifndef LINKER_MIPS_LD_H
#define LINKER_MIPS_LD_H

#include <weft/config.h>

#include "linker/sections.ld.h"

/* .text.start is the reset code. The vectors' alignment stands here because the assembler would fill their
 * section up to it. */
#define MIPS_TEXT_SECTIONS                                                                         \
    PART_TEXT_IS_THERE                                                                             \
    .text : {                                                                                      \
        __text_start = .;                                                                          \
        . = ALIGN(4096); /* EBase points at the vectors */                                         \
        *(.text.vectors)                                                                           \
        *(.text.start)                                                                             \
        KEEP(*(.text.secondary)) /* likewise: where other cores start */                           \
        *(.text.unlikely .text.unlikely.* .text.hot .text.hot.* .text .text.* .gnu.linkonce.t.*)   \
        KEEP(*(.init)) KEEP(*(.fini))                                                              \
        . = ALIGN(128); /* its slots */                                                            \
        __atomic64_start = .;                                                                      \
        *(.atomic64)                                                                               \
        __atomic64_end = .;                                                                        \
        *(.restart.*) /* atomic64_settle.c */                                                      \
        __restart_end = .;                                                                         \
        . = ALIGN(4);                                                                              \
        __restart_table = .;                                                                       \
        *(.restart_table.*) /* those whose code is linked: mem/prim.h */                           \
        __restart_table_end = .;                                                                   \
        __text_end = .;                                                                            \
    } :text

#define MIPS_DATA_SECTIONS                                                                         \
    PART_DATA_IS_THERE                                                                             \
    .data : ALIGN(4096) {                                                                          \
        __data_start = .;                                                                          \
        *(.data .data.*) *(.gnu.linkonce.d.*)                                                      \
    } :data                                                                                        \
    CONSTRUCTOR_SECTIONS                                                                           \
    .sdata : ALIGN(16) {                                                                           \
        _gp = . + 0x7ff0; /* newlib reaches its small data with 16-bit offsets from here */        \
        *(.lit8) *(.lit4) *(.sdata .sdata.* .gnu.linkonce.s.*)                                     \
    } :data                                                                                        \
    .tm_clone_table : { *(.tm_clone_table) } :data                                                 \
    .got : { *(.got.plt) *(.got) __data_end = .; } :data

#define MIPS_BSS_SECTIONS                                                                          \
    PART_BSS_IS_THERE                                                                              \
    .bss (NOLOAD) : ALIGN(16) {                                                                    \
        __bss_start = .;                                                                           \
        *(.sbss .sbss.* .gnu.linkonce.sb.* .scommon) /* first: within _gp's reach */               \
        *(.bss.system_stacks)                                                                      \
        *(.bss .bss.* .gnu.linkonce.b.*)                                                           \
        *(COMMON)                                                                                  \
        . = ALIGN(4);                                                                              \
        __bss_end = .;                                                                             \
        . = ALIGN(16);                                                                             \
        __image_end = .;                                                                           \
    } :data                                                                                        \
    __system_stack_top = core_system_stacks + WEFT_CONFIG_SYSTEM_STACK_BYTES;

#define MIPS_OTHER_SECTIONS                                                                        \
    .mdebug.abi32 0 : { *(.mdebug.abi32) }                                                         \
    .gnu.attributes 0 : { *(.gnu.attributes) }                                                     \
    DEBUG_SECTIONS                                                                                 \
    /DISCARD/ : { *(.reginfo) *(.MIPS.abiflags) *(.pdr) *(.note.GNU-stack) *(.eh_frame_entry) *(.gcc_except_table .gcc_except_table.*) }

#define IN_ATOMIC64(name)                                                                          \
    ASSERT(name >= __atomic64_start && name < __atomic64_end, "a 64-bit atomic is outside .atomic64")

#define MIPS_ASSERTS                                                                               \
PARTS_THERE_ASSERTS                                                                                \
PROVIDE(board_early_refuse = mips_early_refuse);                                                   \
ASSERT(_gp - 0x8000 <= ADDR(.sdata), "small data starts more than 32 KiB below _gp")               \
UNWIND_ASSERT                                                                                      \
ASSERT(__atomic64_end > __atomic64_start, "the 64-bit atomics are not in .atomic64")               \
IN_ATOMIC64(__atomic_load_8)                                                                       \
IN_ATOMIC64(__atomic_store_8)                                                                      \
IN_ATOMIC64(__atomic_exchange_8)                                                                   \
IN_ATOMIC64(__atomic_compare_exchange_8)                                                           \
IN_ATOMIC64(__atomic_fetch_add_8)                                                                  \
IN_ATOMIC64(__atomic_fetch_sub_8)                                                                  \
IN_ATOMIC64(__atomic_fetch_and_8)                                                                  \
IN_ATOMIC64(__atomic_fetch_or_8)                                                                   \
IN_ATOMIC64(__atomic_fetch_xor_8)                                                                  \
IN_ATOMIC64(__atomic_fetch_nand_8)                                                                 \
IN_ATOMIC64(atomic64_commit)                                                                       \
ASSERT(__atomic64_end - __atomic64_start == 11 * 128, "something foreign is in .atomic64")         \
ASSERT((arch_vectors & 0xfff) == 0, "EBase has a granularity of 4 KiB")

#endif
