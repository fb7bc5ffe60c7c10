/* SPDX-License-Identifier: MIT */
/* What a thread costs beside the stack it asks for, as sizes of symbols: `make size` reads them. */
#include <reent.h>

#include "arch/fpu.h"
#include "sched/sched.h"

#define COST(name, bytes)                                                                          \
    extern char cost_##name[];                                                                     \
    char cost_##name[bytes]

COST(control_block, sizeof(struct weft_thread));
COST(FPU_area, ARCH_FPU_BYTES);
COST(start_record, sizeof(struct thread_start));
COST(reent_on_first_use, sizeof(struct _reent));
