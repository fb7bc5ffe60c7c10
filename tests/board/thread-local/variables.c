/* SPDX-License-Identifier: MIT */
#include "variables.h"

__thread int given = 1234;
__thread uint64_t zero;
__thread unsigned char last[100] = {[98] = 98, [99] = 99};
