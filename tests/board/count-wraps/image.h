/* SPDX-License-Identifier: MIT */
#include <stdint.h>

void count_set(uint32_t value);
