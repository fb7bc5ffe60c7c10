/* SPDX-License-Identifier: MIT */
#include "arch/amd64/port/cpu.h"

/* A sleeping pthread and the signal that wakes it take the kernel 5 to 10 microseconds, and both
 * processors' caches: worth some of them. */
#define ARCH_IDLE_POLL_NS 50000
