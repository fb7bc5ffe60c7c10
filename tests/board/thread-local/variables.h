/* SPDX-License-Identifier: MIT */
#ifndef VARIABLES_H
#define VARIABLES_H

#include <stdint.h>

extern __thread int given;            /* has an initial value */
extern __thread uint64_t zero;        /* has none */
extern __thread unsigned char last[]; /* 100 bytes, the last two given */

#endif
