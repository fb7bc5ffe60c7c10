/* SPDX-License-Identifier: MIT */
#include "linker/mips.ld.h"
READ_ONLY_SECTIONS
