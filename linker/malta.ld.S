/* SPDX-License-Identifier: MIT */
/* Malta: everything in RAM, kseg0, above the first megabyte, which belongs to the boot loader. */
#define TLS_SEGMENTS :text :tls
#include "linker/mips.ld.h"

OUTPUT_ARCH(mips)
ENTRY(_start)

PHDRS
{
    text PT_LOAD FLAGS(5); /* R-X */
    data PT_LOAD FLAGS(6); /* RW- */
    tls PT_TLS FLAGS(4);   /* which values are thread-local */
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
