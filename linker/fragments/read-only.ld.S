/* SPDX-License-Identifier: MIT */
#include "linker/parts.ld.h"
READ_ONLY_SECTIONS
