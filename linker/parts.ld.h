/* SPDX-License-Identifier: MIT */
/* Weft's parts of somebody's linker script, for the architecture that is being built (LINKER_amd64, LINKER_mips). */
#ifdef LINKER_amd64
#include "linker/amd64.ld.h"
#define PARTS_ORIGIN 0x100000
#else
#include "linker/mips.ld.h"
#define PARTS_ORIGIN 0x80100000
#define PARTS_TEXT MIPS_TEXT_SECTIONS
#define PARTS_DATA MIPS_DATA_SECTIONS
#define PARTS_BSS MIPS_BSS_SECTIONS
#define PARTS_OTHER MIPS_OTHER_SECTIONS
#define PARTS_ASSERTS MIPS_ASSERTS
#endif
