/* SPDX-License-Identifier: MIT */
/* Weft's parts of a firmware's linker script, put together; what a script without memory map or startup code
 * of its own would be. A real firmware's script INCLUDEs the installed fragments instead (docs/install.md). */
#include "linker/mips.ld.h"

PHDRS
{
    text PT_LOAD FLAGS(5);
    data PT_LOAD FLAGS(6);
}

SECTIONS
{
    . = 0x80100000;
    MIPS_TEXT_SECTIONS
    READ_ONLY_SECTIONS
    MIPS_DATA_SECTIONS
    MIPS_BSS_SECTIONS
    MIPS_OTHER_SECTIONS
}

MIPS_ASSERTS
