/* SPDX-License-Identifier: MIT */
#define READER amd64
#define CFI_WORD_BYTES 8
#define CFI_BIG_ENDIAN 0
#define CFI_REGISTERS 17
#define UNIT_SHIFT 0
#include "tools/unwind/rows_reader.h"
