/* SPDX-License-Identifier: MIT */
#include "linker/parts.ld.h"
PARTS_BSS
PARTS_OTHER
PARTS_ASSERTS
