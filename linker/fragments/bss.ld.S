/* SPDX-License-Identifier: MIT */
#include "linker/mips.ld.h"
MIPS_BSS_SECTIONS
MIPS_OTHER_SECTIONS
MIPS_ASSERTS
