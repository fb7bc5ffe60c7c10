/* SPDX-License-Identifier: MIT */
#define READER mips
#define CFI_WORD_BYTES 4
#define CFI_BIG_ENDIAN 1
#define CFI_REGISTERS 32
#define UNIT_SHIFT 2
#include "tools/unwind/rows_reader.h"
