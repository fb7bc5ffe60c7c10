/* SPDX-License-Identifier: MIT */
/* Weft's parts of a firmware's linker script, put together; what a script without memory map or startup code
 * of its own would be. A real firmware's script INCLUDEs the installed fragments instead (docs/install.md). */
#include "linker/parts.ld.h"

PHDRS
{
    text PT_LOAD FLAGS(5);
    data PT_LOAD FLAGS(6);
}

SECTIONS
{
    . = PARTS_ORIGIN;
    PARTS_TEXT
    READ_ONLY_SECTIONS
    PARTS_DATA
    PARTS_BSS
    PARTS_OTHER
}

PARTS_ASSERTS
