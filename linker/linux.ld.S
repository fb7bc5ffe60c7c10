/* SPDX-License-Identifier: MIT */
/*
 * Linux process: the linker's own script stays in force (INSERT), and this adds the symbols that weft
 * reads about the image. What lies between __text_start and __text_end is the image's own code:
 * the places where a thread may lose the core. The section hosted_shield is code of the image as
 * well, but stands outside (arch/amd64/hosted/README.md).
 */
#include <weft/config.h>

SECTIONS
{
    .weft_marks (NOLOAD) : {}
}
INSERT AFTER .bss;

SECTIONS
{
    .restart : {
        __restart_start = .;
        KEEP(*(.restart.keep))
        *(.restart.*) /* arch/restart.h */
        __restart_end = .;
        __restart_bytes = ABSOLUTE(__restart_end - __restart_start);
        . = ALIGN(8);
        __restart_table = .;
        *(.restart_table.*)
        __restart_table_end = .;
    }
}
INSERT BEFORE .text; /* behind it the linker puts sections like hosted_shield */

__text_start = __restart_start;
__text_end = ADDR(.text) + SIZEOF(.text);
__data_start = ADDR(.data);
__data_end = ADDR(.data) + SIZEOF(.data);
__bss_end = ADDR(.bss) + SIZEOF(.bss);
__build_id_start = ADDR(.note.gnu.build-id);
__build_id_end = ADDR(.note.gnu.build-id) + SIZEOF(.note.gnu.build-id);
__eh_frame_hdr_start = ADDR(.eh_frame_hdr);
__eh_frame_hdr_end = ADDR(.eh_frame_hdr) + SIZEOF(.eh_frame_hdr);
__eh_frame_start = ADDR(.eh_frame);
__eh_frame_end = ADDR(.eh_frame) + SIZEOF(.eh_frame);

ASSERT(SIZEOF(.eh_frame_hdr) > 8, "no unwind table: compile with -fasynchronous-unwind-tables, link with --eh-frame-hdr")
