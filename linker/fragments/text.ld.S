/* SPDX-License-Identifier: MIT */
#include "linker/mips.ld.h"
MIPS_TEXT_SECTIONS
