/* SPDX-License-Identifier: MIT */
/* Monotonic time. */
#ifndef WEFT_TIME_H
#define WEFT_TIME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds since boot; never goes back, never wraps in practice (584 years). The resolution is
 * that of the core's cycle counter. Context: any. Cost: about 30 instructions. */
uint64_t weft_time_ns(void);

#ifdef __cplusplus
}
#endif

#endif
