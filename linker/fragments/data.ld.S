/* SPDX-License-Identifier: MIT */
#include "linker/parts.ld.h"
PARTS_DATA
