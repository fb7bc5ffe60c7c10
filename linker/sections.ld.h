/* SPDX-License-Identifier: MIT */
/*
 * Linker script fragments common to all targets, as preprocessor macros. Two segments: text is read
 * and executed, data is read and written; none is both.
 */
#ifndef LINKER_SECTIONS_LD_H
#define LINKER_SECTIONS_LD_H

/* The compact unwind table, in images that have one (tools/build/link-table.sh); the linker makes the symbols
 * __start_ and __stop_ of a section with such a name. */
#define UNWIND_TABLE weft_unwind_table : { KEEP(*(weft_unwind_table)) } :text

/* With a table, call frame information stays in the file, for debuggers and the table's maker, but not in the image.
 * WEFT_CONFIG_UNWIND=0: newlib's tables, too, are left out. */
#if WEFT_CONFIG_UNWIND && defined(LINKER_UNWIND_TABLE)
#define UNWIND_SECTIONS                                                                            \
    UNWIND_TABLE                                                                                   \
    __eh_frame_hdr_start = 0;                                                                      \
    __eh_frame_hdr_end = 0;                                                                        \
    __eh_frame_start = 0;                                                                          \
    __eh_frame_end = 0;
#define UNWIND_ASSERT                                                                              \
    ASSERT(SIZEOF(.eh_frame) > 8, "no unwind information: compile with -fasynchronous-unwind-tables")
#define UNWIND_IN_FILE .eh_frame 0 (INFO) : { KEEP(*(.eh_frame)) }
#elif WEFT_CONFIG_UNWIND
#define UNWIND_SECTIONS                                                                            \
    .eh_frame_hdr : {                                                                              \
        __eh_frame_hdr_start = .;                                                                  \
        *(.eh_frame_hdr)                                                                           \
        __eh_frame_hdr_end = .;                                                                    \
    } :text                                                                                        \
    .eh_frame : {                                                                                  \
        __eh_frame_start = .;                                                                      \
        KEEP(*(.eh_frame))                                                                         \
        __eh_frame_end = .;                                                                        \
    } :text                                                                                        \
    UNWIND_TABLE
#define UNWIND_ASSERT                                                                              \
    ASSERT(SIZEOF(.eh_frame_hdr) > 8, "no unwind table: compile with -fasynchronous-unwind-tables, link with --eh-frame-hdr")
#else
#define UNWIND_SECTIONS                                                                            \
    /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) }                                                  \
    __eh_frame_hdr_start = 0;                                                                      \
    __eh_frame_hdr_end = 0;                                                                        \
    __eh_frame_start = 0;                                                                          \
    __eh_frame_end = 0;
#define UNWIND_ASSERT
#endif

/* These answer kernel/board.h: a link without one of the parts ends with the sentence. */
#define PART_TEXT_IS_THERE weft_error__the_linker_script_must_include_weft_text_ld = 1;
#define PART_DATA_IS_THERE weft_error__the_linker_script_must_include_weft_data_ld = 1;
#define PART_BSS_IS_THERE weft_error__the_linker_script_must_include_weft_bss_ld = 1;

/* The same, before other checks fail for want of them. */
#define PARTS_THERE_ASSERTS                                                                        \
ASSERT(DEFINED(weft_error__the_linker_script_must_include_weft_text_ld), "the linker script must INCLUDE weft-text.ld")\
ASSERT(DEFINED(weft_error__the_linker_script_must_include_wefts_fragments), "the linker script must INCLUDE weft-read-only.ld")\
ASSERT(DEFINED(weft_error__the_linker_script_must_include_weft_data_ld), "the linker script must INCLUDE weft-data.ld")

