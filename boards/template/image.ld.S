/* SPDX-License-Identifier: MIT */
/* Where the image goes: change the address. linker/mips.ld.h has the sections that weft needs. */
#include "linker/mips.ld.h"

OUTPUT_ARCH(mips)
ENTRY(_start)

PHDRS
{
    text PT_LOAD FLAGS(5); /* R-X */
    data PT_LOAD FLAGS(6); /* RW- */
}

SECTIONS
{
    . = 0x80100000; /* kseg0; below it is what the boot loader needs while it loads */
    MIPS_TEXT_SECTIONS
    READ_ONLY_SECTIONS
    MIPS_DATA_SECTIONS
    MIPS_BSS_SECTIONS
    MIPS_OTHER_SECTIONS
}

MIPS_ASSERTS
