/* SPDX-License-Identifier: MIT */
/* The other cores: started, counted. kernel/cores.c has the essay. */
#ifndef KERNEL_CORES_H
#define KERNEL_CORES_H

#include <stdint.h>
#include <weft/config.h>

extern uint32_t cores_running;

/* The cores that run threads, a bit each. Constant once main runs. */
static inline uint32_t cores_online(void)
{
    return WEFT_CONFIG_CORES == 1 ? 1 : __atomic_load_n(&cores_running, __ATOMIC_ACQUIRE);
}

/* Starts the other cores and waits until they are ready to run threads. Core 0, boot context, after
 * the scheduler's structures exist. */
void cores_start(void);

#endif