#define READ_ONLY_SECTIONS                                                                         \
    weft_error__the_linker_script_must_include_wefts_fragments = 1;                                \
    .rodata : { *(.rodata .rodata.*) *(.gnu.linkonce.r.*) } :text                                  \
    .note.gnu.build-id : {                                                                         \
        PROVIDE_HIDDEN(__build_id_start = .);                                                      \
        KEEP(*(.note.gnu.build-id))                                                                \
        PROVIDE_HIDDEN(__build_id_end = .);                                                        \
    } :text                                                                                        \
    UNWIND_SECTIONS                                                                                \
    TLS_SECTIONS

/* Thread-local variables: their initial values, which each thread copies. What is only zero takes no
 * place in the image. A script with a header PT_TLS says `:text :tls`; nothing here needs one. */
#ifndef TLS_SEGMENTS
#define TLS_SEGMENTS :text
#endif
#if WEFT_CONFIG_TLS
#define TLS_ASSERT
#else
#define TLS_ASSERT                                                                                 \
    ASSERT(__tls_block_bytes == 0, "thread-local variables (__thread) need weft with WEFT_CONFIG_TLS=1")
#endif
#define TLS_SECTIONS                                                                               \
    .tdata : {                                                                                     \
        __tls_image = .;                                                                           \
        *(.tdata .tdata.* .gnu.linkonce.td.*)                                                      \
    } TLS_SEGMENTS                                                                                 \
    .tbss : { *(.tbss .tbss.* .gnu.linkonce.tb.*) *(.tcommon) } TLS_SEGMENTS                       \
    __tls_image_bytes = SIZEOF(.tdata);                                                            \
    __tls_block_bytes = SIZEOF(.tbss) == 0 ? SIZEOF(.tdata)                                        \
                                           : ADDR(.tbss) + SIZEOF(.tbss) - ADDR(.tdata);           \
    __tls_align = MAX(ALIGNOF(.tdata), ALIGNOF(.tbss));                                            \
    TLS_ASSERT

#define CONSTRUCTOR_SECTIONS                                                                       \
    .preinit_array : {                                                                             \
        PROVIDE_HIDDEN(__preinit_array_start = .);                                                 \
        KEEP(*(.preinit_array))                                                                    \
        PROVIDE_HIDDEN(__preinit_array_end = .);                                                   \
    } :data                                                                                        \
    .init_array : {                                                                                \
        PROVIDE_HIDDEN(__init_array_start = .);                                                    \
        KEEP(*(SORT_BY_INIT_PRIORITY(.init_array.*)))                                              \
        KEEP(*(.init_array))                                                                       \
        PROVIDE_HIDDEN(__init_array_end = .);                                                      \
    } :data                                                                                        \
    .fini_array : {                                                                                \
        PROVIDE_HIDDEN(__fini_array_start = .);                                                    \
        KEEP(*(SORT_BY_INIT_PRIORITY(.fini_array.*)))                                              \
        KEEP(*(.fini_array))                                                                       \
        PROVIDE_HIDDEN(__fini_array_end = .);                                                      \
    } :data

#ifndef UNWIND_IN_FILE
#define UNWIND_IN_FILE
#endif
#define DEBUG_SECTIONS                                                                             \
    UNWIND_IN_FILE                                                                                 \
    .debug_info 0 : { *(.debug_info) }                                                             \
    .debug_abbrev 0 : { *(.debug_abbrev) }                                                         \
    .debug_aranges 0 : { *(.debug_aranges) }                                                       \
    .debug_line 0 : { *(.debug_line) }                                                             \
    .debug_line_str 0 : { *(.debug_line_str) }                                                     \
    .debug_str 0 : { *(.debug_str) }                                                               \
    .debug_loc 0 : { *(.debug_loc) }                                                               \
    .debug_loclists 0 : { *(.debug_loclists) }                                                     \
    .debug_ranges 0 : { *(.debug_ranges) }                                                         \
    .debug_rnglists 0 : { *(.debug_rnglists) }                                                     \
    .debug_frame 0 : { *(.debug_frame) }                                                           \
    .comment 0 : { *(.comment) }

#endif
